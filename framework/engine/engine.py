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


def run(world: World, trader: Trader, strategy: Strategy, view: View, audit: Recorder, until_ns: int = NEVER_NS) -> None:
    """Run a strategy in a world from its start to the end of the world's events or to `until_ns`.

    Whatever a hook or the world raises, an interrupt too, leaves here after the world was closed and the last record taken in.
    """
    try:
        _decide_all(world, trader, strategy, view, audit, until_ns)
        with deferred_interrupts():
            world.close(trader, Reason.END_OF_DATA)
            audit.close()
    except BaseException as error:
        with deferred_interrupts():
            _end_early(world, trader, audit, error)
        raise
    finally:
        view.close()
        strategy.end_run()


def _decide_all(world: World, trader: Trader, strategy: Strategy, view: View, audit: Recorder, until_ns: int) -> None:
    decide, at, write, send, advance = strategy.decide, view.at, audit.write, world.send, world.advance
    nothing = view.nothing  # a wake that changed nothing leaves no record: the tape and the code reproduce it
    strategy.reset_state(len(trader.instruments))
    send(decide(at(Wake(int(WakeKind.START)))).commands)
    view.start_timers(world.start_ns)
    while (wake := advance(trader, until_ns)).kind != _END:
        decision = decide(view if wake is view.wake else at(wake))  # a world may use one wake again and again
        if decision is not nothing:
            write(decision)
            send(decision.commands)
    send(decide(at(Wake(int(WakeKind.STOP)))).commands)


def _end_early(world: World, trader: Trader, audit: Recorder, error: BaseException) -> None:
    """Close everything; what goes wrong here must not hide what went wrong before, so it becomes a note of it."""
    now_ns = int(trader.record["now_ns"][0])  # answers under way move it on
    stamp = f"at {np.datetime64(now_ns, 'ns')}Z" if now_ns else "before the first event"
    audit.end_early(f"{type(error).__name__} {stamp}")  # without the text of the error, which may name addresses in memory
    try:
        world.close(trader, Reason.RUN_ENDED_EARLY)
    except Exception as second:
        error.add_note(f"ending the orders that still worked failed too: {type(second).__name__}: {second}")
    finally:
        audit.close()
