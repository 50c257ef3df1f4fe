"""The bar under way whose open an order waits for, as far as one half can tell.

A bar is published when it has ended, and what its open fills is published then. In fact that was filled when the bar began: it cannot be
cancelled, changed or outlive its date any more, though nobody has been notified of the fill, and whoever knows the open from elsewhere must
not use it.

An order waits for an open if nothing of it is filled and it would fill at the last price: market orders, triggered stops, limits and
stops that the price has passed. What is filled in part works through the bars, so that its rest is released inside one.

Assumptions: bars of one length follow each other at that distance, and from the session's open if it is at that distance too. An order that
only a gap of the open would fill is released inside the bar.
Fails when: somebody who knows of a gap takes back a stop or a limit inside the bar that it opens.
"""

from __future__ import annotations

from framework.kernel.layout.codes import AT_CLOSE, AT_OPEN
from framework.kernel.layout.market_records import Marks
from framework.kernel.layout.roots import TraderRoot
from framework.kernel.layout.venue_records import Listing, SessionHours
from framework.kernel.machine.compile import kernel
from framework.kernel.market.marks import marks_of, past_bar, terms_of
from framework.kernel.market.priority import NEVER, rank_at
from framework.schema.order import Order
from framework.schema.units import NEVER_NS


@kernel
def open_bar_ends(t: TraderRoot, order: Order, session: SessionHours, row: Marks | Listing, start_ns: int, now_ns: int) -> int:
    """When the bar ends whose open the order waits for, of an instrument of which only bars are published.

    NEVER_NS where nobody knows, 0 where there is no such bar. `row` tells of halts, `start_ns` is the stamp of the last bar.
    """
    marks, terms = marks_of(t, order.instrument), terms_of(t, order.instrument)
    ends_ns, length_ns = NEVER_NS, terms.bar_interval_ns
    if session.known:
        if session.is_open == 0:
            return 0
        start_ns, ends_ns = max(start_ns, session.open_ns), session.close_ns
    if now_ns <= start_ns or order.filled_lots > 0 or order.time_in_force == AT_CLOSE:
        return 0
    began_ns = start_ns
    if length_ns > 0 and (session.known == 0 or (session.open_ns - marks.bar_ns) % length_ns == 0):
        boundary_ns = marks.bar_ns + (now_ns - 1 - marks.bar_ns) // length_ns * length_ns
        start_ns, ends_ns = max(start_ns, boundary_ns), min(ends_ns, boundary_ns + length_ns)
        began_ns = start_ns
    elif length_ns > 0:
        start_ns, ends_ns = now_ns - 1, min(ends_ns, now_ns + length_ns)  # the latest that it can have begun, and can end
        began_ns = max(began_ns, now_ns - length_ns)
    if order.accepted_ns > start_ns or (row.halted and row.halted_ns <= began_ns):
        return 0  # a halt that began inside the bar came after its open
    if order.time_in_force == AT_OPEN and (marks.bar_ns > session.open_ns or order.accepted_ns > session.open_ns):
        return 0
    last = int(past_bar(t, marks, marks.bars - 1).close)  # the mark may be one that the venue tells
    return ends_ns if rank_at(order, last, t.costs.limit_needs_through) != NEVER else 0
