"""The replay of an audited run: the tape and the audit's answers go in, the trader half writes its log again.

A record that came from outside (an answer, a charge, a timer) is applied. A record that we made (an order, a cancel) must
have been made again by the strategy or by the trader half at the same place; the world compares the two logs byte by byte.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framework.kernel.account.result_rows import record_last_point, record_point_before
from framework.kernel.layout.codes import (
    ACCEPTED,
    BROKEN,
    CANCELLED,
    END,
    EXPIRED,
    F_EARLY,
    MISSING_COMMAND,
    ON_ORDER,
    R_END,
    R_IMPOSSIBLE,
    STANCE,
    TAPE,
    TIMER,
    W_TIMER,
)
from framework.kernel.layout.log import apply_answer, write
from framework.kernel.layout.roots import AuditedRun, TraderRoot, event_row
from framework.kernel.loops.wakes import defer_wake, next_wake, wake_for
from framework.kernel.machine.compile import kernel
from framework.kernel.trader.apply import apply
from framework.schema.event import Event


@kernel
def _apply_tape(t: TraderRoot, r: AuditedRun) -> int:
    row = t.seen
    event = event_row(r.tape, row)
    record_point_before(t, event.ts_local_ns)
    apply(t, event)
    t.seen += 1
    return wake_for(t, r.tape, r.tape_count, row)


@kernel
def _apply_input(t: TraderRoot, record: Event) -> int:
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
def _apply_early(t: TraderRoot, r: AuditedRun) -> None:
    """What the broker did about the tape event just applied before its hooks were called."""
    if event_row(r.records, r.at).kind != TAPE or t.seen < event_row(r.records, r.at).w1:
        return
    while r.at + 1 < r.records_count and event_row(r.records, r.at + 1).flags & F_EARLY:
        r.at += 1
        _apply_input(t, event_row(r.records, r.at))


@kernel
def _is_final(record: Event) -> bool:
    """Whether a record belongs to what happens after the strategy's last hook."""
    return (record.kind == EXPIRED or record.kind == CANCELLED) and record.w1 == R_END


@kernel
def advance_audited(trader: NDArray[np.void], run: NDArray[np.void]) -> int:
    """Replay until a wake or the end; the counterpart of `replay.advance` without an exchange half.

    Args:
        trader, run: root arrays of length one.

    Returns:
        A wake, END, LOG_FULL, BROKEN, or MISSING_COMMAND where the record has a command that was not issued.
    """
    t, r = trader[0], run[0]
    while True:
        t.outbox_count = 0
        if t.broken:
            return BROKEN
        wake = next_wake(t)
        if wake != 0:
            return wake
        if r.at >= r.records_count:
            if t.seen >= r.tape_count or event_row(r.tape, t.seen).ts_local_ns > r.until_ns:
                record_last_point(t)
                return END
            wake = _apply_tape(t, r)
            if wake != 0:
                return wake
            continue
        record = event_row(r.records, r.at)
        if record.kind == TAPE and t.seen < record.w1:
            before = t.log_count
            wake = _apply_tape(t, r)
            _apply_early(t, r)
            if wake != 0:
                if t.log_count != before and t.wakes & ON_ORDER:
                    defer_wake(t, wake)
                    continue
                return wake
        elif record.kind == TAPE or t.drained + t.log_count > r.at:
            r.at += 1
        elif record.kind >= ACCEPTED or record.kind == TIMER or (record.kind == STANCE and record.w3 != R_IMPOSSIBLE):
            if r.final == 0 and _is_final(record):
                record_last_point(t)
                return END
            r.at += 1
            wake = _apply_input(t, record)
            if wake != 0:
                return wake
        else:
            return MISSING_COMMAND
