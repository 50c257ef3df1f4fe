"""Timers: session opens and closes, fixed times, every so often. They are due by the tape's clock, never by the machine's.

A timer fires after every event of its stamp and before any later one. A timer later than the last event never fires.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from framework.errors import InputError, did_you_mean
from framework.schema.units import NANOSECONDS_PER_DAY, NANOSECONDS_PER_SECOND, NEVER_NS

Sessions = Mapping[str, tuple[NDArray[np.int64], NDArray[np.int64]]]
"""Per calendar: stamps of opens and of closes, ascending."""


@dataclass(slots=True)
class _Timer:
    name: str
    due_ns: int
    following: Callable[[int], int]  # the first due stamp after a given one


class Timers:
    """The timers of one run.

    Args:
        sessions: opens and closes per calendar.
        default_calendar: taken where a timer names none.
    """

    def __init__(self, sessions: Sessions, default_calendar: str | None) -> None:
        self._sessions = sessions
        self._default = default_calendar
        self._timers: list[_Timer] = []
        self._now: Callable[[], int] | None = None
        self._changed: Callable[[], None] | None = None

    def every(self, interval: dt.timedelta, name: str = "every") -> None:
        """Fire at every whole multiple of `interval` since the epoch (UTC): every 5 minutes means :00, :05, :10."""
        step = _nanoseconds(interval)
        if step <= 0:
            raise InputError(f"timer {name!r}: interval must be above 0, got {interval}")
        self._add(name, lambda after: (after // step + 1) * step)

    def at(self, time: dt.time | str, zone: str = "UTC", name: str = "at") -> None:
        """Fire every day at a wall time of `zone`, for instance `at("15:50", "America/New_York")`.

        On the day a clock change skips that time it fires as much later as the clock was moved.
        """
        wall = dt.time.fromisoformat(time) if isinstance(time, str) else time
        place = ZoneInfo(zone)

        def following(after: int) -> int:
            day = dt.datetime.fromtimestamp(after // NANOSECONDS_PER_SECOND, place).date() - dt.timedelta(days=1)
            while True:
                stamp = _stamp(dt.datetime.combine(day, wall, place))
                if stamp > after:
                    return stamp
                day += dt.timedelta(days=1)

        self._add(name, following)

    def once(self, at: dt.datetime, name: str = "once") -> None:
        """Fire once, at a stamp with a time zone."""
        if at.tzinfo is None:
            raise InputError(f"timer {name!r}: {at} has no time zone; give one, for instance datetime(..., tzinfo=UTC)")
        stamp = _stamp(at)
        self._add(name, lambda after: stamp if stamp > after else NEVER_NS)

    def session_open(self, offset: dt.timedelta = dt.timedelta(0), *, calendar: str | None = None, name: str = "session_open") -> None:
        """Fire `offset` after every session's open; negative means before."""
        self._add_stamps(name, calendar, 0, offset)

    def session_close(self, offset: dt.timedelta = dt.timedelta(0), *, calendar: str | None = None, name: str = "session_close") -> None:
        """Fire `offset` after every session's close; `-timedelta(minutes=10)` means ten minutes before."""
        self._add_stamps(name, calendar, 1, offset)

    def _add_stamps(self, name: str, calendar: str | None, column: int, offset: dt.timedelta) -> None:
        chosen = calendar or self._default
        if chosen is None or chosen not in self._sessions:
            raise InputError(f"timer {name!r}: no sessions of calendar {chosen!r}. {did_you_mean(str(chosen), self._sessions)}")
        stamps = self._sessions[chosen][column] + _nanoseconds(offset)

        def following(after: int) -> int:
            place = int(np.searchsorted(stamps, after, side="right"))
            return int(stamps[place]) if place < len(stamps) else NEVER_NS

        self._add(name, following)

    def _add(self, name: str, following: Callable[[int], int]) -> None:
        if any(timer.name == name for timer in self._timers):
            raise InputError(f"there is a timer {name!r} already; give this one another name")
        self._timers.append(_Timer(name, NEVER_NS if self._now is None else following(self._now()), following))
        if self._changed is not None:
            self._changed()

    def start(self, before_ns: int, now: Callable[[], int], changed: Callable[[], None]) -> None:
        """Work out each timer's first stamp at or after `before_ns`; `changed` is called when one is added later, at `now()`."""
        for timer in self._timers:
            timer.due_ns = timer.following(before_ns - 1)
        self._now, self._changed = now, changed
        changed()

    def stop(self) -> None:
        """Let go of the run that was told of changes: until then it and this hold each other in memory."""
        self._now, self._changed = None, None

    def next(self) -> tuple[int, int]:
        """(stamp, id) of the earliest timer; among equals the one declared first."""
        if not self._timers:
            return NEVER_NS, 0
        which = min(range(len(self._timers)), key=lambda k: (self._timers[k].due_ns, k))
        return self._timers[which].due_ns, which

    def fired(self, which: int) -> str:
        """Note that a timer fired, work out its next stamp, and return its name."""
        timer = self._timers[which]
        timer.due_ns = timer.following(timer.due_ns)
        return timer.name

    def __len__(self) -> int:
        return len(self._timers)


def _nanoseconds(delta: dt.timedelta) -> int:
    return delta.days * NANOSECONDS_PER_DAY + delta.seconds * NANOSECONDS_PER_SECOND + delta.microseconds * 1000


def _stamp(at: dt.datetime) -> int:
    return _nanoseconds(at - dt.datetime(1970, 1, 1, tzinfo=dt.UTC))
