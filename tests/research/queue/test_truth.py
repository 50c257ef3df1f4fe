"""What becomes of places in lines, worked out on paper, and by plain lists for a random book."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from framework.data.formats import lobster
from framework.errors import DataError
from research.queue.records import CANCELLED, FILLED, OPPOSITE, PARTLY, PLACE_BINS, THROUGH, TURN
from research.queue.walks import QueueModel, Truth, true_fates
from tests.research.lines import BUY, SECOND, SELL, START_NS, Market, Row, book, events, gap, order, seconds, trade

HALF = QueueModel("power 1", "power", 1.0)
BOOK = book((BUY, 100, 5, 1), (BUY, 100, 3, 2), (BUY, 99, 4, 3), (SELL, 101, 9, 10))
FIRST = trade(1, BUY, 101, 1)
"""Orders are sampled after a first trade."""


def follow(*rows: Row, levels: int = 10) -> Truth:
    return true_fates(events(*rows), (HALF,), orders=1000, levels=levels)


def fate(truth: Truth, number: int) -> tuple[Any, ...]:
    """Lots ahead at the join, when and how the place filled, what became of the order itself."""
    row = truth.places[number]
    return int(row["ahead"]), seconds(int(row["filled_ns"])), int(row["filled_by"]), int(row["own_fate"])


def story(hit_first: int, hit_second: int) -> list[Row]:
    """Two orders join the 8 lots at 100; the first of them leaves; a trade takes 6."""
    return [
        *BOOK,
        trade(1, BUY, 101, 1, 10 if hit_first else 0),
        order(1, SELL, 101, 8, 10),
        order(2, BUY, 100, 4, 4),  # 8 in front
        order(3, BUY, 100, 2, 5),  # 12 in front
        order(4, BUY, 100, 0, 2),  # 5 and 9 in front
        order(5, BUY, 100, 0, 4),  # it leaves: its place stays, with 5 in front; 5 in front of order 5
        trade(6, SELL, 100, 5, hit_first),
        order(6, BUY, 100, 0, 1),
        trade(6, SELL, 100, 1, hit_second),
        order(6, BUY, 100, 1, 5),
    ]


@pytest.mark.parametrize("hits", [(0, 0), (1, 5)], ids=["by the line", "by the order named"])
def test_a_place_is_filled_when_the_line_in_front_is_gone_though_its_order_left(hits: tuple[int, int]) -> None:
    truth = follow(*story(*hits))
    assert fate(truth, 0) == (8, 6.0, TURN, CANCELLED)
    assert fate(truth, 1) == (12, 6.0, TURN, 0)  # half of it traded; it still stands
    assert seconds(int(truth.places[1]["own_filled_ns"])) == 6.0
    assert int(truth.places[1]["executed_lots"]) == 1


def test_of_a_line_in_which_places_pile_up_fewer_are_followed() -> None:
    """600 orders join and leave at once and nothing trades there: the k-th cancel would meet all k places, 300 for each join on average.

    One in n followed makes it 300 / n a cancel, 150 / n an event; with at most 32 an event n is 5 or more.
    """
    rows: list[Row] = [*BOOK, FIRST]
    for k in range(600):
        rows += [order(2 + k, BUY, 100, 1, 100 + k), order(2.5 + k, BUY, 100, 0, 100 + k)]
    truth = follow(*rows)
    every = truth.counts["every"]
    assert truth.counts["joins"] == 600 and len(truth.places) == 600 // every
    assert 5 <= every <= 20
    joins = 1 + np.arange(600)
    np.testing.assert_array_equal((truth.places["stamp_ns"] - START_NS) / SECOND, 1 + joins[joins % every == 0])
    assert (truth.places["ahead"] == 8).all() and (truth.places["own_fate"] == CANCELLED).all()
    few = follow(*rows[: len(BOOK) + 1 + 2 * 90])  # 90 / 4 a cancel on average: none is left out
    assert few.counts["every"] == 1 and len(few.places) == 90


def test_a_trade_that_takes_just_what_is_in_front_fills_nobody_behind() -> None:
    truth = follow(*BOOK, FIRST, order(2, BUY, 100, 4, 4), trade(3, SELL, 100, 8), order(3, BUY, 100, 0, 1), order(3, BUY, 100, 0, 2))
    assert fate(truth, 0) == (8, -1.0, 0, 0)
    assert int(truth.places[0]["line_lots"]) == 0


def test_the_trades_of_one_message_are_taken_together() -> None:
    taken = [trade(3, SELL, 100, 5), trade(3, SELL, 100, 4), order(3, BUY, 100, 0, 1), order(3, BUY, 100, 0, 2), order(3, BUY, 100, 3, 4)]
    assert fate(follow(*BOOK, FIRST, order(2, BUY, 100, 4, 4), *taken), 0) == (8, 3.0, TURN, 0)


def test_a_trade_beyond_the_price_fills_it_and_one_at_a_better_price_does_not() -> None:
    rows = [*BOOK, FIRST, order(2, BUY, 99, 1, 4), trade(3, SELL, 100, 8), trade(4, SELL, 98, 1)]
    assert fate(follow(*rows), 0) == (4, 4.0, THROUGH, 0)


def test_an_opposite_order_at_the_price_fills_a_place_whose_order_left() -> None:
    rows = [*BOOK, FIRST, order(2, SELL, 102, 1, 4), order(3, SELL, 102, 0, 4), order(4, SELL, 101, 0, 10), order(5, BUY, 102, 1, 6)]
    assert fate(follow(*rows), 0) == (0, 5.0, OPPOSITE, CANCELLED)


def test_an_order_that_trades_in_parts_and_whole() -> None:
    rows = [*BOOK, FIRST, order(2, SELL, 100, 0, 9), order(2, BUY, 98, 4, 4), order(2, BUY, 97, 2, 5)]
    rows += [trade(3, SELL, 98, 1), order(3, BUY, 98, 3, 4), order(4, BUY, 98, 0, 4), trade(5, SELL, 97, 2), order(5, BUY, 97, 0, 5)]
    truth = follow(*rows)
    assert [fate(truth, k)[1:] for k in range(2)] == [(3.0, TURN, PARTLY), (5.0, TURN, FILLED)]


def test_an_iceberg_that_shows_its_next_part_is_at_the_back() -> None:
    rows = [*BOOK, FIRST, order(2, BUY, 100, 1, 4), trade(3, SELL, 100, 5), order(3, BUY, 100, 5, 1), trade(4, SELL, 100, 4)]
    truth = follow(*rows)
    assert fate(truth, 0) == (8, 4.0, TURN, 0)  # 8, less the 5 of the iceberg: 3 in front of a trade of 4
    assert truth.counts["refreshed"] == 1


def test_an_order_that_is_made_larger_goes_to_the_back_and_is_no_new_one() -> None:
    truth = follow(*BOOK, FIRST, order(2, BUY, 100, 4, 4), order(3, BUY, 100, 6, 1), trade(4, SELL, 100, 4))
    assert len(truth.places) == 1
    assert fate(truth, 0) == (8, 4.0, TURN, 0)


def test_a_trade_without_an_order_took_from_a_hidden_one_where_others_are_named() -> None:
    rows = [*BOOK, trade(1, BUY, 101, 1, 10), order(1, SELL, 101, 8, 10), order(2, BUY, 100, 4, 4)]
    assert fate(follow(*rows, trade(3, SELL, 100, 50)), 0) == (8, -1.0, 0, 0)
    gone = [order(3, BUY, 100, 0, 1), order(3, BUY, 100, 0, 2)]
    truth = follow(*rows, *gone, trade(4, SELL, 100, 1))
    assert fate(truth, 0) == (8, 4.0, TURN, 0)  # all that is shown goes before what is hidden
    assert truth.counts["hidden_trades"] == 1


def test_nothing_is_said_of_a_place_after_a_gap() -> None:
    again = [(4.0, *row[1:]) for row in BOOK]
    truth = follow(*BOOK, FIRST, order(2, BUY, 100, 4, 4), gap(3), *again, trade(5, SELL, 98, 9))
    assert fate(truth, 0) == (8, -1.0, 0, 0)
    assert seconds(int(truth.places[0]["until_ns"])) == 3.0


def test_only_orders_near_the_best_after_the_first_trade_are_followed() -> None:
    rows = [*BOOK, order(0.5, BUY, 100, 4, 4), FIRST, order(2, BUY, 99, 4, 5), order(3, BUY, 98, 4, 6)]
    assert follow(*rows, levels=2).places["price"].tolist() == [99]
    assert follow(*rows, levels=3).places["rank"].tolist() == [1, 2]
    with pytest.raises(DataError, match="no order joined a known book after the first trade"):
        follow(*BOOK, order(0.5, BUY, 100, 4, 4), FIRST)


def test_a_sweep_of_very_many_prices_at_one_stamp_is_refused() -> None:
    sweep = [trade(3, SELL, 5000 - k, 1) for k in range(1025)]
    with pytest.raises(DataError, match="more than 1,024 prices traded at one stamp of the venue"):
        follow(*book((BUY, 5000, 5, 1), (SELL, 5001, 9, 10)), trade(1, BUY, 5001, 1), order(2, BUY, 5000, 4, 4), *sweep)


def test_cancels_are_counted_from_places_with_lots_on_both_sides() -> None:
    # order 4 joins behind 8; order 5 behind it. Order 5 loses 1 of its 2 lots: from behind order 4, with 8 in front and 2 behind.
    # Then order 1 leaves with 5 lots: from the front, 8 in front and 1 behind. Order 5 sees nothing behind it, so it counts neither.
    rows = [*BOOK, FIRST, order(2, BUY, 100, 4, 4), order(3, BUY, 100, 2, 5), order(4, BUY, 100, 1, 5), order(5, BUY, 100, 0, 1)]
    truth = follow(*rows)
    assert int(truth.shares["cancels"].sum()) == 2
    assert int(truth.shares["lots"].sum()) == 6
    assert int(truth.shares["behind"].sum()) == 1
    assert float(truth.shares["uniform"].sum()) == pytest.approx(1 * 2 / 10 + 5 * 1 / 9)
    assert float(truth.modelled.sum()) == pytest.approx(1 * 2 / 10 + 5 * 1 / 9)  # what power 1 says
    assert truth.shares["lots"][8].sum() == 6  # 8/10 and 8/9 of the line in front
    assert truth.shares.shape[0] == PLACE_BINS


@pytest.mark.parametrize("cancels", ["uniform", "back"])
def test_a_random_book_agrees_with_plain_lists(tmp_path: Path, cancels: str) -> None:
    market = Market(7, cancels).run(8000)
    recording = lobster.read(market.write(tmp_path))
    found = recording.events()
    truth = true_fates(found, (HALF,), orders=10**6, levels=1)
    midnight = int(found["ts_local_ns"][0]) - 34_200 * 10**9
    expected = market.places()
    numbers = found["w2"][truth.places["event"]].tolist()
    assert len(numbers) > 3000
    filled = {one: (int(ns) - midnight) / 1e9 if ns else None for one, ns in zip(numbers, truth.places["filled_ns"], strict=True)}
    assert filled == {one: pytest.approx(expected[one], abs=1e-6) if one in expected else None for one in numbers}
    assert sum(ns is not None for ns in filled.values()) > 1000
    assert truth.counts["passed_over"] == 0
