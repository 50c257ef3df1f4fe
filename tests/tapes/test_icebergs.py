"""Orders that are shown in part or not at all."""

from __future__ import annotations

from tests.tapes.drawing import draw


def test_only_what_is_shown_stands_in_the_line_and_the_next_part_goes_to_the_back() -> None:
    draw(
        """
        1 10:00:00  book 99 x 2 / 101 x 4
        1 10:00:01  trade 99 x 4 SELL       # two ahead, the two shown
        1 10:00:02  trade 99 x 3 SELL       # behind the two that stand there: one
        at 1 10:00:00: BUY 6 LIMIT 99 DISPLAY 2
        fill 1 10:00:01: BUY 2 @ 99 maker
        fill 1 10:00:02: BUY 1 @ 99 maker
        order 0: EXPIRED END_OF_DATA filled 3
        """,
        both=True,
    )


def test_those_who_joined_behind_are_served_before_the_next_part() -> None:
    draw(
        """
        1 10:00:00  book 99 x 1 / 101 x 4
        1 10:00:01  bid 99 x 6              # five join behind us
        1 10:00:02  trade 99 x 3 SELL       # one ahead, the two shown
        1 10:00:03  bid 99 x 5
        1 10:00:04  trade 99 x 5 SELL       # they all stand before the next part
        1 10:00:05  trade 99 x 1 SELL
        at 1 10:00:00: BUY 4 LIMIT 99 DISPLAY 2
        fill 1 10:00:02: BUY 2 @ 99 maker
        fill 1 10:00:05: BUY 1 @ 99 maker
        order 0: EXPIRED END_OF_DATA filled 3
        """,
        both=True,
    )


def test_a_plain_order_of_that_size_would_have_kept_its_place() -> None:
    draw(
        """
        1 10:00:00  book 99 x 1 / 101 x 4
        1 10:00:01  bid 99 x 6
        1 10:00:02  trade 99 x 3 SELL
        1 10:00:03  bid 99 x 5
        1 10:00:04  trade 99 x 5 SELL
        at 1 10:00:00: BUY 4 LIMIT 99
        fill 1 10:00:02: BUY 2 @ 99 maker
        fill 1 10:00:04: BUY 2 @ 99 maker
        """,
        both=True,
    )


def test_a_trade_larger_than_the_line_goes_on_into_the_reserve() -> None:
    draw(
        """
        1 10:00:00  book 99 x 2 / 101 x 4
        1 10:00:01  trade 99 x 5 SELL       # two ahead, the two shown, one of the reserve
        1 10:00:02  trade 99 x 3 SELL       # two stand before the one that is left of the part shown
        1 10:00:03  trade 99 x 3 SELL       # nobody is left before the next
        at 1 10:00:00: BUY 6 LIMIT 99 DISPLAY 2
        fill 1 10:00:01: BUY 2 @ 99 maker
        fill 1 10:00:01: BUY 1 @ 99 maker
        fill 1 10:00:02: BUY 1 @ 99 maker
        fill 1 10:00:03: BUY 1 @ 99 maker
        order 0: EXPIRED END_OF_DATA filled 5
        """,
        both=True,
    )


def test_a_trade_that_goes_through_takes_it_whole() -> None:
    draw(
        """
        1 10:00:00  book 99 x 2 / 101 x 4
        1 10:00:01  trade 98 x 10 SELL
        at 1 10:00:00: BUY 6 LIMIT 99 DISPLAY 2
        fill 1 10:00:01: BUY 6 @ 99 maker
        """,
        both=True,
    )


def test_a_trade_through_that_is_too_small_leaves_the_rest_of_the_part_that_it_reached() -> None:
    draw(
        """
        1 10:00:00  book 99 x 2 / 101 x 4
        1 10:00:01  trade 98 x 3 SELL       # two shown and one of the next two
        1 10:00:02  bid 99 x 0
        1 10:00:03  trade 99 x 2 SELL       # the other of these, then the reserve
        at 1 10:00:00: BUY 6 LIMIT 99 DISPLAY 2
        fill 1 10:00:01: BUY 3 @ 99 maker
        fill 1 10:00:03: BUY 1 @ 99 maker
        fill 1 10:00:03: BUY 1 @ 99 maker
        order 0: EXPIRED END_OF_DATA filled 5
        """,
        both=True,
    )


