"""What checked hooks may use: nothing that reads or writes beyond its arrays, or computes otherwise than Python, is compiled."""

from __future__ import annotations

import itertools
import math
import random
import re
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from framework import State, Strategy, backtest, compiled
from framework.engine.compiled_admission import METHODS, NUMPY
from framework.errors import StrategyError
from tests.engine.refusals import machine_code, refusal

FRAME = pd.DataFrame(
    dict.fromkeys(("open", "high", "low", "close"), 50.0) | {"volume": 1.0}, index=pd.date_range("2024-01-01", periods=4, tz="UTC")
)


def flat_read(k):
    return np.zeros(5).flat[k]


def flat_write(k):
    x = np.zeros(5)
    x.flat[k] = 1.0
    return x.sum()


def flat_walk(k):
    total = 0.0
    for value in np.zeros(5).flat:
        total += value + k
    return total


def take(k):
    return np.take(np.zeros(5), k)


def take_method(k):
    return np.zeros(5).take(np.array([k]))[0]


def along(k):
    return np.take_along_axis(np.zeros((5, 2)), np.array([[k, 0]]), 0).sum()


def counted(k):
    return len(np.bincount(np.array([k, 0])))


def strided(k):
    return np.lib.stride_tricks.as_strided(np.zeros(5), (k,), (8,))[-1]


def in_order(k):
    return np.argsort(np.zeros(k))[0]


def by_another_name(k):
    f = np.take
    return f(np.zeros(3), k)


def empty(k):
    return np.empty(k)[0]


def address(k):
    return np.zeros(k).ctypes.data


def handed_on(k):
    return sum(map(lambda x: np.zeros(5).flat[x], (k, k)))


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (flat_read, "array.flat is not checked in machine code"),
        (flat_write, "array.flat is not checked in machine code"),
        (flat_walk, "array.flat is not checked in machine code"),
        (take, "np.take is not checked in machine code"),
        (take_method, "array.take is not checked in machine code"),
        (along, "np.take_along_axis is not checked in machine code"),
        (counted, "np.bincount is not checked in machine code"),
        (strided, "as_strided is not checked in machine code"),
        (by_another_name, "np.take is not checked in machine code"),
        (in_order, "np.argsort is not checked in machine code"),
        (empty, "np.empty is not checked in machine code"),
        (address, "array.ctypes is not checked in machine code"),
        (handed_on, "decorate it outside with @compiled"),
    ],
)
def test_what_numba_does_not_check_is_refused(function: Callable[..., Any], text: str) -> None:
    assert text in refusal(function, 3)


def test_a_refusal_names_the_way_out_and_the_nearest_that_is_checked() -> None:
    text = refusal(along, 9000)
    assert "write it as a loop, or decorate with @compiled(checks=False)" in text
    assert "The nearest that is checked: np.nanmax" in refusal(lambda k: np.nanargmax(np.zeros(k)), 3)


def test_without_checks_nothing_is_refused() -> None:
    assert machine_code(flat_read, checks=False)(3) == 0.0


def int8_array(k):
    x = np.array([100], np.int8)
    return x[0] + x[0] + k


def int8_stored(k):
    x = np.zeros(1, np.int8)
    x[0] = k
    return x[0]


def int8_named(k):
    x = np.zeros(1, dtype="int8")
    x[0] = k
    return x[0]


def single(k):
    return np.zeros(3, np.float32)[k]


def unsigned(k):
    return np.zeros(3, dtype=np.uint64)[k]


def cast(k):
    return np.int64(k * 1e19) < 0


def cast_single(k):
    return np.float32(k)


def as_narrow(k):
    return np.arange(k).astype(np.int32)[0]


def too_large(k):
    return k if k > 2**63 else 0


def power_function(k):
    return np.power(2, -k)


def power_of_array(k):
    return (np.array([2, 3]) ** (k - 5))[0]


def shifted(k):
    return (np.array([3]) << (k + 67))[0]


def floats_added(k):
    x = np.array([1, 2])
    x += 0.5
    return x[0] + k


def stepped(k):
    return len(np.arange(k * math.inf))


def made_whole(k):
    return np.array([k * math.nan], np.int64)[0]


def filled(k):
    return np.full(k, math.nan, np.int64)[0]


SINGLE_TABLE = np.zeros(3, dtype=np.float32)


def from_outside(k):
    return SINGLE_TABLE[k]


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (int8_array, "int8, which computes differently in Python: use int64"),
        (int8_stored, "int8, which computes differently in Python"),
        (int8_named, "int8, which computes differently in Python"),
        (single, "float32, which computes differently in Python: use float64"),
        (unsigned, "uint64, which computes differently in Python: use int64"),
        (cast, "np.int64(...) does not compute as in Python: write int(...)"),
        (cast_single, "float32, which computes differently in Python: use float64"),
        (as_narrow, "array.astype is not checked"),
        (too_large, "uint64, which computes differently"),
        (power_function, "np.power is not checked"),
        (power_of_array, "pow of an array of whole numbers is not the same"),
        (shifted, "lshift of an array of whole numbers is not the same"),
        (floats_added, "iadd puts floats into an array of whole numbers"),
        (stepped, "np.arange of floats does not fail as in Python"),
        (made_whole, "np.array puts floats into an array of whole numbers"),
        (filled, "np.full puts floats into an array of whole numbers"),
        (from_outside, "float32, which computes differently"),
    ],
)
def test_numbers_that_compute_otherwise_are_refused(function: Callable[..., Any], text: str) -> None:
    assert text in refusal(function, 3)


