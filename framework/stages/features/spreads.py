"""What a trade costs and what its maker keeps: effective and realised spread, price impact, Roll's spread. In price units, both sides."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from framework.kernel.machine.compile import row_of
from framework.stages.features.feature import Feature, Step, at_least
from framework.stages.features.moments import PAIR, PAIRS, add_pair

_WAITING = np.dtype([("due_ns", "<i8"), ("side", "<i8"), ("price", "<f8"), ("mid", "<f8")])
_waiting_row = row_of(_WAITING)
_FEWEST = 1024


def _effective(state: Any, side: int, price: float, mid: float) -> float:
    return 2.0 * side * (price - mid) if side != 0 else math.nan


class EffectiveSpread(Feature):
    """2 x side x (price - mid) of each trade, with the mid known at the trade (Huang and Stoll 1996). NaN for side 0."""

    state_dtype = np.dtype([("nothing", "<i8")])
    step = Step(_effective)
    rows = "trades"


def _realised(state: Any, ts_ns: int, side: int, price: float, mid: float) -> float:
    while state.first < state.count:
        trade = _waiting_row(state.ring, state.first & state.mask)
        if trade.due_ns >= ts_ns:
            break
        state.first += 1
        start = trade.mid if state.is_impact != 0 else trade.price
        value = 2.0 * trade.side * (state.last - start if state.is_impact != 0 else start - state.last)
        if value == value:
            state.done += 1
            state.mean += (value - state.mean) / state.done
    state.last = mid
    if side != 0 and price > 0.0:
        trade = _waiting_row(state.ring, state.count & state.mask)
        trade.due_ns, trade.side, trade.price, trade.mid = ts_ns + state.horizon_ns, side, price, mid
        state.count += 1
    return state.mean if state.done > 0 else math.nan


class RealisedSpread(Feature):
    """Mean realised spread: 2 x side x (price - mid at `horizon_ns` later), over the trades whose horizon has passed.

    What the maker of a trade keeps when its price has moved (Huang and Stoll 1996, Dealer versus Auction Markets). The mid
    is the last one known at the end of the horizon; a trade counts from the first event after that. Trades with side 0, and those whose
    mid is unknown then, are left out.

    Args:
        horizon_ns: nanoseconds, at least 0.
    """

    state_dtype = np.dtype(
        [
            *((name, "<i8") for name in ("ring", "mask", "first", "count", "horizon_ns", "is_impact", "done")),
            *((name, "<f8") for name in ("last", "mean")),
        ]
    )
    step = Step(_realised)
    is_impact = False

    def __init__(self, horizon_ns: int) -> None:
        super().__init__(horizon_ns=at_least("horizon_ns", horizon_ns, 0), is_impact=int(self.is_impact), last=math.nan, mask=_FEWEST - 1)
        self._own("ring", np.zeros(_FEWEST, dtype=_WAITING))

    def _make_room(self, events: int) -> None:
        first, count, size = int(self.state["first"][0]), int(self.state["count"][0]), int(self.state["mask"][0]) + 1
        if count - first + events <= size:
            return
        larger = np.zeros(1 << (2 * (count - first + events)).bit_length(), dtype=_WAITING)
        places = np.arange(first, count)
        larger[places & (len(larger) - 1)] = self._tables["ring"][places & (size - 1)]
        self.state["mask"] = len(larger) - 1
        self._own("ring", larger)


class PriceImpact(RealisedSpread):
    """Mean price impact: 2 x side x (mid at `horizon_ns` later - mid at the trade), over the trades whose horizon has passed.

    The effective spread is the realised spread and the price impact together. Else as `RealisedSpread`.
    """

    is_impact = True


def _roll(state: Any, price: float) -> float:
    if price > 0.0:
        change = price - state.last
        if state.change == state.change and change == change:
            add_pair(state.pairs, state.change, change)
        state.last, state.change = price, change
    n = state.pairs.n
    covariance = state.pairs.xy / (n - 1) if n > 1 else math.nan
    return 2.0 * math.sqrt(-covariance) if covariance <= 0.0 else math.nan


class RollSpread(Feature):
    """Roll's implied spread, 2 sqrt(-cov(dp[k], dp[k-1])), from trade prices alone.

    Roll (1984, A Simple Implicit Measure of the Effective Bid-Ask Spread), with the sample covariance of consecutive price
    changes. NaN where it is above 0, which short samples and trends bring about, and below two pairs.

    Args:
        window: pairs of changes; 0 takes all. A window costs its length at each trade.
    """

    state_dtype = np.dtype([("pairs", PAIRS), ("last", "<f8"), ("change", "<f8")])
    step = Step(_roll)
    rows = "trades"

    def __init__(self, window: int = 0) -> None:
        super().__init__(last=math.nan, change=math.nan)
        self._own_window("pairs", window, PAIR)
