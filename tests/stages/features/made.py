"""A made market: books and trades of one instrument, with holes where the book is unknown."""

from __future__ import annotations

import numpy as np
import pandas as pd


def market(rows: int = 3_000, seed: int = 7) -> pd.DataFrame:
    """A table as `market_table` makes it, of a random walk in ticks of 0.01."""
    random = np.random.default_rng(seed)
    is_trade = random.random(rows) < 0.3
    middle = 10_000 + np.cumsum(random.integers(-1, 2, rows))
    spread = random.integers(1, 4, rows)
    bid, ask = (middle - spread) / 100, middle / 100
    side = np.where(is_trade, random.integers(-1, 2, rows), 0)
    unknown = (np.arange(rows) // 50) % 20 == 19
    sizes = random.integers(1, 50, (3, rows)).astype(float)
    table = {
        "ts_ns": 1_700_000_000_000_000_000 + np.cumsum(random.integers(0, 400_000_000, rows)),
        "is_trade": is_trade,
        "side": side,
        "price": np.where(is_trade, np.where(side > 0, ask, bid), np.nan),
        "size": np.where(is_trade, sizes[2], 0.0),
        "bid": np.where(unknown, np.nan, bid),
        "bid_size": np.where(unknown, np.nan, sizes[0]),
        "ask": np.where(unknown, np.nan, ask),
        "ask_size": np.where(unknown, np.nan, sizes[1]),
    }
    frame = pd.DataFrame(table)
    frame["mid"] = 0.5 * (frame["bid"] + frame["ask"])
    frame["signed_size"] = frame["side"] * frame["size"]
    return frame.set_index(pd.DatetimeIndex(frame["ts_ns"].to_numpy().astype("datetime64[ns]"), tz="UTC", name="ts"))
