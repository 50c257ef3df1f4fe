"""Trades at our price that a venue shares by size: CME's algorithms C and K."""

from __future__ import annotations

from tests.tapes.drawing import draw

PRO_RATA = {"matching": "pro_rata"}
HALF_IN_LINE = {"matching": "pro_rata", "pro_rata_fifo_share": 0.5}


def test_a_trade_is_shared_by_size_and_rounded_down() -> None:
    draw(
        """
        1 10:00:00  book 99 x 30 / 101 x 4

        1 10:00:01  trade 99 x 9 SELL           # 9 x 10 / 40 = 2.25
        at 1 10:00:00: BUY 10 LIMIT 99
        fill 1 10:00:01: BUY 2 @ 99 maker
        order 0: EXPIRED END_OF_DATA filled 2
        """,
        both=True,
        venue=PRO_RATA,
    )


def test_in_order_of_arrival_the_same_trade_gives_nothing() -> None:
    draw(
        """
        1 10:00:00  book 99 x 30 / 101 x 4

        1 10:00:01  trade 99 x 9 SELL
        at 1 10:00:00: BUY 10 LIMIT 99
        order 0: EXPIRED END_OF_DATA
        """,
        both=True,
    )


def test_a_share_below_the_minimum_is_none() -> None:
    draw(
        """
        1 10:00:00  book 99 x 30 / 101 x 4

        1 10:00:01  trade 99 x 9 SELL           # 2 < 3
        1 10:00:02  trade 99 x 12 SELL          # 12 x 10 / (30 - 9 + 10) = 3.87
        at 1 10:00:00: BUY 10 LIMIT 99
        fill 1 10:00:02: BUY 3 @ 99 maker
        order 0: EXPIRED END_OF_DATA filled 3
        """,
        both=True,
        venue={"matching": "pro_rata", "pro_rata_minimum_lots": 3},
    )


def test_what_rounding_leaves_goes_to_the_first_in_line() -> None:
    draw(
        """
        1 10:00:00  book 98 x 5 / 101 x 4
        1 10:00:01  bid 99 x 3                  # behind us
        1 10:00:02  trade 99 x 2 SELL           # 2 x 2 / 5 is none for us, 2 x 3 / 5 one for them, one is left
        at 1 10:00:00: BUY 2 LIMIT 99
        fill 1 10:00:02: BUY 1 @ 99 maker
        order 0: EXPIRED END_OF_DATA filled 1
        """,
        both=True,
        venue=PRO_RATA,
    )


def test_a_trade_of_all_that_stands_fills_all_of_ours() -> None:
    draw(
        """
        1 10:00:00  book 99 x 30 / 101 x 4

        1 10:00:01  trade 99 x 45 SELL
        at 1 10:00:00: BUY 10 LIMIT 99
        fill 1 10:00:01: BUY 10 @ 99 maker
        """,
        both=True,
        venue=PRO_RATA,
    )


def test_two_orders_of_ours_get_a_share_each() -> None:
    draw(
        """
        1 10:00:00  book 99 x 30 / 101 x 4

        1 10:00:01  trade 99 x 20 SELL          # 20 x 6 / 40 and 20 x 4 / 40
        at 1 10:00:00: BUY 6 LIMIT 99
        at 1 10:00:00: BUY 4 LIMIT 99
        fill 1 10:00:01: BUY 3 @ 99 maker of 0
        fill 1 10:00:01: BUY 2 @ 99 maker of 1
        order 0: EXPIRED END_OF_DATA filled 3
        order 1: EXPIRED END_OF_DATA filled 2
        """,
        both=True,
        venue=PRO_RATA,
    )


def test_a_better_price_is_filled_before_the_rest_is_shared() -> None:
    draw(
        """
        1 10:00:00  book 99 x 30 / 101 x 4

        1 10:00:01  trade 99 x 14 SELL          # 5 at 100, then 9 x 10 / 40
        at 1 10:00:00: BUY 10 LIMIT 99
        at 1 10:00:00: BUY 5 LIMIT 100
        fill 1 10:00:01: BUY 5 @ 100 maker of 1
        fill 1 10:00:01: BUY 2 @ 99 maker of 0
        order 0: EXPIRED END_OF_DATA filled 2
        """,
        both=True,
        venue=PRO_RATA,
    )


def test_what_has_traded_since_the_level_was_told_stands_no_more() -> None:
    draw(
        """
        1 10:00:00  book 99 x 30 / 101 x 4

        1 10:00:01  trade 99 x 9 SELL           # 9 x 10 / 40
        1 10:00:02  trade 99 x 9 SELL           # 9 x 8 / (30 - 9 + 8) = 2.48
        1 10:00:03  bid 99 x 12                 # told anew
        1 10:00:04  trade 99 x 9 SELL           # 9 x 6 / 18
        at 1 10:00:00: BUY 10 LIMIT 99
        fill 1 10:00:01: BUY 2 @ 99 maker
        fill 1 10:00:02: BUY 2 @ 99 maker
        fill 1 10:00:04: BUY 3 @ 99 maker
        order 0: EXPIRED END_OF_DATA filled 7
        """,
        both=True,
        venue=PRO_RATA,
    )


def test_a_part_goes_in_order_of_arrival_first() -> None:
    draw(
        """
        1 10:00:00  book 99 x 20 / 101 x 4
        1 10:00:01  trade 99 x 12 SELL          # 6 to the front; 6 x 10 / (14 + 10) = 2.5
        at 1 10:00:00: BUY 10 LIMIT 99
        fill 1 10:00:01: BUY 2 @ 99 maker
        order 0: EXPIRED END_OF_DATA filled 2
        """,
        both=True,
        venue=HALF_IN_LINE,
    )


def test_the_part_in_order_of_arrival_may_reach_us() -> None:
    draw(
        """
        1 10:00:00  book 99 x 4 / 101 x 4
        1 10:00:01  trade 99 x 10 SELL          # 4 to others and 1 to us in line; the other 5 are ours alone
        at 1 10:00:00: BUY 10 LIMIT 99
        fill 1 10:00:01: BUY 1 @ 99 maker
        fill 1 10:00:01: BUY 5 @ 99 maker
        order 0: EXPIRED END_OF_DATA filled 6
        """,
        both=True,
        venue=HALF_IN_LINE,
    )


def test_books_told_by_order_are_shared_too() -> None:
    draw(
        """
        1 10:00:00  book 99 x 20 id 1, 99 x 10 id 2 / 101 x 4 id 3
        1 10:00:01  trade 99 x 9 SELL id 1      # 9 x 10 / 40
        1 10:00:01  bid 99 x 11 id 1
        1 10:00:02  trade 99 x 9 SELL id 2      # 9 x 8 / 29
        at 1 10:00:00: BUY 10 LIMIT 99
        fill 1 10:00:01: BUY 2 @ 99 maker
        fill 1 10:00:02: BUY 2 @ 99 maker
        order 0: EXPIRED END_OF_DATA filled 4
        """,
        both=True,
        venue=PRO_RATA,
    )
