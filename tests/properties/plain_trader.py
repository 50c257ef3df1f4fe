"""A trader written plainly: what it knows of its orders from what was told, and what follows from it. The wires are `plain_desk.py`'s."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from framework.schema.event import Kind
from framework.schema.order import OrderType, Reason, TimeInForce
from tests.properties.plain_account import Account
from tests.properties.plain_orders import Order


class Wires(Protocol):
    """By what a trader says something."""

    def send(self, kind: Kind, order: Order, *words: Any, leaves_us: bool = True) -> None: ...
    def is_past_recall(self, order: Order) -> bool: ...


def broker_order(number: int, instrument: int, words: tuple[int, int]) -> Order:
    """The broker's order that closes a position: lots and side."""
    lots, side = words
    return Order(number, instrument, side, OrderType.MARKET, TimeInForce.GTC, lots, reduces_only=True, is_brokers=True)


@dataclass
class Known:
    """An order as the trader knows it: held, live, cancelling or done."""

    order: Order
    state: str
    asked: tuple[int, int, int] = (0, 0, 0)  # lots, limit and stop last asked for, where changes are under way
    changes: int = 0

    @property
    def terms(self) -> tuple[int, int, int]:
        """Lots, limit and stop once all that is under way is done: what a further change starts from."""
        return self.asked if self.changes else (self.order.lots, self.order.limit, self.order.stop)


class Trader:
    """What was told, and what follows from it: children are released, groups kept consistent."""

    def __init__(self, desk: Wires, account: Account) -> None:
        self.desk, self.account = desk, account
        self.known: list[Known] = []
        self.target: dict[int, int] = {}

    # decisions

    def add(self, order: Order, *, is_refused: bool) -> None:
        """Take an order into the books and send it, unless it is held or refused."""
        self.known.append(Known(order, "done" if is_refused else "held" if order.parent >= 0 else "live"))
        if self.known[-1].state == "live":
            self.submit(order)

    def submit(self, order: Order) -> None:
        self.desk.send(Kind.ORDER_SUBMIT, order, order.lots, order.limit, order.stop)

    def ask_cancel(self, number: int, reason: int) -> None:
        known = self.known[number]
        if known.state in ("done", "cancelling") or known.order.is_brokers:
            return
        is_held = known.state == "held"
        known.state = "done" if is_held else "cancelling"
        self.desk.send(Kind.ORDER_CANCEL, known.order, reason, leaves_us=not is_held)

    def ask_replace(self, number: int, lots: int, limit: int, stop: int) -> None:
        known = self.known[number]
        known.asked, known.changes = (lots, limit, stop), known.changes + 1
        self.desk.send(Kind.ORDER_REPLACE, known.order, lots, limit, stop)

    def aim(self, instrument: int, lots: int) -> int:
        """The change that a target asks for; an older target's rest is superseded, unless the open of the bar under way has filled it."""
        if lots == self.expected(instrument):
            return 0
        last = self.target.get(instrument, -1)
        if last >= 0 and self.known[last].state == "live" and not self.desk.is_past_recall(self.known[last].order):
            self.ask_cancel(last, Reason.SUPERSEDED)
        return lots - self.expected(instrument)

    def expected(self, instrument: int) -> int:
        """The position once its market orders have filled in turn; one that only reduces fills what it then finds."""
        lots = self.account.lots(instrument)
        for known in self.known:
            order = known.order
            if known.state == "live" and order.instrument == instrument and order.type == OrderType.MARKET:
                wanted = order.lots - order.filled
                if order.reduces_only:
                    wanted = min(wanted, max(-order.side * lots, 0))
                lots += order.side * wanted
        return lots

    # what is told

    def hear(self, kind: Kind, instrument: int, number: int, words: tuple[Any, ...]) -> None:
        if kind == Kind.CHARGE:
            self.account.charge(instrument, words[1])
        elif kind == Kind.SETTLED:
            self.account.settle(instrument, words[1])
        elif kind == Kind.ORDER_PLACED:
            self.known.append(Known(broker_order(number, instrument, words), "live"))
        else:
            self.hear_of(self.known[number], kind, words)

    def hear_of(self, known: Known, kind: Kind, words: tuple[Any, ...]) -> None:
        order = known.order
        if kind == Kind.ORDER_FILLED:
            ticks, lots, _, _, _, fee, slippage = words
            order.filled += lots
            known.state = "done" if order.left <= 0 else known.state
            self.account.fill(order.instrument, order.side * lots, ticks, slippage, fee)
            self.react_to_fill(known, lots)
        elif kind == Kind.ORDER_TRIGGERED:
            if words[1]:
                order.stop, order.limit = words
        elif kind == Kind.ORDER_REPRICED:
            order.limit, order.stop = words
        elif kind == Kind.ORDER_REPLACED:
            order.lots, order.limit, order.stop = words
            known.changes = max(known.changes - 1, 0)
        elif kind == Kind.ORDER_CANCEL_REJECTED:
            known.state = "done" if known.state == "done" else "live"
            known.changes = max(known.changes - 1, 0)
        elif kind in (Kind.ORDER_CANCELLED, Kind.ORDER_EXPIRED, Kind.ORDER_REJECTED):
            known.state = "done"
            for child in self.children(order.number):
                if child.state == "held" and not order.filled:
                    child.state = "done"
                    self.desk.send(Kind.ORDER_CANCELLED, child.order, Reason.PARENT_ENDED, leaves_us=False)

    def children(self, number: int) -> list[Known]:
        return [known for known in self.known if known.order.parent == number]

    def react_to_fill(self, known: Known, lots: int) -> None:
        """Children are released with what was filled and grow with it; a group loses it; an exit stops its entry."""
        order = known.order
        for child in self.children(order.number):
            if child.state == "held":
                child.state, child.order.lots = "live", lots
                self.submit(child.order)
            elif child.state == "live":
                whole, limit, stop = child.terms
                self.ask_replace(child.order.number, whole + lots, limit, stop)
        for other in self.known if order.group >= 0 else []:
            if other is known or other.order.group != order.group or other.state == "done":
                continue
            whole, limit, stop = other.terms
            rest = whole - lots
            if order.left <= 0 or rest <= other.order.filled:
                self.ask_cancel(other.order.number, Reason.SIBLING_FILLED)
            elif other.state == "live":
                self.ask_replace(other.order.number, rest, limit, stop)
        if order.parent >= 0 and self.known[order.parent].state != "done":
            self.ask_cancel(order.parent, Reason.SIBLING_FILLED)
