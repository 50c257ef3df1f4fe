"""The other process of the determinism check: `python -m framework.prove.child TRIAL RECORDS`."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import numpy as np


def main(asked: str, answer: str) -> None:
    """Read a pickled trial written by the parent, run it, and save its records."""
    paths, payload = pickle.loads(Path(asked).read_bytes())
    sys.path[:] = paths
    trial = pickle.loads(payload)
    np.save(answer, trial.run())


if __name__ == "__main__":
    main(*sys.argv[1:])
