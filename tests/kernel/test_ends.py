"""The end of the data with answers still under way, and what wakes the order hook and what does not."""

from __future__ import annotations

from typing import Any

import numpy as np

from framework import Strategy, backtest
from framework.data.tape import build
from framework.engine.market import Bar, OrderView
from framework.engine.view import View
from framework.reports.result import Result
from framework.schema.event import EVENT, Kind
from framework.schema.instrument import Instrument
from framework.schema.units import Step

HOUR = 3_600_000_000_000


class Once(Strategy):
    """Orders after the second bar, and keeps what it is told of orders."""

    quantity: float = 10.0
    target: float = 0.0
    loss: float = 0.0

    def on_start(self, view: View) -> None:
        self.told: list[tuple[int, str]] = []

    def on_bar(self, view: View, bar: Bar) -> None:
        if view.bar_count("X") == 2:
            if self.target:
                view.bracket("X", self.quantity, target=self.target, loss=self.loss)
            else:
                view.order("X", self.quantity)

    def on_order(self, view: View, order: OrderView) -> None:
        self.told.append((order.order_id, order.state.name))


def run(strategy: Once, prices: list[tuple[int, int]], step: int = 8 * HOUR, **options: Any) -> Result:
    """Bars of (open, close), whole prices; three of eight hours end with their day, and nothing comes after the last."""
    rows = [
        (n * step, n * step, Kind.BAR, 0, 0, first, max(first, last), min(first, last), last, 1000)
        for n, (first, last) in enumerate(prices, 1)
    ]
    tape = build({}, {"X": Instrument("X", tick=Step(1, 1), calendar="24/7")}, extra=np.array(rows, dtype=EVENT))
    return backtest(strategy, tape, risk={"allow_short": True}, **options)


WIRE = {"response_ns": HOUR // 6}


def test_a_fill_that_is_told_after_the_last_bar_is_on_the_curve() -> None:
    # filled at the last bar's open of 100, told ten minutes after its close at 110, for a fee of 1
    result = run(Once(), [(100, 100), (100, 100), (100, 110)], latency=WIRE, costs={"fee_bps": 10.0})
    assert result.fills["price"].tolist() == [100.0]
    assert result.equity.iloc[-1] == 1_000_000 + 100 - 1
    assert result.equity.iloc[-2] == 1_000_000
    assert result.positions["X"].iloc[-1] == 10.0


def test_children_that_are_let_go_after_the_last_bar_end_with_a_reason() -> None:
    result = run(Once(target=120.0, loss=80.0), [(100, 100), (100, 100), (100, 110)], latency=WIRE)
    assert result.orders["state"].tolist() == ["FILLED", "EXPIRED", "EXPIRED"]
    assert result.orders["reason"].tolist() == ["NONE", "END_OF_DATA", "END_OF_DATA"]
    assert result.orders["done_at"].notna().all()


def test_costs_and_charges_are_no_news_of_an_order() -> None:
    # a borrow charge names a kind of cost where other answers name an order
    strategy = Once(quantity=-10.0)
    result = run(strategy, [(100, 100)] * 6, step=24 * HOUR, costs={"borrow_bps": 360.0, "half_spread_bps": 10.0})
    assert (result.audit.records["kind"] == Kind.CHARGE).sum() == 3
    assert (result.audit.records["kind"] == Kind.ORDER_COSTS).sum() == 1
    assert strategy.told == [(0, "WORKING"), (0, "FILLED")]
