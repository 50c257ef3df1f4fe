"""`onetape bench`: how fast the kernel replays and how fast Python hooks are called."""

from __future__ import annotations

import time
from typing import Annotated

import typer
from rich.console import Console


def bench(bars: Annotated[int, typer.Option(help="One-minute bars to replay.", min=1000)] = 1_000_000) -> None:
    """Time one symbol of minute bars through the kernel alone and through a Python on_bar strategy, best of three."""
    from framework.bench.workloads import CrossShares, Sleeper, minute_tape
    from framework.simulation.backtest import backtest

    console = Console()
    tape = minute_tape(bars)
    backtest(CrossShares(), minute_tape(1000), costs={"fee_bps": 1.0})  # compiles what is not cached yet
    for label, strategy in (("kernel, nobody waits", Sleeper()), ("Python on_bar, 20/50 cross", CrossShares())):
        seconds = []
        for _ in range(3):
            start = time.perf_counter()
            result = backtest(strategy, tape, costs={"fee_bps": 1.0})
            seconds.append(time.perf_counter() - start)
        best = min(seconds)
        console.print(f"{label}: {best:.3f} s, {bars / best / 1e6:.2f}M bars/s, {len(result.fills):,} fills, synthetic bars")
    console.print(f"replay alone: {bars / _replay_seconds(tape) / 1e6:.1f}M bars/s", highlight=False)


def _replay_seconds(tape: object) -> float:
    """Seconds that the compiled loop takes for the whole tape, set-up and growth of tables left out; best of three."""
    import framework.simulation.prepare as setup
    from framework.bench.workloads import Sleeper
    from framework.config import parse_costs, parse_latency, parse_risk
    from framework.data.tape import Tape
    from framework.kernel.halves import Exchange
    from framework.simulation.world import SimulatedWorld

    assert isinstance(tape, Tape)
    header = setup.header_of(Sleeper(), tape, 1e6, "USD", parse_costs(None), parse_risk(None), parse_latency(None), 0)
    best = float("inf")
    for _ in range(3):
        run = setup.prepare(Sleeper(), tape, header)
        run.trader.reserve("points", len(tape.events))
        world = SimulatedWorld(iter((tape.events,)), Exchange(1, len(tape.calendars)), run.audit.collect)
        start = time.perf_counter()
        world.advance(run.trader, 2**62)
        best = min(best, time.perf_counter() - start)
    return best
