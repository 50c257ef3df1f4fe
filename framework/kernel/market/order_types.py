"""What the types of orders and their instructions mean: what triggers, what rests, where a trailing stop and a peg stand.

A **stop** triggers when the price has come to it against the order's side (a buy when it has risen), a **touch** when it has come
to it the other way. A **peg** follows the venue's best prices, of which ours are no part: with s the order's side, +1 or -1,

    primary   best price of its own side + s x offset
    mid       (bid + ask) / 2, rounded to a whole tick away from the other side, + s x offset

It never takes: a price that would reach the other side stands one tick before it. Its cap, if it has one, is the worst price it
follows to.

Assumptions: the venue moves a peg at once when its own best prices move.
"""

from __future__ import annotations

from framework.kernel.layout.codes import (
    AT_CLOSE,
    AT_OPEN,
    LIMIT,
    LIMIT_TOUCHED,
    O_PEG_MID,
    O_PEGGED,
    O_RESTING,
    O_TRAIL_BPS,
    S_PARTIAL,
    S_TRIGGERED,
    STOP,
    STOP_LIMIT,
    TRAILING,
    TRAILING_LIMIT,
)
from framework.kernel.machine.compile import inlined, kernel
from framework.kernel.machine.ratio import floored
from framework.kernel.market.order_rows import is_done, is_touch
from framework.schema.order import Order


@inlined
def is_limit(order: Order) -> bool:
    """Whether it works as a limit order, a stop or touch once triggered."""
    kind = order.type
    return kind == LIMIT or kind == STOP_LIMIT or kind == LIMIT_TOUCHED or kind == TRAILING_LIMIT


@inlined
def trails(order: Order) -> bool:
    """Whether its stop follows the price."""
    return order.type == TRAILING or order.type == TRAILING_LIMIT


@kernel
def has_triggered(order: Order) -> bool:
    """Whether a stop or touch works as the market or limit order that it becomes."""
    return order.state == S_TRIGGERED or (order.state == S_PARTIAL and order.type >= STOP)


@inlined
def waits_for_trigger(order: Order) -> bool:
    """Whether it has a trigger that was not reached."""
    return order.type >= STOP and not has_triggered(order)


@inlined
def waits_for_price(order: Order) -> bool:
    """Whether it is a peg that has no price yet."""
    return order.flags & O_PEGGED != 0 and order.flags & O_RESTING == 0


@kernel
def reaches(order: Order, price: int) -> bool:
    """Whether the trigger is reached at `price`."""
    rises = (order.side > 0) != is_touch(order)
    return price >= order.stop_ticks if rises else price <= order.stop_ticks


@inlined
def rests(order: Order) -> bool:
    """Whether an order stands in a line, where trades can reach it."""
    return (
        order.flags & O_RESTING != 0
        and not is_done(order)
        and (order.type == LIMIT or (is_limit(order) and has_triggered(order)))
        and order.time_in_force != AT_CLOSE
        and order.time_in_force != AT_OPEN
    )


@kernel
def trailing_stop(order: Order, ticks: int) -> int:
    """Where the stop stands when the best price so far is `ticks`."""
    distance = order.trail
    if order.flags & O_TRAIL_BPS:
        distance = max(floored(ticks, order.trail, 1_000_000), 1)
    return ticks - distance if order.side < 0 else ticks + distance


@inlined
def set_stop(order: Order, ticks: int) -> None:
    """Move a stop; the limit of a trailing stop-limit keeps its distance from it, on the far side."""
    order.stop_ticks = ticks
    if order.type == TRAILING_LIMIT:
        order.limit_ticks = max(ticks + order.side * order.limit_offset, 1)


@kernel
def peg_ticks(order: Order, bid: int, ask: int) -> int:
    """Where a peg stands at these best prices, 0 for an empty side; 0 where the price it follows is not known."""
    own, other, side = (bid, ask, 1) if order.side > 0 else (ask, bid, -1)
    if order.flags & O_PEG_MID:
        if bid <= 0 or ask <= 0:
            return 0
        price = (bid + ask) // 2 if side > 0 else -(-(bid + ask) // 2)
    else:
        if own <= 0:
            return 0
        price = own
    price += side * order.peg_offset
    if other > 0 and (price - other) * side >= 0:
        price = other - side
    if order.peg_cap > 0 and (price - order.peg_cap) * side > 0:
        price = order.peg_cap
    return max(price, 1)
