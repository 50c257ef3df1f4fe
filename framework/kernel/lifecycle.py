"""The life of an order: one look-up in the transition table, shared by both halves."""

from __future__ import annotations

from typing import Any

from framework.kernel.codes import (
    AT_CLOSE,
    AT_OPEN,
    LIMIT,
    O_RESTING,
    S_FILLED,
    S_PARTIAL,
    S_PENDING_CANCEL,
    S_PENDING_REPLACE,
    S_TRIGGERED,
    S_WORKING,
    STOP,
    STOP_LIMIT,
)
from framework.kernel.compile import inlined, kernel
from framework.schema.order import TRANSITIONS


@kernel
def moved(order: Any, event: int) -> bool:
    """Move `order` by `event`; False, and nothing changed, where the table does not allow it."""
    before = order.state
    after = TRANSITIONS[before, event]
    if after < 0:
        return False
    if after == S_WORKING and order.filled_lots > 0 and (before == S_PENDING_CANCEL or before == S_PENDING_REPLACE):
        after = S_PARTIAL
    order.state = after
    return True


@kernel
def leaves(order: Any) -> int:
    """Lots still to be filled."""
    return order.quantity_lots - order.filled_lots


@kernel
def has_triggered(order: Any) -> bool:
    """Whether a stop works as the market or limit order that it becomes."""
    return order.state == S_TRIGGERED or (order.state == S_PARTIAL and order.type >= STOP)


@inlined
def rests(order: Any) -> bool:
    """Whether an order stands in a line at the venue, where others can reach it."""
    return (
        order.flags & O_RESTING != 0
        and order.state < S_FILLED
        and (order.type == LIMIT or (order.type == STOP_LIMIT and has_triggered(order)))
        and order.time_in_force != AT_CLOSE
        and order.time_in_force != AT_OPEN
    )
