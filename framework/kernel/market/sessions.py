"""Sessions and halts as either half keeps them: events of the tape, applied by each in its turn."""

from __future__ import annotations

from framework.kernel.layout.codes import F_OPEN
from framework.kernel.layout.market_records import Marks
from framework.kernel.layout.venue_records import Listing, SessionHours
from framework.kernel.machine.compile import kernel
from framework.schema.event import Event


@kernel
def apply_session(session: SessionHours, event: Event) -> None:
    """A SESSION event: an open, a close, or the begin or end of a pause."""
    session.known, session.open_ns, session.close_ns = 1, event.w1, event.w2
    session.is_open = 1 if event.flags & F_OPEN else 0


@kernel
def apply_halt(row: Marks | Listing, event: Event) -> None:
    """A HALT event, for the row of its instrument."""
    if row.halted != event.w0:
        row.halted, row.halted_ns = event.w0, event.ts_venue_ns
