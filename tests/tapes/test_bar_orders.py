"""Orders against bars, one at a time: which price, which bar, how much. `both=True` draws the sell side as well."""

from __future__ import annotations

import pytest

from tests.tapes.drawing import draw


def test_market_order_fills_at_the_next_open() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  102 104 101 103  1000
        3  103 105 102 104  1000

        at 1: BUY 100
        fill 2: BUY 100 @ 102 taker of 0
        order 0: FILLED quantity 100 done 2
        end: 100 X, 989800 USD, 1000200 equity     # 1,000,000 - 100 x 102; marked at 104
        """
    )


def test_market_order_fills_at_the_next_open_both_ways() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  102 104 101 103  1000

        at 1: BUY 100
        fill 2: BUY 100 @ 102 taker
        end: 100 X
        """,
        both=True,
    )


def test_an_order_decided_on_the_last_bar_never_sees_a_price() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  102 104 101 103  1000

        at 2: BUY 100
        order 0: EXPIRED END_OF_DATA
        end: 1000000 USD
        """
    )


def test_limit_inside_the_bar_fills_at_the_limit_as_maker() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  98  99  1000

        at 1: BUY 100 LIMIT 98.50
        fill 2: BUY 100 @ 98.50 maker
        end: 100 X
        """,
        both=True,
    )


def test_gap_through_a_fresh_limit_fills_at_the_better_open_as_taker() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2   96  98  95  97  1000

        at 1: BUY 100 LIMIT 98.50
        fill 2: BUY 100 @ 96 taker
        """,
        both=True,
    )


def test_gap_through_a_resting_limit_fills_at_the_better_open_as_maker() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  99 100  1000       # offered, not taken: from here it rests
        3   96  98  95  97  1000

        at 1: BUY 100 LIMIT 98.50
        fill 3: BUY 100 @ 96 maker
        """,
        both=True,
    )


def test_limit_touched_but_not_gone_through_does_not_fill() -> None:
    draw(
        """
        1  100 101   99   100  1000
        2  100 101   98.5  99  1000

        at 1: BUY 100 LIMIT 98.50
        order 0: EXPIRED END_OF_DATA
        """,
        both=True,
    )


def test_limit_touched_fills_where_touching_is_enough() -> None:
    draw(
        """
        1  100 101   99   100  1000
        2  100 101   98.5  99  1000

        at 1: BUY 100 LIMIT 98.50
        fill 2: BUY 100 @ 98.50 maker
        """,
        both=True,
        costs={"limit_fill": "touch"},
    )


def test_one_tick_through_is_through() -> None:
    draw(
        """
        1  100 101   99    100  1000
        2  100 101   98.49  99  1000

        at 1: BUY 100 LIMIT 98.50
        fill 2: BUY 100 @ 98.50 maker
        """,
        both=True,
    )


@pytest.mark.parametrize(("setting", "fills"), [("through", ""), ("touch", "fill 2: BUY 100 @ 98.50 taker")])
def test_open_at_the_limit_touches_it(setting: str, fills: str) -> None:
    draw(
        f"""
        1  100   101  99   100  1000
        2   98.5 100  98.5  99  1000

        at 1: BUY 100 LIMIT 98.50
        {fills}
        {"" if fills else "order 0: EXPIRED END_OF_DATA"}
        """,
        both=True,
        costs={"limit_fill": setting},
    )


def test_stop_inside_the_bar_fills_at_the_stop() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  96  97  1000

        at 1: SELL 100 STOP 98
        fill 2: SELL 100 @ 98 taker
        end: -100 X
        """,
        both=True,
    )


def test_stop_touched_is_triggered() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  98  99  1000

        at 1: SELL 100 STOP 98
        fill 2: SELL 100 @ 98 taker
        """,
        both=True,
    )


def test_gap_through_a_stop_fills_at_the_worse_open() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2   95  99  94  98  1000

        at 1: SELL 100 STOP 98
        fill 2: SELL 100 @ 95 taker
        """,
        both=True,
    )


def test_stop_not_reached_goes_on_working() -> None:
    draw(
        """
        1  100 101  99    100  1000
        2  100 101  98.01  99  1000
        3   99 100  97     98  1000

        at 1: SELL 100 STOP 98
        fill 3: SELL 100 @ 98 taker
        """,
        both=True,
    )


def test_stop_limit_reached_inside_fills_at_the_stop() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  96  97  1000

        at 1: SELL 100 STOP 98 LIMIT 97.50
        fill 2: SELL 100 @ 98 taker
        """,
        both=True,
    )


