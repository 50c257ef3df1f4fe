"""The life of an order: one look-up in the transition table, shared by both halves."""

from __future__ import annotations

from framework.kernel.layout.codes import (
    ORDER_ENDED,
    S_CANCELLED,
    S_FILLED,
    S_PARTIAL,
    S_PENDING_CANCEL,
    S_PENDING_REPLACE,
    S_UNKNOWN,
    S_WORKING,
)
from framework.kernel.machine.compile import inlined, kernel
from framework.schema.event import Event
from framework.schema.order import Order
from framework.schema.transitions import TRANSITIONS


@inlined
def may(order: Order, event: int) -> bool:
    """Whether the table allows an event in the order's state."""
    return bool(TRANSITIONS[order.state, event] >= 0)


@kernel
def moved(order: Order, event: int) -> bool:
    """Move `order` by `event`; False, and nothing changed, where the table does not allow it."""
    before = order.state
    after = TRANSITIONS[before, event]
    if after < 0:
        return False
    if after == S_WORKING and order.filled_lots > 0 and (before == S_PENDING_CANCEL or before == S_PENDING_REPLACE or before == S_UNKNOWN):
        after = S_PARTIAL
    order.state = after
    return True


@kernel
def leaves(order: Order) -> int:
    """Lots still to be filled."""
    return order.quantity_lots - order.filled_lots


@kernel
def correct(order: Order, event: Event) -> None:
    """Let an order stand as a CORRECTION says, whatever it was before."""
    order.filled_lots = event.w1
    if event.flags == ORDER_ENDED:
        order.state, order.reason = S_FILLED if leaves(order) <= 0 else S_CANCELLED, event.w4
    else:
        order.state, order.reason = S_PARTIAL if order.filled_lots > 0 else S_WORKING, 0
