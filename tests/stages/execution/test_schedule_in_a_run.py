"""A schedule as a strategy follows it: one order a bar, and the shortfall that comes of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from framework import Strategy, backtest
from framework.engine.market import Bar
from framework.engine.view import View
from framework.schema.order import Side
from framework.stages.execution import AlmgrenChriss, Schedule

PRICES = [50.0, 50.5, 49.75, 51.25, 52.0, 51.5, 51.0]
MODEL = AlmgrenChriss(quantity=10_000, horizon=5, steps=5, volatility=0.95, permanent=2.5e-7, temporary=2.5e-6, side=Side.BUY)


class Follow(Strategy):
    """Sends the k-th order of a schedule at the k-th bar."""

    def __init__(self, schedule: Schedule) -> None:
        super().__init__()
        self.orders = schedule.orders().tolist()

    def on_bar(self, view: View, bar: Bar) -> None:
        step = view.bar_count(bar.instrument) - 1
        if step < len(self.orders):
            view.order(bar.instrument, self.orders[step])


def test_a_strategy_follows_a_schedule() -> None:
    """Flat bars at PRICES: the order of bar k fills at the open of bar k + 1."""
    index = pd.date_range("2024-01-02", periods=len(PRICES), freq="D", tz="UTC")
    price = pd.Series(PRICES, index)
    bars = pd.DataFrame({"open": price, "high": price, "low": price, "close": price, "volume": 1e6})
    plan = MODEL.schedule(1e-6)
    result = backtest(Follow(plan), {"ACME": bars}, tick_size=0.01, cash=1_000_000)
    bought = result.fills.sort_values("ts")
    assert bought["quantity"].sum() == 10_000
    assert bought["quantity"].tolist() == plan.orders().tolist()
    assert bought["price"].tolist() == PRICES[1:6]
    paid = float((bought["quantity"] * bought["price"]).sum())
    assert 1_000_000 - result.equity.iloc[-1] + 10_000 * PRICES[-1] == pytest.approx(paid)
    shares = np.array(plan.orders(), dtype=np.float64)
    assert paid - 10_000 * PRICES[0] == pytest.approx(float(shares @ (np.array(PRICES[1:6]) - PRICES[0])))
