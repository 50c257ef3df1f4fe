"""What reaches the venue while a bar is under way whose open an order waits for: it acts after that open.

A bar is told when it has ended, and what its open fills is told then. In fact that was filled when the bar began: it cannot be
cancelled, changed or outlive its date any more, though nobody has heard of the fill, and whoever knows the open from elsewhere must
not use it. So the venue keeps such a command, and such a date, until the bar is told. Then the open comes first, the command second;
the order takes no part in the rest of that bar. Where no bar is told by the time it should have been, none was under way and the
command acts.

An order waits for an open if nothing of it is filled and it would fill at the last price: market orders, triggered stops, limits and
stops that the price has passed. What is filled in part works through the bars, so that its rest is let go inside one.

Assumptions: bars of one length lie on one grid where the session's open lies on it too. An order that only a gap of the open would
fill is let go inside the bar. The order of a target that a later target supersedes is let go too, since the later one counts on it.
Fails when: somebody who knows of a gap takes back a stop or a limit inside the bar that it opens.
"""

from __future__ import annotations

from typing import Any

from framework.kernel.book import book_of, past_bar, terms_of
from framework.kernel.codes import AT_CLOSE, AT_OPEN, CANCEL, EXPIRED, R_SUPERSEDED, S_NONE
from framework.kernel.compile import inlined, kernel, outlined
from framework.kernel.depth import depth_of
from framework.kernel.orders import is_done, order_of
from framework.kernel.priority import NEVER, rank_at
from framework.kernel.records import event_row
from framework.kernel.room import KEPT, has_row
from framework.kernel.venue_records import session_row, venue_book_row
from framework.schema.units import NEVER_NS


@kernel
def bar_ends(t: Any, x: Any, order: Any) -> int:
    """When the bar ends that is under way and whose open the order waits for; NEVER_NS where nobody knows, 0 where there is no such bar."""
    book, terms, venue = book_of(t, order.instrument), terms_of(t, order.instrument), venue_book_row(x.books, order.instrument)
    if book.bars == 0 or book.quote_ns != 0 or venue.traded_ns != 0 or venue.halted or depth_of(x, order.instrument).bids != 0:
        return 0
    session = session_row(x.sessions, terms.calendar)
    start_ns, ends_ns, length_ns = book.bar_ns, NEVER_NS, terms.bar_interval_ns
    start_ns = max(start_ns, venue.matched_ns)  # what a bar's own fills send is later
    if session.known:
        if session.is_open == 0:
            return 0
        start_ns, ends_ns = max(start_ns, session.open_ns), session.close_ns
    if x.now_ns <= start_ns or order.filled_lots > 0 or order.time_in_force == AT_CLOSE:
        return 0
    if length_ns > 0 and (session.known == 0 or (session.open_ns - book.bar_ns) % length_ns == 0):
        on_grid_ns = book.bar_ns + (x.now_ns - 1 - book.bar_ns) // length_ns * length_ns
        start_ns, ends_ns = max(start_ns, on_grid_ns), min(ends_ns, on_grid_ns + length_ns)
    elif length_ns > 0:
        start_ns, ends_ns = x.now_ns - 1, min(ends_ns, x.now_ns + length_ns)  # the latest that it can have begun, and can end
    if order.accepted_ns > start_ns:
        return 0
    if order.time_in_force == AT_OPEN and (book.bar_ns > session.open_ns or order.accepted_ns > session.open_ns):
        return 0
    last = int(past_bar(t, book, book.bars - 1).close)  # the mark may be one that the venue tells
    return ends_ns if rank_at(order, last, t.costs.limit_needs_through) != NEVER else 0


@inlined
def _keep(x: Any, order: Any, kind: int, ends_ns: int, w1: int, w2: int, w3: int, w4: int) -> None:
    if not has_row(x, x.kept_count, x.kept_capacity, KEPT):
        return
    row = event_row(x.kept, x.kept_count)
    x.kept_count += 1
    row.ts_local_ns, row.ts_venue_ns, row.kind, row.flags, row.instrument = ends_ns, x.now_ns, kind, 0, order.instrument
    row.w0, row.w1, row.w2, row.w3, row.w4 = order.order_id, w1, w2, w3, w4
    if order.done_ns == 0:
        order.done_ns = x.now_ns
    if ends_ns != NEVER_NS:
        x.expiry_ns = min(x.expiry_ns, ends_ns + 1)


@outlined
def keeps_command(t: Any, x: Any, event: Any) -> bool:
    """Whether a cancel or change has to wait for the bar under way; then it is kept."""
    if event.w0 >= x.orders_count or (event.kind == CANCEL and event.w1 == R_SUPERSEDED):
        return False
    order = order_of(x, event.w0)
    if order.state == S_NONE or is_done(order):
        return False
    ends_ns = bar_ends(t, x, order)
    if ends_ns == 0 and order.done_ns == 0:
        return False  # and what comes after a command that is kept is kept too
    _keep(x, order, event.kind, ends_ns if ends_ns != 0 else NEVER_NS, event.w1, event.w2, event.w3, event.w4)
    return True


@kernel
def keeps_date(t: Any, x: Any, order: Any) -> bool:
    """Whether an order whose date has come has to wait for the bar under way; then its end is kept."""
    ends_ns = bar_ends(t, x, order)
    if ends_ns == 0 and order.done_ns == 0:
        return False
    _keep(x, order, EXPIRED, ends_ns if ends_ns != 0 else NEVER_NS, 0, 0, 0, 0)
    order.expire_ns = 0
    return True
