"""What models say from levels and trades: by hand, and order by order against the engine itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from framework import Instrument, Strategy, backtest
from framework.bench.book_walk import book_walk
from framework.data.tape import build
from framework.schema.event import EVENT, Kind
from framework.schema.units import Step
from research.queue.records import PLACE
from research.queue.walks import QueueModel, marked_levels, predicted_fills, trades_last, true_fates
from tests.research.lines import BUY, SELL, START_NS, Row, book, events, gap, order, seconds, trade

MODELS = (
    QueueModel("pessimistic"),
    QueueModel("power 1", "power", 1.0),
    QueueModel("log", "log"),
    QueueModel("touch", rule="touch"),
    QueueModel("through", rule="through"),
    QueueModel("half the line", join_share=0.5),
    QueueModel("first in line", join_share=0.0),
)
NAMES = [model.name for model in MODELS]
BOOK = book((BUY, 100, 5, 1), (BUY, 100, 3, 2), (BUY, 99, 4, 3), (SELL, 101, 9, 10))
FIRST = trade(1, BUY, 101, 1)


def fills(*rows: Row) -> list[dict[str, float]]:
    """When each model fills each order, seconds, -1 for not."""
    found = events(*rows)
    truth = true_fates(found, MODELS[:3], orders=1000, levels=10)
    told = marked_levels(found, truth, Instrument("X"))
    filled = predicted_fills(told, truth.places, MODELS)
    return [dict(zip(NAMES, map(seconds, row), strict=True)) for row in filled.tolist()]


def story(lots: int) -> list[Row]:
    """An order joins 80 lots, 20 join behind it; 30 in front leave, then the order itself; a trade of `lots`, then one beyond the price."""
    return [
        *book((BUY, 100, 50, 1), (BUY, 100, 30, 2), (SELL, 101, 9, 10)),
        FIRST,
        order(2, BUY, 100, 40, 4),
        order(3, BUY, 100, 20, 5),
        order(4, BUY, 100, 0, 2),
        order(5, BUY, 100, 0, 4),
        trade(6, SELL, 100, lots),
        order(6, BUY, 100, max(50 - lots, 0), 1),
        order(6, BUY, 100, min(70 - lots, 20), 5),
        trade(9, SELL, 99, 1),
    ]


@pytest.mark.parametrize(
    ("lots", "late"),
    [
        (40, {"pessimistic", "power 1", "log", "half the line"}),
        (41, {"pessimistic", "power 1", "log"}),
        (57, {"pessimistic", "log"}),
        (63, {"pessimistic"}),
        (70, {"pessimistic"}),
    ],
)
def test_models_by_hand(lots: int, late: set[str]) -> None:
    # Without the order itself the level goes 80, 100, 70. Ahead after 30 of 100 left with 80 in front and 20 behind, at most 70:
    #   pessimistic   80 - 0 + min(20 - 30, 0)       = 70     share from behind 1
    #   power 1       80 - 0.8 * 30 + min(20 - 6, 0) = 56     20 / 100
    #   log           80 - 0.5907 * 30               = 62.3   log 21 / (log 21 + log 81)
    #   half          40 - 0 + min(60 - 30, 0)       = 40
    # The order's own leaving moves nothing.
    assert fills(*story(lots))[0] == {name: 9.0 if name in late or name == "through" else 6.0 for name in NAMES}


def test_the_trade_that_hits_the_order_itself_is_not_a_cancel() -> None:
    # 8 lots trade, and 2 of the order itself: what is left of the level is all its own
    rows = [*BOOK, FIRST, order(2, BUY, 100, 4, 4), trade(3, SELL, 100, 10), order(3, BUY, 100, 0, 1), order(3, BUY, 100, 0, 2)]
    found = fills(*rows, order(3, BUY, 100, 2, 4), order(4, BUY, 99, 9, 7))[0]
    assert found == dict.fromkeys(NAMES, 3.0) | {"through": -1.0}


def test_what_the_order_itself_traded_is_not_taken_off_a_later_cancel() -> None:
    # 5 in front, 6 behind. The 5 leave: power 1 has 5 - 5/11 * 5 = 2.727 in front of 6 lots. 2 of the order itself trade: 0.727.
    # 2 of those behind leave: 0.727 - 2 * 0.727 / 6 = 0.485. One more lot trades: -0.515, and half a lot counts as one.
    rows = [
        *book((BUY, 100, 5, 1), (SELL, 101, 9, 10)),
        FIRST,
        order(2, BUY, 100, 4, 4),
        order(3, BUY, 100, 6, 5),
        order(4, BUY, 100, 0, 1),
        trade(5, SELL, 100, 2),
        order(5, BUY, 100, 2, 4),
        order(6, BUY, 100, 4, 5),
        trade(7, SELL, 100, 1),
        order(7, BUY, 100, 1, 4),
    ]
    assert fills(*rows)[0]["power 1"] == 7.0


def test_an_opposite_level_at_the_price_fills_by_every_model() -> None:
    rows = [*BOOK, FIRST, order(2, SELL, 102, 1, 4), order(3, SELL, 102, 0, 4), order(4, SELL, 101, 0, 10), order(5, BUY, 102, 1, 6)]
    assert fills(*rows)[0] == dict.fromkeys(NAMES, 5.0)


def test_nothing_fills_after_a_gap() -> None:
    again = [(4.0, *row[1:]) for row in BOOK]
    found = fills(*BOOK, FIRST, order(2, BUY, 100, 4, 4), gap(3), *again, trade(5, SELL, 98, 9), order(6, BUY, 99, 1, 8))
    assert found == [dict.fromkeys(NAMES, -1.0)] * 2


def test_levels_before_their_trades_are_the_same_events() -> None:
    found = events(*story(6))
    turned = trades_last(found)
    assert [int(kind) for kind in turned["kind"][-4:]] == [Kind.DEPTH, Kind.DEPTH, Kind.TRADE, Kind.TRADE]
    assert np.array_equal(np.sort(turned, order=("ts_venue_ns", "kind", "w1")), np.sort(found, order=("ts_venue_ns", "kind", "w1")))
    assert (np.diff(turned["ts_venue_ns"]) >= 0).all()


class One(Strategy):
    """One order of one lot at a moment."""

    def __init__(self, at_ns: int, side: int, price: int) -> None:
        super().__init__()
        self.at_ns, self.side, self.price = at_ns, side, price

    def on_book(self, view: Any, book: Any) -> None:
        if view.now_ns == self.at_ns:
            (view.buy if self.side > 0 else view.sell)("X", 1, limit=float(self.price))


def walked() -> tuple[np.ndarray[Any, np.dtype[np.void]], list[tuple[int, int, int]]]:
    """A random book by level, and orders: after which event, side, price."""
    columns = book_walk(6000, 3, START_NS)
    found = np.zeros(len(columns["kind"]), EVENT)
    for name, column in (("kind", "kind"), ("flags", "flags"), ("w0", "price"), ("w1", "lots"), ("ts_venue_ns", "stamps")):
        found[name] = columns[column]
    found["ts_local_ns"] = found["ts_venue_ns"]
    random, places = np.random.default_rng(5), []
    best = {1: 0, -1: 1 << 60}
    chosen = set(random.choice(np.arange(200, 5950), 48, replace=False).tolist())
    levels: dict[tuple[int, int], int] = {}
    for k, row in enumerate(found):
        if row["kind"] != Kind.DEPTH:
            continue
        side = 1 if row["flags"] & BUY else -1
        levels[side, int(row["w0"])] = int(row["w1"])
        best = (
            {s: (max if s > 0 else min)(p for (one, p), lots in levels.items() if one == s and lots) for s in (1, -1)} if k > 60 else best
        )
        if k in chosen:
            side = int(random.choice([1, -1]))
            places.append((k, side, best[side] - side * int(random.integers(0, 8))))
    return found, places


@pytest.mark.parametrize(
    ("model", "costs"),
    [
        (MODELS[0], {}),
        (QueueModel("power 2", "power", 2.0), {"queue": "power", "queue_power": 2.0}),
        (MODELS[2], {"queue": "log"}),
    ],
    ids=["pessimistic", "power", "log"],
)
def test_a_prediction_is_what_the_engine_fills(model: QueueModel, costs: dict[str, Any]) -> None:
    found, orders = walked()
    places, marks = np.zeros(len(orders), PLACE), np.zeros(len(orders), EVENT)
    for k, (after, side, price) in enumerate(orders):
        places[k]["side"], places[k]["price"] = side, price
        marks[k]["kind"], marks[k]["w0"], marks[k]["w2"] = Kind.CUSTOM, k, 1
        marks[k]["ts_local_ns"] = marks[k]["ts_venue_ns"] = found["ts_venue_ns"][after]
    predicted = predicted_fills(np.insert(found, [after + 1 for after, _, _ in orders], marks), places, (model, *MODELS[3:6]))
    assert len({tuple(column) for column in predicted.T.tolist()}) == 4  # these orders tell the models apart

    instrument = Instrument("X", tick=Step(1, 1))
    tape = build({}, {"X": instrument}, extra=found, name="walk")
    got = []
    for after, side, price in orders:
        result = backtest(One(int(found["ts_venue_ns"][after]), side, price), tape, cash=1e12, costs=costs, risk={"allow_short": True})
        got.append(result.fills["ts"].iloc[0].value if len(result.fills) else 0)
    assert got == predicted[:, 0].tolist()
    assert 20 < sum(ns > 0 for ns in got) < len(got)
