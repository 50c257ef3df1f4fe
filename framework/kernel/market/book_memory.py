"""The memory of books, and what must be known of a tape's ticks to lay it out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framework.kernel.layout.depth_records import LEVEL, RESTING
from framework.kernel.layout.half import Half
from framework.kernel.market.order_book import rehash

_FEWEST_TICKS, MOST_TICKS_LOG2 = 1024, 20
"""A book's window covers its tape's prices, from 1,024 to 2**20 ticks."""

_WIDE_TICKS = 1 << 14
"""Two books, two sides, 24 bytes a level: 1.5 MB."""

_OPEN_TICKS = 1 << 14
"""The window of a book whose prices nobody knows beforehand; it follows the best price."""

_RESTING_ROWS = 1 << 14


@dataclass(frozen=True, slots=True)
class Ticks:
    """What the halves must know of a tape's ticks before they begin.

    Attributes:
        spans: lowest and highest price in ticks of each instrument that has a book, by number; (0, 0) where nobody knows yet.
        quoted: numbers of the instruments that have quotes.
        has_orders: whether books are published by order.
        auctions: numbers of the instruments of which prints of auctions are published.
        starts_empty: whether a book counts as known, and empty, before its first snapshot.
    """

    spans: Mapping[int, tuple[int, int]]
    quoted: frozenset[int] = frozenset()
    has_orders: bool = False
    auctions: frozenset[int] = frozenset()
    starts_empty: bool = False

    @property
    def has_wide_books(self) -> bool:
        """Whether the levels of some book do not fit into the cache that a processor's core has for itself."""
        return any(high - low >= _WIDE_TICKS for low, high in self.spans.values())


class Books:
    """The memory of one half's books of depth. It does not hold the half, which would then wait for the garbage collector."""

    def __init__(self, half: Half, ticks: Ticks) -> None:
        self._memory: list[NDArray[np.generic]] = []  # owned here, reached by address
        rows = half.tables["depths"]
        for instrument, (low, high) in ticks.spans.items():
            span = high - low + 1
            size = 1 << min(max(span - 1, _FEWEST_TICKS - 1).bit_length(), MOST_TICKS_LOG2) if high > 0 else _OPEN_TICKS
            row = rows[instrument]
            for levels, marks in (("bids", "bid_bits"), ("asks", "ask_bits")):
                row[levels] = self._own(np.zeros(size, dtype=LEVEL))
                row[marks] = self._own(np.zeros(size // 64, dtype=np.int64))
            row["mask"], row["is_known"] = size - 1, ticks.starts_empty
            row["low"], row["is_fixed"] = (low, 1) if high > 0 and span <= size else (0, 0)
        rows["is_quoted"][list(ticks.quoted)] = 1
        if ticks.has_orders:
            half._place("resting", half.cleared(_RESTING_ROWS, RESTING))

    def _own(self, memory: NDArray[np.generic]) -> int:
        self._memory.append(memory)
        return int(memory.ctypes.data)


def grow_resting(half: Half) -> None:
    """Double a half's table of resting orders."""
    old = half.tables["resting"]
    half._place("resting", half.cleared(max(2 * len(old), _RESTING_ROWS), RESTING))
    rehash(half.record, old.ctypes.data, len(old))
