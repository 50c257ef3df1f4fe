"""A run that is written step by step: an account of some kind, market events, and what a strategy does between them.

`Draft` collects the steps, `play` runs them through the kernel and through `plain_desk.py` and compares all that was said.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from decimal import Decimal, localcontext
from typing import Any

import numpy as np
import pandas as pd

from framework import Strategy, backtest
from framework.data.tape import Tape, build
from framework.engine.view import View
from framework.kernel.layout.half import half_at
from framework.reports.result import Result
from framework.schema.event import EVENT, Flag, Kind
from framework.schema.instrument import Instrument, InstrumentKind
from framework.schema.order import OrderType
from framework.schema.units import Step
from tests.open_tapes import fed_event_by_event
from tests.properties.plain_account import Prices, Terms
from tests.properties.plain_desk import Desk, Event, Latency, Said, Wish
from tests.properties.plain_orders import Rules
from tests.properties.test_ledger import real, same

HOUR = 3_600_000_000_000
STEP = 4 * HOUR
START = 18_262 * 24 * HOUR  # 2020-01-01
CASH = 100_000
DIGITS = 34
FORMS = (Kind.BAR, Kind.QUOTE, Kind.TRADE, Kind.DEPTH)


def _derivative(symbol: str, kind: InstrumentKind, tick: Step, margins: tuple[float, float, float], **terms: Any) -> Instrument:
    initial, maintenance, fee = margins
    return Instrument(symbol, tick, kind=kind, initial_margin=initial, maintenance_margin=maintenance, liquidation_fee=fee, **terms)


SHARES = (
    Instrument("A"),
    Instrument("F", Step(1, 8), currency="EUR"),
    Instrument("EURUSD", Step(1, 10_000), kind=InstrumentKind.FX, currency="USD", base_currency="EUR"),
)
CONTRACTS = (
    _derivative("A", InstrumentKind.FUTURE, Step(1, 4), (0.1, 0.08, 0.0), multiplier=5.0),
    Instrument("BTCUSD", Step(1, 100), kind=InstrumentKind.FX, base_currency="BTC"),
    _derivative("C", InstrumentKind.PERPETUAL, Step(1, 2), (0.1, 0.05, 0.002), base_currency="BTC", inverse=True),
    _derivative("D", InstrumentKind.PERPETUAL, Step(1, 10), (0.05, 0.04, 0.01)),
)
ACCOUNTS: dict[str, tuple[tuple[Instrument, ...], dict[str, Any], Rules]] = {
    "cash": (SHARES, {"account": "cash"}, Rules()),
    "portfolio": (SHARES, {"allow_short": True, "max_leverage": 4.0}, Rules(leverage=Decimal(4), may_short=True)),
    "reg_t": (SHARES, {"account": "reg_t", "allow_short": True}, Rules(leverage=Decimal(2), may_short=True, asks_margin=True)),
    "derivative": (
        CONTRACTS,
        {"allow_short": True, "max_leverage": 20.0},
        Rules(leverage=Decimal(20), may_short=True, asks_margin=True),
    ),
}
LEVELS = {"A": 2_000, "F": 800, "EURUSD": 11_000, "BTCUSD": 800_000, "C": 16_000, "D": 1_000}


@dataclass
class Draft:
    """The steps of a run. `costs` in basis points; `forms` says by what each instrument's market is told."""

    account: str
    forms: tuple[Kind, ...]
    costs: Mapping[str, Any] = field(default_factory=dict)
    latency: Latency = field(default_factory=Latency)
    chunk_events: int | None = None
    bar_length: int = 0  # 0: since the bar before
    moment: int = 0
    rows: list[tuple[int, ...]] = field(default_factory=list)
    script: list[Wish] = field(default_factory=list)
    marks: dict[int, int] = field(default_factory=dict)
    levels: dict[int, dict[tuple[int, int], int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        listed = sorted(ACCOUNTS[self.account][0], key=lambda instrument: instrument.symbol)
        self.instruments = [replace(instrument, bar_interval_ns=self.bar_length) for instrument in listed]
        self.pair = next(i for i, instrument in enumerate(self.instruments) if instrument.kind is InstrumentKind.FX)
        self.traded = [i for i in range(len(self.instruments)) if i != self.pair]
        self.marks = {i: LEVELS[instrument.symbol] for i, instrument in enumerate(self.instruments)}

    @property
    def now(self) -> int:
        return START + self.moment * STEP

    def form(self, i: int) -> Kind:
        return Kind.BAR if i == self.pair else self.forms[self.traded.index(i)]

    def unit(self, i: int) -> int:
        """The lots that the opening cash buys."""
        instrument, mark = self.instruments[i], self.marks[i]
        if instrument.inverse:
            return int(CASH / instrument.multiplier)
        return max(int(CASH / (instrument.tick.to_float(mark) * instrument.multiplier)), 1)

    def step(self, moves: list[tuple[int, int, int, int]], swing: int, silent: int) -> None:
        """One moment of every market: (gap, move, wick, volume) of each, in steps of `swing` thousandths; `silent` is told nothing of."""
        self.moment += 1
        for i, (gap, move, wick, volume) in enumerate(moves):
            if i == silent and i != self.pair and self.moment > 1:
                continue
            level = self.marks[i]
            if i == self.pair:
                gap, move = 0, max(min(move, 2), -2)
            first = max(level + level * gap * swing // 1000, 20)
            last = max(first + first * move * swing // 1000, 20)
            high, low = max(first, last) + level * wick * swing // 2000, max(min(first, last) - level * wick * swing // 2000, 10)
            lots = self.unit(i) * volume * (5 if self.account == "derivative" else 1) // 4 + volume
            if self.form(i) == Kind.DEPTH:
                self.book_step(i, last, lots, wick, gap)
                self.marks[i] = last
                continue
            if self.form(i) == Kind.QUOTE:
                row = (Kind.QUOTE, 0, i, last, last + 1 + wick, lots + 1, lots + 1 + abs(gap), 0)
            elif self.form(i) == Kind.TRADE:
                row = (Kind.TRADE, int(Flag.BUY), i, last, lots + 1, 0, 0, 0)
            else:
                row = (Kind.BAR, 0, i, first, high, low, last, lots)
            self.rows.append((self.now, self.now, *row))
            self.marks[i] = last

    def book_step(self, i: int, last: int, lots: int, wick: int, gap: int) -> None:
        """A trade at a best price of the book as it was, and a message that moves it; an hour later a trade inside it."""
        own = self.levels.setdefault(i, {})
        flags = {1: int(Flag.BUY), -1: int(Flag.SELL)}
        per_level = lots // 6 + 1
        wanted = {
            (side, last + (k + 1 if side < 0 else -k)): per_level * (1 + (k * 7 + gap) % 4) for side in (1, -1) for k in range(wick + 2)
        }
        changes = [(key, 0) for key in own if key not in wanted] + [(key, size) for key, size in wanted.items() if own.get(key) != size]
        is_first = self.moment == 1
        for n, ((side, price), size) in enumerate(changes):
            ends = int(Flag.LAST) if n == len(changes) - 1 else 0
            ends |= (int(Flag.SNAPSHOT) | (int(Flag.CLEAR) if n == 0 else 0)) if is_first else 0
            self.rows.append((self.now, self.now, Kind.DEPTH, flags[side] | ends, i, price, size, 0, 0, 0))
        self.levels[i] = wanted
        side = 1 if gap > 0 else -1
        price = last + (1 if side < 0 else 0) - side * (abs(gap) // 3)
        self.rows.append((self.now + HOUR, self.now + HOUR, Kind.TRADE, flags[-side], i, price, per_level * (1 + wick) + 1, 0, 0, 0))

    def tell(self, kind: Kind, i: int, value: int) -> None:
        """A mark of the venue (thousandths off the last price) or a rate of funding (1e-4), an hour after the last moment."""
        w0 = self.marks[i] + self.marks[i] * value // 1000 if kind == Kind.MARK_PRICE else value * 100_000
        self.rows.append((self.now + HOUR, self.now + HOUR, kind, 0, i, w0, 0, 0, 0, 0))

    def tape(self) -> Tape:
        return build({}, {i.symbol: i for i in self.instruments}, extra=np.array(self.rows, dtype=EVENT), name="drawn")


Holds = tuple[list[float], dict[str, float]]
"""What an account holds: units by instrument, cash by currency."""


def accounts_of(view: View, draft: Draft) -> tuple[Holds, Holds]:
    """Our account and the venue's, as the kernel has them: one for both where answers take no time."""
    currencies = sorted({"USD"} | {instrument.settlement_currency for instrument in draft.instruments})
    ours = [view.position(i.symbol) for i in draft.instruments], {name: view.cash_in(name) for name in currencies}
    trader = view._trader
    venue = half_at(int(trader.record["account"][0]))
    if venue is None or "positions" not in venue.tables:
        return ours, ours
    lots, cash = venue.tables["positions"]["lots"], venue.tables["money"]["cash"]
    held = {i.symbol: i.lot.to_float(int(n)) for i, n in zip(trader.instruments, lots, strict=True)}
    return ours, ([held[i.symbol] for i in draft.instruments], {name: float(cash[trader.currencies.index(name)]) for name in currencies})


class Scripted(Strategy):
    """Does what a script says, by timers; notes which changes were sent."""

    def __init__(self, draft: Draft) -> None:
        super().__init__()
        self.draft = draft
        self.changed: set[int] = set()
        self.ids: dict[int, int] = {}
        self.notes: dict[int, tuple[Holds, Holds]] = {}

    def on_start(self, view: View) -> None:
        for ns in sorted({wish.ns for wish in self.draft.script}):
            view.timers.once(pd.Timestamp(ns, tz="UTC").to_pydatetime(), name=str(ns))

    def on_timer(self, view: View, name: str) -> None:
        self.notes[view.now_ns] = accounts_of(view, self.draft)
        for k, wish in enumerate(self.draft.script):
            if wish.ns == view.now_ns:
                self.act(view, k, wish)

    def act(self, view: View, k: int, wish: Wish) -> None:
        instrument = self.draft.instruments[wish.instrument]
        price = instrument.tick.to_float
        if wish.verb == "target":
            view.target_quantity(instrument.symbol, float(wish.side * wish.lots))
        elif wish.verb == "order":
            self.ids[k] = view.order(instrument.symbol, float(wish.side * wish.lots), **self.terms(view, wish))
        elif wish.of in self.ids and wish.verb == "cancel":
            view.cancel(self.ids[wish.of])
        elif wish.of in self.ids and view.replace(
            self.ids[wish.of],
            quantity=float(wish.lots),
            limit=price(wish.limit) if wish.limit else None,
            stop=price(wish.stop) if wish.stop else None,
        ):
            self.changed.add(k)

    def terms(self, view: View, wish: Wish) -> dict[str, Any]:
        """What of a wish `view.order` is told by name."""
        price = self.draft.instruments[wish.instrument].tick.to_float
        terms: dict[str, Any] = {"time_in_force": wish.force.name, "reduce_only": wish.reduces_only}
        if wish.limit:
            terms["limit"] = price(wish.limit)
        if wish.stop:
            is_touch = wish.type in (OrderType.MARKET_IF_TOUCHED, OrderType.LIMIT_IF_TOUCHED)
            terms["touch" if is_touch else "stop"] = price(wish.stop)
        if wish.trail:
            terms["trail"] = price(wish.trail)
        if wish.type == OrderType.TRAILING_STOP_LIMIT:
            terms["trail_limit"] = price(wish.trail_limit)
        if wish.expires:
            terms["expire"] = pd.Timestamp(wish.expires, tz="UTC").to_pydatetime()
        for name, of in (("parent", wish.parent), ("group", wish.group)):
            if of >= 0:
                terms[name] = self.ids.get(of, view.next_order_id)
        return terms


def play(draft: Draft) -> tuple[Desk, Result]:
    """Run a draft in the kernel and plainly; every message must be the same, and the money at the end."""
    tape, strategy = draft.tape(), Scripted(draft)
    _, risk, _ = ACCOUNTS[draft.account]
    with fed_event_by_event() if draft.chunk_events == 1 else nullcontext():
        result = backtest(
            strategy,
            tape,
            cash=float(CASH),
            costs=draft.costs,
            risk=risk,
            latency={"decision_ns": draft.latency.decision, "entry_ns": draft.latency.entry, "response_ns": draft.latency.response},
            venue={"self_trade": "none"},
            chunk_events=draft.chunk_events,
        )
    orders = result.orders
    refused = set(orders.loc[orders["state"] == "REFUSED", "order_id"].tolist())
    booked = [i for i in draft.traded if draft.form(i) == Kind.DEPTH]
    with localcontext(prec=DIGITS):
        desk = Desk(prices_of(draft), rules_of(draft), Decimal(CASH), draft.latency, draft.script, refused, strategy.changed, booked=booked)
        desk.exchange.lengths = dict.fromkeys(range(len(draft.instruments)), draft.bar_length)
        desk.run(_events(tape))
        compare(desk, result)
        compare_accounts(desk, strategy)
    return desk, result


def prices_of(draft: Draft) -> Prices:
    terms = [Terms.of(instrument, is_reg_t=draft.account == "reg_t") for instrument in draft.instruments]
    pair = draft.instruments[draft.pair]
    return Prices(terms, draft.pair, pair.base_currency, Decimal(pair.tick.numerator) / pair.tick.denominator)


def rules_of(draft: Draft) -> Rules:
    costs, base = draft.costs, ACCOUNTS[draft.account][2]
    bps = {name: Decimal(str(costs.get(name, 0.0))) / 10_000 for name in ("maker_bps", "taker_bps", "half_spread_bps", "borrow_bps")}
    share = costs.get("max_participation")
    return Rules(
        bps["maker_bps"],
        bps["taker_bps"],
        bps["half_spread_bps"],
        bps["borrow_bps"],
        None if share is None else Decimal(str(share)),
        costs.get("limit_fill", "through") == "through",
        base.leverage,
        base.may_short,
        base.asks_margin,
    )


def _events(tape: Tape) -> list[Event]:
    names = list(EVENT.names or ())
    return [dict(zip(names, row, strict=True)) for row in tape.events.tolist()]


_IGNORED = (Kind.TAPE, Kind.TIMER, Kind.ORDER_TERMS, Kind.ORDER_INSTRUCTIONS, Kind.ORDER_REFUSED, Kind.ORDER_COSTS)


def said_by(result: Result) -> list[Said]:
    """The audit of a run in the words of the model."""
    found: list[Said] = []
    for heard, at, kind, flags, i, w0, w1, w2, w3, w4 in result.audit.records.tolist():
        if kind in _IGNORED or flags & (Flag.HELD | Flag.REFUSED):
            continue
        words: tuple[Any, ...] = ()
        number = w0
        match Kind(kind):
            case Kind.ORDER_SUBMIT | Kind.ORDER_REPLACE | Kind.ORDER_REPLACED:
                words = (w2, w3, w4)
            case Kind.ORDER_REPRICED:
                words = (w3, w4)
            case Kind.ORDER_FILLED:
                is_maker, is_ambiguous, is_last = (bool(flags & flag) for flag in (Flag.MAKER, Flag.AMBIGUOUS, Flag.LAST))
                words = (w1, w2, is_maker, is_ambiguous, is_last, real(w3), real(w4))
            case Kind.ORDER_TRIGGERED:
                words = (w1, w2)
            case Kind.ORDER_PLACED:
                words = (w2, -1 if (w1 >> 40) & 1 else 1)
            case Kind.CHARGE:
                number, words = -1, (w0, real(w1))
            case Kind.SETTLED:
                number, words = -1, (real(w1), real(w0))
            case Kind.ORDER_CANCEL | Kind.ORDER_CANCELLED | Kind.ORDER_EXPIRED | Kind.ORDER_REJECTED | Kind.ORDER_CANCEL_REJECTED:
                words = (w1,)
        found.append((Kind(kind), heard, at, i, number, words))
    return found


def agree(found: Said, expected: Said) -> bool:
    """Whether two messages are the same, money to 1e-9."""
    if found[:5] != expected[:5] or len(found[5]) != len(expected[5]):
        return False
    return all(same(a, b, Decimal(CASH)) if isinstance(b, Decimal) else a == b for a, b in zip(found[5], expected[5], strict=True))


def compare_accounts(desk: Desk, strategy: Scripted) -> None:
    """Both accounts at every timer; they are one account whenever nothing is in flight."""
    for ns, (is_quiet, *expected) in desk.noted.items():
        found = strategy.notes[ns]
        if is_quiet:
            assert found[0] == found[1]
        for (units, cash), (lots, money) in zip(found, expected, strict=True):
            assert units == lots, (ns, units, lots)
            assert all(same(cash[name], amount, Decimal(CASH) * 10) for name, amount in money.items()), (ns, cash, money)


def compare(desk: Desk, result: Result) -> None:
    """Every message, then positions, cash and equity."""
    found = said_by(result)
    for k, (mine, theirs) in enumerate(zip(found, desk.said, strict=False)):
        assert agree(mine, theirs), f"message {k}\nkernel {mine}\nmodel  {theirs}\nbefore {desk.said[max(k - 6, 0) : k]}"
    assert len(found) == len(desk.said), (found[len(desk.said) :], desk.said[len(found) :])
    account = desk.trader.account
    for i, terms in enumerate(desk.prices.terms):
        assert result.positions.iloc[-1][terms.symbol] == account.lots(i) if len(result.positions) else not account.lots(i)
    assert same(float(result.equity.iloc[-1]), account.equity, Decimal(CASH))
