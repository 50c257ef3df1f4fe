"""Seeds of random tests: the same ones every time, or, where `make long` looks for what nobody has seen yet, drawn anew."""

from __future__ import annotations

import os

import numpy as np

VARIABLE = "ONETAPE_SEED"
"""What the seeds are drawn from. `make long` sets it to a number of its own and prints it; set it to have the same seeds again."""


def seeds(count: int, owner: str) -> list[int]:
    """So many seeds for a test: 0, 1, 2, ... or, if ONETAPE_SEED is set, others, drawn from it and the test's name.

    @pytest.mark.parametrize("seed", seeds(20, "orders of all types"))

    Args:
        count: how many.
        owner: what tells the test from others, so that two tests do not try the same numbers.

    Raises:
        ValueError: ONETAPE_SEED is not a whole number of at least 0.
    """
    chosen = _chosen()
    if chosen is None:
        return list(range(count))
    random = np.random.default_rng([chosen, *owner.encode()])
    return [int(seed) for seed in random.integers(0, 2**31, size=count)]


def told() -> str:
    """A line for the report: which seeds these are and how to have them again."""
    chosen = _chosen()
    return "seeds: fixed" if chosen is None else f"seeds: drawn from {VARIABLE}={chosen}; set it to repeat them"


def _chosen() -> int | None:
    text = os.environ.get(VARIABLE, "")
    if text and not text.isdecimal():
        raise ValueError(f"{VARIABLE}={text!r}: not a whole number of at least 0. Set another one, or none for the fixed seeds.")
    return int(text) if text else None
