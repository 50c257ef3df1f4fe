"""The other process of the determinism check."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np


def main(asked: str, answer: str) -> None:
    """Read a pickled trial written by the parent, run it, and save its records."""
    trial = pickle.loads(Path(asked).read_bytes())
    np.save(answer, trial.run())
