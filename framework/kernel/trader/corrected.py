"""Corrections as the trader half takes them: of its account, and of orders that stand otherwise at the venue than it knew."""

from __future__ import annotations

from framework.kernel.account.corrections import account_event_can_be, correct_account
from framework.kernel.layout.codes import (
    A_RANGE,
    A_UNKNOWN_ORDER,
    CORRECTION,
    E_ACCEPT,
    OF_CASH,
    ORDER_ENDED,
    ORDER_FOUND,
    ORDER_WORKS,
    S_NONE,
    S_UNKNOWN,
)
from framework.kernel.layout.log import write
from framework.kernel.layout.roots import TraderRoot, event_row, trader_row
from framework.kernel.layout.stance_record import stance_row
from framework.kernel.machine.compile import kernel, outlined
from framework.kernel.market.lifecycle import correct, leaves
from framework.kernel.market.order_rows import is_done, order_of
from framework.kernel.market.valuation import valuation
from framework.kernel.trader.alarms import NO_ORDER, raise_alarm
from framework.kernel.trader.order_answers import is_reason, placed_can_be
from framework.kernel.trader.orders import count, is_counted, move, take_submit
from framework.schema.event import Event


@kernel
def _can_be(t: TraderRoot, event: Event) -> bool:
    """Whether a correction of an order that we know says what can be."""
    order = order_of(t, event.w0)
    is_kind = event.flags == ORDER_WORKS or event.flags == ORDER_ENDED
    return is_kind and is_reason(event.w4) and event.instrument == order.instrument and 0 <= event.w1 <= order.quantity_lots


@outlined
def take_correction(t: TraderRoot, event: Event) -> bool:
    """Apply a correction; returns whether an order ended by it."""
    if event.flags <= OF_CASH:
        if account_event_can_be(t, event):
            correct_account(t, event)
        else:
            raise_alarm(t, A_RANGE, event.instrument, NO_ORDER, CORRECTION, S_NONE)
        return False
    is_found = event.flags == ORDER_FOUND
    if event.w0 < 0 or (event.w0 != t.orders_count if is_found else event.w0 >= t.orders_count):
        raise_alarm(t, A_UNKNOWN_ORDER, event.instrument, event.w0, CORRECTION, S_NONE)
        return False
    if not (placed_can_be(t, event) if is_found else _can_be(t, event)):
        raise_alarm(t, A_RANGE, event.instrument, event.w0, CORRECTION, S_NONE)
        return False
    if is_found:
        take_submit(t, event)
        order = order_of(t, event.w0)
        move(t, order, E_ACCEPT, CORRECTION)
        order.accepted_ns = t.now_ns
        return False
    order = order_of(t, event.w0)
    had_ended = is_done(order)
    if is_counted(order):
        count(t, order, -leaves(order))
    if order.state == S_UNKNOWN:
        stance_row(t.stances, order.instrument).unknown_orders -= 1
    correct(order, event)
    order.changes_under_way = 0
    if is_counted(order):
        count(t, order, leaves(order))
    if is_done(order):
        order.done_ns = order.done_ns if had_ended else t.now_ns
        return not had_ended
    order.done_ns, t.first_live = 0, min(t.first_live, order.order_id)
    return False


@kernel
def open_account(trader: int, events: int, rows: int) -> float:
    """Begin a run with what corrections say, in the order of their rows; returns what the account is then worth.

    They stand at the start of the log. Nobody is woken by them: a strategy finds them in `on_start`.
    """
    t = trader_row(trader, 0)
    for k in range(rows):
        said = event_row(events, k)
        t.now_ns = said.ts_local_ns
        row = write(
            t,
            said.kind,
            said.flags,
            said.instrument,
            said.ts_venue_ns,
            said.w0,
            said.w1,
            said.w2,
            said.w3,
            said.w4,
        )
        take_correction(t, row)
    t.noticed = t.log_count
    return valuation(t)[0]
