"""One account, written plainly: positions in lots, money in decimals. The venue keeps one and the trader keeps one.

The market's prices are one object that both accounts look at. With b(p) = p, of an inverse contract -1 / p:

    cash     spot        pays quantity x price x value of a point, and costs
             derivative  pays costs, and (b(exit) - b(entry)) x value of a point of what it closes, oldest first
    equity   sum of cash x rate + spot at its mark + (b(mark) - b(entry)) of derivatives
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from framework.schema.instrument import Instrument, InstrumentKind
from tests.properties.decimal_ledger import ZERO, exact

_SHARES_OF_REG_T = (Decimal("0.5"), Decimal("0.25"), Decimal("0.3"))


@dataclass(frozen=True)
class Terms:
    """What one lot of an instrument is: `point` is money of a tick on a lot, of an inverse contract what a lot is worth at one tick."""

    symbol: str
    kind: InstrumentKind
    point: Decimal
    currency: str
    is_inverse: bool
    is_margined: bool
    initial: Decimal
    long_maintenance: Decimal
    short_maintenance: Decimal
    liquidation_fee: Decimal

    @classmethod
    def of(cls, instrument: Instrument, *, is_reg_t: bool) -> Terms:
        """The terms of an instrument in an account."""
        tick, lot = (Fraction(step.numerator, step.denominator) for step in (instrument.tick, instrument.lot))
        multiplier = Fraction(instrument.multiplier)
        point = lot * multiplier / tick if instrument.inverse else lot * multiplier * tick
        initial, long, short, fee = ZERO, ZERO, ZERO, ZERO
        if instrument.is_derivative:
            initial, long = Decimal(str(instrument.initial_margin)), Decimal(str(instrument.maintenance_margin))
            short, fee = long, Decimal(str(instrument.liquidation_fee))
        elif is_reg_t and instrument.kind is InstrumentKind.EQUITY:
            initial, long, short = _SHARES_OF_REG_T
        margined = long > 0
        currency = instrument.settlement_currency
        return cls(instrument.symbol, instrument.kind, exact(point), currency, instrument.inverse, margined, initial, long, short, fee)

    @property
    def is_spot(self) -> bool:
        """Whether it is bought with cash."""
        return self.kind not in (InstrumentKind.PERPETUAL, InstrumentKind.FUTURE)

    def basis(self, ticks: Decimal) -> Decimal:
        """What of a price money moves with."""
        return -1 / ticks if self.is_inverse else ticks

    def value(self, ticks: Decimal) -> Decimal:
        """What a lot is worth at a price, in its currency."""
        return self.point / ticks if self.is_inverse else self.point * ticks


@dataclass
class Prices:
    """Marks in ticks by instrument, and what currencies are worth in that of the account."""

    terms: list[Terms]
    pair: int  # the instrument whose price is a rate; -1: none
    bought: str  # the currency that the pair buys
    tick: Decimal  # of the pair
    rates: dict[str, Decimal] = field(default_factory=lambda: {"USD": Decimal(1)})
    marks: dict[int, Decimal] = field(default_factory=dict)
    told: set[int] = field(default_factory=set)

    def see(self, i: int, ticks: Decimal) -> None:
        """A new mark; that of the pair is a rate."""
        self.marks[i] = ticks
        if i == self.pair:
            self.rates[self.bought] = ticks * self.tick

    def lot_value(self, i: int) -> Decimal:
        """What a lot is worth at the mark, in the account's currency."""
        return self.terms[i].value(self.marks[i]) * self.rate(i)

    def rate(self, i: int) -> Decimal:
        return self.rates[self.terms[i].currency]


class Account:
    """Positions and money."""

    def __init__(self, prices: Prices, cash: Decimal) -> None:
        self.prices, self.terms = prices, prices.terms
        self.cash = {currency: ZERO for currency in ["USD", *(terms.currency for terms in prices.terms)]}
        self.cash["USD"] = cash
        self.parts: dict[int, list[tuple[int, Decimal]]] = {i: [] for i in range(len(prices.terms))}  # (signed lots, basis), oldest first

    def lots(self, i: int) -> int:
        """What is held."""
        return sum(lots for lots, _ in self.parts[i])

    def fill(self, i: int, lots: int, ticks: int, slippage: Decimal, fee: Decimal) -> None:
        """A fill of signed lots at a price; slippage and fee are money on top."""
        terms, side = self.terms[i], 1 if lots > 0 else -1
        basis = terms.basis(Decimal(ticks)) + side * slippage / (abs(lots) * terms.point)
        self.cash[terms.currency] -= fee + (lots * ticks * terms.point + slippage if terms.is_spot else 0)
        parts, left = self.parts[i], lots
        while left and parts and parts[0][0] * left < 0:
            held, entry = parts.pop(0)
            closed = side * min(abs(left), abs(held))
            if not terms.is_spot:
                self.cash[terms.currency] -= closed * (basis - entry) * terms.point
            if held + closed:
                parts.insert(0, (held + closed, entry))
            left -= closed
        if left:
            parts.append((left, basis))

    def due(self, i: int, mark: Decimal) -> Decimal:
        """What a derivative has made up to a mark and was not paid, in its currency."""
        terms = self.terms[i]
        return sum((lots * (terms.basis(mark) - entry) * terms.point for lots, entry in self.parts[i]), ZERO)

    def settle(self, i: int, mark: Decimal) -> None:
        """Pay what a future has made up to a mark."""
        self.cash[self.terms[i].currency] += self.due(i, mark)
        self.parts[i] = [(lots, self.terms[i].basis(mark)) for lots, _ in self.parts[i]]

    def charge(self, i: int, amount: Decimal) -> None:
        """Borrow, funding."""
        self.cash[self.terms[i].currency] -= amount

    @property
    def equity(self) -> Decimal:
        """Everything at its mark, in the account's currency."""
        total = sum((amount * self.prices.rates[currency] for currency, amount in self.cash.items() if amount), ZERO)
        for i, parts in self.parts.items():
            if parts:
                total += (
                    self.lots(i) * self.prices.lot_value(i)
                    if self.terms[i].is_spot
                    else self.due(i, self.prices.marks[i]) * self.prices.rate(i)
                )
        return total

    @property
    def maintenance(self) -> Decimal:
        """What must be there to hold what is margined."""
        needed = ZERO
        for i, terms in enumerate(self.terms):
            lots = self.lots(i)
            if lots and terms.is_margined:
                needed += abs(lots) * self.prices.lot_value(i) * (terms.long_maintenance if lots > 0 else terms.short_maintenance)
        return needed

    @property
    def holds_margined(self) -> bool:
        return any(parts and self.terms[i].is_margined for i, parts in self.parts.items())
