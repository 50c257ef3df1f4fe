"""What the trader half sees of trades and books: the book as told, its best prices, the mark, the last trade."""

from __future__ import annotations

from framework.kernel.layout.codes import F_LAST, GAP, TRADE_TICK
from framework.kernel.layout.depth_records import DepthBook
from framework.kernel.layout.market_records import Book
from framework.kernel.layout.roots import TraderRoot, event_row, trader_row
from framework.kernel.machine.compile import Unit, inlined
from framework.kernel.market.marks import book_of, mark_to
from framework.kernel.market.order_book import depth_of, level_of, see_depth
from framework.schema.event import Event


@inlined
def see(t: TraderRoot, event: Event) -> None:
    """The trader's part: the book as told, its best prices, the mark, the last trade."""
    book, depth = book_of(t, event.instrument), depth_of(t, event.instrument)
    if event.kind == TRADE_TICK:
        book.last = event.w0
        if depth.bids == 0 and book.quote_ns == 0:
            mark_to(t, event.instrument, float(event.w0))
            t.dirty |= 1
    elif depth.bids != 0:
        see_depth(t, depth, event)
        if event.flags & F_LAST or event.kind == GAP:
            _tell_best(t, event, book, depth)


@inlined
def _tell_best(t: TraderRoot, event: Event, book: Book, depth: DepthBook) -> None:
    if depth.is_known == 0:
        if event.kind == GAP:  # else a message of a book without a snapshot: it says nothing against a quote beside it
            book.bid, book.ask, book.bid_lots, book.ask_lots = 0, 0, 0, 0
        return
    has_moved = book.bid != depth.bid or book.ask != depth.ask
    book.bid, book.ask = depth.bid, depth.ask
    book.bid_lots = level_of(t, depth, 1, depth.bid).lots if depth.bid != 0 else 0
    book.ask_lots = level_of(t, depth, -1, depth.ask).lots if depth.ask != 0 else 0
    book.quote_ns = event.ts_local_ns
    if has_moved and 0 < depth.bid < depth.ask:
        mark_to(t, event.instrument, 0.5 * (depth.bid + depth.ask))
        t.dirty |= 1


def _see_tick(trader: int, event: int) -> int:
    see(trader_row(trader, 0), event_row(event, 0))
    return 0


SEE_TICK = Unit(_see_tick)
