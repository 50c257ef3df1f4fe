"""The words of the kernel that numba has not: rows of memory, addresses, calls by address, bits."""

from __future__ import annotations

from typing import Any

import numba
from llvmlite import ir
from numba import types
from numba.extending import intrinsic


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
    """Return a compiled function `(address, index) -> record` for rows of a dtype."""
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
