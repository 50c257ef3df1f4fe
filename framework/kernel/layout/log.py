"""The trader half's log and outbox: how an event is appended, how what a venue says comes in, how commands go out.

An event is handed over by the address of the trader half's unit, which stands in the root: whoever writes need not know the trader half.
Commands are handed to whoever is connected likewise.
"""

from __future__ import annotations

from framework.kernel.layout.codes import TAPE
from framework.kernel.layout.roots import TraderRoot, trader_row
from framework.kernel.layout.table_room import next_in_log
from framework.kernel.machine.compile import address_of, call, inlined, kernel
from framework.schema.event import NO_INSTRUMENT, Event


@inlined
def write(t: TraderRoot, kind: int, flags: int, instrument: int, venue_ns: int, w0: int, w1: int, w2: int, w3: int, w4: int) -> Event:
    """Append an event to the log, after a note of the tape events applied since the last one."""
    t.touched = 1
    if t.seen != t.logged:
        note = next_in_log(t)
        note.ts_local_ns, note.ts_venue_ns, note.kind, note.flags, note.instrument = t.now_ns, t.now_ns, TAPE, 0, NO_INSTRUMENT
        note.w0, note.w1, note.w2, note.w3, note.w4 = t.logged, t.seen, 0, 0, 0
        t.logged = t.seen
    row = next_in_log(t)
    row.ts_local_ns, row.ts_venue_ns, row.kind, row.flags, row.instrument = t.now_ns, venue_ns, kind, flags, instrument
    row.w0, row.w1, row.w2, row.w3, row.w4 = w0, w1, w2, w3, w4
    return row


@kernel
def apply_answer(t: TraderRoot, event: Event) -> None:
    """Apply what a venue or broker says."""
    call(t.apply_answer, address_of(t), address_of(event))


@inlined
def ship(t: TraderRoot) -> None:
    """Send what stands in the outbox: the only way out, in every world. Whoever is connected empties it; else it waits there."""
    if t.outbox_count > 0 and t.ship != 0:
        call(t.ship, address_of(t), t.connection)


@kernel
def send(trader: int) -> None:
    """`ship` for Python: of the trader half at an address."""
    ship(trader_row(trader, 0))
