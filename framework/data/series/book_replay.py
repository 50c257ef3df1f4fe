"""A plain order book built from DEPTH events, for tests and quality checks. It is not the book the engine matches against.

Levels are kept by price. In a book by order, a level without an order id is what stands at that price without a known order, so the
lots of a price are those of the level plus those of its orders.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framework.data.tape.recording import Events, Recording
from framework.errors import DataError
from framework.schema.event import Flag, Kind

Level = tuple[int, int]
"""Price in ticks, lots."""

_BUY, _SELL, _CLEAR, _LAST = int(Flag.BUY), int(Flag.SELL), int(Flag.CLEAR), int(Flag.LAST)


class _Side:
    """The levels of one side: lots by price, and the prices in ascending order."""

    def __init__(self) -> None:
        self.lots: dict[int, int] = {}
        self.without_order: dict[int, int] = {}
        self.prices: list[int] = []

    def add(self, price: int, lots: int) -> None:
        before = self.lots.get(price, 0)
        after = before + lots
        if after:
            self.lots[price] = after
            if not before:
                insort(self.prices, price)
        elif before:
            del self.lots[price]
            del self.prices[bisect_left(self.prices, price)]


class OrderBook:
    """The book of one instrument of a recording.

    Until the first snapshot, and from a GAP to the next one, messages are missing: `is_known` is False, DEPTH is passed over and
    `bids`, `asks` and `is_crossed` raise. Unknown is not empty.

    Args:
        instrument: position in the recording; events of others are passed over.
        starts_empty: True where the recording begins before the first order, or where only the levels touched since then matter.
    """

    def __init__(self, instrument: int = 0, *, starts_empty: bool = False) -> None:
        self.is_known = starts_empty
        self.unknown_since_ns = 0
        self._instrument = instrument
        self._in_snapshot = False
        self._forget()

    def _forget(self) -> None:
        self._bids, self._asks = _Side(), _Side()
        self._orders: dict[int, tuple[_Side, int, int]] = {}

    def bids(self, count: int) -> list[Level]:
        """The best `count` bids, highest first; fewer where there are fewer."""
        self._must_be_known()
        return [(price, self._bids.lots[price]) for price in self._bids.prices[: -count - 1 : -1]]

    def asks(self, count: int) -> list[Level]:
        """The best `count` offers, lowest first; fewer where there are fewer."""
        self._must_be_known()
        return [(price, self._asks.lots[price]) for price in self._asks.prices[:count]]

    @property
    def is_crossed(self) -> bool:
        """Whether the best bid is at or above the best offer. Between the events of one message that may be."""
        self._must_be_known()
        return bool(self._bids.prices and self._asks.prices and self._bids.prices[-1] >= self._asks.prices[0])

    def apply(self, events: Events) -> None:
        """Apply events in their order; other kinds than DEPTH and GAP change nothing."""
        for _ in self.messages(events):
            pass

    def messages(self, events: Events) -> Iterator[int]:
        """Apply events message by message; yields, after each, the position in `events` of its last event. A GAP is a message too.

        Raises:
            DataError: DEPTH with both sides or none, or with lots below 0.
        """
        mine = np.flatnonzero((events["instrument"] == self._instrument) & np.isin(events["kind"], (Kind.DEPTH, Kind.GAP)))
        columns = (mine, *(events[name][mine] for name in ("kind", "flags", "ts_local_ns", "w0", "w1", "w2")))
        for at, kind, flags, stamp, price, lots, order in zip(*(column.tolist() for column in columns), strict=True):
            if kind == Kind.GAP:
                self._lose(stamp)
                yield at
                continue
            if flags & _CLEAR:
                self._lose(stamp)
                self._in_snapshot = True
            if self.is_known or self._in_snapshot:
                self._put(flags, stamp, price, lots, order)
            if flags & _LAST:
                self.is_known = self.is_known or self._in_snapshot
                self._in_snapshot = False
                yield at

    def _lose(self, stamp: int) -> None:
        self._forget()
        self.is_known, self._in_snapshot, self.unknown_since_ns = False, False, stamp

    def _put(self, flags: int, stamp: int, price: int, lots: int, order: int) -> None:
        if bool(flags & _BUY) == bool(flags & _SELL) or lots < 0:
            raise DataError(
                f"DEPTH stamped {stamp}: flags {flags}, {lots} lots; rule: one side, BUY ({_BUY}) or SELL ({_SELL}), and lots >= 0. "
                "This is a fault of the reader."
            )
        side = self._bids if flags & _BUY else self._asks
        if not order:
            side.add(price, lots - side.without_order.get(price, 0))
            side.without_order[price] = lots
            if not lots:
                del side.without_order[price]
            return
        if order in self._orders:
            was_side, was_price, was_lots = self._orders.pop(order)
            was_side.add(was_price, -was_lots)
        if lots:
            self._orders[order] = (side, price, lots)
            side.add(price, lots)

    def _must_be_known(self) -> None:
        if not self.is_known:
            raise DataError(
                f"the book of instrument {self._instrument} is unknown since {self.unknown_since_ns} ns: messages are missing. "
                "Look at is_known first; the next snapshot makes it known."
            )


@dataclass(frozen=True, slots=True)
class BookCheck:
    """What the messages of one instrument did to its book.

    Attributes:
        messages: those of DEPTH.
        unknown: those after which the book was unknown: before the first snapshot or after a gap.
        gaps: breaks in the source's sequence.
        crossed: messages after which the best bid was at or above the best offer.
        first_crossed_ns: local stamp of the first of them, 0 if there is none.
    """

    symbol: str
    messages: int
    unknown: int
    gaps: int
    crossed: int
    first_crossed_ns: int


def check_books(recording: Recording, *, starts_empty: bool = False) -> tuple[BookCheck, ...]:
    """Build every book of a recording and count what is wrong with it; one result an instrument, in their order.

    Args:
        recording: with DEPTH events.
        starts_empty: as of `OrderBook`.
    """
    books = [OrderBook(k, starts_empty=starts_empty) for k in range(len(recording.instruments))]
    counts = np.zeros((len(books), 4), dtype=np.int64)
    first = [0] * len(books)
    for part in recording.parts():
        for k, book in enumerate(books):
            _check_part(book, part, counts[k], first, k)
    return tuple(BookCheck(one.symbol, *map(int, (*counts[k], first[k]))) for k, one in enumerate(recording.instruments))


def _check_part(book: OrderBook, part: Events, counts: NDArray[np.int64], first: list[int], k: int) -> None:
    kinds = part["kind"]
    for at in book.messages(part):
        if kinds[at] == Kind.GAP:
            counts[2] += 1
            continue
        counts[0] += 1
        if not book.is_known:
            counts[1] += 1
        elif book.is_crossed:
            counts[3] += 1
            first[k] = first[k] or int(part["ts_local_ns"][at])
