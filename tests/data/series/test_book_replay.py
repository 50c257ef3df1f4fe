"""The plain order book, against books worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from framework.data.series.book_replay import BookCheck, OrderBook, check_books
from framework.data.tape.recording import Events, Recording
from framework.errors import DataError
from framework.schema.event import EVENT, Flag, Kind
from framework.schema.instrument import Instrument

BUY, SELL, LAST, CLEAR = Flag.BUY, Flag.SELL, Flag.LAST, Flag.CLEAR | Flag.SNAPSHOT
Row = tuple[Kind, int, int, int, int]


def depth(flags: int, price: int, lots: int, order: int = 0) -> Row:
    return (Kind.DEPTH, flags, price, lots, order)


GAP: Row = (Kind.GAP, 0, 7, 9, 0)


def events(*rows: Row) -> Events:
    made = np.zeros(len(rows), EVENT)
    for k, (kind, flags, price, lots, order) in enumerate(rows):
        made[k] = (k + 1, k + 1, kind, flags, 0, price, lots, order, -1, 0)
    return made


SNAPSHOT = (
    depth(BUY | CLEAR, 99, 5),
    depth(BUY | Flag.SNAPSHOT, 98, 7),
    depth(SELL | Flag.SNAPSHOT, 101, 3),
    depth(SELL | Flag.SNAPSHOT | LAST, 103, 4),
)


def test_levels_of_a_snapshot_and_of_diffs() -> None:
    book = OrderBook()
    book.apply(events(*SNAPSHOT, depth(BUY | LAST, 100, 1), depth(SELL | LAST, 101, 0), depth(BUY | LAST, 98, 2)))
    assert (book.bids(2), book.bids(9)) == ([(100, 1), (99, 5)], [(100, 1), (99, 5), (98, 2)])
    assert book.asks(9) == [(103, 4)]
    assert not book.is_crossed


def test_a_snapshot_forgets_what_was_before() -> None:
    book = OrderBook(starts_empty=True)
    book.apply(events(depth(BUY | LAST, 50, 1), depth(SELL | LAST, 60, 1, order=8), *SNAPSHOT))
    assert (book.bids(9), book.asks(9)) == ([(99, 5), (98, 7)], [(101, 3), (103, 4)])


def test_orders_move_shrink_and_go_beside_a_level_without_orders() -> None:
    book = OrderBook()
    book.apply(events(*SNAPSHOT, depth(BUY | LAST, 99, 10, order=1), depth(BUY | LAST, 99, 20, order=2)))
    assert book.bids(1) == [(99, 35)]
    book.apply(events(depth(BUY | LAST, 99, 4, order=1), depth(BUY | LAST, 97, 20, order=2), depth(BUY | LAST, 99, 1)))
    assert book.bids(9) == [(99, 5), (98, 7), (97, 20)]
    book.apply(events(depth(BUY | LAST, 99, 0, order=1), depth(BUY | LAST, 99, 0)))
    assert book.bids(9) == [(98, 7), (97, 20)]


def test_a_book_is_unknown_before_a_snapshot_and_from_a_gap_to_the_next_one() -> None:
    book = OrderBook()
    tape = events(depth(BUY | LAST, 100, 1), *SNAPSHOT, GAP, depth(BUY | LAST, 100, 1), *SNAPSHOT)
    known = [(at, book.is_known) for at in book.messages(tape)]
    assert known == [(0, False), (4, True), (5, False), (6, False), (10, True)]
    assert book.bids(1) == [(99, 5)]  # the bid at 100 came while the book was unknown
    book.apply(events(GAP))
    for look in (lambda: book.bids(1), lambda: book.asks(1), lambda: book.is_crossed):
        with pytest.raises(DataError, match="unknown since 1 ns"):
            look()


def test_a_snapshot_that_a_gap_cuts_in_two_makes_nothing_known() -> None:
    book = OrderBook()
    book.apply(events(*SNAPSHOT[:2], GAP, *SNAPSHOT[2:]))
    assert not book.is_known


def test_only_its_own_instrument() -> None:
    book = OrderBook(1, starts_empty=True)
    tape = events(depth(BUY | LAST, 100, 1), depth(BUY | LAST, 90, 2))
    tape["instrument"] = [0, 1]
    book.apply(tape)
    assert book.bids(9) == [(90, 2)]


@pytest.mark.parametrize("row", [depth(LAST, 100, 1), depth(BUY | SELL | LAST, 100, 1), depth(BUY | LAST, 100, -1)])
def test_what_no_book_can_hold(row: Row) -> None:
    with pytest.raises(DataError, match="rule: one side"):
        OrderBook(starts_empty=True).apply(events(row))


def test_check_counts_gaps_unknown_and_crossed_messages() -> None:
    crossing = (depth(BUY | LAST, 101, 1), depth(SELL | LAST, 101, 0), depth(BUY | LAST, 103, 1))  # locked, right, locked
    within = (depth(BUY, 104, 1), depth(SELL | LAST, 103, 0))  # crossed only between the events of one message
    tape = events(*SNAPSHOT, *crossing, *within, GAP, depth(BUY | LAST, 100, 1))
    recording = Recording((Instrument("X"), Instrument("Y")), lambda: iter([tape[:6], tape[6:]]), "by hand")
    assert check_books(recording) == (
        BookCheck("X", messages=6, unknown=1, gaps=1, crossed=2, first_crossed_ns=5),
        BookCheck("Y", 0, 0, 0, 0, 0),
    )
