"""Stamps: from whatever a source wrote to the UTC nanosecond at which a bar was complete.

A stamp may be text, an epoch number or a pandas stamp; it may name an instant or only a date; it may be the open or the
close of its bar. What cannot be told is refused, because a bar known an hour early is a look-ahead nobody sees.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from framework.data.checks.far_off import EARLIEST_NS, FAR_OFF, LATEST_NS, Lines, in_ns, row_text, within_reach
from framework.data.reference.calendar import is_bars, session_table
from framework.data.tape.bar_rules import check_stamps, row_name
from framework.errors import DataError, did_you_mean
from framework.schema.units import NANOSECONDS_PER_DAY, NEVER_NS

Bound = str | dt.date | pd.Timestamp | int | None
BarStamp = Literal["close", "open"]
Epoch = Literal["s", "ms", "us", "ns"]

DAILY_FROM_NS = 20 * 3600 * 10**9
"""Bars at least this far apart are daily: half-days and clock changes bring two closes up to four hours nearer."""

_FIRST_DAY, _LAST_DAY = pd.Timestamp(EARLIEST_NS), pd.Timestamp(LATEST_NS)


@dataclass(frozen=True, slots=True)
class RawStamps:
    """Stamps as read: aware or naive, and whether they name dates rather than instants."""

    index: pd.DatetimeIndex
    dates_only: bool


def bounds_ns(start: Bound, end: Bound) -> tuple[int, int]:
    """First and last stamp kept, both inclusive, in UTC ns.

    A date ("2012-12-31", or a stamp at midnight without a zone) means the whole day in UTC: after its midnight, up to and
    including the next one, since a bar stamped at midnight tells of the day before. An instant needs its zone; an int is UTC ns.

    Raises:
        DataError: not a date or stamp, an instant without a zone, or start after end.

    >>> [ns // 10**9 for ns in bounds_ns("1970-01-01", "1970-01-02")]  # from just after midnight, to the second midnight
    [0, 172800]
    """
    first = -NEVER_NS if start is None else _bound_ns(start, "start", 1)
    last = NEVER_NS if end is None else _bound_ns(end, "end", NANOSECONDS_PER_DAY)
    if first > last:
        raise DataError(f"start={start} is after end={end}. Swap them.")
    return first, last


def _bound_ns(value: Bound, name: str, after_midnight_ns: int) -> int:
    try:
        if isinstance(value, (bool, float, np.bool_, np.floating)):  # True would be a nanosecond, and so would 5.5
            raise TypeError(value)
        if isinstance(value, (int, np.integer)):
            return int(value)
        stamp = pd.Timestamp(value)  # type: ignore[arg-type]
    except (ValueError, TypeError, OverflowError) as error:
        raise DataError(f'{name}={value!r} is not a date or a stamp. Write "2012-12-31" or "2012-12-31 15:30Z".') from error
    if not _FIRST_DAY <= stamp.tz_localize(None) <= _LAST_DAY:  # nor is what is missing
        raise DataError(f'{name}={value!r}; rule: {FAR_OFF}. Write "2012-12-31", or leave it out.')
    if stamp.tz is not None:
        return int(stamp.as_unit("ns").value)
    if stamp != stamp.normalize():
        raise DataError(f'{name}={value!r} has a time but no zone. Write "{stamp:%Y-%m-%d %H:%M}Z" for UTC, or a date alone.')
    return int(stamp.as_unit("ns").value) + after_midnight_ns


def parse(values: pd.Series[Any] | pd.Index[Any], *, place: str, lines: Lines | None = None, epoch: Epoch | None = None) -> RawStamps:
    """Read stamps from text (ISO 8601), epoch numbers or pandas stamps.

    Raises:
        DataError: not ISO 8601, zones on some rows only, numbers without a declared `epoch`.
    """
    if epoch is not None and epoch not in ("s", "ms", "us", "ns"):
        raise DataError(f"epoch={epoch!r} is unknown. {did_you_mean(str(epoch), ('s', 'ms', 'us', 'ns'))}")
    if not len(values):
        check_stamps(pd.DatetimeIndex([]), place=place, lines=lines)  # refuses what has no rows
    if isinstance(values.dtype, pd.DatetimeTZDtype) or pd.api.types.is_datetime64_dtype(values.dtype):
        index = within_reach(pd.DatetimeIndex(values), place, lines)
        return RawStamps(index, index.tz is None and bool((index == index.normalize()).all()))
    if pd.api.types.is_numeric_dtype(values.dtype):
        return RawStamps(_from_numbers(values, place, lines, epoch), False)
    text = pd.Series(values.to_numpy()).map(lambda value: value.isoformat() if isinstance(value, dt.date) else str(value))
    return _parse_text(text.astype(str), place, lines)


def _from_numbers(values: pd.Series[Any] | pd.Index[Any], place: str, lines: Lines | None, epoch: Epoch | None) -> pd.DatetimeIndex:
    if pd.api.types.is_bool_dtype(values.dtype) or pd.api.types.is_complex_dtype(values.dtype):
        raise DataError(f"{place}, column stamp: {values.dtype}; rule: moments. Write them as 2020-01-31T15:30Z.")
    if epoch is None:
        raise DataError(
            f"{place}: the stamps are numbers ({values.to_numpy()[0]} first). "
            'Say what they count since 1970 with epoch="s", "ms", "us" or "ns", or write them as 2020-01-31T15:30Z.'
        )
    missing = np.asarray(values.isna())
    if missing.any():
        row = int(np.argmax(missing))
        raise DataError(
            f"{place}, {row_text(row, lines)}, column stamp: empty; rule: every row needs a stamp. Fill it in or remove the row."
        )
    whole = np.asarray(values.to_numpy(dtype=np.float64) if pd.api.types.is_float_dtype(values.dtype) else values.to_numpy())
    try:
        return within_reach(pd.DatetimeIndex(pd.to_datetime(whole, unit=epoch, utc=True)), place, lines)
    except (ValueError, OverflowError, DataError) as error:
        raise DataError(
            f"{place}: the stamps ({whole[0]} first) are no moments when they count {epoch} since 1970: {error}. "
            'Look at their size: 1,700,000,000 is 2023 in "s", a thousand times that in "ms".'
        ) from error


def _parse_text(text: pd.Series[str], place: str, lines: Lines | None) -> RawStamps:
    parsed = pd.DatetimeIndex(pd.to_datetime(text, format="ISO8601", errors="coerce", utc=True))
    failed = np.asarray(parsed.isna())
    if failed.any():
        row = int(np.argmax(failed))
        shown = repr(text.iloc[row]) if text.iloc[row] else "empty"
        raise DataError(
            f"{place}, {row_text(row, lines)}, column stamp: {shown}; rule: stamps are ISO 8601, such as 2020-01-31 or "
            f"2020-01-31T15:30Z (3/4/2020 could be March or April); {int(failed.sum())} in all. Rewrite them."
        )
    parsed = within_reach(parsed, place, lines)
    dated = text.str.fullmatch(r"\d{4}-\d\d-\d\d").to_numpy(dtype=bool)
    if dated.all():
        return RawStamps(parsed.tz_localize(None), True)
    partial = ~dated & ~text.str.contains(":", regex=False).to_numpy(dtype=bool)
    if dated.any() or partial.any():
        row = int(np.argmax(partial if partial.any() else dated))
        raise DataError(
            f"{place}, {row_text(row, lines)}, column stamp: {text.iloc[row]!r}; rule: all stamps are dates like 2020-01-31, or all have a "
            "time like 2020-01-31T15:30Z. Rewrite it."
        )
    zoned = text.str.contains(r":\d\d(?:\.\d+)?\s*(?:Z|[+-]\d\d:?\d\d)$", regex=True).to_numpy(dtype=bool)
    if not zoned.any():
        return RawStamps(parsed.tz_localize(None), False)
    if not zoned.all():
        row = int(np.argmin(zoned))
        raise DataError(
            f"{place}, {row_text(row, lines)}, column stamp: {text.iloc[row]!r} has no zone while others do. Write the zone on every row."
        )
    return RawStamps(parsed, False)


def modal_interval(ns: NDArray[np.int64]) -> tuple[int, bool]:
    """The commonest spacing of increasing stamps (0 for fewer than two), and whether none are closer than that."""
    if len(ns) < 2:
        return 0, False
    between = np.diff(ns)
    if (between == between[0]).all():
        return int(between[0]), True
    spacings, counts = np.unique(between, return_counts=True)
    mode = int(spacings[np.argmax(counts)])
    return mode, mode == int(spacings[0])


def close_stamps(
    raw: RawStamps, *, place: str, lines: Lines | None, calendar: str | None, time_zone: str | None, bar_stamp: BarStamp
) -> pd.DatetimeIndex:
    """UTC closes of the bars.

    - A date with a calendar: that session's close. A date with a time zone alone: the end of that day there.
    - An instant, `bar_stamp="close"`: itself. `bar_stamp="open"`: plus one bar; for daily bars of a calendar, the close of
      the session that opens there or, at midnight, of the session of that date.

    Raises:
        DataError: no zone, out of order, a date without a session, or opens whose bar length cannot be told.
    """
    if bar_stamp not in ("close", "open"):
        raise DataError(f"bar_stamp={bar_stamp!r} is unknown. {did_you_mean(str(bar_stamp), ('close', 'open'))}")
    check_stamps(raw.index, place=place, lines=lines, zone_needed=False)
    real = calendar if calendar is not None and not is_bars(calendar) else None
    if raw.dates_only:
        return _close_of_dates(raw.index, place, lines, real, time_zone, bar_stamp)
    local = raw.index if raw.index.tz is not None else _localized(raw.index, place, time_zone)
    utc = in_ns(local.tz_convert("UTC"))
    if bar_stamp == "close":
        return utc
    mode, regular = modal_interval(utc.asi8)
    midnights = bool((local == local.normalize()).all())
    if real is not None and (mode >= DAILY_FROM_NS or (mode == 0 and midnights)):
        return _session_closes(local, utc, real, place, lines, midnights=midnights)
    if midnights and mode >= DAILY_FROM_NS and mode < 2 * NANOSECONDS_PER_DAY:
        return _day_ends(local.tz_localize(None), str(local.tz), place)  # a day of 23 or 25 hours still ends at midnight
    if not regular:
        spacing = pd.Timedelta(int(np.diff(utc.asi8).min()), unit="ns") if len(utc) > 1 else None
        found = (
            f"the usual spacing is {pd.Timedelta(mode, unit='ns')}, but some are only {spacing} apart" if spacing else "there is one bar"
        )
        raise DataError(
            f'{place}: bar_stamp="open" needs the length of a bar, and {found}. Stamp the bars at their closes before reading, '
            "or read bars of one length."
        )
    return utc + pd.Timedelta(mode, unit="ns")


def _localized(index: pd.DatetimeIndex, place: str, time_zone: str | None) -> pd.DatetimeIndex:
    if time_zone is None:
        check_stamps(index, place=place)  # refuses naive stamps and says how to name the zone
    try:
        return index.tz_localize(time_zone)
    except ValueError as error:  # a clock change makes an hour happen twice or never
        raise DataError(f"{place}: a stamp cannot be placed in {time_zone}: {error}. Write the stamps in UTC.") from error
    except (KeyError, OSError) as error:
        raise DataError(f'{place}: time_zone={time_zone!r} is unknown. Use a name like "America/New_York" or "UTC".') from error


def _close_of_dates(
    dates: pd.DatetimeIndex, place: str, lines: Lines | None, calendar: str | None, time_zone: str | None, bar_stamp: BarStamp
) -> pd.DatetimeIndex:
    if calendar is not None:
        return _closes_of_labels(dates, calendar, place, lines)
    if time_zone is None:
        raise DataError(
            f"{place}: the stamps are dates (the first is {dates[0]:%Y-%m-%d}), which do not say when a bar closed. Name the market with "
            'calendar="XNYS" or the like to stamp bars at its closes, or say time_zone="America/New_York" or the like to stamp them at '
            "the end of the day there."
        )
    mode, _ = modal_interval(dates.as_unit("ns").asi8)
    if bar_stamp == "open" and mode > NANOSECONDS_PER_DAY:
        raise DataError(
            f'{place}: bar_stamp="open" with dates {mode // NANOSECONDS_PER_DAY} days apart does not say on which day a bar closed. '
            "Date the bars by their last day."
        )
    return _day_ends(dates, time_zone, place)


def _day_ends(dates: pd.DatetimeIndex, time_zone: str, place: str) -> pd.DatetimeIndex:
    return _localized(dates + pd.Timedelta(days=1), place, time_zone).tz_convert("UTC").as_unit("ns")


def _closes_of_labels(dates: pd.DatetimeIndex, calendar: str, place: str, lines: Lines | None) -> pd.DatetimeIndex:
    ns = dates.as_unit("ns").asi8
    table = session_table(calendar, int(ns[0]), int(ns[-1]))
    labels = ns // NANOSECONDS_PER_DAY
    found = np.minimum(np.searchsorted(table.labels, labels), len(table.labels) - 1)
    holiday = table.labels[found] != labels
    if holiday.any():
        row = int(np.argmax(holiday))
        raise DataError(
            f"{place}, {row_name(row, dates, lines)}, column stamp: {dates[row]:%Y-%m-%d} is not a session of {calendar}; "
            f"{int(holiday.sum())} in all. Remove the rows or name the calendar the market keeps."
        )
    return pd.DatetimeIndex(table.close_ns[found], tz="UTC").as_unit("ns")


def _session_closes(
    local: pd.DatetimeIndex, utc: pd.DatetimeIndex, calendar: str, place: str, lines: Lines | None, *, midnights: bool
) -> pd.DatetimeIndex:
    """Closes of the sessions that daily opens belong to: stamped at midnight of the date, or at the session's open."""
    if midnights:
        return _closes_of_labels(local.tz_localize(None), calendar, place, lines)
    ns = utc.asi8
    table = session_table(calendar, int(ns[0]), int(ns[-1]))
    found = np.minimum(np.searchsorted(table.open_ns, ns), len(table.open_ns) - 1)
    other = table.open_ns[found] != ns
    if other.any():
        row = int(np.argmax(other))
        opens = pd.Timestamp(int(table.open_ns[found[row]]), tz="UTC")
        raise DataError(
            f"{place}, {row_name(row, utc, lines)}, column stamp: {utc[row]}; rule: the open of a daily bar of {calendar} is at midnight "
            f"of its date or at the session's open, the nearest is {opens}; {int(other.sum())} in all. Name the calendar the stamps follow."
        )
    return pd.DatetimeIndex(table.close_ns[found], tz="UTC").as_unit("ns")
