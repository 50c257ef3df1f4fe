"""Orders as the trader half keeps them: counted against the risk rules, released, reduced and ended by events.

An order counts against exposure from its submission until it ends or its cancel is asked for. Groups lie in a row of the
table: the children of a parent follow it, the members of a group follow its first member.
"""

from __future__ import annotations

from framework.kernel.account.positions import position_of, rate_of, see_range
from framework.kernel.layout.codes import (
    A_STATE,
    E_ASK_CANCEL,
    E_CANCEL,
    E_HOLD,
    E_REFUSE,
    E_SUBMIT,
    F_CHANGE,
    F_HELD,
    F_REFUSED,
    MARKET,
    O_LIQUIDATION,
    O_REDUCE_ONLY,
    O_TARGET,
    PLACED,
    S_FILLED,
    S_HELD,
    S_UNKNOWN,
)
from framework.kernel.layout.roots import TraderRoot
from framework.kernel.layout.stance_record import stance_row
from framework.kernel.layout.table_room import ORDERS, has_row
from framework.kernel.machine.compile import inlined, kernel, outlined, real
from framework.kernel.market.costs import planned_cost
from framework.kernel.market.lifecycle import leaves, moved
from framework.kernel.market.marks import marks_of, terms_of
from framework.kernel.market.order_rows import clear, is_done, order_of, unpack
from framework.kernel.market.restated_terms import dividend_terms, dividend_ticks, split_terms
from framework.kernel.market.valuation import own_account, owner_account, present_owner, projected_value
from framework.kernel.trader.alarms import raise_alarm_of
from framework.schema.event import Event
from framework.schema.order import LAST_OWNER, Order, OrderState

_COUNTED = sum(1 << state for state in OrderState if OrderState.HELD < state < OrderState.FILLED and state != OrderState.PENDING_CANCEL)
_COUNTED |= 1 << OrderState.UNKNOWN
"""The states in which leaves count against exposure, as bits."""


@kernel
def is_counted(order: Order) -> bool:
    """Whether its leaves count against exposure."""
    return (_COUNTED >> int(order.state)) & 1 != 0


@inlined
def count(t: TraderRoot, order: Order, lots: int) -> None:
    """Add `lots` of the order to what counts as working in its instrument, in the account and for whose order it is."""
    _count(t, order, lots)
    if order.owner < t.owners_count:
        _count(present_owner(t, order.owner), order, lots)


@kernel
def _count(t: TraderRoot, order: Order, lots: int) -> None:
    """Add `lots` of the order to what counts as working in an account.

    What a target closes counts with the market orders, so that it pays for what others open, and with the reduce-only ones.
    """
    position = position_of(t, order.instrument)
    if order.flags & O_REDUCE_ONLY:
        if order.type == MARKET:
            position.reducing_lots += lots
            see_range(t, position.reducing_lots)
        if not order.flags & O_TARGET:
            return
    elif order.type == MARKET:
        position.plain_lots += lots
    has_sums = t.sums_ns == t.now_ns
    before = projected_value(t, order.instrument) if has_sums else 0.0
    if order.quantity_lots > 0:  # a reverse split may have left nothing of it
        t.pending_costs += order.planned_cost * (lots / order.quantity_lots)
    if order.type == MARKET:
        position.market_lots += order.side * lots
    elif order.side > 0:
        position.buy_lots += lots
    else:
        position.sell_lots += lots
    see_range(t, max(abs(position.market_lots), max(position.buy_lots, position.sell_lots)))
    if has_sums:
        t.projected += projected_value(t, order.instrument) - before


@inlined
def expected_lots(t: TraderRoot, instrument: int) -> int:
    """The position of whoever orders once its working market orders have filled one after the other; a reduce-only one fills what it
    then finds.
    """
    position = position_of(own_account(t), instrument)
    return int(_lots_in_turn(t, instrument) if position.reducing_lots != 0 else position.lots + position.market_lots)


@outlined
def _lots_in_turn(t: TraderRoot, instrument: int) -> int:
    position = position_of(own_account(t), instrument)
    lots, side = position.lots, 1 if position.market_lots > 0 else -1
    if position.plain_lots == 0 and position.reducing_lots == abs(position.market_lots):  # all are a target's, on one side
        return int(lots + side * min(position.reducing_lots, max(-side * lots, 0)))
    k = first_live(t)
    while k < t.orders_count:
        order = order_of(t, k)
        is_own = t.owners_count == 0 or order.owner == t.owner
        if order.instrument == instrument and is_own and order.type == MARKET and is_counted(order):
            wanted = leaves(order)
            if order.flags & O_REDUCE_ONLY:
                wanted = min(wanted, max(-order.side * lots, 0))
            lots += order.side * wanted
        k = next_live(t, k)
    return int(lots)


