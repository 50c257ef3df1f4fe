"""Block bootstrap: against the error of a mean that theory gives."""

from __future__ import annotations

import numpy as np
import pytest

from research.bootstrap import block_length, deviations, spread


def test_the_error_of_a_mean_of_independent_values() -> None:
    values = np.random.default_rng(1).normal(0.0, 2.0, 2_000)
    error = deviations(lambda rows: np.array([values[rows].mean()]), 2_000, length=5, draws=400, seed=2)[0]
    assert error == pytest.approx(2.0 / np.sqrt(2_000), rel=0.12)


def test_blocks_see_dependence() -> None:
    """x_t = 0.8 x_{t-1} + e: the mean's error is 1 / (1 - 0.8) / sqrt(n), three times what single rows would say."""
    noise = np.random.default_rng(3).normal(0.0, 1.0, 20_000)
    values = np.zeros(20_000)
    for k in range(1, 20_000):
        values[k] = 0.8 * values[k - 1] + noise[k]
    errors = [deviations(lambda rows: np.array([values[rows].mean()]), 20_000, length=one, draws=300, seed=4)[0] for one in (1, 100)]
    assert errors[1] == pytest.approx(5.0 / np.sqrt(20_000), rel=0.2)
    assert errors[0] < 0.5 * errors[1]


def test_the_same_seed_draws_the_same() -> None:
    values = np.random.default_rng(1).normal(size=50)
    one, two, other = (deviations(lambda rows: values[rows][:1], 50, length=3, draws=20, seed=seed)[0] for seed in (5, 5, 6))
    assert one == two != other


def test_draws_that_failed_are_passed_over() -> None:
    nan = np.nan
    assert spread(np.array([[1.0, nan, nan], [3.0, 5.0, nan], [nan, 7.0, 1.0]])).tolist() == pytest.approx(
        [2**0.5, 2**0.5, nan], nan_ok=True
    )


def test_block_length() -> None:
    assert [block_length(n) for n in (0, 1, 8, 9, 1_000)] == [1, 1, 2, 3, 10]
