"""How the kernel is compiled, cached and given its memory.

`kernel` is `numba.njit` with a disk cache that is kept by the digest of every source file of the kernel and the schema: numba alone
looks at the file of the cached function and would go on serving old machine code after a helper in another file changed.

State lives in records. A record holds the addresses of its tables as integers; `row_of(dtype)` makes the function that
reads one row in place, which costs nothing. Whoever owns the memory must keep it alive.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba
from llvmlite import ir
from numba import types
from numba.core import caching
from numba.core.ccallback import CFunc
from numba.extending import intrinsic

_ROOMS = (Path(__file__).parent, Path(__file__).parent.parent / "schema")


@cache
def source_digest() -> str:
    """A digest of every source file that compiled code can depend on."""
    digest = hashlib.blake2b(digest_size=12)
    for room in _ROOMS:
        for path in sorted(room.glob("*.py")):
            digest.update(path.name.encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _cache_root() -> Path:
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    if chosen:
        return Path(chosen) / "onetape"
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "onetape" / "kernel"


def _cache_of_sources() -> Path:
    """Where the machine code of the present sources lies."""
    return _cache_root() / source_digest()


class _Locator(caching._CacheLocator):
    """Keep machine code in the user's cache folder, by the digest of all kernel sources.

    The digest is part of the path and not only a stamp: numba writes an index with the new stamp before the new code, whose file has
    the name of older code, so a process that is killed in between, or one that reads then, would run that older code.
    """

    def __init__(self, py_func: Callable[..., Any], py_file: str) -> None:
        self._name = Path(py_file).stem

    def get_cache_path(self) -> str:
        return str(_cache_of_sources() / self._name)

    def get_source_stamp(self) -> str:
        return source_digest()

    def get_disambiguator(self) -> str:
        return ""

    @classmethod
    def from_function(cls, py_func: Callable[..., Any], py_file: str) -> _Locator:
        return cls(py_func, py_file)


class _CacheImpl(caching.CompileResultCacheImpl):
    _locator_classes = (_Locator,)


class _Cache(caching.FunctionCache):
    _impl_class = _CacheImpl


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a function to machine code, cached on disk."""
    dispatcher = numba.njit(error_model="numpy", nogil=True)(function)
    dispatcher._cache = _Cache(function)
    return dispatcher


def inlined(function: Callable[..., Any]) -> Any:
    """`kernel` for a small function on the path of every event: it becomes part of its caller, whatever the compiler thinks of it."""
    dispatcher = numba.njit(error_model="numpy", nogil=True, forceinline=True)(function)
    dispatcher._cache = _Cache(function)
    return dispatcher


def stamped_kernel(function: Callable[..., Any], stamp: str) -> Any:
    """`kernel` for a function made at run time, cached under a stamp of what it was made from besides the kernel."""

    class Locator(_Locator):
        def get_cache_path(self) -> str:
            return str(_cache_of_sources() / "strategies" / stamp)

    class Impl(_CacheImpl):
        _locator_classes = (Locator,)

    class Cache(caching.FunctionCache):
        _impl_class = Impl

    dispatcher = numba.njit(error_model="numpy")(function)
    dispatcher._cache = Cache(function)
    return dispatcher


def is_cached() -> bool:
    """Whether the replay loop is compiled already for the sources as they are now."""
    return any((_cache_of_sources() / "replay").glob("replay.advance-*.nbc"))


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

    @property
    def address(self) -> int:
        """Where the machine code lies in this process; compiles, or loads from the cache, at the first call."""
        if self._compiled is None:
            words = (types.int64, types.int64)
            self._compiled = CFunc(self._function, (words, types.int64), {}, {"error_model": "numpy"})
            self._compiled._cache = _Cache(self._function)
            self._compiled.compile()
        return int(self._compiled.address)
