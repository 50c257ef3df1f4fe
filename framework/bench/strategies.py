"""What our side runs in the benchmarks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framework.engine.compiled import compiled
from framework.engine.market import Bar
from framework.engine.strategy import Strategy
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


class PanelWeights(Strategy):
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
