"""Performance measures: pure functions on numpy arrays of simple per-period returns.

Conventions, the same in every function unless its docstring says otherwise:

- `returns` has shape (n,), simple returns per period (0.01 is one per cent), not log returns. `ppy` is periods per year.
- NaN is a missing period. Measures made of moments or order statistics leave it out; measures that compound count it as a
  period of return 0, so time still passes.
- A measure that cannot be known is NaN: an empty input, one point where two are needed, a ratio whose denominator is 0.

Where we differ from `empyrical` on purpose (all else agrees to 1e-10, see `tests/reports/test_metrics.py`):

- Sharpe of constant returns and Sortino without a losing period are NaN; empyrical gives infinity, or NaN at a mean of 0.
- `value_at_risk` leaves NaN out; empyrical returns NaN if there is one. Both take a `level` (0.95) where it takes a cutoff (0.05).
- `annual_return` of an account that lost more than everything is NaN without a warning.
- `annual_volatility` of constant returns is exactly 0.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from framework.errors import InputError

Floats = NDArray[np.float64]


def _present(values: Floats) -> Floats:
    clean = np.asarray(values, dtype=np.float64)
    return clean[~np.isnan(clean)]


def _is_constant(values: Floats) -> bool:
    # the standard deviation of equal floats can be 1e-18 instead of 0, and a ratio over it is noise
    return bool(values.max() == values.min())


# Growth and drawdown


def simple_returns(levels: Floats) -> Floats:
    """`levels[t] / levels[t-1] - 1`, shape (n,) to (n - 1,).

    NaN where the level before is not positive: an account at or below zero has no return. Empty for fewer than two levels.

    >>> simple_returns(np.array([100.0, 110.0, 99.0])).round(3).tolist()
    [0.1, -0.1]
    """
    before, after = np.asarray(levels, dtype=np.float64)[:-1], np.asarray(levels, dtype=np.float64)[1:]
    change: Floats = np.divide(after, before, out=np.full(after.shape, np.nan), where=before > 0) - 1.0
    return change


def wealth(returns: Floats) -> Floats:
    """Growth of 1: `1, (1+r0), (1+r0)(1+r1), ...`, shape (n,) to (n + 1,). NaN counts as 0. Empty input: [1.0]."""
    return np.concatenate(([1.0], np.cumprod(1.0 + np.nan_to_num(np.asarray(returns, dtype=np.float64)))))


def underwater(levels: Floats) -> Floats:
    """`level / highest level so far - 1`, shape (n,), at most 0; of an equity curve or of `wealth`.

    NaN while the highest level is not positive. Empty input: empty.

    >>> underwater(np.array([100.0, 120.0, 90.0, 120.0])).tolist()
    [0.0, 0.0, -0.25, 0.0]
    """
    array = np.asarray(levels, dtype=np.float64)
    peak = np.maximum.accumulate(array)
    below: Floats = np.divide(array, peak, out=np.full(array.shape, np.nan), where=peak > 0) - 1.0
    return below


def drawdown_series(returns: Floats) -> Floats:
    """Drawdown after each return, shape (n,), at most 0; the start counts as a peak. NaN counts as 0 (empyrical's rule)."""
    return underwater(wealth(returns))[1:]


def max_drawdown(returns: Floats) -> float:
    """Deepest drawdown, at most 0. Empty: NaN. One return: min(r, 0). Never losing: 0. Magdon-Ismail & Atiya (2004)."""
    return float(drawdown_series(returns).min()) if len(returns) else math.nan


def longest_run(marks: NDArray[np.bool_]) -> slice:
    """Where the longest run of True lies in `marks`, shape (n,); the first of equals. Empty or none: slice(0, 0).

    >>> longest_run(np.array([True, False, True, True]))
    slice(2, 4, None)
    """
    edges = np.flatnonzero(np.diff(np.concatenate(([False], marks, [False]))))
    if not edges.size:
        return slice(0, 0)
    longest = 2 * int(np.argmax(edges[1::2] - edges[::2]))
    return slice(int(edges[longest]), int(edges[longest + 1]))


def max_drawdown_length(returns: Floats) -> int:
    """Longest stretch below an earlier peak, in periods, whether it recovered or not. Empty or never losing: 0."""
    run = longest_run(drawdown_series(returns) < 0)
    return int(run.stop - run.start)


def total_return(returns: Floats) -> float:
    """`prod(1 + r) - 1`. NaN counts as 0. Empty: NaN. One return: itself."""
    return float(wealth(returns)[-1] - 1.0) if len(returns) else math.nan


def annual_growth(total: float, years: float) -> float:
    """`(1 + total)^(1 / years) - 1`: the yearly rate that compounds to `total`. NaN below -100 % or without time."""
    if not years > 0 or not total >= -1.0:
        return math.nan
    try:
        return math.expm1(math.log1p(total) / years) if total > -1.0 else -1.0
    except OverflowError:
        return math.inf


def annual_return(returns: Floats, ppy: float) -> float:
    """Compound annual growth rate, `prod(1 + r)^(ppy / n) - 1`; n counts NaN periods. Empty or below -100 %: NaN."""
    return annual_growth(total_return(returns), len(returns) / ppy)


# Risk and ratios


def annual_volatility(returns: Floats, ppy: float) -> float:
    """`std(r, ddof=1) * sqrt(ppy)`. NaN left out. Fewer than two, or a `ppy` of NaN: NaN. Constant: 0."""
    r = _present(returns)
    if r.size < 2 or math.isnan(ppy):
        return math.nan
    return 0.0 if _is_constant(r) else float(r.std(ddof=1)) * math.sqrt(ppy)


def sharpe(returns: Floats, ppy: float, *, risk_free: float = 0.0) -> float:
    """`mean(r - f) / std(r - f, ddof=1) * sqrt(ppy)`; `risk_free` f is per period. Sharpe (1994), equation 4.

    NaN left out. Fewer than two, or constant: NaN.

    >>> round(sharpe(np.array([0.01, 0.03]), 252), 6)  # mean 0.02, std 0.01 * sqrt(2)
    22.449944
    """
    r = _present(returns) - risk_free
    if r.size < 2 or _is_constant(r):
        return math.nan
    return float(r.mean() / r.std(ddof=1)) * math.sqrt(ppy)


def sortino(returns: Floats, ppy: float, *, required: float = 0.0) -> float:
    """`mean(r - q) / sqrt(mean(min(r - q, 0)^2)) * sqrt(ppy)`; q = `required`, per period. Sortino & Price (1994).

    NaN left out. Fewer than two, or no return below `required`: NaN.
    """
    r = _present(returns) - required
    if r.size < 2:
        return math.nan
    downside = math.sqrt(float(np.mean(np.minimum(r, 0.0) ** 2)))
    return float(r.mean()) / downside * math.sqrt(ppy) if downside > 0 else math.nan


def calmar(returns: Floats, ppy: float) -> float:
    """`annual_return / |max_drawdown|`. NaN counts as 0. Empty, or no drawdown: NaN. Young (1991)."""
    return calmar_of(annual_return(returns, ppy), max_drawdown(returns))


def calmar_of(annual: float, deepest: float) -> float:
    """`annual / |deepest|` from the two numbers themselves; NaN without a drawdown or where it is infinite."""
    ratio = annual / -deepest if deepest < 0 else math.nan
    return ratio if math.isfinite(ratio) else math.nan


def value_at_risk(returns: Floats, *, level: float = 0.95) -> float:
    """The (1 - level) quantile of returns, linearly interpolated: a loss is negative. Historical simulation, Jorion (2006).

    NaN left out. Empty: NaN. One or constant: that return.
    """
    r = _present(returns)
    return float(np.quantile(r, _tail(level))) if r.size else math.nan


def expected_shortfall(returns: Floats, *, level: float = 0.95) -> float:
    """Mean of the worst `floor((n - 1)(1 - level)) + 1` returns: a loss is negative. Acerbi & Tasche (2002).

    NaN left out. Empty: NaN. One or constant: that return.
    """
    r = _present(returns)
    if not r.size:
        return math.nan
    last = int((r.size - 1) * _tail(level))
    return float(np.partition(r, last)[: last + 1].mean())


def _tail(level: float) -> float:
    if not 0 < level < 1:
        raise InputError(f"a confidence level lies between 0 and 1, got {level}; 95 % is written 0.95")
    return round(1.0 - level, 12)  # 1 - 0.9 is 0.09999999999999998, which would drop one return from the tail


def skew(returns: Floats) -> float:
    """Third standardised moment `m3 / m2^1.5`, population moments (scipy's default). NaN left out. Fewer than two, constant: NaN."""
    return _standardised_moment(returns, 3)


def kurtosis(returns: Floats) -> float:
    """Excess kurtosis `m4 / m2^2 - 3`, population moments (scipy's default); 0 for a normal. Fewer than two, constant: NaN."""
    return _standardised_moment(returns, 4) - 3.0


def _standardised_moment(returns: Floats, order: int) -> float:
    r = _present(returns)
    if r.size < 2 or _is_constant(r):
        return math.nan
    centred = r - r.mean()
    return float(np.mean(centred**order) / np.mean(centred**2) ** (order / 2))


# Against a benchmark


def beta(returns: Floats, benchmark: Floats) -> float:
    """`cov(r, b) / var(b)`; both shape (n,), the same periods. Pairs with a NaN left out. Fewer than two, constant b: NaN."""
    r, b = _pairs(returns, benchmark)
    if r.size < 2 or _is_constant(b):
        return math.nan
    centred = b - b.mean()
    variance = float(np.mean(centred**2))
    return float(np.mean(centred * r)) / variance if variance >= 1e-30 else math.nan


def alpha(returns: Floats, benchmark: Floats, ppy: float) -> float:
    """`(1 + mean(r - beta * b))^ppy - 1`: yearly return that the benchmark does not explain. Jensen (1968), risk-free rate 0.

    Pairs with a NaN left out. Fewer than two, a constant benchmark, or a `ppy` of NaN: NaN.
    """
    r, b = _pairs(returns, benchmark)
    slope = beta(r, b)
    return math.nan if math.isnan(slope) or math.isnan(ppy) else float((1.0 + np.mean(r - slope * b)) ** ppy - 1.0)


def _pairs(returns: Floats, benchmark: Floats) -> tuple[Floats, Floats]:
    r, b = np.asarray(returns, dtype=np.float64), np.asarray(benchmark, dtype=np.float64)
    if r.shape != b.shape:
        raise InputError(f"returns and benchmark must cover the same periods, got {r.shape} and {b.shape}; align them first")
    both = ~(np.isnan(r) | np.isnan(b))
    return r[both], b[both]


# Trades and activity


def hit_rate(pnls: Floats) -> float:
    """Share of round trips with `pnl > 0`, shape (n,) in money. One at exactly 0 is no hit. NaN left out. Empty: NaN."""
    p = _present(pnls)
    return float(np.mean(p > 0)) if p.size else math.nan


def profit_factor(pnls: Floats) -> float:
    """Sum of gains over sum of losses, shape (n,) in money. NaN left out. Gains without a loss: infinity. Neither: NaN.

    >>> profit_factor(np.array([30.0, -10.0, -5.0]))
    2.0
    """
    p = _present(pnls)
    gains, losses = float(p[p > 0].sum()), -float(p[p < 0].sum())
    if losses > 0:
        return gains / losses
    return math.inf if gains > 0 else math.nan


def average_win(pnls: Floats) -> float:
    """Mean of the `pnl > 0`, shape (n,) in money. NaN left out. None: NaN."""
    p = _present(pnls)
    return float(p[p > 0].mean()) if (p > 0).any() else math.nan


def average_loss(pnls: Floats) -> float:
    """Mean of the `pnl < 0`, shape (n,) in money: below 0. NaN left out. None: NaN."""
    p = _present(pnls)
    return float(p[p < 0].mean()) if (p < 0).any() else math.nan


def turnover(notionals: Floats, levels: Floats, years: float) -> float:
    """`sum |notional| / 2 / mean equity / years`: how often the account is exchanged in a year, one way.

    `notionals` (m,) money of each fill, `levels` (n,) equity. NaN left out. No fills: 0. No time or no positive mean equity: NaN.
    """
    equity = _present(levels)
    if not equity.size or not years > 0 or not equity.mean() > 0:
        return math.nan
    return float(np.abs(_present(notionals)).sum() / 2.0 / equity.mean() / years)


def exposure(gross: Floats, levels: Floats) -> float:
    """`mean(gross / equity)`, both shape (n,) in money; 1.0 is fully invested. Points without positive equity left out. Empty: NaN."""
    g, e = np.asarray(gross, dtype=np.float64), np.asarray(levels, dtype=np.float64)
    ratio = _present(np.divide(g, e, out=np.full(g.shape, np.nan), where=e > 0))
    return float(ratio.mean()) if ratio.size else math.nan
