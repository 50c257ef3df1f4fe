"""A made-up run for tests: a seeded random walk with trades, orders and costs that fit its columns, not its story."""

from __future__ import annotations

import numpy as np
import pandas as pd

from framework.reports.result import RunTables
from framework.reports.run import COST_KINDS

STATES = ["FILLED", "FILLED", "FILLED", "FILLED", "CANCELLED", "EXPIRED", "REFUSED", "REJECTED"]
REASONS = ["NONE", "NONE", "NONE", "NONE", "SUPERSEDED", "DAY_OVER", "INSUFFICIENT_CASH", "NO_CASH_AT_FILL"]


def fake_equity(index: pd.DatetimeIndex, seed: int, drift: float = 0.0008, scale: float = 0.011) -> pd.Series:
    calm = 2268 / max(len(index), 2268)  # a longer index is a finer one, not a longer life
    steps = np.random.default_rng(seed).normal(drift * calm, scale * calm**0.5, len(index))
    steps[0] = 0.0
    return pd.Series(1_000_000 * np.cumprod(1 + steps), index=index, name="equity")


def fake_trades(index: pd.DatetimeIndex, rng: np.random.Generator, count: int) -> pd.DataFrame:
    entry = np.sort(rng.integers(0, len(index) - 2, count))
    leave = np.minimum(entry + rng.integers(1, 20, count), len(index) - 1)
    price = rng.uniform(20, 300, count).round(2)
    return pd.DataFrame(
        {
            "instrument": rng.choice(["AAPL", "MSFT", "XOM"], count),
            "side": rng.choice(["BUY", "SELL"], count),
            "entry_ts": index[entry],
            "exit_ts": index[leave],
            "quantity": rng.integers(1, 900, count).astype(float),
            "entry_price": price,
            "exit_price": (price * rng.normal(1.001, 0.03, count)).round(2),
            "pnl": rng.normal(60, 2500, count).round(2),
            "fees": rng.uniform(1, 9, count).round(2),
        }
    )


def fake_round_trips(trades: pd.DataFrame) -> pd.DataFrame:
    """Each lot on its own."""
    money = {name: 0.0 for name in ("dividends", "charges", "dividends_local", "charges_local")}
    made = trades.assign(lots=1, exit_reason="MARKET", currency="USD", **money)
    return made.assign(duration=made["exit_ts"] - made["entry_ts"], pnl_local=made["pnl"], fees_local=made["fees"])


def fake_fills(index: pd.DatetimeIndex, rng: np.random.Generator, count: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "ts": index[np.sort(rng.integers(0, len(index), count))],
            "instrument": "AAPL",
            "side": rng.choice(["BUY", "SELL"], count),
            "quantity": rng.integers(1, 900, count).astype(float),
            "price": rng.uniform(20, 300, count).round(2),
            "fee": 1.0,
            "order_id": np.arange(count),
            "slippage": 0.5,
            "liquidity": "taker",
            "ambiguous": False,
        }
    )


def fake_orders(index: pd.DatetimeIndex, rng: np.random.Generator, count: int) -> pd.DataFrame:
    kind = rng.integers(0, len(STATES), count)
    stamps = index[np.sort(rng.integers(0, len(index), count))]
    return pd.DataFrame(
        {
            "order_id": np.arange(count),
            "instrument": "AAPL",
            "side": "BUY",
            "type": "MARKET",
            "quantity": 10.0,
            "limit_price": np.nan,
            "stop_price": np.nan,
            "time_in_force": "GTC",
            "state": np.array(STATES)[kind],
            "reason": np.array(REASONS)[kind],
            "decided_at": stamps,
            "accepted_at": stamps,
            "done_at": stamps,
            "filled_quantity": 10.0,
            "average_price": 100.0,
            "fees": 1.0,
        }
    )


def fake_tables(index: pd.DatetimeIndex | None = None, *, seed: int = 7, name: str = "Momentum 12-1", trades: int = 1430) -> RunTables:
    stamps = pd.bdate_range("2016-01-04", periods=2268, tz="UTC") + pd.Timedelta(hours=21) if index is None else index
    rng = np.random.default_rng(seed)
    equity = fake_equity(stamps, seed)
    gross = 0.85 + 0.15 * np.sin(np.arange(len(stamps)) / 90)
    net = gross * np.cos(np.arange(len(stamps)) / 400)
    exposure = pd.DataFrame({"gross": equity * gross, "net": equity * net, "cash": equity * (1 - net)})
    benchmark = 100 * fake_equity(stamps, seed + 100, 0.0002) / 1_000_000
    closed = fake_trades(stamps, rng, trades)
    return RunTables(
        name=name,
        symbols=("AAPL", "MSFT", "XOM"),
        currency="USD",
        initial_cash=1_000_000.0,
        equity=equity,
        exposure=exposure,
        orders=lambda: fake_orders(stamps, rng, 2000),
        fills=lambda: fake_fills(stamps, rng, 1900),
        trades=closed,
        round_trips=lambda: fake_round_trips(closed),
        excursions=lambda: pd.DataFrame({"mae": -closed["pnl"].abs() - 1.0, "mfe": closed["pnl"].abs() + 1.0}),
        positions=lambda: pd.DataFrame({"AAPL": 1.0}, index=stamps),
        costs=pd.Series([18_230.5, 9_120.0, 0.0, 22_410.2, 3_300.0, -420.0, 0.0], index=list(COST_KINDS)),
        income=pd.Series({"dividend": 12_400.0}),
        notes=("The universe holds only names listed today: survivors. Their past looks better than it was.",),
        settings={"data": "us_equities_daily", "lookback": 126, "risk.max_leverage": 1.0, "costs.fee_bps": 1.0, "seed": 7},
        ambiguous_pnl=-1_234.5,
        ambiguous_fills=14,
        benchmark=benchmark,
    )
