"""Tables keep room for everything that one event can cause."""

import numpy as np
import pandas as pd
import pytest

from framework import Instrument, Strategy, backtest
from framework.data.tape import build
from framework.schema.event import EVENT, Flag, Kind

DAYS = pd.date_range("2024-01-01", periods=40, freq="D", tz="UTC")
FLAT = pd.DataFrame({"open": 100.0, "high": 101.0, "low": 99.0, "close": 100.0, "volume": 1000.0}, index=DAYS)


class ShortAll(Strategy):
    def on_bars(self, view, bars):
        if not view.positions:
            for symbol in view.instruments:
                view.order(symbol, -10)


def test_a_borrow_charge_for_each_of_two_hundred_shorts_at_one_session() -> None:
    frames = {f"S{k:03d}": FLAT for k in range(200)}
    result = backtest(ShortAll(), frames, costs={"borrow_bps": 360.0}, risk={"allow_short": True, "max_leverage": 5})
    nights = len(DAYS) - 2  # short from the second bar on, charged at each session's open
    # 10 shares x 100 x 3.6 % / 360 days = 0.10 a night for each of 200 shorts
    assert result.costs["borrow"] == pytest.approx(200 * 0.10 * nights)


class LateBracket(Strategy):
    def on_bar(self, view, bar):
        if view.bar_count(bar.instrument) == len(DAYS) - 1:
            view.bracket(bar.instrument, 10, target=110.0, loss=90.0)


def test_children_let_go_by_a_fill_that_is_told_after_the_end_end_too() -> None:
    two_days_ns = 2 * 86_400 * 10**9
    result = backtest(LateBracket(), FLAT, latency={"response_ns": two_days_ns})
    assert list(result.orders["state"]) == ["FILLED", "EXPIRED", "EXPIRED"]
    assert list(result.orders["reason"]) == ["NONE", "END_OF_DATA", "END_OF_DATA"]


LEVELS = 20_000


class SweepTheBook(Strategy):
    """Takes every level of a deep book with one order."""

    def on_start(self, view):
        self.sent = False

    def on_book(self, view, book):
        if not self.sent:
            self.sent = True
            view.buy("DEEP", LEVELS)


@pytest.mark.parametrize("response_ns", [0, 1_000_000_000])
def test_one_order_that_takes_more_levels_than_tables_begin_with(response_ns):
    rows = np.zeros(LEVELS + 2, EVENT)  # a bid, the offers; a second later one message more
    rows["ts_venue_ns"] = 1_704_189_600_000_000_000
    rows["ts_venue_ns"][-1] += 1_000_000_000
    rows["ts_local_ns"] = rows["ts_venue_ns"]
    rows["kind"], rows["w1"] = Kind.DEPTH, 1
    rows["w0"][1:-1], rows["flags"][1:-1] = np.arange(10_000, 10_000 + LEVELS), int(Flag.SELL | Flag.SNAPSHOT)
    rows["w0"][0], rows["flags"][0] = 9_999, int(Flag.BUY | Flag.SNAPSHOT | Flag.CLEAR)
    rows["flags"][-2] |= int(Flag.LAST)
    rows["w0"][-1], rows["flags"][-1] = 9_998, int(Flag.BUY | Flag.LAST)
    tape = build({}, {"DEEP": Instrument("DEEP")}, extra=rows, name="deep")
    result = backtest(SweepTheBook(), tape, cash=1e9, costs={"fee_bps": 1.0}, latency={"response_ns": response_ns})
    paid = sum(range(10_000, 10_000 + LEVELS)) / 100  # a level a cent, one unit each
    assert len(result.fills) == LEVELS
    assert result.fills["price"].iloc[-1] == (10_000 + LEVELS - 1) / 100
    assert result.exposure["cash"].iloc[-1] == pytest.approx(1e9 - paid * 1.0001, rel=1e-12)
