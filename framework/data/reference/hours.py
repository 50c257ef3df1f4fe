"""Hours that repeat every week, for markets no calendar package knows: sessions overnight, breaks, holidays, half days."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import yaml
from numpy.typing import NDArray

from framework.data.checks.library_errors import SHAPE, reading, text_of
from framework.errors import DataError, did_you_mean

SUFFIXES = (".yaml", ".yml")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_MINUTES_PER_DAY = 1440
_NO_PAUSES: NDArray[np.int64] = np.zeros((0, 2), np.int64)
_EPOCH = dt.date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Sessions:
    """Consecutive sessions.

    Attributes:
        labels: days since 1970, the local trading dates.
        open_ns, close_ns: UTC ns.
        pauses: breaks inside sessions, shape (breaks, 2), begin and end in UTC ns, in order of time.
    """

    labels: NDArray[np.int64]
    open_ns: NDArray[np.int64]
    close_ns: NDArray[np.int64]
    pauses: NDArray[np.int64] = field(default_factory=lambda: _NO_PAUSES)

    def between(self, first: int, past_last: int) -> Sessions:
        """The sessions at positions `first` to `past_last - 1`."""
        opens, closes = self.open_ns[first:past_last], self.close_ns[first:past_last]
        pauses = self.pauses
        if len(pauses):
            pauses = pauses[(pauses[:, 0] > opens[0]) & (pauses[:, 1] < closes[-1])] if len(opens) else _NO_PAUSES
        return Sessions(self.labels[first:past_last], opens, closes, pauses)


@dataclass(frozen=True)
class WeeklyHours:
    """When a market is open in a week, and the days on which that is different.

    Attributes:
        time_zone: of all times, as the time-zone database names it.
        hours: by weekday ("monday") the spans of its session, "HH:MM-HH:MM"; "24:00" is the end of a day. What lies between two spans
            is a break inside the session. A session belongs to the day on which it closes: a time that is later than the one after
            it lies on the day before, so "18:00-17:00" on monday opens on sunday evening. A weekday that is not named is closed.
        holidays: dates without their session; its evening before is closed too.
        early_closes: by date, when its session ends.
        late_opens: by date, when its session begins, by the clock of that date.

    >>> es = WeeklyHours("America/New_York", {"monday": ["18:00-17:00"]})
    >>> table = es.sessions(19_790, 19_796)  # 2024-03-08 to 2024-03-14; clocks went forward on the 10th
    >>> [str(np.datetime64(int(ns), "ns"))[:16] for ns in (table.open_ns[0], table.close_ns[0])]
    ['2024-03-10T22:00', '2024-03-11T21:00']
    """

    time_zone: str
    hours: Mapping[str, Sequence[str]]
    holidays: frozenset[dt.date] = frozenset()
    early_closes: Mapping[dt.date, dt.time] = field(default_factory=dict)
    late_opens: Mapping[dt.date, dt.time] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _zone(self.time_zone)
        if not any(self.hours.values()):
            raise DataError('hours: no weekday is open. Name one: {"monday": ["09:30-16:00"]}.')
        for day, spans in self.hours.items():
            if day not in WEEKDAYS:
                raise DataError(f"hours: {day!r} is no weekday. {did_you_mean(str(day), WEEKDAYS)}")
            _minutes(day, spans)

    def sessions(self, first: int, last: int) -> Sessions:
        """The sessions labelled from day `first` to day `last`, both inclusive, in days since 1970."""
        zone = _zone(self.time_zone)
        week = [_minutes(day, self.hours.get(day, ())) for day in WEEKDAYS]
        found: list[tuple[int, int, int]] = []
        pauses: list[tuple[int, int]] = []
        for number in range(first, last + 1):
            day = _EPOCH + dt.timedelta(days=number)
            if day in self.holidays:
                continue
            spans = self._of_the_day(day, week[day.weekday()])
            stamps = [tuple(_stamp(day, minute, zone) for minute in span) for span in spans]
            if stamps:
                found.append((number, stamps[0][0], stamps[-1][1]))
                pauses += [(before[1], after[0]) for before, after in pairwise(stamps) if before[1] < after[0]]
        for one, after in pairwise(found):
            if after[1] < one[2]:
                day = _EPOCH + dt.timedelta(days=after[0])
                raise DataError(f"hours: the session of {day} opens before the one before it has closed. Correct the hours.")
        table = np.array(found, np.int64).reshape(-1, 3)
        return Sessions(table[:, 0], table[:, 1], table[:, 2], np.array(pauses, np.int64).reshape(-1, 2))

    def _of_the_day(self, day: dt.date, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """The usual spans, cut to an early close and a late open."""
        early, late = self.early_closes.get(day), self.late_opens.get(day)
        until = _MINUTES_PER_DAY if early is None else early.hour * 60 + early.minute
        since = -_MINUTES_PER_DAY if late is None else late.hour * 60 + late.minute
        cut = [(max(begin, since), min(end, until)) for begin, end in spans]
        return [(begin, end) for begin, end in cut if begin < end]

    @classmethod
    def load(cls, path: str | Path) -> WeeklyHours:
        """Read a file: a mapping with the names of the attributes.

        Raises:
            DataError: no such file, an unknown word, a time or date that cannot be read.
        """
        place = Path(path)
        if not place.is_file():
            beside = [item.name for item in place.parent.iterdir() if item.suffix in SUFFIXES] if place.parent.is_dir() else []
            raise DataError(f"calendar {str(path)!r}: no such file. {did_you_mean(place.name, beside)}")
        text = text_of(place)
        with reading(place, "Correct the file.", fault="not YAML that can be read", also=(yaml.YAMLError, *SHAPE)):
            words = yaml.load(text, Loader=yaml.BaseLoader)  # text only: 17:00 is no number
        if not isinstance(words, dict):
            raise DataError(f"{place}: rule: a mapping with time_zone and hours, here a {type(words).__name__}. Correct the file.")
        known = ("time_zone", "hours", "holidays", "early_closes", "late_opens")
        for word in words:
            if word not in known:
                raise DataError(f"{place}: {word!r} is unknown. {did_you_mean(str(word), known)} Rename or remove it.")
        for word in known[:2]:
            if word not in words:
                raise DataError(f"{place}: {word} is missing. Add it.")
        try:
            return cls(
                str(words["time_zone"]),
                {str(day): tuple(_list(spans or (), f"hours of {day}")) for day, spans in _mapping(words["hours"], "hours").items()},
                frozenset(_date(day, "holidays") for day in _list(words.get("holidays") or (), "holidays")),
                _times(words.get("early_closes") or {}, "early_closes"),
                _times(words.get("late_opens") or {}, "late_opens"),
            )
        except DataError as error:
            raise DataError(f"{place}: {error}") from error

    def save(self, path: str | Path) -> None:
        """Write a file that `load` reads and `calendar=` takes; its name must end in .yaml or .yml."""
        place = Path(path)
        if not place.name.endswith(SUFFIXES):
            raise DataError(f"{place}: rule: a file of hours ends in .yaml or .yml, so that calendar= knows it.")
        words: dict[str, Any] = {
            "time_zone": self.time_zone,
            "hours": {day: list(self.hours[day]) for day in WEEKDAYS if self.hours.get(day)},
            "holidays": [str(day) for day in sorted(self.holidays)],
            "early_closes": {str(day): f"{self.early_closes[day]:%H:%M}" for day in sorted(self.early_closes)},
            "late_opens": {str(day): f"{self.late_opens[day]:%H:%M}" for day in sorted(self.late_opens)},
        }
        place.write_text(yaml.safe_dump(words, sort_keys=False), encoding="utf-8")


def _minutes(day: str, spans: Sequence[str]) -> list[tuple[int, int]]:
    """Spans as minutes from the midnight that begins the day; those of the evening before are negative."""
    times: list[int] = []
    for span in spans:
        ends = str(span).split("-")
        if len(ends) != 2:
            raise DataError(f'hours of {day}: {span!r}; rule: open and close, such as "09:30-16:00". Correct it.')
        times += [_minute(end.strip(), f"hours of {day}") for end in ends]
    back = 0
    for k in range(len(times) - 2, -1, -1):
        gap = times[k + 1] - (times[k] + back)
        if gap < 0 or (gap == 0 and k % 2 == 0):  # one span may begin where another ends; a span from 18:00 to 18:00 is a whole day
            back -= _MINUTES_PER_DAY
        times[k] += back
    if times and times[0] < -_MINUTES_PER_DAY:
        raise DataError(f"hours of {day}: {', '.join(spans)}; rule: at most the evening before belongs to a day. Give the spans in order.")
    return list(zip(times[::2], times[1::2], strict=True))


def _minute(text: str, place: str) -> int:
    if text == "24:00":
        return _MINUTES_PER_DAY
    try:
        time = dt.time.fromisoformat(text)
    except ValueError as error:
        raise DataError(f"{place}: {text!r} is not a time HH:MM. Correct it.") from error
    if time.second or time.microsecond or time.tzinfo:
        raise DataError(f"{place}: {text!r}; rule: whole minutes, HH:MM. Correct it.")
    return time.hour * 60 + time.minute


def _stamp(day: dt.date, minute: int, zone: ZoneInfo) -> int:
    """UTC ns of a wall time; one that a clock change skips is as much later, of one that comes twice the first is meant."""
    back, rest = divmod(minute, _MINUTES_PER_DAY)
    wall = dt.datetime.combine(day + dt.timedelta(days=back), dt.time(rest // 60, rest % 60), zone)
    return int(wall.timestamp()) * 1_000_000_000


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise DataError(f'time_zone {name!r} is unknown. Use a name like "America/New_York" or "UTC".') from error


def _mapping(words: Any, place: str) -> Mapping[Any, Any]:
    if not isinstance(words, Mapping):
        raise DataError(f"{place}: rule: a mapping, here {words!r}. Correct it.")
    return words


def _list(words: Any, place: str) -> Sequence[Any]:
    if isinstance(words, (str, Mapping)) or not isinstance(words, Sequence):
        raise DataError(f"{place}: {words!r}; rule: a list. Write [{words if isinstance(words, str) else '...'}].")
    return words


def _date(text: Any, place: str) -> dt.date:
    try:
        return dt.date.fromisoformat(str(text))
    except ValueError as error:
        raise DataError(f"{place}: {text!r} is not a date yyyy-mm-dd. Correct it.") from error


def _times(words: Any, place: str) -> dict[dt.date, dt.time]:
    found = {}
    for day, time in _mapping(words, place).items():
        minute = _minute(str(time), f"{place}, {day}")
        if minute == _MINUTES_PER_DAY:
            raise DataError(f"{place}, {day}: 24:00; rule: before the end of the day. Leave it out.")
        found[_date(day, place)] = dt.time(minute // 60, minute % 60)
    return found
