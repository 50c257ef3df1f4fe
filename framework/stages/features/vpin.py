"""VPIN: how toxic the flow is, in volume time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from framework.stages.features.feature import Feature, Step, above, at_least, feature_kernel
from framework.stages.features.moments import ROLLING, VALUE, roll

_MOST_TURNS, _TINY = 500, 1e-300


@feature_kernel
def _beta_fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of the incomplete beta function, by Lentz's method (DLMF 8.17.22)."""
    c, d = 1.0, 1.0 - (a + b) * x / (a + 1.0)
    d = 1.0 / (d if abs(d) > _TINY else _TINY)
    result = d
    for m in range(1, _MOST_TURNS):
        for half in range(2):
            if half == 0:
                factor = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
            else:
                factor = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
            d = 1.0 + factor * d
            d = 1.0 / (d if abs(d) > _TINY else _TINY)
            c = 1.0 + factor / c
            c = c if abs(c) > _TINY else _TINY
            result *= c * d
        if abs(c * d - 1.0) < 1e-15:
            break
    return result


@feature_kernel
def _beta_ratio(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b)."""
    if x <= 0.0 or x >= 1.0:
        return 0.0 if x <= 0.0 else 1.0
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1.0) / (a + b + 2.0):
        return front * _beta_fraction(a, b, x) / a
    return 1.0 - front * _beta_fraction(b, a, 1.0 - x) / b


@feature_kernel
def buy_share(z: float, freedom: float) -> float:
    """The share of volume that bought, for a price change of z deviations: the normal distribution, or Student's t where `freedom` > 0."""
    if freedom <= 0.0:
        return 0.5 * math.erfc(-z / math.sqrt(2.0))
    square = z * z
    if square < freedom:  # the form that keeps its digits near the middle
        half = 0.5 * _beta_ratio(0.5, 0.5 * freedom, square / (freedom + square))
        return 0.5 + half if z > 0.0 else 0.5 - half
    tail = 0.5 * _beta_ratio(0.5 * freedom, 0.5, freedom / (freedom + square))
    return 1.0 - tail if z > 0.0 else tail


@feature_kernel
def _end_bar(state: Any) -> None:
    """Class the volume of a bar by its price change, and pour it into buckets."""
    change = state.price - state.before
    state.before = state.price
    deviation = state.sigma
    if not deviation > 0.0:
        if change == change:
            state.n += 1
            step = change - state.mean
            state.mean += step / state.n
            state.squares += step * (change - state.mean)
        deviation = math.sqrt(state.squares / (state.n - 1)) if state.n > 1 else 0.0
    if not (change == change and deviation > 0.0):
        return
    share, left = buy_share(change / deviation, state.freedom), state.volume
    while left > 0.0:
        space = state.bucket - state.filled
        part = min(space, left)
        state.bought += part * share
        left -= part
        state.filled += part
        if part == space:
            roll(state.sum, abs(2.0 * state.bought - state.bucket))
            state.filled, state.bought = 0.0, 0.0


def _vpin(state: Any, ts_ns: int, price: float, size: float) -> float:
    if price > 0.0 and size > 0.0:
        bar = ts_ns // state.bar_ns if state.bar_ns > 0 else state.bar + 1
        if bar != state.bar and state.volume > 0.0:
            _end_bar(state)
            state.volume = 0.0
        state.bar, state.price = bar, price
        state.volume += size
    if state.sum.filled < state.sum.window:
        return math.nan
    return (state.sum.total + state.sum.lost) / (state.sum.window * state.bucket)


class Vpin(Feature):
    """Volume-synchronised probability of informed trading.

        VPIN = sum over the last n buckets of |V_sell - V_buy| / (n V),    V_buy = sum over bars of V_bar x Z(dp / sigma)

    Trades are gathered in time bars, whose volume is classed in bulk: Z is the normal distribution, or Student's t, at the bar's price
    change over the deviation of such changes. The volume then fills buckets of V units; a bar's volume that a bucket has no room for goes
    into the next. Easley, Lopez de Prado and O'Hara (2012, Flow Toxicity and Liquidity in a High-Frequency World, where V is a
    fiftieth of a day's volume, n is 50 and bars last a minute); t with 0.25 degrees of freedom is from the same authors (2016,
    Discerning Information from Trade Data).

    Args:
        bucket: V, units, above 0.
        buckets: n.
        bar_ns: length of a bar; 0 makes each trade a bar.
        sigma: deviation of a bar's price change, price units; 0 takes the sample deviation of the changes so far, since the
            paper's, that of the whole sample, was not known then.
        freedom: degrees of freedom of Student's t; 0 is the normal distribution.

    A bar counts from the first trade after it. NaN until n buckets are full. Bars before a deviation is known are left out.
    """

    state_dtype = np.dtype(
        [
            ("sum", ROLLING),
            *((name, "<i8") for name in ("bar_ns", "bar", "n")),
            *((name, "<f8") for name in ("bucket", "sigma", "freedom", "price", "before", "volume", "mean", "squares", "filled", "bought")),
        ]
    )
    step = Step(_vpin)
    rows = "trades"

    def __init__(self, bucket: float, buckets: int = 50, *, bar_ns: int = 60_000_000_000, sigma: float = 0.0, freedom: float = 0.0) -> None:
        super().__init__(
            bucket=above("bucket", bucket, 0.0),
            bar_ns=at_least("bar_ns", bar_ns, 0),
            sigma=at_least("sigma", sigma, 0.0),
            freedom=at_least("freedom", freedom, 0.0),
            bar=np.iinfo(np.int64).min,
            price=math.nan,
            before=math.nan,
        )
        self._own_window("sum", int(at_least("buckets", buckets, 1)), VALUE)
