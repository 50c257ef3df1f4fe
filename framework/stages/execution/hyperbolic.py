"""Hyperbolic functions of arguments from 0 to infinity, without overflow and without lost digits."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_SERIES_TO = 1.0
"""Below this argument sinh(x)/x - 1 is summed as a series; above it nothing cancels."""


def log_sinh(x: float | Floats) -> Floats:
    """log(sinh(x)) for x >= 0; -inf at 0."""
    with np.errstate(divide="ignore"):
        return np.asarray(x + np.log(-np.expm1(-2.0 * np.asarray(x))) - math.log(2.0))


def log_cosh(x: float) -> float:
    """log(cosh(x)) for x >= 0."""
    return x + math.log1p(math.exp(-2.0 * x)) - math.log(2.0)


def sinh_ratio(a: Floats, b: float) -> Floats:
    """sinh(a) / sinh(b) for 0 <= a <= b, b > 0 and finite."""
    return np.asarray(np.exp(a - b) * np.expm1(-2.0 * a) / math.expm1(-2.0 * b))


def sinhc_minus_one(x: float) -> float:
    """sinh(x) / x - 1 for x >= 0: x^2/6 + x^4/120 + ...

    >>> sinhc_minus_one(1e-9)
    1.6666666666666666e-19
    """
    if x > _SERIES_TO:
        return math.sinh(x) / x - 1.0
    total, term, k = 0.0, 1.0, 1
    while True:
        term *= x * x / ((2 * k) * (2 * k + 1))
        if total + term == total:
            return total
        total, k = total + term, k + 1
