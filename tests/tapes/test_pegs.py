"""Pegged orders: where they stand, what moves them, what they lose by it."""

from __future__ import annotations

from framework import Strategy, backtest
from tests.tapes.drawing import draw, read, tape_of


def test_a_primary_peg_follows_its_own_side_and_stands_at_the_back_each_time() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 103 x 4
        1 10:00:01  bid 100 x 1
        1 10:00:02  trade 100 x 2 SELL      # one ahead
        1 10:00:03  bid 100 x 0
        1 10:00:04  trade 99 x 6 SELL       # five ahead
        at 1 10:00:00: BUY 2 PEG primary
        fill 1 10:00:02: BUY 1 @ 100 maker
        fill 1 10:00:04: BUY 1 @ 99 maker
        repriced 1 10:00:01: 0 @ 100
        repriced 1 10:00:03: 0 @ 99
        order 0: FILLED limit 99
        """,
        both=True,
    )


def test_coming_back_it_has_lost_its_place() -> None:
    draw(
        """
        1 10:00:00  book 99 x 1 / 103 x 4
        1 10:00:01  bid 100 x 1
        1 10:00:02  bid 99 x 8
        1 10:00:03  bid 100 x 0
        1 10:00:04  trade 99 x 8 SELL
        1 10:00:05  trade 99 x 1 SELL
        at 1 10:00:00: BUY 2 PEG primary
        fill 1 10:00:05: BUY 1 @ 99 maker
        repriced 1 10:00:01: 0 @ 100
        repriced 1 10:00:03: 0 @ 99
        order 0: EXPIRED END_OF_DATA filled 1
        """,
        both=True,
    )


def test_what_does_not_move_the_best_price_costs_no_place() -> None:
    draw(
        """
        1 10:00:00  book 99 x 1 / 103 x 4
        1 10:00:01  bid 99 x 8, ask 102 x 1, bid 98 x 4
        1 10:00:02  trade 99 x 2 SELL
        at 1 10:00:00: BUY 2 PEG primary
        fill 1 10:00:02: BUY 1 @ 99 maker
        order 0: EXPIRED END_OF_DATA filled 1
        """,
        both=True,
    )


def test_the_middle_is_rounded_away_from_the_other_side() -> None:
    draw(
        """
        instrument X tick 1
        1 10:00:00  book 99 x 5 / 102 x 4
        1 10:00:01  trade 100 x 2 SELL
        1 10:00:02  ask 102 x 0, ask 104 x 1       # 101.5
        1 10:00:03  trade 101 x 1 SELL
        at 1 10:00:00: BUY 3 PEG mid
        fill 1 10:00:01: BUY 2 @ 100 maker
        fill 1 10:00:03: BUY 1 @ 101 maker
        repriced 1 10:00:02: 0 @ 101
        """,
        both=True,
    )


def test_an_offset_brings_it_nearer_to_the_other_side_or_further_from_it() -> None:
    draw(
        """
        instrument X tick 1
        1 10:00:00  book 95 x 5, 94 x 9 / 105 x 4
        1 10:00:01  trade 96 x 1 SELL
        1 10:00:02  trade 94 x 9 SELL
        at 1 10:00:00: BUY 1 PEG primary PEG_OFFSET 2
        at 1 10:00:00: BUY 1 PEG mid PEG_OFFSET -1
        at 1 10:00:00: BUY 1 PEG primary PEG_OFFSET -1
        fill 1 10:00:01: BUY 1 @ 99 maker of 1
        fill 1 10:00:02: BUY 1 @ 97 maker of 0
        order 2: EXPIRED END_OF_DATA limit 94
        """,
        both=True,
    )


def test_it_never_takes() -> None:
    draw(
        """
        instrument X tick 1
        1 10:00:00  book 99 x 5 / 103 x 4
        1 10:00:01  trade 102 x 1 SELL
        1 10:00:02  ask 101 x 1              # comes to it, and takes from it
        1 10:00:03  bid 98 x 1
        at 1 10:00:00: BUY 3 PEG primary PEG_OFFSET 9
        fill 1 10:00:01: BUY 1 @ 102 maker
        fill 1 10:00:02: BUY 1 @ 102 maker
        repriced 1 10:00:02: 0 @ 100
        order 0: EXPIRED END_OF_DATA filled 2
        """,
        both=True,
    )


def test_its_limit_is_as_far_as_it_goes() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 105 x 4
        1 10:00:01  bid 101 x 1
        1 10:00:02  bid 101 x 0
        at 1 10:00:00: BUY 2 PEG primary LIMIT 100
        repriced 1 10:00:00: 0 @ 99
        repriced 1 10:00:01: 0 @ 100
        repriced 1 10:00:02: 0 @ 99
        order 0: EXPIRED END_OF_DATA limit 99
        """,
        both=True,
    )


