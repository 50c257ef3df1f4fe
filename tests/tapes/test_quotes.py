"""Orders against quotes: fresh quotes only, displayed size only, and who makes and who takes."""

from __future__ import annotations

from tests.tapes.drawing import draw


def test_market_order_takes_the_next_quote_and_not_the_one_it_saw() -> None:
    draw(
        """
        1 10:00  99 x 500 / 101 x 500
        1 10:01  98 x 500 / 102 x 500

        at 1 10:00: BUY 100
        fill 1 10:01: BUY 100 @ 102 taker
        """,
        both=True,
    )


def test_no_quote_after_the_order_no_fill() -> None:
    draw(
        """
        1 10:00  99 x 500 / 101 x 500

        at 1 10:00: BUY 100
        order 0: EXPIRED END_OF_DATA
        """,
        both=True,
    )


def test_quote_of_the_very_stamp_of_arrival_is_not_fresh() -> None:
    draw(
        """
        1 10:00:00  99 x 500 / 101 x 500
        1 10:00:01  98 x 500 / 102 x 500       # the order arrives at this stamp
        1 10:00:02  97 x 500 / 103 x 500

        at 1 10:00:00: BUY 100
        fill 1 10:00:02: BUY 100 @ 103 taker
        """,
        both=True,
        latency={"entry_ns": 1_000_000_000},
    )


def test_an_order_takes_the_displayed_size_and_waits_for_more() -> None:
    draw(
        """
        1 10:00  99 x 500 / 101 x 500
        1 10:01  99 x 500 / 101 x 60
        1 10:02  99 x 500 / 102 x 500

        at 1 10:00: BUY 100
        fill 1 10:01: BUY 60 @ 101 taker
        fill 1 10:02: BUY 40 @ 102 taker
        """,
        both=True,
    )


def test_what_the_first_order_took_is_gone_for_the_second() -> None:
    draw(
        """
        1 10:00  99 x 500 / 101 x 500
        1 10:01  99 x 500 / 101 x 150
        1 10:02  99 x 500 / 102 x 150

        at 1 10:00: BUY 100
        at 1 10:00: BUY 100
        fill 1 10:01: BUY 100 @ 101 taker of 0
        fill 1 10:01: BUY 50 @ 101 taker of 1
        fill 1 10:02: BUY 50 @ 102 taker of 1
        """,
        both=True,
    )


def test_both_sides_have_their_own_size() -> None:
    draw(
        """
        1 10:00  99 x 500 / 101 x 500
        1 10:01  99 x 80 / 101 x 70

        at 1 10:00: BUY 70
        at 1 10:00: SELL 80
        fill 1 10:01: BUY 70 @ 101 taker
        fill 1 10:01: SELL 80 @ 99 taker
        end: -10 X
        """,
        both=True,
    )


def test_marketable_limit_takes_at_the_quote() -> None:
    draw(
        """
        1 10:00  99 x 500 / 101 x 500
        1 10:01  99 x 500 / 101 x 500

        at 1 10:00: BUY 100 LIMIT 103
        fill 1 10:01: BUY 100 @ 101 taker
        """,
        both=True,
    )


def test_limit_at_the_quote_takes() -> None:
    draw(
        """
        1 10:00  99 x 500 / 101 x 500
        1 10:01  99 x 500 / 101 x 500

        at 1 10:00: BUY 100 LIMIT 101
        fill 1 10:01: BUY 100 @ 101 taker
        """,
        both=True,
    )


def test_resting_limit_makes_at_its_own_price() -> None:
    draw(
        """
        1 10:00  99 x 500 / 101 x 500
        1 10:01  99 x 500 / 101 x 500          # not marketable: it rests
        1 10:02  98 x 500 / 99.50 x 500        # the market comes to it and through it

        at 1 10:00: BUY 100 LIMIT 100
        fill 1 10:02: BUY 100 @ 100 maker
        """,
        both=True,
    )


