"""Sessions of a calendar: when a market opens and closes, in UTC nanoseconds.

Four sorts of calendar:

- any name `exchange_calendars` knows (XNYS, XLON, CMES, ...), with its breaks for lunch;
- "24/7": every UTC day from midnight to midnight, by arithmetic;
- the path of a file of weekly hours ("hours/es.yaml"), see `hours.WeeklyHours`;
- "bars", or "bars:NAME": for daily or longer bars of an unknown market; each bar is its own session.
"""

from __future__ import annotations

import hashlib
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from framework.data.reference.hours import SUFFIXES, Sessions, WeeklyHours
from framework.errors import DataError, did_you_mean
from framework.schema.units import NANOSECONDS_PER_DAY

ALWAYS_OPEN = "24/7"
BARS = "bars"

Nanoseconds = NDArray[np.int64]


_exchange_sessions: dict[str, Sessions] = {}
"""Sessions already built, one range a name: building XNYS for 13 years takes about 0.12 s, reading it back nothing."""

_LONGEST_CLOSURE_DAYS = (7, 30, 400)
"""How far back to look for the last session: over a holiday, over the closure of 1914, over what a file leaves out."""


def is_bars(calendar: str) -> bool:
    """Whether each bar is its own session."""
    return calendar == BARS or calendar.startswith(BARS + ":")


def sessions(
    calendar: str, start_ns: int, end_ns: int, bar_stamps: Nanoseconds | None = None, *, interval_ns: int = 0
) -> tuple[Nanoseconds, Nanoseconds]:
    """Opens and closes of the sessions that touch a range: those with open < end and close >= start.

    Args:
        calendar: an `exchange_calendars` name, "24/7" or "bars".
        start_ns: UTC; a session that closes exactly here belongs (its last bar is stamped here).
        end_ns: UTC; a session that opens exactly here does not.
        bar_stamps: for "bars" only, the close stamps, increasing.
        interval_ns: for "bars" only, the length of a bar; 0 means "since the previous bar".

    Returns:
        (open_ns, close_ns), each int64 of shape (sessions,).

    Raises:
        DataError: the calendar is unknown, or does not reach that far.

    >>> [int(x[0]) // 10**9 for x in sessions("24/7", 1, 2)]
    [0, 86400]
    """
    if is_bars(calendar):
        stamps = np.zeros(0, np.int64) if bar_stamps is None else bar_stamps
        opens, closes = _bar_sessions(stamps, interval_ns)
    else:
        table = session_table(calendar, start_ns, end_ns)
        opens, closes = table.open_ns, table.close_ns
    touching = (opens < end_ns) & (closes >= start_ns)
    return opens[touching], closes[touching]


def session_table(calendar: str, start_ns: int, end_ns: int) -> Sessions:
    """Labels, opens and closes of every session labelled from a day before the range to a day after it.

    Raises:
        DataError: the calendar is unknown, has no table ("bars"), or does not reach that far.
    """
    first, last = start_ns // NANOSECONDS_PER_DAY - 1, end_ns // NANOSECONDS_PER_DAY + 1
    if calendar == ALWAYS_OPEN:
        labels = np.arange(first, last + 1, dtype=np.int64)
        return Sessions(labels, labels * NANOSECONDS_PER_DAY, (labels + 1) * NANOSECONDS_PER_DAY)
    if is_bars(calendar):
        raise DataError(f"calendar {calendar!r} has no sessions of its own: each bar is one. Name an exchange calendar instead.")
    if calendar.endswith(SUFFIXES):
        return WeeklyHours.load(Path(calendar)).sessions(first, last)
    known = _exchange_sessions.get(calendar)
    if known is None or first < known.labels[0] or last > known.labels[-1]:
        if known is not None:
            wide_first, wide_last = min(first, int(known.labels[0])), max(last, int(known.labels[-1]))
        else:
            wide_first, wide_last = first, last
        known = _exchange_sessions[calendar] = _load(calendar, wide_first, wide_last)
    return known.between(int(np.searchsorted(known.labels, first)), int(np.searchsorted(known.labels, last, side="right")))


