"""The laws of the design that a run of bars can break, each tried on random runs and on the embedded prices."""

from __future__ import annotations

import ast
import dataclasses
import json
import os
import subprocess
import sys
import typing
import weakref
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from framework import Strategy, backtest
from framework.data import catalog
from framework.data.tape import Tape, build, chunks
from framework.engine.engine import run as run_engine
from framework.engine.market import Bar
from framework.engine.view import View
from framework.engine.world import Decision, World
from framework.kernel.halves import Exchange, Trader
from framework.reports.result import Result
from framework.schema.event import EVENT, Flag, Kind
from framework.schema.order import Approved, Reason, Refused
from framework.simulation.prepare import prepare
from framework.simulation.world import SimulatedWorld
from strategies.crossover import Crossover
from strategies.mean_reversion import MeanReversion
from strategies.momentum import Momentum
from tests.properties.random_runs import HOUR, Case, cases, instruments_of, run, tape_of

ROOT = Path(__file__).parents[2]
DAY = 24 * HOUR
COSTS = {"fee_bps": 1.0, "half_spread_bps": 0.5}

settings.register_profile(
    "laws", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
laws = settings(settings.get_profile("laws"), max_examples=150)

LIBRARY: dict[str, Strategy] = {
    "momentum": Momentum(),
    "crossover": Crossover(),
    "mean_reversion": MeanReversion(),
}


@cache
def prices() -> Tape:
    return catalog.load()


@cache
def library_run(name: str) -> Result:
    return backtest(LIBRARY[name], prices(), costs=COSTS)


def frame(closes: list[float] | NDArray[np.float64], start: str = "2020-01-01") -> pd.DataFrame:
    """Daily bars around these closes, in cents; each opens where the one before closed."""
    last = np.round(np.asarray(closes, dtype=np.float64), 2)
    first = np.concatenate([last[:1], last[:-1]])
    stamps = pd.date_range(start, periods=len(last), freq="D", tz="UTC")
    high, low = np.maximum(first, last) + 0.5, np.minimum(first, last) - 0.5
    return pd.DataFrame({"open": first, "high": high, "low": low, "close": last, "volume": 10_000.0}, index=stamps)


def walk(seed: int, count: int = 300) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    return frame(100 * np.exp(np.cumsum(generator.normal(0, 0.02, count))))


def records_until(result: Result, stamp_ns: int) -> NDArray[np.void]:
    records = result.audit.records
    return records[records["ts_local_ns"] <= stamp_ns]


def fills_of(result: Result, symbol: str) -> pd.DataFrame:
    fills = result.fills
    mine = fills[fills["instrument"] == symbol].reset_index(drop=True)
    return mine.drop(columns=["instrument", "order_id"])


# Law 2: no fill before its cause


def assert_causal(result: Result) -> None:
    """Each fill comes after its order was decided and accepted, and no stamp of the audit runs backwards."""
    records, orders = result.audit.records, result.orders
    assert (np.diff(records["ts_local_ns"]) >= 0).all()
    assert (records["ts_local_ns"] >= records["ts_venue_ns"]).all()
    submitted: dict[int, int] = {}
    accepted: dict[int, int] = {}
    for row in records[records["kind"] >= Kind.ORDER_SUBMIT]:
        kind, order, stamp = int(row["kind"]), int(row["w0"]), int(row["ts_venue_ns"])
        if kind == Kind.ORDER_SUBMIT and not row["flags"] & (Flag.HELD | Flag.REFUSED):
            submitted[order] = stamp
        elif kind == Kind.ORDER_ACCEPTED:
            accepted[order] = stamp
        elif kind == Kind.ORDER_FILLED:
            assert stamp > submitted[order], f"order {order} filled at the stamp of its own cause"
            assert accepted[order] < stamp, f"order {order} filled before it was accepted"
    filled = orders[orders["state"] == "FILLED"]
    assert filled["accepted_at"].notna().all()
    assert (filled["accepted_at"] >= filled["decided_at"]).all()
    assert (filled["done_at"] > filled["decided_at"]).all()


@laws
@given(cases())
def test_no_fill_before_its_cause(case: Case) -> None:
    assert_causal(run(case)[1])


@pytest.mark.parametrize("name", LIBRARY)
def test_no_fill_before_its_cause_on_real_prices(name: str) -> None:
    result = library_run(name)
    assert len(result.fills) > 20
    assert_causal(result)


def test_orders_of_a_bar_fill_at_the_next_open() -> None:
    result = library_run("crossover")
    bars = prices().events
    bars = bars[bars["kind"] == Kind.BAR]
    for symbol in result.tables.symbols:
        own = bars[bars["instrument"] == prices().index(symbol)]
        stamps, opens = own["ts_local_ns"], own["w0"] / prices().instruments[prices().index(symbol)].tick.denominator
        fills = result.fills[result.fills["instrument"] == symbol]
        decided = result.orders["decided_at"].astype("int64").to_numpy()[fills["order_id"]]
        following = np.searchsorted(stamps, decided, side="right")
        assert fills["ts"].astype("int64").tolist() == stamps[following].tolist()
        assert fills["market_price"].to_numpy() == pytest.approx(opens[following], rel=1e-12)


# Law 3: every order that does not fill carries a reason


def assert_reasons(result: Result) -> None:
    ended = {"FILLED", "CANCELLED", "EXPIRED", "REJECTED", "REFUSED"}
    for order in result.orders.to_dict("records"):
        assert order["state"] in ended, order
        assert order["state"] == "FILLED" or order["reason"] != "NONE", order
    filled = result.orders[result.orders["state"] == "FILLED"]
    assert (filled["filled_quantity"] > 0).all()
    assert len(result.refused) == int((result.orders["state"] == "REFUSED").sum())
    assert set(result.refused["order_id"]).isdisjoint(result.fills["order_id"])
    assert result.refused["need"].notna().all() or (result.refused["reason"] == "INVALID_QUANTITY").any()


@laws
@given(cases(max_wishes=14))
def test_every_order_ends_filled_or_with_a_reason(case: Case) -> None:
    assert_reasons(run(case)[1])


@pytest.mark.parametrize("name", LIBRARY)
def test_every_order_on_real_prices_ends_filled_or_with_a_reason(name: str) -> None:
    assert_reasons(library_run(name))


# Law 4: approval is a type


def test_only_the_checks_make_approved_orders() -> None:
    with pytest.raises(TypeError, match="only the pre-trade checks"):
        Approved(np.zeros(1, dtype=EVENT), key=object())
    makers = [
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / "framework").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Approved"
    ]
    assert makers == ["framework/kernel/halves.py"]


