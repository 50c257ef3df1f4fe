"""In which currency prices are that name none, and what a run says whose every order was refused."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from framework import Strategy, backtest
from framework.config import load
from framework.data.readers import read_bars
from framework.engine.market import Bar
from framework.engine.view import View
from framework.prove import prove
from framework.prove.proof import trial_of
from framework.simulation.backtest import run

_INDEX = pd.date_range("2024-01-02", periods=4, freq="D", tz="UTC", name="ts")
_BARS = pd.DataFrame({"open": 5.0, "high": 5.0, "low": 5.0, "close": [5.0, 5.0, 5.0, 5.01], "volume": 900.0}, index=_INDEX)
_BARS["high"] = 5.01

_STRATEGY = '''
from framework import Strategy


class Two(Strategy):
    """Buys ten on the first two bars."""

    def on_bar(self, view, bar):
        if view.bar_count(bar.instrument) < 3:
            view.buy(bar.instrument, 10)
'''


class Two(Strategy):
    def on_bar(self, view: View, bar: Bar) -> None:
        if view.bar_count(bar.instrument) < 3:
            view.buy(bar.instrument, 10)


@pytest.fixture(scope="module")
def prices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("prices") / "PX.csv"
    _BARS.to_csv(made)
    return made


@pytest.fixture(scope="module")
def config(prices: Path) -> Path:
    (prices.parent / "two_buys.py").write_text(_STRATEGY)
    made = prices.parent / "two.yaml"
    made.write_text(f"strategy: two_buys:Two\ndata: {{source: {prices}, tick_size: 0.01}}\naccount: {{cash: 100000, currency: JPY}}\n")
    return made


def test_files_and_frames_are_in_the_accounts_currency(prices: Path, config: Path) -> None:
    kinds = (str(prices), prices, {"PX": _BARS})
    results = [backtest(Two(), data, currency="JPY", cash=100_000, tick_size=0.01) for data in kinds]
    results.append(run(load(config), strategies=[config.parent]))
    for result in results:
        assert float(result.equity.iloc[-1]) == pytest.approx(100_000 + 20 * 0.01, abs=1e-9)
        assert result.fills["currency"].tolist() == ["JPY", "JPY"]
        assert not result.notes


def test_a_currency_that_is_named_stays() -> None:
    specs = {"PX": {"currency": "USD"}}
    result = backtest(Two(), {"PX": _BARS}, currency="JPY", tick_size=0.01, instrument_specs=specs)
    assert result.orders["reason"].tolist() == ["NO_FX_RATE"] * 2


def test_a_run_whose_every_order_was_refused_says_so() -> None:
    result = backtest(Two(), read_bars({"PX": _BARS}, tick_size=0.01), currency="JPY")
    note = "Each of the 2 orders was refused with NO_FX_RATE, so nothing was traded; `result.refused` has the rule's numbers."
    assert result.notes == (note,)
    assert note.split(" with ")[0] in repr(result)


class ThreeRefusals(Strategy):
    def on_bar(self, view: View, bar: Bar) -> None:
        if view.bar_count("PX") == 1:
            view.sell("PX", 1)
            view.sell("PX", 2)
            view.buy("PX", 1, limit=0.001)


def test_the_commonest_reason_is_named() -> None:
    [note] = backtest(ThreeRefusals(), {"PX": _BARS}, tick_size=0.01).notes
    assert note.startswith("Each of the 3 orders was refused, 2 of them with SHORT_NOT_ALLOWED, so nothing was traded")


class OneOfThreeIsAllowed(Strategy):
    def on_bar(self, view: View, bar: Bar) -> None:
        if view.bar_count("PX") == 1:
            view.sell("PX", 1)
            view.buy("PX", 1, limit=0.001)
            view.buy("PX", 1)


def test_one_order_that_was_sent_is_enough() -> None:
    result = backtest(OneOfThreeIsAllowed(), {"PX": _BARS}, tick_size=0.01)
    assert result.orders["state"].tolist() == ["REFUSED", "REFUSED", "FILLED"]
    assert not result.notes


def test_a_proof_takes_prices_as_a_backtest_does(prices: Path, config: Path) -> None:
    file, frame = (prove(Two(), data, currency="JPY", tick_size=0.01, checks=["tape_split"]) for data in (str(prices), {"PX": _BARS}))
    assert str(file) == str(frame)  # with how many records the run left: fewer where the orders are refused
    assert trial_of(load(config), strategies=[config.parent]).tape.instruments[0].currency == "JPY"
