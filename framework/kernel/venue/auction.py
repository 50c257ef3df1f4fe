"""Auctions on ticks: trades flagged AUCTION, all of them at one price at one moment.

Which auction a print belongs to, its stamp says, with the session's open and close:

    closing     from 2 minutes before the close to 10 minutes after it
    opening     from the open to 10 minutes after it
    intraday    any other time of an open session, such as the reopening after a halt

Venues close their books at the closing bell and print later: from 7 to 11 October 2013 the NYSE's prints of IBM came 41 to 76 seconds
after 16:00 and 7 to 103 seconds after 9:30; Xetra and London print five minutes after the end of continuous trading, Hong Kong within the
last two minutes of the session. Where the tape tells prints of an instrument, orders for the open and the close wait for them until
those times are over, and day orders that were there at the close wait with them.

A print fills at its price, at most its lots over all our orders, those that it favours most first, then in order of arrival: market
orders, triggered stops, and limits better than its price. Those at its price are rationed by a rule that nobody tells: they fill
with `limit_fill: touch` only. Icebergs and hidden orders take part with all that is left of them. IOC and FOK take no part. A print
does not move the lines of a book and no price limit binds it; it fills during a halt too, since it is what ends one. Where neither
books nor quotes are published it triggers stops, which work from the next trade on.

Assumptions: an auction would have printed the same price with our orders in it, and trades no more of ours than it traded.
Fails when: our orders are large against the auction, or it was at another venue than theirs would have been.
"""

from __future__ import annotations

from framework.kernel.layout.codes import (
    AT_CLOSE,
    AT_OPEN,
    DAY,
    EXPIRED,
    F_MAKER,
    F_OPEN,
    F_PAUSE,
    FOK,
    IOC,
    O_ICEBERG,
    O_POST_ONLY,
    O_RESTING,
    R_DAY,
    R_MISSED_CLOSE,
    R_MISSED_OPEN,
)
from framework.kernel.layout.roots import ExchangeRoot, TraderRoot
from framework.kernel.layout.venue_records import SessionHours, session_row
from framework.kernel.machine.compile import inlined, kernel
from framework.kernel.machine.ratio import share_of
from framework.kernel.market.lifecycle import leaves
from framework.kernel.market.marks import terms_of
from framework.kernel.market.order_book import depth_of
from framework.kernel.market.order_rows import is_done
from framework.kernel.market.order_types import is_limit, reaches, trails, waits_for_price, waits_for_trigger
from framework.kernel.venue.answers import end_order
from framework.kernel.venue.commands import listing_of, session_of
from framework.kernel.venue.filling import execute
from framework.kernel.venue.matching_bars import follow, trigger
from framework.kernel.venue.order_table import order_of
from framework.kernel.venue.working_orders import sweep
from framework.schema.event import Event
from framework.schema.order import Order

NONE, OPENING, CLOSING, INTRADAY = 0, 1, 2, 3

_MINUTE_NS = 60_000_000_000
AFTER_OPEN_NS, BEFORE_CLOSE_NS, AFTER_CLOSE_NS = 10 * _MINUTE_NS, 2 * _MINUTE_NS, 10 * _MINUTE_NS

_ANY_PRICE = 2**62
"""What a market order gains at any price: it comes first."""


@kernel
def which_auction(session: SessionHours, venue_ns: int) -> int:
    """Which auction a print of this stamp belongs to."""
    if session.known == 0:
        return INTRADAY
    if session.close_ns - BEFORE_CLOSE_NS <= venue_ns <= session.close_ns + AFTER_CLOSE_NS:
        return CLOSING
    if session.is_open == 0:
        return NONE
    return OPENING if venue_ns <= session.open_ns + AFTER_OPEN_NS else INTRADAY


@inlined
def _gain(order: Order, price: int) -> int:
    """By how many ticks a print betters an order."""
    return (order.limit_ticks - price) * order.side if is_limit(order) else _ANY_PRICE


@kernel
def _takes_part(order: Order, which: int, session: SessionHours, event: Event) -> bool:
    if is_done(order) or order.accepted_ns >= event.ts_venue_ns or order.blocked_ns == event.ts_local_ns:
        return False
    force = order.time_in_force
    if force == AT_OPEN:
        return which == OPENING and order.accepted_ns <= session.open_ns
    if force == IOC or force == FOK or (which == CLOSING and order.accepted_ns >= session.close_ns):
        return False
    return force != AT_CLOSE or which == CLOSING


