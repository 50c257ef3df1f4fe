"""Orders and sessions: day orders, dates, auctions, holidays, halts, and decisions in the middle of a bar."""

from __future__ import annotations

import pytest

from tests.tapes.drawing import draw

NEW_YORK = """
        clock 2024-07-01 America/New_York 16:00        # Monday; Wednesday 3 closes at 13:00, Thursday 4 is a holiday
        instrument X calendar XNYS
        1        100 101  99 100  1000
        2        101 102 100 101  1000
        3 13:00  102 103 101 102  1000
        5        103 104 102 103  1000
        8        104 105 103 104  1000
"""


def test_order_on_a_holiday_fills_at_the_next_sessions_open() -> None:
    draw(
        NEW_YORK
        + """
        at 4 12:00: BUY 100
        fill 5: BUY 100 @ 103 taker
        """
    )


def test_day_order_on_a_holiday_works_through_the_next_session() -> None:
    draw(
        NEW_YORK
        + """
        at 4 12:00: BUY 100 LIMIT 90 DAY
        order 0: EXPIRED DAY_OVER done 5
        """
    )


def test_day_order_decided_at_an_early_close_skips_the_holiday() -> None:
    draw(
        NEW_YORK
        + """
        at 3 13:00: BUY 100 LIMIT 102.50 DAY
        fill 5: BUY 100 @ 102.50 maker
        """
    )


def test_day_order_ends_with_an_early_close() -> None:
    draw(
        NEW_YORK
        + """
        at 2: BUY 100 LIMIT 90 DAY
        order 0: EXPIRED DAY_OVER done 3 13:00
        """
    )


def test_order_on_a_weekend() -> None:
    draw(
        NEW_YORK
        + """
        at 6 10:00: BUY 100
        fill 8: BUY 100 @ 104 taker
        """
    )


def test_a_bar_while_the_market_is_closed_fills_nothing() -> None:
    draw(
        """
        clock 2024-07-01 America/New_York 16:00
        instrument X calendar XNYS
        2        101 102 100 101  1000
        3 13:00  102 103 101 102  1000
        4         90  91  89  90  1000         # no such session
        5        103 104 102 103  1000

        at 3 13:00: BUY 100 LIMIT 95
        order 0: EXPIRED END_OF_DATA
        """
    )


def test_order_decided_in_the_middle_of_a_session_misses_its_open() -> None:
    draw(
        NEW_YORK
        + """
        at 2 12:00: BUY 100                    # the bar of day 2 began at 09:30
        fill 3 13:00: BUY 100 @ 102 taker
        """
    )


def test_day_order_decided_in_the_middle_of_a_daily_bar_never_sees_one() -> None:
    draw(
        NEW_YORK
        + """
        at 2 12:00: BUY 100 DAY
        order 0: EXPIRED DAY_OVER done 2
        """
    )


def test_order_decided_before_the_open_fills_at_it() -> None:
    draw(
        NEW_YORK
        + """
        at 2 09:00: BUY 100
        fill 2: BUY 100 @ 101 taker
        """
    )


def test_day_order_lives_one_session_and_gtc_the_next_too() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  99 100  1000
        3  100 101  97  98  1000

        at 1: BUY 100 LIMIT 98 DAY
        at 1: BUY 100 LIMIT 98 GTC
        fill 3: BUY 100 @ 98 maker of 1
        order 0: EXPIRED DAY_OVER done 2
        """,
        both=True,
    )


def test_partly_filled_day_order_loses_its_rest() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  99 100   400
        3  100 101  99 100  9000

        at 1: BUY 100 DAY
        fill 2: BUY 40 @ 100 taker
        order 0: EXPIRED DAY_OVER filled 40 done 2
        """,
        both=True,
        costs={"max_participation": 0.1},
    )


def test_day_orders_end_with_their_own_exchanges_session() -> None:
    draw(
        """
        clock 2024-07-01 UTC 20:00
        instrument LON calendar XLON           # 07:00 to 15:30 UTC in summer
        instrument NYC calendar XNYS           # 13:30 to 20:00
        1 15:30  LON  10  11   9  10  1000
        1        NYC 100 101  99 100  1000
        2 15:30  LON  10  11   9  10  1000
        2        NYC 100 101  99 100  1000

        at 1 22:00: BUY 10 LON LIMIT 5 DAY
        at 1 22:00: BUY 10 NYC LIMIT 50 DAY
        order 0: EXPIRED DAY_OVER done 2 15:30
        order 1: EXPIRED DAY_OVER done 2
        """
    )


