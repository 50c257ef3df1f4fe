"""What became of resting orders and of their places in the line, from a book told by order. Compiled.

A sampled order joins the back of its line. Its **place** is followed until it would have been filled, however long the order itself
stood there: cancels of the order itself, which would otherwise hide what followed, do not end that. An order of ours at the place,
instead of the one that stood there, would have had its first lot filled at the first of

    its turn       a trade at its price gets past the lots in front of it
    through        a trade of its side beyond its price
    opposite       an opposite order stands at its price or beyond it after a whole message

Lots in front leave by a trade or a cancel of an order that joined before it; lots told without an order are older than all.
A source that names the order of each trade (LOBSTER) is taken at its word: the turn has come when an order at the place or behind it
trades, and a trade without an order took from a hidden one, which is behind all that is shown. Of other sources (DBN) a trade takes its
lots from the head of the line; decreases of the level with the trade's stamp of the venue are the trade's, others are cancels, and an
order told anew there with the lots it had is an iceberg that shows its next part, at the back of the line.

Assumptions: nobody would have acted otherwise; lines are first in, first out.
Fails when: books miss orders (older than the file), or a venue matches by other rules than price and time.
"""

from __future__ import annotations

from typing import Any

from framework.kernel.layout.codes import DEPTH, F_BUY, F_CLEAR, F_LAST, F_SELL, GAP, TRADE_TICK
from framework.kernel.layout.depth_records import resting_row, word_row
from framework.kernel.layout.roots import event_row
from framework.kernel.layout.table_room import lacks_rows
from framework.kernel.market.order_book import depth_of, find_order, lots_at, next_level, see_depth
from framework.kernel.venue.queue_position import share_from_behind
from research.queue.lists import compiled, first_at, head_of, lower_reach, put_first, reach_of, walk
from research.queue.records import (
    CANCELLED,
    FILLED,
    MOST_PENDING,
    OPPOSITE,
    PARTLY,
    PLACE_BINS,
    SIZE_BINS,
    THROUGH,
    TURN,
    change_row,
    half_row,
    model_row,
    pending_row,
    place_row,
    real_row,
    share_row,
    truth_row,
)

DONE, LACKS_ROWS, CROWDED = 0, 1, 2
"""Why the walk stopped: at the end; the book's table of orders is full; the lines have more followed places than may be looked at."""


@compiled
def _fill(place: Any, stamp_ns: int, by: int) -> None:
    if place.filled_ns == 0:
        place.filled_ns, place.filled_by = stamp_ns, by


@compiled
def _drop_filled(root: Any, side: int, price: int) -> None:
    """Take the filled ones out of a list."""
    head = head_of(root, side, price)
    last, at = -1, head.value
    while at >= 0:
        place = place_row(root.places, at)
        after = place.next
        if place.filled_ns != 0:
            if last < 0:
                head.value = after
            else:
                place_row(root.places, last).next = after
        else:
            last = at
        at = after


@compiled
def _fill_beyond(root: Any, side: int, price: int, stamp_ns: int, by: int) -> None:
    """Fill every followed order of a side at a price better than this one."""
    p = reach_of(root, side)
    while (p - price) * side > 0 and root.low <= p <= root.high:
        head = head_of(root, side, p)
        at = head.value
        while at >= 0:
            place = place_row(root.places, at)
            _fill(place, stamp_ns, by)
            at = place.next
        head.value = -1
        p -= side
    lower_reach(root, side, price)


@compiled
def _forget_all(root: Any, stamp_ns: int) -> None:
    """The book is unknown from here: nothing more can be said of the orders that are followed."""
    for side in (1, -1):
        p = reach_of(root, side)
        while root.low <= p <= root.high:
            head = head_of(root, side, p)
            at = head.value
            while at >= 0:
                place = place_row(root.places, at)
                place.until_ns = stamp_ns
                at = place.next
            head.value = -1
            p -= side
        lower_reach(root, side, root.low - 1 if side > 0 else root.high + 1)


@compiled
def _see_trade(root: Any, half: Any, event: Any) -> None:
    """A trade fills what it went through and, at its price, what it gets to; the decreases of its level are still to come."""
    side = 1 if event.flags & F_SELL else -1
    price, lots, stamp_ns = event.w0, event.w1, event.ts_local_ns
    _fill_beyond(root, side, price, stamp_ns, THROUGH)
    is_hidden = root.names_orders != 0 and event.w3 == 0
    if is_hidden:
        root.hidden_trades += 1
        root.hidden_ahead += lots_at(half, depth_of(half, 0), side, price) > 0
    if event.w3 == 0:
        _reach(root, side, price, 1 if is_hidden else lots + _still_due(root, event, side, price), event)
    if not is_hidden:
        root.traded_lots += lots
        _note_trade(root, event, side, price, lots)


