"""Impact of net flow over bars: the square-root law, its exponent, and permanent and temporary impact.

Net flow of all traders stands in for the orders of one, which public data do not show. Over short bars the two differ: what all traders
did together is partly a reaction to the price, and the impact of net flow is nearer to linear than that of one trader's order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from research.bootstrap import block_length, deviations
from research.impact.flow import Bars

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BUCKETS = 12
LONG_BLOCKS = 50
_SURE = 1e-6
"""The least relative error of a bucket's impact that its weight counts."""
FEWEST_BARS = 30
"""With fewer bars that have a net flow nothing is estimated."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number and how far it can be trusted.

    Attributes:
        name, unit: what it is.
        value: over all data; NaN where it cannot be had.
        standard_error: by block bootstrap.
        count: observations.
        r2: share of the variance explained in sample; for regressions without intercept about 0.
        first_half, second_half: the same estimate from each half.
        r2_out: share of the second half's variance that the first half's estimate explains; below 0 it does worse than 0 would.
    """

    name: str
    unit: str
    value: float
    standard_error: float
    count: int
    r2: float
    first_half: float
    second_half: float
    r2_out: float


@dataclass(frozen=True, slots=True, eq=False)
class Buckets:
    """Bars by the size of their net flow, as many in each; shapes (k,).

    Attributes:
        participation: mean of |net| / average volume of a bar.
        impact: mean of change x sign(net) / volatility of a bar.
        error: its standard error, bars taken as independent.
        count: bars.
    """

    participation: Floats
    impact: Floats
    error: Floats
    count: Ints


def regress(design: Floats, y: Floats) -> tuple[Floats, float]:
    """Coefficients by least squares without intercept, and R2 = 1 - sum (y - x b)^2 / sum y^2. NaN where the design has not full rank."""
    found, _, rank, _ = np.linalg.lstsq(design, y, rcond=None)
    coefficients = found.astype(np.float64)
    if rank < design.shape[1]:
        return np.full(design.shape[1], np.nan), float("nan")
    return coefficients, r2_of(design @ coefficients, y)


def r2_of(told: Floats, y: Floats) -> float:
    """1 - sum (y - told)^2 / sum y^2."""
    total = float(np.square(y).sum())
    return 1.0 - float(np.square(y - told).sum()) / total if total > 0.0 else float("nan")


