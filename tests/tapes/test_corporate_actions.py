"""Splits, dividends and delistings: on what is held, on what is working, and on what is under way."""

from __future__ import annotations

import pytest

from tests.tapes.drawing import draw

SEVEN_FOR_ONE = """
        1        700 705 695 700  1000
        2        700 707 693 700  1000
        3 00:00  SPLIT 7:1
        3        100 101  97.50  99  7000
        4         99 102  98  101  7000
"""


def test_split_of_a_position() -> None:
    draw(
        SEVEN_FOR_ONE
        + """
        at 1: BUY 10
        fill 2: BUY 10 @ 700 taker
        end: 70 X, 993000 USD, 1000070 equity          # 70 x 101 = 7,070
        """
    )


def test_limit_buy_working_across_a_split() -> None:
    draw(
        SEVEN_FOR_ONE
        + """
        at 2: BUY 10 LIMIT 693
        fill 3: BUY 70 @ 99 maker
        order 0: FILLED quantity 70 limit 99
        end: 70 X, 993070 USD
        """
    )


def test_stop_sell_working_across_a_split() -> None:
    draw(
        SEVEN_FOR_ONE
        + """
        at 1: BUY 10
        at 2: SELL 10 STOP 686
        fill 2: BUY 10 @ 700 taker
        fill 3: SELL 70 @ 98 taker
        order 1: FILLED quantity 70 stop 98
        end: 0 X, 999860 USD                           # bought for 7,000, sold for 6,860
        """
    )


def test_market_order_sent_before_a_split_fills_the_new_shares() -> None:
    draw(
        SEVEN_FOR_ONE
        + """
        at 2: BUY 10
        fill 3: BUY 70 @ 100 taker
        """
    )


def test_day_order_of_the_next_session_is_split_too() -> None:
    draw(
        SEVEN_FOR_ONE
        + """
        at 2: BUY 10 LIMIT 630 DAY
        order 0: EXPIRED DAY_OVER quantity 70 limit 90 done 3
        """
    )


def test_order_decided_after_the_split_is_meant_as_written() -> None:
    draw(
        SEVEN_FOR_ONE
        + """
        timer 3 00:00: BUY 70 LIMIT 99
        fill 3: BUY 70 @ 99 maker
        """
    )


@pytest.mark.parametrize(
    ("order", "restated"),
    [
        ("BUY 10 LIMIT 100", "limit 14.28"),  # 14.2857...: each price goes away from its fill
        ("SELL 10 LIMIT 1000", "limit 142.86"),  # 142.857...
        ("BUY 10 STOP 1000", "stop 142.86"),
        ("SELL 10 STOP 100", "stop 14.28"),
        ("BUY 10 STOP 1000 LIMIT 1100", "limit 157.14 stop 142.86"),  # 157.142...
        ("BUY 10 TOUCH 100", "stop 14.28"),
        ("SELL 10 TOUCH 1000", "stop 142.86"),
        ("BUY 10 TOUCH 100 LIMIT 110", "limit 15.71 stop 14.28"),  # 15.714...
    ],
)
def test_prices_of_a_split_order_are_rounded_away_from_its_fill(order: str, restated: str) -> None:
    draw(
        SEVEN_FOR_ONE
        + f"""
        at 2: {order}
        order 0: EXPIRED END_OF_DATA quantity 70 {restated}
        """,
        risk={"allow_short": True},
    )


def test_partly_filled_order_across_a_split() -> None:
    draw(
        """
        1        100 101  99 100  1000
        2        100 101  99 100   400         # 40 of 100
        3 00:00  SPLIT 2:1                     # 80 of 200
        3         50  51  49  50  9000

        at 1: BUY 100
        fill 2: BUY 40 @ 100 taker
        fill 3: BUY 120 @ 50 taker
        order 0: FILLED quantity 200
        end: 200 X, 990000 USD                 # 4,000 and 6,000
        """,
        costs={"max_participation": 0.1},
    )


