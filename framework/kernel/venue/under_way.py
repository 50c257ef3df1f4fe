"""What reaches the venue while a bar is under way whose open an order waits for: it acts after that open.

A bar is told when it has ended, and what its open fills is told then. In fact that was filled when the bar began: it cannot be
cancelled, changed or outlive its date any more, though nobody has heard of the fill, and whoever knows the open from elsewhere must
not use it. So the venue keeps such a command, and such a date, until the bar is told. Then the open comes first, the command second;
the order takes no part in the rest of that bar. Where no bar is told by the time it should have been, none was under way and the
command acts.

An order waits for an open if nothing of it is filled and it would fill at the last price: market orders, triggered stops, limits and
stops that the price has passed. What is filled in part works through the bars, so that its rest is let go inside one.

A target does not supersede such an order of the target before it: it counts it as filled and orders the difference. A later target that
was decided before the bar began, and whose cancel arrives inside it, is in time.

A corporate action inside the bar leaves a kept command kept, and restates it with its order. A halt that began inside the bar came
after its open; where the bar began in a halt its open is still to come.

Assumptions: bars of one length lie on one grid where the session's open lies on it too. An order that only a gap of the open would
fill is let go inside the bar.
Fails when: somebody who knows of a gap takes back a stop or a limit inside the bar that it opens.
"""

from __future__ import annotations

from typing import Any

from framework.kernel.layout.codes import AT_CLOSE, AT_OPEN, CANCEL, EXPIRED, R_SUPERSEDED, S_NONE
from framework.kernel.layout.room import KEPT, has_row
from framework.kernel.layout.roots import event_row
from framework.kernel.layout.venue_records import session_row, venue_book_row
from framework.kernel.machine.compile import inlined, kernel, outlined
from framework.kernel.market.marks import book_of, past_bar, terms_of
from framework.kernel.market.order_book import depth_of
from framework.kernel.market.order_rows import is_done, order_of
from framework.kernel.market.priority import NEVER, rank_at
from framework.schema.units import NEVER_NS


@kernel
def _ends_ns(t: Any, order: Any, session: Any, row: Any, start_ns: int, now_ns: int) -> int:
    """`bar_ends` of an instrument of which only bars are told, by what one half knows.

    `row` tells of halts, `start_ns` is the stamp of the last bar.
    """
    book, terms = book_of(t, order.instrument), terms_of(t, order.instrument)
    ends_ns, length_ns = NEVER_NS, terms.bar_interval_ns
    if session.known:
        if session.is_open == 0:
            return 0
        start_ns, ends_ns = max(start_ns, session.open_ns), session.close_ns
    if now_ns <= start_ns or order.filled_lots > 0 or order.time_in_force == AT_CLOSE:
        return 0
    began_ns = start_ns
    if length_ns > 0 and (session.known == 0 or (session.open_ns - book.bar_ns) % length_ns == 0):
        on_grid_ns = book.bar_ns + (now_ns - 1 - book.bar_ns) // length_ns * length_ns
        start_ns, ends_ns = max(start_ns, on_grid_ns), min(ends_ns, on_grid_ns + length_ns)
        began_ns = start_ns
    elif length_ns > 0:
        start_ns, ends_ns = now_ns - 1, min(ends_ns, now_ns + length_ns)  # the latest that it can have begun, and can end
        began_ns = max(began_ns, now_ns - length_ns)
    if order.accepted_ns > start_ns or (row.halted and row.halted_ns <= began_ns):
        return 0  # a halt that began inside the bar came after its open
    if order.time_in_force == AT_OPEN and (book.bar_ns > session.open_ns or order.accepted_ns > session.open_ns):
        return 0
    last = int(past_bar(t, book, book.bars - 1).close)  # the mark may be one that the venue tells
    return ends_ns if rank_at(order, last, t.costs.limit_needs_through) != NEVER else 0


@kernel
def bar_ends(t: Any, x: Any, order: Any, now_ns: int) -> int:
    """When the bar ends that is under way and whose open the order waits for; NEVER_NS where nobody knows, 0 where there is no such bar."""
    book, venue = book_of(t, order.instrument), venue_book_row(x.books, order.instrument)
    if book.bars == 0 or book.quote_ns != 0 or venue.traded_ns != 0 or depth_of(x, order.instrument).bids != 0:
        return 0
    start_ns = max(book.bar_ns, venue.matched_ns)  # what a bar's own fills send is later, though nobody has seen it
    return _ends_ns(t, order, session_row(x.sessions, terms_of(t, order.instrument).calendar), venue, start_ns, now_ns)


@kernel
def is_past_recall(t: Any, order: Any) -> bool:
    """The same by what the trader half has heard: whether an order must count as filled, though nobody has told so.

    An order whose acceptance was not heard may be on its way still, and can be taken back.
    """
    book = book_of(t, order.instrument)
    if book.bars == 0 or book.quote_ns != 0 or book.last != 0 or order.accepted_ns == 0 or depth_of(t, order.instrument).bids != 0:
        return False
    return _ends_ns(t, order, session_row(t.sessions, terms_of(t, order.instrument).calendar), book, book.bar_ns, t.now_ns) != 0


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
    if event.w0 >= x.orders_count:
        return False
    order = order_of(x, event.w0)
    if order.state == S_NONE or is_done(order):
        return False
    is_superseding = event.kind == CANCEL and event.w1 == R_SUPERSEDED  # the later target counted on it to be in time
    ends_ns = bar_ends(t, x, order, event.ts_local_ns if is_superseding else x.now_ns)
    if ends_ns == 0 and order.done_ns == 0:
        return False  # and what comes after a command that is kept is kept too
    _keep(x, order, event.kind, ends_ns if ends_ns != 0 else NEVER_NS, event.w1, event.w2, event.w3, event.w4)
    return True


@kernel
def keeps_date(t: Any, x: Any, order: Any) -> bool:
    """Whether an order whose date has come has to wait for the bar under way; then its end is kept."""
    ends_ns = bar_ends(t, x, order, x.now_ns)
    if ends_ns == 0 and order.done_ns == 0:
        return False
    _keep(x, order, EXPIRED, ends_ns if ends_ns != 0 else NEVER_NS, 0, 0, 0, 0)
    order.expire_ns = 0
    return True
