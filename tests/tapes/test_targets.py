"""What a target finds: working orders that only reduce, and accounts that are worth less than nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from framework import State, Strategy, backtest, compiled
from framework.engine.market import Bar
from framework.engine.view import View
from tests.tapes.drawing import draw

SHORT = {"allow_short": True}


@pytest.mark.parametrize("target", ["HOLD 0", "WEIGHT 0"])
def test_a_target_counts_a_working_reduce_only_order(target: str) -> None:
    draw(
        f"""
        1  100 100 100 100  1000
        2  100 100 100 100  1000
        3  100 100 100 100  1000

        at 1: BUY 10
        at 2: SELL 10 REDUCE_ONLY
        at 2: {target}                     # nothing is left to do
        fill 2: BUY 10 @ 100 taker of 0
        fill 3: SELL 10 @ 100 taker of 1
        end: 0 X
        """,
        both=True,
        risk=SHORT,
    )


def test_a_target_orders_what_a_reduce_only_order_leaves() -> None:
    draw(
        """
        1  100 100 100 100  1000
        2  100 100 100 100  1000
        3  100 100 100 100  1000

        at 1: BUY 10
        at 2: SELL 4 REDUCE_ONLY
        at 2: HOLD 0
        fill 2: BUY 10 @ 100 taker of 0
        fill 3: SELL 4 @ 100 taker of 1
        fill 3: SELL 6 @ 100 taker of 2
        end: 0 X
        """,
        both=True,
        risk=SHORT,
    )


def test_a_reduce_only_order_counts_for_what_it_will_find() -> None:
    # The plain sale comes first and leaves nothing to reduce; a target of 5 then buys 5 and not 15.
    draw(
        """
        1  100 100 100 100  1000
        2  100 100 100 100  1000
        3  100 100 100 100  1000

        at 1: BUY 10
        at 2: SELL 10
        at 2: SELL 10 REDUCE_ONLY
        at 2: HOLD 5
        fill 2: BUY 10 @ 100 taker of 0
        fill 3: SELL 10 @ 100 taker of 1
        fill 3: BUY 5 @ 100 taker of 3
        order 2: CANCELLED REDUCE_ONLY needs 10 allows 0
        end: 5 X
        """,
        risk=SHORT,
    )


def test_a_cancelled_reduce_only_order_counts_no_more() -> None:
    draw(
        """
        1  100 100 100 100  1000
        2  100 100 100 100  1000
        3  100 100 100 100  1000

        at 1: BUY 10
        at 2: SELL 10 REDUCE_ONLY
        at 2: CANCEL 1
        at 2: HOLD 0
        fill 2: BUY 10 @ 100 taker of 0
        fill 3: SELL 10 @ 100 taker of 2
        order 1: CANCELLED USER
        end: 0 X
        """,
        both=True,
        risk=SHORT,
    )


class ReducesTwice(Strategy):
    """Reduces to nothing, and asks for nothing too."""

    bars: State[int] = 0

    def on_bar(self, view: View, bar: Bar) -> None:
        self.bars += 1
        if self.bars == 1:
            view.order(bar.instrument, 10)
        if self.bars == 2:
            view.order(bar.instrument, -10, reduce_only=True)
            view.target_quantity(bar.instrument, 0)


@compiled
class ReducesTwiceCompiled(Strategy):
    """The same as machine code."""

    bars: State[int] = 0

    def on_bar(self, view: View, bar: Bar) -> None:
        self.bars += 1
        if self.bars == 1:
            view.order(bar.instrument, 10)
        if self.bars == 2:
            view.order(bar.instrument, -10, reduce_only=True)
            view.target_quantity(bar.instrument, 0)


def _flat(*prices: float) -> pd.DataFrame:
    index = pd.date_range("2024-01-02", periods=len(prices), tz="UTC")
    return pd.DataFrame({name: prices for name in ("open", "high", "low", "close")} | {"volume": 1000}, index=index)


def test_a_compiled_target_counts_it_too() -> None:
    runs = [backtest(strategy, _flat(100, 100, 100, 100), risk=SHORT) for strategy in (ReducesTwice(), ReducesTwiceCompiled())]
    for run in runs:
        assert run.fills["quantity"].tolist() == [10.0, 10.0]
        assert run.positions["ASSET"].tolist()[-1] == 0.0
    assert runs[0].audit.records.tobytes() == runs[1].audit.records.tobytes()


@pytest.mark.parametrize("weight", [0.5, -0.5, 0.0])
def test_a_share_of_less_than_nothing_is_nothing(weight: float) -> None:
    # 100 sold at 100 with 10,000 of cash: at 250 the account is worth -5,000. Half of that is no reason to stay short.
    draw(
        f"""
        1  100 100 100 100  1000
        2  100 100 100 100  1000
        3  250 250 250 250  1000
        4  250 250 250 250  1000

        at 1: SELL 100
        at 3: WEIGHT {weight}
        fill 2: SELL 100 @ 100 taker of 0
        fill 4: BUY 100 @ 250 taker of 1
        end: 0 X, -5000 USD
        """,
        risk=SHORT,
        cash=10_000.0,
    )


def test_a_ruined_account_opens_nothing_by_its_weights() -> None:
    # X ruins the account; Y's weight would have gone short for equity below zero.
    draw(
        """
        instrument X
        instrument Y
        1 X  100 100 100 100  1000
        1 Y   50  50  50  50  1000
        2 X  100 100 100 100  1000
        2 Y   50  50  50  50  1000
        3 X  250 250 250 250  1000
        3 Y   50  50  50  50  1000
        4 X  250 250 250 250  1000
        4 Y   50  50  50  50  1000

        at 1: SELL 100 X
        at 3: WEIGHT 0.5 Y
        fill 2: SELL 100 X @ 100 taker of 0
        end: -100 X, 0 Y
        """,
        risk=SHORT,
        cash=10_000.0,
    )


def test_rows_of_weights_close_what_a_ruined_account_holds() -> None:
    bars = _flat(100, 100, 150, 250, 250, 250)
    rows = pd.DataFrame({"X": [-1.0, np.nan, np.nan, 1.0, np.nan, np.nan]}, index=bars.index)
    result = backtest(weights=rows, data={"X": bars}, cash=10_000.0, risk=SHORT)
    assert result.positions["X"].tolist() == [0.0, -100.0, -100.0, -100.0, 0.0, 0.0]
