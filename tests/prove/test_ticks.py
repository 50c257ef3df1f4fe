"""Proofs over trades, quotes and books: what leaks is found and named, what is clean passes, a late feed is told from a leak."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from framework import Strategy, backtest
from framework.data.series.book_replay import OrderBook
from framework.data.tape import Tape
from framework.data.tape.survey import survey, take_after
from framework.prove import CHECKS, Verdict, look_ahead, prove
from framework.prove.culprit import find
from framework.prove.perturb import changed, kinds_of, truncated
from framework.prove.subject import Subject
from framework.prove.trial import Trial, decisions
from framework.schema.event import Flag, Kind
from framework.simulation.settings import RunSettings
from strategies.market_making import AvellanedaStoikov, Grid
from strategies.order_book_pressure import OrderBookPressure
from tests.prove import tick_strategies as made
from tests.prove.tick_market import LATE, SHORT, by_level, by_order, quoted

BOOK, LEVELS, QUOTED = by_order(), by_level(), quoted()
TOLD_LATE = by_order(latency_ms=50, jitter_ms=80.0)
CUT = int(np.unique(BOOK.events["ts_local_ns"])[600])

PRESSURE = OrderBookPressure(levels=3, entry=0.3, most_spread_ticks=4.0, flow_s=1.0, hold_s=2.0)
MAKER = AvellanedaStoikov(sigma=0.001, k=2000.0, gamma=0.5, most=12.0, horizon_s=30.0, every_s=1.0)
LADDER = Grid(half_spread=0.005, step=0.01, levels=2, most=8.0, every_s=1.0)
QUICK = [name for name in CHECKS if name != "determinism"]  # which starts two processes


def verdict(check: str, strategy: object, tape: Tape, **settings: object) -> Verdict:
    return prove(strategy, tape, checks=[check], risk=SHORT, **settings)[check]  # type: ignore[arg-type]


# what is changed


@pytest.mark.parametrize("kind", kinds_of(BOOK.events))
@pytest.mark.parametrize("tape", [BOOK, LEVELS], ids=["by order", "by level"])
def test_every_later_tick_is_changed_and_no_earlier_one(kind: str, tape: Tape) -> None:
    cut = int(np.unique(tape.events["ts_local_ns"])[200])
    events, other = tape.events, changed(tape.events, cut, kind, (0,))
    later = events["ts_local_ns"] > cut
    assert other[~later].tobytes() == events[~later].tobytes()
    for word in ("ts_local_ns", "ts_venue_ns", "instrument"):
        assert np.array_equal(other[word], events[word])
    depth = later & (events["kind"] == Kind.DEPTH)
    assert kind == "lost" or np.array_equal(other["kind"], events["kind"])
    assert np.mean(other[depth] != events[depth]) > (0.1 if kind == "lost" else 0.9)
    assert np.all(other["w0"][depth & (other["kind"] == Kind.DEPTH)] >= 1)
    assert np.all(other["w1"] >= 0)


def test_what_each_kind_does_to_a_book() -> None:
    events = BOOK.events
    later = (events["ts_local_ns"] > CUT) & (events["kind"] == Kind.DEPTH)
    one = later & (events["instrument"] == 0)
    made_of = {kind: changed(events, CUT, kind, (0,)) for kind in kinds_of(events)}
    for kind, sign in (("raised", 1), ("lowered", -1)):
        moves = made_of[kind]["w0"][one] - events["w0"][one]
        assert len(np.unique(moves)) == 1 and np.sign(moves[0]) == sign
    stood = events["w1"][later] > 0
    assert np.array_equal(made_of["removed"]["w1"][later] == 0, stood)
    sides = int(Flag.BUY | Flag.SELL)
    assert np.all((made_of["sided"]["flags"][later] ^ events["flags"][later]) == sides)
    assert np.count_nonzero(made_of["lost"]["kind"] == Kind.GAP) > 5
    for word in ("w0", "w1", "w2"):
        assert np.array_equal(np.sort(made_of["shuffled"][word][one]), np.sort(events[word][one]))


def test_a_gap_to_come_is_taken_away() -> None:
    cut = int(LEVELS.events["ts_local_ns"][50])
    gap = np.flatnonzero(LEVELS.events["kind"] == Kind.GAP)
    assert np.all(changed(LEVELS.events, cut, "lost", (0,))["kind"][gap] == Kind.NONE)


def test_bars_have_no_kinds_of_books() -> None:
    assert "removed" in kinds_of(BOOK.events) and "removed" not in kinds_of(QUOTED.events)


# what leaks


@pytest.mark.parametrize(
    ("cls", "tape", "tick", "fields"),
    [
        (made.PriceOfNextLevel, BOOK, "DEPTH", {"price"}),
        (made.SizeOfNextLevel, BOOK, "DEPTH", {"size"}),
        (made.SideOfNextLevel, BOOK, "DEPTH", {"flags"}),
        (made.OrderOfNextLevel, BOOK, "DEPTH", {"order id", "kind"}),
        (made.PriceOfNextTrade, BOOK, "TRADE", {"price"}),
        (made.SizeOfNextTrade, LEVELS, "TRADE", {"size"}),
        (made.SizeOfNextLevel, LEVELS, "DEPTH", {"size"}),
        (made.GapToCome, LEVELS, "GAP", {"kind"}),
        (made.NextQuote, QUOTED, "QUOTE", {"bid"}),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else None,
)
def test_a_leak_is_found_and_its_tick_named(cls: type[Strategy], tape: Tape, tick: str, fields: set[str]) -> None:
    found = verdict("look_ahead", cls, tape, points=40 if cls is made.GapToCome else 8)
    assert found.passed is False
    assert found.first_difference is not None and found.first_difference.datum is not None
    datum = found.first_difference.datum
    assert datum.tick.startswith(tick) or datum.field == "kind"
    assert datum.field in fields
    assert datum.stamp > found.first_difference.stamp
    assert datum.instrument == found.first_difference.instrument


@pytest.mark.parametrize(
    ("word", "becomes", "field", "value"), [("w0", 10_500, "price", 105.0), ("w1", 77, "size", 77.0), ("w2", 9_999, "order id", 9_999.0)]
)
def test_the_one_tick_that_matters_is_named(word: str, becomes: int, field: str, value: float) -> None:
    """Everything later is changed, but only one field of one order is looked at."""
    other = changed(BOOK.events, CUT, "raised", (0,))
    row = int(np.flatnonzero((BOOK.events["ts_local_ns"] > CUT) & (BOOK.events["kind"] == Kind.DEPTH) & (BOOK.events["w1"] > 0))[200])
    other[word][row] = becomes
    event = BOOK.events[row]
    datum = find(BOOK, other, lambda events: bool(events[word][row] == becomes))
    assert datum is not None
    assert (datum.field, datum.after, datum.alone) == (field, value, True)
    side = "BUY" if event["flags"] & Flag.BUY else "SELL"
    assert datum.tick == f"DEPTH {side} {event['w0'] / 100:g} x {event['w1']} order {event['w2']}"
    assert datum.tick in str(datum)


# what is clean


@pytest.mark.parametrize("tape", [BOOK, LEVELS, TOLD_LATE], ids=["by order", "by level", "late"])
@pytest.mark.parametrize("strategy", [made.Follower(), made.Follower.python(), made.Joiner()], ids=["compiled", "python", "resting"])
def test_a_clean_strategy_is_not_accused(strategy: Strategy, tape: Tape) -> None:
    found = verdict("look_ahead", strategy, tape, latency=LATE, points=2)
    assert found.passed is True, found


@pytest.mark.parametrize("strategy", [PRESSURE, MAKER, LADDER], ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("tape", [BOOK, TOLD_LATE], ids=["at once", "late"])
def test_the_strategies_of_the_library_pass(strategy: Strategy, tape: Tape) -> None:
    assert len(backtest(strategy, tape, risk=SHORT, latency=LATE).fills) > 0
    proof = prove(strategy, tape, instruments=["AAA", "BBB"], risk=SHORT, latency=LATE, points=2, checks=QUICK)
    assert proof.passed, proof
    unsure = {one.check for one in proof if one.passed is None}
    assert unsure <= (
        set() if strategy is PRESSURE else {"warm_up", "price_scale"}
    )  # makers remember orders, and their prices have a scale of their own


# a late feed


def test_what_was_on_its_way_is_a_leak() -> None:
    """It reads trades that happened before the cut and are told after it: nothing that the venue sees is changed."""
    found = verdict("look_ahead", made.OnItsWay, TOLD_LATE, points=12)
    assert found.passed is False
    assert found.first_difference is not None and found.first_difference.datum is not None
    assert "ns before at the venue" in found.first_difference.datum.tick


def test_a_fill_that_is_told_before_its_trade_is_no_leak(monkeypatch: pytest.MonkeyPatch) -> None:
    """A resting order learns of its fills before the trades that made them. Were the venue changed as well, it would be accused."""
    assert verdict("look_ahead", made.Joiner, TOLD_LATE, points=24).passed is True
    monkeypatch.setattr(look_ahead, "_seen", lambda *_: None)
    assert verdict("look_ahead", made.Joiner, TOLD_LATE, points=24).passed is False


def test_the_feed_of_a_config_is_late_too() -> None:
    feed = {"feed_ns": {"model": "lognormal", "median_ns": 60_000_000, "sigma": 0.5}, **LATE}
    assert verdict("look_ahead", made.Joiner, BOOK, latency=feed, points=6).passed is True
    assert verdict("look_ahead", made.OnItsWay, BOOK, latency=feed, points=12).passed is False


@pytest.mark.parametrize("response_ns", [0, 5_000_000, {"model": "lognormal", "median_ns": 5_000_000, "sigma": 0.5}])
def test_quotes_that_are_told_late_are_answered_after_they_were_told(response_ns: object) -> None:
    """Answers go by the venue's stamps, which here lie 50 ms back: more than a response takes."""
    events = QUOTED.events.copy()
    events["ts_venue_ns"][events["kind"] == Kind.QUOTE] -= 50_000_000
    late = replace(QUOTED, events=events)
    strategy = made.Follower()
    latency = {"entry_ns": 1_000_000, "response_ns": response_ns}
    assert verdict("look_ahead", strategy, late, points=2, latency=latency).passed is True
    heard = backtest(strategy, late, risk=SHORT, latency=latency).audit.records["ts_local_ns"]
    assert (heard[1:] >= heard[:-1]).all()  # our clock never runs back


