"""One run over a tape, whole: its settings in, its result out."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import pandas as pd

from framework.data.tape import Tape
from framework.engine.audit import Audit
from framework.engine.compiled import unchecked_note
from framework.engine.panel import Panel
from framework.engine.strategy import Strategy
from framework.kernel.machine import machine_code
from framework.kernel.trader.trader import Trader
from framework.reports.result import Result
from framework.simulation.benchmark import benchmark_levels
from framework.simulation.configured_latency import as_received, latency_notes
from framework.simulation.early_end import attach_result
from framework.simulation.ground import Ground
from framework.simulation.header import header_of
from framework.simulation.run_tables import Tables
from framework.simulation.settings import RunSettings
from framework.simulation.through import in_parts, run_through


def simulate(
    strategy: Strategy,
    tape: Tape,
    settings: RunSettings,
    *,
    benchmark: str | pd.Series | None = None,
    chunk_events: int | None = None,
    name: str | None = None,
) -> Result:
    """Run a strategy over a tape; `benchmark`, `chunk_events`, `name`, the result and errors as in `backtest`."""
    received = as_received(tape, settings)
    header, ground = header_of(strategy, tape, settings), Ground.over(received, settings)
    trader = ground.trader(strategy)
    audit = Audit(header, trader.take_log)

    def result(ended_early: str = "") -> Result:
        return result_of(strategy, received, settings, trader, audit, benchmark=benchmark, name=name, ended_early=ended_early)

    try:
        run_through(strategy, ground, trader, audit, in_parts(received.events, chunk_events), received)
    except BaseException as error:
        attach_result(error, trader, audit, result)
        raise
    return result()


def result_of(
    strategy: Strategy,
    received: Tape,
    settings: RunSettings,
    trader: Trader,
    audit: Audit,
    *,
    benchmark: str | pd.Series | None = None,
    name: str | None = None,
    ended_early: str = "",
) -> Result:
    """What came of a run over a tape as it was received, from its trader half and its audit."""
    tables = Tables(trader, audit, received)
    early = (ended_early,) if ended_early else ()
    unchecked = (*machine_code.unchecked_note(), *unchecked_note(strategy))
    notes = (*early, *tables.refusal_note(), *received.notes, *latency_notes(settings.latency), *tables.overdraft_note(), *unchecked)
    levels = benchmark_levels(benchmark, received)
    title = name or _name(strategy)
    return Result(tables.of_run(title, settings.currency, notes, partial(_shown, audit), levels, ended_early))


def _name(strategy: Strategy) -> str:
    return strategy.mode if isinstance(strategy, Panel) else type(strategy).__name__


def _shown(audit: Audit) -> dict[str, object]:
    """The header's settings as a report shows them: one line each, what is off left out."""
    shown: dict[str, object] = {}
    for key, value in audit.header.items():
        if isinstance(value, Mapping):
            shown.update({f"{key}.{inner}": v for inner, v in value.items() if v not in (None, 0, 0.0, False, [], {}, ())})
        else:
            shown[key] = value
    return shown
