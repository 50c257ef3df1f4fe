"""`backtest()`: data, costs and limits in, a result out. Everything runs on the one kernel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import framework
from framework.config import CostsConfig, LatencyConfig, RiskConfig, RunConfig, load_strategy, parse_costs, parse_latency, parse_risk
from framework.data.catalog import DEFAULT
from framework.data.readers import read_bars
from framework.data.stamps import Bound
from framework.data.tape import Tape, chunks
from framework.engine.audit import Audit
from framework.engine.engine import run as run_engine
from framework.engine.strategy import Strategy
from framework.engine.timers import Timers
from framework.engine.view import View
from framework.errors import ConfigError, InputError
from framework.kernel.halves import Exchange, Trader
from framework.reports.result import Result
from framework.schema.event import Flag, Kind
from framework.schema.instrument import Instrument
from framework.simulation.tables import Tables
from framework.simulation.world import SimulatedWorld

_ONE_SECOND_NS = 1_000_000_000
_BPS = 1e-4

Data = str | Path | pd.DataFrame | Mapping[str, pd.DataFrame] | Tape


def backtest(
    strategy: Strategy,
    data: Data = DEFAULT,
    *,
    instruments: Sequence[str] | None = None,
    start: Bound = None,
    end: Bound = None,
    cash: float = 1_000_000.0,
    currency: str = "USD",
    costs: Mapping[str, Any] | CostsConfig | None = None,
    risk: Mapping[str, Any] | RiskConfig | None = None,
    latency: Mapping[str, Any] | LatencyConfig | None = None,
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
    """Replay data through a strategy and return what happened.

    Args:
        strategy: an instance of a `Strategy` subclass.
        data: a dataset's name, a path, a DataFrame (columns open, high, low, close, volume; a time-zone-aware index of bar
            closes), a dict of symbol to DataFrame, or a `Tape`.
        instruments, start, end, bar_stamp, calendar, tick_size, lot_size, time_zone, missing, actions, instrument_specs: see
            `framework.data.readers.read_bars`; none of them but the first three go with a dataset or a tape.
        cash: opening balance in `currency`, above 0.
        currency: what the account counts in, and of prices that name no other.
        costs: keys of `CostsConfig`, as in YAML: `{"fee_bps": 1.0, "half_spread_bps": 0.5}`; None is no costs.
        risk: keys of `RiskConfig`; None is long only, without leverage.
        latency: keys of `LatencyConfig`; None is none.
        seed: of every random draw; written into the audit.
        benchmark: a symbol of the data (its total return) or a Series of levels.
        chunk_events: replay the tape in parts of at most this many events; the result does not depend on it.
        name: of the run, the strategy's class name if not given.

    Returns:
        A `Result`: `equity, orders, fills, trades, positions, metrics, costs` as pandas, `plot()`, `report(path)`.

    Raises:
        DataError, ConfigError: the input cannot be right; the message says where and what to do.
        StrategyError: a hook raised.
    """
    if not isinstance(strategy, Strategy):
        raise ConfigError(
            f"strategy must be an instance of a Strategy subclass, got {strategy!r}; did you forget the brackets of Crossover()?"
        )
    if not cash > 0:
        raise ConfigError(f"cash = {cash}: must be above 0")
    tape = _tape(
        data,
        currency=currency,
        instruments=instruments,
        start=start,
        end=end,
        settings={
            "bar_stamp": None if bar_stamp == "close" else bar_stamp,
            "calendar": calendar,
            "tick_size": tick_size,
            "lot_size": lot_size,
            "time_zone": time_zone,
            "missing": None if missing == "refuse" else missing,
            "actions": actions,
            "instrument_specs": instrument_specs,
        },
    )
    cost_terms, limits, delays = parse_costs(costs), parse_risk(risk), parse_latency(latency)
    label = name or type(strategy).__name__
    header = {
        "onetape": framework.__version__,
        "strategy": f"{type(strategy).__module__}:{type(strategy).__qualname__}",
        "parameters": dict(strategy.parameters),
        "tape": tape.digest(),
        "data": tape.name,
        "cash": cash,
        "currency": currency,
        "costs": cost_terms.model_dump(mode="json"),
        "risk": limits.model_dump(mode="json"),
        "latency": delays.model_dump(mode="json"),
        "seed": seed,
    }
    trader, audit, timers = prepare(strategy, tape, header, cash, currency, cost_terms, limits)
    exchange = Exchange(len(tape.instruments), len(tape.calendars), **_latencies(delays))
    world = SimulatedWorld(_parts(tape.events, chunk_events), exchange, audit.collect)
    run_engine(world, trader, strategy, View(trader, timers), audit)
    tables = Tables(trader, audit).of_run(label, currency, cash, tape.notes, _shown(header))
    return Result(tables.with_extras(audit=audit, benchmark=_benchmark(benchmark, tape)))


def run(config: RunConfig) -> Result:
    """Run a validated config: `run(load("configs/momentum_daily.yaml"))`."""
    strategy = load_strategy(config.strategy, config.params)
    if not isinstance(strategy, Strategy):
        raise ConfigError(f"strategy = {config.strategy!r}: {type(strategy).__name__} is not a subclass of framework.Strategy")
    data = config.data
    return backtest(
        strategy,
        data.source,
        instruments=data.instruments,
        start=data.start,
        end=data.end,
        cash=config.account.cash,
        currency=config.account.currency,
        costs=config.costs,
        risk=config.risk,
        latency=config.latency,
        seed=config.seed,
        benchmark=config.benchmark,
        bar_stamp=data.bar_stamp,
        calendar=data.calendar,
        tick_size=data.tick_size,
        lot_size=data.lot_size,
        time_zone=data.time_zone,
    )


def prepare(
    strategy: Strategy,
    tape: Tape,
    header: Mapping[str, object],
    cash: float,
    currency: str,
    costs: CostsConfig,
    risk: RiskConfig,
) -> tuple[Trader, Audit, Timers]:
    """The trader half, the audit and the timers of a run; the same for a simulated and a recorded world."""
    kinds = np.unique(tape.events["kind"])
    trader = Trader(
        tape.instruments,
        currencies=tuple(dict.fromkeys((currency, *tape.currencies))),
        calendars=tape.calendars,
        base_currency=currency,
        cash=cash,
        costs=cost_fields(costs),
        risk=risk_fields(risk),
        history=strategy.history,
        wakes=strategy.wakes,
        point_interval_ns=_ONE_SECOND_NS if Kind.QUOTE in kinds else 0,
    )
    trader.make_room(0)
    timers = Timers(_sessions(tape), tape.calendars[0] if tape.calendars else None)
    return trader, Audit(header, trader.take_log), timers


def cost_fields(costs: CostsConfig) -> dict[str, float]:
    """A cost config as the kernel's terms: rates are fractions, limits not set are 0 (the maximum: -1)."""
    impact = costs.impact
    return {
        "maker_rate": costs.effective_maker_bps * _BPS,
        "taker_rate": costs.effective_taker_bps * _BPS,
        "per_unit": costs.fee_per_share,
        "per_order": costs.fee_per_order,
        "minimum": costs.fee_minimum,
        "maximum_rate": -1.0 if costs.fee_maximum_bps is None else costs.fee_maximum_bps * _BPS,
        "half_spread_rate": costs.half_spread_bps * _BPS,
        "impact_coefficient": impact.coefficient if impact is not None and impact.model == "square_root" else 0.0,
        "volume_share_coefficient": impact.price_impact if impact is not None and impact.model == "volume_share" else 0.0,
        "volatility_bars": impact.volatility_bars if impact is not None and impact.model == "square_root" else 0,
        "max_participation": costs.max_participation or 0.0,
        "borrow_rate": costs.borrow_bps * _BPS,
        "limit_needs_through": float(costs.limit_fill == "through"),
    }


