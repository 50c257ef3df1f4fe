"""One trial: the strategy built anew from a tape, run over it, and its records without what tells of the tape's rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from framework.config import CostsConfig, LatencyConfig, RiskConfig, VenueConfig
from framework.data.tape import Tape
from framework.data.tape_frames import Frames, frames_of
from framework.engine.strategy import Strategy
from framework.prove.subject import Subject
from framework.prove.verdict import DECISIONS
from framework.schema.event import Kind
from framework.simulation.backtest import backtest

Records = NDArray[np.void]
Progress = Callable[[str, int, int], None]
"""Called with the name of a check, how many runs of it are done, and how many there will be."""


@dataclass(frozen=True)
class Trial:
    """What stays the same in every run of a proof.

    Attributes:
        named: symbols that the user named, None where the whole data set is taken.
        points: how many places look-ahead is tried at.
    """

    subject: Subject
    tape: Tape
    cash: float
    currency: str
    costs: CostsConfig
    risk: RiskConfig
    latency: LatencyConfig
    venue: VenueConfig
    seed: int
    named: tuple[str, ...] | None
    points: int

    def frames(self, tape: Tape) -> Frames:
        """What the strategy is built from, nothing where it needs nothing."""
        return frames_of(tape) if self.subject.needs_frames else {}

    def run(self, tape: Tape | None = None, *, frames: Frames | None = None, chunk_events: int | None = None) -> Records:
        """Build and run; all records but TAPE.

        Raises:
            BuildError: building it raised.
            StrategyError: a hook raised.
        """
        taken = self.tape if tape is None else tape
        strategy = self.subject.build(self.frames(taken) if frames is None else frames)
        return self.records(strategy, taken, chunk_events)

    def records(self, strategy: Strategy, tape: Tape, chunk_events: int | None = None) -> Records:
        """The records of a strategy already built."""
        result = backtest(
            strategy,
            tape,
            cash=self.cash,
            currency=self.currency,
            costs=self.costs,
            risk=self.risk,
            latency=self.latency,
            venue=self.venue,
            seed=self.seed,
            chunk_events=chunk_events,
        )
        records: Records = result.audit.records
        kept: Records = records[records["kind"] != Kind.TAPE]
        return kept


def with_events(tape: Tape, events: Records) -> Tape:
    """The tape with other events."""
    events.setflags(write=False)
    return replace(tape, events=events)


def decisions(records: Records, until_ns: int | None = None) -> Records:
    """What the strategy decided, up to and including a stamp."""
    chosen = np.isin(records["kind"], DECISIONS)
    if until_ns is not None:
        chosen &= records["ts_local_ns"] <= until_ns
    found: Records = records[chosen]
    return found


def bar_stamps(tape: Tape) -> NDArray[np.int64]:
    """Stamps of the market, ascending, each once."""
    stamps: NDArray[np.int64] = np.unique(tape.events["ts_local_ns"][np.isin(tape.events["kind"], (Kind.BAR, Kind.QUOTE, Kind.TRADE))])
    return stamps
