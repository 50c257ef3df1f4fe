"""Our side of the benchmarks, in each way of writing a strategy; run by the same harness as the peers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from framework.bench.peers.harness import Outcome, Work
from framework.bench.strategies import CompiledCross, Quoter, RowQuoter, Sleeper, UniverseWeights
from framework.bench.workloads import bar_frame
from framework.data.readers import read_bars
from framework.data.reference.hours import WEEKDAYS, WeeklyHours
from framework.data.store import catalog
from framework.data.tape import Tape
from framework.data.tape.mapped import blocks, give_back
from framework.data.tape.recording import Recording
from framework.kernel.machine.machine_code import CHECKS
from framework.reports.result import Result
from framework.schema.event import EVENT, Kind
from framework.schema.instrument import Instrument
from framework.schema.order import Side
from framework.schema.units import NANOSECONDS_PER_DAY, Step
from framework.simulation.backtest import backtest
from framework.simulation.sweep import sweep
from framework.simulation.sweep_result import Sweep
from framework.version import __version__

_PART = 500_000
"""Rows of W4 made at a time."""

Made = tuple[Callable[[], Any], Callable[[Any], Outcome]]


def version() -> str:
    """The framework's, and whether its checks are off."""
    return __version__ if CHECKS else f"{__version__} unchecked"


def prepare(work: Work, mode: str) -> Made:
    """A run of a workload in a mode of `engines.OURS`."""
    return {"W1": _cross, "W2": _universe, "W3": _sweep, "W4": _quotes, "W4R": _quotes, "W4B": _quotes}[work.name](work, mode)


def minute_tape(work: Work) -> Tape:
    """The tape of the one symbol of W1 and W3."""
    return read_bars(bar_frame(work), instruments=["WALK"], tick_size=1.0 / work.spec["ticks_per_unit"], lot_size=1)


def _last(result: Result) -> float:
    return float(result.equity.iloc[-1])


def _account(work: Work) -> dict[str, Any]:
    return {"cash": work.spec["cash"], "costs": {"fee_bps": work.spec["fee_bps"]}}


def _cross(work: Work, mode: str) -> Made:
    spec = work.spec
    numbers = {"fast": spec["fast"], "slow": spec["slow"], "shares": spec["shares"]}
    makers: dict[str, Callable[[], Any]] = {
        "kernel idle": Sleeper,
        "python": lambda: CompiledCross.python(**numbers),
        "compiled": lambda: CompiledCross(**numbers),
        "compiled, from a frame": lambda: CompiledCross(**numbers),
    }
    strategy, account, bars = makers[mode](), _account(work), len(work.array("close"))
    data: Any = bar_frame(work) if mode.endswith("from a frame") else minute_tape(work)

    def read(result: Result) -> Outcome:
        return Outcome([_last(result)], len(result.fills), bars)

    return lambda: backtest(strategy, data, cash=account["cash"], costs=account["costs"]), read


def _universe(work: Work, mode: str) -> Made:
    weights, account = work.array("weights"), _account(work)
    symbols = [f"S{k:03}" for k in range(weights.shape[1])]
    frames = {symbol: bar_frame(work, k) for k, symbol in enumerate(symbols)}
    tape = read_bars(frames, tick_size=0.01, lot_size=work.spec["lot_size"])

    def read(result: Result) -> Outcome:
        return Outcome([_last(result)], len(result.fills), weights.size)

    if mode == "python":
        strategy = UniverseWeights(weights, symbols)
        return lambda: backtest(strategy, tape, cash=account["cash"], costs=account["costs"]), read
    table = pd.DataFrame(weights, index=frames[symbols[0]].index, columns=symbols)
    return lambda: backtest(weights=table, data=tape, cash=account["cash"], costs=account["costs"]), read


def tick_tape(work: Work, days: int = 1) -> Tape:
    """The book and trades of W4 or W4B on so many days, kept as a dataset and mapped from its file: no copy of the rows stays in memory."""
    hours = work.folder / "hours.yaml"  # sessions end with the rows; on several days timers fire between them
    WeeklyHours("UTC", {day: [work.spec["hours"]] for day in WEEKDAYS}).save(hours)
    tick, multiplier = Step(1, work.spec["ticks_per_unit"]), work.spec["multiplier"]
    book = Instrument(work.spec["symbol"], tick=tick, multiplier=multiplier, calendar=str(hours))
    name, root = f"rows-{len(_column(work, 'stamps'))}-days-{days}", work.folder / "data"
    if not catalog.has(name, root):
        rows = Recording((book,), partial(_tick_parts, work, days), work.name)
        catalog.import_recording(name, rows, root=root, licence=work.spec["licence"])
    return catalog.load(name, root=root, in_memory_events=0)


