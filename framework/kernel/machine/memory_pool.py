"""Memory for the tables: what a finished run gives back, the next one uses.

Fresh memory costs a page fault every 4 KB, which for a long run is more than the run itself. So blocks are kept, up to a
limit, and a block is free again when nobody holds an array on it any more.
"""

from __future__ import annotations

import sys
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from framework.kernel.machine.machine_code import CHECKS

LIMIT_BYTES = (512 if CHECKS else 8192) * 1024 * 1024
"""Most bytes kept for later runs, of which those never written to are no memory yet."""

_ONLY_THE_POOL = 3
"""References to a block that nobody uses: the pool's list, the loop's variable, the call that counts them."""


class Pool:
    """Blocks by what they were used for, so that a table finds one that has already grown to its size."""

    def __init__(self, limit_bytes: int = LIMIT_BYTES) -> None:
        self._limit_bytes, self._bytes = limit_bytes, 0
        self._blocks: dict[str, list[NDArray[np.void]]] = {}
        self._lock = Lock()

    def take(self, use: str, rows: int, dtype: np.dtype[np.void]) -> NDArray[np.void]:
        """An array of at least `rows` rows with anything in it: the largest free block of this use, or a new one."""
        with self._lock:
            kept = self._blocks.setdefault(use, [])
            at, most = -1, rows - 1
            for k in range(len(kept)):
                block = kept[k]
                if len(block) > most and sys.getrefcount(block) == _ONLY_THE_POOL:
                    at, most = k, len(block)
            if at >= 0:
                return kept[at][:]
            block = np.empty(rows, dtype=dtype)
            kept.append(block)
            self._bytes += block.nbytes
            while self._bytes > self._limit_bytes:
                self._forget_oldest()
            return block[:]

    def forget(self, use: str, array: NDArray[np.void]) -> None:
        """A table has outgrown an array that was taken: what comes later starts from the larger one, so this is not kept."""
        with self._lock:
            kept = self._blocks.get(use, [])
            for k in range(len(kept)):
                if kept[k].ctypes.data == array.ctypes.data:
                    self._bytes -= kept.pop(k).nbytes
                    return

    def _forget_oldest(self) -> None:
        """Release the oldest block of the use that holds the most; a run that is using it holds it itself."""
        most = max(self._blocks.values(), key=lambda blocks: sum(block.nbytes for block in blocks))
        self._bytes -= most.pop(0).nbytes


POOL = Pool()
