"""The line at the venue: an instrument's working orders in order of arrival, as a list through the order table."""

from __future__ import annotations

from framework.kernel.layout.roots import ExchangeRoot
from framework.kernel.layout.venue_records import listing_row
from framework.kernel.machine.compile import inlined, kernel
from framework.kernel.market.order_rows import is_done
from framework.kernel.venue.order_table import NOT_LISTED, order_of
from framework.schema.order import Order


@inlined
def join(x: ExchangeRoot, order: Order) -> None:
    """Put an order at the back."""
    listing = listing_row(x.listings, order.instrument)
    listing.is_calm = 0
    order.next_working = -1
    if listing.last >= 0:
        order_of(x, listing.last).next_working = order.order_id
    else:
        listing.first = order.order_id
    listing.last = order.order_id


@kernel
def to_the_back(x: ExchangeRoot, order: Order) -> None:
    """Take a working order out of its place and put it at the back."""
    listing = listing_row(x.listings, order.instrument)
    if listing.last == order.order_id:
        return
    if listing.first == order.order_id:
        listing.first = order.next_working
    else:
        before = order_of(x, listing.first)
        while before.next_working != order.order_id:
            before = order_of(x, before.next_working)
        before.next_working = order.next_working
    join(x, order)


@kernel
def sweep(x: ExchangeRoot, instrument: int) -> None:
    """Take ended orders out of the instrument's list of working ones."""
    listing = listing_row(x.listings, instrument)
    before, at = -1, listing.first
    while at >= 0:
        order = order_of(x, at)
        after = order.next_working
        if is_done(order):
            if before < 0:
                listing.first = after
            else:
                order_of(x, before).next_working = after
            if after < 0:
                listing.last = before
            order.next_working = NOT_LISTED
            x.working -= 1
        else:
            before = at
        at = after


@inlined
def is_empty(x: ExchangeRoot, instrument: int) -> bool:
    """Whether nothing works there any more; the usual case is one order, filled."""
    listing = listing_row(x.listings, instrument)
    return listing.first < 0 or (listing.first == listing.last and is_done(order_of(x, listing.first)))
