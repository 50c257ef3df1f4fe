"""The grid of floats that came without one: true decimals through binary noise, and what is on no grid."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from framework.schema.inferred import infer_step
from framework.schema.units import LARGEST_STEPS, Step

drawn = settings(max_examples=400, deadline=None, derandomize=True, database=None)

MOST_DIGITS = 14
"""A double tells 15 digits apart; one of them goes to the noise."""


@pytest.mark.parametrize(
    ("values", "step"),
    [
        ([1.0, 2.0, 30.0], Step(1, 1)),
        ([1.5, 2.25], Step(1, 100)),
        ([99.9127, 100.1], Step(1, 10_000)),
        ([0.1 + 0.2], Step(1, 10)),
        ([0.1 + 0.7 + 0.1, 0.3], Step(1, 10)),
        ([1 / 32], Step(1, 100_000)),
        ([], Step(1, 1)),
        ([0.0, 0.0], Step(1, 1)),
        ([1.234e-9, 1.301e-9, 1.499e-9], Step(1, 10**12)),
        ([6.1e-10, 1.2e-9], Step(1, 10**11)),
        ([1e-8, 123_456.78], Step(1, 10**8)),
        ([0.12345678, 1e7, 0.0], Step(1, 10**8)),
        ([1e15, 2e15 + 1], Step(1, 1)),
    ],
)
def test_the_coarsest_decimal_step(values: list[float], step: Step) -> None:
    found = infer_step(np.array(values))
    assert found.step == step
    assert found.is_exact and found.moved == 0.0


@st.composite
def decimals_with_noise(draw: st.DrawFn) -> tuple[int, NDArray[np.float64]]:
    """(decimals, values): decimals of at most 14 digits from 1e-10 to 1e6, one of them with the last digit set, some ulps off."""
    decimals = draw(st.integers(0, 12))
    largest = min(10 ** (6 + decimals), 10**MOST_DIGITS)
    counts = draw(st.lists(st.integers(1, largest), min_size=1, max_size=12))
    counts[0] = counts[0] // 10 * 10 + draw(st.integers(1, 9))  # else the true grid is coarser
    values = np.array([float(Fraction(count, 10**decimals)) for count in counts])
    return decimals, values + np.array(draw(st.lists(st.integers(-4, 4), min_size=len(values), max_size=len(values)))) * np.spacing(values)


@drawn
@given(decimals_with_noise())
def test_the_true_grid_is_found_through_noise(case: tuple[int, NDArray[np.float64]]) -> None:
    decimals, values = case
    found = infer_step(values)
    assert found.is_exact
    if found.step != Step(1, 10**decimals):
        # a count of many digits may lie within the noise of a coarser grid, or of a finer one where it does: then nothing is lost
        moved = [
            abs(Fraction(float(v)) - round(Fraction(float(v)) * found.step.denominator) / Fraction(found.step.denominator)) for v in values
        ]
        assert max(float(m) / v for m, v in zip(moved, values, strict=True)) <= 2.0e-15
        assert values.max() * 10**decimals > 10**13


@drawn
@given(st.integers(0, 8), st.lists(st.integers(1, 10**9), min_size=2, max_size=40), st.sampled_from(("add", "product", "quotient", "mean")))
def test_the_true_grid_is_found_through_arithmetic(decimals: int, counts: list[int], how: str) -> None:
    whole = np.array(counts, dtype=np.float64)
    clean = whole / 10**decimals
    values = {
        "add": (clean + 0.1) - 0.1 if decimals == 0 else clean + 10.0**-decimals,
        "product": whole * 10.0**-decimals,
        "quotient": whole * 3 / (10**decimals * 3.0),
        "mean": (clean + clean + clean) / 3,
    }[how]
    found = infer_step(values)
    assert found.is_exact
    assert found.step.denominator <= 10**decimals


@drawn
@given(st.integers(0, 2**31), st.floats(-10, 6), st.integers(20, 200))
def test_floats_on_no_grid_are_moved_by_little_and_told(seed: int, magnitude: float, count: int) -> None:
    values = 10.0**magnitude * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.004, count)))
    found = infer_step(values)
    rounded = np.round(values * found.step.denominator) / found.step.denominator
    moved = np.abs(rounded - values) / values
    assert values.max() * found.step.denominator <= LARGEST_STEPS
    if found.is_exact:  # so large that nine decimals keep every digit
        assert moved.max() <= 3e-15
        return
    assert found.moved == pytest.approx(moved.max(), rel=1e-3, abs=1e-15)
    assert int(np.argmax(moved)) == found.worst or moved[found.worst] == pytest.approx(moved.max(), rel=1e-3)
    assert found.step.denominator >= 10**9 or values.max() > 1e6
    assert found.moved <= 1e-9 or values.max() * found.step.denominator * 10 > LARGEST_STEPS or found.step.denominator == 10**15


def test_two_units_in_the_last_place_are_no_lot_of_one_coin() -> None:
    volumes = np.random.default_rng(1).uniform(1, 100, 300).round(8)
    volumes[7] += 2 * np.spacing(volumes[7])
    assert infer_step(volumes, 8, most=9).step == Step(1, 10**8)


def test_a_sum_of_rounded_prices_keeps_their_tick() -> None:
    prices = (60_000 * np.exp(np.random.default_rng(2).normal(0, 0.1, 500))).round(2) + 0.1
    assert infer_step(prices).step == Step(1, 100)


def test_what_cannot_be_held_says_which_value_and_how_far() -> None:
    found = infer_step(np.array([123_456.789, 1.23456e-9, 5.0]))
    assert not found.is_exact
    assert found.step == Step(1, 10**10)  # 1.2e15 ticks; eleven decimals would need 1.2e16
    assert found.worst == 1
    assert found.moved == pytest.approx((1.23456e-9 - 1.2e-9) / 1.23456e-9, rel=1e-6)
