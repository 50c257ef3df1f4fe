"""Where a simulated world gets its tape: from parts of one that is finished, or from one that is still being written."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from framework.errors import InputError
from framework.schema.event import EVENT

Events = NDArray[np.void]

_WORDS = EVENT.itemsize // 8
_SEGMENT_EVENTS = 65_536
"""Events of a piece of memory that is written, 4 MB."""


class TapeReader(Protocol):
    """Who reads a tape as it is fed: an exchange half, or an inbox."""

    def open_tape(self, memory: Events) -> None:
        """The tape goes on in this memory; all events before it are applied."""
        ...

    def extend_tape(self, count: int, safe_ns: int) -> None:
        """So many events stand in the memory, and nothing else will come up to a stamp."""
        ...

    def end_tape(self) -> None:
        """Nothing comes after what there is."""
        ...


class Feed(Protocol):
    """What is read."""

    @property
    def start_ns(self) -> int:
        """No timer fires before it."""
        ...

    def supply(self, reader: TapeReader, due_ns: int) -> Events | None:
        """Let the tape of a reader go on: by events, by time that is safe, or to its end.

        Args:
            due_ns: the stamp of the next thing that is due without another event. Who waits for events need not wait longer.

        Returns:
            The memory in which rows of the tape count from now on; None where it is as before.
        """
        ...


class Parts:
    """A tape that is finished, whole or in parts, none of which splits a stamp. A part is asked for when the one before is applied."""

    def __init__(self, parts: Iterator[Events]) -> None:
        self._first = next(parts, None)
        self._parts = parts
        has_events = self._first is not None and len(self._first)
        self._start_ns = int(self._first["ts_local_ns"][0]) if self._first is not None and has_events else 0

    @property
    def start_ns(self) -> int:
        """The stamp of the first event."""
        return self._start_ns

    def supply(self, reader: TapeReader, due_ns: int) -> Events | None:
        """Give the next part; after the last one the tape has ended."""
        part, self._first = self._first if self._first is not None else next(self._parts, None), None
        if part is None:
            reader.end_tape()
            return None
        events = np.ascontiguousarray(part)
        reader.open_tape(events)
        if len(events):
            reader.extend_tape(len(events), int(events["ts_local_ns"][-1]))
        return events


class OpenTape:
    """A tape that is being written while it is replayed.

    Events come in the order of their stamps, and what has come never changes. `safe` says that nothing up to a stamp will still come:
    timers, latencies and times in force that are due by then happen, and events up to it are applied. What comes says so of every stamp
    before its own. An event whose stamp is not safe waits, since others of its stamp may still come.

    Args:
        wait: called where nothing can happen before the tape goes on, with this tape and the stamp of the next thing that is due without
            an event. It appends, says that more time is safe or ends the tape before it returns.
        start_ns: no timer fires before it.
        segment_events: how many events a piece of memory holds.
        keeps_venue_stamps: whether events keep when they happened at the venue. A simulated venue sees what comes when we do, so that its
            stamp is ours (`VenueConfig.prices_at` "local").
    """

    def __init__(
        self,
        wait: Callable[[OpenTape, int], None],
        *,
        start_ns: int,
        segment_events: int = _SEGMENT_EVENTS,
        keeps_venue_stamps: bool = False,
    ) -> None:
        self._wait, self._start_ns, self._segment_events = wait, start_ns, segment_events
        self._keeps_venue_stamps = keeps_venue_stamps
        self._segments: deque[_Segment] = deque([_Segment(np.empty(segment_events, EVENT), 0)])
        self._last_ns, self._safe_ns = start_ns - 1, start_ns - 1
        self._count = 0
        self._has_ended = False
        self._current: _Segment | None = None  # what is read, and what was told of it
        self._told = (-1, 0, False)

    @property
    def start_ns(self) -> int:
        """No timer fires before it."""
        return self._start_ns

    @property
    def safe_ns(self) -> int:
        """Nothing stamped up to here will still come."""
        return self._safe_ns

    @property
    def count(self) -> int:
        """How many events have come."""
        return self._count

    def append(self, events: Events) -> None:
        """Add events, dtype EVENT; they are copied where they fit into the memory at hand.

        Raises:
            InputError: a stamp is safe already, or before the one that came last.
        """
        if not len(events):
            return
        stamps = events["ts_local_ns"]
        first_ns, last_ns = int(stamps[0]), int(stamps[-1])
        if (
            self._has_ended
            or first_ns <= self._safe_ns
            or first_ns < self._last_ns
            or (len(stamps) > 1 and (stamps[1:] < stamps[:-1]).any())
        ):
            self._refuse(first_ns, stamps)
        segment = self._segments[-1]
        if segment.count + len(events) > len(segment.memory):
            segment = self._next_segment(segment, first_ns, len(events))
        segment.add(events)
        if not self._keeps_venue_stamps:
            segment.stamp_locally(len(events))
        self._last_ns = last_ns
        self._count += len(events)
        self.safe(last_ns - 1)

    def _refuse(self, first_ns: int, stamps: NDArray[np.int64]) -> None:
        if self._has_ended:
            raise InputError("an event for a tape that has ended; rule: nothing comes after end(). Open another tape.")
        back = int(np.flatnonzero(stamps[1:] < stamps[:-1])[0]) if first_ns > self._safe_ns and first_ns >= self._last_ns else -1
        if back >= 0:
            rule = f"event {back + 1} is stamped {stamps[back + 1]} ns, the one before it {stamps[back]} ns"
        else:
            rule = (
                f"the first event is stamped {first_ns} ns; safe is {self._safe_ns} ns, and the last event was stamped {self._last_ns} ns"
            )
        raise InputError(
            f"{rule}; rule: stamps never fall, and none is at or before what is safe. Stamp events as they come, with one clock: "
            "ts_local_ns is when they could be known."
        )

    def _next_segment(self, full: _Segment, first_ns: int, count: int) -> _Segment:
        """Memory for what comes next; events of a stamp that goes on move there, so that a stamp lies in one piece."""
        carried = full.of_stamp(first_ns)
        memory = np.empty(max(self._segment_events, len(carried) + count), EVENT)
        following = _Segment(memory, 0)
        following.add(carried)
        full.count -= len(carried)
        self._segments.append(following)
        return following

    def safe(self, stamp_ns: int) -> None:
        """Say that nothing stamped up to `stamp_ns` will still come; a stamp before what was said already changes nothing."""
        self._safe_ns = max(self._safe_ns, stamp_ns)

    def end(self) -> None:
        """Say that nothing will come any more."""
        self._has_ended = True

    def supply(self, reader: TapeReader, due_ns: int) -> Events | None:
        """Give what has come since the last time; waits where nothing has."""
        is_new, opened = self.give(reader)
        while not is_new:
            self._wait(self, due_ns)
            is_new, memory = self.give(reader)
            opened = memory if memory is not None else opened
        return opened

    def give(self, reader: TapeReader) -> tuple[bool, Events | None]:
        """Give what has come since the last time: whether anything has, and the memory in which rows count now, if it is another."""
        has_ended, safe_ns = self._has_ended, self._safe_ns  # before the count: what comes meanwhile is later than these
        segment, opened = self._segments[0], None
        if len(self._segments) > 1 and segment is self._current and self._told[:2] == (segment.count, segment.last_ns):
            self._segments.popleft()
            segment = self._segments[0]
        if segment is not self._current:
            reader.open_tape(segment.memory)
            self._current, self._told, opened = segment, (-1, 0, False), segment.memory
        is_final = len(self._segments) == 1
        now = (segment.count, safe_ns if is_final else segment.last_ns, has_ended and is_final)
        if now == self._told:
            return False, opened
        self._told = now
        reader.extend_tape(now[0], now[1])
        if now[2]:
            reader.end_tape()
        return True, opened


class _Segment:
    """A piece of memory and how much of it is written."""

    def __init__(self, memory: Events, count: int) -> None:
        self.memory, self.count = memory, count
        self._words = memory.view(np.int64).reshape(-1, _WORDS)

    def add(self, events: Events) -> None:
        """Write events behind those that stand here."""
        self._words[self.count : self.count + len(events)] = np.ascontiguousarray(events).view(np.int64).reshape(-1, _WORDS)
        self.count += len(events)

    def stamp_locally(self, count: int) -> None:
        """Let the last events have happened when they were known."""
        self._words[self.count - count : self.count, 1] = self._words[self.count - count : self.count, 0]

    def of_stamp(self, stamp_ns: int) -> Events:
        """The last events, as far as they have this stamp."""
        begin = self.count
        while begin > 0 and self._words[begin - 1, 0] == stamp_ns:
            begin -= 1
        return self.memory[begin : self.count]

    @property
    def last_ns(self) -> int:
        """The stamp of the last event."""
        return int(self._words[self.count - 1, 0]) if self.count else 0
