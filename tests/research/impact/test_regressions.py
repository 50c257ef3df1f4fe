"""Impact of net flow over bars, planted and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from research.impact.flow import Bars
from research.impact.regressions import buckets_of, exponent, linear, mean_of, regress, square_root

N = 4_000
VOLUME = 1_000.0


def net_flow(seed: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.rint(np.random.default_rng(seed).normal(0.0, 250.0, N))


def bars(change: np.ndarray, net: np.ndarray, *, settled: np.ndarray | None = None, paid: np.ndarray | None = None) -> Bars:
    nothing = np.full(len(net), np.nan)
    return Bars(change, nothing if settled is None else settled, net, np.full(len(net), VOLUME), nothing if paid is None else paid)


def planted(power: float, level: float, seed: int) -> Bars:
    net = net_flow(seed)
    noise = np.random.default_rng(seed + 1).normal(0.0, 1e-3, N)
    return bars(level * np.sign(net) * (np.abs(net) / VOLUME) ** power + noise, net)


def test_a_planted_square_root_law_is_recovered_within_its_error() -> None:
    made = planted(0.5, 1.5e-3, 1)
    found = square_root(made, draws=200, seed=1)
    truth = 1.5e-3 / math.sqrt(np.mean(made.change**2))  # Y counts in volatilities of a bar
    assert abs(found.value - truth) < 4.0 * found.standard_error
    assert found.standard_error == pytest.approx(1e-3 / math.sqrt(np.mean(made.change**2) * np.abs(made.net).sum() / VOLUME), rel=0.25)
    assert found.count == int((made.net != 0).sum())
    assert found.first_half == pytest.approx(truth, rel=0.1)
    assert found.second_half == pytest.approx(truth, rel=0.1)
    assert found.r2 == pytest.approx(found.r2_out, abs=0.06)
    assert found.r2 == pytest.approx(1.0 - 1e-6 / np.mean(made.change**2), abs=0.05)


@pytest.mark.parametrize("power", [0.5, 1.0])
def test_a_planted_exponent_is_recovered_within_its_error(power: float) -> None:
    found = exponent(planted(power, 4e-3, 5), draws=200, seed=1)
    assert abs(found.value - power) < 4.0 * found.standard_error < 0.5
    assert found.r2 > 0.95


def test_planted_permanent_temporary_and_fixed_impact_are_recovered() -> None:
    """I = permanent x share, J = I / 2 + fixed x sign + temporary x share, with noise on both."""
    net, random = net_flow(9), np.random.default_rng(10)
    share = net / 50_000.0
    settled = 0.3 * share + random.normal(0.0, 5e-4, N)
    paid = 0.5 * settled + 2e-4 * np.sign(net) + 0.1 * share + random.normal(0.0, 2e-4, N)
    found = {one.name: one for one in linear(bars(settled, net, settled=np.log1p(settled), paid=paid), 50_000.0, draws=200, seed=1)}
    for name, truth in (("permanent", 0.3), ("temporary", 0.1), ("fixed", 2e-4)):
        one = found[name]
        assert abs(one.value - truth) < 4.0 * one.standard_error < 0.4 * truth, name
        assert one.first_half == pytest.approx(truth, rel=0.25)


def test_buckets_by_hand() -> None:
    """24 bars, two in each of 12: |net| 1 ... 24; the move has the sign of the flow and its size in ticks of 1e-4."""
    sizes = np.arange(1.0, 25.0)
    net = np.where(np.arange(24) % 2, -sizes, sizes)
    found = buckets_of(bars(net * 1e-4, net))
    assert found.count.tolist() == [2] * 12
    assert found.participation.tolist() == pytest.approx([(2 * k + 1.5) / VOLUME for k in range(12)])
    volatility = math.sqrt(np.mean(sizes**2)) * 1e-4
    assert found.impact.tolist() == pytest.approx([(2 * k + 1.5) * 1e-4 / volatility for k in range(12)])
    assert found.error.tolist() == pytest.approx([0.5e-4 / volatility] * 12)  # 1 apart: deviation 1 / sqrt(2), over sqrt(2)


def test_a_mean_by_hand() -> None:
    found = mean_of("half_spread", "price", np.array([1.0, 2.0, 3.0, 6.0]), draws=50, seed=1)
    assert (found.value, found.first_half, found.second_half, found.count) == (3.0, 1.5, 4.5, 4)


def test_regression_by_hand() -> None:
    """Slope 28 / 14 = 2 without noise; with y = (2, 4, 7): 31 / 14."""
    x = np.array([[1.0], [2.0], [3.0]])
    value, r2 = regress(x, np.array([2.0, 4.0, 6.0]))
    assert (value[0], r2) == (pytest.approx(2.0), pytest.approx(1.0))
    value, r2 = regress(x, np.array([2.0, 4.0, 7.0]))
    assert value[0] == pytest.approx(31 / 14)
    assert r2 == pytest.approx(1.0 - (69 - 31**2 / 14) / 69)


def test_what_cannot_be_estimated_is_unknown() -> None:
    net = np.where(np.arange(40) < 10, 5.0, 0.0)
    few = square_root(bars(np.full(40, 1e-4), net), draws=5, seed=1)
    assert math.isnan(few.value) and few.count == 10
    same = bars(np.full(40, 1e-4), np.full(40, 5.0), settled=np.full(40, 1e-4), paid=np.full(40, 2e-4))
    assert [math.isnan(one.value) for one in linear(same, 1_000.0, draws=5, seed=1)] == [False, True, True]  # sign and size never part
