"""Integer units: nanoseconds, ticks and lots, and the exact way from and to floats.

A tick size or lot size is kept as a ratio of two integers, so that a price in ticks becomes a float by one
multiplication and one correctly rounded division: 999127 ticks of 1/10000 is exactly the float 99.9127.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from framework.errors import InputError

NANOSECONDS_PER_SECOND = 1_000_000_000
NANOSECONDS_PER_DAY = 86_400 * NANOSECONDS_PER_SECOND
NEVER_NS = np.iinfo(np.int64).max
"""A stamp later than every event: "no timer", "no expiry"."""

MONEY_PER_NANO = 1e-9
"""Dividend amounts travel as integer billionths of a currency unit per share."""


@dataclass(frozen=True, slots=True)
class Step:
    """The smallest step of a price (tick) or of a quantity (lot): `numerator / denominator`.

    >>> Step.of(0.01).to_float(9912)
    99.12
    """

    numerator: int
    denominator: int

    def __post_init__(self) -> None:
        if self.numerator <= 0 or self.denominator <= 0:
            raise InputError(f"a step must be positive, got {self.numerator}/{self.denominator}")

    @classmethod
    def of(cls, size: float | str | Fraction | Step) -> Step:
        """Build a step from a decimal number, text or fraction; 0.1 means one tenth, not its binary float."""
        if isinstance(size, Step):
            return size
        try:
            exact = Fraction(str(size)) if isinstance(size, float) else Fraction(size)
        except ValueError as error:
            raise InputError(f"a step must be a positive number, got {size!r}") from error
        return cls(exact.numerator, exact.denominator)

    @property
    def size(self) -> float:
        """The step as a float."""
        return self.numerator / self.denominator

    def to_float(self, steps: float) -> float:
        """Steps to a float, correctly rounded."""
        return steps * self.numerator / self.denominator

    def to_floats(self, steps: NDArray[np.int64] | NDArray[np.float64]) -> NDArray[np.float64]:
        """Array version of `to_float`; shape kept."""
        return np.asarray(steps, dtype=np.float64) * self.numerator / self.denominator

    def nearest(self, value: float) -> int:
        """The nearest whole number of steps."""
        return round(value * self.denominator / self.numerator)

    def exactly(self, value: float) -> int | None:
        """Whole steps if `value` is one to within 1e-9 of a step or the float's own precision, else None."""
        steps = value * self.denominator / self.numerator
        if not abs(steps) < 2**62:
            return None
        whole = round(steps)
        return whole if abs(steps - whole) <= max(1e-9, abs(steps) * 4e-16) else None


def infer_step(values: NDArray[np.float64], max_decimals: int = 9) -> tuple[Step, float]:
    """The coarsest power of ten that represents every value, and the largest rounding error left.

    Args:
        values: shape (n,), finite.
        max_decimals: where to stop; what is finer than 10**-max_decimals is rounded and its size returned.

    Returns:
        (step, error): `error` is 0.0 when every value is a decimal of at most `max_decimals` places.
    """
    error = 0.0
    for decimals in range(max_decimals + 1):
        error = float(np.max(np.abs(np.round(values, decimals) - values), initial=0.0))
        if error <= float(np.max(np.abs(values), initial=0.0)) * 2e-16:
            return Step(1, 10**decimals), 0.0
    return Step(1, 10**max_decimals), error
