"""Doors from Python into the compiled proposals: the same functions, taking the root array instead of the record."""

from __future__ import annotations

from typing import Any

from framework.kernel import propose as inner
from framework.kernel.compile import kernel
from framework.kernel.ledger import valuation as _valuation

_propose, _bracket, _cancel, _replace = inner.propose, inner.propose_bracket, inner.propose_cancel, inner.propose_replace
_aim_weight, _aim_quantity = inner.aim_weight, inner.aim_quantity

NO_ROOM = inner.NO_ROOM


@kernel
def propose(
    trader: Any,
    instrument: int,
    side: int,
    kind: int,
    time_in_force: int,
    flags: int,
    quantity: float,
    limit: float,
    stop: float,
    trail: float,
    expire_ns: int,
    parent: int,
    group: int,
) -> int:
    """See `framework.kernel.propose.propose`."""
    return _propose(trader[0], instrument, side, kind, time_in_force, flags, quantity, limit, stop, trail, expire_ns, parent, group)


@kernel
def bracket(
    trader: Any, instrument: int, side: int, kind: int, quantity: float, limit: float, stop: float, target: float, loss: float
) -> int:
    """See `framework.kernel.propose.propose_bracket`."""
    return _bracket(trader[0], instrument, side, kind, quantity, limit, stop, target, loss)


@kernel
def aim_weight(trader: Any, instrument: int, weight: float) -> int:
    """See `framework.kernel.propose.aim_weight`."""
    return _aim_weight(trader[0], instrument, weight)


@kernel
def aim_quantity(trader: Any, instrument: int, quantity: float) -> int:
    """See `framework.kernel.propose.aim_quantity`."""
    return _aim_quantity(trader[0], instrument, quantity)


@kernel
def cancel(trader: Any, order_id: int, reason: int) -> int:
    """See `framework.kernel.propose.propose_cancel`."""
    return _cancel(trader[0], order_id, reason)


@kernel
def replace(trader: Any, order_id: int, quantity: float, limit: float, stop: float) -> int:
    """See `framework.kernel.propose.propose_replace`."""
    return _replace(trader[0], order_id, quantity, limit, stop)


@kernel
def valuation(trader: Any) -> Any:
    """(equity, cash, gross exposure, net exposure) in the base currency at the present marks."""
    return _valuation(trader[0])
