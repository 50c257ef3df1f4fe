"""Sessions and halts as either half keeps them: told by the tape, applied by each in its turn."""

from __future__ import annotations

from framework.kernel.layout.codes import F_OPEN
from framework.kernel.layout.market_records import Book
from framework.kernel.layout.venue_records import SessionState, VenueBook
from framework.kernel.machine.compile import kernel
from framework.schema.event import Event


@kernel
def tell_session(session: SessionState, event: Event) -> None:
    """A SESSION event: an open, a close, or the begin or end of a pause."""
    session.known, session.open_ns, session.close_ns = 1, event.w1, event.w2
    session.is_open = 1 if event.flags & F_OPEN else 0


@kernel
def tell_halt(book: Book | VenueBook, event: Event) -> None:
    """A HALT event, for the row of its instrument."""
    if book.halted != event.w0:
        book.halted, book.halted_ns = event.w0, event.ts_venue_ns