def _column(work: Work, name: str) -> NDArray[np.int64]:
    """An array of the workload, left in its file."""
    values: NDArray[np.int64] = np.load(work.folder / f"{name}.npy", mmap_mode="r")
    return values[: work.limit] if work.limit else values


def _tick_parts(work: Work, days: int) -> Iterator[NDArray[np.void]]:
    columns = [_column(work, name) for name in ("stamps", "kind", "flags", "price", "lots", *(("heard",) if work.has("heard") else ()))]
    for day, begin in product(range(days), range(0, len(columns[0]), _PART)):
        stamps, kind, flags, price, lots, *heard = (values[begin : begin + _PART] for values in columns)
        events = np.zeros(len(stamps), dtype=EVENT)
        events["kind"], events["flags"], events["w0"], events["w1"] = kind, flags, price, lots
        events["ts_venue_ns"] = stamps + day * NANOSECONDS_PER_DAY
        events["ts_local_ns"] = (heard[0] if heard else stamps + work.spec["latency_ns"]) + day * NANOSECONDS_PER_DAY
        for column in columns:
            give_back(column, begin, begin + _PART)
        yield events


def _quotes(work: Work, mode: str) -> Made:
    return quotes_on(work, mode, tick_tape(work))


def quotes_on(work: Work, mode: str, tape: Tape, patience_ns: int = 0) -> Made:
    """The quoter of W4, W4R or W4B over a tape of its rows; `patience_ns` 0 is that of the workload."""
    spec, rows = work.spec, sum(int(np.count_nonzero(part["kind"] != Kind.SESSION)) for part in blocks(tape.events))
    quoter = RowQuoter if work.name == "W4R" else Quoter
    costs = {name: spec[name] for name in ("maker_bps", "taker_bps", "queue_power")} | {"queue": "power", "take": "arrival"}
    latency = {"entry_ns": spec["latency_ns"], "response_ns": spec["response_ns"]}
    terms = {"most": spec["most"], "patience_ns": patience_ns or spec["patience_ns"]}
    strategy = quoter.python(**terms) if mode == "python" else quoter(**terms)

    def read(result: Result) -> Outcome:
        fills = result.fills
        stamps = fills["ts"].to_numpy("M8[ns]").astype(np.int64)
        ticks = np.rint(fills["price"].to_numpy() * spec["ticks_per_unit"]).astype(np.int64)
        told = np.column_stack((stamps, np.where(fills["side"] == Side.BUY.name, 1, -1), ticks))
        return Outcome([_last(result)], len(fills), rows, told.tolist())

    risk = {"allow_short": True, "max_leverage": 10.0}
    return lambda: backtest(strategy, tape, cash=spec["cash"], costs=costs, latency=latency, risk=risk), read


def _sweep(work: Work, mode: str) -> Made:
    tape, account = minute_tape(work), _account(work)
    bars = len(work.array("close"))
    pairs = [(int(fast), int(slow)) for fast, slow in work.array("pairs")]
    shares = work.spec["shares"]

    def read_runs(runs: list[tuple[float, int]]) -> Outcome:
        return Outcome([equity for equity, _ in runs], sum(fills for _, fills in runs), len(pairs) * bars)

    if mode == "sweep":
        grid = [{"fast": fast, "slow": slow, "shares": shares} for fast, slow in pairs]

        def read_table(swept: Sweep) -> Outcome:
            return Outcome(swept.table["final_equity"].tolist(), int(swept.table["fills"].sum()), len(pairs) * bars)

        return lambda: sweep(CompiledCross, grid, tape, cash=account["cash"], costs=account["costs"], progress=False), read_table

    def one(fast: int, slow: int) -> tuple[float, int]:
        result = backtest(CompiledCross(fast=fast, slow=slow, shares=shares), tape, cash=account["cash"], costs=account["costs"])
        return _last(result), len(result.fills)

    return lambda: [one(fast, slow) for fast, slow in pairs], read_runs
