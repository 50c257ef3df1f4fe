"""What trading does to the price: Kyle's lambda."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from framework.stages.features.feature import Feature, Step, at_least
from framework.stages.features.moments import PAIR, PAIRS, add_pair


def _kyle(state: Any, ts_ns: int, mid: float, signed_size: float) -> float:
    interval = ts_ns // state.interval_ns
    if interval != state.interval:
        if state.begun > 0 and state.before > 0.0 and state.last > 0.0:
            add_pair(state.pairs, state.flow, state.last - state.before)
        state.interval, state.before, state.flow, state.begun = interval, state.last, 0.0, 1
    if signed_size == signed_size:  # else unknown
        state.flow += signed_size
    if mid > 0.0:
        state.last = mid
    return state.pairs.xy / state.pairs.xx if state.pairs.n > 1 and state.pairs.xx > 0.0 else math.nan


class KyleLambda(Feature):
    """Kyle's lambda, price units a unit of signed volume: the slope in

        change of the mid in an interval = intercept + lambda x (bought - sold volume in it) + error

    by ordinary least squares over the intervals that have ended: the price rule of Kyle (1985, Continuous Auctions and Insider Trading),
    estimated as Hasbrouck (2009, Trading Costs and Returns for U.S. Equities) does. Intervals begin at whole multiples of their length
    since the epoch; one without any event is left out. An interval counts from the first event after it.

    Args:
        interval_ns: length, above 0.
        window: intervals; 0 takes all.

    NaN before two intervals of different flow have ended; the first interval has no change.
    """

    state_dtype = np.dtype(
        [
            ("pairs", PAIRS),
            *((name, "<i8") for name in ("interval_ns", "interval", "begun")),
            *((name, "<f8") for name in ("before", "last", "flow")),
        ]
    )
    step = Step(_kyle)

    def __init__(self, interval_ns: int, window: int = 0) -> None:
        super().__init__(
            interval_ns=at_least("interval_ns", interval_ns, 1), interval=np.iinfo(np.int64).min, before=math.nan, last=math.nan
        )
        self._own_window("pairs", window, PAIR)

    @property
    def intercept(self) -> float:
        """Of the regression, price units; NaN as lambda is."""
        pairs = self.state["pairs"][0]
        return float(pairs["mean_y"] - pairs["xy"] / pairs["xx"] * pairs["mean_x"]) if pairs["n"] > 1 and pairs["xx"] > 0 else math.nan

    @property
    def standard_error(self) -> float:
        """Of lambda, errors having one variance: sqrt(squared residuals / (n - 2) / sum of (flow - mean)^2). NaN below 3 intervals."""
        pairs = self.state["pairs"][0]
        if pairs["n"] < 3 or not pairs["xx"] > 0:
            return math.nan
        residual = max(float(pairs["yy"] - pairs["xy"] ** 2 / pairs["xx"]), 0.0)
        return math.sqrt(residual / float(pairs["n"] - 2) / float(pairs["xx"]))
