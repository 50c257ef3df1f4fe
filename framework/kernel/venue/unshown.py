"""Icebergs and hidden orders at the venue: what does not stand in the line.

An **iceberg** stands in the line with what it shows. When that is filled, the venue shows the next `display` of it at the back of
the line at that price. A **hidden** order stands in no line. What is left of a trade at their price after all that is shown there,
ours and others', goes to the icebergs that were emptied by it, in order of arrival, then to hidden orders. A trade that goes
through their price, or an opposite level that comes to it, takes them whole.

Of bars, quotes and prints without a book nobody knows the line: a price that only touches the limit fills no more than an iceberg
shows, once an event, and nothing of a hidden order; an opposite quote at the limit has met all that is shown there, so it fills
hidden orders too.

Assumptions: what the book shows is all that stands at a price besides ours.
Fails when: others hide much there too.
"""

from __future__ import annotations

from framework.kernel.layout.codes import F_MAKER, O_HIDDEN, O_ICEBERG, O_RESTING
from framework.kernel.layout.depth_records import DepthBook
from framework.kernel.layout.roots import ExchangeRoot, TraderRoot
from framework.kernel.machine.compile import inlined, kernel
from framework.kernel.market.lifecycle import leaves
from framework.kernel.market.order_book import lots_at
from framework.kernel.market.order_rows import is_done
from framework.kernel.market.order_types import rests
from framework.kernel.venue.commands import listing_of
from framework.kernel.venue.filling import execute
from framework.kernel.venue.order_table import order_of
from framework.kernel.venue.queue_position import join_line
from framework.kernel.venue.working_orders import to_the_back
from framework.schema.event import Event
from framework.schema.order import Order


@inlined
def shown_of(order: Order, reached: int) -> int:
    """How much of a trade that reaches an order at its own price its shown part can take."""
    if order.flags & O_HIDDEN:
        return 0
    return min(reached, order.shown_lots) if order.flags & O_ICEBERG else reached


@inlined
def touched_lots(order: Order, price: int, budget: int) -> int:
    """How much an order that rests takes where nobody knows the line and the price only touches its limit."""
    if order.flags & O_ICEBERG and price == order.limit_ticks:
        return min(budget, order.display_lots)
    return budget


@kernel
def fill_resting(t: TraderRoot, x: ExchangeRoot, order: Order, budget: int, flags: int, event: Event) -> int:
    """Fill a resting order at its limit; an iceberg's shown part goes first."""
    done = execute(t, x, order, budget, order.limit_ticks, flags, event)
    order.shown_lots -= done
    return done


@kernel
def _past_the_line(x: ExchangeRoot, depth: DepthBook, order: Order, event: Event) -> int:
    """How much of a trade is left after all that others show at the order's price."""
    shown = lots_at(x, depth, order.side, order.limit_ticks)
    if depth.has_orders != 0:
        return event.w1 if event.w3 == 0 and shown == 0 else 0
    passed = int(order.passed_lots) - event.w1  # by trades before this one since the level was published
    return event.w1 - max(shown - passed, 0)


@kernel
def fill_unshown(t: TraderRoot, x: ExchangeRoot, depth: DepthBook, event: Event, side: int, left: int, ours: int) -> bool:
    """Fill reserves, then hidden orders, at a trade's own price; `ours` is what our shown orders took of it there. True if any filled."""
    filled_any = False
    for kind in (O_ICEBERG, O_HIDDEN):
        at = listing_of(x, event.instrument).first
        while at >= 0:
            order = order_of(x, at)
            at = order.next_working
            if order.flags & kind == 0 or order.side != side or order.limit_ticks != event.w0 or not rests(order):
                continue
            if (
                order.accepted_ns >= event.ts_venue_ns
                or order.blocked_ns == event.ts_local_ns
                or (kind == O_ICEBERG and order.shown_lots > 0)
            ):
                continue
            due = min(left, _past_the_line(x, depth, order, event) - ours)
            if due > 0:
                done = fill_resting(t, x, order, due, F_MAKER, event)
                left -= done
                ours += done
                filled_any = filled_any or done > 0 or is_done(order)
    return filled_any


@kernel
def replenish(x: ExchangeRoot, depth: DepthBook, instrument: int) -> None:
    """Show the next part of every iceberg whose shown part is gone, at the back of the line."""
    listing = listing_of(x, instrument)
    at, last = listing.first, listing.last
    while at >= 0:
        order = order_of(x, at)
        after = order.next_working
        if order.flags & O_ICEBERG and order.flags & O_RESTING and order.shown_lots <= 0 and not is_done(order):
            over = -order.shown_lots % order.display_lots  # taken of the part that is shown next
            join_line(x, depth, order)
            order.shown_lots = min(order.display_lots - over, leaves(order))
            to_the_back(x, order)
        if at == last:
            return
        at = after
