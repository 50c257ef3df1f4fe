"""Laws 5 and 12: the same bytes in every process and in any parts, and memory that does not grow."""

from __future__ import annotations

import json
import weakref
from collections.abc import Iterator

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from framework import Strategy, backtest
from framework.data.tape.event_arrays import chunks
from framework.engine.audit import Audit
from framework.engine.engine import run as run_engine
from framework.engine.tape_feeds import Parts
from framework.engine.view import View
from framework.kernel.venue.exchange import Exchange
from framework.simulation.ground import Ground
from framework.simulation.settings import RunSettings
from framework.simulation.simulated_world import SimulatedWorld
from strategies.crossover import Crossover
from tests.open_tapes import fed_event_by_event
from tests.properties.library import COSTS, LIBRARY, elsewhere, laws, library_run, prices, walk
from tests.properties.random_runs import Case, cases, run, tape_of

# Law 5: determinism

_SCRIPT = """
import json
from framework import backtest
from strategies.crossover import Crossover
from strategies.momentum import Momentum
costs = {"fee_bps": 1.0, "half_spread_bps": 0.5, "impact": {"model": "square_root"}, "max_participation": 0.05}
found = []
for chunk_events in (None, 999):
    for strategy in (Crossover(), Momentum()):
        result = backtest(strategy, costs=costs, chunk_events=chunk_events, seed=7)
        found.append([result.audit_hash, result.audit.records.tobytes().hex()[:64], float(result.equity.iloc[-1]).hex()])
print(json.dumps(found))
"""


def test_the_same_bytes_in_every_process() -> None:
    runs = [json.loads(elsewhere(_SCRIPT, PYTHONHASHSEED=seed, NUMBA_NUM_THREADS=threads)) for seed, threads in (("0", "1"), ("4242", "2"))]
    assert runs[0] == runs[1]
    assert runs[0][:2] == runs[0][2:], "the size of the chunks reached the audit"
    assert runs[0][0] != runs[0][1]


@laws
@given(cases(), st.integers(1, 40))
def test_neither_repetition_nor_parts_nor_an_open_end_change_a_byte(case: Case, chunk_events: int) -> None:
    tape = tape_of(case)
    first, second = run(case, tape)[1], run(case, tape, chunk_events=chunk_events)[1]
    with fed_event_by_event():
        third = run(case, tape)[1]
    assert first.audit_hash == second.audit_hash == third.audit_hash
    assert first.audit.records.tobytes() == second.audit.records.tobytes() == third.audit.records.tobytes()
    assert first.equity.equals(second.equity) and first.equity.equals(third.equity)


def test_a_run_is_told_by_its_hash() -> None:
    """Whatever a run is made of is in its hash."""
    base = {"cash": 10_000.0, "costs": COSTS, "seed": 0}
    data = walk(1, 60)

    def hash_of(strategy: Strategy | None = None, bars: pd.DataFrame | None = None, **changes: object) -> str:
        chosen = strategy if strategy is not None else Crossover(fast=3, slow=8)
        return backtest(chosen, data if bars is None else bars, **{**base, **changes}).audit_hash  # type: ignore[arg-type]

    later = data.copy()
    later.iloc[-1, 4] += 1.0  # the volume of the last bar
    hashes = [
        hash_of(),
        hash_of(Crossover(fast=3, slow=9)),
        hash_of(bars=later),
        hash_of(cash=10_001.0),
        hash_of(costs={"fee_bps": 1.0}),
        hash_of(risk={"max_leverage": 0.9}),
        hash_of(latency={"entry_ns": 1}),
        hash_of(seed=1),
    ]
    assert len(set(hashes)) == len(hashes)
    assert hash_of() == hashes[0]


# Law 12: bounded memory

_MANY = """
import resource, sys
import numpy as np, pandas as pd
from framework import backtest
from strategies.crossover import Crossover
stamps = pd.date_range("2020-01-01", periods=500, freq="D", tz="UTC")
close = np.round(100 + 10 * np.sin(np.arange(500) / 7), 2)
bars = pd.DataFrame({"open": close, "high": close + 1, "low": close - 1, "close": close, "volume": 1e4}, index=stamps)
def one():
    result = backtest(Crossover(fast=3, slow=9), bars, costs={"fee_bps": 1.0})
    assert len(result.fills) > 20 and np.isfinite(result.metrics["total_return"]) and len(result.orders)
for k in range(200):
    if k == 50:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    one()
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 150 / (1024 if sys.platform == "darwin" else 1))
"""


def test_two_hundred_runs_do_not_grow() -> None:
    """Peak memory, in kB a run, over the last 150. One run's tables take about 700 kB: a leak of them would show."""
    assert float(elsewhere(_MANY)) < 60.0


def test_a_streamed_tape_is_never_whole_in_memory() -> None:
    """Parts are made when they are asked for and dropped when they are done; the audit is that of the whole tape."""
    alive: list[weakref.ref[NDArray[np.void]]] = []
    most = 0

    def parts() -> Iterator[NDArray[np.void]]:
        nonlocal most
        for slice_ in chunks(prices().events, 997):
            part = slice_.copy()
            alive.append(weakref.ref(part))
            most = max(most, sum(each() is not None for each in alive))
            yield part
            del part

    strategy, tape = LIBRARY["crossover"], prices()
    whole = library_run("crossover")
    ground = Ground.over(tape, RunSettings.of(whole.audit.header))
    trader = ground.trader(strategy)
    audit = Audit(whole.audit.header, trader.take_log)
    world = SimulatedWorld(Parts(parts()), Exchange(len(tape.instruments), len(tape.calendars)), trader, audit.collect)
    run_engine(world, trader, strategy, View(trader, ground.timers()), audit)
    assert audit.digest == whole.audit_hash
    assert len(alive) > 15 and most <= 4


def test_a_tape_in_parts_gives_the_same_audit() -> None:
    for name in ("momentum", "crossover"):
        parts = backtest(LIBRARY[name], prices(), costs=COSTS, chunk_events=501)
        assert parts.audit_hash == library_run(name).audit_hash
        assert parts.equity.equals(library_run(name).equity)
