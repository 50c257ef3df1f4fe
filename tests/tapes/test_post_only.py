"""Post-only orders: let in where they make, rejected where they would take."""

from __future__ import annotations

from tests.tapes.drawing import draw


def test_a_post_only_order_that_would_take_is_rejected_as_it_arrives() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 4
        1 10:00:01  bid 98 x 1
        at 1 10:00:00: BUY 2 LIMIT 101 POST_ONLY
        order 0: REJECTED POST_ONLY_WOULD_TAKE needs 101 allows 101 done 1 10:00:00
        """,
        both=True,
    )


def test_one_that_rests_stands_in_the_line_as_any_other() -> None:
    draw(
        """
        1 10:00:00  book 99 x 2 / 101 x 4
        1 10:00:01  trade 99 x 3 SELL
        at 1 10:00:00: BUY 2 LIMIT 99 POST_ONLY
        fill 1 10:00:01: BUY 1 @ 99 maker
        order 0: EXPIRED END_OF_DATA filled 1
        """,
        both=True,
    )


def test_it_meets_the_book_of_its_arrival_and_not_of_its_decision() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 4
        1 10:00:01  ask 100 x 3
        1 10:00:03  bid 98 x 1
        at 1 10:00:00: BUY 2 LIMIT 100 POST_ONLY
        order 0: REJECTED POST_ONLY_WOULD_TAKE needs 100 allows 100 done 1 10:00:02
        """,
        both=True,
        latency={"entry_ns": 2_000_000_000},
    )


def test_what_comes_to_it_later_takes_from_it() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 4
        1 10:00:01  ask 100 x 3
        at 1 10:00:00: BUY 2 LIMIT 100 POST_ONLY
        fill 1 10:00:01: BUY 2 @ 100 maker
        """,
        both=True,
    )


def test_with_take_at_arrival_it_is_rejected_all_the_same() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 4
        1 10:00:01  bid 98 x 1
        at 1 10:00:00: BUY 2 LIMIT 102 POST_ONLY
        order 0: REJECTED POST_ONLY_WOULD_TAKE needs 102 allows 101 done 1 10:00:00
        """,
        both=True,
        costs={"take": "arrival"},
    )


def test_while_the_book_is_unknown_it_waits_and_the_snapshot_decides() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 4
        1 10:00:01  GAP
        1 10:00:03  book 98 x 5 / 100 x 2
        1 10:00:04  trade 99 x 1 SELL
        at 1 10:00:02: BUY 2 LIMIT 100 POST_ONLY
        at 1 10:00:02: BUY 2 LIMIT 99 POST_ONLY
        fill 1 10:00:04: BUY 1 @ 99 maker of 1
        order 0: REJECTED POST_ONLY_WOULD_TAKE needs 100 allows 100 done 1 10:00:03
        order 1: EXPIRED END_OF_DATA filled 1
        """,
        both=True,
    )


def test_a_change_that_would_take_is_not_made_and_the_place_is_kept() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 4
        1 10:00:01  bid 99 x 9
        1 10:00:02  trade 99 x 6 SELL
        at 1 10:00:00: BUY 2 LIMIT 99 POST_ONLY
        at 1 10:00:01: REPLACE 0 LIMIT 101
        fill 1 10:00:02: BUY 1 @ 99 maker
        order 0: EXPIRED END_OF_DATA filled 1 limit 99
        """,
        both=True,
    )


def test_a_change_that_rests_is_made() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 4
        1 10:00:01  bid 99 x 9
        1 10:00:02  trade 100 x 1 SELL
        at 1 10:00:00: BUY 2 LIMIT 99 POST_ONLY
        at 1 10:00:01: REPLACE 0 LIMIT 100
        fill 1 10:00:02: BUY 1 @ 100 maker
        order 0: EXPIRED END_OF_DATA filled 1 limit 100
        """,
        both=True,
    )


def test_of_two_changes_under_way_the_second_may_be_rejected() -> None:
    draw(
        """
        1 10:00:00  book 97 x 5 / 101 x 4
        1 10:00:01  bid 97 x 9
        1 10:00:05  trade 98 x 1 SELL
        at 1 10:00:00: BUY 2 LIMIT 97 POST_ONLY
        timer 1 10:00:02: REPLACE 0 LIMIT 98
        timer 1 10:00:02: REPLACE 0 LIMIT 101
        fill 1 10:00:05: BUY 1 @ 98 maker
        order 0: EXPIRED END_OF_DATA filled 1 limit 98
        """,
        both=True,
        latency={"entry_ns": 500_000_000, "response_ns": 500_000_000},
    )


def test_a_session_that_ends_ends_it() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 4
        2 10:00:00  book 99 x 5 / 101 x 4
        at 1 10:00:00: BUY 2 LIMIT 99 POST_ONLY DAY
        order 0: EXPIRED DAY_OVER done 1
        """,
        both=True,
    )


