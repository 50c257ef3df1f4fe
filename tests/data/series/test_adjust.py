"""Splits and dividends against the published ones."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from framework.data.series.adjust import adjusted_returns, derive_actions
from framework.data.store import embedded
from framework.errors import DataError


@pytest.fixture(scope="module")
def stocks() -> dict[str, pd.DataFrame]:
    table = embedded._read_stocks()
    return {str(symbol): rows.set_index("Date") for symbol, rows in table.groupby("Ticker")}


def found(rows: pd.DataFrame) -> list[tuple[str, str, object]]:
    actions = derive_actions(rows["Close"], rows["Adj Close"])
    return [(f"{ts:%Y-%m-%d}", kind, value) for ts, kind, value in zip(actions["ts"], actions["kind"], actions["value"], strict=True)]


def test_apple(stocks: dict[str, pd.DataFrame]) -> None:
    assert found(stocks["AAPL"]) == [
        ("2000-06-21", "split", Fraction(2)),
        ("2005-02-28", "split", Fraction(2)),
        ("2012-08-09", "dividend", 2.65),
        ("2012-11-07", "dividend", 2.65),
        ("2013-02-07", "dividend", 2.65),
    ]


def test_microsoft(stocks: dict[str, pd.DataFrame]) -> None:
    actions = found(stocks["MSFT"])
    assert actions[:6] == [
        ("2003-02-18", "split", Fraction(2)),
        ("2003-02-19", "dividend", 0.08),  # its first
        ("2003-10-15", "dividend", 0.16),
        ("2004-08-23", "dividend", 0.08),
        ("2004-11-15", "dividend", 3.08),  # 3.00 special and 0.08 regular
        ("2005-02-15", "dividend", 0.08),
    ]
    assert actions[-1] == ("2013-02-19", "dividend", 0.23)
    assert [a for a in actions if a[1] == "split"] == actions[:1]


def test_ibm_google_facebook(stocks: dict[str, pd.DataFrame]) -> None:
    actions = found(stocks["IBM"])
    assert all(kind == "dividend" for _, kind, _ in actions)
    assert len(actions) == 52  # every quarter of 13 years
    by_year = {year: [value for day, _, value in actions if day.startswith(year)] for year in ("2005", "2008", "2012")}
    assert by_year == {"2005": [0.18, 0.20, 0.20, 0.20], "2008": [0.40, 0.50, 0.50, 0.50], "2012": [0.75, 0.85, 0.85, 0.85]}
    assert found(stocks["GOOG"]) == []
    assert found(stocks["FB"]) == []


@pytest.mark.parametrize("symbol", ["AAPL", "FB", "GOOG", "IBM", "MSFT"])
def test_adjusted_returns_are_rebuilt(stocks: dict[str, pd.DataFrame], symbol: str) -> None:
    rows = stocks[symbol]
    rebuilt = adjusted_returns(rows["Close"], derive_actions(rows["Close"], rows["Adj Close"]))
    vendor = (rows["Adj Close"] / rows["Adj Close"].shift(1) - 1).iloc[1:]
    assert float(np.max(np.abs(rebuilt.to_numpy() - vendor.to_numpy()))) < 2e-13


@pytest.mark.parametrize("name", ["AAPL-2011", "AAPL-2012", "IBM-2008", "IBM-2009", "IBM-2011"])
def test_against_the_vendors_own_columns(shared: Path, name: str) -> None:
    """The vendor's files of single years carry the dividends and splits themselves."""
    path = shared / f"08_corporate_actions/pyalgotrade/samples/data/WIKI-{name}-quandl.csv"
    rows = pd.read_csv(path, parse_dates=["Date"]).set_index("Date").sort_index()
    told = rows.iloc[1:].query("`Ex-Dividend` != 0")["Ex-Dividend"]
    assert (rows["Split Ratio"] == 1).all()
    assert found(rows.rename(columns={"Adj. Close": "Adj Close"})) == [
        (f"{day:%Y-%m-%d}", "dividend", value) for day, value in told.items() if isinstance(day, pd.Timestamp)
    ]


