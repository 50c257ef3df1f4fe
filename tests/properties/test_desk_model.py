"""Whole runs against two halves written plainly: accounts, markets and orders of every kind, drawn step by step."""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from framework.schema.event import Kind
from framework.schema.instrument import InstrumentKind
from framework.schema.order import OrderType, TimeInForce
from tests.properties.plain_desk import Latency, Wish
from tests.properties.random_desks import ACCOUNTS, FORMS, HOUR, STEP, Draft, play

MET: Counter[Any] = Counter()
"""What the runs of one test have met."""

LATENCIES = (Latency(), Latency(), Latency(0, 0, HOUR), Latency(HOUR, HOUR, 0), Latency(0, HOUR // 2, 5 * HOUR), Latency(HOUR // 2, 0, 9 * HOUR))
COSTS = (
    {},
    {"maker_bps": -0.5, "taker_bps": 3.0, "borrow_bps": 300.0},
    {"taker_bps": 10.0, "half_spread_bps": 5.0, "max_participation": 0.25},
    {"maker_bps": 2.0, "taker_bps": 2.0, "limit_fill": "touch", "max_participation": 0.5, "borrow_bps": 500.0},
)
SIZES = (1, 2, 5, 10, 20, 50, 100, 150, 200, 400, 800, 1500)
small = st.integers(-4, 4)
moves = st.lists(st.tuples(small, small, st.integers(0, 3), st.integers(0, 9)), min_size=4, max_size=4)
sizes, sides, offsets = st.sampled_from(SIZES), st.sampled_from((1, -1)), st.integers(-8, 8)
types, forces = st.sampled_from(list(OrderType)), st.sampled_from(list(TimeInForce))
places = st.integers(0, 7)


class Desks(RuleBasedStateMachine):
    """Builds a draft step by step; at the end it is played and compared."""

    def __init__(self) -> None:
        super().__init__()
        self.draft: Draft | None = None

    @initialize(
        account=st.sampled_from(sorted(ACCOUNTS)),
        forms=st.tuples(*[st.sampled_from((Kind.BAR, *FORMS))] * 3),
        costs=st.sampled_from(COSTS),
        latency=st.sampled_from(LATENCIES),
        swing=st.sampled_from((3, 10, 30)),
        opening=st.sampled_from((0, 0, 20, 45, 90, -30, -90)),
        chunk=st.sampled_from((None, None, 1, 7)),
        first=moves,
    )
    def begin(self, account: str, forms: tuple[Kind, ...], costs: dict[str, Any], latency: Latency, swing: int, chunk: int | None, opening: int, first: Any) -> None:
        self.draft = Draft(account, forms, costs, latency, chunk)
        self.swing = swing
        self.market(first, -1)
        if opening:
            self.open(opening)

    def open(self, percent: int) -> None:
        """A market order that uses so much of what the account lends, in one instrument."""
        leverage = {"derivative": 10, "reg_t": 2, "portfolio": 4, "cash": 1}[self.draft.account]
        side = -1 if percent < 0 and self.draft.account != "cash" else 1
        self.wish("order", abs(percent), side=side, lots=max(self.draft.unit(self.traded(abs(percent))) * abs(percent) * leverage // 100, 1))

    @rule(drawn=moves, silent=st.integers(-8, 3))
    def market(self, drawn: Any, silent: int) -> None:
        self.draft.step(drawn[: len(self.draft.instruments)], self.swing, silent)
        self.late = 0

    @rule(drawn=moves)
    def market_again(self, drawn: Any) -> None:
        self.market(drawn, -1)

    @rule(drawn=moves)
    def market_goes_on(self, drawn: Any) -> None:
        self.market(drawn, -1)

    @rule(side=sides, volume=st.integers(1, 9))
    def shock(self, side: int, volume: int) -> None:
        """All prices move far, and the market goes on."""
        self.draft.step([(side, 3 * side, 1, volume)] * len(self.draft.instruments), 40, -1)
        self.market([(0, -side, 1, volume)] * 4, -1)

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

    def order(self, place: int, kind: OrderType, force: TimeInForce, side: int, size: int, offset: int, further: int, **terms: Any) -> int:
        if force in (TimeInForce.AT_OPEN, TimeInForce.AT_CLOSE) and kind > OrderType.LIMIT:
            force = TimeInForce.DAY
        expires = self.draft.now + self.late + (abs(offset) + 1) * STEP // 2 if force == TimeInForce.GTD else 0
        prices = self.priced(place, kind, side, offset, further)
        return self.wish(
            "order", place, side=side, lots=self.lots(place, size), type=kind, force=force, expires=expires, **prices, **terms
        )

    @rule(place=places, kind=types, force=forces, side=sides, size=sizes, offset=offsets, further=small, reduces=st.sampled_from((False, False, True)))
    def single(self, place: int, kind: OrderType, force: TimeInForce, side: int, size: int, offset: int, further: int, reduces: bool) -> None:
        self.order(place, kind, force, side, size, offset, further, reduces_only=reduces)

    @rule(place=places, kind=types, force=forces, side=sides, size=sizes, offset=offsets, further=small)
    def another(self, place: int, kind: OrderType, force: TimeInForce, side: int, size: int, offset: int, further: int) -> None:
        self.order(place, kind, force, side, size, offset, further)

    @rule(
        place=places, kind=types, side=sides, size=sizes, offset=offsets, exits=st.lists(st.tuples(types, forces, offsets), min_size=1, max_size=3),
        grouped=st.booleans(),
    )
    def family(self, place: int, kind: OrderType, side: int, size: int, offset: int, exits: Any, grouped: bool) -> None:
        """An entry and exits that wait for it, which may cancel each other."""
        parent = self.order(place, kind, TimeInForce.GTC, side, size, offset, 1)
        group = len(self.draft.script) if grouped else -1
        for exit_kind, force, away in exits:
            self.order(place, exit_kind, force, -side, size, away, 1, parent=parent, group=group, reduces_only=grouped)

    @rule(place=places, members=st.lists(st.tuples(types, forces, sides, offsets), min_size=2, max_size=3), size=sizes, reduces=st.booleans())
    def group(self, place: int, members: Any, size: int, reduces: bool) -> None:
        group = len(self.draft.script)
        for kind, force, side, offset in members:
            self.order(place, kind, force, side, size, offset, 1, group=group, reduces_only=reduces)

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
        if self.draft.instruments[i].kind is InstrumentKind.PERPETUAL and not any(row[0] == self.draft.now + HOUR and row[4] == i and row[2] == kind for row in self.draft.rows):
            self.draft.tell(kind, i, value)

    def teardown(self) -> None:
        draft = self.draft
        if draft is None or not draft.script:
            return
        self.market([(0, 0, 0, 4)] * 4, -1)
        desk, result = play(draft)
        MET["runs"] += 1
        MET.update(desk.met)
        MET["fills"] += len(result.fills)
        MET["agreed"] += desk.agreed
        MET.update({(draft.account, *kind) for kind in zip(result.orders["type"], result.orders["time_in_force"], strict=True)})


def drawn(count: int, steps: int) -> Counter[Any]:
    """So many runs; what they met."""
    MET.clear()
    chosen = os.environ.get("ONETAPE_SEED")
    options = settings(
        max_examples=count,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        derandomize=chosen is None,
        suppress_health_check=list(HealthCheck),
    )
    machine = Desks if chosen is None else seed(int(chosen))(Desks)
    run_state_machine_as_test(machine, settings=options)
    return MET


def test_five_hundred_runs() -> None:
    met = drawn(500, 25)
    assert met["fills"] > 500
