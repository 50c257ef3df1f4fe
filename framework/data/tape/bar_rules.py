"""What a table of bars must satisfy before it may become a tape, and the sentences for those that do not.

Nothing is repaired here. The first offence is reported with its place, value, rule and way out, and the count of all offending rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from framework.data.checks.bar_columns import PRICE_COLUMNS, check_columns
from framework.data.checks.far_off import Lines, in_ns
from framework.data.checks.numbers import LARGEST, floats_of, numbers_of, say_not_a_number
from framework.data.reference.calendar import session_table
from framework.errors import DataError
from framework.schema.units import NANOSECONDS_PER_DAY

Mask = NDArray[np.bool_]
Columns = dict[str, NDArray[np.float64]]

_BLOCK = 16_384
"""Rows looked at together: what is worked out from them stays in a core's cache."""


@dataclass(frozen=True, slots=True)
class _Rule:
    """One rule over a frame: which rows break it, and how to say so for a row."""

    broken: Mask
    column: str
    say: Callable[[int], str]


def check_bars(frame: pd.DataFrame, *, place: str, lines: Lines | None = None, volume_needed: bool = True) -> Columns:
    """Raise at the first row that cannot be trusted; the columns by name, not copied where they are float64 already.

    Args:
        frame: columns open, high, low, close, volume; index of tz-aware bar closes.
        place: file or frame, named in the message.
        lines: shape (rows,), line numbers in the file; None names rows by their stamps.
        volume_needed: False for an index, which may have no volume.

    Raises:
        DataError: naming place, row, column, value, the rule with its numbers, and the way out.

    >>> stamp = pd.DatetimeIndex(["2020-01-01"], tz="UTC")
    >>> bars = pd.DataFrame(dict(open=[1.0], high=["2.0"], low=[0.5], close=[1.5], volume=[0]), index=stamp)
    >>> check_bars(bars, place="here")["high"].tolist()
    [2.0]
    """
    check_columns([str(name) for name in frame.columns], place=place, volume_needed=volume_needed)
    check_stamps(frame.index, place=place, lines=lines)
    columns = {str(name): floats_of(frame[name]) for name in frame.columns}
    if not _are_sound(columns):
        numbers, rules = _numbers(frame)
        rules += _value_rules(numbers)
        report(rules, frame.index, place=place, lines=lines)
    return columns


def check_stamps(index: pd.Index, *, place: str, lines: Lines | None = None, zone_needed: bool = True) -> None:
    """Raise unless the index holds increasing stamps with a time zone.

    Raises:
        DataError: empty, not stamps, no time zone, missing, running backwards or duplicated.
    """
    if not len(index):
        raise DataError(f"{place}: no rows. Check the file, or the start= and end= that were asked for.")
    if not isinstance(index, pd.DatetimeIndex):
        raise DataError(f"{place}: the index holds {index.dtype}, not stamps. Set a DatetimeIndex of bar closes.")
    if zone_needed and index.tz is None:
        raise DataError(
            f"{place}: the stamps have no time zone (the first is {index[0]}). "
            'Say which with time_zone="America/New_York" or the like, or localize the index.'
        )
    stamps = index.asi8
    if not index[:1].hasnans and (stamps[1:] > stamps[:-1]).all():  # what is missing is the lowest number: here at most the first
        return
    missing = np.asarray(index.isna())
    backwards = np.zeros(len(index), np.bool_)
    backwards[1:] = stamps[1:] < stamps[:-1]
    # Duplicates need a hash table only when the order is broken; else they are neighbours.
    if backwards.any():
        duplicated = np.asarray(index.duplicated())
    else:
        duplicated = np.zeros(len(index), np.bool_)
        duplicated[1:] = stamps[1:] == stamps[:-1]
    rules = [
        _Rule(missing, "stamp", lambda row: "empty; rule: every row needs a stamp. Fill it in or remove the row."),
        _Rule(duplicated & ~missing, "stamp", lambda row: f"{index[row]}; rule: one row a stamp, but it was seen before. Remove one."),
        _Rule(
            backwards & ~duplicated & ~missing,
            "stamp",
            lambda row: f"{index[row]}; rule: stamps increase, but the row before has {index[row - 1]}. Sort the rows by time.",
        ),
    ]
    report(rules, index, place=place, lines=lines)


def report(rules: Sequence[_Rule], index: pd.Index, *, place: str, lines: Lines | None) -> None:
    """Raise for the earliest row that breaks a rule, with the count of all that do; return when there is none."""
    broken = [rule for rule in rules if rule.broken.any()]
    if not broken:
        return
    first = min(broken, key=lambda rule: int(np.argmax(rule.broken)))
    row = int(np.argmax(first.broken))
    total = int(np.any([rule.broken for rule in broken], axis=0).sum())
    raise DataError(f"{place}, {row_name(row, index, lines)}, column {first.column}: {first.say(row)} {_count(total)}")


def row_name(row: int, index: pd.Index, lines: Lines | None) -> str:
    """How a message names a row: by line in a file, by stamp in a frame."""
    return f"row {index[row]}" if lines is None else f"line {int(lines[row])}"


def _count(total: int) -> str:
    return "1 offending row in all." if total == 1 else f"{total} offending rows in all."


def _numbers(frame: pd.DataFrame) -> tuple[dict[str, NDArray[np.float64]], list[_Rule]]:
    """The columns as float64, and a rule for each that holds something which is not a finite number."""
    numbers: dict[str, NDArray[np.float64]] = {}
    rules = []
    for name in map(str, frame.columns):
        numbers[name], wrong = numbers_of(frame[name])
        rules.append(_Rule(wrong, name, say_not_a_number(frame[name])))
    return numbers, rules


