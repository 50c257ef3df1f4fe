"""Binance: captured depth diffs, book snapshots, trades and best quotes, of spot and of futures.

    message                  event      stamps of the venue, ms
    depthUpdate              DEPTH      T, else E
    REST depth, lastUpdateId SNAPSHOT   T, else that of the last diff it holds, of the first newer one, the local stamp
    trade, aggTrade          TRADE      T
    bookTicker               QUOTE      T, else the local stamp

The rule for a sequence is that of "How to manage a local order book correctly" in Binance's documentation. After a snapshot, diffs
up to its `lastUpdateId` are left out; the first one taken must reach across it. From then on `U` must be the last `u` + 1 (spot), or
`pu` the last `u` (futures, where ids are shared by all symbols). Anything else is a GAP.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from framework.data.formats.capture import Paths, Rows, Symbols, record, whole
from framework.data.formats.lines import Line, Truncated
from framework.data.tape.recording import Recording
from framework.errors import DataError
from framework.schema.event import Flag
from framework.schema.instrument import Instrument

Trades = Literal["trade", "aggTrade"]
KEPT_DIFFS = 4096
"""How many diffs are kept for a snapshot that is older than they are."""
MILLISECOND_NS = 1_000_000


def read(
    paths: Paths,
    *,
    instruments: Sequence[Instrument] | None = None,
    trades: Trades | None = None,
    clock_offset_ns: int = 0,
    truncated: Truncated = "refuse",
) -> Recording:
    """Read captures of hftbacktest or cryptofeed; several files, such as messages and REST answers, are merged by their local stamps.

    A snapshot is often older than diffs that came before it: those beyond its `lastUpdateId` are told again after it, at its stamp.

    Args:
        paths: one file or several.
        instruments: which symbols, and their ticks and lots; if not given, all, at the coarsest decimal steps that represent them.
        trades: "trade" or "aggTrade", where the file has both: they are the same trades.
        clock_offset_ns: added to local stamps, for a capture whose clock was behind the venue's.
        truncated: "refuse" a file that ends inside its gzip stream, or "allow" it and note where it ends.

    Raises:
        DataError: naming file, line, value and rule.
    """
    if trades not in (None, "trade", "aggTrade"):
        raise DataError(f'trades={trades!r} is unknown. It is "trade" or "aggTrade".')
    return record(
        paths, lambda symbols: _Binance(symbols, trades), venue="BINANCE", instruments=instruments,
        clock_offset_ns=clock_offset_ns, truncated=truncated,
    )  # fmt: skip


@dataclass(slots=True)
class _Sequence:
    """Where the diffs of one symbol stand."""

    last: int | None = None
    snapshot: int | None = None  # until the first diff after it
    kept: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=KEPT_DIFFS))
    trade_stream: str = ""


class _Binance:
    def __init__(self, symbols: Symbols, trades: Trades | None) -> None:
        self.notes: Counter[str] = Counter()
        self._symbols, self._trades = symbols, trades
        self._sequences: dict[int, _Sequence] = {}
        self._nameless = ""  # place of a snapshot that does not say whose it is
        self._seen: set[str] = set()

    def feed(self, line: Line, rows: Rows) -> None:
        message = line.message.get("data", line.message)
        if "lastUpdateId" in message and "stream" not in line.message:
            return self._snapshot(line, message, rows)
        kind = message.get("e", "bookTicker" if {"u", "b", "B", "a", "A"} <= message.keys() else "")
        if kind not in ("depthUpdate", "trade", "aggTrade", "bookTicker"):
            self.notes[f"messages of kind {kind or line.message.get('stream', 'unknown')!r} make no event"] += 1
            return None
        self._seen.add(message["s"])
        if self._nameless and len(self._seen) > 1:
            raise DataError(
                f"{self._nameless}: a snapshot that names no symbol, among messages of {', '.join(sorted(self._seen))}. "
                "Split the capture by symbol."
            )
        place = self._symbols.place(message["s"])
        if place is None:
            return None
        if kind == "depthUpdate":
            self._diff(line, place, message, rows)
        elif kind == "bookTicker":
            rows.quote(line, place, _ns(message.get("T")), (message["b"], message["B"]), (message["a"], message["A"]))
        else:
            self._trade(line, place, kind, message, rows)
        return None

    def _trade(self, line: Line, place: int, kind: str, message: dict[str, Any], rows: Rows) -> None:
        if self._trades not in (None, kind):
            self.notes[f"messages of kind {kind!r} were left out for trades={self._trades!r}"] += 1
            return
        if message.get("X", "MARKET") != "MARKET":
            self.notes[f"trades of type {message['X']!r}, which are not of the book, make no event"] += 1
            return
        stream = self._sequence(place)
        if self._trades is None and stream.trade_stream not in ("", kind):
            raise DataError(
                f"{line.place}: {kind} beside {stream.trade_stream} of {message['s']}; rule: each trade once. "
                'Choose with trades="trade" or trades="aggTrade".'
            )
        stream.trade_stream = kind
        if message["m"] is not True and message["m"] is not False:
            raise DataError(f"{line.place}: m {message['m']!r}; rule: true where the buyer was the maker, else false. Correct the line.")
        taker = Flag.SELL if message["m"] else Flag.BUY
        trade_id = whole(message["t" if kind == "trade" else "a"])
        rows.trade(line, place, _ns(message["T"]), message["p"], message["q"], taker, trade_id)

    def _sequence(self, place: int) -> _Sequence:
        return self._sequences.setdefault(place, _Sequence())

    def _snapshot(self, line: Line, message: dict[str, Any], rows: Rows) -> None:
        named = re.search(r"[?&]symbol=(\w+)", line.url)
        symbol = message.get("symbol") or (named[1] if named else "")
        if not symbol:
            if len(self._seen) != 1:
                raise DataError(f"{line.place}: a snapshot that names no symbol, after messages of {len(self._seen)}. Add it to the line.")
            [symbol], self._nameless = self._seen, line.place
        place = self._symbols.place(symbol)
        if place is None:
            return
        last = whole(message["lastUpdateId"])
        sequence = self._sequence(place)
        rows.snapshot(line, place, _snapshot_ns(message, sequence.kept, last), message["bids"], message["asks"], last)
        sequence.snapshot = sequence.last = last
        again = [diff for diff in sequence.kept if diff["u"] > last]
        for diff in again:
            self._link(line, place, diff, rows)
        if again:
            self.notes["diffs newer than the snapshot that came after them, told again after it"] += len(again)

    def _diff(self, line: Line, place: int, message: dict[str, Any], rows: Rows) -> None:
        self._sequence(place).kept.append(message)
        self._link(line, place, message, rows)

    def _link(self, line: Line, place: int, diff: dict[str, Any], rows: Rows) -> None:
        """Tell a diff, after a GAP where it does not follow what came before."""
        sequence = self._sequence(place)
        first, final, previous = whole(diff["U"]), whole(diff["u"]), None if diff.get("pu") is None else whole(diff["pu"])
        if final < first:
            raise DataError(f"{line.place}: U {first}, u {final}; rule: U <= u. Correct or remove the line.")
        venue_ns = _diff_ns(diff)
        if sequence.snapshot is not None:
            start = sequence.snapshot
            if final < start or (final == start and previous is None):
                self.notes["diffs that the snapshot before them holds already, left out"] += 1
                return
            sequence.snapshot = None
            follows = first <= start + 1 if previous is None else previous <= start
            expected, found = (start + 1, first) if previous is None else (start, previous)
        elif sequence.last is None:
            follows, expected, found = True, 0, 0
        else:
            expected, found = (sequence.last + 1, first) if previous is None else (sequence.last, previous)
            follows = expected == found
        if not follows:
            rows.gap(line, place, venue_ns, expected, found)
            self.notes["breaks in the update ids, each a GAP"] += 1
        sequence.last = final
        rows.depth(line, place, venue_ns, diff["b"], diff["a"], final)


def _snapshot_ns(message: dict[str, Any], kept: Sequence[dict[str, Any]], last: int) -> int | None:
    """When the venue's book was that of a snapshot; None where nothing says so.

    The local stamp would put it after diffs newer than it is, and a venue that takes its book in order of its own stamps would undo them.
    """
    if "T" in message or not kept:
        return _ns(message.get("T"))
    return _diff_ns(next((diff for diff in reversed(kept) if diff["u"] <= last), kept[0]))


def _diff_ns(diff: dict[str, Any]) -> int:
    return whole(diff.get("T", diff["E"])) * MILLISECOND_NS


def _ns(milliseconds: int | None) -> int | None:
    return None if milliseconds is None else whole(milliseconds) * MILLISECOND_NS