def test_worlds_take_nothing_else() -> None:
    for world in (World, SimulatedWorld):
        assert typing.get_type_hints(world.send)["commands"] is Approved
    assert typing.get_type_hints(Decision)["commands"] is Approved
    assert typing.get_type_hints(Exchange.receive)["commands"] is Approved
    assert typing.get_type_hints(Trader.take_approved)["return"] is Approved


class Greedy(Strategy):
    """Asks for more than it can pay, short without leave, for nothing, and for what is not a number."""

    def on_start(self, view: View) -> None:
        self.decisions: list[tuple[int, tuple[Refused, ...]]] = []

    def on_bar(self, view: View, bar: Bar) -> None:
        if view.bar_count(bar.instrument) == 2:
            for quantity in (1e6, -5.0, 0.0, float("nan")):
                view.order(bar.instrument, quantity)

    def decide(self, view: View) -> Decision:
        decision = super().decide(view)
        if decision.refused:
            self.decisions.append((len(decision.commands), decision.refused))
        return decision


def test_refusals_are_values_with_their_numbers() -> None:
    strategy = Greedy()
    result = backtest(strategy, frame([100.0] * 5), cash=10_000.0)
    [(commands, refused)] = strategy.decisions
    assert commands == 0
    assert [each.reason for each in refused] == [
        Reason.INSUFFICIENT_CASH,
        Reason.SHORT_NOT_ALLOWED,
        Reason.INVALID_QUANTITY,
        Reason.INVALID_QUANTITY,
    ]
    assert (refused[0].need, refused[0].have) == (1e8, 10_000.0)
    assert (refused[1].need, refused[1].have) == (5.0, 0.0)
    assert (refused[2].need, refused[2].have) == (0.0, 0.0)
    assert np.isnan(refused[3].need)
    assert "needs 1e+08, allowed 10000" in str(refused[0])
    assert len(result.fills) == 0
    kinds = result.audit.records["kind"]
    assert (kinds == Kind.ORDER_REFUSED).sum() == 4
    assert not np.isin(kinds, (Kind.ORDER_ACCEPTED, Kind.ORDER_FILLED)).any()


