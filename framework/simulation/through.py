"""One strategy through one tape, whatever takes the records in: the part that a backtest and each run of a sweep share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from framework.data.tape import Tape
from framework.data.tape.event_arrays import chunks
from framework.data.tape.mapped import give_back, is_mapped
from framework.data.tape.survey import survey
from framework.engine.audit_records import AuditRecords
from framework.engine.compiled import Driver
from framework.engine.engine import Recorder, Run
from framework.engine.panel import Panel, PanelDriver
from framework.engine.strategy import Strategy
from framework.engine.tape_feeds import Feed, Parts
from framework.engine.timers import Timers
from framework.engine.view import View
from framework.kernel.loops.replay import advance
from framework.kernel.trader.let_go import LONG_TABLES
from framework.kernel.trader.trader import Trader
from framework.kernel.venue.exchange import Exchange
from framework.simulation.ground import Ground
from framework.simulation.simulated_world import Replay, SimulatedWorld

_MOST_POINTS = 4_000_000
"""Points of the equity curve that are provided for at once; what is more grows by doubling."""

_TICKS_AN_ORDER, _MOST_ORDERS = 8, 1_000_000
"""The same for orders where strategies quote: a table that grows is copied, and its copies are fresh pages."""

_HELD_BYTES = {"orders": 32 << 20, "points": 8 << 20, "trades": 16 << 20, "changes": 8 << 20, "flows": 8 << 20}
"""Most bytes of the rows that have left each table which are held in memory; what is more lies in a temporary file."""

_LOG_ROWS = 32_768
"""Rows of the log there."""

_MAPPED_PART = 500_000
"""Events of a part, 32 MB, where the tape lies in a file."""


class Collector(Recorder, Protocol):
    """A recorder that can be asked to empty the log."""

    def collect(self) -> None:
        """Take in the log as it stands."""


def run_through(
    strategy: Strategy,
    ground: Ground,
    trader: Trader,
    records: Collector,
    feed: Feed,
    tape: Tape | None = None,
    seen: Tape | None = None,
) -> None:
    """Run a strategy over a feed of events of the ground's market. What happened is then in the trader half and in `records`."""
    open_run(strategy, ground, trader, records, feed, tape, seen).whole()


def open_run(
    strategy: Strategy,
    ground: Ground,
    trader: Trader,
    records: Collector,
    feed: Feed,
    tape: Tape | None = None,
    seen: Tape | None = None,
) -> Run:
    """A run that has not begun, on a feed of events of the ground's market.

    Args:
        tape: the finished tape that the feed gives; None where it is open.
        seen: what the venue of a late feed sees of trades and books, where that is not what we are told.
    """
    exchange, timers = ground.exchange(), ground.timers()
    if tape is not None:
        _prepare(trader, exchange, tape, seen)
    trader.keep_rows({name: AuditRecords(_HELD_BYTES[name], trader.tables[name].dtype) for name in LONG_TABLES})
    world = SimulatedWorld(feed, exchange, trader, records.collect, _replay(strategy, trader, timers))
    view = View(trader, timers, uses_numbers=strategy.uses_numbers)
    return Run(world, trader, strategy, view, records)


def _prepare(trader: Trader, exchange: Exchange, tape: Tape, seen: Tape | None) -> None:
    """Provide for a tape of known length, and show it to the venue where that is ahead of us."""
    if trader.ticks is not None and survey(tape).is_late:
        venue_tape = tape if seen is None else seen
        exchange.feed_venue(venue_tape.events, survey(venue_tape).venue_order)
    trader.provide("points", min(len(tape.events), _MOST_POINTS))  # memory that is not written to costs nothing
    if trader.ticks is not None:
        orders = min(len(tape.events) // _TICKS_AN_ORDER, _MOST_ORDERS)
        trader.provide("log", _LOG_ROWS)
        trader.provide("orders", orders)


def _replay(strategy: Strategy, trader: Trader, timers: Timers) -> Replay:
    """The compiled loop of a strategy."""
    if strategy.runs_compiled:
        return PanelDriver(strategy, trader) if isinstance(strategy, Panel) else Driver(strategy, trader, timers)
    plain: Replay = advance
    return plain


def in_parts(events: NDArray[np.void], chunk_events: int | None) -> Parts:
    """The events of a run as its world takes them: whole, in parts of at most `chunk_events`, or in parts where they lie in a file."""
    if is_mapped(events):
        return Parts(_given_back(events, chunk_events or _MAPPED_PART))
    return Parts(iter((events,)) if chunk_events is None else chunks(events, chunk_events))


def _given_back(events: NDArray[np.void], size: int) -> Iterator[NDArray[np.void]]:
    """Parts of events in a file; one that is applied is given back."""
    begin = 0
    for part in chunks(events, size):
        yield part
        give_back(events, begin, begin + len(part))
        begin += len(part)
