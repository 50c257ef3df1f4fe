"""Declared state in Python, with what compiled hooks can hold: arrays whose single values are Python's numbers, and checked fields."""

from __future__ import annotations

import math
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

    numpy's numbers divide by zero and overflow in silence, Python's and those of compiled hooks do not. What numpy's functions make
    of such an array is such an array, or Python's number. Sums of all values add from the first to the last, as compiled code does.
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

    def __array_wrap__(self, array: Any, *_: object) -> Any:
        """Results of operators, of `np.sqrt` and the like, and of `x.max()`, `x.any()` and the like."""
        return _handed_out(array)

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> Any:
        """Results of numpy's functions, which see plain arrays, save for those that add."""
        if function in _ADDING:
            return super().__array_function__(function, types, arguments, options)
        return _handed_out(function(*_plain(arguments), **_plain(options)))

    def sum(  # type: ignore[override]
        self, axis: Any = None, dtype: Any = None, out: Any = None, *, keepdims: bool = False, initial: Any = 0, where: Any = True
    ) -> Any:
        """Sum; of all values from the first to the last."""
        if not self._is_of_all(axis, dtype, out, keepdims, where):
            return _handed_out(_plain(self).sum(axis, dtype, _plain(out), keepdims=keepdims, initial=initial, where=where))
        total = initial + (0.0 if self.dtype.kind == "f" else 0)
        for value in self.ravel().tolist():
            total += value
        return total

    def mean(self, axis: Any = None, dtype: Any = None, out: Any = None, *, keepdims: bool = False, where: Any = True) -> Any:  # type: ignore[override]
        """Mean."""
        if not self._is_of_all(axis, dtype, out, keepdims, where):
            return _handed_out(_plain(self).mean(axis, dtype, _plain(out), keepdims=keepdims, where=where))
        return float(self.sum()) / self.size if self.size else math.nan  # as compiled code and numpy have it

    def var(  # type: ignore[override]
        self, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0, *, keepdims: bool = False, where: Any = True
    ) -> Any:
        """Variance, by default with ddof 0."""
        if not self._is_of_all(axis, dtype, out, keepdims, where) or ddof >= self.size > 0:
            return _handed_out(_plain(self).var(axis, dtype, _plain(out), ddof, keepdims=keepdims, where=where))
        if not self.size:
            raise ZeroDivisionError("division by zero")
        mean, squares = self.mean(), 0.0
        for value in self.ravel().tolist():
            squares += (value - mean) * (value - mean)
        return squares / (self.size - ddof)

    def std(  # type: ignore[override]
        self, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0, *, keepdims: bool = False, where: Any = True
    ) -> Any:
        """Standard deviation, by default with ddof 0."""
        if not self._is_of_all(axis, dtype, out, keepdims, where) or ddof >= self.size > 0:
            return _handed_out(_plain(self).std(axis, dtype, _plain(out), ddof, keepdims=keepdims, where=where))
        return self.var(ddof=ddof) ** 0.5

    def _is_of_all(self, axis: Any, dtype: Any, out: Any, keepdims: Any, where: Any) -> bool:
        """Whether these options of numpy's ask for one number of all values, as they are."""
        is_along_all = axis is None or (self.ndim == 1 and axis in (0, -1))
        return is_along_all and dtype in (None, self.dtype) and out is None and keepdims is False and where is True

    def argmin(self, axis: Any = None, out: Any = None, *, keepdims: bool = False) -> Any:
        """Where the least value stands first."""
        return np.argmin(self, axis, out, keepdims=keepdims)

    def argmax(self, axis: Any = None, out: Any = None, *, keepdims: bool = False) -> Any:
        """Where the largest value stands first."""
        return np.argmax(self, axis, out, keepdims=keepdims)

    def dot(self, other: Any, out: Any = None) -> Any:
        """Product of two arrays."""
        return np.dot(self, other, out)


_ADDING = (np.sum, np.mean, np.var, np.std)
"""Functions of numpy that ask an array's own method."""


def _plain(given: Any) -> Any:
    """Arrays of numpy in the place of ours, within tuples, lists and dictionaries too."""
    if isinstance(given, Rows):
        return given.view(np.ndarray)
    if type(given) in (tuple, list):
        return type(given)(map(_plain, given))
    return {name: _plain(value) for name, value in given.items()} if type(given) is dict else given


def _handed_out(made: Any) -> Any:
    """What numpy made: Python's numbers in the place of its own, ours in the place of its arrays."""
    if isinstance(made, np.generic) or (isinstance(made, np.ndarray) and made.ndim == 0):
        return made.item()
    if type(made) in (tuple, list):
        return type(made)(map(_handed_out, made))
    return made.view(Rows) if type(made) is np.ndarray else made


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
