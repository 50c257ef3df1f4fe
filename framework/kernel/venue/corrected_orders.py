"""Corrections as the simulated venue takes them: its orders stand as the trader half's then do."""

from __future__ import annotations

from framework.kernel.layout.codes import CORRECTION, LIMIT, O_RESTING, ORDER_ENDED, ORDER_FOUND, ORDER_WORKS, S_CANCELLED, S_WORKING
from framework.kernel.layout.depth_records import word_row
from framework.kernel.layout.roots import ExchangeRoot, TraderRoot, event_row, exchange_row, trader_row
from framework.kernel.machine.compile import address_of, call, kernel, outlined
from framework.kernel.market.lifecycle import correct
from framework.kernel.market.order_rows import is_done, unpack
from framework.kernel.market.order_rows import order_of as known_order
from framework.kernel.venue.order_table import NOT_LISTED, ORDER_WORDS, open_row, order_of
from framework.kernel.venue.working_orders import join, sweep
from framework.schema.event import Event


@kernel
def _find(t: TraderRoot, x: ExchangeRoot, event: Event, accepted_ns: int) -> None:
    """Let an order of ours work that nobody has sent in this run."""
    if not open_row(t, x, event.w0):
        return
    order = order_of(x, event.w0)
    unpack(order, event)
    order.decided_ns, order.accepted_ns, order.state = event.ts_local_ns, accepted_ns, S_WORKING
    if order.type == LIMIT:
        order.flags |= O_RESTING
    join(x, order)
    x.working += 1
    if x.receive_order != 0:
        x.arrived = address_of(event)
        call(x.receive_order, address_of(x), address_of(t))


@outlined
def correct_at_venue(t: TraderRoot, x: ExchangeRoot, event: Event) -> None:
    """A correction of an order. Runs after the trader half applied the same event to its own."""
    if event.flags == ORDER_FOUND:
        _find(t, x, event, x.now_ns)
    elif event.flags == ORDER_ENDED or (event.flags == ORDER_WORKS and _has_row(t, x, event.w0)):
        order = order_of(x, event.w0)
        if order.order_id != event.w0:
            return  # it had ended so long ago that it was forgotten
        had_ended = is_done(order)
        correct(order, event)
        if had_ended and not is_done(order):
            join(x, order)
            x.working += 1
        elif not had_ended:
            sweep(x, order.instrument)


@kernel
def _has_row(t: TraderRoot, x: ExchangeRoot, order_id: int) -> bool:
    """Whether there is a row of an order; one that was forgotten gets one again, as the trader half knows it, among the ended."""
    if order_of(x, order_id).order_id == order_id:
        return True
    if not open_row(t, x, order_id):
        return False
    source, target = address_of(known_order(t, order_id)), address_of(order_of(x, order_id))
    for w in range(ORDER_WORDS):
        word_row(target, w).value = word_row(source, w).value
    order = order_of(x, order_id)
    order.next_working, order.state = NOT_LISTED, S_CANCELLED
    return True


@kernel
def open_venue(trader: int, exchange: int) -> None:
    """Let the orders that a run begins with work from before its first event: any price of the tape is newer."""
    t, x = trader_row(trader, 0), exchange_row(exchange, 0)
    for k in range(t.log_count):
        row = event_row(t.log, k)
        if row.kind == CORRECTION and row.flags == ORDER_FOUND:
            _find(t, x, row, 0)
