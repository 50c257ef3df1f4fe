"""What a compiled hook gets wrong fails as in Python: the same error in the same words, at the same line, with the same audit before it."""

from __future__ import annotations

import math
import random
import re
from typing import Any

import numba
import numpy as np
import pandas as pd
import pytest

from framework import PerInstrument, State, Strategy, backtest, compiled
from framework.engine.compiled_math import rounded
from framework.errors import ConfigError, InputError, OneTapeError, StrategyError

DAYS = 40
PRICES = 100.0 + np.arange(DAYS)
FRAME = pd.DataFrame(
    {"open": PRICES, "high": PRICES + 1, "low": PRICES - 1, "close": PRICES, "volume": 1e6},
    index=pd.date_range("2024-01-01", periods=DAYS, freq="D", tz="UTC"),
)
TWO = {"A": FRAME, "B": FRAME, "C": FRAME}


def error_of(strategy: Strategy) -> str:
    with pytest.raises(OneTapeError) as caught:
        backtest(strategy, TWO)
    return f"{type(caught.value).__name__}: {caught.value}"


@compiled
class Asks(Strategy):
    """Does the thing of a number, at the third bar."""

    what: int = 0
    number: int = 0
    zero: State[int] = 0
    real: State[float] = 0.0
    rows: PerInstrument[float]
    counts: PerInstrument[int]

    def on_bar(self, view, bar):
        k, i = self.number, bar.instrument
        if view.bar_count(i) != 3:
            return
        if self.what == 0:
            self.real = view.price(k) + view.tick(k)
        elif self.what == 1:
            self.real = view.position(k)
        elif self.what == 2:
            view.target_quantity(k, 1.0)
        elif self.what == 3:
            view.target_weight(k, 0.1)
        elif self.what == 4:
            view.order(k, 1.0, limit=50.0)
        elif self.what == 5:
            view.bracket(k, 1.0, target=200.0, loss=50.0)
        elif self.what == 6:
            self.real = view.mean_close(k, 2) + view.std_close(k, 2)
        elif self.what == 7:
            self.real = view.closes(k, 3)[0]
        elif self.what == 8:
            self.real = view.bid(k) + view.ask_size(k) + view.lower_limit(k)
        elif self.what == 9:
            self.zero = view.bar_count(k)
        elif self.what == 10:
            self.rows[k] += 1.0
        elif self.what == 11:
            self.counts[k] = 1
        elif self.what == 12:
            self.real = view.closes(i, 20)[k]
        elif self.what == 13:
            self.real = view.size_at(i, k, 100.0)
        elif self.what == 14:
            view.order(i, 1.0, limit=50.0, time_in_force=k)
        else:
            self.real = view.lot(k)


@pytest.mark.parametrize("number", [3, 10**6, -1, -5])
@pytest.mark.parametrize("what", [*range(10), 15])
def test_an_instrument_that_there_is_not_is_the_same_error_in_both(what: int, number: int) -> None:
    text = error_of(Asks(what=what, number=number))
    assert text == error_of(Asks.python(what=what, number=number))
    assert text.startswith("InputError: Asks.on_bar at 2024-01-03T00:00:00Z (tape event ")
    assert f"): unknown instrument number {number}; the run has 3, their numbers are 0 to 2" in text


@pytest.mark.parametrize(
    ("what", "number", "size"), [(10, 3, 3), (10, -4, 3), (11, 3, 3), (11, 10**12, 3), (12, 3, 3), (12, -4, 3), (12, 19, 3)]
)
def test_an_index_beyond_is_the_same_error_in_both(what: int, number: int, size: int) -> None:
    """Three instruments lie in room for four: the fourth is not there to be read."""
    text = error_of(Asks(what=what, number=number))
    assert text == error_of(Asks.python(what=what, number=number))
    assert text.endswith(f": IndexError: index {number} is out of bounds for axis 0 with size {size}")
    assert "of test_compiled_checks.py)" in text


@pytest.mark.parametrize("number", [-1, -3, 0, 2])
def test_an_index_from_the_end_means_the_same_in_both(number: int) -> None:
    for what in (10, 11, 12):
        fast, slow = Asks(what=what, number=number), Asks.python(what=what, number=number)
        backtest(fast, TWO)
        backtest(slow, TWO)
        assert (list(fast.rows), list(fast.counts), fast.real) == (list(slow.rows), list(slow.counts), slow.real)
        if what == 10:
            assert fast.rows[number] == 3.0


