"""Every measure against hand-worked numbers and, where it has the measure, against empyrical."""

from __future__ import annotations

import math
import os
from pathlib import Path

import empyrical
import empyrical.stats
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats

from framework.errors import InputError
from framework.reports import metrics as m
from framework.reports.periods import monthly_returns, periods_per_year, yearly_returns

PPY = 252
# a grid of 1e-4 keeps two returns either equal or well apart, so a ratio over a rounding residue cannot arise
RETURNS = st.lists(st.integers(-3000, 3000).map(lambda i: i / 1e4), min_size=1, max_size=300).map(np.array)


def _agree(mine: float, theirs: float) -> None:
    assert_allclose(mine, theirs, rtol=1e-10, atol=1e-12, equal_nan=True)


def _check_against_empyrical(r: np.ndarray) -> None:
    _agree(m.total_return(r), empyrical.cum_returns_final(r))
    _agree(m.annual_return(r, PPY), empyrical.annual_return(r))
    _agree(m.annual_volatility(r, PPY), empyrical.annual_volatility(r))
    _agree(m.max_drawdown(r), empyrical.max_drawdown(r))
    _agree(m.calmar(r, PPY), empyrical.calmar_ratio(r))
    _agree(m.expected_shortfall(r, level=0.95), empyrical.conditional_value_at_risk(r, cutoff=0.05))
    _agree(m.expected_shortfall(r, level=0.99), empyrical.conditional_value_at_risk(r, cutoff=0.01))
    assert_allclose(m.drawdown_series(r), empyrical.stats.drawdown_series(r), rtol=1e-10, atol=1e-12)
    present = r[~np.isnan(r)]
    _agree(m.value_at_risk(r, level=0.95), empyrical.value_at_risk(present, cutoff=0.05))
    _agree(m.value_at_risk(r, level=0.99), empyrical.value_at_risk(present, cutoff=0.01))
    if len(present) > 1 and present.max() > present.min():
        _agree(m.sharpe(r, PPY), empyrical.sharpe_ratio(r))
        _agree(m.sharpe(r, PPY, risk_free=0.001), empyrical.sharpe_ratio(r, risk_free=0.001))
        _agree(m.skew(r), stats.skew(present))
        _agree(m.kurtosis(r), stats.kurtosis(present))
    if len(present) > 1 and present.min() < 0:
        _agree(m.sortino(r, PPY), empyrical.sortino_ratio(r))
    if len(present) > 1 and present.min() < 0.002:
        _agree(m.sortino(r, PPY, required=0.002), empyrical.sortino_ratio(r, required_return=0.002))


@settings(max_examples=150, deadline=None)
@given(RETURNS)
def test_any_returns_agree_with_empyrical(r: np.ndarray) -> None:
    _check_against_empyrical(r)


@settings(max_examples=60, deadline=None)
@given(RETURNS, st.integers(0, 2**32 - 1))
def test_missing_periods_follow_empyrical(r: np.ndarray, seed: int) -> None:
    gaps = np.random.default_rng(seed).random(len(r)) < 0.2
    gaps[0] = False
    _check_against_empyrical(np.where(gaps, np.nan, r))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(-900, 900), st.integers(-900, 900)), min_size=2, max_size=200))
def test_beta_and_alpha_agree_with_empyrical(pairs: list[tuple[int, int]]) -> None:
    r, b = np.array(pairs, dtype=float).T / 1e4
    if b.max() == b.min():
        assert math.isnan(m.beta(r, b)) and math.isnan(m.alpha(r, b, PPY))
        return
    _agree(m.beta(r, b), empyrical.beta(r, b))
    _agree(m.alpha(r, b, 12), empyrical.alpha(r, b, annualization=12))


def test_beta_leaves_out_pairs_with_a_gap() -> None:
    r, b = np.array([0.02, np.nan, 0.06, -0.02]), np.array([0.01, 0.5, 0.03, -0.01])
    assert m.beta(r, b) == pytest.approx(2.0)  # r = 2 b wherever both are known
    assert m.alpha(r, b, PPY) == pytest.approx(0.0, abs=1e-12)


