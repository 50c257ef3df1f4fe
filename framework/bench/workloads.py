"""The work that is timed, made from a seed: bars of a random walk in whole ticks, labelled synthetic wherever they are shown."""

from __future__ import annotations

import numpy as np
import pandas as pd

from framework.data.readers import read_bars
from framework.data.tape import Tape
from framework.engine.market import Bar
from framework.engine.strategy import Strategy
from framework.engine.view import View

TICK = 0.0001


def minute_frame(bars: int, seed: int = 0) -> pd.DataFrame:
    """One-minute bars of a geometric walk in ticks of 0.0001, stamped at the close, 24/7. Opens are the closes before."""
    random = np.random.default_rng(seed)
    close = np.round(100.0 * np.exp(np.cumsum(random.normal(0.0, 1e-4, bars))) / TICK) * TICK
    close = np.round(close, 4)
    opens = np.concatenate(([100.0], close[:-1]))
    index = pd.date_range("2000-01-01 00:01", periods=bars, freq="min", tz="UTC")
    return pd.DataFrame(
        {"open": opens, "high": np.maximum(opens, close), "low": np.minimum(opens, close), "close": close, "volume": 10_000.0},
        index=index,
    )


def minute_tape(bars: int, seed: int = 0) -> Tape:
    """`minute_frame` as a tape of the symbol WALK."""
    return read_bars(minute_frame(bars, seed), instruments=["WALK"])


class Sleeper(Strategy):
    """Waits for nothing: what remains is the kernel."""


class CrossShares(Strategy):
    """100 shares while the fast mean of closes is above the slow mean, else none. Means come from exact sums."""

    fast: int = 20
    slow: int = 50
    shares: float = 100.0

    def on_bar(self, view: View, bar: Bar) -> None:
        """Aim at the quantity of the present signal."""
        instrument = bar.instrument
        is_long = view.mean_close(instrument, self.fast) > view.mean_close(instrument, self.slow)
        view.target_quantity(instrument, self.shares if is_long else 0.0)
