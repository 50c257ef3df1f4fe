"""Strategies that break one rule each, other than by looking ahead."""

from __future__ import annotations

import pandas as pd

from framework import Strategy
from tests.prove.market import frames
from tests.prove.signals import Signal, returns

OUTSIDE = frames()["ALFA"]["close"]


class InOrderOfFrames(Signal):
    """Trades the symbol that happened to be registered first."""

    def signals(self, frames):
        first = next(iter(frames))
        return {symbol: returns(frame) if symbol == first else 0 * frame["close"] for symbol, frame in frames.items()}


class SharesWithStrangers(Strategy):
    """Has a universe, but divides its money by all that is on the tape."""

    universe: str = "ALFA"

    def on_bar(self, view, bar):
        if bar.instrument == self.universe and view.bar_count(bar.instrument) % 5 == 0:
            view.target_weight(bar.instrument, 0.9 / len(view.instruments))


class OwnUniverse(Strategy):
    """Looks at its universe only."""

    universe: str = "ALFA"

    def on_bar(self, view, bar):
        if bar.instrument == self.universe:
            view.target_weight(bar.instrument, 0.3 if bar.close > bar.open else 0.0)


class SecretCalendar(Strategy):
    """Trades by the day without naming it."""

    def on_bar(self, view, bar):
        stamp = getattr(bar, "ts" + "_ns")
        view.target_weight(bar.instrument, 0.2 if stamp // 86_400_000_000_000 % 3 else 0.0)


class AbsolutePrice(Strategy):
    """Holds what costs less than 100."""

    def on_bar(self, view, bar):
        view.target_quantity(bar.instrument, 10 if bar.close < 100 else 0)


class HashOrder(Strategy):
    """Takes the first two members of a set of names."""

    def on_bars(self, view, bars):
        names = {f"{name}:{view.bar_count(name)}" for name in bars}
        chosen = [name.partition(":")[0] for name in names][:1]
        view.target_weights({name: 0.3 for name in chosen})


class ReadsAGlobal(Strategy):
    """Looks its signal up in a frame that was made before."""

    def on_bar(self, view, bar):
        later = OUTSIDE.get(pd.Timestamp(bar.ts_ns + 86_400_000_000_000, tz="UTC"), bar.close)
        view.target_quantity(bar.instrument, 10 if later > bar.close else 0)


class SharedState(Strategy):
    """Counts bars in its class."""

    seen = [0]  # noqa: RUF012

    def on_start(self, view):
        self.seen[0] = 0

    def on_bar(self, view, bar):
        self.seen[0] += 1
        view.target_quantity(bar.instrument, 10 if self.seen[0] % 7 == 0 else 0)


class EveryFifthBar(Strategy):
    """Rebalances every fifth bar since it began."""

    def on_start(self, view):
        self.bars = 0

    def on_bars(self, view, bars):
        self.bars += 1
        if self.bars % 5 == 0:
            view.target_weights({name: 0.1 + 0.02 * (self.bars % 3) for name in bars})


class Idle(Strategy):
    """Decides nothing."""

    def on_bar(self, view, bar):
        """Look on."""