def test_what_comes_to_it_meets_it_before_it_moves() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5, 97 x 1 / 103 x 4
        1 10:00:01  bid 99 x 0, ask 99 x 1
        at 1 10:00:00: BUY 2 PEG primary
        fill 1 10:00:01: BUY 1 @ 99 maker
        repriced 1 10:00:01: 0 @ 97
        order 0: EXPIRED END_OF_DATA filled 1
        """,
        both=True,
    )


def test_it_is_priced_by_the_book_of_its_arrival() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 105 x 4
        1 10:00:01  bid 100 x 2
        1 10:00:03  trade 100 x 3 SELL
        at 1 10:00:00: BUY 2 PEG primary
        fill 1 10:00:03: BUY 1 @ 100 maker
        repriced 1 10:00:02: 0 @ 100
        order 0: EXPIRED END_OF_DATA filled 1
        """,
        both=True,
        latency={"entry_ns": 2_000_000_000, "response_ns": 1_000_000_000},
    )


def test_while_its_own_side_is_empty_it_stays() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 103 x 4
        1 10:00:01  bid 99 x 0
        1 10:00:02  trade 99 x 1 SELL
        1 10:00:03  bid 98 x 2
        at 1 10:00:00: BUY 2 PEG primary
        fill 1 10:00:02: BUY 1 @ 99 maker
        repriced 1 10:00:03: 0 @ 98
        order 0: EXPIRED END_OF_DATA filled 1
        """,
        both=True,
    )


def test_while_the_book_is_unknown_it_stays_and_the_next_snapshot_moves_it() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 103 x 4
        1 10:00:01  GAP
        1 10:00:02  trade 99 x 9 SELL
        1 10:00:03  book 97 x 1 / 103 x 4
        1 10:00:04  trade 97 x 2 SELL
        at 1 10:00:00: BUY 2 PEG primary
        fill 1 10:00:04: BUY 1 @ 97 maker
        repriced 1 10:00:03: 0 @ 97
        order 0: EXPIRED END_OF_DATA filled 1
        """,
        both=True,
    )


def test_one_that_arrives_in_an_unknown_book_gets_its_price_from_the_snapshot() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 103 x 4
        1 10:00:01  GAP
        1 10:00:03  book 97 x 1 / 98 x 4
        1 10:00:04  trade 97 x 2 SELL
        at 1 10:00:00: BUY 2 PEG primary
        fill 1 10:00:04: BUY 1 @ 97 maker
        repriced 1 10:00:03: 0 @ 97
        order 0: EXPIRED END_OF_DATA filled 1
        """,
        both=True,
        latency={"entry_ns": 2_000_000_000},
    )


def test_on_quotes_it_follows_them() -> None:
    draw(
        """
        1 10:00  98 x 500 / 102 x 500
        1 10:01  99 x 500 / 102 x 500
        1 10:02  97 x 500 / 99 x 60
        1 10:03  97 x 500 / 98 x 500
        at 1 10:00: BUY 100 PEG primary
        fill 1 10:02: BUY 60 @ 99 maker
        repriced 1 10:01: 0 @ 99
        repriced 1 10:02: 0 @ 97
        order 0: EXPIRED END_OF_DATA filled 60
        """,
        both=True,
    )


def test_on_bars_alone_there_is_nothing_to_follow() -> None:
    draw(
        """
        1  100  101  99  100  1000
        2  100  101  99  100  1000
        at 1: BUY 100 PEG primary
        order 0: REFUSED NO_QUOTE_TO_PEG needs 1 allows 0
        """,
        both=True,
    )


def test_its_cap_is_the_price_at_which_it_is_checked() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 103 x 4
        1 10:00:01  bid 98 x 2
        at 1 10:00:00: BUY 10 PEG primary LIMIT 150
        at 1 10:00:00: BUY 10 PEG primary
        order 0: REFUSED INSUFFICIENT_CASH needs 1500 allows 1000
        order 1: EXPIRED END_OF_DATA
        """,
        cash=1000,
    )


