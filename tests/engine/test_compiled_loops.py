"""A compiled hook that does not end: it is interrupted where it stands, or stops at its most passes."""

from __future__ import annotations

import signal
import threading

import pandas as pd
import pytest

from framework import State, Strategy, backtest, compiled
from framework.engine import compiled as driving
from framework.errors import StrategyError
from framework.kernel import codes

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


def test_a_long_run_looks_up_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signals are handled between two stretches of the tape, and a run in stretches is the run in one."""
    from framework.engine import compiled_driver

    whole = Counts()
    expected = backtest(whole, FRAME).audit_hash
    monkeypatch.setattr(compiled_driver, "_STRETCH", 3)
    monkeypatch.setattr(driving, "_drivers", {})
    monkeypatch.setattr(driving, "fingerprint", lambda cls: "in stretches of three")

    seen: list[int] = []
    original = driving.Driver._replay

    def watched(self: driving.Driver, *arguments: int) -> int:
        drive = self._drive
        self._drive = lambda *given: (seen.append(wake := drive(*given)), wake)[1]
        try:
            return original(self, *arguments)
        finally:
            self._drive = drive

    monkeypatch.setattr(driving.Driver, "_replay", watched)
    counts = Counts()
    assert backtest(counts, FRAME).audit_hash == expected
    assert counts.n == len(FRAME)
    assert seen.count(codes.LOOK_UP) >= len(FRAME) // 5
