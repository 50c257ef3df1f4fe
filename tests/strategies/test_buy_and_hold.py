"""Raw AAPL bought once: quantity and cash after every split and dividend, by hand, and against the vendor's adjusted closes."""

from __future__ import annotations

import pandas as pd
import pytest

from framework import Strategy, backtest
from framework.engine.market import Bar, MarketEvent
from framework.engine.view import View
from framework.reports.result import Result
from framework.schema.event import Kind
from strategies.buy_and_hold import BuyAndHold
from tests.strategies.prices import column

DIVIDENDS = ("2012-08-09", "2012-11-07", "2013-02-07")  # 2.65 a share each


class Noting(BuyAndHold):
    """Notes quantity and cash after each bar and corporate action."""

    def on_start(self, view: View) -> None:
        super().on_start(view)
        self.notes: list[tuple[str, str, float, float]] = []

    def on_bar(self, view: View, bar: Bar) -> None:
        super().on_bar(view, bar)
        self.notes.append((f"{view.now:%Y-%m-%d}", "BAR", view.position("AAPL"), view.cash))

    def on_event(self, view: View, event: MarketEvent) -> None:
        if event.instrument:
            self.notes.append((f"{view.now:%Y-%m-%d}", event.kind.name, view.position("AAPL"), view.cash))


def test_quantity_and_cash_after_every_event() -> None:
    # 2000-03-01 closes at 130.31: 1,000,000 / 130.31 = 7674.01, so 7674 are ordered.
    # 2000-03-02 opens at 127.00: 7674 x 127 = 974,598 leaves 25,402.
    # 2000-06-21 two for one: 15,348.  2005-02-28 two for one: 30,696.
    # 30,696 x 2.65 = 81,344.40 on each of three ex-dates: 106,746.40, then 188,090.80, then 269,435.20.
    # 2013-03-01 closes at 430.47: 30,696 x 430.47 + 269,435.20 = 13,483,142.32.
    strategy = Noting()
    result = backtest(strategy, "us_equities_daily", instruments=["AAPL"])
    happened = [note for note in strategy.notes if note[1] != "BAR"]
    assert happened == [
        ("2000-06-21", "SPLIT", 15_348.0, 25_402.0),
        ("2005-02-28", "SPLIT", 30_696.0, 25_402.0),
        ("2012-08-09", "DIVIDEND", 30_696.0, pytest.approx(106_746.40, abs=1e-6)),
        ("2012-11-07", "DIVIDEND", 30_696.0, pytest.approx(188_090.80, abs=1e-6)),
        ("2013-02-07", "DIVIDEND", 30_696.0, pytest.approx(269_435.20, abs=1e-6)),
    ]
    bars = [note for note in strategy.notes if note[1] == "BAR"]
    assert bars[0] == ("2000-03-01", "BAR", 0.0, 1_000_000.0)
    assert bars[1] == ("2000-03-02", "BAR", 7_674.0, 25_402.0)
    assert bars[-1] == ("2013-03-01", "BAR", 30_696.0, pytest.approx(269_435.20, abs=1e-6))
    assert len(result.fills) == 1
    assert result.fills[["quantity", "price"]].to_numpy().tolist() == [[7674.0, 127.0]]
    assert result.equity.iloc[-1] == pytest.approx(13_483_142.32, abs=1e-4)
    assert result.income["dividends"] == pytest.approx(3 * 81_344.40, abs=1e-6)
    assert len(result.trades) == 0


def worth(result: Result) -> pd.Series:
    """What is held at each close, by date, cash apart."""
    net = result.exposure["net"]
    return net.set_axis(net.index.tz_convert("America/New_York").normalize().tz_localize(None))


SPANS = [
    ("2000-03-02", "2000-06-20"),  # nothing happens
    ("2000-06-20", "2000-06-21"),  # the day of a split
    ("2000-03-02", "2005-03-01"),  # both splits
    ("2005-02-25", "2005-02-28"),
    ("2000-03-02", "2012-08-08"),  # to the eve of the first dividend
    ("2012-08-09", "2012-11-06"),
    ("2012-11-07", "2013-02-06"),
    ("2013-02-07", "2013-03-01"),
]


