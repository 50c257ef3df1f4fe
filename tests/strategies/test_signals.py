"""What the library's strategies decide, against pandas."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from framework import Strategy, backtest
from framework.errors import ConfigError, StrategyError
from framework.reports.result import Result
from strategies.buy_and_hold import BuyAndHold
from strategies.crossover import Crossover
from strategies.mean_reversion import MeanReversion
from strategies.momentum import Momentum
from tests.strategies.prices import column, stocks

SYMBOLS = ("AAPL", "FB", "GOOG", "IBM", "MSFT")


def bars(seed: int = 3, count: int = 600) -> pd.DataFrame:
    """A synthetic series in cents; each bar opens where the one before closed."""
    generator = np.random.default_rng(seed)
    close = pd.Series(np.round(100 * np.exp(np.cumsum(generator.normal(0.0002, 0.015, count))), 2))
    opening = close.shift(1, fill_value=close.iloc[0])
    stamps = pd.date_range("2020-01-01", periods=count, freq="D", tz="UTC")
    table = pd.DataFrame({"open": opening, "high": np.maximum(opening, close) + 1, "low": np.minimum(opening, close) - 1, "close": close})
    return table.assign(volume=1e6).set_axis(stamps)


def decided(result: Result) -> list[tuple[pd.Timestamp, str]]:
    """When each order was decided, and its side."""
    return list(zip(result.orders["decided_at"], result.orders["side"].astype(str), strict=True))


def turns(signal: pd.Series) -> list[tuple[pd.Timestamp, str]]:
    """Where a signal of zeros and ones turns, starting flat."""
    change = signal.astype(int).diff().fillna(signal.astype(int))
    return [(stamp, "BUY" if step > 0 else "SELL") for stamp, step in change[change != 0].items()]


@pytest.mark.parametrize(("fast", "slow"), [(3, 8), (20, 50), (1, 2)])
def test_crossover(fast: int, slow: int) -> None:
    table = bars()
    cents = (table["close"] * 100).round().astype(int)
    signal = cents.rolling(fast).sum() * slow > cents.rolling(slow).sum() * fast
    expected = turns(signal)
    result = backtest(Crossover(fast=fast, slow=slow), table)
    assert len(expected) > 5
    assert decided(result) == expected
    # the share of equity, rounded down, at the close that decided
    equity, close = result.equity, table["close"]
    bought = result.orders[result.orders["side"] == "BUY"]
    assert bought["quantity"].tolist() == [np.floor(equity[at] / close[at] + 1e-9) for at in bought["decided_at"]]


@pytest.mark.parametrize(("window", "entry", "leave"), [(20, 2.0, 0.0), (10, 1.0, -0.5), (5, 1.2, 1.0)])
def test_mean_reversion(window: int, entry: float, leave: float) -> None:
    table = bars()
    close = table["close"]
    z = (close - close.rolling(window).mean()) / close.rolling(window).std(ddof=1)
    held, expected = False, []
    for stamp, value in z.items():
        if not held and value < -entry:
            held = True
            expected.append((stamp, "BUY"))
        elif held and value > -leave:
            held = False
            expected.append((stamp, "SELL"))
    assert len(expected) > 8
    assert decided(backtest(MeanReversion(window=window, entry=entry, exit=leave), table)) == expected


def scores(lookback: int, skip: int) -> pd.DataFrame:
    """12-1 momentum of each stock on the first session of each month, from the vendor's adjusted closes."""
    found = {}
    for symbol in SYMBOLS:
        adjusted = column("Adj Close", symbol)
        found[symbol] = adjusted.shift(skip) / adjusted.shift(lookback) - 1.0
    table = pd.DataFrame(found)
    months = pd.Series(table.index.year * 12 + table.index.month, index=table.index)
    return table[months != months.shift(1)]


@pytest.mark.parametrize(("lookback", "skip", "top"), [(252, 21, 2), (126, 21, 1)])
def test_momentum_holds_the_best_of_each_month(lookback: int, skip: int, top: int) -> None:
    result = backtest(Momentum(lookback=lookback, skip=skip, top=top))
    held = result.positions.set_axis(result.positions.index.tz_convert("America/New_York").normalize().tz_localize(None))
    compared, sessions = 0, pd.DatetimeIndex(sorted(set(stocks().index)))
    for day, row in scores(lookback, skip).iterrows():
        ranked = row.dropna().sort_values(ascending=False)
        # the view scales a dividend by the close before, the vendor by the close of the day: near ties may differ
        edges = [*ranked.abs(), *(-ranked.diff().iloc[top : top + 1])]
        if not len(ranked) or min(edges) < 0.002 or day == sessions[-1]:
            continue
        following = sessions[sessions.get_loc(day) + 1]
        best = set(ranked[ranked > 0].index[:top])
        assert {symbol for symbol in SYMBOLS if held.loc[following, symbol] > 0} == best, day
        compared += 1
    assert compared > 120


def test_momentum_in_one_month_by_hand() -> None:
    # 2009-12-01, 12-1 momentum on adjusted closes: AAPL, GOOG, IBM and MSFT all rose; FB was not listed
    day = pd.Timestamp("2009-12-01")
    row = scores(252, 21).loc[day].dropna()
    assert sorted(row.index) == ["AAPL", "GOOG", "IBM", "MSFT"]
    best = row.nlargest(2)
    result = backtest(Momentum(), start="2008-06-01", end="2009-12-31")
    held = result.positions.iloc[-1]
    assert set(held[held > 0].index) == set(best.index)
    # half of the equity each: within a share and the day's drift of the price
    exposure = result.exposure.iloc[-1]
    assert 0.9 < exposure["gross"] / (exposure["gross"] + exposure["cash"]) <= 1.0


@pytest.mark.parametrize(
    ("strategy", "said"),
    [
        (Crossover(fast=50, slow=20), "needs 0 < fast < slow, got fast=50, slow=20"),
        (Crossover(fast=0, slow=20), "got fast=0, slow=20"),
        (MeanReversion(window=1), "needs window >= 2"),
        (MeanReversion(entry=1.0, exit=1.0), "entry > exit"),
        (Momentum(lookback=21, skip=21), "needs 0 <= skip < lookback"),
        (Momentum(lookback=5000), "lookback=5000"),
        (Momentum(top=0), "top must be at least 1, got 0"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_parameters_that_cannot_be(strategy: Strategy, said: str) -> None:
    with pytest.raises((StrategyError, ConfigError), match=said):
        backtest(strategy, bars(count=30))


@pytest.mark.parametrize(
    ("kind", "parameters", "said"),
    [
        (Crossover, {"fsat": 3}, "Crossover has no parameter 'fsat'. Did you mean fast"),
        (Crossover, {"fast": "many"}, "Crossover.fast = 'many'"),
        (Crossover, {"fast": 2.5}, "Crossover.fast = 2.5"),
        (BuyAndHold, {"weight": "all"}, "BuyAndHold.weight = 'all'"),
        (Momentum, {"history": 10}, "Momentum has no parameter 'history'"),
    ],
)
def test_parameters_are_checked_when_set(kind: type[Strategy], parameters: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        kind(**parameters)
