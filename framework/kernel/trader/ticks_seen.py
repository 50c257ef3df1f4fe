"""What the trader half sees of trades and books: the book as published, its best prices, the mark, the last trade."""

from __future__ import annotations

from framework.kernel.layout.codes import F_LAST, GAP, TRADE_TICK
from framework.kernel.layout.depth_records import DepthBook
from framework.kernel.layout.market_records import Marks
from framework.kernel.layout.roots import TraderRoot, event_row, trader_row
from framework.kernel.machine.compile import Unit, inlined
from framework.kernel.market.marks import mark_to, marks_of
from framework.kernel.market.order_book import depth_of, level_of, see_depth
from framework.schema.event import Event


@inlined
def see(t: TraderRoot, event: Event) -> None:
    """The trader's part: the book as published, its best prices, the mark, the last trade."""
    marks, depth = marks_of(t, event.instrument), depth_of(t, event.instrument)
    if event.kind == TRADE_TICK:
        marks.last = event.w0
        if depth.bids == 0 and marks.quote_ns == 0:
            mark_to(t, event.instrument, float(event.w0))
            t.dirty |= 1
    elif depth.bids != 0:
        see_depth(t, depth, event)
        if event.flags & F_LAST or event.kind == GAP:
            _see_best(t, event, marks, depth)


@inlined
def _see_best(t: TraderRoot, event: Event, marks: Marks, depth: DepthBook) -> None:
    if depth.is_known == 0:
        if event.kind == GAP:  # else a message of a book without a snapshot: it says nothing against a quote beside it
            marks.bid, marks.ask, marks.bid_lots, marks.ask_lots = 0, 0, 0, 0
        return
    has_moved = marks.bid != depth.bid or marks.ask != depth.ask
    marks.bid, marks.ask = depth.bid, depth.ask
    marks.bid_lots = level_of(t, depth, 1, depth.bid).lots if depth.bid != 0 else 0
    marks.ask_lots = level_of(t, depth, -1, depth.ask).lots if depth.ask != 0 else 0
    marks.quote_ns = event.ts_local_ns
    if has_moved and 0 < depth.bid < depth.ask:
        mark_to(t, event.instrument, 0.5 * (depth.bid + depth.ask))
        t.dirty |= 1


def _see_tick(trader: int, event: int) -> int:
    see(trader_row(trader, 0), event_row(event, 0))
    return 0


SEE_TICK = Unit(_see_tick)
