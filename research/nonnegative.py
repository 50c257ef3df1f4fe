"""Least squares with coefficients of at least 0, for a handful of columns; scipy has more but is an extra."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_ROUNDS = 10
"""Times the columns after which the search ends where rounding makes it go in circles; it needs about one time."""


def nonnegative_least_squares(design: Floats, y: Floats) -> Floats:
    """x >= 0 that makes |design x - y| least: the active-set method of Lawson and Hanson (1974, Solving Least Squares Problems, ch. 23).

    Args:
        design: shape (n, k).
        y: shape (n,).

    Returns:
        Shape (k,).
    """
    columns = design.shape[1]
    free, x = np.zeros(columns, dtype=bool), np.zeros(columns)
    least = (
        10.0 * np.finfo(np.float64).eps * max(design.shape) * float(np.abs(design).sum(axis=0).max()) * float(np.abs(y).max(initial=0.0))
    )
    for _ in range(_ROUNDS * columns):
        gain = np.where(free, -np.inf, design.T @ (y - design @ x))
        if gain.max() <= least:
            break
        free[int(np.argmax(gain))] = True
        while True:
            found = np.zeros(columns)
            found[free] = np.linalg.lstsq(design[:, free], y, rcond=None)[0]
            crossed = free & (found <= 0.0)
            if not crossed.any():
                break
            steps = np.where(crossed, x / np.where(crossed, x - found, 1.0), np.inf)  # an x of 0 that would fall: no step at all
            first = int(np.argmin(steps))
            x = np.maximum(x + steps[first] * (found - x), 0.0)
            free[first], x[first] = False, 0.0
        x = found
    return x
