"""Small random markets and random orders: what the properties are tried on.

A `Case` holds whole numbers only, so that a failing one prints short and shrinks well. Prices come from a seeded walk.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from framework.data.tape import Tape, build
from framework.engine.market import Bar, MarketEvent, OrderView, Quote
from framework.engine.strategy import Strategy
from framework.engine.view import View
from framework.reports.result import Result
from framework.schema.event import EVENT, Kind
from framework.schema.instrument import Instrument, InstrumentKind
from framework.schema.units import Step
from framework.simulation.backtest import backtest

HOUR = 3_600_000_000_000
START = 18_262 * 24 * HOUR  # 2020-01-01
SPLITS = ((2, 1), (7, 1), (1, 10), (3, 2), (1, 3))
TICKS = (Step(1, 100), Step(1, 10_000), Step(1, 8), Step(5, 1))
LOTS = (Step(1, 1), Step(1, 1000), Step(100, 1))
FORCES = ("GTC", "DAY", "IOC", "FOK", "AT_OPEN", "AT_CLOSE")
VARYING = {
    "entry_ns": {"model": "lognormal", "median_ns": HOUR / 3, "sigma": 2.0},
    "response_ns": {"model": "sampled", "quantiles_ns": [0, HOUR // 5, 30 * HOUR]},
    "decision_ns": {"model": "sampled", "quantiles_ns": [0, HOUR // 4]},
}
"""So wide that commands overtake each other and answers come bars later."""

PUSHING = {
    "model": "propagator",
    "daily_volume": 1e6,
    "permanent": 0.02,
    "temporary": 0.05,
    "decay": [{"half_life_s": 3600.0, "weight": 0.1}],
    "charge_makers": True,
}

WISHES = ("market", "limit", "stop", "stop_limit", "trail", "bracket", "weight", "quantity", "cancel", "replace")


@dataclass(frozen=True)
class Paper:
    """One instrument: places in the lists above, its first price in ticks, whether it is quoted instead of traded in bars."""

    symbol: str
    tick: int = 0
    lot: int = 0
    multiplier: float = 1.0
    currency: str = "USD"
    level: int = 2000
    is_quoted: bool = False


@dataclass(frozen=True)
class Action:
    """A corporate action half a bar after bar `bar`: "split" (place in SPLITS), "dividend" or "delist" (percent of the price)."""

    bar: int
    paper: int
    kind: str
    size: int


@dataclass(frozen=True)
class Wish:
    """Something to order when bar `bar` of a paper has closed; `offset` is in ticks from the mark."""

    bar: int
    paper: int
    kind: str
    lots: int
    offset: int
    force: str = "GTC"


@dataclass(frozen=True)
class Case:
    """A whole run."""

    seed: int
    papers: tuple[Paper, ...]
    wishes: tuple[Wish, ...]
    actions: tuple[Action, ...] = ()
    bars: int = 10
    hours: int = 24
    pair: str = ""  # "EURUSD" or "USDEUR": how the second currency is quoted
    cash: float = 1_000_000.0
    costs: Mapping[str, Any] = field(default_factory=dict)
    risk: Mapping[str, Any] = field(default_factory=lambda: {"allow_short": True, "max_leverage": 4.0})
    latency: Mapping[str, Any] = field(default_factory=dict)
    listens_to_orders: bool = False
    chunk_events: int | None = None


@st.composite
def papers(draw: st.DrawFn, second_currency: bool) -> tuple[Paper, ...]:
    count = draw(st.integers(1, 3))
    return tuple(
        Paper(
            "ABC"[place],
            draw(st.integers(0, len(TICKS) - 1)),
            draw(st.integers(0, len(LOTS) - 1)),
            draw(st.sampled_from((1.0, 1.0, 50.0))),
            "EUR" if second_currency and place > 0 else "USD",
            draw(st.integers(300, 20_000)),
            place == 2 and draw(st.booleans()),
        )
        for place in range(count)
    )


@st.composite
def cost_terms(draw: st.DrawFn) -> dict[str, Any]:
    terms: dict[str, Any] = {}
    chosen = draw(st.integers(0, 255))
    if chosen & 1:
        terms["fee_bps"] = draw(st.sampled_from((1.0, 5.0, 12.5)))
    if chosen & 2:
        terms["maker_bps"] = draw(st.sampled_from((-0.5, -2.0, 0.2)))
    if chosen & 4:
        terms |= {"fee_per_share": 0.005, "fee_minimum": draw(st.sampled_from((0.0, 1.0, 35.0)))}
    if chosen & 8:
        terms |= {"fee_per_order": 0.35, "fee_maximum_bps": draw(st.sampled_from((None, 50.0)))}
    if chosen & 16:
        terms["half_spread_bps"] = draw(st.sampled_from((0.5, 10.0)))
    if chosen & 32:
        impact = {"model": "volume_share", "price_impact": 0.1}
        root = {"model": "square_root", "coefficient": 0.7, "volatility_bars": 3}
        terms["impact"] = draw(st.sampled_from((impact, root, PUSHING)))
    if chosen & 64:
        terms["max_participation"] = draw(st.sampled_from((0.1, 0.5)))
    if chosen & 128:
        terms |= {"borrow_bps": 250.0, "limit_fill": "touch"}
    return terms


@st.composite
def cases(draw: st.DrawFn, max_wishes: int = 9) -> Case:
    pair = draw(st.sampled_from(("", "EURUSD", "USDEUR")))
    listed = draw(papers(bool(pair)))
    bars = draw(st.integers(4, 12))
    which, bar = st.integers(0, len(listed) - 1), st.integers(1, bars)
    forces = st.sampled_from((*FORCES, "GTC", "GTC", "GTC"))
    wish = st.builds(
        Wish, bar, which, st.sampled_from((*WISHES, "market", "market", "market")), st.integers(-150, 150), st.integers(-60, 60), forces
    )
    action = st.builds(Action, bar, which, st.sampled_from(("split", "split", "dividend", "dividend", "delist")), st.integers(0, 9))
    return Case(
        seed=draw(st.integers(0, 2**20)),
        papers=listed,
        wishes=tuple(draw(st.lists(wish, min_size=2, max_size=max_wishes))),
        actions=tuple(draw(st.lists(action, max_size=5))),
        bars=bars,
        hours=draw(st.sampled_from((1, 8, 24))),
        pair=pair,
        cash=draw(st.sampled_from((1e5, 1e7, 1e9))),
        costs=draw(cost_terms()),
        risk=draw(st.sampled_from(({"allow_short": True, "max_leverage": 4.0}, {"allow_short": True, "max_leverage": 50.0}, {}))),
        latency=draw(st.sampled_from(({}, {}, {"entry_ns": HOUR // 3}, {"entry_ns": HOUR // 3, "response_ns": HOUR // 5}, VARYING))),
        listens_to_orders=draw(st.booleans()),
        chunk_events=draw(st.sampled_from((None, None, 1, 5))),
    )


def instruments_of(case: Case) -> dict[str, Instrument]:
    """Instruments by symbol, the currency pair included."""
    found = {
        paper.symbol: Instrument(
            paper.symbol, TICKS[paper.tick], LOTS[paper.lot], multiplier=paper.multiplier, currency=paper.currency, calendar="24/7"
        )
        for paper in case.papers
    }
    if case.pair:
        found[case.pair] = Instrument(
            case.pair, Step(1, 10_000), currency=case.pair[3:], kind=InstrumentKind.FX, base_currency=case.pair[:3], calendar="24/7"
        )
    return found


def tape_of(case: Case, *, drift: int = 0) -> Tape:
    """The tape of a case; `drift` changes the walk of prices and nothing else."""
    instruments = instruments_of(case)
    positions = {symbol: place for place, symbol in enumerate(sorted(instruments))}
    rows: list[tuple[int, ...]] = []
    for number, paper in enumerate(case.papers):
        generator = np.random.default_rng((case.seed, number, drift))
        actions = {action.bar: action for action in reversed(case.actions) if action.paper == number}
        rows += _walk(case, paper, positions[paper.symbol], actions, generator)
    if case.pair:
        generator = np.random.default_rng((case.seed, 99, drift))
        rows += _walk(case, Paper(case.pair, 1, level=11_000), positions[case.pair], {}, generator)
    events = np.array(rows, dtype=EVENT)
    return build({}, instruments, extra=events, name="random")


def _walk(case: Case, paper: Paper, position: int, actions: dict[int, Action], generator: np.random.Generator) -> list[tuple[int, ...]]:
    rows: list[tuple[int, ...]] = []
    level, step = paper.level, case.hours * HOUR
    draws = generator.integers(-1000, 1001, (case.bars + 1, 4)).tolist()
    for bar in range(1, case.bars + 1):
        stamp = START + bar * step
        gap, move, wick, size = draws[bar]
        first = max(20, level + level * gap // 20_000)
        last = max(20, first + first * move // 10_000)
        high, low = max(first, last) + abs(wick) // 50, max(1, min(first, last) - abs(gap) // 50)
        if paper.is_quoted:
            rows.append((stamp, stamp, Kind.QUOTE, 0, position, low, high + 1, 1 + abs(size), 1 + abs(wick), 0))
        else:
            rows.append((stamp, stamp, Kind.BAR, 0, position, first, high, low, last, abs(size)))
        level = last
        action = actions.get(bar)
        if action is None or (action.kind == "delist" and bar == 1):
            continue
        at = stamp + step // 2
        if action.kind == "split":
            new, old = SPLITS[action.size % len(SPLITS)]
            rows.append((at, at, Kind.SPLIT, 0, position, new, old, 0, 0, 0))
            level = max(20, level * old // new)
        elif action.kind == "dividend":
            per_unit = Fraction(low * (action.size + 1), 200) * Fraction(TICKS[paper.tick].numerator, TICKS[paper.tick].denominator)
            rows.append((at, at, Kind.DIVIDEND, 0, position, int(per_unit * 10**9), 0, 0, 0, 0))
        else:
            rows.append((at, at, Kind.DELIST, 0, position, level * action.size // 9, 0, 0, 0, 0))
            break
    return rows


@dataclass(frozen=True)
class Account:
    """What a strategy could read of its account right after an event."""

    kind: Kind
    instrument: str
    ts_ns: int
    cash: dict[str, float]
    equity: float
    held: dict[str, tuple[float, float, float, float]]  # quantity, average price, realised, unrealised


class Scripted(Strategy):
    """Orders what a case says and notes its account after each event of a paper."""

    history = 16

    def prepare(self, case: Case, only: int | None = None) -> Scripted:
        """Take over the script; `only` keeps the wishes about one paper."""
        self.script: dict[tuple[int, str], list[Wish]] = {}
        for wish in case.wishes:
            if only is None or wish.paper == only:
                self.script.setdefault((wish.bar, case.papers[wish.paper].symbol), []).append(wish)
        self.instruments = instruments_of(case)
        self.currencies = sorted({instrument.currency for instrument in self.instruments.values()} | {"USD"})
        self.notes: list[Account] = []
        self.seen: dict[str, int] = {}
        self.told: list[OrderView] = []
        return self

    def on_bar(self, view: View, bar: Bar) -> None:
        self._at(view, bar.instrument, Kind.BAR)

    def on_quote(self, view: View, quote: Quote) -> None:
        self._at(view, quote.instrument, Kind.QUOTE)

    def on_event(self, view: View, event: MarketEvent) -> None:
        if event.instrument:
            self._note(view, event.instrument, event.kind)

    def _at(self, view: View, symbol: str, kind: Kind) -> None:
        self._note(view, symbol, kind)
        self.seen[symbol] = count = self.seen.get(symbol, 0) + 1
        for wish in self.script.get((count, symbol), ()):
            order(view, symbol, self.instruments[symbol], wish)

    def _note(self, view: View, symbol: str, kind: Kind) -> None:
        held = {
            name: (view.position(name), view.average_price(name), view.realised_pnl(name), view.unrealised_pnl(name))
            for name in view.instruments
        }
        cash = {name: view.cash_in(name) for name in self.currencies}
        self.notes.append(Account(kind, symbol, view.now_ns, cash, view.equity, held))


class Listening(Scripted):
    """The same, woken by what becomes of its orders too."""

    def on_order(self, view: View, order: OrderView) -> None:
        self.told.append(order)


def order(view: View, symbol: str, instrument: Instrument, wish: Wish) -> None:
    """Turn a wish into a call."""
    mark = round(view.price(symbol) * instrument.tick.denominator / instrument.tick.numerator)

    def price(ticks: int) -> float:
        return instrument.tick.to_float(max(1, ticks))

    quantity = instrument.lot.to_float(wish.lots)
    side = 1 if wish.lots > 0 else -1
    aside = mark + wish.offset
    distance = abs(wish.offset) + 1
    match wish.kind:
        case "market":
            view.order(symbol, quantity, time_in_force=wish.force)
        case "limit":
            view.order(symbol, quantity, limit=price(aside), time_in_force=wish.force)
        case "stop":
            view.order(symbol, quantity, stop=price(mark + side * distance))
        case "stop_limit":
            view.order(symbol, quantity, stop=price(mark + side * distance), limit=price(mark + side * (distance + 30)))
        case "trail":
            view.order(symbol, quantity, trail=price(distance))
        case "bracket":
            view.bracket(symbol, quantity, target=price(mark + side * distance), loss=price(mark - side * distance))
        case "weight":
            view.target_weight(symbol, wish.lots / 100)
        case "quantity":
            view.target_quantity(symbol, quantity)
        case "cancel" | "replace" if view.next_order_id:
            chosen = abs(wish.lots) % view.next_order_id
            if wish.kind == "cancel":
                view.cancel(chosen)
            else:
                view.replace(chosen, quantity=abs(quantity) or 1.0, limit=price(aside))
        case _:
            pass


def run(case: Case, tape: Tape | None = None, only: int | None = None, *, chunk_events: int | None = None) -> tuple[Scripted, Result]:
    """Run a case; returns the strategy with its notes, and the result."""
    strategy = (Listening if case.listens_to_orders else Scripted)().prepare(case, only)
    result = backtest(
        strategy,
        tape if tape is not None else tape_of(case),
        cash=case.cash,
        costs=case.costs,
        risk=case.risk,
        latency=case.latency,
        chunk_events=chunk_events if chunk_events is not None else case.chunk_events,
    )
    return strategy, result


def in_order(tape: Tape, result: Result) -> Iterator[tuple[bool, dict[str, int], dict[str, int] | None]]:
    """(whether it is a tape event, its fields, the tape event to come) of all that a run applied, in its order."""
    names = list(EVENT.names or ())
    events = [dict(zip(names, row, strict=True)) for row in tape.events.tolist()]
    cursor = 0
    for row in result.audit.records.tolist():
        record = dict(zip(names, row, strict=True))
        if record["kind"] == Kind.TAPE:
            assert record["w0"] == cursor
            while cursor < record["w1"]:
                yield True, events[cursor], None
                cursor += 1
        else:
            yield False, record, events[cursor] if cursor < len(events) else None
    for event in events[cursor:]:
        yield True, event, None


def ordered(records: NDArray[np.void], kinds: tuple[Kind, ...]) -> NDArray[np.void]:
    """The records of some kinds, in order."""
    return records[np.isin(records["kind"], [int(kind) for kind in kinds])]
