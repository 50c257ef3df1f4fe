"""Orders against books told by level: taking, resting, the line ahead, what is taken stays taken, unknown books."""

from __future__ import annotations

import pytest

from tests.tapes.drawing import draw

POWER = {"queue": "power"}


def test_a_market_order_takes_level_by_level_from_the_book_after_the_next_message() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 4, 102 x 3, 104 x 9
        1 10:00:01  bid 98 x 1
        at 1 10:00:00: BUY 8
        fill 1 10:00:01: BUY 4 @ 101 taker
        fill 1 10:00:01: BUY 3 @ 102 taker
        fill 1 10:00:01: BUY 1 @ 104 taker
        end: 8 X, 999186 USD
        """
    )


def test_with_take_at_arrival_it_takes_from_the_standing_book() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 4, 102 x 3
        1 10:00:09  bid 98 x 1
        at 1 10:00:00: BUY 5
        fill 1 10:00:01: BUY 4 @ 101 taker
        fill 1 10:00:01: BUY 1 @ 102 taker
        """,
        both=True,
        costs={"take": "arrival"},
        latency={"entry_ns": 1_000_000_000},
    )


def test_what_was_taken_is_gone_until_its_level_is_told_anew() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 4, 103 x 9
        1 10:00:01  bid 98 x 1
        1 10:00:02  bid 98 x 2
        1 10:00:03  ask 101 x 2
        1 10:00:04  bid 98 x 3
        at 1 10:00:00: BUY 3
        at 1 10:00:01: BUY 3
        at 1 10:00:03: BUY 2
        fill 1 10:00:01: BUY 3 @ 101 taker of 0
        fill 1 10:00:02: BUY 1 @ 101 taker of 1
        fill 1 10:00:02: BUY 2 @ 103 taker of 1
        fill 1 10:00:04: BUY 2 @ 101 taker of 2
        """,
        both=True,
    )


def test_two_orders_never_fill_on_the_same_lots() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 4
        1 10:00:01  bid 98 x 1
        at 1 10:00:00: BUY 3
        at 1 10:00:00: BUY 3
        fill 1 10:00:01: BUY 3 @ 101 taker of 0
        fill 1 10:00:01: BUY 1 @ 101 taker of 1
        order 1: EXPIRED END_OF_DATA filled 1
        """,
        both=True,
    )


def test_a_marketable_limit_takes_what_it_may_and_rests_with_the_rest() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 4, 102 x 3
        1 10:00:01  bid 98 x 1
        1 10:00:02  ask 101 x 0
        1 10:00:03  trade 101 x 2 SELL
        at 1 10:00:00: BUY 6 LIMIT 101
        fill 1 10:00:01: BUY 4 @ 101 taker
        fill 1 10:00:03: BUY 2 @ 101 maker
        """,
        both=True,
    )


def test_the_line_ahead_is_served_first() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 4
        1 10:00:01  trade 99 x 3 SELL
        1 10:00:02  trade 99 x 2 SELL
        1 10:00:03  trade 99 x 1 SELL
        1 10:00:04  trade 99 x 9 SELL
        at 1 10:00:00: BUY 2 LIMIT 99
        fill 1 10:00:03: BUY 1 @ 99 maker
        fill 1 10:00:04: BUY 1 @ 99 maker
        """,
        both=True,
    )


def test_a_trade_that_goes_through_fills_without_a_line() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 4
        1 10:00:01  trade 98 x 3 SELL
        at 1 10:00:00: BUY 5 LIMIT 99
        fill 1 10:00:01: BUY 3 @ 99 maker
        order 0: EXPIRED END_OF_DATA filled 3
        """,
        both=True,
    )


def test_a_trade_fills_the_better_price_first_whoever_came_first() -> None:
    draw(
        """
        1 10:00:00  book 97 x 5 / 103 x 4
        1 10:00:01  trade 98 x 3 SELL
        at 1 10:00:00: BUY 2 LIMIT 99
        at 1 10:00:00: BUY 2 LIMIT 100
        fill 1 10:00:01: BUY 2 @ 100 maker of 1
        fill 1 10:00:01: BUY 1 @ 99 maker of 0
        order 0: EXPIRED END_OF_DATA filled 1
        """,
        both=True,
    )


def test_a_trade_of_the_other_side_fills_nothing() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 4
        1 10:00:01  trade 98 x 3 BUY
        at 1 10:00:00: BUY 5 LIMIT 99
        order 0: EXPIRED END_OF_DATA
        """,
        both=True,
    )


