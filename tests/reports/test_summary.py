"""The summary of a run, against hand-worked numbers."""

from __future__ import annotations

import math

import empyrical
import numpy as np
import pandas as pd
import pytest

from framework.errors import InputError
from framework.reports.summary import annual_curve, curve, summary

NAMES = [
    *("total_return", "annual_return", "annual_volatility", "sharpe", "sortino", "calmar", "max_drawdown", "max_drawdown_length"),
    *(
        "hit_rate",
        "profit_factor",
        "average_win",
        "average_loss",
        "average_duration_days",
        "round_trips",
        "trades",
        "turnover",
        "exposure",
        "value_at_risk_95",
        "value_at_risk_99",
    ),
    *("expected_shortfall_95", "expected_shortfall_99", "skew", "kurtosis"),
]
NO_TRADES = pd.DataFrame({"pnl": pd.Series(dtype=float)})
NO_FILLS = pd.DataFrame({"quantity": pd.Series(dtype=float), "price": pd.Series(dtype=float)})


def _daily(levels: list[float], start: str = "2024-01-01") -> pd.Series:
    return pd.Series(levels, index=pd.bdate_range(start, periods=len(levels), tz="UTC"), name="equity", dtype=float)


def _half_yearly(levels: list[float]) -> pd.Series:
    """Points half a year of 365.25 days apart."""
    stamps = pd.Timestamp("2020-01-01", tz="UTC") + np.arange(len(levels)) * pd.Timedelta(days=182.625)
    return pd.Series(levels, index=stamps, name="equity", dtype=float)


def test_hand_worked_run() -> None:
    equity = _half_yearly([100, 110, 99, 99, 121])
    trades = pd.DataFrame({"pnl": [0.0] * 7})  # lots, of which the round trips are made
    trips = pd.DataFrame({"pnl": [30.0, -10.0, 1.0, -1.0], "duration": pd.to_timedelta([1, 2, 3, 6], unit="D")})
    fills = pd.DataFrame({"quantity": [1.0, 2.0], "price": [50.0, 30.0]})  # 110 in all
    exposure = pd.DataFrame({"gross": [100.0, 55.0, 0.0, 0.0, 60.5]}, index=equity.index)  # 1, .5, 0, 0, .5
    got = summary(equity, trades=trades, fills=fills, round_trips=trips, exposure=exposure, periods_per_year=2)
    assert list(got.index) == NAMES
    assert got["total_return"] == pytest.approx(0.21)
    assert got["annual_return"] == pytest.approx(0.10)  # two years
    assert got["max_drawdown"] == pytest.approx(-0.10)
    assert got["max_drawdown_length"] == 2
    assert got["calmar"] == pytest.approx(1.0)
    assert (got["hit_rate"], got["round_trips"], got["trades"]) == (0.5, 4, 7)
    assert (got["average_win"], got["average_loss"], got["average_duration_days"]) == (15.5, -5.5, 3.0)
    assert got["profit_factor"] == pytest.approx(31 / 11)
    assert got["turnover"] == pytest.approx(110 / 2 / 105.8 / 2)  # mean equity 529 / 5, two years
    assert got["exposure"] == pytest.approx(0.4)


def test_daily_run_agrees_with_empyrical() -> None:
    r = np.random.default_rng(3).normal(0.0005, 0.01, 700)
    equity = _daily((100 * np.cumprod(np.concatenate(([1.0], 1 + r)))).tolist())
    got = summary(equity, trades=NO_TRADES, fills=NO_FILLS)
    years = (equity.index[-1] - equity.index[0]).days / 365.25  # empyrical counts points, 252 a year
    annual = (1 + empyrical.cum_returns_final(r)) ** (1 / years) - 1
    assert annual == pytest.approx(empyrical.annual_return(r), rel=0.05)  # weekdays without holidays are 261 a year
    expected = {
        "annual_return": annual,
        "annual_volatility": empyrical.annual_volatility(r),
        "sharpe": empyrical.sharpe_ratio(r),
        "sortino": empyrical.sortino_ratio(r),
        "calmar": -annual / empyrical.max_drawdown(r),
        "max_drawdown": empyrical.max_drawdown(r),
        "value_at_risk_99": empyrical.value_at_risk(r, 0.01),
        "expected_shortfall_95": empyrical.conditional_value_at_risk(r, 0.05),
    }
    for name, value in expected.items():
        assert got[name] == pytest.approx(value, rel=1e-10), name


