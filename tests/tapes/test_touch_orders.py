"""Orders that trigger when the price has come to them from the other side than a stop, and trailing stop-limits."""

from __future__ import annotations

from tests.tapes.drawing import draw


def test_a_touch_inside_the_bar_fills_at_the_touch_however_far_the_range_went() -> None:
    draw(
        """
        1  100  101  99  100  1000
        2  100  100  97   98  1000
        at 1: BUY 100 TOUCH 98
        fill 2: BUY 100 @ 98 taker
        """,
        both=True,
    )


def test_to_be_touched_is_enough() -> None:
    draw(
        """
        1  100  101  99  100  1000
        2  100  100  98   99  1000
        at 1: BUY 100 TOUCH 98
        fill 2: BUY 100 @ 98 taker
        """,
        both=True,
    )


def test_an_open_beyond_the_touch_fills_at_the_open() -> None:
    draw(
        """
        1  100  101  99  100  1000
        2   97   99  96   98  1000
        at 1: BUY 100 TOUCH 98
        fill 2: BUY 100 @ 97 taker
        """,
        both=True,
    )


def test_not_reached_it_waits() -> None:
    draw(
        """
        1  100  101  99    100  1000
        2  100  105  98.5   99  1000
        at 1: BUY 100 TOUCH 98
        order 0: EXPIRED END_OF_DATA
        """,
        both=True,
    )


def test_what_the_volume_leaves_of_it_is_a_market_order_in_the_next_bar() -> None:
    draw(
        """
        1  100  101  99  100  1000
        2  100  100  97   98  1000
        3   99  101  99  100  1000
        at 1: BUY 150 TOUCH 98
        fill 2: BUY 100 @ 98 taker
        fill 3: BUY 50 @ 99 taker
        """,
        both=True,
        costs={"max_participation": 0.1},
    )


def test_a_touch_pays_a_takers_fee_and_half_the_spread() -> None:
    draw(
        """
        1  100  101  99  100  1000
        2  100  100  97   98  1000
        at 1: BUY 100 TOUCH 98
        fill 2: BUY 100 @ 98 taker fee 9.8 slippage 4.9
        """,
        costs={"fee_bps": 10.0, "half_spread_bps": 5.0},
    )


def test_a_limit_behind_the_touch_takes_at_the_touch() -> None:
    draw(
        """
        1  100  101  99  100  1000
        2  100  100  97   98  1000
        at 1: BUY 100 TOUCH 98 LIMIT 98.50
        fill 2: BUY 100 @ 98 taker
        """,
        both=True,
    )


def test_a_limit_beyond_the_touch_fills_on_the_same_way_where_the_range_went_through_it() -> None:
    draw(
        """
        1  100  101  99  100  1000
        2  100  100  96   98  1000
        at 1: BUY 100 TOUCH 98 LIMIT 97
        fill 2: BUY 100 @ 97 maker
        """,
        both=True,
    )


def test_else_it_rests_as_a_limit() -> None:
    draw(
        """
        1  100    101    99    100  1000
        2  100    100    97.5   98  1000
        3   98.5   98.5  96.5   97  1000
        at 1: BUY 100 TOUCH 98 LIMIT 97
        fill 3: BUY 100 @ 97 maker
        """,
        both=True,
    )


def test_an_open_beyond_touch_and_limit_is_taken() -> None:
    draw(
        """
        1  100    101  99  100  1000
        2   96.5   99  96   98  1000
        at 1: BUY 100 TOUCH 98 LIMIT 97
        fill 2: BUY 100 @ 96.50 taker
        """,
        both=True,
    )


def test_triggered_at_the_open_its_limit_works_inside_the_bar() -> None:
    draw(
        """
        1  100    101    99  100  1000
        2   97.5   97.5  96   97  1000
        at 1: BUY 100 TOUCH 98 LIMIT 97
        fill 2: BUY 100 @ 97 maker
        """,
        both=True,
    )


def test_immediate_or_cancel_waits_for_the_trigger() -> None:
    draw(
        """
        1  100  101    99    100  1000
        2  100  100    98.5   99  1000
        3   98   98    97.5   98  1000
        at 1: BUY 100 TOUCH 98 LIMIT 97 IOC
        order 0: CANCELLED IOC_REMAINDER done 3
        """,
        both=True,
    )


def test_of_a_stop_and_a_touch_of_one_group_in_one_bar_the_stop_is_taken() -> None:
    draw(
        """
        1  100  101  99  100  1000
        2  100  101  99  100  1000
        3  100  104  96  100  1000
        at 1: BUY 100
        at 2: SELL 100 TOUCH 103 REDUCE_ONLY GROUP 1
        at 2: SELL 100 STOP 97 REDUCE_ONLY GROUP 1
        fill 2: BUY 100 @ 100 taker
        fill 3: SELL 100 @ 97 taker ambiguous
        order 1: CANCELLED SIBLING_FILLED
        """,
        both=True,
    )


