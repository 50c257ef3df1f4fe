"""Our own orders that would trade with each other, by the rule of the venue."""

from __future__ import annotations

from tests.tapes.drawing import draw

NEWEST, OLDEST, BOTH = {"self_trade": "cancel_newest"}, {"self_trade": "cancel_oldest"}, {"self_trade": "cancel_both"}
DECREMENT, NONE = {"self_trade": "decrement"}, {"self_trade": "none"}


def test_by_default_the_newest_is_cancelled_and_the_resting_one_stays() -> None:
    draw(
        """
        1 10:00:00  book 95 x 5 / 105 x 5
        1 10:00:01  bid 94 x 1

        1 10:00:02  trade 100 x 3 BUY
        at 1 10:00:00: SELL 3 LIMIT 100
        at 1 10:00:01: BUY 2 LIMIT 101
        fill 1 10:00:02: SELL 3 @ 100 maker of 0
        order 1: CANCELLED SELF_TRADE needs 2 allows 0 done 1 10:00:01
        """,
        both=True,
    )


def test_the_oldest_is_cancelled_and_the_newest_rests() -> None:
    draw(
        """
        1 10:00:00  book 95 x 5 / 105 x 5
        1 10:00:01  bid 94 x 1

        1 10:00:02  trade 100 x 3 SELL
        at 1 10:00:00: SELL 3 LIMIT 100
        at 1 10:00:01: BUY 2 LIMIT 101
        fill 1 10:00:02: BUY 2 @ 101 maker of 1
        order 0: CANCELLED SELF_TRADE needs 2 allows 0
        """,
        both=True,
        venue=OLDEST,
    )


def test_both_are_cancelled() -> None:
    draw(
        """
        1 10:00:00  book 95 x 5 / 105 x 5
        1 10:00:01  bid 94 x 1

        1 10:00:02  trade 100 x 3 SELL
        1 10:00:03  trade 101 x 3 BUY
        at 1 10:00:00: SELL 3 LIMIT 100
        at 1 10:00:01: BUY 2 LIMIT 101
        order 0: CANCELLED SELF_TRADE needs 2 allows 0
        order 1: CANCELLED SELF_TRADE needs 2 allows 0
        """,
        both=True,
        venue=BOTH,
    )


def test_decrement_leaves_the_larger_one_with_the_difference() -> None:
    draw(
        """
        1 10:00:00  book 95 x 5 / 105 x 5
        1 10:00:01  bid 94 x 1

        1 10:00:02  trade 100 x 9 BUY
        at 1 10:00:00: SELL 3 LIMIT 100
        at 1 10:00:01: BUY 2 LIMIT 101
        fill 1 10:00:02: SELL 1 @ 100 maker of 0
        order 0: FILLED quantity 1
        order 1: CANCELLED SELF_TRADE needs 2 allows 0
        """,
        both=True,
        venue=DECREMENT,
    )


def test_decrement_of_equal_orders_ends_both() -> None:
    draw(
        """
        1 10:00:00  book 95 x 5 / 105 x 5
        1 10:00:01  bid 94 x 1

        1 10:00:02  trade 100 x 9 BUY
        at 1 10:00:00: SELL 2 LIMIT 100
        at 1 10:00:01: BUY 2 LIMIT 100
        order 0: CANCELLED SELF_TRADE needs 2 allows 0
        order 1: CANCELLED SELF_TRADE needs 2 allows 0
        """,
        both=True,
        venue=DECREMENT,
    )


def test_decrement_goes_from_one_resting_order_to_the_next() -> None:
    draw(
        """
        1 10:00:00  book 95 x 5 / 105 x 5
        1 10:00:01  bid 94 x 1

        1 10:00:02  trade 101 x 9 BUY
        at 1 10:00:00: SELL 2 LIMIT 101
        at 1 10:00:00: SELL 2 LIMIT 100
        at 1 10:00:01: BUY 3 LIMIT 101          # 2 of order 1, the better price, then 1 of order 0
        fill 1 10:00:02: SELL 1 @ 101 maker of 0
        order 0: FILLED quantity 1
        order 1: CANCELLED SELF_TRADE needs 2 allows 0
        order 2: CANCELLED SELF_TRADE needs 1 allows 0
        """,
        both=True,
        venue=DECREMENT,
    )


def test_without_prevention_each_trades_with_others_only() -> None:
    draw(
        """
        1 10:00:00  book 95 x 5 / 105 x 5
        1 10:00:01  bid 94 x 1

        1 10:00:02  trade 100 x 3 BUY
        1 10:00:03  trade 101 x 3 SELL
        at 1 10:00:00: SELL 3 LIMIT 100
        at 1 10:00:01: BUY 2 LIMIT 101
        fill 1 10:00:02: SELL 3 @ 100 maker of 0
        fill 1 10:00:03: BUY 2 @ 101 maker of 1
        """,
        both=True,
        venue=NONE,
    )


