"""Pegged orders at the venue: moved when the best prices that they follow have moved."""

from __future__ import annotations

from framework.kernel.layout.codes import O_PEGGED, O_RESTING, REPRICED, SELF_IGNORED
from framework.kernel.layout.roots import ExchangeRoot, TraderRoot
from framework.kernel.machine.compile import kernel, outlined
from framework.kernel.market.order_book import depth_of
from framework.kernel.market.order_rows import is_done
from framework.kernel.market.order_types import peg_ticks
from framework.kernel.market.price_limit_rules import within_limits
from framework.kernel.venue.answers import answer
from framework.kernel.venue.commands import listing_of
from framework.kernel.venue.order_table import order_of
from framework.kernel.venue.queue_position import join_line
from framework.kernel.venue.self_trade import prevent
from framework.kernel.venue.working_orders import sweep, to_the_back


@outlined
def _meet_ours(t: TraderRoot, x: ExchangeRoot, instrument: int, at: int) -> None:
    """Prevent trades of the pegs that have moved with others of ours: those from the order named to the back of the line."""
    while at >= 0:
        order = order_of(x, at)
        at = order.next_working
        if not is_done(order):
            prevent(t, x, order, 0)
    sweep(x, instrument)


@kernel
def reprice_pegs(t: TraderRoot, x: ExchangeRoot, instrument: int, bid: int, ask: int) -> None:
    """Move every peg of an instrument to where it belongs at these best prices; one that moves goes to the back of the line.

    While the price that it follows is not known a peg stays where it is. All move together; then each that has moved is the order
    that comes to those of ours that it meets.
    """
    listing, depth = listing_of(x, instrument), depth_of(x, instrument)
    at, last, first_moved = listing.first, listing.last, -1
    while at >= 0:
        order = order_of(x, at)
        after = order.next_working
        if order.flags & O_PEGGED and not is_done(order):
            ticks = within_limits(x, instrument, order.side, peg_ticks(order, bid, ask))
            if ticks != 0 and (ticks != order.limit_ticks or order.flags & O_RESTING == 0):
                has_moved = ticks != order.limit_ticks
                order.limit_ticks = ticks
                order.flags |= O_RESTING
                to_the_back(x, order)
                first_moved = at if first_moved < 0 else first_moved
                if depth.bids != 0:
                    join_line(x, depth, order)
                if has_moved:
                    answer(t, x, REPRICED, 0, instrument, order.order_id, 0, 0, ticks, 0)
        if at == last:
            break
        at = after
    if first_moved >= 0 and x.rules.self_trade != SELF_IGNORED:
        _meet_ours(t, x, instrument, first_moved)
