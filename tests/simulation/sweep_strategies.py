"""Strategies that the tests of sweeps run, in a module that other processes can import."""

from __future__ import annotations

import os
import signal

import numpy as np
import pandas as pd

from framework import Strategy, compiled, shared_feature

CALLS: list[tuple[object, ...]] = []
"""What the shared features below were called with, in this process."""


@compiled
class Cross(Strategy):
    fast: int = 5
    slow: int = 20
    share: float = 0.3

    def on_bar(self, view, bar):
        i = bar.instrument
        view.target_weight(i, self.share if view.mean_close(i, self.fast) > view.mean_close(i, self.slow) else 0.0)


class SlowCross(Strategy):
    """In Python; refuses to run where fast is not below slow, but only once it trades."""

    fast: int = 5
    slow: int = 20

    def on_bar(self, view, bar):
        if self.fast >= self.slow and view.bar_count(bar.instrument) > 3:
            raise ValueError("fast must be below slow")
        is_up = view.mean_close(bar.instrument, self.fast) > view.mean_close(bar.instrument, self.slow)
        view.target_weight(bar.instrument, 0.3 if is_up else 0.0)


class Dies(Strategy):
    """Kills its process, as running out of memory would, in the set `fatal`."""

    size: int = 1
    fatal: int = -1

    def on_bar(self, view, bar):
        if self.size == self.fatal and os.environ.get("SWEEP_MAY_DIE"):
            os.kill(os.getpid(), signal.SIGKILL)
        if view.bar_count(bar.instrument) == 1:
            view.buy(bar.instrument, self.size)


@shared_feature
def zscore(frames, lookback):
    CALLS.append(("zscore", lookback))
    closes = pd.DataFrame({symbol: frame["close"] for symbol, frame in frames.items()})
    return (closes - closes.rolling(lookback).mean()) / closes.rolling(lookback).std()


@shared_feature
def spread(frame, lookback):
    CALLS.append(("spread", lookback))
    return (frame["high"] - frame["low"]).rolling(lookback).mean().to_numpy()


class Stretched(Strategy):
    """Buys what lies below its mean; the signal is made beforehand."""

    lookback: int = 20
    entry: float = 1.0

    @classmethod
    def from_data(cls, frames, **parameters):
        made = cls(**parameters)
        scores = zscore(frames, made.lookback)
        first = next(iter(frames))
        made.is_wide = float(np.nanmean(spread(frames[first], made.lookback))) > 0.0
        made.signals = {s: dict(zip(scores.index.as_unit("ns").asi8, scores[s].to_numpy() < -made.entry, strict=True)) for s in scores}
        return made

    def on_bar(self, view, bar):
        view.target_weight(bar.instrument, 0.2 if self.is_wide and self.signals[bar.instrument][bar.ts_ns] else 0.0)


class Meddler(Strategy):
    """Changes the frames that it gets, which no other set may see."""

    scale: float = 1.0

    @classmethod
    def from_data(cls, frames, **parameters):
        made = cls(**parameters)
        for symbol in frames:
            frames[symbol]["close"] = frames[symbol]["close"] * made.scale
        scores = zscore(frames, 20)
        made.level = float(frames["S0"]["close"].iloc[0])
        made.score = float(scores["S0"].iloc[-1])
        return made

    def on_bar(self, view, bar):
        view.target_quantity(bar.instrument, round(self.level))
