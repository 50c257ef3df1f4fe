"""What reaches the venue while a bar is under way whose open an order waits for (`open_bar.py`): it acts after that open.

The venue keeps such a command, and such a date, until the bar is published. Then the open comes first, the command second; the order takes
no part in the rest of that bar. Where no bar is published by the time it should have been, none was under way and the command acts.

A corporate action inside the bar leaves a kept command kept, and restates it with its order. A halt that began inside the bar came
after its open; where the bar began in a halt its open is still to come.
"""

from __future__ import annotations

from framework.kernel.layout.codes import CANCEL, EXPIRED, R_SUPERSEDED
from framework.kernel.layout.roots import ExchangeRoot, TraderRoot, event_row
from framework.kernel.layout.table_room import KEPT, has_row
from framework.kernel.layout.venue_records import listing_row, session_row
from framework.kernel.machine.compile import inlined, kernel, outlined
from framework.kernel.market.marks import marks_of, terms_of
from framework.kernel.market.open_bar import open_bar_ends
from framework.kernel.market.order_book import depth_of
from framework.kernel.market.order_rows import is_done
from framework.kernel.venue.order_table import order_of
from framework.schema.event import Event
from framework.schema.order import Order
from framework.schema.units import NEVER_NS


@kernel
def bar_ends(t: TraderRoot, x: ExchangeRoot, order: Order, now_ns: int) -> int:
    """When the bar ends that is under way and whose open the order waits for; NEVER_NS where nobody knows, 0 where there is no such bar."""
    marks, venue = marks_of(t, order.instrument), listing_row(x.listings, order.instrument)
    if marks.bars == 0 or marks.quote_ns != 0 or venue.traded_ns != 0 or depth_of(x, order.instrument).bids != 0:
        return 0
    start_ns = max(marks.bar_ns, venue.matched_ns)  # what a bar's own fills send is later, though nobody has seen it
    return open_bar_ends(t, order, session_row(x.sessions, terms_of(t, order.instrument).calendar), venue, start_ns, now_ns)


@inlined
def _keep(x: ExchangeRoot, order: Order, kind: int, ends_ns: int, w1: int, w2: int, w3: int, w4: int) -> None:
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
def keeps_command(t: TraderRoot, x: ExchangeRoot, event: Event) -> bool:
    """Whether a cancel or change has to wait for the bar under way; then it is kept."""
    order = order_of(x, event.w0)
    if is_done(order):
        return False
    is_superseding = event.kind == CANCEL and event.w1 == R_SUPERSEDED  # the later target counted on it to be in time
    ends_ns = bar_ends(t, x, order, event.ts_local_ns if is_superseding else x.now_ns)
    if ends_ns == 0 and order.done_ns == 0:
        return False  # and what comes after a command that is kept is kept too
    _keep(x, order, event.kind, ends_ns if ends_ns != 0 else NEVER_NS, event.w1, event.w2, event.w3, event.w4)
    return True


@kernel
def keeps_date(t: TraderRoot, x: ExchangeRoot, order: Order) -> bool:
    """Whether an order whose date has come has to wait for the bar under way; then its end is kept."""
    ends_ns = bar_ends(t, x, order, x.now_ns)
    if ends_ns == 0 and order.done_ns == 0:
        return False
    _keep(x, order, EXPIRED, ends_ns if ends_ns != 0 else NEVER_NS, 0, 0, 0, 0)
    order.expire_ns = 0
    return True
