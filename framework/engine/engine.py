"""The loop. It does not know whether the world is simulated, an audit or real."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from framework.engine.interrupts import deferred_interrupts
from framework.engine.strategy import Strategy
from framework.engine.view import View
from framework.engine.world import Decision, Wake, WakeKind, World
from framework.kernel.trader.trader import Trader
from framework.schema.order import Reason
from framework.schema.units import NEVER_NS

_END = int(WakeKind.END)


class Recorder(Protocol):
    """Takes in what a run decides: the audit, or a count of it."""

    def write(self, decision: Decision) -> None:
        """Notified of every decision that ordered something, before it is sent."""

    def close(self) -> None:
        """Take in the last of it."""

    def end_early(self, why: str) -> None:
        """Notified that the run raised or was interrupted: what raised, and at which stamp."""


class Run:
    """One strategy in one world: begun once, gone on with to one stamp after the other, ended or failed once."""

    def __init__(self, world: World, trader: Trader, strategy: Strategy, view: View, audit: Recorder) -> None:
        self._world, self._trader, self._strategy, self._view, self._audit = world, trader, strategy, view, audit

    def begin(self) -> None:
        """Let the strategy start, and arm its timers."""
        self._strategy.reset_state(len(self._trader.instruments))
        self._world.send(self._strategy.decide(self._view.at(Wake(int(WakeKind.START)))).commands)
        self._view.start_timers(self._world.start_ns)

    def go_on(self, until_ns: int = NEVER_NS) -> None:
        """Decide at every wake up to `until_ns`, or to the end of the world's events."""
        world, view = self._world, self._view
        decide, at, write, send, advance = self._strategy.decide, view.at, self._audit.write, world.send, world.advance
        nothing = view.nothing  # a wake that changed nothing leaves no record: the tape and the code reproduce it
        trader = self._trader
        while (wake := advance(trader, until_ns)).kind != _END:
            decision = decide(view if wake is view.wake else at(wake))  # a world may use one wake again and again
            if decision is not nothing:
                write(decision)
                send(decision.commands)

    def end(self) -> None:
        """Let the strategy stop, close the world, and take in the last record."""
        self._world.send(self._strategy.decide(self._view.at(Wake(int(WakeKind.STOP)))).commands)
        with deferred_interrupts():
            self._world.close(self._trader, Reason.END_OF_DATA)
            self._audit.close()

    def fail(self, error: BaseException) -> None:
        """Close everything after an error; what goes wrong here must not hide what went wrong before, so it becomes a note of it."""
        with deferred_interrupts():
            now_ns = int(self._trader.record["now_ns"][0])  # answers under way move it on
            stamp = f"at {np.datetime64(now_ns, 'ns')}Z" if now_ns else "before the first event"
            self._audit.end_early(f"{type(error).__name__} {stamp}")  # without the text of the error, which may name addresses in memory
            try:
                self._world.close(self._trader, Reason.RUN_ENDED_EARLY)
            except Exception as second:
                error.add_note(f"ending the orders that still worked failed too: {type(second).__name__}: {second}")
            finally:
                self._audit.close()

    def whole(self, until_ns: int = NEVER_NS) -> None:
        """Begin, go on, end; whatever is raised leaves here after the world was closed and the last record taken in."""
        try:
            self.begin()
            self.go_on(until_ns)
            self.end()
        except BaseException as error:
            self.fail(error)
            raise
        finally:
            self.leave()

    def leave(self) -> None:
        """Nothing can be ordered any more."""
        self._view.close()
        self._strategy.end_run()


def run(world: World, trader: Trader, strategy: Strategy, view: View, audit: Recorder, until_ns: int = NEVER_NS) -> None:
    """Run a strategy in a world from its start to the end of the world's events or to `until_ns`.

    Whatever a hook or the world raises, an interrupt too, leaves here after the world was closed and the last record taken in.
    """
    Run(world, trader, strategy, view, audit).whole(until_ns)
