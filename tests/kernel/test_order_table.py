"""The venue's ring of orders: what moves behind it is found, what is over is forgotten, and its size changes nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from framework import Result, Strategy, backtest
from framework.kernel.venue import exchange
from framework.kernel.venue.exchange import Exchange
from framework.schema.order import OrderState, Reason

HOUR_NS = 3_600_000_000_000
VARIES = {
    "entry_ns": {"model": "sampled", "quantiles_ns": [0, HOUR_NS, 5 * HOUR_NS]},
    "response_ns": {"model": "sampled", "quantiles_ns": [0, HOUR_NS, 9 * HOUR_NS]},
}
NONE: dict[str, Any] = {}


class Mixed(Strategy):
    """Bids that stay, brackets, market orders, changes, and cancels of the young and the old, drawn from a seed."""

    seed: int = 0

    def on_start(self, view: Any) -> None:
        self.draws = np.random.default_rng(self.seed)
        self.placed: list[int] = []

    def on_bar(self, view: Any, bar: Any) -> None:
        i, price = bar.instrument, bar.close
        for _ in range(int(self.draws.integers(0, 5))):
            what = int(self.draws.integers(0, 6))
            if what == 0:
                self.placed.append(view.order(i, 1, limit=round(price * 0.8)))
            elif what == 1:
                self.placed.append(view.bracket(i, 1, limit=round(price) - 1, target=round(price) + 2, loss=round(price) - 5))
            elif what == 2:
                self.placed.append(view.order(i, int(self.draws.choice((-2, 2)))))
            elif what == 3:
                self.placed.append(view.order(i, 1, stop=round(price) + 3))
            elif self.placed:
                which = self.placed[int(self.draws.integers(0, len(self.placed)))]
                if what == 4:
                    view.cancel(which)
                elif not view.is_done(which):
                    view.replace(which, quantity=int(self.draws.integers(1, 4)))


def bars(count: int, seed: int) -> pd.DataFrame:
    draws = np.random.default_rng(seed)
    close = 100 + np.cumsum(draws.integers(-2, 3, count)).astype(float)
    close = np.maximum(close, 30.0)
    opened = np.concatenate(([100.0], close[:-1]))
    high, low = np.maximum(opened, close) + draws.integers(0, 3, count), np.minimum(opened, close) - draws.integers(0, 3, count)
    index = pd.date_range("2024-01-01", periods=count, freq="h", tz="UTC")
    return pd.DataFrame({"open": opened, "high": high, "low": low, "close": close, "volume": 1e6}, index=index)


def run(seed: int, latency: dict[str, Any], rows: int, monkeypatch: pytest.MonkeyPatch) -> tuple[Result, Exchange]:
    """A run whose venue begins with so many rows of each of its tables, and that venue."""
    made: list[Exchange] = []
    begin = Exchange.__init__

    def noted(self: Exchange, *arguments: Any, **given: Any) -> None:
        made.append(self)
        begin(self, *arguments, **given)

    with monkeypatch.context() as patch:
        patch.setattr(Exchange, "__init__", noted)
        for name in ("orders", "old_orders", "traffic"):
            patch.setitem(exchange.EXCHANGE_TABLES, name, replace(exchange.EXCHANGE_TABLES[name], rows=rows))
        result = backtest(Mixed(seed=seed), {"X": bars(600, seed)}, cash=1e6, risk={"allow_short": True}, latency=latency, seed=seed)
    return result, made[-1]


@pytest.mark.parametrize("latency", [NONE, VARIES], ids=["at once", "latencies that vary"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_size_of_the_tables_changes_nothing(seed: int, latency: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    small, venue = run(seed, latency, 1, monkeypatch)
    large, other = run(seed, latency, 1 << 14, monkeypatch)
    assert small.audit_hash == large.audit_hash
    assert len(small.orders) > 600
    assert len(other.tables["orders"]) == 1 << 14
    assert len(venue.tables["orders"]) < 1 << 10


class Standing(Strategy):
    """One bid that stays, and a purchase or a sale at each bar."""

    def on_bar(self, view: Any, bar: Any) -> None:
        if view.bar_count(bar.instrument) == 1:
            view.order(bar.instrument, 1, limit=1.0)
        view.order(bar.instrument, 1 if view.position(bar.instrument) == 0 else -1)


@pytest.mark.parametrize(
    "latency", [NONE, {"entry_ns": {"model": "sampled", "quantiles_ns": [0, 1000]}}], ids=["at once", "latencies that vary"]
)
def test_an_old_order_costs_one_row(latency: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """3,000 orders that end beside one that stays: the ring of 128 is as it was, and the old rows hold the one."""
    made: list[Exchange] = []
    begin = Exchange.__init__

    def noted(self: Exchange, *arguments: Any, **given: Any) -> None:
        made.append(self)
        begin(self, *arguments, **given)

    monkeypatch.setattr(Exchange, "__init__", noted)
    result = backtest(Standing(), {"X": bars(3_000, 5)}, cash=1e6, latency=latency)
    assert len(result.orders) == 3_001
    venue = made[-1]
    assert len(venue.tables["orders"]) == 128
    assert len(venue.tables["old_orders"]) == 64
    old = venue.tables["old_orders"]
    assert old["order_id"][old["order_id"] >= 0].tolist() == [0]
    assert len(venue.tables["traffic"]) == 64
    assert result.orders["state"].iloc[0] == OrderState.EXPIRED.name
    assert result.orders["reason"].iloc[0] == Reason.END_OF_DATA.name
