"""Orders against books told by order: the line is known."""

from __future__ import annotations

from tests.tapes.drawing import draw


def test_only_what_stood_before_us_is_ahead() -> None:
    draw(
        """
        1 10:00:00  book 99 x 3 id 1, 99 x 2 id 2 / 101 x 4 id 9
        1 10:00:01  bid 99 x 4 id 3
        1 10:00:02  bid 99 x 0 id 3      # behind us: no matter
        1 10:00:03  bid 99 x 4 id 4
        1 10:00:04  bid 99 x 0 id 1      # ahead: two are left
        1 10:00:05  trade 99 x 2 SELL id 2
        1 10:00:06  bid 99 x 0 id 2
        1 10:00:07  trade 99 x 1 SELL id 4
        at 1 10:00:00: BUY 1 LIMIT 99
        fill 1 10:00:07: BUY 1 @ 99 maker
        """,
        both=True,
    )


def test_an_order_that_grows_goes_behind_us() -> None:
    draw(
        """
        1 10:00:00  book 99 x 3 id 1 / 101 x 4 id 9
        1 10:00:01  bid 99 x 5 id 1
        1 10:00:02  trade 99 x 2 SELL id 1
        at 1 10:00:00: BUY 1 LIMIT 99
        fill 1 10:00:02: BUY 1 @ 99 maker
        """,
        both=True,
    )


def test_an_order_that_shrinks_keeps_its_place() -> None:
    draw(
        """
        1 10:00:00  book 99 x 3 id 1 / 101 x 4 id 9
        1 10:00:01  bid 99 x 1 id 1
        1 10:00:02  trade 99 x 1 SELL id 1
        at 1 10:00:00: BUY 1 LIMIT 99
        order 0: EXPIRED END_OF_DATA
        """,
        both=True,
    )


def test_an_order_that_moves_and_comes_back_is_behind() -> None:
    draw(
        """
        1 10:00:00  book 99 x 3 id 1 / 101 x 4 id 9
        1 10:00:01  bid 98 x 3 id 1
        1 10:00:02  bid 99 x 3 id 1
        1 10:00:03  trade 99 x 1 SELL id 1
        at 1 10:00:00: BUY 1 LIMIT 99
        fill 1 10:00:03: BUY 1 @ 99 maker
        """,
        both=True,
    )


def test_a_hidden_trade_at_our_price_comes_after_all_that_is_shown() -> None:
    draw(
        """
        1 10:00:00  book 99 x 3 id 1 / 101 x 4 id 9
        1 10:00:01  trade 99 x 1 SELL
        1 10:00:02  trade 99 x 3 SELL id 1
        1 10:00:03  bid 99 x 0 id 1
        1 10:00:04  trade 99 x 1 SELL
        at 1 10:00:00: BUY 1 LIMIT 99
        fill 1 10:00:04: BUY 1 @ 99 maker
        """,
        both=True,
    )


def test_lots_without_a_known_order_are_older_than_all() -> None:
    draw(
        """
        1 10:00:00  book 99 x 3, 98 x 1 / 101 x 4
        1 10:00:01  bid 99 x 2 id 5
        1 10:00:02  bid 99 x 1           # two of the three unknown have left
        1 10:00:03  trade 99 x 1 SELL
        1 10:00:04  bid 99 x 0
        1 10:00:05  trade 99 x 1 SELL id 5
        at 1 10:00:01: BUY 1 LIMIT 99
        1 10:00:06  bid 99 x 0 id 5
        1 10:00:07  bid 99 x 1 id 6
        1 10:00:08  trade 99 x 1 SELL id 6
        fill 1 10:00:08: BUY 1 @ 99 maker
        """,
        both=True,
    )


def test_an_order_of_the_source_that_changes_sides_leaves_its_line() -> None:
    draw(
        """
        1 10:00:00  book 99 x 3 id 1, 98 x 1 id 2 / 101 x 4 id 9
        1 10:00:01  ask 102 x 3 id 1
        1 10:00:02  trade 99 x 1 SELL
        at 1 10:00:00: BUY 1 LIMIT 99
        fill 1 10:00:02: BUY 1 @ 99 maker
        """,
        both=True,
    )
