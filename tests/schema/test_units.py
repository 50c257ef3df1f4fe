"""Steps: whole numbers of ticks and lots, exactly to floats and back."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framework.errors import InputError
from framework.schema.units import LARGEST_STEPS, Step, to_steps

exactly = settings(max_examples=300, deadline=None, derandomize=True, database=None)


@pytest.mark.parametrize(
    ("size", "numerator", "denominator"),
    [(0.1, 1, 10), ("0.1", 1, 10), ("1/3", 1, 3), (Fraction(1, 32), 1, 32), (0.03125, 1, 32), (5, 5, 1), ("2.5", 5, 2), (1e-9, 1, 10**9)],
)
def test_a_step_is_the_ratio_that_was_written(size: float | str | Fraction, numerator: int, denominator: int) -> None:
    assert Step.of(size) == Step(numerator, denominator)
    assert Step.of(Step.of(size)) == Step(numerator, denominator)


@pytest.mark.parametrize("size", [0, -0.1, "0", "abc", float("nan"), float("inf"), "1/0", "1e999999999", "9" * 100, True])
def test_a_step_is_a_positive_number(size: float | str) -> None:
    with pytest.raises(InputError, match="a step must be"):
        Step.of(size)


STEPS = st.sampled_from([Step(1, 10), Step(1, 3), Step(1, 32), Step(1, 100), Step(1, 10_000), Step(5, 1), Step(5, 2), Step(1, 10**8)])


@exactly
@given(STEPS, st.integers(-(2**40), 2**40))
def test_steps_to_floats_are_correctly_rounded_and_come_back(step: Step, count: int) -> None:
    nearest = float(Fraction(count * step.numerator, step.denominator))
    assert step.to_float(count) == nearest
    assert step.to_floats(np.array([count], dtype=np.int64))[0] == nearest
    assert step.nearest(nearest) == count
    assert step.exactly(nearest) == count


def test_the_classics_of_binary_floats() -> None:
    tenth = Step.of(0.1)
    assert tenth.to_float(3) == 0.3 != 3 * 0.1
    assert tenth.exactly(0.1 + 0.2) == 3  # 0.30000000000000004: the float's own precision
    assert tenth.exactly(0.35) is None
    assert Step(1, 10_000).to_float(999_127) == 99.9127
    assert Step(1, 32).exactly(110 + 5 / 32) == 3525
    assert Step(1, 3).exactly(2 / 3) == 2
    assert Step(1, 3).exactly(0.5) is None
    assert Step(1, 100).exactly(float("nan")) is None
    assert Step(1, 100).exactly(float("inf")) is None
    assert Step(1, 100).exactly(1e300) is None


@pytest.mark.parametrize("size", [0.1 + 0.2, 1 / 3, "1e-16", Fraction(1, 2**53 + 1), 2**53 + 1])
def test_a_step_of_terms_beyond_what_a_float_counts_is_refused(size: float | str | Fraction) -> None:
    with pytest.raises(InputError, match=r"rule: whole numbers of at most 2\*\*53, about 9.0e\+15"):
        Step.of(size)


def test_more_steps_than_a_float_counts_are_none() -> None:
    assert Step(1, 1).exactly(float(LARGEST_STEPS)) == 2**53
    assert Step(1, 1).exactly(2.0**53 + 2) is None
    whole, off = to_steps(np.array([2.0**53, 2.0**53 + 2, -(2.0**53), np.nan, np.inf]), Step(1, 1))
    assert whole.tolist() == [2**53, 0, -(2**53), 0, 0]
    assert off.tolist() == [False, True, False, True, True]


@pytest.mark.parametrize("ulps", [-8, -1, 0, 1, 8])
@pytest.mark.parametrize(("step", "count"), [(Step(1, 100), 6_000_012), (Step(1, 10**9), 59_999_123_456_789), (Step(1, 32), 3525)])
def test_the_last_places_of_a_float_are_noise(step: Step, count: int, ulps: int) -> None:
    value = step.to_float(count)
    value += ulps * float(np.spacing(value))
    assert step.exactly(value) == count
    whole, off = to_steps(np.array([value]), step)
    assert whole.tolist() == [count] and not off.any()
