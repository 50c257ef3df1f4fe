"""Margined contracts against a ledger in decimal arithmetic, on random tapes: funding, settlement, liquidation. Law 9, conservation.

The ledger here knows prices, quantities and the published formulas and nothing of the kernel. A contract's profit from price a to
price b is q m (b - a), of an inverse one q m (1 / a - 1 / b); only profits move cash.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from framework import Instrument, Strategy, backtest
from framework.data.tape import Tape, build
from framework.engine.view import View
from framework.reports.result import Result
from framework.schema.event import EVENT, CostKind, Kind
from framework.schema.instrument import InstrumentKind
from framework.schema.units import Step
from tests.properties.decimal_ledger import PRECISION, ZERO, exact
from tests.properties.random_runs import HOUR, START, in_order
from tests.properties.test_ledger import real, same

STEP = 8 * HOUR
CONTRACTS = (
    Instrument(
        "FUT", Step(1, 4), multiplier=50.0, kind=InstrumentKind.FUTURE, calendar="24/7", initial_margin=0.08, maintenance_margin=0.06
    ),
    Instrument(
        "INV",
        Step(1, 2),
        currency="USD",
        kind=InstrumentKind.PERPETUAL,
        base_currency="BTC",
        inverse=True,
        initial_margin=0.05,
        maintenance_margin=0.03,
        liquidation_fee=0.002,
    ),
    Instrument(
        "LIN", Step(1, 10), Step(1, 1000), kind=InstrumentKind.PERPETUAL, initial_margin=0.1, maintenance_margin=0.04, liquidation_fee=0.01
    ),
)
PAIR = Instrument("BTCUSD", Step(1, 100), kind=InstrumentKind.FX, base_currency="BTC")
NAMES = sorted([PAIR.symbol, *(contract.symbol for contract in CONTRACTS)])
LEVELS = {"BTCUSD": 2_000_000, "FUT": 4_000, "INV": 40_000, "LIN": 200_000}
FEE = Decimal("0.0005")


@dataclass(frozen=True)
class Play:
    """A whole run: `orders` are (bar, contract, sign and size in hundredths of what 100,000 dollars buy)."""

    seed: int
    orders: tuple[tuple[int, str, int], ...]
    swing: int
    marks: bool
    latency: dict[str, int]
    participation: float | None


plays = st.builds(
    Play,
    st.integers(0, 2**20),
    st.lists(st.tuples(st.integers(1, 10), st.sampled_from(("FUT", "INV", "LIN")), st.integers(-400, 400)), min_size=2, max_size=8).map(
        tuple
    ),
    st.sampled_from((100, 400, 900)),
    st.booleans(),
    st.sampled_from(({}, {}, {"entry_ns": HOUR // 3, "response_ns": HOUR // 5})),
    st.sampled_from((None, None, 0.2)),
)


def tape_of(play: Play) -> Tape:
    """Bars every eight hours, marks and funding between them, and a future that ends."""
    rows: list[tuple[int, ...]] = []
    for place, name in enumerate(NAMES):
        draws = np.random.default_rng((play.seed, place)).integers(-1000, 1001, (14, 4)).tolist()
        level = LEVELS[name]
        for bar in range(1, 13):
            stamp, last = START + bar * STEP, max(40, level + level * play.swing * draws[bar][0] // 5_000_000)
            volume = 500 + abs(draws[bar][1])
            rows.append((stamp, stamp, Kind.BAR, 0, place, level, max(level, last), min(level, last), last, volume))
            level = last
            if name in ("INV", "LIN") and play.marks and draws[bar][2] > 0:
                at = stamp + HOUR
                rows.append(
                    (at, at, Kind.MARK_PRICE, 0, place, level + level * draws[bar][2] // 40_000, abs(draws[bar][3]) * 10**5, 0, 0, 0)
                )
            if name != "BTCUSD" and bar % 2 == 0:  # a future has no funding: it is passed over
                at = stamp + 2 * HOUR
                rows.append((at, at, Kind.FUNDING, 0, place, draws[bar][3] * 10_000, 0, 0, 0, 0))
    end = START + 12 * STEP + HOUR
    rows.append((end, end, Kind.DELIST, 0, NAMES.index("FUT"), 4_100, 0, 0, 0, 0))
    return build({}, {i.symbol: i for i in (PAIR, *CONTRACTS)}, extra=np.array(rows, dtype=EVENT), name="contracts")


class Following(Strategy):
    """Orders by plan and notes its account after every event of the market."""

    def __init__(self, play: Play) -> None:
        super().__init__()
        self.plan: dict[tuple[int, str], list[int]] = {}
        for bar, name, size in play.orders:
            self.plan.setdefault((bar, name), []).append(size)
        self.notes: dict[tuple[int, int, str], tuple[float, ...]] = {}

    def on_bar(self, view: View, bar: Any) -> None:
        self._note(view, Kind.BAR, bar.instrument)
        for size in self.plan.get((view.bar_count(bar.instrument), bar.instrument), ()):
            unit = {"FUT": 0.02, "INV": 1000.0, "LIN": 0.05}[bar.instrument]
            quantity = round(size * unit, 3) if bar.instrument == "LIN" else float(round(size * unit))
            if quantity:
                view.order(bar.instrument, quantity)

    def on_event(self, view: View, event: Any) -> None:
        if event.instrument:
            self._note(view, event.kind, event.instrument)

    def _note(self, view: View, kind: Kind, name: str) -> None:
        held = [(view.position(i.symbol), view.unrealised_pnl(i.symbol), view.realised_pnl(i.symbol)) for i in CONTRACTS]
        self.notes[view.now_ns, int(kind), name] = (view.cash_in("USD"), view.cash_in("BTC"), view.equity, *sum(held, ()))


@dataclass
class Part:
    """An open part: signed quantity, entry price, and the price it was last settled at."""

    quantity: Decimal
    entry: Decimal
    stands: Decimal


@dataclass
class Contract:
    """What is held of one contract, by the published formulas."""

    terms: Instrument
    parts: deque[Part] = field(default_factory=deque)
    mark: Decimal = ZERO
    is_told: bool = False
    realised: Decimal = ZERO

    @property
    def quantity(self) -> Decimal:
        return sum((part.quantity for part in self.parts), ZERO)

    def profit(self, quantity: Decimal, a: Decimal, b: Decimal) -> Decimal:
        m = Decimal(self.terms.multiplier)
        return quantity * m * (1 / a - 1 / b) if self.terms.inverse else quantity * m * (b - a)

    def notional(self, quantity: Decimal, price: Decimal) -> Decimal:
        m = Decimal(self.terms.multiplier)
        return quantity * m / price if self.terms.inverse else quantity * m * price

    def open_profit(self, *, since_entry: bool = False) -> Decimal:
        return sum((self.profit(p.quantity, p.entry if since_entry else p.stands, self.mark) for p in self.parts), ZERO)

    def fill(self, quantity: Decimal, price: Decimal) -> Decimal:
        """Take a fill; return what it pays."""
        paid, left = ZERO, quantity
        while left and self.parts and (self.parts[0].quantity > 0) != (quantity > 0):
            part = self.parts[0]
            closed = min(abs(left), abs(part.quantity)) * (1 if part.quantity > 0 else -1)
            paid += self.profit(closed, part.stands, price)
            self.realised += self.profit(closed, part.entry, price)
            part.quantity -= closed
            left += closed
            if not part.quantity:
                self.parts.popleft()
        if left:
            self.parts.append(Part(left, price, price))
        return paid


class Book:
    """The whole account."""

    def __init__(self, play: Play, tape: Tape, strategy: Following, result: Result) -> None:
        self.play, self.tape, self.strategy, self.result = play, tape, strategy, result
        self.contracts = {contract.symbol: Contract(contract) for contract in CONTRACTS}
        self.cash = {"USD": Decimal(100_000), "BTC": ZERO}
        self.rate = ZERO
        self.moved = Decimal(100_000)
        self.funding = ZERO
        self.left: dict[int, int] = {}  # lots of the broker's orders that have not filled
        self.is_short_of_margin = False
        self.waiting: tuple[int, Kind, str] = (0, Kind.NONE, "")
        self.checked = 0

    @property
    def equity(self) -> Decimal:
        total = self.cash["USD"] + (self.cash["BTC"] * self.rate if self.cash["BTC"] else ZERO)
        return total + sum((self.in_dollars(c, c.open_profit()) for c in self.contracts.values() if c.parts), ZERO)

    @property
    def maintenance(self) -> Decimal:
        held = (c for c in self.contracts.values() if c.parts)
        return sum((self.in_dollars(c, c.notional(abs(c.quantity), c.mark)) * Decimal(str(c.terms.maintenance_margin)) for c in held), ZERO)

    def in_dollars(self, contract: Contract, amount: Decimal) -> Decimal:
        return amount * (self.rate if contract.terms.inverse else 1)

    def walk(self) -> Book:
        for is_tape, event, coming in in_order(self.tape, self.result):
            if is_tape:
                assert not self.is_short_of_margin, "the broker did not liquidate"
                self.on_tape(event)
            else:
                self.on_record(event, coming)
        assert self.checked == len(self.strategy.notes)
        return self

    def on_tape(self, event: dict[str, int]) -> None:
        kind = Kind(event["kind"])
        if kind is Kind.SESSION:
            return
        name = NAMES[event["instrument"]]
        if name == "BTCUSD":
            self.rate = Decimal(event["w3"]) / 100
        else:
            contract = self.contracts[name]
            tick = exact(Fraction(contract.terms.tick.numerator, contract.terms.tick.denominator))
            if kind is Kind.BAR and not contract.is_told:
                contract.mark = event["w3"] * tick
            elif kind is Kind.MARK_PRICE:
                contract.mark, contract.is_told = (event["w0"] + Decimal(event["w1"]) / 10**9) * tick, True
            elif kind is Kind.DELIST:
                contract.mark = event["w0"] * tick
                self.cash["USD"] += contract.fill(-contract.quantity, contract.mark)
        if not self.play.latency and any(c.parts for c in self.contracts.values()):
            self.is_short_of_margin = not any(self.left.values()) and self.equity < self.maintenance * (1 - Decimal("1e-9"))
        if not self.is_short_of_margin:
            self.compare(event["ts_local_ns"], kind, name)
        else:
            self.waiting = (event["ts_local_ns"], kind, name)

    def on_record(self, event: dict[str, int], coming: dict[str, int] | None) -> None:
        kind = Kind(event["kind"])
        if kind is Kind.ORDER_PLACED:
            self.on_placed(event)
        elif kind is Kind.ORDER_FILLED:
            self.on_fill(event)
        elif kind is Kind.CHARGE:
            self.on_funding(event, coming)
        elif kind is Kind.SETTLED:
            contract = self.contracts[NAMES[event["instrument"]]]
            assert contract.terms.symbol == "FUT"
            assert same(real(event["w1"]), contract.open_profit(), self.moved)
            self.cash["USD"] += contract.open_profit()
            for part in contract.parts:
                part.stands = contract.mark

    def on_placed(self, event: dict[str, int]) -> None:
        contract = self.contracts[NAMES[event["instrument"]]]
        lot = exact(Fraction(contract.terms.lot.numerator, contract.terms.lot.denominator))
        if not self.play.latency:  # else the venue knows of fills that are on their way to us
            assert event["w2"] * lot == abs(contract.quantity)
            assert self.equity <= self.maintenance * (1 + Decimal("1e-9"))
        self.left[event["w0"]] = event["w2"]
        if self.is_short_of_margin:
            self.is_short_of_margin = False
            self.compare(*self.waiting)

    def on_fill(self, event: dict[str, int]) -> None:
        contract = self.contracts[NAMES[event["instrument"]]]
        terms, order = contract.terms, event["w0"]
        lot, tick = (exact(Fraction(step.numerator, step.denominator)) for step in (terms.lot, terms.tick))
        side = 1 if self.result.orders["side"].iloc[order] == "BUY" else -1
        quantity, price = event["w2"] * lot, event["w1"] * tick
        notional = contract.notional(quantity, price)
        is_ours = order not in self.left
        fee = notional * (FEE + (ZERO if is_ours else Decimal(str(terms.liquidation_fee))))
        assert same(real(event["w3"]), fee, notional)
        if not is_ours:
            self.left[order] -= event["w2"]
        currency = terms.settlement_currency
        self.cash[currency] += contract.fill(side * quantity, price) - fee
        self.moved += self.in_dollars(contract, notional)

    def on_funding(self, event: dict[str, int], coming: dict[str, int] | None) -> None:
        assert event["w0"] == CostKind.FUNDING
        contract = self.contracts[NAMES[event["instrument"]]]
        assert contract.terms.kind is InstrumentKind.PERPETUAL
        if self.play.latency:
            amount = Decimal(real(event["w1"]))
        else:
            assert coming is not None and coming["kind"] == Kind.FUNDING
            amount = contract.notional(contract.quantity, contract.mark) * coming["w0"] / 10**9
            assert same(real(event["w1"]), amount, self.moved)
        self.cash[contract.terms.settlement_currency] -= amount
        self.funding += self.in_dollars(contract, amount)

    def compare(self, now: int, kind: Kind, name: str) -> None:
        note = self.strategy.notes.get((now, int(kind), name))
        if note is None:
            return
        self.checked += 1
        expected = [self.cash["USD"], self.cash["BTC"], self.equity]
        for contract in self.contracts.values():
            expected += [contract.quantity, contract.open_profit(since_entry=True), contract.realised]
        for found, wanted in zip(note, expected, strict=True):
            assert same(found, wanted, self.moved), (now, kind, name, note, expected)


def walked(play: Play) -> Book:
    """Run a play and compare everything."""
    tape, strategy = tape_of(play), Following(play)
    result = backtest(
        strategy,
        tape,
        cash=100_000.0,
        costs={"fee_bps": 5.0, "max_participation": play.participation},
        risk={"allow_short": True, "max_leverage": 50.0, "liquidates_by": "mark"},
        latency=play.latency,
    )
    with localcontext(prec=PRECISION):
        book = Book(play, tape, strategy, result).walk()
        assert same(float(result.equity.iloc[-1]), book.equity, book.moved)
        assert same(float(result.costs["funding"]), book.funding, book.moved)
    liquidations = result.orders.iloc[sorted(book.left)]
    assert (liquidations.loc[liquidations["state"] == "FILLED", "reason"] == "LIQUIDATED").all()
    return book


@settings(max_examples=500, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(plays)
def test_five_hundred_random_plays(play: Play) -> None:
    walked(play)


def test_the_plays_reach_what_they_are_for() -> None:
    """Both perpetuals are liquidated at marks of the venue, funding is paid, and the future is settled day by day and at its end."""
    book = walked(Play(0, ((1, "FUT", 50), (2, "INV", 380), (2, "LIN", 380)), 900, True, {}, None))
    kinds = set(book.result.audit.records["kind"].tolist())
    assert {Kind.ORDER_PLACED, Kind.SETTLED, Kind.CHARGE, Kind.ORDER_FILLED} <= kinds
    assert {NAMES[int(i)] for i in book.result.audit.records["instrument"][book.result.audit.records["kind"] == Kind.ORDER_PLACED]} >= {
        "INV",
        "LIN",
    }
    assert book.funding and all(contract.is_told for name, contract in book.contracts.items() if name != "FUT")
