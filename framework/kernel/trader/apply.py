"""The trader half: `apply(trader, event)` is the only function that changes what we know and own.

Whatever we decide goes through `issue`: the event is written to the log, applied, and, where it must leave, put into the
outbox. A world takes the outbox and sends it. Groups live here, not at the venue: when a parent fills its children are
released, when one member of a one-cancels-other group fills the others are reduced or cancelled.
"""

from __future__ import annotations

from framework.kernel.account.corporate_actions import book_delisting, book_dividend, book_split
from framework.kernel.account.ledger import book_charge, book_fill, book_settlement
from framework.kernel.account.positions import rate_of
from framework.kernel.account.result_rows import record_flow
from framework.kernel.layout.codes import (
    ACCEPTED,
    BAR,
    BROKEN_BY_EVENT,
    C_FEE,
    C_HALF_SPREAD,
    C_IMPACT,
    C_VOLUME_SHARE,
    CANCEL,
    CANCEL_REJECTED,
    CANCELLED,
    CHARGE,
    COSTS,
    DELIST,
    DEPTH,
    DIVIDEND,
    E_ACCEPT,
    E_ASK_REPLACE,
    E_CANCEL,
    E_EXPIRE,
    E_FILL_LAST,
    E_FILL_PART,
    E_REJECT,
    E_REJECT_CANCEL,
    E_REPLACE,
    E_TRIGGER,
    EXPIRED,
    F_AMBIGUOUS,
    F_CHANGE,
    F_MORE,
    FILLED,
    GAP,
    HALT,
    INSTRUCTIONS,
    MARK_PRICE,
    O_LIQUIDATION,
    O_OCO,
    O_OWN_TERMS,
    PLACED,
    PRICE_LIMITS,
    QUOTE,
    R_LIQUIDATED,
    R_PARENT,
    R_SIBLING,
    REFUSED,
    REJECTED,
    REPLACE,
    REPLACED,
    REPRICED,
    S_FILLED,
    S_HELD,
    S_NONE,
    S_PENDING_CANCEL,
    SESSION,
    SETTLED,
    SPLIT,
    SUBMIT,
    TERMS,
    TRADE_TICK,
    TRAILING_LIMIT,
    TRIGGERED,
)
from framework.kernel.layout.log import apply_answer, write
from framework.kernel.layout.roots import TraderRoot, event_row, trader_row
from framework.kernel.layout.table_room import OUTBOX, count_command, has_row
from framework.kernel.layout.venue_records import session_row
from framework.kernel.machine.compile import Unit, address_of, call, inlined, kernel, real
from framework.kernel.market.costs import note_traded
from framework.kernel.market.displacement import restate_volume
from framework.kernel.market.lifecycle import leaves
from framework.kernel.market.marks import marks_of, see_bar, see_mark, see_quote, terms_of
from framework.kernel.market.money import basis, notional_of
from framework.kernel.market.order_book import lose_depth
from framework.kernel.market.order_rows import is_done, order_of, pack, take_instructions
from framework.kernel.market.price_limit_rules import apply_limits
from framework.kernel.market.sessions import apply_halt, apply_session
from framework.kernel.trader.orders import (
    asked_terms,
    count,
    first_live,
    is_counted,
    move,
    next_live,
    restate_orders,
    take_cancel_request,
    take_refusal,
    take_submit,
    take_terms,
)
from framework.schema.event import NO_INSTRUMENT, Event
from framework.schema.order import Order


@kernel
def issue(t: TraderRoot, kind: int, flags: int, order: Order, w1: int, w2: int, w3: int, w4: int, leaves_us: bool) -> None:
    """Write and apply something we decided; `leaves_us` puts a copy into the outbox."""
    row = write(t, kind, flags, order.instrument, t.now_ns, order.order_id, w1, w2, w3, w4)
    if kind == SUBMIT:
        count_command(t)
        take_submit(t, row)
    elif kind == TERMS:
        take_terms(t, row)
    elif kind == INSTRUCTIONS:
        take_instructions(order, row)
    elif kind == REFUSED:
        if flags & F_CHANGE:
            count_command(t)
        take_refusal(t, row)
    elif kind == CANCEL:
        count_command(t)
        take_cancel_request(t, row)
    elif kind == REPLACE:
        count_command(t)
        _take_replace_request(t, row)
    elif kind == CANCELLED:
        _take_end(t, row, E_CANCEL)
    if leaves_us and has_row(t, t.outbox_count, t.outbox_capacity, OUTBOX):
        out = event_row(t.outbox, t.outbox_count)
        out.ts_local_ns, out.ts_venue_ns, out.kind, out.flags, out.instrument = t.now_ns, t.now_ns, kind, flags, order.instrument
        out.w0, out.w1, out.w2, out.w3, out.w4 = row.w0, w1, w2, w3, w4
        t.outbox_count += 1


