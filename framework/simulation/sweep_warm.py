"""Imported once by the server that worker processes are forked from: the kernel is loaded there and not in every worker."""

from __future__ import annotations

from framework.engine import compiled_market, compiled_orders, compiled_types
from framework.kernel.loops.replay import ADVANCE
from framework.kernel.machine.machine_code import is_cached
from framework.kernel.trader.apply import ANSWERS
from framework.kernel.trader.requests import AIMS, ORDERS
from framework.machine.mode import is_plain
from framework.simulation import sweep_run

LOADED = (
    sweep_run.Runner,
    (compiled_market, compiled_orders, compiled_types),
    [unit.address for unit in (ANSWERS, ADVANCE, AIMS, ORDERS)] if is_cached() or is_plain() else [],
)
"""What workers find in memory."""
