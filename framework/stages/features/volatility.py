"""Realised variance, and what survives jumps and noise: bipower variation and two scales. Of log prices over a window, not annualised.

Prices are sampled at each event, or, with `every_ns`, at each whole multiple of it since the epoch: the last price before the
multiple (previous tick). A sample counts from the first event at or after it. Multiples that passed without an event repeat the price.
A price that is NaN or not above 0 is passed over.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from framework.errors import ConfigError
from framework.stages.features.feature import Feature, Step, at_least, feature_kernel
from framework.stages.features.moments import ROLLING, VALUE, roll, value_row

_NO_LIMIT = 1 << 40

CLOCK = np.dtype([("every_ns", "<i8"), ("multiple", "<i8"), ("begun", "<i8"), ("price", "<f8"), ("sample", "<f8")])


@feature_kernel
def samples_due(clock: Any, ts_ns: int, price: float, most: int) -> int:
    """How many samples an event brings, at most `most`; their price is then in `clock.sample`."""
    if not price > 0.0:
        return 0
    if clock.every_ns == 0:
        clock.sample = price
        return 1
    multiple = ts_ns // clock.every_ns
    due = min(multiple - clock.multiple, most) if clock.begun != 0 else 0
    clock.multiple, clock.begun, clock.sample, clock.price = multiple, 1, clock.price, price
    return due


def _realised(state: Any, ts_ns: int, price: float) -> float:
    value = state.sum.total + state.sum.lost
    for _ in range(samples_due(state.clock, ts_ns, price, state.sum.window + 2)):
        y = math.log(state.clock.sample)
        if state.begun > 0:
            value = roll(state.sum, (y - state.y) * (y - state.y))
        state.y, state.begun = y, 1
    return value if state.sum.filled > 0 else math.nan


class RealisedVariance(Feature):
    """Sum of squared log returns over the last `window` of them. Its root over the window's time is the realised volatility.

        RV = sum of (ln p[k] - ln p[k-1])^2

    Args:
        window: returns; 0 takes all.
        every_ns: sampling interval; 0 samples each event.
    """

    state_dtype = np.dtype([("sum", ROLLING), ("clock", CLOCK), ("y", "<f8"), ("begun", "<i8")])
    step = Step(_realised)

    def __init__(self, window: int = 0, every_ns: int = 0) -> None:
        super().__init__()
        self._own_window("sum", window, VALUE)
        self.state["clock"]["every_ns"] = at_least("every_ns", every_ns, 0)


def _bipower(state: Any, ts_ns: int, price: float) -> float:
    for _ in range(samples_due(state.clock, ts_ns, price, state.sum.window + 2)):
        y = math.log(state.clock.sample)
        if state.begun > 0:
            size = abs(y - state.y)
            if state.begun > 1:
                roll(state.sum, 0.5 * math.pi * size * state.size)
            state.size, state.begun = size, 2
        else:
            state.begun = 1
        state.y = y
    return state.sum.total + state.sum.lost if state.sum.filled > 0 else math.nan


class BipowerVariation(Feature):
    """Realised bipower variation: what of the variance does not come from jumps.

        BV = (pi / 2) sum of |r[k]| |r[k-1]|

    Barndorff-Nielsen and Shephard (2004, Power and Bipower Variation with Stochastic Volatility and Jumps), without the
    correction n / (n - 1) for short samples.

    Args:
        window: products of neighbouring returns; 0 takes all.
        every_ns: sampling interval; 0 samples each event.
    """

    state_dtype = np.dtype([("sum", ROLLING), ("clock", CLOCK), ("y", "<f8"), ("size", "<f8"), ("begun", "<i8")])
    step = Step(_bipower)

    def __init__(self, window: int = 0, every_ns: int = 0) -> None:
        super().__init__()
        self._own_window("sum", window, VALUE)
        self.state["clock"]["every_ns"] = at_least("every_ns", every_ns, 0)


def _two_scales(state: Any, ts_ns: int, price: float) -> float:
    scale = state.scale
    for _ in range(samples_due(state.clock, ts_ns, price, state.fast.window + scale + 1 if state.fast.window > 0 else _NO_LIMIT)):
        y = math.log(state.clock.sample)
        slot = value_row(state.delay, state.seen % scale)
        if state.seen >= scale:
            roll(state.slow, (y - slot.value) * (y - slot.value) / scale)
        if state.seen > 0:
            roll(state.fast, (y - state.y) * (y - state.y))
        slot.value, state.y = y, y
        state.seen += 1
    n = state.fast.filled
    if n <= scale:
        return math.nan
    share = (n - scale + 1) / scale / n
    return ((state.slow.total + state.slow.lost) - share * (state.fast.total + state.fast.lost)) / (1.0 - share)


class TwoScaleVariance(Feature):
    """The two-scales estimator: realised variance freed of the noise that the bid-ask bounce brings.

        TSRV = (RV_slow - (m / n) RV_fast) / (1 - m / n),    RV_slow = (1 / K) sum of (y[k] - y[k-K])^2,    m = (n - K + 1) / K

    y are log prices, n the returns in the window, RV_fast their realised variance. Zhang, Mykland and Ait-Sahalia (2005, A Tale of Two
    Time Scales, equations 55 and 64: with the adjustment for small samples).

    Args:
        scale: K, samples; at least 2.
        window: returns, above `scale`; 0 takes all.
        every_ns: sampling interval; 0 samples each event.

    NaN until there are more than `scale` returns. It can be below 0.
    """

    state_dtype = np.dtype(
        [("fast", ROLLING), ("slow", ROLLING), ("clock", CLOCK), ("delay", "<i8"), ("scale", "<i8"), ("seen", "<i8"), ("y", "<f8")]
    )
    step = Step(_two_scales)

    def __init__(self, scale: int, window: int = 0, every_ns: int = 0) -> None:
        if window and window <= scale:
            raise ConfigError(f"window = {window}: must be above scale = {scale}, or 0")
        super().__init__(scale=at_least("scale", scale, 2))
        self._own_window("fast", window, VALUE)
        self._own_window("slow", window - scale + 1 if window else 0, VALUE)
        self._own("delay", np.zeros(scale, dtype=VALUE))
        self.state["clock"]["every_ns"] = at_least("every_ns", every_ns, 0)
