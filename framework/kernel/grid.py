"""From price units and shares to whole ticks and lots: what is not on the instrument's grid is refused with the numbers."""

from __future__ import annotations

import math
from typing import Any

from framework.kernel.book import terms_of
from framework.kernel.codes import R_LOT, R_NONE, R_PRICE, R_QUANTITY, R_TICK
from framework.kernel.compile import kernel

_HUGE = 4.0e18


@kernel
def steps(value: float, numerator: float, denominator: float) -> Any:
    """(whole steps, whether `value` is that many steps to within 1e-9 of one or the float's precision)."""
    exact = value * denominator / numerator
    if not abs(exact) < _HUGE:
        return 0, False
    whole = round(exact)
    return int(whole), abs(exact - whole) <= max(1e-9, abs(exact) * 4e-16)


@kernel
def price_ticks(t: Any, instrument: int, value: float, is_needed: bool) -> Any:
    """(ticks, reason, need, have) of a price in units; ticks 0 where none was given and none is needed."""
    if math.isnan(value) and not is_needed:
        return 0, R_NONE, 0.0, 0.0
    if not value > 0.0 or math.isinf(value):
        return 0, R_PRICE, value, 0.0
    return distance_ticks(t, instrument, value)


@kernel
def distance_ticks(t: Any, instrument: int, value: float) -> Any:
    """(ticks, reason, need, have) of a distance between prices, of any sign."""
    if math.isnan(value) or math.isinf(value):
        return 0, R_PRICE, value, 0.0
    terms = terms_of(t, instrument)
    ticks, fits = steps(value, terms.tick_numerator, terms.tick_denominator)
    if not fits:
        return 0, R_TICK, value, terms.tick
    return ticks, R_NONE, 0.0, 0.0


@kernel
def quantity_lots(t: Any, instrument: int, value: float) -> Any:
    """(lots, reason, need, have) of a quantity in units."""
    if not value > 0.0 or math.isinf(value):
        return 0, R_QUANTITY, value, 0.0
    terms = terms_of(t, instrument)
    lots, fits = steps(value, terms.lot_numerator, terms.lot_denominator)
    if not fits:
        return 0, R_LOT, value, terms.lot
    return lots, R_NONE, 0.0, 0.0
