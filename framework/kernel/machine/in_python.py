"""The same as `part.py` and `intrinsics.py` in Python: nothing is compiled, so that a debugger stops in the kernel and coverage sees it.

A record is a view of the memory at its address. Words wrap as in C where numpy's meet; a number of Python's that a word cannot hold is
an error, and so is what Python refuses and C does not: the root of a negative number, a whole number made of NaN.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
from numpy.typing import NDArray

np.seterr(all="ignore")  # as compiled code: words wrap, and a division by zero is infinite

_WORD_BITS = 64
_ALL_BITS = (1 << _WORD_BITS) - 1
_ADDRESSED = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)
_UNITS: dict[int, Callable[[int, int], int]] = {}
"""Units by their addresses: called as functions of Python they may raise, by way of C they may not."""


class Place:
    """A record where it lies: fields are read and written there. Numbers are words of 64 bits, whatever their width in memory."""

    __slots__ = ("_memory",)

    def __init__(self, memory: NDArray[np.void]) -> None:
        object.__setattr__(self, "_memory", memory)

    def __getattr__(self, name: str) -> Any:
        try:
            field = self._memory[name]
        except ValueError:
            raise AttributeError(f"no field {name!r}; fields: {', '.join(self._memory.dtype.names)}") from None
        if field.dtype.names:
            return Place(field)
        if field.ndim:
            return field
        return np.int64(field) if field.dtype.kind in "iu" else field[()]

    def __setattr__(self, name: str, value: Any) -> None:
        self._memory[name] = value

    def __repr__(self) -> str:
        return repr(dict(zip(self._memory.dtype.names, self._memory.item(), strict=True)))


class _Places:
    """An array of records, as Python hands it to a function of the kernel."""

    def __init__(self, rows: NDArray[np.void]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Place:
        return Place(self._rows[index : index + 1].reshape(()))


def _seen(argument: Any) -> Any:
    """An argument from Python as the kernel sees it."""
    if isinstance(argument, np.ndarray) and argument.dtype.names:
        return _Places(argument)
    return Place(np.asarray(argument)) if isinstance(argument, np.void) else argument


def whole(function: Callable[..., Any], options: dict[str, Any], folder: str = "") -> Any:
    """A function that Python calls, also with arrays of records."""

    @wraps(function)
    def entered(*arguments: Any) -> Any:
        return function(*map(_seen, arguments))

    return entered


def Part(function: Callable[..., Any], options: dict[str, Any], *, stays_apart: bool = False, is_kept: bool = True) -> Any:  # noqa: N802
    """A function of the kernel as it is. One that takes arrays is called from Python."""
    takes_arrays = any("ndarray" in str(kind).lower() for kind in function.__annotations__.values())
    return whole(function, options) if takes_arrays else function


class _Unit:
    """A part of the kernel that is called by its address."""

    def __init__(self, function: Callable[[int, int], int]) -> None:
        self._entry = _ADDRESSED(function)
        self.address = ctypes.cast(self._entry, ctypes.c_void_p).value or 0
        _UNITS[self.address] = function


def unit(function: Callable[[int, int], int], kind: Any, options: dict[str, Any]) -> _Unit:
    """A part of the kernel that is called by address."""
    return _Unit(function)


def call(function: int, first: int, second: int) -> int:
    """Call a unit, or a function of C."""
    made = _UNITS.get(int(function)) or _ADDRESSED(int(function))
    return int(made(int(first), int(second)))


def row_of(dtype: np.dtype[np.void]) -> Callable[[int, int], Place]:
    """Return a function `(address, index) -> record` for rows of a dtype."""
    memory: Any = ctypes.c_char * dtype.itemsize

    def row(address: int, index: int) -> Place:
        return Place(np.ndarray((), dtype, buffer=memory.from_address(int(address) + int(index) * dtype.itemsize)))

    return row


def address_of(record: Place) -> int:
    """The address of a record."""
    return int(record._memory.ctypes.data)


def bits(value: float) -> Any:
    """The 64 bits of a float as an integer."""
    return np.float64(value).view(np.int64)


def real(word: int) -> Any:
    """The float whose bits a word holds."""
    return np.int64(word).view(np.float64)


def prefetch(address: int) -> None:
    """Nothing: Python has no use for it."""


def leading_zeros(word: int) -> int:
    """Zero bits of a word from the highest; 64 for a word of zeros."""
    return _WORD_BITS - (int(word) & _ALL_BITS).bit_length()


def trailing_zeros(word: int) -> int:
    """Zero bits of a word from the lowest; 64 for a word of zeros."""
    held = int(word) & _ALL_BITS
    return (held & -held).bit_length() - 1 if held else _WORD_BITS
