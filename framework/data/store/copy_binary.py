"""PostgreSQL's binary COPY format from whole columns: a row is its number of fields, then each field's length and big-endian bytes.

Rows without nulls and of fixed-width fields all have one length, so a block of them is one numpy array. See "Binary Format" under COPY
in PostgreSQL's manual.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
"""Signature, no flags, no extension."""
TRAILER = b"\xff\xff"

_BLOCK_BYTES = 1 << 22


class Rows:
    """Rows of some integer columns.

    Args:
        widths: bytes of each column by its name: 2 (smallint), 4 (integer) or 8 (bigint).
    """

    def __init__(self, widths: Mapping[str, int]) -> None:
        fields: list[tuple[str, str]] = [("\0fields", ">i2")]
        for name, width in widths.items():
            fields += [(f"\0{name}", ">i4"), (name, f">i{width}")]
        self._dtype = np.dtype(fields)
        self._widths = dict(widths)

    def encode(self, columns: Mapping[str, Any], count: int) -> Iterator[memoryview]:
        """The bytes of so many rows, block by block, without header and trailer; a column is an array or one number."""
        step = max(_BLOCK_BYTES // self._dtype.itemsize, 1)
        for begin in range(0, count, step):
            rows = np.empty(min(step, count - begin), self._dtype)
            rows["\0fields"] = len(self._widths)
            for name, width in self._widths.items():
                rows[f"\0{name}"] = width
                values = columns[name]
                rows[name] = values[begin : begin + step] if isinstance(values, np.ndarray) else values
            yield rows.view(np.uint8).data
