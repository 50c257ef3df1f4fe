"""Standard errors of estimates from dependent data: blocks drawn with replacement (Kuensch 1989)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def block_length(count: int) -> int:
    """Rows of a block: the cube root of their number, rounded up, at least 1, the order that minimises the error of the variance.

    >>> block_length(1000), block_length(0)
    (10, 1)
    """
    return max(1, int(np.ceil(round(count ** (1 / 3), 9))))


def deviations(estimate: Callable[[Ints], Floats], count: int, *, length: int, draws: int, seed: int) -> Floats:
    """Standard deviation of estimates over rows that are drawn anew, in blocks that may reach around the end.

    Args:
        estimate: from row numbers, shape (count,), to numbers, shape (k,); NaN where it fails.
        count: rows.
        length: rows of a block.
        draws: how often.
        seed: of the draws.

    Returns:
        Shape (k,), over the draws that did not fail; NaN where more than half did.
    """
    random = np.random.default_rng(seed)
    blocks = -(-count // length)
    made = []
    for _ in range(draws):
        begins = random.integers(0, count, blocks)
        rows = (begins[:, None] + np.arange(length)).ravel()[:count] % count
        made.append(estimate(rows))
    return spread(np.array(made, dtype=np.float64))


def spread(values: Floats) -> Floats:
    """Sample deviation of each column over its finite values; NaN where fewer than half, or fewer than 2, are finite."""
    finite = np.isfinite(values)
    counts = finite.sum(axis=0)
    mean = np.where(finite, values, 0.0).sum(axis=0) / np.maximum(counts, 1)
    squares = np.where(finite, (values - mean) ** 2, 0.0).sum(axis=0)
    out: Floats = np.sqrt(squares / np.maximum(counts - 1, 1))
    out[(counts < 2) | (2 * counts < len(values))] = np.nan
    return out
