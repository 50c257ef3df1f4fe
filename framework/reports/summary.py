"""One run in numbers: the metrics of an equity curve, its trades and its fills."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from framework.errors import InputError
from framework.reports import metrics as m
from framework.reports import periods
from framework.schema.units import NANOSECONDS_PER_DAY


@dataclass(frozen=True, slots=True)
class Curve:
    """Levels of an account and their stamps, shape (n,); `returns` has shape (n - 1,)."""

    levels: m.Floats
    stamps_ns: NDArray[np.int64]

    @property
    def returns(self) -> m.Floats:
        """Simple returns between the points."""
        return m.simple_returns(self.levels)


def curve(equity: pd.Series, initial_equity: float | None = None, deposits: pd.Series | None = None) -> Curve:
    """An equity series as arrays, checked.

    `initial_equity` is put before the first point, at the same stamp, where it differs from it: the account then moved before it
    was first marked, and that return belongs to the run.

    With `deposits` (money paid in, withdrawals below 0, UTC, at most the last point's stamp) the levels are what the account would be
    worth without them: time-weighted, so that neither their size nor their moment is a return. Those until a point's stamp, after the
    one before, count as paid in at that point: its return is (level - deposits) / level before - 1.
    """
    points = _checked(equity, initial_equity)
    return points if deposits is None or not len(deposits) else _without(points, deposits)


def _without(points: Curve, deposits: pd.Series) -> Curve:
    index = deposits.index
    if not isinstance(index, pd.DatetimeIndex) or str(index.tz) != "UTC":
        raise InputError(f"deposits need a DatetimeIndex in UTC, got {index.dtype}")
    stamps = np.asarray(index.as_unit("ns").asi8)
    if not len(points.stamps_ns) or stamps.max() > points.stamps_ns[-1]:
        raise InputError(f"deposit at {index.max()} after the last point of the equity; rule: what was paid in is in a level. Leave it out")
    has_base = len(points.stamps_ns) > 1 and points.stamps_ns[0] == points.stamps_ns[1]
    place = np.maximum(np.searchsorted(points.stamps_ns, stamps, side="left"), 1 if has_base else 0)
    paid = np.bincount(place, weights=deposits.to_numpy(dtype=np.float64), minlength=len(points.levels))
    before, after = points.levels[:-1], points.levels[1:] - paid[1:]
    growth = np.divide(after, before, out=np.ones(len(before)), where=before > 0)  # an account at or below zero begins anew
    return Curve(points.levels[0] * np.concatenate(([1.0], np.cumprod(growth))), points.stamps_ns)


def _checked(equity: pd.Series, initial_equity: float | None) -> Curve:
    if not isinstance(equity.index, pd.DatetimeIndex) or str(equity.index.tz) != "UTC":
        raise InputError(f"equity needs a DatetimeIndex in UTC, got {equity.index.dtype}")
    levels = equity.to_numpy(dtype=np.float64)
    stamps = np.asarray(equity.index.as_unit("ns").asi8, dtype=np.int64)
    if not np.isfinite(levels).all():
        first = int(np.argmin(np.isfinite(levels)))
        raise InputError(f"equity at {equity.index[first]} (row {first}) is {levels[first]}; an account always has a value")
    if (np.diff(stamps) < 0).any():
        raise InputError("equity must be in order of time")
    if initial_equity is not None and len(levels) and levels[0] != initial_equity:
        return Curve(np.concatenate(([initial_equity], levels)), np.concatenate((stamps[:1], stamps)))
    return Curve(levels, stamps)


def annual_curve(points: Curve) -> Curve:
    """The curve that annualised measures and the distribution of returns are computed on.

    More than one point a day over more than five days: the first point and the last of each UTC day. Otherwise all points. An
    intraday curve has more, but they are autocorrelated and mostly overnight-less, and nobody quotes a one-minute Sharpe ratio.
    """
    if not periods.is_intraday(points.stamps_ns):
        return points
    last = periods.last_of_each_day(points.stamps_ns)
    keep = last if last[0] == 0 else np.concatenate(([0], last))
    return Curve(points.levels[keep], points.stamps_ns[keep])


def summary(
    equity: pd.Series,
    *,
    trades: pd.DataFrame,
    fills: pd.DataFrame,
    round_trips: pd.DataFrame | None = None,
    exposure: pd.DataFrame | None = None,
    benchmark: pd.Series | None = None,
    periods_per_year: float | None = None,
    initial_equity: float | None = None,
    deposits: pd.Series | None = None,
) -> pd.Series:
    """The key numbers of a run, as a float series indexed by name.

    Args:
        equity: account value at each stamp, UTC.
        trades: closed lots, of which only the number is told.
        round_trips: needs columns `pnl`, in money, and `duration`; None leaves what is made of them NaN.
        fills: needs columns `quantity` and `price`; a column `notional` (money) is used instead where there is one, as it
            must be for multipliers other than 1 or several currencies.
        exposure: needs column `gross`, on the same index as `equity`; None leaves `exposure` NaN.
        benchmark: levels (a price or an index, not returns), UTC; read as of each stamp of the equity. Adds `beta` and `alpha`.
        periods_per_year: of the annual curve (see `annual_curve`), for volatility and ratios; None infers it (see
            `periods.periods_per_year`). `annual_return` and `turnover` go by the time between the first and the last point.
        initial_equity: the account before its first mark, see `curve`.
        deposits: money paid in, withdrawals below 0; every return and drawdown is time-weighted over them, see `curve`.

    Returns:
        total_return, annual_return, annual_volatility, sharpe, sortino, calmar, max_drawdown, max_drawdown_length (points of
        `equity`), hit_rate, profit_factor, average_win, average_loss, average_duration_days, round_trips, trades,
        turnover (per year), exposure, value_at_risk_95, value_at_risk_99,
        expected_shortfall_95, expected_shortfall_99, skew, kurtosis, and with a benchmark beta, alpha.

        `total_return` and the drawdowns use every point; the rest uses the annual curve. What is annualised (annual_return,
        annual_volatility, sharpe, sortino, calmar, turnover, alpha) is NaN where the points lie within less than 20 days.
    """
    points = curve(equity, initial_equity, deposits)
    annual = annual_curve(points)
    inferred = periods.periods_per_year(_without_base(annual.stamps_ns))
    years = periods.years(annual.stamps_ns)
    ppy = math.nan if math.isnan(years) else inferred if periods_per_year is None else float(periods_per_year)
    numbers = {
        **_return_measures(points, annual.returns, ppy, years),
        **_round_trip_measures(round_trips),
        "trades": float(len(trades)),
        "turnover": m.turnover(_notionals(fills), _checked(equity, initial_equity).levels, years),
        "exposure": _mean_exposure(exposure, equity),
        **_tail_measures(annual.returns),
    }
    if benchmark is not None:
        against = m.simple_returns(levels_as_of(benchmark, annual.stamps_ns))
        numbers["beta"] = m.beta(annual.returns, against)
        numbers["alpha"] = m.alpha(annual.returns, against, ppy)
    return pd.Series(numbers, dtype=np.float64, name="metrics")


def _return_measures(points: Curve, returns: m.Floats, ppy: float, years: float) -> dict[str, float]:
    known = len(points.levels) > 1 and points.levels[0] > 0
    total = float(points.levels[-1] / points.levels[0] - 1.0) if known else math.nan
    below = m.underwater(points.levels) if known else np.empty(0)
    deepest = float(below.min()) if known else math.nan
    annual = m.annual_growth(total, years)
    longest = m.longest_run(below < 0)
    return {
        "total_return": total,
        "annual_return": annual,
        "annual_volatility": m.annual_volatility(returns, ppy),
        "sharpe": m.sharpe(returns, ppy),
        "sortino": m.sortino(returns, ppy),
        "calmar": m.calmar_of(annual, deepest),
        "max_drawdown": deepest,
        "max_drawdown_length": float(longest.stop - longest.start),
    }


def _round_trip_measures(round_trips: pd.DataFrame | None) -> dict[str, float]:
    pnls = np.empty(0) if round_trips is None else round_trips["pnl"].to_numpy(dtype=np.float64)
    durations = np.empty(0) if round_trips is None else pd.to_timedelta(round_trips["duration"]).to_numpy().astype("timedelta64[ns]")
    return {
        "hit_rate": m.hit_rate(pnls),
        "profit_factor": m.profit_factor(pnls),
        "average_win": m.average_win(pnls),
        "average_loss": m.average_loss(pnls),
        "average_duration_days": float(durations.astype(np.int64).mean()) / NANOSECONDS_PER_DAY if len(durations) else math.nan,
        "round_trips": math.nan if round_trips is None else float(len(pnls)),
    }


def _tail_measures(returns: m.Floats) -> dict[str, float]:
    return {
        "value_at_risk_95": m.value_at_risk(returns, level=0.95),
        "value_at_risk_99": m.value_at_risk(returns, level=0.99),
        "expected_shortfall_95": m.expected_shortfall(returns, level=0.95),
        "expected_shortfall_99": m.expected_shortfall(returns, level=0.99),
        "skew": m.skew(returns),
        "kurtosis": m.kurtosis(returns),
    }


def _mean_exposure(exposure: pd.DataFrame | None, equity: pd.Series) -> float:
    if exposure is None:
        return math.nan
    if len(exposure) != len(equity):
        raise InputError(f"exposure must be on the index of equity: {len(exposure)} rows against {len(equity)} points")
    return m.exposure(exposure["gross"].to_numpy(dtype=np.float64), equity.to_numpy(dtype=np.float64))


def _without_base(stamps_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    # `curve` puts the base at the stamp of the first point: two levels, one point in time
    return stamps_ns[1:] if len(stamps_ns) > 1 and stamps_ns[1] == stamps_ns[0] else stamps_ns


def _notionals(fills: pd.DataFrame) -> m.Floats:
    if "notional" in fills.columns:
        return fills["notional"].to_numpy(dtype=np.float64)
    value: m.Floats = fills["quantity"].to_numpy(dtype=np.float64) * fills["price"].to_numpy(dtype=np.float64)
    return value


def levels_as_of(levels: pd.Series, stamps_ns: NDArray[np.int64]) -> m.Floats:
    """The last level at or before each stamp, shape (n,); NaN before the first."""
    index = levels.index
    if not isinstance(index, pd.DatetimeIndex) or str(index.tz) != "UTC":
        raise InputError(f"a benchmark needs a DatetimeIndex in UTC, got {index.dtype}")
    position = np.searchsorted(np.asarray(index.as_unit("ns").asi8), stamps_ns, side="right") - 1
    values = levels.to_numpy(dtype=np.float64)
    return np.where(position >= 0, values[np.maximum(position, 0)], np.nan) if len(values) else np.full(len(stamps_ns), np.nan)