def test_our_plain_order_behind_it_comes_before_its_reserve() -> None:
    draw(
        """
        1 10:00:00  book 99 x 1 / 101 x 4
        1 10:00:01  trade 99 x 6 SELL
        at 1 10:00:00: BUY 6 LIMIT 99 DISPLAY 2
        at 1 10:00:00: BUY 2 LIMIT 99
        fill 1 10:00:01: BUY 2 @ 99 maker of 0
        fill 1 10:00:01: BUY 2 @ 99 maker of 1
        fill 1 10:00:01: BUY 1 @ 99 maker of 0
        order 0: EXPIRED END_OF_DATA filled 3
        """,
        both=True,
    )


def test_replenished_it_stands_behind_our_own_later_order() -> None:
    draw(
        """
        1 10:00:00  book 99 x 1, 98 x 1 / 101 x 4
        1 10:00:01  trade 99 x 3 SELL
        1 10:00:02  bid 99 x 0
        1 10:00:03  trade 99 x 3 SELL
        at 1 10:00:00: BUY 4 LIMIT 99 DISPLAY 2
        at 1 10:00:00: BUY 2 LIMIT 99
        fill 1 10:00:01: BUY 2 @ 99 maker of 0
        fill 1 10:00:03: BUY 2 @ 99 maker of 1
        fill 1 10:00:03: BUY 1 @ 99 maker of 0
        order 0: EXPIRED END_OF_DATA filled 3
        """,
        both=True,
    )


def test_an_opposite_level_that_comes_to_its_price_takes_from_the_reserve_too() -> None:
    draw(
        """
        1 10:00:00  book 99 x 2, 98 x 3 / 101 x 4
        1 10:00:01  bid 99 x 0, ask 99 x 5
        at 1 10:00:00: BUY 6 LIMIT 99 DISPLAY 2
        fill 1 10:00:01: BUY 5 @ 99 maker
        order 0: EXPIRED END_OF_DATA filled 5
        """,
        both=True,
    )


def test_it_takes_with_all_of_it() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 4, 102 x 3
        1 10:00:01  bid 98 x 1
        1 10:00:02  ask 101 x 0
        1 10:00:03  trade 101 x 2 SELL
        at 1 10:00:00: BUY 6 LIMIT 101 DISPLAY 1
        fill 1 10:00:01: BUY 4 @ 101 taker
        fill 1 10:00:03: BUY 1 @ 101 maker
        fill 1 10:00:03: BUY 1 @ 101 maker
        """,
        both=True,
    )


def test_where_the_source_tells_orders_the_next_part_stands_behind_all_of_them() -> None:
    draw(
        """
        1 10:00:00  book 99 x 3 id 1 / 101 x 4 id 9
        1 10:00:01  bid 99 x 5 id 2            # behind us
        1 10:00:02  trade 99 x 3 SELL id 1
        1 10:00:03  bid 99 x 0 id 1
        1 10:00:04  trade 99 x 2 SELL id 2     # we stood before it: the two shown
        1 10:00:05  bid 99 x 3 id 2
        1 10:00:06  trade 99 x 3 SELL id 2     # now it stands before us
        1 10:00:07  bid 99 x 0 id 2
        1 10:00:08  bid 99 x 4 id 3
        1 10:00:09  trade 99 x 1 SELL id 3
        at 1 10:00:00: BUY 4 LIMIT 99 DISPLAY 2
        fill 1 10:00:04: BUY 2 @ 99 maker
        fill 1 10:00:09: BUY 1 @ 99 maker
        order 0: EXPIRED END_OF_DATA filled 3
        """,
        both=True,
    )


def test_a_quote_that_only_comes_to_its_price_takes_what_is_shown() -> None:
    draw(
        """
        1 10:00  99 x 500 / 101 x 500
        1 10:01  99 x 500 / 102 x 500       # it rests
        1 10:02  98 x 500 / 100 x 500
        1 10:03  98 x 500 / 100 x 20
        1 10:04  97 x 500 / 99 x 500        # goes through: the rest
        at 1 10:00: BUY 100 LIMIT 100 DISPLAY 30
        fill 1 10:02: BUY 30 @ 100 maker
        fill 1 10:03: BUY 20 @ 100 maker
        fill 1 10:04: BUY 50 @ 100 maker
        """,
        both=True,
    )


def test_a_bar_that_only_touches_its_price_takes_what_is_shown() -> None:
    draw(
        """
        1  100  101  99  100  1000
        2  100  101  98   99  1000
        3   99  100  97   98  1000
        at 1: BUY 100 LIMIT 98 DISPLAY 40
        fill 2: BUY 40 @ 98 maker
        fill 3: BUY 60 @ 98 maker
        """,
        both=True,
        costs={"limit_fill": "touch"},
    )


def test_its_whole_quantity_counts_against_the_account() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 4
        1 10:00:01  bid 98 x 1
        at 1 10:00:00: BUY 6 LIMIT 99 DISPLAY 1
        at 1 10:00:00: BUY 5 LIMIT 99 DISPLAY 1
        order 0: EXPIRED END_OF_DATA
        order 1: REFUSED INSUFFICIENT_CASH needs 1089 allows 1000
        """,
        cash=1000,
    )


