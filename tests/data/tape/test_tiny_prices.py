"""Prices near the finest tick: what a refusal says to do is done here, and works on the very prices that were refused."""

from __future__ import annotations

import ast
import re

import numpy as np
import pandas as pd
import pytest

from framework import Strategy, backtest
from framework.data.readers import read_bars
from framework.engine.market import Bar
from framework.engine.view import View
from framework.errors import DataError, InputError
from framework.schema.event import Kind
from framework.schema.units import Step


def bars_of(closes: list[float]) -> pd.DataFrame:
    stamps = pd.date_range("2024-01-02 09:31", periods=len(closes), freq="min", tz="UTC")
    prices = {name: np.array(closes) for name in ("open", "high", "low", "close")}
    return pd.DataFrame({**prices, "volume": 1e6}, index=stamps)


@pytest.mark.parametrize(
    ("closes", "tick"),
    [
        ([1e-12, 3e-12], Step(1, 10**12)),
        ([8e-13, 8e-13], Step(1, 10**13)),
        ([1e-12, 1.0], Step(1, 10**12)),
        ([1e-15, 2e-15], Step(1, 10**15)),
    ],
)
def test_what_a_tick_holds_is_taken(closes: list[float], tick: Step) -> None:
    assert read_bars(bars_of(closes)).instruments[0].tick == tick


@pytest.mark.parametrize(
    ("closes", "advice"),
    [
        ([1.00001e-12, 1.1e-12], "larger units"),
        ([8e-13, 8.1234567e-13, 7.7e-13], "larger units"),
        ([1e-20, 1e-20], "larger units"),
        ([1.23456789e-20, 2e-20], "larger units"),
        ([1.23e-15, 1e-15], "larger units"),
        ([8e-16, 1e-9], "larger units"),
        ([1.234567e-12, 100.0], "round"),
        ([1.5, 1e15], "round"),
        ([8e-13, 60000.0], "remove"),
        ([1e-20, 1e6], "remove"),
        ([1e-8, 3e9], "remove"),
        ([1e-300, 1.0], "remove"),
        ([5e-324, 1e-320], "remove"),
    ],
)
def test_the_advice_works_on_the_prices_that_were_refused(closes: list[float], advice: str) -> None:
    bars = bars_of(closes)
    with pytest.raises(DataError) as caught:
        read_bars(bars)
    said = str(caught.value)
    larger = re.search(r"larger units: bars\[(\[.*?\])\] \*= (\S+) and instrument_specs=(\{.*?\}\}), by which", said)
    rounded = re.search(r"as with bars\.round\((\d+)\) and tick_size='(\S+)'\.$", said)
    assert advice == ("larger units" if larger else "round" if rounded else "remove")
    if larger is not None:
        bars[ast.literal_eval(larger[1])] *= float(larger[2])
        [listed] = read_bars(bars, instrument_specs=ast.literal_eval(larger[3])).instruments
        assert float(larger[2]) * listed.multiplier == pytest.approx(1.0, rel=1e-12)
        assert listed.tick.size <= min(closes) * float(larger[2]) * 1e-6 or listed.tick.exactly(min(closes) * float(larger[2]))
    elif rounded is not None:
        tape = read_bars(bars.round(int(rounded[1])), tick_size=rounded[2])
        assert tape.events["w3"][tape.events["kind"] == Kind.BAR].tolist() == [round(close / float(rounded[2])) for close in closes]
    else:
        assert said.endswith("Correct or remove the price: rounded to any step that holds the others, it would be 0.")


@pytest.mark.parametrize("closes", [[8e-13, 60000.0], [1e-20, 1e6], [1e-8, 3e9], [1e-300, 1.0]])
def test_without_the_price_that_is_named_the_others_are_taken(closes: list[float]) -> None:
    with pytest.raises(DataError, match=r"row 2024-01-02 09:31.*Correct or remove the price: "):
        read_bars(bars_of(closes))
    assert read_bars(bars_of(closes).iloc[1:]).instruments[0].tick == Step(1, 1)


def test_larger_units_keep_gains_what_they_are() -> None:
    class Holds(Strategy):
        def on_bar(self, view: View, bar: Bar) -> None:
            view.target_quantity(bar.instrument, 1000)

    bars = bars_of([1e-20, 1e-20, 3e-20, 3e-20])
    bars[["open", "high", "low", "close"]] *= 1e20
    result = backtest(Holds(), bars, instrument_specs={"ASSET": {"multiplier": 1e-20}}, cash=1e-15)
    assert result.fills["quantity"].tolist() == [1000]
    assert result.equity.iloc[-1] == pytest.approx(1e-15 + 1000 * 2e-20, rel=1e-9)


def test_a_declared_tick_that_is_too_coarse_names_one_that_holds_the_prices() -> None:
    bars = bars_of([8e-13, 7e-13])
    with pytest.raises(DataError, match="Declare a finer tick_size='1e-13', which holds all prices here, or correct the price"):
        read_bars(bars, tick_size="1e-12")
    assert read_bars(bars, tick_size="1e-13").instruments[0].tick == Step(1, 10**13)
    with pytest.raises(DataError, match="Leave tick_size out to have it inferred"):
        read_bars(bars_of([1 / 3, 0.5]), tick_size="0.01")
    assert read_bars(bars_of([1 / 3, 0.5])).instruments[0].tick == Step(1, 10**9)


def test_a_step_that_cannot_be_names_the_finest() -> None:
    with pytest.raises(InputError, match=r"a step of 1/10{20}; .* The finest decimal step is '1e-15'"):
        Step.of("1e-20")
    assert Step.of("1e-15").denominator == 10**15
    assert Step.of("1e15").numerator == 10**15
