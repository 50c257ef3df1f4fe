"""The mids that an instrument's book tells, message by message, as a run knows them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from framework.kernel.layout.codes import DEPTH, F_LAST, GAP, SPLIT
from framework.kernel.layout.roots import trader_row
from framework.kernel.market.order_book import depth_of, lose_depth, see_depth
from framework.schema.event import Kind
from framework.schema.instrument import Instrument
from framework.stages.features.feature import feature_kernel
from framework.stages.features.market_table import watcher

KINDS = (Kind.DEPTH, Kind.GAP, Kind.SPLIT)
"""What tells of a book, or takes it away."""


@feature_kernel
def _fill_mids(trader: int, events: Any, mids: Any) -> int:
    """Apply events; write the mid after each message that leaves a book with two sides. Returns how many there were."""
    t = trader_row(trader, 0)
    depth, count = depth_of(t, 0), 0
    for k in range(len(events)):
        event = events[k]
        if event.kind == DEPTH or event.kind == GAP:
            see_depth(t, depth, event)
            if event.kind == DEPTH and event.flags & F_LAST != 0 and depth.is_known != 0 and 0 < depth.bid < depth.ask:
                mids[k] = 0.5 * (depth.bid + depth.ask)
                count += 1
        elif event.kind == SPLIT:
            lose_depth(t, 0)
    return count


class BookMids:
    """Follows one book over the blocks of a tape.

    Args:
        instrument: whose.
        span: lowest and highest price of its levels, ticks.
        has_orders: whether the source tells orders and not levels.
    """

    def __init__(self, instrument: Instrument, span: tuple[int, int], *, has_orders: bool) -> None:
        self._trader = watcher(instrument, {0: span}, has_orders=has_orders, starts_empty=False)

    def see(self, rows: NDArray[np.void]) -> NDArray[np.float64]:
        """The mid that each of the next events of the instrument tells, ticks; NaN where it tells none, or the book is unknown."""
        mids = np.full(len(rows), np.nan)
        own = rows.copy()
        own["instrument"] = 0
        _fill_mids(self._trader.address, own, mids)
        if self._trader.record["broken"][0]:
            raise self._trader.breakage()
        return mids
