"""Pre-trade checks: the gate between a wish and a sent order. Compiled, so that every kind of strategy passes through it.

The exposure rule, asked before sending: if every working market order and the worst side of the other working orders filled, gross
exposure must not pass `max_leverage` times equity,

    sum over instruments |lots| mark value  <=  max_leverage x equity.

With leverage 1 and no shorts this says that cash may not run out. Orders that reduce an exposure always pass. A sell sent
together with a buy may pay for it: the simulated broker asks again at each fill, of what is held then.

Where instruments ask for margin there is a second rule of the same form: with m the initial margin of each,

    sum over instruments |lots| mark value m  <=  equity.
"""

from __future__ import annotations

import numpy as np

from framework.kernel.account.positions import position_of, rate_of
from framework.kernel.layout.codes import (
    AT_CLOSE,
    AT_OPEN,
    GTD,
    LIMIT,
    MARKET,
    O_REDUCE_ONLY,
    R_CASH,
    R_EXPIRY,
    R_LEVERAGE,
    R_MARGIN,
    R_NO_DATA,
    R_NO_FX,
    R_NO_LOCATE,
    R_NONE,
    R_NOT_TRADABLE,
    R_POSITION,
    R_PRICE,
    R_QUANTITY,
    R_RANGE,
    R_SHORT,
    R_SIZE,
    STOP_LIMIT,
)
from framework.kernel.layout.roots import TraderRoot, order_row
from framework.kernel.machine.compile import kernel
from framework.kernel.market.costs import planned_cost
from framework.kernel.market.marks import book_of, mean_gap, terms_of
from framework.kernel.market.money import basis, lot_notional, notional_of
from framework.kernel.market.valuation import cash_value, initial_needed, projected_value, sum_up, worst_lots
from framework.schema.instrument import InstrumentKind
from framework.schema.order import Order
from framework.schema.units import LARGEST_STEPS

GAPS = 3.0
"""How many mean gaps are kept free. A normal distribution's mean gap is 0.8 of its deviation, so one rise in 120 is larger than three."""

_MOST_GAP = 2.0
"""No look at the gaps where this many times the target could be paid for."""

_INDEX = int(InstrumentKind.INDEX)
_EXPOSURE_SLACK = 1e-9
"""Relative room in the rule that is asked before sending, of prices that will have moved by the fill anyway."""


@kernel
def check(t: TraderRoot, order: Order) -> tuple[int, float, float]:
    """Check an order that stands in the trader's table but was not yet counted as working.

    Returns (reason, need, have): reason 0 approves; else the two numbers of the rule that was broken.
    """
    i, lots = order.instrument, order.quantity_lots
    terms, book = terms_of(t, i), book_of(t, i)
    if lots <= 0:
        return R_QUANTITY, float(lots), 1.0
    if lots > LARGEST_STEPS:
        return R_RANGE, lots * terms.lot, LARGEST_STEPS * terms.lot
    if (order.type == LIMIT or order.type == STOP_LIMIT) and order.limit_ticks <= 0:
        return R_PRICE, float(order.limit_ticks), 1.0
    if order.type > LIMIT and order.stop_ticks <= 0:
        return R_PRICE, float(order.stop_ticks), 1.0
    if order.time_in_force == GTD and order.expire_ns <= t.now_ns:
        return R_EXPIRY, float(order.expire_ns), float(t.now_ns)
    if (order.time_in_force == AT_OPEN or order.time_in_force == AT_CLOSE) and order.type > LIMIT:
        return R_EXPIRY, float(order.type), float(LIMIT)  # auctions take market and limit orders
    if terms.kind == _INDEX or book.delisted:
        return R_NOT_TRADABLE, lots * terms.lot, 0.0
    if book.seen_ns == 0:
        return R_NO_DATA, 1.0, 0.0
    rate = rate_of(t, terms.currency)
    if not rate > 0.0:
        return R_NO_FX, 1.0, 0.0
    return _check_exposure(t, order, rate)


@kernel
def _closes_parent(t: TraderRoot, order: Order) -> bool:
    """Whether an order that waits for another's fill only closes what that one opens."""
    if order.parent_id < 0:
        return False
    parent = order_row(t.orders, order.parent_id)
    return parent.instrument == order.instrument and parent.side != order.side and order.quantity_lots <= parent.quantity_lots


