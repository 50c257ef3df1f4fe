"""From price units and shares to whole ticks and lots: what is no whole number of them is refused with the numbers."""

from __future__ import annotations

import math

from framework.kernel.layout.codes import R_LOT, R_NONE, R_PRICE, R_QUANTITY, R_RANGE, R_TICK
from framework.kernel.layout.roots import TraderRoot
from framework.kernel.machine.compile import kernel
from framework.kernel.machine.ratio import MOST
from framework.kernel.market.marks import terms_of
from framework.schema.units import LARGEST_STEPS, NEAR, NOISE


@kernel
def steps(value: float, numerator: float, denominator: float) -> tuple[int, bool]:
    """(whole steps, whether `value` is that many, as `Step.exactly` has it); 0 where they are more than `LARGEST_STEPS`."""
    exact = value * denominator / numerator
    if not abs(exact) <= LARGEST_STEPS:
        return 0, False
    whole = round(exact)
    return int(whole), abs(exact - whole) <= max(NEAR, abs(exact) * NOISE)


@kernel
def misfit(value: float, step: float, off_step: int) -> tuple[int, float]:
    """(reason, have) of a finite number that is no whole number of steps, or more of them than there may be."""
    if abs(value) > LARGEST_STEPS * step:
        return R_RANGE, LARGEST_STEPS * step
    return off_step, step


@kernel
def nearest_steps(value: float, numerator: float, denominator: float) -> int:
    """The nearest whole number of steps; MOST, of either sign, for more than there may be, and -MOST for what is no number."""
    exact = value * denominator / numerator
    if not abs(exact) <= LARGEST_STEPS:
        return MOST if exact > 0.0 else -MOST
    return round(exact)


@kernel
def price_ticks(t: TraderRoot, instrument: int, value: float, is_needed: bool) -> tuple[int, int, float, float]:
    """(ticks, reason, need, have) of a price in units; ticks 0 where none was given and none is needed."""
    if math.isnan(value) and not is_needed:
        return 0, R_NONE, 0.0, 0.0
    if not value > 0.0 or math.isinf(value):
        return 0, R_PRICE, value, 0.0
    return distance_ticks(t, instrument, value)


@kernel
def distance_ticks(t: TraderRoot, instrument: int, value: float) -> tuple[int, int, float, float]:
    """(ticks, reason, need, have) of a distance between prices, of any sign."""
    if math.isnan(value) or math.isinf(value):
        return 0, R_PRICE, value, 0.0
    terms = terms_of(t, instrument)
    ticks, fits = steps(value, terms.tick_numerator, terms.tick_denominator)
    if not fits:
        reason, have = misfit(value, terms.tick, R_TICK)
        return 0, reason, value, have
    return ticks, R_NONE, 0.0, 0.0


@kernel
def quantity_lots(t: TraderRoot, instrument: int, value: float) -> tuple[int, int, float, float]:
    """(lots, reason, need, have) of a quantity in units."""
    if not value > 0.0 or math.isinf(value):
        return 0, R_QUANTITY, value, 0.0
    terms = terms_of(t, instrument)
    lots, fits = steps(value, terms.lot_numerator, terms.lot_denominator)
    if not fits:
        reason, have = misfit(value, terms.lot, R_LOT)
        return 0, reason, value, have
    return lots, R_NONE, 0.0, 0.0
