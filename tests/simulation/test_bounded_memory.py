"""Memory of long runs: what has ended leaves it, results stay whole, and what a strategy may read does not depend on what is still there."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from framework import State, Strategy, backtest, compiled
from framework.engine import audit_records
from framework.errors import InputError
from framework.kernel.layout.table_room import KEPT_ORDERS
from framework.kernel.trader import let_go
from framework.simulation import through

ORDERS_A_BAR = 20
CASH = 1_000_000.0


@compiled
class Busy(Strategy):
    """Buys one share twenty times at each even bar and sells them at each odd one, beside a bid far away that nobody meets."""

    asks: int = -1  # the order whose fill is asked for at every bar from the second on

    bar: State[int] = 0
    old: State[int] = -1
    filled: State[float] = 0.0

    def on_bar(self, view: Any, bar: Any) -> None:
        if self.bar == 0:
            self.old = view.order(bar.instrument, 1.0, limit=1.0)
        if view.filled_quantity(self.old) != 0.0:
            view.order(bar.instrument, 1000.0)
        side = 1.0 if self.bar % 2 == 0 else -1.0
        for _ in range(ORDERS_A_BAR):
            view.order(bar.instrument, side)
        if self.asks >= 0 and self.bar > 0:
            self.filled += view.filled_quantity(self.asks)
        if view.is_done(self.old):
            view.order(bar.instrument, 1000.0)
        self.bar += 1


def bars(count: int) -> pd.DataFrame:
    """Minutes that open at 100 where what was bought at the close before is filled, and at 101 where it is sold."""
    index = pd.date_range("2024-01-01", periods=count, freq="min", tz="UTC")
    price = np.where(np.arange(count) % 2 == 1, 100.0, 101.0)
    return pd.DataFrame({"open": price, "high": price, "low": price, "close": price, "volume": 1e9}, index=index)


def run(orders: int, **given: Any) -> Any:
    return backtest(Busy(**given), {"X": bars(orders // ORDERS_A_BAR + 1)}, cash=CASH, costs={}, risk={"max_leverage": 1.0})
