"""An instrument told by a book, in a run with accounts: the lines of `plain_venue.py`, the fills and the ends of `plain_exchange.py`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from framework.schema.event import Kind
from framework.schema.order import OrderType, TimeInForce
from tests.properties.decimal_ledger import ZERO
from tests.properties.plain_exchange import Exchange
from tests.properties.plain_orders import AT_ONCE, Market, Order
from tests.properties.plain_venue import Order as Resting
from tests.properties.plain_venue import PlainVenue
from tests.properties.random_ticks import Plan


class PlainBook(PlainVenue):
    """Our orders in one book. What fills is asked of the exchange, since the account must be able to carry it."""

    def __init__(self, exchange: Exchange, instrument: int) -> None:
        super().__init__(lambda ahead, behind: 1.0, "next", {"self_trade": "none"})
        self.exchange, self.instrument = exchange, instrument

    def own(self, order: Resting) -> Order:
        """The exchange's record of an order."""
        return self.exchange.orders[order.k]

    def enter(self, ns: int, order: Order) -> None:
        """An order that was accepted joins its line, or waits for the next message."""
        force = order.force.name if order.force in AT_ONCE else "GTC"
        plan = Plan(ns, order.side, order.lots, order.limit, force, 0, trigger=order.stop, is_touch=order.is_touch, trail=order.trail)
        plan.trail_limit = order.trail_limit if order.type == OrderType.TRAILING_STOP_LIMIT else -1
        self.arrive(ns, order.number, plan)

    def amend(self, ns: int, order: Order) -> None:
        """New terms of a working order."""
        resting = next(each for each in self.orders if each.k == order.number)
        since = resting.since
        self.change(ns, order.number, replace(resting.plan, change_lots=order.lots, change_limit=order.limit))
        if order.arrived < ns:
            resting.since = since  # only its quantity has grown

    def sit_out(self, number: int, ns: int) -> None:
        for each in self.orders:
            each.since = ns if each.k == number else each.since

    def drop_ended(self) -> None:
        self.orders = [order for order in self.orders if not self.own(order).is_done]

    def fill(self, ns: int, order: Resting, lots: int, price: int) -> int:
        own, event = self.own(order), Market(ns, self.instrument, Kind.DEPTH, price, price, price, price, lots)
        if own.is_done or own.sits_out == ns or min(lots, order.left) <= 0:
            return 0
        done = self.exchange.execute(own, min(lots, order.left), price, event, is_maker=order.rests)
        order.left = 0 if own.is_done else order.left - done
        return done

    def triggers_now(self, order: Resting) -> bool:
        level, own = order.trigger, self.own(order)
        has_triggered = super().triggers_now(order)
        own.stop, own.limit = order.trigger, order.limit
        if has_triggered:
            self.exchange.trigger(own)
        elif order.trigger != level:
            self.exchange.tell(Kind.ORDER_REPRICED, own.instrument, own.number, own.limit, own.stop)
        return has_triggered

    def act(self, ns: int, order: Resting) -> None:
        own = self.own(order)
        side = self.book[-order.side]
        prices = [p for p in sorted(side, reverse=order.side < 0) if not order.limit or (order.limit - p) * order.side >= 0]
        if order.plan.force != "FOK" or order.rests:
            self.take(ns, order, prices)
        elif self.has_all(order, prices):
            own.force = TimeInForce.IOC  # all of it is there: taken level by level
            self.take(ns, order, prices)
        if order.left and order.plan.force != "GTC":
            self.exchange.end_leftover(own, is_opening=True)
            order.left = 0
        elif order.left and order.limit and not order.rests:
            self.rest(order)

    def has_all(self, order: Resting, prices: list[int]) -> bool:
        """Whether book and account allow all of an order."""
        needed = int(np.searchsorted(np.cumsum([self.free(-order.side, price) for price in prices]), order.left))
        if needed >= len(prices):
            return False
        return self.exchange.can_carry(self.own(order), order.left, prices[needed], ZERO) == order.left
