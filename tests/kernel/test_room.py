"""Tables keep room for everything that one event can cause."""

import pandas as pd
import pytest

from framework import Strategy, backtest

DAYS = pd.date_range("2024-01-01", periods=40, freq="D", tz="UTC")
FLAT = pd.DataFrame({"open": 100.0, "high": 101.0, "low": 99.0, "close": 100.0, "volume": 1000.0}, index=DAYS)


class ShortAll(Strategy):
    def on_bars(self, view, bars):
        if not view.positions:
            for symbol in view.instruments:
                view.order(symbol, -10)


def test_a_borrow_charge_for_each_of_two_hundred_shorts_at_one_session() -> None:
    frames = {f"S{k:03d}": FLAT for k in range(200)}
    result = backtest(ShortAll(), frames, costs={"borrow_bps": 360.0}, risk={"allow_short": True, "max_leverage": 5})
    nights = len(DAYS) - 2  # short from the second bar on, charged at each session's open
    # 10 shares x 100 x 3.6 % / 360 days = 0.10 a night for each of 200 shorts
    assert result.costs["borrow"] == pytest.approx(200 * 0.10 * nights)


class LateBracket(Strategy):
    def on_bar(self, view, bar):
        if view.bar_count(bar.instrument) == len(DAYS) - 1:
            view.bracket(bar.instrument, 10, target=110.0, loss=90.0)


def test_children_let_go_by_a_fill_that_is_told_after_the_end_end_too() -> None:
    two_days_ns = 2 * 86_400 * 10**9
    result = backtest(LateBracket(), FLAT, latency={"response_ns": two_days_ns})
    assert list(result.orders["state"]) == ["FILLED", "EXPIRED", "EXPIRED"]
    assert list(result.orders["reason"]) == ["NONE", "END_OF_DATA", "END_OF_DATA"]
