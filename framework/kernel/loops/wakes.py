"""What wakes the strategy: an event of the market, an event of an order, what waited behind it."""

from __future__ import annotations

from framework.kernel.layout.codes import (
    BAR,
    CANCEL,
    CHARGE,
    COSTS,
    INSTRUCTIONS,
    ON_BAR,
    ON_BARS,
    ON_EVENT,
    ON_QUOTE,
    QUOTE,
    REPRICED,
    SETTLED,
    TAPE,
    W_BAR,
    W_BARS,
    W_EVENT,
    W_ORDER,
    W_QUOTE,
)
from framework.kernel.layout.roots import TraderRoot, event_row
from framework.kernel.loops.tick_loop import is_tick, tick_wake
from framework.kernel.machine.compile import kernel
from framework.schema.event import Event


@kernel
def wake_for(t: TraderRoot, event: Event, row: int, is_last_of_stamp: bool) -> int:
    """What an applied market event wakes, 0 for nothing. A second wake of the same event is kept pending."""
    kind = event.kind
    wake = 0
    if kind == BAR:
        if t.wakes & ON_BAR:
            wake = W_BAR
        if is_last_of_stamp and t.wakes & ON_BARS:
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
        t.wake_instrument, t.wake_kind, t.wake_row = event.instrument, kind, row
        t.market_instrument, t.market_row = event.instrument, row
    return wake


@kernel
def order_wake(t: TraderRoot) -> int:
    """The next undelivered order event of the log as a wake, 0 when there is none."""
    while t.noticed < t.log_count:
        row = t.noticed
        t.noticed += 1
        kind = event_row(t.log, row).kind
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
