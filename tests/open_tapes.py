"""Finished tapes as a session would meet them: fed event by event, while the loop runs, with time that is safe in between."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from framework.engine.tape_feeds import OpenTape
from framework.simulation import simulate


class Feeder:
    """Feeds a tape one event at a time. Now and then it only says how much time is safe, as a clock does where nothing comes."""

    def __init__(self, events: Any, *, segment_events: int = 7) -> None:
        self._events, self._next, self._turn = events, 0, 0
        start_ns = int(events["ts_local_ns"][0]) if len(events) else 0
        self.tape = OpenTape(self._come, start_ns=start_ns, segment_events=segment_events, keeps_venue_stamps=True)

    def _come(self, tape: OpenTape, due_ns: int) -> None:
        if self._next == len(self._events):
            tape.end()
            return
        stamp_ns = int(self._events["ts_local_ns"][self._next])
        self._turn += 1
        clock_ns = min(due_ns, stamp_ns - 1) if self._turn % 2 else stamp_ns - 1
        if self._turn % 3 and clock_ns > tape.safe_ns:
            tape.safe(clock_ns)
            return
        tape.append(self._events[self._next : self._next + 1])
        self._next += 1


@contextmanager
def fed_event_by_event() -> Iterator[None]:
    """Within the block every backtest runs on an open tape."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulate, "in_parts", lambda events, chunk_events: Feeder(events).tape)
        yield
