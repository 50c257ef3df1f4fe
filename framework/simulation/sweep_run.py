"""One set of a sweep: build the strategy, run it, measure it, forget it. What sets share is made once, here."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from framework.data.tape import Tape
from framework.data.tape.frames import Frames, frames_of
from framework.data.tape.shared_features import Features, SetFrames
from framework.engine.strategy import Strategy
from framework.engine.tape_feeds import Parts
from framework.errors import KernelError, OneTapeError
from framework.reports.metrics import hit_rate, profit_factor
from framework.reports.round_trips import pnls_of, round_trips
from framework.reports.scan import MEASURES, Measurer, levels_of
from framework.reports.summary import curve
from framework.schema.event import CostKind
from framework.simulation.building import build_from, is_built_from_data
from framework.simulation.configured_latency import as_received
from framework.simulation.ground import Ground
from framework.simulation.settings import RunSettings
from framework.simulation.stopwatch import seconds
from framework.simulation.tally import Tally, terms_of
from framework.simulation.through import run_through

COUNTS = ("orders", "fills", "trades", "round_trips", "refused", "ambiguous_fills")
OUTCOME = np.dtype(
    [
        ("final_equity", "<f8"),
        *((name, "<f8") for name in MEASURES),
        ("hit_rate", "<f8"),
        ("profit_factor", "<f8"),
        *((name, "<i8") for name in COUNTS),
        ("fees", "<f8"),
        ("costs", "<f8"),
        ("ambiguous_share", "<f8"),
        ("seconds", "<f8"),
    ]
)
"""What is kept of a run; the columns of a sweep's table after the parameters."""

REPORT_SECONDS = 0.1
"""How long finished sets are held back before they are reported together."""

Given = Mapping[str, Any]
Row = tuple[int, tuple[float, ...], str]
"""Which set, its `OUTCOME`, and what went wrong."""


@dataclass(frozen=True)
class Job:
    """What all sets of a sweep have in common."""

    strategy: type[Strategy]
    tape: Tape
    settings: RunSettings

    def over(self, events: Any) -> Job:
        """The same over other events: none, to be sent to another process, or those that it found there."""
        return replace(self, tape=replace(self.tape, events=events))


class Runner:
    """Runs the sets of a job in this process, one after the other."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._received = as_received(job.tape, job.settings)
        self._ground = Ground.over(self._received, job.settings)
        self._terms = terms_of(job.tape.instruments)
        self._features = Features()
        self._measurer = Measurer()
        self._is_built = is_built_from_data(job.strategy)

    @cached_property
    def _frames(self) -> Frames:
        return frames_of(self._job.tape)

    def rows(self, sets: Sequence[tuple[int, Given]]) -> Iterator[list[Row]]:
        """Run sets in order; what is done comes out every `REPORT_SECONDS` and at the end."""
        done: list[Row] = []
        reported = seconds()
        for position, given in sets:
            done.append(self.row(position, given))
            if seconds() - reported >= REPORT_SECONDS:
                yield done
                done, reported = [], seconds()
        if done:
            yield done

    def row(self, position: int, given: Given) -> Row:
        """Run one set. An error of the strategy becomes the text of the row; a defect of the kernel is raised."""
        start = seconds()
        try:
            values, error = self._run(given), ""
        except KernelError:
            raise
        except (OneTapeError, SystemExit) as raised:  # a hook that calls sys.exit must not end the others
            error = str(raised) if isinstance(raised, OneTapeError) else f"the strategy left with SystemExit: {raised}"
            values = (math.nan,) * (3 + len(MEASURES)) + (0,) * len(COUNTS) + (math.nan,) * 3
        return position, (*values, seconds() - start), error

    def build(self, given: Given) -> Strategy:
        """The strategy of one set."""
        if not self._is_built:
            return self._job.strategy(**given)
        frames = SetFrames(self._frames)
        with self._features.serving(frames):
            return build_from(self._job.strategy, given, frames)

    def _run(self, given: Given) -> tuple[float, ...]:
        strategy = self.build(given)
        trader = self._ground.trader(strategy)
        cash = trader.initial_equity
        tally = Tally(trader, self._terms)
        received = self._received
        run_through(strategy, self._ground, trader, tally, Parts(iter((received.events,))), received)
        points, root = trader.used("points"), trader.record[0]
        measures = self._measurer.measure(points, cash, tally.traded)
        deposits = trader.used("deposits")
        if len(deposits):  # all but the turnover, which is of the account as it stood
            measures = (*self._measurer.measure(_without(points, cash, deposits), cash, tally.traded)[:-1], measures[-1])
        final = float(levels_of(points[-1:])[0]) if len(points) else cash
        ambiguous = int(root["ambiguous_fills"])
        trades, changes, flows = (trader.used(name) for name in ("trades", "changes", "flows"))
        pnls = pnls_of(round_trips(trades, changes, flows, len(received.instruments))[0])
        counts = (trader.count("orders"), tally.fills, trader.count("trades"), len(pnls), tally.refused, ambiguous)
        paid = root["cost_totals"]
        won = abs(final - cash - float(deposits["value"].sum()))
        share = 0.0 if not ambiguous else abs(float(root["ambiguous_pnl"])) / won if won else math.nan
        return (final, *measures, hit_rate(pnls), profit_factor(pnls), *counts, float(paid[CostKind.FEE]), float(paid.sum()), share)


def _without(points: NDArray[np.void], cash: float, deposits: NDArray[np.void]) -> NDArray[np.void]:
    """Points of the equity curve as they would be had nothing come in from outside: see `summary.curve`."""
    at_points, at_deposits = (pd.to_datetime(rows["ts_ns"], utc=True) for rows in (points, deposits))
    found = curve(pd.Series(levels_of(points), index=at_points), cash, pd.Series(deposits["value"], index=at_deposits))
    made = points.copy()
    made["cash"], made["net"] = found.levels[-len(points) :], 0.0
    return made
