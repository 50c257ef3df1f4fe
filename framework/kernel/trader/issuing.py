"""What we decide: written to the log, applied, and put into the outbox where it must leave."""

from __future__ import annotations

from framework.kernel.layout.codes import (
    CANCEL,
    CANCELLED,
    E_ASK_REPLACE,
    E_CANCEL,
    F_CHANGE,
    INSTRUCTIONS,
    O_LIQUIDATION,
    O_OWN_TERMS,
    REFUSED,
    REPLACE,
    S_HELD,
    S_PENDING_CANCEL,
    SUBMIT,
    TERMS,
    TRAILING_LIMIT,
)
from framework.kernel.layout.log import write
from framework.kernel.layout.roots import TraderRoot, event_row
from framework.kernel.layout.table_room import OUTBOX, count_command, has_row
from framework.kernel.machine.compile import kernel, real
from framework.kernel.market.order_rows import is_done, order_of, take_instructions
from framework.kernel.trader.orders import move, take_cancel_request, take_refusal, take_submit, take_terms
from framework.schema.event import Event
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
        take_end(t, row, E_CANCEL)
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
    move(t, order, E_ASK_REPLACE, event.kind)


@kernel
def take_end(t: TraderRoot, event: Event, how: int) -> bool:
    """An order has ended, with its reason and the numbers of it; False where it cannot have."""
    order = order_of(t, event.w0)
    if not move(t, order, how, event.kind):
        return False
    order.reason, order.need, order.have = event.w1, real(event.w2), real(event.w3)
    return True
