"""The terms of an order that was asked for: which type its prices make it, and whether its instructions go together.

    instruction              types    times in force        not with
    post-only                limit    GTC, DAY, GTD
    display (iceberg)        limit    GTC, DAY, GTD         hidden
    hidden                   limit    GTC, DAY, GTD         display
    peg                      limit    GTC, DAY, GTD

What is not in this table is refused. A peg needs no limit: the one given is its cap.
"""

from __future__ import annotations

from framework.kernel.layout.codes import (
    AT_CLOSE,
    AT_OPEN,
    FOK,
    IOC,
    LIMIT,
    LIMIT_TOUCHED,
    MARKET,
    MARKET_TOUCHED,
    O_HIDDEN,
    O_ICEBERG,
    O_INSTRUCTED,
    O_PEGGED,
    O_TRAIL_BPS,
    O_UNSHOWN,
    R_INSTRUCTIONS,
    R_NEEDS_LIMIT,
    R_NEEDS_REST,
    R_NO_PEG,
    R_NONE,
    R_PRICE,
    R_PRICES,
    R_QUANTITY,
    STOP,
    STOP_LIMIT,
    TRAILING,
    TRAILING_LIMIT,
)
from framework.kernel.layout.request_record import Request
from framework.kernel.layout.roots import TraderRoot
from framework.kernel.machine.compile import kernel
from framework.kernel.market.marks import marks_of
from framework.kernel.market.order_types import peg_ticks, set_stop, trailing_stop, trails
from framework.kernel.trader.whole_steps import distance_ticks, price_ticks, quantity_lots
from framework.schema.order import Order

NUMBERS = ("limit", "stop", "touch", "trail", "trail_bps", "trail_limit", "display", "peg_offset")
"""The numbers that an order may be given, as strategies call them."""

G_LIMIT, G_STOP, G_TOUCH, G_TRAIL, G_TRAIL_BPS, G_LIMIT_OFFSET, G_DISPLAY, G_PEG_OFFSET = (1 << k for k in range(len(NUMBERS)))
"""Bits of a request's `given`, one for each of `NUMBERS`."""

_TRAILS = G_TRAIL | G_TRAIL_BPS


def given_bits(*numbers: float | None) -> int:
    """`given` of a request that is made in Python, of the first of `NUMBERS` or all of them."""
    return sum(1 << k for k, number in enumerate(numbers) if number is not None)


@kernel
def type_of(given: int, flags: int) -> int:
    """The type that the prices given make an order."""
    if given & _TRAILS:
        return TRAILING_LIMIT if given & G_LIMIT_OFFSET else TRAILING
    if given & G_TOUCH:
        return LIMIT_TOUCHED if given & G_LIMIT else MARKET_TOUCHED
    if given & G_STOP:
        return STOP_LIMIT if given & G_LIMIT else STOP
    return LIMIT if given & G_LIMIT or flags & O_PEGGED else MARKET


@kernel
def conflict(r: Request) -> tuple[int, float, float]:
    """(reason, need, have): two prices of a request that no one order has, or one that lacks what it belongs to."""
    given = r.given
    if given & G_TOUCH and given & G_STOP:
        return R_PRICES, r.touch, r.stop
    if given & _TRAILS and given & (G_TOUCH | G_LIMIT):
        return R_PRICES, (r.touch if given & G_TOUCH else r.limit), r.trail
    if given & _TRAILS == _TRAILS:
        return R_PRICES, r.trail, 0.0
    if given & G_LIMIT_OFFSET and not given & _TRAILS:
        return R_PRICES, r.limit_offset, 0.0
    if given & G_PEG_OFFSET and not r.flags & O_PEGGED:
        return R_PRICES, r.peg_offset, 0.0
    return R_NONE, 0.0, 0.0


@kernel
def set_trail(t: TraderRoot, order: Order, r: Request) -> tuple[int, float, float]:
    """(reason, need, have): the distances of a trailing stop; without a stop price it starts one trail away from the mark."""
    reason, need, have = R_NONE, 0.0, 0.0
    if order.flags & O_TRAIL_BPS:
        order.trail = int(r.trail * 100.0) if 0.0 < r.trail < 10_000.0 else 0
    else:
        order.trail, reason, need, have = price_ticks(t, order.instrument, r.trail, True)
    if order.trail <= 0 and reason == R_NONE:
        reason, need, have = R_PRICE, r.trail, 0.0
    if order.type == TRAILING_LIMIT and reason == R_NONE:
        order.limit_offset, reason, need, have = distance_ticks(t, order.instrument, r.limit_offset)
        if order.limit_offset < 0 and reason == R_NONE:
            reason, need, have = R_PRICE, r.limit_offset, 0.0
    stop = order.stop_ticks
    set_stop(order, stop if stop != 0 else trailing_stop(order, int(marks_of(t, order.instrument).mark_ticks)))
    return reason, need, have


@kernel
def _set_display(t: TraderRoot, order: Order, r: Request) -> tuple[int, float, float]:
    lots, reason, need, have = quantity_lots(t, order.instrument, r.display)
    if reason == R_NONE and lots > order.quantity_lots:
        reason, need, have = R_QUANTITY, r.display, r.quantity
    order.display_lots = lots
    order.flags |= O_ICEBERG
    return reason, need, have


@kernel
def _set_peg(t: TraderRoot, order: Order, r: Request) -> tuple[int, float, float]:
    """The limit that is sent is the worst price known: the cap, else where the peg would stand now."""
    if r.given & G_PEG_OFFSET:
        order.peg_offset, reason, need, have = distance_ticks(t, order.instrument, r.peg_offset)
        if reason != R_NONE:
            return reason, need, have
    order.peg_cap = order.limit_ticks
    marks = marks_of(t, order.instrument)
    ticks = peg_ticks(order, marks.bid, marks.ask)
    if ticks == 0:
        return R_NO_PEG, 1.0, 0.0
    if order.peg_cap == 0:
        order.limit_ticks = ticks
    return R_NONE, 0.0, 0.0


@kernel
def _goes_together(order: Order) -> tuple[int, float, float]:
    instructions = order.flags & O_INSTRUCTED
    if instructions and order.type != LIMIT:
        return R_NEEDS_LIMIT, float(instructions), float(order.type)
    force = order.time_in_force
    if instructions and (force == IOC or force == FOK or force == AT_OPEN or force == AT_CLOSE):
        return R_NEEDS_REST, float(instructions), float(force)
    if instructions & O_UNSHOWN == O_UNSHOWN:
        return R_INSTRUCTIONS, float(O_HIDDEN), float(O_ICEBERG)
    return R_NONE, 0.0, 0.0


@kernel
def set_terms(t: TraderRoot, order: Order, r: Request) -> tuple[int, float, float]:
    """(reason, need, have): what a request says besides quantity, limit and stop; these stand in the candidate already."""
    reason, need, have = conflict(r)
    if reason == R_NONE and trails(order):
        reason, need, have = set_trail(t, order, r)
    if reason == R_NONE and r.given & G_DISPLAY:
        reason, need, have = _set_display(t, order, r)
    if reason == R_NONE:
        reason, need, have = _goes_together(order)
    if reason == R_NONE and order.flags & O_PEGGED:
        reason, need, have = _set_peg(t, order, r)
    return reason, need, have


@kernel
def limit_to_check(order: Order, limit_ticks: int) -> int:
    """The limit at which a change is checked: a peg's worst price."""
    return order.peg_cap if order.flags & O_PEGGED and order.peg_cap > 0 else limit_ticks
