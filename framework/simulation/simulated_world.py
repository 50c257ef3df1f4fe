"""The simulated world: a tape, and the exchange half to answer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from framework.engine.interrupts import deferred_interrupts
from framework.engine.tape_feeds import Feed
from framework.engine.world import Wake
from framework.errors import KernelError
from framework.kernel.layout import codes
from framework.kernel.layout.roots import EXCHANGE, TRADER
from framework.kernel.loops.replay import advance, end_all_orders
from framework.kernel.trader.trader import Trader
from framework.kernel.venue.exchange import Exchange
from framework.schema.order import Approved, Reason

WAKE_INSTRUMENT = TRADER.fields["wake_instrument"][1] // 8  # type: ignore[index]
WAKE_ROW = TRADER.fields["wake_row"][1] // 8  # type: ignore[index]
"""Where the words of a trader half say what woke it."""

_DUE_NS, _TIMER_NS = EXCHANGE.fields["due_ns"][1] // 8, TRADER.fields["timer_ns"][1] // 8  # type: ignore[index]

Replay = Callable[[int, int, int], int]
"""`replay.advance`, or what takes its place: addresses of both roots, and no event later than the stamp is applied."""


class SimulatedWorld:
    """Replays a tape through both halves.

    Args:
        feed: where the tape comes from: finished, or still being written.
        exchange: the venue half.
        trader: the trader half, connected to it.
        collect: called when the log is filling.
        replay: the compiled loop; a compiled strategy brings one that calls its hooks.
    """

    def __init__(self, feed: Feed, exchange: Exchange, trader: Trader, collect: Callable[[], None], replay: Replay = advance) -> None:
        self._exchange = exchange
        self._collect = collect
        self._replay = replay
        self._wake = Wake()
        self._feed = feed
        exchange.connect(trader)
        self._supply(trader)

    @property
    def start_ns(self) -> int:
        """The stamp of the first event, or at which an open tape begins."""
        return self._feed.start_ns

    def _supply(self, trader: Trader) -> None:
        due_ns = min(self._exchange.words[_DUE_NS], trader.words[_TIMER_NS])
        memory = self._feed.supply(self._exchange, due_ns)
        if memory is not None:
            self._wake.tape = memoryview(memory.view(np.int64))  # type: ignore[arg-type]  # numpy's stubs hide the buffer of an array

    def advance(self, trader: Trader, until_ns: int) -> Wake:
        """Replay to the next wake, taking over the log and fetching tape as the kernel asks."""
        exchange, wake, root = self._exchange.address, self._wake, trader.words
        kind = self._replay(trader.address, exchange, until_ns)
        while kind < 0:
            if kind == codes.NEED_TAPE:
                self._supply(trader)  # which may wait long, and is left by an interrupt
            else:
                with deferred_interrupts():
                    self._serve(trader, kind)
            kind = self._replay(trader.address, exchange, until_ns)
        wake.kind, wake.instrument, wake.row = kind, root[WAKE_INSTRUMENT], root[WAKE_ROW]
        return wake

    def _serve(self, trader: Trader, need: int) -> None:
        if need == codes.LOG_FULL:
            self._collect()
            trader.release_outgrown()
            self._exchange.release_outgrown()
        elif need == codes.BROKEN:
            raise trader.breakage(self._exchange)
        else:
            raise KernelError(f"the replay loop returned {need}, which means nothing")

    def send(self, commands: Approved) -> None:
        """Send what a hook ordered to the venue. The replay sends by the same function what fills cause and what compiled hooks order."""
        commands.ship()

    def close(self, trader: Trader, why: Reason = Reason.END_OF_DATA) -> None:
        """End what still works: the data are over, or the run ended early. What is broken applies nothing more."""
        if trader.record["broken"][0]:
            return
        end_all_orders(trader.address, self._exchange.address, int(why))
        if trader.record["broken"][0]:
            raise trader.breakage(self._exchange)
