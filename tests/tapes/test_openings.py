"""What a run begins with, drawn: positions, cash in several currencies, orders at the venue."""

from __future__ import annotations

import pytest

from tests.tapes.drawing import draw

LATE = {"response_ns": 1_000_000_000}


@pytest.mark.parametrize("latency", [None, LATE])
def test_a_position_from_before_counts_from_its_first_price(latency: dict[str, int] | None) -> None:
    result = draw(
        """
        opening: 500 USD, 10 X @ 50
            1    100     100     100     110    1000
            2    120     120     120     120    1000
            3    120     120     120     120    1000
            4    120     120     120     120    1000

        at 2: SELL 10
        fill 3: SELL 10 X @ 120 taker
        end: 1700 USD, 1700 equity
        """,
        latency=latency,
    )
    assert result.tables.initial_cash == 1500.0  # 500 and 10 at the first price, 100
    assert result.metrics["total_return"] == pytest.approx(1700 / 1500 - 1, abs=1e-15)
    assert result.trades["pnl"].tolist() == [700.0]  # the tax office counts from 50
    assert result.round_trips["mfe"].tolist() == [700.0] and result.round_trips["mae"].tolist() == [0.0]


@pytest.mark.parametrize("latency", [None, LATE])
def test_an_order_from_before_fills_in_the_first_bar(latency: dict[str, int] | None) -> None:
    draw(
        """
        opening: 1000 USD, BUY 5 X LIMIT 98.50
            1    100     100      98     100    1000
            2    100     100      99     100    1000

        fill 1: BUY 5 X @ 98.50 maker
        end: 5 X, 507.50 USD
        """,
        latency=latency,
    )


def test_an_order_from_before_can_be_cancelled_and_changed() -> None:
    draw(
        """
        opening: 1000 USD, BUY 5 X LIMIT 90, BUY 5 X LIMIT 91
            1    100     100      98     100    1000
            2    100     100      98     100    1000
            3     97     100      89     100    1000

        at 1: CANCEL 0
        at 1: REPLACE 1 LIMIT 96
        order 0: CANCELLED USER
        fill 3: BUY 5 X @ 96 maker
        end: 5 X, 520 USD
        """,
    )


def test_a_stop_and_a_day_order_from_before() -> None:
    draw(
        """
        opening: 0 USD, 10 X @ 90, SELL 10 X STOP 95, BUY 1 X LIMIT 50 DAY
        clock 2024-01-01 America/New_York 16:00
        instrument X calendar XNYS
            2    100     100      98     100    1000
            3    100     100      94      97    1000
            4     97      97      97      97    1000

        fill 3: SELL 10 X @ 95 taker
        order 1: EXPIRED DAY_OVER
        end: 950 USD
        """,
    )


def test_cash_in_two_currencies_and_a_foreign_share() -> None:
    result = draw(
        """
        opening: 100 USD, 200 EUR, 10 SAP @ 80
        instrument EURUSD kind FX base EUR tick 0.0001
        instrument SAP currency EUR
        1 EURUSD 1.10 1.10 1.10 1.20 1000
        1 SAP 100 100 100 100 1000
        2 EURUSD 1.20 1.20 1.20 1.20 1000
        2 SAP 110 110 110 110 1000

        end: 10 SAP, 100 USD, 200 EUR, 1660 equity
        """,
    )
    assert result.tables.initial_cash == pytest.approx(100 + 200 * 1.1 + 10 * 100 * 1.1)
    assert result.metrics["total_return"] == pytest.approx(1660 / 1420 - 1)


def test_a_short_from_before_is_bought_back() -> None:
    result = draw(
        """
        opening: 3000 USD, -10 X @ 120
            1    100     100     100     100    1000
            2     90      90      90      90    1000
            3     90      90      90      90    1000

        at 2: BUY 10
        fill 3: BUY 10 X @ 90 taker
        end: 2100 USD
        """,
        risk={"allow_short": True},
    )
    assert result.trades["pnl"].tolist() == [300.0] and result.tables.initial_cash == 2000.0


@pytest.mark.parametrize("latency", [None, LATE])
def test_a_margined_position_from_before_is_liquidated_by_its_margin(latency: dict[str, int] | None) -> None:
    draw(
        """
        opening: 150 USD, 10 P @ 100
        instrument P kind PERPETUAL initial 0.1 maintenance 0.05
            1    100     100     100     100    1000
            2     88      88      88      88    1000
            3     88      88      88      88    1000

        fill 2: SELL 10 P @ 88 taker
        order 0: FILLED LIQUIDATED
        end: 30 USD
        """,
        risk={"max_leverage": 10.0, "allow_short": True},
        latency=latency,
    )


def test_on_a_book_an_order_from_before_stands_behind_what_is_shown_first() -> None:
    draw(
        """
        opening: 1000 USD, BUY 5 X LIMIT 99
        1 10:00 book 99 x 4 / 101 x 5
        1 10:01 trade 99 x 4 SELL
        1 10:02 bid 99 x 0
        1 10:03 trade 99 x 3 SELL
        1 10:04 ask 101 x 6

        fill 1 10:03: BUY 3 X @ 99 maker
        order 0: EXPIRED END_OF_DATA filled 3
        end: 3 X, 703 USD
        """,
    )


def test_on_a_late_feed_the_venue_has_it_too() -> None:
    draw(
        """
        feed 0.5
        opening: 1000 USD, BUY 5 X LIMIT 99
        1 10:00 book 99 x 4, 98 x 4 / 101 x 5
        1 10:01 trade 98 x 9 SELL
        1 10:04 ask 101 x 6

        fill 1 10:01: BUY 5 X @ 99 maker
        end: 5 X, 505 USD
        """,
    )
