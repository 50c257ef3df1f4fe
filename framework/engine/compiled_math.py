"""Python's functions of numbers for compiled hooks: `round`, `int`, `min`, `math.sqrt` and the like, with Python's results and errors.

What cannot be the same is refused when it is compiled.
"""

from __future__ import annotations

import builtins
import math
import operator
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numba import types
from numba.extending import overload

from framework.engine.compiled_cell import fail_if, is_whole
from framework.engine.compiled_numbers import OPERATORS, absolute, float_power, power
from framework.engine.failures import Failure

_NAN, _INFINITY, _OVERFLOW = int(Failure.NAN_AS_INT), int(Failure.INFINITY_AS_INT), int(Failure.OVERFLOW)
_DOMAIN, _RANGE, _DIGITS = int(Failure.DOMAIN), int(Failure.RANGE), int(Failure.DIGITS)
_LIMIT = 9223372036854775808.0
"""2**63."""

_TENS = tuple(10.0**k for k in range(19))
_WHOLE_TENS = tuple(10**k for k in range(19))
_MOST_DIGITS = 18
_NO_FRACTION = 2.0**52
"""Floats of this size and more are whole numbers."""

_SPLIT = 134217729.0
"""2**27 + 1: Dekker's constant, which cuts a float into two halves of 26 bits."""

