"""Almgren-Chriss: closed forms against an exact optimum, against sums by definition, and against printed figures."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from framework.errors import InputError
from framework.schema.order import Side
from framework.stages.execution import AlmgrenChriss

PAPER = AlmgrenChriss(quantity=1e6, horizon=5, steps=5, volatility=0.95, permanent=2.5e-7, temporary=2.5e-6, fixed=0.0625)
"""Table 1 of the paper: dollars, shares, days."""
ODD = AlmgrenChriss(quantity=7_300.0, horizon=0.7, steps=12, volatility=1.7, permanent=3e-5, temporary=4e-6, fixed=0.01)
MODELS = {
    "paper": PAPER,
    "odd": ODD,
    "drift": replace(PAPER, drift=0.02),
    "falling": replace(ODD, drift=-2.0, fixed=0.0),
    "purchase": replace(ODD, drift=2.0, fixed=0.0, side=Side.BUY),
    "one step": replace(PAPER, steps=1),
    "long": replace(PAPER, steps=40, horizon=40),
}
AVERSIONS = (1e-12, 1e-9, 1e-7, 1e-6, 3e-5, 1e-2)


def objective(model: AlmgrenChriss, held: list[Fraction]) -> tuple[Fraction, Fraction]:
    """E and V of holdings x_0 ... x_N as (4), (5), (23) define them, in exact arithmetic, for trades of one direction."""
    tau = Fraction(model.horizon) / model.steps
    sold = [before - after for before, after in pairwise(held)]
    rates = [n / tau for n in sold]
    permanent = sum(tau * x * Fraction(model.permanent) * v for x, v in zip(held[1:], rates, strict=True))
    temporary = sum(n * (Fraction(model.fixed) + Fraction(model.temporary) * v) for n, v in zip(sold, rates, strict=True))
    risen = -int(model.side) * Fraction(model.drift) * tau * sum(held[1:])
    variance = Fraction(model.volatility) ** 2 * sum(tau * x * x for x in held[1:])
    return Fraction(permanent + temporary - risen), Fraction(variance)


def optimum(model: AlmgrenChriss, aversion: float) -> list[Fraction]:
    """x_0 ... x_N that make E + lambda V least: its gradient and Hessian from values of the objective, then elimination, all exact."""
    n = model.steps - 1
    whole = Fraction(model.quantity)

    def value(inner: list[Fraction]) -> Fraction:
        expected, variance = objective(model, [whole, *inner, Fraction(0)])
        return expected + Fraction(aversion) * variance

    def unit(*at: int) -> list[Fraction]:
        return [Fraction(at.count(k)) for k in range(n)]

    zero, one = value(unit()), [value(unit(k)) for k in range(n)]
    hessian = [[value(unit(i, j)) - one[i] - one[j] + zero for j in range(n)] for i in range(n)]
    gradient = [one[k] - zero - hessian[k][k] / 2 for k in range(n)]
    rows = [[*hessian[k], -gradient[k]] for k in range(n)]
    for k in range(n):
        rows[k] = [cell / rows[k][k] for cell in rows[k]]
        for i in range(n):
            if i != k and rows[i][k]:
                factor = rows[i][k]
                rows[i] = [cell - factor * above for cell, above in zip(rows[i], rows[k], strict=True)]
    return [whole, *(row[-1] for row in rows), Fraction(0)]


@pytest.mark.parametrize("name", [name for name in MODELS if name != "long"])
@pytest.mark.parametrize("aversion", AVERSIONS)
def test_the_plan_is_the_exact_optimum(name: str, aversion: float) -> None:
    model = MODELS[name]
    exact = optimum(model, aversion)
    if model.fixed and min(before - after for before, after in pairwise(exact)) < 0:
        with pytest.raises(InputError, match="trades against itself"):
            model.schedule(aversion)
        return
    plan = model.schedule(aversion)
    np.testing.assert_allclose(plan.remaining, [float(x) for x in exact], rtol=1e-9)
    np.testing.assert_allclose(
        plan.trades, [float(a - b) for a, b in pairwise(exact)], rtol=1e-9, atol=1e-9 * float(np.abs(plan.trades).max())
    )
    expected, variance = objective(model, exact)
    assert plan.expected_cost == pytest.approx(float(expected), rel=1e-9)
    assert plan.variance == pytest.approx(float(variance), rel=1e-9)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("aversion", [0.0, *AVERSIONS, math.inf])
def test_costs_are_those_of_the_definition(name: str, aversion: float) -> None:
    model = replace(MODELS[name], drift=0.0)
    plan = model.schedule(aversion)
    expected, variance = objective(model, [Fraction(x) for x in plan.remaining.tolist()])
    assert plan.expected_cost == pytest.approx(float(expected), rel=1e-9)
    assert plan.variance == pytest.approx(float(variance), rel=1e-9, abs=0.0)
    assert model.cost_of(plan.trades) == (pytest.approx(float(expected), rel=1e-9), pytest.approx(float(variance), rel=1e-9))


def test_the_frontier_is_the_exact_one() -> None:
    """Each point's cost is the least there is at its variance, and the slope of the curve is -lambda."""
    table = ODD.frontier(np.geomspace(1e-6, 1e-3, 7)).frame()
    for row in table.itertuples():
        expected, variance = objective(ODD, optimum(ODD, float(row.risk_aversion)))
        assert row.expected_cost == pytest.approx(float(expected), rel=1e-9)
        assert row.standard_deviation**2 == pytest.approx(float(variance), rel=1e-9)
    aversion, step = 1e-4, 1e-6
    (near_cost, near), (far_cost, far) = (objective(ODD, optimum(ODD, aversion + sign * step)) for sign in (-1, 1))
    assert float((far_cost - near_cost) / (far - near)) == pytest.approx(-aversion, rel=1e-3)
    costs, risks = table["expected_cost"].to_numpy(), table["standard_deviation"].to_numpy()
    assert (np.diff(costs) > 0).all() and (np.diff(risks) < 0).all()