def test_trailing_stop_across_a_split() -> None:
    draw(
        """
        1        700 705 695 700  1000
        2        700 707 693 700  1000
        3 00:00  SPLIT 7:1
        3        100 104 101 103  7000         # 14 became 2: trails to 102
        4        103 103 101 102  7000

        at 1: BUY 10
        at 2: SELL 10 TRAIL 14
        fill 2: BUY 10 @ 700 taker
        fill 4: SELL 70 @ 102 taker
        """
    )


def test_bracket_waiting_across_a_split() -> None:
    draw(
        """
        1        700 705 695 700  1000
        2        700 707 695 700  1000
        3 00:00  SPLIT 7:1
        3        100 101  98  99  7000
        4         99 111  98 110  7000

        at 1: BRACKET BUY 10 LIMIT 693 TARGET 770 LOSS 630
        fill 3: BUY 70 @ 99 maker
        fill 4: SELL 70 @ 110 maker of 1
        order 2: CANCELLED SIBLING_FILLED quantity 70 stop 90
        end: 0 X, 1000770 USD
        """
    )


def test_three_for_two_of_an_odd_position_pays_the_half_share() -> None:
    draw(
        """
        1         90  91  89  90  1000
        2         90  91  89  90  1000
        3 00:00  SPLIT 3:2
        3         60  61  59  60  1000

        at 1: BUY 5
        at 2: BUY 5 LIMIT 60
        fill 2: BUY 5 @ 90 taker
        order 1: EXPIRED END_OF_DATA quantity 7 limit 40       # 7.5 and 60 x 2/3
        end: 7 X, 999580 USD, 1000000 equity                   # 7.5 shares: half of one paid at 60
        """
    )


def test_reverse_split() -> None:
    draw(
        """
        1          9   9.50  8.50   9  1000
        2          9   9.50  8.50   9  1000
        3 00:00  SPLIT 1:10
        3         90   91   79   85    100

        at 1: BUY 25
        at 2: BUY 25 LIMIT 8
        fill 2: BUY 25 @ 9 taker
        fill 3: BUY 2 @ 80 maker
        order 1: FILLED quantity 2 limit 80
        end: 4 X, 999660 USD                                   # - 225, + half a share at 90, - 160
        """
    )


def test_reverse_split_to_nothing() -> None:
    draw(
        """
        1          9   9.50  8.50   9  1000
        2          9   9.50  8.50   9  1000
        3 00:00  SPLIT 1:10
        3         90   91   79   85    100
        4         90   91   79   85    100

        at 2: BUY 5 LIMIT 8
        at 3: BUY 1
        at 3: BUY 99999                        # the limits hold as before
        fill 4: BUY 1 @ 90 taker of 1
        order 0: CANCELLED SPLIT_TO_NOTHING quantity 0 done 2
        order 2: REFUSED INSUFFICIENT_CASH needs 8500000 allows 1000000
        """
    )


def test_reverse_split_of_a_partly_filled_order_that_leaves_nothing_to_do() -> None:
    draw(
        """
        1         10  10.50  9.50  10  1000
        2         10  10.50  9.50  10   100    # 10 of 15
        3 00:00  SPLIT 1:10                    # 1 of 1.5
        3        100 101     99   100  1000

        at 1: BUY 15
        fill 2: BUY 10 @ 10 taker
        order 0: CANCELLED SPLIT_TO_NOTHING filled 1
        end: 1 X, 999900 USD
        """,
        costs={"max_participation": 0.1},
    )


def test_split_of_a_short() -> None:
    draw(
        """
        1        100 101  99 100  1000
        2        100 101  99 100  1000
        3 00:00  SPLIT 2:1
        3         50  51  49  50  1000

        at 1: SELL 10
        at 2: BUY 10 STOP 101
        fill 2: SELL 10 @ 100 taker
        fill 3: BUY 20 @ 50.50 taker
        end: 0 X, 999990 USD                   # sold for 1,000, bought back for 1,010
        """,
        risk={"allow_short": True},
    )


