"""No table is written past: every row that is added meets a full table, and canaries stand around each."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from framework import Strategy, backtest
from framework.data.tape import Tape
from framework.data.tape.own_events import add_events, transfer_events
from framework.engine.view import View
from framework.errors import KernelError
from framework.kernel.layout.half import Half
from framework.kernel.layout.roots import EXCHANGE_TABLES, TRADER_TABLES
from framework.kernel.trader.trader import Trader
from framework.kernel.venue.exchange import Exchange
from framework.kernel.venue.venue_account import VenueAccount
from framework.reports.result import Result
from tests.kernel.crowded import HOUR, LATE, SHORTS, Families, Levered, Quoting, TakingBack, by_order, falling
from tests.kernel.guarded import guarded
from tests.properties import random_runs

ROOT = Path(__file__).parents[2]
WIRES: tuple[dict[str, Any], ...] = ({}, {"entry_ns": HOUR // 3, "response_ns": HOUR // 5}, random_runs.VARYING)


def same_in_small_tables(run: Callable[[], Result]) -> Result:
    """A run in guarded tables leaves the audit of the run in ordinary ones."""
    plain = run()
    with guarded():
        small = run()
    assert small.audit_hash == plain.audit_hash
    assert small.equity.equals(plain.equity)
    return plain


def market(seed: int, bars: int = 40) -> Tape:
    """Two papers in bars and one in quotes, with splits, dividends and a delisting."""
    random = np.random.default_rng(seed)
    papers = (random_runs.Paper("A"), random_runs.Paper("B", 1, 1), random_runs.Paper("C", 0, 2, is_quoted=True))
    kinds = ("split", "dividend", "split", "dividend", "delist")
    actions = tuple(
        random_runs.Action(int(random.integers(5, bars)), int(random.integers(0, 2)), kind, int(random.integers(0, 9)))
        for kind in kinds[: 3 + seed % 3]
    )
    return random_runs.tape_of(random_runs.Case(seed, papers, (), actions, bars=bars, hours=8))


def families(strategy: Strategy, seed: int, **options: Any) -> Result:
    return backtest(
        strategy, market(seed), cash=1e7, risk=SHORTS, costs={"fee_bps": 1.0, "half_spread_bps": 0.5, "limit_fill": "touch"}, **options
    )


@pytest.mark.parametrize("seed", range(6))
def test_families_compiled_and_in_python(seed: int) -> None:
    latency = WIRES[seed % 3]
    plain = same_in_small_tables(lambda: families(Families(seed=seed + 1), seed, latency=latency))
    with guarded():
        python = families(Families.python(seed=seed + 1), seed, latency=latency)
    assert python.audit_hash == plain.audit_hash
    assert len(plain.orders) > 50 and len(plain.fills) > 10


def test_a_liquidation_cancels_and_closes_in_every_contract() -> None:
    result = same_in_small_tables(lambda: backtest(Levered(), falling(8), cash=12_000.0, risk=SHORTS))
    assert (result.orders["reason"] == "LIQUIDATED").sum() > 8


@pytest.mark.parametrize("latency", [{}, LATE])
def test_a_book_told_by_order(latency: dict[str, Any]) -> None:
    result = same_in_small_tables(lambda: backtest(Quoting(), by_order(300), cash=1e6, risk=SHORTS, latency=latency))
    assert len(result.fills) > 10 and len(result.trades) > 3


quick = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@quick
@given(random_runs.cases(max_wishes=20))
def test_random_runs(case: random_runs.Case) -> None:
    same_in_small_tables(lambda: random_runs.run(case)[1])


@pytest.mark.long
@settings(quick, max_examples=400, derandomize=False, print_blob=True)
@given(random_runs.cases(max_wishes=60))
def test_many_random_runs(case: random_runs.Case) -> None:
    same_in_small_tables(lambda: random_runs.run(case)[1])


@pytest.mark.long
@settings(quick, max_examples=200, derandomize=False, print_blob=True)
@given(st.integers(0, 2**20), st.integers(1, 60), st.sampled_from(WIRES))
def test_many_families(seed: int, most: int, latency: dict[str, Any]) -> None:
    plain = same_in_small_tables(lambda: families(Families(seed=seed + 1, most=most), seed, latency=latency))
    assert families(Families.python(seed=seed + 1, most=most), seed, latency=latency).audit_hash == plain.audit_hash


@pytest.mark.long
def test_every_fill_rule_in_small_tables() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.kernel.guarded_plugin", "-p", "no:cacheprovider", "tests/tapes"]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]


# a table that cannot grow

GROWING = [("trader", name) for name, table in TRADER_TABLES.items() if table.grows or name == "resting"]
GROWING += [("exchange", name) for name, table in EXCHANGE_TABLES.items() if table.grows or name == "resting"]


GROWING += [("account", "lots")]


SIXTEEN = tuple(f"S{k:02d}" for k in range(16))


class Rotates(Strategy):
    """Sells half of the instruments each day and buys the other half with it."""

    def on_start(self, view: View) -> None:
        self.day = 0

    def on_bars(self, view: View, bars: object) -> None:
        self.day += 1
        view.target_weights({symbol: 0.125 * ((k + self.day) % 2) for k, symbol in enumerate(SIXTEEN)})


def crowd(name: str = "") -> Result:
    """A run that fills every table but three; that of the bars of one stamp; of commands which wait for a bar; of what is paid in."""
    if name == "turns":
        index = pd.date_range("2024-01-01", periods=12, freq="D", tz="UTC")
        flat = pd.DataFrame({column: 100.0 for column in ("open", "high", "low", "close")} | {"volume": 1e6}, index=index)
        return backtest(Rotates(), dict.fromkeys(SIXTEEN, flat), tick_size=0.01, cash=1e6)
    if name == "deposits":
        tape = falling(1)
        stamps = pd.to_datetime(tape.bar_stamps[:20], utc=True)
        moves = pd.DataFrame({"currency": "USD", "amount": 10.0}, index=stamps)
        return backtest(TakingBack(), add_events(tape, transfer_events(tape, moves)), cash=1e6, risk=SHORTS)
    if name == "kept":
        return backtest(TakingBack(), falling(1), cash=1e6, risk=SHORTS, latency={"entry_ns": HOUR // 60})
    return backtest(Quoting(), by_order(600), cash=1e6, risk=SHORTS, latency=LATE, costs={"fee_bps": 1.0, "us_regulatory": True})


@pytest.mark.parametrize(("half", "name"), GROWING)
@pytest.mark.parametrize("rows", [1, 2, 5])
def test_a_table_that_cannot_grow_breaks_the_run_and_nothing_else(half: str, name: str, rows: int) -> None:
    with guarded() as guards, pytest.MonkeyPatch.context() as patch:  # undone before the guards are
        for kind in (Trader, Exchange, VenueAccount):
            patch.setattr(kind, "grow", _stingy(kind.grow, half, name, rows))
        with pytest.raises(KernelError) as error:
            crowd(name)
        guards.check()
    assert f"table {name!r} of the {half} half" in str(error.value)
    assert "could not grow (MemoryError: no more)" in str(error.value)
    part: Result = error.value.result  # type: ignore[attr-defined]
    assert len(part.fills) <= 100 and len(part.round_trips) <= len(part.trades) <= 100  # whatever is missing, the tables can be read


def _stingy(grow: Callable[[Any, str], None], half: str, name: str, rows: int) -> Callable[[Any, str], None]:
    def stingy(self: Half, table: str) -> None:
        if (self._half, table) == (half, name) and len(self.tables[table]) >= rows:
            raise MemoryError("no more")
        grow(self, table)

    return stingy


def test_the_crowd_fills_every_table() -> None:
    with guarded() as guards:
        crowd()
        crowd("turns")
        crowd("kept")
        crowd("deposits")
    assert set(GROWING) - set(guards.grown) == set()


def test_an_interrupt_while_a_table_grows_is_an_interrupt() -> None:
    def interrupted(half: Half, name: str) -> None:
        raise KeyboardInterrupt

    with guarded(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trader, "grow", interrupted)
        with pytest.raises(KeyboardInterrupt):
            crowd()