def test_hand_worked_path() -> None:
    """100 -> 110 -> 99 -> 99 -> 121: returns +10 %, -10 %, 0 %, +22.22 %."""
    r = m.simple_returns(np.array([100.0, 110.0, 99.0, 99.0, 121.0]))
    assert_allclose(r, [0.10, -0.10, 0.0, 22 / 99])
    assert m.total_return(r) == pytest.approx(0.21)
    assert m.annual_return(r, 4) == pytest.approx(0.21)  # four periods, four a year
    assert m.annual_return(r, 2) == pytest.approx(0.10)  # two years: 1.1 squared is 1.21
    assert m.max_drawdown(r) == pytest.approx(-0.10)
    assert m.max_drawdown_length(r) == 2  # the two points at 99
    assert m.calmar(r, 2) == pytest.approx(1.0)
    assert_allclose(m.drawdown_series(r), [0, -0.1, -0.1, 0], atol=1e-15)
    assert m.value_at_risk(r, level=0.5) == pytest.approx(0.05)  # median of -.1, 0, .1, .2222
    assert m.expected_shortfall(r, level=0.5) == pytest.approx(-0.05)  # floor(3 * .5) + 1 = 2 worst


def test_sortino_hand_worked() -> None:
    r = np.array([0.03, -0.04, 0.05, 0.0])  # mean .01, downside sqrt(.0016 / 4) = .02
    assert m.sortino(r, 1) == pytest.approx(0.5)
    assert m.sortino(r, 4) == pytest.approx(1.0)


def test_trades_hand_worked() -> None:
    pnls = np.array([30.0, -10.0, 0.0, -5.0, np.nan])
    assert m.hit_rate(pnls) == 0.25
    assert m.profit_factor(pnls) == 2.0
    assert m.profit_factor(np.array([5.0])) == math.inf
    assert math.isnan(m.profit_factor(np.array([0.0]))) and math.isnan(m.profit_factor(np.empty(0)))
    assert math.isnan(m.hit_rate(np.empty(0)))


def test_turnover_and_exposure_hand_worked() -> None:
    # buy 100 and sell 100 on a mean equity of 100, in half a year: one exchange in half a year is two a year
    assert m.turnover(np.array([100.0, -100.0]), np.array([90.0, 110.0]), 0.5) == pytest.approx(2.0)
    assert m.turnover(np.empty(0), np.array([100.0]), 1.0) == 0.0
    assert math.isnan(m.turnover(np.array([1.0]), np.array([100.0]), 0.0))
    assert m.exposure(np.array([50.0, 100.0, 7.0]), np.array([100.0, 100.0, 0.0])) == 0.75
    assert math.isnan(m.exposure(np.empty(0), np.empty(0)))


def _all_measures(r: np.ndarray) -> dict[str, float]:
    return {
        "total_return": m.total_return(r),
        "annual_return": m.annual_return(r, PPY),
        "annual_volatility": m.annual_volatility(r, PPY),
        "sharpe": m.sharpe(r, PPY),
        "sortino": m.sortino(r, PPY),
        "calmar": m.calmar(r, PPY),
        "max_drawdown": m.max_drawdown(r),
        "value_at_risk": m.value_at_risk(r),
        "expected_shortfall": m.expected_shortfall(r),
        "skew": m.skew(r),
        "kurtosis": m.kurtosis(r),
        "beta": m.beta(r, r),
        "alpha": m.alpha(r, r, PPY),
    }


def test_empty_is_unknown() -> None:
    assert all(math.isnan(x) for x in _all_measures(np.empty(0)).values())
    assert m.max_drawdown_length(np.empty(0)) == 0


def test_one_return() -> None:
    known = {name: x for name, x in _all_measures(np.array([-0.25])).items() if not math.isnan(x)}
    assert known == {
        "total_return": -0.25,
        "annual_return": pytest.approx(0.75**252 - 1),
        "calmar": pytest.approx((0.75**252 - 1) / 0.25),
        "max_drawdown": -0.25,
        "value_at_risk": -0.25,
        "expected_shortfall": -0.25,
    }


@pytest.mark.parametrize("value", [0.0, 0.001, 0.1, -0.1])
def test_constant_returns_have_no_ratio(value: float) -> None:
    got = _all_measures(np.full(50, value))
    assert got["annual_volatility"] == 0.0
    assert all(math.isnan(got[name]) for name in ("sharpe", "skew", "kurtosis", "beta", "alpha"))
    assert math.isnan(got["sortino"]) == (value >= 0)
    assert got["max_drawdown"] == pytest.approx(min(0.0, (1 + value) ** 50 - 1))


