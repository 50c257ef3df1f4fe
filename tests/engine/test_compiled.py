"""A compiled strategy and the same source in Python: the same audit, byte for byte (law 7)."""

from __future__ import annotations

import numba
import numpy as np
import pandas as pd
import pytest

from framework import PerInstrument, State, Strategy, backtest, compiled
from framework.engine.compiled import _driver_of, fingerprint
from framework.errors import ConfigError, InputError, StrategyError
from framework.schema.order import TimeInForce

COSTS = {"fee_bps": 1.0, "half_spread_bps": 1.0, "impact": {"model": "square_root"}, "max_participation": 0.5}


def frames(symbols: int = 3, days: int = 250) -> dict[str, pd.DataFrame]:
    random = np.random.default_rng(7)
    index = pd.date_range("2020-01-01", periods=days, freq="D", tz="UTC")
    made = {}
    for k in range(symbols):
        close = np.round(100 * np.exp(np.cumsum(random.normal(0, 0.02, days))), 2)
        opens = np.round(close * (1 + random.normal(0, 0.005, days)), 2)
        high, low = np.maximum(opens, close) + 0.5, np.minimum(opens, close) - 0.5
        made[f"S{k}"] = pd.DataFrame({"open": opens, "high": high, "low": low, "close": close, "volume": 10_000.0}, index=index)
    return made


@compiled
class Crossover(Strategy):
    fast: int = 5
    slow: int = 20
    share: float = 0.3

    def on_bar(self, view, bar):
        i = bar.instrument
        is_up = view.mean_close(i, self.fast) > view.mean_close(i, self.slow)
        view.target_weight(i, self.share if is_up else 0.0)


@compiled
def stretched(view, instrument, bars):
    return (view.price(instrument) - view.mean_close(instrument, bars)) / view.std_close(instrument, bars)


@compiled
class EveryWord(Strategy):
    """Uses each word of the compiled view."""

    seen: State[int] = 0
    last: PerInstrument[float]
    entry: PerInstrument[int]

    def on_bar(self, view, bar):
        i = bar.instrument
        self.seen += 1
        if view.bar_count(i) > 20 and stretched(view, i, 20) < -1.0 and view.position(i) == 0.0:
            self.entry[i] = view.bracket(i, 100.0, target=round(bar.close * 1.05, 2), loss=round(bar.close * 0.95, 2))
        elif self.seen % 17 == 0:
            self.entry[i] = view.order(i, -20.0, limit=round(bar.high, 2), time_in_force=TimeInForce.DAY)
        elif self.seen % 19 == 0 and not view.is_done(self.entry[i]):
            view.replace(self.entry[i], quantity=50.0)
        elif self.seen % 23 == 0 and view.filled_quantity(self.entry[i]) == 0.0:
            view.cancel(self.entry[i])
        elif self.seen % 29 == 0:
            view.order(i, 30.0, trail_bps=150.0, stop=round(bar.close * 1.02, 2))
        if view.now_ns != bar.ts_ns or bar.volume <= 0.0 or bar.low > bar.open:
            view.target_quantity(i, 1.0)
        self.last[i] = bar.close

    def on_bars(self, view, bars):
        if self.seen % 60 < 3:
            for k in range(len(bars)):
                if view.closes(bars[k].instrument, 3).sum() > 0.0 and view.equity > view.cash:
                    view.target_weight(bars[k].instrument, 0.1)


@pytest.mark.parametrize("strategy", [Crossover, EveryWord])
@pytest.mark.parametrize("symbols", [1, 3])
def test_compiled_and_python_give_the_same_bytes(strategy: type[Strategy], symbols: int) -> None:
    data = frames(symbols)
    risk = {"allow_short": True, "max_leverage": 2.0}
    fast = backtest(strategy(), data, costs=COSTS, risk=risk)
    slow = backtest(strategy.python(), data, costs=COSTS, risk=risk)
    assert len(fast.fills) > 10
    assert fast.audit.records.tobytes() == slow.audit.records.tobytes()
    assert fast.audit_hash == slow.audit_hash
    pd.testing.assert_series_equal(fast.equity, slow.equity, check_exact=True)


