"""bt: a tree of algos that rebalances to given weights."""

from __future__ import annotations

import bt
import numpy as np
import pandas as pd
from harness import Outcome


def version():
    """The peer's."""
    return bt.__version__


def prepare(work, mode):
    """What is timed on a workload, and how its result is read."""
    spec, weights = work.spec, work.array("weights")
    index = pd.to_datetime(work.array("stamps"))
    symbols = [f"S{k:03}" for k in range(weights.shape[1])]
    prices = pd.DataFrame(work.prices("close"), index=index, columns=symbols)
    table = pd.DataFrame(weights, index=index, columns=symbols).dropna(how="all")
    fee = spec["fee_bps"] * 1e-4

    def run():
        algos = [bt.algos.WeighTarget(table), bt.algos.Rebalance()]
        test = bt.Backtest(
            bt.Strategy("weights", algos),
            prices,
            initial_capital=spec["cash"],
            commissions=lambda quantity, price: abs(quantity) * price * fee,
            integer_positions=False,
            progress_bar=False,
        )
        test.run()
        return test

    def read(test):
        fills = int((np.abs(test.positions.diff().to_numpy()) > 0).sum())
        return Outcome([float(test.strategy.value)], fills, weights.size)

    return run, read
