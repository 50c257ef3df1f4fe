"""The columns of a table of bars as floats: what is a number, and the sentence for what is none.

Numbers are integers, floats and decimals of numpy, pandas and arrow, alone or as the categories of a column, and the text of one. Truth
values, moments and spans of time, complex numbers and bytes are none, though libraries would turn them into some.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

LARGEST = 1e18
"""No price and no volume is so large; with it nothing overflows before it is looked at."""

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


def numbers_of(column: pd.Series[Any]) -> tuple[Floats, Mask]:
    """The values of a column, and which of them are no finite number below `LARGEST`. Shapes (rows,).

    >>> [part.tolist() for part in numbers_of(pd.Series([1, "2.5", True, None], dtype=object))]
    [[1.0, 2.5, nan, nan], [False, False, True, True]]
    """
    values = floats_of(column)
    with np.errstate(invalid="ignore"):
        return values, ~(np.abs(values) < LARGEST)


def say_not_a_number(column: pd.Series[Any]) -> Callable[[int], str]:
    """The sentence for a row of a column that holds no number."""

    def say(row: int) -> str:
        value = column.iloc[row]
        if isinstance(value, str):
            shown = repr(value) if value.strip() else "empty"
        elif value is None or value is pd.NA:
            shown = "empty"
        else:
            shown = f"{value}" if _is_numeric(column) or isinstance(value, float) else f"{value} ({type(value).__name__})"
        return f"{_shortened(shown)}; rule: every value is a finite number below {LARGEST:g}. Correct it or remove the row."

    return say


def _shortened(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:80]}..."


def _is_numeric(column: pd.Series[Any]) -> bool:
    kind = column.dtype
    wrong = pd.api.types.is_bool_dtype(kind) or pd.api.types.is_complex_dtype(kind)
    return bool(pd.api.types.is_numeric_dtype(kind)) and not wrong


def floats_of(column: pd.Series[Any]) -> Floats:
    """The values of a column, NaN for what is no number; not a copy where they are float64 already."""
    if column.dtype == np.float64:
        return column.to_numpy()
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    if _is_numeric(column):
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    if isinstance(column.dtype, pd.StringDtype):
        return _parsed(column)
    if column.dtype != object:
        return np.full(len(column), np.nan)
    told = column.map(lambda value: value if isinstance(value, str) else _number(value))
    return _parsed(told)


def _number(value: Any) -> float:
    """NaN for what is no number. A bool is an int to Python, and no number here."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal, Fraction, np.integer, np.floating)):
        return np.nan
    try:
        return float(value)
    except (ValueError, OverflowError):  # a signalling NaN; more than a float holds
        return np.nan


def _parsed(column: pd.Series[Any]) -> Floats:
    return np.asarray(pd.to_numeric(column, errors="coerce"), dtype=np.float64)
