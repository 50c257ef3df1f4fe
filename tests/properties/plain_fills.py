"""What a fill costs and whether an account can carry it, written plainly from `docs/costs-and-risk.md`."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from framework.schema.event import Kind
from framework.schema.order import OrderType, Reason, TimeInForce
from tests.properties.decimal_ledger import ZERO
from tests.properties.plain_account import Account, Prices
from tests.properties.plain_orders import Book, Market, Order, Rules, Session, Tell, Turn
from tests.properties.plain_under_way import Kept

ALL = 2**62
_NEXT_TO_WHOLE, _ROUNDING = Decimal("1e-9"), Decimal("1e-14")


@dataclass
class Fills:
    """A venue's orders and the account that it judges by; what fills, at a price that others find."""

    prices: Prices
    rules: Rules
    account: Account
    tell: Tell
    let_in: Callable[[], None]  # what is on its way and nothing delays arrives
    place: Callable[[int, int], Order]  # the broker's order: (instrument, signed lots) -> an order that works
    now: int = 0
    lines: dict[int, list[Order]] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    session: Session = field(default_factory=Session)
    last_bar: dict[int, int] = field(default_factory=dict)
    matched: dict[int, int] = field(default_factory=dict)  # the stamp of the last bar that was matched
    last_close: dict[int, int] = field(default_factory=dict)
    last_print: dict[int, int] = field(default_factory=dict)
    left: dict[int, int] = field(default_factory=dict)  # lots of the present bar that nothing took
    closing: dict[int, Order] = field(default_factory=dict)  # the broker's order by instrument
    lengths: dict[int, int] = field(default_factory=dict)  # of bars
    kept: list[Kept] = field(default_factory=list)  # what waits for a bar
    is_print: bool = False  # a trade is matched, as a bar that has no rest
    books: dict[int, Book] = field(default_factory=dict)  # of what is told by books
    met: Counter[str] = field(default_factory=Counter)

    def end(self, order: Order, kind: Kind, reason: int) -> None:
        order.is_done = True
        self.tell(kind, order.instrument, order.number, reason)

    def sweep(self, i: int) -> None:
        self.lines[i] = [order for order in self.lines.get(i, []) if not order.is_done]
        if i in self.books:
            self.books[i].drop_ended()

    def is_being_closed(self, i: int) -> bool:
        """Whether the broker closes a position, so that only orders that reduce it are taken."""
        return i in self.closing and not self.closing[i].is_done

    def share(self, volume: int) -> int:
        return ALL if self.rules.participation is None else math.floor(volume * self.rules.participation)

    def costs(self, order: Order, lots: int, ticks: int, *, is_maker: bool, kind: Kind) -> tuple[Decimal, Decimal]:
        """(fee, slippage) of a fill."""
        terms, rules = self.prices.terms[order.instrument], self.rules
        notional = lots * terms.value(Decimal(ticks))
        rate = rules.maker if is_maker else rules.taker
        fee = notional * (rate + (terms.liquidation_fee if order.is_brokers else ZERO))
        return fee, ZERO if is_maker or kind != Kind.BAR else notional * rules.half_spread

    def can_carry(self, order: Order, lots: int, ticks: int, cost: Decimal) -> int:
        """How many lots the account can carry at this price: exposure within leverage, initial margins within equity."""
        i, account, rules, prices = order.instrument, self.account, self.rules, self.prices
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
        exposures = {j: abs(account.lots(j)) * prices.lot_value(j) for j, parts in account.parts.items() if parts and j != i}
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
            held = self.account.lots(i)
            if held * order.side >= 0 and order.is_targets and self.is_to_be_opened(order):
                return 0
            if held * order.side >= 0:
                self.end(order, Kind.ORDER_CANCELLED, Reason.REDUCE_ONLY)
                return 0
            wanted = min(wanted, abs(held))
        lots = asked = min(wanted, budget)
        if lots <= 0 or (order.force == TimeInForce.FOK and lots < order.left):
            return 0
        fee, slippage = self.costs(order, lots, ticks, is_maker=is_maker, kind=event.kind)
        lots = self.can_carry(order, lots, ticks, fee + slippage)
        if order.force == TimeInForce.FOK and lots < order.left:
            lots = 0
        if lots > 0:
            fee, slippage = self.costs(order, lots, ticks, is_maker=is_maker, kind=event.kind)
            order.filled, order.filled_at, order.filled_ticks = order.filled + lots, event.ns, ticks
            order.is_done = order.left == 0
            order.has_triggered = order.has_triggered or order.type >= OrderType.STOP
            self.sit_out(order, lots, event)
            self.account.fill(i, order.side * lots, ticks, slippage, fee)
            self.tell(Kind.ORDER_FILLED, i, order.number, ticks, lots, is_maker, is_ambiguous, order.is_done, fee, slippage)
        if lots < asked and not order.is_done:
            is_short = order.side < 0 and not self.rules.may_short
            self.end(order, Kind.ORDER_CANCELLED, Reason.SHORT_NOT_ALLOWED if is_short else Reason.NO_CASH_AT_FILL)
        return lots

    # what bars and quotes of one stamp may add to positions

    def adding(self, order: Order) -> int:
        """How many lots of an order's rest would add to the position."""
        held = self.account.lots(order.instrument)
        if order.is_done or order.reduces_only:
            return 0
        return order.left if held * order.side >= 0 else max(order.left - abs(held), 0)

    def is_short_of_money(self, turns: list[Turn]) -> bool:
        """Whether the account cannot carry all that bars and quotes of one stamp may add to positions."""
        account, rules = self.account, self.rules
        held = {i: abs(account.lots(i)) * self.prices.lot_value(i) for i, parts in account.parts.items() if parts}
        room = rules.leverage * account.equity - sum(held.values(), ZERO)
        margin = account.equity - sum((self.prices.terms[i].initial * value for i, value in held.items()), ZERO)
        for event in (turn.event for turn in turns):
            terms, rate = self.prices.terms[event.instrument], self.prices.rate(event.instrument)
            for order in self.lines.get(event.instrument, []):
                lots = self.adding(order)
                reached = event.low if order.side > 0 else event.high
                if not lots or (event.kind == Kind.BAR and order.limit and (order.limit - reached) * order.side < 0):
                    continue
                price = max(event.high if event.kind == Kind.QUOTE and order.side > 0 else event.open, order.limit)
                notional = lots * terms.value(Decimal(price)) * rate
                cost = notional * (rules.taker + (rules.half_spread if event.instrument in self.last_bar else ZERO))
                room -= notional + rules.leverage * cost
                margin -= notional * terms.initial + cost
        return room < 0 or margin < 0

    def is_to_be_opened(self, order: Order) -> bool:
        """Whether what a target's order is to close has still to be opened by an order that was sent before."""
        earlier = [other for other in self.lines[order.instrument] if other.number < order.number and not other.is_done]
        return any(other.side != order.side and not other.reduces_only for other in earlier)

    def sit_out(self, order: Order, lots: int, event: Market) -> None:
        """After a fill its group and its parent do nothing for the rest of the event: what changes them is on its way.

        So do its children inside a bar, whose rest they meet afterwards.
        """
        if order.group < 0 and order.parent < 0 and order.filled == lots:
            return
        has_rest = event.kind == Kind.BAR and not self.is_print
        for other in self.lines[order.instrument]:
            is_sibling = order.group >= 0 and other.group == order.group and other is not order
            if is_sibling or (has_rest and other.parent == order.number) or other.number == order.parent:
                other.sits_out = event.ns
                if order.instrument in self.books:
                    self.books[order.instrument].sit_out(other.number, event.ns)
