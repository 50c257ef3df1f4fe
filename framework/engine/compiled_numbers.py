"""Python's arithmetic for compiled hooks: what overflows, divides by zero or has no result fails as in Python.

Each operator of a hook becomes one of the functions in `OPERATORS`; for what is no pair of numbers it asks numba's own. Whole
numbers have 64 bits; past them a hook fails where Python goes on.
"""

from __future__ import annotations

import ctypes
import math
import operator
import sys
from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import types
from numba.core.errors import NumbaTypeError
from numba.extending import intrinsic

from framework.engine.compiled_cell import emit_failure_if, fail_if, is_whole
from framework.engine.failures import Failure

_WORD = ir.IntType(64)
_EXACT = 2**53
"""Whole numbers up to this are floats without rounding."""

_ONE, _ZERO, _LARGE = np.uint64(1), np.uint64(0), np.uint64(2**54)
_COMPLEX_POWER, _ZERO_POWER, _POWER_RANGE, _FRACTION_POWER = (
    int(Failure.COMPLEX_POWER),
    int(Failure.ZERO_POWER),
    int(Failure.POWER_RANGE),
    int(Failure.FRACTION_POWER),
)


def delegated(typingctx: Any, function: Any, arguments: tuple[Any, ...], *, is_same: bool = False) -> Any:
    """Signature and code of numba's own form of a function, for an intrinsic to return.

    Args:
        typingctx: of the intrinsic.
        function: an operator or a function.
        arguments: the types of its arguments.
        is_same: whether it is known to compute as in Python of whatever arrays.
    """
    if not is_same:
        _refuse_of_arrays(function.__name__, arguments)
    known = typingctx.resolve_value_type(function)
    signature = known.get_call_type(typingctx, arguments, {})
    if signature is None:
        raise NumbaTypeError(f"{function.__name__} of {', '.join(map(str, arguments))} cannot be compiled")

    def codegen(context: Any, builder: Any, own: Any, args: Any) -> Any:
        call = context.get_function(known, signature)
        context.add_linking_libs(getattr(call, "libs", ()))
        values = [context.cast(builder, value, given, wanted) for value, given, wanted in zip(args, arguments, signature.args, strict=True)]
        return call(builder, values)

    return signature.return_type(*arguments), codegen


_NOT_OF_WHOLE = ("pow", "ipow", "lshift", "ilshift", "rshift", "irshift")
_IN_PLACE = ("iadd", "isub", "imul", "itruediv", "ifloordiv", "imod", "ipow")


def _refuse_of_arrays(name: str, arguments: tuple[Any, ...]) -> None:
    """Refuse operators of arrays of whole numbers whose results or errors are not numpy's."""
    items = [kind.dtype if isinstance(kind, types.Array) else kind for kind in arguments]
    is_whole_array = isinstance(arguments[0], types.Array) and isinstance(items[0], types.Integer)
    if any(isinstance(kind, types.Array) for kind in arguments) and all(is_whole(item) for item in items) and name in _NOT_OF_WHOLE:
        raise NumbaTypeError(f"{name} of an array of whole numbers is not the same in machine code: use an array of floats, or a loop")
    if name in _IN_PLACE and is_whole_array and (_is_float(items[1]) or name == "itruediv"):
        raise NumbaTypeError(f"{name} puts floats into an array of whole numbers: use an array of floats, as np.zeros(n) is")


def _is_float(kind: Any) -> bool:
    return isinstance(kind, types.Float)


def _is_number(kind: Any) -> bool:
    return is_whole(kind) or _is_float(kind)


def _words(context: Any, builder: Any, signature: Any, args: Any) -> list[Any]:
    return [context.cast(builder, value, kind, types.int64) for value, kind in zip(args, signature.args, strict=True)]


def _of_whole(operation: Callable[..., Any], emit: Callable[..., Any]) -> Any:
    """An operator of whole numbers whose code is `emit(context, builder, left, right)`."""

    @intrinsic
    def checked(typingctx: Any, left: Any, right: Any) -> Any:
        if not (is_whole(left) and is_whole(right)):
            return delegated(typingctx, operation, (left, right))
        return types.int64(left, right), lambda context, builder, signature, args: emit(
            context, builder, *_words(context, builder, signature, args)
        )

    return checked


