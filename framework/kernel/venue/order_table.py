"""The venue's table of orders: a small ring that stays in the processor's cache, and a hash table of old rows behind it.

An order's home is its number modulo the rows of the ring. A row is used again once its order has ended and nothing of the present moment
reads it any more. An order that still matters when a new one comes to its home moves to the old rows, which are looked up only where
another order is at home. So an order that works for long costs one row, and an ended one is forgotten: a command that comes for it finds
an ended order without an instrument.

Rows move when one is opened, and nobody holds a row of an order then.
"""

from __future__ import annotations

from framework.kernel.layout.codes import SUBMIT
from framework.kernel.layout.depth_records import word_row
from framework.kernel.layout.roots import ExchangeRoot, TraderRoot, event_row, order_row
from framework.kernel.layout.table_room import OLD_ORDERS, grown, hashed_row
from framework.kernel.machine.compile import address_of, inlined, kernel, outlined
from framework.kernel.market.order_rows import clear, is_done
from framework.schema.event import Event
from framework.schema.order import ORDER, Order

NOT_LISTED = -2
"""`next_working` of an order that is in no list of working ones."""

ORDER_WORDS = ORDER.itemsize // 8


@outlined
def _old_place(x: ExchangeRoot, order_id: int) -> int:
    """Where an order stands among the old rows; the row behind the last where it does not: that of an order that was forgotten."""
    mask = x.old_orders_capacity - 1
    k = hashed_row(order_id, mask)
    while True:
        number = order_row(x.old_orders, k).order_id
        if number == order_id:
            return int(k)
        if number < 0:
            return x.old_orders_capacity
        k = (k + 1) & mask


@kernel
def order_of(x: ExchangeRoot, order_id: int) -> Order:
    """One order of the venue's table."""
    order = order_row(x.orders, order_id & (x.orders_capacity - 1))
    if order.order_id != order_id:
        order = order_row(x.old_orders, _old_place(x, order_id))
    return order


@inlined
def _still_matters(t: TraderRoot, order: Order) -> bool:
    """Whether an order works, is in a list, or has filled in the present moment, for which its exits ask."""
    return not is_done(order) or order.next_working != NOT_LISTED or order.filled_ns >= t.now_ns


@outlined
def _make_old(x: ExchangeRoot, order_id: int) -> bool:
    """Move an order from its home to the old rows, of which half are kept free; whether there was room."""
    if 2 * (x.old_orders_count + 1) > x.old_orders_capacity and not grown(x, OLD_ORDERS):
        return False
    order = order_row(x.orders, order_id & (x.orders_capacity - 1))
    if order.order_id != order_id:
        return True  # it has another home now that the ring is larger
    mask = x.old_orders_capacity - 1
    k = hashed_row(order_id, mask)
    while order_row(x.old_orders, k).order_id >= 0:
        k = (k + 1) & mask
    source, target = address_of(order), address_of(order_row(x.old_orders, k))
    for w in range(ORDER_WORDS):
        word_row(target, w).value = word_row(source, w).value
    x.old_orders_count += 1
    order.order_id = -1
    return True


@inlined
def open_row(t: TraderRoot, x: ExchangeRoot, order_id: int) -> bool:
    """Empty an order's home for it; whether there was room."""
    order = order_row(x.orders, order_id & (x.orders_capacity - 1))
    while order.order_id >= 0 and _still_matters(t, order):
        if not _make_old(x, order.order_id):
            return False
        order = order_row(x.orders, order_id & (x.orders_capacity - 1))
    clear(order)
    order.order_id, order.next_working = order_id, NOT_LISTED
    return True


@outlined
def is_still_to_come(x: ExchangeRoot, order_id: int) -> bool:
    """Whether an order is on its way to the venue."""
    for k in range(x.order_entry_head, x.order_entry_count):
        row = event_row(x.order_entry, k)
        if row.kind == SUBMIT and row.w0 == order_id:
            return True
    return False


@inlined
def _filled_beyond(order: Order, bar: Event, side: int) -> bool:
    is_inside = order.order_id >= 0 and order.instrument == bar.instrument and order.filled_ns == bar.ts_local_ns
    return is_inside and (order.filled_ticks - bar.w0) * side > 0


@outlined
def has_filled_beyond(x: ExchangeRoot, bar: Event, side: int) -> bool:
    """Whether an order has filled in a bar at a price beyond its open: above for 1, below for -1."""
    found = False
    for k in range(x.orders_capacity):
        found = found or _filled_beyond(order_row(x.orders, k), bar, side)
    for k in range(x.old_orders_capacity):
        found = found or _filled_beyond(order_row(x.old_orders, k), bar, side)
    return found
