"""What a venue answers about an order, and what follows from it.

Groups live here, not at the venue: when a parent fills its children are released, when one member of a one-cancels-other group fills
the others are reduced or cancelled.

An answer that cannot be is an alarm, and nothing breaks. What was filled is held, whatever we thought of the order: such a fill is
booked, and the order's end stands. Everything else that the state does not allow changes nothing. Neither does an answer with a word
that cannot be: lots or a price that are no number of them, an amount that is no money, a reason that there is not, another instrument.
"""

from __future__ import annotations

from framework.kernel.account.ledger import book_fill
from framework.kernel.account.positions import position_of, rate_of
from framework.kernel.layout.codes import (
    A_INSTRUMENT,
    A_KIND,
    A_OVERFILL,
    A_RANGE,
    A_STATE,
    A_UNKNOWN_ORDER,
    ACCEPTED,
    C_FEE,
    C_HALF_SPREAD,
    C_IMPACT,
    C_VOLUME_SHARE,
    CANCEL_REJECTED,
    CANCELLED,
    COSTS,
    E_ACCEPT,
    E_CANCEL,
    E_EXPIRE,
    E_FILL_LAST,
    E_FILL_PART,
    E_LOSE,
    E_REJECT,
    E_REJECT_CANCEL,
    E_REPLACE,
    E_TRIGGER,
    EXPIRED,
    F_AMBIGUOUS,
    F_MORE,
    FILLED,
    INSTRUCTIONS,
    LOST,
    O_OCO,
    PLACED,
    R_LIQUIDATED,
    R_PARENT,
    R_SIBLING,
    R_STANCE,
    REJECTED,
    REPLACE,
    REPLACED,
    REPRICED,
    S_FILLED,
    S_HELD,
    S_NONE,
    S_PENDING_CANCEL,
    SUBMIT,
    TERMS,
    TRIGGERED,
)
from framework.kernel.layout.roots import TraderRoot
from framework.kernel.layout.stance_record import stance_row
from framework.kernel.machine.compile import inlined, kernel, real
from framework.kernel.machine.ratio import MOST
from framework.kernel.market.costs import note_traded
from framework.kernel.market.lifecycle import leaves, may
from framework.kernel.market.marks import terms_of
from framework.kernel.market.money import basis, notional_of
from framework.kernel.market.order_rows import is_done, order_of, pack
from framework.kernel.trader.alarms import raise_alarm
from framework.kernel.trader.issuing import ask_cancel, has_instructions, issue, take_end
from framework.kernel.trader.orders import asked_terms, count, is_counted, move, take_submit
from framework.kernel.trader.owner_bookings import share_costs, share_fill
from framework.kernel.trader.stances import hold_flat, is_restrained
from framework.schema.event import Event
from framework.schema.order import KNOWN_REASONS, Order, OrderType, TimeInForce
from framework.schema.units import LARGEST_STEPS

MOST_MONEY = 1e60
"""No amount in an answer is larger."""

_TYPES, _FORCES = len(OrderType), len(TimeInForce)


@inlined
def is_money(amount: float) -> bool:
    """Whether a number can be an amount of money; NaN and infinity cannot."""
    return -MOST_MONEY < amount < MOST_MONEY


@inlined
def _is_price(ticks: int) -> bool:
    """Whether a word can be a price, or 0 for none."""
    return 0 <= ticks <= LARGEST_STEPS


@kernel
def _has_room_for(t: TraderRoot, instrument: int, lots: int) -> bool:
    """Whether so many lots more stay within what a word can count."""
    position = position_of(t, instrument)
    held = max(abs(position.lots), abs(position.market_lots))
    return max(held, max(position.buy_lots, position.sell_lots)) + lots < MOST


@inlined
def _can_be_filled(t: TraderRoot, order: Order, event: Event) -> bool:
    lots = event.w2
    if not 0 < lots <= LARGEST_STEPS or not 0 < event.w1 <= LARGEST_STEPS:
        return False
    held = max(abs(position_of(t, order.instrument).lots), order.filled_lots)
    return held + lots < MOST and is_money(real(event.w3)) and is_money(real(event.w4))


@kernel
def _words_can_be(t: TraderRoot, order: Order, event: Event) -> bool:
    """Whether the words of any other answer than a fill can be."""
    kind = event.kind
    if kind == ACCEPTED:
        return True
    if kind == REPLACED:
        is_smaller = event.w2 < order.filled_lots and not _is_of_old_lots(t, order, event)
        is_quantity = 0 <= event.w2 <= LARGEST_STEPS and not is_smaller and _has_room_for(t, order.instrument, event.w2)
        return is_quantity and _is_price(event.w3) and _is_price(event.w4)
    if kind == COSTS:
        return is_money(real(event.w1)) and is_money(real(event.w2)) and is_money(real(event.w3))
    if kind == TRIGGERED:
        return _is_price(event.w1) and _is_price(event.w2)
    if kind == REPRICED:
        return _is_price(event.w3) and _is_price(event.w4)
    return 0 <= event.w1 < len(KNOWN_REASONS) and bool(KNOWN_REASONS[event.w1])


