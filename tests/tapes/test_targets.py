"""What a target finds: working orders that only reduce, and accounts that are worth less than nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from framework import Instrument, State, Strategy, backtest, compiled
from framework.data.tape import build
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


GAP = """
        1  100 100 100 100  1000
        2  100 100 100 100  1000
        3  100 100 100 100  1000
        4   75  75  75  75  1000
        5   75  75  75  75  1000
"""


@pytest.mark.parametrize(("target", "lots"), [("HOLD 0", 10), ("HOLD 5", 5), ("WEIGHT 0", 10)])
def test_a_target_beside_a_stop_never_ends_on_the_other_side(target: str, lots: int) -> None:
    # The gap fills the stop, which came first; the target's sale then finds nothing to close.
    draw(
        GAP
        + f"""
        at 1: BUY 10
        at 2: SELL 10 STOP 80 REDUCE_ONLY
        at 3: {target}
        fill 2: BUY 10 @ 100 taker of 0
        fill 4: SELL 10 @ 75 taker of 1
        order 2: CANCELLED REDUCE_ONLY needs {lots} allows 0
        end: 0 X
        """,
        both=target == "HOLD 0",
        risk=SHORT,
    )


def test_a_bracket_and_a_target_close_what_is_held_once() -> None:
    draw(
        GAP
        + """
        at 1: BRACKET BUY 10 TARGET 120 LOSS 80
        at 3: HOLD 0
        fill 2: BUY 10 @ 100 taker of 0
        fill 4: SELL 10 @ 75 taker of 2
        order 1: CANCELLED SIBLING_FILLED
        order 3: CANCELLED REDUCE_ONLY needs 10 allows 0
        end: 0 X
        """,
        both=True,
        risk=SHORT,
    )


def test_a_target_that_turns_the_position_is_a_plain_order() -> None:
    draw(
        GAP
        + """
        at 1: BUY 10
        at 3: HOLD -5
        fill 2: BUY 10 @ 100 taker of 0
        fill 4: SELL 15 @ 75 taker of 1
        end: -5 X
        """,
        risk=SHORT,
    )


@pytest.mark.parametrize(("target", "lots"), [(4, 6), (0, 10)])
def test_a_target_sells_what_a_working_purchase_will_have_bought(target: int, lots: int) -> None:
    draw(
        f"""
        1  100 100 100 100  1000
        2  101 101 101 101  1000
        3  102 102 102 102  1000

        at 1: BUY 10
        at 1: HOLD {target}
        fill 2: BUY 10 @ 101 taker of 0
        fill 2: SELL {lots} @ 101 taker of 1
        end: {target} X
        """
    )


def test_what_a_target_will_find_to_close_is_what_the_next_one_counts() -> None:
    # The stop, first in line, takes the 50 lots of the bar: 50 of the target's 100 will find nothing, so zero is still what comes of it.
    draw(
        """
        1  100 100 100 100  5000
        2  100 100 100 100  5000
        3  100 100 100 100  5000
        4   75  75  75  75   500
        5   75  75  75  75   500
        6   75  75  75  75   500

        at 1: BUY 100
        at 2: SELL 100 STOP 80 REDUCE_ONLY
        at 3: HOLD 0
        at 4: HOLD 0
        fill 2: BUY 100 @ 100 taker of 0
        fill 4: SELL 50 @ 75 taker of 1
        fill 5: SELL 50 @ 75 taker of 1
        order 2: CANCELLED REDUCE_ONLY needs 100 allows 0
        end: 0 X
        """,
        both=True,
        risk=SHORT,
        costs={"max_participation": 0.1},
    )


def test_a_target_counts_plain_orders_and_what_another_target_closes_in_turn() -> None:
    # 20 bought, 10 of them sold again: ten are expected, though twice ten work on either side.
    draw(
        """
        1  100 100 100 100  1000
        2  100 100 100 100  1000

        at 1: BUY 20
        at 1: HOLD 10
        at 1: HOLD 10
        fill 2: BUY 20 @ 100 taker of 0
        fill 2: SELL 10 @ 100 taker of 1
        end: 10 X
        """,
        risk=SHORT,
    )


def test_what_a_target_closes_pays_for_what_another_opens() -> None:
    draw(
        """
        instrument A
        instrument B
        1 A  100 100 100 100  1000
        1 B  100 100 100 100  1000
        2 A  100 100 100 100  1000
        2 B  100 100 100 100  1000
        3 A  100 100 100 100  1000
        3 B  100 100 100 100  1000

        at 1: HOLD 100 A
        at 2: HOLD 0 A
        at 2: HOLD 100 B
        fill 2: BUY 100 A @ 100 taker of 0
        fill 3: SELL 100 A @ 100 taker of 1
        fill 3: BUY 100 B @ 100 taker of 2
        end: 0 A, 100 B
        """,
        cash=10_000.0,
    )


class Rotates(Strategy):
    """Everything into A, and before that has filled everything into B."""

    first: str = "market"

    def on_bars(self, view: View, bars: tuple[Bar, ...]) -> None:
        count = view.bar_count("A")
        if count == 1 and self.first == "target":
            view.target_weights({"A": 0.5})
        elif count == 1:
            view.buy("A", 50)
        elif count == 2:
            view.target_weights({"B": 0.5})


@pytest.mark.parametrize(("first", "bought"), [("target", 0.0), ("market", 50.0)])
def test_weights_for_the_whole_book_count_what_is_on_its_way(first: str, bought: float) -> None:
    # Nothing trades on the second day, so the purchase of A still works when the book is to be B alone. A target of it is superseded, an
    # order of one's own fills and is sold at the same open.
    flat, thin = _flat(100, 100, 100, 100), _flat(100, 100, 100, 100)
    thin.iloc[1, thin.columns.get_loc("volume")] = 0
    result = backtest(Rotates(first=first), {"A": thin, "B": flat}, tick_size=0.01, cash=10_000.0, costs={"max_participation": 0.5})
    assert result.positions.iloc[-1].to_dict() == {"A": 0.0, "B": 50.0}
    of_a = result.fills[result.fills["instrument"] == "A"]
    assert of_a["quantity"].tolist() == ([bought, bought] if bought else [])


@pytest.mark.parametrize("weight", [0.5, -0.5])
def test_a_weight_without_a_rate_of_exchange_is_refused(weight: float) -> None:
    draw(
        f"""
        instrument X currency EUR
        1  100 100 100 100  1000
        2  100 100 100 100  1000

        at 1: WEIGHT {weight}
        order 0: REFUSED NO_FX_RATE needs 1 allows 0
        """,
        risk=SHORT,
    )


def test_rows_of_weights_without_a_rate_of_exchange_are_refused() -> None:
    bars = _flat(100, 100, 100)
    rows = pd.DataFrame({"X": [0.5, np.nan, 0.0]}, index=bars.index)
    tape = build({"X": bars}, {"X": Instrument("X", calendar="bars")}, name="dollars")
    result = backtest(weights=rows, data=tape, currency="EUR")
    assert result.orders[["state", "reason"]].values.tolist() == [["REFUSED", "NO_FX_RATE"]]
