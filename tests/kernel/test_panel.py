"""A panel in a run that has broken orders nothing."""

from __future__ import annotations

import pandas as pd

from framework.data.readers import read_bars
from framework.engine.view import View
from framework.kernel.layout.codes import BROKEN_BY_STORM
from framework.kernel.loops import panel
from framework.kernel.trader import trader_calls
from framework.kernel.trader.propose import NO_ROOM
from framework.simulation.arrays import as_strategy
from framework.simulation.ground import Ground
from framework.simulation.settings import RunSettings

SYMBOLS = [f"S{k:02}" for k in range(40)]


def test_a_row_is_ordered_once_and_not_where_the_run_has_broken() -> None:
    stamps = pd.date_range("2024-01-01", periods=2, freq="D", tz="UTC")
    bars = pd.DataFrame({"open": 10.0, "high": 10.0, "low": 10.0, "close": 10.0, "volume": 9.0}, index=stamps)
    tape = read_bars(dict.fromkeys(SYMBOLS, bars))
    weights = pd.DataFrame(0.02, index=stamps[:1], columns=SYMBOLS)
    strategy = as_strategy(weights=weights, tape=tape)
    ground = Ground.over(tape, RunSettings())
    trader = ground.trader(strategy)
    strategy.on_start(View(trader, ground.timers()))
    trader_calls.link(trader.record, orders=False)
    trader.record["now_ns"] = int(tape.bar_stamps[0])

    trader.record["broken"] = BROKEN_BY_STORM
    assert panel.rebalance(trader.record, strategy.record) == NO_ROOM
    assert (trader.count("orders"), trader.count("log")) == (0, 0)

    trader.record["broken"], strategy.record["at"] = 0, 0
    assert panel.rebalance(trader.record, strategy.record) == 0
    assert trader.count("orders") == len(SYMBOLS)  # refused, since no bar was seen, but asked for
    assert panel.rebalance(trader.record, strategy.record) == 0
    assert trader.count("orders") == len(SYMBOLS)
