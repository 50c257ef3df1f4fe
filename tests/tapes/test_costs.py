"""What a fill costs: every number here is worked out on paper."""

from __future__ import annotations

import pytest

from tests.tapes.drawing import draw


def test_fee_in_basis_points_of_what_was_traded() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  102 103 101 102  1000

        at 1: BUY 100
        fill 2: BUY 100 @ 102 taker fee 2.04           # 2 bp of 10,200
        end: 100 X, 989797.96 USD
        """,
        costs={"fee_bps": 2.0},
    )


def test_fee_per_share_with_a_minimum_per_order_across_partial_fills() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  99 100  1000
        3  100 101  99 100  1000
        4  100 101  99 100  1000

        at 1: BUY 300
        fill 2: BUY 100 @ 100 taker fee 1.00           # 0.50 so far, at least 1.00
        fill 3: BUY 100 @ 100 taker                    # 1.00 so far: paid already
        fill 4: BUY 100 @ 100 taker fee 0.50           # 1.50 so far
        end: 300 X, 969998.50 USD
        """,
        costs={"fee_per_share": 0.005, "fee_minimum": 1.0, "max_participation": 0.1},
    )


def test_minimum_is_per_order_and_not_per_fill_or_day() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  99 100  1000

        at 1: BUY 10
        at 1: BUY 20
        fill 2: BUY 10 @ 100 taker fee 1.00
        fill 2: BUY 20 @ 100 taker fee 1.00
        """,
        costs={"fee_per_share": 0.005, "fee_minimum": 1.0},
    )


def test_maximum_fee_of_the_order_value_across_partial_fills() -> None:
    draw(
        """
        1  0.50 0.60 0.40 0.50  5000
        2  0.50 0.60 0.40 0.50  5000
        3  0.60 0.70 0.50 0.60  5000

        at 1: BUY 1000
        fill 2: BUY 500 @ 0.50 taker fee 1.25          # 5.00, capped at 0.5% of 250
        fill 3: BUY 500 @ 0.60 taker fee 1.50          # 10.00, capped at 0.5% of 550 = 2.75 in all
        """,
        costs={"fee_per_share": 0.01, "fee_maximum_bps": 50.0, "max_participation": 0.1},
    )


def test_maximum_wins_over_the_minimum() -> None:
    draw(
        """
        1  1 1.10 0.90 1  1000
        2  1 1.10 0.90 1  1000

        at 1: BUY 10
        fill 2: BUY 10 @ 1 taker fee 0.10              # the minimum of 1.00 is more than 1% of 10
        """,
        costs={"fee_per_share": 0.005, "fee_minimum": 1.0, "fee_maximum_bps": 100.0},
    )


def test_fee_per_order_is_paid_once_with_the_first_fill() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  99 100   400
        3  100 101  99 100  9000

        at 1: BUY 100
        fill 2: BUY 40 @ 100 taker fee 2.50
        fill 3: BUY 60 @ 100 taker
        """,
        costs={"fee_per_order": 2.5, "max_participation": 0.1},
    )


def test_an_order_that_does_not_fill_costs_nothing() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  99 100  1000

        at 1: BUY 100 LIMIT 90
        order 0: EXPIRED END_OF_DATA
        end: 1000000 USD
        """,
        costs={"fee_per_order": 2.5, "fee_minimum": 1.0, "half_spread_bps": 5.0},
    )


def test_maker_rebate_and_taker_fee() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  98 100  1000

        at 1: BUY 100
        at 1: BUY 100 LIMIT 99
        fill 2: BUY 100 @ 100 taker fee 3.00           # 3 bp of 10,000
        fill 2: BUY 100 @ 99 maker fee -0.99           # 1 bp of 9,900 back
        end: 200 X, 980097.99 USD
        """,
        costs={"maker_bps": -1.0, "taker_bps": 3.0},
    )