def test_the_taker_of_an_unsigned_trade_is_told_by_the_book() -> None:
    draw(
        """
        1 10:00:00  book 99 x 1 / 101 x 1
        1 10:00:01  trade 99 x 3
        at 1 10:00:00: BUY 1 LIMIT 99
        at 1 10:00:00: SELL 1 LIMIT 101
        fill 1 10:00:01: BUY 1 @ 99 maker
        order 1: EXPIRED END_OF_DATA
        """,
        risk={"allow_short": True},
    )


def test_pessimistic_cancels_are_behind_us_until_nothing_else_is_left() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 4
        1 10:00:01  bid 99 x 9
        1 10:00:02  bid 99 x 5         # four left, all behind
        1 10:00:03  trade 99 x 4 SELL
        1 10:00:04  bid 99 x 1         # what the trade took
        1 10:00:05  trade 99 x 1 SELL
        1 10:00:06  trade 99 x 1 SELL
        at 1 10:00:00: BUY 1 LIMIT 99
        fill 1 10:00:06: BUY 1 @ 99 maker
        """,
        both=True,
    )


def test_a_level_cannot_hold_less_than_what_is_ahead() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 4
        1 10:00:01  bid 99 x 2         # three of the five ahead have left
        1 10:00:02  trade 99 x 3 SELL
        at 1 10:00:00: BUY 1 LIMIT 99
        fill 1 10:00:02: BUY 1 @ 99 maker
        """,
        both=True,
    )


def test_proportional_cancels_leave_on_both_sides_of_us() -> None:
    # 4 ahead and 4 behind; 4 leave, half of them ahead: 2 are ahead
    draw(
        """
        1 10:00:00  book 99 x 4 / 101 x 4
        1 10:00:01  bid 99 x 8
        1 10:00:02  bid 99 x 4
        1 10:00:03  trade 99 x 2 SELL
        1 10:00:04  trade 99 x 1 SELL
        at 1 10:00:00: BUY 1 LIMIT 99
        fill 1 10:00:04: BUY 1 @ 99 maker
        """,
        both=True,
        costs=POWER,
    )


def test_the_update_of_a_trades_level_is_not_a_cancel() -> None:
    draw(
        """
        1 10:00:00  book 99 x 4 / 101 x 4
        1 10:00:01  bid 99 x 8
        1 10:00:02  trade 99 x 2 SELL
        1 10:00:03  bid 99 x 6         # the trade's own two: 2 are ahead as before
        1 10:00:04  trade 99 x 2 SELL
        1 10:00:05  trade 99 x 1 SELL
        at 1 10:00:00: BUY 1 LIMIT 99
        fill 1 10:00:05: BUY 1 @ 99 maker
        """,
        both=True,
        costs=POWER,
    )


def test_an_offer_that_comes_to_our_bid_fills_it_up_to_its_size() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 4
        1 10:00:01  ask 99 x 2, bid 99 x 0
        at 1 10:00:00: BUY 3 LIMIT 99
        fill 1 10:00:01: BUY 2 @ 99 maker
        order 0: EXPIRED END_OF_DATA filled 2
        """,
        both=True,
    )


def test_inside_a_message_nothing_fills() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 4
        1 10:00:01  ask 98 x 2, ask 98 x 0, bid 99 x 4
        at 1 10:00:00: BUY 3 LIMIT 99
        order 0: EXPIRED END_OF_DATA
        """,
        both=True,
    )


