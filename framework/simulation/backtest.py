"""`backtest()`: data, costs and limits in, a result out. Everything runs on the one kernel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from framework.config import (
    CostsConfig,
    LatencyConfig,
    RiskConfig,
    RunConfig,
    VenueConfig,
    parse_costs,
    parse_latency,
    parse_risk,
    parse_venue,
)
from framework.config.account import check_account, check_benchmark, check_count, check_text
from framework.data.readers import is_dataset, read_bars
from framework.data.store.embedded import DEFAULT
from framework.data.tape import Tape
from framework.data.tape.event_arrays import chunks
from framework.data.tape.frames import frames_of
from framework.data.tape.mapped import give_back, is_mapped
from framework.data.tape.stamps import Bound
from framework.engine.compiled import unchecked_note
from framework.engine.library import Folders, load_strategy
from framework.engine.panel import Panel
from framework.engine.strategy import Strategy
from framework.errors import InputError
from framework.kernel.machine import machine_code
from framework.reports.result import Result
from framework.schema.event import Kind
from framework.schema.instrument import Instrument
from framework.simulation.arrays import Matrix, Signals, as_strategy, check_given
from framework.simulation.building import build_from, is_built_from_data
from framework.simulation.early_end import attach_result
from framework.simulation.latency import heard, latency_notes, wires_of
from framework.simulation.prepare import header_of, prepare
from framework.simulation.tables import Tables
from framework.simulation.through import run_through

_DEFAULT_SETTINGS = (("bar_stamp", "close"), ("missing", "refuse"))

Data = str | Path | pd.DataFrame | Mapping[str, pd.DataFrame] | Tape


def backtest(
    strategy: Strategy | type[Strategy] | None = None,
    data: Data = DEFAULT,
    *,
    weights: Matrix | None = None,
    targets: Matrix | None = None,
    signals: Signals | tuple[Matrix, Matrix] | None = None,
    instruments: Sequence[str] | None = None,
    start: Bound = None,
    end: Bound = None,
    cash: float = 1_000_000.0,
    currency: str = "USD",
    costs: Mapping[str, Any] | CostsConfig | None = None,
    risk: Mapping[str, Any] | RiskConfig | None = None,
    latency: Mapping[str, Any] | LatencyConfig | None = None,
    venue: Mapping[str, Any] | VenueConfig | None = None,
    seed: int = 0,
    benchmark: str | pd.Series | None = None,
    bar_stamp: str = "close",
    calendar: str | None = None,
    tick_size: float | str | None = None,
    lot_size: float | str | None = None,
    time_zone: str | None = None,
    missing: str = "refuse",
    actions: pd.DataFrame | None = None,
    instrument_specs: Mapping[str, Any] | None = None,
    chunk_events: int | None = None,
    name: str | None = None,
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
        instruments, start, end, bar_stamp, calendar, tick_size, lot_size, time_zone, missing, actions, instrument_specs: see
            `framework.data.readers.read_bars`; none of them but the first three go with a dataset or a tape.
        cash: opening balance in `currency`, above 0.
        currency: what the account counts in, and that of prices in frames and files that name no other (`instrument_specs`). Datasets
            and tapes have their own.
        costs: keys of `CostsConfig`, as in YAML: `{"fee_bps": 1.0, "half_spread_bps": 0.5}`; None is no costs.
        risk: keys of `RiskConfig`; None is long only, without leverage.
        latency: keys of `LatencyConfig`; None is none.
        venue: keys of `VenueConfig`: rules in which venues differ; None is its defaults.
        seed: of every random draw; written into the audit.
        benchmark: a symbol of the data (its total return) or a Series of levels.
        chunk_events: replay the tape in parts of at most this many events; the result does not depend on it.
        name: of the run; if not given, the strategy's class name, or "weights", "targets" or "signals".

    Returns:
        A `Result`: `equity, orders, fills, trades, positions, metrics, costs` as pandas, `plot()`, `report(path)`.

    Raises:
        InputError (DataError, ConfigError): the input cannot be right; the message says where and what to do.
        StrategyError: a hook raised.

    Whatever a run raises once it has begun, KeyboardInterrupt too, has the attribute `result`: the run up to there, whose orders that
    still worked ended with RUN_ENDED_EARLY, and whose `ended_early` and first note say why.
    """
    check_given("backtest()", {"strategy": strategy, "weights": weights, "targets": targets, "signals": signals})
    check_account(cash=cash, currency=currency, seed=seed)
    check_benchmark(benchmark)
    check_text("name", name)
    if chunk_events is not None:
        check_count("chunk_events", chunk_events)
    tape = tape_of(
        data,
        currency=currency,
        instruments=instruments,
        start=start,
        end=end,
        settings={
            "bar_stamp": bar_stamp,
            "calendar": calendar,
            "tick_size": tick_size,
            "lot_size": lot_size,
            "time_zone": time_zone,
            "missing": missing,
            "actions": actions,
            "instrument_specs": instrument_specs,
        },
    )
    settings = (parse_costs(costs), parse_risk(risk), parse_latency(latency), parse_venue(venue))
    if strategy is None:
        built: Strategy = as_strategy(weights=weights, targets=targets, signals=signals, tape=tape, risk=settings[1])
    else:
        built = build_from(strategy, {}, frames_of(tape)) if isinstance(strategy, type) else strategy
    return _simulate(built, tape, settings, cash, currency, seed, benchmark, chunk_events, name or _name(built))


_MAPPED_PART = 500_000
"""Events of a part, 32 MB, where the tape lies in a file."""


def _name(strategy: Strategy) -> str:
    return strategy.mode if isinstance(strategy, Panel) else type(strategy).__name__