def test_rounded_adjusted_closes_of_another_vendor(shared: Path) -> None:
    """Yahoo's: six decimals on prices of about two, scaled by the previous close. NVIDIA paid 0.075 a quarter, then 0.085."""
    rows = pd.read_csv(shared / "01_equity_daily/backtrader/datas/nvda-1999-2014.txt", parse_dates=["Date"]).set_index("Date")
    actions = derive_actions(rows["Close"], rows["Adj Close"], convention="previous_close")
    assert set(actions["kind"]) == {"dividend"}  # its closes are already adjusted for splits
    assert [f"{day:%Y-%m-%d}" for day in actions["ts"][:3]] == ["2012-11-20", "2013-02-26", "2013-05-21"]
    assert actions["value"].tolist() == [0.075] * 4 + [0.085] * 5
    rebuilt = adjusted_returns(rows["Close"], actions, convention="previous_close")
    vendor = (rows["Adj Close"] / rows["Adj Close"].shift(1) - 1).iloc[1:]
    assert float(np.max(np.abs(rebuilt.to_numpy() - vendor.to_numpy()))) < 2e-6


def test_both_conventions_by_hand() -> None:
    """20 then 19 ex a dividend of 0.5: 19.5 / 20, or 19 / 19.5."""
    raw = series([20.0, 19.0])
    for convention, growth in (("ex_close", 19.5 / 20), ("previous_close", 19 / 19.5)):
        adjusted = series([19.0 / growth, 19.0])
        assert derive_actions(raw, adjusted, convention=convention)["value"].tolist() == [0.5]  # type: ignore[arg-type]
    with pytest.raises(DataError, match="convention='close' is unknown"):
        derive_actions(raw, raw, convention="close")  # type: ignore[arg-type]


def series(values: list[float]) -> pd.Series[float]:
    return pd.Series(values, pd.date_range("2020-01-01", periods=len(values)))


@pytest.mark.parametrize(
    ("ratio", "new", "old"),
    [(2.0, 2, 1), (1.5, 3, 2), (1.25, 5, 4), (7.0, 7, 1), (20.0, 20, 1), (0.1, 1, 10), (2 / 3, 2, 3), (0.05, 1, 20)],
)
def test_splits_both_ways(ratio: float, new: int, old: int) -> None:
    raw = series([30.0, 30.3 / ratio, 29.9 / ratio])
    adjusted = series([30.0 / ratio, 30.3 / ratio, 29.9 / ratio])
    actions = derive_actions(raw, adjusted)
    assert [(k, v) for k, v in zip(actions["kind"], actions["value"], strict=True)] == [("split", Fraction(new, old))]


def test_noise_is_not_an_action() -> None:
    raw = series([30.0, 31.0, 32.0, 33.0])
    adjusted = (raw * 0.123456789).round(6)
    assert derive_actions(raw, adjusted).empty


def test_what_cannot_be_explained() -> None:
    with pytest.raises(DataError, match=r"X, 2020-01-02.*factor 1\.1.*rule: 0 < dividend <= 0\.5 of the close.*by hand"):
        derive_actions(series([10.0, 11.0]), series([10.0, 10.0]), symbol="X")  # money taken away
    with pytest.raises(DataError, match="no split of small whole numbers"):
        derive_actions(series([10.0, 10.0]), series([1.0, 1.7342]), symbol="X")
    with pytest.raises(DataError, match="not of the same days"):
        derive_actions(series([10.0, 11.0]), series([10.0]))
    with pytest.raises(DataError, match=r"adjusted close 0\.0; rule: finite and > 0"):
        derive_actions(series([10.0, 11.0]), series([10.0, 0.0]))
    with pytest.raises(DataError, match="not in order of time"):
        derive_actions(series([1.0, 2.0])[::-1], series([1.0, 2.0])[::-1])
    actions = pd.DataFrame({"symbol": ["X"], "ts": [pd.Timestamp("2021-01-01")], "kind": ["dividend"], "value": [1.0]})
    with pytest.raises(DataError, match="no close on that day"):
        adjusted_returns(series([1.0, 2.0]), actions)
