"""Markets whose impact is planted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framework.data.tape import Tape, build
from framework.schema.event import EVENT, Flag, Kind
from framework.schema.instrument import Instrument
from framework.schema.units import Step

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

START_NS = 1_704_103_200_000_000_000  # 2024-01-01 10:00 UTC
SECOND_NS = 1_000_000_000
TICK = 10**6
"""Ticks in one unit of price: fine enough that rounding is far below every error."""


def tape(seconds: Floats, mids: Floats, trades: Floats, *, half_spread: float = 0.0001, calendar: str = "24/7", told: bool = True) -> Tape:
    """Quotes at mids x (1 +- half_spread), and trades (seconds, signed size, price), shape (n, 3); a price of 0 is the quote's."""
    events = np.zeros(len(mids) + len(trades), dtype=EVENT)
    quotes, prints = events[: len(mids)], events[len(mids) :]
    quotes["kind"], prints["kind"] = Kind.QUOTE, Kind.TRADE
    stamps = np.concatenate([seconds, trades[:, 0]])
    events["ts_local_ns"] = events["ts_venue_ns"] = START_NS + np.rint(stamps * SECOND_NS).astype(np.int64)
    quotes["w0"], quotes["w1"] = np.rint(mids * (1 - half_spread) * TICK), np.rint(mids * (1 + half_spread) * TICK)
    quotes["w2"] = quotes["w3"] = 1_000
    at = np.maximum(np.searchsorted(seconds, trades[:, 0], side="right") - 1, 0)
    paid = np.where(trades[:, 2] > 0, trades[:, 2], mids[at] * (1 + np.sign(trades[:, 1]) * half_spread))
    prints["w0"], prints["w1"] = np.rint(paid * TICK), np.abs(trades[:, 1])
    if told:
        prints["flags"] = np.where(trades[:, 1] > 0, int(Flag.BUY), int(Flag.SELL))
    return build({}, {"ACME": Instrument("ACME", tick=Step(1, TICK), calendar=calendar)}, extra=events, name="planted")


def remembering_signs(n: int, memory: float, seed: int) -> Floats:
    """Each sign is that before with this probability, else drawn anew: C(l) = memory^l."""
    random = np.random.default_rng(seed)
    fresh, keeps = random.choice([-1.0, 1.0], n), random.random(n) < memory
    keeps[0] = False
    return fresh[np.maximum.accumulate(np.where(keeps, 0, np.arange(n)))]


def moved(signs: Floats, bare: Floats, noise: float, seed: int) -> Floats:
    """Log mids before each trade by m_t = sum over s < t of G(t - s) eps_s + a walk of this noise; G stays at its last value."""
    kernel = np.diff(bare, prepend=0.0)
    returns = np.convolve(signs, kernel)[: len(signs)] + np.random.default_rng(seed).normal(0.0, noise, len(signs))
    return np.concatenate([[0.0], np.cumsum(returns)[:-1]])
