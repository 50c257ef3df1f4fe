"""Whole numbers times a ratio against Python's own, which have no width."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from framework.kernel.machine.compile import entered
from framework.kernel.machine.ratio import MOST, at_most, ceiled, divided, floored, share_of

drawn = settings(max_examples=500, deadline=None, derandomize=True, database=None)
words = st.one_of(st.integers(0, 100), st.integers(0, 2**31), st.integers(0, 2**53), st.integers(0, 2**62))


def _all(amount: int, times: int, over: int) -> Any:
    quotient, left = divided(abs(amount), times, over)
    return quotient, left, floored(amount, times, over), ceiled(amount, times, over)


def _limits(lots: int, share: float, amount: float) -> Any:
    return share_of(lots, share), at_most(amount, lots)


ratios, limits = entered(_all), entered(_limits)


@drawn
@given(words, st.booleans(), words, words.filter(bool))
@example(2**53, False, 2**53, 2**53)
@example(2**62, True, 2**62, 2**62)
@example(2**53, False, 10**9, 7)
@example(2**62 - 1, False, 2**62 - 1, 2**62)
def test_the_quotient_is_exact_or_stops_at_the_most(amount: int, is_negative: bool, times: int, over: int) -> None:
    signed = -amount if is_negative else amount
    quotient, left, down, up = ratios(signed, times, over)
    expected, rest = divmod(amount * times, over)
    if expected >= MOST:
        assert quotient == MOST
        assert max(abs(down), abs(up)) >= MOST
        return
    assert (quotient, left) == (expected, rest)
    assert down == signed * times // over
    assert up == -(-signed * times // over)


@pytest.mark.parametrize(
    ("lots", "share", "expected"),
    [(100, 0.29, 29), (1000, 0.1, 100), (999, 0.1, 99), (7, 1.0, 7), (2 * 10**15, 0.1, 2 * 10**14), (2**53, 1.0, 2**53), (0, 0.5, 0)],
)
def test_a_share_is_no_lot_too_few_for_noise_and_none_too_many_for_size(lots: int, share: float, expected: int) -> None:
    assert limits(lots, share, 0.0)[0] == expected


@pytest.mark.parametrize(
    ("amount", "expected"), [(1e19, 50), (float("inf"), 50), (49.999, 49), (50.0, 50), (0.5, 0), (-1e300, 0), (float("nan"), 0)]
)
def test_no_float_becomes_a_word_that_cannot_hold_it(amount: float, expected: int) -> None:
    assert limits(50, 1.0, amount)[1] == expected