def test_stop_limit_gapped_beyond_its_limit_fills_when_the_price_trades_back() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2   95  99  94  98  1000       # opens below the limit, then trades up through it

        at 1: SELL 100 STOP 98 LIMIT 97.50
        fill 2: SELL 100 @ 97.50 maker
        """,
        both=True,
    )


def test_stop_limit_gapped_beyond_its_limit_and_never_back() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2   95  97  94  96  1000
        3   96  97  94  95  1000

        at 1: SELL 100 STOP 98 LIMIT 97.50
        order 0: EXPIRED END_OF_DATA
        """,
        both=True,
    )


def test_stop_limit_triggered_on_one_bar_fills_on_a_later_one() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2   95  97  94  96  1000       # gaps beyond the limit
        3   99 100  98  99  1000       # opens better than the limit: at the open

        at 1: SELL 100 STOP 98 LIMIT 97.50
        fill 3: SELL 100 @ 99 maker
        """,
        both=True,
    )


def test_stop_limit_whose_limit_lies_above_its_stop_waits_for_the_next_bar() -> None:
    # Sold only at 99 or better once 98 has traded: whether this bar's 100 came before or after its 96 cannot be known.
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  96  97  1000       # reaches the stop; its high may have come before
        3   97 100  96  98  1000       # trades up through 99 with the stop behind it

        at 1: SELL 100 STOP 98 LIMIT 99
        fill 3: SELL 100 @ 99 maker
        """,
        both=True,
    )


def test_trailing_stop_follows_the_highs() -> None:
    draw(
        """
        1  100 101  99  100  1000
        2  101 106 100.5 105 1000       # old level 98 holds; new level 106 - 2 = 104
        3  105 106 103  104  1000

        at 1: SELL 100 TRAIL 2          # starts 2 below the close of bar 1
        fill 3: SELL 100 @ 104 taker
        """,
        both=True,
    )


def test_trailing_stop_old_level_is_hit_before_the_high_moves_it() -> None:
    draw(
        """
        1  100 101  99  100  1000
        2  100 110  97  109  1000       # reaches 98 and 110: the pessimistic order is the low first

        at 1: SELL 100 TRAIL 2
        fill 2: SELL 100 @ 98 taker
        """,
        both=True,
    )


def test_trailing_stop_close_beyond_the_moved_level_fills_at_the_close() -> None:
    draw(
        """
        1  100 101  99  100  1000
        2  101 106 100  103  1000       # moved to 104 by the high, and the close lies below that

        at 1: SELL 100 TRAIL 2
        fill 2: SELL 100 @ 103 taker ambiguous
        """,
        both=True,
    )


def test_trailing_stop_gapped_fills_at_the_open() -> None:
    draw(
        """
        1  100 101  99  100  1000
        2  101 106 100.5 105 1000       # moves the stop to 104
        3  102 103 101  102  1000

        at 1: SELL 100 TRAIL 2
        fill 3: SELL 100 @ 102 taker
        """,
        both=True,
    )


def test_trailing_stop_never_moves_back() -> None:
    draw(
        """
        1  100 101  99  100  1000
        2  101 106 104.5 105 1000       # moves the stop to 104
        3  105 105.5 104.2 105 1000     # a lower high leaves it there
        4  105 105 103  104  1000

        at 1: SELL 100 TRAIL 2
        fill 4: SELL 100 @ 104 taker
        """,
        both=True,
    )


def test_trailing_stop_in_basis_points() -> None:
    draw(
        """
        1  100 101  99  100  1000
        2  101 110 100  109  1000       # 110 less 200 bp of it is 107.80
        3  109 109 107  108  1000

        at 1: BUY 100
        at 1: SELL 100 TRAIL 200 bps REDUCE_ONLY    # starts at 98
        fill 2: BUY 100 @ 101 taker
        fill 3: SELL 100 @ 107.80 taker
        """
    )


def test_trailing_stop_may_start_at_a_stop_of_its_own() -> None:
    draw(
        """
        1  100 101   99  100  1000
        2   97  97.5 96   97  1000      # a start at 100 - 2 would have sold here; 97.50 - 2 = 95.50
        3   97  97.2 94   95  1000

        at 1: SELL 100 TRAIL 2 STOP 95
        fill 3: SELL 100 @ 95.50 taker
        """,
        both=True,
    )


