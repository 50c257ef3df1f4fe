"""The live world: a market and venues that answer; the trader half takes in what comes, and its commands leave as whole commands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from framework.engine.interrupts import deferred_interrupts
from framework.engine.outgoing import Command, Outgoing
from framework.engine.taken_in import TakenIn
from framework.engine.tape_feeds import OpenTape
from framework.engine.world import Wake
from framework.errors import InputError, KernelError
from framework.kernel.layout import codes
from framework.kernel.layout.roots import TRADER
from framework.kernel.loops.take_in import take_in
from framework.kernel.trader.trader import Trader
from framework.schema.event import Kind
from framework.schema.order import Approved, Reason

_TIMER_NS, _WAKE_INSTRUMENT, _WAKE_ROW = (
    TRADER.fields[name][1] // 8  # type: ignore[index]
    for name in ("timer_ns", "wake_instrument", "wake_row")
)


class LiveWorld:
    """Takes in what a market shows and what venues answer; sends commands to whoever passes them on.

    Args:
        trader: the trader half.
        send: called with whole commands, at once and in their order.
        wait: called where nothing can happen before something comes, with this world and the stamp of the next timer. It calls `take`,
            `safe` or `end` before it returns.
        collect: called when the log is filling.
        start_ns: no timer fires before it.
    """

    def __init__(
        self,
        trader: Trader,
        *,
        send: Callable[[Sequence[Command]], None],
        wait: Callable[[LiveWorld, int], None],
        collect: Callable[[], None],
        start_ns: int,
    ) -> None:
        self._wait, self._collect = wait, collect
        self._tape = OpenTape(lambda tape, due_ns: None, start_ns=start_ns, keeps_venue_stamps=True)
        self._inbox, self._outgoing = TakenIn(), Outgoing(trader, send)
        self._wake = Wake()
        self._has_answers = False
        self._give()

    @property
    def start_ns(self) -> int:
        """No timer fires before it."""
        return self._tape.start_ns

    def take(self, events: NDArray[np.void]) -> None:
        """Take in events in the order in which they came: of the market, and answers of venues.

        Raises:
            InputError: a kind that comes from nobody else: commands and timers are our own.
        """
        is_answer = events["kind"] >= Kind.ORDER_ACCEPTED
        for begin, end in _runs(is_answer):
            part = events[begin:end]
            if is_answer[begin]:
                self.answer(part, after=self._tape.count)
            else:
                own = np.flatnonzero((part["kind"] >= Kind.ORDER_SUBMIT) | (part["kind"] == Kind.TIMER))
                if len(own):
                    kind = Kind(int(part["kind"][own[0]])).name
                    raise InputError(f"event {begin + own[0]} is of kind {kind}; rule: commands and timers are the trader half's own.")
                self._tape.append(part)

    def answer(self, events: NDArray[np.void], *, after: int) -> None:
        """Take in answers that come after so many events of the market."""
        self._inbox.answer(events, after=after)
        self._has_answers = True

    def safe(self, stamp_ns: int) -> None:
        """Nothing stamped up to `stamp_ns` will still come."""
        self._tape.safe(stamp_ns)

    def end(self) -> None:
        """Nothing will come any more."""
        self._tape.end()

    def _give(self) -> bool:
        """Hand on what has come; whether anything has."""
        is_new, memory = self._tape.give(self._inbox)
        if memory is not None:
            self._wake.tape = memoryview(memory.view(np.int64))  # type: ignore[arg-type]  # numpy's stubs hide the buffer of an array
        is_new, self._has_answers = is_new or self._has_answers, False
        return is_new

    def advance(self, trader: Trader, until_ns: int) -> Wake:
        """Take in to the next wake; waits where nothing has come."""
        kind = take_in(trader.address, self._inbox.address, until_ns)
        while kind < 0:
            self._raise_failure()
            if kind == codes.NEED_TAPE:
                while not self._give():
                    self._wait(self, trader.words[_TIMER_NS])
            else:
                with deferred_interrupts():
                    self._serve(trader, kind)
            kind = take_in(trader.address, self._inbox.address, until_ns)
        self._raise_failure()
        root = trader.words
        self._wake.kind, self._wake.instrument, self._wake.row = kind, root[_WAKE_INSTRUMENT], root[_WAKE_ROW]
        return self._wake

    def _serve(self, trader: Trader, need: int) -> None:
        if need == codes.LOG_FULL:
            self._collect()
            trader.release_outgrown()
        elif need == codes.BROKEN:
            raise trader.breakage()
        else:
            raise KernelError(f"the loop that takes in returned {need}, which means nothing")

    def _raise_failure(self) -> None:
        failure, self._outgoing.failure = self._outgoing.failure, None
        if failure is not None:
            raise failure

    def send(self, commands: Approved) -> None:
        """Send what a hook ordered. The loop sends by the same function what fills cause."""
        commands.ship()
        self._raise_failure()

    def close(self, trader: Trader, why: Reason) -> None:
        """Take in no more. Orders stand at their venues as they are: who runs the session decides about them."""
        self._collect()


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """(begin, end) of each run of equal flags."""
    edges = [0, *(np.flatnonzero(flags[1:] != flags[:-1]) + 1).tolist(), len(flags)]
    return [(begin, end) for begin, end in pairwise(edges) if end > begin]
