"""Bars of a cointegrated pair: a shared random walk, and a spread that returns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from framework.data.synthetic import kernels
from framework.data.synthetic.bar_plan import PART_BARS, STEPS, BarPlan, Floats, recording
from framework.data.synthetic.draws import Synthetic, generator
from framework.errors import InputError


@dataclass(frozen=True, slots=True)
class PairModel:
    """Two log prices that share a random walk and differ by a spread that returns.

        log of the first  = trend                           trend: a walk of `drift` and `volatility` a year
        log of the second = beta * trend + spread           spread: Ornstein-Uhlenbeck, stationary from the start

    Attributes:
        half_life: bars in which the spread's expected distance from 0 halves.
        spread_deviation: the spread's stationary standard deviation, of log price.
    """

    drift: float = 0.05
    volatility: float = 0.2
    beta: float = 0.8
    half_life: float = 20.0
    spread_deviation: float = 0.03

    def __post_init__(self) -> None:
        if not (self.volatility > 0 and self.half_life > 0 and self.spread_deviation > 0):
            raise InputError(f"{self}; rule: volatility, half_life and spread_deviation above 0.")


@dataclass(frozen=True)
class PairTruth:
    """What made the pair: `model.beta`, `model.half_life`, and the paths.

    Without rounding, log(second / start_price) = beta log(first / start_price) + spread - spread_at_start.

    Attributes:
        trend, spread: logs at each close, shape (bars,); the trend is 0 at the start.
        spread_at_start: before the first bar.
    """

    model: PairModel
    plan: BarPlan
    trend: Floats
    spread: Floats
    spread_at_start: float


def pair(plan: BarPlan | None = None, model: PairModel | None = None) -> Synthetic[PairTruth]:
    """Bars of two cointegrated instruments; `plan.symbols` are two.

    Raises:
        InputError: settings that cannot be. While reading: DataError where a price falls below one tick.
    """
    where, how = plan or BarPlan(symbols=("FIRST", "SECOND")), model or PairModel()
    if len(where.symbols) != 2:
        raise InputError(f"a pair has two symbols, got {', '.join(where.symbols)}.")
    trend, spread = [], []
    for steps, apart in _pair_paths(where, how):
        trend.append(steps[:, -1])
        spread.append(apart[:, -1])
    start = _first_spread(how, _random(where, "start"))
    truth = PairTruth(how, where, np.concatenate(trend), np.concatenate(spread), start)

    def paths() -> Iterator[list[Floats]]:
        for steps, apart in _pair_paths(where, how):
            yield [steps, how.beta * steps + apart - start]

    return Synthetic(recording(where, "cointegrated pair", paths), truth)


def _random(plan: BarPlan, stream: str) -> np.random.Generator:
    return generator(plan.seed, "pair", "/".join(plan.symbols), stream)


def _first_spread(model: PairModel, random: np.random.Generator) -> float:
    return float(random.normal(0, model.spread_deviation))


def _pair_paths(plan: BarPlan, model: PairModel) -> Iterator[tuple[Floats, Floats]]:
    """Trend and spread at every step, part by part: shape (bars, STEPS)."""
    of_trend, of_spread = _random(plan, "trend"), _random(plan, "spread")
    step, factor = plan.years / STEPS, 0.5 ** (1 / (model.half_life * STEPS))
    value, reached = _first_spread(model, _random(plan, "start")), 0.0
    for begin in range(0, plan.bars, PART_BARS):
        count = (min(begin + PART_BARS, plan.bars) - begin) * STEPS
        moves = (model.drift - model.volatility**2 / 2) * step + model.volatility * np.sqrt(step) * of_trend.standard_normal(count)
        trend = reached + np.cumsum(moves)
        reached = float(trend[-1])
        spread = np.empty(count)
        noise = of_spread.normal(0, model.spread_deviation * np.sqrt(1 - factor**2), count)
        value = float(kernels.autoregression(noise, factor, value, spread))
        yield trend.reshape(-1, STEPS), spread.reshape(-1, STEPS)