DIVIDEND = """
        1        100 101  99 100  1000
        2        100 101  99 100  1000
        3 00:00  DIVIDEND 0.50
        3         99.50 100.20  98.20  99.50  1000
"""


@pytest.mark.parametrize(
    ("order", "restated"),
    [
        ("BUY 10 LIMIT 98", "limit 97.50"),
        ("BUY 10 LIMIT 98 GTD 9", "limit 97.50"),
        ("SELL 10 STOP 95", "stop 94.50"),
        ("SELL 10 STOP 95 LIMIT 94", "limit 93.50 stop 94.50"),
        ("SELL 10 LIMIT 105", "limit 105"),
        ("BUY 10 STOP 105", "stop 105"),
        ("BUY 10 STOP 105 LIMIT 106", "limit 106 stop 105"),
    ],
)
def test_dividend_lowers_open_buy_limits_and_sell_stops(order: str, restated: str) -> None:
    draw(
        DIVIDEND
        + f"""
        at 2: {order}
        order 0: EXPIRED END_OF_DATA quantity 10 {restated}
        """,
        risk={"allow_short": True},
    )


def test_dividend_leaves_day_orders_as_they_are() -> None:
    draw(
        DIVIDEND
        + """
        at 2: BUY 10 LIMIT 98 DAY
        order 0: EXPIRED DAY_OVER limit 98
        """
    )


def test_lowered_limit_is_the_one_that_fills() -> None:
    draw(
        DIVIDEND
        + """
        at 2: BUY 10 LIMIT 99
        fill 3: BUY 10 @ 98.50 maker
        """
    )


def test_dividend_finer_than_a_tick_is_rounded_up() -> None:
    draw(
        """
        1        100 101  99 100  1000
        2        100 101  99 100  1000
        3 00:00  DIVIDEND 0.505
        3         99 100  98.50  99  1000

        at 2: BUY 10 LIMIT 98
        order 0: EXPIRED END_OF_DATA limit 97.49
        """
    )


def test_long_position_is_paid_the_dividend() -> None:
    draw(
        DIVIDEND
        + """
        at 1: BUY 100
        fill 2: BUY 100 @ 100 taker
        end: 100 X, 990050 USD, 1000000 equity         # - 10,000 + 50; marked at 99.50
        """
    )


def test_short_position_pays_the_dividend() -> None:
    result = draw(
        DIVIDEND
        + """
        at 1: SELL 100
        fill 2: SELL 100 @ 100 taker
        end: -100 X, 1009950 USD, 1000000 equity
        """,
        risk={"allow_short": True},
    )
    assert result.income["dividends"] == -50.0


def test_bought_on_the_ex_date_gets_no_dividend() -> None:
    draw(
        DIVIDEND
        + """
        at 2: BUY 100
        fill 3: BUY 100 @ 99.50 taker
        end: 100 X, 990050 USD
        """
    )


def test_sold_at_the_open_of_the_ex_date_still_gets_it() -> None:
    draw(
        DIVIDEND
        + """
        at 1: BUY 100
        at 2: SELL 100
        fill 2: BUY 100 @ 100 taker
        fill 3: SELL 100 @ 99.50 taker
        end: 0 X, 1000000 USD
        """
    )


def test_dividend_and_split_on_one_day() -> None:
    # The split comes first, so the dividend is per new share: 20 x 0.50.
    draw(
        """
        1        100 101  99 100  1000
        2        100 101  99 100  1000
        3 00:00  DIVIDEND 0.50
        3 00:00  SPLIT 2:1
        3         50  51  49  50  1000

        at 1: BUY 10
        at 2: BUY 10 LIMIT 90
        fill 2: BUY 10 @ 100 taker
        order 1: EXPIRED END_OF_DATA quantity 20 limit 44.50
        end: 20 X, 999010 USD
        """
    )