_ONE = "abs fabs sign sqrt square exp expm1 exp2 log log1p log2 log10 sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh"
_ONE += " arctanh floor ceil trunc rint round around isnan isinf isfinite signbit negative logical_not absolute cumsum cumprod copy asarray"
_ONE += " zeros_like ones_like sort diff"
_TWO = "arctan2 hypot copysign add subtract multiply maximum minimum fmax fmin equal not_equal less less_equal greater greater_equal"
_TWO += " logical_and logical_or logical_xor"
_TO_ONE = "sum prod mean std var min max amin amax argmin argmax any all nansum nanmean nanstd nanvar nanmin nanmax median"
_MADE = ("np.zeros(k)", "np.ones(k)", "np.full(k, 2.5)", "np.full_like(a, 3.0)", "np.arange(k) * 1.0", "np.linspace(0.0, 1.0, k)")
_MADE += ("np.array([k, 2]) * 1.0", "np.where(a > 1.0, a, b)", "np.where(a > 1.0, b, 0.0)", "np.where(a > 1.0)[0] * 1.0")
_MADE += ("np.dot(a, b) + a", "a[k:] + b[:k]")
_CALLED = tuple(f"a.{name}()" for name in ["sum", "prod", "mean", "std", "var", "min", "max", "argmin", "argmax", "any", "all"])
EXPRESSIONS = (
    *(f"np.{name}(a) + 0.0" for name in _ONE.split()),
    *(f"np.{name}(a, b) + 0.0" for name in _TWO.split()),
    *(f"np.zeros(1) + np.{name}(a)" for name in _TO_ONE.split()),
    *(f"np.zeros(1) + {called}" for called in _CALLED),
    *("a.cumsum()", "a.cumprod()", "a.copy()", "a.ravel()", "a.flatten()", "a.T"),
    *_MADE,
)
"""Each admitted function and method with arrays that may be empty, unlike in length, or hold NaN, and a count that may be below 0."""

NAN = math.nan
ARRAYS = tuple(np.array(values) for values in ([], [2.5], [3.0, NAN, 1.0, -2.0], [4.0, -1.0, 2.0, math.inf], [1.0, 2.0, 3.0, 4.0, 5.0]))


def test_every_admitted_name_is_among_those_that_are_tried() -> None:
    text = " ".join(EXPRESSIONS)
    tried = {name for name in NUMPY | METHODS if re.search(rf"\b(np|a)\.{name}\(", text)}
    assert tried == NUMPY | METHODS


@pytest.mark.long
def test_admitted_functions_stay_within_their_arrays_and_fail_as_in_python() -> None:
    for expression in EXPRESSIONS:
        scope: dict[str, Any] = {"np": np}
        exec(f"def slow(a, b, k):\n    return {expression}\ndef fast(a, b, k):\n    return {expression}\n", scope)
        fast = machine_code(scope["fast"])
        for a, b, k in itertools.product(ARRAYS, ARRAYS, (0, 3, -2, 2**62)):
            found = [outcome(function, a.copy(), b, k) for function in (scope["slow"], fast)]
            is_empty_spread = found[1] is None and len(a) == 0 and re.search("std|var", expression)  # an error, where numpy gives NaN
            is_one = found[0] is None and found[1] is None
            assert is_one or is_empty_spread or np.allclose(*found, rtol=1e-12, equal_nan=True), (expression, a, b, k, found)


def outcome(function: Callable[..., Any], *arguments: Any) -> Any:
    """What came out, None for an error."""
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return function(*arguments)
    except (ArithmeticError, ValueError, IndexError, MemoryError):
        return None


def set_walked(k):
    total = 0
    for each in {5, 3, 70, k + 50}:
        total = total * 2 + each
    return total


def set_made(k):
    return len(set([k, 3]))


def set_asked(k):
    return k in {1, 2}


def nan_key(k):
    found = {k * math.nan: 1}
    return len(found)


def key_in_tuple(k):
    found = {(k, 0.5): 1}
    return len(found)


def drawn(k):
    return np.random.randint(1, k + 500)


def drawn_by_python(k):
    return random.random() * k


def hashed(k):
    return hash(k)


def identity(k):
    return id(k)


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (set_walked, "a set, whose order is another one"),
        (set_made, "a set, whose order is another one|set(...) is not the same"),
        (set_asked, "use a tuple, as in `x in (1, 2)`"),
        (nan_key, "a dict with floats as keys"),
        (key_in_tuple, "a dict with floats as keys"),
        (drawn, "generator of your own in State[int]"),
        (drawn_by_python, "generator of your own in State[int]"),
        (hashed, "hash(...) is not the same in machine code"),
        (identity, "id(...) is another number in each run"),
    ],
)
def test_what_has_another_order_or_chance_is_refused(function: Callable[..., Any], text: str) -> None:
    found = refusal(function, 3)
    assert any(one in found for one in text.split("|")), found


@compiled
def peeked(k):
    return np.zeros(5).flat[k]


@compiled
class Peeks(Strategy):
    a: State[float] = 0.0

    def on_bar(self, view, bar):
        self.a = peeked(9000)


def test_a_strategy_whose_function_is_refused_is_named() -> None:
    with pytest.raises(StrategyError, match=r"Peeks: its hooks cannot be compiled: (.|\n)*array\.flat is not checked in machine code"):
        backtest(Peeks(), FRAME)
