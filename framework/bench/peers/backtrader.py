"""backtrader: a Strategy class with running sums, one bar at a time; market orders fill at the next open."""

from __future__ import annotations

import datetime

import backtrader as bt
from harness import Outcome


def version():
    """The peer's."""
    return bt.__version__


def prepare(work, mode):
    """What is timed on a workload, and how its result is read."""
    spec, ticks = work.spec, work.array("close").tolist()
    prices = [work.prices(name).tolist() for name in ("open", "high", "low", "close")]
    start = datetime.datetime(2000, 1, 1)
    stamps = [bt.date2num(start + datetime.timedelta(minutes=k + 1)) for k in range(len(ticks))]

    class Rows(bt.feed.DataBase):
        """Hands out prepared rows: the cheapest feed there can be."""

        def start(self):
            super().start()
            self.row = 0

        def _load(self):
            k = self.row
            if k == len(ticks):
                return False
            self.row += 1
            lines = self.lines
            lines.datetime[0] = stamps[k]
            lines.open[0], lines.high[0], lines.low[0], lines.close[0] = prices[0][k], prices[1][k], prices[2][k], prices[3][k]
            lines.volume[0] = 1e6
            lines.openinterest[0] = 0.0
            return True

    class Cross(bt.Strategy):
        def __init__(self):
            self.row, self.fast_sum, self.slow_sum, self.filled = 0, 0, 0, 0

        def notify_order(self, order):
            if order.status == order.Completed:
                self.filled += 1

        def next(self):
            k, fast, slow = self.row, spec["fast"], spec["slow"]
            self.row += 1
            self.fast_sum += ticks[k] - (ticks[k - fast] if k >= fast else 0)
            self.slow_sum += ticks[k] - (ticks[k - slow] if k >= slow else 0)
            is_long = k >= slow - 1 and self.fast_sum * slow > self.slow_sum * fast
            held = self.position.size
            if is_long and held == 0:
                self.buy(size=spec["shares"])
            elif not is_long and held > 0:
                self.sell(size=held)

    def run():
        cerebro = bt.Cerebro(stdstats=False)
        cerebro.broker.setcash(spec["cash"])
        cerebro.broker.setcommission(commission=spec["fee_bps"] * 1e-4)
        cerebro.adddata(Rows(timeframe=bt.TimeFrame.Minutes))
        cerebro.addstrategy(Cross)
        [strategy] = cerebro.run()
        return cerebro, strategy

    return run, lambda made: Outcome([float(made[0].broker.getvalue())], made[1].filled, len(ticks))
