"""What our side runs in the benchmarks."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framework.engine.compiled import compiled
from framework.engine.market import Bar
from framework.engine.strategy import State, Strategy
from framework.engine.view import View


class Sleeper(Strategy):
    """Waits for nothing: what remains is the kernel."""


class CrossShares(Strategy):
    """So many shares while the fast mean of closes is above the slow mean, else none. Means come from exact sums."""

    fast: int = 20
    slow: int = 50
    shares: float = 100.0

    def on_bar(self, view: View, bar: Bar) -> None:
        """Aim at the quantity of the present signal."""
        instrument = bar.instrument
        is_long = view.mean_close(instrument, self.fast) > view.mean_close(instrument, self.slow)
        view.target_quantity(instrument, self.shares if is_long else 0.0)


@compiled
class CompiledCross(Strategy):
    """The same as machine code; `CompiledCross.python()` is the same hook in Python."""

    fast: int = 20
    slow: int = 50
    shares: float = 100.0

    def on_bar(self, view: View, bar: Bar) -> None:
        """Aim at the quantity of the present signal."""
        instrument = bar.instrument
        is_long = view.mean_close(instrument, self.fast) > view.mean_close(instrument, self.slow)
        view.target_quantity(instrument, self.shares if is_long else 0.0)


class UniverseWeights(Strategy):
    """Weights computed beforehand, ordered through Python hooks: row `day` of the matrix at the close of that day."""

    def __init__(self, weights: NDArray[np.float64], symbols: list[str]) -> None:
        super().__init__()
        self._rows = {
            day: dict(zip(symbols, weights[day].tolist(), strict=True)) for day in np.flatnonzero(~np.isnan(weights).all(axis=1)).tolist()
        }
        self._day = -1

    def on_start(self, view: View) -> None:
        """No day was seen yet."""
        self._day = -1

    def on_bars(self, view: View, bars: object) -> None:
        """Rebalance on the days that have weights."""
        self._day += 1
        row = self._rows.get(self._day)
        if row is not None:
            view.target_weights(row)


@compiled
def _quote(self: Any, view: Any, x: int) -> None:
    """Stand at both best prices, anew where they moved or what stood there has ended; no more than `most` either way.

    What was sent last must have been answered, which `patience_ns` sees to.
    """
    bid, ask, held = view.bid(x), view.ask(x), view.position(x)
    if not bid < ask or view.now_ns < self.sent_ns + self.patience_ns:
        return
    if self.bid_id >= 0 and (view.is_done(self.bid_id) or self.bid_at != bid):
        if not view.is_done(self.bid_id):
            view.cancel(self.bid_id)
            self.sent_ns = view.now_ns
        self.bid_id = -1
    if self.ask_id >= 0 and (view.is_done(self.ask_id) or self.ask_at != ask):
        if not view.is_done(self.ask_id):
            view.cancel(self.ask_id)
            self.sent_ns = view.now_ns
        self.ask_id = -1
    if self.bid_id < 0 and held < self.most:
        self.bid_id, self.bid_at, self.sent_ns = view.order(x, 1.0, limit=bid), bid, view.now_ns
    if self.ask_id < 0 and held > -self.most:
        self.ask_id, self.ask_at, self.sent_ns = view.order(x, -1.0, limit=ask), ask, view.now_ns


class _Quotes(Strategy):
    most: float = 20.0
    patience_ns: int = 1_100_000
    sent_ns: State[int] = 0
    bid_id: State[int] = -1
    ask_id: State[int] = -1
    bid_at: State[float] = 0.0
    ask_at: State[float] = 0.0


@compiled
class Quoter(_Quotes):
    """Quotes both sides every 100 ms."""

    def on_start(self, view: Any) -> None:
        """Set the timer."""
        view.timers.every(dt.timedelta(milliseconds=100))

    def on_timer(self, view: Any, name: str) -> None:
        """Quote."""
        _quote(self, view, 0)


@compiled
class RowQuoter(_Quotes):
    """Quotes both sides after every row."""

    def on_book(self, view: Any, book: Any) -> None:
        """Quote."""
        _quote(self, view, 0)

    def on_trade(self, view: Any, trade: Any) -> None:
        """Quote."""
        _quote(self, view, 0)
