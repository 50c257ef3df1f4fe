"""What the venue's best prices say to an order that arrives with instructions: a post-only order, a peg."""

from __future__ import annotations

from framework.kernel.layout.codes import O_PEGGED, O_POST_ONLY
from framework.kernel.layout.roots import ExchangeRoot, TraderRoot
from framework.kernel.machine.compile import kernel
from framework.kernel.market.marks import marks_of
from framework.kernel.market.order_book import depth_of
from framework.kernel.market.order_types import peg_ticks
from framework.kernel.market.price_limit_rules import within_limits
from framework.schema.order import Order


@kernel
def venue_best(t: TraderRoot, x: ExchangeRoot, instrument: int) -> tuple[int, int]:
    """(bid, ask) of the venue's book, or of its last quote; 0 where not known. Our own orders are no part of them."""
    depth, marks = depth_of(x, instrument), marks_of(t, instrument)
    if depth.bids == 0:
        return marks.bid, marks.ask  # quotes reach both halves at once
    return (depth.bid, depth.ask) if depth.is_known != 0 else (0, 0)


@kernel
def refusing_price(t: TraderRoot, x: ExchangeRoot, order: Order, limit_ticks: int) -> int:
    """The other side's best price if a limit reaches it, else 0."""
    bid, ask = venue_best(t, x, order.instrument)
    other = ask if order.side > 0 else bid
    return other if other > 0 and (limit_ticks - other) * order.side >= 0 else 0


@kernel
def rests_on_quotes(t: TraderRoot, x: ExchangeRoot, order: Order) -> bool:
    """Whether a post-only order or peg that is let in rests from then on: where quotes are published but no book."""
    if order.flags & (O_POST_ONLY | O_PEGGED) == 0 or depth_of(x, order.instrument).bids != 0:
        return False
    bid, ask = venue_best(t, x, order.instrument)
    known = peg_ticks(order, bid, ask) if order.flags & O_PEGGED else (ask if order.side > 0 else bid)
    return known != 0


@kernel
def arriving(t: TraderRoot, x: ExchangeRoot, order: Order) -> int:
    """Give a peg its price; the price that a post-only order would take at, 0 where it is let in."""
    if order.flags & O_PEGGED:
        bid, ask = venue_best(t, x, order.instrument)
        ticks = within_limits(x, order.instrument, order.side, peg_ticks(order, bid, ask))
        order.limit_ticks = ticks if ticks != 0 else order.limit_ticks
    elif order.flags & O_POST_ONLY:
        price = refusing_price(t, x, order, order.limit_ticks)
        if price != 0:
            return price
    return 0
