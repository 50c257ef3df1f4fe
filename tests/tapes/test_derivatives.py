"""Perpetual swaps: what they cost, what funding moves, and when the broker closes them. Every ledger is worked out on paper."""

from __future__ import annotations

from typing import Any

from tests.tapes.drawing import draw

LINEAR = "instrument P kind PERPETUAL currency USDT tick 0.1 lot 0.001 initial 0.05 maintenance 0.004 liquidation 0.003"
INVERSE = "instrument P kind PERPETUAL base XBT inverse 1 tick 0.5 lot 1 initial 0.01 maintenance 0.005"
PLAIN = "instrument P kind PERPETUAL tick 1 initial 0.1 maintenance 0.05"
LONG_AND_SHORT: dict[str, Any] = {"allow_short": True, "max_leverage": 20.0}


def test_linear_ledger_of_a_binance_contract() -> None:
    # Funding = mark x size x rate; margin ratio = sum of maintenance margins / (wallet + unrealised PnL), liquidated at 100 %.
    #
    #  day   what                        wallet, USDT                      unrealised
    #  2     buys 1 at 30,000            10,000 - 30,000 x 0.0004          = 9,988
    #  3 8h  0.01 % at mark 30,150.5     - 1 x 30,150.5 x 0.0001           = 9,984.98495
    #  3     sells 0.4 at 31,000         + 0.4 x 1,000 - 12,400 x 0.0004   = 10,380.02495
    #  4 8h  -0.02 % at mark 30,900      + 0.6 x 30,900 x 0.0002           = 10,383.73295
    #  liquidation price: wallet + 0.6 (p - 30,000) = 0.004 x 0.6 p, so p = (18,000 - 10,383.73295) / 0.5976 = 12,744.758
    #  6     sells 0.6 at 12,744         - 0.6 x 17,256 - 7,646.4 x (0.0004 + 0.003) = 4.13519
    result = draw(
        f"""
        {LINEAR}
        1         30000 30000 30000 30000  1000
        2         30000 30000 30000 30000  1000
        3 08:00   MARK 30150.5
        3 08:00   FUNDING 0.0001
        3         31000 31000 31000 31000  1000
        4 08:00   MARK 30900
        4 08:00   FUNDING -0.0002
        4         12744 12744 12744 12744  1000      # a trade, not the mark: nobody is liquidated
        5 08:00   MARK 12744.8
        5 09:00   MARK 12744.7
        5         12700 12700 12700 12700  1000      # began before the liquidation
        6         12744 12744 12744 12744  1000

        at 1: BUY 1
        at 2: SELL 0.4
        fill 2: BUY 1 @ 30000 taker fee 12
        fill 3: SELL 0.4 @ 31000 taker fee 4.96
        fill 6: SELL 0.6 @ 12744 taker of 2 fee 25.99776
        order 2: FILLED LIQUIDATED done 6
        charge 3 08:00: FUNDING 3.01505
        charge 4 08:00: FUNDING -3.708
        end: 0 P, 4.13519 USDT
        """,
        cash=10_000.0,
        currency="USDT",
        risk=LONG_AND_SHORT,
        costs={"fee_bps": 4.0},
    )
    assert result.orders["decided_at"].iloc[2].strftime("%d %H:%M") == "05 09:00"
    assert round(float(result.costs["funding"]), 8) == -0.69295
    assert [round(pnl, 8) for pnl in result.trades["pnl"]] == [390.24, -10386.79776]  # with 4.80 and 7.20 of the entry's fee