def _overflowing(name: str) -> Callable[..., Any]:
    def emit(context: Any, builder: Any, left: Any, right: Any) -> Any:
        pair = getattr(builder, name)(left, right)
        emit_failure_if(context, builder, builder.extract_value(pair, 1), Failure.OVERFLOW)
        return builder.extract_value(pair, 0)

    return emit


def _is_zero(builder: Any, value: Any) -> Any:
    if isinstance(value.type, ir.DoubleType):
        return builder.fcmp_ordered("==", value, ir.Constant(value.type, 0.0))
    return builder.icmp_signed("==", value, ir.Constant(value.type, 0))


def _divided(zero: Failure, *, is_modulo: bool) -> Callable[..., Any]:
    """Floor division or its remainder."""

    def emit(context: Any, builder: Any, left: Any, right: Any) -> Any:
        none, one = ir.Constant(_WORD, 0), ir.Constant(_WORD, 1)
        emit_failure_if(context, builder, _is_zero(builder, right), zero)
        is_minus = builder.icmp_signed("==", right, ir.Constant(_WORD, -1))
        if not is_modulo:
            is_least = builder.icmp_signed("==", left, ir.Constant(_WORD, -(2**63)))
            emit_failure_if(context, builder, builder.and_(is_minus, is_least), Failure.OVERFLOW)
        divisor = builder.select(is_minus, one, right) if is_modulo else right  # x % -1 is 0; the machine faults on the least x
        rest = builder.srem(left, divisor)
        has_other_sign = builder.icmp_signed("<", builder.xor(rest, divisor), none)
        is_below = builder.and_(builder.icmp_signed("!=", rest, none), has_other_sign)
        if is_modulo:
            return builder.add(rest, builder.select(is_below, divisor, none))
        return builder.sub(builder.sdiv(left, divisor), builder.select(is_below, one, none))

    return emit


def _division(operation: Callable[..., Any], zero: Failure, of_whole: Callable[..., Any] | None) -> Any:
    """A division: of whole numbers `of_whole`, where there is a float numba's own after a look for zero."""

    @intrinsic
    def checked(typingctx: Any, left: Any, right: Any) -> Any:
        if not (_is_number(left) and _is_number(right)):
            return delegated(typingctx, operation, (left, right))
        if is_whole(left) and is_whole(right) and of_whole is not None:
            return types.int64(left, right), lambda context, builder, signature, args: of_whole(
                context, builder, *_words(context, builder, signature, args)
            )
        result, divide = delegated(typingctx, operation, (types.float64, types.float64))

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            values = [context.cast(builder, value, kind, types.float64) for value, kind in zip(args, signature.args, strict=True)]
            emit_failure_if(context, builder, _is_zero(builder, values[1]), zero)
            return divide(context, builder, result, values)

        return types.float64(left, right), codegen

    return checked


def _quotient(left: int, right: int) -> float:
    """left / right of whole numbers, rounded once as Python does; `right` is not 0."""
    if -_EXACT <= left <= _EXACT and -_EXACT <= right <= _EXACT:
        return float(left) / float(right)
    a, b = _magnitude(left), _magnitude(right)
    whole, rest, power = a // b, a % b, 0
    while whole < _LARGE:  # add bits below the point until the last of 55 or more stands for all that are cut off
        whole, rest, power = whole << _ONE, rest << _ONE, power - 1
        if rest >= b:
            whole, rest = whole | _ONE, rest - b
        if whole == _ZERO and rest == _ZERO:
            break
    if rest != _ZERO:
        whole |= _ONE
    value = math.ldexp(float(whole), power)
    return -value if (left < 0) != (right < 0) else value


