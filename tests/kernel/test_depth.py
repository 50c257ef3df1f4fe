"""The kernel's book against the plain one: levels, orders, snapshots, gaps, windows that move."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from framework.data.formats import databento, lobster
from framework.data.series.book_replay import OrderBook
from framework.data.tape.recording import Recording
from framework.kernel.market.book_memory import Ticks
from framework.kernel.trader import trader_calls
from framework.kernel.trader.ticks_seen import SEE_TICK
from framework.kernel.trader.trader import Trader
from framework.schema.event import EVENT, Flag, Kind
from framework.schema.instrument import Instrument

_BUY, _SELL, _LAST, _CLEAR, _SNAPSHOT = (int(flag) for flag in (Flag.BUY, Flag.SELL, Flag.LAST, Flag.CLEAR, Flag.SNAPSHOT))
SHARED = Path(os.environ.get("ONETAPE_SHARED", Path(__file__).parents[3] / "shared")) / "data"


class Book:
    """The trader half's book of one instrument, fed event by event."""

    def __init__(self, low: int, high: int, *, has_orders: bool = False, starts_empty: bool = False) -> None:
        self.trader = Trader(
            [Instrument("X")], currencies=("USD",), calendars=("24/7",), base_currency="USD", cash=1.0, costs={}, risk={},
            ticks=Ticks({0: (low, high)}, has_orders=has_orders, starts_empty=starts_empty),
        )  # fmt: skip
        self.see = SEE_TICK  # keeps the unit alive

    def feed(self, events: NDArray[np.void]) -> None:
        for k in range(len(events)):
            _see(self.trader.address, events[k : k + 1].ctypes.data, self.see.address)

    def side(self, side: int, count: int = 8) -> list[tuple[int, int]]:
        found = np.zeros((count, 2), dtype=np.int64)
        k = trader_calls.levels(self.trader.address, 0, side, found)
        return [(int(price), int(lots)) for price, lots in found[:k]]

    @property
    def row(self) -> Any:
        return self.trader.tables["depths"][0]


def _see(trader: int, event: int, unit: int) -> None:
    import ctypes

    ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)(unit)(trader, event)


def change(side: int, price: int, lots: int, order_id: int = 0, flags: int = _LAST) -> NDArray[np.void]:
    events = np.zeros(1, dtype=EVENT)
    events["kind"], events["flags"] = Kind.DEPTH, flags | (_BUY if side > 0 else _SELL)
    events["w0"], events["w1"], events["w2"] = price, lots, order_id
    return events


def random_messages(random: np.random.Generator, count: int, width: int, *, by_order: bool) -> Iterator[NDArray[np.void]]:
    """Changes around a price that wanders; now and then a gap and a snapshot."""
    middle, live = 50_000, {}
    yield from _snapshot(random, middle, width)
    for k in range(count):
        middle += int(random.integers(-2, 3))
        if random.random() < 0.01:
            gap = np.zeros(1, dtype=EVENT)
            gap["kind"] = Kind.GAP
            live = {}
            yield gap
            yield from _snapshot(random, middle, width)
            continue
        side = int(random.choice([1, -1]))
        price, lots = middle - side * int(random.integers(1, width)), int(random.choice([0, 0, 1, 5, 30]))
        if not by_order or random.random() < 0.2:
            yield change(side, price, lots)
            continue
        order_id = int(random.choice(list(live))) if live and random.random() < 0.6 else k + 1
        if order_id in live and random.random() < 0.5:
            side, price = live[order_id]
        live[order_id] = (side, price)
        if not lots:
            live.pop(order_id)
        yield change(side, price, lots, order_id)


def _snapshot(random: np.random.Generator, middle: int, width: int) -> list[NDArray[np.void]]:
    rows = [change(side, middle - side * d, int(random.integers(1, 9)), flags=_SNAPSHOT) for side in (1, -1) for d in range(1, width, 3)]
    rows[0]["flags"] |= _CLEAR
    rows[-1]["flags"] |= _LAST
    return rows


