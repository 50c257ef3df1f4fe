"""What a calibration of impact has found, as numbers."""

from __future__ import annotations

from dataclasses import dataclass

from research.impact.decay import Decay
from research.impact.propagator import Propagator
from research.impact.regressions import Buckets, Estimate


@dataclass(frozen=True, slots=True, eq=False)
class ImpactNumbers:
    """What was estimated, and of what.

    Attributes:
        symbol, source: of which instrument, from where.
        trades: taker orders, trades of one stamp and sign being one.
        days: trading days the data cover.
        day_s: seconds a trading day has.
        bar_s: length of the bars, seconds.
        bars: how many.
        daily_volume: units a trading day.
        daily_volatility: of log returns over a trading day.
        seconds_a_trade: mean time between taker orders.
        mean_size: units a taker order.
        half_spread: mean over taker orders, fraction of the mid.
        propagator: response, memory of signs and bare impact by lag.
        decay: the bare impact as a sum of exponentials.
        buckets: impact by size of net flow.
        found: every estimate with its error.
        notes: what was assumed, left out, or fails.
    """

    symbol: str
    source: str
    trades: int
    days: float
    day_s: float
    bar_s: float
    bars: int
    daily_volume: float
    daily_volatility: float
    seconds_a_trade: float
    mean_size: float
    half_spread: float
    propagator: Propagator
    decay: Decay
    buckets: Buckets
    found: tuple[Estimate, ...]
    notes: tuple[str, ...]
