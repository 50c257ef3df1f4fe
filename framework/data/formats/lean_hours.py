"""Lean's market-hours database as weekly hours: regular sessions, or those with the time before and after."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any, Literal

from framework.data.checks.library_errors import FETCH_AGAIN, SHAPE, json_of, reading, text_of
from framework.data.formats.lean_reference import zone_of
from framework.data.reference.hours import WEEKDAYS, WeeklyHours
from framework.errors import DataError, did_you_mean

Which = Literal["regular", "extended"]

_DAY = 1440
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d):([0-5]\d)", re.ASCII)


def read(path: str | Path, entry: str, *, which: Which = "regular") -> WeeklyHours:
    """The hours of a market.

    Args:
        path: market-hours-database.json, or its .gz.
        entry: its name there, such as "Future-cme-ES" or "Equity-usa-[*]".
        which: "regular" hours, or "extended" with what Lean calls pre- and postmarket. A future's night is of the latter.

    An evening that goes on after midnight belongs to the session of the next day. A day that is open right around the clock is its own
    session. Lean closes a date from its early close to midnight; here the early close ends that date's session, and the evening after
    it belongs to the next, and so does a late open that is later than the early close. Bank holidays, on which markets trade, are not kept.

    Raises:
        DataError: no such file or entry, hours that cannot be read.
    """
    place = Path(path)
    words = json_of(text_of(place), place)
    if not isinstance(words, dict) or not isinstance(words.get("entries"), dict):
        raise DataError(f'{place}: no "entries"; rule: the market-hours database of Lean. {FETCH_AGAIN}')
    entries = words["entries"]
    if entry not in entries:
        raise DataError(f"{place.name}: no entry {entry!r}. {did_you_mean(entry, entries)}")
    if which not in ("regular", "extended"):
        raise DataError(f"which={which!r} is unknown. {did_you_mean(which, ('regular', 'extended'))}")
    states = ("market",) if which == "regular" else ("premarket", "market", "postmarket")
    way_out = f'Times are "hh:mm:ss", dates "mm/dd/yyyy". Correct the entry. {FETCH_AGAIN}'
    try:
        with reading(f"{place}, entry {entry!r}", way_out, also=SHAPE):
            return _hours(entries[entry], states)
    except DataError as error:
        raise error if str(error).startswith(str(place)) else DataError(f"{place}, entry {entry!r}: {error}") from error


def _hours(found: Any, states: tuple[str, ...]) -> WeeklyHours:
    """The hours of an entry."""
    days = [_spans(found.get(day, ()), states) for day in WEEKDAYS]
    hours = {day: tuple(f"{_clock(begin)}-{_clock(end)}" for begin, end in spans) for day, spans in zip(WEEKDAYS, _week(days), strict=True)}
    early, late = _times(found.get("earlyCloses", {})), _times(found.get("lateOpens", {}))
    return WeeklyHours(
        zone_of(found["exchangeTimeZone"]),
        {day: spans for day, spans in hours.items() if spans},
        frozenset(_date(day) for day in found.get("holidays", ())),
        early,
        {day: time for day, time in late.items() if day not in early or time < early[day]},  # later than the close: the evening's open
    )


def _spans(segments: Any, states: tuple[str, ...]) -> list[tuple[int, int]]:
    """Open minutes of a calendar day, joined where they touch."""
    spans: list[tuple[int, int]] = []
    for segment in segments:
        if segment["state"] in states:
            begin, end = _minute(segment["start"]), _minute(segment["end"])
            if spans and spans[-1][1] == begin:
                begin = spans.pop()[0]
            spans.append((begin, end))
    return spans


def _week(days: list[list[tuple[int, int]]]) -> list[list[tuple[int, int]]]:
    """Spans by the day on which their session closes; minutes of the evening before are negative."""
    made = [list(spans) for spans in days]
    whole = [(0, _DAY)]
    for number in range(7):
        today, after = days[number], days[(number + 1) % 7]
        if not today or today == whole or after == whole or today[-1][1] != _DAY:
            continue
        begin = made[number].pop()[0] - _DAY
        following = made[(number + 1) % 7]
        end = following.pop(0)[1] if after and after[0][0] == 0 else 0
        following.insert(0, (begin, end))
    return made


def _clock(minute: int) -> str:
    if minute == _DAY:
        return "24:00"
    return f"{minute % _DAY // 60:02d}:{minute % 60:02d}"


def _minute(text: str) -> int:
    """Lean writes the end of a day as 1.00:00:00 or 1:00:00:00."""
    if text in ("1.00:00:00", "1:00:00:00"):
        return _DAY
    found = _TIME.fullmatch(text)
    if found is None or int(found[3]):
        raise ValueError(f"time {text!r}, which is not hh:mm:00")
    return int(found[1]) * 60 + int(found[2])


def _date(text: str) -> dt.date:
    return dt.datetime.strptime(text, "%m/%d/%Y").date()


def _times(words: dict[str, str]) -> dict[dt.date, dt.time]:
    return {_date(day): dt.time(_minute(text) // 60, _minute(text) % 60) for day, text in words.items()}
