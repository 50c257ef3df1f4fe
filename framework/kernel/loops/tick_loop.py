"""The lane of ticks: trades and changes of books, applied by the million until something else must be done.

Where the feed is late, `ts_local_ns` after `ts_venue_ns`, the venue is ahead of us: it sees each tick at its own stamp, and what it
answers meanwhile reaches us before the tick does. Ticks of the same venue stamp are taken in the order in which we get them.
"""

from __future__ import annotations

from framework.kernel.account.result_rows import write_point_before
from framework.kernel.layout.codes import DEPTH, F_BUY, ON_ORDER
from framework.kernel.layout.depth_records import word_row
from framework.kernel.layout.roots import ExchangeRoot, Root, TraderRoot, event_row, exchange_row, trader_row
from framework.kernel.loops.bar_lane import fetch_ahead
from framework.kernel.loops.wakes import defer_wake, is_tick, tick_wake
from framework.kernel.machine.compile import Unit, address_of, call, inlined, prefetch
from framework.kernel.market.order_book import depth_of, level_of
from framework.schema.event import Event
from framework.schema.units import NEVER_NS

_LEVELS_AHEAD = 8
"""How many events ahead the level that one will change is fetched, where books are wide."""


@inlined
def _fetch_level(half: Root, event: Event) -> None:
    """Ask for the memory of the level that an event will change."""
    depth = depth_of(half, event.instrument)
    if event.kind == DEPTH and depth.bids != 0:
        prefetch(address_of(level_of(half, depth, 1 if event.flags & F_BUY else -1, event.w0)))


@inlined
def _venue_row(x: ExchangeRoot, place: int) -> int:
    return word_row(x.venue_order, place).value if x.venue_order != 0 else place


@inlined
def next_venue_ns(x: ExchangeRoot) -> int:
    """The venue's stamp of the next tick that it has not seen; other events are passed over, since both halves see them at once."""
    while x.venue_seen < x.venue_tape_count:
        event = event_row(x.venue_tape, _venue_row(x, x.venue_seen))
        if is_tick(event.kind):
            return event.ts_venue_ns
        x.venue_seen += 1
    return NEVER_NS


@inlined
def catch_up_to(t: TraderRoot, x: ExchangeRoot, limit_ns: int) -> bool:
    """Let the venue see its ticks up to a stamp; False as soon as one of them has answered, or something is due by then."""
    while True:
        venue_ns = next_venue_ns(x)
        if venue_ns > limit_ns:
            return x.due_ns > limit_ns  # what the venue saw may have to be delivered first
        if x.due_ns <= venue_ns:
            return False
        event = event_row(x.venue_tape, _venue_row(x, x.venue_seen))
        fetch_ahead(event)
        if x.has_wide_books != 0 and x.venue_seen + _LEVELS_AHEAD < x.venue_tape_count:
            _fetch_level(x, event_row(x.venue_tape, _venue_row(x, x.venue_seen + _LEVELS_AHEAD)))
        x.now_ns = venue_ns
        x.venue_seen += 1
        x.tick = address_of(event)
        call(x.venue_tick, address_of(t), address_of(x))
        if t.touched != 0:
            return False


def _pass_ticks(trader: int, exchange: int) -> int:
    t, x = trader_row(trader, 0), exchange_row(exchange, 0)
    is_late = x.venue_tape != 0
    while True:
        row = t.seen - x.tape_start
        if row >= x.tape_count:
            return 0
        event = event_row(x.tape, row)
        next_ns = event.ts_local_ns
        if not is_tick(event.kind) or x.due_ns <= next_ns or t.timer_ns < next_ns or next_ns > x.until_ns:
            return 0
        fetch_ahead(event)
        if x.has_wide_books != 0 and row + _LEVELS_AHEAD < x.tape_count:
            ahead = event_row(x.tape, row + _LEVELS_AHEAD)
            _fetch_level(t, ahead)
            if not is_late:
                _fetch_level(x, ahead)
        if is_late and not catch_up_to(t, x, next_ns):
            return 0
        write_point_before(t, next_ns)
        t.now_ns = next_ns
        if not is_late:
            x.now_ns, x.tick = event.ts_venue_ns, address_of(event)
            call(x.venue_tick, trader, exchange)
        call(t.see_tick, trader, address_of(event))
        t.seen += 1
        if t.wakes != 0:
            wake = tick_wake(t, event, row)
            if wake != 0:
                if t.touched != 0 and t.wakes & ON_ORDER:
                    defer_wake(t, wake)
                    return 0
                return wake
        if t.touched != 0:
            return 0


def _catch_up(trader: int, exchange: int) -> int:
    t, x = trader_row(trader, 0), exchange_row(exchange, 0)
    return 1 if catch_up_to(t, x, x.limit_ns) else 0


PASS_TICKS, CATCH_UP = Unit(_pass_ticks), Unit(_catch_up)
