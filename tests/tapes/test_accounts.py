"""Cash, exposure and currencies where orders meet them: at the fill."""

from __future__ import annotations

import pandas as pd
import pytest

from framework import Strategy, backtest
from framework.schema.instrument import Instrument, InstrumentKind
from framework.schema.units import Step
from tests.tapes.drawing import draw


def test_open_that_gapped_past_the_cash_trims_the_order() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  105 106 104 105  1000       # 10,000 buys 95

        at 1: BUY 100
        fill 2: BUY 95 @ 105 taker
        order 0: CANCELLED NO_CASH_AT_FILL filled 95 needs 100 allows 95 done 2
        end: 95 X, 25 USD
        """,
        cash=10_000.0,
    )


def test_trimmed_order_leaves_room_for_its_costs() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  105 106 104 105  1000       # 106.05 with the fee: 95 for 10,074.75

        at 1: BUY 100
        fill 2: BUY 95 @ 105 taker fee 99.75
        order 0: CANCELLED NO_CASH_AT_FILL filled 95 needs 100 allows 95
        end: 95 X, 25.25 USD
        """,
        cash=10_100.0,
        costs={"fee_bps": 100.0},
    )


def test_not_one_share_at_the_open() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  200 201 199 200  1000

        at 1: BUY 1
        order 0: CANCELLED NO_CASH_AT_FILL needs 1 allows 0
        end: 150 USD
        """,
        cash=150.0,
    )


def test_fok_is_not_trimmed_and_takes_no_volume() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  200 201 199 200   800       # 80 for both

        at 1: BUY 60 FOK
        at 1: BUY 40
        fill 2: BUY 40 @ 200 taker of 1
        order 0: CANCELLED NO_CASH_AT_FILL needs 60 allows 50
        end: 40 X, 2000 USD
        """,
        cash=10_000.0,
        costs={"max_participation": 0.1},
    )


def test_gap_against_a_short_trims_it_too() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  125 126 124 125  1000       # 80 x 125 = 10,000

        at 1: SELL 100
        fill 2: SELL 80 @ 125 taker
        order 0: CANCELLED NO_CASH_AT_FILL filled 80 needs 100 allows 80
        end: -80 X, 20000 USD
        """,
        cash=10_000.0,
        risk={"allow_short": True},
    )


def test_a_sale_is_never_trimmed_for_cash() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  99 100  1000
        3   10  11   9  10  1000

        at 1: BUY 100
        at 2: SELL 100
        fill 2: BUY 100 @ 100 taker
        fill 3: SELL 100 @ 10 taker
        end: 0 X, 1000 USD
        """,
        cash=10_000.0,
    )


def test_units_finer_than_one_are_told_in_units() -> None:
    draw(
        """
        instrument BTC lot 0.001
        1  100 101  99 100  1000
        2  125 126 124 125  1000

        at 1: BUY 1
        fill 2: BUY 0.8 @ 125 taker
        order 0: CANCELLED NO_CASH_AT_FILL filled 0.8 needs 1 allows 0.8
        end: 0.8 BTC, 0 USD
        """,
        cash=100.0,
    )


def test_rotation_pays_for_itself_at_one_open() -> None:
    # A's bar is matched before Z's: the purchase waits for the sale that pays for it
    draw(
        """
        instrument A
        instrument Z
        1  A  100 101  99 100  1000
        1  Z   50  51  49  50  1000
        2  A  100 101  99 100  1000
        2  Z   50  51  49  50  1000
        3  A  100 101  99 100  1000
        3  Z   50  51  49  50  1000

        at 1: HOLD 200 Z
        at 2: HOLD 0 Z
        at 2: HOLD 100 A
        fill 2: BUY 200 Z @ 50 taker
        fill 3: SELL 200 Z @ 50 taker
        fill 3: BUY 100 A @ 100 taker
        end: 100 A, 0 Z, 0 USD
        """,
        cash=10_000.0,
    )


def test_a_purchase_before_the_sale_that_pays_for_it_is_refused() -> None:
    draw(
        """
        instrument A
        instrument Z
        1  A  100 101  99 100  1000
        1  Z   50  51  49  50  1000
        2  A  100 101  99 100  1000
        2  Z   50  51  49  50  1000
        3  A  100 101  99 100  1000
        3  Z   50  51  49  50  1000

        at 1: HOLD 200 Z
        at 2: HOLD 100 A
        at 2: HOLD 0 Z
        fill 2: BUY 200 Z @ 50 taker
        fill 3: SELL 200 Z @ 50 taker
        order 1: REFUSED INSUFFICIENT_CASH needs 20000 allows 10000
        end: 0 Z, 10000 USD
        """,
        cash=10_000.0,
    )


def test_from_long_to_short_in_one_order() -> None:
    result = draw(
        """
        1  100 101  99 100  1000
        2  100 101  99 100  1000
        3  110 111 109 110  1000

        at 1: HOLD 50
        at 2: HOLD -40
        fill 2: BUY 50 @ 100 taker
        fill 3: SELL 90 @ 110 taker
        end: -40 X, 14900 USD, 10500 equity
        """,
        cash=10_000.0,
        risk={"allow_short": True},
    )
    assert result.trades["pnl"].tolist() == [500.0]


