"""How orders fill on trades and on books: the same physics as on bars, at the finest grain.

A **trade** fills the orders that rest on the side it hit. Those that it went through fill at their limits, the best price first;
those at its price fill with what is left of it after the line ahead of them (`queue_position.py`). All of them together take
no more than the trade's lots.

At the end of a **message** of the book, by price and time (`priority.py`): stops that the opposite side has reached trigger; market
orders and limits that can take do so, level by level at the levels' prices; resting limits that the opposite side has come through
fill at their limits; then pegs follow (`pegs.py`). What an order took of a level is gone until the level is published again. What is not
shown of ours fills after what is (`unshown.py`).

An order takes part only in what is newer at the venue than its own arrival, inside an open session, while the book is known.
With `take: arrival` it takes from the standing book as it arrives. While the best bid is above the best offer nothing of this
happens: one of the two does not trade. Trades still fill what rests, and the lines move.

A quote beside a book shows again what the book has shown. It changes no level and moves no line; where it agrees with the book's best
prices, orders meet the book as after a message.

Assumptions: nobody reacts to our orders; displayed lots are what there is.
Fails when: our orders are large against the book, or most of the liquidity is hidden.
"""

from __future__ import annotations

from framework.kernel.layout.codes import (
    AT_CLOSE,
    AT_OPEN,
    DEPTH,
    F_AUCTION,
    F_BUY,
    F_CLEAR,
    F_LAST,
    F_MAKER,
    F_SELL,
    FOK,
    IOC,
    LIMIT,
    O_HIDDEN,
    O_ICEBERG,
    O_PEGGED,
    O_RESTING,
    O_UNSHOWN,
    QUOTE,
    TRADE_TICK,
)
from framework.kernel.layout.depth_records import DepthBook, resting_row
from framework.kernel.layout.roots import ExchangeRoot, TraderRoot, event_row, exchange_row, trader_row
from framework.kernel.layout.venue_records import Listing
from framework.kernel.machine.compile import Unit, inlined, kernel
from framework.kernel.market.order_book import depth_of, find_order, is_crossed, level_of, lots_at, see_depth
from framework.kernel.market.order_rows import is_done
from framework.kernel.market.order_types import is_limit, peg_ticks, rests, waits_for_price, waits_for_trigger
from framework.kernel.venue.auction import match_auction
from framework.kernel.venue.commands import is_open, listing_of, session_of
from framework.kernel.venue.filling import execute
from framework.kernel.venue.matching_bars import match_print
from framework.kernel.venue.matching_quotes import takes_part
from framework.kernel.venue.order_table import order_of
from framework.kernel.venue.pegs import reprice_pegs
from framework.kernel.venue.pro_rata import share_out
from framework.kernel.venue.queue_position import join_line, level_changed, traded_ahead
from framework.kernel.venue.self_trade import is_prevented, meets, prevent
from framework.kernel.venue.taking import act_in_turn, act_on_book, is_reached
from framework.kernel.venue.unshown import fill_resting, fill_unshown, replenish, shown_of
from framework.kernel.venue.working_orders import sweep
from framework.schema.event import Event
from framework.schema.order import Order


@inlined
def _side_hit(depth: DepthBook, event: Event) -> int:
    """Whose resting orders a trade hit: +1 bids, -1 offers, 0 where neither flags nor the book tell."""
    if event.flags & F_SELL:
        return 1
    if event.flags & F_BUY:
        return -1
    hits_bids = depth.bid != 0 and event.w0 <= depth.bid
    hits_offers = depth.ask != 0 and event.w0 >= depth.ask
    return int(hits_bids) - int(hits_offers)


