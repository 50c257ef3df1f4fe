"""What hooks store, print and raise: as in Python, or refused in one sentence that names the line."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest

from framework import PerInstrument, State, Strategy, backtest, compiled
from framework.engine.compiled import own_dtype
from framework.errors import OneTapeError, StrategyError

PRICES = np.array([100.25, 101.0, 99.5])
FRAME = pd.DataFrame(
    {"open": PRICES, "high": PRICES + 1, "low": PRICES - 1, "close": PRICES, "volume": 1e6},
    index=pd.date_range("2024-01-01", periods=3, freq="D", tz="UTC"),
)


def error_of(strategy: Strategy) -> str:
    with pytest.raises(OneTapeError) as caught:
        backtest(strategy, FRAME)
    return f"{type(caught.value).__name__}: {caught.value}"


def line_of(function: Callable[..., Any], text: str) -> int:
    lines, first = inspect.getsourcelines(function)
    return first + next(number for number, line in enumerate(lines) if text in line)


@compiled
class Grows(Strategy):
    size: float = 1
    least: float = 0.5
    seen: State[int] = 0

    def on_bar(self, view, bar):
        self.seen += 1
        if self.seen == 2:
            self.size += 1.0
        view.order(bar.instrument, self.size)


def test_a_parameter_is_not_set_by_a_hook_in_either_form() -> None:
    line = line_of(Grows.on_bar, "self.size += 1.0")
    sentence = "Grows.size is a parameter, which never changes in a run: declare it as state, `size: State[float] = 1.0`"
    refusal = f"Grows: its hooks cannot be compiled (line {line} of test_compiled_statements.py): {sentence}"
    fast, slow = Grows(), Grows.python()
    for _ in range(2):
        assert error_of(fast) == f"StrategyError: {refusal}"
        found = error_of(slow)
        assert found.startswith("StrategyError: Grows.on_bar at 2024-01-02T00:00:00Z (tape event ")
        assert found.endswith(f"line {line} of test_compiled_statements.py): {sentence}")
    assert (fast.size, slow.size) == (1.0, 1.0)


def test_the_way_out_works() -> None:
    @compiled
    class Grows(Strategy):  # as the other but for what the error says
        size: State[float] = 1.0
        least: float = 0.5
        seen: State[int] = 0

        def on_bar(self, view, bar):
            self.seen += 1
            if self.seen == 2:
                self.size += 1.0
            view.order(bar.instrument, self.size)

    fast = Grows()
    runs = [backtest(fast, FRAME), backtest(fast, FRAME), backtest(Grows.python(), FRAME)]
    assert [list(run.orders["quantity"]) for run in runs] == [[1.0, 2.0, 2.0]] * 3
    assert len({run.audit_hash for run in runs}) == 1


@compiled
def enlarge(strategy):
    strategy.size = 3.0


def test_a_function_that_a_hook_calls_sets_no_parameter() -> None:
    @compiled
    class Enlarges(Strategy):
        size: float = 1.0

        def on_bar(self, view, bar):
            enlarge(self)

    line = line_of(enlarge, "strategy.size = 3.0")
    for strategy in (Enlarges(), Enlarges.python()):
        found = error_of(strategy)
        assert f"line {line} of " in found
        assert found.endswith("`size: State[float] = 1.0`")


@pytest.mark.parametrize("hook", ["on_start", "on_bar", "on_stop"])
def test_no_hook_in_python_sets_a_parameter_and_all_others_are_free(hook: str) -> None:
    class Sets(Strategy):
        pairs: list[str] = ["A"]  # noqa: RUF012  # a parameter
        size: int = 2
        kept: ClassVar[int] = 1

    def sets(self: Any, *_: Any) -> None:
        self.of_its_own = 1
        self.kept = 2
        self.pairs = ["B"]

    setattr(Sets, hook, sets)
    strategy = Sets()
    assert error_of(strategy).endswith(
        "Sets.pairs is a parameter, which never changes in a run: keep what changes under another name, set in on_start"
    )
    assert (strategy.of_its_own, strategy.kept, strategy.pairs) == (1, 2, ["A"])  # type: ignore[attr-defined]
    strategy.size = 5  # the run is over
    assert strategy.parameters["size"] == 5


def test_parameters_may_be_set_between_runs() -> None:
    @compiled
    class Buys(Strategy):
        size: float = 1.0

        def on_bar(self, view, bar):
            view.order(bar.instrument, self.size)

    for strategy in (Buys(), Buys.python()):
        for size in (1.0, 4.0):
            strategy.size = size
            assert list(backtest(strategy, FRAME).orders["quantity"]) == [size] * 3


def test_machine_code_for_state_is_not_that_for_a_parameter() -> None:
    class OfState(Strategy):
        size: State[float] = 1.0

    class OfParameter(Strategy):
        size: float = 1.0

    assert own_dtype(OfState(), 1) != own_dtype(OfParameter(), 1)


@compiled
class Prints(Strategy):
    limit: float = 1e22
    count: State[int] = 0

    def on_bar(self, view, bar):
        self.count += 1
        print("100 %s, 東京", bar.close, "count", self.count, self.count > 1, 7, None is view)
        print()
        print(self.limit, -0.0 * bar.close, self.limit * 1e300)
        says(self.count)


@compiled
def says(number):
    print("got", number)


def test_print_prints_what_python_prints(capsys: pytest.CaptureFixture[str]) -> None:
    found = []
    for strategy in (Prints(), Prints.python()):
        backtest(strategy, FRAME)
        found.append(capsys.readouterr().out)
    assert found[0] == found[1]
    assert found[0].splitlines()[:4] == ["100 %s, 東京 100.25 count 1 False 7 False", "", "1e+22 -0.0 inf", "got 1"]
    assert len(found[0].splitlines()) == 12


def refused(on_bar: Callable[..., None], line: str = "") -> str:
    """The sentence by which a hook is refused; `line` is part of the line that it names, the hook's first where it is empty."""
    hints = {"whole": State[int], "counts": PerInstrument[int]}
    Made = compiled(type("Made", (Strategy,), {"__annotations__": hints, "whole": 0, "on_bar": on_bar}))  # noqa: N806
    with pytest.raises(StrategyError) as caught:
        backtest(Made(), FRAME)
    number = line_of(on_bar, line) if line else line_of(on_bar, "def ") + 1
    start = f"Made: its hooks cannot be compiled (line {number} of test_compiled_statements.py): "
    assert str(caught.value).startswith(start)
    return str(caught.value).removeprefix(start)


