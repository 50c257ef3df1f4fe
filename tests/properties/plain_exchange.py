"""An exchange and its broker written plainly, from `docs/fills.md` and `docs/costs-and-risk.md`: bars, quotes and prints, no speed.

It matches orders of every type against one market event after the other, judges what they may do by an account, charges, settles and
liquidates. It shares no code with the kernel. Books are `plain_venue.py`'s.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from framework.schema.event import CostKind, Kind
from framework.schema.instrument import InstrumentKind
from framework.schema.order import OrderType, Reason, TimeInForce
from tests.properties.decimal_ledger import ZERO
from tests.properties.plain_account import Account, Prices

DAY = 86_400_000_000_000
_ALL, _FIRST, _MOVED = 2**62, -(2**62), 2**61
_LIMITS = (OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.LIMIT_IF_TOUCHED, OrderType.TRAILING_STOP_LIMIT)
_TOUCHES = (OrderType.MARKET_IF_TOUCHED, OrderType.LIMIT_IF_TOUCHED)
_TRAILING = (OrderType.TRAILING_STOP, OrderType.TRAILING_STOP_LIMIT)
_AUCTIONS = (TimeInForce.AT_OPEN, TimeInForce.AT_CLOSE)
_NEXT_TO_WHOLE, _ROUNDING = Decimal("1e-9"), Decimal("1e-14")


@dataclass
class Order:
    """An order, as one half has it. Prices in ticks, 0 for none."""

    number: int
    instrument: int
    side: int
    type: OrderType
    force: TimeInForce
    lots: int
    limit: int = 0
    stop: int = 0
    trail: int = 0
    trail_limit: int = 0
    expires: int = 0
    reduces_only: bool = False
    is_targets: bool = False  # it counts as working though it only reduces
    parent: int = -1
    group: int = -1
    is_brokers: bool = False
    filled: int = 0
    arrived: int = 0
    rests: bool = False
    has_triggered: bool = False
    sits_out: int = -1  # the stamp of the bar that it sits out
    fees: Decimal = ZERO
    is_done: bool = False

    @property
    def left(self) -> int:
        return self.lots - self.filled

    @property
    def waits(self) -> bool:
        """Whether it has a trigger that was not reached."""
        return self.type >= OrderType.STOP and not self.has_triggered

    @property
    def is_limit(self) -> bool:
        return self.type in _LIMITS

    @property
    def is_touch(self) -> bool:
        return self.type in _TOUCHES

    @property
    def trails(self) -> bool:
        return self.type in _TRAILING

    def reaches(self, price: int) -> bool:
        """Whether the trigger is reached at a price."""
        return price >= self.stop if (self.side > 0) != self.is_touch else price <= self.stop

    def set_stop(self, price: int) -> None:
        """The limit of a trailing stop-limit keeps its distance."""
        self.stop = price
        if self.type == OrderType.TRAILING_STOP_LIMIT:
            self.limit = max(price + self.side * self.trail_limit, 1)

    def follow(self, best: int) -> bool:
        """Move a trailing stop with the best price; whether it moved."""
        moved = best + self.side * self.trail
        if (moved - self.stop) * self.side >= 0:
            return False
        self.set_stop(moved)
        return True

    def betters(self, price: int, *, through: bool) -> bool:
        """Whether a price fills the limit."""
        gain = (self.limit - price) * self.side
        return gain > 0 or (gain == 0 and not through)


@dataclass(frozen=True)
class Rules:
    """What a run is charged and allowed."""

    maker: Decimal = ZERO
    taker: Decimal = ZERO
    half_spread: Decimal = ZERO
    borrow: Decimal = ZERO
    participation: Decimal | None = None
    needs_through: bool = True
    leverage: Decimal = Decimal(1)
    may_short: bool = False
    asks_margin: bool = False
    kept: frozenset[str] = frozenset()  # which of the rules that are newer than the kernel hold


@dataclass(frozen=True)
class Market:
    """A bar, a quote as one (open is the price of a buyer), or a print: open, high, low, close, volume."""

    ns: int
    instrument: int
    kind: Kind
    open: int
    high: int
    low: int
    close: int
    volume: int


@dataclass
class Stamp:
    """The bars and quotes of one stamp: whether there are several, those from the present one on, and the fills that wait for them."""

    has_others: bool = False
    coming: list[Market] = field(default_factory=list)  # of quotes low is the bid, high the ask
    waits: bool | None = None
    waiting: list[tuple[int, int, int, Market, bool]] = field(default_factory=list)


@dataclass
class Session:
    opens: int = 0
    closes: int = 0
    is_known: bool = False
    is_open: bool = False
    charged: int = 0


class Judge(Protocol):
    """By what orders and margin are judged."""

    def account(self) -> Account: ...
    def working(self, instrument: int) -> tuple[int, int, int]: ...  # lots of market orders (signed), of other buys, of other sells


class Book(Protocol):
    """The lines of an instrument told by a book."""

    def enter(self, ns: int, order: Order) -> None: ...
    def amend(self, ns: int, order: Order) -> None: ...
    def sit_out(self, number: int, ns: int) -> None: ...
    def drop_ended(self) -> None: ...


Tell = Callable[..., None]
"""tell(kind, instrument, order number, *words)"""


@dataclass
class Exchange:
    """The venue and the broker."""

    prices: Prices
    rules: Rules
    account: Account
    judge: Judge
    tell: Tell
    place: Callable[[int, int], Order]  # the broker's order: (instrument, signed lots) -> an order that works
    now: int = 0
    lines: dict[int, list[Order]] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    session: Session = field(default_factory=Session)
    last_bar: dict[int, int] = field(default_factory=dict)
    last_print: dict[int, int] = field(default_factory=dict)
    closing: dict[int, Order] = field(default_factory=dict)  # the broker's order by instrument
    lengths: dict[int, int] = field(default_factory=dict)  # of bars
    stamp: Stamp = field(default_factory=Stamp)
    books: dict[int, Book] = field(default_factory=dict)  # of what is told by books

    # commands

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
        order.lots, order.limit, order.arrived = lots, limit, self.now
        order.set_stop(stop) if order.waits else setattr(order, "stop", stop)
        if not keeps_place:
            line = self.lines[order.instrument]
            line.remove(order)
            line.append(order)
        self.tell(Kind.ORDER_REPLACED, order.instrument, number, lots, order.limit, order.stop)
        if order.instrument in self.books:
            self.books[order.instrument].amend(self.now, order)

    def end(self, order: Order, kind: Kind, reason: int) -> None:
        order.is_done = True
        self.tell(kind, order.instrument, order.number, reason)

    def sweep(self, i: int) -> None:
        self.lines[i] = [order for order in self.lines.get(i, []) if not order.is_done]
        if i in self.books:
            self.books[i].drop_ended()

    def is_being_closed(self, i: int) -> bool:
        """Whether the broker closes a position, so that only orders that reduce it are taken."""
        return "broker's orders" in self.rules.kept and i in self.closing and not self.closing[i].is_done

    # fills

    def share(self, volume: int) -> int:
        return _ALL if self.rules.participation is None else math.floor(volume * self.rules.participation)

    def costs(self, order: Order, lots: int, ticks: int, *, is_maker: bool, kind: Kind) -> tuple[Decimal, Decimal]:
        """(fee, slippage) of a fill."""
        terms, rules = self.prices.terms[order.instrument], self.rules
        notional = lots * terms.value(Decimal(ticks))
        rate = rules.maker if is_maker else rules.taker
        fee = notional * (rate + (terms.liquidation_fee if order.is_brokers else ZERO))
        return fee, ZERO if is_maker or kind != Kind.BAR else notional * rules.half_spread

    def worst(self, i: int) -> int:
        """The largest position if what works fills on its worse side."""
        market, buys, sells = self.judge.working(i)
        base = self.judge.account().lots(i) + market
        return max(abs(base), base + buys, sells - base)

    def can_carry(self, order: Order, lots: int, ticks: int, cost: Decimal) -> int:
        """How many lots the account can carry at this price: exposure within leverage, initial margins within equity."""
        i, account, rules, prices = order.instrument, self.judge.account(), self.rules, self.prices
        terms, held = prices.terms[i], account.lots(i)
        closing = min(lots, abs(held)) if held * order.side < 0 else 0
        if closing == lots:
            return lots
        if not rules.may_short and order.side < 0:
            return closing
        rate, value = prices.rate(i), terms.value(Decimal(ticks)) * prices.rate(i)
        moved = held * (terms.basis(Decimal(ticks)) - terms.basis(prices.marks[i])) * terms.point * rate
        unit_cost = cost / lots * rate
        equity = account.equity + moved
        free = equity - unit_cost * closing + _ROUNDING * equity
        kept = abs(held + order.side * closing) * value
        others = [(j, self.worst(j)) for j in range(len(prices.terms)) if j != i]
        exposures = {j: lots * prices.lot_value(j) for j, lots in others if lots}
        room = rules.leverage * free - sum(exposures.values(), ZERO) - kept
        extra = min(math.floor(max(room, ZERO) / (value + rules.leverage * unit_cost) + _NEXT_TO_WHOLE), lots - closing) if room > 0 else 0
        if room > 0 and rules.asks_margin and value * terms.initial + unit_cost > 0:
            room = free - sum((prices.terms[j].initial * worth for j, worth in exposures.items()), ZERO) - kept * terms.initial
            extra = min(math.floor(max(room, ZERO) / (value * terms.initial + unit_cost) + _NEXT_TO_WHOLE), extra)
        return closing + extra

    def execute(self, order: Order, budget: int, ticks: int, event: Market, *, is_maker: bool = False, is_ambiguous: bool = False) -> int:
        """Fill what budget, account and reduce-only allow; return the lots."""
        i, wanted = order.instrument, order.left
        if order.reduces_only:
            held = self.judge.account().lots(i)
            if held * order.side >= 0:
                self.end(order, Kind.ORDER_CANCELLED, Reason.REDUCE_ONLY)
                return 0
            wanted = min(wanted, abs(held))
        lots = asked = min(wanted, budget)
        if lots <= 0 or (order.force == TimeInForce.FOK and lots < order.left):
            return 0
        fee, slippage = self.costs(order, lots, ticks, is_maker=is_maker, kind=event.kind)
        can_wait = self.stamp.has_others and event.kind in (Kind.BAR, Kind.QUOTE) and sum(map(len, self.lines.values())) > 1
        if can_wait and self.adds(order) and self.cannot_carry_all():
            return self.wait(order, lots, ticks, event, is_maker=is_maker)
        lots = self.can_carry(order, lots, ticks, fee + slippage)
        if can_wait and lots < asked:
            return self.wait(order, asked, ticks, event, is_maker=is_maker)
        if order.force == TimeInForce.FOK and lots < order.left:
            lots = 0
        if lots > 0:
            fee, slippage = self.costs(order, lots, ticks, is_maker=is_maker, kind=event.kind)
            order.filled += lots
            order.is_done = order.left == 0
            order.has_triggered = order.has_triggered or order.type >= OrderType.STOP
            self.sit_out(order, lots, event.ns)
            self.account.fill(i, order.side * lots, ticks, slippage, fee)
            self.tell(Kind.ORDER_FILLED, i, order.number, ticks, lots, is_maker, is_ambiguous, order.is_done, fee, slippage)
        if lots < asked and not order.is_done:
            self.end(order, Kind.ORDER_CANCELLED, Reason.NO_CASH_AT_FILL)
        return lots

    # fills of one stamp pay for each other

    def adds(self, order: Order) -> int:
        """How many lots of an order's rest would add to the position."""
        held = self.judge.account().lots(order.instrument)
        return order.left if held * order.side >= 0 else max(order.left - abs(held), 0)

    def cannot_carry_all(self) -> bool:
        """Whether the account cannot carry all that may add to positions in the bars and quotes of the stamp; asked once a stamp."""
        if self.stamp.waits is None:
            account, rules = self.judge.account(), self.rules
            held = {i: abs(account.lots(i)) * self.prices.lot_value(i) for i, parts in account.parts.items() if parts}
            room = rules.leverage * account.equity - sum(held.values(), ZERO)
            margin = account.equity - sum((self.prices.terms[i].initial * value for i, value in held.items()), ZERO)
            for event in self.stamp.coming:
                terms, rate = self.prices.terms[event.instrument], self.prices.rate(event.instrument)
                for order in self.lines.get(event.instrument, []):
                    lots = 0 if order.is_done or order.reduces_only else self.adds(order)
                    reached = event.low if order.side > 0 else event.high
                    if not lots or (event.kind == Kind.BAR and order.limit and (order.limit - reached) * order.side < 0):
                        continue
                    price = max(event.high if event.kind == Kind.QUOTE and order.side > 0 else event.open, order.limit)
                    notional = lots * terms.value(Decimal(price)) * rate
                    cost = notional * (rules.taker + (rules.half_spread if event.instrument in self.last_bar else ZERO))
                    room -= notional + rules.leverage * cost
                    margin -= notional * terms.initial + cost
            self.stamp.waits = room < 0 or margin < 0
        return self.stamp.waits

    def wait(self, order: Order, lots: int, ticks: int, event: Market, *, is_maker: bool) -> int:
        """Let a fill wait until everything of its stamp that reduces a position has filled; it keeps its volume and its price."""
        order.sits_out = event.ns
        self.stamp.waiting.append((order.number, lots, ticks, event, is_maker))
        return lots

    def fill_waiting(self) -> None:
        """The last bar or quote of the stamp is matched: what waited fills in the order in which it was sent."""
        waiting, self.stamp = sorted(self.stamp.waiting, key=lambda each: each[0]), Stamp()
        for number, lots, ticks, event, is_maker in waiting:
            order = self.orders[number]
            if order.is_done:
                continue
            self.execute(order, lots, ticks, event, is_maker=is_maker)
            self.end_at_close(order, event)
            self.end_leftover(order, is_opening=True)
            self.sweep(order.instrument)

    def sit_out(self, order: Order, lots: int, ns: int) -> None:
        """After a fill its group, its parent and its children do nothing for the rest of the bar: what changes them is on its way."""
        if order.group < 0 and order.parent < 0 and order.filled == lots:
            return
        for other in self.lines[order.instrument]:
            is_sibling = order.group >= 0 and other.group == order.group and other is not order
            if is_sibling or other.parent == order.number or other.number == order.parent:
                other.sits_out = ns
                if order.instrument in self.books:
                    self.books[order.instrument].sit_out(other.number, ns)

    # bars and prints

    def bar(self, bar: Market) -> None:
        i, session = bar.instrument, self.session
        if session.is_known and not session.is_open:
            return
        last = self.last_bar.get(i, 0)
        start = max(last, session.opens if session.is_known else 0)
        if self.lengths.get(i):
            start = max(start, bar.ns - self.lengths[i])
        is_opening = session.is_known and (last if "late open" in self.rules.kept else start) <= session.opens
        self.match(bar, start, session.opens if is_opening else -1, is_closing=session.is_known and bar.ns == session.closes)

    def print(self, trade: Market) -> None:
        i, session = trade.instrument, self.session
        is_opening = session.is_known and self.last_print.get(i, 0) <= session.opens
        self.last_print[i] = trade.ns
        if session.is_known and not session.is_open:
            return
        is_closing = session.is_known and trade.ns == session.closes
        self.match(trade, trade.ns - 1, session.opens if is_opening else -1, is_closing=is_closing)

    def match(self, bar: Market, start: int, opened: int, *, is_closing: bool) -> None:
        """The open, then stops inside, then limits and touches inside, then the close; in each the best price first, then who came first.

        Orders for the open take part if they came by `opened`, the open of the session whose first bar it is, -1 where it is not.
        """
        line, budget = self.lines.get(bar.instrument, []), self.share(bar.volume)

        def takes_part(order: Order) -> bool:
            if order.is_done or order.arrived > start or order.sits_out == bar.ns or order.force == TimeInForce.AT_CLOSE:
                return False
            return order.force != TimeInForce.AT_OPEN or (order.arrived <= opened if "late open" in self.rules.kept else opened >= 0)

        budget = self.in_turn(line, takes_part, lambda order: self.rank_at(order, bar.open), lambda o, b: self.at_open(o, bar, b), budget)
        for order in line if self.rests_late else []:
            order.rests = order.rests or (takes_part(order) and self.stands_away(order, bar.open))

        def goes_on(order: Order) -> bool:
            return takes_part(order) and not _only_at_open(order)

        budget = self.in_turn(line, goes_on, lambda order: self.rank_of_stop(order, bar), lambda o, b: self.stop_inside(o, bar, b), budget)
        budget = self.in_turn(line, goes_on, lambda order: self.rank_inside(order, bar), lambda o, b: self.limit_inside(o, bar, b), budget)
        for order in line:
            if takes_part(order):
                if order.waits and order.trails and self.by_price:
                    self.follow(order, bar.low if order.side > 0 else bar.high)
                elif not self.rests_late or self.stands_away(order, bar.close):
                    order.rests = True
                self.end_leftover(order, is_opening=opened >= 0)
            elif is_closing and not self.by_price and order.force == TimeInForce.AT_CLOSE:
                budget -= self.at_close(order, bar, budget)
                self.end_at_close(order, bar)
        if is_closing and self.by_price:
            is_due = lambda order: order.force == TimeInForce.AT_CLOSE and not order.is_done and order.arrived < bar.ns  # noqa: E731
            self.in_turn(line, is_due, lambda order: self.rank_at(order, bar.close), lambda o, b: self.at_close(o, bar, b), budget)
            for order in line:
                self.end_at_close(order, bar)
        self.sweep(bar.instrument)

    @property
    def by_price(self) -> bool:
        return "price, then time" in self.rules.kept

    @property
    def rests_late(self) -> bool:
        return "makers stood away" in self.rules.kept

    def in_turn(
        self,
        line: list[Order],
        has_turn: Callable[[Order], bool],
        rank: Callable[[Order], int | None],
        act: Callable[[Order, int], int],
        budget: int,
    ) -> int:
        """Let all that have their turn act, the lowest rank first, then in order of arrival; what one does may change ranks."""
        last = (_FIRST - 1, -1)
        while True:
            places = [(rank(order) if self.by_price else 0, k) for k, order in enumerate(line) if has_turn(order)]
            turns = [(own, k) for own, k in places if own is not None and (own, k) > last]
            if not turns:
                return budget
            last = min(turns)
            budget -= act(line[last[1]], budget)

    def rank_at(self, order: Order, price: int, *, through: bool | None = None) -> int | None:
        """At a price that all get: what takes at any price first, then limits by how much it betters them. None: it does nothing."""
        if order.waits and not order.reaches(price):
            return None
        if not order.is_limit:
            return _FIRST
        fills = order.waits or order.betters(price, through=self.rules.needs_through if through is None else through)
        return (price - order.limit) * order.side if fills else None

    def rank_of_stop(self, order: Order, bar: Market) -> int | None:
        """Inside a bar what lies nearest to the open comes first, what moved inside it last."""
        if not order.waits or order.is_touch:
            return None
        worst, best = (bar.high, bar.low) if order.side > 0 else (bar.low, bar.high)
        if order.reaches(worst):
            return (order.stop - bar.open) * order.side
        moved = best + order.side * order.trail
        if order.trails and (moved - order.stop) * order.side < 0 <= (bar.close - moved) * order.side:
            return _MOVED + (moved - bar.open) * order.side
        return None

    def rank_inside(self, order: Order, bar: Market) -> int | None:
        extreme = bar.low if order.side > 0 else bar.high
        if order.waits:
            return (bar.open - order.stop) * order.side if order.is_touch and order.reaches(extreme) else None
        fills = order.is_limit and order.betters(extreme, through=self.rules.needs_through)
        return (bar.open - order.limit) * order.side if fills else None

    def stands_away(self, order: Order, price: int) -> bool:
        """Whether a limit does not fill at a price: it makes from then on."""
        return order.is_limit and not order.waits and not order.betters(price, through=self.rules.needs_through)

    def follow(self, order: Order, best: int) -> bool:
        """Move a trailing stop; the venue tells its level."""
        if not order.follow(best):
            return False
        if self.by_price:
            self.tell(Kind.ORDER_REPRICED, order.instrument, order.number, order.limit, order.stop)
        return True

    def trigger(self, order: Order) -> None:
        order.has_triggered = True
        limit = order.limit if order.type == OrderType.TRAILING_STOP_LIMIT else 0
        self.tell(Kind.ORDER_TRIGGERED, order.instrument, order.number, order.stop, limit)

    def at_open(self, order: Order, bar: Market, budget: int) -> int:
        if order.waits:
            if not order.reaches(bar.open):
                return 0
            self.trigger(order)
        if not order.is_limit:
            return self.execute(order, budget, bar.open, bar)
        if order.betters(bar.open, through=self.rules.needs_through):
            return self.execute(order, budget, bar.open, bar, is_maker=order.rests)
        return 0

    def stop_inside(self, order: Order, bar: Market, budget: int) -> int:
        """A trailing stop moves with the bar only after its level has held; the close then says whether it was passed."""
        if not order.waits or order.is_touch:
            return 0
        worst, best = (bar.high, bar.low) if order.side > 0 else (bar.low, bar.high)
        price, is_ambiguous = order.stop, False
        if not order.reaches(worst):
            if not order.trails or not self.follow(order, best) or not order.reaches(bar.close):
                return 0
            price, is_ambiguous = bar.close, True
        else:
            is_ambiguous = self.target_inside(order, bar)
        self.trigger(order)
        if order.is_limit and not order.betters(price, through=False):
            order.sits_out, order.rests = bar.ns, True
            return 0
        return self.execute(order, budget, price, bar, is_ambiguous=is_ambiguous)

    def target_inside(self, order: Order, bar: Market) -> bool:
        """Whether a limit or touch of its group lies inside the bar too."""
        for other in self.lines[order.instrument] if order.group >= 0 else []:
            extreme = bar.low if other.side > 0 else bar.high
            if other.group == order.group and not other.is_done:
                if other.type == OrderType.LIMIT and other.betters(extreme, through=self.rules.needs_through):
                    return True
                if other.is_touch and other.waits and other.reaches(extreme):
                    return True
        return False

    def limit_inside(self, order: Order, bar: Market, budget: int) -> int:
        """Limits that the range went through, and touches that it reached."""
        extreme = bar.low if order.side > 0 else bar.high
        if order.waits:
            if not order.is_touch or not order.reaches(extreme):
                return 0
            self.trigger(order)
            if not order.is_limit or order.betters(order.stop, through=False):
                return self.execute(order, budget, order.stop, bar)
            if self.by_price:
                return 0  # its turn as a limit comes
        if order.is_limit and order.betters(extreme, through=self.rules.needs_through):
            return self.execute(order, budget, order.limit, bar, is_maker=True)
        return 0

    def at_close(self, order: Order, bar: Market, budget: int) -> int:
        if order.is_done or order.arrived >= bar.ns or self.rank_at(order, bar.close) is None:
            return 0
        return self.execute(order, budget, bar.close, bar)

    def end_at_close(self, order: Order, bar: Market) -> None:
        is_due = order.force == TimeInForce.AT_CLOSE and not order.is_done and order.arrived < bar.ns
        if is_due and not any(number == order.number for number, *_ in self.stamp.waiting):
            self.end(order, Kind.ORDER_EXPIRED, Reason.MISSED_CLOSE)

    def end_leftover(self, order: Order, *, is_opening: bool) -> None:
        """What may not outlive its first chance ends, unless a fill of it waits."""
        if order.is_done or order.waits or any(number == order.number for number, *_ in self.stamp.waiting):
            return
        if order.force in (TimeInForce.IOC, TimeInForce.FOK):
            is_ioc = order.force == TimeInForce.IOC
            self.end(order, Kind.ORDER_CANCELLED, Reason.IOC_REMAINDER if is_ioc else Reason.FOK_NOT_FILLABLE)
        elif order.force == TimeInForce.AT_OPEN and is_opening:
            self.end(order, Kind.ORDER_EXPIRED, Reason.MISSED_OPEN)

    # quotes

    def quote(self, ns: int, i: int, bid: int, ask: int, bid_lots: int, ask_lots: int) -> None:
        session = self.session
        if session.is_known and not session.is_open:
            return
        left, prices = {1: ask_lots, -1: bid_lots}, {1: ask, -1: bid}

        def takes_part(order: Order) -> bool:
            if order.is_done or order.arrived >= ns or order.sits_out == ns or order.force == TimeInForce.AT_CLOSE:
                return False
            return order.force != TimeInForce.AT_OPEN or order.arrived <= session.opens

        def act(order: Order, _: int) -> int:
            price = prices[order.side]
            left[order.side] -= self.on_quote(order, Market(ns, i, Kind.QUOTE, price, price, price, price, left[order.side]))
            self.end_leftover(order, is_opening=True)
            return 0

        line = self.lines.get(i, [])
        self.in_turn(line, takes_part, lambda order: self.rank_at(order, prices[order.side], through=False), act, 0)
        for order in line if self.by_price else []:
            if takes_part(order) and self.rank_at(order, prices[order.side], through=False) is None:
                act(order, 0)
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

    # time

    def opens(self, opens: int, closes: int) -> None:
        """A session opens: who is short pays for the time since the last open."""
        session = self.session
        session.is_known, session.is_open, session.opens, session.closes = True, True, opens, closes
        days = Decimal(opens - session.charged) / DAY if session.charged else ZERO
        session.charged = opens
        for i, terms in enumerate(self.prices.terms):
            lots = self.judge.account().lots(i)
            if days > 0 and lots < 0 and terms.is_spot and self.rules.borrow:
                amount = -lots * terms.value(self.prices.marks[i]) * self.rules.borrow * days / 360
                self.charge(i, CostKind.BORROW, amount)

    def closes(self, opens: int, closes: int) -> None:
        """A session closes: its orders end, futures are settled."""
        session = self.session
        session.is_known, session.is_open, session.opens, session.closes = True, False, opens, closes
        for i in sorted(self.lines):
            for order in self.lines[i]:
                if order.arrived >= closes:
                    continue
                if order.force == TimeInForce.AT_OPEN and order.arrived <= opens:
                    self.end(order, Kind.ORDER_EXPIRED, Reason.MISSED_OPEN)
                elif order.force == TimeInForce.DAY:
                    self.end(order, Kind.ORDER_EXPIRED, Reason.DAY_OVER)
                elif order.force == TimeInForce.AT_CLOSE:
                    self.end(order, Kind.ORDER_EXPIRED, Reason.MISSED_CLOSE)
            self.sweep(i)
        for i, terms in enumerate(self.prices.terms):
            if terms.kind == InstrumentKind.FUTURE and self.judge.account().lots(i):
                mark = self.prices.marks[i]
                due = self.judge.account().due(i, mark)
                self.account.settle(i, mark)
                self.tell(Kind.SETTLED, i, -1, due, mark)

    def funding(self, i: int, rate: Decimal) -> None:
        """Longs pay the rate times the notional at the mark."""
        terms, lots = self.prices.terms[i], self.judge.account().lots(i)
        if terms.kind == InstrumentKind.PERPETUAL and lots and rate:
            self.charge(i, CostKind.FUNDING, lots * terms.value(self.prices.marks[i]) * rate)

    def charge(self, i: int, kind: CostKind, amount: Decimal) -> None:
        self.account.charge(i, amount)
        self.tell(Kind.CHARGE, i, -1, kind, amount)

    @property
    def next_expiry(self) -> int:
        """A nanosecond after the next date of an order; 0 for none."""
        return min((o.expires + 1 for line in self.lines.values() for o in line if o.expires and not o.is_done), default=0)

    def expire(self) -> None:
        """End what is good till a date that has passed."""
        for i in sorted(self.lines):
            for order in self.lines[i]:
                if order.expires and order.expires <= self.now and not order.is_done:
                    self.end(order, Kind.ORDER_EXPIRED, Reason.DATE_REACHED)
            self.sweep(i)

    # the broker

    def enforce_margin(self) -> None:
        """Close every margined position of an account whose equity has fallen to what they need."""
        account = self.judge.account()
        if account.holds_margined and account.equity <= account.maintenance:
            self.liquidate()

    def liquidate(self) -> None:
        for i, terms in enumerate(self.prices.terms):
            if not terms.is_margined or (i in self.closing and not self.closing[i].is_done):
                continue
            for order in self.lines.get(i, []):
                if not order.is_done and not order.is_brokers:
                    self.end(order, Kind.ORDER_CANCELLED, Reason.LIQUIDATED)
            self.sweep(i)
            lots = self.judge.account().lots(i)
            if lots:
                self.closing[i] = order = self.place(i, -lots)
                order.arrived = self.now
                self.orders[order.number] = order
                self.lines.setdefault(i, []).append(order)
                if i in self.books:
                    self.books[i].enter(self.now, order)

    def enforce_inside(self, bar: Market) -> None:
        """A perpetual's position that the account could not carry at a bar's worst price is closed inside that bar.

        At the first price, from the open on, at which it could not.
        """
        i, session = bar.instrument, self.session
        lots = self.judge.account().lots(i)
        if self.prices.terms[i].kind != InstrumentKind.PERPETUAL or i in self.prices.told or not lots or self.is_being_closed(i):
            return
        worst = bar.low if lots > 0 else bar.high
        if (session.is_known and not session.is_open) or not self.fails_at(i, worst):
            return
        step = -1 if lots > 0 else 1
        first, last = 0, abs(worst - bar.open)  # ticks from the open: it fails at the last
        while first < last:
            middle = (first + last) // 2
            first, last = (first, middle) if self.fails_at(i, bar.open + step * middle) else (middle + 1, last)
        self.liquidate()
        self.execute(self.closing[i], self.share(bar.volume), bar.open + step * last, bar)
        self.sweep(i)

    def fails_at(self, i: int, ticks: int) -> bool:
        """Whether the account would be liquidated at a price, all others at their marks."""
        account, mark = self.judge.account(), self.prices.marks[i]
        self.prices.marks[i] = Decimal(ticks)
        fails = account.equity <= account.maintenance
        self.prices.marks[i] = mark
        return fails


def _only_at_open(order: Order) -> bool:
    """Whether a bar's open is its only chance."""
    if order.force == TimeInForce.AT_OPEN:
        return True
    return order.type == OrderType.LIMIT and order.force in (TimeInForce.IOC, TimeInForce.FOK)