@compiled
def _note_trade(root: Any, event: Any, side: int, price: int, lots: int) -> None:
    """Remember a trade until its decreases come, together with others at its price and stamp of the venue."""
    if event.ts_venue_ns != root.pending_ns:
        root.pending_count, root.pending_ns = 0, event.ts_venue_ns
    for k in range(root.pending_count):
        row = pending_row(root.pending, k)
        if row.side == side and row.price == price:
            row.lots = max(row.lots, 0) + lots
            return
    if root.pending_count == MOST_PENDING:
        root.is_overfull = 1
        return
    row = pending_row(root.pending, root.pending_count)
    row.side, row.price, row.lots, row.stamp_ns = side, price, lots, event.ts_local_ns
    root.pending_count += 1


@compiled
def _still_due(root: Any, event: Any, side: int, price: int) -> int:
    """Lots of earlier trades at a price and stamp of the venue that the line has not lost yet."""
    if event.ts_venue_ns == root.pending_ns:
        for k in range(root.pending_count):
            row = pending_row(root.pending, k)
            if row.side == side and row.price == price:
                return max(row.lots, 0)
    return 0


@compiled
def _reach(root: Any, side: int, price: int, lots: int, event: Any) -> None:
    """A trade that names no order fills the places with less in front than its lots."""
    at = first_at(root, side, price)
    if at < 0:
        return
    while at >= 0:
        root.work += 1
        place = place_row(root.places, at)
        if place.line_lots < lots:
            _fill(place, event.ts_local_ns, TURN)
            if place.own_lots > 0:
                place.own_filled_ns, place.own_venue_ns = event.ts_local_ns, event.ts_venue_ns
        at = place.next
    _drop_filled(root, side, price)


@compiled
def _traded(root: Any, event: Any, side: int, price: int, lots: int) -> int:
    """The stamp of the trade that a decrease of a level belongs to, 0 where it is a cancel."""
    if event.ts_venue_ns != root.pending_ns:
        return 0
    for k in range(root.pending_count):
        row = pending_row(root.pending, k)
        if row.side == side and row.price == price and row.lots > 0:
            root.told_after_lots += min(row.lots, lots)
            row.lots -= lots
            return row.stamp_ns
    return 0


