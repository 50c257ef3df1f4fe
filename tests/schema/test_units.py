"""Steps: whole numbers of ticks and lots, exactly to floats and back."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framework.errors import InputError
from framework.schema.units import Step, infer_step

exactly = settings(max_examples=300, deadline=None, derandomize=True, database=None)


@pytest.mark.parametrize(
    ("size", "numerator", "denominator"),
    [(0.1, 1, 10), ("0.1", 1, 10), ("1/3", 1, 3), (Fraction(1, 32), 1, 32), (0.03125, 1, 32), (5, 5, 1), ("2.5", 5, 2), (1e-9, 1, 10**9)],
)
def test_a_step_is_the_ratio_that_was_written(size: float | str | Fraction, numerator: int, denominator: int) -> None:
    assert Step.of(size) == Step(numerator, denominator)
    assert Step.of(Step.of(size)) == Step(numerator, denominator)


@pytest.mark.parametrize("size", [0, -0.1, "0", "abc", float("nan"), float("inf")])
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


@pytest.mark.parametrize(
    ("values", "step", "error"),
    [
        ([1.0, 2.0, 30.0], Step(1, 1), 0.0),
        ([1.5, 2.25], Step(1, 100), 0.0),
        ([99.9127, 100.1], Step(1, 10_000), 0.0),
        ([0.1 + 0.2], Step(1, 10), 0.0),
        ([1 / 32], Step(1, 100_000), 0.0),
        ([], Step(1, 1), 0.0),
    ],
)
def test_the_coarsest_decimal_step(values: list[float], step: Step, error: float) -> None:
    assert infer_step(np.array(values)) == (step, error)


def test_what_no_decimal_represents_says_how_much_is_lost() -> None:
    step, error = infer_step(np.array([1 / 3, 2.0]), 4)
    assert step == Step(1, 10_000)
    assert error == pytest.approx(1 / 3 - 0.3333, abs=1e-15)
