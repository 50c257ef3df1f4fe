"""A record replays to the last digit of the numbers of a refusal, also where the broker looked at the account in the same moment."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from framework import Strategy, backtest
from framework.data.readers import read_bars
from framework.simulation.audited_run import replay


class Greedy(Strategy):
    """On each stamp buys a little of the first, which fills a bar later, and asks for too much of the last."""

    def on_bars(self, view: Any, bars: Any) -> None:
        for name in view.instruments[:-1]:
            view.buy(name, 7)
        view.buy(view.instruments[-1], 10_000)


def test_refusals_replay_to_the_last_digit() -> None:
    refused = 0
    for seed in range(12):
        random = np.random.default_rng(seed)
        index = pd.date_range("2024-01-01", periods=12, freq="h", tz="UTC")
        frames = {}
        for name in "ABCDE":
            close = np.round(10 + random.random(12), 2)
            low, high = np.round(close - 0.07, 2), np.round(close + 0.03, 2)
            frames[name] = pd.DataFrame({"open": close, "high": high, "low": low, "close": close, "volume": 1e6}, index)
        tape = read_bars(frames, tick_size=0.01)
        result = backtest(Greedy(), tape, cash=10_000.0, costs={"fee_bps": 1.3})
        refused += len(result.refused)
        assert replay(Greedy(), tape, result.audit).audit_hash == result.audit_hash
    assert refused > 100