def risk_fields(risk: RiskConfig) -> dict[str, float]:
    """A risk config as the kernel's terms; limits not set are 0."""
    return {
        "allow_short": float(risk.allow_short),
        "max_leverage": risk.max_leverage,
        "max_position_weight": risk.max_position_weight or 0.0,
        "max_order_notional": risk.max_order_notional or 0.0,
    }


def _latencies(latency: LatencyConfig) -> dict[str, int]:
    return {"entry_latency_ns": latency.entry_ns, "response_latency_ns": latency.response_ns}


def _tape(data: Data, *, currency: str, instruments: Sequence[str] | None, start: Bound, end: Bound, settings: Mapping[str, Any]) -> Tape:
    given = {name: value for name, value in settings.items() if value is not None}
    if isinstance(data, Tape):
        if given:
            raise InputError(f"a tape is complete: {', '.join(given)} cannot be given with it")
        if instruments is None and start is None and end is None:
            return data
        return data.select(instruments, start, end)
    if currency != "USD" and not isinstance(data, str):
        given["currency"] = currency
    return read_bars(data, instruments=instruments, start=start, end=end, **given)


def _parts(events: NDArray[np.void], chunk_events: int | None) -> Iterator[NDArray[np.void]]:
    return iter((events,)) if chunk_events is None else chunks(events, chunk_events)


def _sessions(tape: Tape) -> dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]]:
    rows = tape.events[tape.events["kind"] == Kind.SESSION]
    opens = rows[(rows["flags"] & Flag.SESSION_OPEN) != 0]
    found = {}
    for number, calendar in enumerate(tape.calendars):
        mine = opens[opens["w0"] == number]
        found[calendar] = (mine["w1"].copy(), mine["w2"].copy())
    return found


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
            shown.update({f"{key}.{inner}": v for inner, v in value.items() if v not in (None, 0, 0.0, False)})
        else:
            shown[key] = value
    return shown