def test_half_spread_is_paid_by_takers_and_not_by_makers() -> None:
    result = draw(
        """
        1  100 101  99 100  1000
        2  100 101  98 100  1000

        at 1: BUY 100
        at 1: BUY 100 LIMIT 99
        fill 2: BUY 100 @ 100 taker slippage 5.00      # 5 bp of 10,000: 100.05 a share
        fill 2: BUY 100 @ 99 maker
        end: 200 X, 980095 USD
        """,
        costs={"half_spread_bps": 5.0},
    )
    assert result.fills["price"].tolist() == pytest.approx([100.05, 99.0])
    assert result.costs["half_spread"] == pytest.approx(5.0)


def test_half_spread_makes_a_sale_cheaper() -> None:
    result = draw(
        """
        1  100 101  99 100  1000
        2  100 101  99 100  1000
        3  100 101  99 100  1000

        at 1: BUY 100
        at 2: SELL 100
        fill 2: BUY 100 @ 100 taker slippage 5.00
        fill 3: SELL 100 @ 100 taker slippage 5.00
        end: 0 X, 999990 USD
        """,
        costs={"half_spread_bps": 5.0},
    )
    assert result.fills["price"].tolist() == pytest.approx([100.05, 99.95])
    assert result.trades["pnl"].tolist() == pytest.approx([-10.0])


def test_volume_share_slippage() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  99 100  1000

        at 1: BUY 100
        fill 2: BUY 100 @ 100 taker slippage 10.00     # 0.1 x (100 / 1,000)^2 = 0.1% of 10,000
        """,
        costs={"impact": {"model": "volume_share", "price_impact": 0.1}},
    )


def test_square_root_impact() -> None:
    # Returns +2%, -2%, +2%: mean 2/3 %, squared deviations 16/9 + 64/9 + 16/9 = 96/9 (%^2), over n - 1 = 2: 48/9, so the
    # standard deviation is 4 / sqrt(3) % = 2.3094010767585 %. A hundredth of the volume: times 0.1. Of 10,000: 23.0940107676.
    draw(
        """
        instrument X tick 0.0001
        1  100      101  99 100       1000
        2  100      103  99 102       1000
        3  102      103  99  99.96    1000
        4   99.96   103  99 101.9592  1000
        5  100      101  99 100      10000

        at 4: BUY 100
        fill 5: BUY 100 @ 100 taker slippage 23.0940107676
        """,
        costs={"impact": {"model": "square_root", "coefficient": 1.0, "volatility_bars": 3}},
    )


def test_square_root_impact_knows_nothing_of_the_bar_it_fills_in() -> None:
    # The return into bar 4 is known when the order is decided, the fall inside bar 5 is not: the same cost as if it had not happened.
    draw(
        """
        instrument X tick 0.0001
        1  100      101  99 100       1000
        2  100      103  99 102       1000
        3  102      103  99  99.96    1000
        4   99.96   103  99 101.9592  1000
        5  100      101   1   1      10000

        at 4: BUY 100
        fill 5: BUY 100 @ 100 taker slippage 23.0940107676
        """,
        costs={"impact": {"model": "square_root", "coefficient": 1.0, "volatility_bars": 3}},
    )


def test_impact_on_a_bar_without_volume_is_none() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  99 100     0

        at 1: BUY 100
        fill 2: BUY 100 @ 100 taker
        """,
        costs={"impact": {"model": "volume_share", "price_impact": 0.1}},
    )


def test_costs_add_up_and_are_kept_apart() -> None:
    result = draw(
        """
        1  100 101  99 100  1000
        2  100 101  99 100  1000

        at 1: BUY 100
        fill 2: BUY 100 @ 100 taker fee 1.50 slippage 15.00    # 1 bp + 0.50; 5 + 10
        end: 100 X, 989983.50 USD
        """,
        costs={
            "fee_bps": 1.0,
            "fee_per_share": 0.005,
            "half_spread_bps": 5.0,
            "impact": {"model": "volume_share", "price_impact": 0.1},
        },
    )
    paid = result.costs[result.costs != 0.0].to_dict()
    assert paid == pytest.approx({"fee": 1.5, "half_spread": 5.0, "volume_share": 10.0})


