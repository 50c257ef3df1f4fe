"""zipline-reloaded: an algorithm over a bundle of daily bars, written before it is timed."""

from __future__ import annotations

import os
import tempfile
import warnings

import numpy as np
import pandas as pd
import zipline
from harness import Outcome
from zipline import api
from zipline.data import bundles
from zipline.finance import commission, slippage


def version():
    """The peer's."""
    return zipline.__version__


def prepare(work, mode):
    """What is timed on a workload, and how its result is read."""
    os.environ["ZIPLINE_ROOT"] = tempfile.mkdtemp(prefix="zipline-")
    warnings.filterwarnings("ignore")
    spec, weights = work.spec, work.array("weights")
    days = pd.to_datetime(work.array("stamps")).normalize()
    symbols = [f"S{k:03}" for k in range(weights.shape[1])]
    prices = {name: work.prices(name) for name in ("open", "high", "low", "close")}

    def ingest(environ, assets, minutes, daily, adjustments, calendar, first, last, cache, show_progress, output_dir):
        about = {"symbol": symbols, "asset_name": symbols, "exchange": "NYSE", "start_date": days[0], "end_date": days[-1]}
        assets.write(equities=pd.DataFrame({**about, "auto_close_date": days[-1] + pd.Timedelta(days=1)}))
        columns = ((k, {name: values[:, k] for name, values in prices.items()}) for k in range(len(symbols)))
        daily.write((k, pd.DataFrame({**one, "volume": 1_000_000}, index=days)) for k, one in columns)
        adjustments.write()

    bundles.register("bench", ingest, calendar_name="NYSE", start_session=days[0], end_session=days[-1])
    bundles.ingest("bench", show_progress=False)

    def initialize(context):
        context.day = -1
        context.assets = [api.symbol(symbol) for symbol in symbols]
        api.set_slippage(slippage.FixedSlippage(spread=0.0))
        api.set_commission(commission.PerDollar(cost=spec["fee_bps"] * 1e-4))

    def handle_data(context, data):
        context.day += 1
        row = weights[context.day]
        if not np.isnan(row[0]):
            for asset, weight in zip(context.assets, row.tolist(), strict=True):
                api.order_target_percent(asset, weight)

    def run():
        return zipline.run_algorithm(
            start=days[0],
            end=days[-1],
            initialize=initialize,
            handle_data=handle_data,
            capital_base=spec["cash"],
            bundle="bench",
            data_frequency="daily",
            benchmark_returns=pd.Series(0.0, index=days),
        )

    def read(table):
        fills = sum(len(rows) for rows in table["transactions"])
        return Outcome([float(table["portfolio_value"].iloc[-1])], fills, weights.size)

    return run, read