def test_first_in_first_out() -> None:
    result = draw(
        """
        1  100 101  99 100  1000
        2  100 101  99 100  1000
        3  110 111 109 110  1000
        4  120 121 119 120  1000

        at 1: BUY 10
        at 2: BUY 10
        at 3: SELL 15
        fill 2: BUY 10 @ 100 taker
        fill 3: BUY 10 @ 110 taker
        fill 4: SELL 15 @ 120 taker
        end: 5 X
        """
    )
    assert result.trades[["quantity", "entry_price", "pnl"]].to_numpy().tolist() == [[10.0, 100.0, 200.0], [5.0, 110.0, 50.0]]


def test_a_newer_target_supersedes_the_rest_of_the_older() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  99 100   400       # 40 of 100
        3  100 101  99 100  9000

        at 1: HOLD 100
        at 2: HOLD 60
        fill 2: BUY 40 @ 100 taker of 0
        fill 3: BUY 20 @ 100 taker of 1
        order 0: CANCELLED SUPERSEDED filled 40 done 2
        end: 60 X
        """,
        costs={"max_participation": 0.1},
    )


def test_multiplier_is_money_per_point() -> None:
    draw(
        """
        instrument ES tick 0.25 multiplier 50
        1  4000 4010 3990 4000     1000
        2  4000 4010 3990 4001.25  1000

        at 1: BUY 2
        fill 2: BUY 2 @ 4000 taker fee 40          # 1 bp of 400,000
        end: 2 ES, 599960 USD, 1000085 equity      # + 2 x 50 x 1.25
        """,
        costs={"fee_bps": 1.0},
    )


EURO = """
        instrument EURUSD kind FX tick 0.0001 base EUR
        instrument SAP currency EUR
        1  EURUSD  1.2500 1.2600 1.2400 1.2500  0
        1  SAP     100    101     99    100     1000
        2  EURUSD  1.2000 1.2100 1.1900 1.2000  0
        2  SAP     100    102     99    101     1000
        3  EURUSD  1.3000 1.3100 1.2900 1.3000  0
        3  SAP     104    106    103    105     1000
