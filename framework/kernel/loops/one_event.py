"""One event, with what the venue and the broker make of it: of the tape, of a message on its way, of a timer."""

from __future__ import annotations

from framework.kernel.layout.codes import BAR, QUOTE, SESSION, TIMER
from framework.kernel.layout.log import ship, write
from framework.kernel.layout.roots import ExchangeRoot, TraderRoot, event_row
from framework.kernel.machine.compile import kernel
from framework.kernel.market.price_limit_rules import apply_limits_at_venue
from framework.kernel.trader.apply import apply
from framework.kernel.venue.auction import end_calls, see_session
from framework.kernel.venue.bookings import restate_account
from framework.kernel.venue.broker import broker_event
from framework.kernel.venue.commands import arrive, deliver, next_due
from framework.kernel.venue.expiry import expire
from framework.kernel.venue.matching_one_stamp import close_moment, collect_turns, judge_worst, match_exits_of_moment, match_moment
from framework.kernel.venue.restating import restate_venue_orders
from framework.kernel.venue.venue_events import venue_event
from framework.schema.event import NO_INSTRUMENT, Event
from framework.schema.units import NEVER_NS


@kernel
def fire_timer(t: TraderRoot) -> None:
    """Write and apply the next timer as an event."""
    t.now_ns = t.timer_ns
    write(t, TIMER, 0, NO_INSTRUMENT, t.now_ns, t.timer_id, 0, 0, 0, 0)
    t.timer_ns = NEVER_NS


@kernel
def _release_exits(t: TraderRoot, x: ExchangeRoot) -> None:
    """What fills of this moment have released arrives before anybody is woken; with latency what stood meets the rest of its bar."""
    if x.order_entry_latency_ns == 0 and x.response_latency_ns == 0:
        if t.outbox_count == 0:
            return
        ship(t)
        while x.due_ns <= t.now_ns:
            on_due(t, x)
    match_exits_of_moment(t, x)


@kernel
def _match(t: TraderRoot, x: ExchangeRoot) -> None:
    """Match the bars and quotes of the present moment, before anybody sees them."""
    if collect_turns(t, x) == 0:
        return
    match_moment(t, x)
    _release_exits(t, x)
    close_moment(t, x)
    if t.margined != 0:
        judge_worst(t, x)


@kernel
def on_tape_event(t: TraderRoot, x: ExchangeRoot, event: Event) -> None:
    """One market event: first the venue, then the trader half, then the venue's own restating of orders."""
    kind = event.kind
    if kind == BAR or kind == QUOTE:
        if t.seen >= x.matched and (x.working > 0 or t.margined != 0):
            _match(t, x)
        apply(t, event)
    else:
        x.now_ns, t.now_ns = event.ts_venue_ns, event.ts_local_ns
        apply_limits_at_venue(t, x, event)
        if kind == SESSION and x.has_auctions != 0:
            see_session(t, x, event)
        venue_event(t, x, event)
        broker_event(t, x, event)
        apply(t, event)
        restate_account(t, x, event)
        restate_venue_orders(t, x, event)


@kernel
def on_due(t: TraderRoot, x: ExchangeRoot) -> None:
    """The earliest of: a command reaching the venue, an order's date, an answer reaching us."""
    due = x.due_ns
    if x.order_entry_head < x.order_entry_count and event_row(x.order_entry, x.order_entry_head).ts_venue_ns == due:
        arrive(t, x)
    elif x.expiry_ns == due:
        expire(t, x)
        if x.has_auctions != 0:
            end_calls(t, x)
    else:
        deliver(t, x)
    next_due(x)
