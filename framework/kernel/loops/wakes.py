"""What wakes the strategy: an event of the market, an event of an order, what waited behind it."""

from __future__ import annotations

from framework.kernel.layout.codes import (
    BAR,
    CANCEL,
    CHARGE,
    COSTS,
    DEPTH,
    F_LAST,
    GAP,
    INSTRUCTIONS,
    LOG_FULL,
    ON_BAR,
    ON_BARS,
    ON_BOOK,
    ON_EVENT,
    ON_ORDER,
    ON_QUOTE,
    ON_TRADE,
    QUOTE,
    REPRICED,
    SETTLED,
    SUBMIT,
    TAPE,
    TIMER,
    TRADE_TICK,
    W_BAR,
    W_BARS,
    W_BOOK,
    W_EVENT,
    W_ORDER,
    W_QUOTE,
    W_TRADE,
)
from framework.kernel.layout.roots import TraderRoot, event_row
from framework.kernel.layout.table_room import is_log_filling
from framework.kernel.machine.compile import inlined, kernel
from framework.schema.event import Event


@inlined
def is_tick(kind: int) -> bool:
    """Whether an event is a trade or a change of a book."""
    return kind == DEPTH or kind == TRADE_TICK or kind == GAP


@inlined
def _point_to(t: TraderRoot, event: Event, row: int) -> None:
    """Let the wake tell of a market event."""
    t.wake_instrument, t.wake_kind, t.wake_row = event.instrument, event.kind, row
    t.market_instrument, t.market_row = event.instrument, row


@inlined
def tick_wake(t: TraderRoot, event: Event, row: int) -> int:
    """What an applied tick wakes, 0 for nothing."""
    kind, wake = event.kind, 0
    if kind == TRADE_TICK:
        wake = W_TRADE if t.wakes & ON_TRADE else 0
    elif kind == DEPTH:
        wake = W_BOOK if t.wakes & ON_BOOK and event.flags & F_LAST else 0
    elif t.wakes & ON_EVENT:
        wake = W_EVENT
    if wake != 0:
        _point_to(t, event, row)
    return wake


@inlined
def _is_last_bar(tape: int, tape_count: int, row: int) -> bool:
    """Whether no other bar of its stamp follows a bar: they lie side by side."""
    if row + 1 >= tape_count:
        return True
    following = event_row(tape, row + 1)
    return following.ts_local_ns != event_row(tape, row).ts_local_ns or following.kind != BAR


@inlined
def wake_for(t: TraderRoot, tape: int, tape_count: int, row: int) -> int:
    """What the market event just applied wakes, 0 for nothing. A second wake of the same event is kept pending."""
    event = event_row(tape, row)
    kind, wake = event.kind, 0
    if kind == BAR:
        if t.wakes & ON_BAR:
            wake = W_BAR
        if t.wakes & ON_BARS and _is_last_bar(tape, tape_count, row):
            if wake == 0:
                wake = W_BARS
            else:
                t.pending_wake, t.touched = W_BARS, 1
    elif kind == QUOTE:
        wake = W_QUOTE if t.wakes & ON_QUOTE else 0
    elif is_tick(kind):
        return tick_wake(t, event, row)
    elif t.wakes & ON_EVENT:
        wake = W_EVENT
    if wake != 0:
        _point_to(t, event, row)
    return wake


@inlined
def defer_wake(t: TraderRoot, wake: int) -> None:
    """Let a market wake wait: those of orders come first."""
    t.pending_wake = wake | (t.pending_wake << 8)


@kernel
def order_wake(t: TraderRoot) -> int:
    """The next undelivered event of the log as a wake, 0 when there is none: of an order, or of what came from outside.

    Such an event, which stands in no tape, has its row of the log as a negative number, -1 the first.
    """
    while t.noticed < t.log_count:
        row = t.noticed
        t.noticed += 1
        kind = event_row(t.log, row).kind
        if TIMER < kind < SUBMIT and t.wakes & ON_EVENT:
            t.wake_row, t.wake_instrument, t.wake_kind = -1 - row, event_row(t.log, row).instrument, kind
            return W_EVENT
        if t.wakes & ON_ORDER == 0:
            continue
        if CANCEL <= kind < TAPE and kind != COSTS and kind != CHARGE and kind != SETTLED and kind != REPRICED and kind != INSTRUCTIONS:
            t.wake_row, t.wake_instrument = row, event_row(t.log, row).instrument
            return W_ORDER
    return 0


@kernel
def pending_wake(t: TraderRoot) -> int:
    """The market wake that waited for order wakes; it points at its own event again."""
    wake = t.pending_wake & 0xFF
    t.pending_wake >>= 8
    t.wake_instrument, t.wake_row = t.market_instrument, t.market_row
    return wake


@kernel
def next_wake(t: TraderRoot) -> int:
    """What comes before the next event: an order's wake, a market wake that waited, LOG_FULL; 0 where there is none of them."""
    if t.wakes & (ON_ORDER | ON_EVENT) and t.noticed < t.log_count:
        wake = order_wake(t)
        if wake != 0:
            return wake
    if t.pending_wake != 0:
        return pending_wake(t)
    return LOG_FULL if is_log_filling(t) else 0
