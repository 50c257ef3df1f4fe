"""Orders that work, as a strategy asks for them."""

from __future__ import annotations

import pandas as pd
import pytest

from framework import Strategy, backtest
from framework.engine.market import Bar
from framework.engine.view import View
from framework.errors import InputError

_INDEX = pd.date_range("2024-01-02", periods=9, freq="D", tz="UTC")
_FLAT = {"X": pd.DataFrame({"open": 5.0, "high": 5.0, "low": 5.0, "close": 5.0, "volume": 9.0}, index=_INDEX)}


class BuysWhenNothingWorks(Strategy):
    def on_start(self, view: View) -> None:
        self.seen: list[tuple[int, ...]] = []

    def on_bar(self, view: View, bar: Bar) -> None:
        if not view.working_orders() and view.bar_count("X") < 3:
            view.buy("X", 1)
            view.buy("X", 1, limit=1.0)
        self.seen.append(tuple(order.order_id for order in view.working_orders("X")))


def test_no_working_order_is_false() -> None:
    strategy = BuysWhenNothingWorks()
    result = backtest(strategy, _FLAT, tick_size=0.01)
    assert len(result.orders) == 2  # the limit far below works on, so nothing is bought twice
    assert strategy.seen == [(0, 1)] + [(1,)] * 8


class AsksForAnOrderThatIsNot(Strategy):
    def on_bar(self, view: View, bar: Bar) -> None:
        view.order_state(99)


def test_an_order_of_a_run_without_orders() -> None:
    with pytest.raises(InputError, match="unknown order 99; no order was placed yet"):
        backtest(AsksForAnOrderThatIsNot(), _FLAT, tick_size=0.01)
