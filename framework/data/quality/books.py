"""Rules over order books, built message by message from a sample."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framework.data.quality.findings import Severity, shown
from framework.data.quality.stretches import Ints, Tally
from framework.data.series.book_replay import OrderBook
from framework.data.tape.recording import Events
from framework.schema.event import Flag, Kind
from framework.schema.instrument import Instrument

BOOK_EVENTS = 100_000
"""DEPTH events of a recording that are built into books, from its beginning on: a book is built in Python, at some microseconds each."""
CROSSED_SHARE = 0.001
"""`book_crossed`: up to this share of messages it is a warning, beyond an error."""
AUCTION_NS = 300 * 10**9
"""`book_crossed` while nothing trades for five minutes around is an auction, and a note."""


class Books:
    """Keeps the first events of books and judges them; `limits` says how far it looked."""

    def __init__(self, instruments: tuple[Instrument, ...], most: int = BOOK_EVENTS) -> None:
        self.limits: list[str] = []
        self._instruments, self._most = instruments, most
        self._kept: list[Events] = []
        self._size = self._seen = 0

    def add(self, part: Events) -> None:
        """Take a part; DEPTH, GAP and TRADE are kept while there is room."""
        mine = part[np.isin(part["kind"], (Kind.DEPTH, Kind.GAP, Kind.TRADE))]
        depth = int((mine["kind"] == Kind.DEPTH).sum())
        self._seen += depth
        if depth and self._size < self._most:
            self._kept.append(mine[: self._most - self._size])
            self._size += len(self._kept[-1])

    def finish(self, tally: Tally) -> None:
        """Build the books."""
        if not self._kept:
            return
        events = np.concatenate(self._kept)
        if self._seen > self._size:
            self.limits.append(f"Books were built from the first {self._size:,} of {self._seen:,} DEPTH events.")
        for position in np.unique(events["instrument"]).tolist():
            if position < len(self._instruments):
                self._judge(events[events["instrument"] == position], position, tally)

    def _judge(self, events: Events, position: int, tally: Tally) -> None:
        symbol = self._instruments[position].symbol
        sides = np.isin(events["flags"] & int(Flag.BUY | Flag.SELL), (int(Flag.BUY), int(Flag.SELL)))
        if (~(sides & (events["w1"] >= 0)) & (events["kind"] == Kind.DEPTH)).any():
            self.limits.append(f"{symbol}: its book was not built, since some of its messages cannot be (see the rule size).")
            return
        has_snapshots = bool((events["flags"] & int(Flag.SNAPSHOT)).any())
        book = OrderBook(position, starts_empty=not has_snapshots)
        crossed: list[int] = []
        unknown: list[int] = []
        messages = 0
        for at in book.messages(events):
            if events["kind"][at] == Kind.GAP:
                continue
            messages += 1
            if not book.is_known:
                unknown.append(at)
            elif book.is_crossed:
                crossed.append(at)
        quiet = _in_auction(events["ts_local_ns"][crossed], events)
        faults, auctions = np.array(crossed, np.int64)[~quiet], np.array(crossed, np.int64)[quiet]
        grave: Severity = "error" if len(faults) > CROSSED_SHARE * messages else "warning"
        told: list[tuple[str, Severity, Ints]] = [("book_crossed", grave, faults), ("book_crossed", "note", auctions)]
        for rule, severity, rows in [*told, ("book_unknown", "note", np.array(unknown, np.int64))]:
            if len(rows):
                stamps = events["ts_local_ns"][rows]
                said = f"{shown(int(stamps[0]))}: the first of {len(rows):,} of {messages:,} messages"
                tally.add(symbol, rule, severity, stamps, [said])


def _in_auction(stamps: Ints, events: Events) -> NDArray[np.bool_]:
    """Which stamps lie in a time without trades, in a recording that has trades."""
    trades = events["ts_local_ns"][events["kind"] == Kind.TRADE]
    if not len(trades):
        return np.zeros(len(stamps), np.bool_)
    edges = np.concatenate([events["ts_local_ns"][:1], trades, events["ts_local_ns"][-1:]])
    at = np.clip(np.searchsorted(edges, stamps), 1, len(edges) - 1)
    return np.asarray(edges[at] - edges[at - 1] >= AUCTION_NS)
