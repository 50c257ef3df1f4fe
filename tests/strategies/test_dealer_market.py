"""Avellaneda and Stoikov (2008), section 3.3, through our engine: the paper's Table 1 within its sampling error.

Table 1 of the published article (Quantitative Finance 8(3), p. 222; gamma = 0.1, 1,000 simulations):

    strategy     average spread   profit   std(profit)   final q   std(final q)
    inventory    1.49             65.0     6.6           0.08      2.9
    symmetric    1.49             68.4     12.7          0.26      8.4

The working paper of 2006 has other figures (spread 1.29): those of the article are taken. `ONETAPE_PATHS=1000` runs as many paths as the
paper did.
"""

from __future__ import annotations

import math
import os

import numpy as np
import pytest

from framework import Strategy, backtest
from strategies.market_making import AvellanedaStoikov, Grid
from tests.strategies.dealer_market import GAMMA, SIGMA, STEP_NS, STEPS, K, Path, by_the_paper, outcome

PATHS = int(os.environ.get("ONETAPE_PATHS", "250"))
PAPERS_PATHS = 1000
SPREAD = GAMMA * SIGMA**2 / 2 + 2 / GAMMA * math.log(1 + GAMMA / K)
"""The mean of equation 30 over the horizon: 0.2 + 20 ln(16 / 15) = 1.4908."""

INVENTORY, SYMMETRIC = (65.0, 6.6, 0.08, 2.9), (68.4, 12.7, 0.26, 8.4)
EVERY_S = STEP_NS / 1e9


def dealer(*, is_symmetric: bool) -> Strategy:
    if is_symmetric:
        return Grid(half_spread=SPREAD / 2, levels=1, most=1000.0, every_s=EVERY_S)
    return AvellanedaStoikov(gamma=GAMMA, sigma=SIGMA, k=K, horizon_s=STEPS * EVERY_S, every_s=EVERY_S)


def simulated(paths: int, *, is_symmetric: bool) -> np.ndarray:
    """Profit and final position of each path, shape (paths, 2)."""
    strategy = dealer(is_symmetric=is_symmetric)
    found = []
    for seed in range(paths):
        path = Path.drawn(seed)
        result = backtest(strategy, path.tape(), risk={"allow_short": True})
        assert not len(result.refused)
        found.append(outcome(path, result))
    return np.array(found)


def test_the_average_spread_is_the_papers() -> None:
    assert round(SPREAD, 2) == 1.49


@pytest.mark.parametrize("is_symmetric", [False, True], ids=["inventory", "symmetric"])
def test_the_engine_does_what_the_papers_loop_does(is_symmetric: bool) -> None:
    """The same draws without the engine: the same fills, but for rounding quotes to ticks."""
    for seed in (1, 2, 3):
        path = Path.drawn(seed)
        profit, held = outcome(path, backtest(dealer(is_symmetric=is_symmetric), path.tape(), risk={"allow_short": True}))
        expected, left = by_the_paper(path, SPREAD if is_symmetric else None)
        assert held == left
        assert profit == pytest.approx(expected, abs=0.15)  # at most a tick of 0.001 for each of some 100 fills


@pytest.mark.parametrize(("is_symmetric", "table"), [(False, INVENTORY), (True, SYMMETRIC)], ids=["inventory", "symmetric"])
def test_table_1(is_symmetric: bool, table: tuple[float, float, float, float]) -> None:
    """Both samples err: a mean by std / sqrt(n), a deviation by std / sqrt(2 n). Within three standard errors and half a last digit."""
    found = simulated(PATHS, is_symmetric=is_symmetric)
    spread_of = {"profit": (table[0], table[1]), "held": (table[2], table[3])}
    for (mean, deviation), column, digit in zip(spread_of.values(), found.T, (0.05, 0.05), strict=True):
        error = deviation * math.sqrt(1 / PATHS + 1 / PAPERS_PATHS)
        assert abs(column.mean() - mean) < 3 * error + digit
        assert abs(column.std(ddof=1) - deviation) < 3 * error / math.sqrt(2) + digit