def test_resting_limit_fills_in_parts() -> None:
    draw(
        """
        1 10:00  99 x 500 / 101 x 500
        1 10:01  99 x 500 / 101 x 500
        1 10:02  98 x 500 / 100 x 30
        1 10:03  98 x 500 / 101 x 500          # away again
        1 10:04  98 x 500 / 99 x 500

        at 1 10:00: BUY 100 LIMIT 100
        fill 1 10:02: BUY 30 @ 100 maker
        fill 1 10:04: BUY 70 @ 100 maker
        """,
        both=True,
    )


def test_resting_limit_replaced_through_the_market_takes_at_the_quote() -> None:
    draw(
        """
        1 10:00  99 x 500 / 101 x 500
        1 10:01  99 x 500 / 101 x 500
        1 10:02  99 x 500 / 101 x 500

        at 1 10:00: BUY 100 LIMIT 100
        at 1 10:01: REPLACE 0 LIMIT 103
        fill 1 10:02: BUY 100 @ 101 taker
        """,
        both=True,
    )


def test_stop_is_triggered_by_the_side_it_trades_on() -> None:
    draw(
        """
        1 10:00  99 x 500 / 101 x 500
        1 10:01 100.50 x 500 / 102.50 x 500    # bid 100.50: not yet
        1 10:02  97 x 500 / 99 x 500           # bid 97, through 98

        at 1 10:00: SELL 100 STOP 98
        fill 1 10:02: SELL 100 @ 97 taker
        """,
        both=True,
    )


def test_triggered_stop_takes_what_is_there_and_goes_on() -> None:
    draw(
        """
        1 10:00  99 x 500 / 101 x 500
        1 10:01  97 x 60 / 99 x 500
        1 10:02 100 x 500 / 102 x 500          # back above the stop: it has been triggered all the same

        at 1 10:00: SELL 100 STOP 98
        fill 1 10:01: SELL 60 @ 97 taker
        fill 1 10:02: SELL 40 @ 100 taker
        """,
        both=True,
    )


def test_stop_limit_beyond_its_limit_waits() -> None:
    draw(
        """
        1 10:00  99 x 500 / 101 x 500
        1 10:01  96 x 500 / 98 x 500           # triggered, and 96 is below the limit: rests at 97
        1 10:02  97.50 x 500 / 99 x 500

        at 1 10:00: SELL 100 STOP 98 LIMIT 97
        fill 1 10:02: SELL 100 @ 97 maker
        """,
        both=True,
    )


def test_trailing_stop_follows_the_bid() -> None:
    draw(
        """
        1 10:00  99 x 500 / 101 x 500          # mid 100: starts at 98
        1 10:01 104 x 500 / 106 x 500          # bid 104: 102
        1 10:02 103 x 500 / 105 x 500
        1 10:03 101.50 x 500 / 103.50 x 500

        at 1 10:00: SELL 100 TRAIL 2
        fill 1 10:03: SELL 100 @ 101.50 taker
        """,
        both=True,
    )


def test_ioc_takes_one_quote() -> None:
    draw(
        """
        1 10:00  99 x 500 / 101 x 500
        1 10:01  99 x 500 / 101 x 60
        1 10:02  99 x 500 / 101 x 500

        at 1 10:00: BUY 100 IOC
        at 1 10:00: BUY 100 LIMIT 100 IOC
        fill 1 10:01: BUY 60 @ 101 taker of 0
        order 0: CANCELLED IOC_REMAINDER filled 60 done 1 10:01
        order 1: CANCELLED IOC_REMAINDER done 1 10:01
        """,
        both=True,
    )


def test_fok_needs_one_quote_for_all_of_it() -> None:
    draw(
        """
        1 10:00  99 x 500 / 101 x 500
        1 10:01  99 x 500 / 101 x 99
        1 10:02  99 x 500 / 101 x 500

        at 1 10:00: BUY 100 FOK
        at 1 10:00: BUY 99
        fill 1 10:01: BUY 99 @ 101 taker of 1
        order 0: CANCELLED FOK_NOT_FILLABLE
        """,
        both=True,
    )