def test_fills_take_their_share_of_the_volume_and_the_rest_goes_on() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  99 100   400       # 10% of it: 40
        3  101 102 100 101   300       # 30
        4  102 103 101 102  5000       # the last 30

        at 1: BUY 100
        fill 2: BUY 40 @ 100 taker
        fill 3: BUY 30 @ 101 taker
        fill 4: BUY 30 @ 102 taker
        """,
        both=True,
        costs={"max_participation": 0.1},
    )


def test_two_orders_share_one_bars_volume_in_order_of_arrival() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  99 100   500       # 50 for both
        3  101 102 100 101  5000

        at 1: BUY 30
        at 1: BUY 40
        fill 2: BUY 30 @ 100 taker of 0
        fill 2: BUY 20 @ 100 taker of 1
        fill 3: BUY 20 @ 101 taker of 1
        """,
        both=True,
        costs={"max_participation": 0.1},
    )


def test_a_buy_and_a_sell_share_the_volume_too() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 103  97 100   500

        at 1: BUY 30
        at 1: SELL 40 LIMIT 102
        fill 2: BUY 30 @ 100 taker of 0
        fill 2: SELL 20 @ 102 maker of 1
        order 1: EXPIRED END_OF_DATA filled 20
        """,
        both=True,
        costs={"max_participation": 0.1},
    )


def test_the_volume_share_is_not_cut_by_binary_fractions() -> None:
    # 0.29 x 100 is 28.999999999999996 in doubles, and 29 to a trader
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  99 100   100
        3  100 101  99 100  1000

        at 1: BUY 100 IOC
        fill 2: BUY 29 @ 100 taker
        order 0: CANCELLED IOC_REMAINDER filled 29
        """,
        costs={"max_participation": 0.29},
    )


def test_a_bar_without_volume_fills_nothing_under_a_participation_limit() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  101 101 101 101     0
        3  102 103 101 102  1000

        at 1: BUY 100
        fill 3: BUY 100 @ 102 taker
        """,
        both=True,
        costs={"max_participation": 0.1},
    )


def test_a_bar_without_volume_fills_where_no_limit_is_set() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  101 101 101 101     0

        at 1: BUY 100
        fill 2: BUY 100 @ 101 taker
        """,
        both=True,
    )


def test_a_triggered_stop_goes_on_as_a_market_order() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  97  99   600       # reaches 98; 60 of it
        3   99 100  98.5 99 1000       # never near 98: the rest at the open

        at 1: SELL 100 STOP 98
        fill 2: SELL 60 @ 98 taker
        fill 3: SELL 40 @ 99 taker
        """,
        both=True,
        costs={"max_participation": 0.1},
    )


def test_ioc_takes_what_the_open_gives_and_ends() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  99 100   400
        3  100 101  99 100  1000

        at 1: BUY 100 IOC
        fill 2: BUY 40 @ 100 taker
        order 0: CANCELLED IOC_REMAINDER filled 40 done 2
        """,
        both=True,
        costs={"max_participation": 0.1},
    )


def test_ioc_limit_looks_at_the_open_alone() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  97 100  1000       # goes through 98 later in the bar: too late for it

        at 1: BUY 100 LIMIT 98 IOC
        order 0: CANCELLED IOC_REMAINDER done 2
        """,
        both=True,
    )


def test_fok_fills_whole() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  101 102 100 101  1000

        at 1: BUY 100 FOK
        fill 2: BUY 100 @ 101 taker
        """,
        both=True,
        costs={"max_participation": 0.1},
    )


def test_fok_or_nothing() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  101 102 100 101   999       # 99 of 100
        3  101 102 100 101  5000

        at 1: BUY 100 FOK
        order 0: CANCELLED FOK_NOT_FILLABLE done 2
        """,
        both=True,
        costs={"max_participation": 0.1},
    )


def test_fok_that_failed_leaves_the_volume_to_others() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  101 102 100 101   500

        at 1: BUY 60 FOK
        at 1: BUY 50
        fill 2: BUY 50 @ 101 taker of 1
        order 0: CANCELLED FOK_NOT_FILLABLE
        """,
        both=True,
        costs={"max_participation": 0.1},
    )


def test_cancel_before_the_next_bar_wins() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  99 100  1000
        3  100 101  97  98  1000

        at 1: BUY 100 LIMIT 98
        at 2: CANCEL 0
        at 2: CANCEL 0 -> False        # under way already
        order 0: CANCELLED USER done 2
        """,
        both=True,
    )


def test_cancel_of_a_filled_order_is_false() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  101 102 100 101  1000

        at 1: BUY 100
        at 2: CANCEL 0 -> False
        fill 2: BUY 100 @ 101 taker
        """,
        both=True,
    )


