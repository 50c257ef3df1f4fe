"""The work that is timed, made from a seed and written as arrays that any engine can read. All of it is synthetic but W4B, a capture.

Prices are whole ticks, so that sums are exact and ties of two means are ties in every engine.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from framework.bench.book_walk import book_walk
from framework.bench.captured import ABSENT, Capture, captured
from framework.data.reference.calendar import sessions
from framework.errors import InputError

TICKS_PER_UNIT = 10_000
_MINUTE_NS = 60_000_000_000
_DAY_NS = 24 * 60 * _MINUTE_NS
_EPOCH_NS = 946_684_800_000_000_000  # 2000-01-01, so that a million minutes end before today


@dataclass(frozen=True)
class Size:
    """How large the workloads are.

    Attributes:
        bars: of W1.
        symbols, days: of W2, rebalanced every 21 days.
        pairs, pair_bars: of W3.
        ticks: rows of W4 and W4R.
    """

    bars: int = 1_000_000
    symbols: int = 500
    days: int = 2_520
    pairs: int = 1_000
    pair_bars: int = 100_000
    ticks: int = 10_000_000


FULL = Size()
SMALL = Size(bars=5_000, symbols=20, days=252, pairs=6, pair_bars=5_000, ticks=200_000)
"""What results are compared on before anything is timed; its runs also fill the disk caches of compilers."""

_ACCOUNT = {"cash": 1_000_000.0, "ticks_per_unit": TICKS_PER_UNIT}


def write(name: str, size: Size, folder: Path, seed: int = 0, capture: Capture | None = None) -> Path:
    """Make a workload's folder: `spec.json` and one .npy file an array. W4B is `capture`, whatever size and seed are.

    Raises:
        InputError: W4B without a capture, or of one that cannot be taken.
    """
    if name == "W4B" and capture is None:
        raise InputError(f"W4B: {ABSENT}.")
    folder.mkdir(parents=True, exist_ok=True)
    makers = {"W1": _cross, "W2": _universe, "W3": _sweep, "W4": _book, "W4R": _book}
    spec, arrays = captured(capture) if name == "W4B" and capture is not None else makers[name](size, seed)
    for key, values in arrays.items():
        np.save(folder / f"{key}.npy", values)
    (folder / "spec.json").write_text(json.dumps({"workload": name, **_ACCOUNT, **spec}))
    return folder


def _minutes(bars: int, seed: int) -> dict[str, NDArray[np.int64]]:
    """One symbol of one-minute bars: a geometric walk in ticks of 0.0001, stamped at the close; opens gap a little."""
    random = np.random.default_rng(seed)
    close = np.rint(100.0 * TICKS_PER_UNIT * np.exp(np.cumsum(random.normal(0.0, 1e-4, bars)))).astype(np.int64)
    before = np.concatenate(([100 * TICKS_PER_UNIT], close[:-1]))
    opens = np.rint(before * np.exp(random.normal(0.0, 3e-5, bars))).astype(np.int64)
    stamps = _EPOCH_NS + _MINUTE_NS * np.arange(1, bars + 1, dtype=np.int64)
    return {"open": opens, "high": np.maximum(opens, close), "low": np.minimum(opens, close), "close": close, "stamps": stamps}


def _cross(size: Size, seed: int) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    arrays = _minutes(size.bars, seed)
    return {"fast": 20, "slow": 50, "shares": 100.0, "fee_bps": 1.0, "limited": list(arrays)}, dict(arrays)


def _sweep(size: Size, seed: int) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """40 fast windows by 25 slow ones over one series; a smaller sweep takes pairs from all over that grid."""
    grid = [(5 + fast, 50 + 6 * slow) for fast in range(40) for slow in range(25)]
    pairs = [grid[k * len(grid) // size.pairs] for k in range(size.pairs)]
    arrays: dict[str, NDArray[Any]] = {**_minutes(size.pair_bars, seed), "pairs": np.array(pairs, dtype=np.int64)}
    return {"shares": 100.0, "fee_bps": 1.0, "limited": ["pairs"]}, arrays


def _universe(size: Size, seed: int) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Daily bars of many symbols on New York's sessions and, every 21 days, random weights of half of them that add up to 0.95."""
    random = np.random.default_rng(seed)
    shape = (size.days, size.symbols)
    close = 100.0 * np.exp(np.cumsum(random.normal(2e-4, 0.015, shape), axis=0))
    before = np.vstack((np.full(size.symbols, 100.0), close[:-1]))
    opens = before * np.exp(random.normal(0.0, 0.005, shape))
    cents = TICKS_PER_UNIT // 100
    ticks = {key: np.rint(values * 100.0).astype(np.int64) * cents for key, values in (("open", opens), ("close", close))}
    high, low = np.maximum(ticks["open"], ticks["close"]), np.minimum(ticks["open"], ticks["close"])
    weights = np.full(shape, np.nan)
    for day in range(20, size.days, 21):
        drawn = random.random(size.symbols) * (random.random(size.symbols) < 0.5)
        weights[day] = 0.95 * drawn / drawn.sum()
    _, closes = sessions("XNYS", 1_262_304_000_000_000_000, 1_262_304_000_000_000_000 + int(size.days * 1.5 + 10) * _DAY_NS, None)
    arrays: dict[str, NDArray[Any]] = {**ticks, "high": high, "low": low, "weights": weights, "stamps": closes[: size.days]}
    # the small one is free of fees: engines differ in who pays the fee of a weight, and this separates that from all else
    fee_bps = 1.0 if size.days > SMALL.days else 0.0
    return {"fee_bps": fee_bps, "limited": list(arrays), "lot_size": 1e-6}, arrays


def _book(size: Size, seed: int) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """A book by level with trades, about one row a millisecond, heard half a millisecond late. The last row lies before midnight.

    A fill is reported before the trade that made it, so that no engine has to say which of two things of one stamp comes first.
    """
    step_ns, day_ns = 100_000_000, 86_400_000_000_000
    first_ns = _EPOCH_NS + (day_ns - int(size.ticks * 1.0e6)) // step_ns * step_ns
    opens = np.datetime64(first_ns, "ns").astype("datetime64[m]").item()
    arrays = book_walk(size.ticks, seed, first_ns)
    spec = {
        "latency_ns": 500_000, "response_ns": 450_000, "step_ns": step_ns, "most": 20.0, "patience_ns": 1_100_000,
        "maker_bps": -0.5, "taker_bps": 2.0, "queue_power": 3.0,
        "symbol": "BOOK", "hours": f"{opens:%H:%M}-24:00", "multiplier": 1.0, "ticks_per_unit": 100, "licence": "synthetic",
        "limited": list(arrays),
    }  # fmt: skip
    return spec, dict(arrays)


def bar_frame(work: Any, column: int | None = None) -> pd.DataFrame:
    """The bars of a workload, or of one symbol of a panel, as the readers take them."""
    prices = {name: work.prices(name, column) for name in ("open", "high", "low", "close")}
    return pd.DataFrame({**prices, "volume": 1e6}, index=pd.to_datetime(work.array("stamps"), utc=True))
