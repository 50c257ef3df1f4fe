"""One trial: the strategy built anew from a tape, run over it, and its records without what tells of the tape's rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from framework.config.account import check_count
from framework.data.tape import Tape
from framework.data.tape.frames import Frames, frames_of
from framework.data.tape.survey import survey, take_after
from framework.engine.audit import Audit
from framework.engine.strategy import Strategy
from framework.prove.subject import Subject
from framework.prove.verdict import DECISIONS
from framework.schema.event import Kind
from framework.simulation.configured_latency import as_received, with_feed_latency
from framework.simulation.ground import Ground
from framework.simulation.header import header_of
from framework.simulation.settings import RunSettings
from framework.simulation.through import in_parts, run_through

Events = NDArray[np.void]
Progress = Callable[[str, int, int], None]
"""Called with the name of a check, how many runs of it are done, and how many there will be."""


@dataclass(frozen=True)
class Trial:
    """What stays the same in every run of a proof.

    Attributes:
        points: how many places look-ahead is tried at.
        is_named: whether the user named the instruments; else the whole data set is taken.
    """

    subject: Subject
    tape: Tape
    settings: RunSettings
    points: int
    is_named: bool = field(kw_only=True)

    def __post_init__(self) -> None:
        check_count("points", self.points)

    def frames(self, tape: Tape) -> Frames:
        """What the strategy is built from, nothing where it needs nothing."""
        return frames_of(tape) if self.subject.needs_frames else {}

    def at_local_stamps(self) -> Trial:
        """The same runs, with the latency of the feed in the tape's local stamps."""
        latency = self.settings.latency
        received = with_feed_latency(self.tape, latency, self.settings.seed)
        if received is self.tape:
            return self
        return replace(self, tape=received, settings=replace(self.settings, latency=latency.model_copy(update={"feed_ns": 0})))

    def run(
        self,
        tape: Tape | None = None,
        *,
        frames: Frames | None = None,
        chunk_events: int | None = None,
        seen: Tape | None = None,
    ) -> Events:
        """Build and run; all records but TAPE. `seen`: what the venue of a late feed sees, where that is not what we are told.

        Raises:
            BuildError: building it raised.
            StrategyError: a hook raised.
        """
        taken = self.tape if tape is None else tape
        strategy = self.subject.build(self.frames(taken) if frames is None else frames)
        return self.records(strategy, taken, chunk_events, seen)

    def records(self, strategy: Strategy, tape: Tape, chunk_events: int | None = None, seen: Tape | None = None) -> Events:
        """The records of a strategy already built."""
        received = as_received(tape, self.settings)
        header, ground = header_of(strategy, tape, self.settings), Ground.over(received, self.settings)
        trader = ground.trader(strategy)
        audit = Audit(header, trader.take_log)
        run_through(strategy, ground, trader, audit, in_parts(received.events, chunk_events), received, seen)
        records: Events = audit.records
        kept: Events = records[records["kind"] != Kind.TAPE]
        return kept


def with_events(tape: Tape, events: Events) -> Tape:
    """The tape with other events, run as the tape is."""
    events.setflags(write=False)
    made = replace(tape, events=events)
    return take_after(made, tape) if survey(tape).has_ticks else made


def decisions(records: Events, until_ns: int | None = None) -> Events:
    """What the strategy decided, up to and including a stamp."""
    chosen = np.isin(records["kind"], DECISIONS)
    if until_ns is not None:
        chosen &= records["ts_local_ns"] <= until_ns
    found: Events = records[chosen]
    return found


def is_tick(events: Events) -> NDArray[np.bool_]:
    """Which events a venue ahead of us sees at its own stamps."""
    found: NDArray[np.bool_] = np.isin(events["kind"], (Kind.TRADE, Kind.DEPTH, Kind.GAP))
    return found


def market_stamps(tape: Tape) -> NDArray[np.int64]:
    """Stamps at which the market could be known, ascending, each once."""
    is_market = np.isin(tape.events["kind"], (Kind.BAR, Kind.QUOTE)) | is_tick(tape.events)
    stamps: NDArray[np.int64] = np.unique(tape.events["ts_local_ns"][is_market])
    return stamps
