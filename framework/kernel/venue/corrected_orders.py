"""Corrections as the simulated venue takes them: its orders stand as the trader half's then do."""

from __future__ import annotations

from framework.kernel.layout.codes import CORRECTION, LIMIT, O_RESTING, ORDER_ENDED, ORDER_FOUND, ORDER_WORKS, S_WORKING
from framework.kernel.layout.roots import ExchangeRoot, TraderRoot, event_row, exchange_row, trader_row
from framework.kernel.machine.compile import address_of, call, kernel, outlined
from framework.kernel.market.lifecycle import correct
from framework.kernel.market.order_rows import is_done, order_of, unpack
from framework.kernel.venue.working_orders import join, open_rows, sweep
from framework.schema.event import Event


@kernel
def _find(t: TraderRoot, x: ExchangeRoot, event: Event, accepted_ns: int) -> None:
    """Let an order of ours work that nobody has sent in this run."""
    if not open_rows(x, event.w0):
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
    elif (event.flags == ORDER_WORKS or event.flags == ORDER_ENDED) and event.w0 < x.orders_count:
        order = order_of(x, event.w0)
        had_ended = is_done(order)
        correct(order, event)
        if had_ended and not is_done(order):
            join(x, order)
            x.working += 1
        elif not had_ended:
            sweep(x, order.instrument)


@kernel
def open_venue(trader: int, exchange: int) -> None:
    """Let the orders that a run begins with work from before its first event: any price of the tape is newer."""
    t, x = trader_row(trader, 0), exchange_row(exchange, 0)
    for k in range(t.log_count):
        row = event_row(t.log, k)
        if row.kind == CORRECTION and row.flags == ORDER_FOUND:
            _find(t, x, row, 0)
