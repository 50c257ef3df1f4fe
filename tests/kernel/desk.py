"""A trader half alone at a desk: orders go out, and the test says what the venue answers, in any order it likes."""

from __future__ import annotations

import ctypes
import struct

import numpy as np
from numpy.typing import NDArray

from framework.engine.taken_in import TakenIn
from framework.engine.timers import Timers
from framework.engine.view import View
from framework.kernel.layout.codes import END
from framework.kernel.loops.take_in import take_in
from framework.kernel.trader.apply import ANSWERS
from framework.kernel.trader.trader import Trader
from framework.schema.event import EVENT, Kind
from framework.schema.instrument import Instrument
from framework.schema.order import OrderEvent, OrderState, OrderType, Reason
from framework.schema.stance import AlarmKind
from framework.schema.units import NEVER_NS, Step
from tests.hours import KnownHours

NOW = 1_000
_ANSWER = {
    OrderEvent.ACCEPT: (Kind.ORDER_ACCEPTED, Reason.NONE),
    OrderEvent.REJECT: (Kind.ORDER_REJECTED, Reason.NOT_TRADABLE),
    OrderEvent.TRIGGER: (Kind.ORDER_TRIGGERED, Reason.NONE),
    OrderEvent.CANCEL: (Kind.ORDER_CANCELLED, Reason.USER),
    OrderEvent.REJECT_CANCEL: (Kind.ORDER_CANCEL_REJECTED, Reason.ORDER_DONE),
    OrderEvent.EXPIRE: (Kind.ORDER_EXPIRED, Reason.DAY_OVER),
    OrderEvent.LOSE: (Kind.ORDER_UNKNOWN, Reason.CONNECTION_LOST),
}