def test_without_a_dividend_the_return_is_that_of_the_adjusted_closes() -> None:
    value = worth(backtest(BuyAndHold(), "us_equities_daily", instruments=["AAPL"]))
    adjusted = column("Adj Close", "AAPL")
    for first, last in SPANS:
        assert value[last] / value[first] == pytest.approx(adjusted[last] / adjusted[first], rel=1e-6), (first, last)


@pytest.mark.parametrize("day", DIVIDENDS)
def test_over_a_dividend_the_price_alone_falls_short(day: str) -> None:
    """The vendor's return on an ex-date is (close + dividend) / close before: reinvested at the close of the ex-date.

    The other convention, close / (close before - dividend), is off by more than 1e-6, so the data tell which it is.
    """
    close, adjusted = column("Close", "AAPL"), column("Adj Close", "AAPL")
    at = close.index.get_loc(day)
    before, now = close.iloc[at - 1], close.iloc[at]
    vendor = adjusted.iloc[at] / adjusted.iloc[at - 1]
    assert (now + 2.65) / before == pytest.approx(vendor, rel=1e-7)
    assert now / (before - 2.65) != pytest.approx(vendor, rel=1e-6)
    assert now / before != pytest.approx(vendor, rel=1e-3)
    value = worth(backtest(BuyAndHold(), "us_equities_daily", instruments=["AAPL"]))
    before_day = close.index[at - 1]
    assert value[day] / value[before_day] == pytest.approx(now / before, rel=1e-12)


class Reinvesting(Strategy):
    """Buys a fixed quantity, and on each ex-date at the close what the dividend buys there (the test knows the close)."""

    def on_start(self, view: View) -> None:
        self.closes = column("Close", "AAPL")
        self.started = False

    def on_bar(self, view: View, bar: Bar) -> None:
        if not self.started:
            self.started = True
            view.order("AAPL", 2_000_000)

    def on_event(self, view: View, event: MarketEvent) -> None:
        if event.kind is Kind.DIVIDEND:
            money = view.position("AAPL") * 2.65
            view.order("AAPL", float(money // self.closes[f"{view.now:%Y-%m-%d}"]), time_in_force="AT_CLOSE")


def test_with_dividends_reinvested_at_the_close_of_the_ex_date_the_return_is_that_of_the_adjusted_closes() -> None:
    result = backtest(Reinvesting(), "us_equities_daily", instruments=["AAPL"], cash=1e9)
    assert result.fills["ts"].dt.strftime("%Y-%m-%d").tolist() == ["2000-03-02", *DIVIDENDS]
    # 8,000,000 after the splits. 8,000,000 x 2.65 / 620.73 = 34,153.34; 8,034,153 x 2.65 / 558.0019 = 38,154.83;
    # 8,072,307 x 2.65 / 468.22 = 45,687.10
    assert result.fills["quantity"].tolist() == [2_000_000.0, 34_153.0, 38_154.0, 45_687.0]
    assert result.fills["price"].tolist() == [127.0, 620.73, 558.0019, 468.22]
    value, adjusted = worth(result), column("Adj Close", "AAPL")
    for first, last in (*SPANS, ("2000-03-02", "2013-03-01"), ("2012-08-08", "2012-08-09"), ("2012-08-08", "2013-02-07")):
        assert value[last] / value[first] == pytest.approx(adjusted[last] / adjusted[first], rel=1e-6), (first, last)


def test_an_even_share_of_each() -> None:
    # first bars of 2000-03-01: a third each of 1,000,000 at AAPL 130.31, IBM 100.25, MSFT 90.81, sized one after the other
    result = backtest(BuyAndHold(), "us_equities_daily", instruments=["AAPL", "IBM", "MSFT"], end="2000-03-10")
    closes = {symbol: column("Close", symbol)["2000-03-01"] for symbol in ("AAPL", "IBM", "MSFT")}
    expected = {symbol: float(1_000_000 / 3 // close) for symbol, close in closes.items()}
    assert dict(zip(result.fills["instrument"], result.fills["quantity"], strict=True)) == expected
