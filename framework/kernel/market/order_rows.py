"""The row of an order, as either half keeps one."""

from __future__ import annotations

from framework.kernel.layout.codes import LIMIT_TOUCHED, MARKET_TOUCHED, S_FILLED, S_NONE, S_REFUSED
from framework.kernel.layout.roots import TraderRoot, order_row
from framework.kernel.machine.compile import inlined, kernel
from framework.schema.event import Event
from framework.schema.order import LAST_OWNER, Order


@kernel
def order_of(t: TraderRoot, order_id: int) -> Order:
    """One order of the trader half's table."""
    return order_row(t.orders, order_id)


@kernel
def is_done(order: Order) -> bool:
    """Whether the order has ended."""
    return S_FILLED <= order.state <= S_REFUSED


@inlined
def has_ended(order: Order) -> bool:
    """Whether an order that a strategy names has ended; of one that memory has let go the row is empty."""
    return is_done(order) or order.state == S_NONE


@inlined
def is_touch(order: Order) -> bool:
    """Whether it triggers on the other side than a stop."""
    return order.type == MARKET_TOUCHED or order.type == LIMIT_TOUCHED


@inlined
def unpack(order: Order, event: Event) -> None:
    """Fill an order row from a submit event."""
    packed = event.w1
    order.order_id, order.instrument = event.w0, event.instrument
    order.type, order.time_in_force = packed & 0xFF, (packed >> 8) & 0xFF
    order.flags = (packed >> 16) & 0xFFFF
    order.side = -1 if (packed >> 40) & 1 else 1
    order.owner = (packed >> 48) & LAST_OWNER
    order.quantity_lots, order.limit_ticks, order.stop_ticks = event.w2, event.w3, event.w4
    order.parent_id, order.group_id = -1, -1


@kernel
def pack(order: Order) -> int:
    """The terms word of a submit event; `unpack` reads it."""
    return order.type | (order.time_in_force << 8) | (order.flags << 16) | ((1 if order.side < 0 else 0) << 40) | (order.owner << 48)


@inlined
def clear(order: Order) -> None:
    """Empty a row before its first use."""
    order.state, order.reason, order.next_working = S_NONE, 0, -1
    order.filled_lots, order.trail, order.expire_ns = 0, 0, 0
    order.limit_offset, order.display_lots, order.peg_offset, order.peg_cap, order.shown_lots = 0, 0, 0, 0, 0
    order.decided_ns, order.accepted_ns, order.done_ns, order.blocked_ns = 0, 0, 0, 0
    order.filled_ns = 0  # `filled_ticks` is read beside it only, what was asked only while changes are under way
    order.filled_value, order.fees, order.raw_fees, order.planned_cost = 0.0, 0.0, 0.0, 0.0
    order.need, order.have = 0.0, 0.0
    order.changes_under_way = 0
    order.ahead_lots, order.passed_lots, order.place = 0.0, 0.0, 0


@inlined
def take_instructions(order: Order, event: Event) -> None:
    """What an order is instructed besides; for either half."""
    order.display_lots, order.peg_offset, order.peg_cap, order.limit_offset = event.w1, event.w2, event.w3, event.w4
