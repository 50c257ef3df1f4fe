"""The lane of bars: those of a stamp at which no order of ours can fill, one after the other."""

from __future__ import annotations

from framework.kernel.account.result_rows import write_point_before
from framework.kernel.layout.codes import BAR
from framework.kernel.layout.roots import ExchangeRoot, TraderRoot, event_row
from framework.kernel.machine.compile import address_of, inlined, kernel, prefetch
from framework.kernel.market.marks import see_bar
from framework.kernel.venue.commands import listing_of
from framework.schema.event import Event

_AHEAD_BYTES = 16 * 64


@inlined
def fetch_ahead(event: Event) -> None:
    """Ask for the part of the tape that comes 16 events after the one in hand."""
    prefetch(address_of(event) + _AHEAD_BYTES)


@inlined
def go_until(x: ExchangeRoot, until_ns: int) -> None:
    """Nothing later than `until_ns` happens, and on an open tape no event of a stamp that may not be complete."""
    x.asked_until_ns = until_ns
    x.until_ns = until_ns if x.tape_is_last != 0 else min(until_ns, x.safe_ns)


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
    return listing_of(x, event.instrument).first >= 0 or (row < x.tape_count and event_row(x.tape, row).ts_local_ns == event.ts_local_ns)


@inlined
def fast_bar(t: TraderRoot, x: ExchangeRoot, stop_ns: int) -> int:
    """The fast lane: apply the next event if it is a bar before `stop_ns` of a moment in which no working order can fill.

    Returns the address of the bar, 0 where the next event is something else.
    """
    row = t.seen - x.tape_start
    if row >= x.tape_count:
        return 0
    event = event_row(x.tape, row)
    fetch_ahead(event)
    next_ns = event.ts_local_ns
    if event.kind != BAR or next_ns >= stop_ns or (x.working > 0 and _is_to_match(t, x, event)):
        return 0
    write_point_before(t, next_ns)
    t.now_ns = next_ns
    see_bar(t, event)
    t.seen += 1
    return address_of(event)