def test_a_smaller_quantity_keeps_its_place_and_its_price_is_the_venues() -> None:
    draw(
        """
        1 10:00:00  book 99 x 1 / 103 x 4
        1 10:00:01  bid 99 x 8
        1 10:00:02  trade 99 x 2 SELL
        at 1 10:00:00: BUY 3 PEG primary
        at 1 10:00:01: REPLACE 0 QUANTITY 2
        at 1 10:00:01: REPLACE 0 LIMIT 98 -> False
        fill 1 10:00:02: BUY 1 @ 99 maker
        refused 0: INVALID_PRICE needs 98 allows 0
        order 0: EXPIRED END_OF_DATA filled 1 quantity 2
        """,
        risk={"allow_short": True},
    )


def test_a_hidden_peg_in_the_middle_goes_with_it() -> None:
    draw(
        """
        instrument X tick 1
        1 10:00:00  book 98 x 5 / 102 x 4
        1 10:00:01  bid 100 x 2
        1 10:00:02  trade 101 x 1 SELL
        at 1 10:00:00: BUY 3 PEG mid HIDDEN
        fill 1 10:00:02: BUY 1 @ 101 maker
        repriced 1 10:00:01: 0 @ 101
        order 0: EXPIRED END_OF_DATA filled 1
        """,
        both=True,
    )


def test_an_iceberg_peg_shows_a_full_part_at_each_new_price() -> None:
    draw(
        """
        1 10:00:00  book 99 x 1 / 103 x 4
        1 10:00:01  trade 99 x 2 SELL        # one ahead, one of the two shown
        1 10:00:02  bid 100 x 1
        1 10:00:03  trade 100 x 3 SELL       # one ahead, two shown anew
        at 1 10:00:00: BUY 6 PEG primary DISPLAY 2
        fill 1 10:00:01: BUY 1 @ 99 maker
        fill 1 10:00:03: BUY 2 @ 100 maker
        repriced 1 10:00:02: 0 @ 100
        order 0: EXPIRED END_OF_DATA filled 3
        """,
        both=True,
    )


def test_a_peg_is_an_exit_of_a_group() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 4
        1 10:00:01  bid 98 x 1
        1 10:00:02  ask 100 x 1
        1 10:00:03  trade 100 x 3 BUY       # one ahead
        at 1 10:00:00: BUY 2
        at 1 10:00:00: SELL 2 PEG primary REDUCE_ONLY PARENT 0 GROUP 1
        at 1 10:00:00: SELL 2 STOP 90 REDUCE_ONLY PARENT 0 GROUP 1
        fill 1 10:00:01: BUY 2 @ 101 taker of 0
        fill 1 10:00:03: SELL 2 @ 100 maker of 1
        repriced 1 10:00:02: 1 @ 100
        order 2: CANCELLED SIBLING_FILLED
        """,
        both=True,
    )


class Watches(Strategy):
    """Pegs once and notes where its order stands, and what it is told."""

    def on_start(self, view):
        self.order = None
        self.stood, self.told = [], []

    def on_quote(self, view, quote):
        if self.order is None:
            self.order = view.order("X", 2, peg="primary")
        else:
            self.stood.append(view.order_state(self.order).limit_price)

    def on_order(self, view, order):
        self.told.append((order.state.name, order.limit_price))


def test_its_moves_show_in_the_order_and_call_no_hook() -> None:
    quotes = """
        1 10:00  98 x 500 / 102 x 500
        1 10:01  99 x 500 / 102 x 500
        1 10:02  99 x 500 / 103 x 500
        1 10:03  97 x 500 / 103 x 500
    """
    strategy = Watches()
    backtest(strategy, tape_of(read(quotes)))
    assert strategy.stood == [99.0, 99.0, 97.0]
    assert strategy.told == [("WORKING", 98.0)]
