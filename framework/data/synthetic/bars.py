"""Bars of a geometric walk with regimes and jumps.

Within a bar of length dt (years) a log price makes n steps, each

    (mu - sigma^2 / 2) dt / n + sigma sqrt(dt / n) z + jumps        z normal; mu and sigma those of the bar's regime

Regimes are a Markov chain over bars (Hamilton, 1989). Jumps come by a Poisson process and are normal (Merton, 1976). Open, high, low and
close are those of the steps, the open being the close before, rounded to ticks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framework.data.synthetic.bar_plan import PART_BARS, STEPS, BarPlan, Floats, recording
from framework.data.synthetic.draws import Synthetic, generator
from framework.errors import InputError


@dataclass(frozen=True, slots=True)
class Regime:
    """`drift` and `volatility` a year, and the chance that the next bar is of it too."""

    drift: float
    volatility: float
    persistence: float


@dataclass(frozen=True, slots=True)
class WalkModel:
    """A geometric walk.

    Attributes:
        regimes: a regime that ends is followed by any of the others, all alike. The first bar's is drawn from the stationary chain.
        jumps_a_year: mean number.
        jump_mean, jump_deviation: of a jump's log return.
    """

    regimes: tuple[Regime, ...] = (Regime(0.12, 0.12, 0.99), Regime(-0.15, 0.35, 0.96))
    jumps_a_year: float = 4.0
    jump_mean: float = -0.02
    jump_deviation: float = 0.03

    def __post_init__(self) -> None:
        wrong = [one for one in self.regimes if not (one.volatility > 0 and 0 <= one.persistence < 1)]
        if not self.regimes or (len(self.regimes) > 1 and wrong) or self.jumps_a_year < 0 or self.jump_deviation < 0:
            raise InputError(
                f"{self}; rule: at least one regime, volatility > 0, 0 <= persistence < 1, jumps_a_year and jump_deviation >= 0."
            )

    @property
    def stationary(self) -> Floats:
        """Share of bars in each regime in the long run: as the mean length of its runs, 1 / (1 - persistence)."""
        if len(self.regimes) == 1:
            return np.ones(1)
        lengths = np.array([1 / (1 - one.persistence) for one in self.regimes])
        found: Floats = lengths / lengths.sum()
        return found


@dataclass(frozen=True)
class WalkTruth:
    """What made the bars, by symbol: `regimes` (shape (bars,), positions in `model.regimes`), `jump_bars` and `jump_sizes` (log)."""

    model: WalkModel
    plan: BarPlan
    regimes: dict[str, NDArray[np.int64]]
    jump_bars: dict[str, NDArray[np.int64]]
    jump_sizes: dict[str, Floats]


def walk(plan: BarPlan | None = None, model: WalkModel | None = None) -> Synthetic[WalkTruth]:
    """Bars of independent geometric walks.

    Raises:
        InputError: settings that cannot be. While reading: DataError where a price falls below one tick.
    """
    where, how = plan or BarPlan(), model or WalkModel()
    truth = WalkTruth(how, where, {}, {}, {})
    for symbol in where.symbols:
        truth.regimes[symbol] = _regimes(how, where, symbol)
        random = generator(where.seed, "walk", symbol, "jumps")
        count = random.poisson(how.jumps_a_year * where.years * where.bars)
        truth.jump_bars[symbol] = np.sort(random.integers(0, where.bars, count))
        truth.jump_sizes[symbol] = random.normal(how.jump_mean, how.jump_deviation, count)
    return Synthetic(recording(where, "geometric walk with regimes and jumps", lambda: _walks(truth)), truth)


def _regimes(model: WalkModel, plan: BarPlan, symbol: str) -> NDArray[np.int64]:
    random, regimes = generator(plan.seed, "walk", symbol, "regimes"), model.regimes
    if len(regimes) == 1:
        return np.zeros(plan.bars, np.int64)
    pieces, made = [], 0
    here = int(random.choice(len(regimes), p=model.stationary))
    while made < plan.bars:
        length = int(random.geometric(1 - regimes[here].persistence))
        pieces.append(np.full(min(length, plan.bars - made), here))
        made += length
        here = (here + 1 + int(random.integers(len(regimes) - 1))) % len(regimes)
    return np.concatenate(pieces)


def _walks(truth: WalkTruth) -> Iterator[list[Floats]]:
    """Log prices relative to the start, part by part: for each symbol the steps of its bars, shape (bars, steps)."""
    plan, symbols = truth.plan, truth.plan.symbols
    drift, volatility = (np.array([getattr(one, name) for one in truth.model.regimes]) for name in ("drift", "volatility"))
    randoms = [generator(plan.seed, "walk", symbol, "steps") for symbol in symbols]
    places = [generator(plan.seed, "walk", symbol, "places").integers(0, STEPS, len(truth.jump_bars[symbol])) for symbol in symbols]
    reached = np.zeros(len(symbols))
    step = plan.years / STEPS
    for first in range(0, plan.bars, PART_BARS):
        past = min(first + PART_BARS, plan.bars)
        paths = []
        for k, symbol in enumerate(symbols):
            mu, sigma = (values[truth.regimes[symbol][first:past], None] for values in (drift, volatility))
            moves = (mu - sigma**2 / 2) * step + sigma * np.sqrt(step) * randoms[k].standard_normal((past - first, STEPS))
            begin, end = np.searchsorted(truth.jump_bars[symbol], (first, past))
            np.add.at(moves, (truth.jump_bars[symbol][begin:end] - first, places[k][begin:end]), truth.jump_sizes[symbol][begin:end])
            path = reached[k] + np.cumsum(moves.ravel())
            reached[k] = path[-1]
            paths.append(path.reshape(-1, STEPS))
        yield paths