@intrinsic
def _magnitude(typingctx: Any, value: Any) -> Any:
    """The size of a whole number, without a sign: that of the least one is one more than that of the largest."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        is_negative = builder.icmp_signed("<", args[0], ir.Constant(_WORD, 0))
        return builder.select(is_negative, builder.neg(args[0]), args[0])

    return types.uint64(types.int64), codegen


def _ratio(operation: Callable[..., Any]) -> Any:
    of_floats = _division(operation, Failure.FLOAT_DIVISION, None)
    typed = of_floats._defn

    @intrinsic
    def checked(typingctx: Any, left: Any, right: Any) -> Any:
        if not (is_whole(left) and is_whole(right)):
            return typed(typingctx, left, right)

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            words = _words(context, builder, signature, args)
            emit_failure_if(context, builder, _is_zero(builder, words[1]), Failure.DIVISION)
            return context.compile_internal(builder, _quotient, types.float64(types.int64, types.int64), words)

        return types.float64(left, right), codegen

    return checked


def _shift_left(context: Any, builder: Any, left: Any, right: Any) -> Any:
    emit_failure_if(context, builder, builder.icmp_signed("<", right, ir.Constant(_WORD, 0)), Failure.SHIFT)
    most = ir.Constant(_WORD, 63)
    is_far = builder.icmp_signed(">", right, most)
    by = builder.select(is_far, most, right)
    moved = builder.shl(left, by)
    is_lost = builder.or_(builder.icmp_signed("!=", builder.ashr(moved, by), left), is_far)
    is_lost = builder.and_(is_lost, builder.icmp_signed("!=", left, ir.Constant(_WORD, 0)))
    emit_failure_if(context, builder, is_lost, Failure.OVERFLOW)
    return moved


def _shift_right(context: Any, builder: Any, left: Any, right: Any) -> Any:
    emit_failure_if(context, builder, builder.icmp_signed("<", right, ir.Constant(_WORD, 0)), Failure.SHIFT)
    most = ir.Constant(_WORD, 63)
    return builder.ashr(left, builder.select(builder.icmp_signed(">", right, most), most, right))


def _order(left: int, right: float) -> int:
    """-1, 0 or 1 as a whole number is below, equal to or above a float; 2 where the float is not a number."""
    if math.isnan(right):
        return 2
    if right >= 9223372036854775808.0:
        return -1
    if right < -9223372036854775808.0:
        return 1
    whole = int(right)
    if left != whole:
        return -1 if left < whole else 1
    rest = right - float(whole)
    return 0 if rest == 0.0 else (-1 if rest > 0.0 else 1)


_AS_ORDERED = {"==": (0, 0), "<": (-1, -1), "<=": (-1, 0), ">": (1, 1), ">=": (0, 1), "!=": None}
_MIRRORED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


def _comparison(operation: Callable[..., Any], sign: str) -> Any:
    """A comparison: exact between whole numbers and floats, where numba makes both floats."""

    @intrinsic
    def checked(typingctx: Any, left: Any, right: Any) -> Any:
        if is_whole(left) and _is_float(right):
            is_mirrored = False
        elif _is_float(left) and is_whole(right):
            is_mirrored = True
        else:
            return delegated(typingctx, operation, (left, right))
        bounds = _AS_ORDERED[_MIRRORED[sign] if is_mirrored else sign]

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            pair = [
                context.cast(builder, value, kind, types.int64 if is_whole(kind) else types.float64)
                for value, kind in zip(args, signature.args, strict=True)
            ]
            if is_mirrored:
                pair.reverse()
            order = context.compile_internal(builder, _order, types.int64(types.int64, types.float64), pair)
            if bounds is None:
                return builder.icmp_signed("!=", order, ir.Constant(_WORD, 0))
            at_least, at_most = (ir.Constant(_WORD, bound) for bound in bounds)
            return builder.and_(builder.icmp_signed(">=", order, at_least), builder.icmp_signed("<=", order, at_most))

        return types.boolean(left, right), codegen

    return checked


_LIBRARY = {"win32": "msvcrt", "darwin": "libm.dylib"}.get(sys.platform, "libm.so.6")
llvm.add_symbol("onetape_pow", ctypes.cast(ctypes.CDLL(_LIBRARY).pow, ctypes.c_void_p).value)
_library_pow = types.ExternalFunction("onetape_pow", types.float64(types.float64, types.float64))
"""The library's `pow` under a name that the compiler does not know: it would make `x ** 2.0` a product, which rounds otherwise."""


def float_power(base: float, exponent: float) -> float:
    """base ** exponent of floats; only compiled code calls it."""
    if exponent == 0.0 or base == 1.0:
        return 1.0
    fail_if(base == 0.0 and exponent < 0.0, _ZERO_POWER, 0, 0)
    is_finite = math.isfinite(base) and math.isfinite(exponent)
    fail_if(is_finite and base < 0.0 and math.floor(exponent) != exponent, _COMPLEX_POWER, 0, 0)
    value: float = _library_pow(base, exponent)
    fail_if(is_finite and math.isinf(value), _POWER_RANGE, 0, 0)
    return value


