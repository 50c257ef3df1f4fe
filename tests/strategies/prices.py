"""The embedded prices read a second way: straight from the file of the package they come with."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pandas as pd


@cache
def stocks() -> pd.DataFrame:
    """All rows, with an index of dates and the vendor's columns: Ticker, Open, High, Low, Close, Volume, Adj Close."""
    found = find_spec("bokeh_sampledata")
    assert found is not None and found.submodule_search_locations is not None
    path = Path(found.submodule_search_locations[0]) / "_data" / "stocks.csv.gz"
    return pd.read_csv(path, parse_dates=["Date"], index_col="Date")


def column(name: str, symbol: str) -> pd.Series:
    """One column of one stock."""
    table = stocks()
    chosen: pd.Series = table.loc[table["Ticker"] == symbol, name]
    return chosen
