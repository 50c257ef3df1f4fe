"""Several sorted streams of events into one, holding no more than a block of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from framework.data.tape.event_arrays import in_order, joined

Events = NDArray[np.void]

_AT_ONCE = 65_536
"""About so many events are put in order together: 4 MB, which a core's cache holds."""

_LEAST_STEP = 256
"""Events of one stream taken in a round at least, however many streams there are: a round costs a search in each."""


def merged(streams: Sequence[Iterator[Events]]) -> Iterator[Events]:
    """Blocks in the order of a tape: stamp, source rank, `instrument`, then the order of the streams and that within each.

    Args:
        streams: of blocks, each stream sorted by `ts_local_ns`. A stream whose stamps repeat over many blocks is held until they end.
    """
    heads: list[Events | None] = [next(stream, None) for stream in streams]
    while True:
        for k, head in enumerate(heads):
            while head is not None and not len(head):
                head = heads[k] = next(streams[k], None)
        live = [k for k, head in enumerate(heads) if head is not None]
        if not live:
            return
        # A stream may go on with its last stamp in its next block, so only what lies before the earliest of these is settled; a step into
        # each head is enough at once.
        step = max(_AT_ONCE // len(live), _LEAST_STEP)
        horizon = min(_reached(heads[k], step) for k in live)
        taken = []
        for k in live:
            head = heads[k]
            assert head is not None
            cut = int(np.searchsorted(head["ts_local_ns"], horizon))
            if cut:
                taken.append(head[:cut])
                heads[k] = head[cut:]
        if taken:
            yield in_order(joined(taken)) if len(taken) > 1 else _ties_in_order(taken[0])
            continue
        yield from _of_one_stamp(streams, heads, horizon)


def _of_one_stamp(streams: Sequence[Iterator[Events]], heads: list[Events | None], stamp: int) -> Iterator[Events]:
    """All events of a stamp with which every head begins or which comes later; heads go on behind it."""
    taken = []
    for k, stream in enumerate(streams):
        head = heads[k]
        while head is not None:
            cut = int(np.searchsorted(head["ts_local_ns"], stamp, side="right"))
            if cut:
                taken.append(head[:cut])
            if cut < len(head):
                heads[k] = head[cut:]
                break
            head = heads[k] = next(stream, None)
    yield in_order(joined(taken))


def _ties_in_order(events: Events) -> Events:
    """Order events that are sorted by stamp; only those that share one can move, often few."""
    stamps = events["ts_local_ns"]
    same = stamps[1:] == stamps[:-1]
    if not same.any():
        return events
    tied = np.zeros(len(events), dtype=np.bool_)
    tied[1:] |= same
    tied[:-1] |= same
    events = events.copy()
    events[tied] = in_order(events[tied])
    return events


def _reached(head: Events | None, step: int) -> int:
    """The stamp of a head's last event, or of one so many events in."""
    assert head is not None
    return int(head["ts_local_ns"][min(step, len(head) - 1)])
