"""What the venue says to the trader half."""

from __future__ import annotations

from framework.kernel.account.result_rows import record_point_before
from framework.kernel.layout.codes import CANCELLED, EXPIRED, S_CANCELLED, S_EXPIRED, S_REJECTED
from framework.kernel.layout.log import apply_answer, write
from framework.kernel.layout.roots import ExchangeRoot, TraderRoot, event_row
from framework.kernel.layout.table_room import RESPONSE, has_row
from framework.kernel.machine.compile import address_of, bits, call, inlined, kernel
from framework.kernel.venue.bookings import book_answer
from framework.schema.order import Order


@inlined
def catch_up(t: TraderRoot, x: ExchangeRoot) -> None:
    """Where the feed is late the venue is ahead of us: what it says moves our clock."""
    if x.now_ns > t.now_ns:
        record_point_before(t, x.now_ns)
        t.now_ns = x.now_ns


@kernel
def answer(t: TraderRoot, x: ExchangeRoot, kind: int, flags: int, instrument: int, w0: int, w1: int, w2: int, w3: int, w4: int) -> None:
    """Say something to the trader half, at once or after the response latency; never before what it has been sent already.

    Quotes that are received late reach both halves at once, though they are stamped by the venue's clock.
    """
    if x.response_latency_ns == 0:
        catch_up(t, x)
        apply_answer(t, write(t, kind, flags | x.early, instrument, x.now_ns, w0, w1, w2, w3, w4))
        return
    if x.keeps_account != 0:
        book_answer(t, x, kind, instrument, w0, w1, w2, w3, w4)
    if not has_row(x, x.response_count, x.response_capacity, RESPONSE):
        return
    row = event_row(x.response, x.response_count)
    row.ts_local_ns, row.ts_venue_ns = max(x.now_ns + x.response_latency_ns, t.now_ns), x.now_ns
    row.kind, row.flags, row.instrument = kind, flags, instrument
    row.w0, row.w1, row.w2, row.w3, row.w4 = w0, w1, w2, w3, w4
    if x.response_latency_ns < 0:
        call(x.send_answer, address_of(x), 0)
        return
    x.response_count += 1
    x.due_ns = min(x.due_ns, row.ts_local_ns)


@kernel
def end_order(t: TraderRoot, x: ExchangeRoot, order: Order, kind: int, reason: int, need: float, have: float) -> None:
    """The venue ends an order; the sweep takes it out of the book."""
    order.state = S_CANCELLED if kind == CANCELLED else (S_EXPIRED if kind == EXPIRED else S_REJECTED)
    answer(t, x, kind, 0, order.instrument, order.order_id, reason, bits(need), bits(have), 0)
