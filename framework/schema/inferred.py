"""The step that floats are multiples of, where nobody declared one: the coarsest power of ten, binary noise aside.

A value v lies on the grid 10**-d if it is within `units.NOISE` of a multiple, relative to v. The fewest decimals d win for which all
values do: 0.1 + 0.2 is on 0.1, and 1.234e-9 on 1e-12. Where a step is not told apart from the noise of the smallest value, or where the
largest would have more steps than `units.LARGEST_STEPS`, no finer one is tried: floats that lie on no grid, such as 60000 * exp(x), get
`usual` decimals, or as many more as keep every value to within `close` of itself, and are rounded to them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framework.schema.units import LARGEST_STEPS, NOISE, Step

MOVES_AT_MOST = 1e-6
"""A grid that moves a value by more than this part of it is not taken."""

PRICE_DECIMALS, LOT_DECIMALS = 9, 8
"""Of floats without a grid: what prices and quantities are rounded to, where that is close enough."""

_CLOSE = 1e-9
_MOST_DECIMALS = 15  # 10**15 is the last power of ten that is at most LARGEST_STEPS
_DISTINCT = 8.0  # a step this many times the noise: of values on no grid, three quarters fail to look as if they were on it
_SAMPLE = 512


@dataclass(frozen=True, slots=True)
class Inferred:
    """A grid.

    Attributes:
        step: the grid.
        is_exact: every value lies on it; else they have to be rounded to it.
        moved: the largest change that rounding makes, as a part of the value; 0.0 where `is_exact`.
        worst: the position of that value.
    """

    step: Step
    is_exact: bool = True
    moved: float = 0.0
    worst: int = 0


def infer_step(values: NDArray[np.float64], usual: int = PRICE_DECIMALS, *, most: int = _MOST_DECIMALS, close: float = _CLOSE) -> Inferred:
    """The coarsest power of ten that every value lies on, else what values on no grid are rounded to.

    Args:
        values: shape (n,), finite, any sign.
        usual: decimals of values on no grid, where these keep each to within `close` and fit.
        most: decimals of the finest grid that values can be found to lie on.
        close: how near, as a part of the value, rounding should stay; looser where the largest value leaves no room for it.

    >>> infer_step(np.array([0.1 + 0.2, 0.25])).step
    Step(numerator=1, denominator=100)
    """
    sizes = np.abs(values)
    largest = float(sizes.max(initial=0.0))
    if largest == 0.0:
        return Inferred(Step(1, 1))
    smallest = float(sizes.min(where=sizes > 0.0, initial=largest))
    room = min(_MOST_DECIMALS, max(math.floor(math.log10(LARGEST_STEPS / max(largest, 1.0))), 0))
    found = _decimals(sizes, min(most, room), smallest)
    if found is not None:
        return Inferred(Step(1, 10**found))
    decimals = min(usual, room)
    moved = _moved(sizes, decimals)
    while float(moved.max()) > close and decimals < room:
        decimals += 1
        moved = _moved(sizes, decimals)
    worst = int(np.argmax(moved))
    is_exact = float(moved[worst]) <= NOISE
    return Inferred(Step(1, 10**decimals), is_exact, 0.0 if is_exact else float(moved[worst]), worst)


def _decimals(sizes: NDArray[np.float64], most: int, smallest: float) -> int | None:
    """The fewest decimals that every value has, None where there are more than `most` or more than can be told apart."""
    sample = sizes[:: max(len(sizes) // _SAMPLE, 1)]  # what fails on a few is not tried on all
    for decimals in range(most + 1):
        if decimals > 0 and 10.0**-decimals < _DISTINCT * NOISE * smallest:
            return None
        if _has(sample, decimals) and _has(sizes, decimals):
            return decimals
    return None


def _has(sizes: NDArray[np.float64], decimals: int) -> bool:
    return bool((np.abs(np.round(sizes, decimals) - sizes) <= sizes * NOISE).all())


def _moved(sizes: NDArray[np.float64], decimals: int) -> NDArray[np.float64]:
    """By how much of itself each value is moved by rounding; 0 of 0."""
    return np.abs(np.round(sizes, decimals) - sizes) / np.where(sizes > 0.0, sizes, 1.0)
