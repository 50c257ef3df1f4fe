"""The response to a trade, the memory of signs, and the propagator that explains the one by the other.

In trade time, with eps_t the sign of taker order t and m_t the log mid just before it:

    response          R(l) = E[(m_{t+l} - m_t) (eps_t - mean)]                      (Bouchaud, Gefen, Potters and Wyart 2004, Fluctuations
                                                                                    and response in financial markets, section 2)
    signs             C(l) = E[(eps_t - mean)(eps_{t+l} - mean)] / variance         (the same; Lillo and Farmer 2004)
    propagator        m_t = sum over s < t of G(t - s) eps_s + noise                (the same, section 4; Bouchaud, Farmer and Lillo 2009,
                                                                                    How markets slowly digest changes, section 5)

Returns r_t = m_{t+1} - m_t follow r_t = sum over j >= 0 of K(j) eps_{t-j} with K(0) = G(1), K(j) = G(j+1) - G(j). Multiplied by a sign and
averaged, cov(r_{t+l}, eps_t) = sum over j of K(j) cov(eps_{t+l-j}, eps_t): a Toeplitz system for K(0) ... K(L-1), which is the equation of
the paper for R in differences, closed by G(l) = G(L) beyond the last lag.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framework.errors import InputError
from research.bootstrap import spread

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BLOCKS = 50
"""Into how many blocks trades are cut for errors, unless a block would be shorter than the longest lag."""
FIT_POINTS = 20
"""Lags, evenly in the logarithm, through which power laws are laid."""


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Sums over trades, block by block, for lags 0 ... L: all that R, C and G need. Shapes (blocks, L + 1)."""

    moved: Floats
    signs: Floats
    returns: Floats
    moved_count: Floats
    signs_count: Floats
    returns_count: Floats

    @property
    def blocks(self) -> int:
        """How many."""
        return len(self.moved)

    def solve(self, rows: Ints | slice = slice(None)) -> tuple[Floats, Floats, Floats]:
        """R(0 ... L), C(0 ... L) and G(1 ... L) of some blocks, which may be named more than once."""
        response = _mean(self.moved[rows], self.moved_count[rows])
        signs = _mean(self.signs[rows], self.signs_count[rows])
        returns = _mean(self.returns[rows], self.returns_count[rows])
        lags = len(signs) - 1
        distance = np.abs(np.subtract.outer(np.arange(lags), np.arange(lags)))
        try:
            kernel = np.linalg.solve(signs[distance], returns[:lags])
        except np.linalg.LinAlgError:
            kernel = np.full(lags, np.nan)
        return response, signs / signs[0] if signs[0] > 0.0 else np.full(lags + 1, np.nan), np.cumsum(kernel)


@dataclass(frozen=True, slots=True, eq=False)
class Propagator:
    """What a trade does to the price, in fractions of the price. Lags 0 ... L in trades; G begins at lag 1.

    Attributes:
        response, response_error: R(l), shape (L + 1,).
        signs, signs_error: C(l), shape (L + 1,).
        bare, bare_error: G(1) ... G(L), shape (L,).
        exponent, exponent_error: beta of G(l) ~ l^-beta.
        signs_exponent, signs_exponent_error: gamma of C(l) ~ l^-gamma. Where returns are to be unpredictable, beta = (1 - gamma) / 2.
        fit_r2: of the power law through G.
        r2, r2_out: share of the variance of returns that G explains, over all, and in the second half by the G of the first.
        exponent_halves, signs_exponent_halves: beta and gamma of each half.
        draws: G of each bootstrap draw, shape (draws, L).
        count: trades with a return.
        notes: what fails.
    """

    response: Floats
    response_error: Floats
    signs: Floats
    signs_error: Floats
    bare: Floats
    bare_error: Floats
    exponent: float
    exponent_error: float
    signs_exponent: float
    signs_exponent_error: float
    fit_r2: float
    r2: float
    r2_out: float
    exponent_halves: tuple[float, float]
    signs_exponent_halves: tuple[float, float]
    draws: Floats
    count: int
    notes: tuple[str, ...]

    @property
    def lags(self) -> Ints:
        """1 ... L."""
        return np.arange(1, len(self.bare) + 1)


