"""Who took: the sign of a trade where the feed does not tell it, and how long signs persist."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from framework.stages.features.feature import Feature, Step, at_least, feature_kernel
from framework.stages.features.moments import PAIR, PAIRS, VALUE, add_pair, correlation, value_row

TICK = np.dtype([("last", "<f8"), ("sign", "<f8")])
"""The last price, NaN before the first, and the sign of its last change."""


@feature_kernel
def tick_sign(tick: Any, price: float) -> float:
    """The tick rule: the sign of the last change of the price, 0 before the first."""
    if price > tick.last:
        tick.sign = 1.0
    elif price < tick.last:
        tick.sign = -1.0
    tick.last = price
    return float(tick.sign)


def _tick_rule(state: Any, price: float) -> float:
    return tick_sign(state.tick, price) if price > 0.0 else state.tick.sign


class TickRule(Feature):
    """The sign of each trade by its price alone: +1 above the last other price, -1 below, 0 before the first change."""

    state_dtype = np.dtype([("tick", TICK)])
    step = Step(_tick_rule)
    rows = "trades"

    def __init__(self) -> None:
        super().__init__()
        self.state["tick"]["last"] = math.nan


def _lee_ready(state: Any, price: float, bid: float, ask: float) -> float:
    if not price > 0.0:
        return state.tick.sign
    by_tick = tick_sign(state.tick, price)
    mid = 0.5 * (bid + ask)
    if price > mid:
        return 1.0
    return -1.0 if price < mid else by_tick


class LeeReady(Feature):
    """The sign of each trade by the quote: +1 above the mid, -1 below; at the mid, or without a book, by the tick rule.

    Lee and Ready (1991, Inferring Trade Direction from Intraday Data). The quote is the one known at the trade; their five seconds of
    delay belong to the feeds of their time.
    """

    state_dtype = np.dtype([("tick", TICK)])
    step = Step(_lee_ready)
    rows = "trades"

    def __init__(self) -> None:
        super().__init__()
        self.state["tick"]["last"] = math.nan


def _autocorrelation(state: Any, side: int) -> float:
    if side == 0:
        return correlation(state.pairs)
    slot = value_row(state.delay, state.seen % state.lag)
    if state.seen >= state.lag:
        add_pair(state.pairs, slot.value, float(side))
    slot.value = float(side)
    state.seen += 1
    return correlation(state.pairs)


class SignAutocorrelation(Feature):
    """Autocorrelation of trade signs at one lag: the correlation of the pairs (side[k - lag], side[k]).

    Lillo and Farmer (2004, The Long Memory of the Efficient Market) find it to decay slowly in the lag.

    Args:
        lag: trades, at least 1.
        window: pairs; 0 takes all. A window costs its length at each trade.

    Trades with side 0 are passed over. NaN below two pairs and while all signs are alike.
    """

    state_dtype = np.dtype([("pairs", PAIRS), ("delay", "<i8"), ("lag", "<i8"), ("seen", "<i8")])
    step = Step(_autocorrelation)
    rows = "trades"

    def __init__(self, lag: int = 1, window: int = 0) -> None:
        super().__init__(lag=at_least("lag", lag, 1))
        self._own_window("pairs", window, PAIR)
        self._own("delay", np.zeros(lag, dtype=VALUE))
