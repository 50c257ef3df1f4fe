"""Fees that depend on what was traded before, on the day, and on the side; borrowing; what a broker lends."""

from __future__ import annotations

import pytest

from framework.errors import ConfigError, InputError
from tests.tapes.drawing import draw

SHORTS = {"allow_short": True, "max_leverage": 4.0}


def test_tiers_count_the_days_before_and_not_the_present_one() -> None:
    draw(
        """
        1  100 100 100 100  1000
        2  100 100 100 100  1000
        3  100 100 100 100  1000
        4  100 100 100 100  1000

        at 1: BUY 60             # 6,000 at the first rate, 10 bps
        at 2: BUY 40             # 6,000 traded: below 10,000
        at 3: BUY 10             # 10,000 traded: the second rate, 4 bps
        fill 2: BUY 60 @ 100 taker fee 6
        fill 3: BUY 40 @ 100 taker fee 4
        fill 4: BUY 10 @ 100 taker fee 0.40
        """,
        costs={"taker_bps": 10.0, "maker_bps": 8.0, "fee_tiers": [{"traded_from": 10_000.0, "maker_bps": 1.0, "taker_bps": 4.0}]},
    )


def test_the_makers_rate_of_a_tier_may_be_a_rebate_and_thirty_days_are_forgotten() -> None:
    draw(
        """
        1   100 100 100 100  1000
        2   100 100 100 100  1000
        3   100 100  98 100  1000
        33  100 100  98 100  1000
        34  100 100 100 100  1000

        at 1: BUY 100
        at 2: BUY 10 LIMIT 99
        at 3: BUY 10 LIMIT 99      # day 33 begins 30 days after day 3 ended, so the 10,000 of day 2 are forgotten
        fill 2: BUY 100 @ 100 taker fee 10
        fill 3: BUY 10 @ 99 maker fee -0.198
        fill 33: BUY 10 @ 99 maker fee 0.792
        """,
        costs={"taker_bps": 10.0, "maker_bps": 8.0, "fee_tiers": [{"traded_from": 10_000.0, "maker_bps": -2.0, "taker_bps": 4.0}]},
    )


def test_tiers_ascend() -> None:
    tier = {"traded_from": 5.0, "maker_bps": 1.0, "taker_bps": 1.0}
    with pytest.raises(ConfigError, match="ascending"):
        draw("1  100 100 100 100  1000", costs={"fee_tiers": [tier, tier]})


def test_sales_of_us_shares_pay_the_regulators_at_the_rates_of_their_day() -> None:
    # 2024-05-21: 8.00 a million and 0.000166 a share; 2024-05-22: 27.80 a million
    draw(
        """
        clock 2024-05-20 America/New_York 16:00
        1  100 100 100 100  100000
        2  100 100 100 100  100000
        3  100 100 100 100  100000

        at 1: SELL 1000
        at 2: SELL 1000
        fill 2: SELL 1000 @ 100 taker
        fill 3: SELL 1000 @ 100 taker
        charge 2: TAX 0.966             # 100,000 x 8 / 1,000,000 + 0.166
        charge 3: TAX 2.946             # 100,000 x 27.8 / 1,000,000 + 0.166
        end: -2000 X, 1199996.088 USD
        """,
        costs={"us_regulatory": True},
        risk=SHORTS,
    )


def test_the_trading_activity_fee_has_a_maximum_and_purchases_pay_nothing() -> None:
    # 2025-06: no Section 31 fee; 60,000 x 0.000166 = 9.96, at most 8.30
    draw(
        """
        clock 2025-06-02 America/New_York 16:00
        1  10 10 10 10  1000000
        2  10 10 10 10  1000000
        3  10 10 10 10  1000000

        at 1: BUY 60000
        at 2: SELL 60000
        fill 2: BUY 60000 @ 10 taker
        fill 3: SELL 60000 @ 10 taker
        charge 3: TAX 8.30
        end: 0 X, 999991.70 USD
        """,
        costs={"us_regulatory": True},
    )


def test_shares_in_other_money_pay_no_us_levy() -> None:
    result = draw(
        """
        instrument X currency EUR
        1  10 10 10 10  1000
        2  10 10 10 10  1000

        at 1: SELL 10
        fill 2: SELL 10 @ 10 taker
        """,
        costs={"us_regulatory": True},
        risk=SHORTS,
        currency="EUR",
    )
    assert result.costs["tax"] == 0.0