def test_it_agrees_with_a_plain_strategy_of_the_same_rule() -> None:
    class Plain(Strategy):
        def on_bar(self, view, bar):
            is_up = view.mean_close(bar.instrument, 5) > view.mean_close(bar.instrument, 20)
            view.target_weight(bar.instrument, 0.3 if is_up else 0.0)

    data = frames()
    assert backtest(Crossover(), data).audit.records.tobytes() == backtest(Plain(), data).audit.records.tobytes()


def test_state_starts_anew_and_is_there_to_read_afterwards() -> None:
    strategy = EveryWord()
    for _ in range(2):
        backtest(strategy, frames(2, 100), risk={"allow_short": True, "max_leverage": 2.0})
        assert strategy.seen == 200
    assert list(strategy.last) == [frame["close"].iloc[-1] for frame in frames(2, 100).values()]


@compiled
class Raises(Strategy):
    def on_bar(self, view, bar):
        if view.bar_count(bar.instrument) == 7:
            raise ValueError("seven")


@compiled
class LooksTooFar(Strategy):
    def on_bar(self, view, bar):
        view.mean_close(bar.instrument, 5000)


def test_an_error_names_strategy_hook_and_event() -> None:
    with pytest.raises(StrategyError, match=r"Raises.on_bar at 2020-01-07.*ValueError: seven"):
        backtest(Raises(), frames(1))
    with pytest.raises(StrategyError, match=r"Raises.on_bar at 2020-01-07.*ValueError: seven"):
        backtest(Raises.python(), frames(1))


def test_more_bars_than_are_kept_is_the_same_error_in_both() -> None:
    for strategy in (LooksTooFar(), LooksTooFar.python()):
        with pytest.raises(InputError, match=r"LooksTooFar.on_bar at 2020-01-01.*asked for the last 5000 bars.*history = 5000"):
            backtest(strategy, frames(1))


def test_what_cannot_be_compiled_is_refused_when_it_is_declared() -> None:
    with pytest.raises(ConfigError, match="it has none of on_bar, on_bars, on_quote, on_trade, on_book, on_timer, on_order, on_event"):
        compiled(type("Empty", (Strategy,), {}))

    class Texts(Strategy):
        name: str = "x"

        def on_bar(self, view, bar): ...

    with pytest.raises(ConfigError, match=r"Texts.name = 'x'.*int, float or bool"):
        backtest(compiled(Texts)(), frames(1))


THRESHOLD = 1.0


@numba.njit
def _above(close):
    return close > THRESHOLD


@compiled
def _counted(close):
    return 10 if _above(close) else 1


@compiled
class Counts(Strategy):
    got: State[int] = 0

    def on_bar(self, view, bar):
        self.got += _counted(bar.close) + int(100 * THRESHOLD)


def _counted_in(days: int = 3) -> int:
    strategy = Counts()
    backtest(strategy, frames(1, days))
    return strategy.got


def test_a_global_changed_in_the_same_process_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A notebook edits a constant and runs again: the hook reads it, and so does what it calls and what that calls."""
    assert _counted_in() == 3 * (10 + 100)
    driver = _driver_of(Counts)
    assert _driver_of(Counts) is driver
    monkeypatch.setitem(globals(), "THRESHOLD", 1e6)
    assert _counted_in() == 3 * (1 + 10**8)
    monkeypatch.setitem(globals(), "THRESHOLD", 1.0)
    assert _counted_in() == 3 * (10 + 100)


def test_a_function_replaced_in_the_same_process_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _counted_in() == 3 * (10 + 100)
    monkeypatch.setitem(globals(), "_above", numba.njit(lambda close: close < 0.0))
    assert _counted_in() == 3 * (1 + 100)
    monkeypatch.setattr(Counts, "on_bar", _counts_nothing)
    assert _counted_in() == 3 * 7


def _counts_nothing(self, view, bar):
    self.got += 7


def test_the_fingerprint_follows_the_code_it_depends_on(monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprint(Counts)
    assert fingerprint(Counts).digest == before.digest
    assert before.undecided == ()
    assert before.still_holds()
    monkeypatch.setitem(globals(), "THRESHOLD", 2.0)
    assert not before.still_holds()
    assert fingerprint(Counts).digest != before.digest
