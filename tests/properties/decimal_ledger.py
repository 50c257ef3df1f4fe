"""A second ledger, in decimal arithmetic, written from the accounting rules and from nothing else.

It knows no ticks, no lots of memory and no kernel: quantities are units, prices and money are decimal numbers.

- Cash of a currency moves by what is paid or received: quantity x price x multiplier, slippage, fees, dividends, charges.
- Open quantity is a queue of entries, oldest first. A fill against it closes from the front and the rest of it opens.
- realised = (exit price - entry price) x closed quantity x multiplier, fees apart; both prices with their slippage.
- A split restates every entry. Whole lots are cut from the front; a lot made of two entries belongs to the later one at
  the mean cost. What is less than a lot is sold (long) or bought back (short) at the price after the split.
- What is done from flat to flat is one whole: its closed parts, dividends and charges, each at the rate of its moment.
- A dividend is paid on the ex-date and the price falls by it. A delisting pays out the final price.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

PRECISION = 60
ZERO = Decimal(0)


def exact(value: Fraction | int) -> Decimal:
    """A ratio of whole numbers as a decimal of 60 digits."""
    ratio = Fraction(value)
    return Decimal(ratio.numerator) / Decimal(ratio.denominator)


@dataclass
class Entry:
    """One open part: signed quantity, price with slippage, entry fees not yet handed to a round trip."""

    quantity: Decimal
    price: Decimal
    fees: Decimal
    opened: int


@dataclass(frozen=True)
class RoundTrip:
    """One entry, or a part of it, with what closed it. `quantity` is signed as the entry."""

    name: str
    opened: int
    closed: int
    quantity: Decimal
    entry_price: Decimal
    exit_price: Decimal
    pnl: Decimal
    fees: Decimal
    rate: Decimal  # of its currency when it was closed


@dataclass
class Whole:
    """What was done from flat to flat; money in the base currency."""

    name: str
    opened: int
    closed: int = 0
    pnl: Decimal = ZERO
    fees: Decimal = ZERO
    dividends: Decimal = ZERO
    charges: Decimal = ZERO


@dataclass
class Holding:
    """What is held of one instrument."""

    currency: str
    multiplier: Decimal
    lot: Decimal
    entries: deque[Entry] = field(default_factory=deque)
    mark: Decimal | None = None
    realised: Decimal = ZERO
    income: Decimal = ZERO
    turnover: Decimal = ZERO
    whole: Whole | None = None
    last: Whole | None = None

    @property
    def quantity(self) -> Decimal:
        """Signed units."""
        return sum((entry.quantity for entry in self.entries), ZERO)

    @property
    def cost(self) -> Decimal:
        """What the open units cost, signed, without the multiplier."""
        return sum((entry.quantity * entry.price for entry in self.entries), ZERO)

    @property
    def unrealised(self) -> Decimal:
        """Money made on what is open."""
        return ZERO if self.mark is None else (self.quantity * self.mark - self.cost) * self.multiplier


class Ledger:
    """Feed it what happened, in order; read the account at any moment. Use it inside `localcontext(prec=PRECISION)`."""

    def __init__(self, base: str, cash: Decimal, holdings: dict[str, Holding]) -> None:
        self.base = base
        self.cash: dict[str, Decimal] = {base: cash}
        self.rates: dict[str, Decimal] = {base: Decimal(1)}
        self.pairs: dict[str, tuple[str, str]] = {}  # pair -> (currency bought, currency it is priced in)
        self.holdings = holdings
        self.round_trips: list[RoundTrip] = []
        self.wholes: list[Whole] = []
        self.fees = ZERO
        self.income = ZERO
        for holding in holdings.values():
            self.cash.setdefault(holding.currency, ZERO)

    def mark(self, name: str, price: Decimal) -> None:
        """A new price; that of a currency pair is a rate too."""
        self.holdings[name].mark = price
        if name in self.pairs:
            bought, priced = self.pairs[name]
            if priced == self.base:
                self.rates[bought] = price
            elif bought == self.base:
                self.rates[priced] = 1 / price

    def fill(self, name: str, quantity: Decimal, price: Decimal, slippage: Decimal, fee: Decimal, at: int) -> None:
        """A fill of signed units at a market price; slippage is money paid on top."""
        holding = self.holdings[name]
        size = abs(quantity)
        direction = 1 if quantity > 0 else -1
        self.cash[holding.currency] -= quantity * price * holding.multiplier + slippage + fee
        self.fees += fee * self.rates[holding.currency]
        holding.turnover += size * price * abs(holding.multiplier)
        paid = price + direction * slippage / (size * holding.multiplier)
        left = size
        while left and holding.entries and holding.entries[0].quantity * direction < 0:
            left -= self._close(name, holding, left, paid, fee / size, at)
        self._end_if_flat(holding, at)
        if left:
            holding.whole = holding.whole or Whole(name, at)
            holding.entries.append(Entry(direction * left, paid, fee * left / size, at))

    def _close(self, name: str, holding: Holding, most: Decimal, price: Decimal, fee_per_unit: Decimal, at: int) -> Decimal:
        entry = holding.entries[0]
        held = abs(entry.quantity)
        part = min(most, held)
        sign = 1 if entry.quantity > 0 else -1
        entry_fees = entry.fees * part / held
        made = (price - entry.price) * sign * part * holding.multiplier
        fees = entry_fees + fee_per_unit * part
        self._note(RoundTrip(name, entry.opened, at, sign * part, entry.price, price, made - fees, fees, self.rates[holding.currency]))
        holding.realised += made
        entry.quantity -= sign * part
        entry.fees -= entry_fees
        if not entry.quantity:
            holding.entries.popleft()
        return part

    def _note(self, closed: RoundTrip) -> None:
        self.round_trips.append(closed)
        whole = self.holdings[closed.name].whole
        assert whole is not None
        whole.pnl += closed.pnl * closed.rate
        whole.fees += closed.fees * closed.rate

    def _end_if_flat(self, holding: Holding, at: int) -> None:
        if holding.whole is not None and not holding.entries:
            holding.whole.closed = at
            self.wholes.append(holding.whole)
            holding.last, holding.whole = holding.whole, None

    def split(self, name: str, new: int, old: int, at: int) -> None:
        """`old` units become `new`."""
        holding = self.holdings[name]
        ratio = exact(Fraction(new, old))
        if holding.mark is not None:
            holding.mark = holding.mark / ratio
        pieces = deque(Entry(e.quantity * ratio, e.price / ratio, e.fees, e.opened) for e in holding.entries)
        holding.entries = deque()
        over: Entry | None = None  # less than a lot, carried to the next entry
        for piece in pieces:
            total = piece.quantity + (over.quantity if over else ZERO)
            sign = 1 if total > 0 else -1
            lots = (abs(total) / holding.lot + Decimal("1e-40")).to_integral_value(rounding="ROUND_FLOOR")
            whole = sign * lots * holding.lot
            rest = total - whole if abs(total - whole) > Decimal("1e-40") else ZERO
            fees = piece.fees + (over.fees if over else ZERO)
            cost = piece.quantity * piece.price + (over.quantity * over.price if over else ZERO)
            if not whole:
                over = Entry(total, cost / total, fees, piece.opened)
                continue
            rest_fees = piece.fees * rest / piece.quantity
            holding.entries.append(Entry(whole, (cost - rest * piece.price) / whole, fees - rest_fees, piece.opened))
            over = Entry(rest, piece.price, rest_fees, piece.opened) if rest else None
        if over:
            if holding.mark is None:
                raise AssertionError("a position without a price")
            paid = over.quantity * holding.mark * holding.multiplier
            made = paid - over.quantity * over.price * holding.multiplier
            self.cash[holding.currency] += paid
            holding.realised += made
            rate = self.rates[holding.currency]
            self._note(RoundTrip(name, over.opened, at, over.quantity, over.price, holding.mark, made - over.fees, over.fees, rate))
        self._end_if_flat(holding, at)

    def dividend(self, name: str, per_unit: Decimal) -> None:
        """Money per unit, received on a long position and paid on a short one."""
        holding = self.holdings[name]
        amount = holding.quantity * per_unit * holding.multiplier
        self.cash[holding.currency] += amount
        if amount:
            holding.income += amount
            self.income += amount * self.rates[holding.currency]
            assert holding.whole is not None
            holding.whole.pnl += amount * self.rates[holding.currency]
            holding.whole.dividends += amount * self.rates[holding.currency]
        if holding.mark is not None and per_unit < holding.mark:
            holding.mark -= per_unit

    def delist(self, name: str, price: Decimal, at: int) -> None:
        """The end of an instrument: everything held is exchanged for its final price."""
        holding = self.holdings[name]
        holding.mark = price
        self.cash[holding.currency] += holding.quantity * price * holding.multiplier
        while holding.entries:
            self._close(name, holding, abs(holding.entries[0].quantity), price, ZERO, at)
        self._end_if_flat(holding, at)

    def charge(self, name: str, currency: str, amount: Decimal) -> None:
        """Borrow fees, taxes and the like, for a position; where it is closed by now, for the last one."""
        self.cash[currency] -= amount
        whole = self.holdings[name].whole or self.holdings[name].last
        assert whole is not None
        whole.pnl -= amount * self.rates[currency]
        whole.charges += amount * self.rates[currency]

    @property
    def equity(self) -> Decimal:
        """Everything at its mark, in the base currency."""
        total = sum((amount * self.rates[currency] for currency, amount in self.cash.items() if amount), ZERO)
        for holding in self.holdings.values():
            if holding.entries and holding.mark is not None:
                total += holding.quantity * holding.mark * holding.multiplier * self.rates[holding.currency]
        return total


@dataclass
class FeeSchedule:
    """Fees as a broker prints them: all decimal; rates are fractions of the traded value."""

    maker_rate: Decimal = ZERO
    taker_rate: Decimal = ZERO
    per_unit: Decimal = ZERO
    per_order: Decimal = ZERO
    minimum: Decimal = ZERO
    maximum_rate: Decimal | None = None

    def of_order(self, fills: list[tuple[Decimal, Decimal, bool]]) -> Decimal:
        """The whole fee of an order with these fills: (units, traded value, whether it made liquidity)."""
        value = sum((value for _, value, _ in fills), ZERO)
        fee = self.per_order + sum((v * (self.maker_rate if maker else self.taker_rate) + u * self.per_unit for u, v, maker in fills), ZERO)
        if self.minimum > 0:
            fee = max(fee, self.minimum)
        if self.maximum_rate is not None:
            fee = min(fee, self.maximum_rate * value)
        return fee
