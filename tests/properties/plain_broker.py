"""The broker, written plainly from `docs/costs-and-risk.md`: what sessions and funding cost, settlement, margin and liquidation."""

from __future__ import annotations

from decimal import Decimal

from framework.schema.event import CostKind, Kind
from framework.schema.instrument import InstrumentKind
from framework.schema.order import OrderType, Reason, TimeInForce
from tests.properties.decimal_ledger import ZERO
from tests.properties.plain_orders import Market
from tests.properties.plain_quotes import Quotes
from tests.properties.plain_under_way import release

DAY = 86_400_000_000_000


class Broker(Quotes):
    """Charges and settles; closes what the account cannot carry."""

    def opens(self, opens: int, closes: int) -> None:
        """A session opens: who is short pays for the time since the last open."""
        session = self.session
        session.is_known, session.is_open, session.opens, session.closes = True, True, opens, closes
        days = Decimal(opens - session.charged) / DAY if session.charged else ZERO
        session.charged = opens
        for i, terms in enumerate(self.prices.terms):
            lots = self.account.lots(i)
            if days > 0 and lots < 0 and terms.is_spot and self.rules.borrow:
                amount = -lots * terms.value(self.prices.marks[i]) * self.rules.borrow * days / 360
                self.charge(i, CostKind.BORROW, amount)

    def closes(self, opens: int, closes: int) -> None:
        """A session closes: its orders end, futures are settled."""
        session = self.session
        session.is_known, session.is_open, session.opens, session.closes = True, False, opens, closes
        for i in sorted(self.lines):
            release(self, lambda each, i=i: each.order.instrument == i and each.came <= closes)  # type: ignore[misc]
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
            if terms.kind == InstrumentKind.FUTURE and self.account.lots(i):
                mark = self.prices.marks[i]
                due = self.account.due(i, mark)
                self.account.settle(i, mark)
                self.tell(Kind.SETTLED, i, -1, due, mark)

    def funding(self, i: int, rate: Decimal) -> None:
        """Longs pay the rate times the notional at the mark."""
        terms, lots = self.prices.terms[i], self.account.lots(i)
        if terms.kind == InstrumentKind.PERPETUAL and lots and rate:
            self.charge(i, CostKind.FUNDING, lots * terms.value(self.prices.marks[i]) * rate)

    def charge(self, i: int, kind: CostKind, amount: Decimal) -> None:
        self.account.charge(i, amount)
        self.tell(Kind.CHARGE, i, -1, kind, amount)

    def enforce_margin(self) -> None:
        """Close every margined position of an account whose equity has fallen to what they need."""
        account = self.account
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
            lots = self.account.lots(i)
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
        lots = self.account.lots(i)
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
        is_ambiguous = self.is_order_unknown(bar, 1 if lots > 0 else -1)
        self.liquidate()
        self.take(self.closing[i], bar.open + step * last, bar, is_ambiguous=is_ambiguous)
        self.sweep(i)

    def is_order_unknown(self, bar: Market, side: int) -> bool:
        """Whether an order lies, or has filled, on the other side of the open than the worst price of a position on `side`."""
        best = bar.high if side > 0 else bar.low
        for order in self.lines.get(bar.instrument, []):
            if order.is_done or order.side == side:
                continue
            if order.is_touch and order.waits:
                is_inside = not order.reaches(bar.open) and order.reaches(best)
            else:
                is_limit = order.type == OrderType.LIMIT and (order.limit - bar.open) * side > 0
                is_inside = is_limit and order.betters(best, through=self.rules.needs_through)
            if is_inside:
                return True
        filled = [order for order in self.orders.values() if order.instrument == bar.instrument and order.filled_at == bar.ns]
        return any((order.filled_ticks - bar.open) * side > 0 for order in filled)

    def fails_at(self, i: int, ticks: int) -> bool:
        """Whether the account would be liquidated at a price, all others at their marks."""
        account, mark = self.account, self.prices.marks[i]
        self.prices.marks[i] = Decimal(ticks)
        fails = account.equity <= account.maintenance
        self.prices.marks[i] = mark
        return fails
