"""The views of copies."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from framework import Strategy, backtest
from framework.prove.shadow import ShortView, UnsentError


class AsksOfItsOrder(Strategy):
    """Orders once, then asks through the view of a copy whether that order has ended."""

    def on_start(self, view: Any) -> None:
        self.order, self.ended = -1, False

    def on_bar(self, view: Any, bar: Any) -> None:
        if self.order < 0:
            self.order = view.buy("X", 1)
            return
        short = ShortView.of(view)
        short.hidden, short.unsent = np.zeros(1, dtype=np.int64), set()
        self.ended = short.is_done(self.order)
        short.unsent = {self.order}
        with pytest.raises(UnsentError, match="order 0 was not sent"):
            short.is_done(self.order)


def test_nobody_knows_whether_an_order_has_ended_that_was_not_sent() -> None:
    days = pd.date_range("2024-01-02", periods=3, tz="UTC")
    strategy = AsksOfItsOrder()
    backtest(strategy, {"X": pd.DataFrame({"open": 10.0, "high": 10.0, "low": 10.0, "close": 10.0, "volume": 100.0}, index=days)})
    assert strategy.ended