@pytest.mark.parametrize(
    ("what", "number", "text"), [(13, 2, "InputError: .*side 2; bids are 1"), (14, 99, "StrategyError: .*ValueError: 99 is not a valid")]
)
def test_other_numbers_that_mean_nothing(what: int, number: int, text: str) -> None:
    found = error_of(Asks(what=what, number=number))
    assert found == error_of(Asks.python(what=what, number=number))
    assert re.match(text, found)


@compiled
class Computes(Strategy):
    what: int = 0
    a: int = 0
    b: int = 0
    x: float = 0.0
    y: float = 0.0
    whole: State[int] = 0
    real: State[float] = 0.0
    truth: State[bool] = False

    def on_bar(self, view, bar):
        if self.what == 0:
            self.whole = self.a + self.b
        elif self.what == 1:
            self.whole = self.a - self.b
        elif self.what == 2:
            self.whole = self.a * self.b
        elif self.what == 3:
            self.whole = self.a // self.b
        elif self.what == 4:
            self.whole = self.a % self.b
        elif self.what == 5:
            self.real = self.a / self.b
        elif self.what == 6:
            self.whole = self.a << self.b
        elif self.what == 7:
            self.whole = -self.a + abs(self.b)
        elif self.what == 8:
            self.real = self.x / self.y
        elif self.what == 9:
            self.real = self.x // self.y
        elif self.what == 10:
            self.real = self.x % self.y
        elif self.what == 11:
            self.real = self.x**self.y
        elif self.what == 12:
            self.whole = int(self.x)
        elif self.what == 13:
            self.whole = round(self.x)
        elif self.what == 14:
            self.real = math.sqrt(self.x) + math.log(self.y)
        elif self.what == 15:
            self.real = math.exp(self.x)
        elif self.what == 16:
            self.whole = math.floor(self.x) + math.ceil(self.y)
        elif self.what == 17:
            self.real = max(self.x, self.y) - min(self.y, self.x, 3.0)
        elif self.what == 18:
            self.truth = (self.a < self.x) != (self.x >= self.a) or self.a == self.y
        elif self.what == 19:
            self.real = 2**-3 + 2.0**-3
        elif self.what == 20:
            self.whole = round(self.a, -2) + (self.a >> 1) + ~self.a + (self.a > 0) + 7**2
        else:
            self.real = round(self.x, self.a)


def both(**numbers: Any) -> str:
    """What both forms came to, which must be one thing."""
    found = []
    for strategy in (Computes(**numbers), Computes.python(**numbers)):
        try:
            backtest(strategy, FRAME)
            found.append(repr((strategy.whole, strategy.real, strategy.truth)))
        except StrategyError as error:
            found.append(str(error))
    assert found[0] == found[1], numbers
    return found[0]


LEAST, MOST = -(2**63), 2**63 - 1


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ({"what": 3, "a": 7, "b": 0}, "ZeroDivisionError: integer division or modulo by zero"),
        ({"what": 4, "a": 7, "b": 0}, "ZeroDivisionError: integer modulo by zero"),
        ({"what": 5, "a": 7, "b": 0}, "ZeroDivisionError: division by zero"),
        ({"what": 6, "a": 7, "b": -1}, "ValueError: negative shift count"),
        ({"what": 8, "x": 7.0}, "ZeroDivisionError: float division by zero"),
        ({"what": 9, "x": 7.0}, "ZeroDivisionError: float floor division by zero"),
        ({"what": 10, "x": 7.0}, "ZeroDivisionError: float modulo"),
        ({"what": 11, "x": 0.0, "y": -1.0}, "ZeroDivisionError: 0.0 cannot be raised to a negative power"),
        ({"what": 11, "x": 1e300, "y": 2.5}, "OverflowError: (34, 'Numerical result out of range')"),
        ({"what": 12, "x": math.nan}, "ValueError: cannot convert float NaN to integer"),
        ({"what": 13, "x": math.inf}, "OverflowError: cannot convert float infinity to integer"),
        ({"what": 14, "x": -1.0, "y": 1.0}, "ValueError: math domain error"),
        ({"what": 14, "x": 1.0, "y": 0.0}, "ValueError: math domain error"),
        ({"what": 15, "x": 1000.0}, "OverflowError: math range error"),
        ({"what": 16, "x": math.nan}, "ValueError: cannot convert float NaN to integer"),
    ],
)
def test_what_has_no_result_is_pythons_error(numbers: dict[str, Any], text: str) -> None:
    assert both(**numbers).endswith(text)