def pauses(calendar: str, start_ns: int, end_ns: int) -> NDArray[np.int64]:
    """Breaks inside the sessions that touch a range, shape (breaks, 2): begin and end, UTC ns; see `sessions`."""
    if is_bars(calendar) or calendar == ALWAYS_OPEN:
        return np.zeros((0, 2), np.int64)
    table = session_table(calendar, start_ns, end_ns)
    touching = np.flatnonzero((table.open_ns < end_ns) & (table.close_ns >= start_ns))
    return table.between(int(touching[0]), int(touching[-1]) + 1).pauses if len(touching) else np.zeros((0, 2), np.int64)


def last_session(calendar: str, before_ns: int) -> tuple[int, int] | None:
    """Open and close of the last session that closed before a stamp; None where the calendar knows of none.

    Raises:
        DataError: the calendar is unknown, or has no sessions of its own ("bars").
    """
    for days in _LONGEST_CLOSURE_DAYS:
        try:
            table = session_table(calendar, before_ns - days * NANOSECONDS_PER_DAY, before_ns)
        except CalendarEnds:
            return None
        past = int(np.searchsorted(table.close_ns, before_ns))
        if past:
            return int(table.open_ns[past - 1]), int(table.close_ns[past - 1])
    return None


def fingerprint(calendar: str) -> str:
    """What a calendar's name does not tell: the hash of its file; empty where it has none."""
    return hashlib.blake2b(Path(calendar).read_bytes(), digest_size=16).hexdigest() if calendar.endswith(SUFFIXES) else ""


class CalendarEnds(DataError):
    """The calendar does not reach as far as asked."""


def _bar_sessions(stamps: Nanoseconds, interval_ns: int) -> tuple[Nanoseconds, Nanoseconds]:
    """One session a bar: from the previous bar, or from `interval_ns` before the stamp if that is later."""
    if not len(stamps):
        return stamps, stamps
    # The first bar has no previous one: it gets the stated length, else the usual spacing, else a day.
    usual = int(np.median(np.diff(stamps))) if len(stamps) > 1 else NANOSECONDS_PER_DAY
    previous = np.concatenate([[stamps[0] - (interval_ns or usual)], stamps[:-1]]).astype(np.int64)
    opens = np.maximum(previous, stamps - interval_ns) if interval_ns else previous
    return opens, stamps


def _load(calendar: str, first: int, last: int) -> Sessions:
    """Ask `exchange_calendars`, with a margin of ten days where the calendar reaches that far.

    The margin keeps `first` and `last` inside the labels when they are holidays, so the cache can tell.
    """
    import exchange_calendars  # 0.1 s: only for tapes that trade on a real exchange

    if calendar not in exchange_calendars.get_calendar_names(include_aliases=True):
        names = [*exchange_calendars.get_calendar_names(include_aliases=False), ALWAYS_OPEN, BARS]
        raise DataError(f"calendar {calendar!r} is unknown. {did_you_mean(calendar, names)} A file of hours ends in .yaml.")
    for margin in (10, 0, -1):  # -1: the day added around the range, where the calendar itself ends at the range
        start, end = pd.Timestamp(first - margin, unit="D"), pd.Timestamp(last + margin, unit="D")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # pandas 3.1 against exchange_calendars 4.13; not ours to act on
                loaded = exchange_calendars.get_calendar(calendar, start=start, end=end)
        except ValueError as error:
            reason = error
            continue
        labels = np.asarray(loaded.sessions.values.astype("datetime64[D]").astype(np.int64))
        breaks = np.stack([loaded.break_starts_nanos, loaded.break_ends_nanos], axis=1)
        breaks = breaks[breaks[:, 0] != np.iinfo(np.int64).min]  # days without a break hold "not a time"
        return Sessions(labels, np.asarray(loaded.opens_nanos, np.int64), np.asarray(loaded.closes_nanos, np.int64), breaks)
    raise CalendarEnds(
        f"calendar {calendar!r} does not reach from {start:%Y-%m-%d} to {end:%Y-%m-%d}: {reason} "
        'Shorten the range with start= and end=, or use calendar="24/7".'
    ) from reason
