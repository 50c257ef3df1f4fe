"""A panel whose row finds no room changes nothing and is asked again."""

from __future__ import annotations

import pandas as pd

from framework import backtest
from framework.data.readers import read_bars
from framework.engine.view import View
from framework.kernel import entry, panel
from framework.kernel.propose import NO_ROOM
from framework.simulation.arrays import as_strategy
from framework.simulation.prepare import prepare

SYMBOLS = [f"S{k:02}" for k in range(40)]


def test_a_row_is_ordered_whole_or_not_at_all() -> None:
    stamps = pd.date_range("2024-01-01", periods=2, freq="D", tz="UTC")
    bars = pd.DataFrame({"open": 10.0, "high": 10.0, "low": 10.0, "close": 10.0, "volume": 9.0}, index=stamps)
    tape = read_bars(dict.fromkeys(SYMBOLS, bars))
    weights = pd.DataFrame(0.02, index=stamps[:1], columns=SYMBOLS)
    strategy = as_strategy(weights=weights, tape=tape)
    prepared = prepare(strategy, tape, backtest(weights=weights, data=tape).audit.header)
    trader = prepared.trader
    strategy.on_start(View(trader, prepared.timers))
    entry.link(trader.record, orders=False)
    trader.record["now_ns"] = int(tape.bar_stamps[0])
    capacity = trader.record["outbox_capacity"].copy()

    trader.record["outbox_capacity"] = 3 * len(SYMBOLS)
    assert panel.rebalance(trader.record, strategy.record) == NO_ROOM
    assert (trader.count("orders"), trader.count("log")) == (0, 0)
    trader.record["outbox_capacity"] = capacity
    assert panel.rebalance(trader.record, strategy.record) == 0
    assert trader.count("orders") == len(SYMBOLS)  # refused, since no bar was seen, but asked for
    assert panel.rebalance(trader.record, strategy.record) == 0
    assert trader.count("orders") == len(SYMBOLS)
