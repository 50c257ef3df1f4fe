"""Whole numbers times a ratio, exactly, however large the product in between: ticks and lots across splits, shares of a trade.

A product of two words of 64 bits can need 128. Where it does not fit, the quotient is worked out bit by bit, and what does not fit
even then stops at `MOST`, which is beyond every price and quantity that is let in (`units.LARGEST_STEPS`).
"""

from __future__ import annotations

from framework.kernel.machine.compile import inlined, kernel
from framework.schema.units import MOST_STEPS, NEAR, NOISE

MOST = MOST_STEPS

_FITS = 2.0**62
_BITS = 62


@kernel
def divided(amount: int, times: int, over: int) -> tuple[int, int]:
    """(floor, remainder) of amount x times / over, for amount and times from 0 and over from 1 to 2**62; (MOST, 0) beyond it."""
    if float(amount) * float(times) < _FITS:
        product = amount * times
        return min(product // over, MOST), product % over
    whole, rest = amount // over, amount % over
    if float(whole) * float(times) >= _FITS:
        return MOST, 0
    quotient, left = 0, 0
    for k in range(_BITS, -1, -1):  # schoolbook: rest x times / over, one bit of `times` after the other
        quotient, left = 2 * quotient, 2 * left
        if left >= over:
            quotient, left = quotient + 1, left - over
        if (times >> k) & 1:
            left += rest
            if left >= over:
                quotient, left = quotient + 1, left - over
    return min(whole * times + quotient, MOST), left


@kernel
def floored(amount: int, times: int, over: int) -> int:
    """amount x times / over of a whole number of any sign, rounded down."""
    quotient, left = divided(abs(amount), times, over)
    if amount >= 0:
        return quotient
    return -quotient - (1 if left > 0 else 0)


@kernel
def ceiled(amount: int, times: int, over: int) -> int:
    """The same rounded up."""
    return -floored(-amount, times, over)


@kernel
def share_of(lots: int, share: float) -> int:
    """The whole lots of a share from 0 to 1; what is whole but for noise counts: 29 % of 100 are 29, though 0.29 * 100 is less."""
    exact = lots * share
    whole = round(exact)
    return int(whole) if abs(exact - whole) <= max(NEAR, exact * NOISE) else int(exact)


@inlined
def at_most(amount: float, most: int) -> int:
    """The whole part of an amount, from 0 (also where it is no number) to `most`: no float becomes a word that cannot hold it."""
    if amount >= most:
        return most
    return int(amount) if amount > 0.0 else 0
