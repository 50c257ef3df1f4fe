"""Strategies and markets that fill every table: families of orders, groups, storms of changes, liquidations, books told by order."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from framework import PerInstrument, State, Strategy, compiled
from framework.data.tape import Tape, build
from framework.schema.event import EVENT, Flag, Kind
from framework.schema.instrument import Instrument, InstrumentKind
from framework.schema.units import Step

MS = 1_000_000
HOUR = 3_600_000 * MS
START = 1_700_000_000_000_000_000
SHORTS: dict[str, Any] = {"allow_short": True, "max_leverage": 20.0}


@compiled
class Families(Strategy):
    """On each bar something at random: a parent with children, a group, a bracket, a target, an iceberg, a cancel, a change."""

    seed: int = 1
    most: int = 9
    random: State[int] = 0
    answered: State[int] = 0
    first: PerInstrument[int]

    def on_bar(self, view, bar):
        i = bar.instrument
        if self.random == 0:
            self.random = self.seed
        self.random = (self.random * 1103515245 + 12345) % 2147483648
        what, size = (self.random >> 8) % 8, 1 + (self.random >> 12) % self.most
        tick, lot = view.tick(i), view.lot(i)
        mark = round(view.price(i) / tick)
        if mark < 100:
            return
        if what == 0:  # held until their parent fills, some at once, some never; each takes all its terms
            parent = view.order(i, 4 * lot, limit=(mark + 2) * tick)
            for k in range(size):
                view.order(i, -lot, limit=(mark + 1 + k) * tick, parent=parent, display=lot)
            view.order(i, -lot, trail=5 * tick, trail_limit=2 * tick, parent=parent)
        elif what == 1:  # the first that fills cancels the rest
            group = view.next_order_id
            for k in range(size + 1):
                view.order(i, 6 * lot, limit=(mark - k) * tick, group=group)
        elif what == 2:
            view.bracket(i, size * lot, target=(mark + 8) * tick, loss=(mark - 8) * tick)
        elif what == 3:
            view.target_quantity(i, (size - self.most // 2) * lot)
        elif what == 4:
            view.order(i, 5 * size * lot, limit=(mark - 1) * tick, display=lot)
        elif what == 5:
            for k in range(self.first[i], view.next_order_id):
                view.cancel(k)
            self.first[i] = view.next_order_id
        elif what == 6:
            for k in range(max(self.first[i], view.next_order_id - size), view.next_order_id):
                view.replace(k, limit=(mark - k % 3) * tick)
        else:
            for k in range(size):
                view.order(i, (k % 3 - 1.5) * lot)  # half lots are refused

    def on_order(self, view, order):
        self.answered += 1
        if self.answered % 7 == 0 and order.is_done:
            view.order(order.instrument, view.lot(order.instrument))


class Levered(Strategy):
    """Buys all that margin lets it in every contract, with exits that rest: until the broker closes it."""

    uses_numbers = True

    def on_bar(self, view, bar):
        i = bar.instrument
        if view.bar_count(i) in (2, 12):
            order = view.order(i, 90.0)
            for k in range(5):
                view.order(i, -10.0, limit=view.price(i) + 20.0 + k, parent=order)
                view.order(i, 1.0, limit=view.price(i) - 60.0 - k)


class TakingBack(Strategy):
    """Buys, and cancels it all a moment after the open that it waits for."""

    def on_bar(self, view, bar):
        for k in range(max(view.next_order_id - 9, 0), view.next_order_id):
            view.cancel(k)
        for _ in range(9):
            view.order(bar.instrument, 1.0)


def falling(contracts: int) -> Tape:
    """Perpetuals at 100 that fall by a third, rise again and fall anew."""
    names = [f"P{k}" for k in range(contracts)]
    perpetuals = {
        name: Instrument(name, Step(1, 1), kind=InstrumentKind.PERPETUAL, initial_margin=0.1, maintenance_margin=0.05) for name in names
    }
    closes = [100, 100, 100, 95, 90, 85, 80, 70, 66, 90, 100, 100, 100, 90, 80, 70, 60, 60]
    rows = [
        (START + n * HOUR, START + n * HOUR, int(Kind.BAR), 0, i, close, close, close, close, 10_000)
        for n, close in enumerate(closes)
        for i in range(contracts)
    ]
    return build({}, perpetuals, extra=np.array(rows, dtype=EVENT), name="falling")


class Quoting(Strategy):
    """Takes and quotes on a book told by order; a fill is answered by its way out."""

    seed: int = 1

    def on_start(self, view):
        self.random = np.random.default_rng(self.seed)

    def on_book(self, view, book):
        draw = self.random.integers(0, 8)
        if draw == 0:
            view.order("X", 2.0)
        elif draw == 1:
            view.order("X", -3.0)
        elif draw == 2 and book.bid > 10:
            parent = view.order("X", 3.0, limit=book.bid)
            view.order("X", -3.0, limit=book.bid + 2.0, parent=parent)
        elif draw == 3:
            for k in range(7):
                view.order("X", 1.0, limit=50.0 + k)
        elif draw == 4 and view.next_order_id:
            view.cancel(int(self.random.integers(0, view.next_order_id)))


def by_order(messages: int, seed: int = 1) -> Tape:
    """A book around 100 ticks told order by order, and trades."""
    random = np.random.default_rng(seed)
    rows: list[tuple[int, ...]] = []
    alive: dict[int, tuple[int, int, int]] = {}
    buy, sell, last = int(Flag.BUY), int(Flag.SELL), int(Flag.LAST)

    def tell(kind: Kind, flags: int, price: int, lots: int, number: int) -> None:
        ns = START + len(rows) * 50 * MS
        rows.append((ns, ns, int(kind), flags, 0, price, lots, number, 0, 0))

    for k in range(12):
        side = 1 if k % 2 else -1
        alive[k + 1] = (side, 100 - side * (1 + k // 2), 5)
        flags = int(Flag.SNAPSHOT) | (int(Flag.CLEAR) if k == 0 else 0) | (last if k == 11 else 0) | (buy if side > 0 else sell)
        tell(Kind.DEPTH, flags, alive[k + 1][1], 5, k + 1)
    for number in range(20, 20 + messages):
        draw = random.integers(0, 10)
        if draw < 6:
            side = int(random.choice([1, -1]))
            alive[number] = (side, 100 - side * int(random.integers(1, 6)), int(random.integers(1, 9)))
            tell(Kind.DEPTH, last | (buy if side > 0 else sell), alive[number][1], alive[number][2], number)
        elif draw < 9 and len(alive) > 6:
            chosen = int(random.choice(list(alive)))
            side, price, _ = alive.pop(chosen)
            tell(Kind.DEPTH, last | (buy if side > 0 else sell), price, 0, chosen)
        else:
            side = int(random.choice([1, -1]))
            tell(Kind.TRADE, buy if side > 0 else sell, 100 + side, int(random.integers(1, 5)), 0)
    return build({}, {"X": Instrument("X", Step(1, 1))}, extra=np.array(rows, dtype=EVENT), name="by order")


LATE: dict[str, Any] = {
    "entry_ns": {"model": "sampled", "quantiles_ns": [0, 90 * MS, 400 * MS]},
    "response_ns": {"model": "sampled", "quantiles_ns": [0, 300 * MS]},
}
"""Messages overtake each other."""


def stamps(tape: Tape) -> NDArray[np.int64]:
    """When something happens on a tape."""
    found: NDArray[np.int64] = np.unique(tape.events["ts_local_ns"])
    return found
