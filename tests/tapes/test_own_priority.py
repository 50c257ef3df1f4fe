"""Several orders of ours where there is less than all of them want: the best price first, then time."""

from __future__ import annotations

import pytest

from tests.tapes.drawing import draw

TENTH = {"max_participation": 0.1}
SHORT = {"allow_short": True}


def test_limits_inside_a_bar() -> None:
    draw(
        """
        1  100 100 100 100  100
        2  100 104 100 103.5  100              # ten lots
        3  100 100 100 100    0

        at 1: SELL 8 LIMIT 103
        at 1: SELL 8 LIMIT 102
        at 1: SELL 8 LIMIT 101
        fill 2: SELL 8 @ 101 maker of 2
        fill 2: SELL 2 @ 102 maker of 1
        order 0: EXPIRED END_OF_DATA
        order 1: EXPIRED END_OF_DATA filled 2
        """,
        both=True,
        costs=TENTH,
        risk=SHORT,
    )


def test_limits_of_one_price_go_by_time() -> None:
    draw(
        """
        1  100 100 100 100  100
        2  100 104 100 103.5  100
        3  100 100 100 100    0

        at 1: SELL 8 LIMIT 102
        at 1: SELL 8 LIMIT 101
        at 1: SELL 8 LIMIT 101
        fill 2: SELL 8 @ 101 maker of 1
        fill 2: SELL 2 @ 101 maker of 2
        order 0: EXPIRED END_OF_DATA
        order 2: EXPIRED END_OF_DATA filled 2
        """,
        both=True,
        costs=TENTH,
        risk=SHORT,
    )


def test_stops_inside_a_bar() -> None:
    draw(
        """
        1  100 100 100 100  100
        2  100 100  96  97  100
        3  100 100 100 100    0

        at 1: SELL 8 STOP 97
        at 1: SELL 8 STOP 99
        fill 2: SELL 8 @ 99 taker of 1
        fill 2: SELL 2 @ 97 taker of 0
        order 0: EXPIRED END_OF_DATA filled 2
        """,
        both=True,
        costs=TENTH,
        risk=SHORT,
    )


def test_touches_and_limits_inside_a_bar_in_the_order_in_which_the_price_comes_to_them() -> None:
    draw(
        """
        1  100 100 100 100  200
        2  100 100  95  96  200                # twenty lots
        3  100 100 100 100    0

        at 1: BUY 8 TOUCH 99 LIMIT 96          # triggers first, and is bid at 96
        at 1: BUY 8 LIMIT 97
        at 1: BUY 8 TOUCH 98
        fill 2: BUY 8 @ 98 taker of 2
        fill 2: BUY 8 @ 97 maker of 1
        fill 2: BUY 4 @ 96 maker of 0
        order 0: EXPIRED END_OF_DATA filled 4
        """,
        both=True,
        costs=TENTH,
        risk=SHORT,
    )


def test_trailing_stops_that_moved_in_the_bar_come_after_those_that_stood() -> None:
    draw(
        """
        1  100 100 100 100  100
        2  100 106  99.5 102  100              # the first moves to 103, the second to 105; it closes beyond both
        3   99  99  99  99    0

        at 1: SELL 8 TRAIL 3
        at 1: SELL 8 TRAIL 1
        at 1: SELL 4 STOP 99.60
        fill 2: SELL 4 @ 99.60 taker of 2
        fill 2: SELL 6 @ 102 taker of 1 ambiguous
        order 0: EXPIRED END_OF_DATA stop 103
        order 1: EXPIRED END_OF_DATA filled 6 stop 105
        """,
        costs=TENTH,
        risk=SHORT,
    )


def test_at_an_open_that_all_get_who_takes_at_any_price_comes_first() -> None:
    draw(
        """
        1  100 100 100 100  100
        2  102 102 102 102  200
        3  102 102 102 102    0

        at 1: SELL 8 LIMIT 101
        at 1: SELL 8 LIMIT 100
        at 1: SELL 8
        fill 2: SELL 8 @ 102 taker of 2
        fill 2: SELL 8 @ 102 taker of 1
        fill 2: SELL 4 @ 102 taker of 0
        order 0: EXPIRED END_OF_DATA filled 4
        """,
        both=True,
        costs=TENTH,
        risk=SHORT,
    )


