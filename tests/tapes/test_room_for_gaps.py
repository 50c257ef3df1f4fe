"""Weights that use all of an account leave room for the price to move until the fill: three mean gaps of the last bars."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from framework import Strategy, backtest
from framework.engine.market import Bar
from framework.engine.view import View
from tests.tapes.drawing import draw

UNEVEN = """
        1  100 101  99 100  1000
        2  101 101  99 100  1000       # opens 1 % above the close before
        3   99 101  99 100  1000       # opens 1 % below: the mean gap is 1 %, so 3 % are kept free"""

ROWS = [(100, 101, 99, 100), (101, 101, 99, 100), (99, 101, 99, 100), (100, 100, 100, 100), (100, 100, 100, 100)]


def test_what_is_added_leaves_room_for_three_mean_gaps() -> None:
    # 100,000 buys 1,000 at 100; 1,000 / 1.03 = 970.87. A rise of 3 % is paid for: 970 x 103 = 99,910.
    draw(
        f"""{UNEVEN}
        4  103 103 103 103  1000

        at 3: WEIGHT 1
        fill 4: BUY 970 @ 103 taker of 0
        end: 970 X, 90 USD
        """,
        cash=100_000.0,
    )


def test_what_is_left_is_bought_later_and_what_is_held_stays() -> None:
    # Gaps of 1, 1 and 0 %: 2 % are kept free of what is added. (1000 + 0.02 x 970) / 1.02 = 999.4.
    draw(
        f"""{UNEVEN}
        4  100 100 100 100  1000
        5  100 100 100 100  1000
        6  105 105 105 105  1000

        at 3: WEIGHT 1
        at 4: WEIGHT 1
        at 6: WEIGHT 1                  # the gap of 5 % is now kept free too: nothing is bought, and nothing sold for it
        fill 4: BUY 970 @ 100 taker of 0
        fill 5: BUY 29 @ 100 taker of 1
        end: 999 X
        """,
        cash=100_000.0,
    )


@pytest.mark.parametrize(("weight", "lots"), [(0.5, 500), (0.96, 960), (0.99, 970), (-0.5, -500), (-1.0, -970)])
def test_a_weight_below_the_limit_needs_no_room(weight: float, lots: int) -> None:
    draw(
        f"""{UNEVEN}
        4  100 100 100 100  1000

        at 3: WEIGHT {weight}
        fill 4: {"BUY" if lots > 0 else "SELL"} {abs(lots)} @ 100 taker of 0
        end: {lots} X
        """,
        cash=100_000.0,
        risk={"allow_short": True},
    )


def test_the_first_bars_tell_of_no_gap() -> None:
    draw(
        """
        1  100 100 100 100  1000
        2  101 101 101 101  1000

        at 1: WEIGHT 1
        fill 2: BUY 990 @ 101 taker of 0
        order 0: CANCELLED NO_CASH_AT_FILL filled 990 needs 1000 allows 990
        """,
        cash=100_000.0,
    )


def test_a_weight_beyond_the_limit_is_refused_and_not_cut() -> None:
    draw(
        f"""{UNEVEN}
        4  100 100 100 100  1000

        at 3: WEIGHT 1.01
        order 0: REFUSED INSUFFICIENT_CASH needs 101000 allows 100000
        """,
        cash=100_000.0,
    )


def test_a_turn_pays_for_both_of_its_ways() -> None:
    # 400 sold at 101, then all in with 100,400: |T| + 0.03 (|T| + 400) <= 1004, so 963 beside the 400 that close.
    draw(
        f"""{UNEVEN}
        4  100 100 100 100  1000

        at 1: SELL 400
        at 3: WEIGHT 1
        fill 2: SELL 400 @ 101 taker of 0
        fill 4: BUY 1363 @ 100 taker of 1
        end: 963 X
        """,
        cash=100_000.0,
        risk={"allow_short": True},
    )


def test_quotes_are_paid_at_their_far_side() -> None:
    draw(
        """
        1 10:00  99 x 5000 / 101 x 5000
        1 10:01  99 x 5000 / 101 x 5000

        at 1 10:00: WEIGHT 1            # 100,000 at the mid of 100 are 1,000; at the offer of 101 they are 990
        fill 1 10:01: BUY 990 @ 101 taker of 0
        end: 990 X
        """,
        cash=100_000.0,
    )


def _bars() -> pd.DataFrame:
    index = pd.date_range("2024-01-02", periods=len(ROWS), tz="UTC")
    return pd.DataFrame(ROWS, columns=["open", "high", "low", "close"], index=index).assign(volume=1000)


class Halves(Strategy):
    """Sets two weights together, once."""

    weight: float = 0.5

    def on_start(self, view: View) -> None:
        self.stamps = 0

    def on_bars(self, view: View, bars: tuple[Bar, ...]) -> None:
        self.stamps += 1
        if self.stamps == 3:
            view.target_weights({"A": self.weight, "B": self.weight})


@pytest.mark.parametrize(("weight", "lots", "last"), [(0.5, 485, 485), (0.45, 450, 450), (0.495, 485, 490)])
def test_weights_that_are_set_together_share_the_room(weight: float, lots: int, last: int) -> None:
    # Of 1,000 at 100 each has its half: 500 / 1.03 = 485.4. Where 0.9 is wanted of 1, nothing is missing.
    data = {"A": _bars(), "B": _bars()}
    rows = pd.DataFrame(np.nan, index=data["A"].index, columns=["A", "B"])
    rows.iloc[2] = weight
    together = backtest(Halves(weight=weight), data, cash=100_000.0)
    panel = backtest(weights=rows, data=data, cash=100_000.0)
    assert together.fills["quantity"].tolist() == [lots, lots]
    assert panel.fills["quantity"].tolist() == [1000 * weight, last]  # one by one: the last bears the room, of its own gap


class AllIn(Strategy):
    """All in while the fast mean is above the slow mean, asked for on every bar."""

    def on_bar(self, view: View, bar: Bar) -> None:
        view.target_weight(bar.instrument, 1.0 if view.mean_close(bar.instrument, 10) > view.mean_close(bar.instrument, 50) else 0.0)


def test_almost_no_order_is_cut_by_cash_on_real_prices() -> None:
    result = backtest(AllIn(), data="us_equities_daily", instruments=["AAPL"], cash=1_000_000, costs={"fee_bps": 1.0})
    assert len(result.orders) > 100
    assert (result.orders["reason"] == "NO_CASH_AT_FILL").sum() <= len(result.orders) // 50
