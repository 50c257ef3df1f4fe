"""What is refused by the graph of statements and of calls: variables that may have no value, functions that call themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from framework import State, Strategy, backtest, compiled
from framework.errors import ConfigError
from tests.engine.refusals import machine_code, refusal

PRICES = dict.fromkeys(("open", "high", "low", "close"), 50.0)
FRAME = pd.DataFrame(PRICES | {"volume": 1.0}, index=pd.date_range("2024-01-01", periods=4, tz="UTC"))


def on_one_way(k):
    if k < 0:
        x = 5.0
    return x


def after_a_loop(k):
    for i in range(k):  # noqa: B007  # what is asked
        pass
    return i


def in_a_loop(k):
    total = 0
    while k > 0:
        if total > 3:
            last = total
        total += 1
        k -= 1
    return last


def in_one_case(k):
    match k:
        case 1:
            x = 2
        case 2:
            x = 3
    return x


@pytest.mark.parametrize(
    ("function", "name", "line"), [(on_one_way, "x", 3), (after_a_loop, "i", 3), (in_a_loop, "last", 7), (in_one_case, "x", 6)]
)
def test_a_variable_without_a_value_on_some_way_is_refused(function: Callable[..., Any], name: str, line: int) -> None:
    at = function.__code__.co_firstlineno + line
    assert f"{name} may be unassigned at line {at}" in refusal(function, 0)


def given(k):
    if k < 0:
        x = 1
    elif k == 0:
        return 7
    else:
        x = 2
    total = 0
    for i in range(k):
        y = i * x
        if y > 4:
            continue
        if y > 2:
            z = y
            break
        total += y + i
    else:
        z = 10
    while True:
        w = total
        if w > -1:
            break
    squares = [a * a for a in (1, 2, k)]
    n = 3 if k > 1 else x
    return total + z + w + n + squares[-1]


def test_a_variable_with_a_value_on_every_way_is_compiled() -> None:
    fast = machine_code(given)
    assert [fast(k) for k in (-1, 0, 2, 3)] == [0 + 10 + 0 + 1 + 1, 7, 3 + 10 + 3 + 3 + 4, 3 + 4 + 3 + 3 + 9]
    assert [fast(k) for k in range(-3, 9)] == [given(k) for k in range(-3, 9)]


@compiled
def down(n):
    return 0 if n <= 0 else down(n - 1) + 1


@compiled
def even(n):
    return True if n == 0 else odd(n - 1)


@compiled
def odd(n):
    return False if n == 0 else even(n - 1)


@compiled
def twice(n):
    return once(n) + once(n)


@compiled
def once(n):
    return n + 1


@compiled
class Down(Strategy):
    n: State[int] = 0

    def on_bar(self, view, bar):
        self.n = down(10_000_000)


@compiled
class Even(Strategy):
    n: State[int] = 0

    def on_bar(self, view, bar):
        self.n = int(even(10_000_000))


@compiled
class Twice(Strategy):
    n: State[int] = 0

    def on_bar(self, view, bar):
        self.n = twice(3) + once(1)


@pytest.mark.parametrize(("strategy", "chain"), [(Down, "down calls down: "), (Even, "even calls odd calls even: ")])
def test_a_function_that_calls_itself_is_refused(strategy: type[Strategy], chain: str) -> None:
    with pytest.raises(ConfigError, match=chain + "a function that calls itself"):
        backtest(strategy(), FRAME)


def test_a_function_that_is_called_twice_is_not_refused() -> None:
    strategy: Any = Twice()
    backtest(strategy, FRAME)
    assert strategy.n == 4 + 4 + 2
