"""The exchange half: the simulated venue. It answers commands; fills are made in `matching_bars.py`, the broker is `broker.py`.

Commands travel to the venue by order entry and answers come back as responses, each with a latency that is constant here
and drawn or interpolated in `varying_latency.py`.

Assumptions: a command is never lost.
Fails when: a venue drops messages.
"""

from __future__ import annotations

from framework.kernel.layout.codes import (
    ACCEPTED,
    CANCEL,
    CANCEL_REJECTED,
    CANCELLED,
    EXPIRED,
    F_MORE,
    INSTRUCTIONS,
    O_INSTRUCTED,
    O_LIQUIDATION,
    O_PEGGED,
    O_POST_ONLY,
    O_REDUCE_ONLY,
    O_RESTING,
    R_DATE,
    R_DONE,
    R_LIQUIDATED,
    R_NOT_TRADABLE,
    R_OUTSIDE,
    R_UNKNOWN,
    R_WOULD_TAKE,
    REJECTED,
    REPLACE,
    REPLACED,
    REPRICED,
    S_PARTIAL,
    S_TRIGGERED,
    S_WORKING,
    SUBMIT,
    TERMS,
)
from framework.kernel.layout.log import apply_answer, ship, write
from framework.kernel.layout.roots import ExchangeRoot, TraderRoot, event_row, exchange_row, trader_row
from framework.kernel.layout.table_room import ORDER_ENTRY, has_row
from framework.kernel.layout.venue_records import Listing, SessionHours, listing_row, session_row
from framework.kernel.machine.compile import Unit, address_of, call, inlined, kernel, outlined
from framework.kernel.market.marks import terms_of
from framework.kernel.market.order_rows import is_done, take_instructions, unpack
from framework.kernel.market.order_types import set_stop, trails, waits_for_trigger
from framework.kernel.market.price_limit_rules import bound_of
from framework.kernel.venue.admission import arriving, refusing_price, rests_on_quotes
from framework.kernel.venue.answers import answer, end_order
from framework.kernel.venue.kept_commands import keeps_command
from framework.kernel.venue.order_table import is_still_to_come, open_row, order_of
from framework.kernel.venue.self_trade import is_prevented, prevent
from framework.kernel.venue.working_orders import join, sweep, to_the_back
from framework.schema.event import Event, Kind
from framework.schema.order import Order

_TAKEN = int(Kind.NONE)
"""Kind of a message that was delivered ahead of its time."""


@kernel
def listing_of(x: ExchangeRoot, instrument: int) -> Listing:
    """The venue's row of one instrument."""
    return listing_row(x.listings, instrument)


@kernel
def session_of(t: TraderRoot, x: ExchangeRoot, instrument: int) -> SessionHours:
    """The session state of the instrument's calendar."""
    return session_row(x.sessions, terms_of(t, instrument).calendar)


@inlined
def is_open(t: TraderRoot, x: ExchangeRoot, instrument: int) -> bool:
    """Whether the venue trades an instrument continuously now."""
    session = session_of(t, x, instrument)
    return listing_of(x, instrument).halted == 0 and (session.known == 0 or session.is_open != 0)


@kernel
def is_liquidating(x: ExchangeRoot, instrument: int) -> bool:
    """Whether an order of the broker's works in an instrument."""
    last = listing_of(x, instrument).liquidation
    return last > 0 and not is_done(order_of(x, last - 1))


@kernel
def deliver(t: TraderRoot, x: ExchangeRoot) -> None:
    """Hand the first response to the trader half."""
    row = event_row(x.response, x.response_head)
    x.response_head += 1
    if row.kind != _TAKEN:
        t.now_ns = row.ts_local_ns
        _hand_over(t, row)


@kernel
def _hand_over(t: TraderRoot, row: Event) -> None:
    apply_answer(t, write(t, row.kind, row.flags, row.instrument, row.ts_venue_ns, row.w0, row.w1, row.w2, row.w3, row.w4))