@laws
@given(cases())
def test_what_was_refused_never_reaches_the_venue(case: Case) -> None:
    records = run(case)[1].audit.records
    refused = records["w0"][(records["kind"] == Kind.ORDER_REFUSED) & ((records["flags"] & Flag.CHANGE) == 0)]
    answered = records["w0"][(records["kind"] >= Kind.ORDER_ACCEPTED) & (records["kind"] <= Kind.ORDER_CANCEL_REJECTED)]
    assert not np.isin(answered, refused).any()


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


def _elsewhere(code: str, **variables: str) -> str:
    """What a script prints in a process of its own."""
    environment = {**os.environ, **variables, "PYTHONPATH": str(ROOT)}
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, env=environment)
    return shown.stdout


def test_the_same_bytes_in_every_process() -> None:
    runs = [
        json.loads(_elsewhere(_SCRIPT, PYTHONHASHSEED=seed, NUMBA_NUM_THREADS=threads)) for seed, threads in (("0", "1"), ("4242", "2"))
    ]
    assert runs[0] == runs[1]
    assert runs[0][:2] == runs[0][2:], "the size of the chunks reached the audit"
    assert runs[0][0] != runs[0][1]


@laws
@given(cases(), st.integers(1, 40))
def test_neither_repetition_nor_chunks_change_a_byte(case: Case, chunk_events: int) -> None:
    tape = tape_of(case)
    first, second = run(case, tape)[1], run(case, tape, chunk_events=chunk_events)[1]
    assert first.audit_hash == second.audit_hash
    assert first.audit.records.tobytes() == second.audit.records.tobytes()
    assert first.equity.equals(second.equity)


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


# Law 6: irrelevance


@laws
@given(cases(), st.integers(0, 2**16), st.booleans())
def test_an_instrument_nobody_trades_changes_nothing(case: Case, seed: int, is_first: bool) -> None:
    """Its bars, splits, dividends and delisting lie between those of the one that is traded, and do not outlast them."""
    alone = dataclasses.replace(case, papers=case.papers[:1], wishes=tuple(w for w in case.wishes if w.paper == 0), pair="")
    alone = dataclasses.replace(alone, actions=tuple(action for action in case.actions if action.paper == 0))
    crowd = [("0" if is_first else "Z") + paper.symbol for paper in case.papers]
    tape = tape_of(alone)
    strategy, result = run(alone, tape)
    instruments = instruments_of(alone)
    pieces = [tape.events[tape.events["kind"] != Kind.SESSION]]
    ordered = sorted([*instruments, *crowd])
    pieces[0] = pieces[0].copy()
    pieces[0]["instrument"] = ordered.index(case.papers[0].symbol)
    for number, symbol in enumerate(crowd):
        paper = dataclasses.replace(case.papers[number], symbol=symbol, is_quoted=False)
        other = dataclasses.replace(case, seed=seed, papers=(paper,), wishes=(), pair="", hours=case.hours)
        actions = tuple(
            dataclasses.replace(action, paper=0) for action in case.actions if action.paper == number and action.bar < case.bars
        )
        stranger = tape_of(dataclasses.replace(other, actions=actions))
        events = stranger.events[stranger.events["kind"] != Kind.SESSION].copy()
        events["instrument"] = ordered.index(symbol)
        pieces.append(events)
        instruments[symbol] = stranger.instruments[0]
    joined = build({}, instruments, extra=np.concatenate(pieces), name="crowd")
    other_strategy, other_result = run(alone, joined)
    symbol = case.papers[0].symbol
    pd.testing.assert_frame_equal(fills_of(result, symbol), fills_of(other_result, symbol))
    columns = ["side", "type", "quantity", "state", "reason", "filled_quantity", "fees"]
    pd.testing.assert_frame_equal(result.orders[columns], other_result.orders[columns])
    mine = [note for note in other_strategy.notes if note.instrument == symbol]
    assert [repr((n.ts_ns, n.equity, n.held[symbol])) for n in mine] == [repr((n.ts_ns, n.equity, n.held[symbol])) for n in strategy.notes]
    common = result.equity.index.intersection(other_result.equity.index)
    assert len(common) == len(result.equity)
    assert result.equity[common].tolist() == other_result.equity[common].tolist()


class One(Crossover):
    """A crossover in one instrument among many."""

    symbol: str = "IBM"

    def on_bar(self, view: View, bar: Bar) -> None:
        if bar.instrument == self.symbol:
            super().on_bar(view, bar)