def fit_propagator(sign: Floats, log_mid: Floats, stretch: Ints, *, lags: int, draws: int = 200, seed: int = 0) -> Propagator:
    """Estimate R, C and G with errors by bootstrap over blocks of trades.

    Args:
        sign: +1 or -1, shape (n,).
        log_mid: log of the mid before each trade, shape (n,).
        stretch: which unbroken piece a trade belongs to, not decreasing; nothing is measured across two. Shape (n,).
        lags: L, the longest, at least 2.
        draws: of the bootstrap.
        seed: of the draws.

    Raises:
        InputError: fewer than 10 (L + 1) trades, or all signs alike.

    Assumptions: every trade moves the price alike whatever its size; impact adds up; signs do not depend on what the mid did in between.
    Fails when: books react in anticipation (there the two-propagator and history dependent models do better), or trades are so rare that
    trade time and clock time differ.
    """
    if lags < 2:
        raise InputError(f"fit_propagator: lags is {lags}; rule: at least 2.")
    if len(sign) < 10 * (lags + 1):
        raise InputError(
            f"fit_propagator: {len(sign):,} trades for {lags} lags; rule: at least 10 (lags + 1). Take fewer lags or more data."
        )
    if np.ptp(sign) == 0.0:
        raise InputError("fit_propagator: all trades have one sign; nothing can be told of impact from them.")
    notes = []
    moments = moments_of(sign, log_mid, stretch, lags)
    response, signs, bare = moments.solve()
    random = np.random.default_rng(seed)
    together = int((np.diff(stretch) == 0).sum())
    drawn = [moments.solve(random.integers(0, moments.blocks, moments.blocks)) for _ in range(draws)]
    responses, memories, bares = (np.array(column) for column in zip(*drawn, strict=True))
    at = np.arange(1, lags + 1, dtype=np.float64)
    exponent, fit_r2 = power_law(at, bare)
    memory, _ = power_law(at, signs[1:])
    exponents, memories_of_halves, r2_out = _halves(sign, log_mid, stretch, lags)
    if not (bare > 0.0).all():
        notes.append(f"G is not above 0 at {int((bare <= 0.0).sum())} of {lags} lags; its power law rests on the others.")
    error = float(spread(np.array([[power_law(at, one)[0]] for one in bares]))[0])
    if exponent < -2.0 * error:
        notes.append(
            f"G grows with the lag (exponent {exponent:.3g}): mids follow trades late, as where a book is told at intervals, or orders "
            "that were split come as several trades. Its half-lives mean nothing then; the regressions over bars are not touched."
        )
    if not (signs[1:] > 0.0).all():
        lost = int((signs[1:] <= 0.0).sum())
        notes.append(
            f"C is not above 0 at {lost} of {lags} lags, first at {int(np.argmin(signs[1:] > 0.0)) + 1}; its power law rests on the others."
        )
    return Propagator(
        response=response, response_error=spread(responses), signs=signs, signs_error=spread(memories),
        bare=bare, bare_error=spread(bares),
        exponent=exponent, exponent_error=error,
        signs_exponent=memory, signs_exponent_error=float(spread(np.array([[power_law(at, one[1:])[0]] for one in memories]))[0]),
        fit_r2=fit_r2, r2=explained(bare, sign, log_mid, stretch), r2_out=r2_out,
        exponent_halves=exponents, signs_exponent_halves=memories_of_halves, draws=bares, count=together, notes=tuple(notes),
    )  # fmt: skip


def moments_of(sign: Floats, log_mid: Floats, stretch: Ints, lags: int) -> Moments:
    """Sums of products for each lag and block. A block has n / 50 trades, at least L."""
    n = len(sign)
    length = max(lags, -(-n // BLOCKS))
    block = np.arange(n) // length
    count = int(block[-1]) + 1
    centred = sign - sign.mean()
    after = np.append(np.diff(log_mid), 0.0)
    has_return = np.append(np.diff(stretch) == 0, False)
    sums = np.zeros((6, count, lags + 1))
    for lag in range(lags + 1):
        m = n - lag
        together = stretch[lag:] == stretch[:m]
        for row, product, mask in (
            (0, (log_mid[lag:] - log_mid[:m]) * centred[:m], together),
            (1, centred[lag:] * centred[:m], together),
            (2, after[lag:] * centred[:m], together & has_return[lag:]),
        ):
            sums[row, :, lag] = np.bincount(block[:m], np.where(mask, product, 0.0), count)
            sums[3 + row, :, lag] = np.bincount(block[:m], mask, count)
    return Moments(*sums)


def power_law(at: Floats, values: Floats) -> tuple[float, float]:
    """Exponent b of values ~ at^-b and the R2 of its fit: least squares on logarithms, at `FIT_POINTS` places evenly in log(at).

    Values that are not above 0 are passed over; NaN where fewer than 3 are.
    """
    chosen = np.unique(np.rint(np.geomspace(1, len(at), FIT_POINTS)).astype(np.int64)) - 1
    x, y = at[chosen], values[chosen]
    usable = y > 0.0
    if usable.sum() < 3:
        return float("nan"), float("nan")
    x, y = np.log(x[usable]), np.log(y[usable])
    dx, dy = x - x.mean(), y - y.mean()
    slope = float(dx @ dy / (dx @ dx))
    return -slope, float((dx @ dy) ** 2 / ((dx @ dx) * (dy @ dy))) if dy.any() else float("nan")


def explained(bare: Floats, sign: Floats, log_mid: Floats, stretch: Ints) -> float:
    """R2 of returns: 1 - sum (r - sum of K eps)^2 / sum (r - mean)^2; signs before a stretch count as their mean."""
    kernel = np.diff(bare, prepend=0.0)
    centred = sign - sign.mean()
    left = total = 0.0
    cuts = np.flatnonzero(np.diff(stretch)) + 1
    pieces = list(zip(np.split(centred, cuts), np.split(log_mid, cuts), strict=True))
    mean = float(np.concatenate([np.diff(mids) for _, mids in pieces]).mean())
    for signs, mids in pieces:
        change = np.diff(mids) - mean
        if len(change):
            told = np.convolve(signs, kernel)[: len(change)]
            left += float(np.square(change - told).sum())
            total += float(np.square(change).sum())
    return 1.0 - left / total if total > 0.0 else float("nan")


def _halves(sign: Floats, log_mid: Floats, stretch: Ints, lags: int) -> tuple[tuple[float, float], tuple[float, float], float]:
    """beta and gamma of each half, R2 of the second by the G of the first."""
    middle = len(sign) // 2
    parts = [(sign[part], log_mid[part], stretch[part]) for part in (slice(0, middle), slice(middle, None))]
    solved = [moments_of(*part, lags).solve() for part in parts]
    at = np.arange(1, lags + 1, dtype=np.float64)
    betas, gammas = ([power_law(at, values)[0] for values in pair] for pair in ([s[2] for s in solved], [s[1][1:] for s in solved]))
    return (betas[0], betas[1]), (gammas[0], gammas[1]), explained(solved[0][2], *parts[1])


def _mean(sums: Floats, counts: Floats) -> Floats:
    total = counts.sum(axis=0)
    means: Floats = np.divide(sums.sum(axis=0), total, out=np.full(sums.shape[1], np.nan), where=total > 0)
    return means
