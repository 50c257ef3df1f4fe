"""Pre-trade checks: the gate between a wish and a sent order. Compiled, so that every kind of strategy passes through it.

The stance is asked first: see `stances.py`.

The exposure rule, asked before sending: if every working market order and the worst side of the other working orders filled, gross
exposure must not pass `max_leverage` times equity,

    sum over instruments |lots| mark value  <=  max_leverage x equity.

With leverage 1 and no shorts this says that cash may not run out. Orders that reduce an exposure always pass. A sell sent
together with a buy may pay for it: the simulated broker asks again at each fill, of what is held then.

Where instruments ask for margin there is a second rule of the same form: with m the initial margin of each,

    sum over instruments |lots| mark value m  <=  equity.
"""

from __future__ import annotations

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
    R_OPTION,
    R_POSITION,
    R_PRICE,
    R_QUANTITY,
    R_RANGE,
    R_SHORT,
    R_SIZE,
    R_STANCE,
    STOP_LIMIT,
)
from framework.kernel.layout.roots import TraderRoot
from framework.kernel.machine.compile import kernel
from framework.kernel.market.costs import planned_cost
from framework.kernel.market.marks import marks_of, terms_of
from framework.kernel.market.money import basis, notional_of
from framework.kernel.market.valuation import WITH_ORDERS, cash_value, initial_needed, projected_value, sum_up, worst_lots
from framework.kernel.trader.alarms import stance_of
from framework.kernel.trader.stances import closes_parent, is_restrained, passes_up_to, worst_with
from framework.schema.instrument import InstrumentKind
from framework.schema.order import Order
from framework.schema.units import LARGEST_STEPS

_INDEX, _OPTION = int(InstrumentKind.INDEX), int(InstrumentKind.OPTION)
EXPOSURE_SLACK = 1e-9
"""Relative room in the rule that is asked before sending, of prices that will have moved by the fill anyway."""


@kernel
def check(t: TraderRoot, order: Order) -> tuple[int, float, float]:
    """Check an order that stands in the trader's table but was not yet counted as working.

    Returns (reason, need, have): reason 0 approves; else the two numbers of the rule that was broken.
    """
    i, lots = order.instrument, order.quantity_lots
    terms, marks = terms_of(t, i), marks_of(t, i)
    if t.has_stance != 0 and is_restrained(t, order):
        return R_STANCE, float(stance_of(t, i, order.owner)), float(passes_up_to(t, order))
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
    if terms.kind == _INDEX or marks.delisted:
        return R_NOT_TRADABLE, lots * terms.lot, 0.0
    if terms.kind == _OPTION:
        return R_OPTION, lots * terms.lot, 0.0
    if marks.seen_ns == 0:
        return R_NO_DATA, 1.0, 0.0
    rate = rate_of(t, terms.currency)
    if not rate > 0.0:
        return R_NO_FX, 1.0, 0.0
    return _check_exposure(t, order, rate)


@kernel
def _check_exposure(t: TraderRoot, order: Order, rate: float) -> tuple[int, float, float]:
    i, lots, risk = order.instrument, order.quantity_lots, t.risk
    terms, marks, position = terms_of(t, i), marks_of(t, i), position_of(t, i)
    price = marks.mark_ticks if order.type == MARKET or order.limit_ticks == 0 else float(order.limit_ticks)
    notional = notional_of(terms, lots, price) * rate
    if risk.max_order_notional > 0.0 and notional > risk.max_order_notional:
        return R_SIZE, notional, risk.max_order_notional
    before = worst_lots(position, 0, 0)
    sells = lots if order.side < 0 else 0
    if order.flags & O_REDUCE_ONLY or closes_parent(t, order):
        return R_NONE, 0.0, 0.0
    if risk.allow_short == 0:
        left = position.lots + min(position.market_lots, 0) - position.sell_lots
        if sells > 0 and left < sells:
            return R_SHORT, sells * terms.lot, max(left, 0) * terms.lot
    if sells > 0 and terms.located_lots >= 0:
        short = sells - (position.lots + min(position.market_lots, 0) - position.sell_lots)
        if short > terms.located_lots:
            return R_NO_LOCATE, short * terms.lot, terms.located_lots * terms.lot
    after = worst_with(t, order)
    if after <= before:
        return R_NONE, 0.0, 0.0
    sum_up(t)
    equity = cash_value(t) + t.net
    if after > LARGEST_STEPS:
        return R_RANGE, after * terms.lot, LARGEST_STEPS * terms.lot
    own = notional_of(terms, after, price) * rate
    if risk.max_position_weight > 0.0 and own > risk.max_position_weight * equity * (1.0 + EXPOSURE_SLACK):
        return R_POSITION, own, risk.max_position_weight * equity
    need = own + t.projected - projected_value(t, i)
    equity += position.lots * (basis(terms, price) - basis(terms, marks.mark_ticks)) * terms.point_value * rate
    free = equity - t.pending_costs - planned_cost(t, i, float(lots), price) * rate
    have = risk.max_leverage * free
    if need > have * (1.0 + EXPOSURE_SLACK):
        return (R_CASH if risk.max_leverage <= 1.0 else R_LEVERAGE), need, have
    if t.has_margin != 0:
        need = own * terms.initial_margin + initial_needed(t, i, WITH_ORDERS)
        if need > free * (1.0 + EXPOSURE_SLACK):
            return R_MARGIN, need, free
    return R_NONE, 0.0, 0.0
