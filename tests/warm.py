"""Compiles the kernel before tests run in several processes, each of which would else compile it: `python -m tests.warm`.

Machine code of the present sources is found on disk, and then this takes two seconds.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from framework.bench import ours, workloads
from framework.bench.peers.harness import Work
from framework.kernel.loops.replay import ADVANCE
from framework.kernel.loops.tick_loop import CATCH_UP, PASS_TICKS
from framework.kernel.trader.apply import ANSWERS
from framework.kernel.trader.requests import AIMS, ORDERS
from framework.kernel.trader.ticks_seen import SEE_TICK
from framework.kernel.venue.matching_trades_and_books import RECEIVE, VENUE_TICK
from framework.kernel.venue.varying_latency import SEND_ANSWER, SEND_COMMAND

UNITS = (ANSWERS, ADVANCE, AIMS, ORDERS, SEND_COMMAND, SEND_ANSWER, PASS_TICKS, SEE_TICK, CATCH_UP, VENUE_TICK, RECEIVE)


def warm() -> None:
    """Compile every unit, and what Python enters on the way of a run: over bars, arrays and a book, with hooks of both kinds."""
    for unit in UNITS:
        assert unit.address
    with tempfile.TemporaryDirectory(prefix="onetape-warm-") as folder:
        for name, modes in (("W1", ("compiled", "python")), ("W2", ("weights",)), ("W4", ("compiled", "python"))):
            work = Work(workloads.write(name, workloads.Size(bars=500, symbols=3, days=60, ticks=2_000), Path(folder) / name))
            for mode in modes:
                run, read = ours.prepare(work, mode)
                assert read(run()).fills > 0


if __name__ == "__main__":
    warm()
