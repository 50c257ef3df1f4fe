"""How the kernel is compiled and given its memory.

State lives in records. A record holds the addresses of its tables as integers; `row_of(dtype)` makes the function that
reads one row in place, which costs nothing. Whoever owns the memory must keep it alive.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numba
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from framework.kernel.machine import plain
from framework.machine.disk import CHECKS
from framework.machine.mode import is_plain

_way: Any = plain
if not is_plain():
    from framework.kernel.machine import part

    _way = part

_OPTIONS = {"error_model": "numpy", "nogil": True, "forceinline": False, "boundscheck": False}
"""All are said at each: what is not said of a part it takes from its first caller."""


def kernel(function: Callable[..., Any]) -> Any:
    """A part of the machine code of whatever calls it, kept on disk; see `part.py`."""
    return _way.Part(function, _OPTIONS)


def inlined(function: Callable[..., Any]) -> Any:
    """`kernel` for a small function on the path of every event: it becomes part of its caller, whatever the compiler thinks of it."""
    return _way.Part(function, {**_OPTIONS, "forceinline": True})


def outlined(function: Callable[..., Any]) -> Any:
    """`kernel` for a large function with several callers, off the path of every event: there is one copy of it in each unit."""
    return _way.Part(function, _OPTIONS, stays_apart=True)


def hook_options(*, checks: bool) -> dict[str, Any]:
    """How numba compiles a user's source: with `checks` an index is one of its array, and a division by zero an error."""
    checks = checks and CHECKS
    return {"error_model": "python" if checks else "numpy", "boundscheck": checks}


def hook(function: Callable[..., Any], *, checks: bool = True, is_inlined: bool = False) -> Any:
    """A part from a user's source: it is kept on disk with its caller only."""
    return _way.Part(function, {**hook_options(checks=checks), "forceinline": is_inlined}, is_kept=False)


def entered(function: Callable[..., Any]) -> Any:
    """Compile a function that Python calls, as a whole with its parts; it is not kept on disk."""
    return _way.whole(function, {"error_model": "numpy"})


def stamped_kernel(function: Callable[..., Any], folder: str = "strategies") -> Any:
    """`entered`, kept on disk by its code, that of what it calls, and the values they read, as they are when it is compiled."""
    return _way.whole(function, {"error_model": "numpy"}, folder)


@intrinsic
def bits(typingctx: Any, value: Any) -> Any:
    """The 64 bits of a float as an integer, for the int64 words of an event."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], context.get_value_type(types.int64))

    return types.int64(types.float64), codegen


@intrinsic
def real(typingctx: Any, word: Any) -> Any:
    """The float whose bits an event word holds; the inverse of `bits`."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], context.get_value_type(types.float64))

    return types.float64(types.int64), codegen


def row_of(dtype: Any) -> Any:
    """Return a compiled function `(address, index) -> record` that reads one row of a table in place.

    A record is a bare pointer in compiled code: no array is built, nothing is reference counted.
    """
    item = numba.from_dtype(dtype)
    size = dtype.itemsize

    @intrinsic
    def row(typingctx: Any, address: Any, index: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            word = ir.IntType(64)
            at = args[1]
            if at.type.width < 64:
                at = (builder.sext if signature.args[1].signed else builder.zext)(at, word)
            place = builder.add(args[0], builder.mul(at, ir.Constant(word, size)))
            return builder.inttoptr(place, context.get_value_type(item))

        return item(types.int64, index), codegen

    return row


@intrinsic
def address_of(typingctx: Any, record: Any) -> Any:
    """The address of a record, to hand it across a call by address."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ptrtoint(args[0], ir.IntType(64))

    return types.int64(record), codegen


@intrinsic
def call(typingctx: Any, function: Any, first: Any, second: Any) -> Any:
    """Call a `Unit` by its address with two addresses; returns its int64."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        word = ir.IntType(64)
        pointer = builder.inttoptr(args[0], ir.FunctionType(word, (word, word)).as_pointer())
        return builder.call(pointer, (args[1], args[2]))

    return types.int64(types.int64, types.int64, types.int64), codegen


@intrinsic
def prefetch(typingctx: Any, address: Any) -> Any:
    """Ask for the memory at an address ahead of its use; the address need not be valid."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), (place, number, number, number))
        function = builder.module.declare_intrinsic("llvm.prefetch", (place,), kind)
        to_read, keep_in_all_caches, data = (ir.Constant(number, value) for value in (0, 3, 1))
        builder.call(function, (builder.inttoptr(args[0], place), to_read, keep_in_all_caches, data))
        return context.get_dummy_value()

    return types.void(types.int64), codegen


def _bit_counter(name: str) -> Any:
    """An intrinsic that counts zero bits of a word from one end; 64 for a word of zeros."""

    @intrinsic
    def count_zeros(typingctx: Any, word: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return getattr(builder, name)(args[0], ir.Constant(ir.IntType(1), 0))

        return types.int64(types.int64), codegen

    return count_zeros


leading_zeros, trailing_zeros = _bit_counter("ctlz"), _bit_counter("cttz")


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
