"""What a venue answers about an order, and what follows from it.

Groups live here, not at the venue: when a parent fills its children are released, when one member of a one-cancels-other group fills
the others are reduced or cancelled.

An answer that cannot be is an alarm, and nothing breaks. What was filled is held, whatever we thought of the order: such a fill is
booked, and the order's end stands. Everything else that the state does not allow changes nothing. Neither does an answer with a word
that cannot be: lots or a price that are no number of them, an amount that is no money, a reason that there is not, another instrument.
"""

from __future__ import annotations

from framework.kernel.account.corrections import is_money
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
from framework.kernel.machine.compile import inlined, kernel, outlined, real
from framework.kernel.machine.ratio import MOST
from framework.kernel.market.costs import note_traded
from framework.kernel.market.lifecycle import leaves, may
from framework.kernel.market.marks import terms_of
from framework.kernel.market.money import basis, notional_of
from framework.kernel.market.order_rows import is_done, order_of, pack
from framework.kernel.trader.alarms import raise_alarm, raise_alarm_of
from framework.kernel.trader.issuing import ask_cancel, has_instructions, issue, take_end
from framework.kernel.trader.orders import asked_terms, count, is_counted, move, take_submit
from framework.kernel.trader.owner_bookings import share_costs, share_fill
from framework.kernel.trader.stances import hold_flat, is_restrained
from framework.schema.event import Event
from framework.schema.order import KNOWN_REASONS, Order, OrderType, TimeInForce
from framework.schema.units import LARGEST_STEPS

_TYPES, _FORCES = len(OrderType), len(TimeInForce)


@inlined
def _is_price(ticks: int) -> bool:
    """Whether a word can be a price, or 0 for none."""
    return 0 <= ticks <= LARGEST_STEPS


@inlined
def is_reason(code: int) -> bool:
    """Whether a word is a reason that there is."""
    return 0 <= code < len(KNOWN_REASONS) and bool(KNOWN_REASONS[code])


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
    """Whether the words of any other answer than a fill, an acceptance or an end can be."""
    kind = event.kind
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
    return is_reason(event.w1)


@kernel
def _is_of_old_lots(t: TraderRoot, order: Order, event: Event) -> bool:
    """Whether an answer was given before the instrument's last split, which restated the order meanwhile."""
    split_ns = stance_row(t.stances, order.instrument).split_ns
    return split_ns != 0 and event.ts_venue_ns <= split_ns


@inlined
def _take_replaced(t: TraderRoot, event: Event) -> None:
    order = order_of(t, event.w0)
    if not may(order, E_REPLACE):
        raise_alarm_of(t, A_STATE, order, REPLACED)
        return
    if is_counted(order):
        count(t, order, -leaves(order))
    order.quantity_lots, order.limit_ticks, order.stop_ticks = event.w2, event.w3, event.w4
    order.changes_under_way = max(order.changes_under_way - 1, 0)
    if is_counted(order):
        count(t, order, leaves(order))
    move(t, order, E_REPLACE, REPLACED)


@outlined
def _question_fill(t: TraderRoot, order: Order, event: Event, is_allowed: bool) -> None:
    """Raise the alarm of a fill that the order's state does not allow, or of more than was left."""
    is_overfill = event.w2 > leaves(order) and not _is_of_old_lots(t, order, event)
    if is_overfill or not is_allowed:
        is_too_much = is_overfill and (order.state == S_FILLED or is_allowed)
        raise_alarm_of(t, A_OVERFILL if is_too_much else A_STATE, order, FILLED)


@inlined
def _move_by_fill(t: TraderRoot, order: Order, event: Event) -> None:
    """The order's part of a fill. It counts in any state; one that we hold is not held any more."""
    lots, left = event.w2, leaves(order)
    how = E_FILL_LAST if lots >= left else E_FILL_PART
    is_allowed = may(order, how)
    if lots > left or not is_allowed:
        _question_fill(t, order, event, is_allowed)
    if is_counted(order):
        count(t, order, -lots)
    order.filled_lots += lots
    if is_allowed:  # the move must not count the leaves a second time: they are 0 for the last fill
        move(t, order, how, FILLED)
    elif order.state == S_HELD:
        order.state, order.done_ns = S_FILLED, t.now_ns