def test_a_smaller_quantity_keeps_its_place() -> None:
    draw(
        """
        1 10:00:00  book 99 x 1 / 101 x 4
        1 10:00:01  bid 99 x 6
        1 10:00:02  trade 99 x 3 SELL
        at 1 10:00:00: BUY 6 LIMIT 99 DISPLAY 2
        at 1 10:00:01: REPLACE 0 QUANTITY 4
        fill 1 10:00:02: BUY 2 @ 99 maker
        order 0: EXPIRED END_OF_DATA filled 2 quantity 4
        """,
        both=True,
    )


def test_a_child_is_let_go_with_what_it_shows() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 4
        1 10:00:01  bid 98 x 1
        1 10:00:02  ask 103 x 1
        1 10:00:03  trade 103 x 5 BUY      # one ahead, the two shown, two of the reserve
        at 1 10:00:00: BUY 4
        at 1 10:00:00: SELL 4 LIMIT 103 DISPLAY 2 REDUCE_ONLY PARENT 0
        fill 1 10:00:01: BUY 4 @ 101 taker
        fill 1 10:00:03: SELL 2 @ 103 maker
        fill 1 10:00:03: SELL 2 @ 103 maker
        """,
        both=True,
    )


def test_a_trade_reaches_a_hidden_order_after_all_that_is_shown_then() -> None:
    draw(
        """
        1 10:00:00  book 99 x 2 / 101 x 4
        1 10:00:01  bid 99 x 5              # joined later, and still before us
        1 10:00:02  trade 99 x 4 SELL
        1 10:00:03  bid 99 x 1
        1 10:00:04  trade 99 x 3 SELL       # the one, then us
        at 1 10:00:00: BUY 3 LIMIT 99 HIDDEN
        fill 1 10:00:04: BUY 2 @ 99 maker
        order 0: EXPIRED END_OF_DATA filled 2
        """,
        both=True,
    )


def test_two_trades_before_the_level_is_told_are_counted_together() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 4
        1 10:00:01  trade 99 x 3 SELL
        1 10:00:02  trade 99 x 3 SELL
        at 1 10:00:00: BUY 3 LIMIT 99 HIDDEN
        fill 1 10:00:02: BUY 1 @ 99 maker
        order 0: EXPIRED END_OF_DATA filled 1
        """,
        both=True,
    )


