"""The performance measures of `summary` for one run of many: one compiled pass over the equity curve, no pandas.

The pass finds the deepest drawdown, the mean level and the last point of each day; what is computed from these is computed by the
functions of `metrics` and `periods`, the same that a single run's report uses.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framework.errors import InputError
from framework.kernel.machine.compile import stamped_kernel
from framework.reports import metrics as m
from framework.reports import periods
from framework.schema.units import NANOSECONDS_PER_DAY

MEASURES = ("total_return", "annual_return", "annual_volatility", "sharpe", "sortino", "calmar", "max_drawdown", "turnover")
_DAY = NANOSECONDS_PER_DAY
_BLOCK = 1024


def scan_points(points: Any, base: float, levels: Any, stamps: Any, found: Any) -> int:
    """Pass over a curve of at least one point, `base` being the account before the first.

    Puts the last level and stamp of each UTC day into `levels` and `stamps`, which have room for one more than there are points,
    and into `found` the deepest drawdown (0 or below), the sum of the levels and the row of the first level that is not finite,
    -1 for none. Returns how many days there are. The base counts as a level before the first point where it differs from it.
    """
    first = points[0].cash + points[0].net
    total, partial, day, bad = 0.0, 0.0, 0, -1
    peak, deepest = first, 0.0
    level, stamp = first, points[0].ts_ns
    day_end = (stamp // _DAY + 1) * _DAY
    if base != first:
        peak = base
        total = base
    for k in range(len(points)):
        point = points[k]
        if point.ts_ns >= day_end:
            levels[day], stamps[day] = level, stamp
            day += 1
            day_end = (point.ts_ns // _DAY + 1) * _DAY
        level, stamp = point.cash + point.net, point.ts_ns
        if not math.isfinite(level) and bad < 0:
            bad = k
        if level > peak:
            peak = level
        elif level < peak:
            deepest = min(deepest, level / peak - 1.0)
        partial += level
        if k % _BLOCK == _BLOCK - 1:  # sums of sums: rounding stays far below a part in 1e12
            total += partial
            partial = 0.0
    levels[day], stamps[day] = level, stamp
    found[0], found[1], found[2] = deepest, total + partial, bad
    return day + 1


_scan = stamped_kernel(scan_points, "reports")


def levels_of(points: NDArray[np.void]) -> m.Floats:
    """What the account is worth at each point."""
    levels: m.Floats = points["cash"] + points["net"]
    return levels


class Measurer:
    """Measures the curves of many runs one after the other, in memory that is used again."""

    def __init__(self) -> None:
        self._levels: m.Floats = np.empty(0)
        self._stamps: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self._found: m.Floats = np.zeros(3)
        self._known_stamps, self._known_ppy = b"", math.nan

    def measure(self, points: NDArray[np.void], base: float, traded: float) -> tuple[float, ...]:
        """The `MEASURES` of one run, as `summary` defines them.

        Args:
            points: rows of the trader half's equity curve (`ts_ns`, `cash`, `net`).
            base: the account before its first mark.
            traded: sum of the notionals of all fills, the account's currency.

        Raises:
            InputError: a level of the curve is not finite.
        """
        if not len(points):
            return (math.nan,) * len(MEASURES)
        if len(self._levels) < len(points) + 1:
            self._levels, self._stamps = np.empty(len(points) + 1), np.empty(len(points) + 1, dtype=np.int64)
        days = int(_scan(points, base, self._levels, self._stamps, self._found))
        deepest, total_levels, bad = self._found
        if bad >= 0:
            stamp, level = np.datetime64(int(points["ts_ns"][int(bad)]), "ns"), levels_of(points[int(bad) :])[0]
            raise InputError(f"equity at {stamp}Z (row {int(bad)}) is {level}; an account always has a value")
        first, last = levels_of(points[[0, -1]]).tolist()
        count = len(points) + (base != first)
        levels, stamps = self._annual(points, base, count, days)
        years = periods.years(stamps)
        ppy = self._periods_per_year(stamps[1:] if stamps[1] == stamps[0] else stamps) if years > 0 else math.nan
        known = count > 1 and base > 0
        total = last / base - 1.0 if known else math.nan
        returns, annual = m.simple_returns(levels), m.annual_growth(total, years)
        deepest = float(deepest) if known else math.nan
        mean = total_levels / count
        return (
            total,
            annual,
            m.annual_volatility(returns, ppy),
            m.sharpe(returns, ppy),
            m.sortino(returns, ppy),
            m.calmar_of(annual, deepest),
            deepest,
            traded / 2.0 / mean / years if years > 0 and mean > 0 else math.nan,
        )

    def _annual(self, points: NDArray[np.void], base: float, count: int, days: int) -> tuple[m.Floats, NDArray[np.int64]]:
        """Levels and stamps that annual measures are made of; see `summary.annual_curve`."""
        has_base = count > len(points)
        if days > 5 and count > days + 1:
            levels, stamps = self._levels[:days], self._stamps[:days]
            is_alone = not has_base and stamps[0] == points["ts_ns"][0]
            start = (levels[:0], stamps[:0]) if is_alone else (np.array([base]), points["ts_ns"][:1])
        else:
            levels, stamps = levels_of(points), points["ts_ns"]
            start = (np.array([base]), stamps[:1]) if has_base else (levels[:0], stamps[:0])
        return np.concatenate((start[0], levels)), np.concatenate((start[1], stamps))

    def _periods_per_year(self, stamps: NDArray[np.int64]) -> float:
        """`periods.periods_per_year`, remembered: the runs of a sweep mostly share their stamps."""
        text = stamps.tobytes()
        if text != self._known_stamps:
            self._known_stamps, self._known_ppy = text, periods.periods_per_year(stamps)
        return self._known_ppy
