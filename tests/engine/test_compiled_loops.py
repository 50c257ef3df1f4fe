"""A compiled hook that does not end: it is interrupted where it stands, or stops at its most passes."""

from __future__ import annotations

import signal
import threading

import numpy as np
import pandas as pd
import pytest

from framework import State, Strategy, backtest, compiled
from framework.errors import StrategyError

FRAME = pd.DataFrame(
    {"open": 100.0, "high": 101.0, "low": 99.0, "close": 100.0, "volume": 1e6},
    index=pd.date_range("2024-01-01", periods=20, freq="D", tz="UTC"),
)


@compiled
def spin(price):
    while price > 0.0:
        price += 1.0
    return price


@compiled
class Spins(Strategy):
    """Goes through a loop without end in one of three places."""

    most_passes = 20_000_000
    where: int = 0
    n: State[int] = 0

    def on_bar(self, view, bar):
        if self.where == 0:
            while view.price(bar.instrument) > 0.0:
                self.n += 1
        elif self.where == 1:
            spin(bar.close)
        else:
            for k in range(10**15):
                self.n = k


@pytest.mark.parametrize("where", range(3))
def test_a_loop_without_an_end_stops_at_a_stated_number(where: int) -> None:
    with pytest.raises(
        StrategyError, match=r"Spins.on_bar at 2024-01-01T00:00:00Z [(]tape event [0-9]+, line [0-9]+ of test_compiled_loops.py[)]"
    ) as caught:
        backtest(Spins(where=where), FRAME)
    assert "went through its loops 20,000,000 times" in str(caught.value)
    assert "most_passes = 200000000" in str(caught.value)


@compiled
class Counts(Strategy):
    n: State[int] = 0

    def on_bar(self, view, bar):
        self.n += 1


@pytest.mark.parametrize("where", range(3))
def test_a_loop_without_an_end_is_interrupted(where: int, monkeypatch: pytest.MonkeyPatch) -> None:
    main = threading.get_ident()
    timer = threading.Timer(0.5, signal.pthread_kill, (main, signal.SIGINT))
    monkeypatch.setattr(Spins, "most_passes", 1_000)
    with pytest.raises(StrategyError):
        backtest(Spins(where=where), FRAME)  # compiled now: an interrupt that comes while it is would be told elsewhere
    monkeypatch.setattr(Spins, "most_passes", 10**15)
    monkeypatch.setattr(Spins, "on_start", lambda self, view: timer.start())
    with pytest.raises(KeyboardInterrupt) as caught:
        backtest(Spins(where=where), FRAME)
    timer.join()
    assert "interrupted in Spins.on_bar at 2024-01-01T00:00:00Z" in caught.value.__notes__[0]
    counts = Counts()
    backtest(counts, FRAME)
    assert counts.n == len(FRAME)  # the process is as it was


def test_passes_are_counted_anew_in_each_call() -> None:
    @compiled
    class Works(Strategy):
        most_passes = 2**24 + 2**23
        n: State[int] = 0

        def on_bar(self, view, bar):
            for _ in range(2**24):
                self.n += 1

    works = Works()
    backtest(works, FRAME)
    assert works.n == len(FRAME) * 2**24


def test_passes_of_a_loop_that_asks_are_counted_anew_in_each_call() -> None:
    @compiled
    class Asks(Strategy):
        most_passes = 100
        n: State[int] = 0

        def on_bar(self, view, bar):
            k = 0
            while k < 99:
                k += 1
            self.n += k

    asks = Asks()
    backtest(asks, FRAME)
    assert asks.n == len(FRAME) * 99


def test_passes_of_a_loop_inside_another_count() -> None:
    @compiled
    class Nested(Strategy):
        most_passes = 5_000

        def on_bar(self, view, bar):
            for _ in range(2):
                for _ in range(3_000):
                    view.price(bar.instrument)

    with pytest.raises(StrategyError, match="went through its loops 5,000 times"):
        backtest(Nested(), FRAME)


@compiled
class Long(Strategy):
    """No call takes long, but all together do."""

    most_passes = 10**15
    how: int = 0
    n: State[int] = 0
    real: State[float] = 0.0

    def on_bar(self, view, bar):
        if self.how == 0:  # short loops, call after call
            for k in range(60_000):
                self.n = (self.n * 31 + k) % 1_000_003
        elif self.how == 1 and view.bar_count(bar.instrument) == 1:  # quick passes, then slow ones
            for k in range(3_000_000):
                self.n = (self.n * 31 + k) % 1_000_003
            x = np.linspace(0.0, 1.0, 100_000)
            for _ in range(20_000):
                self.real += np.sort(x)[5]


@compiled
class Sorts(Strategy):
    """Slow calls without a loop."""

    real: State[float] = 0.0

    def on_bar(self, view, bar):
        self.real += np.sort(np.linspace(0.0, 1.0, 100_000))[5]


LONG_FRAME = pd.DataFrame(
    {"open": 100.0, "high": 101.0, "low": 99.0, "close": 100.0, "volume": 1e6},
    index=pd.date_range("2024-01-01", periods=20_000, freq="min", tz="UTC"),
)


@pytest.mark.parametrize("strategy", [Long(how=0), Long(how=1), Sorts()], ids=["short loops", "slow passes", "slow calls"])
def test_a_run_of_many_calls_or_slow_passes_is_interrupted(strategy: Strategy, monkeypatch: pytest.MonkeyPatch) -> None:
    backtest(Sorts() if isinstance(strategy, Sorts) else Long(how=2), LONG_FRAME.head(2))  # what is interrupted is no compiler
    main = threading.get_ident()
    timer = threading.Timer(0.5, signal.pthread_kill, (main, signal.SIGINT))  # its thread gets to run while a hook does
    monkeypatch.setattr(type(strategy), "on_start", lambda self, view: timer.start())
    with pytest.raises(KeyboardInterrupt) as caught:
        backtest(strategy, LONG_FRAME)
    timer.join()
    assert len(caught.value.result.equity) < len(LONG_FRAME) // 2


def test_the_pass_that_is_one_too_many_is_always_the_same() -> None:
    @compiled
    class Orders(Strategy):
        most_passes = 1000

        def on_bar(self, view, bar):
            while True:
                view.order(bar.instrument, 1.0, limit=50.0)

    with pytest.raises(StrategyError, match="went through its loops 1,000 times") as caught:
        backtest(Orders(), FRAME)
    assert len(caught.value.result.orders) == 999
