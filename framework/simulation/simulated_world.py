"""The simulated world: a tape, and the exchange half to answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from framework.engine.interrupts import deferred_interrupts
from framework.engine.world import Wake
from framework.errors import KernelError
from framework.kernel.layout import codes
from framework.kernel.layout.roots import TRADER
from framework.kernel.loops.replay import advance, end_all_orders
from framework.kernel.trader.trader import Trader
from framework.kernel.venue.exchange import Exchange
from framework.schema.event import EVENT
from framework.schema.order import Approved, Reason

WAKE_INSTRUMENT = TRADER.fields["wake_instrument"][1] // 8  # type: ignore[index]
WAKE_ROW = TRADER.fields["wake_row"][1] // 8  # type: ignore[index]
"""Where the words of a trader half say what woke it."""

Replay = Callable[[int, int, int], int]
"""`replay.advance`, or what takes its place: addresses of both roots, and no event later than the stamp is applied."""


class SimulatedWorld:
    """Replays a tape through both halves.

    Args:
        tape: parts of the event tape in order, none splitting a stamp; a larger-than-memory tape comes part by part.
        exchange: the venue half.
        collect: called when the log is filling.
        replay: the compiled loop; a compiled strategy brings one that calls its hooks.
    """

    def __init__(self, tape: Iterator[NDArray[np.void]], exchange: Exchange, collect: Callable[[], None], replay: Replay = advance) -> None:
        self._exchange = exchange
        self._collect = collect
        self._replay = replay
        self._wake = Wake()
        self._tape = tape
        self._following = next(tape, None)
        self._start_ns = int(self._following["ts_local_ns"][0]) if self._following is not None and len(self._following) else 0
        self._feed()

    @property
    def start_ns(self) -> int:
        """The stamp of the first event."""
        return self._start_ns

    def _feed(self) -> None:
        part, self._following = self._following, next(self._tape, None)
        events = np.ascontiguousarray(part) if part is not None else np.zeros(0, dtype=EVENT)
        self._exchange.feed(events, is_last=self._following is None)
        self._wake.tape = memoryview(events.view(np.int64))  # type: ignore[arg-type]  # numpy's stubs hide the buffer of an array

    def advance(self, trader: Trader, until_ns: int) -> Wake:
        """Replay to the next wake, taking over the log and fetching tape as the kernel asks."""
        self._exchange.keep_account(trader)
        exchange, wake, root = self._exchange.address, self._wake, trader.words
        kind = self._replay(trader.address, exchange, until_ns)
        while kind < 0:
            with deferred_interrupts():
                self._serve(trader, kind)
            kind = self._replay(trader.address, exchange, until_ns)
        wake.kind, wake.instrument, wake.row = kind, root[WAKE_INSTRUMENT], root[WAKE_ROW]
        return wake

    def _serve(self, trader: Trader, need: int) -> None:
        if need == codes.NEED_TAPE:
            self._feed()
        elif need == codes.LOG_FULL:
            self._collect()
            trader.release_outgrown()
            self._exchange.release_outgrown()
        elif need == codes.BROKEN:
            raise trader.breakage(self._exchange)
        else:
            raise KernelError(f"the replay loop returned {need}, which means nothing")

    def send(self, commands: Approved) -> None:
        """Nothing is to be done: the replay sends what stands in the outbox to the venue before it goes on."""

    def close(self, trader: Trader, why: Reason = Reason.END_OF_DATA) -> None:
        """End what still works: the data are over, or the run ended early. What is broken applies nothing more."""
        if trader.record["broken"][0]:
            return
        self._exchange.keep_account(trader)
        end_all_orders(trader.address, self._exchange.address, int(why))
        if trader.record["broken"][0]:
            raise trader.breakage(self._exchange)