@compiled
def _count_cancel(root: Any, place: Any, standing: int, lots: int, is_behind: bool) -> None:
    """Note whether a cancel came from behind a place, and what each model says of the share."""
    front = place.line_lots
    back = standing - front - place.own_lots
    if front <= 0 or back <= 0:
        return
    size = 0
    while size < SIZE_BINS - 1 and (front + back) >> (size + 1) > 0:
        size += 1
    k = min(PLACE_BINS * front // (front + back), PLACE_BINS - 1) * SIZE_BINS + size
    row = share_row(root.shares, k)
    row.cancels += 1
    row.lots += lots
    row.behind += lots if is_behind else 0
    row.uniform += float(lots) * back / (front + back)
    for m in range(root.model_count):
        costs = model_row(root.models, m).costs
        share = share_from_behind(costs.queue_model, costs.queue_power, float(front), float(back))
        real_row(root.modelled, k * root.model_count + m).value += lots * share


@compiled
def _decrease(root: Any, side: int, price: int, standing: int, lots: int, number: int, traded_ns: int) -> None:
    """The order at place `number` of a line of `standing` lots lost `lots`, by a trade of that stamp or, 0, a cancel."""
    at = first_at(root, side, price)
    if at < 0:
        return
    filled = False
    while at >= 0:
        root.work += 1
        place = place_row(root.places, at)
        if traded_ns != 0 and number >= place.place and root.names_orders != 0:
            _fill(place, traded_ns, TURN)
            filled = True
        elif number != place.place:
            if traded_ns == 0:
                _count_cancel(root, place, standing, lots, number > place.place)
            if number < place.place:
                place.line_lots = max(place.line_lots - lots, 0)
        at = place.next
    if filled:
        _drop_filled(root, side, price)


@compiled
def _note_own(root: Any, event: Any, number: int, lots: int, left: int, traded_ns: int) -> None:
    """What an event did to a sampled order itself, if the order at place `number` is one."""
    k = word_row(root.by_place, number).value
    if k < 0:
        return
    place = place_row(root.places, k)
    place.own_lots = left
    note = change_row(root.changes, root.change_count)
    note.event, note.order, note.own_lots = root.at, k, left
    root.change_count += 1
    if traded_ns != 0 and place.own_filled_ns == 0 and root.names_orders != 0:
        place.own_filled_ns = traded_ns
        root.passed_over += place.filled_ns < traded_ns
    if (traded_ns != 0 and place.own_filled_ns != 0) or place.own_venue_ns == event.ts_venue_ns:
        place.executed_lots += lots
    if left == 0:
        place.own_end_ns = event.ts_local_ns
        whole = place.executed_lots >= place.lots
        place.own_fate = FILLED if whole else (PARTLY if place.executed_lots > 0 else CANCELLED)


@compiled
def _join(root: Any, half: Any, event: Any, side: int, price: int, lots: int) -> None:
    """An order has joined the back of a line: follow it if it is one of the sample."""
    depth = depth_of(half, 0)
    best, opposite = depth.bid if side > 0 else depth.ask, depth.ask if side > 0 else depth.bid
    if root.has_traded == 0 or opposite == 0 or (price - opposite) * side >= 0 or event.ts_local_ns < root.from_ns:
        return
    rank, p = 0, best
    while (p - price) * side > 0 and rank < root.levels:
        p = next_level(depth, side, p)
        rank += 1
    if rank >= root.levels:
        return
    root.joins += 1
    if root.every == 0:
        root.low, root.high = min(root.low, price), max(root.high, price)
        return
    if root.joins % root.every != 0:
        return
    k = root.place_count
    root.place_count += 1
    place = place_row(root.places, k)
    place.event, place.stamp_ns, place.side, place.price, place.lots = root.at, event.ts_local_ns, side, price, lots
    place.place, place.own_lots, place.rank, place.opposite = depth.places, lots, rank, opposite
    place.ahead = place.line_lots = lots_at(half, depth, side, price) - lots
    place.best = best if best != price or place.ahead > 0 else next_level(depth, side, price)
    place.next = put_first(root, side, price, k)
    word_row(root.by_place, depth.places).value = k


@compiled
def _leave(root: Any, half: Any, event: Any, row: Any, left: int) -> None:
    """A known order keeps `left` of its lots where it stands, less than it had."""
    side, price, number, gone = row.side, row.price, row.place, row.lots - left
    traded_ns = _traded(root, event, side, price, gone)
    _decrease(root, side, price, lots_at(half, depth_of(half, 0), side, price), gone, number, traded_ns)
    _note_own(root, event, number, gone, left, traded_ns)


@compiled
def _see_order(root: Any, half: Any, event: Any) -> None:
    """A DEPTH event of a known book: decreases move lines, increases join them."""
    depth = depth_of(half, 0)
    side, price, lots = (1 if event.flags & F_BUY else -1), event.w0, event.w1
    if event.w2 == 0:
        before = lots_at(half, depth, side, price)
        see_depth(half, depth, event)
        gone = before - lots_at(half, depth, side, price)
        if gone > 0:
            _decrease(root, side, price, before, gone, 0, _traded(root, event, side, price, gone))
        return
    k = find_order(half, 0, event.w2)
    is_requeued, is_refreshed = False, False
    if k >= 0:
        row = resting_row(half.resting, k)
        stays = row.side == side and row.price == price
        is_refreshed = stays and lots == row.lots and _still_due(root, event, side, price) > 0
        is_requeued = (stays and lots > row.lots) or is_refreshed
        if not stays or lots != row.lots or is_refreshed:
            _leave(root, half, event, row, lots if stays and not is_requeued else 0)
    places = depth.places
    see_depth(half, depth, event)
    if is_refreshed:
        root.refreshed += 1
        depth.places += 1
        resting_row(half.resting, k).place = depth.places
    elif depth.places > places and not is_requeued:
        _join(root, half, event, side, price, lots)


def follow(address: int) -> int:
    """Walk over the events from where the root stands; returns why it stopped."""
    root = truth_row(address, 0)
    half = half_row(root.half, 0)
    depth = depth_of(half, 0)
    while root.at < root.count:
        event = event_row(root.events, root.at)
        if event.kind == TRADE_TICK:
            root.trades += 1
            is_sided = event.flags & (F_BUY | F_SELL) != 0
            root.sideless += not is_sided
            if is_sided and depth.is_known != 0:
                root.has_traded = 1
                _see_trade(root, half, event)
        elif event.kind == DEPTH or event.kind == GAP:
            if lacks_rows(half):
                return LACKS_ROWS
            if event.kind == GAP or event.flags & F_CLEAR:
                _forget_all(root, event.ts_local_ns)
            if event.kind == DEPTH and depth.is_known != 0 and event.flags & F_CLEAR == 0:
                _see_order(root, half, event)
            else:
                see_depth(half, depth, event)
            if event.kind == DEPTH and event.flags & F_LAST and depth.is_known != 0:
                if depth.ask != 0:
                    _fill_beyond(root, 1, depth.ask - 1, event.ts_local_ns, OPPOSITE)
                if depth.bid != 0:
                    _fill_beyond(root, -1, depth.bid + 1, event.ts_local_ns, OPPOSITE)
        root.at += 1
        if root.work > root.most_work:
            return CROWDED
    return DONE


FOLLOW = walk(follow)
