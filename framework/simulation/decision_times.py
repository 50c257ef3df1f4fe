"""How long a strategy takes to decide, measured, for `latency.decision_ns`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pandas as pd

from framework.engine.strategy import Strategy
from framework.engine.view import View
from framework.engine.world import Decision, WakeKind
from framework.errors import ConfigError
from framework.simulation.configured_latency import LATENCY_COLUMN
from framework.simulation.stopwatch import nanoseconds


@dataclass
class DecisionTimes:
    """The decisions that sent something, as `timed_decisions` found them."""

    strategy: str
    rows: list[tuple[int, str, int, int]] = field(default_factory=list)

    def frame(self) -> pd.DataFrame:
        """Columns ts (of the decision), wake (name of a `WakeKind`), commands (how many were sent), latency_ns.

        Raises:
            ConfigError: nothing was sent.
        """
        if not self.rows:
            raise ConfigError(f"{self.strategy} sent nothing, so there is no decision to time; run it over data on which it orders")
        found = pd.DataFrame(self.rows, columns=["ts", "wake", "commands", LATENCY_COLUMN])
        return found.assign(ts=pd.to_datetime(found["ts"], utc=True))


@contextmanager
def timed_decisions(strategy: Strategy) -> Iterator[DecisionTimes]:
    """Time every decision that sends something, from the call of the hook to its return, on this machine.

    The times depend on the machine and its load; what the strategy decides does not. Save the frame and name the file in the config:

        with timed_decisions(strategy) as times:
            backtest(strategy, tape)
        times.frame().to_parquet("decisions.parquet")
        backtest(strategy, tape, latency={"decision_ns": {"model": "sampled", "file": "decisions.parquet"}})

    Raises:
        ConfigError: the strategy runs compiled, so Python does not see its hooks.
    """
    name = type(strategy).__name__
    if strategy.runs_compiled:
        raise ConfigError(f"{name} runs compiled, where its hooks cannot be timed one by one; time {name}.python(...) as an upper bound")
    times = DecisionTimes(name)
    decide = strategy.decide

    def timed(view: View) -> Decision:
        start = nanoseconds()
        decision = decide(view)
        took = nanoseconds() - start
        if len(decision.commands):
            times.rows.append((view.now_ns, WakeKind(view.wake.kind).name, len(decision.commands), took))
        return decision

    vars(strategy)["decide"] = timed
    try:
        yield times
    finally:
        del vars(strategy)["decide"]
