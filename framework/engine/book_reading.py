"""What a strategy sees of books and trades: best prices, sizes, depth. Part of the view.

`side` is +1 for bids and -1 for offers. Everything is as the feed has told it up to now; a book that is unknown, before its first
snapshot or after a gap, has no prices: they are NaN, and sizes are 0.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from framework.engine.failures import unknown_side
from framework.engine.market import Quote, Trade
from framework.engine.reading import Reading
from framework.errors import InputError
from framework.kernel.layout.market_records import MARKS
from framework.kernel.trader import trader_calls

_WORD = {name: MARKS.fields[name][1] // 8 for name in MARKS.names}  # type: ignore[index, union-attr]
_WORDS = MARKS.itemsize // 8
_BID, _ASK, _BID_LOTS, _ASK_LOTS = (_WORD[name] for name in ("bid", "ask", "bid_lots", "ask_lots"))
_LOWER, _UPPER = _WORD["lower_limit"], _WORD["upper_limit"]


class BookReading(Reading):
    """The part of the view that reads books."""

    def bid(self, instrument: str) -> float:
        """The best bid of the last quote or book; NaN where there is none."""
        return self._price_at(instrument, _BID)

    def ask(self, instrument: str) -> float:
        """The best offer of the last quote or book; NaN where there is none."""
        return self._price_at(instrument, _ASK)

    def lower_limit(self, instrument: str) -> float:
        """The price below which the venue does not execute now; NaN where it has none."""
        return self._price_at(instrument, _LOWER)

    def upper_limit(self, instrument: str) -> float:
        """The price above which the venue does not execute now; NaN where it has none."""
        return self._price_at(instrument, _UPPER)

    def bid_size(self, instrument: str) -> float:
        """What stands at the best bid, in units."""
        return self._size_at(instrument, _BID_LOTS)

    def ask_size(self, instrument: str) -> float:
        """What stands at the best offer, in units."""
        return self._size_at(instrument, _ASK_LOTS)

    def size_at(self, instrument: str, side: int, price: float) -> float:
        """What stands at a price of a side of the book, in units; 0 where nothing does."""
        i = self.number(instrument)
        up, down = self._lots[i]
        lots: int = trader_calls.lots_at(self._address, i, _checked_side(side), float(price))
        return lots * up / down

    def levels(self, instrument: str, side: int, count: int) -> NDArray[np.float64]:
        """The best `count` prices of a side with their sizes, the best first: shape (k, 2), k = count or what there is."""
        i = self.number(instrument)
        found: NDArray[np.int64] = np.zeros((max(count, 0), 2), dtype=np.int64)
        k = trader_calls.levels(self._address, i, _checked_side(side), found)
        (up, down), (lot_up, lot_down) = self._ticks[i], self._lots[i]
        return np.column_stack((found[:k, 0] * up / down, found[:k, 1] * lot_up / lot_down))

    def imbalance(self, instrument: str, levels: int = 1) -> float:
        """(bids - offers) / (bids + offers) in lots over the best `levels` prices of each side; NaN for an empty book."""
        return float(trader_calls.imbalance(self._address, self.number(instrument), levels))

    def weighted_mid(self, instrument: str) -> float:
        """(bid x offered lots + ask x bid lots) / (bid lots + offered lots) of the best prices; NaN where a side is empty."""
        i = self.number(instrument)
        up, down = self._ticks[i]
        return float(trader_calls.weighted_mid_ticks(self._address, i)) * up / down

    def sweep_price(self, instrument: str, quantity: float) -> float:
        """Mean price at which taking `quantity` (below 0: selling) would fill now; NaN where the book holds less."""
        i = self.number(instrument)
        up, down = self._ticks[i]
        return float(trader_calls.sweep_ticks(self._address, i, float(quantity))) * up / down

    @property
    def waking_book(self) -> Quote:
        """The best prices of the book that this BOOK wake tells of."""
        return self.quote

    @property
    def trade(self) -> Trade:
        """The trade of this wake."""
        i = self.wake.instrument
        return Trade.of(self.wake.tape, self.wake.row, self._terms[i])

    def _price_at(self, instrument: str, word: int) -> float:
        i = self.number(instrument)
        ticks = self._mark_words[i * _WORDS + word]
        up, down = self._ticks[i]
        return ticks * up / down if ticks else math.nan

    def _size_at(self, instrument: str, word: int) -> float:
        i = self.number(instrument)
        up, down = self._lots[i]
        return self._mark_words[i * _WORDS + word] * up / down


def _checked_side(side: int) -> int:
    if side not in (1, -1):
        raise InputError(unknown_side(side))
    return int(side)