def test_at_the_close() -> None:
    draw(
        """
        1  100 100 100 100  100
        2  100 102 100 102  150
        3  102 102 102 102    0

        at 1: SELL 8 LIMIT 101 AT_CLOSE
        at 1: SELL 8 LIMIT 100 AT_CLOSE
        fill 2: SELL 8 @ 102 taker of 1
        fill 2: SELL 7 @ 102 taker of 0
        order 0: EXPIRED MISSED_CLOSE filled 7
        """,
        both=True,
        costs=TENTH,
        risk=SHORT,
    )


def test_a_group_is_served_by_price_and_the_rest_of_it_sits_out_the_bar() -> None:
    draw(
        """
        1  100 100 100 100  100
        2  100 104 100 103.5  1000
        3  100 100 100 100    0

        at 1: SELL 8 LIMIT 103 GROUP 0
        at 1: SELL 8 LIMIT 101 GROUP 0
        fill 2: SELL 8 @ 101 maker of 1
        order 0: CANCELLED SIBLING_FILLED done 2
        """,
        both=True,
        risk=SHORT,
    )


def test_on_a_quote() -> None:
    draw(
        """
        1 10:00:00   99.90 x 5 / 100.10 x 5
        1 10:00:01   99.90 x 5 / 100.10 x 5
        1 10:00:02  101.20 x 9 / 101.30 x 5    # nine lots for those that rest at 100.50 and 101, and what takes
        1 10:00:03   99.90 x 5 / 100.10 x 5

        at 1 10:00:00: SELL 5 LIMIT 101
        at 1 10:00:00: SELL 5 LIMIT 100.50
        at 1 10:00:01: SELL 2
        fill 1 10:00:02: SELL 2 @ 101.20 taker of 2
        fill 1 10:00:02: SELL 5 @ 100.50 maker of 1
        fill 1 10:00:02: SELL 2 @ 101 maker of 0
        order 0: EXPIRED END_OF_DATA filled 2
        """,
        both=True,
        risk=SHORT,
    )


def test_on_a_book_whose_opposite_side_comes_through() -> None:
    draw(
        """
        1 10:00:00  book 99.90 x 5 / 100.10 x 5
        1 10:00:01  bid 99.80 x 1
        1 10:00:02  ask 100.10 x 0, ask 101.30 x 5, bid 101.20 x 7
        1 10:00:03  bid 99.70 x 1

        at 1 10:00:00: SELL 5 LIMIT 101
        at 1 10:00:00: SELL 5 LIMIT 100.50
        fill 1 10:00:02: SELL 5 @ 100.50 maker of 1
        fill 1 10:00:02: SELL 2 @ 101 maker of 0
        order 0: EXPIRED END_OF_DATA filled 2
        """,
        both=True,
        risk=SHORT,
    )


def test_orders_that_take_from_a_book() -> None:
    draw(
        """
        1 10:00:00  book 99.90 x 5, 99.80 x 4 / 100.10 x 5
        1 10:00:01  ask 100.20 x 1
        1 10:00:02  ask 100.30 x 1

        timer 1 10:00:00: SELL 5 LIMIT 99.80
        timer 1 10:00:00: SELL 3 LIMIT 99.70
        timer 1 10:00:00: SELL 3 LIMIT 99.80
        fill 1 10:00:01: SELL 3 @ 99.90 taker of 1
        fill 1 10:00:01: SELL 2 @ 99.90 taker of 0
        fill 1 10:00:01: SELL 3 @ 99.80 taker of 0
        fill 1 10:00:01: SELL 1 @ 99.80 taker of 2
        order 2: EXPIRED END_OF_DATA filled 1
        """,
        both=True,
        risk=SHORT,
    )


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_what_is_reduced_is_reduced_where_the_price_came_first(side: str) -> None:
    """Two stops close one position; without scarce volume too the nearer one does it."""
    draw(
        f"""
        1  100 100 100 100  1000
        2  100 100 100 100  1000
        3  100 105  95 100  1000

        at 1: {side} 8
        at 2: {"SELL" if side == "BUY" else "BUY"} 8 STOP {97 if side == "BUY" else 103} REDUCE_ONLY
        at 2: {"SELL" if side == "BUY" else "BUY"} 8 STOP {99 if side == "BUY" else 101} REDUCE_ONLY
        fill 2: {side} 8 @ 100 taker
        fill 3: {"SELL" if side == "BUY" else "BUY"} 8 @ {99 if side == "BUY" else 101} taker of 2
        order 1: CANCELLED REDUCE_ONLY needs 8 allows 0
        """,
        risk=SHORT,
    )
