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

FIRST_STAMP_NS, LAST_STAMP_NS = -3_786_825_600 * NANOSECONDS_PER_SECOND, 7_258_118_400 * NANOSECONDS_PER_SECOND
"""Start of 1850 and of 2200, UTC: what happens lies between them."""
LONGEST_NS = 3660 * NANOSECONDS_PER_DAY
"""Ten years. No latency and no bar is longer; a few of them after the last stamp are still before `NEVER_NS`."""

NANOS = 1_000_000_000
"""Parts that amounts of money in events are counted in, a unit of the currency."""

LARGEST_STEPS = 2**53
"""No price has more ticks and no quantity more lots than this, about 9.0e15: up to it a whole number is exact as a float."""

MOST_STEPS = 2**61
"""Where sums of them stop, at the latest: two of these still add up in 64 bits."""

NOISE, NEAR = 2e-15, 1e-9
"""A float is a whole number of steps to within `NOISE` of itself, about ten units in the last place, as sums and products of a few
floats leave them; or to within `NEAR` of a step, for what is near 0.
"""

MONEY_PER_NANO = 1e-9
"""Dividend amounts travel as integer billionths of a currency unit per share."""


_LONGEST_TEXT, _LARGEST_EXPONENT = 64, 30
"""Of a step that is given as text: what is longer is no step, and would take long to find out."""


_AS_TEXT = "Give the size as text or as a Fraction, such as '0.01' or '1/3': a float that was computed has digits that nobody meant."
_COARSER = (
    "The finest decimal step is '1e-15', the coarsest '1e15'. Where prices need another one, multiply them by a power of ten and give "
    "the instrument the multiplier that takes it back."
)


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
        if max(self.numerator, self.denominator) > LARGEST_STEPS:
            raise InputError(
                f"a step of {self.numerator}/{self.denominator}; rule: whole numbers of at most 2**53, about {LARGEST_STEPS:.1e}. "
                f"{_COARSER if 1 in (self.numerator, self.denominator) else _AS_TEXT}"
            )

    @classmethod
    def of(cls, size: float | str | Fraction | Step) -> Step:
        """Build a step from a decimal number, text or fraction; 0.1 means one tenth, not its binary float."""
        if isinstance(size, Step):
            return size
        try:
            written = str(size)
            exponent = int(written.lower().partition("e")[2] or 0)
            if isinstance(size, bool) or len(written) > _LONGEST_TEXT or abs(exponent) > _LARGEST_EXPONENT:
                raise ValueError(written)
            exact = Fraction(written) if isinstance(size, float) else Fraction(size)
        except (ValueError, TypeError, ZeroDivisionError) as error:
            raise InputError(f"a step must be a positive number, got {str(size)[:_LONGEST_TEXT]!r}") from error
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
        """Whole steps if `value` is that many to within `NOISE` or `NEAR`, and at most `LARGEST_STEPS`; else None."""
        steps = value * self.denominator / self.numerator
        if not abs(steps) <= LARGEST_STEPS:
            return None
        whole = round(steps)
        return whole if abs(steps - whole) <= max(NEAR, abs(steps) * NOISE) else None


def to_steps(values: NDArray[np.float64], step: Step) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Whole steps nearest to the values, and which values are not whole steps (not finite and too large included).

    A value counts as whole as in `Step.exactly`.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        scaled = values * float(step.denominator)
        if step.numerator != 1:
            scaled = scaled / float(step.numerator)
        whole = np.rint(scaled)
        if values.size and np.abs(scaled - whole).max() <= NEAR and whole.min() >= 1.0 and whole.max() <= LARGEST_STEPS:
            return whole.astype(np.int64), np.zeros(values.shape, np.bool_)  # nearly all prices; NaN is none of it
        size = np.abs(scaled)
        fits = size <= LARGEST_STEPS
        off = ~((np.abs(scaled - whole) <= np.maximum(NEAR, size * NOISE)) & fits)
    nothing = whole == 0
    if nothing.any():
        off |= nothing & (values != 0)  # a price of 1e-300 is not 0
    return np.where(fits, whole, 0.0).astype(np.int64), off
