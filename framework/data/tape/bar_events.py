"""Bars as events: prices to integer ticks, volumes to integer lots."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from framework.data.checks.inferred_steps import finer_tick, refuse_beyond
from framework.errors import DataError
from framework.schema.event import EVENT, Kind
from framework.schema.instrument import Instrument
from framework.schema.units import LARGEST_STEPS, to_steps

_PRICE_WORDS = (("w0", "open"), ("w1", "high"), ("w2", "low"), ("w3", "close"))


def bar_events(frame: pd.DataFrame, instrument: Instrument, position: int) -> tuple[NDArray[np.void], list[str]]:
    """One BAR event a row, and a note if volumes had to be floored to whole lots.

    Raises:
        DataError: no time zone, a price off its tick, or a volume that is no quantity.
    """
    if not isinstance(frame.index, pd.DatetimeIndex) or frame.index.tz is None:
        raise DataError(f"{instrument.symbol}: bars need a tz-aware DatetimeIndex of their closes.")
    events = np.zeros(len(frame), EVENT)
    events["ts_local_ns"] = frame.index.as_unit("ns").asi8
    events["ts_venue_ns"] = events["ts_local_ns"]
    events["kind"], events["instrument"] = Kind.BAR, position
    for word, column in _PRICE_WORDS:
        values = np.asarray(frame[column], np.float64)
        ticks, off = to_steps(values, instrument.tick)
        if off.any():
            row = int(np.argmax(off))
            place = f"{instrument.symbol}, row {frame.index[row]}, column {column}"
            refuse_beyond(float(values[row]), instrument.tick, place=place, argument="tick_size")
            raise DataError(
                f"{place}: {float(values[row])!r} is not a whole number of ticks of "
                f"{instrument.tick.size:g}; {int(off.sum())} in all. "
                f"{finer_tick(frame[[name for _, name in _PRICE_WORDS]].to_numpy(np.float64).ravel())}"
            )
        events[word] = ticks
    events["w4"], note = _lots(np.asarray(frame["volume"], np.float64), instrument, frame.index)
    return events, note


def _lots(volumes: NDArray[np.float64], instrument: Instrument, index: pd.DatetimeIndex) -> tuple[NDArray[np.int64], list[str]]:
    lots, off = to_steps(volumes, instrument.lot)
    if not off.any():
        return lots, []
    scaled = volumes * float(instrument.lot.denominator) / float(instrument.lot.numerator)
    absurd = ~((scaled >= 0) & (scaled <= LARGEST_STEPS))
    if absurd.any():
        row = int(np.argmax(absurd))
        place = f"{instrument.symbol}, row {index[row]}, column volume"
        refuse_beyond(float(volumes[row]), instrument.lot, place=place, argument="lot_size")
        raise DataError(
            f"{place}: {float(volumes[row])!r} is not a quantity in lots of "
            f"{instrument.lot.size:g}. Correct it or declare a larger lot_size."
        )
    lost = float(np.max(volumes - instrument.lot.to_floats(np.floor(scaled)), where=off, initial=0.0))
    note = (
        f"{instrument.symbol}: {int(off.sum())} volumes are not whole lots of {instrument.lot.size:g} "
        f"and were floored, by {lost:.3g} at most."
    )
    return np.where(off, np.floor(scaled), lots).astype(np.int64), [note]