@kernel
def _is_of_old_lots(t: TraderRoot, order: Order, event: Event) -> bool:
    """Whether an answer was given before the instrument's last split, which restated the order meanwhile."""
    split_ns = stance_row(t.stances, order.instrument).split_ns
    return split_ns != 0 and event.ts_venue_ns <= split_ns


@inlined
def _take_replaced(t: TraderRoot, event: Event) -> None:
    order = order_of(t, event.w0)
    if not may(order, E_REPLACE):
        raise_alarm(t, A_STATE, order.instrument, order.order_id, REPLACED, order.state)
        return
    if is_counted(order):
        count(t, order, -leaves(order))
    order.quantity_lots, order.limit_ticks, order.stop_ticks = event.w2, event.w3, event.w4
    order.changes_under_way = max(order.changes_under_way - 1, 0)
    if is_counted(order):
        count(t, order, leaves(order))
    move(t, order, E_REPLACE, REPLACED)


@inlined
def _move_by_fill(t: TraderRoot, order: Order, event: Event) -> None:
    """The order's part of a fill. It counts in any state; one that we hold is not held any more."""
    lots = event.w2
    how = E_FILL_LAST if lots >= leaves(order) else E_FILL_PART
    is_overfill = lots > leaves(order) and not _is_of_old_lots(t, order, event)
    if is_overfill or not may(order, how):
        is_too_much = is_overfill and (order.state == S_FILLED or may(order, how))
        raise_alarm(t, A_OVERFILL if is_too_much else A_STATE, order.instrument, order.order_id, FILLED, order.state)
    if is_counted(order):
        count(t, order, -lots)
    order.filled_lots += lots
    # the move must not count the leaves a second time: they are 0 for the last fill
    if may(order, how):
        move(t, order, how, FILLED)
    elif order.state == S_HELD:
        order.state, order.done_ns = S_FILLED, t.now_ns


@inlined
def _take_fill(t: TraderRoot, event: Event) -> None:
    order = order_of(t, event.w0)
    if not _can_be_filled(t, order, event):
        raise_alarm(t, A_RANGE, order.instrument, order.order_id, FILLED, order.state)
        return
    instrument, lots, fee, slippage = order.instrument, event.w2, real(event.w3), real(event.w4)
    _move_by_fill(t, order, event)
    terms = terms_of(t, instrument)
    order.filled_value += lots * basis(terms, event.w1) + order.side * slippage / terms.point_value
    order.fees += fee
    rate = rate_of(t, terms.currency)
    if t.tiers_count != 0:
        note_traded(t, notional_of(terms, lots, event.w1) * rate)
    t.cost_totals[C_FEE] += fee * rate
    made = book_fill(t, order.order_id, instrument, order.side * lots, event.w1, slippage, fee)
    if t.owners_count != 0:
        share_fill(t, order, lots, event.w1, slippage, fee)
    if event.flags & F_AMBIGUOUS:
        t.ambiguous_fills += 1
        t.ambiguous_pnl += made * rate
    _react_to_fill(t, order, lots)
    if t.has_stance != 0:
        hold_flat(t, instrument)


@kernel
def _take_placed(t: TraderRoot, event: Event) -> None:
    """The broker placed an order for our account. It works already; its reason stays, also when it fills."""
    is_instrument = 0 <= event.instrument < t.positions_count
    is_type = event.w1 >= 0 and event.w1 & 0xFF < _TYPES and (event.w1 >> 8) & 0xFF < _FORCES
    is_price = _is_price(event.w3) and _is_price(event.w4)
    if not (is_instrument and is_type and is_price and 0 < event.w2 <= LARGEST_STEPS and _has_room_for(t, event.instrument, event.w2)):
        raise_alarm(t, A_RANGE, event.instrument, event.w0, PLACED, S_NONE)
        return
    take_submit(t, event)
    order = order_of(t, event.w0)
    move(t, order, E_ACCEPT, PLACED)
    order.accepted_ns, order.reason = event.ts_venue_ns, R_LIQUIDATED


@inlined
def _take_costs(t: TraderRoot, event: Event) -> None:
    rate = rate_of(t, terms_of(t, event.instrument).currency)
    t.cost_totals[C_HALF_SPREAD] += real(event.w1) * rate
    t.cost_totals[C_VOLUME_SHARE] += real(event.w2) * rate
    t.cost_totals[C_IMPACT] += real(event.w3) * rate
    if t.owners_count != 0:
        share_costs(t, event, rate)


@inlined
def _release(t: TraderRoot, child: Order, lots: int) -> None:
    """Send a child for what its parent has filled, unless a stance has come meanwhile that refuses it."""
    if t.has_stance != 0 and is_restrained(t, child):
        issue(t, CANCELLED, 0, child, R_STANCE, 0, 0, 0, False)
        return
    more = F_MORE if has_instructions(child) else 0
    issue(t, SUBMIT, F_MORE, child, pack(child), lots, child.limit_ticks, child.stop_ticks, True)
    issue(t, TERMS, more, child, child.trail, child.expire_ns, child.parent_id, child.group_id, True)
    if more:
        issue(t, INSTRUCTIONS, 0, child, child.display_lots, child.peg_offset, child.peg_cap, child.limit_offset, True)