def test_intraday_curve_is_annualised_on_utc_days_and_keeps_every_drawdown() -> None:
    """24 days of three points; the middle one dips far below what the closes show."""
    closes = [101.0, 103.0, 102.0, 104.0, 106.0, 105.0, 108.0, 107.0] * 2 + [101.0, 103.0, 102.0, 104.0, 106.0, 105.0, 108.0, 110.0]
    days = pd.date_range("2024-03-04", periods=24, tz="UTC")
    stamps = [day + pd.Timedelta(hours=h) for day in days for h in (8, 12, 20)]
    levels = [level for close in closes for level in (100.0, 80.0, close)]
    equity = pd.Series(levels, index=pd.DatetimeIndex(stamps))
    by_day = np.diff([100.0, *closes]) / [100.0, *closes[:-1]]  # the first level is the base of the first day
    got = summary(equity, trades=NO_TRADES, fills=NO_FILLS)
    assert got["sharpe"] == pytest.approx(empyrical.sharpe_ratio(by_day, annualization=365), rel=1e-10)
    assert got["annual_return"] == pytest.approx(1.1 ** (365.25 / 23.5) - 1)  # from 8:00 of the first day to 20:00 of the last
    assert got["total_return"] == pytest.approx(0.10)
    assert got["max_drawdown"] == pytest.approx(80 / 108 - 1)  # from the close of a day to noon of the next


def test_short_intraday_curve_uses_its_points() -> None:
    stamps = pd.date_range("2024-03-04", periods=3 * 24, freq="h", tz="UTC")
    points = curve(pd.Series(np.linspace(100, 110, 72), index=stamps))
    assert annual_curve(points) is points


def test_cash_before_the_first_mark_counts() -> None:
    got = summary(_half_yearly([90, 95, 99]), trades=NO_TRADES, fills=NO_FILLS, initial_equity=100.0, periods_per_year=2)
    assert got["total_return"] == pytest.approx(-0.01)
    assert got["max_drawdown"] == pytest.approx(-0.10)
    assert got["annual_return"] == pytest.approx(-0.01)  # one year


def test_benchmark_is_read_as_of_each_point() -> None:
    equity = _half_yearly([100, 102, 96.9, 96.9])
    # the benchmark moves half as much; its last value comes a minute too late to be known
    index = pd.DatetimeIndex([*equity.index[:3], equity.index[3] + pd.Timedelta(minutes=1)])
    benchmark = pd.Series([50.0, 50.5, 50.5 * 0.975, 999.0], index=index)
    got = summary(equity, trades=NO_TRADES, fills=NO_FILLS, benchmark=benchmark, periods_per_year=252)
    assert got["beta"] == pytest.approx(2.0)
    assert got["alpha"] == pytest.approx(0.0, abs=1e-10)


@pytest.mark.parametrize("levels", [[], [100.0]])
def test_nothing_to_measure_is_unknown(levels: list[float]) -> None:
    got = summary(_daily(levels), trades=NO_TRADES, fills=NO_FILLS)
    assert list(got.index) == NAMES
    assert got[["trades", "max_drawdown_length"]].tolist() == [0, 0]
    assert got.drop(["trades", "max_drawdown_length"]).isna().all()


def test_flat_equity() -> None:
    got = summary(_daily([100.0] * 30), trades=NO_TRADES, fills=NO_FILLS)
    assert (got["total_return"], got["annual_return"], got["annual_volatility"], got["max_drawdown"]) == (0, 0, 0, 0)
    assert math.isnan(got["sharpe"]) and math.isnan(got["calmar"])


def test_ruined_account_is_measured_without_a_warning() -> None:
    got = summary(_daily([100, 50, -20, 10]), trades=NO_TRADES, fills=NO_FILLS)
    assert got["max_drawdown"] == pytest.approx(-1.2)
    assert got["total_return"] == pytest.approx(-0.9)


def test_a_notional_column_wins_over_price_times_quantity() -> None:
    fills = pd.DataFrame({"quantity": [1.0], "price": [4000.0], "notional": [-200_000.0]})
    got = summary(_half_yearly([100_000.0] * 3), trades=NO_TRADES, fills=fills, periods_per_year=2)
    assert got["turnover"] == pytest.approx(1.0)


def test_a_missing_year_counts_as_time() -> None:
    """All of 2020 and all of 2022, nothing between; the account doubles in what is 1,095 days from the first point to the last."""
    days = pd.date_range("2020-01-01", "2020-12-31", tz="UTC").append(pd.date_range("2022-01-01", "2022-12-31", tz="UTC"))
    fills = pd.DataFrame({"quantity": [1.0], "price": [300.0]})
    got = summary(pd.Series(np.linspace(100, 200, len(days)), index=days), trades=NO_TRADES, fills=fills)
    assert got["annual_return"] == pytest.approx(2 ** (365.25 / 1095) - 1)  # 26.0 %; by 731 days of 365 a year it would be 41 %
    assert got["turnover"] == pytest.approx(300 / 2 / 150 / (1095 / 365.25))