def test_inverse_ledger_of_a_bitmex_contract() -> None:
    # PnL = contracts x (1 / entry - 1 / exit), funding = contracts / mark x rate, all in XBT; 1 contract is 1 USD.
    #
    #  day   what                        cash, XBT
    #  2     buys 10,000 at 8,000        1 - 1.25 x 0.00075                                   = 0.9990625
    #  3 8h  0.01 % at mark 10,000       - 10,000 / 10,000 x 0.0001                           = 0.9989625
    #  3     sells 5,000 at 10,000       + 5,000 (1/8,000 - 1/10,000) - 0.5 x 0.00075         = 1.1235875
    #  liquidation: 1.1235875 + 5,000 (1/8,000 - 1/p) = 0.005 x 5,000 / p, so p = 5,025 / 1.7485875 = 2,873.748
    #  6     sells 5,000 at 2,870        + 5,000 (1/8,000 - 1/2,870) - 5,000/2,870 x 0.00075  = 0.0051206
    draw(
        f"""
        {INVERSE}
        1          8000  8000  8000  8000  100000
        2          8000  8000  8000  8000  100000
        3 08:00   MARK 10000
        3 08:00   FUNDING 0.0001
        3         10000 10000 10000 10000  100000
        4          2880  2880  2880  2880  100000
        5 08:00   MARK 2874
        5 09:00   MARK 2873.5
        5          2860  2860  2860  2860  100000
        6          2870  2870  2870  2870  100000

        at 1: BUY 10000
        at 2: SELL 5000
        fill 2: BUY 10000 @ 8000 taker fee 0.0009375
        fill 3: SELL 5000 @ 10000 taker fee 0.000375
        fill 6: SELL 5000 @ 2870 taker of 2 fee 0.00130662
        order 2: FILLED LIQUIDATED done 6
        charge 3 08:00: FUNDING 0.0001
        end: 0 P, 0.0051206 XBT
        """,
        cash=1.0,
        currency="XBT",
        risk=LONG_AND_SHORT,
        costs={"fee_bps": 7.5},
    )


def test_a_short_inverse_gains_more_from_a_fall_than_it_loses_from_a_rise() -> None:
    # 6,000 short at 6,000 is 1 XBT: at 3,000 it makes 6,000 (1/3,000 - 1/6,000) = 1; and shorts receive the funding of 0.1 % of 2 XBT
    draw(
        f"""
        {INVERSE}
        1          6000  6000  6000  6000  100000
        2          6000  6000  6000  6000  100000
        3          3000  3000  3000  3000  100000
        4 08:00   FUNDING 0.001
        4          3000  3000  3000  3000  100000

        at 1: SELL 6000
        at 3: BUY 6000
        fill 2: SELL 6000 @ 6000 taker
        fill 4: BUY 6000 @ 3000 taker
        charge 4 08:00: FUNDING -0.002
        end: 0 P, 2.002 XBT
        """,
        cash=1.0,
        currency="XBT",
        risk=LONG_AND_SHORT,
    )


def test_slippage_of_an_inverse_contract_is_in_its_price() -> None:
    # half a spread of 100 bps of 1 XBT is 0.01 XBT: 1 / p = 1/5,000 - 0.01/5,000, so p = 5,000 / 0.99
    result = draw(
        f"""
        {INVERSE}
        1          5000  5000  5000  5000  100000
        2          5000  5000  5000  5000  100000
        3          5000  5000  5000  5000  100000

        at 1: SELL 5000
        fill 2: SELL 5000 @ 5000 taker slippage 0.01
        end: -5000 P, 1 XBT
        """,
        cash=1.0,
        currency="XBT",
        risk=LONG_AND_SHORT,
        costs={"half_spread_bps": 100.0},
    )
    assert [round(value, 10) for value in result.equity] == [1.0, 0.99, 0.99]
    assert round(float(result.fills["price"].iloc[0]), 8) == round(5000 / 1.01, 8)
    assert round(float(result.fills["notional"].iloc[0]), 10) == 1.01
    assert round(float(result.orders["average_price"].iloc[0]), 8) == round(5000 / 1.01, 8)


def test_a_position_costs_no_cash_and_its_profit_is_equity() -> None:
    result = draw(
        f"""
        {PLAIN}
        1  100 100 100 100  1000
        2  100 100 100 100  1000
        3  110 110 110 110  1000
        4   90  90  90  90  1000

        at 1: BUY 100
        fill 2: BUY 100 @ 100 taker
        end: 100 P, 5000 USD
        """,
        cash=5_000.0,
        risk=LONG_AND_SHORT,
    )
    assert result.equity.tolist() == [5000.0, 5000.0, 6000.0, 4000.0]
    assert result.exposure["gross"].tolist() == [0.0, 10_000.0, 11_000.0, 9_000.0]
    assert result.exposure["net"].tolist() == [0.0, 0.0, 1000.0, -1000.0]