@kernel
def _next_in_line(x: ExchangeRoot, instrument: int, side: int, price: int, after_limit: int, after_order: int, event: Event) -> int:
    """The resting order next in price, then arrival, hidden ones last, after the one named, that a trade at `price` reaches; -1: none."""
    found, best, at = -1, 0, listing_of(x, instrument).first
    is_behind = after_order < 0  # of those at the same limit only the ones that arrived later come after it
    after_rank = order_of(x, after_order).flags & O_HIDDEN if after_order >= 0 else 0
    best_rank = 0
    while at >= 0:
        order = order_of(x, at)
        if at == after_order:
            is_behind = True
        elif order.side == side and rests(order) and order.accepted_ns < event.ts_venue_ns and order.blocked_ns != event.ts_local_ns:
            reach, behind = (order.limit_ticks - price) * side, (after_limit - order.limit_ticks) * side
            rank = order.flags & O_HIDDEN
            comes_after = after_order < 0 or behind > 0 or (behind == 0 and (rank > after_rank or (rank == after_rank and is_behind)))
            better = (order.limit_ticks - best) * side
            if reach >= 0 and comes_after and (found < 0 or better > 0 or (better == 0 and rank < best_rank)):
                found, best, best_rank = at, order.limit_ticks, rank
        at = order.next_working
    return found


@kernel
def match_trade(t: TraderRoot, x: ExchangeRoot, event: Event) -> None:
    """Fill what a trade would have filled of ours."""
    instrument, price, left = event.instrument, event.w0, event.w1
    depth = depth_of(x, instrument)
    side = _side_hit(depth, event)
    if side == 0 or depth.is_known == 0 or not is_open(t, x, instrument):
        return
    ours = 0  # what our orders at the trade's price have taken of it: it is ahead of the later ones
    filled_any, met = False, 0
    at = _next_in_line(x, instrument, side, price, 0, -1, event)
    while at >= 0:
        order = order_of(x, at)
        limit = order.limit_ticks
        if limit == price and x.rules.is_pro_rata != 0:
            got = share_out(t, x, depth, side, price, left, event)
            left, ours = left - got, ours + got
            filled_any, met = True, O_UNSHOWN
            break
        due = left
        met |= order.flags
        if limit == price:
            due = min(left, _reached_in_line(x, depth, order, event) - ours)
            if order.flags & O_UNSHOWN:
                due = shown_of(order, due)
        if due > 0:
            done = fill_resting(t, x, order, due, F_MAKER, event)
            left -= done
            filled_any = filled_any or done > 0 or is_done(order)
            if limit == price:
                ours += done
        at = _next_in_line(x, instrument, side, price, limit, at, event)
    if met & O_UNSHOWN:
        filled_any = fill_unshown(t, x, depth, event, side, left, ours) or filled_any
        replenish(x, depth, instrument)
    if filled_any:
        sweep(x, instrument)


@kernel
def match_through(t: TraderRoot, x: ExchangeRoot, event: Event) -> None:
    """With quotes but no book: a trade fills the resting limits that it went through. At their price nobody knows the line."""
    instrument, left = event.instrument, event.w1
    if not is_open(t, x, instrument):
        return
    filled_any = False
    for side in (1, -1):
        price = event.w0 + side  # one tick beyond the trade's price
        at = _next_in_line(x, instrument, side, price, 0, -1, event)
        while at >= 0 and left > 0:
            order = order_of(x, at)
            limit = order.limit_ticks
            done = execute(t, x, order, left, limit, F_MAKER, event)
            left -= done
            filled_any = filled_any or done > 0 or is_done(order)
            at = _next_in_line(x, instrument, side, price, limit, at, event)
    if filled_any:
        sweep(x, instrument)


@inlined
def _reached_in_line(x: ExchangeRoot, depth: DepthBook, order: Order, event: Event) -> int:
    """How much of a trade at an order's own price gets past the line ahead of it."""
    if depth.has_orders == 0:
        return min(traded_ahead(order, event.w1), event.w1)
    if event.w3 != 0:
        k = find_order(x, order.instrument, event.w3)
        return event.w1 if k >= 0 and resting_row(x.resting, k).place > order.place else 0
    return event.w1 if order.ahead_lots <= 0.0 else 0  # hidden orders fill after all that is shown at their price