def _simulate(
    strategy: Strategy,
    tape: Tape,
    settings: tuple[CostsConfig, RiskConfig, LatencyConfig, VenueConfig],
    cash: float,
    currency: str,
    seed: int,
    benchmark: str | pd.Series | None,
    chunk_events: int | None,
    name: str,
) -> Result:
    costs, risk, latency, venue = settings
    header = header_of(strategy, tape, cash, currency, costs, risk, latency, venue, seed)
    told = heard(tape, latency, seed)
    run_of = prepare(strategy, told, header)
    wires, levels = wires_of(latency, seed), _benchmark(benchmark, tape)
    tables = Tables(run_of.trader, run_of.audit, told)

    def result(ended_early: str = "") -> Result:
        early = (ended_early,) if ended_early else ()
        unchecked = (*machine_code.unchecked_note(), *unchecked_note(strategy))
        notes = (*early, *tables.refusal_note(), *tape.notes, *latency_notes(latency), *tables.overdraft_note(), *unchecked)
        return Result(tables.of_run(name, currency, cash, notes, _shown(header), levels, ended_early))

    try:
        run_through(strategy, told, wires, venue, run_of.trader, run_of.timers, run_of.audit, in_parts(told.events, chunk_events))
    except BaseException as error:
        attach_result(error, run_of.trader, run_of.audit, result)
        raise
    return result()


def run(config: RunConfig, *, strategies: Folders = ()) -> Result:
    """Run a validated config: `run(load("configs/momentum_daily.yaml"))`.

    `strategies` are folders whose modules the config may name beside the package `strategies` and what is installed for it.
    """
    strategy = load_strategy(config.strategy, config.params, strategies=strategies)
    tape = tape_of_config(config)
    if is_built_from_data(type(strategy)):
        strategy = build_from(type(strategy), config.params, frames_of(tape))
    return backtest(
        strategy,
        tape,
        cash=config.account.cash,
        currency=config.account.currency,
        costs=config.costs,
        risk=config.risk,
        latency=config.latency,
        venue=config.venue,
        seed=config.seed,
        benchmark=config.benchmark,
    )


def tape_of_config(config: RunConfig) -> Tape:
    """The tape of a config's data."""
    data = config.data
    words = ("bar_stamp", "calendar", "tick_size", "lot_size", "time_zone")
    settings = {name: getattr(data, name) for name in words}
    return tape_of(
        data.source,
        currency=config.account.currency,
        instruments=data.instruments,
        start=data.start,
        end=data.end,
        settings=settings,
    )


def tape_of(data: Data, *, currency: str, instruments: Sequence[str] | None, start: Bound, end: Bound, settings: Mapping[str, Any]) -> Tape:
    """The tape of some data. `settings` are those of `read_bars`; those at their default count as not given."""
    given = {name: value for name, value in settings.items() if value is not None and (name, value) not in _DEFAULT_SETTINGS}
    if isinstance(data, Tape):
        if given:
            raise InputError(f"a tape is complete: {', '.join(given)} cannot be given with it")
        if instruments is None and start is None and end is None:
            return data
        return data.select(instruments, start, end)
    if currency != "USD" and not is_dataset(data):
        given["currency"] = currency
    return read_bars(data, instruments=instruments, start=start, end=end, **given)


def in_parts(events: NDArray[np.void], chunk_events: int | None) -> Iterator[NDArray[np.void]]:
    """The events of a run as its world takes them: whole, in parts of at most `chunk_events`, or in parts where they lie in a file."""
    if is_mapped(events):
        return _given_back(events, chunk_events or _MAPPED_PART)
    return iter((events,)) if chunk_events is None else chunks(events, chunk_events)


def _given_back(events: NDArray[np.void], size: int) -> Iterator[NDArray[np.void]]:
    """Parts of events in a file; the world holds a part and the next, so what lies before them is given back."""
    begins = [0, 0]
    for part in chunks(events, size):
        yield part
        give_back(events, begins[0], begins[1])
        begins = [begins[1], begins[1] + len(part)]


def _benchmark(benchmark: str | pd.Series | None, tape: Tape) -> pd.Series | None:
    if not isinstance(benchmark, str):
        return benchmark
    return total_return(tape, benchmark)


def total_return(tape: Tape, symbol: str) -> pd.Series:
    """Levels of one unit of money held in an instrument, dividends reinvested at the ex-date's close; index of its bars."""
    number = tape.index(symbol)
    instrument: Instrument = tape.instruments[number]
    events = tape.events[tape.events["instrument"] == number]
    stamps, levels, level, before = [], [], 1.0, np.nan
    new, old, dividend = 1, 1, 0.0
    for event in events[np.isin(events["kind"], (Kind.BAR, Kind.SPLIT, Kind.DIVIDEND))]:
        if event["kind"] == Kind.SPLIT:
            new, old = new * int(event["w0"]), old * int(event["w1"])
        elif event["kind"] == Kind.DIVIDEND:
            dividend += int(event["w0"]) * 1e-9
        else:
            close = instrument.tick.to_float(int(event["w3"]))
            if np.isfinite(before):
                level *= (close + dividend) * new / old / before
            stamps.append(int(event["ts_local_ns"]))
            levels.append(level)
            before, new, old, dividend = close, 1, 1, 0.0
    return pd.Series(levels, index=pd.to_datetime(stamps, utc=True), name=symbol)


def _shown(header: Mapping[str, object]) -> dict[str, object]:
    """The header's settings as a report shows them: one line each, what is off left out."""
    shown: dict[str, object] = {}
    for key, value in header.items():
        if isinstance(value, Mapping):
            shown.update({f"{key}.{inner}": v for inner, v in value.items() if v not in (None, 0, 0.0, False, [], {}, ())})
        else:
            shown[key] = value
    return shown
