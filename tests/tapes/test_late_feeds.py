"""Feeds that come late: the venue is ahead of us, and orders cross on the wire."""

from __future__ import annotations

from tests.tapes.drawing import draw

HALF_A_SECOND = 500_000_000


def test_an_order_meets_the_book_as_the_venue_has_it_by_then() -> None:
    draw(
        """
        feed 2
        1 10:00:00  book 99 x 5 / 101 x 4
        1 10:00:01  ask 101 x 0, ask 102 x 4      # the venue has it when our order comes, we do not
        1 10:00:03  bid 98 x 1
        at 1 10:00:02: BUY 1
        fill 1 10:00:03: BUY 1 @ 102 taker
        """,
        both=True,
    )


def test_the_line_is_that_of_the_venue_when_we_join() -> None:
    draw(
        """
        feed 2
        1 10:00:00  book 99 x 1 / 101 x 4
        1 10:00:01  bid 99 x 3
        1 10:00:03  trade 99 x 3 SELL
        1 10:00:04  trade 99 x 1 SELL
        at 1 10:00:02: BUY 1 LIMIT 99
        fill 1 10:00:04: BUY 1 @ 99 maker
        """,
        both=True,
    )


def test_what_happened_before_the_arrival_fills_nothing_though_we_hear_of_it_later() -> None:
    draw(
        """
        feed 2
        1 10:00:00  book 99 x 1 / 101 x 4
        1 10:00:02  trade 98 x 9 SELL
        at 1 10:00:02: BUY 1 LIMIT 99
        order 0: EXPIRED END_OF_DATA
        """,
        both=True,
        latency={"entry_ns": HALF_A_SECOND},
    )


def test_we_hear_of_the_fill_before_we_hear_of_the_trade() -> None:
    # filled at 10:00:03, told at 10:00:03.5; the sell decided by the timer at :04 is allowed: the position is known
    draw(
        """
        feed 2
        1 10:00:00  book 99 x 0, 98 x 1 / 101 x 4
        1 10:00:03  trade 98 x 9 SELL
        1 10:00:05  bid 98 x 4
        at 1 10:00:02: BUY 1 LIMIT 99
        timer 1 10:00:04: SELL 1
        fill 1 10:00:03: BUY 1 @ 99 maker
        fill 1 10:00:05: SELL 1 @ 98 taker
        """,
        latency={"response_ns": HALF_A_SECOND},
    )


def test_a_cancel_loses_its_race() -> None:
    draw(
        """
        feed 1
        1 10:00:00  book 99 x 1 / 101 x 4
        1 10:00:02  trade 98 x 9 SELL
        at 1 10:00:01: BUY 1 LIMIT 99
        timer 1 10:00:01.75: CANCEL 0
        fill 1 10:00:02: BUY 1 @ 99 maker
        """,
        both=True,
        latency={"entry_ns": HALF_A_SECOND, "response_ns": HALF_A_SECOND},
    )


def test_a_cancel_wins_its_race() -> None:
    draw(
        """
        feed 1
        1 10:00:00  book 99 x 1 / 101 x 4
        1 10:00:02.5  trade 98 x 9 SELL
        at 1 10:00:01: BUY 1 LIMIT 99
        timer 1 10:00:01.75: CANCEL 0
        order 0: CANCELLED USER
        """,
        both=True,
        latency={"entry_ns": HALF_A_SECOND, "response_ns": HALF_A_SECOND},
    )


def test_a_fill_told_before_its_trade_is_known_when_the_trade_wakes_us() -> None:
    # filled at 10:00:03, told at :03.5; the trade is heard at :05 and wakes the strategy, which sells what it holds
    draw(
        """
        feed 2
        1 10:00:00  book 98 x 1 / 101 x 4
        1 10:00:03  trade 98 x 9 SELL
        1 10:00:06  bid 98 x 4
        at 1 10:00:02: BUY 1 LIMIT 99
        at 1 10:00:05: SELL 1
        fill 1 10:00:03: BUY 1 @ 99 maker
        fill 1 10:00:06: SELL 1 @ 98 taker
        """,
        latency={"response_ns": HALF_A_SECOND},
    )
