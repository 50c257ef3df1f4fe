"""Coinbase Exchange: captured channels `level2` and `matches`.

    message      event       stamps of the venue
    snapshot     SNAPSHOT    the local stamp
    l2update     DEPTH       time
    match        TRADE       time; `side` is the maker's

`l2update` has no numbers of its own. Trade ids of a product rise by one, and books and trades come over one connection: a break in
them says that messages are missing, and is a GAP. `last_match` is an old trade that only tells where the ids stand.
"""

from __future__ import annotations

import re

import numpy as np

from framework.data.formats.capture import Rows, Symbols, whole
from framework.data.formats.cryptofeed import Messages, reader_of
from framework.data.formats.lines import Line
from framework.errors import DataError
from framework.schema.event import Flag

_TIME = re.compile(r"(19|20|21)\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z", re.ASCII)


class _Coinbase(Messages):
    def __init__(self, symbols: Symbols) -> None:
        super().__init__(symbols)
        self._last_trade: dict[int, int] = {}

    def feed(self, line: Line, rows: Rows) -> None:
        message, kind = line.message, line.message["type"]
        if kind not in ("snapshot", "l2update", "match", "last_match"):
            self.notes[f"messages of type {kind!r} make no event"] += 1
            return
        place = self._symbols.place(message["product_id"])
        if place is None:
            return
        if kind == "snapshot":
            rows.snapshot(line, place, None, message["bids"], message["asks"])
        elif kind == "l2update":
            changes = message["changes"]
            if wrong := [side for side, _, _ in changes if side not in ("buy", "sell")]:
                raise DataError(f"{line.place}: side {wrong[0]!r}; rule: a change is of side buy or sell. Correct or remove the line.")
            bids, asks = ([(price, size) for side, price, size in changes if side == one] for one in ("buy", "sell"))
            rows.depth(line, place, _ns(message["time"]), bids, asks)
        elif kind == "last_match":
            self.notes["trades from before the subscription (last_match) make no event"] += 1
            self._last_trade[place] = whole(message["trade_id"])
        else:
            self._match(line, place, rows)

    def _match(self, line: Line, place: int, rows: Rows) -> None:
        message, trade_id, venue_ns = line.message, whole(line.message["trade_id"]), _ns(line.message["time"])
        if message["side"] not in ("buy", "sell"):
            raise DataError(f"{line.place}: side {message['side']!r}; rule: the maker's side is buy or sell. Correct or remove the line.")
        expected = self._last_trade.get(place, trade_id - 1) + 1
        if trade_id != expected:
            rows.gap(line, place, venue_ns, expected, trade_id)
            self.notes["breaks in the trade ids, each a GAP"] += 1
        self._last_trade[place] = trade_id
        taker = Flag.SELL if message["side"] == "buy" else Flag.BUY
        rows.trade(line, place, venue_ns, message["price"], message["size"], taker, trade_id, whole(message["sequence"]))


def _ns(time: str) -> int:
    """ISO 8601 in UTC as ns."""
    if not _TIME.fullmatch(time):
        raise ValueError(f"time {time!r}, not 2021-10-12T00:28:10.5Z,")
    return int(np.datetime64(time[:-1], "ns").astype(np.int64))


read = reader_of(_Coinbase, venue="COINBASE")