@outlined
def _count_unknown(t: TraderRoot, order: Order, before: int) -> None:
    if (before == S_UNKNOWN) != (order.state == S_UNKNOWN):
        stance_row(t.stances, order.instrument).unknown_orders += 1 if order.state == S_UNKNOWN else -1


@kernel
def move(t: TraderRoot, order: Order, event: int, said: int) -> bool:
    """Move an order, keep what counts as working in step, and stamp its end. What its state does not allow changes nothing and is an
    alarm, which tells by what kind of event it was `said`.
    """
    counted, before = is_counted(order), order.state
    if not moved(order, event):
        raise_alarm_of(t, A_STATE, order, said)
        return False
    if t.has_stance != 0:
        _count_unknown(t, order, before)
    if counted != is_counted(order):
        count(t, order, -leaves(order) if counted else leaves(order))
    if is_done(order) and order.done_ns == 0:
        order.done_ns = t.now_ns
    if order.state == S_FILLED and not order.flags & O_LIQUIDATION:
        order.reason = 0  # a cancel that was asked for lost its race
    return True


@inlined
def asked_terms(order: Order) -> tuple[int, int, int]:
    """(lots, limit, stop) of an order once all changes under way are made: what a further change starts from."""
    if order.changes_under_way > 0:
        return order.asked_lots, order.asked_limit_ticks, order.asked_stop_ticks
    return order.quantity_lots, order.limit_ticks, order.stop_ticks


@kernel
def take_submit(t: TraderRoot, event: Event) -> None:
    """A submit: a new order, or a held child released with the quantity its parent filled."""
    if event.w0 == t.orders_count and not has_row(t, t.orders_count, t.orders_capacity, ORDERS):
        return
    order = order_of(t, event.w0)
    if event.w0 == t.orders_count:
        clear(order)
        unpack(order, event)
        if event.kind == PLACED and t.owners_count != 0:
            order.owner = LAST_OWNER
        order.decided_ns = t.now_ns
        t.orders_count += 1
    elif order.state == S_HELD:
        order.quantity_lots = event.w2
    if event.flags & F_REFUSED:
        return  # the refusal follows and gives it its state
    marks, terms = marks_of(t, order.instrument), terms_of(t, order.instrument)
    price = float(order.limit_ticks) if order.limit_ticks > 0 else marks.mark_ticks
    order.planned_cost = planned_cost(t, order.instrument, float(order.quantity_lots), price) * rate_of(t, terms.currency)
    t.has_held |= event.flags & F_HELD
    move(t, order, E_HOLD if event.flags & F_HELD else E_SUBMIT, event.kind)
    if order.flags & O_TARGET:
        position_of(t, order.instrument).target_order = order.order_id
        if order.owner < t.owners_count:
            position_of(owner_account(t, order.owner), order.instrument).target_order = order.order_id


@inlined
def take_terms(t: TraderRoot, event: Event) -> None:
    """The further terms of the order just submitted."""
    order = order_of(t, event.w0)
    order.trail, order.expire_ns, order.parent_id, order.group_id = event.w1, event.w2, event.w3, event.w4


@inlined
def take_refusal(t: TraderRoot, event: Event) -> None:
    """A pre-trade check said no, to an order or to a change of one that stands as it was."""
    order = order_of(t, event.w0)
    if event.flags & F_CHANGE:
        return
    order.reason, order.need, order.have = event.w1, real(event.w2), real(event.w3)
    move(t, order, E_REFUSE, event.kind)


@inlined
def take_cancel_request(t: TraderRoot, event: Event) -> None:
    """We ask for a cancel; a held child needs nobody's consent."""
    order = order_of(t, event.w0)
    order.reason = event.w1
    move(t, order, E_CANCEL if order.state == S_HELD else E_ASK_CANCEL, event.kind)


@kernel
def first_live(t: TraderRoot) -> int:
    """No order before this one is alive."""
    while t.first_live < t.orders_count and is_done(order_of(t, t.first_live)):
        t.first_live = next_live(t, t.first_live)
    return t.first_live


@inlined
def next_live(t: TraderRoot, order_id: int) -> int:
    """The order after one in memory: none between them is alive."""
    return order_of(t, order_id).next_working if order_id < t.orders_gone else order_id + 1


@kernel
def restate_orders(t: TraderRoot, event: Event, is_split: bool) -> None:
    """Act on every live order of an instrument for a split or dividend."""
    k = first_live(t)
    while k < t.orders_count:
        order = order_of(t, k)
        k = next_live(t, k)
        if order.instrument != event.instrument or is_done(order):
            continue
        if is_split:
            if is_counted(order):
                count(t, order, -leaves(order))
            split_terms(order, event.w0, event.w1)
            if is_counted(order):
                count(t, order, leaves(order))
        else:
            dividend_terms(order, dividend_ticks(t, event.instrument, event.w0))