def test_print_of_what_is_no_number_is_refused() -> None:
    def an_object(self, view, bar):
        print("bar", bar)

    def an_f_string(self, view, bar):
        print(f"close {bar.close}")

    def a_tuple(self, view, bar):
        numbers = (bar.close, bar.open)
        print(*numbers)

    sentence = (
        'print in a compiled hook takes constant texts and numbers with commas between them, as in print("close", bar.close), no f-string '
        "and no objects: name the numbers, or run .python()"
    )
    assert refused(an_object) == refused(an_f_string) == refused(a_tuple, "print(*numbers)") == sentence


def test_an_exception_with_a_value_of_the_run_is_refused() -> None:
    def an_f_string(self, view, bar):
        raise ValueError(f"bad {bar.close}")

    def two_arguments(self, view, bar):
        raise ValueError("bad", bar.close)

    def a_sum(self, view, bar):
        raise ValueError("bad " + str(view.bar_count(0)))

    def held(self, view, bar):
        error = ValueError("a") if bar.close > 0.0 else ValueError("b")
        raise error

    sentence = (
        "`raise` and `assert` in a compiled hook take an exception that is written out with constant texts and numbers, no f-string "
        'and no value of the run, as in raise ValueError("too late"): print the value before it, or run .python()'
    )
    for hook in (an_f_string, two_arguments, a_sum):
        assert refused(hook) == sentence
    assert refused(held, "raise error") == sentence


@compiled
class Raises(Strategy):
    what: int = 0

    def on_bar(self, view, bar):
        if self.what == 0:
            raise ValueError("bad", 3)
        if self.what == 1:
            raise ValueError
        raise KeyError("bad")


