"""Both halves of a run written plainly: a trader who knows what was told, wires with latency, the exchange of `plain_exchange.py`.

A `Script` is what a strategy does by timers. `Desk.run` plays it over the events of a tape and writes down everything that is said,
as the audit does. The trader's checks before sending are not repeated here: what they refused is handed in.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import takewhile
from typing import Any

from framework.schema.event import Flag, Kind
from framework.schema.order import OrderType, Reason, TimeInForce
from tests.properties.plain_account import Account, Prices
from tests.properties.plain_book import PlainBook
from tests.properties.plain_exchange import Exchange
from tests.properties.plain_orders import Market, Order, Rules, Turn
from tests.properties.plain_trader import Trader, broker_order
from tests.properties.plain_under_way import bar_ends

_PARTING = (Kind.HALT, Kind.PRICE_LIMITS, Kind.SESSION, Kind.SPLIT, Kind.DIVIDEND, Kind.DELIST, Kind.FUNDING)
"""What changes an instrument or its venue: what follows at its stamp is another moment."""

Said = tuple[Any, ...]
"""Kind, when it was heard, when it happened, instrument, order, words."""

Event = dict[str, int]
Holding = tuple[list[int], dict[str, Decimal]]
"""Lots by instrument and cash by currency."""


@dataclass(frozen=True)
class Wish:
    """Something a strategy does at a moment. `of`, `parent` and `group` are places of other wishes in the script."""

    ns: int
    verb: str  # order, target, cancel, replace
    instrument: int = 0
    side: int = 1
    lots: int = 1
    type: OrderType = OrderType.MARKET
    force: TimeInForce = TimeInForce.GTC
    limit: int = 0
    stop: int = 0
    trail: int = 0
    trail_limit: int = 0
    expires: int = 0
    reduces_only: bool = False
    parent: int = -1
    group: int = -1
    of: int = -1


@dataclass
class Latency:
    """Nanoseconds of each leg."""

    decision: int = 0
    entry: int = 0
    response: int = 0


@dataclass
class Desk:
    """A run."""

    prices: Prices
    rules: Rules
    cash: Decimal
    latency: Latency
    script: Sequence[Wish]
    refused: set[int]  # orders
    changed: set[int]  # wishes of changes that were sent
    now: int = 0
    said: list[Said] = field(default_factory=list)
    outbox: list[tuple[Any, ...]] = field(default_factory=list)
    entry: deque[tuple[Any, ...]] = field(default_factory=deque)
    response: deque[tuple[Any, ...]] = field(default_factory=deque)
    numbers: dict[int, int] = field(default_factory=dict)  # wish -> order
    met: Counter[str] = field(default_factory=Counter)
    agreed: int = 0
    mark_moved: bool = False
    matched: int = 0  # bars and quotes before this event have been matched
    best: dict[int, tuple[int | None, int | None]] = field(default_factory=dict)
    noted: dict[int, tuple[bool, Holding, Holding]] = field(default_factory=dict)  # at timers: whether nothing is in flight, both accounts
    booked: Sequence[int] = ()  # instruments that are told by books

    def __post_init__(self) -> None:
        self.trader = Trader(self, Account(self.prices, self.cash))
        own = Account(self.prices, self.cash)
        self.exchange = Exchange(self.prices, self.rules, own, self.tell, self.let_in, self.place, met=self.met)
        self.books = {i: PlainBook(self.exchange, i) for i in self.booked}
        self.exchange.books.update(self.books)

    # what is said

    def send(self, kind: Kind, order: Order, *words: Any, leaves_us: bool = True) -> None:
        self.said.append((kind, self.now, self.now, order.instrument, order.number, words))
        if leaves_us:
            self.outbox.append((self.now, kind, order, words))

    def tell(self, kind: Kind, instrument: int, number: int, *words: Any) -> None:
        at = self.exchange.now
        if kind == Kind.ORDER_FILLED and self.response:
            self.met["fills in flight"] += 1
        if kind == Kind.ORDER_PLACED or not self.latency.response:
            self.hear((at, at, kind, instrument, number, words))
        else:
            self.response.append((max(at + self.latency.response, self.now), at, kind, instrument, number, words))

    def hear(self, message: tuple[Any, ...]) -> None:
        heard, at, kind, instrument, number, words = message
        self.now = max(self.now, heard)
        self.said.append((kind, self.now, at, instrument, number, words))
        if kind == Kind.ORDER_ACCEPTED:
            self.trader.known[number].order.arrived = at
        self.trader.hear(kind, instrument, number, words)

    def place(self, instrument: int, lots: int) -> Order:
        number = len(self.trader.known)
        self.met["liquidations"] += 1
        self.tell(Kind.ORDER_PLACED, instrument, number, abs(lots), 1 if lots > 0 else -1)
        return broker_order(number, instrument, (abs(lots), 1 if lots > 0 else -1))

    def is_past_recall(self, order: Order) -> bool:
        """Whether by what the trader has heard an order must count as filled: it waited for the open of the bar under way."""
        venue = self.exchange
        seen = replace(venue, now=self.now, matched={}, kept=[], met=Counter())
        return order.arrived > 0 and bar_ends(seen, order, seen.now) is not None

    # the run

    def run(self, events: Sequence[Event]) -> Desk:
        timers = deque(sorted({wish.ns for wish in self.script}))
        for k, event in enumerate(events):
            self.until(event["ts_local_ns"], timers)
            self.exchange.now = event["ts_venue_ns"]
            self.now = event["ts_local_ns"]
            self.mark_moved = False
            self.see_moment(events, k)
            self.on_event(event)
            if self.mark_moved or event["kind"] not in (Kind.DEPTH, Kind.TRADE):  # of ticks only those that move a mark are looked at
                self.exchange.enforce_margin()
            self.post()
            self.look()
        while self.due() <= self.now or (timers and timers[0] <= self.now):
            self.one() if self.due() <= self.now else self.wake(timers.popleft())
        self.finish()
        return self

    def see_moment(self, events: Sequence[Event], k: int) -> None:
        """Bars and quotes of one stamp are matched together, before anybody sees one of them."""
        if k < self.matched or events[k]["kind"] not in (Kind.BAR, Kind.QUOTE):
            return
        turns, self.matched = [], k
        for event in takewhile(
            lambda event: event["ts_local_ns"] == events[k]["ts_local_ns"] and event["kind"] not in _PARTING, events[k:]
        ):
            self.matched += 1
            if event["kind"] in (Kind.BAR, Kind.QUOTE):
                turns.append(Turn(_as_market(event), (event["w2"], event["w3"])))
        self.exchange.moment(turns)

    def due(self) -> int:
        """The earliest of both wires and the dates of orders."""
        found = [self.entry[0][0]] if self.entry else []
        found += [self.exchange.next_expiry] if self.exchange.next_expiry else []
        return min(found + ([self.response[0][0]] if self.response else []), default=2**62)

    def until(self, ns: int, timers: deque[int]) -> None:
        """Everything before a market event of this stamp: what is due by then, timers before it."""
        while True:
            due, timer = self.due(), timers[0] if timers else 2**62
            if due <= ns and due <= timer:
                self.one()
            elif timer < ns:
                self.wake(timers.popleft())
            else:
                return

    def one(self) -> None:
        """What is due first: a command reaches the venue, an order's date passes, an answer reaches the trader."""
        due, venue = self.due(), self.exchange
        if self.entry and self.entry[0][0] == due:
            venue.now = due
            self.now = max(self.now, due)
            self.command(*self.entry.popleft()[1:])
        elif venue.next_expiry == due:
            venue.now = max(venue.now, due - 1)
            self.now = max(self.now, venue.now)
            venue.expire()
        else:
            self.hear(self.response.popleft())
        self.post()
        self.look()

    def command(self, kind: Kind, order: Order, words: tuple[Any, ...]) -> None:
        if kind == Kind.ORDER_SUBMIT:
            self.exchange.arrive(replace(order, lots=words[0], limit=words[1], stop=words[2], filled=0))
        else:
            way = self.latency.decision + self.latency.entry
            self.exchange.command(kind, order.number, words, self.exchange.now - way)

    def post(self) -> None:
        """Put what the trader wants sent on its way."""
        way = self.latency.decision + self.latency.entry
        self.entry.extend((at + way, kind, order, words) for at, kind, order, words in self.outbox)
        self.outbox.clear()

    def let_in(self) -> None:
        """What nothing delays arrives before anybody is woken."""
        if self.latency.decision + self.latency.entry == 0:
            self.post()
        while self.due() <= self.now:
            self.one()

    def wake(self, ns: int) -> None:
        """A timer: the wishes of this moment."""
        self.now = ns
        self.noted[ns] = (not self.entry and not self.response, _holding(self.trader.account), _holding(self.exchange.account))
        for k, wish in enumerate(self.script):
            if wish.ns == ns:
                self.decide(k, wish)
        self.post()

    def decide(self, k: int, wish: Wish) -> None:
        trader, number = self.trader, len(self.trader.known)
        if wish.verb == "order":
            parent, group = (self.numbers.get(of, number) if of >= 0 else -1 for of in (wish.parent, wish.group))
            self.numbers[k] = number
            order = Order(number, wish.instrument, wish.side, wish.type, wish.force, wish.lots, wish.limit, wish.stop)
            order.trail, order.trail_limit, order.expires = wish.trail, wish.trail_limit, wish.expires
            order.reduces_only, order.parent, order.group = wish.reduces_only, parent, group
            if order.trails:
                order.set_stop(order.stop)
            trader.add(order, is_refused=number in self.refused)
        elif wish.verb == "target":
            wanted = wish.side * wish.lots
            change = trader.aim(wish.instrument, wanted)
            if change:
                order = Order(number, wish.instrument, 1 if change > 0 else -1, OrderType.MARKET, TimeInForce.GTC, abs(change))
                order.is_targets, order.reduces_only = True, min(wanted - change, 0) <= wanted <= max(wanted - change, 0)
                trader.add(order, is_refused=number in self.refused)
                if number not in self.refused:
                    trader.target[wish.instrument] = number
        elif wish.of in self.numbers and wish.verb == "cancel":
            trader.ask_cancel(self.numbers[wish.of], Reason.USER)
        elif wish.of in self.numbers and k in self.changed:
            known = trader.known[self.numbers[wish.of]]
            self.met["changes"] += 1
            assert known.state == "live", (k, wish, known)
            _, limit, stop = known.terms
            trader.ask_replace(known.order.number, wish.lots, wish.limit or limit, wish.stop or stop)

    def on_event(self, event: Event) -> None:
        kind, i, ns, venue = Kind(event["kind"]), event["instrument"], event["ts_local_ns"], self.exchange
        w0, w1, w2, w3 = (event[word] for word in ("w0", "w1", "w2", "w3"))
        if kind == Kind.BAR:
            venue.last_bar[i], venue.last_close[i] = ns, w3
            self.see(i, Decimal(w3))
        elif kind == Kind.QUOTE:
            self.see(i, Decimal(w0 + w1) / 2)
        elif kind == Kind.DEPTH:
            self.on_level(event)
        elif kind == Kind.TRADE and i in self.books:
            self.books[i].trade(ns, 1 if event["flags"] & Flag.SELL else -1, w0, w1)
            venue.sweep(i)
        elif kind == Kind.TRADE:
            venue.print(Market(ns, i, Kind.BAR, w0, w0, w0, w0, w1))
            self.see(i, Decimal(w0))
        elif kind == Kind.MARK_PRICE:
            self.prices.see(i, w0 + Decimal(w1) / 10**9)
            self.prices.told.add(i)
        elif kind == Kind.FUNDING:
            venue.funding(i, Decimal(w0) / 10**9)
        elif kind == Kind.SESSION:
            (venue.opens if event["flags"] & Flag.SESSION_OPEN else venue.closes)(w1, w2)

    def on_level(self, event: Event) -> None:
        """What stands at a price; the last of a message lets orders act, and moves the mark where a best price has moved."""
        i, book = event["instrument"], self.books[event["instrument"]]
        book.level(1 if event["flags"] & Flag.BUY else -1, event["w0"], event["w1"])
        if event["flags"] & Flag.LAST:
            book.message_ends(event["ts_venue_ns"])
            self.exchange.sweep(i)
            bid, ask = book.best(1), book.best(-1)
            if (bid, ask) != self.best.get(i) and bid and ask and bid < ask:
                self.see(i, Decimal(bid + ask) / 2)
            self.best[i] = (bid, ask)

    def see(self, i: int, ticks: Decimal) -> None:
        if i not in self.prices.told:
            self.prices.see(i, ticks)
            self.mark_moved = True

    def look(self) -> None:
        """Whenever nothing is in flight both accounts are the same."""
        if self.entry or self.response or self.outbox:
            return
        mine, theirs = self.trader.account, self.exchange.account
        assert mine.parts == theirs.parts and mine.cash == theirs.cash, (
            self.now,
            mine.parts,
            theirs.parts,
            mine.cash,
            theirs.cash,
        )
        self.agreed += 1

    def finish(self) -> None:
        """The data are over: what works ends, what is on its way arrives, the held end."""
        venue = self.exchange
        while self.outbox or self.entry or self.response or any(venue.lines.values()):
            self.post()
            while self.entry:
                at, kind, order, words = self.entry.popleft()
                venue.now = at
                self.now = max(self.now, at)
                self.command(kind, order, words)
            for i in sorted(venue.lines):
                for order in venue.lines[i]:
                    if not order.is_done:
                        venue.end(order, Kind.ORDER_EXPIRED, Reason.END_OF_DATA)
                venue.sweep(i)
            while self.response:
                self.hear(self.response.popleft())
        for known in self.trader.known:
            if known.state == "held":
                known.state = "done"
                self.send(Kind.ORDER_CANCELLED, known.order, Reason.END_OF_DATA, leaves_us=False)


def _as_market(event: Event) -> Market:
    """A bar, or a quote with the bid as its low and the ask as its high."""
    ns, i, (w0, w1, w2, w3, w4) = event["ts_local_ns"], event["instrument"], (event[word] for word in ("w0", "w1", "w2", "w3", "w4"))
    if event["kind"] == Kind.BAR:
        return Market(ns, i, Kind.BAR, w0, w1, w2, w3, w4)
    return Market(ns, i, Kind.QUOTE, w0, w1, w0, 0, 0)


def _holding(account: Account) -> Holding:
    return [account.lots(i) for i in account.parts], dict(account.cash)
