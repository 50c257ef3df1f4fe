"""The replay loop: events are applied at compiled speed until somebody must decide.

The next thing is the earliest of four: the tape, the wire to the venue, the wire back, the next timer. At one stamp a
command reaches the venue first, then answers, then the market, then timers.
"""

from __future__ import annotations

from framework.kernel.account.result_rows import record_point, write_point
from framework.kernel.layout.codes import (
    BAR,
    BROKEN,
    END,
    F_EARLY,
    LOG_FULL,
    NEED_TAPE,
    ON_ORDER,
    QUOTE,
    SESSION,
    TIMER,
    W_TIMER,
)
from framework.kernel.layout.log import write
from framework.kernel.layout.roots import ExchangeRoot, TraderRoot, event_row, exchange_row, trader_row
from framework.kernel.layout.table_room import is_log_filling
from framework.kernel.loops.wakes import order_wake, pending_wake, wake_for
from framework.kernel.machine.compile import Unit, address_of, call, inlined, kernel, prefetch
from framework.kernel.market.marks import see_bar
from framework.kernel.market.price_limits import see_limits
from framework.kernel.trader.apply import apply, end_held
from framework.kernel.venue.auction import end_calls, see_session
from framework.kernel.venue.bookings import restate_account
from framework.kernel.venue.broker import broker_event
from framework.kernel.venue.commands import arrive, deliver, next_due, send_outbox, venue_book
from framework.kernel.venue.liquidation import enforce_margin
from framework.kernel.venue.matching_one_stamp import close_moment, collect_turns, judge_worst, match_exits_of_moment, match_moment
from framework.kernel.venue.restating import end_all, restate_venue_orders
from framework.kernel.venue.venue_events import expire, venue_event
from framework.schema.event import NO_INSTRUMENT, Event
from framework.schema.units import NEVER_NS

GO_ON = 99
"""Not a wake: the loop is to continue."""

_AHEAD_BYTES = 16 * 64
"""How far ahead of the event in hand the tape is fetched into the cache."""


@kernel
def point_is_due(t: TraderRoot, next_ns: int) -> bool:
    """Whether a point of the equity curve belongs at the present stamp, now that the next event is later."""
    return t.dirty & 1 != 0 and next_ns > t.now_ns and t.now_ns >= t.point_ns and t.now_ns > 0


@kernel
def fire_timer(t: TraderRoot) -> None:
    """Write and apply the next timer as an event."""
    t.now_ns = t.timer_ns
    write(t, TIMER, 0, NO_INSTRUMENT, t.now_ns, t.timer_id, 0, 0, 0, 0)
    t.timer_ns = NEVER_NS


@kernel
def _release_exits(t: TraderRoot, x: ExchangeRoot) -> None:
    """What fills of this moment have released arrives before anybody is woken; with latency what stood meets the rest of its bar."""
    if x.entry_latency_ns == 0 and x.response_latency_ns == 0:
        if t.outbox_count == 0:
            return
        send_outbox(t, x)
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
        see_limits(t, x, event)
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
    if x.entry_head < x.entry_count and event_row(x.entry, x.entry_head).ts_venue_ns == due:
        arrive(t, x)
    elif x.expiry_ns == due:
        expire(t, x)
        if x.has_auctions != 0:
            end_calls(t, x)
    else:
        deliver(t, x)
    next_due(x)


@inlined
def horizon(t: TraderRoot, x: ExchangeRoot) -> int:
    """The first stamp that the fast lane must not reach: something else is due, or the replay is to stop."""
    if x.venue_tape != 0 or t.margined != 0:
        return 0  # the venue is ahead of us and what it sees must come between; or the broker looks at every mark
    stop = x.due_ns
    if t.timer_ns < stop:
        stop = t.timer_ns + 1
    if x.until_ns < stop:
        stop = x.until_ns + 1
    return stop


@kernel
def _is_to_match(t: TraderRoot, x: ExchangeRoot, event: Event) -> bool:
    """Whether the venue has to match the moment of a bar first: its own instrument has orders, or the moment may have other bars."""
    if t.seen < x.matched:
        return False
    row = t.seen - x.tape_start + 1
    return venue_book(x, event.instrument).first >= 0 or (row < x.tape_count and event_row(x.tape, row).ts_local_ns == event.ts_local_ns)


@inlined
def fast_bar(t: TraderRoot, x: ExchangeRoot, stop_ns: int) -> int:
    """The fast lane: apply the next event if it is a bar before `stop_ns` of a moment in which no working order can fill.

    Returns the address of the bar, 0 where the next event is something else.
    """
    row = t.seen - x.tape_start
    if row >= x.tape_count:
        return 0
    event = event_row(x.tape, row)
    prefetch(address_of(event) + _AHEAD_BYTES)
    next_ns = event.ts_local_ns
    if event.kind != BAR or next_ns >= stop_ns or (x.working > 0 and _is_to_match(t, x, event)):
        return 0
    if t.dirty & 1 != 0 and next_ns > t.now_ns and t.now_ns >= t.point_ns:
        write_point(t)
    t.now_ns = next_ns
    see_bar(t, event)
    t.seen += 1
    return address_of(event)


@kernel
def bar_wake(t: TraderRoot, x: ExchangeRoot) -> int:
    """The wake of the bar just applied."""
    row = t.seen - x.tape_start - 1
    event = event_row(x.tape, row)
    is_last = True
    if row + 1 < x.tape_count:  # bars of one stamp lie side by side
        following = event_row(x.tape, row + 1)
        is_last = following.ts_local_ns != event.ts_local_ns or following.kind != BAR
    return wake_for(t, event, row, is_last)