def test_numbers_come_out_as_in_python() -> None:
    draw = random.Random(4)
    for what in (*range(8), 20):
        for _ in range(20):
            a = draw.choice((draw.randint(-50, 50), draw.randint(-(2**40), 2**40)))
            both(what=what, a=a, b=draw.randint(1, 20) * draw.choice((-1, 1) if what != 6 else (1,)))
    for what in (*range(8, 12), *range(12, 19)):
        for _ in range(20):
            x, y = draw.choice((math.nan, draw.uniform(-9, 9), 2.5, -0.5)), draw.choice((draw.uniform(-9, 9), 0.5, -2.0))
            if not (what == 11 and x < 0.0):  # complex in Python
                both(what=what, x=x, y=y, a=draw.randint(-3, 3))
    assert both(what=19) == "(0, 0.25, False)"


def test_large_whole_numbers_divide_and_compare_exactly() -> None:
    draw = random.Random(5)
    for _ in range(60):
        a, b = draw.randint(2**53, 2**62) * draw.choice((-1, 1)), draw.choice((draw.randint(2, 2**62), 10**9, 3))
        assert both(what=5, a=a, b=b) == repr((0, a / b, False))
    assert both(what=18, a=2**53 + 1, x=float(2**53), y=float(2**53)) == repr((0, 0.0, False))
    assert float(2**53) < 2**53 + 1


@pytest.mark.parametrize(("what", "a", "b"), [(0, MOST, 1), (1, LEAST, 1), (2, 2**40, 2**40), (3, LEAST, -1), (6, 1, 63), (7, LEAST, 0)])
def test_a_whole_number_beyond_64_bits_fails_and_does_not_wrap(what: int, a: int, b: int) -> None:
    """Python's own goes on; where it is put into state, it is the same error there."""
    assert "OverflowError: a whole number beyond 64 bits" in both(what=what, a=a, b=b)


def test_round_is_cpythons_for_random_floats() -> None:
    @numba.njit
    def compute(values, digits, found):
        for k in range(len(values)):
            found[k] = rounded(values[k], digits)

    draw = np.random.default_rng(3)
    count = 20_000
    values = np.concatenate(
        [
            draw.uniform(-1e4, 1e4, count),
            np.round(draw.uniform(0, 1e4, count), 3) + draw.choice([0.0, 0.005, 0.0005], count),  # near ties
            draw.integers(-(10**6), 10**6, count) / 8.0,  # real ties
            np.exp(draw.uniform(-80, 80, count)),
            draw.integers(2**51, 2**54, count) / 2.0 ** draw.integers(0, 60, count),
            np.array([0.0, -0.0, math.nan, math.inf, -math.inf, 0.5, 2.5, -0.5, 5e-324, 1e308, 2.675, 1.005]),
        ]
    )
    found = np.empty_like(values)
    for digits in (0, 1, 2, 3, 5, 8, 12, 18, -1, -2, -5):
        kept = values if digits >= 0 else values[~(np.abs(values) >= 2.0**62) | ~np.isfinite(values)]
        compute(kept, digits, found)
        expected = np.array([round(value, digits) for value in kept.tolist()])
        assert found[: len(kept)].tobytes() == expected.tobytes(), digits


