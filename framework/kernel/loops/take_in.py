"""The loop without an exchange half: what a market shows and a venue answers is taken in, and decisions go out.

One loop for a record that is replayed and for a real venue. An inbox has two rows of events, the tape and the answers; a TAPE note among
the answers says how many events of the tape came before what follows it, as in an audit. Of a record the answers are its whole audit: its
timers fire where the record has them, and its commands have been made again by the strategy or the trader half at the same place; the
world compares the two logs byte by byte. A real venue's inbox has no commands, timers fire by `safe_ns`, and it stays open until its end.
"""

from __future__ import annotations

from framework.kernel.account.result_rows import record_last_point, record_point_before
from framework.kernel.layout.codes import (
    ACCEPTED,
    BROKEN,
    CANCELLED,
    END,
    EXPIRED,
    F_EARLY,
    MISSING_COMMAND,
    NEED_TAPE,
    ON_ORDER,
    R_END,
    R_IMPOSSIBLE,
    STANCE,
    TAPE,
    TIMER,
    W_TIMER,
)
from framework.kernel.layout.log import apply_answer, ship, write
from framework.kernel.layout.roots import Inbox, TraderRoot, event_row, inbox_row, trader_row
from framework.kernel.loops.one_event import fire_timer
from framework.kernel.loops.wakes import defer_wake, next_wake, wake_for
from framework.kernel.machine.compile import Unit, inlined, kernel
from framework.kernel.trader.apply import apply
from framework.schema.event import Event

_GO_ON = 99
"""Not a wake: the loop is to continue."""


def _keep(trader: int, _: int) -> int:
    """Send nothing: commands stand in the log, which is compared with the record."""
    trader_row(trader, 0).outbox_count = 0
    return 0


KEEP = Unit(_keep)
"""What a trader half is connected to whose commands go nowhere."""


@kernel
def _apply_tape(t: TraderRoot, r: Inbox) -> int:
    """Apply the next event of the tape; returns what it wakes."""
    row = t.seen - r.tape_start
    event = event_row(r.tape, row)
    record_point_before(t, event.ts_local_ns)
    apply(t, event)
    t.seen += 1
    return wake_for(t, r.tape, r.tape_count, row)


@kernel
def _apply_answer(t: TraderRoot, record: Event) -> int:
    """Take in what is no event of the tape; returns what it wakes."""
    record_point_before(t, record.ts_local_ns)
    t.now_ns = record.ts_local_ns
    copy = write(
        t,
        record.kind,
        record.flags,
        record.instrument,
        record.ts_venue_ns,
        record.w0,
        record.w1,
        record.w2,
        record.w3,
        record.w4,
    )
    if record.kind == TIMER:
        return W_TIMER
    apply_answer(t, copy)
    return 0


@kernel
def _apply_early(t: TraderRoot, r: Inbox) -> None:
    """What the broker did about the event of the tape just applied before its hooks were called."""
    if r.at >= r.answers_count or event_row(r.answers, r.at).kind != TAPE or t.seen < event_row(r.answers, r.at).w1:
        return
    while r.at + 1 < r.answers_count and event_row(r.answers, r.at + 1).flags & F_EARLY:
        r.at += 1
        _apply_answer(t, event_row(r.answers, r.at))


@kernel
def _is_final(record: Event) -> bool:
    """Whether a record belongs to what happens after the strategy's last hook."""
    return (record.kind == EXPIRED or record.kind == CANCELLED) and record.w1 == R_END


@kernel
def _on_tape(t: TraderRoot, r: Inbox) -> int:
    """The next event of the tape, and the wakes it leads to."""
    before = t.log_count
    wake = _apply_tape(t, r)
    _apply_early(t, r)
    if wake != 0 and t.log_count != before and t.wakes & ON_ORDER:
        defer_wake(t, wake)
        return _GO_ON
    return wake if wake != 0 else _GO_ON


@inlined
def _fires(t: TraderRoot, r: Inbox, next_ns: int) -> bool:
    """Whether a timer of ours comes before the next thing; those of a record stand in it."""
    return r.is_record == 0 and t.timer_ns < next_ns and t.timer_ns <= r.until_ns


@kernel
def _fire(t: TraderRoot) -> int:
    record_point_before(t, t.timer_ns)
    fire_timer(t)
    return W_TIMER


@kernel
def _at_end(t: TraderRoot, r: Inbox) -> int:
    """Everything that has come is taken in."""
    limit_ns = r.until_ns if r.is_last != 0 else min(r.until_ns, r.safe_ns)
    if _fires(t, r, (t.now_ns if r.is_last != 0 else limit_ns) + 1):
        return _fire(t)
    if r.is_last == 0:
        return NEED_TAPE if r.safe_ns < r.until_ns else END
    record_last_point(t)
    return END


@kernel
def _next_of_tape(t: TraderRoot, r: Inbox) -> int:
    """The next event of the tape, where no answer is before it and others of its stamp will not come any more."""
    next_ns = event_row(r.tape, t.seen - r.tape_start).ts_local_ns
    if _fires(t, r, next_ns):
        return _fire(t)
    if next_ns > r.until_ns:
        return END
    if r.is_last == 0 and next_ns > r.safe_ns:
        return NEED_TAPE
    return _on_tape(t, r)


@kernel
def _next_answer(t: TraderRoot, r: Inbox) -> int:
    """The next of the answers, or the event of the tape that it comes after."""
    record = event_row(r.answers, r.at)
    if record.kind == TAPE and t.seen < record.w1:
        return _next_of_tape(t, r) if t.seen - r.tape_start < r.tape_count else NEED_TAPE
    if record.kind == TAPE or (r.is_record != 0 and t.drained + t.log_count > r.at):
        r.at += 1
        return _GO_ON
    if record.kind < ACCEPTED and record.kind != TIMER and not (record.kind == STANCE and record.w3 != R_IMPOSSIBLE):
        return MISSING_COMMAND
    if r.is_record != 0 and r.is_final == 0 and _is_final(record):
        record_last_point(t)
        return END
    if _fires(t, r, record.ts_local_ns):
        return _fire(t)
    if record.ts_local_ns > r.until_ns and r.is_record == 0:
        return END
    r.at += 1
    wake = _apply_answer(t, record)
    return wake if wake != 0 else _GO_ON


@kernel
def take_in(trader: int, inbox: int, until_ns: int) -> int:
    """Take in until a wake, the end, or until Python must bring more; the counterpart of `replay.advance` without an exchange half.

    Args:
        trader, inbox: addresses of the roots.
        until_ns: nothing later than this happens.

    Returns:
        A wake, END, LOG_FULL, NEED_TAPE, BROKEN, or MISSING_COMMAND where a record has a command that was not issued.
    """
    t, r = trader_row(trader, 0), inbox_row(inbox, 0)
    r.until_ns = until_ns
    while True:
        if t.broken:
            return BROKEN
        ship(t)
        wake = next_wake(t)
        if wake != 0:
            return wake
        if r.at < r.answers_count:
            wake = _next_answer(t, r)
        elif t.seen - r.tape_start < r.tape_count:
            wake = _next_of_tape(t, r)
        else:
            wake = _at_end(t, r)
        if wake != _GO_ON:
            return wake
