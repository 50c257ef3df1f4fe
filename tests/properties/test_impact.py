"""No free manipulation: over flat prices no round trip earns from its own impact, whatever its sizes and times."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from framework import Strategy, backtest
from framework.engine.market import Bar
from framework.engine.view import View

PRICE, VOLUME, CASH = 100.0, 50_000.0, 1e9


class Schedule(Strategy):
    """Orders a list of quantities, one a bar."""

    def prepare(self, quantities: list[int]) -> Schedule:
        self.quantities = quantities
        return self

    def on_bar(self, view: View, bar: Bar) -> None:
        k = view.bar_count(bar.instrument) - 1
        if k < len(self.quantities) and self.quantities[k] != 0:
            view.order(bar.instrument, self.quantities[k])


@st.composite
def impacts(draw: st.DrawFn) -> dict[str, Any]:
    size = st.sampled_from((0.0, 0.01, 0.3))
    terms = {"permanent": draw(size), "temporary": draw(size), "daily_volume": VOLUME}
    if draw(st.booleans()):
        return {"model": "almgren_chriss", "fixed_bps": draw(st.sampled_from((0.0, 3.0))), **terms}
    decay = st.fixed_dictionaries({"half_life_s": st.sampled_from((1.0, 60.0, 3600.0, 1e6)), "weight": size})
    return {"model": "propagator", "decay": draw(st.lists(decay, min_size=1, max_size=3)), **terms}


def flat_bars(minutes: NDArray[np.int64]) -> pd.DataFrame:
    index = pd.Timestamp("2024-01-02", tz="UTC") + pd.to_timedelta(np.cumsum(minutes), unit="min")
    columns = dict.fromkeys(("open", "high", "low", "close"), PRICE)
    return pd.DataFrame({**columns, "volume": 1e6}, index=index)


def quadratic_form(quantities: NDArray[np.int64], seconds: NDArray[np.float64], impact: dict[str, Any]) -> float:
    """q' G q / 2 of trades at their times, and the fixed share of what they trade: the cost of all of them by the textbook."""
    lags = np.abs(seconds[:, None] - seconds[None, :])
    kernel = np.full(lags.shape, impact["permanent"]) + np.where(lags == 0.0, 2.0 * impact["temporary"], 0.0)
    for decay in impact.get("decay", ()):
        kernel = kernel + decay["weight"] * 0.5 ** (lags / decay["half_life_s"])
    fixed = impact.get("fixed_bps", 0.0) * 1e-4 * np.abs(quantities).sum()
    return float(PRICE * (0.5 * quantities @ kernel @ quantities / VOLUME + fixed))


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**20), count=st.integers(2, 12), impact=impacts())
def test_no_round_trip_earns_from_its_own_impact(seed: int, count: int, impact: dict[str, Any]) -> None:
    generator = np.random.default_rng(seed)
    quantities = generator.integers(-3_000, 3_001, count)
    quantities[-1] -= quantities.sum()  # a round trip
    minutes = generator.choice([1, 1, 5, 60, 3000], count + 1)
    data = flat_bars(minutes)
    terms = {"risk": {"allow_short": True, "max_leverage": 10.0}, "cash": CASH, "tick_size": 0.01, "calendar": "bars"}
    result = backtest(Schedule().prepare(quantities.tolist()), data, costs={"impact": impact}, **terms)
    gain = float(result.equity.iloc[-1]) - CASH
    paid = float(result.costs["impact"])
    filled_at = (result.fills["ts"].astype("int64") * 1e-9).to_numpy() if len(result.fills) else np.zeros(0)
    signed = np.where(result.fills["side"] == "BUY", 1, -1) * result.fills["quantity"].to_numpy() if len(result.fills) else np.zeros(0)
    assert signed.sum() == 0 and len(signed) == np.count_nonzero(quantities)
    assert gain <= 1e-6
    assert gain == pytest.approx(-paid, abs=1e-6)
    assert paid == pytest.approx(quadratic_form(signed, filled_at - filled_at[:1], impact), rel=1e-9, abs=1e-9)