def test_initial_margin_is_asked_before_sending() -> None:
    draw(
        f"""
        {PLAIN}
        1  100 100 100 100  1000
        2  100 100 100 100  1000

        at 1: BUY 501            # 50,100 x 0.1 = 5,010 of 5,000
        at 1: BUY 300
        at 1: BUY 201 LIMIT 100  # the working order counts
        at 1: SELL 800 LIMIT 101 # only the worse side: 800 short need 8,000 + ...
        fill 2: BUY 300 @ 100 taker of 1
        order 0: REFUSED INSUFFICIENT_MARGIN needs 5010 allows 5000
        order 2: REFUSED INSUFFICIENT_MARGIN needs 5010 allows 5000
        order 3: REFUSED INSUFFICIENT_MARGIN needs 5050 allows 5000
        end: 300 P, 5000 USD
        """,
        cash=5_000.0,
        risk=LONG_AND_SHORT,
    )


def test_initial_margin_trims_at_the_fill() -> None:
    # at 125 the 40 lots need 40 x 125 x 0.1 = 500 of 500 and no more
    draw(
        f"""
        {PLAIN}
        1  100 100 100 100  1000
        2  125 125 125 125  1000

        at 1: BUY 50
        fill 2: BUY 40 @ 125 taker
        order 0: CANCELLED NO_CASH_AT_FILL filled 40 needs 50 allows 40
        end: 40 P, 500 USD
        """,
        cash=500.0,
        risk=LONG_AND_SHORT,
    )


def test_initial_margin_at_the_fill_leaves_room_for_the_fee() -> None:
    # at 125 a lot needs 12.50 and pays 1.25: 36 of 500
    draw(
        f"""
        {PLAIN}
        1  100 100 100 100  1000
        2  125 125 125 125  1000

        at 1: BUY 45
        fill 2: BUY 36 @ 125 taker fee 45
        order 0: CANCELLED NO_CASH_AT_FILL filled 36 needs 45 allows 36
        end: 36 P, 455 USD
        """,
        cash=500.0,
        risk=LONG_AND_SHORT,
        costs={"fee_bps": 100.0},
    )


def test_liquidation_cancels_what_works_and_fills_on_newer_data_only() -> None:
    # 100 at 100 with 1,000: at 94 equity is 400, below 0.05 x 9,400 = 470; both orders go, and the close fills at the next open
    draw(
        f"""
        {PLAIN}
        1  100 100 100 100  1000
        2  100 100 100 100  1000
        3   94  94  94  94  1000
        4   93  93  93  93  1000

        at 1: BUY 100
        at 2: SELL 50 LIMIT 130
        at 2: SELL 50 LIMIT 120
        fill 2: BUY 100 @ 100 taker of 0
        fill 4: SELL 100 @ 93 taker of 3
        order 1: CANCELLED LIQUIDATED needs 470 allows 400 done 3
        order 2: CANCELLED LIQUIDATED needs 470 allows 400 done 3
        order 3: FILLED LIQUIDATED done 4
        end: 0 P, 300 USD
        """,
        cash=1_000.0,
        risk={**LONG_AND_SHORT, "liquidates_by": "mark"},
    )


def test_funding_alone_can_liquidate() -> None:
    # 100 short at 100 pay 5 %: 1,000 - 500 = 0.05 x 10,000
    draw(
        f"""
        {PLAIN}
        1        100 100 100 100  1000
        2        100 100 100 100  1000
        3 08:00  FUNDING -0.05
        3        100 100 100 100  1000
        4        100 100 100 100  1000

        at 1: SELL 100
        fill 2: SELL 100 @ 100 taker
        fill 4: BUY 100 @ 100 taker of 1
        order 1: FILLED LIQUIDATED
        charge 3 08:00: FUNDING 500
        end: 0 P, 500 USD
        """,
        cash=1_000.0,
        risk=LONG_AND_SHORT,
    )