"""


def test_two_currencies() -> None:
    draw(
        EURO
        + """
        at 1: BUY 80 SAP
        fill 2: BUY 80 SAP @ 100 taker
        end: 80 SAP, 10000 USD, -8000 EUR, 10520 equity        # (80 x 105 - 8,000) x 1.30
        """,
        cash=10_000.0,
    )


def test_round_trip_in_another_currency_leaves_its_profit_there() -> None:
    draw(
        EURO
        + """
        at 1: BUY 80 SAP
        at 2: SELL 80 SAP
        fill 2: BUY 80 SAP @ 100 taker fee 8
        fill 3: SELL 80 SAP @ 104 taker fee 8.32
        end: 0 SAP, 11000 USD, 303.68 EUR, 11394.784 equity    # 320 - 16.32, at 1.30
        """,
        cash=11_000.0,
        costs={"fee_bps": 10.0},
    )


def test_limits_are_checked_in_the_accounts_currency() -> None:
    draw(
        EURO
        + """
        at 1: BUY 81 SAP
        order 0: REFUSED INSUFFICIENT_CASH needs 10125 allows 10000        # 81 x 100 x 1.25
        """,
        cash=10_000.0,
    )


def test_cash_at_the_fill_is_counted_at_the_rate_of_the_fill() -> None:
    draw(
        """
        instrument EURUSD kind FX tick 0.0001 base EUR
        instrument SAP currency EUR
        1  EURUSD  1.2500 1.2600 1.2400 1.2500  0
        1  SAP     100    101     99    100     1000
        2  EURUSD  1.6000 1.6000 1.6000 1.6000  0
        3  SAP     100    101     99    100     1000
        3  EURUSD  1.3000 1.3000 1.3000 1.3000  0

        at 1: BUY 80 SAP
        fill 3: BUY 62 SAP @ 100 taker                         # 10,000 / 160: the rate of the same stamp is not known at its open
        order 0: CANCELLED NO_CASH_AT_FILL filled 62 needs 80 allows 62
        """,
        cash=10_000.0,
    )


def test_a_currency_without_a_pair_to_ours_is_converted_through_another() -> None:
    draw(
        """
        instrument TM currency JPY tick 1
        instrument EURJPY kind FX tick 0.01 base EUR currency JPY
        instrument EURUSD kind FX tick 0.01 base EUR
        1  TM      1500 1510 1490 1500  1000
        1  EURJPY   150  151  149  150  0
        1  EURUSD   1.2  1.2  1.2  1.2  0
        2  TM      1500 1510 1490 1500  1000
        2  EURJPY   150  151  149  150  0
        2  EURUSD   1.2  1.2  1.2  1.2  0
        3  TM      1600 1610 1590 1600  1000
        3  EURJPY   160  161  159  160  0
        3  EURUSD   1.5  1.5  1.5  1.5  0

        at 1: BUY 834 TM
        at 1: BUY 100 TM
        fill 2: BUY 100 TM @ 1500 taker of 1
        order 0: REFUSED INSUFFICIENT_CASH needs 10008 allows 10000        # 1,500 yen / 150 x 1.2 = 12 dollars a share
        end: 100 TM, 10000 USD, -150000 JPY, 10093.75 equity               # 10,000 yen / 160 x 1.5
        """,
        cash=10_000.0,
    )


def test_until_every_pair_on_the_way_was_seen_there_is_no_rate() -> None:
    draw(
        """
        instrument TM currency JPY tick 1
        instrument EURJPY kind FX tick 0.01 base EUR currency JPY
        instrument EURUSD kind FX tick 0.01 base EUR
        1  TM      1500 1510 1490 1500  1000
        1  EURJPY   150  151  149  150  0
        2  TM      1500 1510 1490 1500  1000
        2  EURUSD   1.2  1.2  1.2  1.2  0
        3  TM      1500 1510 1490 1500  1000
        3  EURUSD   1.2  1.2  1.2  1.2  0

        at 1: BUY 1 TM
        at 2: BUY 1 TM
        order 0: REFUSED NO_FX_RATE needs 1 allows 0
        fill 3: BUY 1 TM @ 1500 taker of 1
        """,
        cash=10_000.0,
    )


def test_a_pair_quoted_the_other_way_round() -> None:
    draw(
        """
        instrument TM currency JPY tick 1
        instrument USDJPY kind FX tick 0.01 base USD currency JPY
        1  TM      1500 1510 1490 1500  1000
        1  USDJPY   150  151  149  150  0
        2  TM      1500 1510 1490 1500  1000
        2  USDJPY   150  151  149  150  0
        3  TM      1600 1610 1590 1600  1000
        3  USDJPY   160  161  159  160  0

        at 1: BUY 1001 TM
        at 1: BUY 100 TM
        fill 2: BUY 100 TM @ 1500 taker of 1
        order 0: REFUSED INSUFFICIENT_CASH needs 10010 allows 10000        # 10 dollars a share
        end: 100 TM, 10000 USD, -150000 JPY, 10062.5 equity                # 10,000 yen at 160
        """,
        cash=10_000.0,
    )


def test_dividend_and_delisting_pay_in_the_instruments_currency() -> None:
    draw(
        """
        instrument EURUSD kind FX tick 0.0001 base EUR
        instrument SAP currency EUR
        1        EURUSD  1.2500 1.2600 1.2400 1.2500  0
        1        SAP     100    101     99    100     1000
        2        EURUSD  1.2500 1.2600 1.2400 1.2500  0
        2        SAP     100    101     99    100     1000
        3 00:00  SAP     DIVIDEND 2
        3        EURUSD  1.2500 1.2600 1.2400 1.2500  0
        3        SAP      98     99     97     98     1000
        4 00:00  SAP     DELIST 90
        4        EURUSD  1.2500 1.2600 1.2400 1.2500  0

        at 1: BUY 10 SAP
        fill 2: BUY 10 SAP @ 100 taker
        end: 0 SAP, 10000 USD, -80 EUR, 9900 equity            # - 1,000 + 20 + 900
        """,
        cash=10_000.0,
    )


class BuyOnce(Strategy):
    """Buys one parcel on the first stamp that has both bars."""

    symbol: str
    quantity: float

    def on_bars(self, view, bars) -> None:
        if view.bar_count(self.symbol) == 1:
            view.buy(self.symbol, self.quantity)

    def on_stop(self, view) -> None:
        self.cash = {name: view.cash_in(name) for name in ("EUR", "USD")}


def test_currencies_through_instrument_specs() -> None:
    index = pd.to_datetime(["2024-01-02", "2024-01-03"], utc=True)
    sap = pd.DataFrame({"open": [100.0, 100.0], "high": 102.0, "low": 99.0, "close": [100.0, 101.0], "volume": 1000.0}, index=index)
    rate = pd.DataFrame({"open": 1.25, "high": 1.25, "low": 1.2, "close": [1.25, 1.2], "volume": 0.0}, index=index)
    pair = Instrument("EURUSD", tick=Step.of("0.0001"), kind=InstrumentKind.FX, base_currency="EUR", calendar="bars")
    strategy = BuyOnce(symbol="SAP", quantity=80.0)
    result = backtest(strategy, {"SAP": sap, "EURUSD": rate}, cash=10_000.0, instrument_specs={"SAP": {"currency": "EUR"}, "EURUSD": pair})
    assert result.fills[["instrument", "quantity", "price"]].to_numpy().tolist() == [["SAP", 80.0, 100.0]]
    assert strategy.cash == {"EUR": -8000.0, "USD": 10_000.0}
    assert result.equity.iloc[-1] == pytest.approx(10_096.0)  # 10,000 + (80 x 101 - 8,000) x 1.20


def test_unknown_orders_are_the_strategys_mistake() -> None:
    with pytest.raises(Exception, match="unknown order 5"):
        draw(
            """
            1  100 101  99 100  1000
            2  100 101  99 100  1000

            at 1: CANCEL 5
            """
        )
