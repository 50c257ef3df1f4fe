"""Price limits of a venue: a daily limit of a future, or a band of Limit Up-Limit Down.

    arrival     a buy priced above the upper limit or a sell priced below the lower one is rejected, a replace likewise
    trading     nothing executes beyond either limit: market orders and triggered stops fill inside, their rest waits; what rests, stays
    end         at the close of the session in which they were told; a split divides them and rounds inward

A peg goes no further than its side's limit, whatever it follows. A buy below the lower limit, or a sell above the upper one,
cannot execute either; it rests, for the limits may move to it. Prints of auctions are not bound: LULD excepts opening, reopening
and closing transactions (https://www.luldplan.com).
"""

from __future__ import annotations

from typing import Any

from framework.kernel.book import terms_of
from framework.kernel.codes import F_AUCTION, F_OPEN, F_PAUSE, PRICE_LIMITS, SESSION, SPLIT, TRADE_TICK
from framework.kernel.compile import inlined, kernel
from framework.kernel.venue_records import venue_book_row


@kernel
def bound_of(x: Any, instrument: int, side: int, limit_ticks: int) -> int:
    """The price limit that an order's limit goes beyond, 0 where it does not."""
    book = venue_book_row(x.books, instrument)
    if limit_ticks <= 0:
        return 0
    if side > 0:
        return book.upper if 0 < book.upper < limit_ticks else 0
    return book.lower if limit_ticks < book.lower else 0


@kernel
def within_limits(x: Any, instrument: int, side: int, ticks: int) -> int:
    """Where a peg that belongs at `ticks` stands: no further than the price limits let its side go."""
    bound = bound_of(x, instrument, side, ticks) if x.has_limits != 0 else 0
    return bound if bound != 0 else ticks


@kernel
def executes_at(x: Any, instrument: int, ticks: int) -> bool:
    """Whether the venue executes at a price now."""
    book = venue_book_row(x.books, instrument)
    return book.lower <= ticks and (book.upper == 0 or ticks <= book.upper)


@inlined
def is_barred(x: Any, instrument: int, ticks: int, event: Any) -> bool:
    """Whether price limits keep an order from filling at a price on this event."""
    if x.has_limits == 0 or executes_at(x, instrument, ticks):
        return False
    return event.kind != TRADE_TICK or event.flags & F_AUCTION == 0


@kernel
def see_limits(t: Any, x: Any, event: Any) -> None:
    """What a market event other than a price means to price limits."""
    if event.kind == PRICE_LIMITS:
        book = venue_book_row(x.books, event.instrument)
        book.lower, book.upper, book.limits_ns, x.has_limits = event.w0, event.w1, event.ts_venue_ns, 1
    elif event.kind == SPLIT:
        book = venue_book_row(x.books, event.instrument)
        book.lower, book.upper = -(-book.lower * event.w1 // event.w0), book.upper * event.w1 // event.w0
    elif event.kind == SESSION and not event.flags & F_OPEN and not event.flags & F_PAUSE and x.has_limits != 0:
        for i in range(x.books_count):
            book = venue_book_row(x.books, i)
            if terms_of(t, i).calendar == event.w0 and book.limits_ns < event.w2:
                book.lower, book.upper = 0, 0