@inlined
def copy_event(target: Event, source: Event) -> None:
    """Copy an event's fields."""
    target.ts_local_ns, target.ts_venue_ns = source.ts_local_ns, source.ts_venue_ns
    target.kind, target.flags, target.instrument = source.kind, source.flags, source.instrument
    target.w0, target.w1, target.w2, target.w3, target.w4 = source.w0, source.w1, source.w2, source.w3, source.w4


def _take_outbox(trader: int, exchange: int) -> int:
    """Take what a trader half ships: order entry."""
    t, x = trader_row(trader, 0), exchange_row(exchange, 0)
    for k in range(t.outbox_count):
        if not has_row(x, x.order_entry_count, x.order_entry_capacity, ORDER_ENTRY):
            break
        row = event_row(x.order_entry, x.order_entry_count)
        copy_event(row, event_row(t.outbox, k))
        row.ts_venue_ns = row.ts_local_ns + x.order_entry_latency_ns
        if x.order_entry_latency_ns < 0:
            call(x.send_command, address_of(x), 0)
            continue
        x.order_entry_count += 1
        x.due_ns = min(x.due_ns, row.ts_venue_ns)
    t.outbox_count = 0
    return 0


TAKE_OUTBOX = Unit(_take_outbox)


@kernel
def next_due(x: ExchangeRoot) -> None:
    """Find the earliest message on its way and the next expiry; a queue read to its end starts again."""
    due = x.expiry_ns
    if x.order_entry_head < x.order_entry_count:
        due = min(due, event_row(x.order_entry, x.order_entry_head).ts_venue_ns)
    else:
        x.order_entry_head, x.order_entry_count = 0, 0
    if x.response_head < x.response_count:
        due = min(due, event_row(x.response, x.response_head).ts_local_ns)
    else:
        x.response_head, x.response_count = 0, 0
    x.due_ns = due


@kernel
def _change(t: TraderRoot, x: ExchangeRoot, order: Order, event: Event) -> None:
    """New terms for a working order. A trailing stop never moves back: it keeps where it trailed if that is nearer."""
    stop_ticks, limit_ticks = event.w4, event.w3
    if trails(order):
        stop_ticks = min(stop_ticks, order.stop_ticks) if order.side > 0 else max(stop_ticks, order.stop_ticks)
        limit_ticks = order.limit_ticks
    if order.flags & O_PEGGED:
        limit_ticks = order.limit_ticks
    elif x.has_limits != 0 and bound_of(x, order.instrument, order.side, limit_ticks) != 0:
        answer(t, x, CANCEL_REJECTED, 0, event.instrument, order.order_id, R_OUTSIDE, 0, 0, 0)
        return
    keeps_place = limit_ticks == order.limit_ticks and event.w2 <= order.quantity_lots and x.rules.replace_loses_place == 0
    if limit_ticks != order.limit_ticks:
        if order.flags & O_POST_ONLY and refusing_price(t, x, order, limit_ticks) != 0:
            answer(t, x, CANCEL_REJECTED, 0, event.instrument, order.order_id, R_WOULD_TAKE, 0, 0, 0)
            return
        order.flags &= ~O_RESTING  # at its new price it was not yet offered anything
    is_resized = order.parent_id >= 0 and waits_for_trigger(order) and stop_ticks == order.stop_ticks and limit_ticks == order.limit_ticks
    order.quantity_lots, order.limit_ticks = event.w2, limit_ticks
    listing_of(x, order.instrument).is_calm = 0
    if waits_for_trigger(order):
        set_stop(order, stop_ticks)
    else:
        order.stop_ticks = stop_ticks
    if not is_resized:  # the stop of an entry that fills further stands where it stood
        order.accepted_ns = x.now_ns
    order.state = S_PARTIAL if order.filled_lots > 0 else (S_TRIGGERED if order.state == S_TRIGGERED else S_WORKING)
    if not keeps_place:
        to_the_back(x, order)
    answer(t, x, REPLACED, 0, event.instrument, order.order_id, 0, event.w2, order.limit_ticks, order.stop_ticks)
    _rest(t, x, order)
    if x.receive_order != 0 and not keeps_place:
        x.arrived = address_of(event)
        call(x.receive_order, address_of(x), address_of(t))