def mean_of(name: str, unit: str, values: Floats, *, draws: int, seed: int) -> Estimate:
    """A mean over observations, with its error by `LONG_BLOCKS` blocks, since what varies through the day is alike for long."""
    n = len(values)
    length = max(block_length(n), n // LONG_BLOCKS)
    error = deviations(lambda rows: np.array([values[rows].mean()]), n, length=length, draws=draws, seed=seed)[0]
    first, second = (float(values[part].mean()) for part in (slice(0, max(n // 2, 1)), slice(n // 2, None)))
    return Estimate(name, unit, float(values.mean()), float(error), n, float("nan"), first, second, float("nan"))


def square_root(bars: Bars, *, draws: int, seed: int) -> Estimate:
    """Y of change = Y x volatility x sign(net) sqrt(|net| / volume), volatility and volume being averages over the bars.

    The law has one Y whatever the length of a bar, since volatility and sqrt(volume) grow alike with it; see Toth and others (2011,
    Anomalous Price Impact and the Critical Nature of Liquidity in Financial Markets). Y is the `coefficient` of the cost config.
    """
    has_net = bars.net != 0.0
    volatility, volume = float(np.sqrt(np.mean(bars.change**2))), float(bars.volume.mean())
    x = (np.sign(bars.net) * np.sqrt(np.abs(bars.net) / volume))[has_net][:, None]
    y = bars.change[has_net] / volatility
    return estimates_of(("square_root_coefficient",), ("volatilities",), x, y, draws=draws, seed=seed)[0]


def buckets_of(bars: Bars, rows: Ints | None = None) -> Buckets:
    """Up to `BUCKETS` groups of bars by |net|."""
    volatility, volume = float(np.sqrt(np.mean(bars.change**2))), float(bars.volume.mean())
    net, change = (bars.net, bars.change) if rows is None else (bars.net[rows], bars.change[rows])
    has_net = net != 0.0
    participation = np.abs(net[has_net]) / volume
    impact = change[has_net] * np.sign(net[has_net]) / volatility
    order = np.argsort(participation, kind="stable")
    groups = [group for group in np.array_split(order, BUCKETS) if len(group) > 1]
    return Buckets(
        participation=np.array([participation[group].mean() for group in groups]),
        impact=np.array([impact[group].mean() for group in groups]),
        error=np.array([impact[group].std(ddof=1) / np.sqrt(len(group)) for group in groups]),
        count=np.array([len(group) for group in groups], dtype=np.int64),
    )


def exponent(bars: Bars, *, draws: int, seed: int) -> Estimate:
    """delta of impact ~ participation^delta: least squares on the logarithms of the buckets' means, by their errors.

    Buckets whose impact is not above 0 are left out.
    """
    n = len(bars.net)

    def slope(rows: Ints) -> Floats:
        return np.array([_log_slope(buckets_of(bars, rows))[0]])

    value, r2 = _log_slope(buckets_of(bars))
    halves = [float(slope(np.arange(n)[part])[0]) for part in (slice(0, n // 2), slice(n // 2, None))]
    error = deviations(slope, n, length=block_length(n), draws=draws, seed=seed)[0]
    return Estimate("impact_exponent", "", value, float(error), int((bars.net != 0.0).sum()), r2, halves[0], halves[1], float("nan"))


def linear(bars: Bars, daily_volume: float, *, draws: int, seed: int) -> list[Estimate]:
    """Permanent, temporary and fixed impact as Almgren, Thum, Hauptmann and Li (2005, Direct Estimation of Equity Market Impact) split
    them, with both exponents 1:

        I = settled change           = permanent x X / V + error
        J - I / 2, J = paid change   = fixed x sign(X) + temporary x X / V + error

    X is a bar's net flow and V the average daily volume. Their scalings by volatility, by shares outstanding and by the rate's exponent
    3/5 need many instruments and are left out. All three are fractions of the price, the first two per unit of participation X / V traded
    within a bar of this length.
    """
    known = (bars.net != 0.0) & np.isfinite(bars.settled) & np.isfinite(bars.paid)
    share, sign = bars.net[known] / daily_volume, np.sign(bars.net[known])
    settled, paid = np.expm1(bars.settled[known]), bars.paid[known]
    lasting = estimates_of(("permanent",), ("price / participation",), share[:, None], settled, draws=draws, seed=seed)
    names, units = ("fixed", "temporary"), ("price", "price / participation")
    fixed, passing = estimates_of(names, units, np.column_stack([sign, share]), paid - 0.5 * settled, draws=draws, seed=seed)
    return [*lasting, passing, fixed]


def estimates_of(names: tuple[str, ...], units: tuple[str, ...], design: Floats, y: Floats, *, draws: int, seed: int) -> list[Estimate]:
    """Each coefficient of a regression without intercept, with errors, halves and the R2 of both."""
    n = len(y)
    if n < FEWEST_BARS:
        nothing = float("nan")
        return [Estimate(name, unit, *(nothing,) * 2, n, *(nothing,) * 4) for name, unit in zip(names, units, strict=True)]
    value, r2 = regress(design, y)
    first, second = (regress(design[part], y[part])[0] for part in (slice(0, n // 2), slice(n // 2, None)))
    r2_out = r2_of(design[n // 2 :] @ first, y[n // 2 :])
    resolve: Callable[[Ints], Floats] = lambda rows: regress(design[rows], y[rows])[0]  # noqa: E731 - its type is said here
    errors = deviations(resolve, n, length=block_length(n), draws=draws, seed=seed)
    columns = zip(names, units, value.tolist(), errors.tolist(), first.tolist(), second.tolist(), strict=True)
    return [Estimate(name, unit, v, e, n, r2, a, b, r2_out) for name, unit, v, e, a, b in columns]


def _log_slope(buckets: Buckets) -> tuple[float, float]:
    """Slope and R2; a bucket counts by (impact / error)^2, the inverse variance of its logarithm."""
    usable = (buckets.impact > 0.0) & (buckets.participation > 0.0)
    if usable.sum() < 3:
        return float("nan"), float("nan")
    x, y = np.log(buckets.participation[usable]), np.log(buckets.impact[usable])
    weight = np.square(buckets.impact[usable] / np.maximum(buckets.error[usable], _SURE * buckets.impact[usable]))
    dx, dy = x - np.average(x, weights=weight), y - np.average(y, weights=weight)
    xx, xy, yy = (float(np.sum(weight * product)) for product in (dx * dx, dx * dy, dy * dy))
    return (xy / xx, xy**2 / (xx * yy)) if xx > 0.0 and yy > 0.0 else (float("nan"), float("nan"))
