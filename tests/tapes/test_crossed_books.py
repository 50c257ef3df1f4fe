"""Books that a feed tells with the best bid above the best offer, or at it: the crossed ones trade nothing, the locked ones do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from framework import Strategy, backtest
from framework.data.tape import build
from framework.schema.event import EVENT, Flag, Kind
from framework.schema.instrument import Instrument
from framework.schema.units import Step
from tests.tapes.drawing import draw

SHORT = {"allow_short": True, "max_leverage": 10.0}


@pytest.mark.parametrize("costs", [{}, {"take": "arrival"}], ids=["next", "arrival"])
def test_no_market_order_takes_from_a_crossed_book(costs: dict[str, str]) -> None:
    """The bid at 102 stays above the ask at 101 for three seconds: one of them is not there."""
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 4
        1 10:00:01  bid 102 x 6
        1 10:00:03  bid 99 x 4
        1 10:00:04  ask 101 x 0, ask 103 x 8
        1 10:00:06  bid 98 x 1
        at 1 10:00:01: BUY 2
        at 1 10:00:02: SELL 3
        fill 1 10:00:04: BUY 2 @ 103 taker
        fill 1 10:00:04: SELL 3 @ 102 taker
        """,
        both=True,
        costs=costs,
        latency={"entry_ns": 500_000_000},
    )


def test_a_crossed_book_fills_no_limit_triggers_no_stop_and_moves_no_peg() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 4
        1 10:00:01  bid 99 x 6
        1 10:00:02  bid 104 x 6
        1 10:00:03  bid 104 x 0
        1 10:00:04  bid 100 x 2
        at 1 10:00:00: SELL 1 LIMIT 103
        at 1 10:00:00: BUY 2 STOP 102
        at 1 10:00:00: BUY 1 PEG primary
        at 1 10:00:02: BUY 1 LIMIT 101 IOC
        fill 1 10:00:03: BUY 1 @ 101 taker of 3
        repriced 1 10:00:04: 2 @ 100
        order 0: EXPIRED END_OF_DATA
        order 1: EXPIRED END_OF_DATA
        order 2: EXPIRED END_OF_DATA
        """,
        both=True,
    )


def test_what_lasts_past_the_crossing_fills_after_it() -> None:
    """A feed that tells the new bid in one message and the ask that it took in the next."""
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 4
        1 10:00:01  bid 99 x 6
        1 10:00:02  bid 102 x 6
        1 10:00:03  ask 101 x 0, ask 104 x 1
        at 1 10:00:00: SELL 1 LIMIT 101
        fill 1 10:00:03: SELL 1 @ 101 maker
        """,
        both=True,
    )


def test_trades_fill_and_move_the_lines_of_a_crossed_book() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 4
        1 10:00:01  bid 102 x 6
        1 10:00:02  trade 99 x 6 SELL
        at 1 10:00:00: BUY 2 LIMIT 99
        fill 1 10:00:02: BUY 1 @ 99 maker
        order 0: EXPIRED END_OF_DATA filled 1
        """,
        both=True,
    )


def test_a_trade_without_a_side_that_may_have_hit_either_fills_nobody() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 4
        1 10:00:01  bid 100 x 6, ask 98 x 3
        1 10:00:02  trade 100 x 50
        1 10:00:03  ask 98 x 0, ask 100 x 1
        1 10:00:04  trade 100 x 50
        1 10:00:05  trade 100 x 9 SELL
        at 1 10:00:00: BUY 3 LIMIT 100
        fill 1 10:00:03: BUY 1 @ 100 maker
        fill 1 10:00:05: BUY 2 @ 100 maker
        """,
        both=True,
    )


def test_a_locked_book_trades_at_its_one_price() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 4
        1 10:00:01  bid 101 x 6
        1 10:00:02  bid 98 x 1
        at 1 10:00:01: BUY 1
        at 1 10:00:01: SELL 2
        fill 1 10:00:02: BUY 1 @ 101 taker
        fill 1 10:00:02: SELL 2 @ 101 taker
        """,
        both=True,
    )


@pytest.mark.parametrize(("bid", "price"), [(101, 101), (102, 101)], ids=["locked", "crossed"])
def test_a_post_only_order_is_turned_down_by_the_other_side_as_told_and_a_peg_arrives_behind_it(bid: int, price: int) -> None:
    draw(
        f"""
        1 10:00:00  book 99 x 5 / 101 x 4
        1 10:00:01  bid {bid} x 6
        1 10:00:02  bid 98 x 1
        at 1 10:00:01: BUY 1 LIMIT 101 POST_ONLY
        at 1 10:00:01: BUY 1 PEG primary
        order 0: REJECTED POST_ONLY_WOULD_TAKE needs {price} allows 101
        order 1: EXPIRED END_OF_DATA limit 100.99
        """,
        latency={"entry_ns": 500_000_000},
    )


class Reader(Strategy):
    """Holds one and notes what it is told at each message."""

    def on_start(self, view: Any) -> None:
        self.seen: list[tuple[float, ...]] = []

    def on_book(self, view: Any, book: Any) -> None:
        if not self.seen:
            view.buy("X", 1)
        levels = view.levels("X", 1, 1)[0][0], view.levels("X", -1, 1)[0][0]
        self.seen.append((book.bid, book.ask, *levels, view.market_value("X"), view.weighted_mid("X"), view.imbalance("X", 1)))


def test_a_strategy_is_told_the_book_as_the_feed_tells_it_and_the_mark_stays_that_of_the_last_open_spread() -> None:
    rows = [
        (0, Flag.BUY | Flag.SNAPSHOT | Flag.CLEAR, 99, 6),
        (0, Flag.SELL | Flag.SNAPSHOT | Flag.LAST, 101, 2),
        (1, Flag.BUY | Flag.LAST, 98, 1),
        (2, Flag.BUY | Flag.LAST, 105, 6),
        (3, Flag.SELL | Flag.LAST, 105, 2),
        (4, Flag.SELL | Flag.LAST, 101, 0),
        (5, Flag.BUY | Flag.LAST, 104, 2),
        (6, Flag.BUY | Flag.LAST, 105, 0),
    ]
    events = np.zeros(len(rows), EVENT)
    for event, (second, flags, price, lots) in zip(events, rows, strict=True):
        event["ts_local_ns"] = event["ts_venue_ns"] = 1_700_000_000_000_000_000 + second * 1_000_000_000
        event["kind"], event["flags"], event["w0"], event["w1"] = Kind.DEPTH, flags, price, lots
    strategy = Reader()
    result = backtest(strategy, build({}, {"X": Instrument("X", tick=Step(1, 1))}, extra=events, name="crossing"), cash=1000.0)
    crossed, mixed = (105, 101, 105, 101, 100.0), (105.0 * 2 + 101.0 * 6) / 8
    assert strategy.seen == [
        (99, 101, 99, 101, 0.0, (99 * 2 + 101 * 6) / 8, 0.5),
        (99, 101, 99, 101, 100.0, (99 * 2 + 101 * 6) / 8, 0.5),  # bought at 101, marked at the mid
        (*crossed, mixed, 0.5),
        (*crossed, mixed, 0.5),
        (105, 105, 105, 105, 100.0, 105.0, 0.5),  # locked: no spread, no mid
        (105, 105, 105, 105, 100.0, 105.0, 0.5),
        (104, 105, 104, 105, 104.5, 104.5, 0.0),
    ]
    assert result.equity.iloc[-1] == 1000.0 - 101.0 + 104.5
