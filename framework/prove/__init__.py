"""Proofs that a strategy's backtest can be believed: no look-ahead, enough warm-up, nothing irrelevant matters, the same every time.

    from framework.prove import prove

    proof = prove(Crossover, "us_equities_daily")
    proof.passed, proof["look_ahead"].first_difference

A strategy that holds data computed before the run (signals in a frame, a fitted model, a chosen universe) says how they are made
from data, so that they are made again from changed data: a classmethod `from_data(cls, frames, **params)`, or a function
`frames -> Strategy` in place of the strategy. `frames` maps symbols to bars at their closes, see `frames_of`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from framework.data.tape.frames import frames_of
    from framework.prove.proof import CHECKS, prove
    from framework.prove.verdict import Datum, Difference, Proof, Verdict

__all__ = ["CHECKS", "Datum", "Difference", "Proof", "Verdict", "frames_of", "prove"]

_HOMES = {
    "CHECKS": "framework.prove.proof",
    "Datum": "framework.prove.verdict",
    "Difference": "framework.prove.verdict",
    "Proof": "framework.prove.verdict",
    "Verdict": "framework.prove.verdict",
    "frames_of": "framework.data.tape.frames",
    "prove": "framework.prove.proof",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'framework.prove' has no attribute {name!r}")
    value: object = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value  # the next look-up does not come here
    return value