def test_where_each_bar_is_a_session_a_day_order_lives_one_bar() -> None:
    draw(
        """
        instrument X calendar bars
        7   100 101  99 100  1000              # weekly
        14  100 101  99 100  1000
        21  100 101  97  98  1000

        at 7: BUY 100 LIMIT 98 DAY
        order 0: EXPIRED DAY_OVER done 14
        """,
        both=True,
    )


def test_good_till_date_is_good_through_its_date() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  99 100  1000
        3  100 101  97  98  1000               # the bar that ends on the date

        at 1: BUY 100 LIMIT 98 GTD 3
        fill 3: BUY 100 @ 98 maker
        """,
        both=True,
    )


def test_good_till_date_ends_after_its_date() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  99 100  1000
        3  100 101  97  98  1000

        at 1: BUY 100 LIMIT 98 GTD 2
        order 0: EXPIRED DATE_REACHED done 2
        """,
        both=True,
    )


def test_good_till_a_time_inside_a_bar_gets_nothing_of_that_bar() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2   97  98  96  97  1000               # what of it was before noon is not known

        at 1: BUY 100 LIMIT 98 GTD 2 12:00
        order 0: EXPIRED DATE_REACHED done 2 12:00
        """,
        both=True,
    )


DAY_IN_FOUR = """
        1       100 101  99 100  1000
        2 06:00 101 102 100 101  1000
        2 12:00 102 103 101 102  1000
        2 18:00 103 104 102 103  1000
        2       104 105 103 104  1000
        3 06:00 105 106 104 105  1000
        3       106 107 105 106  1000
"""


def test_market_at_the_open() -> None:
    draw(
        DAY_IN_FOUR
        + """
        at 1: BUY 100 AT_OPEN
        fill 2 06:00: BUY 100 @ 101 taker
        """,
        both=True,
    )


def test_at_the_open_decided_after_it_waits_for_the_next() -> None:
    draw(
        DAY_IN_FOUR
        + """
        at 2 06:00: BUY 100 AT_OPEN
        fill 3 06:00: BUY 100 @ 105 taker
        """,
        both=True,
    )


def test_limit_at_the_open_pays_the_open() -> None:
    draw(
        DAY_IN_FOUR
        + """
        at 1: BUY 100 LIMIT 101.50 AT_OPEN
        fill 2 06:00: BUY 100 @ 101 taker
        """,
        both=True,
    )


def test_limit_at_the_open_looks_at_nothing_but_the_open() -> None:
    draw(
        DAY_IN_FOUR
        + """
        at 1: BUY 100 LIMIT 100.50 AT_OPEN     # the first bar falls to 100 after it opened at 101
        order 0: EXPIRED MISSED_OPEN done 2 06:00
        """,
        both=True,
    )


def test_at_the_open_misses_an_opening_that_is_halted() -> None:
    draw(
        """
        1        100 101  99 100  1000
        2 00:00  HALT
        2 06:00  101 102 100 101  1000
        2 08:00  RESUME
        2 12:00  102 103 101 102  1000
        2        103 104 102 103  1000

        at 1: BUY 100 AT_OPEN
        order 0: EXPIRED MISSED_OPEN done 2
        """,
        both=True,
    )


def test_at_the_open_takes_its_share_of_the_volume_and_ends() -> None:
    draw(
        """
        1        100 101  99 100  1000
        2 06:00  101 102 100 101   400
        2        102 103 101 102  9000

        at 1: BUY 100 AT_OPEN
        fill 2 06:00: BUY 40 @ 101 taker
        order 0: EXPIRED MISSED_OPEN filled 40
        """,
        both=True,
        costs={"max_participation": 0.1},
    )


def test_market_at_the_close() -> None:
    draw(
        DAY_IN_FOUR
        + """
        at 1: BUY 100 AT_CLOSE
        fill 2: BUY 100 @ 104 taker            # the close of the last bar of day 2
        """,
        both=True,
    )


def test_at_the_close_can_be_decided_during_the_day() -> None:
    draw(
        DAY_IN_FOUR
        + """
        at 2 18:00: BUY 100 AT_CLOSE
        fill 2: BUY 100 @ 104 taker
        """,
        both=True,
    )


def test_at_the_close_decided_inside_a_daily_bar_fills_at_its_close() -> None:
    draw(
        NEW_YORK
        + """
        at 2 15:50: BUY 100 AT_CLOSE
        fill 2: BUY 100 @ 101 taker
        """
    )


def test_at_the_close_decided_on_the_close_waits_a_day() -> None:
    draw(
        DAY_IN_FOUR
        + """
        at 2: BUY 100 AT_CLOSE
        fill 3: BUY 100 @ 106 taker
        """,
        both=True,
    )


@pytest.mark.parametrize(("limit", "outcome"), [("104.50", "FILLED"), ("103.50", "EXPIRED MISSED_CLOSE done 2")])
def test_limit_at_the_close(limit: str, outcome: str) -> None:
    draw(
        DAY_IN_FOUR
        + f"""
        at 1: BUY 100 LIMIT {limit} AT_CLOSE
        {"fill 2: BUY 100 @ 104 taker" if outcome == "FILLED" else ""}
        order 0: {outcome}
        """,
        both=True,
    )


def test_at_the_close_misses_a_close_that_is_halted() -> None:
    draw(
        """
        1        100 101  99 100  1000
        2 12:00  101 102 100 101  1000
        2 13:00  HALT
        2        102 103 101 102  1000
        3 06:00  RESUME
        3        103 104 102 103  1000

        at 1: BUY 100 AT_CLOSE
        order 0: EXPIRED MISSED_CLOSE done 2
        """,
        both=True,
    )


def test_at_the_close_takes_what_volume_the_bars_other_orders_left() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  101 102 100 101   500               # 50: 30 at the open, 20 at the close
        3  102 103 101 102  9000

        at 1: BUY 100 AT_CLOSE
        at 1: BUY 30
        fill 2: BUY 30 @ 101 taker of 1
        fill 2: BUY 20 @ 101 taker of 0
        order 0: EXPIRED MISSED_CLOSE filled 20
        """,
        both=True,
        costs={"max_participation": 0.1},
    )


