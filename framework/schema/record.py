"""Records: rows of memory that Python and compiled code share, each described once, by a class.

    class Level(Record):
        lots: I8
        price: F8

The checker reads the class, numpy and numba the dtype that is made of it. The fields lie in memory in the order of the class, without
gaps. A field is a number, an array of numbers or another record. Nobody makes an instance: a row is a view of memory.

A module of records has no `from __future__ import annotations`: the class must hold its annotations as they are, not as texts.
"""

from collections.abc import MutableSequence
from typing import Annotated, Any

import numpy as np

I8 = Annotated[int, "<i8"]
I4 = Annotated[int, "<i4"]
I2 = Annotated[int, "<i2"]
U4 = Annotated[int, "<u4"]
U2 = Annotated[int, "<u2"]
U1 = Annotated[int, "u1"]
F8 = Annotated[float, "<f8"]

Numbers = MutableSequence[float]
"""An array of numbers inside a record: `Annotated[Numbers, ("<f8", length)]`."""


class Record:
    """A row of memory. Its subclasses list the fields."""


_MADE: dict[type[Record], np.dtype[np.void]] = {}


def dtype_of(record: type[Record]) -> np.dtype[np.void]:
    """The dtype of a record, always the same object."""
    if record not in _MADE:
        fields: list[tuple[str, Any]] = []
        for name, kind in record.__annotations__.items():
            fields.append((name, kind.__metadata__[0] if hasattr(kind, "__metadata__") else dtype_of(kind)))
        _MADE[record] = np.dtype(fields)
    return _MADE[record]