@inlined
def _enter(t: TraderRoot, x: ExchangeRoot, event: Event) -> None:
    if not open_row(t, x, event.w0):
        return
    order = order_of(x, event.w0)
    unpack(order, event)
    order.decided_ns, order.accepted_ns, order.state = event.ts_local_ns, x.now_ns, S_WORKING
    listing = listing_of(x, order.instrument)
    if listing.delisted:
        end_order(t, x, order, REJECTED, R_NOT_TRADABLE, 0.0, 0.0)
        return
    is_bound = x.has_limits != 0 and order.flags & O_PEGGED == 0  # a peg is moved to inside them
    bound = bound_of(x, order.instrument, order.side, order.limit_ticks) if is_bound else 0
    if bound != 0:
        tick = terms_of(t, order.instrument).tick
        end_order(t, x, order, REJECTED, R_OUTSIDE, order.limit_ticks * tick, bound * tick)
        return
    join(x, order)
    x.working += 1
    if not event.flags & F_MORE:
        _accept(t, x, order, event)


@kernel
def refuse_to_take(t: TraderRoot, x: ExchangeRoot, order: Order, price: int) -> None:
    """End a post-only order that would take at `price`: rejected, cancelled where it has filled before a change of its terms."""
    tick = terms_of(t, order.instrument).tick
    end_order(t, x, order, CANCELLED if order.filled_lots > 0 else REJECTED, R_WOULD_TAKE, order.limit_ticks * tick, price * tick)


@kernel
def _rest(t: TraderRoot, x: ExchangeRoot, order: Order) -> None:
    """With quotes but no book, let a post-only order or peg rest at once; it is the one that comes to those of ours it meets."""
    if rests_on_quotes(t, x, order):
        order.flags |= O_RESTING
        if is_prevented(x, order) and is_open(t, x, order.instrument):
            prevent(t, x, order, 0)
            sweep(x, order.instrument)


@kernel
def _accept(t: TraderRoot, x: ExchangeRoot, order: Order, event: Event) -> None:
    if order.expire_ns > 0:  # not sooner: a date that has passed must not end an order of which only a part has arrived
        x.expiry_ns = min(x.expiry_ns, order.expire_ns + 1)
    sent_ticks = order.limit_ticks
    if is_liquidating(x, order.instrument) and not order.flags & O_REDUCE_ONLY:
        end_order(t, x, order, REJECTED, R_LIQUIDATED, 0.0, 0.0)
        sweep(x, order.instrument)
        return
    if order.flags & O_INSTRUCTED:
        price = arriving(t, x, order)
        if price != 0:
            refuse_to_take(t, x, order, price)
            sweep(x, order.instrument)
            return
    answer(t, x, ACCEPTED, 0, order.instrument, order.order_id, 0, 0, 0, 0)
    if order.limit_ticks != sent_ticks:
        answer(t, x, REPRICED, 0, order.instrument, order.order_id, 0, 0, order.limit_ticks, 0)
    _rest(t, x, order)
    if x.receive_order != 0:
        x.arrived = address_of(event)
        call(x.receive_order, address_of(x), address_of(t))


@kernel
def _enter_terms(t: TraderRoot, x: ExchangeRoot, event: Event) -> None:
    order = order_of(x, event.w0)
    if is_done(order):
        return
    order.trail, order.expire_ns, order.parent_id, order.group_id = event.w1, event.w2, event.w3, event.w4
    if not event.flags & F_MORE:
        _accept(t, x, order, event)


