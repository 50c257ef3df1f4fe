"""How orders end by the clock: at their date, and when the data are over."""

from __future__ import annotations

from framework.kernel.layout.codes import EXPIRED, R_DATE
from framework.kernel.layout.roots import ExchangeRoot, TraderRoot, event_row
from framework.kernel.machine.compile import kernel
from framework.kernel.market.order_rows import is_done
from framework.kernel.venue.answers import end_order
from framework.kernel.venue.commands import listing_of, release_kept
from framework.kernel.venue.kept_commands import keeps_date
from framework.kernel.venue.order_table import order_of
from framework.kernel.venue.working_orders import sweep
from framework.schema.units import NEVER_NS


@kernel
def expire(t: TraderRoot, x: ExchangeRoot) -> None:
    """End every good-till-date order whose date has passed, and find the next date.

    An order is good through its date: what is stamped there, a bar that tells of the time up to it too, comes first. So it is
    due a nanosecond later, and stamped at its date.
    """
    x.now_ns = max(x.now_ns, x.expiry_ns - 1)
    t.now_ns = max(t.now_ns, x.now_ns)
    x.expiry_ns = NEVER_NS
    if x.kept_count > 0:
        release_kept(t, x, -1, NEVER_NS, x.now_ns)
        for k in range(x.kept_count):
            ends_ns = event_row(x.kept, k).ts_local_ns
            if ends_ns != NEVER_NS:
                x.expiry_ns = min(x.expiry_ns, ends_ns + 1)
    for i in range(x.listings_count):
        at = listing_of(x, i).first
        if at < 0:
            continue
        while at >= 0:
            order = order_of(x, at)
            at = order.next_working
            if order.expire_ns > 0 and not is_done(order):
                if order.expire_ns <= x.now_ns:
                    if keeps_date(t, x, order):
                        continue
                    end_order(t, x, order, EXPIRED, R_DATE, 0.0, 0.0)
                else:
                    x.expiry_ns = min(x.expiry_ns, order.expire_ns + 1)
        sweep(x, i)


@kernel
def end_all(t: TraderRoot, x: ExchangeRoot, reason: int) -> None:
    """The data are over: every working order ends with a reason."""
    if x.kept_count > 0:
        release_kept(t, x, -1, NEVER_NS, NEVER_NS)
    for i in range(x.listings_count):
        at = listing_of(x, i).first
        while at >= 0:
            order = order_of(x, at)
            at = order.next_working
            end_order(t, x, order, EXPIRED, reason, 0.0, 0.0)
        sweep(x, i)