def _whole_power(base: int, exponent: int) -> int:
    fail_if(exponent < 0, _FRACTION_POWER, 0, 0)
    value, square, left = 1, base, exponent
    while left > 0:
        if left & 1:
            value = multiply(value, square)
        left >>= 1
        if left > 0:
            square = multiply(square, square)
    return value


@intrinsic(prefer_literal=True)
def power(typingctx: Any, base: Any, exponent: Any) -> Any:
    """base ** exponent: a whole number where both are and the exponent is not written as a negative number."""
    is_fraction = isinstance(exponent, types.IntegerLiteral) and exponent.literal_value < 0
    kinds = types.unliteral(base), types.unliteral(exponent)
    if not (_is_number(kinds[0]) and _is_number(kinds[1])):
        is_same = isinstance(exponent, types.IntegerLiteral) and exponent.literal_value >= 0
        return delegated(typingctx, operator.pow, kinds, is_same=is_same)
    stays_whole = is_whole(kinds[0]) and is_whole(kinds[1]) and not is_fraction
    kind = types.int64 if stays_whole else types.float64

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        values = [context.cast(builder, value, given, kind) for value, given in zip(args, signature.args, strict=True)]
        return context.compile_internal(builder, _whole_power if stays_whole else float_power, kind(kind, kind), values)

    return kind(base, exponent), codegen


def _of_one(operation: Callable[..., Any], emit: Callable[..., Any]) -> Any:
    @intrinsic
    def checked(typingctx: Any, value: Any) -> Any:
        if not is_whole(value):
            return delegated(typingctx, operation, (value,))
        return types.int64(value), lambda context, builder, signature, args: emit(
            context, builder, *_words(context, builder, signature, args)
        )

    return checked


def _negated(context: Any, builder: Any, value: Any) -> Any:
    return _overflowing("ssub_with_overflow")(context, builder, ir.Constant(_WORD, 0), value)


def _size(context: Any, builder: Any, value: Any) -> Any:
    is_negative = builder.icmp_signed("<", value, ir.Constant(_WORD, 0))
    is_least = builder.icmp_signed("==", value, ir.Constant(_WORD, -(2**63)))
    emit_failure_if(context, builder, is_least, Failure.OVERFLOW)
    return builder.select(is_negative, builder.neg(value), value)


multiply = _of_whole(operator.mul, _overflowing("smul_with_overflow"))
absolute = _of_one(abs, _size)

_BINARY: dict[str, Callable[[Any], Any]] = {
    "add": lambda op: _of_whole(op, _overflowing("sadd_with_overflow")),
    "sub": lambda op: _of_whole(op, _overflowing("ssub_with_overflow")),
    "mul": lambda op: _of_whole(op, _overflowing("smul_with_overflow")),
    "lshift": lambda op: _of_whole(op, _shift_left),
    "rshift": lambda op: _of_whole(op, _shift_right),
    "floordiv": lambda op: _division(op, Failure.FLOAT_FLOOR_DIVISION, _divided(Failure.FLOOR_DIVISION, is_modulo=False)),
    "mod": lambda op: _division(op, Failure.FLOAT_MODULO, _divided(Failure.MODULO, is_modulo=True)),
}

OPERATORS: dict[Any, Any] = {
    **{getattr(operator, name): make(getattr(operator, name)) for name, make in _BINARY.items()},
    **{getattr(operator, f"i{name}"): make(getattr(operator, f"i{name}")) for name, make in _BINARY.items()},
    operator.truediv: _ratio(operator.truediv),
    operator.itruediv: _ratio(operator.itruediv),
    operator.pow: power,
    operator.ipow: power,
    operator.eq: _comparison(operator.eq, "=="),
    operator.ne: _comparison(operator.ne, "!="),
    operator.lt: _comparison(operator.lt, "<"),
    operator.le: _comparison(operator.le, "<="),
    operator.gt: _comparison(operator.gt, ">"),
    operator.ge: _comparison(operator.ge, ">="),
    operator.neg: _of_one(operator.neg, _negated),
    operator.invert: _of_one(operator.invert, lambda context, builder, value: builder.not_(value)),
}
"""The checked form of each operator."""
