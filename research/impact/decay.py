"""A propagator as what stays and a sum of exponentials, each with a weight of at least 0: what a simulation can carry along."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framework.errors import InputError
from research.bootstrap import spread
from research.impact.propagator import Propagator
from research.nonnegative import nonnegative_least_squares

Floats = NDArray[np.float64]

HALF_LIVES = 8
"""Half-lives tried, evenly in the logarithm."""
_NOTHING = 1e-3
"""Weights below this share of the first value of G are dropped."""


@dataclass(frozen=True, slots=True, eq=False)
class Decay:
    """G(t) = permanent + sum of weight_i 2^(-t / half_life_i): fractions of the price per unit of participation, t in seconds.

    Attributes:
        permanent, permanent_error: what stays beyond the longest lag.
        half_lives_s: seconds, shape (k,).
        weights, weights_error: shape (k,).
        r2: of the fit to G over the lags.
    """

    permanent: float
    permanent_error: float
    half_lives_s: Floats
    weights: Floats
    weights_error: Floats
    r2: float

    def words(self) -> list[dict[str, float]]:
        """As a cost config lists it."""
        return [{"half_life_s": h, "weight": w} for h, w in zip(self.half_lives_s.tolist(), self.weights.tolist(), strict=True)]

    def at(self, seconds: Floats) -> Floats:
        """G at some times after a trade."""
        faded = np.exp2(-np.asarray(seconds)[:, None] / self.half_lives_s) @ self.weights
        return np.asarray(self.permanent + faded)


def fit_decay(propagator: Propagator, *, seconds_a_trade: float, participation_a_trade: float) -> Decay:
    """Lay what stays and exponentials through G by least squares with weights of at least 0 (`nonnegative_least_squares`).

    A lag of l trades counts as l x `seconds_a_trade`, and a trade as `participation_a_trade` of a day's volume: G is what an order does
    that is traded in pieces of the usual size. Lags count by 1 / l, so that every stretch of the logarithm has the same say.

    Args:
        propagator: G in fractions of the price a trade.
        seconds_a_trade: mean time between trades.
        participation_a_trade: mean size of a trade over the average daily volume.

    Raises:
        InputError: G is not known, since the equations for it have no solution.

    The half-lives are a grid from the time between trades to four times the longest lag: neighbours share weight, so that the sum is known
    better than its parts. What happens before the next trade is not seen: G(0) is what the shortest half-lives make of it.
    """
    if not np.isfinite(propagator.bare).all():
        raise InputError("fit_decay: the propagator is not known, since its equations have no solution. Take fewer lags or more data.")
    lags = propagator.lags.astype(np.float64)
    half_lives = np.geomspace(1.0, 4.0 * lags[-1], HALF_LIVES) * seconds_a_trade
    design = np.column_stack([np.ones(len(lags)), np.exp2(-lags[:, None] * seconds_a_trade / half_lives)])
    root = np.sqrt(1.0 / lags)

    def solve(bare: Floats) -> Floats:
        return nonnegative_least_squares(design * root[:, None], bare * root)

    weights = solve(propagator.bare)
    drawn = np.array([solve(bare) for bare in propagator.draws if np.isfinite(bare).all()])
    errors = spread(drawn) if len(drawn) > 1 else np.full(len(weights), np.nan)
    kept = np.flatnonzero(weights[1:] > _NOTHING * abs(propagator.bare[0]))
    told = design[:, [0, *(kept + 1)]] @ weights[[0, *(kept + 1)]]
    mean = np.average(propagator.bare, weights=root**2)
    left, total = (float(np.sum(root**2 * np.square(propagator.bare - one))) for one in (told, mean))
    unit = 1.0 / participation_a_trade
    return Decay(
        permanent=float(weights[0]) * unit, permanent_error=float(errors[0]) * unit, half_lives_s=half_lives[kept],
        weights=weights[1:][kept] * unit, weights_error=errors[1:][kept] * unit, r2=1.0 - left / total if total > 0.0 else float("nan"),
    )  # fmt: skip
