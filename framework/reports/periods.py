"""Time in reports: how many points make a year, which point ends a day, which return a month had."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from framework.schema.units import NANOSECONDS_PER_DAY

_YEAR_DAYS = 365.25
_DAYS_PER_YEAR = {7: 365.0, 6: 312.0}  # by how many weekdays trade; 252 for five or fewer
_CALENDAR_PERIODS = (52.0, 12.0, 4.0, 1.0)
_LEAST_DAYS = 20.0


def periods_per_year(stamps_ns: NDArray[np.int64]) -> float:
    """How many points like these fit in a year; `stamps_ns` is shape (n,), UTC, ascending. Fewer than two: NaN.

    The rule, by the median spacing d of the points:

    - d under 20 h (intraday): trading days per year times the median number of points on a UTC day.
    - d under 4 days (daily): trading days per year.
    - longer: 52, 12, 4 or 1 if 365.25 / d is within 15 % of it, otherwise 365.25 / d.

    Trading days per year: 365 where all seven weekdays occur, 312 where six do (FX and futures, whose Sunday evening is a
    UTC day of its own), otherwise 252. A weekday occurs when it holds at least 5 % of the days. Fewer than seven
    days are therefore taken as sessions; the caller knows better and can pass the number wherever one is used.

    >>> periods_per_year(np.arange(30) * 86_400_000_000_000)
    365.0
    """
    if len(stamps_ns) < 2:
        return math.nan
    spacing_days = float(np.median(np.diff(stamps_ns))) / NANOSECONDS_PER_DAY
    if spacing_days >= 4:
        raw = _YEAR_DAYS / spacing_days
        return next((known for known in _CALENDAR_PERIODS if abs(raw / known - 1) <= 0.15), raw)
    days, counts = _days(stamps_ns)
    weekdays = np.bincount(days % 7, minlength=7) / len(days)
    per_year = _DAYS_PER_YEAR.get(int(np.sum(weekdays >= 0.05)), 252.0)
    return per_year * float(np.median(counts)) if spacing_days < 20 / 24 else per_year


def years(stamps_ns: NDArray[np.int64]) -> float:
    """Time from the first to the last stamp in years of 365.25 days; NaN below 20 days, from which nothing is told about a year.

    >>> years(np.array([0, 1461]) * 86_400_000_000_000)
    4.0
    """
    days = float(stamps_ns[-1] - stamps_ns[0]) / NANOSECONDS_PER_DAY if len(stamps_ns) else 0.0
    return days / _YEAR_DAYS if days >= _LEAST_DAYS else math.nan


def _days(stamps_ns: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    last = last_of_each_day(stamps_ns)
    return stamps_ns[last] // NANOSECONDS_PER_DAY, np.diff(last, prepend=-1)


def last_of_each_day(stamps_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Positions of the last point of every UTC day that has one; `stamps_ns` ascending. Empty: empty."""
    if not len(stamps_ns):
        return np.empty(0, dtype=np.int64)
    day = stamps_ns // NANOSECONDS_PER_DAY
    return np.append(np.flatnonzero(day[1:] != day[:-1]), len(day) - 1)


def is_intraday(stamps_ns: NDArray[np.int64]) -> bool:
    """Whether more than one point a day, on average, spans more than five days: then annual measures use daily points."""
    days = len(last_of_each_day(stamps_ns))
    return days > 5 and len(stamps_ns) > days + 1


def monthly_returns(levels: NDArray[np.float64], stamps_ns: NDArray[np.int64]) -> dict[tuple[int, int], float]:
    """Return of each UTC month that has a point: last level over the last level of the month before, less 1.

    `levels` and `stamps_ns` are shape (n,), ascending. The first month counts from the first level; a month after a gap counts
    from the last level known. Keys are (year, month). Empty input: empty. NaN where the level before is not positive.
    """
    if not len(levels):
        return {}
    months = stamps_ns.astype("datetime64[ns]").astype("datetime64[M]").astype(np.int64)
    last = np.append(np.flatnonzero(months[1:] != months[:-1]), len(months) - 1)
    ends = levels[last]
    before = np.concatenate((levels[:1], ends[:-1]))
    change = np.divide(ends, before, out=np.full(ends.shape, np.nan), where=before > 0) - 1.0
    return {(1970 + int(m) // 12, int(m) % 12 + 1): float(c) for m, c in zip(months[last], change, strict=True)}


def yearly_returns(monthly: dict[tuple[int, int], float]) -> dict[int, float]:
    """Months compounded to years: `prod(1 + r) - 1` over the months of each year that are there."""
    years: dict[int, float] = {}
    for (year, _), change in monthly.items():
        years[year] = (1.0 + years.get(year, 0.0)) * (1.0 + change) - 1.0
    return years