def test_the_venue_sees_what_had_happened() -> None:
    trial = Trial(Subject(made.Joiner), TOLD_LATE, RunSettings.of({"risk": SHORT}), 4, is_named=False)
    events = TOLD_LATE.events
    cut = int(events["ts_local_ns"][700])
    seen = look_ahead._seen(trial, changed(events, cut, "raised", (0,)), cut)
    assert seen is not None
    happened = events["ts_venue_ns"] <= cut
    told = events["ts_local_ns"] <= cut
    assert np.count_nonzero(happened & ~told) > 2
    assert np.array_equal(seen.events[happened], events[happened])
    ticks = ~happened & (events["kind"] != Kind.SESSION)
    assert np.all(seen.events["w0"][ticks] > events["w0"][ticks])
    left = look_ahead._seen(trial, truncated(events, cut), cut)
    assert left is not None
    assert np.array_equal(left.events, events[happened | (events["kind"] == Kind.SESSION)])
    assert survey(seen).is_late and survey(left).is_late
    base = trial.run()
    assert len(decisions(base, cut)) > 5
    kept = trial.run(seen=seen)
    assert decisions(kept, cut).tobytes() == decisions(base, cut).tobytes()


# what must not matter


def test_every_check_runs_on_every_kind_of_ticks() -> None:
    for tape in (LEVELS, QUOTED):
        symbols = [instrument.symbol for instrument in tape.instruments]
        proof = prove(made.Follower.python(), tape, instruments=symbols, risk=SHORT, points=2, checks=QUICK)
        assert proof.passed, proof
        assert {one.check for one in proof if one.passed is None} == {"registration_order"}  # there is one instrument