@kernel
def _keep_house(t: TraderRoot, x: ExchangeRoot) -> int:
    """What must be done after anything was written: send, deliver order wakes, see that the log is taken over."""
    if t.broken:
        return BROKEN
    if t.outbox_count > 0:
        send_outbox(t, x)
    if t.mark_moved != 0:  # by a tick
        enforce_margin(t, x)
    if t.wakes & ON_ORDER and t.noticed < t.log_count:
        wake = order_wake(t)
        if wake != 0:
            return wake
    if t.pending_wake != 0:
        return pending_wake(t)
    if is_log_filling(t):
        return LOG_FULL
    t.touched = 0
    return GO_ON


def _advance(trader: int, exchange: int) -> int:
    t, x = trader_row(trader, 0), exchange_row(exchange, 0)
    x.trader = trader
    if x.end_reason != 0:
        return _end_all(t, x)
    while True:
        if t.touched:
            wake = _keep_house(t, x)
            if wake != GO_ON:
                return wake
        stop_ns = horizon(t, x)
        while fast_bar(t, x, stop_ns) != 0:
            if t.wakes != 0:
                wake = bar_wake(t, x)
                if wake != 0:
                    return wake
        if t.pass_ticks != 0 and t.touched == 0:
            wake = call(t.pass_ticks, trader, exchange)
            if wake != 0:
                return wake
        if t.touched == 0:
            wake = _step(t, x)
            if wake != GO_ON:
                return wake


@kernel
def _step(t: TraderRoot, x: ExchangeRoot) -> int:
    """One thing off the fast lane; returns GO_ON or a wake."""
    row = t.seen - x.tape_start
    if row >= x.tape_count:
        return _at_end(t, x)
    event = event_row(x.tape, row)
    next_ns = event.ts_local_ns
    if x.venue_tape != 0:
        x.limit_ns = min(next_ns, t.timer_ns)
        if call(t.catch_up, address_of(t), address_of(x)) == 0 and t.touched != 0:
            return GO_ON
    if x.due_ns <= next_ns and x.due_ns <= t.timer_ns:
        if point_is_due(t, x.due_ns):
            record_point(t)
        on_due(t, x)
        t.touched = 1
        return GO_ON
    if t.timer_ns < next_ns:
        if point_is_due(t, t.timer_ns):
            record_point(t)
        fire_timer(t)
        return W_TIMER
    if next_ns > x.until_ns:
        return _end(t)
    if point_is_due(t, next_ns):
        record_point(t)
    on_tape_event(t, x, event)
    t.seen += 1
    t.touched = 1
    if t.margined != 0:
        x.now_ns = max(x.now_ns, event.ts_venue_ns)  # where no order works the venue has not looked at a bar or quote
        x.early = F_EARLY
        enforce_margin(t, x)
        x.early = 0
    wake = bar_wake(t, x) if event.kind == BAR else wake_for(t, event, row, False)
    if wake != 0 and t.wakes & ON_ORDER:
        t.pending_wake = wake | (t.pending_wake << 8)  # order wakes come first
        return GO_ON
    return wake if wake != 0 else GO_ON


@kernel
def _at_end(t: TraderRoot, x: ExchangeRoot) -> int:
    """The tape, or this part of it, is read to its end: what is due at its last stamp still happens."""
    if x.tape_is_last == 0:
        t.touched = 1
        return NEED_TAPE
    if x.due_ns <= t.now_ns:
        on_due(t, x)
        t.touched = 1
        return GO_ON
    if t.timer_ns <= t.now_ns:
        fire_timer(t)
        return W_TIMER
    return _end(t)


@kernel
def _end_all(t: TraderRoot, x: ExchangeRoot) -> int:
    """End what works at the venue, what is on its way to it, and what is held."""
    while t.outbox_count > 0 or x.entry_head < x.entry_count or x.working > 0 or x.response_head < x.response_count:
        send_outbox(t, x)
        while x.entry_head < x.entry_count:
            arrive(t, x)
        end_all(t, x, x.end_reason)
        while x.response_head < x.response_count:
            deliver(t, x)  # a fill told only now lets its children go: they are sent and ended too
    end_held(t, x.end_reason)
    if t.dirty:
        record_point(t)  # a fill told only now
    next_due(x)
    return END


@kernel
def _end(t: TraderRoot) -> int:
    if t.dirty:
        record_point(t)
    t.touched = 1
    return END


ADVANCE = Unit(_advance)


@kernel
def advance(trader: int, exchange: int, until_ns: int) -> int:
    """Replay until a wake, the end, or until Python must take over the log or bring the next part of the tape.

    Args:
        trader, exchange: addresses of the root records.
        until_ns: no event later than this is applied.

    Returns:
        A wake of `codes`, END, LOG_FULL, NEED_TAPE or BROKEN.
    """
    exchange_row(exchange, 0).until_ns = until_ns
    return call(trader_row(trader, 0).advance, trader, exchange)


@kernel
def end_all_orders(trader: int, exchange: int, reason: int) -> None:
    """The data are over: every order ends with `reason`, those at the venue, on their way to it, and the held."""
    exchange_row(exchange, 0).end_reason = reason
    call(trader_row(trader, 0).advance, trader, exchange)