@pytest.mark.parametrize("by_order", [False, True])
def test_a_book_whose_window_holds_all_prices_is_the_plain_book(by_order: bool) -> None:
    random = np.random.default_rng(3)
    book, plain = Book(40_000, 60_000, has_orders=by_order), OrderBook()
    for events in random_messages(random, 3_000, 40, by_order=by_order):
        book.feed(events)
        plain.apply(events)
        assert bool(book.row["is_known"]) == plain.is_known
        if plain.is_known and not plain.is_crossed:
            assert book.side(1) == plain.bids(8)
            assert book.side(-1) == plain.asks(8)
    assert book.row["forgotten"] == 0


def test_a_window_follows_the_best_price() -> None:
    """The tape spans more than the window could: near the best price the book is right all the same."""
    random = np.random.default_rng(4)
    book, plain = Book(1, 1 << 22), OrderBook()
    book.row["mask"] = 1023  # a small window, so that it has to move
    for drift, events in enumerate(random_messages(random, 6_000, 60, by_order=False)):
        moved = events.copy()
        moved["w0"] += drift
        book.feed(moved)
        plain.apply(moved)
        if plain.is_known and not plain.is_crossed:
            assert book.side(1, 1) == plain.bids(1)
            assert book.side(-1, 1) == plain.asks(1)
    assert book.row["low"] > 50_000, "the window has moved"


def test_a_level_far_from_the_best_is_counted_and_not_kept() -> None:
    book = Book(1, 1 << 22, starts_empty=True)
    book.row["mask"] = 1023
    book.feed(change(1, 10_000, 5))
    book.feed(change(-1, 10_001, 5))
    book.feed(change(1, 5_000, 7))
    assert book.side(1) == [(10_000, 5)]
    assert book.row["forgotten"] == 1
    book.feed(change(1, 10_000, 0))
    assert book.side(1) == []


def test_what_can_be_asked_of_a_book() -> None:
    book = Book(90, 110, starts_empty=True)
    for side, price, lots in ((1, 100, 3), (1, 98, 5), (-1, 102, 1), (-1, 103, 4)):
        book.feed(change(side, price, lots))
    trader = book.trader.address
    assert trader_calls.imbalance(trader, 0, 1) == (3 - 1) / (3 + 1)
    assert trader_calls.imbalance(trader, 0, 2) == (8 - 5) / (8 + 5)
    assert trader_calls.weighted_mid_ticks(trader, 0) == (100 * 1 + 102 * 3) / 4
    assert trader_calls.sweep_ticks(trader, 0, 3.0) == (102 * 1 + 103 * 2) / 3
    assert trader_calls.sweep_ticks(trader, 0, -8.0) == (100 * 3 + 98 * 5) / 8
    assert np.isnan(trader_calls.sweep_ticks(trader, 0, 6.0))
    assert trader_calls.lots_at(trader, 0, 1, 0.98) == 5
    assert trader_calls.lots_at(trader, 0, 1, 0.99) == 0


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("05_l2_l3_books/orderbook/juypter/AAPL_2012-06-21_message_50.csv.gz", lambda path: lobster.read(path)),
        pytest.param(
            "05_l2_l3_books/nautilus_trader/databento/esh4-glbx-mdp3-20231225.mbo.dbn.zst",
            lambda path: databento.read(path),
            marks=pytest.mark.extra(name="data"),
        ),
    ],
)
def test_real_orders_build_the_plain_book(name: str, read: Any) -> None:
    if not (SHARED / name).exists():
        pytest.skip(f"{name} is not here: set ONETAPE_SHARED to the folder of the developers' market data")
    recording: Recording = read(SHARED / name)
    events = recording.events()[:40_000]
    depth = events[np.isin(events["kind"], (Kind.DEPTH, Kind.GAP))]
    prices = depth["w0"][depth["kind"] == Kind.DEPTH]
    book, plain = Book(int(prices.min()), int(prices.max()), has_orders=True), OrderBook()
    for begin in range(0, len(depth), 250):
        part = depth[begin : begin + 250]
        book.feed(part)
        plain.apply(part)
        if plain.is_known:
            assert book.side(1, 20) == plain.bids(20)
            assert book.side(-1, 20) == plain.asks(20)
    assert plain.is_known
