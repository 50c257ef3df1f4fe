"""Self-trade prevention: what a venue does where an order of ours would trade with another order of ours.

An order that takes, or comes to rest, meets a resting limit of ours on the other side where its price reaches that limit and nobody
else's order stands before it: a better price, or the line ahead at the same price.

    cancel_newest   the order that comes is cancelled        CME tag 8000 = N, Binance EXPIRE_TAKER
    cancel_oldest   the order that rests is cancelled        CME tag 8000 = O, Binance EXPIRE_MAKER
    cancel_both     both are                                 Binance EXPIRE_BOTH
    decrement       both lose the smaller quantity; what is then of no quantity is cancelled     Binance DECREMENT

CME: "Self-Match Prevention", Client Systems Wiki. Binance: https://developers.binance.com/docs/binance-spot-api-docs/faqs/stp_faq.

Assumptions: the venue compares whenever it trades continuously; an auction and orders that arrive while it is closed are not compared.
Fails when: orders carry different instructions, or accounts trade under one firm.
"""

from __future__ import annotations

from framework.kernel.layout.codes import (
    CANCELLED,
    O_HIDDEN,
    O_ICEBERG,
    O_LIQUIDATION,
    R_SELF_TRADE,
    REPLACED,
    SELF_CANCEL_NEWEST,
    SELF_CANCEL_OLDEST,
    SELF_DECREMENT,
    SELF_IGNORED,
)
from framework.kernel.layout.roots import ExchangeRoot, TraderRoot
from framework.kernel.layout.venue_records import listing_row
from framework.kernel.machine.compile import inlined, kernel
from framework.kernel.market.lifecycle import leaves
from framework.kernel.market.marks import terms_of
from framework.kernel.market.order_rows import is_done
from framework.kernel.market.order_types import is_limit, rests
from framework.kernel.market.price_limit_rules import executes_at
from framework.kernel.venue.answers import answer, end_order
from framework.kernel.venue.order_table import order_of
from framework.schema.order import Order


@inlined
def is_prevented(x: ExchangeRoot, order: Order) -> bool:
    """Whether the venue looks for trades of this order with others of ours; the broker's own orders go on in any case."""
    return x.rules.self_trade != SELF_IGNORED and not order.flags & O_LIQUIDATION


@kernel
def meets(x: ExchangeRoot, order: Order, before: int) -> int:
    """The resting order of ours that `order` reaches first at a price better than `before` (0: at any); -1 for none.

    The best price first, what is shown there before what is hidden, then who came first. Where nothing executes none is met.
    """
    found, best, found_hidden, side = -1, 0, 0, order.side
    has_limit = is_limit(order)
    at = listing_row(x.listings, order.instrument).first
    while at >= 0:
        other = order_of(x, at)
        if other.side == -side and rests(other):
            price = other.limit_ticks
            reaches = not has_limit or (order.limit_ticks - price) * side >= 0
            hidden = other.flags & O_HIDDEN
            is_first = found < 0 or (best - price) * side > 0 or (best == price and hidden < found_hidden)
            executes = x.has_limits == 0 or executes_at(x, order.instrument, price)
            if reaches and executes and is_first and (before == 0 or (before - price) * side > 0):
                found, best, found_hidden = at, price, hidden
        at = other.next_working
    return found


@kernel
def _lose(t: TraderRoot, x: ExchangeRoot, order: Order, lots: int) -> None:
    """Take lots that would have traded with ourselves from an order; without a rest it is cancelled."""
    if leaves(order) <= lots:
        end_order(t, x, order, CANCELLED, R_SELF_TRADE, lots * terms_of(t, order.instrument).lot, 0.0)
        return
    order.quantity_lots -= lots
    if order.flags & O_ICEBERG:
        order.shown_lots = min(order.shown_lots, leaves(order))
    answer(t, x, REPLACED, 0, order.instrument, order.order_id, 0, order.quantity_lots, order.limit_ticks, order.stop_ticks)


@kernel
def settle(t: TraderRoot, x: ExchangeRoot, order: Order, other: Order) -> None:
    """Apply the venue's rule to the order that comes and the one that rests."""
    mode, lots = x.rules.self_trade, min(leaves(order), leaves(other))
    if mode == SELF_DECREMENT:
        _lose(t, x, order, lots)
        _lose(t, x, other, lots)
        return
    met = lots * terms_of(t, order.instrument).lot
    if mode != SELF_CANCEL_OLDEST:
        end_order(t, x, order, CANCELLED, R_SELF_TRADE, met, 0.0)
    if mode != SELF_CANCEL_NEWEST:
        end_order(t, x, other, CANCELLED, R_SELF_TRADE, met, 0.0)


@kernel
def prevent(t: TraderRoot, x: ExchangeRoot, order: Order, before: int) -> bool:
    """Apply the rule to all that `order` meets at prices better than `before` (0: any); return whether it goes on."""
    at = meets(x, order, before)
    while at >= 0:
        settle(t, x, order, order_of(x, at))
        if is_done(order):
            return False
        at = meets(x, order, before)
    return True