_plain = numba.njit(error_model="numpy", boundscheck=False)
_divide = OPERATORS[operator.truediv]
_power_of_floats = _plain(float_power)


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a function to numba under its own name; its body is what the decorated maker returns for the types of its arguments."""

    def name(*arguments: Any) -> Any:
        raise NotImplementedError("only compiled code calls it")

    name.__name__ = name.__qualname__ = function.__name__
    overload(name, strict=False)(function)
    return name


@_plain
def _whole_float(value: float) -> int:
    """A float without a fraction as a whole number."""
    fail_if(math.isnan(value), _NAN, 0, 0)
    fail_if(math.isinf(value), _INFINITY, 0, 0)
    fail_if(value >= _LIMIT or value < -_LIMIT, _OVERFLOW, 0, 0)
    return int(value)


@_compiled
def whole_of(value: Any) -> Any:
    """`int(value)`."""
    if is_whole(value):
        return lambda value: np.int64(value)
    if isinstance(value, types.IntEnumMember):
        return lambda value: value.value
    return (lambda value: _whole_float(value)) if isinstance(value, types.Float) else None


@_plain
def _round_half_even(value: float, digits: int) -> float:
    """The float nearest to `value` rounded in decimals, ties to even: from the exact product with 10**digits."""
    if not abs(value) < _NO_FRACTION:
        return value
    tens = _TENS[digits]
    product = value * tens
    a = _SPLIT * value
    value_high = a - (a - value)
    value_low = value - value_high
    b = _SPLIT * tens
    tens_high = b - (b - tens)
    tens_low = tens - tens_high
    rest = ((value_high * tens_high - product) + value_high * tens_low + value_low * tens_high) + value_low * tens_low
    if abs(product) >= 4.0 * _NO_FRACTION:
        return value  # half a unit of the last decimal is less than half of the float's own last place
    if abs(product) < _NO_FRACTION:
        nearest = np.rint(product)
        off = product - nearest
        if off == 0.5 and rest > 0.0:
            nearest += 1.0
        elif off == -0.5 and rest < 0.0:
            nearest -= 1.0
        return nearest / tens
    whole = np.int64(product)  # a float of this size is a whole number: the rest decides
    nearest_rest = np.rint(rest)
    if abs(rest - nearest_rest) == 0.5 and (whole + np.int64(nearest_rest)) % 2 != 0:
        nearest_rest = 2.0 * rest - nearest_rest
    return _divide(whole + np.int64(nearest_rest), _WHOLE_TENS[digits])


@_plain
def _rounded_whole(value: int, tens: int, rest: int) -> int:
    """A whole number rounded to a multiple of `tens`, ties to even; `rest` says whether something is cut off above it (1) or not."""
    below = value - value % tens
    over = value % tens
    half = tens // 2
    is_up = over > half or (over == half and (rest > 0 or (below // tens) % 2 != 0))
    fail_if(is_up and below > 9223372036854775807 - tens, _OVERFLOW, 0, 0)
    return below + tens if is_up else below


@_plain
def _round_to_tens(value: float, digits: int) -> float:
    """A float rounded to `digits` places before the point."""
    if not abs(value) < _LIMIT:
        fail_if(math.isfinite(value), _DIGITS, 0, 0)
        return value
    size = abs(value)
    whole = np.int64(size)
    rest = 1 if size > np.float64(whole) else 0
    return math.copysign(np.float64(_rounded_whole(whole, _WHOLE_TENS[digits], rest)), value)


@_compiled
def rounded(value: Any, digits: Any = None) -> Any:
    """`round(value, digits)`, as CPython: correctly rounded, ties to even."""
    has_no_digits = digits is None or isinstance(digits, types.NoneType | types.Omitted)
    if has_no_digits:
        if is_whole(value):
            return lambda value, digits=None: np.int64(value)
        return (lambda value, digits=None: _whole_float(np.rint(value))) if isinstance(value, types.Float) else None
    if not is_whole(digits):
        return None
    if is_whole(value):

        def of_whole(value: Any, digits: Any = None) -> Any:
            if digits >= 0:
                return np.int64(value)
            fail_if(digits < -_MOST_DIGITS, _DIGITS, 0, 0)
            return _rounded_whole(np.int64(value), _WHOLE_TENS[-digits], 0)

        return of_whole
    if not isinstance(value, types.Float):
        return None

    def of_float(value: Any, digits: Any = None) -> Any:
        fail_if(digits > _MOST_DIGITS or digits < -_MOST_DIGITS, _DIGITS, 0, 0)
        return _round_half_even(value, digits) if digits >= 0 else _round_to_tens(value, -digits)

    return of_float


_COUNTED = (types.Array, types.List, types.ListType, types.Set, types.DictType, types.RangeType)
"""What may be empty; a tuple that is has no type."""


def _extreme(name: str, sign: str, empty: Failure) -> Callable[..., Any]:
    """`min` or `max` of two or three numbers, or of a list: the first unless a later one is really beyond it, which NaN never is."""
    builtin = getattr(builtins, name)
    scope: dict[str, Any] = {"builtin": builtin, "fail_if": fail_if}
    exec(
        f"def two(a, b):\n    return b if b {sign} a else a\n"
        f"def three(a, b, c):\n    first = b if b {sign} a else a\n    return c if c {sign} first else first\n"
        "def other(a):\n    return builtin(a)\n"
        f"def of_many(a):\n    fail_if(len(a) == 0, {int(empty)}, 0, 0)\n    return builtin(a)\n",
        scope,
    )

    def maker(*arguments: Any) -> Any:
        if len(arguments) == 1:
            return scope["of_many" if isinstance(arguments[0], _COUNTED) else "other"]
        if not all(is_whole(kind) or isinstance(kind, types.Float) for kind in arguments):
            return None
        return {2: scope["two"], 3: scope["three"]}.get(len(arguments))

    return maker


def _two_or_three(maker: Callable[..., Any], name: str) -> dict[int, Any]:
    made: dict[int, Any] = {}
    for count, names in ((1, "a"), (2, "a, b"), (3, "a, b, c")):
        scope: dict[str, Any] = {"maker": maker}
        exec(f"def {name}({names}):\n    return maker({names})\n", scope)
        made[count] = _compiled(scope[name])
    return made


EXTREMES = {
    builtins.min: _two_or_three(_extreme("min", "<", Failure.EMPTY_LEAST), "least"),
    builtins.max: _two_or_three(_extreme("max", ">", Failure.EMPTY_LARGEST), "largest"),
}
"""The forms of `min` and `max` by how many they are of."""


def _of_math(name: str, failure: int) -> Callable[..., Any]:
    """A function of one number from `math`: no result is an error of its domain, an infinite one of a finite number `failure`."""
    function = getattr(math, name)

    def maker(value: Any) -> Any:
        if not (is_whole(value) or isinstance(value, types.Float)):
            return None

        def compute(value: Any) -> Any:
            given = float(value)
            result = function(given)
            fail_if(math.isnan(result) and not math.isnan(given), _DOMAIN, 0, 0)
            fail_if(math.isinf(result) and not math.isinf(given), failure, 0, 0)
            return result

        return compute

    maker.__name__ = name
    return _compiled(maker)


def _to_whole(name: str) -> Callable[..., Any]:
    function = {"floor": np.floor, "ceil": np.ceil, "trunc": np.trunc}[name]

    def maker(value: Any) -> Any:
        if is_whole(value):
            return lambda value: np.int64(value)
        return (lambda value: _whole_float(function(value))) if isinstance(value, types.Float) else None

    maker.__name__ = name
    return _compiled(maker)


@_compiled
def _pow(base: Any, exponent: Any) -> Any:
    def compute(base: Any, exponent: Any) -> Any:
        x, y = float(base), float(exponent)
        is_finite = math.isfinite(x) and math.isfinite(y)
        fail_if(is_finite and x == 0.0 and y < 0.0, _DOMAIN, 0, 0)
        fail_if(is_finite and x < 0.0 and math.floor(y) != y, _DOMAIN, 0, 0)
        if math.isinf(x) or math.isinf(y) or math.isnan(x) or math.isnan(y):
            return math.pow(x, y)
        if abs(x) > 1.0 and abs(y) > 1.0 and abs(y) * math.log(abs(x)) > 709.7 and y > 0.0 and math.isinf(math.pow(x, y)):
            fail_if(True, _RANGE, 0, 0)
        if abs(x) < 1.0 and y < 0.0 and math.isinf(math.pow(x, y)):
            fail_if(True, _RANGE, 0, 0)
        return _power_of_floats(x, y)

    return compute


@_compiled
def _fmod(left: Any, right: Any) -> Any:
    def compute(left: Any, right: Any) -> Any:
        x, y = float(left), float(right)
        fail_if((y == 0.0 and not math.isnan(x)) or (math.isinf(x) and not math.isnan(y)), _DOMAIN, 0, 0)
        return math.fmod(x, y)

    return compute


_ONLY_RANGE = ("exp", "expm1", "cosh", "sinh")
_ONLY_DOMAIN = (
    *("sqrt", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "asin", "acos", "atan", "tanh", "asinh", "acosh", "atanh", "fabs"),
)

CALLS: dict[Any, Any] = {
    builtins.round: rounded,
    builtins.int: whole_of,
    builtins.abs: absolute,
    builtins.pow: power,
    math.pow: _pow,
    math.fmod: _fmod,
    **{getattr(math, name): _of_math(name, _RANGE) for name in _ONLY_RANGE},
    **{getattr(math, name): _of_math(name, _DOMAIN) for name in _ONLY_DOMAIN},
    **{getattr(math, name): _to_whole(name) for name in ("floor", "ceil", "trunc")},
}
"""The checked form of each function that compiled hooks call."""

SAME = frozenset((math.isnan, math.isinf, math.isfinite, math.copysign, math.atan2))
"""Functions of `math` that numba compiles to the same results; all others are refused."""
