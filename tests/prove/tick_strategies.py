"""Strategies over ticks that look ahead in one way each, and clean ones beside them."""

from __future__ import annotations

import datetime as dt

from framework import State, Strategy, compiled
from framework.engine.market import Quote, Trade
from framework.engine.view import View
from framework.schema.event import EVENT, Kind

_WORDS = EVENT.itemsize // 8


def _next(view: View, kind: int, instrument: str, rows: int = 200):
    """The next event of a kind and instrument as words, from the tape that the wake lies on; None where there is none near."""
    tape, row = view.wake.tape, view.wake.row + 1
    number = view.number(instrument)
    while (row + 1) * _WORDS <= len(tape) and row <= view.wake.row + rows:
        head = tape[row * _WORDS + 2]
        if head & 0xFFFF == kind and head >> 32 == number:
            return tape[row * _WORDS : (row + 1) * _WORDS]
        row += 1
    return None


class _Ahead(Strategy):
    """Holds one unit while what comes next is more than what came last."""

    kind = int(Kind.DEPTH)
    word = 3

    def on_start(self, view):
        self.last = {}

    def _turn(self, view, instrument):
        following = _next(view, self.kind, instrument)
        if following is None:
            return
        value = self.value(following)
        wanted = 1.0 if value > self.last.get(instrument, value) else 0.0
        self.last[instrument] = value
        view.target_quantity(instrument, wanted)

    def value(self, words):
        return words[self.word]


class PriceOfNextLevel(_Ahead):
    def on_book(self, view, book):
        self._turn(view, book.instrument)


class SizeOfNextLevel(PriceOfNextLevel):
    word = 4


class SideOfNextLevel(PriceOfNextLevel):
    def value(self, words):
        return (words[2] >> 16) & 512


class OrderOfNextLevel(PriceOfNextLevel):
    word = 5


class PriceOfNextTrade(_Ahead):
    kind = int(Kind.TRADE)

    def on_trade(self, view, trade):
        self._turn(view, trade.instrument)


class SizeOfNextTrade(PriceOfNextTrade):
    word = 4


class NextQuote(_Ahead):
    kind = int(Kind.QUOTE)

    def on_quote(self, view, quote):
        self._turn(view, quote.instrument)


class GapToCome(Strategy):
    """Is out of the market where a message of the book will be missing soon."""

    def on_book(self, view, book):
        view.target_quantity(book.instrument, 1.0 if _next(view, int(Kind.GAP), book.instrument, 60) is None else 0.0)


class OnItsWay(Strategy):
    """Reads trades that the venue has seen and we have not: happened by now, told later."""

    def on_start(self, view):
        self.held = 0.0

    def on_trade(self, view, trade):
        following = _next(view, int(Kind.TRADE), trade.instrument)
        if following is not None and following[1] <= view.now_ns:
            self.held = 1.0 if following[4] > 4 else 2.0
        view.target_quantity(trade.instrument, self.held)


@compiled
class Follower(Strategy):
    """Clean: after trades of buyers long, of sellers short; what it holds it lets go by a timer. Compiled or not."""

    side: State[int] = 0

    def on_start(self, view: View) -> None:
        view.timers.every(dt.timedelta(seconds=5), name="let go")

    def on_trade(self, view: View, trade: Trade) -> None:
        self.side = trade.side
        view.target_quantity(trade.instrument, float(trade.side))

    def on_book(self, view: View, book: Quote) -> None:
        if self.side > 0 and view.imbalance(book.instrument, 3) < -0.5:
            view.target_quantity(book.instrument, 0.0)

    def on_timer(self, view: View, name: str) -> None:
        for instrument in view.instruments:
            view.target_quantity(instrument, 0.0)


class Joiner(Strategy):
    """Clean: rests at the best bid and follows it; its fills come from the venue, ahead of a late feed."""

    def on_start(self, view):
        self.order, self.price = {}, {}

    def on_book(self, view, book):
        if not book.bid > 0:
            return
        order = self.order.get(book.instrument, -1)
        if order >= 0 and not view.is_done(order) and self.price[book.instrument] == book.bid:
            return
        if order >= 0 and not view.is_done(order):
            view.cancel(order)
        self.price[book.instrument] = book.bid
        self.order[book.instrument] = view.buy(book.instrument, 1, limit=book.bid)

    def on_order(self, view, order):
        if order.filled_quantity and view.position(order.instrument) >= 3:
            view.target_quantity(order.instrument, 0.0)