def test_orders_that_do_not_reach_each_other_are_left_alone() -> None:
    draw(
        """
        1 10:00:00  book 95 x 5 / 105 x 5
        1 10:00:01  bid 94 x 1

        1 10:00:02  trade 101 x 3 BUY
        1 10:00:03  trade 100 x 3 SELL
        at 1 10:00:00: SELL 3 LIMIT 101
        at 1 10:00:01: BUY 2 LIMIT 100
        fill 1 10:00:02: SELL 3 @ 101 maker of 0
        fill 1 10:00:03: BUY 2 @ 100 maker of 1
        """,
        both=True,
    )


def test_a_better_price_of_others_is_taken_first_and_may_be_enough() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 100 x 4, 102 x 9
        1 10:00:01  bid 98 x 1

        at 1 10:00:00: SELL 3 LIMIT 101
        at 1 10:00:00: BUY 4
        fill 1 10:00:01: BUY 4 @ 100 taker of 1
        order 0: EXPIRED END_OF_DATA
        """,
        both=True,
    )


def test_what_better_prices_leave_meets_ours() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 100 x 4, 102 x 9
        1 10:00:01  bid 98 x 1

        at 1 10:00:00: SELL 3 LIMIT 101
        at 1 10:00:00: BUY 6
        fill 1 10:00:01: BUY 4 @ 100 taker of 1
        order 0: EXPIRED END_OF_DATA
        order 1: CANCELLED SELF_TRADE filled 4 needs 2 allows 0
        """,
        both=True,
    )


def test_once_the_oldest_is_gone_the_newest_goes_on_behind_it() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 100 x 4, 102 x 9
        1 10:00:01  bid 98 x 1

        at 1 10:00:00: SELL 3 LIMIT 101
        at 1 10:00:00: BUY 6
        fill 1 10:00:01: BUY 4 @ 100 taker of 1
        fill 1 10:00:01: BUY 2 @ 102 taker of 1
        order 0: CANCELLED SELF_TRADE needs 2 allows 0
        """,
        both=True,
        venue=OLDEST,
    )


def test_at_one_price_the_line_ahead_of_ours_is_taken_first() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 4
        1 10:00:01  ask 101 x 6                 # two more behind us
        1 10:00:02  bid 98 x 1
        at 1 10:00:00: SELL 3 LIMIT 101
        at 1 10:00:01: BUY 5
        fill 1 10:00:02: BUY 4 @ 101 taker of 1
        order 0: EXPIRED END_OF_DATA
        order 1: CANCELLED SELF_TRADE filled 4 needs 1 allows 0
        """,
        both=True,
    )


def test_a_stop_that_triggers_meets_ours() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 5
        1 10:00:01  ask 101 x 0, ask 104 x 5
        at 1 10:00:00: SELL 2 LIMIT 103
        at 1 10:00:00: BUY 3 STOP 102
        order 0: EXPIRED END_OF_DATA
        order 1: CANCELLED SELF_TRADE needs 2 allows 0
        """,
        both=True,
    )


def test_fill_or_kill_that_needs_ours_is_killed_whole() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 100 x 4, 102 x 9
        1 10:00:01  bid 98 x 1

        at 1 10:00:00: SELL 3 LIMIT 101
        at 1 10:00:00: BUY 6 FOK
        order 0: EXPIRED END_OF_DATA
        order 1: CANCELLED SELF_TRADE needs 3 allows 0
        """,
        both=True,
    )


def test_a_replace_that_reaches_ours_is_the_newest() -> None:
    draw(
        """
        1 10:00:00  book 95 x 5 / 105 x 5
        1 10:00:01  bid 94 x 1

        1 10:00:02  bid 94 x 2
        at 1 10:00:00: SELL 3 LIMIT 104
        at 1 10:00:00: BUY 2 LIMIT 100
        at 1 10:00:01: REPLACE 1 LIMIT 104
        order 0: EXPIRED END_OF_DATA
        order 1: CANCELLED SELF_TRADE needs 2 allows 0
        """,
        both=True,
    )


def test_on_quotes_ours_stand_before_a_worse_quote() -> None:
    draw(
        """
        1 10:00  99 x 5 / 105 x 5
        1 10:01  99 x 5 / 105 x 5
        1 10:02  99 x 5 / 105 x 5
        at 1 10:00: SELL 3 LIMIT 100            # rests from 10:01 on
        at 1 10:01: BUY 2
        order 0: EXPIRED END_OF_DATA
        order 1: CANCELLED SELF_TRADE needs 2 allows 0
        """,
        both=True,
    )


def test_the_answers_of_a_far_venue_arrive_in_order() -> None:
    draw(
        """
        1 10:00:00  book 95 x 5 / 105 x 5
        1 10:00:01  bid 94 x 1

        1 10:00:09  trade 100 x 9 BUY
        at 1 10:00:00: SELL 3 LIMIT 100
        at 1 10:00:01: BUY 2 LIMIT 101
        timer 1 10:00:02.5: REPLACE 0 QUANTITY 2          # under way when the venue takes 2 of the 3
        fill 1 10:00:09: SELL 2 @ 100 maker of 0
        order 0: FILLED quantity 2
        order 1: CANCELLED SELF_TRADE needs 2 allows 0
        """,
        both=True,
        venue=DECREMENT,
        latency={"entry_ns": 2_000_000_000, "response_ns": 1_000_000_000},
    )