def test_while_the_book_is_unknown_nothing_fills_and_then_we_are_at_the_back() -> None:
    draw(
        """
        1 10:00:00  book 99 x 1 / 101 x 4
        1 10:00:01  GAP
        1 10:00:02  trade 99 x 9 SELL
        1 10:00:03  book 99 x 5 / 101 x 4
        1 10:00:04  trade 99 x 5 SELL
        1 10:00:05  trade 99 x 1 SELL
        at 1 10:00:00: BUY 1 LIMIT 99
        at 1 10:00:00: BUY 1
        fill 1 10:00:03: BUY 1 @ 101 taker of 1
        fill 1 10:00:05: BUY 1 @ 99 maker of 0
        """,
        both=True,
    )


def test_before_the_first_snapshot_nothing_is_known_unless_books_start_empty() -> None:
    text = """
        1 09:59:00  99 x 5 / 101 x 5
        1 10:00:00  ask 101 x 4
        1 10:00:01  bid 98 x 1
        at 1 10:00:00: BUY 1
    """
    draw(text + "order 0: EXPIRED END_OF_DATA")
    draw(text + "fill 1 10:00:01: BUY 1 @ 101 taker", costs={"book_start": "empty"})


def test_immediate_or_cancel_takes_and_ends() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 4, 102 x 9
        1 10:00:01  bid 98 x 1
        at 1 10:00:00: BUY 6 LIMIT 101 IOC
        at 1 10:00:00: BUY 6 LIMIT 100 IOC
        fill 1 10:00:01: BUY 4 @ 101 taker of 0
        order 0: CANCELLED IOC_REMAINDER filled 4
        order 1: CANCELLED IOC_REMAINDER
        """,
        both=True,
    )


def test_fill_or_kill_takes_all_levels_or_none() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 4, 102 x 9
        1 10:00:01  bid 98 x 1
        at 1 10:00:00: BUY 6 LIMIT 101 FOK
        at 1 10:00:00: BUY 6 LIMIT 102 FOK
        fill 1 10:00:01: BUY 4 @ 101 taker of 1
        fill 1 10:00:01: BUY 2 @ 102 taker of 1
        order 0: CANCELLED FOK_NOT_FILLABLE
        """,
        both=True,
    )


def test_a_stop_triggers_on_the_opposite_side_and_takes() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 4
        1 10:00:01  ask 101 x 0, ask 102 x 4
        1 10:00:02  ask 102 x 0, ask 103 x 4
        at 1 10:00:00: BUY 2 STOP 103
        fill 1 10:00:02: BUY 2 @ 103 taker
        """,
        both=True,
    )


def test_a_trailing_stop_follows_the_opposite_side() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 4
        1 10:00:01  ask 99.5 x 4, bid 98 x 5, bid 99 x 0     # the stop trails from 103 to 101.50
        1 10:00:02  ask 99.5 x 0, ask 101 x 1
        1 10:00:03  ask 101 x 0, ask 101.5 x 4
        at 1 10:00:00: BUY 2 STOP 103 TRAIL 2
        fill 1 10:00:03: BUY 2 @ 101.5 taker
        """,
        both=True,
    )


