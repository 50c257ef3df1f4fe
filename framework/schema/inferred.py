"""The step that floats are multiples of, where nobody declared one: the coarsest power of ten, binary noise aside.

A value v lies on the grid 10**-d if it is within `units.NOISE` of a multiple, relative to v. The fewest decimals d win for which all
values do: 0.1 + 0.2 is on 0.1, and 1.234e-9 on 1e-12. Where a step is not told apart from the noise of the smallest value, or where the
largest would have more steps than `units.LARGEST_STEPS`, no finer one is tried: floats that lie on no grid, such as 60000 * exp(x), get
`usual` decimals, or as many more as keep every value to within `close` of itself, and are rounded to them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
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
_BLOCK = 16_384
"""Values looked at together: with what is worked out from them they stay in a core's cache."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Inferred:
    """A grid.

    Attributes:
        step: the grid.
        is_exact: every value lies on it; else they have to be rounded to it.
        moved: the largest change that rounding makes, as a part of the value; 0.0 where `is_exact`.
        worst: the position of that value; of several columns, where their rows are laid one after the other.
    """

    step: Step
    is_exact: bool = True
    moved: float = 0.0
    worst: int = 0


def infer_step(
    values: Floats | Sequence[Floats], usual: int = PRICE_DECIMALS, *, most: int = _MOST_DECIMALS, close: float = _CLOSE
) -> Inferred:
    """The coarsest power of ten that every value lies on, else what values on no grid are rounded to.

    Args:
        values: shape (n,), finite, any sign; or several such columns of one length, which share the step.
        usual: decimals of values on no grid, where these keep each to within `close` and fit.
        most: decimals of the finest grid that values can be found to lie on.
        close: how near, as a part of the value, rounding should stay; looser where the largest value leaves no room for it.

    >>> infer_step(np.array([0.1 + 0.2, 0.25])).step
    Step(numerator=1, denominator=100)
    """
    columns = (values,) if isinstance(values, np.ndarray) else tuple(values)
    smallest, largest = _range(columns)
    if largest == 0.0:
        return Inferred(Step(1, 1))
    room = min(_MOST_DECIMALS, max(math.floor(math.log10(LARGEST_STEPS / max(largest, 1.0))), 0))
    found = _decimals(columns, min(most, room), smallest)
    if found is not None:
        return Inferred(Step(1, 10**found))
    decimals = min(usual, room)
    moved, worst = _most_moved(columns, decimals)
    while moved > close and decimals < room:
        decimals += 1
        moved, worst = _most_moved(columns, decimals)
    is_exact = moved <= NOISE
    return Inferred(Step(1, 10**decimals), is_exact, 0.0 if is_exact else moved, worst)


def _blocks(column: Floats) -> Iterator[Floats]:
    return (column[begin : begin + _BLOCK] for begin in range(0, len(column), _BLOCK))


def _range(columns: Sequence[Floats]) -> tuple[float, float]:
    """The smallest size that is not 0, and the largest; 0 where all values are."""
    smallest, largest = math.inf, 0.0
    for column in columns:
        for part in _blocks(column):
            low, high = float(part.min()), float(part.max())
            largest = max(largest, -low, high)
            if low <= 0.0:
                sizes = np.abs(part)
                low = float(sizes.min(where=sizes > 0.0, initial=math.inf))
            smallest = min(smallest, low)
    return smallest, largest


def _decimals(columns: Sequence[Floats], most: int, smallest: float) -> int | None:
    """The fewest decimals that every value has, None where there are more than `most` or more than can be told apart."""
    samples = [column[:: max(len(column) // _SAMPLE, 1)] for column in columns]  # what fails on a few is not tried on all
    for decimals in range(most + 1):
        if decimals > 0 and 10.0**-decimals < _DISTINCT * NOISE * smallest:
            return None
        if _have(samples, decimals) and _have(columns, decimals):
            return decimals
    return None


def _have(columns: Sequence[Floats], decimals: int) -> bool:
    return all(_has(part, decimals) for column in columns for part in _blocks(column))


def _has(part: Floats, decimals: int) -> bool:
    """Whether every value is within `NOISE` of itself of a multiple.

    Asked first in steps, without a division: half of what the smallest value allows leaves room for the roundings of both ways.
    """
    steps = part * 10.0**decimals
    off = steps - np.rint(steps)
    if max(float(off.max()), -float(off.min())) <= float(part.min()) * 10.0**decimals * (NOISE / 2):
        return True
    sizes = np.abs(part)
    return bool((np.abs(np.round(sizes, decimals) - sizes) <= sizes * NOISE).all())


def _most_moved(columns: Sequence[Floats], decimals: int) -> tuple[float, int]:
    """By how much of itself a value is moved by rounding, at most, and the position of the first that is; 0 of 0."""
    most, worst = -1.0, 0
    for number, column in enumerate(columns):
        for begin, part in zip(range(0, len(column), _BLOCK), _blocks(column), strict=True):
            sizes = np.abs(part)
            moved = np.abs(np.round(sizes, decimals) - sizes) / np.where(sizes > 0.0, sizes, 1.0)
            row = int(np.argmax(moved))
            position = (begin + row) * len(columns) + number
            if moved[row] > most or (moved[row] == most and position < worst):
                most, worst = float(moved[row]), position
    return most, worst
