"""`backtest()`: data, costs and limits in, a result out. Everything runs on the one kernel."""

from __future__ import annotations

from typing import Unpack

import pandas as pd

from framework.config import RunConfig
from framework.config.account import check_benchmark, check_count, check_text
from framework.data.store.embedded import DEFAULT
from framework.data.tape.frames import frames_of
from framework.engine.library import Folders, load_strategy
from framework.engine.strategy import Strategy
from framework.reports.result import Result
from framework.simulation.arrays import Matrix, Signals, as_strategy, check_given
from framework.simulation.building import build_from, is_built_from_data
from framework.simulation.keywords import RunKeywords, refuse_unknown, takes_run_keywords
from framework.simulation.run_data import Data, tape_of, tape_of_config
from framework.simulation.settings import RunSettings
from framework.simulation.simulate import simulate


@takes_run_keywords
def backtest(
    strategy: Strategy | type[Strategy] | None = None,
    data: Data = DEFAULT,
    *,
    weights: Matrix | None = None,
    targets: Matrix | None = None,
    signals: Signals | tuple[Matrix, Matrix] | None = None,
    benchmark: str | pd.Series | None = None,
    chunk_events: int | None = None,
    name: str | None = None,
    **keywords: Unpack[RunKeywords],
) -> Result:
    """Replay data through a strategy, or through arrays computed beforehand, and return what happened.

    Exactly one of `strategy`, `weights`, `targets` and `signals` is given. Arrays are DataFrames whose index holds stamps of bars
    (or dates, for daily bars of an exchange's calendar) and whose columns are symbols; a Series for one instrument; or numpy arrays
    of shape (distinct stamps of bars, instruments). A row is decided when all bars of its stamp have closed and fills on later
    data, as any order. NaN holds, and an instrument without a column is never touched. In a row, what is closed is ordered first,
    then what is reduced, then what is enlarged.

    Args:
        strategy: an instance of a `Strategy` subclass; or a class with `from_data`, which is built from the bars of this run.
        weights: fractions of equity, sized as `view.target_weight` does.
        targets: signed quantities in units, as `view.target_quantity`.
        signals: `Signals(entries, exits, ...)` or `(entries, exits)`, boolean.
        data: a dataset's name, a path, a DataFrame (columns open, high, low, close, volume; a time-zone-aware index of bar
            closes), a dict of symbol to DataFrame, or a `Tape`.
        benchmark: a symbol of the data (its total return) or a Series of levels.
        chunk_events: replay the tape in parts of at most this many events; the result does not depend on it.
        name: of the run; if not given, the strategy's class name, or "weights", "targets" or "signals".
        keywords: those of `RunKeywords`.

    Returns:
        A `Result`: `equity, orders, fills, trades, positions, metrics, costs` as pandas, `plot()`, `report(path)`.

    Raises:
        InputError (DataError, ConfigError): the input cannot be right; the message says where and what to do.
        StrategyError: a hook raised.

    Whatever a run raises once it has begun, KeyboardInterrupt too, has the attribute `result`: the run up to there, whose orders that
    still worked ended with RUN_ENDED_EARLY, and whose `ended_early` and first note say why.
    """
    refuse_unknown(backtest, keywords)
    check_given("backtest()", {"strategy": strategy, "weights": weights, "targets": targets, "signals": signals})
    settings = RunSettings.of(keywords)
    check_benchmark(benchmark)
    check_text("name", name)
    if chunk_events is not None:
        check_count("chunk_events", chunk_events)
    tape = tape_of(data, keywords, settings.currency)
    if strategy is None:
        built: Strategy = as_strategy(weights=weights, targets=targets, signals=signals, tape=tape, risk=settings.risk)
    else:
        built = build_from(strategy, {}, frames_of(tape)) if isinstance(strategy, type) else strategy
    return simulate(built, tape, settings, benchmark=benchmark, chunk_events=chunk_events, name=name)


def run(config: RunConfig, *, strategies: Folders = ()) -> Result:
    """Run a validated config: `run(load("configs/momentum_daily.yaml"))`.

    `strategies` are folders whose modules the config may name beside the package `strategies` and what is installed for it.
    """
    strategy = load_strategy(config.strategy, config.params, strategies=strategies)
    tape = tape_of_config(config)
    if is_built_from_data(type(strategy)):
        strategy = build_from(type(strategy), config.params, frames_of(tape))
    return simulate(strategy, tape, RunSettings.of_config(config), benchmark=config.benchmark)