def test_ruin() -> None:
    assert m.annual_return(np.array([0.5, -1.0, 0.3]), PPY) == -1.0
    assert math.isnan(m.annual_return(np.array([0.5, -1.2]), PPY))
    assert np.isnan(m.simple_returns(np.array([1.0, 0.0, 2.0]))[1])
    assert_allclose(m.underwater(np.array([0.0, -1.0, 4.0, 1.0, -1.0])), [np.nan, np.nan, 0.0, -0.75, -1.25])


def test_a_level_written_as_per_cent_is_refused() -> None:
    with pytest.raises(InputError, match=r"0\.95"):
        m.value_at_risk(np.array([0.1]), level=95)


def test_mismatched_benchmark_is_refused() -> None:
    with pytest.raises(InputError, match="align"):
        m.beta(np.zeros(3), np.zeros(2))


def _stamps(index: pd.DatetimeIndex) -> np.ndarray:
    return np.asarray(index.as_unit("ns").asi8)


def _session_minutes(days: int) -> np.ndarray:
    sessions = pd.bdate_range("2024-01-02", periods=days, tz="UTC")
    return np.concatenate([_stamps(pd.date_range(d + pd.Timedelta("14:31:00"), periods=390, freq="min")) for d in sessions])


@pytest.mark.parametrize(
    ("stamps", "expected"),
    [
        (_stamps(pd.bdate_range("2020-01-01", periods=600, tz="UTC") + pd.Timedelta(hours=21)), 252),
        (_stamps(pd.bdate_range("2020-01-01", periods=600, tz="UTC") + pd.Timedelta(days=1)), 252),  # closes at midnight
        (_stamps(pd.date_range("2020-01-01", periods=400, tz="UTC")), 365),
        (_stamps(pd.date_range("2020-01-05", periods=6, tz="UTC")), 312),  # Sunday to Friday, as FX
        (_stamps(pd.date_range("2020-01-06", periods=5, tz="UTC")), 252),
        (_stamps(pd.date_range("2020-01-01", periods=100, freq="W", tz="UTC")), 52),
        (_stamps(pd.date_range("2020-01-01", periods=50, freq="ME", tz="UTC")), 12),
        (_stamps(pd.date_range("2010-01-01", periods=20, freq="QE", tz="UTC")), 4),
        (_stamps(pd.date_range("2000-01-01", periods=20, freq="YE", tz="UTC")), 1),
        (_session_minutes(30), 390 * 252),
        (_stamps(pd.date_range("2024-01-01", periods=20 * 1440, freq="min", tz="UTC")), 1440 * 365),
        (_stamps(pd.date_range("2024-01-01", periods=60 * 24, freq="h", tz="UTC")), 24 * 365),
    ],
)
def test_periods_per_year(stamps: np.ndarray, expected: float) -> None:
    assert periods_per_year(stamps) == expected


def test_periods_per_year_needs_two_points() -> None:
    assert math.isnan(periods_per_year(np.array([5])))


def test_monthly_returns_hand_worked() -> None:
    index = pd.DatetimeIndex(["2023-11-30 23:00", "2023-12-05", "2023-12-29", "2024-01-31", "2024-03-01"], tz="UTC")
    monthly = monthly_returns(np.array([100.0, 90.0, 110.0, 121.0, 60.5]), _stamps(index))
    expected = {(2023, 11): 0.0, (2023, 12): 0.10, (2024, 1): 0.10, (2024, 3): -0.5}
    assert monthly.keys() == expected.keys()
    assert_allclose(list(monthly.values()), list(expected.values()), atol=1e-15)
    yearly = yearly_returns(monthly)
    assert yearly[2023] == pytest.approx(0.10) and yearly[2024] == pytest.approx(-0.45)


def test_published_return_series() -> None:
    shared = Path(os.environ.get("ONETAPE_SHARED", Path(__file__).parents[3] / "shared"))
    path = shared / "conformance/numbers/empyrical/returns.csv"
    if not path.exists():
        pytest.skip(f"no shared conformance numbers at {path}")
    published = pd.read_csv(path, header=None)[1].to_numpy() / 100  # written in per cent
    _check_against_empyrical(published)