def test_other_processes_decide_the_same() -> None:
    found = verdict("determinism", PRESSURE, TOLD_LATE, latency={"entry_ns": {"model": "lognormal", "median_ns": 3_000_000, "sigma": 0.7}})
    assert found.passed is True, found
    assert "2 other processes" in found.note


def test_draws_and_impact_do_not_shift_with_a_stranger() -> None:
    drawn = {"model": "lognormal", "median_ns": 3_000_000, "sigma": 0.7}
    latency = {"feed_ns": drawn, "entry_ns": drawn, "response_ns": drawn}
    volume = {symbol: 500.0 for symbol in ("AAA", "BBB")}
    impact = {"model": "propagator", "daily_volume": volume, "decay": [{"half_life_s": 5.0, "weight": 0.02}], "charge_makers": True}
    chosen = ["irrelevant_instrument", "registration_order", "tape_split", "time_shift", "price_scale"]
    settings = {"risk": SHORT, "latency": latency, "costs": {"impact": impact}, "instruments": ["AAA", "BBB"]}
    proof = prove(PRESSURE, BOOK, checks=chosen, **settings)  # type: ignore[arg-type]
    assert [one.passed for one in proof] == [True] * 5, proof
    charged = backtest(PRESSURE, BOOK, **settings)  # type: ignore[arg-type]
    assert charged.costs.filter(like="impact").abs().sum().sum() > 0


