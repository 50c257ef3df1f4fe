"""What a price is worth under each settlement: one formula for shares, linear and inverse contracts.

Every price p (in ticks) has a **basis**, and money moves with the basis alone. With v the point value of a lot:

    settlement       basis b(p)    notional of a lot     money made from p to p'
    SPOT, LINEAR     p             p v                   (b(p') - b(p)) v
    INVERSE          -1 / p        v / p                 (b(p') - b(p)) v = v (1 / p - 1 / p')

The inverse row is BitMEX's: "# Contracts * Multiplier * (1/Entry Price - 1/Exit Price)"
(https://www.bitmex.com/app/inversePerpetualsGuide), with v = lot x multiplier / tick.
"""

from __future__ import annotations

from framework.kernel.layout.codes import INVERSE
from framework.kernel.layout.market_records import Terms
from framework.kernel.machine.compile import inlined


@inlined
def basis(terms: Terms, ticks: float) -> float:
    """What of a price money moves with."""
    return -1.0 / ticks if terms.settlement == INVERSE else ticks * 1.0


@inlined
def price_of(terms: Terms, at_basis: float) -> float:
    """The price in ticks that has a basis; the inverse of `basis`."""
    return -1.0 / at_basis if terms.settlement == INVERSE else at_basis


@inlined
def notional_of(terms: Terms, lots: float, ticks: float) -> float:
    """What `lots` are worth at a price, in the settlement currency."""
    if terms.settlement == INVERSE:
        return lots / ticks * terms.point_value
    return float(lots) * ticks * terms.point_value  # ticks x lots of whole numbers can pass 64 bits


@inlined
def lot_notional(terms: Terms, ticks: float) -> float:
    """What one lot is worth at a price, in the settlement currency."""
    return terms.point_value / ticks if terms.settlement == INVERSE else ticks * terms.point_value
