"""backtesting.py: a Strategy class, one bar at a time; orders fill at the next open by its default."""

from __future__ import annotations

import warnings

import backtesting
import numpy as np
import pandas as pd
from harness import Outcome

warnings.filterwarnings("ignore")


def version():
    """The peer's."""
    return backtesting.__version__


def prepare(work, mode):
    """What is timed on a workload, and how its result is read."""
    if work.name == "W1":
        pairs = [(work.spec["fast"], work.spec["slow"])]
    else:
        pairs = [(int(fast), int(slow)) for fast, slow in work.array("pairs")]
    ticks, spec = work.array("close"), work.spec
    columns = {name.title(): work.prices(name) for name in ("open", "high", "low", "close")}
    frame = pd.DataFrame({**columns, "Volume": 1e6}, index=pd.to_datetime(work.array("stamps")))
    backtesting.backtesting._tqdm = lambda sequence, **_: sequence  # its progress bar costs time and belongs to no result

    class Cross(backtesting.Strategy):
        fast = 20
        slow = 50

        def init(self):
            sums = np.concatenate(([0], np.cumsum(ticks)))
            is_long = np.zeros(len(ticks), dtype=bool)
            now = sums[self.slow :]
            before = sums[self.slow - self.fast : len(sums) - self.fast]
            is_long[self.slow - 1 :] = (now - before) * self.slow > (now - sums[: -self.slow]) * self.fast
            self.is_long = self.I(lambda: is_long, plot=False)

        def next(self):
            if self.is_long[-1]:
                if not self.position:
                    self.buy(size=int(spec["shares"]))
            elif self.position:
                self.position.close()

    def run():
        made = backtesting.Backtest(frame, Cross, cash=spec["cash"], commission=spec["fee_bps"] * 1e-4)
        return [made.run(fast=fast, slow=slow) for fast, slow in pairs]

    def read(results):
        equity = [float(result["Equity Final [$]"]) for result in results]
        entries = [len(result["_trades"]) + len(result["_strategy"].trades) for result in results]
        exits = [len(result["_trades"]) for result in results]
        return Outcome(equity, sum(entries) + sum(exits), len(ticks) * len(pairs))

    return run, read