@kernel
def match_book(t: TraderRoot, x: ExchangeRoot, event: Event) -> None:
    """What the book as it stands after a message does for our orders."""
    instrument = event.instrument
    depth, session, listing = depth_of(x, instrument), session_of(t, x, instrument), listing_of(x, instrument)
    if is_crossed(depth) or not is_open(t, x, instrument):
        return
    at, acted, met, is_calm = listing.first, False, 0, True
    listing.is_calm, listing.lowest_bid, listing.highest_bid, listing.lowest_ask, listing.highest_ask = 0, 0, 0, 0, 0
    while at >= 0:
        order = order_of(x, at)
        at = order.next_working
        met |= order.flags
        if order.type == LIMIT and order.flags & (O_RESTING | O_PEGGED) == O_RESTING:
            _extend(listing, order.side, order.limit_ticks)
        else:
            is_calm = False
        if not takes_part(order, session, listing, event):
            continue
        if order.flags & O_RESTING and order.type == LIMIT:
            opposite = depth.ask if order.side > 0 else depth.bid
            if opposite == 0 or (order.limit_ticks - opposite) * order.side < 0:
                continue  # the usual case: it rests behind the opposite side
        elif waits_for_price(order):
            continue
        if not acted and listing.first != listing.last:
            act_in_turn(t, x, depth, event)
        acted = True
        if listing.first == listing.last or (takes_part(order, session, listing, event) and not is_reached(depth, order)):
            act_on_book(t, x, depth, order, event)  # those that are reached have had their turn
    if acted:
        sweep(x, instrument)
        if met & O_ICEBERG:
            replenish(x, depth, instrument)
    elif is_calm:
        listing.is_calm = 1
    if met & O_PEGGED:
        reprice_pegs(t, x, instrument, depth.bid, depth.ask)


@inlined
def _extend(listing: Listing, side: int, limit: int) -> None:
    """Note the limit of a resting order."""
    if side > 0:
        listing.lowest_bid = limit if listing.lowest_bid == 0 else min(listing.lowest_bid, limit)
        listing.highest_bid = max(listing.highest_bid, limit)
    else:
        listing.lowest_ask = limit if listing.lowest_ask == 0 else min(listing.lowest_ask, limit)
        listing.highest_ask = max(listing.highest_ask, limit)


@inlined
def _passes_by(listing: Listing, depth: DepthBook, event: Event) -> bool:
    """Whether what is published of a price leaves all lines of ours as they are: the price is none of theirs."""
    if listing.is_calm == 0 or depth.is_known == 0 or event.w2 != 0 or event.flags & F_CLEAR:
        return False
    if event.flags & F_BUY:
        return event.w0 < listing.lowest_bid or event.w0 > listing.highest_bid
    return event.w0 < listing.lowest_ask or event.w0 > listing.highest_ask


@inlined
def _misses(listing: Listing, price: int) -> bool:
    """Whether a price of the other side reaches none of our resting orders."""
    return listing.is_calm != 0 and price > listing.highest_bid and (listing.lowest_ask == 0 or price < listing.lowest_ask)


@inlined
def _comes_to_ours(listing: Listing, depth: DepthBook) -> bool:
    """Whether a best price has come to a resting order of ours on the other side."""
    return 0 < depth.ask <= listing.highest_bid or (listing.lowest_ask != 0 and depth.bid >= listing.lowest_ask)


@kernel
def _rejoin(x: ExchangeRoot, instrument: int, depth: DepthBook) -> None:
    """After a book was unknown nobody knows where in the lines we are: at the back."""
    at = listing_of(x, instrument).first
    while at >= 0:
        order = order_of(x, at)
        if rests(order):
            join_line(x, depth, order)
        at = order.next_working


@kernel
def _move_lines(
    t: TraderRoot, x: ExchangeRoot, instrument: int, side: int, price: int, before: int, after: int, place: int, lots: int
) -> None:
    """Our orders at a price whose level went from `before` to `after`; or the order at `place` of the line lost `lots` there."""
    at = listing_of(x, instrument).first
    while at >= 0:
        order = order_of(x, at)
        if order.side == side and order.limit_ticks == price and rests(order):
            if place < 0:
                level_changed(t, order, before, after)
            elif place <= order.place:
                order.ahead_lots = max(order.ahead_lots - lots, 0.0)
        at = order.next_working


@kernel
def _agrees(x: ExchangeRoot, depth: DepthBook, quote: Event) -> bool:
    """Whether a quote shows the best prices of a known book, with no fewer lots than there are left: else the book is late and waits."""
    if depth.is_known == 0 or quote.w0 != depth.bid or quote.w1 != depth.ask or depth.bid == 0 or depth.ask == 0:
        return False
    bids, asks = level_of(x, depth, 1, depth.bid), level_of(x, depth, -1, depth.ask)
    return quote.w2 >= bids.lots - bids.taken and quote.w3 >= asks.lots - asks.taken