def test_a_touch_as_target_cancels_its_stop() -> None:
    draw(
        """
        1  100  101  99  100  1000
        2  100  101  99  100  1000
        3  100  104  99  100  1000
        at 1: BUY 100
        at 1: SELL 100 TOUCH 103 REDUCE_ONLY PARENT 0 GROUP 1
        at 1: SELL 100 STOP 97 REDUCE_ONLY PARENT 0 GROUP 1
        fill 2: BUY 100 @ 100 taker
        fill 3: SELL 100 @ 103 taker
        order 2: CANCELLED SIBLING_FILLED
        """,
        both=True,
    )


def test_on_quotes_the_other_side_must_come_to_it() -> None:
    draw(
        """
        1 10:00  99 x 500 / 101 x 500
        1 10:01  98 x 500 / 100.5 x 500
        1 10:02  97 x 500 / 99.5 x 60
        1 10:03  97 x 500 / 100 x 500
        at 1 10:00: BUY 100 TOUCH 100
        fill 1 10:02: BUY 60 @ 99.50 taker
        fill 1 10:03: BUY 40 @ 100 taker
        """,
        both=True,
    )


def test_on_books_the_other_side_must_come_to_it() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 103 x 4
        1 10:00:01  ask 102 x 3
        1 10:00:02  ask 101 x 3
        at 1 10:00:00: BUY 5 TOUCH 101
        fill 1 10:00:02: BUY 3 @ 101 taker
        fill 1 10:00:02: BUY 2 @ 102 taker
        """,
        both=True,
    )


def test_on_books_its_limit_takes_and_then_rests() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 102 x 4
        1 10:00:01  ask 101 x 3
        1 10:00:02  ask 101 x 0
        1 10:00:03  trade 101 x 2 SELL
        at 1 10:00:00: BUY 5 TOUCH 101 LIMIT 101
        fill 1 10:00:01: BUY 3 @ 101 taker
        fill 1 10:00:03: BUY 2 @ 101 maker
        """,
        both=True,
    )


def test_a_trailing_stop_limit_follows_and_fills_at_its_stop() -> None:
    draw(
        """
        1  100  101   99  100  1000
        2  100  103  100  102  1000      # from 98 to 101, its limit from 97.50 to 100.50
        3  102  102  100  101  1000
        at 1: SELL 100 TRAIL 2 TRAIL_LIMIT 0.50
        fill 3: SELL 100 @ 101 taker
        order 0: FILLED stop 101 limit 100.50
        """,
        both=True,
    )


def test_a_gap_past_its_limit_leaves_a_trailing_stop_limit_resting() -> None:
    draw(
        """
        1  100    101    99    100    1000
        2  100    103   100    102    1000
        3  100    100.4  99.5  100    1000      # opens past 101 and past 100.50
        4  100.2  101   100    100.5  1000
        at 1: SELL 100 TRAIL 2 TRAIL_LIMIT 0.50
        fill 4: SELL 100 @ 100.50 maker
        order 0: FILLED stop 101 limit 100.50
        """,
        both=True,
    )


def test_where_the_close_lies_past_the_moved_stop_but_not_its_limit_it_fills_at_the_close() -> None:
    draw(
        """
        1  100  101   99  100    1000
        2  100  104  100  101.5  1000      # holds 98, moves to 102: the close is past it, and past 101 it is not
        at 1: SELL 100 TRAIL 2 TRAIL_LIMIT 1
        fill 2: SELL 100 @ 101.50 taker ambiguous
        order 0: FILLED stop 102 limit 101
        """,
        both=True,
    )


def test_where_the_close_lies_past_the_limit_too_it_rests() -> None:
    draw(
        """
        1  100  101   99  100  1000
        2  100  104  100  100  1000
        3  100  102  100  101  1000
        at 1: SELL 100 TRAIL 2 TRAIL_LIMIT 1
        fill 3: SELL 100 @ 101 maker
        order 0: FILLED stop 102 limit 101
        """,
        both=True,
    )


def test_on_books_a_trailing_stop_limit_rests_where_the_price_has_gone_past_it() -> None:
    draw(
        """
        instrument X tick 1
        1 10:00:00  book 99 x 5, 95 x 5 / 101 x 4      # from the middle, 100: stop 98
        1 10:00:01  bid 101 x 2, ask 101 x 0, ask 105 x 1       # stop and limit 99
        1 10:00:02  bid 101 x 0, bid 99 x 0, bid 98 x 3
        1 10:00:03  trade 99 x 2 BUY
        at 1 10:00:00: SELL 2 TRAIL 2 TRAIL_LIMIT 0
        fill 1 10:00:03: SELL 2 @ 99 maker
        order 0: FILLED stop 99 limit 99
        """,
        both=True,
    )


def test_a_change_of_its_stop_moves_its_limit() -> None:
    draw(
        """
        1  100  101  99  100  1000
        2  100  101  99  100  1000
        3  100  100  98  99   1000
        at 1: SELL 100 TRAIL 4 TRAIL_LIMIT 0.50
        at 2: REPLACE 0 STOP 99
        fill 3: SELL 100 @ 99 taker
        order 0: FILLED stop 99 limit 98.50
        """,
        both=True,
    )
