"""The library's strategies on the embedded prices, run once for all tests, and small made-up markets."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, settings
from numpy.typing import NDArray

from framework import Strategy, backtest
from framework.data.store import catalog
from framework.data.tape import Tape
from framework.reports.result import Result
from strategies.crossover import Crossover
from strategies.mean_reversion import MeanReversion
from strategies.momentum import Momentum
from tests.properties.random_runs import HOUR

ROOT = Path(__file__).parents[2]
DAY = 24 * HOUR
COSTS = {"fee_bps": 1.0, "half_spread_bps": 0.5}

laws = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
"""How the properties are tried: the same cases on every machine."""

LIBRARY: dict[str, Strategy] = {
    "momentum": Momentum(),
    "crossover": Crossover(),
    "mean_reversion": MeanReversion(),
}


@cache
def prices() -> Tape:
    return catalog.load()


@cache
def library_run(name: str) -> Result:
    return backtest(LIBRARY[name], prices(), costs=COSTS)


def frame(closes: list[float] | NDArray[np.float64], start: str = "2020-01-01") -> pd.DataFrame:
    """Daily bars around these closes, in cents; each opens where the one before closed."""
    last = np.round(np.asarray(closes, dtype=np.float64), 2)
    first = np.concatenate([last[:1], last[:-1]])
    stamps = pd.date_range(start, periods=len(last), freq="D", tz="UTC")
    high, low = np.maximum(first, last) + 0.5, np.minimum(first, last) - 0.5
    return pd.DataFrame({"open": first, "high": high, "low": low, "close": last, "volume": 10_000.0}, index=stamps)


def walk(seed: int, count: int = 300) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    return frame(100 * np.exp(np.cumsum(generator.normal(0, 0.02, count))))


def records_until(result: Result, stamp_ns: int) -> NDArray[np.void]:
    records = result.audit.records
    return records[records["ts_local_ns"] <= stamp_ns]


def fills_of(result: Result, symbol: str) -> pd.DataFrame:
    fills = result.fills
    mine = fills[fills["instrument"] == symbol].reset_index(drop=True)
    return mine.drop(columns=["instrument", "order_id"])


def elsewhere(code: str, **variables: str) -> str:
    """What a script prints in a process of its own."""
    environment = {**os.environ, **variables, "PYTHONPATH": str(ROOT)}
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, env=environment)
    return shown.stdout
