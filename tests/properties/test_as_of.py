"""Laws 8 and 9: no decision knows its future, and the public tables add up."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from framework import Strategy, backtest
from framework.schema.event import Kind
from strategies.crossover import Crossover
from strategies.mean_reversion import MeanReversion
from tests.properties.library import COSTS, LIBRARY, laws, library_run, prices, records_until, walk
from tests.properties.random_runs import HOUR, Case, cases, run, tape_of

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
    dividends = float(result.income["dividends"])
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
