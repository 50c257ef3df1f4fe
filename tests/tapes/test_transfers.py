"""Transfers and corrections, drawn: what comes from outside is no profit, what was wrong is."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tapes.drawing import draw

LATE = {"response_ns": 1_000_000_000}


@pytest.mark.parametrize("latency", [None, LATE])
def test_a_deposit_is_no_profit(latency: dict[str, int] | None) -> None:
    result = draw(
        """
        # day   open    high     low   close  volume
            1    100     100     100     100    1000
            2    100     100     100     100    1000
            3    110     110     110     110    1000
        3 TRANSFER 1000 USD
            4    121     121     121     121    1000

        at 1: BUY 10
        fill 2: BUY 10 X @ 100 taker
        deposit 3: 1000
        end: 10 X, 1000 USD, 2210 equity
        """,
        cash=1000.0,
        latency=latency,
    )
    # by hand: 1000 -> 1100 on day 3, then 1000 comes in: 2100 -> 2210 on day 4; 1.10 * (2210 / 2100) - 1
    assert result.equity.tolist()[-2:] == [2100.0, 2210.0]
    assert result.metrics["total_return"] == pytest.approx(1.1 * 2210 / 2100 - 1, abs=1e-15)
    assert result.metrics["max_drawdown"] == 0.0


@pytest.mark.parametrize("latency", [None, LATE])
def test_a_withdrawal_is_no_loss(latency: dict[str, int] | None) -> None:
    result = draw(
        """
            1    100     100     100     100    1000
            2    100     100     100     100    1000
        2 TRANSFER -400 USD
            3    100     100     100     100    1000

        deposit 2: -400
        end: 600 USD, 600 equity
        """,
        cash=1000.0,
        latency=latency,
    )
    assert result.metrics["total_return"] == 0.0 and result.metrics["max_drawdown"] == 0.0


@pytest.mark.parametrize("latency", [None, LATE])
def test_units_come_in_at_their_cost_and_count_at_the_mark(latency: dict[str, int] | None) -> None:
    result = draw(
        """
            1    100     100     100     100    1000
        1 TRANSFER 10 X @ 60
            2    120     120     120     120    1000
            3    120     120     120     120    1000
            4    120     120     120     120    1000

        at 2: SELL 10
        fill 3: SELL 10 X @ 120 taker
        deposit 1: 1000
        end: 2200 USD, 2200 equity
        """,
        cash=1000.0,
        latency=latency,
    )
    # what was made before they came in belongs to the trade and not to the return: (2200 - 1000) / 1000 - 1 of day 2 is 2200 / 2000 - 1
    assert result.trades["pnl"].tolist() == [600.0]
    assert result.metrics["total_return"] == pytest.approx(0.1, abs=1e-15)
    assert result.round_trips["pnl"].tolist() == [600.0] and result.round_trips["mfe"].tolist() == [600.0]


@pytest.mark.parametrize("latency", [None, LATE])
def test_units_go_out_oldest_first_and_realise_nothing(latency: dict[str, int] | None) -> None:
    result = draw(
        """
            1    100     100     100     100    1000
            2    100     100     100     100    1000
            3    120     120     120     120    1000
        3 TRANSFER -15 X @ 120
            4    130     130     130     130    1000
            5    130     130     130     130    1000

        at 1: BUY 10
        at 2: BUY 10
        at 3: SELL 5
        fill 2: BUY 10 X @ 100 taker
        fill 3: BUY 10 X @ 120 taker
        fill 4: SELL 5 X @ 130 taker
        deposit 3: -1800
        end: 650 USD, 650 equity
        """,
        cash=2200.0,
        latency=latency,
    )
    # the 10 of 100 and 5 of those of 120 have gone out: 5 of 120 are left, sold at 130
    assert result.trades["pnl"].tolist() == [50.0] and result.trades["entry_price"].tolist() == [120.0]
    # 2200 -> 2400 on day 3, of which 1800 leave: 600 -> 650
    assert result.metrics["total_return"] == pytest.approx(2400 / 2200 * 650 / 600 - 1, abs=1e-15)


def test_all_that_was_held_goes_out() -> None:
    result = draw(
        """
            1    100     100     100     100    1000
            2    100     100     100     100    1000
            3    120     120     120     120    1000
        3 TRANSFER -10 X @ 120

        at 1: BUY 10
        fill 2: BUY 10 X @ 100 taker
        deposit 3: -1200
        end: 1000 USD, 1000 equity
        """,
        cash=2000.0,
    )
    assert len(result.trades) == 0 and result.round_trips["exit_reason"].tolist() == ["TRANSFER"]
    assert result.round_trips["pnl"].tolist() == [0.0] and np.isnan(result.round_trips["entry_price"]).all()
    assert result.metrics["total_return"] == pytest.approx(0.1, abs=1e-15)


@pytest.mark.parametrize("latency", [None, LATE])
def test_a_corrected_position_is_at_its_new_cost_and_realises_nothing(latency: dict[str, int] | None) -> None:
    result = draw(
        """
            1    100     100     100     100    1000
            2    100     100     100     100    1000
        2 CORRECT 8 X @ 101
            3    110     110     110     110    1000
            4    110     110     110     110    1000
            5    110     110     110     110    1000

        at 1: BUY 10
        at 3: SELL 8
        fill 2: BUY 10 X @ 100 taker
        fill 4: SELL 8 X @ 110 taker
        end: 1880 USD, 1880 equity
        """,
        cash=2000.0,
        latency=latency,
    )
    assert result.trades["pnl"].tolist() == [72.0]  # 8 * (110 - 101)
    # two shares of 100 that there never were are lost: 2000 -> 1800 at the correction
    assert 1800.0 in result.equity.tolist() and result.equity.iloc[-1] == 1880.0 and result.tables.deposits is None
    assert result.metrics["total_return"] == pytest.approx(-0.06, abs=1e-15)


@pytest.mark.parametrize("latency", [None, LATE])
def test_corrected_cash_is_gained_or_lost(latency: dict[str, int] | None) -> None:
    result = draw(
        """
            1    100     100     100     100    1000
            2    100     100     100     100    1000
        2 CORRECT -25 USD
            3    100     100     100     100    1000

        end: 975 USD, 975 equity
        """,
        cash=1000.0,
        latency=latency,
    )
    assert result.metrics["total_return"] == pytest.approx(-0.025, abs=1e-15)


@pytest.mark.parametrize("latency", [None, LATE])
def test_an_order_that_has_ended_at_the_venue_fills_no_more(latency: dict[str, int] | None) -> None:
    draw(
        """
            1    100     101      99     100    1000
            2    100     101      99     100    1000
        2 CORRECT ENDED 0 X filled 0
            3    100     101      90      95    1000

        at 1: BUY 10 LIMIT 95
        order 0: CANCELLED RECONCILED done 2
        end: 1000 USD
        """,
        cash=1000.0,
        latency=latency,
    )


@pytest.mark.parametrize("latency", [None, LATE])
def test_what_has_filled_unseen_counts_when_it_is_found(latency: dict[str, int] | None) -> None:
    draw(
        """
            1    100     101      99     100    1000
            2    100     101      99     100    1000
        2 CORRECT WORKS 0 X filled 4
        2 CORRECT 4 X @ 95
        2 CORRECT -380 USD
            3     94     101      90      95    1000
            4     95      95      95      95    1000

        at 1: BUY 10 LIMIT 95
        fill 3: BUY 6 X @ 94 maker
        end: 10 X, 56 USD
        """,
        cash=1000.0,
        latency=latency,
    )


@pytest.mark.parametrize("latency", [None, LATE])
def test_an_ended_order_that_still_works_at_the_venue_fills(latency: dict[str, int] | None) -> None:
    draw(
        """
            1    100     101      99     100    1000
            2    100     101      99     100    1000
            3    100     101      99     100    1000
        3 CORRECT WORKS 0 X filled 0
            4     94     101      90      95    1000
            5     95      95      95      95    1000

        at 1: BUY 10 LIMIT 95
        at 2: CANCEL 0
        fill 4: BUY 10 X @ 94 maker
        end: 10 X, 60 USD
        """,
        cash=1000.0,
        latency=latency,
    )


@pytest.mark.parametrize("latency", [None, LATE])
def test_an_order_of_ours_that_is_found_at_the_venue_fills(latency: dict[str, int] | None) -> None:
    draw(
        """
            1    100     101      99     100    1000
        1 CORRECT FOUND 0 BUY 10 X LIMIT 95
            2     94     101      90      95    1000
            3     95      95      95      95    1000

        fill 2: BUY 10 X @ 94 maker
        end: 10 X, 60 USD
        """,
        cash=1000.0,
        latency=latency,
    )


def test_cash_in_another_currency_counts_at_its_rate() -> None:
    result = draw(
        """
        instrument EURUSD kind FX base EUR tick 0.0001
        1 EURUSD 1.10 1.10 1.10 1.10 1000
        2 EURUSD 1.20 1.20 1.20 1.20 1000
        2 TRANSFER 100 EUR
        3 EURUSD 1.25 1.25 1.25 1.25 1000

        deposit 2: 120
        end: 100 EUR, 1000 USD, 1125 equity
        """,
        cash=1000.0,
    )
    assert result.metrics["total_return"] == pytest.approx(1125 / 1120 - 1, abs=1e-15)


@pytest.mark.parametrize("latency", [None, LATE])
def test_a_derivative_moves_with_what_it_has_made(latency: dict[str, int] | None) -> None:
    draw(
        """
        instrument P kind PERPETUAL initial 0.1
            1    100     100     100     100    1000
            2    120     120     120     120    1000
        2 TRANSFER 10 P @ 110
            3    130     130     130     130    1000
            4    130     130     130     130    1000
            5    130     130     130     130    1000

        at 3: SELL 10
        fill 4: SELL 10 P @ 130 taker
        deposit 2: 100
        end: 1200 USD, 1200 equity
        """,
        cash=1000.0,
        risk={"max_leverage": 10.0, "allow_short": True},
        latency=latency,
    )


@pytest.mark.parametrize("latency", [None, LATE])
def test_between_ticks_everything_is_as_between_bars(latency: dict[str, int] | None) -> None:
    result = draw(
        """
        1 10:00 book 99 x 4 / 101 x 5
        1 10:01 book 99 x 4 / 101 x 5
        1 10:02 TRANSFER 500 USD
        1 10:02 TRANSFER 2 X @ 80
        1 10:03 book 109 x 4 / 111 x 5
        1 10:04 book 109 x 4 / 111 x 5
        1 10:05 CORRECT ENDED 1 X filled 0
        1 10:06 trade 50 x 9 SELL
        1 10:07 book 109 x 4 / 111 x 5

        at 1 10:00: BUY 1
        at 1 10:03: BUY 1 LIMIT 90
        fill 1 10:01: BUY 1 X @ 101 taker
        order 1: CANCELLED RECONCILED
        deposit 1 10:02: 200
        deposit 1 10:02: 500
        end: 3 X, 1399 USD, 1729 equity
        """,
        cash=1000.0,
        latency=latency,
    )
    # 1000 -> 999 at 100 each, then 700 come in: 1699 -> 1729 at 110
    assert result.metrics["total_return"] == pytest.approx(0.999 * 1729 / 1699 - 1, abs=1e-15)
    assert set(result.equity.round(9)) >= {999.0, 1699.0, 1729.0}


def test_two_transfers_of_one_second_each_have_a_point() -> None:
    result = draw(
        """
        1 10:00 100 x 50 / 100 x 50
        1 10:01:00.2 100 x 50 / 100 x 50
        1 10:01:00.4 TRANSFER 1000 USD
        1 10:01:00.6 110 x 5 / 110 x 5
        1 10:01:00.7 TRANSFER -2100 USD
        1 10:01:01.9 121 x 5 / 121 x 5

        at 1 10:00: BUY 10
        fill 1 10:01:00.2: BUY 10 X @ 100 taker
        deposit 1 10:01:00.4: 1000
        deposit 1 10:01:00.7: -2100
        end: 10 X, 900 USD, 2110 equity
        """,
        cash=3000.0,
    )
    # by hand: 3000; +1000 = 4000 -> 4100 (10 rose by 10 each); -2100 = 2000 -> 2110
    assert result.metrics["total_return"] == pytest.approx(4100 / 4000 * 2110 / 2000 - 1, abs=1e-15)


def test_fees_stay_with_what_stays() -> None:
    corrected = draw(
        """
            1    100     100     100     100    1000
            2    100     100     100     100    1000
        2 CORRECT 8 X @ 101
            3    110     110     110     110    1000

        at 1: BUY 10
        at 2: SELL 8
        fill 2: BUY 10 X @ 100 taker fee 1
        fill 3: SELL 8 X @ 110 taker fee 0.8
        """,
        cash=2000.0,
        costs={"fee_per_share": 0.1},
    )
    assert corrected.trades["fees"].tolist() == [pytest.approx(1.8)]  # all that was paid to enter, and to leave
    moved = draw(
        """
            1    100     100     100     100    1000
            2    100     100     100     100    1000
        2 TRANSFER -5 X @ 100
            3    110     110     110     110    1000
            4    110     110     110     110    1000

        at 1: BUY 10
        at 3: SELL 5
        fill 2: BUY 10 X @ 100 taker fee 1
        fill 4: SELL 5 X @ 110 taker fee 0.5
        deposit 2: -500
        """,
        cash=2000.0,
        costs={"fee_per_share": 0.1},
    )
    assert moved.trades["fees"].tolist() == [pytest.approx(1.0)]  # half of what was paid to enter went out with the other half


def test_a_part_of_a_derivative_goes_out_with_its_part_of_the_gain() -> None:
    draw(
        """
        instrument P kind PERPETUAL initial 0.1
            1    100     100     100     100    1000
            2    100     100     100     100    1000
            3    120     120     120     120    1000
        3 TRANSFER -4 P @ 120
            4    130     130     130     130    1000

        at 1: BUY 10
        fill 2: BUY 10 P @ 100 taker
        deposit 3: -80
        end: 6 P, 1000 USD, 1180 equity
        """,
        cash=1000.0,
        risk={"max_leverage": 10.0, "allow_short": True},
    )


def test_an_order_that_has_ended_reserves_nothing() -> None:
    draw(
        """
            1    100     101      99     100    1000
            2    100     101      99     100    1000
        2 CORRECT ENDED 0 X filled 0
            3    100     101      99     100    1000
            4     94     101      90      95    1000

        at 1: BUY 10 LIMIT 95
        at 3: BUY 10 LIMIT 95
        order 0: CANCELLED RECONCILED
        fill 4: BUY 10 X @ 94 taker
        end: 10 X, 60 USD
        """,
        cash=1000.0,
    )


def test_an_order_that_works_after_all_is_split_again() -> None:
    draw(
        """
            1    100     101      99     100    1000
            2    100     101      99     100    1000
        2 SPLIT 2:1
            3     50      51      49      50    1000
        3 CORRECT WORKS 0 X filled 0
            4     50      51      49      50    1000
        4 SPLIT 2:1
            5     25      26       9      25    1000

        at 1: BUY 10 LIMIT 20
        at 2: CANCEL 0
        order 0: FILLED quantity 20
        fill 5: BUY 20 X @ 10 maker
        end: 20 X, 800 USD
        """,
        cash=1000.0,
    )


def test_children_of_an_order_that_has_ended_end_with_it() -> None:
    draw(
        """
            1    100     101      99     100    1000
            2    100     101      99     100    1000
        2 CORRECT ENDED 0 X filled 0
            3     94     120      80      95    1000

        at 1: BRACKET BUY 10 LIMIT 95 TARGET 110 LOSS 90
        order 0: CANCELLED RECONCILED
        order 1: CANCELLED PARENT_ENDED
        order 2: CANCELLED PARENT_ENDED
        end: 1000 USD
        """,
        cash=1000.0,
    )
