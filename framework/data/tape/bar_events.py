"""Bars as events: prices to integer ticks, volumes to integer lots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from framework.data.checks.bar_columns import COLUMNS
from framework.data.checks.far_off import in_ns
from framework.data.checks.inferred_steps import finer_tick, refuse_beyond, row_by_row
from framework.data.tape.event_arrays import put_at
from framework.errors import DataError
from framework.schema.event import EVENT, Kind
from framework.schema.instrument import Instrument
from framework.schema.units import LARGEST_STEPS, to_steps

_BLOCK = 8_192
"""Events made together: they stay in a core's cache until all their words are written."""

_PRICE_WORDS = (("w0", "open"), ("w1", "high"), ("w2", "low"), ("w3", "close"))


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars of one instrument.

    Attributes:
        closes: shape (rows,), their stamps with a time zone, increasing.
        columns: open, high, low, close and volume by name, shape (rows,).
    """

    closes: pd.DatetimeIndex
    columns: Mapping[str, NDArray[np.float64]]

    @property
    def stamps(self) -> NDArray[np.int64]:
        """The closes in UTC ns."""
        return in_ns(self.closes).asi8

    @classmethod
    def of(cls, frame: pd.DataFrame, symbol: str) -> Bars:
        """The bars of a frame.

        Raises:
            DataError: its index holds no stamps with a time zone.
        """
        if not isinstance(frame.index, pd.DatetimeIndex) or frame.index.tz is None:
            raise DataError(f"{symbol}: bars need a tz-aware DatetimeIndex of their closes.")
        return cls(frame.index, {name: np.asarray(frame[name], np.float64) for name in COLUMNS})


def put_bars(events: NDArray[np.void], rows: NDArray[np.int64], bars: Bars, instrument: Instrument, position: int) -> list[str]:
    """Write one BAR event a bar to its row among `events`; a note if volumes had to be floored to whole lots.

    Raises:
        DataError: a price off its tick, or a volume that is no quantity.
    """
    stamps, is_whole = bars.stamps, True
    made = np.zeros(min(len(stamps), _BLOCK), EVENT)
    made["kind"], made["instrument"] = Kind.BAR, position
    for begin in range(0, len(stamps), _BLOCK):
        block = slice(begin, begin + _BLOCK)
        part = made[: len(stamps) - begin]
        part["ts_local_ns"] = part["ts_venue_ns"] = stamps[block]
        for word, column in _PRICE_WORDS:
            part[word], off = to_steps(bars.columns[column][block], instrument.tick)
            if off.any():
                _refuse_off_tick(bars, instrument)
        part["w4"], off = to_steps(bars.columns["volume"][block], instrument.lot)
        is_whole = is_whole and not off.any()
        put_at(events, rows[block], part)
    if is_whole:
        return []
    events["w4"][rows], note = _floored(bars.columns["volume"], instrument, bars.closes)
    return [note]


def _refuse_off_tick(bars: Bars, instrument: Instrument) -> None:
    """Raise for the first price that is off its tick, column by column."""
    for _, column in _PRICE_WORDS:
        values = bars.columns[column]
        _, off = to_steps(values, instrument.tick)
        if off.any():
            row = int(np.argmax(off))
            place = f"{instrument.symbol}, row {bars.closes[row]}, column {column}"
            refuse_beyond(float(values[row]), instrument.tick, place=place, argument="tick_size")
            raise DataError(
                f"{place}: {float(values[row])!r} is not a whole number of ticks of "
                f"{instrument.tick.size:g}; {int(off.sum())} in all. "
                f"{finer_tick(row_by_row([bars.columns[name] for _, name in _PRICE_WORDS]))}"
            )


def _floored(volumes: NDArray[np.float64], instrument: Instrument, index: pd.DatetimeIndex) -> tuple[NDArray[np.int64], str]:
    """Volumes in lots where not all are whole ones, and the note that says so."""
    lots, off = to_steps(volumes, instrument.lot)
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
    return np.where(off, np.floor(scaled), lots).astype(np.int64), note
