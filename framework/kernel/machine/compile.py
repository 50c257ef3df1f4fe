"""How the kernel is compiled and given its memory.

State lives in records. A record holds the addresses of its tables as integers; `row_of(record)` makes the function that
reads one row in place, which costs nothing. Whoever owns the memory must keep it alive.

Three ways stand behind these words: `part.py`, which keeps machine code; `plain.py`, which uses what numba documents and nothing else;
`in_python.py`, which compiles nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar, overload

import numpy as np
from numba import types

from framework.kernel.machine import plain
from framework.machine.disk import CHECKS
from framework.machine.mode import is_plain, runs_in_python
from framework.schema.record import Record, dtype_of

Function = TypeVar("Function", bound=Callable[..., Any])
Row = TypeVar("Row", bound=Record)

_way: Any = plain
_words: Any
if runs_in_python():
    from framework.kernel.machine import in_python

    _way = _words = in_python
else:
    from framework.kernel.machine import intrinsics

    _words = intrinsics
    if not is_plain():
        from framework.kernel.machine import part

        _way = part

_OPTIONS = {"error_model": "numpy", "nogil": True, "forceinline": False, "boundscheck": False}
"""All are said at each: what is not said of a part it takes from its first caller."""


def kernel(function: Function) -> Function:
    """A part of the machine code of whatever calls it, kept on disk; see `part.py`."""
    return _way.Part(function, _OPTIONS)


def inlined(function: Function) -> Function:
    """`kernel` for a small function on the path of every event: it becomes part of its caller, whatever the compiler thinks of it."""
    return _way.Part(function, {**_OPTIONS, "forceinline": True})


def outlined(function: Function) -> Function:
    """`kernel` for a large function with several callers, off the path of every event: there is one copy of it in each unit."""
    return _way.Part(function, _OPTIONS, stays_apart=True)


def hook_options(*, checks: bool) -> dict[str, Any]:
    """How numba compiles a user's source: with `checks` an index is one of its array, and a division by zero an error."""
    checks = checks and CHECKS
    return {"error_model": "python" if checks else "numpy", "boundscheck": checks}


def hook(function: Callable[..., Any], *, checks: bool = True, is_inlined: bool = False) -> Any:
    """A part from a user's source: it is kept on disk with its caller only."""
    return _way.Part(function, {**hook_options(checks=checks), "forceinline": is_inlined}, is_kept=False)


def entered(function: Function) -> Function:
    """Compile a function that Python calls, as a whole with its parts; it is not kept on disk."""
    return _way.whole(function, {"error_model": "numpy"})


def stamped_kernel(function: Callable[..., Any], folder: str = "strategies") -> Any:
    """`entered`, kept on disk by its code, that of what it calls, and the values they read, as they are when it is compiled."""
    return _way.whole(function, {"error_model": "numpy"}, folder)


bits: Callable[[float], int] = _words.bits
"""The 64 bits of a float as an integer, for the int64 words of an event."""

real: Callable[[int], float] = _words.real
"""The float whose bits an event word holds; the inverse of `bits`."""

address_of: Callable[[Record], int] = _words.address_of
"""The address of a record, to hand it across a call by address."""

call: Callable[[int, int, int], int] = _words.call
"""Call a `Unit` by its address with two addresses; returns its int64."""

prefetch: Callable[[int], None] = _words.prefetch
"""Ask for the memory at an address ahead of its use; the address need not be valid."""

leading_zeros: Callable[[int], int] = _words.leading_zeros
trailing_zeros: Callable[[int], int] = _words.trailing_zeros
"""Zero bits of a word from one end; 64 for a word of zeros."""


@overload
def row_of(record: type[Row]) -> Callable[[int, int], Row]: ...
@overload
def row_of(record: np.dtype[np.void]) -> Callable[[int, int], Any]: ...
def row_of(record: type[Record] | np.dtype[np.void]) -> Callable[[int, int], Any]:
    """Return a compiled function `(address, index) -> record` that reads one row of a table in place.

    A record is a bare pointer in compiled code: no array is built, nothing is reference counted. A dtype stands for a record that
    has no class.
    """
    made: Callable[[int, int], Any] = _words.row_of(record if isinstance(record, np.dtype) else dtype_of(record))
    return made


class Unit:
    """A part of the kernel that is compiled once and called by address.

    numba optimises a function anew inside each of its callers, down the whole tree of calls; past a certain size that is
    most of the compile time. A unit is a boundary: callers hold its address, in a root record, and compile without it.
    """

    def __init__(self, function: Callable[[int, int], int]) -> None:
        self._function = function
        self._compiled: Any = None
        self._lock = threading.Lock()

    @property
    def address(self) -> int:
        """Where the machine code lies in this process; compiles, or loads from the cache, at the first call."""
        with self._lock:
            if self._compiled is None:
                self._compiled = _way.unit(self._function, types.int64(types.int64, types.int64), {"error_model": "numpy"})
        return int(self._compiled.address)