@compiled
class Unchecked(Strategy):
    b: int = 3

    def on_bar(self, view, bar):
        view.target_quantity(0, 7 // self.b)


def test_a_run_without_checks_says_so() -> None:
    class Off(Unchecked):
        pass

    off = compiled(checks=False)(Off)
    assert [note for note in backtest(off(), FRAME).notes if "without checks: Unchecked.on_bar" in note]
    assert not [note for note in backtest(Off.python(), FRAME).notes if "without checks" in note]
    assert not [note for note in backtest(Unchecked(), FRAME).notes if "without checks" in note]


def test_without_checks_instruments_are_checked_all_the_same() -> None:
    @compiled(checks=False)
    class Off(Strategy):
        def on_bar(self, view, bar):
            view.target_quantity(7, 1.0)

    with pytest.raises(InputError, match="unknown instrument number 7"):
        backtest(Off(), FRAME)


def refused(on_bar: Any, kind: type[OneTapeError] = StrategyError, match: str = "its hooks cannot be compiled") -> str:
    Made = compiled(type("Made", (Strategy,), {"__annotations__": {"n": "State[int]"}, "n": 0, "on_bar": on_bar}))  # noqa: N806
    with pytest.raises(kind, match=match) as caught:
        backtest(Made(), FRAME)
    return str(caught.value)


def test_what_cannot_be_the_same_is_refused_when_it_is_compiled() -> None:
    def tries(self, view, bar):
        try:
            view.price(9)
        except ValueError:
            view.target_quantity(0, 1.0)

    def by_place(self, view, bar):
        view.bracket(0, 1.0, 110.0, 90.0)

    def gamma(self, view, bar):
        view.target_quantity(0, math.gamma(bar.close))

    def force(self, view, bar):
        view.order(0, 1.0, time_in_force="GTX")

    def loses_its_fraction(self, view, bar):
        self.n = bar.close

    def no_instrument(self, view, bar):
        view.target_quantity(1.5, 1.0)

    refused(tries, ConfigError, "tries has a `try` or `with`, which compiled code does not")
    assert "bracket takes 2 arguments without a name, 4 are given" in refused(by_place)
    assert "math.gamma is not the same in machine code" in refused(gamma)
    assert "unknown time_in_force 'GTX'" in refused(force)
    assert "n is State[int] and is set to a float" in refused(loses_its_fraction)
    assert "expected a whole number" in refused(no_instrument)


@compiled
class OneTooFar(Strategy):
    """Orders once, then asks for the order after it, or for a bar beside those of its stamp."""

    what: int = 0
    real: State[float] = 0.0

    def on_bars(self, view, bars):
        count = view.bar_count(0)
        if count == 2:
            view.order(0, 1.0, limit=50.0)
        if count != 3:
            return
        if self.what == 0:
            view.is_done(view.next_order_id)
        elif self.what == 1:
            view.cancel(view.next_order_id)
        elif self.what == 2:
            view.replace(view.next_order_id, quantity=2.0)
        elif self.what == 3:
            self.real = bars[len(bars)].close
        elif self.what == 4:
            self.real = bars[-len(bars) - 1].close


@pytest.mark.parametrize("what", range(5))
def test_one_too_far_is_the_same_error_in_both(what: int) -> None:
    text = error_of(OneTooFar(what=what))
    assert text == error_of(OneTooFar.python(what=what))
    assert ("unknown order 1; ids so far are 0 to 0" if what < 3 else "IndexError: list index out of range") in text


@compiled
class OfNothing(Strategy):
    """What comes of no closes, and of constants."""

    what: int = 0
    real: State[float] = 1.0

    def on_bar(self, view, bar):
        if view.bar_count(1) > 0:
            return
        closes = view.closes(1, 2)
        if self.what == 0:
            self.real = np.mean(closes)
        elif self.what == 1:
            self.real = closes.mean()
        elif self.what == 2:
            self.real = np.sum(closes)
        elif self.what == 3:
            self.real = np.var(closes)
        elif self.what == 4:
            self.real = closes.std()
        elif self.what == 5:
            self.real = 1.637 / 0.0
        elif self.what == 6:
            self.real = 7 % 0


@pytest.mark.parametrize("what", range(7))
def test_what_comes_of_nothing_is_the_same_in_both(what: int) -> None:
    late = {"A": FRAME, "B": FRAME.iloc[-1:]}
    found = []
    for strategy in (OfNothing(what=what), OfNothing.python(what=what)):
        try:
            backtest(strategy, late)
            found.append(repr(strategy.real))
        except StrategyError as error:
            found.append(str(error))
    assert found[0] == found[1]
    assert {0: "nan", 1: "nan", 2: "0.0"}.get(what, "ZeroDivisionError: ") in found[0]
