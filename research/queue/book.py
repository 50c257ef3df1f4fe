"""The kernel's order book of one instrument outside of a run: its memory, and room for the orders of others."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from framework.data.tape.recording import Events
from framework.kernel.layout.depth_records import DEPTH_BOOK, LEVEL, RESTING
from framework.kernel.market.order_book import rehash
from framework.schema.event import Kind
from research.queue.records import BOOK_HALF

_FEWEST_TICKS, _MOST_TICKS_LOG2 = 1024, 20
"""A window of 1,024 to 2**20 ticks, as in a run."""
_RESTING_ROWS = 1 << 14


class Book:
    """A book for compiled walks, which reach it by `address`.

    Args:
        events: those it will be fed, for the window of prices.
        starts_empty: whether it is known, and empty, before its first snapshot.
    """

    def __init__(self, events: Events, *, starts_empty: bool) -> None:
        prices = events["w0"][(events["kind"] == Kind.DEPTH) & (events["w0"] > 0)]
        low, high = (int(prices.min()), int(prices.max())) if len(prices) else (1, 1)
        size = 1 << min(max(high - low, _FEWEST_TICKS - 1).bit_length(), _MOST_TICKS_LOG2)
        self._memory: list[NDArray[Any]] = []
        self._depth = np.zeros(1, DEPTH_BOOK)
        row = self._depth[0]
        for levels, marks in (("bids", "bid_bits"), ("asks", "ask_bits")):
            row[levels] = self._own(np.zeros(size, LEVEL))
            row[marks] = self._own(np.zeros(size // 64, np.int64))
        row["mask"], row["is_known"] = size - 1, starts_empty
        row["low"], row["is_fixed"] = (low, 1) if high - low < size else (0, 0)
        self._resting = np.zeros(_RESTING_ROWS, RESTING)
        self._half = np.zeros(1, BOOK_HALF)
        self._half["depths"], self.address = self._depth.ctypes.data, int(self._half.ctypes.data)
        self._place_resting()

    def grow(self) -> None:
        """Make the table of resting orders twice as long."""
        old = self._resting
        self._resting = np.zeros(2 * len(old), RESTING)
        self._place_resting()
        rehash(self._half, old.ctypes.data, len(old))

    def _own(self, memory: NDArray[Any]) -> int:
        self._memory.append(memory)
        return int(memory.ctypes.data)

    def _place_resting(self) -> None:
        self._half["resting"], self._half["resting_capacity"] = self._resting.ctypes.data, len(self._resting)