def test_borrowing_costs_by_symbol() -> None:
    # 100 short at 36: 3,600 x 10 % / 360 = 1 a day for A; B at 1 % pays a tenth
    result = draw(
        """
        instrument A calendar 24/7
        instrument B calendar 24/7
        1  A  36 36 36 36  1000
        1  B  36 36 36 36  1000
        2  A  36 36 36 36  1000
        2  B  36 36 36 36  1000
        3  A  36 36 36 36  1000
        3  B  36 36 36 36  1000
        4  A  36 36 36 36  1000
        4  B  36 36 36 36  1000

        at 1: SELL 100 A
        at 1: SELL 100 B
        fill 2: SELL 100 A @ 36 taker
        fill 2: SELL 100 B @ 36 taker
        charge 2: BORROW 1 A
        charge 2: BORROW 0.1 B
        charge 3: BORROW 1 A
        charge 3: BORROW 0.1 B
        """,
        costs={"borrow_bps": 100.0, "borrow_bps_by_symbol": {"A": 1000.0}},
        risk=SHORTS,
    )
    assert round(float(result.costs["borrow"]), 8) == 2.2


def test_no_more_is_short_than_was_located() -> None:
    draw(
        """
        instrument A
        instrument B
        1  A  100 100 100 100  1000
        1  B  100 100 100 100  1000
        2  A  100 100 100 100  1000
        2  B  100 100 100 100  1000
        3  A  100 100 100 100  1000
        3  B  100 100 100 100  1000

        at 1: BUY 20 A
        at 1: SELL 30 A LIMIT 100.50   # the purchase has not filled: 30 short of 50
        at 1: SELL 21 A                # 51 of 50
        at 1: SELL 1 B                 # nothing was located
        at 2: SELL 40 A                # 20 held: 20 and the 30 that work are 50
        at 2: SELL 1 A LIMIT 101       # one more
        fill 2: BUY 20 A @ 100 taker of 0
        fill 3: SELL 40 A @ 100 taker of 4
        order 1: EXPIRED END_OF_DATA
        order 2: REFUSED NO_LOCATE needs 51 allows 50
        order 3: REFUSED NO_LOCATE needs 1 allows 0
        order 5: REFUSED NO_LOCATE needs 51 allows 50
        end: -20 A
        """,
        risk={**SHORTS, "locates": {"A": 50}},
    )


def test_locates_name_symbols_of_the_data() -> None:
    with pytest.raises(InputError, match=r"risk\.locates names 'Y'"):
        draw("1  100 100 100 100  1000", risk={**SHORTS, "locates": {"Y": 50}})


def test_regulation_t_lends_half_to_open() -> None:
    # 10,000 open positions of 20,000; a long and a short count alike
    draw(
        """
        instrument A
        instrument B
        1  A  100 100 100 100  1000
        1  B  100 100 100 100  1000
        2  A  100 100 100 100  1000
        2  B  100 100 100 100  1000

        at 1: BUY 120 A
        at 1: SELL 81 B
        at 1: SELL 80 B
        fill 2: BUY 120 A @ 100 taker
        fill 2: SELL 80 B @ 100 taker
        order 1: REFUSED INSUFFICIENT_MARGIN needs 10050 allows 10000
        end: 120 A, -80 B, 6000 USD
        """,
        cash=10_000.0,
        risk={"account": "reg_t", "allow_short": True, "max_leverage": 3.0},
    )


def test_a_long_is_sold_when_equity_falls_to_a_quarter_of_it() -> None:
    # 200 bought for 20,000 with 10,000: equity at p is 200 p - 10,000, a quarter of 200 p at p = 66 2/3
    draw(
        """
        1  100 100 100 100    1000
        2  100 100 100 100    1000
        3  66.70 66.70 66.70 66.70  1000
        4  66.60 66.60 66.60 66.60  1000
        5  66 66 66 66        1000

        at 1: BUY 200
        fill 2: BUY 200 @ 100 taker
        fill 5: SELL 200 @ 66 taker of 1
        order 1: FILLED LIQUIDATED done 5
        end: 0 X, 3200 USD
        """,
        cash=10_000.0,
        risk={"account": "reg_t"},
    )


def test_a_short_is_bought_back_when_equity_falls_to_three_tenths_of_it() -> None:
    # 200 sold for 20,000 with 10,000: equity at p is 30,000 - 200 p, 30 % of 200 p at p = 115.38
    draw(
        """
        1  100 100 100 100    1000
        2  100 100 100 100    1000
        3  115 115 115 115    1000
        4  116 116 116 116    1000
        5  116 116 116 116    1000

        at 1: SELL 200
        fill 2: SELL 200 @ 100 taker
        fill 5: BUY 200 @ 116 taker of 1
        order 1: FILLED LIQUIDATED
        end: 0 X, 6800 USD
        """,
        cash=10_000.0,
        risk={"account": "reg_t", "allow_short": True},
    )


def test_a_cash_account_knows_neither_shorts_nor_leverage() -> None:
    with pytest.raises(ConfigError, match="cash account"):
        draw("1  100 100 100 100  1000", risk={"account": "cash", "allow_short": True})
    with pytest.raises(ConfigError, match="cash account"):
        draw("1  100 100 100 100  1000", risk={"account": "cash", "max_leverage": 2.0})