@kernel
def has_instructions(order: Order) -> bool:
    """Whether an order has terms that only ORDER_INSTRUCTIONS tell."""
    return order.flags & O_OWN_TERMS != 0 or order.type == TRAILING_LIMIT


@kernel
def ask_cancel(t: TraderRoot, order: Order, reason: int) -> bool:
    """Ask for a cancel; False where the order has ended, a cancel is under way, or it is the broker's."""
    if is_done(order) or order.state == S_PENDING_CANCEL or order.flags & O_LIQUIDATION:
        return False
    issue(t, CANCEL, 0, order, reason, 0, 0, 0, order.state != S_HELD)
    return True


@kernel
def _take_replace_request(t: TraderRoot, event: Event) -> None:
    order = order_of(t, event.w0)
    order.changes_under_way += 1
    order.asked_lots, order.asked_limit_ticks, order.asked_stop_ticks = event.w2, event.w3, event.w4
    move(t, order, E_ASK_REPLACE)


@kernel
def _take_end(t: TraderRoot, event: Event, how: int) -> None:
    order = order_of(t, event.w0)
    order.reason = event.w1
    order.need, order.have = real(event.w2), real(event.w3)
    move(t, order, how)


@inlined
def _take_replaced(t: TraderRoot, event: Event) -> None:
    order = order_of(t, event.w0)
    if is_counted(order):
        count(t, order, -leaves(order))
    order.quantity_lots, order.limit_ticks, order.stop_ticks = event.w2, event.w3, event.w4
    order.changes_under_way = max(order.changes_under_way - 1, 0)
    if is_counted(order):
        count(t, order, leaves(order))
    move(t, order, E_REPLACE)


@inlined
def _take_fill(t: TraderRoot, event: Event) -> None:
    order = order_of(t, event.w0)
    lots, fee, slippage = event.w2, real(event.w3), real(event.w4)
    if is_counted(order):
        count(t, order, -lots)
    order.filled_lots += lots
    # the move below must not count the leaves a second time: they are 0 for the last fill
    if not move(t, order, E_FILL_LAST if leaves(order) <= 0 else E_FILL_PART):
        return
    terms = terms_of(t, order.instrument)
    order.filled_value += lots * basis(terms, event.w1) + order.side * slippage / terms.point_value
    order.fees += fee
    rate = rate_of(t, terms.currency)
    if t.tiers_count != 0:
        note_traded(t, notional_of(terms, lots, event.w1) * rate)
    t.cost_totals[C_FEE] += fee * rate
    made = book_fill(t, order.order_id, order.instrument, order.side * lots, event.w1, slippage, fee)
    if event.flags & F_AMBIGUOUS:
        t.ambiguous_fills += 1
        t.ambiguous_pnl += made * rate
    _react_to_fill(t, order, lots)


@kernel
def _take_placed(t: TraderRoot, event: Event) -> None:
    """The broker placed an order for our account. It works already; its reason stays, also when it fills."""
    take_submit(t, event)
    order = order_of(t, event.w0)
    move(t, order, E_ACCEPT)
    order.accepted_ns, order.reason = event.ts_venue_ns, R_LIQUIDATED


@inlined
def _take_costs(t: TraderRoot, event: Event) -> None:
    rate = rate_of(t, terms_of(t, event.instrument).currency)
    t.cost_totals[C_HALF_SPREAD] += real(event.w1) * rate
    t.cost_totals[C_VOLUME_SHARE] += real(event.w2) * rate
    t.cost_totals[C_IMPACT] += real(event.w3) * rate


