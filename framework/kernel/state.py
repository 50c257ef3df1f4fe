"""A root record with its tables, as Python owns it."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from framework.kernel.memory import POOL
from framework.kernel.records import Table


@cache
def words_of(root: np.dtype[np.void]) -> dict[str, int]:
    """Where each field of a root stands, in 8-byte words."""
    return {name: offset // 8 for name, (_, offset, *_) in (root.fields or {}).items()}


class State:
    """A root record with its tables: owns the memory and makes room."""

    def __init__(self, half: str, root: np.dtype[np.void], tables: tuple[Table, ...], rows: dict[str, int]) -> None:
        self._half, self._word = half, words_of(root)
        self.record: NDArray[np.void] = np.zeros(1, dtype=root)
        self.address: int = self.record.ctypes.data  # how compiled loops are handed the root: an array costs them far more
        self.words: memoryview[int] = memoryview(self.record.view(np.int64))  # type: ignore[arg-type]  # the root as words: the fastest read
        self.tables: dict[str, NDArray[np.void]] = {}
        for table in tables:
            count = max(1, rows.get(table.name, table.rows))
            self._place(table.name, self._taken(table.name, count, table.dtype) if table.grows else np.zeros(count, dtype=table.dtype))

    def _taken(self, name: str, rows: int, dtype: np.dtype[np.void]) -> NDArray[np.void]:
        return POOL.take(f"{self._half} {name}", rows, dtype)

    def _place(self, name: str, rows: NDArray[np.void]) -> None:
        at, address, count = self._word[name], rows.ctypes.data, len(rows)
        self.words[at], self.words[at + 2] = address, count  # no call from here on: an interrupt can only come with a call
        self.tables[name] = rows

    def count(self, name: str) -> int:
        """Rows in use."""
        return self.words[self._word[name] + 1]

    def used(self, name: str) -> NDArray[np.void]:
        """The rows in use, as a view that lasts until the table grows."""
        return self.tables[name][: self.count(name)]

    def provide(self, name: str, rows: int) -> None:
        """Make an empty table at least `rows` long."""
        if len(self.tables[name]) < rows:
            self._place(name, self._taken(name, rows, self.tables[name].dtype))

    def reserve(self, name: str, free: int) -> bool:
        """Make sure `free` rows are free, doubling the table when it must; return whether it moved."""
        rows, count = self.tables[name], self.count(name)
        if len(rows) - count >= free:
            return False
        larger = self._taken(name, max(2 * len(rows), count + free), rows.dtype)
        larger[:count] = rows[:count]
        self._place(name, larger)
        POOL.forget(f"{self._half} {name}", rows)
        return True
