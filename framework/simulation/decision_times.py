"""How long a strategy takes to decide, measured, for `latency.decision_ns`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from framework.engine.strategy import Strategy
from framework.engine.view import View
from framework.engine.world import Decision, WakeKind
from framework.errors import ConfigError
from framework.simulation.backtest import Data, backtest
from framework.simulation.latency import LATENCY_COLUMN
from framework.simulation.stopwatch import nanoseconds


def measure_decisions(strategy: Strategy, data: Data, settings: Mapping[str, Any] | None = None) -> pd.DataFrame:
    """Run a backtest and time every decision that sends something, from the call of the hook to its return, on this machine.

    The times depend on the machine and its load, what the strategy decides does not. Save the frame and name the file in the config:

        measure_decisions(Quoter(), tape).to_parquet("decisions.parquet")
        backtest(Quoter(), tape, latency={"decision_ns": {"model": "sampled", "file": "decisions.parquet"}})

    Args:
        strategy: whose hooks run in Python.
        data: of `backtest`.
        settings: its other arguments by name.

    Returns:
        Columns ts (of the decision), wake (name of a `WakeKind`), commands (how many were sent), latency_ns.

    Raises:
        ConfigError: the strategy runs compiled, so Python does not see its hooks; or it sent nothing.
    """
    name = type(strategy).__name__
    if strategy.runs_compiled:
        raise ConfigError(f"{name} runs compiled, where its hooks cannot be timed one by one; measure {name}.python(...) as an upper bound")
    rows: list[tuple[int, str, int, int]] = []
    decide = strategy.decide

    def timed(view: View) -> Decision:
        start = nanoseconds()
        decision = decide(view)
        took = nanoseconds() - start
        if len(decision.commands):
            rows.append((view.now_ns, WakeKind(view.wake.kind).name, len(decision.commands), took))
        return decision

    vars(strategy)["decide"] = timed
    try:
        backtest(strategy, data, **(settings or {}))
    finally:
        del vars(strategy)["decide"]
    if not rows:
        raise ConfigError(f"{name} sent nothing over these data, so there is no decision to time")
    found = pd.DataFrame(rows, columns=["ts", "wake", "commands", LATENCY_COLUMN])
    return found.assign(ts=pd.to_datetime(found["ts"], utc=True))