def test_returns_are_time_weighted_over_deposits_and_withdrawals() -> None:
    """+10 %, then 890 are paid in and it falls by 10 %, then 400 are taken out and it rises by 20 %: 1.1 x 0.9 x 1.2 - 1."""
    equity = _half_yearly([1000, 1100, 1100 * 0.9 + 890, (1100 * 0.9 + 890) * 1.2 - 400])
    deposits = pd.Series([890.0, -400.0], index=[equity.index[2], equity.index[3] - pd.Timedelta(days=3)])
    fills = pd.DataFrame({"quantity": [1.0], "price": [300.0]})
    got = summary(equity, trades=NO_TRADES, fills=fills, initial_equity=1000.0, deposits=deposits)
    assert got["total_return"] == pytest.approx(1.1 * 0.9 * 1.2 - 1)
    assert got["annual_return"] == pytest.approx((1.1 * 0.9 * 1.2) ** (1 / 1.5) - 1)
    assert got["max_drawdown"] == pytest.approx(-0.1)
    assert got["expected_shortfall_99"] == pytest.approx(-0.1)
    assert got["turnover"] == pytest.approx(300 / 2 / equity.mean() / 1.5)  # of the money that was there
    alone = summary(equity, trades=NO_TRADES, fills=fills, initial_equity=1000.0)
    assert alone["total_return"] == pytest.approx(equity.iloc[-1] / 1000 - 1)


def test_a_deposit_before_the_first_mark_and_one_into_an_empty_account() -> None:
    index = pd.date_range("2024-01-01", periods=4, tz="UTC")
    early = pd.Series([500.0], index=index[:1] - pd.Timedelta(hours=1))
    assert curve(pd.Series([1650.0, 1650.0, 1650.0, 1650.0], index=index), 1000.0, early).levels.tolist() == [1000, 1150, 1150, 1150, 1150]
    anew = pd.Series([500.0], index=index[2:3])
    found = curve(pd.Series([1000.0, 0.0, 500.0, 600.0], index=index), 1000.0, anew).levels
    assert found.tolist() == [1000.0, 0.0, 0.0, 0.0]  # what was lost is lost
    with pytest.raises(InputError, match="after the last point"):
        curve(pd.Series([1.0], index=index[:1]), 1.0, pd.Series([1.0], index=index[1:2]))


def test_nothing_is_annualised_from_less_than_twenty_days() -> None:
    days = pd.date_range("2024-01-01", periods=21, tz="UTC")
    equity = pd.Series(100.0 + np.arange(21) % 3, index=days)
    benchmark = pd.Series(50.0 + np.arange(21) % 2, index=days)
    annualised = ["annual_return", "annual_volatility", "sharpe", "sortino", "calmar", "turnover", "alpha"]
    long, short = (summary(e, trades=NO_TRADES, fills=NO_FILLS, benchmark=benchmark) for e in (equity, equity.iloc[:20]))
    assert long[annualised].notna().all()
    assert list(short.index[short.isna() & long.notna()]) == annualised
    given = summary(equity.iloc[:20], trades=NO_TRADES, fills=NO_FILLS, benchmark=benchmark, periods_per_year=365)
    assert given[annualised].isna().all()
    flat = summary(equity.iloc[:20] * 0 + 1, trades=NO_TRADES, fills=NO_FILLS)
    assert flat[annualised[:5]].isna().all()


def test_exposure_of_another_length_is_refused() -> None:
    with pytest.raises(InputError, match="1 rows against 2 points"):
        summary(_daily([1.0, 1.0]), trades=NO_TRADES, fills=NO_FILLS, exposure=pd.DataFrame({"gross": [1.0]}))


@pytest.mark.parametrize(
    ("equity", "words"),
    [
        (_daily([100.0, math.nan]), "row 1"),
        (pd.Series([1.0], index=pd.DatetimeIndex(["2024-01-01"])), "UTC"),
        (_daily([100.0, 101.0])[::-1], "order of time"),
    ],
)
def test_a_broken_equity_is_refused(equity: pd.Series, words: str) -> None:
    with pytest.raises(InputError, match=words):
        summary(equity, trades=NO_TRADES, fills=NO_FILLS)