@pytest.mark.parametrize(("what", "text"), [(0, "ValueError: ('bad', 3)"), (1, "ValueError: "), (2, "KeyError: 'bad'")])
def test_an_exception_that_is_written_out_is_the_same_in_both(what: int, text: str) -> None:
    found = error_of(Raises(what=what))
    assert found == error_of(Raises.python(what=what))
    assert found.endswith(f"of test_compiled_statements.py): {text}")


def test_an_assertion_is_an_exception_that_is_written_out() -> None:
    made: dict[str, Any] = {"Strategy": Strategy, "compiled": compiled}  # pytest changes the assertions of this file
    for name, text in (("Says", '"bad"'), ("Formats", 'f"bad {bar.close}"')):
        source = f"@compiled\nclass {name}(Strategy):\n    def on_bar(self, view, bar):\n        assert bar.close < 0.0, {text}\n"
        exec(compile(source, "asserts.py", "exec"), {"__name__": "asserts"} | made, made)
    found = error_of(made["Says"]())
    assert found == error_of(made["Says"].python())
    assert found.endswith("line 4 of asserts.py): AssertionError: bad")
    assert "(line 4 of asserts.py): `raise` and `assert` in a compiled hook take" in error_of(made["Formats"]())


@compiled
class Extremes(Strategy):
    what: int = 0
    found: State[float] = 0.0

    def on_bar(self, view, bar):
        closes = view.closes(bar.instrument, 3)
        dear = [close for close in closes if close > 100.5]
        if self.what == 0:
            self.found = max(dear)
        elif self.what == 1:
            self.found = min(dear)
        elif self.what == 2:
            self.found = max(closes[2:1])
        elif self.what == 3:
            self.found = min(range(len(dear)))
        else:
            self.found = max(closes) * 100.0 + min([5, 2, 9]) + max((1, 2.5)) * 1000.0 + min(range(7, 9))


@pytest.mark.parametrize(("what", "name"), [(0, "max"), (1, "min"), (2, "max"), (3, "min")])
def test_the_extreme_of_nothing_is_the_same_error_in_both(what: int, name: str) -> None:
    found = error_of(Extremes(what=what))
    assert found == error_of(Extremes.python(what=what))
    assert found.startswith("StrategyError: Extremes.on_bar at 2024-01-01T00:00:00Z (tape event ")
    with pytest.raises(ValueError) as pythons:  # the text differs by version
        {"max": max, "min": min}[name](())
    assert found.endswith(f": ValueError: {pythons.value}")


def test_the_extreme_of_something_is_that_of_python() -> None:
    for strategy in (Extremes(what=4), Extremes.python(what=4)):
        backtest(strategy, FRAME)
        assert strategy.found == 10100.0 + 2 + 2500.0 + 7


def test_a_float_among_whole_numbers_is_refused_in_a_sentence() -> None:
    def a_value(self, view, bar):
        self.whole = bar.close

    def a_cell(self, view, bar):
        self.counts[bar.instrument] = bar.close

    def adds(self, view, bar):
        self.counts[0] += 0.5

    def an_array(self, view, bar):
        array = np.zeros(3, np.int64)
        array[1] = bar.close

    assert refused(a_value) == "whole is State[int] and is set to a float: write int(...) or declare State[float]"
    cell = "counts is PerInstrument[int] and is set to a float: write int(...) or declare PerInstrument[float]"
    assert refused(a_cell) == refused(adds) == cell
    assert refused(an_array, "array[1] =") == "a float is put among whole numbers: write int(...) or make it an array of floats"


def add_one(strategy: Any) -> None:
    strategy.size += 1.0


HELPERS = {"add one": add_one}
"""Out of sight of whoever reads the code of a hook."""


def test_a_parameter_that_a_function_elsewhere_set_is_told_at_the_end() -> None:
    class Helped(Strategy):
        size: float = 1.0

        def on_bar(self, view, bar):
            HELPERS["add one"](self)

    with pytest.raises(StrategyError, match=r"Helped.on_stop at .*: Helped.size is a parameter, which never changes in a run"):
        backtest(Helped(), FRAME)