@inlined
def arrive(t: TraderRoot, x: ExchangeRoot) -> None:
    """The first command on its way reaches the venue."""
    event = event_row(x.order_entry, x.order_entry_head)
    x.order_entry_head += 1
    if event.kind != _TAKEN:
        x.now_ns = event.ts_venue_ns
        t.now_ns = max(t.now_ns, x.now_ns)
        if (event.kind == CANCEL or event.kind == REPLACE) and keeps_command(t, x, event):
            return
        _take_command(t, x, event)


@outlined
def _take_command(t: TraderRoot, x: ExchangeRoot, event: Event) -> None:
    if event.kind == SUBMIT:
        _enter(t, x, event)
        return
    if event.kind == TERMS:
        _enter_terms(t, x, event)
        return
    if event.kind == INSTRUCTIONS:
        order = order_of(x, event.w0)
        if not is_done(order):
            take_instructions(order, event)
            _accept(t, x, order, event)
        return
    order = order_of(x, event.w0)
    if is_done(order):
        is_unknown = is_still_to_come(x, event.w0)  # it overtook its order
        answer(t, x, CANCEL_REJECTED, 0, event.instrument, event.w0, R_UNKNOWN if is_unknown else R_DONE, 0, 0, 0)
    elif order.flags & O_LIQUIDATION:
        answer(t, x, CANCEL_REJECTED, 0, event.instrument, event.w0, R_LIQUIDATED, 0, 0, 0)
    elif event.kind == CANCEL:
        end_order(t, x, order, CANCELLED, event.w1, 0.0, 0.0)
        sweep(x, event.instrument)
    elif event.kind == REPLACE:
        if event.w2 <= order.filled_lots:
            end_order(t, x, order, CANCELLED, R_DONE, float(event.w2), float(order.filled_lots))
            sweep(x, event.instrument)
            return
        _change(t, x, order, event)


@outlined
def release_kept(t: TraderRoot, x: ExchangeRoot, instrument: int, came_by_ns: int, due_by_ns: int) -> None:
    """Let commands act that waited for a bar, in the order in which they came.

    Those of an instrument (-1: of all) that came up to one stamp and whose bar should have been published by another.
    """
    kept = 0
    for k in range(x.kept_count):
        row = event_row(x.kept, k)
        if (instrument >= 0 and row.instrument != instrument) or row.ts_venue_ns > came_by_ns or row.ts_local_ns > due_by_ns:
            copy_event(event_row(x.kept, kept), row)
            kept += 1
            continue
        order = order_of(x, row.w0)
        order.done_ns = 0
        if row.kind != EXPIRED:
            _take_command(t, x, row)
        elif not is_done(order):
            end_order(t, x, order, EXPIRED, R_DATE, 0.0, 0.0)
            sweep(x, order.instrument)
    x.kept_count = kept


@kernel
def settle_messages(t: TraderRoot, x: ExchangeRoot, instrument: int) -> None:
    """Everything under way about an instrument arrives before a corporate action, a correction or a transfer, so that no message speaks of
    other shares.

    A command still counts as arrived when it would have: it does not get into a bar sooner. What waits for a bar goes on waiting, and is
    restated with its order.
    """
    busy = True
    while busy:
        busy = False
        ship(t)
        for k in range(x.order_entry_head, x.order_entry_count):
            row = event_row(x.order_entry, k)
            if row.instrument == instrument and row.kind != _TAKEN:
                if not ((row.kind == CANCEL or row.kind == REPLACE) and keeps_command(t, x, row)):
                    _take_command(t, x, row)
                    order = order_of(x, row.w0)
                    if not is_done(order):
                        order.accepted_ns = max(order.accepted_ns, row.ts_venue_ns)
                row.kind, busy = _TAKEN, True
        for k in range(x.response_head, x.response_count):
            row = event_row(x.response, k)
            if row.instrument == instrument and row.kind != _TAKEN:
                _hand_over(t, row)
                row.kind, busy = _TAKEN, True
