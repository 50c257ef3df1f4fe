"""Order-book pressure: with the heavier side of the book while the flow into it agrees."""

from __future__ import annotations

import math

from framework.engine.compiled import compiled
from framework.engine.market import Quote
from framework.engine.strategy import PerInstrument, Strategy
from framework.engine.view import View
from framework.stages.features.order_flow import order_flow


@compiled
class OrderBookPressure(Strategy):
    """Long while bids outweigh offers and order flow comes in on the bid, short in the mirror case.

        pressure = (bids - offers) / (bids + offers) over the best `levels`
        flow     = sum of e[n] exp(-age / flow_s), e the order-flow imbalance of each change (Cont, Kukanov and Stoikov 2014)

    Enters by market order where |pressure| >= entry, the flow has the same sign and the spread is at most `most_spread_ticks`. Leaves when
    the pressure on its side falls to `exit` or after `hold_s`.

    Attributes:
        levels: of the book, at least 1.
        entry, exit: pressure, exit below entry.
        flow_s, hold_s: seconds, above 0.
        most_spread_ticks: spread up to which it pays to take.
        size: units held.

    Assumptions: displayed size tells where the next trades go (Gould and Bonart 2016).
    Fails when: costs and latency exceed the move foretold, which is a part of the spread; displayed orders are not meant to trade.
    """

    levels: int = 5
    entry: float = 0.6
    exit: float = 0.0
    flow_s: float = 10.0
    hold_s: float = 60.0
    most_spread_ticks: float = 1.0
    size: float = 1.0
    side: PerInstrument[int]
    since_ns: PerInstrument[int]
    told_ns: PerInstrument[int]
    flow: PerInstrument[float]
    bid: PerInstrument[float]
    bid_size: PerInstrument[float]
    ask: PerInstrument[float]
    ask_size: PerInstrument[float]

    def on_start(self, view: View) -> None:
        """Check the settings and start flat."""
        if not (self.levels >= 1 and self.exit < self.entry and self.flow_s > 0.0 and self.hold_s > 0.0 and self.size > 0.0):
            raise ValueError(f"needs levels >= 1, exit < entry, flow_s, hold_s and size above 0, got {dict(self.parameters)}")

    def on_book(self, view: View, book: Quote) -> None:
        """Follow the flow; enter or leave."""
        i = book.instrument
        change = order_flow(book.bid, book.bid_size, book.ask, book.ask_size, self.bid[i], self.bid_size[i], self.ask[i], self.ask_size[i])
        age_s = (view.now_ns - self.told_ns[i]) * 1e-9
        self.flow[i] = self.flow[i] * math.exp(-age_s / self.flow_s) + change
        self.told_ns[i] = view.now_ns
        self.bid[i], self.bid_size[i], self.ask[i], self.ask_size[i] = book.bid, book.bid_size, book.ask, book.ask_size
        pressure = view.imbalance(i, self.levels)
        if self.side[i] != 0:
            is_over = view.now_ns - self.since_ns[i] >= self.hold_s * 1e9
            if is_over or pressure * self.side[i] <= self.exit:
                self.side[i] = 0
                view.target_quantity(i, 0.0)
            return
        is_near = book.bid > 0.0 and book.ask - book.bid <= (self.most_spread_ticks + 0.5) * view.tick(i)
        if is_near and abs(pressure) >= self.entry and pressure * self.flow[i] > 0.0:
            self.side[i] = 1 if pressure > 0.0 else -1
            self.since_ns[i] = view.now_ns
            view.target_quantity(i, self.size * self.side[i])
