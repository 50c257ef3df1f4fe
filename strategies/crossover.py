"""Moving-average crossover: in the market while the fast mean is above the slow mean."""

from __future__ import annotations

from framework.engine.market import Bar
from framework.engine.strategy import Strategy
from framework.engine.view import View


class Crossover(Strategy):
    """Long an equal share of equity in each instrument while its fast mean of closes is above its slow mean, else flat.

    Orders only when the signal turns, so a position drifts with its price between signals.

    Attributes:
        fast, slow: windows in bars, fast below slow.
        weight: share of equity each instrument gets; 0 divides it evenly over all instruments.

    Assumptions: trends last longer than the slow window reacts.
    Fails when: prices go sideways; every turn then costs a spread and a fee.
    """

    fast: int = 20
    slow: int = 50
    weight: float = 0.0

    def on_start(self, view: View) -> None:
        """Check the windows and start flat."""
        if not 0 < self.fast < self.slow:
            raise ValueError(f"needs 0 < fast < slow, got fast={self.fast}, slow={self.slow}")
        self._share = self.weight or 1.0 / len(view.instruments)
        self._is_long = dict.fromkeys(view.instruments, False)

    def on_bar(self, view: View, bar: Bar) -> None:
        """Turn the position when the signal turns."""
        instrument = bar.instrument
        is_long = view.mean_close(instrument, self.fast) > view.mean_close(instrument, self.slow)
        if is_long != self._is_long[instrument]:
            self._is_long[instrument] = is_long
            view.target_weight(instrument, self._share if is_long else 0.0)
