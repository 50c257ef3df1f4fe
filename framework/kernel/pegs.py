"""Pegged orders at the venue: moved when the best prices that they follow have moved."""

from __future__ import annotations

from typing import Any

from framework.kernel.codes import O_PEGGED, O_RESTING, REPRICED
from framework.kernel.compile import kernel
from framework.kernel.depth import depth_of
from framework.kernel.exchange import answer, venue_book
from framework.kernel.order_types import peg_ticks
from framework.kernel.orders import is_done, order_of
from framework.kernel.queue import to_the_back
from framework.kernel.queue_position import join_line


@kernel
def reprice_pegs(t: Any, x: Any, instrument: int, bid: int, ask: int) -> None:
    """Move every peg of an instrument to where it belongs at these best prices; one that moves goes to the back of the line.

    While the price that it follows is not known a peg stays where it is.
    """
    book, depth = venue_book(x, instrument), depth_of(x, instrument)
    at, last = book.first, book.last
    while at >= 0:
        order = order_of(x, at)
        after = order.next_working
        if order.flags & O_PEGGED and not is_done(order):
            ticks = peg_ticks(order, bid, ask)
            if ticks != 0 and (ticks != order.limit_ticks or order.flags & O_RESTING == 0):
                has_moved = ticks != order.limit_ticks
                order.limit_ticks = ticks
                order.flags |= O_RESTING
                to_the_back(x, order)
                if depth.bids != 0:
                    join_line(x, depth, order)
                if has_moved:
                    answer(t, x, REPRICED, 0, instrument, order.order_id, 0, 0, ticks, 0)
        if at == last:
            return
        at = after
