"""Random draws that depend on names only, and the words by which synthetic data are known.

Each stream of draws is a Philox generator whose 128-bit key is blake2b of "seed/model/symbol/stream". So another instrument, or
another sort of draw in a model, shifts no other; and neither the order of instruments nor the size of parts matters.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from framework.data.tape.recording import Recording
from framework.errors import InputError

VENUE = "SYNTHETIC"
"""The venue of every synthetic instrument."""

Truth = TypeVar("Truth")


@dataclass(frozen=True, slots=True)
class Synthetic(Generic[Truth]):
    """What a generator made, and the truth that made it.

    Attributes:
        recording: the events, made again each time they are read; its notes say that they are synthetic.
        truth: parameters, what follows from them, and the paths nobody sees in a market.
    """

    recording: Recording
    truth: Truth


def generator(seed: int, model: str, symbol: str, stream: str) -> np.random.Generator:
    """The draws of one stream.

    >>> float(generator(7, "walk", "A", "steps").random()) == float(generator(7, "walk", "A", "steps").random())
    True
    """
    key = hashlib.blake2b(f"{seed}/{model}/{symbol}/{stream}".encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(key, "little")))


def note(model: str, seed: int) -> str:
    """What every report on synthetic data shows."""
    return f"Synthetic data: made by a generator ({model}, seed {seed}), not recorded from a market."


def check_symbols(symbols: tuple[str, ...]) -> None:
    """Refuse no symbols, or one twice.

    Raises:
        InputError: as said.
    """
    if not symbols or len(set(symbols)) < len(symbols):
        raise InputError(f"symbols={symbols}: give at least one, and each once.")
