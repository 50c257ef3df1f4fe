"""Both halves of a run written plainly: a trader who knows what was told, wires with latency, the exchange of `plain_exchange.py`.

A `Script` is what a strategy does by timers. `Desk.run` plays it over the events of a tape and writes down everything that is said,
as the audit does. The trader's checks before sending are not repeated here: what they refused is handed in.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from framework.schema.event import Flag, Kind
from framework.schema.order import OrderType, Reason, TimeInForce
from tests.properties.plain_account import Account, Prices
from tests.properties.plain_book import PlainBook
from tests.properties.plain_exchange import Exchange, Market, Order, Rules

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

    def __init__(self, desk: Desk, account: Account) -> None:
        self.desk, self.account = desk, account
        self.known: list[Known] = []
        self.target: dict[int, int] = {}

    def working(self, instrument: int) -> tuple[int, int, int]:
        """Lots of market orders, signed, of other buys and of other sells that may still fill."""
        market, buys, sells = 0, 0, 0
        for known in self.known:
            order = known.order
            if known.state != "live" or order.instrument != instrument or (order.reduces_only and not order.is_targets):
                continue
            if order.type == OrderType.MARKET:
                market += order.side * order.left
            elif order.side > 0:
                buys += order.left
            else:
                sells += order.left
        return market, buys, sells

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
        if known.state in ("done", "cancelling") or (known.order.is_brokers and "broker's orders" in self.desk.rules.kept):
            return
        is_held = known.state == "held"
        known.state = "done" if is_held else "cancelling"
        self.desk.send(Kind.ORDER_CANCEL, known.order, reason, leaves_us=not is_held)

    def ask_replace(self, number: int, lots: int, limit: int, stop: int) -> None:
        known = self.known[number]
        known.asked, known.changes = (lots, limit, stop), known.changes + 1
        self.desk.send(Kind.ORDER_REPLACE, known.order, lots, limit, stop)

    def aim(self, instrument: int, lots: int) -> int:
        """The change that a target asks for; an older target's rest is superseded."""
        if lots == self.expected(instrument):
            return 0
        last = self.target.get(instrument, -1)
        if last >= 0 and self.known[last].state == "live":
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
            self.known.append(Known(self.desk.broker_order(number, instrument, words), "live"))
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
    best: dict[int, tuple[int | None, int | None]] = field(default_factory=dict)
    noted: dict[int, tuple[bool, Holding, Holding]] = field(default_factory=dict)  # at timers: whether nothing is in flight, both accounts
    booked: Sequence[int] = ()  # instruments that are told by books

    def __post_init__(self) -> None:
        self.trader = Trader(self, Account(self.prices, self.cash))
        own = Account(self.prices, self.cash)
        self.exchange = Exchange(self.prices, self.rules, own, self, self.tell, self.place)
        self.books = {i: PlainBook(self.exchange, i) for i in self.booked}
        self.exchange.books.update(self.books)

    # by whose account the exchange judges

    @property
    def has_own_account(self) -> bool:
        return "own account" in self.rules.kept

    def account(self) -> Account:
        return self.exchange.account if self.has_own_account else self.trader.account

    def working(self, instrument: int) -> tuple[int, int, int]:
        return (0, 0, 0) if self.has_own_account else self.trader.working(instrument)

    # what is said

    def send(self, kind: Kind, order: Order, *words: Any, leaves_us: bool = True) -> None:
        self.said.append((kind, self.now, self.now, order.instrument, order.number, words))
        if leaves_us:
            self.outbox.append((self.now, kind, order, words))

    def tell(self, kind: Kind, instrument: int, number: int, *words: Any) -> None:
        at = self.exchange.now
        if kind == Kind.ORDER_FILLED and self.response:
            self.met["fills in flight"] += 1
        is_at_once = kind == Kind.ORDER_PLACED or (kind == Kind.SETTLED and not self.has_own_account)
        if is_at_once or not self.latency.response:
            self.hear((at, at, kind, instrument, number, words))
        else:
            self.response.append((max(at + self.latency.response, self.now), at, kind, instrument, number, words))

    def hear(self, message: tuple[Any, ...]) -> None:
        heard, at, kind, instrument, number, words = message
        self.now = max(self.now, heard)
        self.said.append((kind, self.now, at, instrument, number, words))
        self.trader.hear(kind, instrument, number, words)

    def place(self, instrument: int, lots: int) -> Order:
        number = len(self.trader.known)
        self.met["liquidations"] += 1
        self.tell(Kind.ORDER_PLACED, instrument, number, abs(lots), 1 if lots > 0 else -1)
        return self.broker_order(number, instrument, (abs(lots), 1 if lots > 0 else -1))

    @staticmethod
    def broker_order(number: int, instrument: int, words: tuple[int, int]) -> Order:
        lots, side = words
        return Order(number, instrument, side, OrderType.MARKET, TimeInForce.GTC, lots, reduces_only=True, is_brokers=True)

    # the run

    def run(self, events: Sequence[Event]) -> Desk:
        timers = deque(sorted({wish.ns for wish in self.script}))
        for k, event in enumerate(events):
            self.until(event["ts_local_ns"], timers)
            self.exchange.now = event["ts_venue_ns"]
            self.now = event["ts_local_ns"]
            self.mark_moved = False
            if "together" in self.rules.kept:
                self.see_stamp(events, k)
            self.on_event(event)
            if self.mark_moved or event["kind"] not in (Kind.DEPTH, Kind.TRADE):  # of ticks only those that move a mark are looked at
                self.exchange.enforce_margin()
            self.post()
            self.look()
        while self.due() <= self.now or (timers and timers[0] <= self.now):
            self.one(timers) if self.due() <= self.now else self.wake(timers.popleft())
        self.finish()
        return self

    def see_stamp(self, events: Sequence[Event], k: int) -> None:
        """Tell the exchange which bars and quotes its stamp still has."""

        def is_of_stamp(at: int) -> bool:
            near = events[at] if 0 <= at < len(events) else None
            return near is not None and near["ts_local_ns"] == events[k]["ts_local_ns"] and near["kind"] in (Kind.BAR, Kind.QUOTE)

        stamp, last = self.exchange.stamp, k
        while is_of_stamp(last):
            last += 1
        stamp.has_others = is_of_stamp(k) and (is_of_stamp(k - 1) or is_of_stamp(k + 1))
        stamp.coming = [_as_market(event) for event in events[k:last]]
        stamp.waits = stamp.waits if is_of_stamp(k - 1) else None

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
                self.one(timers)
            elif timer < ns:
                self.wake(timers.popleft())
            else:
                return

    def one(self, timers: deque[int]) -> None:
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
        elif kind == Kind.ORDER_CANCEL:
            self.exchange.cancel(order.number, words[0])
            self.exchange.sweep(order.instrument)
        else:
            self.exchange.replace(order.number, *words)
            self.exchange.sweep(order.instrument)

    def post(self) -> None:
        """Put what the trader wants sent on its way."""
        way = self.latency.decision + self.latency.entry
        self.entry.extend((at + way, kind, order, words) for at, kind, order, words in self.outbox)
        self.outbox.clear()

    def wake(self, ns: int) -> None:
        """A timer: the wishes of this moment."""
        self.now = ns
        self.noted[ns] = (not self.entry and not self.response, _holding(self.trader.account), _holding(self.account()))
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
                was = wanted - change
                order.is_targets, order.reduces_only = True, min(was, 0) <= wanted <= max(was, 0)
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
        w0, w1, w2, w3, w4 = (event[word] for word in ("w0", "w1", "w2", "w3", "w4"))
        if kind == Kind.BAR:
            venue.bar(Market(ns, i, kind, w0, w1, w2, w3, w4))
            self.end_stamp()
            if "worst price" in self.rules.kept:
                venue.enforce_inside(Market(ns, i, kind, w0, w1, w2, w3, w4))
            venue.last_bar[i] = ns
            self.see(i, Decimal(w3))
        elif kind == Kind.QUOTE:
            venue.quote(ns, i, w0, w1, w2, w3)
            self.end_stamp()
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

    def end_stamp(self) -> None:
        if self.exchange.stamp.waiting and len(self.exchange.stamp.coming) == 1:
            self.exchange.fill_waiting()

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
        if self.entry or self.response or self.outbox or not self.has_own_account:
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
    is_bar, w0, w1 = event["kind"] == Kind.BAR, event["w0"], event["w1"]
    high, low = (w1, event["w2"]) if is_bar else (w1, w0)
    return Market(event["ts_local_ns"], event["instrument"], Kind(event["kind"]), w0, high, low, 0, 0)


def _holding(account: Account) -> Holding:
    return [account.lots(i) for i in account.parts], dict(account.cash)
