"""Decimals: text of files as exact fractions, within bounds (Fraction("1e999999999") would work for hours), and the roundest amount."""

from __future__ import annotations

import re
from fractions import Fraction

_DECIMAL = re.compile(r"\s*([+-]?)(\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})(?:[eE]([+-]?\d{1,2}))?\s*", re.ASCII)
_RATIO = re.compile(r"\s*\d{1,30}\s*/\s*\d{1,30}\s*", re.ASCII)


def exact(text: str) -> Fraction:
    """A decimal, as "-0.25" or "1e-8", or a ratio of whole numbers, as "1/3".

    Raises:
        ValueError: no such number; more than 30 digits before or after the point; an exponent of more than two digits; a ratio to 0.

    >>> exact("2.50"), exact("1/3")
    (Fraction(5, 2), Fraction(1, 3))
    """
    if _DECIMAL.fullmatch(text):
        return Fraction(text.strip())
    if _RATIO.fullmatch(text):
        numerator, _, denominator = text.partition("/")
        if int(denominator):
            return Fraction(int(numerator), int(denominator))
    raise ValueError(f"{text[:60]!r} is no number of at most 30 digits before and after its point")


def roundest(amount: float, tolerance: float) -> float:
    """The amount with the fewest decimals, at most nine, that is within the tolerance."""
    for decimals in range(9):
        rounded = round(amount, decimals)
        if rounded > 0 and abs(rounded - amount) <= tolerance:
            return rounded
    return round(amount, 9)
