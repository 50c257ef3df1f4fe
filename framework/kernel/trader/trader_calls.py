"""Calls of the trader half's units: the arguments go into the root's request, the compiled unit is called by its address.

The functions ending in `_in` are for compiled callers and take the trader half's record; the others are for Python and take
the root array. Both reach the same machine code. `link` must have been called on the trader half before.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from framework.kernel.layout.roots import TraderRoot, trader_row
from framework.kernel.machine.compile import address_of, call, kernel
from framework.kernel.market.marks import deviation as _deviation
from framework.kernel.market.marks import mean_close as _mean_close
from framework.kernel.market.marks import terms_of
from framework.kernel.market.order_book import depth_of, level_of, next_level
from framework.kernel.market.order_book import imbalance as _imbalance
from framework.kernel.market.order_book import lots_at as _lots_at
from framework.kernel.market.order_book import sweep_ticks as _sweep_ticks
from framework.kernel.market.order_book import weighted_mid_ticks as _weighted_mid_ticks
from framework.kernel.market.valuation import own_account
from framework.kernel.market.valuation import valuation as _valuation
from framework.kernel.trader.alarms import stance_of
from framework.kernel.trader.propose import NO_ROOM
from framework.kernel.trader.requests import AIMS, ASK_BRACKET, ASK_CANCEL, ASK_ORDER, ASK_QUANTITY, ASK_REPLACE, ASK_WEIGHT, ORDERS
from framework.kernel.trader.whole_steps import nearest_steps

__all__ = [
    "NO_ROOM",
    "aim",
    "aim_in",
    "bracket",
    "cancel",
    "deviation",
    "imbalance",
    "instruct",
    "levels",
    "link",
    "lots_at",
    "lots_in",
    "mean_close",
    "order_in",
    "propose",
    "replace",
    "stance",
    "sweep_in",
    "sweep_ticks",
    "valuation",
    "weighted_mid_ticks",
]

WEIGHT, QUANTITY = ASK_WEIGHT, ASK_QUANTITY


def link(record: NDArray[np.void], *, orders: bool) -> None:
    """Put the units' addresses into a trader half's root: the targets', and with `orders` those of all other proposals."""
    record["aim_unit"] = AIMS.address
    if orders:
        record["order_unit"] = ORDERS.address


@kernel
def aim_in(t: TraderRoot, what: int, instrument: int, value: float) -> int:
    """Aim at a weight or a quantity; see `propose.aim_weight` and `propose.aim_quantity`."""
    r = t.request
    r.what, r.instrument, r.quantity = what, instrument, value
    return call(t.aim_unit, address_of(t), 0)


@kernel
def order_in(t: TraderRoot, what: int) -> int:
    """Hand over a request whose fields are filled."""
    t.request.what = what
    return call(t.order_unit, address_of(t), 0)


@kernel
def aim(trader: NDArray[np.void], what: int, instrument: int, value: float) -> int:
    """Aim at a weight or a quantity; see `propose.aim_weight` and `propose.aim_quantity`."""
    return aim_in(trader[0], what, instrument, value)


@kernel
def propose(
    trader: NDArray[np.void],
    instrument: int,
    side: int,
    time_in_force: int,
    flags: int,
    quantity: float,
    limit: float,
    stop: float,
    trail: float,
    given: int,
    expire_ns: int,
    parent: int,
    group: int,
) -> int:
    """See `framework.kernel.trader.propose.propose`; `given` (G_* bits of `order_terms.py`) names the numbers that count."""
    r = trader[0].request
    r.instrument, r.side, r.time_in_force, r.flags, r.given = instrument, side, time_in_force, flags, given
    r.quantity, r.limit, r.stop, r.trail = quantity, limit, stop, trail
    r.expire_ns, r.parent, r.group = expire_ns, parent, group
    return order_in(trader[0], ASK_ORDER)


@kernel
def instruct(trader: NDArray[np.void], touch: float, limit_offset: float, display: float, peg_offset: float) -> int:
    """The further numbers of the order that is proposed next."""
    r = trader[0].request
    r.touch, r.limit_offset, r.display, r.peg_offset = touch, limit_offset, display, peg_offset
    return 0


