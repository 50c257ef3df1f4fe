"""Timers: session opens and closes, fixed times, every so often. They are due by the tape's clock, never by the machine's.

A timer fires after every event of its stamp and before any later one. A timer later than the last event never fires.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from framework.errors import InputError, did_you_mean
from framework.kernel.layout.roots import TRADER
from framework.kernel.trader.trader import Trader
from framework.schema.units import FIRST_STAMP_NS, LAST_STAMP_NS, LONGEST_NS, NANOSECONDS_PER_DAY, NANOSECONDS_PER_SECOND, NEVER_NS

_NOW, _TIMER_NS, _TIMER_ID = (TRADER.fields[name][1] // 8 for name in ("now_ns", "timer_ns", "timer_id"))  # type: ignore[index]


class Hours(Protocol):
    """When the sessions of calendars open and close: the part of a `Market` that timers ask."""

    @property
    def calendars(self) -> Sequence[str]:
        """Their names."""
        ...

    def opens(self, calendar: str, after_ns: int, count: int) -> NDArray[np.int64]:
        """The first so many opens after a stamp, ascending."""
        ...

    def closes(self, calendar: str, after_ns: int, count: int) -> NDArray[np.int64]:
        """The same of closes."""
        ...


Series = Callable[[int, int], NDArray[np.int64]]
"""The first so many stamps after a given one, ascending; fewer where no more will come."""

FIRING = np.dtype([("due_ns", "<i8"), ("number", "<i8")])
"""A timer that will fire: when, and which one by the order of declaration."""

_SHORTEST_AGENDA, _LONGEST_AGENDA = 8, 1024
"""Firings of each timer that are worked out at once: it starts short and doubles, since few runs need many."""


@dataclass(slots=True)
class _Timer:
    name: str
    series: Series
    fired_ns: int  # it is due after this stamp


class Timers:
    """The timers of one run.

    Args:
        hours: of the market. Where a timer names no calendar the first is taken.
    """

    def __init__(self, hours: Hours) -> None:
        self.hours = hours
        self._timers: list[_Timer] = []
        self._trader: Trader | None = None  # from when the run starts
        self._agenda: NDArray[np.void] = np.zeros(0, dtype=FIRING)
        self._firings: list[tuple[int, int]] = []  # as a list, once a Python hook reads it
        self._next, self._size = 0, 0

    def every(self, interval: dt.timedelta, name: str = "every") -> None:
        """Fire at every whole multiple of `interval` since the epoch (UTC): every 5 minutes means :00, :05, :10."""
        step = _nanoseconds(interval)
        if step <= 0:
            raise InputError(f"timer {name!r}: interval must be above 0, got {interval}")
        if step > LONGEST_NS:
            raise InputError(f"timer {name!r}: interval {interval}; rule: at most {LONGEST_NS} ns (ten years)")

        def series(after: int, count: int) -> NDArray[np.int64]:
            first = after // step + 1
            return (first + np.arange(min(count, max(LAST_STAMP_NS // step + 1 - first, 0)))) * step

        self.add(name, series)

    def at(self, time: dt.time | str, zone: str = "UTC", name: str = "at") -> None:
        """Fire every day at a wall time of `zone`, for instance `at("15:50", "America/New_York")`.

        On the day a clock change skips that time it fires as much later as the clock was moved.
        """
        wall = dt.time.fromisoformat(time) if isinstance(time, str) else time
        place = ZoneInfo(zone)

        def series(after: int, count: int) -> NDArray[np.int64]:
            day = dt.datetime.fromtimestamp(after // NANOSECONDS_PER_SECOND, place).date() - dt.timedelta(days=1)
            found: list[int] = []
            while len(found) < count:
                stamp = _stamp(dt.datetime.combine(day, wall, place))
                if stamp > LAST_STAMP_NS:
                    break
                if stamp > after:
                    found.append(stamp)
                day += dt.timedelta(days=1)
            return np.array(found, dtype=np.int64)

        self.add(name, series)

    def once(self, at: dt.datetime, name: str = "once") -> None:
        """Fire once, at a stamp with a time zone."""
        if at.tzinfo is None:
            raise InputError(f"timer {name!r}: {at} has no time zone; give one, for instance datetime(..., tzinfo=UTC)")
        if not FIRST_STAMP_NS <= _stamp(at) <= LAST_STAMP_NS:
            raise InputError(f"timer {name!r}: {at}; rule: from 1850 to 2200")
        stamp = np.array([_stamp(at)], dtype=np.int64)
        self.add(name, lambda after, count: stamp[stamp > after])

    def session_open(self, offset: dt.timedelta = dt.timedelta(0), *, calendar: str | None = None, name: str = "session_open") -> None:
        """Fire `offset` after every session's open; negative means before."""
        self._add_stamps(name, calendar, self.hours.opens, offset)

    def session_close(self, offset: dt.timedelta = dt.timedelta(0), *, calendar: str | None = None, name: str = "session_close") -> None:
        """Fire `offset` after every session's close; `-timedelta(minutes=10)` means ten minutes before."""
        self._add_stamps(name, calendar, self.hours.closes, offset)

    def _add_stamps(
        self, name: str, calendar: str | None, stamps: Callable[[str, int, int], NDArray[np.int64]], offset: dt.timedelta
    ) -> None:
        known = self.hours.calendars
        chosen = calendar or (known[0] if known else None)
        if chosen is None or chosen not in known:
            raise InputError(f"timer {name!r}: no sessions of calendar {chosen!r}. {did_you_mean(str(chosen), known)}")
        shift_ns = _nanoseconds(offset)
        if abs(shift_ns) > LONGEST_NS:
            raise InputError(f"timer {name!r}: offset {offset}; rule: at most {LONGEST_NS} ns (ten years), before or after")
        self.add(name, lambda after, count: stamps(chosen, after - shift_ns, count) + shift_ns)

    def add(self, name: str, series: Series) -> None:
        """Fire at the stamps of a series."""
        if any(timer.name == name for timer in self._timers):
            raise InputError(f"there is a timer {name!r} already; give this one another name")
        self._timers.append(_Timer(name, series, 0))
        if self._trader is not None:
            self._timers[-1].fired_ns = self._trader.words[_NOW]
            self._plan(_SHORTEST_AGENDA)

    def start(self, start_ns: int, trader: Trader) -> None:
        """Arm the first timer that is due at or after `start_ns` in the trader half.

        From here on a timer that is added begins at the first stamp after the trader half's present one.
        """
        for timer in self._timers:
            timer.fired_ns = start_ns - 1
        self._trader = trader
        self._plan(_SHORTEST_AGENDA)

    def fired(self) -> str:
        """Note that the armed timer fired, arm the next one, and return the name of the first."""
        if not self._firings:
            self._firings = self._agenda.tolist()  # only Python hooks read it one by one
        firings, following = self._firings, self._next + 1
        due_ns, number = firings[self._next]
        timer = self._timers[number]
        timer.fired_ns = due_ns
        if following < len(firings):
            self._next = following
            self._arm(*firings[following])
        else:
            self._plan(2 * self._size)
        return timer.name

    @property
    def agenda(self) -> NDArray[np.void]:
        """What fires next, dtype FIRING, from the armed timer on; empty when none is left."""
        return self._agenda[self._next :]

    def agenda_fired(self) -> None:
        """Note that all of the agenda fired; arm what comes then. For compiled hooks, which arm the timers within it."""
        for number, timer in enumerate(self._timers):
            stamps = self._agenda["due_ns"][self._agenda["number"] == number]
            timer.fired_ns = max(timer.fired_ns, int(stamps.max(initial=timer.fired_ns)))
        self._plan(2 * self._size)

    @property
    def names(self) -> tuple[str, ...]:
        """Of all timers, in the order of declaration."""
        return tuple(timer.name for timer in self._timers)

    def _plan(self, size: int) -> None:
        """Make the agenda anew from where each timer stands, with about `size` firings a timer, and arm its first."""
        self._size = min(size, _LONGEST_AGENDA)
        stamps = [timer.series(timer.fired_ns, self._size) for timer in self._timers]
        until_ns = min((int(part[-1]) for part in stamps if len(part) == self._size), default=NEVER_NS)  # beyond it some are missing
        rows = np.zeros(sum(map(len, stamps)), dtype=FIRING)
        rows["due_ns"] = np.concatenate(stamps) if stamps else 0
        rows["number"] = np.repeat(np.arange(len(stamps)), [len(part) for part in stamps])
        rows = rows[rows["due_ns"] <= until_ns]
        self._agenda = rows[np.argsort(rows["due_ns"], kind="stable")]  # among equals the one declared first
        self._firings, self._next = [], 0
        self._arm(*(self._agenda[0].tolist() if len(self._agenda) else (NEVER_NS, 0)))

    def _arm(self, due_ns: int, number: int) -> None:
        if self._trader is not None:
            self._trader.words[_TIMER_NS], self._trader.words[_TIMER_ID] = due_ns, number

    def __len__(self) -> int:
        return len(self._timers)


def _nanoseconds(delta: dt.timedelta) -> int:
    return delta.days * NANOSECONDS_PER_DAY + delta.seconds * NANOSECONDS_PER_SECOND + delta.microseconds * 1000


def _stamp(at: dt.datetime) -> int:
    return _nanoseconds(at - dt.datetime(1970, 1, 1, tzinfo=dt.UTC))
