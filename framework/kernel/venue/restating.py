"""What splits and dividends do to the venue's orders."""

from __future__ import annotations

from framework.kernel.layout.codes import CANCELLED, CORRECTION, DIVIDEND, R_SPLIT, REPLACE, SPLIT
from framework.kernel.layout.roots import ExchangeRoot, TraderRoot, event_row
from framework.kernel.machine.compile import kernel, outlined
from framework.kernel.machine.ratio import floored
from framework.kernel.market.lifecycle import leaves
from framework.kernel.market.order_book import lose_depth
from framework.kernel.market.restated_terms import dividend_prices, dividend_terms, dividend_ticks, split_prices, split_terms
from framework.kernel.venue.answers import end_order
from framework.kernel.venue.commands import listing_of
from framework.kernel.venue.corrected_orders import correct_at_venue
from framework.kernel.venue.order_table import order_of
from framework.kernel.venue.working_orders import sweep
from framework.schema.event import Event


@kernel
def _restate(t: TraderRoot, x: ExchangeRoot, event: Event, is_split: bool) -> None:
    listing = listing_of(x, event.instrument)
    at, listing.is_calm = listing.first, 0
    while at >= 0:
        order = order_of(x, at)
        at = order.next_working
        if not is_split:
            dividend_terms(order, dividend_ticks(t, event.instrument, event.w0))
            continue
        split_terms(order, event.w0, event.w1)
        if leaves(order) <= 0:
            end_order(t, x, order, CANCELLED, R_SPLIT, 0.0, 0.0)
    sweep(x, event.instrument)


@outlined
def _restate_kept(t: TraderRoot, x: ExchangeRoot, event: Event) -> None:
    """Changes of orders that wait for a bar ask for terms in the shares of their time."""
    for k in range(x.kept_count):
        row = event_row(x.kept, k)
        if row.instrument != event.instrument or row.kind != REPLACE:
            continue
        order = order_of(x, row.w0)
        if event.kind == SPLIT:
            row.w2 = floored(row.w2, event.w0, event.w1)
            row.w3, row.w4 = split_prices(order, row.w3, row.w4, event.w0, event.w1)
        else:
            row.w3, row.w4 = dividend_prices(order, row.w3, row.w4, dividend_ticks(t, event.instrument, event.w0))


@kernel
def restate_venue_orders(t: TraderRoot, x: ExchangeRoot, event: Event) -> None:
    """Splits, dividends and corrections on the venue's orders. Runs after the trader half applied the same event to its own."""
    if event.kind == SPLIT or event.kind == DIVIDEND:
        _restate(t, x, event, event.kind == SPLIT)
        if x.kept_count > 0:
            _restate_kept(t, x, event)
    if event.kind == SPLIT:
        lose_depth(x, event.instrument)
    elif event.kind == CORRECTION:
        correct_at_venue(t, x, event)