def test_one_pool_of_margin_for_all_positions() -> None:
    # A loses 600; B has made 500, so 900 stand against 0.03 x 9,400 + 0.06 x 10,500 = 912: both are closed
    draw(
        """
        instrument A kind PERPETUAL tick 1 initial 0.04 maintenance 0.03
        instrument B kind PERPETUAL tick 1 initial 0.06 maintenance 0.06
        1  A  100 100 100 100  1000
        1  B  100 100 100 100  1000
        2  A  100 100 100 100  1000
        2  B  100 100 100 100  1000
        3  B  105 105 105 105  1000
        4  A   94  94  94  94  1000
        5  A   94  94  94  94  1000
        5  B  105 105 105 105  1000

        at 1: BUY 100 A
        at 1: BUY 100 B
        fill 2: BUY 100 A @ 100 taker
        fill 2: BUY 100 B @ 100 taker
        fill 5: SELL 100 A @ 94 taker of 2
        fill 5: SELL 100 B @ 105 taker of 3
        order 2: FILLED LIQUIDATED
        order 3: FILLED LIQUIDATED
        end: 0 A, 0 B, 900 USD
        """,
        cash=1_000.0,
        risk={**LONG_AND_SHORT, "liquidates_by": "mark"},
    )


FUTURE = "instrument F kind FUTURE tick 0.25 multiplier 50 initial 0.1 maintenance 0.05"


def test_a_future_is_settled_each_day_and_at_its_end() -> None:
    # one point is 50; the day's gains are cash, the round trip keeps its entry; the end pays 103 - 101 and the day before 101 - 98
    result = draw(
        f"""
        {FUTURE}
        1        100 100 100 100  1000
        2        100 100 100 102  1000
        3        102 102  98  98  1000
        4         98 101  98 101  1000
        5 12:00  DELIST 103

        at 1: BUY 10
        at 3: SELL 4
        fill 2: BUY 10 @ 100 taker
        fill 4: SELL 4 @ 98 taker
        settled 2: 1000               # 10 x 2 x 50
        settled 3: -2000              # 10 x (98 - 102) x 50
        settled 4: 900                # 6 x (101 - 98) x 50; the 4 were sold where they stood
        end: 0 F, 100500 USD          # and 6 x (103 - 101) x 50 = 600
        """,
        cash=100_000.0,
        risk=LONG_AND_SHORT,
    )
    assert result.equity.tolist() == [100_000.0, 101_000.0, 99_000.0, 99_900.0, 100_500.0]
    assert result.trades["pnl"].tolist() == [-400.0, 900.0]
    assert result.trades["entry_price"].tolist() == [100.0, 100.0]


def test_a_part_bought_today_and_a_part_of_yesterday_settle_from_where_each_stands() -> None:
    draw(
        f"""
        {FUTURE}
        1        100 100 100 100  1000
        2        100 100 100 101  1000
        3        103 103 103 103  1000
        4        104 104 104 104  1000

        at 1: SELL 1
        at 2: SELL 1
        at 3: BUY 1
        fill 2: SELL 1 @ 100 taker
        fill 3: SELL 1 @ 103 taker
        fill 4: BUY 1 @ 104 taker
        settled 2: -50
        settled 3: -100               # 101 to 103; the second stands at 103
        settled 4: -50                # 103 to 104 of the one that is left; closing the other paid 50
        end: -1 F, 99750 USD
        """,
        cash=100_000.0,
        risk=LONG_AND_SHORT,
    )


def test_a_liquidation_inside_a_bar_takes_what_our_orders_have_left_of_its_volume() -> None:
    # 20 for us: 8 are sold at the open, so 12 can be bought back in the bar, and the rest at the next one
    draw(
        """
        instrument X kind PERPETUAL initial 0.1 maintenance 0.05
        1  100 100 100 100   2000
        2  100 100 100 100   2000
        3  100 112 100 104    200
        4  104 104 104 104   2000

        at 1: SELL 90
        at 2: SELL 8
        fill 2: SELL 90 @ 100 taker
        fill 3: SELL 8 @ 100 taker
        fill 3: BUY 12 @ 104.96 taker
        fill 4: BUY 86 @ 104 taker
        order 2: FILLED LIQUIDATED    # 1000 - 98 x 4.96 = 513.92 is less than 0.05 x 98 x 104.96 = 514.30
        """,
        cash=1_000.0,
        risk={"max_leverage": 10.0, "allow_short": True},
        costs={"max_participation": 0.1},
    )