def test_a_trade_through_takes_a_hidden_order() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 4
        1 10:00:01  trade 98 x 2 SELL
        at 1 10:00:00: BUY 3 LIMIT 99 HIDDEN
        fill 1 10:00:01: BUY 2 @ 99 maker
        order 0: EXPIRED END_OF_DATA filled 2
        """,
        both=True,
    )


def test_our_shown_order_that_came_later_goes_first() -> None:
    draw(
        """
        1 10:00:00  book 99 x 1 / 101 x 4
        1 10:00:01  trade 99 x 4 SELL
        at 1 10:00:00: BUY 2 LIMIT 99 HIDDEN
        at 1 10:00:00: BUY 2 LIMIT 99
        fill 1 10:00:01: BUY 2 @ 99 maker of 1
        fill 1 10:00:01: BUY 1 @ 99 maker of 0
        order 0: EXPIRED END_OF_DATA filled 1
        """,
        both=True,
    )


def test_through_a_price_the_shown_one_goes_first_too() -> None:
    draw(
        """
        1 10:00:00  book 99 x 1 / 101 x 4
        1 10:00:01  trade 98 x 3 SELL
        at 1 10:00:00: BUY 2 LIMIT 99 HIDDEN
        at 1 10:00:00: BUY 2 LIMIT 99
        fill 1 10:00:01: BUY 2 @ 99 maker of 1
        fill 1 10:00:01: BUY 1 @ 99 maker of 0
        order 0: EXPIRED END_OF_DATA filled 1
        """,
        both=True,
    )


def test_a_better_price_goes_before_a_shown_order() -> None:
    draw(
        """
        1 10:00:00  book 98 x 1 / 102 x 4
        1 10:00:01  trade 98 x 3 SELL
        at 1 10:00:00: BUY 2 LIMIT 99
        at 1 10:00:00: BUY 2 LIMIT 100 HIDDEN
        fill 1 10:00:01: BUY 2 @ 100 maker of 1
        fill 1 10:00:01: BUY 1 @ 99 maker of 0
        order 0: EXPIRED END_OF_DATA filled 1
        """,
        both=True,
    )


def test_a_reserve_goes_before_a_hidden_order() -> None:
    draw(
        """
        1 10:00:00  book 99 x 1 / 101 x 4
        1 10:00:01  trade 99 x 6 SELL
        at 1 10:00:00: BUY 3 LIMIT 99 HIDDEN
        at 1 10:00:00: BUY 4 LIMIT 99 DISPLAY 2
        fill 1 10:00:01: BUY 2 @ 99 maker of 1
        fill 1 10:00:01: BUY 2 @ 99 maker of 1
        fill 1 10:00:01: BUY 1 @ 99 maker of 0
        order 0: EXPIRED END_OF_DATA filled 1
        """,
        both=True,
    )


def test_a_hidden_order_takes_as_any_other() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 4
        1 10:00:01  bid 98 x 1
        at 1 10:00:00: BUY 5 LIMIT 101 HIDDEN
        fill 1 10:00:01: BUY 4 @ 101 taker
        order 0: EXPIRED END_OF_DATA filled 4
        """,
        both=True,
    )


def test_where_the_source_tells_orders_only_what_trades_past_them_reaches_it() -> None:
    draw(
        """
        1 10:00:00  book 99 x 3 id 1, 98 x 5 id 2 / 101 x 4 id 9
        1 10:00:01  trade 99 x 3 SELL id 1
        1 10:00:02  trade 99 x 2 SELL          # with something hidden, though one is shown: of another line
        1 10:00:03  bid 99 x 0 id 1
        1 10:00:04  trade 99 x 2 SELL
        at 1 10:00:00: BUY 5 LIMIT 99 HIDDEN
        fill 1 10:00:04: BUY 2 @ 99 maker
        order 0: EXPIRED END_OF_DATA filled 2
        """,
        both=True,
    )


def test_on_bars_the_price_must_go_through_a_hidden_order() -> None:
    draw(
        """
        1  100  101  99  100  1000
        2  100  101  98   99  1000
        3   99  100  97   98  1000
        at 1: BUY 100 LIMIT 98 HIDDEN
        fill 3: BUY 100 @ 98 maker
        """,
        both=True,
        costs={"limit_fill": "touch"},
    )


def test_on_quotes_an_offer_at_its_price_has_met_all_that_is_shown() -> None:
    draw(
        """
        1 10:00  99 x 500 / 101 x 500
        1 10:01  99 x 500 / 102 x 500
        1 10:02  98 x 500 / 100 x 60
        at 1 10:00: BUY 100 LIMIT 100 HIDDEN
        fill 1 10:02: BUY 60 @ 100 maker
        order 0: EXPIRED END_OF_DATA filled 60
        """,
        both=True,
    )
