"""How orders fill on quotes, written plainly from `docs/fills.md`."""

from __future__ import annotations

from framework.schema.event import Kind
from framework.schema.order import TimeInForce
from tests.properties.plain_bars import Bars, exhaust
from tests.properties.plain_orders import Market, Order


class Quotes(Bars):
    """Quotes: at most the displayed size, by price and time."""

    def quote(self, ns: int, i: int, bid: int, ask: int, bid_lots: int, ask_lots: int) -> None:
        session = self.session
        if session.is_known and not session.is_open:
            return
        left, prices = {1: ask_lots, -1: bid_lots}, {1: ask, -1: bid}

        def takes_part(order: Order) -> bool:
            if order.is_done or order.arrived >= ns or order.sits_out == ns or order.force == TimeInForce.AT_CLOSE:
                return False
            return order.force != TimeInForce.AT_OPEN or order.arrived <= session.opens

        def rank(order: Order) -> int | None:
            return self.behind_exits(order, self.rank_at(order, prices[order.side], through=False), bid, ask)

        def act(order: Order) -> None:
            price = prices[order.side]
            left[order.side] -= self.on_quote(order, Market(ns, i, Kind.QUOTE, price, price, price, price, left[order.side]))
            self.end_leftover(order, is_opening=True)

        line = self.lines.get(i, [])
        exhaust(self.acts(line, takes_part, rank, act))
        for order in line:
            if takes_part(order) and rank(order) is None:
                act(order)
        self.sweep(i)

    def on_quote(self, order: Order, quote: Market) -> int:
        price = quote.open
        if order.waits:
            if not order.reaches(price):
                if order.trails:
                    self.follow(order, price)
                return 0
            self.trigger(order)
        if not order.is_limit:
            return self.execute(order, quote.volume, price, quote)
        if not order.betters(price, through=False):
            order.rests = True
            return 0
        return self.execute(order, quote.volume, order.limit if order.rests else price, quote, is_maker=order.rests)
