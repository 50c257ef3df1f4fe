"""Price limits of a venue: a daily limit of a future, or a band of Limit Up-Limit Down.

    arrival     a buy priced above the upper limit or a sell priced below the lower one is rejected, a replace likewise
    trading     nothing executes beyond either limit: market orders and triggered stops fill inside, their rest waits; what rests, stays
    end         at the close of the session in which they were published; a split divides them and rounds inward

A peg goes no further than its side's limit, whatever it follows. A buy below the lower limit, or a sell above the upper one,
cannot execute either; it rests, for the limits may move to it. Prints of auctions are not bound: LULD excepts opening, reopening
and closing transactions (https://www.luldplan.com).
"""

from __future__ import annotations

from framework.kernel.layout.codes import F_AUCTION, F_OPEN, F_PAUSE, PRICE_LIMITS, SESSION, SPLIT, TRADE_TICK
from framework.kernel.layout.market_records import Marks
from framework.kernel.layout.roots import ExchangeRoot, TraderRoot
from framework.kernel.layout.venue_records import Listing, listing_row
from framework.kernel.machine.compile import inlined, kernel
from framework.kernel.machine.ratio import ceiled, floored
from framework.kernel.market.marks import marks_of, terms_of
from framework.schema.event import Event


@kernel
def bound_of(x: ExchangeRoot, instrument: int, side: int, limit_ticks: int) -> int:
    """The price limit that an order's limit goes beyond, 0 where it does not."""
    listing = listing_row(x.listings, instrument)
    if limit_ticks <= 0:
        return 0
    if side > 0:
        return listing.upper_limit if 0 < listing.upper_limit < limit_ticks else 0
    return listing.lower_limit if limit_ticks < listing.lower_limit else 0


@kernel
def within_limits(x: ExchangeRoot, instrument: int, side: int, ticks: int) -> int:
    """Where a peg that belongs at `ticks` stands: no further than the price limits let its side go."""
    bound = bound_of(x, instrument, side, ticks) if x.has_limits != 0 else 0
    return bound if bound != 0 else ticks


@kernel
def executes_at(x: ExchangeRoot, instrument: int, ticks: int) -> bool:
    """Whether the venue executes at a price now."""
    listing = listing_row(x.listings, instrument)
    return listing.lower_limit <= ticks and (listing.upper_limit == 0 or ticks <= listing.upper_limit)


@inlined
def is_barred(x: ExchangeRoot, instrument: int, ticks: int, event: Event) -> bool:
    """Whether price limits keep an order from filling at a price on this event."""
    if x.has_limits == 0 or executes_at(x, instrument, ticks):
        return False
    return event.kind != TRADE_TICK or event.flags & F_AUCTION == 0


@inlined
def _ends_session(event: Event) -> bool:
    return event.kind == SESSION and not event.flags & F_OPEN and not event.flags & F_PAUSE


@kernel
def _apply(row: Marks | Listing, event: Event) -> None:
    """A row of either half after a PRICE_LIMITS or SPLIT event, or the close of its session."""
    if event.kind == PRICE_LIMITS:
        row.lower_limit, row.upper_limit, row.limits_ns = event.w0, event.w1, event.ts_venue_ns
    elif event.kind == SPLIT:
        row.lower_limit = ceiled(row.lower_limit, event.w1, event.w0)
        row.upper_limit = floored(row.upper_limit, event.w1, event.w0)
    elif row.limits_ns < event.w2:
        row.lower_limit, row.upper_limit = 0, 0


@kernel
def apply_limits_at_venue(t: TraderRoot, x: ExchangeRoot, event: Event) -> None:
    """What a market event other than a price means to price limits, as the venue has them."""
    if event.kind == PRICE_LIMITS or event.kind == SPLIT:
        x.has_limits |= 1 if event.kind == PRICE_LIMITS else 0
        _apply(listing_row(x.listings, event.instrument), event)
    elif x.has_limits != 0 and _ends_session(event):
        for i in range(x.listings_count):
            if terms_of(t, i).calendar == event.w0:
                _apply(listing_row(x.listings, i), event)


@kernel
def apply_limits(t: TraderRoot, event: Event) -> None:
    """The same, as everyone knows them."""
    if event.kind == PRICE_LIMITS or event.kind == SPLIT:
        t.has_limits |= 1 if event.kind == PRICE_LIMITS else 0
        _apply(marks_of(t, event.instrument), event)
    elif t.has_limits != 0 and _ends_session(event):
        for i in range(t.marks_count):
            if terms_of(t, i).calendar == event.w0:
                _apply(marks_of(t, i), event)