class Desk:
    """Instruments at 100 with a tick and a lot of 1, a million in cash, shorts allowed."""

    def __init__(self, *symbols: str) -> None:
        names, self.now_ns = symbols or ("X",), NOW
        self.trader = Trader(
            [Instrument(name, tick=Step(1, 1)) for name in names],
            currencies=("USD",),
            calendars=("24/7",),
            base_currency="USD",
            cash=1e6,
            costs={"maximum_rate": -1.0},
            risk={"allow_short": 1.0, "max_leverage": 10.0},
        )

        self.view = View(self.trader, Timers(KnownHours({})))
        self.see(np.array([(NOW, NOW, Kind.BAR, 0, i, 100, 100, 100, 100, 1000) for i in range(len(names))], dtype=EVENT))

    def see(self, tape: NDArray[np.void]) -> None:
        """Replay a tape without a venue."""
        inbox = TakenIn.of_record(tape, np.zeros(0, dtype=EVENT))
        self.trader.record["seen"] = self.trader.record["logged"] = 0  # a tape of its own
        assert take_in(self.trader.address, inbox.address, NEVER_NS) == END

    def replay(self, records: NDArray[np.void]) -> None:
        """Take in what came from outside, or a record of it."""
        inbox = TakenIn.of_record(np.zeros(int(self.trader.record["seen"][0]), dtype=EVENT), records)
        self.trader.record["drained"] = -self.trader.count("log")
        assert take_in(self.trader.address, inbox.address, NEVER_NS) == END

    def submit(self, kind: OrderType = OrderType.LIMIT, quantity: float = 10.0, parent: int = -1) -> int:
        """Send an order to buy at 100; return its id."""
        limit = 100.0 if kind is OrderType.LIMIT else None
        stop = 100.0 if kind is OrderType.STOP else None
        return self.view.order("X", quantity, limit=limit, stop=stop, parent=parent)

    def cancel(self, order: int) -> bool:
        """Ask for a cancel; whether it was asked."""
        return self.view.cancel(order)

    def replace(self, order: int, price: float) -> bool:
        """Ask for another limit, or stop; whether it was asked."""
        is_stop = self.row(order)["type"] == OrderType.STOP
        return self.view.replace(order, stop=price) if is_stop else self.view.replace(order, limit=price)

    def say(self, kind: Kind, order: int, w1: int = 0, w2: int = 0, w3: int = 0, w4: int = 0) -> None:
        """The venue says something about an order in the first instrument."""
        self.take(kind, 0, order, w1, w2, w3, w4)

    def take(self, kind: Kind | int, instrument: int, w0: int, w1: int = 0, w2: int = 0, w3: int = 0, w4: int = 0) -> None:
        """Anything comes from outside."""
        event = np.zeros(1, dtype=EVENT)
        event["ts_local_ns"] = event["ts_venue_ns"] = self.now_ns
        event["kind"], event["instrument"] = kind, instrument
        event["w0"], event["w1"], event["w2"], event["w3"], event["w4"] = w0, w1, w2, w3, w4
        call = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)(ANSWERS.address)
        call(self.trader.record.ctypes.data, event.ctypes.data)
        assert self.trader.record["broken"][0] == 0

    def alarms(self) -> list[tuple[AlarmKind, int, int, OrderState]]:
        """Of each alarm so far: what is wrong, the order, the kind of the answer, the state that the order was in."""
        rows = self.trader.used("log")
        found = rows[rows["kind"] == Kind.ALARM]
        return [(AlarmKind(int(row["w0"])), int(row["w1"]), int(row["w2"]), OrderState(int(row["w3"]))) for row in found]

    @staticmethod
    def kind_of(event: OrderEvent) -> Kind:
        """The kind of the answer by which `hears` tells of an event."""
        if event in (OrderEvent.FILL_PART, OrderEvent.FILL_LAST):
            return Kind.ORDER_FILLED
        return Kind.ORDER_REPLACED if event is OrderEvent.REPLACE else _ANSWER[event][0]

    def fill(self, order: int, lots: int, price: int = 100, fee: float = 0.0) -> None:
        """The venue says that lots were filled."""
        self.say(Kind.ORDER_FILLED, order, price, lots, struct.unpack("<q", struct.pack("<d", fee))[0])

    def hears(self, event: OrderEvent, order: int) -> None:
        """The venue says what the event is about, with plausible terms."""
        leaves = int(self.row(order)["quantity_lots"] - self.row(order)["filled_lots"])
        if event is OrderEvent.FILL_PART:
            self.fill(order, 1)
        elif event is OrderEvent.FILL_LAST:
            self.fill(order, max(leaves, 1))
        elif event is OrderEvent.REPLACE:
            self.say(Kind.ORDER_REPLACED, order, 0, int(self.row(order)["quantity_lots"]), 99, 0)
        else:
            kind, reason = _ANSWER[event]
            self.say(kind, order, int(reason))

    def row(self, order: int) -> np.void:
        """The order as the trader half keeps it."""
        row: np.void = self.trader.tables["orders"][order]
        return row

    def state(self, order: int) -> OrderState:
        """Where the order stands."""
        return OrderState(int(self.row(order)["state"]))

    @property
    def position(self) -> int:
        """Lots held."""
        return int(self.trader.tables["positions"]["lots"][0])

    @property
    def cash(self) -> float:
        """Money held."""
        return float(self.trader.tables["money"]["cash"][0])

    def in_state(self, state: OrderState) -> int:
        """Bring an order of ten into a state by what may really happen; return its id."""
        kind = OrderType.STOP if state is OrderState.TRIGGERED else OrderType.LIMIT
        if state is OrderState.HELD:
            return self.submit(parent=self.submit())
        if state is OrderState.REFUSED:
            return self.submit(quantity=0.0)
        order = self.submit(kind)
        if state is OrderState.PENDING:
            return order
        if state is OrderState.REJECTED:
            self.hears(OrderEvent.REJECT, order)
            return order
        self.hears(OrderEvent.ACCEPT, order)
        if state is OrderState.PENDING_CANCEL:
            assert self.cancel(order)
        elif state is OrderState.PENDING_REPLACE:
            assert self.replace(order, 99.0)
        elif state is not OrderState.WORKING:
            events = {
                OrderState.TRIGGERED: OrderEvent.TRIGGER,
                OrderState.PARTIAL: OrderEvent.FILL_PART,
                OrderState.FILLED: OrderEvent.FILL_LAST,
                OrderState.CANCELLED: OrderEvent.CANCEL,
                OrderState.EXPIRED: OrderEvent.EXPIRE,
                OrderState.UNKNOWN: OrderEvent.LOSE,
            }
            self.hears(events[state], order)
        return order
