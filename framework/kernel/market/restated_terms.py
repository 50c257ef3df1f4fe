"""What splits and dividends do to the terms of an order that works."""

from __future__ import annotations

import math

from framework.kernel.layout.codes import GTC, GTD, LIMIT, O_TRAIL_BPS, STOP
from framework.kernel.layout.roots import TraderRoot
from framework.kernel.machine.compile import kernel
from framework.kernel.machine.ratio import ceiled, floored
from framework.kernel.market.marks import terms_of
from framework.kernel.market.order_rows import is_touch
from framework.schema.order import Order
from framework.schema.units import LARGEST_STEPS, NANOS, NEAR, NOISE


@kernel
def split_prices(order: Order, limit_ticks: int, stop_ticks: int, new: int, old: int) -> tuple[int, int]:
    """(limit, stop) of an order across a split, each rounded away from a fill."""
    down_limit = order.side > 0
    down_stop = down_limit == is_touch(order)
    limit = floored(limit_ticks, old, new) if down_limit else ceiled(limit_ticks, old, new)
    return limit, floored(stop_ticks, old, new) if down_stop else ceiled(stop_ticks, old, new)


@kernel
def split_terms(order: Order, new: int, old: int) -> None:
    """Restate quantity and prices of a working order across a split, each price rounded away from a fill.

    FINRA rule 5330 for open orders: quantity times the ratio rounded down, prices divided by it.
    """
    order.quantity_lots = floored(order.quantity_lots, new, old)
    order.filled_lots = floored(order.filled_lots, new, old)
    order.limit_ticks, order.stop_ticks = split_prices(order, order.limit_ticks, order.stop_ticks, new, old)
    if order.changes_under_way > 0:
        order.asked_lots = floored(order.asked_lots, new, old)
        order.asked_limit_ticks, order.asked_stop_ticks = split_prices(order, order.asked_limit_ticks, order.asked_stop_ticks, new, old)
    if not order.flags & O_TRAIL_BPS:
        order.trail = max(floored(order.trail, old, new), 1) if order.trail > 0 else 0
    order.limit_offset = floored(order.limit_offset, old, new)
    order.peg_offset = floored(order.peg_offset, old, new)
    order.peg_cap = floored(order.peg_cap, old, new) if order.side > 0 else ceiled(order.peg_cap, old, new)
    if order.display_lots > 0:
        order.display_lots = max(floored(order.display_lots, new, old), 1)


@kernel
def dividend_prices(order: Order, limit_ticks: int, stop_ticks: int, ticks: int) -> tuple[int, int]:
    """(limit, stop) of an order across a dividend: open buy limits and touches and sell stops are lowered by it, others stand."""
    if order.time_in_force != GTC and order.time_in_force != GTD:
        return limit_ticks, stop_ticks
    if order.side > 0 and order.type == LIMIT:
        return max(limit_ticks - ticks, 1), stop_ticks
    if order.type >= STOP and (order.side < 0) != is_touch(order):
        return max(limit_ticks - ticks, 1) if limit_ticks > 0 else limit_ticks, max(stop_ticks - ticks, 1)
    return limit_ticks, stop_ticks


@kernel
def dividend_terms(order: Order, ticks: int) -> None:
    """Restate the prices of a working order across a dividend rounded up to ticks (FINRA rule 5330 (a))."""
    if order.side > 0 and order.type == LIMIT and order.peg_cap > 0 and (order.time_in_force == GTC or order.time_in_force == GTD):
        order.peg_cap = max(order.peg_cap - ticks, 1)
    order.limit_ticks, order.stop_ticks = dividend_prices(order, order.limit_ticks, order.stop_ticks, ticks)
    if order.changes_under_way > 0:
        order.asked_limit_ticks, order.asked_stop_ticks = dividend_prices(order, order.asked_limit_ticks, order.asked_stop_ticks, ticks)


@kernel
def dividend_ticks(t: TraderRoot, instrument: int, nano_per_unit: int) -> int:
    """A dividend in whole ticks, rounded up; one that is whole ticks as `Step.exactly` has it is left as it is."""
    terms = terms_of(t, instrument)
    exact = float(nano_per_unit) * terms.tick_denominator / (NANOS * terms.tick_numerator)
    if not exact < LARGEST_STEPS:
        return LARGEST_STEPS
    whole = round(exact)
    return int(whole) if abs(exact - whole) <= max(NEAR, exact * NOISE) else math.ceil(exact)
