"""Order flow: of the book, after Cont, Kukanov and Stoikov, and of trades."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from framework.stages.features.feature import Feature, Step, feature_kernel
from framework.stages.features.moments import ROLLING, VALUE, roll


@feature_kernel
def order_flow(
    bid: float, bid_size: float, ask: float, ask_size: float, was_bid: float, was_bid_size: float, was_ask: float, was_ask_size: float
) -> float:
    """What one change of the best prices adds to the order-flow imbalance, in units. Compiled hooks may call it.

        e = 1{bid >= bid'} bid_size - 1{bid <= bid'} bid_size' - 1{ask <= ask'} ask_size + 1{ask >= ask'} ask_size'

    with ' before the change (Cont, Kukanov and Stoikov 2014, The Price Impact of Order Book Events). 0 where a price is NaN.
    """
    if not (bid > 0.0 and ask > 0.0 and was_bid > 0.0 and was_ask > 0.0):
        return 0.0
    flow = 0.0
    if bid >= was_bid:
        flow += bid_size
    if bid <= was_bid:
        flow -= was_bid_size
    if ask <= was_ask:
        flow -= ask_size
    if ask >= was_ask:
        flow += was_ask_size
    return flow


def _ofi(state: Any, bid: float, bid_size: float, ask: float, ask_size: float) -> float:
    flow = order_flow(bid, bid_size, ask, ask_size, state.bid, state.bid_size, state.ask, state.ask_size)
    state.bid, state.bid_size, state.ask, state.ask_size = bid, bid_size, ask, ask_size
    return roll(state.sum, flow if flow == flow else 0.0)  # a size that is NaN


class OrderFlowImbalance(Feature):
    """The order-flow imbalance of the best prices over the last `window` changes, in units.

    The sum of `order_flow` (see there) over changes of the book. Fed with the prices and sizes of the m-th level it is the m-th
    component of the multi-level imbalance (Xu, Gould and Howison 2018, Multi-Level Order-Flow Imbalance in a Limit Order Book).

    Args:
        window: changes summed; 1 gives each change's own part e_n, to be summed by time with pandas; 0 sums all.

    A side that is NaN adds nothing, and the change after it counts from there: nothing is made of what was not seen.
    """

    state_dtype = np.dtype([("sum", ROLLING), ("bid", "<f8"), ("bid_size", "<f8"), ("ask", "<f8"), ("ask_size", "<f8")])
    step = Step(_ofi)
    rows = "books"

    def __init__(self, window: int = 1) -> None:
        super().__init__(bid=math.nan, ask=math.nan)
        self._own_window("sum", window, VALUE)


def _trade_imbalance(state: Any, side: int, size: float) -> float:
    if size > 0.0:
        roll(state.total, size)
        roll(state.signed, side * size)
    total, signed = state.total.total + state.total.lost, state.signed.total + state.signed.lost
    return signed / total if total > 0.0 else math.nan


class TradeImbalance(Feature):
    """Signed over total volume of the last `window` trades: sum(side x size) / sum(size), in [-1, 1].

    Args:
        window: trades; 0 takes all.

    `side` is +1 where the buyer took, -1 where the seller took; a trade with side 0 counts in the total only.
    """

    state_dtype = np.dtype([("total", ROLLING), ("signed", ROLLING)])
    step = Step(_trade_imbalance)
    rows = "trades"

    def __init__(self, window: int = 100) -> None:
        super().__init__()
        self._own_window("total", window, VALUE)
        self._own_window("signed", window, VALUE)