def test_the_other_four_shares_change_nothing() -> None:
    alone = backtest(One(weight=0.9), prices(), instruments=["IBM"], costs=COSTS)
    crowd = backtest(One(weight=0.9), prices(), costs=COSTS)
    assert len(alone.fills) > 50
    pd.testing.assert_frame_equal(fills_of(alone, "IBM"), fills_of(crowd, "IBM"))
    assert alone.equity.tolist() == crowd.equity.tolist()
    assert alone.trades.drop(columns="instrument").equals(crowd.trades.drop(columns="instrument"))


def test_the_order_of_the_frames_does_not_reach_the_bytes() -> None:
    frames = {symbol: walk(seed) for seed, symbol in enumerate("BADC")}
    turned = {symbol: frames[symbol] for symbol in reversed(frames)}
    shuffled = {symbol: frames[symbol] for symbol in ("D", "B", "A", "C")}
    hashes = {backtest(Crossover(), data, costs=COSTS).audit_hash for data in (frames, turned, shuffled)}
    assert len(hashes) == 1


# Law 8: as of only


def cut_points(name: str) -> list[int]:
    """Stamps of bars, spread at random over the prices, in the same places on every machine."""
    bars = np.unique(prices().events["ts_local_ns"][prices().events["kind"] == Kind.BAR])
    generator = np.random.default_rng(sum(name.encode()))
    return sorted(generator.choice(bars[300:-1], 4, replace=False).tolist())


@pytest.mark.parametrize("name", LIBRARY)
def test_truncating_the_future_changes_no_earlier_decision(name: str) -> None:
    whole = library_run(name)
    for cut in cut_points(name):
        short = backtest(LIBRARY[name], prices().select(end=pd.Timestamp(cut, tz="UTC")), costs=COSTS)
        before = records_until(whole, cut)
        assert len(before) > 0
        assert short.audit.records[: len(before)].tobytes() == before.tobytes()
        past = whole.equity[whole.equity.index <= pd.Timestamp(cut, tz="UTC")]
        assert short.equity.tolist() == past.tolist()


@pytest.mark.parametrize("name", LIBRARY)
def test_perturbing_the_future_changes_no_earlier_decision(name: str) -> None:
    whole = library_run(name)
    for cut in cut_points(name)[:3]:
        events = prices().events.copy()
        later = (events["ts_local_ns"] > cut) & (events["kind"] == Kind.BAR)
        generator = np.random.default_rng(cut % 1000)
        factor = generator.uniform(0.5, 2.0, int(later.sum()))
        for word in ("w0", "w1", "w2", "w3"):
            events[word][later] = np.maximum(1, events[word][later] * factor)
        events["w0"][(events["ts_local_ns"] > cut) & (events["kind"] == Kind.DIVIDEND)] *= 3
        other = backtest(LIBRARY[name], dataclasses.replace(prices(), events=events), costs=COSTS)
        before = records_until(whole, cut)
        assert other.audit.records[: len(before)].tobytes() == before.tobytes()
        after = whole.audit.records[len(before) :]
        assert other.audit.records[len(before) :].tobytes() != after.tobytes(), "the perturbation reached nothing at all"


