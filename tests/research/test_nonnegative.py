"""Least squares with coefficients of at least 0: by hand, by the conditions of an optimum, and beside scipy."""

from __future__ import annotations

import numpy as np
import pytest

from research.nonnegative import nonnegative_least_squares


def test_by_hand() -> None:
    """Free, x is (-1, 2); with x_0 = 0 the best x_1 is (1 x 1 + 1 x 2) / 2."""
    design = np.array([[1.0, 1.0], [0.0, 1.0]])
    assert nonnegative_least_squares(design, np.array([1.0, 2.0])).tolist() == pytest.approx([0.0, 1.5])
    assert nonnegative_least_squares(design, np.array([3.0, 2.0])).tolist() == pytest.approx([1.0, 2.0])
    assert nonnegative_least_squares(design, np.array([-1.0, -2.0])).tolist() == [0.0, 0.0]
    assert nonnegative_least_squares(design, np.zeros(2)).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("seed", range(25))
def test_it_is_an_optimum(seed: int) -> None:
    """No coefficient can gain: the gradient is 0 where x > 0 and not below 0 elsewhere. Columns are nearly alike, as exponentials are."""
    random = np.random.default_rng(seed)
    lags = np.arange(1.0, 61.0)
    design = np.column_stack([np.ones(60), np.exp2(-lags[:, None] / np.geomspace(0.5, 240.0, 8))])
    y = design @ np.maximum(random.normal(0.0, 1.0, 9), 0.0) + random.normal(0.0, 0.1, 60)
    x = nonnegative_least_squares(design, y)
    gradient = design.T @ (design @ x - y)
    assert (x >= 0.0).all()
    assert np.abs(gradient[x > 0.0]).max(initial=0.0) < 1e-9
    assert gradient.min() > -1e-9
    nnls = pytest.importorskip("scipy.optimize").nnls
    assert np.linalg.norm(design @ x - y) == pytest.approx(nnls(design, y)[1], rel=1e-9)
