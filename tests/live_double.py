"""A run's own record as a live venue: its market and its answers come message by message, commands leave as whole ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

import numpy as np

from framework import Strategy
from framework.data.tape import Tape
from framework.engine.audit import Audit
from framework.engine.engine import run as run_engine
from framework.engine.outgoing import Command, Submit
from framework.engine.view import View
from framework.schema.event import Flag, Kind
from framework.schema.order import Reason
from framework.simulation.configured_latency import as_received
from framework.simulation.ground import Ground
from framework.simulation.settings import RunSettings
from live.worlds import LiveWorld


def _of_the_end(record: Any) -> bool:
    return record["kind"] in (Kind.ORDER_EXPIRED, Kind.ORDER_CANCELLED) and record["w1"] == Reason.END_OF_DATA


class Double:
    """The outer wire of a live world, played from a record.

    A step gives the market of one stamp and the answers that belong to it, up to the next timer; then it says that the stamp is safe.
    """

    def __init__(self, events: Any, records: Any) -> None:
        ends = [k for k, record in enumerate(records) if _of_the_end(record)]
        self.records = records[: ends[0]] if ends else records
        if len(self.records) and self.records["kind"][-1] == Kind.TAPE:
            self.records = self.records[:-1]  # it was noted for what the end wrote
        self.sent: list[Command] = []
        self._events, self._steps = events, self._played()

    def send(self, commands: Sequence[Command]) -> None:
        self.sent.extend(commands)

    def wait(self, world: LiveWorld, due_ns: int) -> None:
        kind, *what = next(self._steps)
        if kind == "market":
            world.take(what[0])
        elif kind == "answer":
            world.answer(what[0], after=what[1])
        elif kind == "safe":
            world.safe(what[0])
        else:
            world.end()

    def _market_to(self, shown: int, count: int) -> Iterator[tuple[Any, ...]]:
        """Show the market up to an event, whole stamps at a time; the last one is not safe yet."""
        stamps = self._events["ts_local_ns"]
        while shown < count:
            stamp = stamps[shown]
            if shown:
                yield "safe", int(stamps[shown - 1])
            end = int(np.searchsorted(stamps, stamp, side="right"))
            for k in range(shown, end):
                yield "market", self._events[k : k + 1]
            shown = end

    def _played(self) -> Iterator[tuple[Any, ...]]:
        shown, passed = 0, 0
        for k, record in enumerate(self.records):
            kind = record["kind"]
            if kind == Kind.TAPE:
                passed = int(record["w1"])
                yield from self._market_to(shown, passed)
                shown = max(shown, int(np.searchsorted(self._events["ts_local_ns"], self._events["ts_local_ns"][passed - 1], side="right")))
            elif kind == Kind.TIMER:
                yield "safe", int(record["ts_local_ns"])
            elif kind == Kind.ORDER_CANCELLED and record["w1"] == Reason.PARENT_ENDED:
                pass  # the trader half ends what was held for it
            elif kind >= Kind.ORDER_ACCEPTED:
                yield "answer", self.records[k : k + 1], passed
        yield from self._market_to(shown, len(self._events))
        yield ("end",)


def plays_live(strategy: Strategy, tape: Tape, audit: Audit) -> None:
    """Run a strategy in a live world whose venue gives the answers of its audit: it must leave the same record, and send each order whole.

    No venue answers between an event and the hooks it wakes, as our broker does who liquidates: such runs are passed over.
    """
    if (audit.records["flags"] & Flag.EARLY != 0).any():
        return
    header = audit.header
    settings = RunSettings.of({**header, "cash": float(cast(float, header["cash"]))})
    received = as_received(tape, settings)
    ground = Ground.over(received, settings)
    trader = ground.trader(strategy)
    again = Audit(header, trader.take_log)
    double = Double(received.events, audit.records)
    start_ns = int(received.events["ts_local_ns"][0]) if len(received.events) else 0
    world = LiveWorld(trader, send=double.send, wait=double.wait, collect=again.collect, start_ns=start_ns)
    run_engine(world, trader, strategy, View(trader, ground.timers(), uses_numbers=strategy.uses_numbers), again)
    assert again.records.tobytes() == double.records.tobytes(), "another record where a live venue gives these answers"
    rows = double.records[(double.records["kind"] == Kind.ORDER_SUBMIT) & (double.records["flags"] & (Flag.REFUSED | Flag.HELD) == 0)]
    sent = [(command.order_id, command.quantity_lots) for command in double.sent if isinstance(command, Submit)]
    assert sent == list(zip(rows["w0"].tolist(), rows["w2"].tolist(), strict=True))