@kernel
def _book_with_orders(t: TraderRoot, x: ExchangeRoot, depth: DepthBook, event: Event) -> None:
    """A DEPTH event, a GAP or a quote beside the book while orders of ours work at this instrument."""
    instrument = event.instrument
    was_known = depth.is_known
    if event.kind == QUOTE:
        if _agrees(x, depth, event):
            match_book(t, x, event)
        return
    side, price, before, place = (1 if event.flags & F_BUY else -1), event.w0, 0, -1
    if was_known != 0 and event.kind == DEPTH:
        if event.w2 == 0:
            before = lots_at(x, depth, side, price)
        else:
            k = find_order(x, instrument, event.w2)
            if k >= 0:
                row = resting_row(x.resting, k)
                stays = row.side == side and row.price == price and event.w1 <= row.lots
                _move_lines(t, x, instrument, row.side, row.price, 0, 0, row.place, row.lots - event.w1 if stays else row.lots)
    see_depth(x, depth, event)
    if was_known != 0 and event.kind == DEPTH and event.w2 == 0:
        after = lots_at(x, depth, side, price)
        if depth.has_orders:
            place = 0  # older than all that is known
        if before != after or depth.has_orders == 0:
            _move_lines(t, x, instrument, side, price, before, after, place, max(before - after, 0))
    if depth.is_known != 0:
        if was_known == 0:
            _rejoin(x, instrument, depth)
        if event.flags & F_LAST:
            match_book(t, x, event)


def _venue_tick(trader: int, exchange: int) -> int:
    """The venue's part of a DEPTH, GAP or TRADE event, or of a QUOTE beside a book."""
    t, x = trader_row(trader, 0), exchange_row(exchange, 0)
    event = event_row(x.tick, 0)
    listing = listing_of(x, event.instrument)
    has_orders = x.working > 0 and listing.first >= 0
    depth = depth_of(x, event.instrument)
    if event.kind == TRADE_TICK and event.flags & F_AUCTION:
        match_auction(t, x, event)
    elif depth.bids == 0:
        if event.kind == TRADE_TICK and depth.is_quoted == 0:
            match_print(t, x, event)
        elif event.kind == TRADE_TICK and has_orders:
            match_through(t, x, event)
    elif event.kind == TRADE_TICK:
        if has_orders and not _misses(listing, event.w0):
            match_trade(t, x, event)
    elif has_orders and event.kind == DEPTH and _passes_by(listing, depth, event):
        see_depth(x, depth, event)
        if event.flags & F_LAST and _comes_to_ours(listing, depth):
            match_book(t, x, event)
    elif has_orders:
        _book_with_orders(t, x, depth, event)
    else:
        see_depth(x, depth, event)
    return 0


def _receive_order(exchange: int, trader: int) -> int:
    """An order reaches the venue: it takes what it may at once, or joins its line."""
    x, t = exchange_row(exchange, 0), trader_row(trader, 0)
    event = event_row(x.arrived, 0)
    order = order_of(x, event.w0)
    depth = depth_of(x, order.instrument)
    if depth.bids == 0 or depth.is_known == 0 or is_done(order):
        return 0
    if waits_for_price(order) and peg_ticks(order, depth.bid, depth.ask) == 0:
        return 0
    opposite = depth.ask if order.side > 0 else depth.bid
    if is_limit(order) and not waits_for_trigger(order) and (opposite == 0 or (order.limit_ticks - opposite) * order.side < 0):
        if order.time_in_force != IOC and order.time_in_force != FOK:
            if is_prevented(x, order) and meets(x, order, 0) >= 0 and is_open(t, x, order.instrument):
                prevent(t, x, order, 0)
                sweep(x, order.instrument)
                if is_done(order):
                    return 0
            order.flags |= O_RESTING
            join_line(x, depth, order)
        return 0
    waits = order.type > LIMIT or order.time_in_force == AT_OPEN or order.time_in_force == AT_CLOSE
    if t.costs.takes_at_arrival != 0 and not waits and not is_crossed(depth) and is_open(t, x, order.instrument):
        act_on_book(t, x, depth, order, event)
        sweep(x, order.instrument)
    return 0


VENUE_TICK, RECEIVE = Unit(_venue_tick), Unit(_receive_order)