@laws
@given(cases(), st.integers(1, 1000))
def test_no_random_run_knows_its_future(case: Case, drift: int) -> None:
    """Another walk of prices after a bar, the same one up to it: everything up to that bar is the same."""
    tape, other = tape_of(case), tape_of(case, drift=drift)
    cut = int(tape.events["ts_local_ns"][0]) + (case.bars // 2) * case.hours * HOUR
    if not np.array_equal(tape.events["kind"], other.events["kind"]):
        return  # with other prices an action may fall elsewhere in the file
    events = tape.events.copy()
    later = events["ts_local_ns"] > cut
    events[later] = other.events[later]
    first, second = run(case, tape)[1], run(case, dataclasses.replace(tape, events=events))[1]
    before = records_until(first, cut)
    assert second.audit.records[: len(before)].tobytes() == before.tobytes()


@pytest.mark.parametrize("strategy", [Crossover(fast=3, slow=8), MeanReversion(window=10)], ids=["crossover", "mean_reversion"])
def test_a_day_later_everything_happens_a_day_later(strategy: Strategy) -> None:
    frames = {"A": walk(1), "B": walk(2)}
    moved = {symbol: bars.set_axis(bars.index + pd.Timedelta("1D")) for symbol, bars in frames.items()}
    first, second = backtest(strategy, frames, costs=COSTS), backtest(strategy, moved, costs=COSTS)
    assert len(first.fills) > 10
    assert (first.fills["ts"] + pd.Timedelta("1D")).tolist() == second.fills["ts"].tolist()
    assert first.fills.drop(columns="ts").equals(second.fills.drop(columns="ts"))
    assert first.equity.tolist() == second.equity.tolist()


@pytest.mark.parametrize("strategy", [Crossover(fast=3, slow=8), MeanReversion(window=10)], ids=["crossover", "mean_reversion"])
def test_twice_the_prices_and_twice_the_cash_are_the_same_quantities(strategy: Strategy) -> None:
    frames = {"A": walk(1), "B": walk(2)}
    doubled = {symbol: bars.assign(**{c: bars[c] * 2 for c in ("open", "high", "low", "close")}) for symbol, bars in frames.items()}
    first = backtest(strategy, frames, cash=500_000.0, costs=COSTS, tick_size=0.01)
    second = backtest(strategy, doubled, cash=1_000_000.0, costs=COSTS, tick_size=0.01)
    assert len(first.fills) > 10
    assert first.fills["quantity"].tolist() == second.fills["quantity"].tolist()
    assert second.fills["price"].to_numpy() == pytest.approx(2 * first.fills["price"].to_numpy(), rel=1e-12)
    assert second.equity.to_numpy() == pytest.approx(2 * first.equity.to_numpy(), rel=1e-12)


# Law 9: conservation, by the public tables alone


@pytest.mark.parametrize("name", LIBRARY)
def test_the_tables_add_up(name: str) -> None:
    result = library_run(name)
    fills, trades, opening = result.fills, result.trades, 1_000_000.0
    signed = np.where(fills["side"] == "BUY", 1.0, -1.0)
    dividends = float(result.tables.income["dividends"])
    held = result.positions.iloc[-1]
    last_close = {symbol: closes(symbol)[-1] for symbol in held.index}
    worth = sum(held[symbol] * last_close[symbol] for symbol in held.index)
    # what was paid and received
    cash = opening - float((signed * fills["quantity"] * fills["price"]).sum()) - float(fills["fee"].sum()) + dividends
    assert result.equity.iloc[-1] == pytest.approx(cash + worth, rel=1e-12)
    assert result.exposure["cash"].iloc[-1] == pytest.approx(cash, rel=1e-9)
    # what was made: round trips net of fees, what is open, dividends. Long only, so every buy is an entry.
    bought = float((fills["quantity"] * fills["price"])[fills["side"] == "BUY"].sum())
    open_cost = bought - float((trades["quantity"] * trades["entry_price"]).sum())
    open_fees = float(fills["fee"].sum()) - float(trades["fees"].sum())
    made = float(trades["pnl"].sum()) + (worth - open_cost) - open_fees + dividends
    assert result.equity.iloc[-1] == pytest.approx(opening + made, rel=1e-12)
    # what it cost: the slippage of the fills is what the costs by kind say
    assert float(fills["slippage"].sum()) == pytest.approx(float(result.costs["half_spread"]), rel=1e-12)
    assert float(fills["fee"].sum()) == pytest.approx(float(result.costs["fee"]), rel=1e-12)
    assert dividends > 0 and len(trades) > 20


def closes(symbol: str) -> NDArray[np.float64]:
    tape = prices()
    number = tape.index(symbol)
    bars = tape.events[(tape.events["kind"] == Kind.BAR) & (tape.events["instrument"] == number)]
    made: NDArray[np.float64] = bars["w3"] / tape.instruments[number].tick.denominator
    return made


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
    assert float(_elsewhere(_MANY)) < 60.0


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
    prepared = prepare(strategy, tape, whole.audit.header)
    world = SimulatedWorld(parts(), Exchange(len(tape.instruments), len(tape.calendars)), prepared.audit.collect)
    run_engine(world, prepared.trader, strategy, View(prepared.trader, prepared.timers), prepared.audit)
    assert prepared.audit.digest == whole.audit_hash
    assert len(alive) > 15 and most <= 4


def test_a_tape_in_parts_gives_the_same_audit() -> None:
    for name in ("momentum", "crossover"):
        parts = backtest(LIBRARY[name], prices(), costs=COSTS, chunk_events=501)
        assert parts.audit_hash == library_run(name).audit_hash
        assert parts.equity.equals(library_run(name).equity)