def _are_sound(columns: Columns) -> bool:
    """Whether every row keeps every rule: asked of all rows before the rules are asked which of them do not. NaN keeps none."""
    for begin in range(0, len(columns["open"]), _BLOCK):
        opens, highs, lows, closes = (columns[name][begin : begin + _BLOCK] for name in PRICE_COLUMNS)
        if not (lows.min() > 0 and highs.max() < LARGEST):
            return False
        if not ((np.minimum(opens, closes) >= lows).all() and (np.maximum(opens, closes) <= highs).all()):
            return False
        volumes = columns["volume"][begin : begin + _BLOCK] if "volume" in columns else lows
        if not (volumes.min() >= 0 and volumes.max() < LARGEST):
            return False
    return True


def _value_rules(numbers: dict[str, NDArray[np.float64]]) -> list[_Rule]:
    opens, highs, lows, closes = (numbers[name] for name in PRICE_COLUMNS)
    rules = [_positive_rule(name, numbers[name]) for name in PRICE_COLUMNS]
    if "volume" in numbers:
        volumes = numbers["volume"]
        rules.append(_Rule(volumes < 0, "volume", lambda row: f"{volumes[row]}; rule: volume >= 0. Correct it or remove the row."))
    top, bottom = np.maximum(np.maximum(opens, closes), lows), np.minimum(np.minimum(opens, closes), highs)
    rules.append(
        _Rule(
            highs < top,
            "high",
            lambda row: f"{highs[row]}; rule: high >= open, low and close, but {highs[row]} < {top[row]}. Correct it or remove the row.",
        )
    )
    rules.append(
        _Rule(
            lows > bottom,
            "low",
            lambda row: f"{lows[row]}; rule: low <= open, high and close, but {lows[row]} > {bottom[row]}. Correct it or remove the row.",
        )
    )
    return rules


def _positive_rule(name: str, values: NDArray[np.float64]) -> _Rule:
    return _Rule(values <= 0, name, lambda row: f"{values[row]}; rule: {name} > 0. Correct it or remove the row.")


def check_sessions(
    stamps: pd.DatetimeIndex, calendar: str, *, daily: bool, place: str, lines: Lines | None = None, allow_missing: bool = False
) -> tuple[str, ...]:
    """Raise unless the bars lie in the calendar's sessions and no session between the first and the last lacks one.

    Args:
        stamps: UTC bar closes, increasing.
        calendar: an `exchange_calendars` name or "24/7".
        daily: each bar must be stamped at a session's close; otherwise inside one (open < stamp <= close).
        place: named in the message.
        lines: line numbers in the file, if there are any.
        allow_missing: note missing sessions instead of refusing them.

    Returns:
        Notes for the user: empty, or one sentence about missing sessions.
    """
    ns = in_ns(stamps).asi8
    table = session_table(calendar, int(ns[0]), int(ns[-1]))
    session = np.searchsorted(table.close_ns, ns)  # first session that closes at or after the stamp
    inside = np.minimum(session, len(table.close_ns) - 1)
    if daily:
        wrong = (session >= len(table.close_ns)) | (table.close_ns[inside] != ns)
    else:
        wrong = (session >= len(table.close_ns)) | (table.open_ns[inside] >= ns)

    are_opens = bool(np.isin(ns[wrong], table.open_ns).all())  # and no bar at another time lies outside

    def say(row: int) -> str:
        return _say_outside(stamps[row], table.open_ns, table.close_ns, calendar, daily=daily, are_opens=are_opens)

    report([_Rule(wrong, "stamp", say)], stamps, place=place, lines=lines)
    expected = np.arange(session[0], session[-1] + 1)
    absent = np.setdiff1d(expected, session)
    if not len(absent):
        return ()
    date = pd.Timestamp(int(table.labels[absent[0]]), unit="D")
    found = f"{len(absent)} of the {len(expected)} {calendar} sessions have no bar, the first is {date:%Y-%m-%d}"
    if allow_missing:
        return (f"{place}: {found}; nothing trades in them.",)
    raise DataError(
        f'{place}: {found}. Rule: every session between the first and the last bar has one. Complete the data, say missing="allow" '
        'to trade around the holes, or name another calendar (calendar="bars" for daily bars of an unknown market).'
    )


_OPENS = (
    'All bars outside are stamped at the open of a session, as where stamps are opens: say bar_stamp="open" to have them moved to the '
    "closes, or the last prices of a bar are known before they traded. If they are closes, "
)


def _say_outside(
    stamp: pd.Timestamp, opens: NDArray[np.int64], closes: NDArray[np.int64], calendar: str, *, daily: bool, are_opens: bool
) -> str:
    ns = stamp.as_unit("ns").value
    near = min(max(int(np.searchsorted(closes, ns)), 0), len(closes) - 1)
    label, shut = pd.Timestamp(int(opens[near]), tz="UTC"), pd.Timestamp(int(closes[near]), tz="UTC")
    if not daily:
        return (
            f"{stamp}; rule: bars of {calendar} lie inside its sessions, but the nearest runs from {label} to {shut}. "
            f"{_OPENS if are_opens else ''}{'k' if are_opens else 'K'}eep only the regular session, or name another calendar "
            '(calendar="24/7" has no closed hours).'
        )
    if ns % NANOSECONDS_PER_DAY == 0:
        return (
            f"{stamp}; rule: a daily bar of {calendar} is stamped at its session's close ({shut}). Midnight is before the day has "
            'traded, so the bar would be known too early. Say bar_stamp="open" to have the stamps moved to the closes.'
        )
    return (
        f"{stamp}; rule: a daily bar of {calendar} is stamped at its session's close, the nearest is {shut}. "
        'Declare bar_stamp="open" if these are opens, or the calendar the stamps follow.'
    )
