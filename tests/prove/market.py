"""Made-up prices for the proofs: three symbols, 300 days, trends, gaps, volumes and quarterly dividends."""

from __future__ import annotations

import numpy as np
import pandas as pd

from framework.data.readers import read_bars
from framework.data.tape import Tape

SYMBOLS = ("ALFA", "BRAVO", "CHARLIE")
BARS = 300


def frames(bars: int = BARS, seed: int = 11) -> dict[str, pd.DataFrame]:
    """Daily bars, in cents, with closes at midnight UTC."""
    draw = np.random.default_rng(seed)
    stamps = pd.date_range("2021-01-02", periods=bars, freq="D", tz="UTC")
    made = {}
    for number, symbol in enumerate(SYMBOLS):
        drift = 0.01 * np.sin(np.arange(bars) / (9.0 + 4 * number))
        close = 60.0 * (number + 1) * np.exp(np.cumsum(drift + draw.normal(0.0, 0.012, bars)))
        opened = np.concatenate([[close[0]], close[:-1]]) * np.exp(draw.normal(0.0, 0.003, bars))
        high = np.maximum(opened, close) * np.exp(np.abs(draw.normal(0.0, 0.004, bars)))
        low = np.minimum(opened, close) * np.exp(-np.abs(draw.normal(0.0, 0.004, bars)))
        volume = np.round(np.exp(draw.normal(11.0, 0.5, bars)))
        table = {"open": opened, "high": high, "low": low, "close": close}
        rounded = {name: np.round(values, 2) for name, values in table.items()}
        made[symbol] = pd.DataFrame({**rounded, "volume": volume}, index=stamps)
    return made


def actions(bars: int = BARS) -> pd.DataFrame:
    """A dividend of each symbol every 30 days, half a day before the close of its ex-date."""
    stamps = pd.date_range("2021-01-02", periods=bars, freq="D", tz="UTC")
    rows = [
        (symbol, stamps[at] - pd.Timedelta(hours=12), "dividend", round(0.4 + at / 1000, 3))
        for symbol in SYMBOLS
        for at in range(25, bars, 30)
    ]
    return pd.DataFrame(rows, columns=["symbol", "ts", "kind", "value"])


def tape(bars: int = BARS, seed: int = 11) -> Tape:
    """The frames with their dividends, as a tape."""
    return read_bars(frames(bars, seed), actions=actions(bars))
