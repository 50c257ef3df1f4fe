"""Whether an order can still be taken back while a bar is under way: `open_bar.py`, by what the trader half has received.

A target does not supersede an order of the target before it that waits for the open of such a bar: it counts it as filled and orders
the difference. A later target that was decided before the bar began, and whose cancel arrives inside it, is in time.
"""

from __future__ import annotations

from framework.kernel.layout.roots import TraderRoot
from framework.kernel.layout.venue_records import session_row
from framework.kernel.machine.compile import kernel
from framework.kernel.market.marks import marks_of, terms_of
from framework.kernel.market.open_bar import open_bar_ends
from framework.kernel.market.order_book import depth_of
from framework.schema.order import Order


@kernel
def is_past_recall(t: TraderRoot, order: Order) -> bool:
    """Whether an order must count as filled, though no answer has said so.

    An order that is not acknowledged may be on its way still, and can be taken back.
    """
    marks = marks_of(t, order.instrument)
    if marks.bars == 0 or marks.quote_ns != 0 or marks.last != 0 or order.accepted_ns == 0 or depth_of(t, order.instrument).bids != 0:
        return False
    return open_bar_ends(t, order, session_row(t.sessions, terms_of(t, order.instrument).calendar), marks, marks.bar_ns, t.now_ns) != 0
