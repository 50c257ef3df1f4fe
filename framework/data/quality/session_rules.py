"""What a calendar expects: how many bars and how much open time lie between two stamps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from framework.data.quality.stretches import Ints
from framework.data.reference.calendar import ALWAYS_OPEN, is_bars, session_table
from framework.data.reference.hours import Sessions
from framework.data.tape.stamps import DAILY_FROM_NS
from framework.errors import DataError
from framework.schema.units import NANOSECONDS_PER_DAY


@dataclass(frozen=True, slots=True)
class Hours:
    """The sessions around some stamps."""

    calendar: str
    table: Sessions

    @classmethod
    def around(cls, calendar: str, first_ns: int, last_ns: int) -> Hours | None:
        """Sessions from ten days before to ten after; None for a calendar without any, or one that does not reach that far."""
        if is_bars(calendar):
            return None
        try:
            return cls(calendar, session_table(calendar, first_ns - 10 * NANOSECONDS_PER_DAY, last_ns + 10 * NANOSECONDS_PER_DAY))
        except DataError:
            try:
                return cls(calendar, session_table(calendar, first_ns, last_ns))
            except DataError:
                return None

    @property
    def is_always_open(self) -> bool:
        """Whether there are no closed hours."""
        return self.calendar == ALWAYS_OPEN

    def session(self, stamps: Ints) -> tuple[Ints, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
        """The first session that closes at or after each stamp, and whether the stamp lies in it: open < stamp <= close."""
        at = np.minimum(np.searchsorted(self.table.close_ns, stamps), len(self.table.close_ns) - 1)
        return at, (self.table.open_ns[at] < stamps) & (stamps <= self.table.close_ns[at])

    def due(self, stamps: Ints, interval_ns: int) -> Due:
        """What is due of bars whose stamps keep the grid of the given ones. Of daily bars one is due a session."""
        opens, closes = self.table.open_ns, self.table.close_ns
        if interval_ns >= DAILY_FROM_NS and not self.is_always_open:
            first = np.arange(len(opens), dtype=np.int64)
            return Due(closes, first, first + 1, np.searchsorted(closes, stamps).astype(np.int64) + np.isin(stamps, closes))
        phases, counts = np.unique(stamps % interval_ns, return_counts=True)
        phase = int(phases[np.argmax(counts)])
        if self.is_always_open:
            ends = np.array([np.iinfo(np.int64).max - 1])
            return Due(ends, np.array([opens[0] // interval_ns]), ends, (stamps - phase) // interval_ns)
        # a bar belongs to a session if any of its time does
        return Due(closes, (opens - phase) // interval_ns, -((phase - closes) // interval_ns), (stamps - phase) // interval_ns)

    def pauses(self, stamps: Ints) -> Ints:
        """Nanoseconds of open market between each stamp and the next; whole sessions between them are left out."""
        if self.is_always_open:
            return np.asarray(np.diff(stamps))
        until = self.open_time(stamps)
        at = np.minimum(np.searchsorted(self.table.close_ns, stamps, side="right"), len(self.table.close_ns) - 1)
        begun_before = stamps[:-1] > self.table.open_ns[at[:-1]]
        rest = np.where(begun_before, self.open_time(self.table.close_ns[at[:-1]]) - until[:-1], 0)
        begun = until[1:] - self.open_time(self.table.open_ns[at[1:]])
        return np.asarray(np.where(at[1:] == at[:-1], until[1:] - until[:-1], rest + begun))

    def open_time(self, stamps: Ints) -> Ints:
        """Nanoseconds of open market before each stamp, counted from the first session on."""
        opens, closes = self.table.open_ns, self.table.close_ns
        done = np.concatenate([[0], np.cumsum(closes - opens)])
        at = np.searchsorted(closes, stamps)
        inside = np.minimum(at, len(opens) - 1)
        part = np.clip(stamps - opens[inside], 0, (closes - opens)[inside])
        return np.asarray(done[at] + np.where(at < len(opens), part, 0), dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Due:
    """Bars as numbers on their grid.

    Attributes:
        close_ns: of each session.
        before: the number before each session's first bar.
        last: the number of each session's last bar.
        number: of each stamp.
    """

    close_ns: Ints
    before: Ints
    last: Ints
    number: Ints

    def missing(self) -> tuple[Ints, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
        """How many bars are missing before each stamp but the first, and which stamps are due. Whole sessions are not counted."""
        at = np.minimum(np.searchsorted(self.last, self.number), len(self.last) - 1)
        is_due = (self.before[at] < self.number) & (self.number <= self.last[at])
        seen = np.clip(self.number, self.before[at], self.last[at])  # bars of its session at or before each stamp
        same = at[1:] == at[:-1]
        within = seen[1:] - seen[:-1] - is_due[1:]
        across = np.where(is_due[:-1], self.last[at[:-1]] - seen[:-1], 0) + np.where(is_due[1:], seen[1:] - self.before[at[1:]] - 1, 0)
        return np.maximum(np.where(same, within, across), 0), is_due


def interval_of(stamps: Ints, declared_ns: int) -> int:
    """The length of a bar: as declared, else the commonest spacing; 0 for fewer than three bars."""
    if declared_ns:
        return declared_ns
    spacings = np.diff(stamps)
    spacings = spacings[spacings > 0]
    if len(spacings) < 2:
        return 0
    found, counts = np.unique(spacings, return_counts=True)
    return int(found[np.argmax(counts)])
