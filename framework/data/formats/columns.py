"""Columns of arrow as arrays: numbers, whole numbers and sides, refused with their row where a value is none.

Libraries would take truth values and moments for numbers, and text for either; here each has to be what it is asked as.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from framework.data.checks.library_errors import said
from framework.data.checks.numbers import LARGEST
from framework.errors import DataError

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Column: TypeAlias = Any
"""An array of arrow, chunked or not; pyarrow has no types."""


def floats(column: Column, *, place: str, name: str, first_row: int = 0) -> Floats:
    """Numbers of any width as float64, shape (rows,); an empty field is NaN.

    Raises:
        DataError: the column is of another type; a number so large that counting its steps would overflow.
    """
    kind = column.type
    if not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind)):
        raise DataError(f"{place}, column {name}: {kind}; rule: numbers. Correct the column or map another one.")
    values: Floats = _one(column).cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    large = np.abs(values) >= LARGEST
    if large.any():
        row = int(np.argmax(large))
        raise DataError(
            f"{place}, row {first_row + row}, column {name}: {values[row]!r}; rule: a finite number below {LARGEST:g}. Correct it or "
            "remove the row."
        )
    return values


def wholes(column: Column, *, place: str, name: str, first_row: int = 0) -> Ints:
    """Whole numbers as int64, shape (rows,), also where they are written as text or with a point and zeros.

    Raises:
        DataError: another type, an empty field, a fraction, 2**63 or more.
    """
    if pa.types.is_boolean(column.type) or pa.types.is_temporal(column.type):
        raise DataError(f"{place}, column {name}: {column.type}; rule: whole numbers. Correct the column or leave it out.")
    _refuse_empty(column, place, name, first_row, "a whole number")
    try:
        values: Ints = _one(column).cast(pa.int64()).to_numpy(zero_copy_only=False)
    except pa.ArrowException as error:
        raise DataError(
            f"{place}, rows from {first_row}, column {name}: {said(error)}; rule: whole numbers below 2**63. Correct it or leave it out."
        ) from error
    return values


def sides(column: Column, *, place: str, name: str, first_row: int = 0) -> Mask:
    """Whether each row bought, of a column of "buy" and "sell" in any case. Shape (rows,).

    Raises:
        DataError: another type or word, an empty field.
    """
    one = _one(column)
    if pa.types.is_dictionary(one.type):
        one = one.cast(one.type.value_type)
    _refuse_empty(one, place, name, first_row, "buy or sell")
    if not (pa.types.is_string(one.type) or pa.types.is_large_string(one.type)):
        raise DataError(
            f"{place}, row {first_row}, column {name}: {one[0] if len(one) else 'none'} ({one.type}); rule: the words buy or sell, of who "
            f'took. Write them, or leave the column out with columns={{"{name}": ""}}.'
        )
    lower = pc.utf8_lower(one)
    buys, sells = (pc.equal(lower, side).to_numpy(zero_copy_only=False) for side in ("buy", "sell"))
    if not (buys | sells).all():
        at = int(np.argmin(buys | sells))
        raise DataError(f"{place}, row {first_row + at}, column {name}: {one[at]}; rule: buy or sell. Correct it or leave it out.")
    found: Mask = buys
    return found


def _refuse_empty(column: Column, place: str, name: str, first_row: int, rule: str) -> None:
    if column.null_count:
        row = int(np.argmax(_one(column).is_null().to_numpy(zero_copy_only=False)))
        raise DataError(f"{place}, row {first_row + row}, column {name}: empty; rule: {rule}. Fill it in or leave the column out.")


def _one(column: Column) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
