"""Whole runs against two halves written plainly: accounts, markets and orders of every kind, drawn step by step."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from framework.schema.event import Kind
from framework.schema.instrument import InstrumentKind
from framework.schema.order import OrderType, TimeInForce
from tests.properties.plain_desk import Latency, Wish
from tests.properties.random_desks import ACCOUNTS, FORMS, HOUR, STEP, Draft, play
from tests.seeds import seeds

MET: Counter[Any] = Counter()
"""What the runs of one test have met."""

LATENCIES = (
    Latency(),
    Latency(),
    Latency(0, 0, HOUR),
    Latency(HOUR, HOUR, 0),
    Latency(0, 3 * HOUR, HOUR),
    Latency(0, HOUR // 2, 5 * HOUR),
    Latency(HOUR // 2, 0, 9 * HOUR),
)
COSTS = (
    {},
    {"maker_bps": -0.5, "taker_bps": 3.0, "borrow_bps": 300.0},
    {"taker_bps": 10.0, "half_spread_bps": 5.0, "max_participation": 0.25},
    {"maker_bps": 2.0, "taker_bps": 2.0, "limit_fill": "touch", "max_participation": 0.5, "borrow_bps": 500.0},
)
SIZES = (1, 2, 5, 10, 20, 50, 100, 150, 200, 400, 800, 1500)
_OF_A_MARKET = 9 * 9 * 4 * 10
moves = st.integers(0, _OF_A_MARKET**4 - 1)
"""A moment of four markets as one number, which draws and shrinks quickly; see `unfolded`."""

_AUCTIONS = (TimeInForce.AT_OPEN, TimeInForce.AT_CLOSE)
COMBINATIONS = [(kind, force) for kind in OrderType for force in TimeInForce if kind <= OrderType.LIMIT or force not in _AUCTIONS]
"""Types with the times in force that they can have."""


class Shape(NamedTuple):
    """What an order is apart from its instrument: `size` in half percents of what the opening cash buys, distances in half swings."""

    what: tuple[OrderType, TimeInForce]
    side: int
    size: int
    offset: int
    further: int
    reduces: bool


sizes, sides, offsets = st.sampled_from(SIZES), st.sampled_from((1, -1)), st.integers(-8, 8)
shapes = st.builds(Shape, st.sampled_from(COMBINATIONS), sides, sizes, offsets, st.integers(-4, 4), st.sampled_from((False, False, True)))
places = st.integers(0, 7)


def _signed(digit: int) -> int:
    return -(digit + 1) // 2 if digit % 2 else digit // 2


def unfolded(number: int) -> list[tuple[int, int, int, int]]:
    """(gap, move, wick, volume) of each market, from -4 to 4, 0 to 3 and 0 to 9; of 0 nothing moves."""
    found = []
    for _ in range(4):
        number, own = divmod(number, _OF_A_MARKET)
        own, gap = divmod(own, 9)
        own, move = divmod(own, 9)
        volume, wick = divmod(own, 4)
        found.append((_signed(gap), -_signed(move), wick, volume))
    return found


class Desks(RuleBasedStateMachine):
    """Builds a draft step by step; at the end it is played and compared."""

    def __init__(self) -> None:
        super().__init__()
        self.draft: Draft | None = None

    @initialize(
        account=st.sampled_from([*sorted(ACCOUNTS), "derivative"]),
        forms=st.tuples(*[st.sampled_from((Kind.BAR, *FORMS))] * 3),
        costs=st.sampled_from(COSTS),
        latency=st.sampled_from(LATENCIES),
        swing=st.sampled_from((3, 10, 30)),
        opening=st.sampled_from((0, 20, 45, 90, 95, -30, -90, -95)),
        chunk=st.sampled_from((None, None, 1, 7)),
        length=st.sampled_from((0, STEP)),
        first=moves,
    )
    def begin(
        self,
        account: str,
        forms: tuple[Kind, ...],
        costs: dict[str, Any],
        latency: Latency,
        swing: int,
        chunk: int | None,
        length: int,
        opening: int,
        first: int,
    ) -> None:
        self.draft = Draft(account, forms, costs, latency, chunk, length)
        self.swing = swing
        self.market(first, -1)
        if opening:
            self.open(opening)

    def open(self, percent: int) -> None:
        """A market order that uses so much of what the account lends, in one instrument."""
        leverage = {"derivative": 10, "reg_t": 2, "portfolio": 4, "cash": 1}[self.draft.account]
        side = -1 if percent < 0 and self.draft.account != "cash" else 1
        self.wish(
            "order", abs(percent), side=side, lots=max(self.draft.unit(self.traded(abs(percent))) * abs(percent) * leverage // 100, 1)
        )
        self.step([(0, 0, 0, 9)] * 4, 0)

    @rule(drawn=moves, silent=st.integers(-8, 3))
    def market(self, drawn: int, silent: int) -> None:
        self.step(unfolded(drawn), self.swing, silent)

    def step(self, drawn: list[tuple[int, int, int, int]], swing: int, silent: int = -1) -> None:
        self.draft.step(drawn[: len(self.draft.instruments)], swing, silent)
        self.late = 0

    @rule(drawn=moves)
    def market_again(self, drawn: int) -> None:
        self.market(drawn, -1)

    @rule(drawn=moves)
    def market_goes_on(self, drawn: int) -> None:
        self.market(drawn, -1)

    @rule(side=sides, volume=st.integers(1, 9))
    def shock(self, side: int, volume: int) -> None:
        """All prices move far, and the market goes on."""
        self.step([(side, 3 * side, 1, volume)] * 4, 40)
        self.step([(0, -side, 1, volume)] * 4, 10)

    @rule(first=st.sampled_from((1, -1)))
    def crash(self, first: int) -> None:
        """One way and back, further than most accounts can carry."""
        for side in (first, -first):
            self.step([(side, 3 * side, 2, 9)] * 4, 50)

    @rule(place=places, size=sizes, offset=st.integers(1, 3))
    def rest(self, place: int, size: int, offset: int) -> None:
        """Limits on both sides of the market that may wait there for long."""
        for side in (1, -1):
            self.order(place, Shape((OrderType.LIMIT, TimeInForce.GTC), side, size, -side * offset, 0, reduces=False))

    @rule()
    def later(self) -> None:
        """What follows is done while the next bar is under way."""
        self.late = 2 * HOUR

    def wish(self, verb: str, place: int, **terms: Any) -> int:
        draft = self.draft
        draft.script.append(Wish(draft.now + self.late, verb, self.traded(place), **terms))
        return len(draft.script) - 1

    def traded(self, place: int) -> int:
        return self.draft.traded[place % len(self.draft.traded)]

    def priced(self, place: int, kind: OrderType, side: int, offset: int, further: int) -> dict[str, int]:
        """The prices of a type around the mark."""
        mark = self.draft.marks[self.traded(place)]
        unit = max(mark * self.swing // 1000, 1)
        near, far = max(mark + offset * unit // 2, 2), max(mark + (offset + further) * unit // 2, 2)
        if kind == OrderType.LIMIT:
            return {"limit": near}
        if kind in (OrderType.STOP, OrderType.MARKET_IF_TOUCHED):
            return {"stop": near}
        if kind in (OrderType.STOP_LIMIT, OrderType.LIMIT_IF_TOUCHED):
            return {"stop": near, "limit": far}
        if kind in (OrderType.TRAILING_STOP, OrderType.TRAILING_STOP_LIMIT):
            trail = max(abs(offset) * unit // 2, 1)
            return {"trail": trail, "stop": max(mark + side * trail, 1), "trail_limit": abs(further) * unit // 2}
        return {}

    def lots(self, place: int, size: int) -> int:
        i = self.traded(place)
        return max(self.draft.unit(i) * size // 200, 1)

    def order(self, place: int, shape: Shape, **terms: Any) -> int:
        kind, force = shape.what
        if force in _AUCTIONS and self.draft.form(self.traded(place)) == Kind.DEPTH:
            force = TimeInForce.DAY  # books know auctions by prints only
        halves = abs(shape.offset) + 1
        lasts_ns = self.late + halves * STEP // 2
        expires = self.draft.now + lasts_ns if force == TimeInForce.GTD else 0
        prices = self.priced(place, kind, shape.side, shape.offset, shape.further)
        terms = {"reduces_only": shape.reduces, **prices, **terms}
        lots = self.lots(place, shape.size)
        return self.wish("order", place, side=shape.side, lots=lots, type=kind, force=force, expires=expires, **terms)

    @rule(place=places, shape=shapes)
    def single(self, place: int, shape: Shape) -> None:
        self.order(place, shape)

    @rule(place=places, first=shapes, second=shapes)
    def two(self, place: int, first: Shape, second: Shape) -> None:
        self.order(place, first)
        self.order(place + 1, second)

    @rule(place=places, side=sides, offset=st.integers(-3, 3), first=st.integers(0, len(COMBINATIONS) - 1))
    def assorted(self, place: int, side: int, offset: int, first: int) -> None:
        """Small orders of many types and times in force at once."""
        for k in range(6):
            what = COMBINATIONS[(first + 7 * k) % len(COMBINATIONS)]
            self.order(place + k, Shape(what, side, 1 + k, offset, k - 2, reduces=False))

    @rule(place=places, entry=shapes, exits=st.lists(shapes, min_size=1, max_size=3), how=st.sampled_from(("apart", "group", "free")))
    def family(self, place: int, entry: Shape, exits: list[Shape], how: str) -> None:
        """An entry and exits that wait for it, which may cancel each other; the last may wait for nothing ("free")."""
        parent = self.order(place, entry._replace(reduces=False))
        group = len(self.draft.script) if how != "apart" else -1
        for k, shape in enumerate(exits):
            of = -1 if how == "free" and k > 0 and k == len(exits) - 1 else parent
            self.order(place, shape._replace(side=-entry.side, size=entry.size, reduces=how == "group"), parent=of, group=group)

    @rule(
        place=places,
        kind=st.sampled_from((OrderType.MARKET, OrderType.LIMIT, OrderType.STOP)),
        side=sides,
        size=sizes,
        near=st.integers(0, 2),
        far=st.integers(1, 6),
    )
    def bracket(self, place: int, kind: OrderType, side: int, size: int, near: int, far: int) -> None:
        """An entry near the market with a target and a stop that a bar can reach."""
        offset = -near * side if kind == OrderType.LIMIT else near * side
        parent = self.order(place, Shape((kind, TimeInForce.GTC), side, size, offset, 0, reduces=False))
        for exit, distance in ((OrderType.LIMIT, far), (OrderType.STOP, -far)):
            shape = Shape((exit, TimeInForce.GTC), -side, size, side * distance, 0, reduces=True)
            self.order(place, shape, parent=parent, group=parent + 1)

    @rule(place=places, members=st.lists(shapes, min_size=2, max_size=3))
    def group(self, place: int, members: list[Shape]) -> None:
        group = len(self.draft.script)
        for shape in members:
            self.order(place, shape._replace(size=members[0].size), group=group)

    @rule(place=places, side=sides, size=st.sampled_from((0, *SIZES)))
    def target(self, place: int, side: int, size: int) -> None:
        lots = self.lots(place, size) if size else 0
        self.wish("target", place, side=side, lots=lots)

    @precondition(lambda self: self.draft is not None and any(wish.verb == "order" for wish in self.draft.script))
    @rule(which=st.integers(1, 6), size=sizes, offset=offsets, what=st.sampled_from(("cancel", "replace", "replace lots")))
    def change(self, which: int, size: int, offset: int, what: str) -> None:
        orders = [k for k, wish in enumerate(self.draft.script) if wish.verb == "order"]
        of = orders[-min(which, len(orders))]
        old = self.draft.script[of]
        if what == "cancel":
            self.draft.script.append(Wish(self.draft.now + self.late, "cancel", old.instrument, of=of))
            return
        unit = max(self.draft.marks[old.instrument] * self.swing // 1000, 1)
        place = self.draft.traded.index(old.instrument)
        limit = max(old.limit + offset * unit // 2, 2) if old.limit and what == "replace" else 0
        self.draft.script.append(
            Wish(self.draft.now + self.late, "replace", old.instrument, lots=self.lots(place, size), limit=limit, of=of)
        )

    @precondition(lambda self: self.draft is not None and self.draft.account == "derivative")
    @rule(kind=st.sampled_from((Kind.FUNDING, Kind.MARK_PRICE)), place=places, value=st.integers(-40, 40))
    def tell(self, kind: Kind, place: int, value: int) -> None:
        i = self.traded(place)
        if self.draft.instruments[i].kind is InstrumentKind.PERPETUAL and not any(
            row[0] == self.draft.now + HOUR and row[4] == i and row[2] == kind for row in self.draft.rows
        ):
            self.draft.tell(kind, i, value)

    def teardown(self) -> None:
        draft = self.draft
        if draft is None or not draft.script:
            return
        self.step([(0, 0, 0, 4)] * 4, 0)
        desk, result = play(draft)
        MET["runs"] += 1
        MET.update(desk.met)
        MET["fills"] += len(result.fills)
        places = {instrument.symbol: i for i, instrument in enumerate(draft.instruments)}
        for symbol, liquidity in zip(result.fills["instrument"], result.fills["liquidity"], strict=True):
            MET[f"{liquidity} by {draft.form(places[symbol]).name}"] += 1
        MET["ambiguous fills"] += int(result.fills["ambiguous"].sum())
        MET["accounts compared"] += desk.agreed
        sent = result.orders[result.orders["state"] != "REFUSED"]
        MET.update({(draft.account, *kind) for kind in zip(sent["type"], sent["time_in_force"], strict=True)})


RUNS = 500


def drawn(count: int) -> Counter[Any]:
    """So many runs; what they met."""
    MET.clear()
    options = settings(
        max_examples=RUNS,
        stateful_step_count=30,
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    for each in seeds(count // RUNS, "desks"):  # apart: hypothesis remembers what it has drawn
        run_state_machine_as_test(seed(each)(Desks), settings=options)
    combinations = {what: runs for what, runs in MET.items() if isinstance(what, tuple)}
    print({what: times for what, times in MET.items() if isinstance(what, str)})
    for account in ACCOUNTS:
        found = sorted((runs, " ".join(what[1:])) for what, runs in combinations.items() if what[0] == account)
        print(f"{account}: {len(found)} of {len(COMBINATIONS)} types and times in force; fewest runs:", *found[:3])
    return MET


def test_five_hundred_runs() -> None:
    met = drawn(RUNS)
    assert met["runs"] > 400 and met["fills"] > 2000 and met["liquidations"] > 60 and met["fills in flight"] > 200, met
    for what in ("exits in the bar of their entry", "commands that waited for a bar", "orders that waited for others of their stamp"):
        assert met[what] > 10, met


@pytest.mark.long
def test_ten_thousand_runs() -> None:
    met = drawn(20 * RUNS)
    assert met["runs"] > 9_000 and met["liquidations"] > 1_000 and met["fills in flight"] > 2_000, met
    rare = {
        (account, kind.name, force.name) for account in ACCOUNTS for kind, force in COMBINATIONS if met[account, kind.name, force.name] < 50
    }
    assert not rare
