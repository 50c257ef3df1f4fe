"""Where a trailing stop stands now: in a hook, in the table of orders, also where answers take time."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from framework import Strategy, backtest, compiled

ROWS = [
    (100, 100, 100, 100, 1000),
    (100, 100, 100, 100, 1000),
    (100, 108, 99.5, 105, 1000),  # 108 - 10
    (105, 106, 98.5, 99, 1000),  # nothing higher
    (99, 112, 98.5, 110, 1000),  # 112 - 10, and the close of 110 stays above it
    (110, 110, 103, 104, 1000),
]
LEVELS = [90.0, 98.0, 98.0, 102.0, 102.0]


def frame() -> pd.DataFrame:
    index = pd.date_range("2024-01-02", periods=len(ROWS), freq="D", tz="UTC")
    return pd.DataFrame(ROWS, columns=["open", "high", "low", "close", "volume"], index=index).astype(float)


class Trail(Strategy):
    """Buys, then trails, and notes the level at every later bar."""

    def on_start(self, view):
        self.order, self.seen = None, []

    def on_bar(self, view, bar):
        count = view.bar_count(bar.instrument)
        if count == 1:
            view.buy(bar.instrument, 1)
        elif count == 2:
            self.order = view.order(bar.instrument, -1, trail=10.0, **self.more())
        if self.order is not None:
            state = view.order_state(self.order)
            self.seen.append((state.stop_price, state.limit_price))

    def more(self):
        return {}


class TrailWithLimit(Trail):
    """The same with a limit one below the stop."""

    def more(self):
        return {"trail_limit": 1.0}


@compiled
class TrailCompiled(Strategy):
    """The same orders as `Trail`."""

    def on_bar(self, view, bar):
        count = view.bar_count(bar.instrument)
        if count == 1:
            view.order(bar.instrument, 1.0)
        elif count == 2:
            view.order(bar.instrument, -1.0, trail=10.0)


def test_a_trailing_stop_tells_where_it_stands() -> None:
    strategy = Trail()
    result = backtest(strategy, frame(), tick_size=0.01)
    assert [stop for stop, _ in strategy.seen] == LEVELS
    assert result.orders["stop_price"].iloc[1] == 102.0
    assert result.orders["state"].tolist() == ["FILLED", "EXPIRED"]


def test_its_limit_follows() -> None:
    strategy = TrailWithLimit()
    backtest(strategy, frame(), tick_size=0.01)
    assert strategy.seen == [(level, level - 1) for level in LEVELS]


def test_compiled_it_leaves_the_same_audit_and_table() -> None:
    result, python = backtest(TrailCompiled(), frame(), tick_size=0.01), backtest(Trail(), frame(), tick_size=0.01)
    assert result.orders["stop_price"].iloc[1] == 102.0
    assert result.audit.records.tobytes() == python.audit.records.tobytes()


@pytest.mark.parametrize("hours", [1, 30])
def test_the_level_is_known_when_the_answer_has_come(hours: int) -> None:
    strategy = Trail()
    backtest(strategy, frame(), tick_size=0.01, risk={"allow_short": True}, latency={"response_ns": hours * 3_600_000_000_000})
    late = {1: [90.0, 90.0, 98.0, 98.0, 102.0], 30: [90.0, 90.0, 90.0, 98.0, 98.0]}
    assert [stop for stop, _ in strategy.seen] == late[hours]
    assert all(math.isnan(limit) for _, limit in strategy.seen)
