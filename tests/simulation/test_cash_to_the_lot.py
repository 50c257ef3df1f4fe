"""Without leverage a purchase takes cash to the last lot that it pays for, and not one more."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from framework import Strategy, backtest

DAYS = pd.date_range("2024-01-01", periods=3, freq="D", tz="UTC")


class Once(Strategy):
    """All of the account into the instrument, decided at the first bar."""

    def on_bar(self, view, bar):
        if view.bar_count(bar.instrument) == 1:
            view.target_weight(bar.instrument, 1.0)


@pytest.mark.parametrize(
    ("decided", "filled", "cash", "tick"),
    [
        ("9.31e-6", "9.32e-6", "1e6", "1e-8"),
        ("64.22", "65.37", "1e12", "0.01"),
        ("64000.00", "64222.27", "1e14", "0.01"),
        ("1099999999.0", "1100000001.0", "1e13", "0.5"),
        ("100", "100", "1e6", "0.01"),
        ("100", "125", "1e6", "0.01"),
    ],
)
def test_cash_stays_at_zero_or_above_it(decided: str, filled: str, cash: str, tick: str) -> None:
    prices = np.array([float(decided), float(filled), float(filled)])
    frame = pd.DataFrame({"open": prices, "high": prices, "low": prices, "close": prices, "volume": 1e15}, index=DAYS)
    result = backtest(Once(), frame, cash=float(cash), tick_size=tick, lot_size=1)
    sized = Decimal(cash) // Decimal(decided)
    carried = min(sized, Decimal(cash) // Decimal(filled))
    assert result.fills["quantity"].tolist() == [float(carried)]
    left = Decimal(cash) - carried * Decimal(filled)
    assert left >= 0
    assert result.exposure["cash"].iloc[-1] == pytest.approx(float(left), abs=float(cash) * 1e-14)
    assert not [note for note in result.notes if "below zero" in note]
    assert result.orders["reason"].tolist() == (["NONE"] if carried == sized else ["NO_CASH_AT_FILL"])
