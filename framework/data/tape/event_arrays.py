"""Arrays of events: joined, put in the order of a tape, cut into slices. Moved as plain words, which numpy does fast."""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Sequence
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from framework.errors import InputError
from framework.schema.event import EVENT, SOURCE_RANK, Flag, Kind

Events = NDArray[np.void]


def chunks(events: Events, max_events: int) -> Iterator[Events]:
    """Consecutive slices of at most `max_events` that never split one stamp; a larger stamp comes whole.

    Raises:
        InputError: `max_events` is below 1.
    """
    if max_events < 1:
        raise InputError(f"max_events must be at least 1, got {max_events}")
    begin, total = 0, len(events)
    while begin < total:
        end = begin + max_events
        if end < total:
            window = events["ts_local_ns"][begin : end + 1]
            back = int(np.searchsorted(window, window[-1]))
            end = begin + back if back else begin + int(np.searchsorted(events["ts_local_ns"][begin:], window[-1], side="right"))
        yield events[begin:end]
        begin = end


def in_order(events: Events) -> Events:
    """Order by stamp, then source rank (a session's close before another's open), then instrument; else as given."""
    rank, owners = _RANKS[events["kind"]], events["instrument"]
    # Two stable sorts, the rarer key first: the pieces come in long sorted runs, which a merge sort passes in linear time.
    if (rank[1:] < rank[:-1]).any() or (owners[1:] < owners[:-1]).any():
        key = keys(events)
        if (key[1:] < key[:-1]).any():
            events = taken(events, np.argsort(key, kind="stable"))
    stamps = np.ascontiguousarray(events["ts_local_ns"])
    if (stamps[1:] < stamps[:-1]).any():
        events = taken(events, np.argsort(stamps, kind="stable"))
    return events


def keys(events: Events) -> NDArray[np.int64]:
    """What decides between events of one stamp: the lower comes first."""
    opens = (events["kind"] == Kind.SESSION) & ((events["flags"] & int(Flag.SESSION_OPEN)) != 0)
    found: NDArray[np.int64] = ((_RANKS[events["kind"]] + opens).astype(np.int64) << 32) | events["instrument"]
    return found


def rows_in_order(stamps: Sequence[NDArray[np.int64]], keys: Sequence[NDArray[np.int64] | int]) -> list[NDArray[np.int64]]:
    """The row of each event of several pieces in the order of `in_order`, told by stamps and `keys`; one key stands for a whole piece."""
    ends = np.cumsum([len(piece) for piece in stamps])
    told = [np.broadcast_to(np.asarray(key, np.int64), piece.shape) for piece, key in zip(stamps, keys, strict=True)]
    order = np.lexsort((np.concatenate(told), np.concatenate(stamps)))
    rows = np.empty_like(order)
    rows[order] = np.arange(len(order))
    return np.split(rows, ends[:-1])


def joined(pieces: Sequence[Events]) -> Events:
    """One array of several. Moved as plain words: numpy copies records field by field, which takes twenty times as long."""
    events = room(sum(len(piece) for piece in pieces))
    if len(events):
        np.concatenate([_words(piece) for piece in pieces], out=_words(events))
    return events


def room(rows: int) -> Events:
    """Memory for events that will all be written. Much of it comes in large pages where the system has them: small ones, each asked for on
    its first write, take longer than the copy.
    """
    if rows < _MANY:
        return np.empty(rows, EVENT)
    memory = mmap.mmap(-1, rows * EVENT.itemsize, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        with suppress(OSError):  # a system that was built without them
            memory.madvise(mmap.MADV_HUGEPAGE)
    return np.frombuffer(memory, EVENT)


def put(target: Events, begin: int, events: Events) -> None:
    """Copy events into a place of a longer array."""
    _words(target)[begin : begin + len(events)] = _words(events)


def put_at(target: Events, rows: NDArray[np.int64], events: Events) -> None:
    """Copy events to some rows of a longer array, each as one value of its size."""
    target.view(_WHOLE)[rows] = events.view(_WHOLE)


def taken(events: Events, order: NDArray[np.int64]) -> Events:
    """Events at some positions, moved as plain words; see `joined`."""
    found = room(len(order))
    np.take(_words(events), order, axis=0, out=_words(found), mode="clip")  # to raise, numpy would fill a copy of `out` first
    return found


def _words(events: Events) -> NDArray[np.int64]:
    return np.ascontiguousarray(events).view(np.int64).reshape(-1, EVENT.itemsize // 8)


BAR_KEY = SOURCE_RANK[Kind.BAR] << 32
"""Of a bar, without the instrument's position; see `keys`."""

_WHOLE = np.dtype(f"V{EVENT.itemsize}")

_MANY = 500_000
"""Events, 32 MB, from which on memory is asked of the system directly."""

_RANKS = np.full(1 << 16, max(SOURCE_RANK.values()), np.uint8)
for _kind, _rank in SOURCE_RANK.items():
    _RANKS[_kind] = _rank