@inlined
def _take_fill(t: TraderRoot, event: Event, order: Order) -> None:
    if not _can_be_filled(t, order, event):
        raise_alarm_of(t, A_RANGE, order, FILLED)
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
def placed_can_be(t: TraderRoot, event: Event) -> bool:
    """Whether an order that is at the venue without us having sent it says what can be."""
    is_instrument = 0 <= event.instrument < t.positions_count
    is_type = event.w1 >= 0 and event.w1 & 0xFF < _TYPES and (event.w1 >> 8) & 0xFF < _FORCES
    if not (is_instrument and is_type and _is_price(event.w3) and _is_price(event.w4)):
        return False
    return 0 < event.w2 <= LARGEST_STEPS and _has_room_for(t, event.instrument, event.w2)


@kernel
def _take_placed(t: TraderRoot, event: Event) -> None:
    """The broker placed an order for our account. It works already; its reason stays, also when it fills."""
    if not placed_can_be(t, event):
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
def react_to_end(t: TraderRoot, order: Order) -> None:
    """Children of a parent that ended without a fill end with it."""
    if order.filled_lots > 0:
        return
    k = order.order_id + 1
    while k < t.orders_count and order_of(t, k).parent_id == order.order_id:
        child = order_of(t, k)
        if child.state == S_HELD:
            issue(t, CANCELLED, 0, child, R_PARENT, 0, 0, 0, False)
        k += 1


@kernel
def _take_seldom(t: TraderRoot, event: Event, order: Order) -> None:
    kind = event.kind
    if kind == TRIGGERED:
        if move(t, order, E_TRIGGER, kind) and event.w2 != 0:
            order.stop_ticks, order.limit_ticks = event.w1, event.w2
    elif kind == REPRICED:
        if is_done(order) or order.state == S_HELD:
            raise_alarm_of(t, A_STATE, order, kind)
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


@kernel
def _take_other(t: TraderRoot, event: Event, order: Order) -> None:
    """Any answer but a fill, an acceptance or an end."""
    kind = event.kind
    if kind == PLACED:
        raise_alarm_of(t, A_STATE, order, kind)
    elif not _words_can_be(t, order, event):
        raise_alarm_of(t, A_RANGE, order, kind)
    elif kind == COSTS:
        _take_costs(t, event)
    else:
        _take_seldom(t, event, order)


@outlined
def _take_stray(t: TraderRoot, event: Event) -> None:
    """An answer of no kind, about no order that there is, or about one in another instrument; or the broker's new order."""
    kind, order_id = event.kind, event.w0
    if kind == PLACED and order_id == t.orders_count:
        _take_placed(t, event)
    elif not ACCEPTED <= kind <= LOST:
        raise_alarm(t, A_KIND, event.instrument, order_id, kind, S_NONE)
    elif order_id < 0 or order_id >= t.orders_count or order_of(t, order_id).state == S_NONE:
        if kind == CANCEL_REJECTED and 0 <= order_id < t.orders_count:
            return  # of an order that ended so long ago that memory has let it go
        raise_alarm(t, A_UNKNOWN_ORDER, event.instrument, order_id, kind, S_NONE)
    else:
        raise_alarm_of(t, A_INSTRUMENT, order_of(t, order_id), kind)


@inlined
def apply_order_answer(t: TraderRoot, event: Event) -> None:
    """Apply what a venue or broker says of an order."""
    kind, order_id = event.kind, event.w0
    if order_id < 0 or order_id >= t.orders_count or not ACCEPTED <= kind <= LOST:
        _take_stray(t, event)
        return
    order = order_of(t, order_id)
    if event.instrument != order.instrument or order.state == S_NONE:
        _take_stray(t, event)
    elif kind == FILLED:
        _take_fill(t, event, order)
    elif kind == ACCEPTED:
        if move(t, order, E_ACCEPT, kind) and order.accepted_ns == 0:
            order.accepted_ns = event.ts_venue_ns
    elif kind == CANCELLED or kind == EXPIRED or kind == REJECTED:
        if not is_reason(event.w1):
            raise_alarm_of(t, A_RANGE, order, kind)
        elif take_end(t, event, E_CANCEL if kind == CANCELLED else (E_EXPIRE if kind == EXPIRED else E_REJECT)):
            react_to_end(t, order)
    else:
        _take_other(t, event, order)
