"""Kraken: captured channels `book` and `trade` of its websocket API, version 1.

    message             event       stamps of the venue
    book with as, bs    SNAPSHOT    the local stamp
    book with a, b      DEPTH       the latest of its levels
    trade               TRADE       its own

Messages have no numbers. Each update of a book carries `c`, a CRC32 over the ten best offers and bids after it ("Calculate Book
Checksum" in Kraken's documentation). The reader keeps the book and compares: where they differ, messages are missing, and a GAP
follows the update: expected is what the venue said, found what the book gives. A book has the subscribed depth: levels that fall
out of it are no longer kept up to date by the venue and are told as DEPTH with 0 lots.
"""

from __future__ import annotations

import re
import zlib
from bisect import bisect_left, insort
from typing import Any

from framework.data.formats.capture import Levels, Rows, Symbols
from framework.data.formats.cryptofeed import Messages, reader_of
from framework.data.formats.lines import Line
from framework.errors import DataError
from framework.schema.event import Flag

CHECKED_LEVELS = 10
_SECONDS = re.compile(r"\d{1,10}(\.\d+)?", re.ASCII)


class _Side:
    """Levels as the venue writes them, best first: the checksum is over its text."""

    def __init__(self, sign: int, levels: Levels) -> None:
        self._sign = sign  # 1 for offers, -1 for bids
        self._texts: dict[float, tuple[str, str]] = {}
        self._keys: list[float] = []
        for level in levels:
            self.put(level[0], level[1])

    def put(self, price: str, size: str) -> None:
        key = self._sign * float(price)
        if float(size):
            if key not in self._texts:
                insort(self._keys, key)
            self._texts[key] = (price, size)
        elif key in self._texts:
            del self._texts[key]
            del self._keys[bisect_left(self._keys, key)]

    def beyond(self, depth: int) -> list[tuple[str, str]]:
        """Forget the levels beyond the depth; returns them as removals."""
        gone = [(self._texts.pop(key)[0], "0") for key in self._keys[depth:]]
        del self._keys[depth:]
        return gone

    def checked(self) -> str:
        return "".join(
            text.replace(".", "").lstrip("0") for key in self._keys[:CHECKED_LEVELS] for text in self._texts[key]
        )  # fmt: skip


class _Kraken(Messages):
    def __init__(self, symbols: Symbols) -> None:
        super().__init__(symbols)
        self._books: dict[int, tuple[_Side, _Side]] = {}  # offers, bids

    def feed(self, line: Line, rows: Rows) -> None:
        message = line.message
        if isinstance(message, dict):
            self.notes[f"messages of event {message['event']!r} make no event"] += 1
            return
        *bodies, channel, symbol = message[1:]
        if channel != "trade" and not channel.startswith("book-"):
            self.notes[f"messages of channel {channel!r} make no event"] += 1
            return
        place = self._symbols.place(symbol)
        if place is None:
            return
        if channel == "trade":
            for price, size, stamp, side, *_ in bodies[0]:
                if side not in ("b", "s"):
                    raise DataError(f"{line.place}: side {side!r}; rule: the taker's side is b or s. Correct or remove the line.")
                rows.trade(line, place, _ns(stamp), price, size, Flag.BUY if side == "b" else Flag.SELL, 0)
        elif "as" in bodies[0]:
            body = bodies[0]
            rows.snapshot(line, place, None, body["bs"], body["as"])
            self._books[place] = (_Side(1, body["as"]), _Side(-1, body["bs"]))
        else:
            self._update(line, place, {key: value for body in bodies for key, value in body.items()}, int(channel[5:]), rows)

    def _update(self, line: Line, place: int, body: dict[str, Any], depth: int, rows: Rows) -> None:
        asks, bids = body.get("a", []), body.get("b", [])
        venue_ns = max(_ns(level[2]) for level in (*asks, *bids))
        book = self._books.get(place)
        if book is None:  # before the first snapshot, or after a break
            rows.depth(line, place, venue_ns, bids, asks)
            return
        for side, levels in zip(book, (asks, bids), strict=True):
            for price, size, *_ in levels:
                side.put(price, size)
        gone_asks, gone_bids = (side.beyond(depth) for side in book)
        rows.depth(line, place, venue_ns, [*bids, *gone_bids], [*asks, *gone_asks])
        found = zlib.crc32((book[0].checked() + book[1].checked()).encode())
        if "c" in body and found != int(body["c"]):
            rows.gap(line, place, venue_ns, int(body["c"]), found)
            self.notes["checksums that the book does not give, each a GAP"] += 1
            del self._books[place]
        elif "c" in body:
            self.notes["checksums that the book gives"] += 1


def _ns(seconds: str) -> int:
    if not _SECONDS.fullmatch(seconds):
        raise ValueError(f"stamp {seconds!r}, not 1633998512.063356,")
    whole, _, fraction = seconds.partition(".")
    return int(whole) * 1_000_000_000 + int(fraction.ljust(9, "0")[:9])


read = reader_of(_Kraken, venue="KRAKEN")