def test_halt_and_resume() -> None:
    draw(
        """
        1        100 101  99 100  1000
        2 00:00  HALT
        2        101 102  90 101  1000         # an indication, not a market
        3 00:00  RESUME
        3        103 104 102 103  1000

        at 1: BUY 100
        at 1: BUY 100 LIMIT 95
        fill 3: BUY 100 @ 103 taker of 0
        order 1: EXPIRED END_OF_DATA
        """,
        both=True,
    )


def test_order_sent_during_a_halt_works_when_trading_resumes() -> None:
    draw(
        """
        1        100 101  99 100  1000
        2 00:00  HALT
        2        100 100 100 100     0
        3 00:00  RESUME
        3        103 104 102 103  1000

        at 2: BUY 100
        fill 3: BUY 100 @ 103 taker
        """,
        both=True,
    )


def test_halt_of_one_instrument_leaves_the_other_trading() -> None:
    draw(
        """
        instrument A
        instrument B
        1        A  100 101  99 100  1000
        1        B  100 101  99 100  1000
        2 00:00  A  HALT
        2        A  101 102 100 101  1000
        2        B  101 102 100 101  1000

        at 1: BUY 10 A DAY
        at 1: BUY 10 B DAY
        fill 2: BUY 10 B @ 101 taker
        order 0: EXPIRED DAY_OVER
        """
    )


def test_a_timer_after_the_close_is_in_time_for_the_next_open() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  101 102 100 101  1000

        timer 1: BUY 100
        fill 2: BUY 100 @ 101 taker
        """,
        both=True,
    )


def test_latency_turns_the_open_into_a_missed_one() -> None:
    draw(
        NEW_YORK
        + """
        at 2 09:30: BUY 100 AT_OPEN            # arrives a millisecond after the open of day 2
        fill 3 13:00: BUY 100 @ 102 taker
        """,
        latency={"entry_ns": 1_000_000},
    )


def test_a_close_to_close_decision_survives_latency_where_the_market_sleeps() -> None:
    draw(
        NEW_YORK
        + """
        at 1: BUY 100
        fill 2: BUY 100 @ 101 taker
        """,
        latency={"entry_ns": 1_000_000, "response_ns": 1_000_000},
    )
