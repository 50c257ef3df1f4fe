"""An exchange and its broker written plainly: commands and dates; bars, quotes and the broker stand in files of their own.

It matches orders of every type against one market event after the other, judges what they may do by an account, charges, settles and
liquidates. It shares no code with the kernel. Books are `plain_venue.py`'s.
"""

from __future__ import annotations

from typing import Any

from framework.schema.event import Kind
from framework.schema.order import Reason
from tests.properties.plain_moment import Moments
from tests.properties.plain_orders import Order
from tests.properties.plain_under_way import NEVER, keeps, release


class Exchange(Moments):
    """The venue as the wires see it."""

    def arrive(self, order: Order) -> None:
        order.arrived = self.now
        self.orders[order.number] = order
        if self.is_being_closed(order.instrument) and not order.reduces_only:
            self.end(order, Kind.ORDER_REJECTED, Reason.LIQUIDATED)
            return
        self.lines.setdefault(order.instrument, []).append(order)
        self.tell(Kind.ORDER_ACCEPTED, order.instrument, order.number)
        if order.instrument in self.books:
            self.books[order.instrument].enter(self.now, order)

    def command(self, kind: Kind, number: int, words: tuple[Any, ...], decided: int) -> None:
        """A cancel or change acts at once, unless it has to wait for the bar under way; a later target's, if that was decided inside it."""
        order = self.orders[number]

        def act() -> None:
            self.cancel(number, words[0]) if kind == Kind.ORDER_CANCEL else self.replace(number, *words)
            self.sweep(order.instrument)

        is_targets = kind == Kind.ORDER_CANCEL and words[0] == Reason.SUPERSEDED
        if not keeps(self, order, act, decided if is_targets else self.now):
            act()

    def cancel(self, number: int, reason: int) -> None:
        order = self.orders[number]
        if order.is_done:
            self.tell(Kind.ORDER_CANCEL_REJECTED, order.instrument, number, Reason.ORDER_DONE)
            return
        self.end(order, Kind.ORDER_CANCELLED, reason)

    def replace(self, number: int, lots: int, limit: int, stop: int) -> None:
        order = self.orders[number]
        if order.is_done:
            self.tell(Kind.ORDER_CANCEL_REJECTED, order.instrument, number, Reason.ORDER_DONE)
            return
        if lots <= order.filled:
            self.end(order, Kind.ORDER_CANCELLED, Reason.ORDER_DONE)
            return
        if order.trails:
            stop = min(stop, order.stop) if order.side > 0 else max(stop, order.stop)
            limit = order.limit
        keeps_place = limit == order.limit and lots <= order.lots
        order.rests = order.rests and limit == order.limit
        if not (order.parent >= 0 and order.waits and (limit, stop) == (order.limit, order.stop)):
            order.arrived = self.now  # the stop of an entry that fills further stands where it stood
        order.lots, order.limit = lots, limit
        order.set_stop(stop) if order.waits else setattr(order, "stop", stop)
        if not keeps_place:
            line = self.lines[order.instrument]
            line.remove(order)
            line.append(order)
        self.tell(Kind.ORDER_REPLACED, order.instrument, number, lots, order.limit, order.stop)
        if order.instrument in self.books:
            self.books[order.instrument].amend(self.now, order)

    @property
    def next_expiry(self) -> int:
        """A nanosecond after the next date of an order, or after the end of a bar that something waits for; 0 for none."""
        dates = [o.expires + 1 for line in self.lines.values() for o in line if o.expires and not o.is_done]
        return min(dates + [each.ends + 1 for each in self.kept if each.ends != NEVER], default=0)

    def expire(self) -> None:
        """What waited for a bar that should have been told acts; what is good till a date that has passed ends."""
        release(self, lambda each: each.ends <= self.now)
        for i in sorted(self.lines):
            for order in self.lines[i]:
                if order.expires and order.expires <= self.now and not order.is_done:
                    self.date_comes(order)
            self.sweep(i)

    def date_comes(self, order: Order) -> None:
        order.expires = 0

        def act() -> None:
            if not order.is_done:
                self.end(order, Kind.ORDER_EXPIRED, Reason.DATE_REACHED)
                self.sweep(order.instrument)

        if not keeps(self, order, act):
            act()

    def would_fill_at(self, order: Order, price: int) -> bool:
        return self.rank_at(order, price) is not None
