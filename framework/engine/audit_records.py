"""Rows that a run only adds to, its records and what leaves its tables: in memory up to a limit, what is more in a temporary file that no
folder lists.

A run over months of ticks writes more records than it is wise to hold. The file goes when nobody holds its records any more, also
where the process is killed.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast
from weakref import finalize

import numpy as np
from numpy.typing import NDArray

from framework.data.tape.event_arrays import joined
from framework.data.tape.mapped import blocks
from framework.errors import InputError
from framework.schema.event import EVENT

Events = NDArray[np.void]

HELD_BYTES = 64 * 1024 * 1024
"""Most bytes of records that are held in memory: 1 million. Then all of them go to the file, and holding begins anew."""


class AuditRecords:
    """Rows that are only ever added to.

    Args:
        row: their dtype, of whole words.
        held_bytes: most that is held in memory. The file lies where the system keeps temporary ones (TMPDIR, else /tmp).
    """

    def __init__(self, held_bytes: int = HELD_BYTES, row: np.dtype[np.void] = EVENT) -> None:
        self._held_bytes, self._row = held_bytes, row
        self._held: list[Events] = []
        self._held_rows, self._filed_rows = 0, 0
        self._file: BinaryIO | None = None

    def __reduce__(self) -> tuple[object, ...]:
        """A copy holds as much in memory and has a file of its own; the records go to it block by block."""
        return type(self), (self._held_bytes, self._row), None, self.blocks()

    def append(self, rows: Events) -> None:
        """`add`, by the name that copying and pickling ask for."""
        self.add(rows)

    def extend(self, blocks: Iterable[Events]) -> None:
        """Each of several blocks."""
        for rows in blocks:
            self.add(rows)

    def __len__(self) -> int:
        return self._filed_rows + self._held_rows

    def add(self, rows: Events) -> None:
        """Take rows as they are; they must not change afterwards.

        Raises:
            InputError: there are more records than are held, and the file cannot take them.
        """
        self._held.append(rows)
        self._held_rows += len(rows)
        if self._held_rows * self._row.itemsize > self._held_bytes:
            self._put_aside()

    def put(self, at: int, row: Events) -> None:
        """Replace one row, shape (1,): of a block that nobody else holds, or in the file."""
        if at < self._filed_rows:
            with self._file_errors():
                os.pwrite(cast(BinaryIO, self._file).fileno(), row.tobytes(), at * self._row.itemsize)
            return
        passed = self._filed_rows
        for rows in self._held:
            if at < passed + len(rows):
                rows[at - passed : at - passed + 1] = row
                return
            passed += len(rows)

    def cut(self, count: int) -> None:
        """Forget what was added after the first `count` rows."""
        while self._held and self._filed_rows + self._held_rows - len(self._held[-1]) >= count:
            self._held_rows -= len(self._held.pop())
        if self._filed_rows > count:
            self._filed_rows = count
            cast(BinaryIO, self._file).seek(count * self._row.itemsize)
        elif len(self) > count:
            surplus = len(self) - count
            self._held[-1] = self._held[-1][:-surplus]
            self._held_rows -= surplus

    def blocks(self, start: int = 0) -> Iterator[Events]:
        """The records from number `start` on, block by block. A block of the file is given back when the next one is asked for."""
        if start < self._filed_rows:
            yield from blocks(self._mapped()[start:])
        passed = self._filed_rows
        for rows in self._held:
            if start < passed + len(rows):
                yield rows[max(start - passed, 0) :]
            passed += len(rows)

    def whole(self) -> Events:
        """All records as one array: joined in memory, or read-only from the file where there is one."""
        if self._file is not None:
            self._put_aside()
            return self._mapped()
        if len(self._held) != 1:
            self._held = [self._joined()]  # not both
        return self._held[0]

    def _joined(self) -> Events:
        if self._row == EVENT:
            return joined(self._held)
        words = np.concatenate([np.zeros(0, np.int64), *(np.ascontiguousarray(rows).view(np.int64) for rows in self._held)])
        return cast(Events, words.view(self._row))

    @contextmanager
    def _file_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise InputError(
                f"folder for temporary files: {error}; rule: it takes what a run's records need beyond {self._held_bytes:,} bytes, here "
                f"{len(self) * self._row.itemsize:,} so far. Make room in {tempfile.gettempdir()}, or name another folder in TMPDIR."
            ) from error

    def _put_aside(self) -> None:
        with self._file_errors():
            if self._file is None:
                self._file = cast(BinaryIO, tempfile.TemporaryFile(prefix="onetape-"))  # noqa: SIM115 - open as long as `self` lasts
                finalize(self, self._file.close)
            for rows in self._held:
                self._file.write(np.ascontiguousarray(rows).view(np.uint8).data)
            self._file.flush()
        self._filed_rows += self._held_rows
        self._held, self._held_rows = [], 0

    def _mapped(self) -> Events:
        mapped = np.memmap(cast(BinaryIO, self._file), dtype=self._row, mode="r", shape=(self._filed_rows,))
        return cast(Events, mapped.view(np.ndarray))
