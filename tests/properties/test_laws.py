"""Laws that a run of bars can break: 2 causes, 3 reasons, 4 approval, 6 irrelevance; on random runs and on real prices."""

from __future__ import annotations

import ast
import dataclasses
import typing

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from framework import Strategy, backtest
from framework.data.tape import build
from framework.engine.market import Bar
from framework.engine.view import View
from framework.engine.world import Decision, World
from framework.kernel.trader.trader import Trader
from framework.reports.result import Result
from framework.schema.event import EVENT, Flag, Kind
from framework.schema.order import Approved, Reason, Refused
from framework.simulation.simulated_world import SimulatedWorld
from strategies.crossover import Crossover
from tests.properties.library import COSTS, LIBRARY, ROOT, fills_of, frame, laws, library_run, prices, walk
from tests.properties.random_runs import Case, cases, instruments_of, run, tape_of

# Law 2: no fill before its cause


def assert_causal(result: Result) -> None:
    """Each fill comes after its order was decided and accepted, and no stamp of the audit runs backwards.

    An exit may fill in the very bar that filled its entry: it was decided with the entry, and the entry's fill released it.
    """
    records, orders = result.audit.records, result.orders
    assert (np.diff(records["ts_local_ns"]) >= 0).all()
    assert (records["ts_local_ns"] >= records["ts_venue_ns"]).all()
    decided: dict[int, int] = {}
    submitted: dict[int, int] = {}
    accepted: dict[int, int] = {}
    filled_at: dict[int, int] = {}
    parents: dict[int, int] = {}
    for row in records[records["kind"] >= Kind.ORDER_SUBMIT]:
        kind, order, stamp = int(row["kind"]), int(row["w0"]), int(row["ts_venue_ns"])
        if kind == Kind.ORDER_SUBMIT:
            decided.setdefault(order, stamp)
            if not row["flags"] & (Flag.HELD | Flag.REFUSED):
                submitted[order] = stamp
        elif kind == Kind.ORDER_TERMS:
            parents[order] = int(row["w3"])
        elif kind == Kind.ORDER_ACCEPTED:
            accepted[order] = stamp
        elif kind == Kind.ORDER_FILLED:
            filled_at[order] = stamp
            if row["flags"] & Flag.AMBIGUOUS and filled_at.get(parents.get(order, -1)) == stamp:
                assert stamp > decided[order], f"order {order} filled at the stamp of its decision"
                continue
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
    refused = result.refused[~result.refused["is_change"]]  # a refused change leaves its order as it was
    assert sorted(refused["order_id"]) == sorted(result.orders["order_id"][result.orders["state"] == "REFUSED"])
    assert set(refused["order_id"]).isdisjoint(result.fills["order_id"])
    assert (result.refused["reason"] != "NONE").all()


@laws
@given(cases(max_wishes=14))
def test_every_order_ends_filled_or_with_a_reason(case: Case) -> None:
    assert_reasons(run(case)[1])


@pytest.mark.parametrize("name", LIBRARY)
def test_every_order_on_real_prices_ends_filled_or_with_a_reason(name: str) -> None:
    assert_reasons(library_run(name))


# Law 4: approval is a type


class Outside:
    """Commands that no check has seen."""

    def used(self, name: str) -> NDArray[np.void]:
        return np.zeros(1, dtype=EVENT)


def test_only_the_checks_make_approved_orders() -> None:
    with pytest.raises(TypeError, match="only the pre-trade checks"):
        Approved(Outside(), key=object())
    makers = [
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / "framework").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Approved"
    ]
    assert makers == ["framework/kernel/trader/trader.py"]


def test_worlds_take_nothing_else() -> None:
    for world in (World, SimulatedWorld):
        assert typing.get_type_hints(world.send)["commands"] is Approved
    assert typing.get_type_hints(Decision)["commands"] is Approved
    assert isinstance(Trader.approved, property)
    assert typing.get_type_hints(Trader.approved.fget)["return"] is Approved


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