def test_the_frontier_runs_from_equal_trades_to_all_at_once() -> None:
    frontier = PAPER.frontier(points=10)
    first, last = frontier.schedules[0], frontier.schedules[-1]
    assert first.trades.tolist() == pytest.approx([200_000.0] * 5, rel=1e-12)
    assert first.expected_cost == pytest.approx(125_000 + 62_500 + 2.375e-6 * 1e12 / 5, rel=1e-12)  # (10)
    assert first.variance == pytest.approx(0.95**2 * 1e12 * 5 / 3 * 0.8 * 0.9, rel=1e-12)  # (11)
    assert last.trades.tolist() == [1e6, 0, 0, 0, 0]
    assert (last.expected_cost, last.variance) == (pytest.approx(62_500 + 2.5e-6 * 1e12, rel=1e-12), 0.0)  # (13)
    assert len(frontier.schedules) == 12


def test_the_numbers_the_paper_prints() -> None:
    """Section 3.4 and Table 1; the figure of 1,100 shares in section 4.1 is a slip, Table 1 has 11,000."""
    assert math.sqrt(1e-6 * 0.95**2 / 2.5e-6) == pytest.approx(0.6, abs=0.005)  # its approximation (19)
    plan = PAPER.schedule(1e-6)
    assert plan.kappa == pytest.approx(0.6, abs=0.01)
    assert plan.kappa * PAPER.horizon == pytest.approx(3.0, abs=0.05)
    assert plan.half_life == pytest.approx(1.6, abs=0.05)
    assert replace(PAPER, drift=0.02).static_holding(1e-6) == pytest.approx(11_000, abs=100)
    held = PAPER.volatility * math.sqrt(PAPER.horizon) * PAPER.quantity
    assert held == pytest.approx(2.12e6, abs=5e3)
    assert held / PAPER.schedule(0.0).standard_deviation == pytest.approx(2.0, abs=0.05)


@pytest.mark.parametrize(
    ("aversion", "expected", "variance", "half_life"),
    [(1e-9, 0.6625, 1.0812, 51.30), (2e-9, 0.6625, 1.0794, 36.27), (5e-9, 0.6625, 1.0740, 22.94), (9e-9, 0.6626, 1.0669, 17.10)],
)
def test_the_numbers_another_library_prints(aversion: float, expected: float, variance: float, half_life: float) -> None:
    """The test case as printed by the coverage run of DROP (org.drip.coverage.execution.AlmgrenChriss), millions of dollars, days."""
    plan = PAPER.schedule(aversion)
    assert round(plan.expected_cost / 1e6, 4) == expected
    assert round(plan.variance / 1e12, 4) == variance
    assert round(plan.half_life, 2) == half_life


def test_from_participation_says_the_same_in_other_units() -> None:
    """Table 1 again: a spread of 1/8 at a tenth of the day's volume for good, and at a hundredth for the moment."""
    spread = 0.125 / 50
    words: dict[str, Any] = {"days": 5, "steps": 5, "price": 50.0, "daily_volume": 5e6, "daily_volatility": 0.019}
    made = AlmgrenChriss.from_participation(1e6, **words, permanent=spread / 0.1, temporary=spread / 0.01, fixed_bps=12.5)
    for name in ("volatility", "permanent", "temporary", "fixed"):
        assert getattr(made, name) == pytest.approx(getattr(PAPER, name), rel=1e-12)


def test_drift_is_a_correction_that_does_not_grow_with_the_block() -> None:
    drifting = replace(PAPER, drift=0.02)
    small = replace(drifting, quantity=1e5)
    corrections = [m.schedule(1e-6).remaining - replace(m, drift=0.0).schedule(1e-6).remaining for m in (drifting, small)]
    np.testing.assert_allclose(corrections[0], corrections[1], atol=1e-6)
    kappa, tau = drifting.kappa(1e-6), 1.0
    bound = 0.02 * drifting.static_holding(1e-6) * 5 * (1 - tau / 5 * math.tanh(2.5 * kappa) / math.tanh(0.5 * kappa))  # as printed
    assert drifting.drift_gain_bound(1e-6) == pytest.approx(bound, rel=1e-9)
    ignored, taken = replace(drifting, drift=0.0).schedule(1e-6), drifting.schedule(1e-6)
    expected, variance = drifting.cost_of(ignored.trades)
    gain = expected + 1e-6 * variance - (taken.expected_cost + 1e-6 * taken.variance)
    assert 0.0 < gain < bound


