"""Orders that take from a book: level by level, past our own resting orders, all or nothing."""

from __future__ import annotations

import math

from framework.kernel.layout.codes import (
    F_MAKER,
    FOK,
    IOC,
    MARKET,
    O_HIDDEN,
    O_POST_ONLY,
    O_RESTING,
)
from framework.kernel.layout.depth_records import DepthBook
from framework.kernel.layout.roots import ExchangeRoot, TraderRoot
from framework.kernel.machine.compile import kernel
from framework.kernel.market.lifecycle import leaves
from framework.kernel.market.order_book import level_of, next_level
from framework.kernel.market.order_rows import is_done
from framework.kernel.market.order_types import has_triggered, is_limit, reaches, trails, waits_for_trigger
from framework.kernel.market.price_limit_rules import executes_at
from framework.kernel.market.priority import BEFORE_ALL, NEVER, rank_at
from framework.kernel.venue.affordability import affordable_lots
from framework.kernel.venue.commands import listing_of, refuse_to_take, session_of
from framework.kernel.venue.filling import execute
from framework.kernel.venue.matching_bars import end_leftover, follow, trigger
from framework.kernel.venue.matching_quotes import takes_part
from framework.kernel.venue.order_table import order_of
from framework.kernel.venue.queue_position import join_line
from framework.kernel.venue.self_trade import is_prevented, meets, prevent, settle
from framework.kernel.venue.siblings import behind_exits
from framework.schema.event import Event
from framework.schema.order import Order


@kernel
def _take(t: TraderRoot, x: ExchangeRoot, depth: DepthBook, order: Order, worst: int, price: int, flags: int, event: Event) -> None:
    """Take from the opposite side down to `worst` (0: whatever it costs), at the levels' prices, or all at `price` if that is not 0."""
    is_watched = price == 0 and is_prevented(x, order)
    level_price = next_level(depth, -order.side, 0)
    while level_price != 0 and (worst == 0 or (worst - level_price) * order.side >= 0):
        if is_watched and not (prevent(t, x, order, level_price) and _take_past_ours(t, x, depth, order, level_price, flags, event)):
            return
        level = level_of(x, depth, -order.side, level_price)
        free = level.lots - level.taken
        if free > 0:
            done = execute(t, x, order, free, price if price != 0 else level_price, flags, event)
            level.taken += done
            if done < free or is_done(order):
                return
        level_price = next_level(depth, -order.side, level_price)
    if is_watched:
        prevent(t, x, order, 0)  # what is left would go on to ours


@kernel
def _take_past_ours(t: TraderRoot, x: ExchangeRoot, depth: DepthBook, order: Order, price: int, flags: int, event: Event) -> bool:
    """Take what stands before our own orders at a price, then let the venue prevent the trade with them; whether the order goes on."""
    at = meets(x, order, price + order.side)
    while at >= 0:
        level, ours = level_of(x, depth, -order.side, price), order_of(x, at)
        ahead = level.lots if ours.flags & O_HIDDEN else min(math.ceil(ours.ahead_lots), level.lots)
        front = ahead - level.taken
        if front > 0:
            done = execute(t, x, order, front, price, flags, event)
            level.taken += done
            if done < front or is_done(order):
                return False
        settle(t, x, order, ours)
        if is_done(order):
            return False
        at = meets(x, order, price + order.side)
    return True


@kernel
def _whole_price(t: TraderRoot, x: ExchangeRoot, depth: DepthBook, order: Order, worst: int) -> int:
    """The last price at which book, price limits and account allow all that is left of an order, for fill-or-kill; 0 where they do not."""
    left, price, last = leaves(order), next_level(depth, -order.side, 0), 0
    while price != 0 and left > 0 and (worst == 0 or (worst - price) * order.side >= 0):
        if x.has_limits != 0 and not executes_at(x, order.instrument, price):
            return 0
        level = level_of(x, depth, -order.side, price)
        left -= level.lots - level.taken
        last, price = price, next_level(depth, -order.side, price)
    return last if left <= 0 and affordable_lots(t, x, order, leaves(order), last, 0.0) == leaves(order) else 0


@kernel
def _fill_or_kill(t: TraderRoot, x: ExchangeRoot, depth: DepthBook, order: Order, worst: int, event: Event) -> None:
    """Take all of an order or nothing. It meets every order of ours up to the last price that it needs."""
    last = _whole_price(t, x, depth, order, worst)
    if last != 0 and (not is_prevented(x, order) or prevent(t, x, order, last + order.side)):
        order.time_in_force = IOC  # all of it is there: taken level by level
        _take(t, x, depth, order, worst, 0, 0, event)


@kernel
def act_on_book(t: TraderRoot, x: ExchangeRoot, depth: DepthBook, order: Order, event: Event) -> None:
    """What a known book does for one order."""
    opposite = depth.ask if order.side > 0 else depth.bid
    if waits_for_trigger(order):
        if opposite == 0:
            return
        if not reaches(order, opposite):
            if trails(order):
                follow(t, x, order, opposite)
            return
        trigger(t, x, order)
    has_limit = is_limit(order)
    worst = order.limit_ticks if has_limit else 0
    can_take = opposite != 0 and (worst - opposite) * order.side >= 0
    if order.flags & O_RESTING:
        if can_take:
            filled = order.filled_lots
            _take(t, x, depth, order, worst, worst, F_MAKER, event)
            order.shown_lots -= order.filled_lots - filled
        return
    if order.flags & O_POST_ONLY and can_take:
        refuse_to_take(t, x, order, opposite)
        return
    if order.time_in_force != FOK:
        _take(t, x, depth, order, worst, 0, 0, event)
    else:
        _fill_or_kill(t, x, depth, order, worst, event)
    if has_limit and not is_done(order):
        end_leftover(t, x, order, True)
        if not is_done(order):
            order.flags |= O_RESTING
            join_line(x, depth, order)
    elif order.type == MARKET or has_triggered(order):
        end_leftover(t, x, order, True)


@kernel
def _next(t: TraderRoot, x: ExchangeRoot, depth: DepthBook, event: Event, rank: int, after: int) -> tuple[int, int]:
    """(rank, order) of the next that the opposite side reaches after the one named; the order is -1 where none is left."""
    listing, session = listing_of(x, event.instrument), session_of(t, x, event.instrument)
    best, found, is_behind = NEVER, -1, False
    at = listing.first
    while at >= 0:
        order = order_of(x, at)
        opposite = depth.ask if order.side > 0 else depth.bid
        if opposite != 0 and takes_part(order, session, listing, event):
            own = behind_exits(x, order, rank_at(order, opposite, 0), depth.bid, depth.ask)
            if own < best and (own > rank or (own == rank and is_behind)):
                best, found = own, at
        is_behind = is_behind or at == after
        at = order.next_working
    return best, found


@kernel
def is_reached(depth: DepthBook, order: Order) -> bool:
    """Whether the opposite side of a known book does something for an order now."""
    opposite = depth.ask if order.side > 0 else depth.bid
    return opposite != 0 and rank_at(order, opposite, 0) != NEVER


@kernel
def act_in_turn(t: TraderRoot, x: ExchangeRoot, depth: DepthBook, event: Event) -> None:
    """Let all orders that the opposite side of a known book reaches act, the best price first, then in order of arrival."""
    rank, at = _next(t, x, depth, event, BEFORE_ALL, -1)
    while at >= 0:
        act_on_book(t, x, depth, order_of(x, at), event)
        rank, at = _next(t, x, depth, event, rank, at)
