"""The replay loop: events are applied at compiled speed until somebody must decide.

The next thing is the earliest of four: the tape, order entry, the responses, the next timer. At one stamp a
command reaches the venue first, then answers, then the market, then timers.

A tape may be open: more of it will come. Nothing stamped up to `safe_ns` will, so what is due by then happens without another event,
and an event of a later stamp waits: others of its stamp may still come, and bars and quotes of one stamp are one moment. A tape that is
read in parts is open until its last part, and a part is safe to its last stamp.
"""

from __future__ import annotations

from framework.kernel.account.result_rows import record_last_point, record_point_before
from framework.kernel.layout.codes import BROKEN, BROKEN_BY_ANSWER, END, F_EARLY, NEED_TAPE, ON_ORDER, W_TIMER
from framework.kernel.layout.log import ship
from framework.kernel.layout.roots import ExchangeRoot, TraderRoot, event_row, exchange_row, trader_row
from framework.kernel.loops.bar_lane import fast_bar, go_until, horizon
from framework.kernel.loops.one_event import fire_timer, on_due, on_tape_event
from framework.kernel.loops.wakes import defer_wake, next_wake, wake_for
from framework.kernel.machine.compile import Unit, address_of, call, inlined, kernel
from framework.kernel.trader.apply import end_held
from framework.kernel.venue.commands import arrive, deliver, next_due
from framework.kernel.venue.expiry import end_all
from framework.kernel.venue.liquidation import enforce_margin

GO_ON = 99
"""Not a wake: the loop is to continue."""


@inlined
def _has_broken(t: TraderRoot) -> bool:
    """Whether the run cannot go on; an answer that cannot be is a fault of the venue that we simulate."""
    if t.impossible_answers != 0 and t.broken == 0:
        t.broken = BROKEN_BY_ANSWER
    return t.broken != 0


@kernel
def _keep_house(t: TraderRoot, x: ExchangeRoot) -> int:
    """What must be done after anything was written: send, liquidate, deliver wakes that wait."""
    if _has_broken(t):
        return BROKEN
    ship(t)
    if t.mark_moved != 0:  # by a tick
        enforce_margin(t, x)
    wake = next_wake(t)
    if wake != 0:
        return wake
    t.touched = 0
    return GO_ON


def _advance(trader: int, exchange: int) -> int:
    t, x = trader_row(trader, 0), exchange_row(exchange, 0)
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
                wake = wake_for(t, x.tape, x.tape_count, t.seen - x.tape_start - 1)
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
    if x.due_ns <= next_ns and x.due_ns <= t.timer_ns and x.due_ns <= x.asked_until_ns:
        record_point_before(t, x.due_ns)
        on_due(t, x)
        t.touched = 1
        return GO_ON
    if t.timer_ns < next_ns and t.timer_ns <= x.asked_until_ns:
        record_point_before(t, t.timer_ns)
        fire_timer(t)
        return W_TIMER
    if next_ns > x.until_ns:
        return _wait(t, NEED_TAPE if next_ns <= x.asked_until_ns else END)
    record_point_before(t, next_ns)
    on_tape_event(t, x, event)
    t.seen += 1
    t.touched = 1
    if t.margined != 0:
        x.now_ns = max(x.now_ns, event.ts_venue_ns)  # where no order works the venue has not looked at a bar or quote
        x.early = F_EARLY
        enforce_margin(t, x)
        x.early = 0
    wake = wake_for(t, x.tape, x.tape_count, row)
    if wake != 0 and t.wakes & ON_ORDER:
        defer_wake(t, wake)
        return GO_ON
    return wake if wake != 0 else GO_ON


@kernel
def _at_end(t: TraderRoot, x: ExchangeRoot) -> int:
    """The tape, or what there is of it, is read to its end: what is due by its last stamp, or by `safe_ns`, still happens."""
    is_open = x.tape_is_last == 0
    limit_ns = x.until_ns if is_open else t.now_ns
    if is_open and x.venue_tape != 0:
        x.limit_ns = min(limit_ns, t.timer_ns)
        if call(t.catch_up, address_of(t), address_of(x)) == 0 and t.touched != 0:
            return GO_ON
    if x.due_ns <= limit_ns and x.due_ns <= t.timer_ns:
        record_point_before(t, x.due_ns)
        on_due(t, x)
        t.touched = 1
        return GO_ON
    if t.timer_ns <= limit_ns:
        record_point_before(t, t.timer_ns)
        fire_timer(t)
        return W_TIMER
    if is_open:
        return _wait(t, NEED_TAPE if x.until_ns < x.asked_until_ns else END)
    return _end(t)


@inlined
def _wait(t: TraderRoot, why: int) -> int:
    """Nothing can happen before the tape has gone on, or before it is asked to go further."""
    t.touched = 1
    return why


@kernel
def _end_all(t: TraderRoot, x: ExchangeRoot) -> int:
    """End what works at the venue, what is on its way to it, and what is held."""
    while t.outbox_count > 0 or x.order_entry_head < x.order_entry_count or x.working > 0 or x.response_head < x.response_count:
        ship(t)
        while x.order_entry_head < x.order_entry_count:
            arrive(t, x)
        end_all(t, x, x.end_reason)
        while x.response_head < x.response_count:
            deliver(t, x)  # a fill reported only now releases its children: they are sent and ended too
    end_held(t, x.end_reason)
    record_last_point(t)  # a fill reported only now
    next_due(x)
    _has_broken(t)
    return END


@kernel
def _end(t: TraderRoot) -> int:
    record_last_point(t)
    t.touched = 1
    return END


ADVANCE = Unit(_advance)


@kernel
def advance(trader: int, exchange: int, until_ns: int) -> int:
    """Replay until a wake, the end, or until Python must take over the log or bring the next part of the tape.

    Args:
        trader, exchange: addresses of the root records.
        until_ns: nothing later than this happens.

    Returns:
        A wake of `codes`, END, LOG_FULL, NEED_TAPE or BROKEN.
    """
    go_until(exchange_row(exchange, 0), until_ns)
    return call(trader_row(trader, 0).advance, trader, exchange)


@kernel
def end_all_orders(trader: int, exchange: int, reason: int) -> None:
    """The data are over: every order ends with `reason`, those at the venue, on their way to it, and the held."""
    exchange_row(exchange, 0).end_reason = reason
    call(trader_row(trader, 0).advance, trader, exchange)
