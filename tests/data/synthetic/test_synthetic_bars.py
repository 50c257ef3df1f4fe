"""Synthetic bars against what their parameters imply, within standard errors from theory."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from framework.data.synthetic.bar_plan import BarPlan
from framework.data.synthetic.bars import Regime, WalkModel, walk
from framework.data.synthetic.pairs import PairModel, pair
from framework.data.tape.recording import Events
from framework.errors import DataError, InputError
from framework.schema.event import Kind

ERRORS = 4.0
"""Standard errors: one in sixteen thousand tries is further off by chance."""

LONG = BarPlan(("A",), bars=20_000, every="1h", seed=11, start_price=1000.0)
FINE = BarPlan(("A",), bars=20_000, every="1h", seed=11, start_price=1000.0, tick_size="0.000001")
CALM = WalkModel(regimes=(Regime(0.0, 0.1, 0.98), Regime(0.0, 0.4, 0.9)), jumps_a_year=0.0)


def returns(events: Events, instrument: int = 0) -> NDArray[np.float64]:
    rows = events[events["instrument"] == instrument]
    found: NDArray[np.float64] = np.log(rows["w3"] / rows["w0"])
    return found


def test_bars_are_whole_and_continuous() -> None:
    made = walk(BarPlan(("A", "B"), bars=10_000, every="1h", seed=1))
    events = made.recording.events()
    assert (events["kind"] == Kind.BAR).all()
    assert (np.diff(events["ts_local_ns"][::2]) == 3_600 * 10**9).all()
    assert (events["w1"] >= np.maximum(events["w0"], events["w3"])).all()
    assert (events["w2"] <= np.minimum(events["w0"], events["w3"])).all()
    assert (events["w1"] > events["w2"]).mean() > 0.9
    for k in range(2):
        rows = events[events["instrument"] == k]
        assert rows["w0"][0] == 10_000
        assert rows["w0"][1:].tolist() == rows["w3"][:-1].tolist()
        assert np.corrcoef(np.abs(returns(events, k)), rows["w4"])[0, 1] > 0.3
    assert made.recording.instruments[0].venue == "SYNTHETIC"
    assert made.recording.notes == (
        "Synthetic data: made by a generator (geometric walk with regimes and jumps, seed 1), not recorded from a market.",
    )


def test_volatility_is_that_of_the_regime() -> None:
    made = walk(FINE, CALM)
    found, regimes = returns(made.recording.events()), made.truth.regimes["A"]
    for number, regime in enumerate(CALM.regimes):
        own = found[regimes == number]
        variance = regime.volatility**2 * FINE.years
        assert abs(np.mean(own**2) / variance - 1) < ERRORS * np.sqrt(2 / len(own))


def test_drift_is_that_of_the_regime() -> None:
    plan = BarPlan(("A",), bars=20_000, every="1h", seed=12, tick_size="0.000001")
    found = returns(walk(plan, WalkModel(regimes=(Regime(3.0, 0.5, 0.0),), jumps_a_year=0.0)).recording.events())
    expected, deviation = (3.0 - 0.5**2 / 2) * plan.years, 0.5 * np.sqrt(plan.years)
    assert abs(found.mean() - expected) < ERRORS * deviation / np.sqrt(len(found))
    assert expected > 8 * deviation / np.sqrt(len(found))


def test_regimes_end_as_often_as_their_persistence_says() -> None:
    regimes = walk(LONG, CALM).truth.regimes["A"]
    for number, regime in enumerate(CALM.regimes):
        here = regimes[:-1] == number
        ends = int((here & (regimes[1:] != number)).sum())
        expected, visits = 1 - regime.persistence, int(here.sum())
        assert abs(ends - visits * expected) < ERRORS * np.sqrt(visits * expected * (1 - expected))
    assert CALM.stationary == pytest.approx([50 / 60, 10 / 60])


def test_jumps_are_as_many_and_as_large_as_said() -> None:
    model = WalkModel(regimes=(Regime(0.0, 0.05, 0.0),), jumps_a_year=100.0, jump_mean=-0.05, jump_deviation=0.01)
    made = walk(FINE, model)
    bars, sizes = made.truth.jump_bars["A"], made.truth.jump_sizes["A"]
    expected = 100.0 * FINE.years * FINE.bars
    assert abs(len(bars) - expected) < ERRORS * np.sqrt(expected)
    assert abs(sizes.mean() + 0.05) < ERRORS * 0.01 / np.sqrt(len(sizes))
    found = returns(made.recording.events())
    total = np.bincount(bars, weights=sizes, minlength=FINE.bars)
    rest = found - total
    deviation = 0.05 * np.sqrt(FINE.years)
    assert np.abs(rest).max() < 6 * deviation  # what is left is the walk: the jumps are where the truth says
    assert np.abs(found).max() > 20 * deviation


def test_a_session_bar_closes_with_its_session() -> None:
    made = walk(BarPlan(("A",), bars=300, every="session", calendar="XNYS", start="2012-11-20"))
    stamps = made.recording.events()["ts_local_ns"].astype("datetime64[ns]").astype("datetime64[m]")
    assert [str(stamp) for stamp in stamps[:3]] == ["2012-11-20T21:00", "2012-11-21T21:00", "2012-11-23T18:00"]
    assert len(stamps) == 300
    assert made.recording.tape().calendars == ("XNYS",)


def test_shorter_bars_lie_in_sessions() -> None:
    plan = BarPlan(("A",), bars=20, every="1h", calendar="XNYS", start="2012-11-21")
    made = walk(plan)
    stamps = made.recording.events()["ts_local_ns"].astype("datetime64[ns]").astype("datetime64[m]")
    assert [str(stamp)[5:] for stamp in stamps[[0, 5, 6, 7, 10, 11]]] == [
        "11-21T15:30",
        "11-21T20:30",
        "11-21T21:00",
        "11-23T15:30",
        "11-23T18:00",  # closed at 13:00 in New York
        "11-26T15:30",
    ]
    assert plan.years == 1 / (252 * 7)
    assert len(made.recording.tape().events) > 20


def test_a_pair_is_what_its_truth_says() -> None:
    plan = BarPlan(("X", "Y"), bars=5_000, every="1h", seed=5)
    made = pair(plan)
    events, truth = made.recording.events(), made.truth
    first, second = (np.log(events["w3"][events["instrument"] == k] / 10_000) for k in range(2))
    assert np.abs(first - truth.trend).max() < 1e-3
    left = second - truth.model.beta * first - (truth.spread - truth.spread_at_start)
    assert np.abs(left).max() < 2e-4  # half a tick of a price near 100, twice


def test_the_spread_returns_with_its_half_life() -> None:
    plan, model = BarPlan(("X", "Y"), bars=50_000, every="1h", seed=6), PairModel(half_life=12.0, spread_deviation=0.02)
    spread = pair(plan, model).truth.spread
    factor = 0.5 ** (1 / 12.0)
    found = float(spread[1:] @ spread[:-1] / (spread[:-1] @ spread[:-1]))
    assert abs(found - factor) < ERRORS * np.sqrt((1 - factor**2) / len(spread))
    # the variance of a mean of squares of an AR(1): 2 s^4 / n times (1 + f^2) / (1 - f^2)
    error = np.sqrt(2 / len(spread) * (1 + factor**2) / (1 - factor**2))
    assert abs(np.mean(spread**2) / 0.02**2 - 1) < ERRORS * error


def test_another_symbol_or_order_changes_no_bar() -> None:
    def of(symbols: tuple[str, ...], symbol: str) -> list[tuple[int, ...]]:
        rows = walk(BarPlan(symbols, bars=500, seed=3)).recording.events()
        rows = rows[rows["instrument"] == symbols.index(symbol)]
        return [tuple(int(row[word]) for word in ("ts_local_ns", "w0", "w1", "w2", "w3", "w4")) for row in rows]

    assert of(("A",), "A") == of(("B", "A", "C"), "A")
    assert of(("A", "B"), "A") != of(("A", "B"), "B")
    other = walk(BarPlan(("A",), bars=500, seed=4)).recording.events()
    assert other["w3"].tolist() != [row[4] for row in of(("A",), "A")]


def test_longer_series_begin_alike() -> None:
    short, long = (walk(BarPlan(("A",), bars=bars, every="1h"), WalkModel(jumps_a_year=0.0)).recording.events() for bars in (9_000, 18_000))
    assert short.tobytes() == long[:9_000].tobytes()


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: BarPlan(()), "give at least one"),
        (lambda: BarPlan(("A", "A")), "each once"),
        (lambda: BarPlan(bars=0), "bars >= 1"),
        (lambda: BarPlan(every="7min").years, "not a whole number"),
        (lambda: WalkModel(regimes=(Regime(0, 0.1, 1.0), Regime(0, 0.2, 0.5))), "persistence < 1"),
        (lambda: PairModel(half_life=0), "above 0"),
        (lambda: pair(BarPlan(("A", "B", "C"))), "a pair has two symbols"),
    ],
)
def test_what_cannot_be_is_refused(made: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        made()  # type: ignore[operator]


def test_a_price_that_leaves_the_grid_is_refused() -> None:
    made = walk(BarPlan(("A",), bars=5_000, every="1h", start_price=0.05), WalkModel(regimes=(Regime(-8.0, 0.5, 0.0),)))
    with pytest.raises(DataError, match=r"A: the price leaves the grid of ticks by 2015-.*start_price"):
        made.recording.events()