@kernel
def _react_to_fill(t: TraderRoot, order: Order, lots: int) -> None:
    """Release children, keep a group consistent, stop the entry of a bracket whose exit has begun."""
    k = order.order_id + 1
    while k < t.orders_count and order_of(t, k).parent_id == order.order_id:
        child = order_of(t, k)
        if child.state == S_HELD:
            _release(t, child, lots)
        elif not is_done(child) and child.state != S_PENDING_CANCEL:  # what is being taken back grows no more
            child_lots, limit_ticks, stop_ticks = asked_terms(child)
            issue(t, REPLACE, 0, child, 0, child_lots + lots, limit_ticks, stop_ticks, True)
        k += 1
    if order.flags & O_OCO and order.group_id >= 0:
        k = order.group_id
        while k < t.orders_count and order_of(t, k).group_id == order.group_id:
            other = order_of(t, k)
            if k != order.order_id and not is_done(other):
                other_lots, limit_ticks, stop_ticks = asked_terms(other)
                rest = other_lots - lots
                if order.state == S_FILLED or rest <= other.filled_lots:
                    ask_cancel(t, other, R_SIBLING)
                elif other.state != S_PENDING_CANCEL and other.state != S_HELD:  # one that is held is sent with what its parent fills
                    issue(t, REPLACE, 0, other, 0, rest, limit_ticks, stop_ticks, True)
            k += 1
    if order.parent_id >= 0:
        parent = order_of(t, order.parent_id)
        if not is_done(parent):
            ask_cancel(t, parent, R_SIBLING)


@kernel
def _react_to_end(t: TraderRoot, order: Order) -> None:
    """Children of a parent that ended without a fill end with it."""
    if order.filled_lots > 0:
        return
    k = order.order_id + 1
    while k < t.orders_count and order_of(t, k).parent_id == order.order_id:
        child = order_of(t, k)
        if child.state == S_HELD:
            issue(t, CANCELLED, 0, child, R_PARENT, 0, 0, 0, False)
        k += 1


@inlined
def _take_end_of(t: TraderRoot, event: Event) -> None:
    kind = event.kind
    if take_end(t, event, E_CANCEL if kind == CANCELLED else (E_EXPIRE if kind == EXPIRED else E_REJECT)):
        _react_to_end(t, order_of(t, event.w0))


@kernel
def _take_rest(t: TraderRoot, event: Event, order: Order) -> None:
    """An answer that is told seldom."""
    kind = event.kind
    if kind == TRIGGERED:
        if move(t, order, E_TRIGGER, kind) and event.w2 != 0:
            order.stop_ticks, order.limit_ticks = event.w1, event.w2
    elif kind == REPRICED:
        if is_done(order) or order.state == S_HELD:
            raise_alarm(t, A_STATE, order.instrument, order.order_id, kind, order.state)
            return
        order.limit_ticks = event.w3
        if event.w4 != 0:
            order.stop_ticks = event.w4
    elif kind == REPLACED:
        _take_replaced(t, event)
    elif kind == CANCEL_REJECTED:
        if move(t, order, E_REJECT_CANCEL, kind):
            order.changes_under_way = max(order.changes_under_way - 1, 0)
    elif kind == LOST:
        t.has_stance = 1
        if move(t, order, E_LOSE, kind):
            order.reason = event.w1


@inlined
def apply_order_answer(t: TraderRoot, event: Event) -> None:
    """Apply what a venue or broker says of an order."""
    kind, order_id = event.kind, event.w0
    if kind == PLACED and order_id == t.orders_count:
        _take_placed(t, event)
        return
    if not ACCEPTED <= kind <= LOST:
        raise_alarm(t, A_KIND, event.instrument, order_id, kind, S_NONE)
        return
    if order_id < 0 or order_id >= t.orders_count:
        raise_alarm(t, A_UNKNOWN_ORDER, event.instrument, order_id, kind, S_NONE)
        return
    order = order_of(t, order_id)
    if event.instrument != order.instrument:
        raise_alarm(t, A_INSTRUMENT, order.instrument, order_id, kind, order.state)
    elif kind == FILLED:
        _take_fill(t, event)
    elif kind == PLACED:
        raise_alarm(t, A_STATE, order.instrument, order_id, kind, order.state)
    elif not _words_can_be(t, order, event):
        raise_alarm(t, A_RANGE, order.instrument, order_id, kind, order.state)
    elif kind == COSTS:
        _take_costs(t, event)
    elif kind == ACCEPTED:
        if move(t, order, E_ACCEPT, kind) and order.accepted_ns == 0:
            order.accepted_ns = event.ts_venue_ns
    elif kind == CANCELLED or kind == EXPIRED or kind == REJECTED:
        _take_end_of(t, event)
    else:
        _take_rest(t, event, order)
