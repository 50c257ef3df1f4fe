"""Which changes keep an order's place in the line, by the rule of the venue."""

from __future__ import annotations

from tests.tapes.drawing import draw


def test_asking_for_less_keeps_the_place() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 4
        1 10:00:01  trade 99 x 5 SELL           # nobody is ahead of us any more
        1 10:00:02  bid 99 x 3                  # three behind us
        1 10:00:03  trade 99 x 2 SELL
        1 10:00:04  trade 99 x 2 SELL
        at 1 10:00:00: BUY 4 LIMIT 99

        at 1 10:00:02: REPLACE 0 QUANTITY 2
        fill 1 10:00:03: BUY 2 @ 99 maker
        order 0: FILLED quantity 2
        """,
        both=True,
    )


def test_asking_for_more_loses_it() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 4
        1 10:00:01  trade 99 x 5 SELL           # nobody is ahead of us any more
        1 10:00:02  bid 99 x 3                  # three behind us
        1 10:00:03  trade 99 x 2 SELL
        1 10:00:04  trade 99 x 2 SELL
        at 1 10:00:00: BUY 4 LIMIT 99

        at 1 10:00:02: REPLACE 0 QUANTITY 5
        fill 1 10:00:04: BUY 1 @ 99 maker       # three ahead again
        order 0: EXPIRED END_OF_DATA filled 1 quantity 5
        """,
        both=True,
    )


def test_where_no_change_keeps_it_asking_for_less_loses_it_too() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 4
        1 10:00:01  trade 99 x 5 SELL           # nobody is ahead of us any more
        1 10:00:02  bid 99 x 3                  # three behind us
        1 10:00:03  trade 99 x 2 SELL
        1 10:00:04  trade 99 x 2 SELL
        at 1 10:00:00: BUY 4 LIMIT 99

        at 1 10:00:02: REPLACE 0 QUANTITY 2
        fill 1 10:00:04: BUY 1 @ 99 maker
        order 0: EXPIRED END_OF_DATA filled 1 quantity 2
        """,
        both=True,
        venue={"replace_keeps_place": "never"},
    )


def test_on_bars_a_change_lets_the_next_one_go_first_where_none_keeps_its_place() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  99 100  1000
        3  100 101  97  98    50
        at 1: BUY 9 LIMIT 98
        at 1: BUY 9 LIMIT 98
        at 2: REPLACE 0 QUANTITY 4
        fill 3: BUY 5 @ 98 maker of 1
        order 0: EXPIRED END_OF_DATA quantity 4
        order 1: EXPIRED END_OF_DATA filled 5
        """,
        both=True,
        venue={"replace_keeps_place": "never"},
        costs={"max_participation": 0.1},
    )
