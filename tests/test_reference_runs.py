"""Two runs whose every fill is known: a plain loop and vectorbt agree on them (see tests/reference_runs/README.md)."""

from __future__ import annotations

import gzip
import json
from collections import deque
from pathlib import Path

import pandas as pd
import pytest

from framework import Result, Strategy, backtest
from framework.engine.market import Bar
from framework.engine.view import View

ROOM = Path(__file__).parent / "reference_runs"
CASES = {case["case"]: case for case in json.loads((ROOM / "expected.json").read_text())}


class ExactCross(Strategy):
    """Long `shares` while the fast sum of closes times `slow` is above the slow sum times `fast`, in whole ten-thousandths."""

    fast: int
    slow: int
    shares: float

    def on_start(self, view: View) -> None:
        self.closes: deque[int] = deque(maxlen=self.slow)

    def on_bar(self, view: View, bar: Bar) -> None:
        self.closes.append(round(bar.close * 10_000))
        if len(self.closes) < self.slow:
            return
        closes = list(self.closes)
        is_long = sum(closes[-self.fast :]) * self.slow > sum(closes) * self.fast
        view.target_quantity(bar.instrument, self.shares if is_long else 0.0)


class MeanCross(ExactCross):
    """The same rule by the view's means: they are exact, so ties of two means are ties."""

    def on_bar(self, view: View, bar: Bar) -> None:
        if view.bar_count(bar.instrument) >= self.slow:
            is_long = view.mean_close(bar.instrument, self.fast) > view.mean_close(bar.instrument, self.slow)
            view.target_quantity(bar.instrument, self.shares if is_long else 0.0)


def bars(name: str) -> pd.DataFrame:
    return pd.read_csv(ROOM / f"{name}_bars.csv.gz", parse_dates=["ts"], index_col="ts")


def run(name: str, data: pd.DataFrame | Path, kind: type[ExactCross] = ExactCross, chunk_events: int | None = None) -> Result:
    case = CASES[name]
    strategy = kind(fast=case["fast"], slow=case["slow"], shares=case["shares"])
    costs = {"fee_bps": case["fee_fraction_of_notional"] * 1e4}
    return backtest(strategy, data, cash=case["cash"], costs=costs, chunk_events=chunk_events)


def assert_as_expected(name: str, result: Result) -> None:
    case, expected = CASES[name], pd.read_csv(ROOM / f"{name}_fills.csv", parse_dates=["ts_bar_close"])
    fills = result.fills
    assert len(fills) == len(expected) == case["fills"]
    assert fills["ts"].tolist() == expected["ts_bar_close"].tolist()
    assert fills["side"].tolist() == expected["side"].tolist()
    assert fills["quantity"].tolist() == expected["quantity"].tolist()
    assert fills["price"].tolist() == expected["price"].tolist()
    assert (fills["fee"] - expected["fee"]).abs().max() <= 1e-12
    assert len(result.equity) == case["bars"]
    assert result.equity.iloc[-1] == pytest.approx(case["final_equity"], abs=1e-6)
    assert result.equity.min() == pytest.approx(case["min_equity"], abs=1e-6)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("kind", [ExactCross, MeanCross])
def test_from_a_frame(name: str, kind: type[ExactCross]) -> None:
    assert_as_expected(name, run(name, bars(name), kind))


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("chunk_events", [1, 7, 4096])
def test_in_chunks(name: str, chunk_events: int) -> None:
    result = run(name, bars(name), chunk_events=chunk_events)
    assert_as_expected(name, result)
    assert result.audit_hash == run(name, bars(name)).audit_hash


@pytest.mark.parametrize("name", CASES)
def test_from_a_file(name: str, tmp_path: Path) -> None:
    assert_as_expected(name, run(name, ROOM / f"{name}_bars.csv.gz"))
    plain = tmp_path / f"{name}.csv"
    plain.write_bytes(gzip.decompress((ROOM / f"{name}_bars.csv.gz").read_bytes()))
    assert_as_expected(name, run(name, plain))


@pytest.mark.parametrize("name", CASES)
def test_stamped_at_the_open(name: str) -> None:
    """The same bars declared by their opens: moved to the closes, nothing else changes."""
    opens = bars(name)
    opens.index = opens.index - pd.Timedelta("1min")
    case = CASES[name]
    strategy = ExactCross(fast=case["fast"], slow=case["slow"], shares=case["shares"])
    costs = {"fee_bps": case["fee_fraction_of_notional"] * 1e4}
    assert_as_expected(name, backtest(strategy, opens, cash=case["cash"], costs=costs, bar_stamp="open"))