def test_draws_by_stamp_cannot_be_shifted() -> None:
    latency = {"decision_ns": {"model": "lognormal", "median_ns": 3_000_000, "sigma": 0.7}}
    found = verdict("time_shift", PRESSURE, BOOK, latency=latency)
    assert found.passed is None
    assert "latency.decision_ns" in found.note


def test_a_maker_that_remembers_orders_cannot_be_warmed_up() -> None:
    found = verdict("warm_up", MAKER, BOOK, instruments=["AAA", "BBB"])
    assert found.passed is None
    assert "remembers its orders" in found.note


@pytest.mark.parametrize("tape", [BOOK, TOLD_LATE], ids=["at once", "late"])
@pytest.mark.parametrize("strategy", [PRESSURE, MAKER, LADDER], ids=lambda one: type(one).__name__)
def test_money_is_conserved(strategy: Strategy, tape: Tape) -> None:
    """Cash less what was paid, fees and what is held at the mids of a plain book, all in decimals, is the equity at the end."""
    result = backtest(strategy, tape, risk=SHORT, latency=LATE, costs={"fee_bps": 1.0}, cash=10_000.0)
    money = Decimal(10_000)
    held = {"AAA": Decimal(0), "BBB": Decimal(0)}
    for fill in result.fills.itertuples():
        quantity = Decimal(str(fill.quantity)) * (1 if str(fill.side) == "BUY" else -1)
        price = Decimal(str(round(fill.price, 2)))
        held[str(fill.instrument)] += quantity
        money -= quantity * price + abs(quantity) * price / 10_000
    for number, symbol in enumerate(held):
        plain = OrderBook(number)
        plain.apply(tape.events)
        money += held[symbol] * Decimal(plain.bids(1)[0][0] + plain.asks(1)[0][0]) / 200
    assert len(result.fills) > 0
    assert float(money) == pytest.approx(float(result.equity.iloc[-1]), abs=1e-6)


def test_a_changed_tape_is_laid_out_as_it_was() -> None:
    """Without its late events a tape would have no orders, no late feed, and a smaller window."""
    cut = TOLD_LATE.events["ts_local_ns"][1]
    short = replace(TOLD_LATE, events=truncated(TOLD_LATE.events, int(cut)))
    model, alone = survey(TOLD_LATE), survey(replace(short))
    assert alone.spans != model.spans
    taken = survey(take_after(short, TOLD_LATE))
    assert (taken.spans, taken.is_late, taken.has_orders) == (model.spans, True, True)
    raised = TOLD_LATE.events.copy()
    raised["w0"][raised["kind"] == Kind.DEPTH] += 100
    wide = survey(take_after(replace(TOLD_LATE, events=raised), TOLD_LATE))
    assert wide.spans == {number: (low, high + 100) for number, (low, high) in model.spans.items()}