def test_entry_and_exit_fees_belong_to_the_round_trip() -> None:
    result = draw(
        """
        1  100 101  99 100  1000
        2  100 101  99 100  1000
        3  110 111 109 110  1000

        at 1: BUY 100
        at 2: SELL 40
        fill 2: BUY 100 @ 100 taker fee 10.00
        fill 3: SELL 40 @ 110 taker fee 4.40
        """,
        costs={"fee_bps": 10.0},
    )
    trade = result.trades.iloc[0]
    assert (trade["quantity"], trade["entry_price"], trade["exit_price"]) == (40.0, 100.0, 110.0)
    assert trade["fees"] == pytest.approx(8.40)  # 40% of 10.00, and 4.40
    assert trade["pnl"] == pytest.approx(391.60)


def test_borrow_is_charged_for_each_night_a_short_is_held() -> None:
    result = draw(
        """
        1  100 101  99 100  1000
        2  100 101  99 100  1000       # sold at the open of day 2
        3  100 111  99 110  1000
        4  100 101  99 100  1000       # bought back at the open of day 4

        at 1: SELL 100
        at 3: BUY 100
        fill 2: SELL 100 @ 100 taker
        fill 4: BUY 100 @ 100 taker
        end: 0 X, 999997.90 USD        # 3.6% / 360 of 10,000 the first night, of 11,000 the second
        """,
        risk={"allow_short": True},
        costs={"borrow_bps": 360.0},
    )
    assert result.costs["borrow"] == pytest.approx(2.10)


def test_a_charge_that_is_told_after_the_last_bar_is_in_the_last_equity() -> None:
    result = draw(
        """
        1  100 101  99 100  1000
        2  100 101  99 100  1000       # sold; we know of it 30 hours later
        3  100 101  99 100  1000
        4  100 101  99 100  1000
        5  100 101  99 100  1000       # charged at its open, told after its close

        at 1: SELL 100
        fill 2: SELL 100 @ 100 taker
        """,
        risk={"allow_short": True},
        costs={"borrow_bps": 360.0},
        latency={"response_ns": 30 * 3_600_000_000_000},
    )
    assert result.costs["borrow"] == pytest.approx(3.0)  # 3.6% / 360 of 10,000 for each of three nights, whenever we heard of the sale
    assert result.equity.iloc[-1] == pytest.approx(999_997.0)


NEW_YORK_WEEKEND = """
        clock 2024-06-06 America/New_York 16:00        # day 1 is a Thursday, day 2 a Friday, day 5 the Monday
        instrument X calendar XNYS
        1  100 101  99 100  1000
        2  100 101  99 100  1000
        5  100 101  99 100  1000
        6  100 101  99 100  1000
"""


def test_borrow_over_a_weekend_is_three_nights() -> None:
    draw(
        NEW_YORK_WEEKEND
        + """
        at 1: SELL 100
        at 2: BUY 100
        fill 2: SELL 100 @ 100 taker
        fill 5: BUY 100 @ 100 taker
        end: 0 X, 999997 USD
        """,
        risk={"allow_short": True},
        costs={"borrow_bps": 360.0},
    )


def test_a_short_opened_after_the_weekend_does_not_pay_for_it() -> None:
    draw(
        NEW_YORK_WEEKEND
        + """
        at 2: SELL 100
        at 5: BUY 100
        fill 5: SELL 100 @ 100 taker
        fill 6: BUY 100 @ 100 taker
        end: 0 X, 999999 USD
        """,
        risk={"allow_short": True},
        costs={"borrow_bps": 360.0},
    )


def test_a_long_pays_no_borrow() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  99 100  1000
        3  100 101  99 100  1000

        at 1: BUY 100
        fill 2: BUY 100 @ 100 taker
        end: 100 X, 990000 USD
        """,
        costs={"borrow_bps": 360.0},
    )
