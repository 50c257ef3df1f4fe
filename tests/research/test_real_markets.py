"""Calibration on recordings of real markets, beside the same numbers worked out from the raw files by pandas."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from framework.data.formats import lean, lobster
from research.impact.calibration import calibrate_impact


@pytest.fixture(scope="module")
def shared() -> Path:
    root = Path(os.environ.get("ONETAPE_SHARED", Path(__file__).parents[3] / "shared")) / "data"
    if not root.exists():
        pytest.skip("the developers' market data are not here: set ONETAPE_SHARED to their folder")
    return root


def test_apple_on_lobster(shared: Path) -> None:
    """The mids are those of LOBSTER's own book, row for row; trades are its executions, joined by stamp and side."""
    folder = shared / "05_l2_l3_books/orderbook/juypter"
    found = calibrate_impact(lobster.read(folder / "AAPL_2012-06-21_message_50.csv.gz"), day_hours=6.5)
    names = ["time", "type", "order", "size", "price", "direction"]
    rows = pd.read_csv(folder / "AAPL_2012-06-21_message_50.csv.gz", header=None, names=names)
    book = pd.read_csv(folder / "AAPL_2012-06-21_orderbook_50.csv.gz", header=None, usecols=[0, 2]).to_numpy()
    rows["mid"] = book.mean(axis=1)
    rows["before"] = rows["mid"].shift()
    trades = rows[rows["type"].isin([4, 5])].assign(sign=lambda one: -one["direction"])
    orders = trades.groupby(((trades["time"].diff() != 0) | (trades["sign"].diff() != 0)).cumsum()).agg(
        time=("time", "first"), sign=("sign", "first"), size=("size", "sum"), before=("before", "first")
    )
    assert found.trades == len(orders)
    signs, mids = orders["sign"].to_numpy(), np.log(orders["before"].to_numpy())
    for lag in (1, 10, 100):
        by_hand = np.mean((mids[lag:] - mids[:-lag]) * (signs - signs.mean())[:-lag])
        assert found.response.loc[lag, "response"] == pytest.approx(by_hand, rel=0.01)
    begin = rows["time"].iloc[0]
    bar = ((orders["time"] - begin) // 60).astype(int)
    net = (orders["sign"] * orders["size"]).groupby(bar).sum().to_numpy()[:59]
    volume = orders["size"].groupby(bar).sum().to_numpy()[:59]
    edges = np.searchsorted(rows["time"], begin + 60.0 * np.arange(60), side="right") - 1
    change = np.diff(np.log(rows["mid"].to_numpy()[edges]))
    x, y = np.sign(net) * np.sqrt(np.abs(net) / volume.mean()), change / np.sqrt(np.mean(change**2))
    assert found.value("square_root_coefficient") == pytest.approx(x @ y / (x @ x), rel=0.01)
    assert found.value("square_root_coefficient") == pytest.approx(1.25, abs=0.01)  # as docs/how-to/calibrate-impact.md prints


def test_ibm_by_lee_and_ready(shared: Path) -> None:
    """Five days without told sides: impact is there in both halves, and what the first half says holds in the second."""
    found = calibrate_impact(lean.read(shared / "04_l1_quotes_trades/Lean/equity/usa/tick/ibm"), bar_s=300.0, lags=50, draws=50)
    assert found.days == pytest.approx(5.0, abs=0.01)
    row = found.estimates.loc["square_root_coefficient"]
    assert row["value"] == pytest.approx(0.94, abs=0.01)
    assert row["value"] > 4.0 * row["standard_error"]
    assert row["r2_out"] > 0.1
    assert (found.response["response"] > 4.0 * found.response["response_error"]).all()
