"""The bars of a tape as frames: what a strategy computes its signals from before the run."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from framework.data.tape.assembly import Tape
from framework.schema.event import Kind

Frames = Mapping[str, pd.DataFrame]
"""By symbol; see `frames_of`."""

_PRICES = (("open", "w0"), ("high", "w1"), ("low", "w2"), ("close", "w3"))


def frames_of(tape: Tape) -> dict[str, pd.DataFrame]:
    """Bars by symbol, as traded (not adjusted).

    Returns:
        For each instrument, sorted by symbol, a frame with a UTC index of bar closes named "ts" and float columns open, high, low,
        close (price units), volume (units), dividend (money a share that went ex with this bar, 0 on most), split (new shares for
        an old one with this bar, 1 on most). An instrument without bars has an empty frame.
    """
    return {instrument.symbol: _frame(tape, number) for number, instrument in enumerate(tape.instruments)}


def _frame(tape: Tape, number: int) -> pd.DataFrame:
    instrument = tape.instruments[number]
    events = tape.events[tape.events["instrument"] == number]
    bars = events[events["kind"] == Kind.BAR]
    stamps = bars["ts_local_ns"]
    columns: dict[str, NDArray[np.float64]] = {name: instrument.tick.to_floats(bars[word]) for name, word in _PRICES}
    columns["volume"] = instrument.lot.to_floats(bars["w4"])
    columns["dividend"], columns["split"] = np.zeros(len(bars)), np.ones(len(bars))
    for event in events[np.isin(events["kind"], (Kind.DIVIDEND, Kind.SPLIT))]:
        row = int(np.searchsorted(stamps, event["ts_local_ns"]))
        if row < len(bars) and event["kind"] == Kind.DIVIDEND:
            columns["dividend"][row] += int(event["w0"]) / 1_000_000_000
        elif row < len(bars):
            columns["split"][row] *= int(event["w0"]) / int(event["w1"])
    index = pd.DatetimeIndex(stamps.astype("datetime64[ns]"), tz="UTC", name="ts")
    return pd.DataFrame(columns, index=index)
