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
from collections import Counter
from collections.abc import Sequence

import numpy as np

from framework.data.formats.capture import Paths, Rows, Symbols, record, whole
from framework.data.formats.lines import Line, Truncated
from framework.data.tape.recording import Recording
from framework.errors import DataError
from framework.schema.event import Flag
from framework.schema.instrument import Instrument

_TIME = re.compile(r"(19|20|21)\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z", re.ASCII)


def read(
    paths: Paths,
    *,
    instruments: Sequence[Instrument] | None = None,
    clock_offset_ns: int = 0,
    truncated: Truncated = "refuse",
) -> Recording:
    """Read captures of cryptofeed; several files are merged by their local stamps.

    Args:
        paths: one file or several.
        instruments: which products, and their ticks and lots; if not given, all, at the coarsest decimal steps that represent them.
        clock_offset_ns: added to local stamps, for a capture whose clock was behind the venue's.
        truncated: "refuse" a file that ends inside its gzip stream, or "allow" it and note where it ends.

    Raises:
        DataError: naming file, line, value and rule.
    """
    return record(
        paths, _Coinbase, venue="COINBASE", instruments=instruments, clock_offset_ns=clock_offset_ns, truncated=truncated
    )  # fmt: skip


class _Coinbase:
    def __init__(self, symbols: Symbols) -> None:
        self.notes: Counter[str] = Counter()
        self._symbols = symbols
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
