"""A small market for tests of runs."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from framework.data.readers import read_bars
from framework.data.tape import Tape


def frames(symbols: int = 3, days: int = 300, seed: int = 7, freq: str = "D") -> dict[str, pd.DataFrame]:
    random = np.random.default_rng(seed)
    index = pd.date_range("2020-01-01", periods=days, freq=freq, tz="UTC")
    made = {}
    for k in range(symbols):
        close = np.round(100 * np.exp(np.cumsum(random.normal(0, 0.02, days))), 2)
        opens = np.round(close * (1 + random.normal(0, 0.005, days)), 2)
        high, low = np.maximum(opens, close) + 0.5, np.minimum(opens, close) - 0.5
        made[f"S{k}"] = pd.DataFrame({"open": opens, "high": high, "low": low, "close": close, "volume": 10_000.0}, index=index)
    return made


@cache
def tape(symbols: int = 3, days: int = 300, freq: str = "D") -> Tape:
    return read_bars(frames(symbols, days, freq=freq))