@kernel
def bracket(
    trader: NDArray[np.void], instrument: int, side: int, kind: int, quantity: float, limit: float, stop: float, target: float, loss: float
) -> int:
    """See `framework.kernel.trader.propose.propose_bracket`."""
    r = trader[0].request
    r.instrument, r.side, r.type, r.quantity = instrument, side, kind, quantity
    r.limit, r.stop, r.target, r.loss = limit, stop, target, loss
    return order_in(trader[0], ASK_BRACKET)


@kernel
def cancel(trader: NDArray[np.void], order_id: int, reason: int) -> int:
    """See `framework.kernel.trader.propose.propose_cancel`."""
    trader[0].request.order_id, trader[0].request.reason = order_id, reason
    return order_in(trader[0], ASK_CANCEL)


@kernel
def replace(trader: NDArray[np.void], order_id: int, quantity: float, limit: float, stop: float) -> int:
    """See `framework.kernel.trader.propose.propose_replace`."""
    r = trader[0].request
    r.order_id, r.quantity, r.limit, r.stop = order_id, quantity, limit, stop
    return order_in(trader[0], ASK_REPLACE)


@kernel
def valuation(trader: int) -> tuple[float, float, float, float]:
    """(equity, cash, gross, net exposure) in the base currency at the present marks, of whoever orders now; by the root's address."""
    return _valuation(own_account(trader_row(trader, 0)))


@kernel
def deviation(trader: int, instrument: int, bars: int) -> float:
    """See `framework.kernel.market.marks.deviation`; by the root's address."""
    return _deviation(trader_row(trader, 0), instrument, bars)


@kernel
def mean_close(trader: int, instrument: int, bars: int) -> float:
    """See `framework.kernel.market.marks.mean_close`; by the root's address. NaN for fewer bars than 1 and more than are kept."""
    t = trader_row(trader, 0)
    return _mean_close(t, instrument, bars) if 0 < bars <= t.history_mask + 1 else math.nan


@kernel
def stance(trader: int, instrument: int) -> int:
    """See `framework.kernel.trader.alarms.stance_of`, of whoever orders now; by the root's address."""
    t = trader_row(trader, 0)
    return stance_of(t, instrument, t.owner)


@kernel
def lots_at(trader: int, instrument: int, side: int, price: float) -> int:
    """Lots that stand at a price in units; by the root's address."""
    return lots_in(trader_row(trader, 0), instrument, side, price)


@kernel
def lots_in(t: TraderRoot, instrument: int, side: int, price: float) -> int:
    """Lots that stand at a price in units."""
    depth, terms = depth_of(t, instrument), terms_of(t, instrument)
    return _lots_at(t, depth, side, nearest_steps(price, terms.tick_numerator, terms.tick_denominator)) if depth.bids != 0 else 0


@kernel
def levels(trader: int, instrument: int, side: int, found: NDArray[np.int64]) -> int:
    """Write prices and lots of the best levels of a side into `found`, shape (n, 2); return how many there were."""
    t = trader_row(trader, 0)
    depth = depth_of(t, instrument)
    price, k = next_level(depth, side, 0), 0
    while price != 0 and k < len(found):
        found[k, 0], found[k, 1] = price, level_of(t, depth, side, price).lots
        price = next_level(depth, side, price)
        k += 1
    return k


@kernel
def imbalance(trader: int, instrument: int, levels: int) -> float:
    """See `framework.kernel.market.order_book.imbalance`; by the root's address."""
    t = trader_row(trader, 0)
    return _imbalance(t, depth_of(t, instrument), levels)


@kernel
def weighted_mid_ticks(trader: int, instrument: int) -> float:
    """See `framework.kernel.market.order_book.weighted_mid_ticks`; by the root's address."""
    t = trader_row(trader, 0)
    return _weighted_mid_ticks(t, depth_of(t, instrument))


@kernel
def sweep_ticks(trader: int, instrument: int, quantity: float) -> float:
    """See `framework.kernel.market.order_book.sweep_ticks`; of units, negative to sell, by the root's address."""
    return sweep_in(trader_row(trader, 0), instrument, quantity)


@kernel
def sweep_in(t: TraderRoot, instrument: int, quantity: float) -> float:
    """See `framework.kernel.market.order_book.sweep_ticks`; of units, negative to sell."""
    terms = terms_of(t, instrument)
    lots = nearest_steps(abs(quantity), terms.lot_numerator, terms.lot_denominator)
    return _sweep_ticks(t, depth_of(t, instrument), 1 if quantity > 0 else -1, lots)
