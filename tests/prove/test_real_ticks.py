"""Proofs over recorded markets: Apple by order, a future by order and told late, Bitcoin by level and told late."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import pytest

from framework import Strategy, backtest
from framework.data.formats import binance, databento, lobster
from framework.data.tape import Tape
from framework.data.tape.survey import survey
from framework.prove import prove
from strategies.order_book_pressure import OrderBookPressure
from tests.prove import tick_strategies as made
from tests.prove.tick_market import LATE, SHORT, first

BOOKS = Path(os.environ.get("ONETAPE_SHARED", Path(__file__).parents[3] / "shared")) / "data/05_l2_l3_books"
FILES = {
    "AAPL": "orderbook/juypter/AAPL_2012-06-21_message_50.csv.gz",
    "ESH4": "nautilus_trader/databento/esh4-glbx-mdp3-20231225.mbo.dbn.zst",
    "BTCUSDT": "hftbacktest/usdm/btcusdt_20240808.gz",
}
CHECKS = ["look_ahead", "irrelevant_instrument", "tape_split", "time_shift"]
SETTINGS = {"risk": SHORT, "cash": 1e8, "costs": {"book_start": "empty"}}  # captures may begin without a snapshot
NAMES = ["AAPL", pytest.param("ESH4", marks=pytest.mark.extra(name="data")), "BTCUSDT"]
LATENCY = {"AAPL": LATE, "ESH4": LATE, "BTCUSDT": {"entry_ns": LATE["entry_ns"]}}  # which has quotes that are told late
PRESSURE = OrderBookPressure(levels=3, entry=0.1, most_spread_ticks=5_000.0, hold_s=5.0)


@cache
def market(name: str) -> Tape:
    path = BOOKS / FILES[name]
    if not path.exists():
        pytest.skip("the developers' market data are not here: set ONETAPE_SHARED to their folder")
    if name == "AAPL":
        return first(lobster.read(path), 2_000)
    if name == "ESH4":
        return first(databento.read(path), 10_500)
    return first(binance.read(path, truncated="allow", clock_offset_ns=1_272_402_468), 8_000)


@pytest.mark.parametrize("strategy", [PRESSURE, made.Joiner()], ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("name", NAMES)
def test_clean_strategies_pass(name: str, strategy: Strategy) -> None:
    tape = market(name)
    assert survey(tape).is_late == (name != "AAPL")
    settings = {**SETTINGS, "latency": LATENCY[name]}
    assert len(backtest(strategy, tape, **settings).orders) > 0  # type: ignore[arg-type]
    proof = prove(strategy, tape, instruments=[name], points=2, checks=CHECKS, **settings)  # type: ignore[arg-type]
    assert [one.passed for one in proof] == [True] * 4, proof


@pytest.mark.parametrize("name", NAMES)
def test_a_leak_is_named(name: str) -> None:
    found = prove(made.SizeOfNextLevel, market(name), points=8, checks=CHECKS[:1], **SETTINGS)["look_ahead"]  # type: ignore[arg-type]
    assert found.passed is False
    assert found.first_difference is not None and found.first_difference.datum is not None
    datum = found.first_difference.datum
    assert datum.tick.startswith("DEPTH") and datum.field in ("size", "price")
    assert ("at the venue" in datum.tick) == (name != "AAPL")
    assert ("order" in datum.tick) == (name != "BTCUSDT")