@kernel
def _next(x: ExchangeRoot, which: int, session: SessionHours, least: int, gain: int, after: int, event: Event) -> int:
    """The order that the print favours most after the one named, of those that gain at least `least` ticks; -1 for none."""
    found, best, at = -1, 0, listing_of(x, event.instrument).first
    is_behind = False
    while at >= 0:
        order = order_of(x, at)
        if at == after:
            is_behind = True
        elif _takes_part(order, which, session, event) and not waits_for_trigger(order) and not waits_for_price(order):
            own = _gain(order, event.w0)
            comes_after = after < 0 or own < gain or (own == gain and is_behind)
            if own >= least and comes_after and (found < 0 or own > best):
                found, best = at, own
        at = order.next_working
    return found


@kernel
def _trigger_stops(t: TraderRoot, x: ExchangeRoot, which: int, session: SessionHours, event: Event) -> None:
    """Stops that a print reaches, where nothing but trades is published."""
    at = listing_of(x, event.instrument).first
    while at >= 0:
        order = order_of(x, at)
        at = order.next_working
        if not waits_for_trigger(order) or not _takes_part(order, which, session, event):
            continue
        if reaches(order, event.w0):
            trigger(t, x, order)
        elif trails(order):
            follow(t, x, order, event.w0)


@kernel
def match_auction(t: TraderRoot, x: ExchangeRoot, event: Event) -> None:
    """Fill what the print of an auction would have filled of ours."""
    instrument = event.instrument
    listing, session = listing_of(x, instrument), session_of(t, x, instrument)
    listing.traded_ns = event.ts_venue_ns
    which = which_auction(session, event.ts_venue_ns)
    if which == NONE or listing.first < 0:
        return
    left = event.w1
    if t.costs.max_participation > 0.0:
        left = min(left, share_of(left, t.costs.max_participation))
    least, gain, at = t.costs.limit_needs_through, 0, -1
    at = _next(x, which, session, least, gain, at, event)
    while at >= 0 and left > 0:
        order = order_of(x, at)
        gain = _gain(order, event.w0)
        waits = order.time_in_force == AT_OPEN or order.time_in_force == AT_CLOSE
        left -= execute(t, x, order, left, event.w0, F_MAKER if order.flags & (O_RESTING | O_POST_ONLY) and not waits else 0, event)
        if order.flags & O_ICEBERG:
            order.shown_lots = min(order.shown_lots, leaves(order))
        at = _next(x, which, session, least, gain, at, event)
    if depth_of(x, instrument).bids == 0 and depth_of(x, instrument).is_quoted == 0:
        _trigger_stops(t, x, which, session, event)
    sweep(x, instrument)


@kernel
def _end_waiting(t: TraderRoot, x: ExchangeRoot, instrument: int, is_open: bool, open_ns: int, close_ns: int) -> None:
    """The auction that orders wait for can no longer come."""
    at = listing_of(x, instrument).first
    while at >= 0:
        order = order_of(x, at)
        at = order.next_working
        if is_open:
            if order.time_in_force == AT_OPEN and order.accepted_ns <= open_ns:
                end_order(t, x, order, EXPIRED, R_MISSED_OPEN, 0.0, 0.0)
        elif order.accepted_ns < close_ns:
            if order.time_in_force == DAY:
                end_order(t, x, order, EXPIRED, R_DAY, 0.0, 0.0)
            elif order.time_in_force == AT_CLOSE:
                end_order(t, x, order, EXPIRED, R_MISSED_CLOSE, 0.0, 0.0)
    sweep(x, instrument)


@kernel
def end_calls(t: TraderRoot, x: ExchangeRoot) -> None:
    """End what has waited for an auction long enough, and find when to look again. Runs whenever dates of orders are looked at."""
    for i in range(x.listings_count):
        listing = listing_of(x, i)
        if listing.has_auctions == 0 or listing.first < 0:
            continue
        session = session_of(t, x, i)
        ends_ns = session.open_ns + AFTER_OPEN_NS if session.is_open else session.close_ns + AFTER_CLOSE_NS
        if ends_ns <= x.now_ns:
            _end_waiting(t, x, i, session.is_open != 0, session.open_ns, session.close_ns)
        else:
            x.expiry_ns = min(x.expiry_ns, ends_ns + 1)


@kernel
def see_session(t: TraderRoot, x: ExchangeRoot, event: Event) -> None:
    """A session opens or closes: orders may wait for its print from now on, and no longer for that of the close before."""
    if event.flags & F_PAUSE or x.working == 0:
        return
    ends_ns = event.w2 + AFTER_CLOSE_NS
    if event.flags & F_OPEN:
        ends_ns = event.w1 + AFTER_OPEN_NS
        session = session_row(x.sessions, event.w0)
        for i in range(x.listings_count):
            if listing_of(x, i).has_auctions and terms_of(t, i).calendar == event.w0 and session.known:
                _end_waiting(t, x, i, False, session.open_ns, session.close_ns)
    if ends_ns > x.now_ns:
        x.expiry_ns = min(x.expiry_ns, ends_ns + 1)
        x.due_ns = min(x.due_ns, x.expiry_ns)