def test_on_quotes_the_last_one_decides() -> None:
    draw(
        """
        1 10:00  99 x 500 / 101 x 500
        1 10:01  98 x 500 / 102 x 500
        at 1 10:00: BUY 100 LIMIT 101 POST_ONLY
        order 0: REJECTED POST_ONLY_WOULD_TAKE needs 101 allows 101 done 1 10:00
        """,
        both=True,
    )


def test_on_quotes_it_rests_from_its_arrival() -> None:
    draw(
        """
        1 10:00  99 x 500 / 101 x 500
        1 10:01  97 x 500 / 98 x 60
        at 1 10:00: BUY 100 LIMIT 99 POST_ONLY
        at 1 10:00: BUY 10 LIMIT 99          # a plain one takes from the first quote that comes to it
        fill 1 10:01: BUY 60 @ 99 maker of 0
        order 0: EXPIRED END_OF_DATA filled 60
        order 1: EXPIRED END_OF_DATA
        """,
        both=True,
    )


def test_on_bars_one_that_would_take_at_its_first_open_is_rejected() -> None:
    draw(
        """
        1  100  101  99  100  1000
        2   99  100  97   98  1000
        at 1: BUY 100 LIMIT 99.50 POST_ONLY
        order 0: REJECTED POST_ONLY_WOULD_TAKE needs 99.5 allows 99 done 2
        """,
        both=True,
    )


def test_on_bars_one_that_the_open_left_rests() -> None:
    draw(
        """
        1  100  101  99  100  1000
        2  100  100  97   98  1000
        at 1: BUY 100 LIMIT 99 POST_ONLY
        fill 2: BUY 100 @ 99 maker
        """,
        both=True,
    )


def test_on_bars_a_later_open_beyond_it_fills_it_as_a_maker() -> None:
    draw(
        """
        1  100  101  99  100  1000
        2  100  101  99  100  1000
        3   97   98  96   97  1000
        at 1: BUY 100 LIMIT 98 POST_ONLY
        fill 3: BUY 100 @ 97 maker
        """,
        both=True,
    )


def test_on_bars_a_change_that_would_take_ends_what_has_filled_in_part() -> None:
    draw(
        """
        1  100    101  99  100    1000
        2  100    100  98   99    1000
        3   99.5  100  99   99.5  1000
        at 1: BUY 150 LIMIT 99 POST_ONLY
        at 2: REPLACE 0 LIMIT 100
        fill 2: BUY 100 @ 99 maker
        order 0: CANCELLED POST_ONLY_WOULD_TAKE filled 100 needs 100 allows 99.5 done 3
        """,
        both=True,
        costs={"max_participation": 0.1},
    )


def test_where_only_trades_are_told_the_first_print_decides() -> None:
    draw(
        """
        1 10:00  trade 100 x 5
        1 10:01  trade 98 x 5
        at 1 10:00: BUY 2 LIMIT 99 POST_ONLY
        order 0: REJECTED POST_ONLY_WOULD_TAKE needs 99 allows 98 done 1 10:01
        """,
        both=True,
    )


def test_a_rejected_parent_ends_its_children() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 4
        1 10:00:01  bid 98 x 1
        at 1 10:00:00: BUY 2 LIMIT 101 POST_ONLY
        at 1 10:00:00: SELL 2 LIMIT 105 REDUCE_ONLY PARENT 0
        order 0: REJECTED POST_ONLY_WOULD_TAKE needs 101 allows 101
        order 1: CANCELLED PARENT_ENDED
        """,
        both=True,
    )


def test_what_our_own_order_took_counts_as_there() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 2
        1 10:00:01  bid 98 x 1          # the first order takes both
        1 10:00:02  bid 98 x 2
        at 1 10:00:00: BUY 2 LIMIT 101
        at 1 10:00:01: BUY 1 LIMIT 101 POST_ONLY
        fill 1 10:00:01: BUY 2 @ 101 taker of 0
        order 1: REJECTED POST_ONLY_WOULD_TAKE needs 101 allows 101 done 1 10:00:01
        """,
        both=True,
    )
