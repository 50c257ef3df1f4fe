"""The few words of memory through which compiled hooks say how they failed, and count their passes through loops.

They lie in the machine code of each strategy, so that a function which was handed nothing reaches them too. `place` is the
address of a text that names the line which runs; a failure is a number of `failures.Failure` with two numbers to it.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.errors import NumbaTypeError
from numba.extending import intrinsic

from framework.engine.failures import FAILURE, FIRST, LEFT, PLACE, SECOND, WORDS, Failure, HookFailure
from framework.machine.disk import CHECKS

_WORD, _BOOL = ir.IntType(64), ir.IntType(1)
_LOOK_EVERY = 2**24
"""Passes through loops after which pending signals are handled: some hundredths of a second."""


def _word(builder: Any, which: int) -> Any:
    """The address of one of the words."""
    name, kind = "onetape.cell", ir.ArrayType(_WORD, WORDS)
    cell = builder.module.globals.get(name)
    if cell is None:
        cell = ir.GlobalVariable(builder.module, kind, name)
        cell.linkage, cell.initializer = "common", ir.Constant(kind, None)  # common: one of them when parts are put together
    number = ir.IntType(32)
    return builder.gep(cell, (ir.Constant(number, 0), ir.Constant(number, which)), inbounds=True)


def emit_failure_if(context: Any, builder: Any, condition: Any, failure: Any, first: Any = None, second: Any = None) -> None:
    """Emit: where `condition` holds, note a failure with its numbers and leave the function as after a `raise`."""
    with cgutils.if_unlikely(builder, condition):
        number = ir.Constant(_WORD, int(failure)) if isinstance(failure, int) else failure
        for which, value in ((FAILURE, number), (FIRST, first), (SECOND, second)):
            if value is not None:
                builder.store(value, _word(builder, which))
        context.call_conv.return_user_exc(builder, HookFailure)


@intrinsic
def fail_if(typingctx: Any, condition: Any, failure: Any, first: Any, second: Any) -> Any:
    """Leave the hook with a failure and its two numbers where a condition holds."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        if CHECKS:
            emit_failure_if(context, builder, builder.trunc(args[0], _BOOL) if args[0].type.width > 1 else args[0], *args[1:])
        return context.get_dummy_value()

    return types.void(types.boolean, types.int64, types.int64, types.int64), codegen


def is_whole(kind: Any) -> bool:
    """Whether a numba type is a whole number of at most 64 bits with a sign, as Python's `int` and `bool` are in compiled code."""
    return isinstance(kind, types.Boolean) or (isinstance(kind, types.Integer) and kind.signed)


@intrinsic
def whole(typingctx: Any, value: Any) -> Any:
    """A whole number as 64 bits; anything else is refused when it is compiled."""
    if not is_whole(value):
        raise NumbaTypeError(f"expected a whole number (an instrument, an order's id, a count of bars), found {value}")
    return types.int64(value), lambda context, builder, signature, args: context.cast(builder, args[0], value, types.int64)


@cache
def note_line(text: str) -> Any:
    """A compiled function that notes which line runs."""

    @intrinsic
    def note(typingctx: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            address = builder.ptrtoint(context.insert_const_string(builder.module, text), _WORD)
            builder.store(address, _word(builder, PLACE))
            return context.get_dummy_value()

        return types.void(), codegen

    return note


@intrinsic
def begin_call(typingctx: Any, most_passes: Any) -> Any:
    """A hook is called: it may go through its loops so many times."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store(args[0], _word(builder, LEFT))
        return context.get_dummy_value()

    return types.void(types.int64), codegen


@intrinsic
def pass_loop(typingctx: Any) -> Any:
    """One more pass through a loop: now and then pending signals are handled, and past the most that one call may it fails.

    The GIL, which a running hook holds, is offered to other threads; they may run compiled hooks and use the same words.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        left_at, place_at = _word(builder, LEFT), _word(builder, PLACE)
        left = builder.sub(builder.load(left_at), ir.Constant(_WORD, 1))
        builder.store(left, left_at)
        rest = builder.and_(left, ir.Constant(_WORD, _LOOK_EVERY - 1))
        with cgutils.if_unlikely(builder, builder.icmp_unsigned("==", rest, ir.Constant(_WORD, 0))):
            is_over = builder.icmp_signed("<=", left, ir.Constant(_WORD, 0))
            emit_failure_if(context, builder, is_over, int(Failure.PASSES))
            place = builder.load(place_at)
            pointer, number = ir.IntType(8).as_pointer(), ir.IntType(32)
            release = cgutils.get_or_insert_function(builder.module, ir.FunctionType(pointer, ()), "PyEval_SaveThread")
            take = cgutils.get_or_insert_function(builder.module, ir.FunctionType(ir.VoidType(), (pointer,)), "PyEval_RestoreThread")
            look = cgutils.get_or_insert_function(builder.module, ir.FunctionType(number, ()), "PyErr_CheckSignals")
            builder.call(take, (builder.call(release, ()),))
            has_raised = builder.icmp_signed("!=", builder.call(look, ()), ir.Constant(number, 0))
            builder.store(left, left_at)
            builder.store(place, place_at)
            with cgutils.if_unlikely(builder, has_raised):
                context.call_conv.return_exc(builder)
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def cell_address(typingctx: Any) -> Any:
    """The address of the words, for the driver to hand to Python."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ptrtoint(_word(builder, 0), _WORD)

    return types.int64(), codegen
