"""Other futures of books and trades: levels and orders at other prices, in other sizes, on the other side, gone, or lost on the way."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framework.kernel.market.book_memory import MOST_TICKS_LOG2
from framework.schema.event import Flag, Kind

Events = NDArray[np.void]
Rows = NDArray[np.int64]

TICK_KINDS = {
    "removed": "every later level and order that stood was removed, and every one that was removed stood",
    "sided": "every later bid became an offer, every buyer a seller, and the reverse",
    "lost": "later messages of books were lost on the way, and snapshots came at other places",
}
"""Kinds of change that books have beside those of prices and sizes."""

_MOST_ADDED = 10  # lots of what is told instead of nothing
_LOST, _SNAPPED = 0.05, 0.10  # shares of the messages that are lost, or become snapshots
_SIDES = int(Flag.BUY | Flag.SELL)
_SNAPSHOT = int(Flag.SNAPSHOT | Flag.CLEAR)
_LEAST_STEP = 16


def has_books(events: Events) -> bool:
    """Whether changes of books are told."""
    return bool((events["kind"] == Kind.DEPTH).any())


def change_prices(made: Events, events: Events, rows: Rows, kind: str, draw: np.random.Generator, *, is_up: bool) -> None:
    """Move the prices of DEPTH rows of one instrument by whole ticks, so far that they stay within a window of the book.

    A window that had to grow beyond what is kept would change the book before the stamp too. `noise` lets them wander; `shuffled` puts
    prices, sizes, orders and sides into another order.
    """
    mine = rows[(events["kind"][rows] == Kind.DEPTH) & (events["w0"][rows] > 0)]  # without a price it only clears
    if not len(mine):
        return
    if kind == "shuffled":
        order = draw.permutation(len(mine))
        for word in ("w0", "w1", "w2"):
            made[word][mine] = events[word][mine[order]]
        flags = events["flags"][mine]
        made["flags"][mine] = (flags & np.uint16(0xFFFF ^ _SIDES)) | (flags[order] & np.uint16(_SIDES))
        return
    owner = events["instrument"][mine[0]]
    prices = events["w0"][(events["kind"] == Kind.DEPTH) & (events["instrument"] == owner) & (events["w0"] > 0)]
    low, high = int(prices.min()), int(prices.max())
    room = min(max(((1 << MOST_TICKS_LOG2) - 1 - (high - low)) // 2, 1), high - low + _LEAST_STEP)
    step = int(draw.integers((room + 1) // 2, room + 1))
    moves: NDArray[np.int64] = np.full(len(mine), step if is_up else -step)
    if kind == "noise":
        moves = np.clip(np.cumsum(draw.integers(-2, 3, len(mine))), -step, step)
    made["w0"][mine] = np.maximum(events["w0"][mine] + moves, 1)


def change_ticks(made: Events, events: Events, rows: Rows, kind: str, draw: np.random.Generator) -> None:
    """Apply one of `TICK_KINDS` to rows of one instrument."""
    kinds = events["kind"][rows]
    books = rows[kinds == Kind.DEPTH]
    if kind == "removed":
        priced = books[events["w0"][books] > 0]
        lots = events["w1"][priced]
        made["w1"][priced] = np.where(lots == 0, draw.integers(1, _MOST_ADDED + 1, len(priced)), 0)
    elif kind == "sided":
        told = rows[((kinds == Kind.DEPTH) | (kinds == Kind.TRADE)) & (events["flags"][rows] & _SIDES != 0)]
        made["flags"][told] ^= np.uint16(_SIDES)
    else:
        _lose(made, events, rows, books, draw)


def _lose(made: Events, events: Events, rows: Rows, books: Rows, draw: np.random.Generator) -> None:
    gaps = rows[events["kind"][rows] == Kind.GAP]
    made["kind"][gaps] = Kind.NONE
    if not len(books):
        return
    made["flags"][books] &= np.uint16(0xFFFF ^ _SNAPSHOT)
    begins = np.concatenate([[True], (events["flags"][books][:-1] & int(Flag.LAST)) != 0])
    chance = draw.random(len(books))
    chance[0] = 0.0
    lost = books[begins & (chance < _LOST)]
    made["kind"][lost], made["flags"][lost] = Kind.GAP, 0
    for word in ("w0", "w1", "w2", "w3", "w4"):
        made[word][lost] = 0
    snapped = books[begins & (chance >= _LOST) & (chance < _LOST + _SNAPPED)]
    made["flags"][snapped] |= np.uint16(_SNAPSHOT)
