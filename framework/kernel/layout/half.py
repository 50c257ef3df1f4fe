"""A root record with its tables, as Python owns it."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from functools import cache
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from framework.errors import InputError
from framework.kernel.layout.roots import Table
from framework.kernel.machine.machine_code import CHECKS
from framework.kernel.machine.memory_pool import POOL
from framework.schema.event import EVENT
from framework.schema.order import ORDER
from framework.schema.record import dtype_of

_HALVES: WeakValueDictionary[int, Half] = WeakValueDictionary()
"""Who owns the root at an address."""

_UNCHECKED_ROWS = 1 << 20
"""Rows of a table that nobody looks after: more than the work has that is measured without checks. Rows never written are no memory."""

_HELD = (EVENT, ORDER)
"""Rows that compiled code may hold while their table grows."""


def _grow(root: int, table: int) -> int:
    """Let a table take at least one row more; 1 where it can. Compiled code calls this by its address: see `table_room.py`."""
    half = _HALVES.get(root)
    return 0 if half is None else int(half.gives_room(table))


_GROW = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)(_grow)
_GROW_ADDRESS = ctypes.cast(_GROW, ctypes.c_void_p).value or 0


def half_at(root: int) -> Half | None:
    """Who owns the root at an address; None where nobody does."""
    return _HALVES.get(root)


@cache
def words_of(root: np.dtype[np.void]) -> dict[str, int]:
    """Where each field of a root stands, in 8-byte words."""
    return {name: offset // 8 for name, (_, offset, *_) in (root.fields or {}).items()}


class Half:
    """A root record with its tables: owns the memory and lets tables grow.

    Attributes:
        failure: what kept a table from growing; the run breaks by it.
    """

    def __init__(self, half: str, root: np.dtype[np.void], tables: Mapping[str, Table], rows: dict[str, int]) -> None:
        self._half, self._word, self._names = half, words_of(root), tuple(tables)
        self.record: NDArray[np.void] = np.zeros(1, dtype=root)
        self.address: int = self.record.ctypes.data  # how compiled loops are handed the root: an array costs them far more
        self.words: memoryview[int] = memoryview(self.record.view(np.int64))  # type: ignore[arg-type]  # the root as words: the fastest read
        self.tables: dict[str, NDArray[np.void]] = {}
        self.failure: BaseException | None = None
        self._outgrown: list[NDArray[np.void]] = []
        for name, table in tables.items():
            count, dtype = max(1, rows.get(name, table.rows)), dtype_of(table.row)
            if table.grows and not CHECKS and name != "log":  # the log is emptied on the way
                count = max(count, _UNCHECKED_ROWS)
            self._place(name, self._taken(name, count, dtype) if table.grows else self.cleared(count, dtype))
        self.words[self._word["grow"]] = _GROW_ADDRESS
        _HALVES[self.address] = self

    def _taken(self, name: str, rows: int, dtype: np.dtype[np.void]) -> NDArray[np.void]:
        """Memory for at least so many rows. Behind the last one there is a spare row, for what must be written somewhere."""
        taken = POOL.take(f"{self._half} {name}", rows + 1, dtype)
        taken[-1] = 0
        return taken[:-1]

    @staticmethod
    def cleared(rows: int, dtype: np.dtype[np.void]) -> NDArray[np.void]:
        """Memory of zeros, for a table that is read before it is written."""
        return np.zeros(rows, dtype=dtype)

    @staticmethod
    def size_after(rows: int) -> int:
        """How many rows a table has after it grew."""
        return 2 * rows

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
        """Make a table at least `rows` long, before any compiled code holds a row of it."""
        if len(self.tables[name]) < rows:
            before, larger = self.used(name), self._taken(name, rows, self.tables[name].dtype)
            larger[: len(before)] = before
            self._place(name, larger)

    def grow(self, name: str) -> None:
        """Make a table larger. What it leaves is kept until `release_outgrown`, where compiled code may hold rows of it."""
        rows, count = self.tables[name], self.count(name)
        larger = self._taken(name, self.size_after(len(rows)), rows.dtype)
        larger[:count] = rows[:count]
        self.replace(name, larger)

    def replace(self, name: str, larger: NDArray[np.void]) -> None:
        """Let a table go on in other memory, or in the same. What it leaves is not for later runs."""
        rows = self.tables[name]
        self._place(name, larger)
        POOL.forget(f"{self._half} {name}", rows)
        if rows.dtype in _HELD and rows is not larger:
            self._outgrown.append(rows)

    def gives_room(self, table: int) -> bool:
        """Grow a table by its number; whether it could. It is called from compiled code, through which no exception can pass."""
        if self.failure is None:
            try:
                self.grow(self._names[table])
            except BaseException as failure:  # an interrupt too: it is raised when the compiled code has returned
                self.failure = failure.with_traceback(None)  # its frames hold this half, which would wait for the garbage collector
        return self.failure is None

    def release_outgrown(self) -> None:
        """Give back what tables have left. No compiled code is running."""
        self._outgrown.clear()

    def lack(self, table: int) -> str:
        """What is wrong with a table that could not grow: where, how many rows, why."""
        name = self._names[table]
        rows = len(self.tables[name])
        why = f"{type(self.failure).__name__}: {self.failure}".rstrip(": ") if self.failure is not None else "nobody makes room"
        return f"table {name!r} of the {self._half} half: it needs {rows + 1:,} rows and has {rows:,}, and it could not grow ({why})"


def set_fields(target: NDArray[np.void], dtype: np.dtype[np.void], values: Mapping[str, float]) -> None:
    """Set fields of a record by their names; one it has not is refused."""
    names = dtype.names or ()
    for name, value in values.items():
        if name not in names:
            raise InputError(f"unknown term {name!r}; known: {', '.join(names)}")
        target[name] = value
