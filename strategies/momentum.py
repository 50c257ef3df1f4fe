"""Cross-sectional momentum: each month, hold the instruments that rose most over the past year, the last month left out."""

from __future__ import annotations

from collections.abc import Mapping

from framework.engine.market import Bar
from framework.engine.strategy import Strategy
from framework.engine.view import View


class Momentum(Strategy):
    """The 12-1 momentum of Jegadeesh and Titman (1993, Returns to Buying Winners and Selling Losers), long only.

        score = close[t - skip] / close[t - lookback] - 1

    over closes adjusted for splits and dividends as of now. On the first session of a month the `top` best scores above
    `floor` get equal weights, the rest is sold.

    Attributes:
        lookback, skip: bars; 252 and 21 are a year and a month of sessions.
        top: how many instruments to hold.
        floor: the least score worth holding.

    Assumptions: relative strength lasts for months; the universe was chosen without knowing its future.
    Fails when: winners and losers trade places fast, as in March 2009, or the universe was picked afterwards.
    """

    lookback: int = 252
    skip: int = 21
    top: int = 2
    floor: float = 0.0

    def on_start(self, view: View) -> None:
        """Check the windows; no month was traded yet."""
        if not 0 <= self.skip < self.lookback < self.history:
            raise ValueError(f"needs 0 <= skip < lookback < {self.history}, got skip={self.skip}, lookback={self.lookback}")
        if self.top < 1:
            raise ValueError(f"top must be at least 1, got {self.top}")
        self._month = 0

    def on_bars(self, view: View, bars: Mapping[str, Bar]) -> None:
        """Rebalance on the first bars of a month."""
        month = view.now.year * 12 + view.now.month
        if month == self._month:
            return
        self._month = month
        scores = {instrument: self._score(view, instrument) for instrument in bars}
        best = sorted((name for name in scores if scores[name] > self.floor), key=lambda name: (-scores[name], name))[: self.top]
        view.target_weights(dict.fromkeys(best, 1.0 / self.top))

    def _score(self, view: View, instrument: str) -> float:
        closes = view.closes(instrument, self.lookback + 1)
        if len(closes) <= self.lookback:
            return float("-inf")
        return float(closes[-1 - self.skip] / closes[0] - 1.0)
