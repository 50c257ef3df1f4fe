"""What events of the market other than prices mean to the venue: sessions, halts, corporate actions."""

from __future__ import annotations

from framework.kernel.layout.codes import (
    AT_CLOSE,
    AT_OPEN,
    CANCELLED,
    CORRECTION,
    DAY,
    DELIST,
    DIVIDEND,
    EXPIRED,
    F_OPEN,
    F_PAUSE,
    HALT,
    R_DAY,
    R_DELISTED,
    R_MISSED_CLOSE,
    R_MISSED_OPEN,
    SESSION,
    SPLIT,
    TRANSFER,
)
from framework.kernel.layout.roots import ExchangeRoot, TraderRoot
from framework.kernel.layout.venue_records import session_row
from framework.kernel.machine.compile import kernel, outlined
from framework.kernel.market.marks import terms_of
from framework.kernel.market.sessions import apply_halt, apply_session
from framework.kernel.venue.answers import end_order
from framework.kernel.venue.commands import listing_of, release_kept, settle_messages
from framework.kernel.venue.order_table import order_of
from framework.kernel.venue.working_orders import sweep
from framework.schema.event import NO_INSTRUMENT, Event
from framework.schema.units import NEVER_NS


@outlined
def _close_session(t: TraderRoot, x: ExchangeRoot, calendar: int, close_ns: int) -> None:
    session = session_row(x.sessions, calendar)
    if x.working == 0 and x.kept_count == 0:
        return
    for i in range(x.listings_count):
        if terms_of(t, i).calendar != calendar:
            continue
        if x.kept_count > 0:
            release_kept(t, x, i, close_ns, NEVER_NS)
        at, waits = listing_of(x, i).first, listing_of(x, i).has_auctions != 0  # for the print of the close: see `auction.py`
        if at < 0:
            continue
        while at >= 0:
            order = order_of(x, at)
            at = order.next_working
            if order.accepted_ns >= close_ns:
                continue  # it came for the next session
            if order.time_in_force == AT_OPEN and order.accepted_ns <= session.open_ns:
                end_order(t, x, order, EXPIRED, R_MISSED_OPEN, 0.0, 0.0)
            elif waits:
                continue
            elif order.time_in_force == DAY:
                end_order(t, x, order, EXPIRED, R_DAY, 0.0, 0.0)
            elif order.time_in_force == AT_CLOSE:
                end_order(t, x, order, EXPIRED, R_MISSED_CLOSE, 0.0, 0.0)
        sweep(x, i)


@kernel
def venue_event(t: TraderRoot, x: ExchangeRoot, event: Event) -> None:
    """What a market event other than a price means to the venue. Runs before the trader half applies the same event."""
    kind = event.kind
    is_moved = (kind == CORRECTION or kind == TRANSFER) and event.instrument != NO_INSTRUMENT
    if kind == SPLIT or kind == DIVIDEND or kind == DELIST or is_moved:
        if kind == DELIST and x.kept_count > 0:
            release_kept(t, x, event.instrument, NEVER_NS, NEVER_NS)  # no bar comes any more
        settle_messages(t, x, event.instrument)
    if kind == SESSION:
        apply_session(session_row(x.sessions, event.w0), event)
        if not event.flags & (F_PAUSE | F_OPEN):  # in a pause orders stay, nothing is charged, no auction opens the second half
            _close_session(t, x, event.w0, event.w2)
    elif kind == HALT:
        apply_halt(listing_of(x, event.instrument), event)
    elif kind == DELIST:
        listing = listing_of(x, event.instrument)
        listing.delisted = 1
        at = listing.first
        while at >= 0:
            order = order_of(x, at)
            at = order.next_working
            end_order(t, x, order, CANCELLED, R_DELISTED, 0.0, 0.0)
        sweep(x, event.instrument)
