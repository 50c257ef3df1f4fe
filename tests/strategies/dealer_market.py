"""The market of Avellaneda and Stoikov (2008, section 3.3) as a tape that our engine trades on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framework.data.tape import Tape, build
from framework.reports.result import Result
from framework.schema.event import EVENT, Flag, Kind
from framework.schema.instrument import Instrument
from framework.schema.units import Step

START_NS, STEP_NS = 1_704_067_200_000_000_000, 3_600_000_000_000
TICKS = 1000
"""A price unit: the model has no tick, so ours is small against its spreads."""

STEPS, DT, SIGMA, A, K, GAMMA = 200, 0.005, 2.0, 140.0, 1.5, 0.1
"""The paper's T / dt, dt, sigma, A, k and gamma; a step lasts an hour here."""

_FAR = 20 * TICKS


@dataclass(frozen=True)
class Path:
    """One simulated path: the mid in ticks at each step, and how deep the market orders of each step reach, in ticks from the mid."""

    mid: NDArray[np.int64]
    sells: NDArray[np.int64]
    buys: NDArray[np.int64]

    @classmethod
    def drawn(cls, seed: int) -> Path:
        """In each step one market order a side; it reaches beyond a distance d with the paper's probability of a fill, A dt exp(-k d).

        Where that is above 1 it is 1. The mid moves by +-sigma sqrt(dt).
        """
        random = np.random.default_rng(seed)
        moves = SIGMA * np.sqrt(DT) * np.where(random.random(STEPS) < 0.5, 1.0, -1.0)
        mid = np.rint((100.0 + np.concatenate(([0.0], np.cumsum(moves)))) * TICKS).astype(np.int64)
        reach = np.rint((np.log(A * DT) / K + random.exponential(1.0 / K, (2, STEPS))) * TICKS).astype(np.int64)
        return cls(mid, reach[0], reach[1])

    def tape(self) -> Tape:
        """At each step a book 20 away on both sides, so that only the mid matters; between two steps a sale and a purchase."""
        rows = np.zeros((STEPS + 1, 4), dtype=EVENT)
        stamps = START_NS + np.arange(STEPS + 1) * STEP_NS
        rows["kind"][:, :2], rows["kind"][:, 2:] = Kind.DEPTH, Kind.TRADE
        rows["ts_venue_ns"][:, :2], rows["ts_venue_ns"][:, 2:] = stamps[:, None], (stamps + STEP_NS // 2)[:, None]
        rows["ts_local_ns"] = rows["ts_venue_ns"]
        book = int(Flag.SNAPSHOT)
        rows["flags"] = np.array([book | Flag.CLEAR | Flag.BUY, book | Flag.LAST | Flag.SELL, Flag.SELL, Flag.BUY], dtype=np.uint16)
        rows["w0"][:, 0], rows["w0"][:, 1] = self.mid - _FAR, self.mid + _FAR
        rows["w0"][:-1, 2], rows["w0"][:-1, 3] = self.mid[:-1] - self.sells, self.mid[:-1] + self.buys
        rows["w1"][:, :2], rows["w1"][:, 2:] = 1000, 1
        return build({}, {"S": Instrument("S", tick=Step(1, TICKS))}, extra=rows.ravel()[:-2].copy())


def outcome(path: Path, result: Result) -> tuple[float, float]:
    """Profit, what is held being valued at the last mid, and what is held."""
    fills = result.fills
    signed = np.where(fills["side"].astype(str) == "BUY", 1.0, -1.0) * fills["quantity"].to_numpy()
    held = float(signed.sum())
    return float(held * path.mid[-1] / TICKS - (signed * fills["price"].to_numpy()).sum()), held


def by_the_paper(path: Path, spread: float | None = None) -> tuple[float, float]:
    """The paper's own loop on the same draws, without engine, ticks or orders; `spread` quotes that much around the mid instead."""
    held = cash = 0.0
    for j in range(STEPS):
        mid, variance = path.mid[j] / TICKS, GAMMA * SIGMA**2 * (1.0 - j * DT)
        half = 0.5 * (variance + 2.0 / GAMMA * np.log(1.0 + GAMMA / K)) if spread is None else 0.5 * spread
        center = mid - held * variance if spread is None else mid
        bids, asks = mid - path.sells[j] / TICKS < center - half, mid + path.buys[j] / TICKS > center + half
        cash += asks * (center + half) - bids * (center - half)
        held += float(bids) - float(asks)
    return cash + held * path.mid[-1] / TICKS, held
