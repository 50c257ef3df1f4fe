"""Orders where trades are told and no book: a trade is a bar of one price; beside quotes it fills what it went through."""

from __future__ import annotations

from tests.tapes.drawing import draw


def test_a_market_order_fills_at_the_next_trade_up_to_its_size() -> None:
    draw(
        """
        1 10:00  trade 100 x 5
        1 10:01  trade 101 x 3
        1 10:02  trade 102 x 9
        at 1 10:00: BUY 4
        fill 1 10:01: BUY 3 @ 101 taker
        fill 1 10:02: BUY 1 @ 102 taker
        """,
        both=True,
        costs={"max_participation": 1.0},
    )


def test_a_limit_needs_a_trade_through_it() -> None:
    draw(
        """
        1 10:00  trade 100 x 5
        1 10:01  trade 99 x 3
        1 10:02  trade 98.50 x 9
        at 1 10:00: BUY 4 LIMIT 99
        fill 1 10:02: BUY 4 @ 98.50 maker
        """,
        both=True,
    )


def test_a_touch_is_enough_where_it_is_said_to_be() -> None:
    draw(
        """
        1 10:00  trade 100 x 5
        1 10:01  trade 99 x 3
        at 1 10:00: BUY 2 LIMIT 99
        fill 1 10:01: BUY 2 @ 99 taker
        """,
        both=True,
        costs={"limit_fill": "touch"},
    )


def test_a_stop_fills_at_the_trade_that_reaches_it() -> None:
    draw(
        """
        1 10:00  trade 100 x 5
        1 10:01  trade 103 x 5
        at 1 10:00: BUY 2 STOP 102
        fill 1 10:01: BUY 2 @ 103 taker
        """,
        both=True,
    )


def test_a_trade_of_the_stamp_of_arrival_is_not_newer() -> None:
    draw(
        """
        1 10:00:00  trade 100 x 5
        1 10:00:01  trade 101 x 5
        1 10:00:02  trade 102 x 5
        at 1 10:00:00: BUY 2
        fill 1 10:00:02: BUY 2 @ 102 taker
        """,
        both=True,
        latency={"entry_ns": 1_000_000_000},
    )


def test_beside_quotes_a_trade_fills_the_limits_it_went_through_and_not_those_at_its_price() -> None:
    draw(
        """
        1 10:00:00  99 x 5 / 101 x 5
        1 10:00:01  99 x 5 / 101 x 5
        1 10:00:02  trade 99 x 3 SELL
        at 1 10:00:00: BUY 2 LIMIT 99
        at 1 10:00:00: BUY 2 LIMIT 99.50
        at 1 10:00:00: BUY 2 LIMIT 100
        fill 1 10:00:02: BUY 2 @ 100 maker of 2
        fill 1 10:00:02: BUY 1 @ 99.50 maker of 1
        order 0: EXPIRED END_OF_DATA
        order 1: EXPIRED END_OF_DATA filled 1
        """,
        both=True,
    )


def test_at_the_open_is_the_first_trade_of_the_session() -> None:
    draw(
        """
        1 23:00  trade 100 x 5
        2 10:00  trade 101 x 5
        2 10:01  trade 102 x 5
        at 1 23:00: BUY 2 AT_OPEN
        fill 2 10:00: BUY 2 @ 101 taker
        """,
        both=True,
    )
