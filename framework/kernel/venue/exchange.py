"""The exchange half as a Python object: it owns the records, and is fed the tape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from framework.errors import KernelError
from framework.kernel.layout.half import Half, half_at, set_fields
from framework.kernel.layout.roots import EXCHANGE, EXCHANGE_TABLES
from framework.kernel.layout.venue_records import VENUE_RULES
from framework.kernel.market.book_memory import Books, Ticks, grow_resting
from framework.kernel.venue.commands import TAKE_OUTBOX
from framework.kernel.venue.corrected_orders import open_venue
from framework.kernel.venue.latency_legs import Latencies, symbol_key
from framework.kernel.venue.matching_trades_and_books import RECEIVE, VENUE_TICK
from framework.kernel.venue.venue_account import VenueAccount
from framework.kernel.venue.venue_rows import lay_tables, settle_orders, settle_traffic
from framework.schema.event import Kind
from framework.schema.units import NEVER_NS


class Exchange(Half):
    """The simulated venue and broker, and the part of the tape it reads.

    Args:
        instruments, calendars: how many the tape has.
        latencies: of the way there and back; everything arrives at once without them.
        symbols: of the instruments, for the keys of draws; needed where latencies vary.
        ticks: where the tape has trades or books.
        rules: fields of `VENUE_RULES`; fields not named are 0.
    """

    def __init__(
        self,
        instruments: int,
        calendars: int,
        *,
        latencies: Latencies | None = None,
        symbols: Sequence[str] = (),
        ticks: Ticks | None = None,
        rules: Mapping[str, float] | None = None,
    ) -> None:
        rows = {"listings": instruments, "sessions": max(calendars, 1), "depths": instruments, "displacements": instruments}
        super().__init__("exchange", EXCHANGE, EXCHANGE_TABLES, rows)
        lay_tables(self)
        root = self.record
        self._depths = Books(self, ticks) if ticks is not None else None
        if ticks is not None:
            root["receive_order"], root["venue_tick"] = RECEIVE.address, VENUE_TICK.address
            root["has_wide_books"] = ticks.has_wide_books
            self.tables["listings"]["has_auctions"][list(ticks.auctions)] = 1
            root["has_auctions"] = int(bool(ticks.auctions))
        set_fields(root["rules"], VENUE_RULES, rules or {})
        root["listings_count"], root["sessions_count"] = instruments, calendars
        root["due_ns"], root["expiry_ns"], root["until_ns"] = NEVER_NS, NEVER_NS, NEVER_NS
        self._latencies = latencies or Latencies()
        self._latencies.lay(root)
        self.tables["listings"]["draw_key"][: len(symbols)] = [symbol_key(symbol) for symbol in symbols]
        self.tables["listings"]["first"], self.tables["listings"]["last"] = -1, -1
        self.account: VenueAccount | None = None
        self._tape: NDArray[np.void] | None = None

    def connect(self, trader: Half) -> None:
        """Let a trader half's commands come here, and open the account that the venue judges by, as the trader half's stands.

        Once, before anything is sent or replayed.

        Raises:
            KernelError: the trader half is not linked to the loops, and there is nothing that could replay.
        """
        if self.account is None:
            if trader.record["advance"][0] == 0:
                raise KernelError(
                    "the trader half is not linked to the loops; call `framework.kernel.loops.link.link(trader)` once it is made"
                )
            is_apart = bool(self.record["response_latency_ns"][0])
            self.account = VenueAccount(trader, is_apart=is_apart)
            self.record["account"], self.record["keeps_account"] = self.account.address, int(is_apart)
            self.record["trader"] = trader.address
            trader.record["ship"], trader.record["connection"] = TAKE_OUTBOX.address, self.address
            if trader.count("log") and trader.used("log")["kind"][0] == Kind.CORRECTION:
                open_venue(trader.address, self.address)

    def open_tape(self, memory: NDArray[np.void]) -> None:
        """Give the memory in which the tape goes on, once all events given before are applied; `extend_tape` says what stands in it."""
        words, at = self.words, self._word["tape"]
        words[self._word["tape_start"]] += words[at + 1]
        words[at], words[at + 1] = memory.ctypes.data, 0
        words[self._word["tape_is_last"]] = 0
        self._tape = memory

    def extend_tape(self, count: int, safe_ns: int) -> None:
        """Say how many events stand in the memory given last, and up to which stamp nothing else will come.

        Events are written behind each other and never changed once they are safe.
        """
        self.words[self._word["tape"] + 1], self.words[self._word["safe_ns"]] = count, safe_ns

    def end_tape(self) -> None:
        """Nothing comes after what there is."""
        self.words[self._word["tape_is_last"]] = 1

    def feed_venue(self, events: NDArray[np.void], order: NDArray[np.int64] | None) -> None:
        """Give the whole tape to the venue, which sees ticks at its own stamps: the feed to us is late.

        Args:
            events: every event of the tape.
            order: rows in order of the venue's stamps; None: as they lie.
        """
        self._venue_tape = (events, order)
        self.record["venue_tape"], self.record["venue_tape_count"] = events.ctypes.data, len(events)
        self.record["venue_order"] = order.ctypes.data if order is not None else 0

    def grow(self, name: str) -> None:
        """Let a table take at least one row more. Messages that have arrived and orders that are over make room first."""
        if name == "resting":
            grow_resting(self)
        elif name == "old_orders":
            settle_orders(self, self._trader())
        elif name == "traffic":
            settle_traffic(self, self._trader())
        elif name not in ("order_entry", "response") or not self._drops_arrived(name):
            super().grow(name)

    def _trader(self) -> Half:
        """The trader half beside it, whose loop is running."""
        trader = half_at(int(self.record["trader"][0]))
        if trader is None:
            raise KernelError("the exchange half is not linked to a trader half; replay a tape through both with `SimulatedWorld`")
        return trader

    def _drops_arrived(self, name: str) -> bool:
        """Drop the messages that have arrived; whether that empties half of the table."""
        head, rows, words = self._word[f"{name}_head"], self.tables[name], self.words
        arrived, count = words[head], self.count(name)
        if 2 * arrived < len(rows):
            return False
        rows[: count - arrived] = rows[arrived:count].copy()
        words[self._word[name] + 1], words[head] = count - arrived, 0
        return True
