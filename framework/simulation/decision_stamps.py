"""From the index of a frame to the stamps of bars at which its rows are decided; what does not fit is refused."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from framework.data.reference.calendar import is_bars, session_table
from framework.data.tape import Tape
from framework.errors import InputError
from framework.schema.event import Kind
from framework.schema.units import NANOSECONDS_PER_DAY

Nanoseconds = NDArray[np.int64]


def decision_stamps(label: str, index: pd.Index, symbols: Sequence[str], tape: Tape | None) -> Nanoseconds:
    """Stamps of the rows, UTC ns.

    A tz-aware stamp is taken as it is. A naive date is taken as a session: it becomes the stamp of the one bar of that session
    of the calendar that the instruments of the columns trade on.

    Args:
        label: name of the frame, for messages.
        index: of the frame.
        symbols: its columns, all of them on the tape.
        tape: whose bars decide; None leaves out the comparison and allows no dates.

    Raises:
        InputError: not a DatetimeIndex, not increasing, a stamp without a bar, a date without exactly one.
    """
    if not isinstance(index, pd.DatetimeIndex):
        raise InputError(
            f"{label}: the index is a {type(index).__name__} of {index.dtype}; it must be a DatetimeIndex of the stamps at which the rows "
            "are decided. Take the index of the bars, or convert it with pd.to_datetime(index, utc=True)."
        )
    if index.hasnans:
        raise InputError(f"{label}, row {int(np.argmax(index.isna()))}: the stamp is NaT. Remove the row.")
    stamps = index.as_unit("ns").asi8
    back = np.flatnonzero(stamps[1:] <= stamps[:-1])
    if len(back):
        row = int(back[0]) + 1
        what = "comes twice" if stamps[row] == stamps[row - 1] else f"comes after {index[row - 1]}"
        raise InputError(
            f"{label}, row {row}: {index[row]} {what}; rule: stamps increase; {len(back)} in all. "
            "Sort with .sort_index() and decide which of two rows of one stamp is meant."
        )
    if index.tz is None:
        return _of_dates(label, index, symbols, tape)
    if tape is not None:
        _refuse_strangers(label, index, stamps, tape.bar_stamps)
    return stamps


def _refuse_strangers(label: str, index: pd.DatetimeIndex, stamps: Nanoseconds, known: Nanoseconds) -> None:
    if not len(known):
        raise InputError(f"{label}: the data have no bars, so no row can be decided on one.")
    at = np.minimum(np.searchsorted(known, stamps), len(known) - 1)
    strange = known[at] != stamps
    if not strange.any():
        return
    row = int(np.argmax(strange))
    after = int(np.searchsorted(known, stamps[row]))
    near = [f"{name} it {_shown(known[k])}" for name, k in (("before", after - 1), ("after", after)) if 0 <= k < len(known)]
    raise InputError(
        f"{label}, row {row}: {index[row]} is not the stamp of a bar; {int(strange.sum())} of {len(stamps)} are not. The nearest bars: "
        f"{', '.join(near)}. Give each row the stamp of the bar at whose close it is decided, and cut rows outside the data away."
    )


def _shown(stamp_ns: int) -> str:
    return str(pd.Timestamp(int(stamp_ns), tz="UTC"))


def _of_dates(label: str, index: pd.DatetimeIndex, symbols: Sequence[str], tape: Tape | None) -> Nanoseconds:
    timed = index != index.normalize()
    if timed.any():
        row = int(np.argmax(timed))
        raise InputError(
            f"{label}, row {row}: {index[row]} has a time but no zone; {int(timed.sum())} in all. "
            'Say the zone with .tz_localize("UTC") or .tz_localize("America/New_York").'
        )
    if tape is None:
        raise InputError(f'{label}: dates without a zone need the data to be placed in. Say the zone with .tz_localize("UTC").')
    labels, stamps = _sessions_with_bars(label, symbols, tape)
    wanted = index.as_unit("ns").asi8 // NANOSECONDS_PER_DAY
    first, last = np.searchsorted(labels, wanted), np.searchsorted(labels, wanted, side="right")
    wrong = last - first != 1
    if wrong.any():
        row = int(np.argmax(wrong))
        found = stamps[first[row] : last[row]]
        bars = f"bars close at {len(found)} stamps, from {_shown(found[0])} to {_shown(found[-1])}" if len(found) else "no bar closes"
        calendars = ", ".join(sorted({tape.instruments[tape.index(symbol)].calendar for symbol in symbols}))
        raise InputError(
            f"{label}, row {row}: {index[row]:%Y-%m-%d} is a date, and in that session of {calendars} {bars}; rule: a date names exactly "
            f"one stamp of bars; {int(wrong.sum())} of {len(index)} do not. Give each row the stamp of its bar, with its zone."
        )
    return stamps[first]


def _sessions_with_bars(label: str, symbols: Sequence[str], tape: Tape) -> tuple[NDArray[np.int64], Nanoseconds]:
    """(session as days since 1970, stamp of a bar in it), sorted, each pair once, for the bars of some instruments."""
    bars = tape.events[tape.events["kind"] == Kind.BAR]
    numbers = np.array([tape.index(symbol) for symbol in symbols], dtype=np.int64)
    pairs = []
    for calendar in sorted({tape.instruments[number].calendar for number in numbers}):
        if is_bars(calendar):
            raise InputError(
                f"{label}: the index has dates without a zone, and the calendar {calendar!r} of the data does not say on which date a "
                'bar closed. Take the index of the bars, or read the data with calendar="XNYS" or the like.'
            )
        own = [number for number in numbers if tape.instruments[number].calendar == calendar]
        stamps = np.unique(bars["ts_local_ns"][np.isin(bars["instrument"], own)])
        if len(stamps):
            table = session_table(calendar, int(stamps[0]), int(stamps[-1]))
            pairs.append(np.stack([table.labels[np.searchsorted(table.close_ns, stamps)], stamps]))
    found = np.unique(np.concatenate(pairs, axis=1), axis=1) if pairs else np.zeros((2, 0), np.int64)
    return found[0], found[1]
