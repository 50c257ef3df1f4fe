"""Passing once over events that may be mapped from a file, without keeping in memory what was passed.

Pages of a mapped file that were read count as memory of the process until they are given back; the file itself stays in the
system's cache as long as there is room. Arrays in memory are passed over just so, and nothing is given back.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Events = NDArray[np.void]

BLOCK = 1 << 20
"""Events of a block, 64 MB."""


def blocks(events: Events) -> Iterator[Events]:
    """Consecutive slices; what lies behind the one in hand is given back."""
    for begin in range(0, len(events), BLOCK):
        yield events[begin : begin + BLOCK]
        give_back(events, begin, begin + BLOCK)


def is_mapped(events: Events) -> bool:
    """Whether the events lie in a file."""
    return _file_of(events) is not None


def give_back(events: NDArray[Any], begin: int, end: int) -> None:
    """Give back the pages that lie wholly in rows `begin` to `end` of an array in a file; they are read again when asked for."""
    found = _file_of(events)
    if found is None or not hasattr(mmap, "MADV_DONTNEED"):
        return
    first = events.ctypes.data - np.frombuffer(found, np.uint8).ctypes.data
    low = -(-(first + begin * events.itemsize) // mmap.PAGESIZE) * mmap.PAGESIZE
    high = (first + min(end, len(events)) * events.itemsize) // mmap.PAGESIZE * mmap.PAGESIZE
    if high > low:
        found.madvise(mmap.MADV_DONTNEED, low, high - low)


def _file_of(events: NDArray[Any]) -> mmap.mmap | None:
    """The mapped file below an array. A mapping without a file, which would lose what it holds, is none."""
    at: object = events
    while isinstance(at, np.ndarray):
        if isinstance(at, np.memmap):
            found: mmap.mmap | None = at._mmap  # type: ignore[attr-defined]
            return found
        at = at.base
    return None