def test_drift_without_risk_aversion_is_a_parabola() -> None:
    """lambda = 0: sigma matters no more; x = X (1 - t / T) + alpha t (T - t) / (4 eta~)."""
    plan = replace(PAPER, drift=0.02).schedule(0.0)
    by_hand = [1e6 * (1 - t / 5) + 0.02 * t * (5 - t) / (4 * 2.375e-6) for t in range(6)]
    assert plan.remaining.tolist() == pytest.approx(by_hand, rel=1e-12)
    assert replace(PAPER, drift=0.02).schedule(1e-14).remaining.tolist() == pytest.approx(by_hand, rel=1e-6)


@pytest.mark.parametrize("confidence", [0.6, 0.95, 0.999])
def test_least_value_at_risk_is_least(confidence: float) -> None:
    best = PAPER.least_value_at_risk(confidence)
    around = PAPER.frontier(best.risk_aversion * np.geomspace(0.2, 5.0, 101))
    values = [one.value_at_risk(confidence) for one in around.schedules]
    assert best.value_at_risk(confidence) <= min(values) * (1 + 1e-12)
    assert values[0] > values[50] < values[-1]


def test_value_at_risk_by_hand() -> None:
    """z of 95 % is 1.645 (Table 1)."""
    plan = PAPER.schedule(1e-6)
    assert plan.value_at_risk() == pytest.approx(1.645 * math.sqrt(plan.variance) + plan.expected_cost, rel=1e-4)


def test_where_waiting_never_pays_all_is_traded_at_once() -> None:
    calm = replace(PAPER, temporary=2e-7, permanent=0.0)  # the limit of 2 lambda sqrt(V), 2 X eta / sigma, is 0.42, below 1.645
    assert calm.least_value_at_risk().trades.tolist() == [1e6, 0, 0, 0, 0]


def test_orders_are_whole_lots_that_sum_to_the_block() -> None:
    for model, lot in ((PAPER, 1.0), (PAPER, 100.0), (ODD, 100.0), (replace(PAPER, side=Side.BUY), 1.0)):
        plan = model.schedule(1e-6)
        lots = plan.orders(lot)
        assert lots.dtype == np.int64
        assert int(lots.sum()) * lot == model.side * model.quantity
        assert (np.abs(lots * lot - model.side * plan.trades) < lot).all()


def test_the_lots_left_over_go_to_the_largest_remainders() -> None:
    plan = replace(PAPER, quantity=10.0, steps=4).schedule(0.0)  # 2.5 each
    assert plan.orders().tolist() == [-3, -3, -2, -2]
    urgent = PAPER.schedule(1e-6)  # 4580.44, 2521.01, 1419.57, 857.56, 621.42 lots of 100: one down from 3, two up
    assert (-urgent.orders(100.0)).tolist() == [4580, 2521, 1420, 858, 621]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"quantity": 0.0}, "quantity is 0; it must be above 0"),
        ({"horizon": -1.0}, "horizon is -1"),
        ({"volatility": math.nan}, "volatility is nan; it must be a finite number"),
        ({"permanent": -1e-7}, "permanent is -1e-07; it must be at least 0"),
        ({"steps": 0}, "steps is 0"),
        ({"steps": 2.5}, "steps is 2.5"),
        ({"permanent": 5e-6}, "there is no optimum"),
    ],
)
def test_what_cannot_be_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        replace(PAPER, **change)


def test_refusals_of_plans() -> None:
    with pytest.raises(InputError, match="risk aversion is -1"):
        PAPER.schedule(-1.0)
    with pytest.raises(InputError, match="confidence is 0.4"):
        PAPER.least_value_at_risk(0.4)
    with pytest.raises(InputError, match=r"shape \(4,\); there are 5 steps"):
        PAPER.cost_of([1e6 / 4] * 4)
    with pytest.raises(InputError, match="sum to 5; the quantity is 1,000,000"):
        PAPER.cost_of([1.0] * 5)
    with pytest.raises(InputError, match=r"1,000,000 units are 142,857.1429 lots of 7"):
        PAPER.schedule(0.0).orders(7.0)
    with pytest.raises(InputError, match="trades against itself"):
        replace(PAPER, drift=-1.0).schedule(1e-6)


def test_pictures_show_what_was_computed() -> None:
    plan = PAPER.schedule(1e-6)
    traces = {trace.name: trace for trace in plan.plot().data}
    assert list(traces["remaining"].y) == plan.remaining.tolist()
    assert list(traces["trade"].y) == plan.trades.tolist()
    drawn = PAPER.frontier(points=5)
    curve = drawn.plot().data[0]
    assert sorted(curve.y) == sorted(drawn.frame()["expected_cost"])