def test_a_triggered_stop_limit_rests_in_a_line_of_its_own() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5, 100 x 3 / 101 x 4
        1 10:00:01  ask 101 x 0, ask 102 x 4, bid 101 x 3
        1 10:00:02  trade 101 x 4 SELL
        at 1 10:00:00: BUY 2 STOP 102 LIMIT 101
        fill 1 10:00:02: BUY 1 @ 101 maker
        order 0: EXPIRED END_OF_DATA filled 1
        """,
        both=True,
    )


def test_a_replace_at_the_same_price_for_less_keeps_the_place() -> None:
    draw(
        """
        1 10:00:00  book 99 x 2 / 101 x 4
        1 10:00:01  bid 99 x 6
        1 10:00:02  trade 99 x 3 SELL
        at 1 10:00:00: BUY 3 LIMIT 99
        at 1 10:00:01: REPLACE 0 QUANTITY 1
        fill 1 10:00:02: BUY 1 @ 99 maker
        """,
        both=True,
    )


def test_a_replace_for_more_goes_to_the_back() -> None:
    draw(
        """
        1 10:00:00  book 99 x 2 / 101 x 4
        1 10:00:01  bid 99 x 6
        1 10:00:02  trade 99 x 6 SELL
        1 10:00:03  trade 99 x 2 SELL
        at 1 10:00:00: BUY 1 LIMIT 99
        at 1 10:00:01: REPLACE 0 QUANTITY 2
        fill 1 10:00:03: BUY 2 @ 99 maker
        """,
        both=True,
    )


def test_halted_nothing_fills_but_the_line_moves() -> None:
    draw(
        """
        1 10:00:00  book 99 x 2 / 101 x 4
        1 10:00:01  HALT
        1 10:00:02  trade 99 x 9 SELL
        1 10:00:03  bid 99 x 1
        1 10:00:04  RESUME
        1 10:00:05  trade 99 x 2 SELL
        at 1 10:00:00: BUY 1 LIMIT 99
        fill 1 10:00:05: BUY 1 @ 99 maker
        """,
        both=True,
    )


def test_an_order_without_cash_is_cut_at_the_fill() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 40
        1 10:00:01  ask 101 x 0, ask 150 x 40
        at 1 10:00:00: BUY 9
        fill 1 10:00:01: BUY 6 @ 150 taker
        order 0: CANCELLED NO_CASH_AT_FILL filled 6 needs 9 allows 6
        """,
        cash=1000,
    )


def test_after_a_split_the_book_is_unknown_until_its_next_snapshot() -> None:
    draw(
        """
        1 10:00:00  book 98 x 5 / 100 x 4
        1 10:00:01  SPLIT 2:1
        1 10:00:02  bid 49 x 1              # no snapshot yet: the offer at 100 is of other shares
        1 10:00:03  book 49 x 5 / 50 x 4
        at 1 10:00:00: BUY 1
        fill 1 10:00:03: BUY 2 @ 50 taker
        """
    )


@pytest.mark.parametrize("other", ["BUY 1 LIMIT 90", None])
def test_a_reduce_only_order_meets_a_message_once_whoever_stands_beside_it(other: str | None) -> None:
    """It has sold what is held; the rest waits for the next message, at which there is nothing left to reduce."""
    draw(
        f"""
        1 10:00:00  book 99 x 50 / 101 x 50
        1 10:00:01  bid 98 x 1
        1 10:00:02  bid 98 x 2
        1 10:00:03  bid 98 x 3
        at 1 10:00:00: BUY 5
        at 1 10:00:01: SELL 9 REDUCE_ONLY
        {"at 1 10:00:01: " + other if other else ""}
        fill 1 10:00:01: BUY 5 @ 101 taker
        fill 1 10:00:02: SELL 5 @ 99 taker
        order 1: CANCELLED REDUCE_ONLY filled 5 needs 4 allows 0 done 1 10:00:03
        {"order 2: EXPIRED END_OF_DATA" if other else ""}
        """
    )


def test_the_first_in_the_line_does_nothing_either_when_a_member_of_its_group_has_filled() -> None:
    draw(
        """
        1 10:00:00  book 99 x 50 / 101 x 50
        1 10:00:01  book 89 x 2 / 91 x 50
        1 10:00:02  bid 88 x 1

        at 1 10:00:00: SELL 5 LIMIT 95 IOC GROUP 0
        at 1 10:00:00: SELL 5 STOP 92 GROUP 0
        fill 1 10:00:01: SELL 2 @ 89 taker
        fill 1 10:00:02: SELL 1 @ 88 taker
        order 0: EXPIRED END_OF_DATA quantity 2       # its first chance is still to come
        order 1: EXPIRED END_OF_DATA filled 3
        """,
        risk={"allow_short": True},
    )
