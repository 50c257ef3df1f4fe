"""Bars as events: prices to integer ticks, volumes to integer lots."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from framework.errors import DataError
from framework.schema.event import EVENT, Kind
from framework.schema.instrument import Instrument
from framework.schema.units import Step

_PRICE_WORDS = (("w0", "open"), ("w1", "high"), ("w2", "low"), ("w3", "close"))
_LARGEST_STEPS = 2.0**62


def to_steps(values: NDArray[np.float64], step: Step) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Whole steps nearest to the values, and which values are not whole steps (not finite and too large included).

    A value counts as whole to within 1e-9 of a step or a double's own precision, as in `Step.exactly`.
    """
    scaled = values * float(step.denominator)
    if step.numerator != 1:
        scaled = scaled / float(step.numerator)
    whole = np.rint(scaled)
    size = np.abs(scaled)
    off = ~((np.abs(scaled - whole) <= np.maximum(1e-9, size * 4e-16)) & (size < _LARGEST_STEPS))
    nothing = whole == 0
    if nothing.any():
        off |= nothing & (values != 0)  # a price of 1e-300 is not 0
    return np.where(size < _LARGEST_STEPS, whole, 0.0).astype(np.int64), off


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
            raise DataError(
                f"{instrument.symbol}, row {frame.index[row]}, column {column}: {float(values[row])!r} is not a whole number of ticks of "
                f"{instrument.tick.size:g}; {int(off.sum())} in all. Declare a finer tick_size or correct the price."
            )
        events[word] = ticks
    events["w4"], note = _lots(np.asarray(frame["volume"], np.float64), instrument, frame.index)
    return events, note


def _lots(volumes: NDArray[np.float64], instrument: Instrument, index: pd.DatetimeIndex) -> tuple[NDArray[np.int64], list[str]]:
    lots, off = to_steps(volumes, instrument.lot)
    if not off.any():
        return lots, []
    scaled = volumes * float(instrument.lot.denominator) / float(instrument.lot.numerator)
    absurd = ~((scaled >= 0) & (scaled < _LARGEST_STEPS))
    if absurd.any():
        row = int(np.argmax(absurd))
        raise DataError(
            f"{instrument.symbol}, row {index[row]}, column volume: {float(volumes[row])!r} is not a quantity in lots of "
            f"{instrument.lot.size:g}. Correct it or declare a larger lot_size."
        )
    lost = float(np.max(volumes - instrument.lot.to_floats(np.floor(scaled)), where=off, initial=0.0))
    note = (
        f"{instrument.symbol}: {int(off.sum())} volumes are not whole lots of {instrument.lot.size:g} "
        f"and were floored, by {lost:.3g} at most."
    )
    return np.where(off, np.floor(scaled), lots).astype(np.int64), [note]
