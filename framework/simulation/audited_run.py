"""An audit as a world: a finished run is replayed, and every decision must come out as the audit has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from framework.config import LatencyConfig
from framework.data.tape import Tape
from framework.data.tape.event_arrays import joined
from framework.data.tape.frames import frames_of
from framework.engine import audit as audits
from framework.engine.audit import Audit
from framework.engine.engine import run as run_engine
from framework.engine.strategy import Strategy
from framework.engine.taken_in import TakenIn
from framework.engine.view import View
from framework.engine.world import Wake
from framework.errors import InputError, ReplayMismatch
from framework.kernel.layout import codes
from framework.kernel.loops.take_in import KEEP, take_in
from framework.kernel.trader.trader import Trader
from framework.reports.result import Result
from framework.schema.codec import to_frame
from framework.schema.order import Approved, Reason
from framework.schema.units import NEVER_NS
from framework.simulation.arrays import Matrix, Signals, as_strategy, check_given
from framework.simulation.building import build_from
from framework.simulation.configured_latency import as_received
from framework.simulation.ground import Ground
from framework.simulation.run_tables import Tables
from framework.simulation.settings import RunSettings
from framework.simulation.simulated_world import WAKE_INSTRUMENT, WAKE_ROW


class AuditedWorld:
    """Replays a tape with the answers of an audit. Commands are compared with the audit, not sent.

    Args:
        tape: the events of the run.
        records: its audit records.
        trader: the trader half that takes them in.
        audit: collects the new log.
    """

    def __init__(self, tape: NDArray[np.void], records: NDArray[np.void], trader: Trader, audit: Audit) -> None:
        self._records, self._tape, self._audit = np.ascontiguousarray(records), tape, audit
        self._inbox = TakenIn.of_record(tape, self._records)
        trader.record["ship"] = KEEP.address
        self._wake = Wake(tape=memoryview(tape.view(np.int64)))  # type: ignore[arg-type]  # numpy's stubs hide the buffer
        self._compared = 0

    @property
    def start_ns(self) -> int:
        """The stamp of the first event."""
        return int(self._tape["ts_local_ns"][0]) if len(self._tape) else 0

    def advance(self, trader: Trader, until_ns: int = NEVER_NS) -> Wake:
        """Replay to the next wake, comparing what was decided so far."""
        inbox = self._inbox.address
        self._compare(trader)
        kind = take_in(trader.address, inbox, until_ns)
        while kind < 0:
            if kind == codes.LOG_FULL:
                self._audit.collect()
                trader.release_outgrown()
            elif kind == codes.BROKEN:
                raise trader.breakage()
            else:
                self._mismatch(self._inbox.at, None)
            kind = take_in(trader.address, inbox, until_ns)
        self._compare(trader)
        root = trader.words
        self._wake.kind, self._wake.instrument, self._wake.row = kind, root[WAKE_INSTRUMENT], root[WAKE_ROW]
        return self._wake

    def send(self, commands: Approved) -> None:
        """Send them nowhere: they stand in the log, which is compared."""
        commands.ship()

    def close(self, trader: Trader, why: Reason = Reason.END_OF_DATA) -> None:
        """Apply what the record says about the end; where the replay stopped before it, there is none."""
        if why is not Reason.END_OF_DATA:
            return
        self._inbox.take_in_the_end()
        while self.advance(trader, NEVER_NS).kind != codes.END:
            pass  # order wakes after the last hook wake nobody
        self._compare(trader)
        total = int(trader.record["drained"][0]) + trader.count("log")
        if total != len(self._records):
            self._mismatch(min(total, len(self._records)), None)

    def _compare(self, trader: Trader) -> None:
        """Compare the new part of the log with the record; raise at the first difference."""
        drained = int(trader.record["drained"][0])
        total = drained + trader.count("log")
        if total == self._compared:
            return
        start = self._compared
        rows = trader.used("log")[max(start - drained, 0) :]
        if start < drained:  # taken by the audit meanwhile
            rows = joined([*self._audit.since(start), rows])
        expected = self._records[start : start + len(rows)]
        if rows.tobytes() != expected.tobytes():
            shared = min(len(rows), len(expected))
            differs = np.flatnonzero(rows[:shared] != expected[:shared])
            first = int(differs[0]) if len(differs) else shared
            self._mismatch(start + first, rows[first : first + 1])
        self._compared = total

    def _mismatch(self, at: int, found: NDArray[np.void] | None) -> None:
        expected = self._records[at : at + 1]
        raise ReplayMismatch(
            f"record {at} differs. Recorded: {_line(expected)}. Replayed: {_line(found) if found is not None else 'nothing'}. "
            "The strategy, its parameters, the data or the code are not those of the record."
        )


def _line(events: NDArray[np.void]) -> str:
    if len(events) == 0:
        return "nothing"
    row = to_frame(events).iloc[0]
    words = ", ".join(f"{name} {row[name]:g}" for name in ("w0", "w1", "w2", "w3", "w4"))
    return f"{row['kind']} at {row['ts_local']} instrument {row['instrument']} ({words})"


def replay(
    strategy: Strategy | type[Strategy] | None,
    tape: Tape,
    audit: Audit | str | Path,
    *,
    weights: Matrix | None = None,
    targets: Matrix | None = None,
    signals: Signals | tuple[Matrix, Matrix] | None = None,
) -> Result:
    """Replay an audited run and prove that the same strategy decides the same on the same tape.

    Args:
        strategy: what is said to have run, or its class where that is built from data; None where it was one of the arrays.
        tape: the data it is said to have run on.
        audit: its audit, or a file saved by `Audit.save`.
        weights, targets, signals: the arrays that are said to have run, as in `backtest`.

    Returns:
        The result of the replay; its `audit_hash` is the record's.

    Raises:
        ReplayMismatch: at the first record that comes out differently.
        InputError: the tape is not the one of the record, or the run ended early.
    """
    check_given("replay()", {"strategy": strategy, "weights": weights, "targets": targets, "signals": signals})
    header, records = (audit.header, audit.records) if isinstance(audit, Audit) else audits.read(audit)
    if "ended_early" in header:
        raise InputError(f"the record ends early: {header['ended_early']}; rule: a replay needs a whole run. Run the strategy again")
    if header["tape"] != tape.digest():
        raise InputError(f"the record was made on tape {str(header['tape'])[:16]}..., this one is {tape.digest()[:16]}...: other data")
    settings = RunSettings.of({**header, "cash": float(cast(float, header["cash"]))})  # numbers of numpy's are text in a file
    if strategy is None:
        strategy = as_strategy(weights=weights, targets=targets, signals=signals, tape=tape, risk=settings.risk)
    elif isinstance(strategy, type):
        strategy = build_from(strategy, cast(Mapping[str, Any], header["parameters"]), frames_of(tape))
    # the record has what the venue did and when, so files of its latencies need not be there any more
    known = replace(settings, latency=LatencyConfig(feed_ns=settings.latency.feed_ns))
    received = as_received(tape, known)
    ground = Ground.over(received, known)
    trader = ground.trader(strategy)
    again = Audit(header, trader.take_log)
    world = AuditedWorld(received.events, records, trader, again)
    run_engine(world, trader, strategy, View(trader, ground.timers(), uses_numbers=strategy.uses_numbers), again)
    tables = Tables(trader, again, received)
    return Result(tables.of_run(f"replay of {type(strategy).__name__}", settings.currency, tape.notes, {}))
