"""Declared state in Python, with what compiled hooks can hold: arrays whose single values are Python's numbers, and checked fields."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LARGEST = 2**63

COUNT_FIELD = "_instruments"
"""The field of a compiled strategy's record that holds how many rows are used: there are rows for up to the next power of two, so
that few counts of instruments are compiled.
"""


class Rows(np.ndarray[Any, Any]):
    """An array that hands out single values as Python's `int`, `float` or `bool`, not as numpy's.

    numpy's numbers divide by zero and overflow in silence, Python's and those of compiled hooks do not. Sums add from the first
    value to the last, as compiled code does.
    """

    def __getitem__(self, index: Any) -> Any:
        value = super().__getitem__(index)
        return value.item() if isinstance(value, np.generic) else value

    def __setitem__(self, index: Any, value: Any) -> None:
        if self.dtype.kind == "i" and isinstance(value, float):
            raise TypeError(f"{value!r} is a float, declared is PerInstrument[int]: write int(...) or declare PerInstrument[float]")
        super().__setitem__(index, value)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def sum(self) -> Any:  # type: ignore[override]
        """Sum of all values, from the first to the last."""
        total = 0.0 if self.dtype.kind == "f" else 0
        for value in self.ravel().tolist():
            total += value
        return total

    def mean(self) -> Any:  # type: ignore[override]
        """Mean of all values."""
        return float(self.sum()) / self.size

    def var(self) -> Any:  # type: ignore[override]
        """Variance (ddof 0) of all values."""
        mean, squares = self.mean(), 0.0
        for value in self.ravel().tolist():
            squares += (value - mean) * (value - mean)
        return squares / self.size

    def std(self) -> Any:  # type: ignore[override]
        """Standard deviation (ddof 0) of all values."""
        return self.var() ** 0.5

    def min(self) -> Any:  # type: ignore[override]
        """The least value."""
        return np.min(np.asarray(self)).item()

    def max(self) -> Any:  # type: ignore[override]
        """The largest value."""
        return np.max(np.asarray(self)).item()


def rows(values: NDArray[Any]) -> NDArray[Any]:
    """The same memory, its single values handed out as Python's numbers."""
    return values.view(Rows)


class Field:
    """One declared value of state: it keeps to its type, as the record of compiled hooks does.

    Args:
        of: int, float or bool.
        default: what a run starts with.
    """

    def __init__(self, of: type, default: Any) -> None:
        self._of, self._default = of, of(default)

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, strategy: Any, owner: type | None = None) -> Any:
        return self._default if strategy is None else vars(strategy).get(self._name, self._default)

    def __set__(self, strategy: Any, value: Any) -> None:
        if self._of is int:
            if isinstance(value, float):
                raise TypeError(f"{self._name} = {value!r}: a float, declared is State[int]: write int(...) or declare State[float]")
            if not -_LARGEST <= value < _LARGEST:
                raise OverflowError("a whole number beyond 64 bits, the largest that a compiled hook can hold; use a float")
        vars(strategy)[self._name] = self._of(value)
