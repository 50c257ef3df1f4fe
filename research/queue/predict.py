"""When models of the line would have filled the sampled orders, from levels and trades alone. Compiled.

Each order stands by itself, with one lot, in place of the order that really stood there: that one's lots are left out of its level.
The book, the line and what moves it are the kernel's own functions (`depth.py`, `queue_position.py`), called as its matching calls
them. CUSTOM events mark the joins and what became of the orders themselves: order, own lots left, 1 for a join.
"""

from __future__ import annotations

from typing import Any

from framework.kernel.layout.codes import CUSTOM, DEPTH, F_BUY, F_CLEAR, F_LAST, F_SELL, GAP, TRADE_TICK
from framework.kernel.layout.depth_records import word_row
from framework.kernel.layout.roots import event_row
from framework.kernel.market.order_book import depth_of, lots_at, see_depth
from framework.kernel.venue.queue_position import level_changed, stand_behind, traded_ahead
from research.queue.lists import compiled, first_at, head_of, lower_reach, put_first, reach_of, walk
from research.queue.records import LINE, TOUCH, followed_row, half_row, model_row, prediction_row, spot_row


@compiled
def _fill(followed: Any, spot: Any, stamp_ns: int) -> None:
    if spot.filled_ns == 0:
        spot.filled_ns = stamp_ns
        followed.unfilled -= 1


@compiled
def _waiting_head(root: Any, side: int, price: int) -> Any:
    """The first of the orders that no line or touch has to fill any more."""
    width = root.high - root.low + 1
    return word_row(root.heads, price - root.low + (2 * width if side > 0 else 3 * width))


@compiled
def _drop_filled(root: Any, side: int, price: int) -> None:
    """Take those out of a list that wait only for a trade beyond their price: nothing at it concerns them."""
    head, waiting = head_of(root, side, price), _waiting_head(root, side, price)
    last, at = -1, head.value
    while at >= 0:
        followed = followed_row(root.followed, at)
        after = followed.next
        if followed.unfilled <= root.beyond_count:
            if last < 0:
                head.value = after
            else:
                followed_row(root.followed, last).next = after
            followed.next = waiting.value
            waiting.value = at
        else:
            last = at
        at = after


@compiled
def _fill_list(root: Any, head: Any, stamp_ns: int) -> None:
    at = head.value
    while at >= 0:
        followed = followed_row(root.followed, at)
        for m in range(root.model_count):
            if stamp_ns != 0:
                _fill(followed, spot_row(root.spots, at * root.model_count + m), stamp_ns)
        at = followed.next
    head.value = -1


@compiled
def _fill_beyond(root: Any, side: int, price: int, stamp_ns: int) -> None:
    """By every model, fill the orders of a side at a price better than this one; stamp 0 only forgets them."""
    p = reach_of(root, side)
    while (p - price) * side > 0 and root.low <= p <= root.high:
        _fill_list(root, head_of(root, side, p), stamp_ns)
        _fill_list(root, _waiting_head(root, side, p), stamp_ns)
        p -= side
    lower_reach(root, side, price)


@compiled
def _touch(root: Any, side: int, price: int, lots: int, is_sided: bool, stamp_ns: int) -> None:
    """A trade at a price for the orders of one side there: it took from their line, or at least touched them."""
    at = first_at(root, side, price)
    if at < 0:
        return
    filled = False
    while at >= 0:
        followed = followed_row(root.followed, at)
        for m in range(root.model_count):
            spot = spot_row(root.spots, at * root.model_count + m)
            if spot.filled_ns == 0:
                rule = model_row(root.models, m).rule
                if (rule == LINE and is_sided and traded_ahead(spot, lots) > 0) or rule == TOUCH:
                    _fill(followed, spot, stamp_ns)
                    filled = True
        at = followed.next
    if filled:
        _drop_filled(root, side, price)


@compiled
def _see_trade(root: Any, event: Any) -> None:
    price, lots, stamp_ns = event.w0, event.w1, event.ts_local_ns
    side = 1 if event.flags & F_SELL else (-1 if event.flags & F_BUY else 0)
    if side != 0:
        _fill_beyond(root, side, price, stamp_ns)
    for one in (1, -1):
        _touch(root, one, price, lots, one == side, stamp_ns)


@compiled
def _see_level(root: Any, half: Any, event: Any) -> None:
    """A level told anew moves the lines at its price, each without the order that stood there in truth."""
    depth = depth_of(half, 0)
    side, price = (1 if event.flags & F_BUY else -1), event.w0
    level_before = lots_at(half, depth, side, price)
    see_depth(half, depth, event)
    level_after = lots_at(half, depth, side, price)
    at = first_at(root, side, price)
    while at >= 0:
        followed = followed_row(root.followed, at)
        before, after = level_before - followed.own_lots, level_after - followed.own_next
        if before != after or followed.own_lots != followed.own_next:
            for m in range(root.model_count):
                spot, model = spot_row(root.spots, at * root.model_count + m), model_row(root.models, m)
                if spot.filled_ns == 0 and model.rule == LINE:
                    level_changed(model, spot, before, after)
        followed.own_lots = followed.own_next
        at = followed.next


@compiled
def _see_mark(root: Any, half: Any, event: Any) -> None:
    followed = followed_row(root.followed, event.w0)
    followed.own_next = event.w1
    if event.w2 == 0:
        return
    for m in range(root.model_count):
        spot = spot_row(root.spots, event.w0 * root.model_count + m)
        spot.side, spot.limit_ticks = followed.side, followed.price
        stand_behind(half, depth_of(half, 0), spot)
        spot.ahead_lots *= model_row(root.models, m).join_share
    followed.unfilled = root.model_count
    followed.next = put_first(root, followed.side, followed.price, event.w0)


def predict(address: int) -> int:
    """Walk over all events; the fills stand in the spots."""
    root = prediction_row(address, 0)
    half = half_row(root.half, 0)
    depth = depth_of(half, 0)
    for k in range(root.count):
        event = event_row(root.events, k)
        if event.kind == CUSTOM:
            _see_mark(root, half, event)
        elif event.kind == TRADE_TICK:
            if depth.is_known != 0:
                _see_trade(root, event)
        elif event.kind == GAP or (event.kind == DEPTH and event.flags & F_CLEAR):
            _fill_beyond(root, 1, root.low - 1, 0)
            _fill_beyond(root, -1, root.high + 1, 0)
            see_depth(half, depth, event)
        elif event.kind == DEPTH:
            if depth.is_known != 0:
                _see_level(root, half, event)
            else:
                see_depth(half, depth, event)
            if event.flags & F_LAST and depth.is_known != 0:
                if depth.ask != 0:
                    _fill_beyond(root, 1, depth.ask - 1, event.ts_local_ns)
                if depth.bid != 0:
                    _fill_beyond(root, -1, depth.bid + 1, event.ts_local_ns)
    return 0


PREDICT = walk(predict)