@kernel
def _check_exposure(t: TraderRoot, order: Order, rate: float) -> tuple[int, float, float]:
    i, lots, risk = order.instrument, order.quantity_lots, t.risk
    terms, book, position = terms_of(t, i), book_of(t, i), position_of(t, i)
    price = book.mark_ticks if order.type == MARKET or order.limit_ticks == 0 else float(order.limit_ticks)
    notional = notional_of(terms, lots, price) * rate
    if risk.max_order_notional > 0.0 and notional > risk.max_order_notional:
        return R_SIZE, notional, risk.max_order_notional
    before = worst_lots(position, 0, 0)
    buys = lots if order.side > 0 else 0
    sells = lots - buys
    if order.flags & O_REDUCE_ONLY or _closes_parent(t, order):
        return R_NONE, 0.0, 0.0
    if risk.allow_short == 0:
        left = position.lots + min(position.market_lots, 0) - position.sell_lots
        if sells > 0 and left < sells:
            return R_SHORT, sells * terms.lot, max(left, 0) * terms.lot
    if sells > 0 and terms.located_lots >= 0:
        short = sells - (position.lots + min(position.market_lots, 0) - position.sell_lots)
        if short > terms.located_lots:
            return R_NO_LOCATE, short * terms.lot, terms.located_lots * terms.lot
    if order.type == MARKET:
        base = position.lots + position.market_lots + lots * order.side
        after = max(abs(base), max(base + position.buy_lots, position.sell_lots - base))
    else:
        after = worst_lots(position, buys, sells)
    if after <= before:
        return R_NONE, 0.0, 0.0
    sum_up(t)
    equity = cash_value(t) + t.net
    if after > LARGEST_STEPS:
        return R_RANGE, after * terms.lot, LARGEST_STEPS * terms.lot
    own = notional_of(terms, after, price) * rate
    if risk.max_position_weight > 0.0 and own > risk.max_position_weight * equity * (1.0 + _EXPOSURE_SLACK):
        return R_POSITION, own, risk.max_position_weight * equity
    need = own + t.projected - projected_value(t, i)
    equity += position.lots * (basis(terms, price) - basis(terms, book.mark_ticks)) * terms.point_value * rate
    free = equity - t.pending_costs - planned_cost(t, i, float(lots), price) * rate
    have = risk.max_leverage * free
    if need > have * (1.0 + _EXPOSURE_SLACK):
        return (R_CASH if risk.max_leverage <= 1.0 else R_LEVERAGE), need, have
    if t.has_margin != 0:
        need = own * terms.initial_margin + initial_needed(t, i)
        if need > free * (1.0 + _EXPOSURE_SLACK):
            return R_MARGIN, need, free
    return R_NONE, 0.0, 0.0


@kernel
def _affordable_at_gap(t: TraderRoot, instrument: int, target: float, weight: float, equity: float) -> float:
    """What of a target can be paid for if the price moves by an unusual gap until the fill; signed lots, never less than is held of it.

    With T the target, h what is held on its side (negative: on the other), v the value of a lot and g `GAPS` times the mean gap,

        |T| v + g v (|T| - h)   <=   own,

    where own is the instrument's part of what the leverage limit allows: its share of the weights that are set together, else what
    others leave. Only what is added waits for a price, so what is held is never sold for it, and a target below the limit is kept.

    Assumptions: the move to the next fill is as large as the last gaps between bars were.
    Fails when: news come overnight, or many instruments that were set one by one gap together: then cash cuts the order.
    """
    side = 1.0 if target > 0.0 else -1.0
    held, wanted = position_of(t, instrument).lots * side, abs(target)
    if wanted <= held:
        return target
    terms, book = terms_of(t, instrument), book_of(t, instrument)
    value = lot_notional(terms, book.mark_ticks) * rate_of(t, terms.currency)
    own = t.risk.max_leverage * equity
    if t.request.gross > 0.0:
        own *= abs(weight) / t.request.gross
    else:
        own -= t.projected - projected_value(t, instrument)
    if t.has_margin != 0 and terms.initial_margin > 0.0:
        own = min(own, (equity - initial_needed(t, instrument)) / terms.initial_margin)
    if own > _MOST_GAP * wanted * value or own * (1.0 + _EXPOSURE_SLACK) < wanted * value:
        return target  # far within the limit, or beyond it: that is refused, not cut
    gap = GAPS * mean_gap(t, instrument)
    if book.bid > 0 and book.ask > 0:
        gap += 0.5 * (book.ask - book.bid) / book.mark_ticks
    most = (own / value + gap * held) / (1.0 + gap)
    return side * min(wanted, max(most, max(held, 0.0)))


@kernel
def target_lots(t: TraderRoot, instrument: int, weight: float) -> float:
    """The signed lots that make `weight` of equity at the present mark, rounded toward zero; a float, since they may be beyond every range.

    What the change is expected to cost comes out of the position itself, and equity is what is left after the expected costs
    of all working orders: so weights that add up to the leverage limit pass the exposure rule. Where they do, `_affordable_at_gap` leaves
    room for the price to move until the fill.
    """
    terms, book, position = terms_of(t, instrument), book_of(t, instrument), position_of(t, instrument)
    rate = rate_of(t, terms.currency)
    if book.seen_ns == 0 or not rate > 0.0:
        return 0.0
    sum_up(t)
    equity = cash_value(t) + t.net - t.pending_costs
    if equity < 0.0:
        equity = 0.0  # a share of less than nothing is nothing: whatever is held is closed
    value = lot_notional(terms, book.mark_ticks) * rate
    target = weight * equity / value
    change = target - position.lots
    if weight != 0.0 and change != 0.0:
        cost = planned_cost(t, instrument, abs(change), book.mark_ticks) * rate
        target -= min(cost / value, abs(target)) if target > 0.0 else -min(cost / value, abs(target))
        target = _affordable_at_gap(t, instrument, target, weight, equity)
    return float(np.trunc(target + (1e-9 if target > 0.0 else -1e-9)))