def test_replaced_order_works_at_its_new_terms_and_keeps_the_others() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  99 100  1000
        3  100 101  98.5 100 1000
        4  100 101  99 100  1000

        at 1: BUY 100 LIMIT 97 GTD 4
        at 2: REPLACE 0 LIMIT 99
        fill 3: BUY 100 @ 99 maker
        order 0: FILLED quantity 100 limit 99
        """,
        both=True,
    )


def test_replace_goes_to_the_back_of_the_line() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  99 100  1000
        3  100 101  97 100   300       # 30, for whoever is first in line

        at 1: BUY 30 LIMIT 97.90
        at 1: BUY 30 LIMIT 98
        at 2: REPLACE 0 LIMIT 98
        fill 3: BUY 30 @ 98 maker of 1
        order 0: EXPIRED END_OF_DATA limit 98
        """,
        both=True,
        costs={"max_participation": 0.1},
    )


def test_a_resting_limit_replaced_through_the_market_takes() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  99 100  1000
        3  101 103 100 102  1000

        at 1: BUY 100 LIMIT 97
        at 2: REPLACE 0 LIMIT 102
        fill 3: BUY 100 @ 101 taker
        """,
        both=True,
    )


def test_a_trailing_stop_replaced_in_quantity_stays_where_it_trailed() -> None:
    draw(
        """
        1  100 101  99  100  1000
        2  101 106 100.5 105 1000       # trails to 104
        3  105 106 103  104  1000

        at 1: SELL 100 TRAIL 2
        at 2: REPLACE 0 QUANTITY 50
        fill 3: SELL 50 @ 104 taker
        """,
        both=True,
    )


def test_replaced_twice_before_an_answer() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  99 100  1000
        3  100 101  97.50 98 1000

        at 1: BUY 100 LIMIT 90
        at 2: REPLACE 0 LIMIT 95
        at 2: REPLACE 0 LIMIT 98 QUANTITY 80
        fill 3: BUY 80 @ 98 maker
        order 0: FILLED quantity 80 limit 98
        """,
        both=True,
    )


def test_quantity_of_a_partly_filled_order_can_be_cut_to_what_is_left() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  99 100   400       # 40
        3  101 102 100 101  5000       # 20 of the 60 that is left of it

        at 1: BUY 100
        at 2: REPLACE 0 QUANTITY 60
        fill 2: BUY 40 @ 100 taker
        fill 3: BUY 20 @ 101 taker
        order 0: FILLED quantity 60
        """,
        both=True,
        costs={"max_participation": 0.1},
    )


def test_an_order_is_never_filled_by_another_instruments_bar() -> None:
    draw(
        """
        instrument A
        instrument B
        1  A  100 101  99 100  1000
        1  B   50  51  49  50  1000
        2  B   40  60  30  45  1000       # B trades alone
        3  A  103 104 102 103  1000
        3  B   45  46  44  45  1000

        at 1: BUY 10 A
        at 1: BUY 10 A LIMIT 45
        fill 3: BUY 10 A @ 103 taker of 0
        order 1: EXPIRED END_OF_DATA
        """
    )


def test_orders_in_two_instruments_fill_each_at_its_own_open() -> None:
    draw(
        """
        instrument A
        instrument B tick 0.05 lot 10
        1  A  100 101  99 100  1000
        1  B   50  51  49  50  1000
        2  A  101 102 100 101  1000
        2  B   51.05 52 50 51  1000

        at 1: BUY 7 A
        at 1: BUY 20 B
        fill 2: BUY 7 A @ 101 taker
        fill 2: BUY 20 B @ 51.05 taker
        end: 7 A, 20 B, 998272 USD       # 1,000,000 - 707 - 1,021
        """
    )


def test_an_order_that_arrives_after_the_bar_began_waits_for_the_next() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  101 102 100 101  1000       # began at the very stamp of the decision
        3  102 103 101 102  1000

        at 1: BUY 100
        fill 3: BUY 100 @ 102 taker
        """,
        both=True,
        latency={"entry_ns": 1},
    )


def test_a_cancel_on_its_way_loses_to_a_fill() -> None:
    draw(
        """
        instrument X minutes 1
        1 10:00  100 101  99 100  1000
        1 10:01  100 101  99 100  1000
        1 10:02  100 101  99 100  1000
        1 10:03  100 101  97  98  1000
        1 10:04  100 101  99 100  1000

        at 1 10:00: BUY 100 LIMIT 98   # at the venue at 10:01:30
        at 1 10:02: CANCEL 0           # at the venue at 10:03:30, half a minute too late
        fill 1 10:03: BUY 100 @ 98 maker
        """,
        latency={"entry_ns": 90_000_000_000},
    )
