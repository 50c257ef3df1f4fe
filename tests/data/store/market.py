"""A small made-up market with every awkward thing: several kinds at one stamp, two instruments, months, odd symbols."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from framework.data.tape.recording import Recording
from framework.schema.event import EVENT, NO_INSTRUMENT, Flag, Kind
from framework.schema.instrument import Instrument
from framework.schema.units import Step

HOUR = 3600 * 10**9
T0 = 19_723 * 24 * HOUR  # 2024-01-01
INSTRUMENTS = (
    Instrument("ETH/USDT:USDT", tick=Step(1, 100), lot=Step(1, 1000), multiplier=0.1, currency="USDT", venue="DEX"),
    Instrument("BTC", tick=Step(1, 2), currency="USDT"),
)


def events(rows: int = 6000, seed: int = 3) -> NDArray[np.void]:
    """Trades, depth and funding of both instruments over about 60 days; many share a stamp."""
    draw = np.random.default_rng(seed)
    made = np.zeros(rows, EVENT)
    made["ts_local_ns"] = T0 + np.sort(draw.integers(0, 1440, rows)) * HOUR
    made["ts_venue_ns"] = made["ts_local_ns"] - draw.integers(0, 1000, rows)
    made["kind"] = draw.choice([Kind.TRADE, Kind.DEPTH, Kind.FUNDING, Kind.GAP], rows, p=[0.3, 0.6, 0.05, 0.05])
    made["flags"] = draw.choice([Flag.BUY, Flag.SELL], rows)
    made["instrument"] = draw.integers(0, 2, rows)
    for word in ("w0", "w1", "w2", "w3", "w4"):
        made[word] = draw.integers(-(2**62), 2**62, rows)
    halts = made["kind"] == Kind.GAP
    made["instrument"][np.flatnonzero(halts)[:5]] = NO_INSTRUMENT
    return made


def recording(made: NDArray[np.void] | None = None, size: int = 500, source: str = "made up") -> Recording:
    found = events() if made is None else made

    def parts() -> Iterator[NDArray[np.void]]:
        return (found[begin : begin + size] for begin in range(0, len(found), size))

    return Recording(INSTRUMENTS, parts, source, ("Made up.",))


def by_hand(found: NDArray[np.void], order: tuple[int, ...] = (1, 0)) -> list[tuple[int, ...]]:
    """The rows in the order of a tape, sorted by Python: stamp, funding after market data, symbol, then as they came."""
    place = {old: new for new, old in enumerate(order)} | {NO_INSTRUMENT: NO_INSTRUMENT}
    rows = [(*row[:4], place[row[4]], *row[5:]) for row in (tuple(int(value) for value in event) for event in found)]
    return sorted(rows, key=lambda row: (row[0], 5 if row[2] == Kind.FUNDING else 0, row[4]))


def as_rows(found: NDArray[np.void]) -> list[tuple[int, ...]]:
    return [tuple(int(value) for value in event) for event in found]
