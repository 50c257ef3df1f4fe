"""The few words of memory through which compiled hooks say how they failed, and count their passes through loops.

They lie in the machine code of each strategy, so that a function which was handed nothing reaches them too. `place` is the
address of a text that names the line which runs; a failure is a number of `failures.Failure` with two numbers to it.

Signals are handled by the clock: what a pass or a call costs is not known, from a nanosecond to seconds. The clock is read every so
many passes, and every so many calls of hooks, 256 at most; while nobody knows how long they take, after 1, 2, 4 and so on. It decides
nothing but when Python sees to signals and other threads may run: passes are counted one by one.
"""

from __future__ import annotations

import sys
import time
from functools import cache
from typing import Any

import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.errors import NumbaTypeError
from numba.extending import intrinsic

from framework.engine.failures import FAILURE, FIRST, LEFT, LOOK_AT, LOOKED, PLACE, SECOND, STEP, WORDS, Failure, HookFailure
from framework.kernel.machine.compile import outlined
from framework.machine.disk import CHECKS

_WORD, _NUMBER, _BOOL = ir.IntType(64), ir.IntType(32), ir.IntType(1)
_LOOK_EVERY_NS = 10_000_000
"""How long signals and other threads wait, about."""

_MOST_STEP = 256
"""Passes or calls between two readings of the clock, at most: where they take 4 ms each of a sudden, it is a second once."""

_PASSES = int(Failure.PASSES)
_CLOCK = 6 if sys.platform == "linux" else time.CLOCK_MONOTONIC
"""CLOCK_MONOTONIC_COARSE of Linux, which has no name in Python: moved on by the kernel every few milliseconds, it is read in 5 ns."""

_OPTIONS: dict[str, Any] = {"error_model": "numpy", "boundscheck": False}


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
        zero = ir.Constant(_WORD, 0)
        number = ir.Constant(_WORD, int(failure)) if isinstance(failure, int) else failure
        builder.call(_noting(builder.module), (number, zero if first is None else first, zero if second is None else second))
        context.call_conv.return_user_exc(builder, HookFailure)


def _noting(module: Any) -> Any:
    """The function of a module that notes a failure: one of its own, so that what does not fail keeps no register for it."""
    found = module.globals.get("onetape.note")
    if found is None:
        found = ir.Function(module, ir.FunctionType(ir.VoidType(), (_WORD,) * 3), "onetape.note")
        found.linkage = "linkonce_odr"
        found.attributes.add("noinline")
        found.attributes.add("cold")
        builder = ir.IRBuilder(found.append_basic_block())
        for which, value in zip((FAILURE, FIRST, SECOND), found.args, strict=True):
            builder.store(value, _word(builder, which))
        builder.ret_void()
    return found


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


def _reader(which: int) -> Any:
    """A compiled function that reads one of the words."""

    @intrinsic
    def read(typingctx: Any) -> Any:
        return types.int64(), lambda context, builder, signature, args: builder.load(_word(builder, which))

    return read


def _writer(which: int) -> Any:
    """A compiled function that writes one of the words."""

    @intrinsic
    def write(typingctx: Any, value: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            builder.store(args[0], _word(builder, which))
            return context.get_dummy_value()

        return types.void(types.int64), codegen

    return write


_left, _place, _look_at, _step, _looked = (_reader(which) for which in (LEFT, PLACE, LOOK_AT, STEP, LOOKED))
_set_left, _set_place, _set_look_at, _set_step, _set_looked = (_writer(which) for which in (LEFT, PLACE, LOOK_AT, STEP, LOOKED))


def _outside(builder: Any, name: str, result: Any, *arguments: Any) -> Any:
    """Emit a call of a function of C."""
    kind = ir.FunctionType(result, [argument.type for argument in arguments])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), arguments)


@intrinsic
def _clock_ns(typingctx: Any) -> Any:
    """A clock that only goes on."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        time_at = cgutils.alloca_once(builder, ir.ArrayType(_WORD, 2))
        _outside(builder, "clock_gettime", _NUMBER, ir.Constant(_NUMBER, _CLOCK), time_at)
        seconds, rest = (builder.extract_value(builder.load(time_at), part) for part in (0, 1))
        return builder.add(builder.mul(seconds, ir.Constant(_WORD, 1_000_000_000)), rest)

    return types.int64(), codegen


@intrinsic
def _see_to_signals(typingctx: Any) -> Any:
    """Offer other threads the GIL, which a running hook holds, and let Python handle pending signals: whether a handler has raised."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        thread = _outside(builder, "PyEval_SaveThread", ir.IntType(8).as_pointer())
        _outside(builder, "PyEval_RestoreThread", ir.VoidType(), thread)
        return builder.icmp_signed("!=", _outside(builder, "PyErr_CheckSignals", _NUMBER), ir.Constant(_NUMBER, 0))

    return types.boolean(), codegen


@intrinsic
def _leave_if(typingctx: Any, has_raised: Any) -> Any:
    """Leave the hook with the exception that Python has raised."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        with cgutils.if_unlikely(builder, args[0]):
            context.call_conv.return_exc(builder)
        return context.get_dummy_value()

    return types.void(types.boolean), codegen


@outlined
def look(step: int) -> int:
    """See to signals if it is time; returns after how many passes or calls to ask again, which were `step` this time."""
    if _clock_ns() - _looked() < _LOOK_EVERY_NS:
        return min(2 * step, _MOST_STEP)
    left, place = _left(), _place()
    has_raised = _see_to_signals()
    _set_left(left)  # other threads, and handlers of signals, may run compiled hooks and use the same words
    _set_place(place)
    _set_looked(_clock_ns())
    _leave_if(has_raised)
    return 1


@numba.njit(**_OPTIONS)
def _pause(left: int) -> None:
    """What is not done at each pass through a loop."""
    fail_if(left <= 0, _PASSES, 0, 0)
    step = look(max(_step(), 1))
    _set_step(step)
    _set_look_at(max(left - step, 0))  # not past the end: it is found at its pass, whatever the clock says


@numba.njit(forceinline=True, **_OPTIONS)
def pass_loop() -> None:
    """One more pass through a loop: now and then pending signals are handled, and past the most that one call may it fails."""
    left = _left() - 1
    _set_left(left)
    if left <= _look_at():
        _pause(left)


@numba.njit(forceinline=True, **_OPTIONS)
def begin_call(most_passes: int) -> None:
    """A hook is called: it may go through its loops so many times. The passes until signals are looked for go on."""
    rest = _left() - _look_at()
    _set_left(most_passes)
    _set_look_at(max(most_passes - rest, 0))


@intrinsic
def cell_address(typingctx: Any) -> Any:
    """The address of the words, for the driver to hand to Python."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ptrtoint(_word(builder, 0), _WORD)

    return types.int64(), codegen