@kernel
def _react_to_fill(t: TraderRoot, order: Order, lots: int) -> None:
    """Release children, keep a group consistent, stop the entry of a bracket whose exit has begun."""
    k = order.order_id + 1
    while k < t.orders_count and order_of(t, k).parent_id == order.order_id:
        child = order_of(t, k)
        if child.state == S_HELD:
            more = F_MORE if has_instructions(child) else 0
            issue(t, SUBMIT, F_MORE, child, pack(child), lots, child.limit_ticks, child.stop_ticks, True)
            issue(t, TERMS, more, child, child.trail, child.expire_ns, child.parent_id, child.group_id, True)
            if more:
                issue(t, INSTRUCTIONS, 0, child, child.display_lots, child.peg_offset, child.peg_cap, child.limit_offset, True)
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
def _apply_answer(t: TraderRoot, event: Event) -> None:
    kind = event.kind
    if kind == CHARGE:
        book_charge(t, event.w0, real(event.w1), event.w2)
        if event.instrument != NO_INSTRUMENT:
            record_flow(t, event.instrument, event.w0, -real(event.w1), event.w2)
        return
    if kind == SETTLED:
        book_settlement(t, event.instrument, real(event.w0))
        return
    if kind == PLACED and event.w0 == t.orders_count:
        _take_placed(t, event)
        return
    if event.w0 < 0 or event.w0 >= t.orders_count:
        t.broken, t.broken_order, t.broken_state, t.broken_event = BROKEN_BY_EVENT, event.w0, 0, kind
        return
    order = order_of(t, event.w0)
    if kind == FILLED:
        _take_fill(t, event)
    elif kind == COSTS:
        _take_costs(t, event)
    elif kind == ACCEPTED:
        if move(t, order, E_ACCEPT) and order.accepted_ns == 0:
            order.accepted_ns = event.ts_venue_ns
    elif kind == TRIGGERED:
        move(t, order, E_TRIGGER)
        if event.w2 != 0:
            order.stop_ticks, order.limit_ticks = event.w1, event.w2
    elif kind == REPRICED:
        order.limit_ticks = event.w3
        if event.w4 != 0:
            order.stop_ticks = event.w4
    elif kind == REPLACED:
        _take_replaced(t, event)
    elif kind == CANCEL_REJECTED and order.state != S_NONE:  # else it ended so long ago that memory has let it go
        order.changes_under_way = max(order.changes_under_way - 1, 0)
        move(t, order, E_REJECT_CANCEL)
    elif kind == CANCELLED or kind == EXPIRED or kind == REJECTED:
        _take_end(t, event, E_CANCEL if kind == CANCELLED else (E_EXPIRE if kind == EXPIRED else E_REJECT))
        _react_to_end(t, order)


@kernel
def end_held(t: TraderRoot, reason: int) -> None:
    """End every child that still waits for its parent."""
    if t.has_held == 0:
        return
    k = first_live(t)
    while k < t.orders_count:
        order = order_of(t, k)
        k = next_live(t, k)
        if order.state == S_HELD:
            issue(t, CANCELLED, 0, order, reason, 0, 0, 0, False)


def _answer_unit(trader: int, event: int) -> int:
    _apply_answer(trader_row(trader, 0), event_row(event, 0))
    return 0


ANSWERS = Unit(_answer_unit)


@kernel
def apply_market(t: TraderRoot, event: Event) -> None:
    """Apply what the market says, save bars."""
    kind = event.kind
    if kind == QUOTE:
        see_quote(t, event)
    elif kind == SPLIT:
        restate_orders(t, event, True)
        book_split(t, event.instrument, event.w0, event.w1)
        if t.volumes_count != 0:
            restate_volume(t, event.instrument, event.w0, event.w1)
        lose_depth(t, event.instrument)
        marks = marks_of(t, event.instrument)
        marks.bid, marks.ask, marks.bid_lots, marks.ask_lots = 0, 0, 0, 0
        apply_limits(t, event)
    elif kind == DIVIDEND:
        restate_orders(t, event, False)
        book_dividend(t, event.instrument, event.w0)
    elif kind == DELIST:
        book_delisting(t, event.instrument, event.w0)
    elif kind == MARK_PRICE:
        see_mark(t, event)
    elif kind == HALT:
        apply_halt(marks_of(t, event.instrument), event)
    elif kind == PRICE_LIMITS or kind == SESSION:
        if kind == SESSION:
            apply_session(session_row(t.sessions, event.w0), event)
        apply_limits(t, event)
    elif (kind == DEPTH or kind == TRADE_TICK or kind == GAP) and t.see_tick != 0:
        call(t.see_tick, address_of(t), address_of(event))


@inlined
def apply(t: TraderRoot, event: Event) -> None:
    """Apply any event that came from outside, in the order of its stamp."""
    t.now_ns = event.ts_local_ns
    if event.kind == BAR:
        see_bar(t, event)
    elif event.kind < SUBMIT:
        apply_market(t, event)
    else:
        apply_answer(t, event)
