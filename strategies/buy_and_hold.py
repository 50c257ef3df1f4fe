"""Buy and hold: the measure of every other strategy."""

from __future__ import annotations

from framework.engine.market import Bar
from framework.engine.strategy import Strategy
from framework.engine.view import View


class BuyAndHold(Strategy):
    """Buy each instrument once, on its first bar, and keep it.

    Attributes:
        weight: share of equity each instrument gets; 0 divides it evenly over all instruments.

    Assumptions: none.
    Fails when: what was bought goes under.
    """

    weight: float = 0.0

    def on_start(self, view: View) -> None:
        """Nothing is bought yet."""
        self._share = self.weight or 1.0 / len(view.instruments)
        self._bought: set[str] = set()

    def on_bar(self, view: View, bar: Bar) -> None:
        """Buy at the first chance."""
        if bar.instrument not in self._bought:
            self._bought.add(bar.instrument)
            view.target_weight(bar.instrument, self._share)
