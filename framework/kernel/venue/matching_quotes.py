"""How orders fill on quotes: those that a quote fills by price and time (`priority.py`), then what it tells the others.

A fill needs a quote newer than the order's arrival and takes at most the displayed size; what it took is gone until the next quote.

Assumptions: the size that is displayed is all there is.
Fails when: a quote is one of several venues' and the order is at another one.
"""

from __future__ import annotations

from framework.kernel.layout.codes import AT_CLOSE, AT_OPEN, F_MAKER, O_PEGGED, O_POST_ONLY, O_RESTING
from framework.kernel.layout.roots import ExchangeRoot, TraderRoot
from framework.kernel.layout.venue_records import Listing, SessionHours
from framework.kernel.machine.compile import address_of, call, inlined, kernel
from framework.kernel.market.order_book import depth_of
from framework.kernel.market.order_rows import is_done
from framework.kernel.market.order_types import is_limit, reaches, trails, waits_for_price, waits_for_trigger
from framework.kernel.market.priority import BEFORE_ALL, NEVER, betters, rank_at
from framework.kernel.venue.commands import listing_of, refuse_to_take, session_of
from framework.kernel.venue.filling import execute
from framework.kernel.venue.matching_bars import end_leftover, follow, trigger
from framework.kernel.venue.order_table import order_of
from framework.kernel.venue.pegs import reprice_pegs
from framework.kernel.venue.self_trade import is_prevented, prevent
from framework.kernel.venue.siblings import behind_exits
from framework.kernel.venue.unshown import touched_lots
from framework.kernel.venue.working_orders import sweep
from framework.schema.event import Event
from framework.schema.order import Order


@inlined
def takes_part(order: Order, session: SessionHours, listing: Listing, event: Event) -> bool:
    """Whether a quote or message is newer at the venue than the order, and its time in force lets it trade on it."""
    if is_done(order) or order.accepted_ns >= event.ts_venue_ns or order.blocked_ns == event.ts_local_ns:
        return False
    if order.time_in_force == AT_OPEN:
        return order.accepted_ns <= session.open_ns and listing.has_auctions == 0
    return order.time_in_force != AT_CLOSE


@inlined
def _rank(order: Order, quote: Event) -> int:
    price = quote.w1 if order.side > 0 else quote.w0
    return rank_at(order, price, 0) if price > 0 else NEVER


@kernel
def _next(x: ExchangeRoot, listing: Listing, session: SessionHours, quote: Event, rank: int, after: int) -> tuple[int, int]:
    """(rank, order) of the next that the quote reaches after the one named; the order is -1 where none is left."""
    best, found, is_behind = NEVER, -1, False
    at = listing.first
    while at >= 0:
        order = order_of(x, at)
        if takes_part(order, session, listing, quote):
            own = behind_exits(x, order, _rank(order, quote), quote.w0, quote.w1)
            if own < best and (own > rank or (own == rank and is_behind)):
                best, found = own, at
        is_behind = is_behind or at == after
        at = order.next_working
    return best, found


@kernel
def match_quote(t: TraderRoot, x: ExchangeRoot, quote: Event) -> None:
    """Match every working order of the quote's instrument against it, or against its book: a quote beside one shows it again."""
    if depth_of(x, quote.instrument).bids != 0:
        x.tick = address_of(quote)
        call(x.venue_tick, address_of(t), address_of(x))
        return
    listing, session = listing_of(x, quote.instrument), session_of(t, x, quote.instrument)
    if listing.halted or (session.known and not session.is_open):
        return
    bid_left, ask_left, met = quote.w2, quote.w3, 0
    rank, at = _next(x, listing, session, quote, BEFORE_ALL, -1)
    while at >= 0:
        order = order_of(x, at)
        if order.side > 0:
            ask_left -= _fill_on_quote(t, x, order, quote, ask_left)
        else:
            bid_left -= _fill_on_quote(t, x, order, quote, bid_left)
        if order.blocked_ns != quote.ts_local_ns:
            end_leftover(t, x, order, True)
        rank, at = _next(x, listing, session, quote, rank, at)
    at = listing.first
    while at >= 0:
        order = order_of(x, at)
        at = order.next_working
        met |= order.flags
        if takes_part(order, session, listing, quote) and _rank(order, quote) == NEVER:
            _fill_on_quote(t, x, order, quote, 0)
            end_leftover(t, x, order, True)
    sweep(x, quote.instrument)
    if met & O_PEGGED:
        reprice_pegs(t, x, quote.instrument, quote.w0, quote.w1)


@kernel
def _fill_on_quote(t: TraderRoot, x: ExchangeRoot, order: Order, quote: Event, size_left: int) -> int:
    price = quote.w1 if order.side > 0 else quote.w0
    if price <= 0:
        return 0  # that side is empty
    if waits_for_trigger(order):
        if not reaches(order, price):
            if trails(order):
                follow(t, x, order, price)
            return 0
        trigger(t, x, order)
    if waits_for_price(order):
        return 0
    if is_limit(order):
        if not betters(order.side, price, order.limit_ticks, 0):
            if not order.flags & O_RESTING and (not is_prevented(x, order) or prevent(t, x, order, 0)):
                order.flags |= O_RESTING  # from now on it makes
            return 0
        if order.flags & O_RESTING:
            return execute(t, x, order, touched_lots(order, price, size_left), order.limit_ticks, F_MAKER, quote)
        if order.flags & O_POST_ONLY:
            refuse_to_take(t, x, order, price)
            return 0
    if is_prevented(x, order) and not prevent(t, x, order, price):
        return 0
    return execute(t, x, order, size_left, price, 0, quote)
