"""How much stands in a book, and on which side it presses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from framework.errors import InputError
from framework.stages.features.feature import Floats, above, at_least, feature_kernel


@feature_kernel
def _pressure(bids: Any, asks: Any, decay: float) -> float:
    if not (bids[0, 0] > 0.0 and asks[0, 0] > 0.0):
        return math.nan
    mid = 0.5 * (bids[0, 0] + asks[0, 0])
    buying = selling = 0.0
    for k in range(len(bids)):
        if bids[k, 0] > 0.0:
            buying += bids[k, 1] * math.exp((bids[k, 0] - mid) / decay)
    for k in range(len(asks)):
        if asks[k, 0] > 0.0:
            selling += asks[k, 1] * math.exp((mid - asks[k, 0]) / decay)
    return (buying - selling) / (buying + selling) if buying + selling > 0.0 else math.nan


@feature_kernel
def _depth(bids: Any, asks: Any, decay: float) -> float:
    total = 0.0
    for side in (bids, asks):
        for k in range(len(side)):
            if side[k, 0] > 0.0:
                total += side[k, 1]
    return 0.5 * total


@feature_kernel
def _pressures(bids: Any, asks: Any, decay: float, out: Any) -> None:
    for k in range(len(out)):
        out[k] = _pressure(bids[k], asks[k], decay)


@feature_kernel
def _depths(bids: Any, asks: Any, decay: float, out: Any) -> None:
    for k in range(len(out)):
        out[k] = _depth(bids[k], asks[k], decay)


class _OfBooks:
    """A feature of one book as it stands; nothing is remembered."""

    _one: Any
    _loop: Any

    def __init__(self, levels: int, decay: float) -> None:
        self.levels, self._decay = int(at_least("levels", levels, 1)), float(above("decay", decay, 0.0))

    def update(self, bids: ArrayLike, asks: ArrayLike) -> float:
        """Of one book: the best levels of each side, shape (k, 2), prices and sizes, as `view.levels(instrument, side, k)` has them."""
        return float(type(self)._one(*(self._side(side, 2) for side in (bids, asks)), self._decay))

    def batch(self, bids: ArrayLike, asks: ArrayLike) -> Floats:
        """Of n books: shape (n, k, 2) each, NaN where there is no level; returns shape (n,)."""
        given = [self._side(side, 3) for side in (bids, asks)]
        if len(given[0]) != len(given[1]):
            raise InputError(f"{type(self).__name__}.batch: {len(given[0])} books of bids, {len(given[1])} of offers")
        out = np.empty(len(given[0]), dtype=np.float64)
        type(self)._loop(*given, self._decay, out)
        return out

    def over(self, table: pd.DataFrame) -> pd.Series:
        """Along the books of a market table that was made with at least as many levels."""
        suffixes = ["", *(f"_{k}" for k in range(2, self.levels + 1))]
        names = [f"{word}{suffix}" for suffix in suffixes for word in ("bid", "bid_size", "ask", "ask_size")]
        missing = [name for name in ("is_trade", *names) if name not in table.columns]
        if missing:
            raise InputError(
                f"{type(self).__name__}.over: no column {missing[0]!r}. Make the table with market_table(..., levels={self.levels})."
            )
        books = table[~table["is_trade"]]
        words = books[names].to_numpy().reshape(len(books), self.levels, 4)
        return pd.Series(self.batch(words[:, :, :2], words[:, :, 2:]), index=books.index, name=type(self).__name__)

    def _side(self, side: ArrayLike, dimensions: int) -> NDArray[np.float64]:
        given = np.asarray(side, dtype=np.float64)
        if given.ndim != dimensions or given.shape[-1] != 2:
            raise InputError(f"{type(self).__name__}: levels of shape {given.shape}; rule: {dimensions} dimensions, the last (price, size)")
        kept = given[..., : self.levels, :]
        if not kept.shape[-2]:  # an empty side is one level that is not there
            kept = np.full((*kept.shape[:-2], 1, 2), np.nan)
        return np.ascontiguousarray(kept)


class BookPressure(_OfBooks):
    """On which side the book presses, in [-1, 1]; above 0 the bids are heavier.

        (B - A) / (B + A),   B = sum of w(mid - p) x size over the best bids,   A likewise over the offers,   w(d) = exp(-d / decay)

    Without decay it is the volume imbalance of the best `levels` (Cartea, Jaimungal and Penalva 2015, Algorithmic and High-Frequency
    Trading; with one level Gould and Bonart 2016). With it lots far from the mid count less.

    Args:
        levels: how many of each side.
        decay: distance from the mid in price units over which a lot's weight falls to 1/e; the default weighs all alike.

    NaN where a side is empty or the book unknown.
    """

    _one, _loop = _pressure, _pressures

    def __init__(self, levels: int = 5, decay: float = math.inf) -> None:
        super().__init__(levels, decay)


class Depth(_OfBooks):
    """What stands on a side of the book, the mean of both sides: (sum of bid sizes + sum of ask sizes) / 2 over the best levels, in units.

    With one level it is the depth of Cont, Kukanov and Stoikov (2014), whose price impact is about 1 / (2 depth).
    """

    _one, _loop = _depth, _depths

    def __init__(self, levels: int = 1) -> None:
        super().__init__(levels, math.inf)