DELISTING = """
        instrument A
        instrument B
        1        A  100 101  99 100  1000
        1        B  100 101  99 100  1000
        2        A  100 101  99 100  1000
        2        B  100 101  99 100  1000
        3 00:00  A  DELIST 12.50
        3        B  100 101  99 100  1000
        4        B  100 101  99 100  1000
"""


def test_delisting_pays_out_what_is_held() -> None:
    draw(
        DELISTING
        + """
        at 1: BUY 100 A
        fill 2: BUY 100 A @ 100 taker
        end: 0 A, 991250 USD                   # - 10,000 + 1,250
        """
    )


def test_delisting_of_a_short() -> None:
    draw(
        DELISTING
        + """
        at 1: SELL 100 A
        fill 2: SELL 100 A @ 100 taker
        end: 0 A, 1008750 USD
        """,
        risk={"allow_short": True},
    )


def test_delisting_ends_what_is_working_in_it_and_nothing_else() -> None:
    draw(
        DELISTING
        + """
        at 2: BUY 10 A
        at 2: BRACKET BUY 10 A LIMIT 50 TARGET 60 LOSS 40
        at 2: BUY 10 B
        fill 3: BUY 10 B @ 100 taker of 4
        order 0: CANCELLED DELISTED done 2
        order 1: CANCELLED DELISTED
        order 2: CANCELLED PARENT_ENDED
        order 3: CANCELLED PARENT_ENDED
        """
    )


def test_delisted_is_not_tradable() -> None:
    draw(
        DELISTING
        + """
        at 3: BUY 10 A
        order 0: REFUSED NOT_TRADABLE needs 10 allows 0
        """
    )


def test_order_that_reaches_the_venue_after_the_delisting_is_ended_by_it() -> None:
    draw(
        DELISTING
        + """
        at 2: BUY 10 A
        order 0: CANCELLED DELISTED
        """,
        latency={"entry_ns": 1_000_000, "response_ns": 1_000_000},
    )


def test_fill_under_way_back_when_the_shares_split() -> None:
    draw(
        SEVEN_FOR_ONE
        + """
        at 1: BUY 10
        fill 2: BUY 10 @ 700 taker             # its report is under way when the split comes
        end: 70 X, 993000 USD
        """,
        latency={"response_ns": 1_000_000},
    )


def test_order_under_way_to_the_venue_when_the_shares_split() -> None:
    draw(
        SEVEN_FOR_ONE
        + """
        at 2: BUY 10 LIMIT 693                 # arrives a millisecond into bar 3: bar 4 is its first
        fill 4: BUY 70 @ 99 taker
        order 0: FILLED quantity 70 limit 99
        """,
        latency={"entry_ns": 1_000_000},
        costs={"limit_fill": "touch"},
    )


def test_fill_under_way_back_at_the_ex_date_has_earned_the_dividend() -> None:
    draw(
        DIVIDEND
        + """
        at 1: BUY 100
        fill 2: BUY 100 @ 100 taker
        end: 100 X, 990050 USD
        """,
        latency={"response_ns": 1_000_000},
    )


def test_exits_let_go_by_a_report_under_way_when_the_shares_split() -> None:
    draw(
        """
        1        700 705 695 700  1000
        2        700 707 690 700  1000
        3 00:00  SPLIT 7:1
        3        100 101  98  99  7000
        4         99 111  98 110  7000
        5        110 111 109 110  7000         # the report of the last fill needs something after it

        at 1: BRACKET BUY 10 LIMIT 693 TARGET 770 LOSS 630
        fill 2: BUY 10 @ 693 maker
        fill 4: SELL 70 @ 110 maker of 1
        order 2: CANCELLED SIBLING_FILLED quantity 70 stop 90
        end: 0 X, 1000770 USD
        """,
        latency={"response_ns": 1_000_000},
    )
