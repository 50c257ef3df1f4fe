"""Mean reversion: buy what has fallen far below its mean, sell it when it is back."""

from __future__ import annotations

from framework.engine.market import Bar
from framework.engine.strategy import Strategy
from framework.engine.view import View


class MeanReversion(Strategy):
    """Long while the z-score of the close is low.

        z = (close - mean of the last `window` closes) / sample deviation of them

    Buys at z < -entry and sells at z > -exit.

    Attributes:
        window: bars, at least 2.
        entry, exit: z-scores, entry above exit.
        weight: share of equity each instrument gets; 0 divides it evenly over all instruments.

    Assumptions: a fall is noise around a slow mean.
    Fails when: the fall is news; a z-score never says how far a trend can run.
    """

    window: int = 20
    entry: float = 2.0
    exit: float = 0.0
    weight: float = 0.0

    def on_start(self, view: View) -> None:
        """Check the thresholds and start flat."""
        if self.window < 2 or not self.entry > self.exit:
            raise ValueError(f"needs window >= 2 and entry > exit, got window={self.window}, entry={self.entry}, exit={self.exit}")
        self._share = self.weight or 1.0 / len(view.instruments)
        self._is_long = dict.fromkeys(view.instruments, False)

    def on_bar(self, view: View, bar: Bar) -> None:
        """Trade when a threshold is passed."""
        instrument = bar.instrument
        deviation = view.std_close(instrument, self.window)
        if not deviation > 0.0:
            return
        z = (bar.close - view.mean_close(instrument, self.window)) / deviation
        if not self._is_long[instrument] and z < -self.entry:
            self._is_long[instrument] = True
            view.target_weight(instrument, self._share)
        elif self._is_long[instrument] and z > -self.exit:
            self._is_long[instrument] = False
            view.target_weight(instrument, 0.0)