def test_empty_side_fills_nothing() -> None:
    draw(
        """
        1 10:00  99 x 500 / 101 x 500
        1 10:01  99 x 500 / 101 x 0
        1 10:02  99 x 500 / 102 x 500

        at 1 10:00: BUY 100
        fill 1 10:02: BUY 100 @ 102 taker
        """,
        both=True,
    )


def test_empty_side_leaves_the_mark() -> None:
    draw(
        """
        1 10:00  99 x 500 / 101 x 500
        1 10:01  99 x 500 / 101 x 500
        1 10:02   0 x 0   / 101 x 500       # nobody bids: the mid of 0 and 101 is no price

        at 1 10:00: BUY 100
        fill 1 10:01: BUY 100 @ 101 taker
        end: 100 X, 989900 USD, 999900 equity
        """,
        both=True,
    )


def test_quotes_during_a_halt_fill_nothing() -> None:
    draw(
        """
        1 10:00  99 x 500 / 101 x 500
        1 10:00  HALT
        1 10:01  99 x 500 / 101 x 500
        1 10:02  RESUME
        1 10:03  99 x 500 / 103 x 500

        at 1 10:00: BUY 100
        fill 1 10:03: BUY 100 @ 103 taker
        """,
        both=True,
    )


def test_at_the_open_takes_the_first_quote_of_the_session() -> None:
    draw(
        """
        1 23:00  99 x 500 / 101 x 500
        2 00:01  99 x 500 / 102 x 500
        2 00:02  99 x 500 / 103 x 500

        at 1 23:00: BUY 100 AT_OPEN
        at 1 23:00: BUY 100 LIMIT 101 AT_OPEN
        fill 2 00:01: BUY 100 @ 102 taker of 0
        order 1: EXPIRED MISSED_OPEN done 2 00:01
        """,
        both=True,
    )


def test_bracket_on_quotes() -> None:
    draw(
        """
        1 10:00  99 x 500 / 101 x 500
        1 10:01 100 x 500 / 101 x 500
        1 10:02 103 x 500 / 104 x 500          # the target rests from here
        1 10:03 106 x 500 / 107 x 500

        at 1 10:00: BRACKET BUY 100 TARGET 105 LOSS 95
        fill 1 10:01: BUY 100 @ 101 taker
        fill 1 10:03: SELL 100 @ 105 maker of 1
        order 2: CANCELLED SIBLING_FILLED
        end: 0 X
        """,
        both=True,
    )


def test_quotes_carry_their_spread_so_no_half_spread_is_charged() -> None:
    draw(
        """
        1 10:00  99 x 500 / 101 x 500
        1 10:01  99 x 500 / 101 x 500

        at 1 10:00: BUY 100
        fill 1 10:01: BUY 100 @ 101 taker fee 1.01     # 1 bp of 10,100
        """,
        costs={"half_spread_bps": 50.0, "fee_bps": 1.0},
    )


def test_a_quote_of_another_instrument_fills_nothing() -> None:
    draw(
        """
        instrument A
        instrument B
        1 10:00  A 99 x 500 / 101 x 500
        1 10:01  B 49 x 500 / 51 x 500
        1 10:02  B 48 x 500 / 52 x 500
        1 10:03  A 98 x 500 / 102 x 500

        at 1 10:00: BUY 100 A
        fill 1 10:03: BUY 100 A @ 102 taker
        """
    )


def test_a_stop_limit_triggered_by_a_bar_and_resting_on_quotes() -> None:
    # Bars and quotes of one instrument are one market.
    draw(
        """
        1        100 101  99 100  1000
        2         95  96  94  95  1000         # through the stop, beyond the limit
        3 10:00   96 x 500 / 98 x 500
        3 10:01   97.50 x 500 / 99 x 500

        at 1: SELL 100 STOP 98 LIMIT 97
        fill 3 10:01: SELL 100 @ 97 maker
        """,
        both=True,
    )
