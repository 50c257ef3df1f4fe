"""Best quotes beside a book: what the book has shown is there once, however often a quote shows it again."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from framework import Instrument, Strategy, backtest
from framework.data.tape import build
from framework.schema.event import EVENT, Kind
from tests.tapes.drawing import draw
from tests.tapes.ticks import events_of, read_ticks

BOOK = """
        1 10:00:00  book 99 x 5 / 101 x 5, 102 x 3
"""


def test_quotes_show_the_same_lots_again_and_no_more() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 5
        1 10:00:01  99 x 5 / 101 x 5
        1 10:00:02  99 x 6 / 101 x 5
        1 10:00:03  99 x 7 / 101 x 5
        at 1 10:00:00: BUY 100
        fill 1 10:00:01: BUY 5 @ 101 taker
        order 0: EXPIRED END_OF_DATA filled 5
        """,
        both=True,
    )


def test_what_a_message_filled_no_quote_fills_again() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 5
        1 10:00:01  bid 99 x 6
        1 10:00:02  99 x 6 / 101 x 5
        1 10:00:03  ask 101 x 5                    # told anew: others have come
        1 10:00:04  99 x 6 / 101 x 5
        at 1 10:00:00: BUY 100
        fill 1 10:00:01: BUY 5 @ 101 taker
        fill 1 10:00:03: BUY 5 @ 101 taker
        order 0: EXPIRED END_OF_DATA filled 10
        """,
        both=True,
    )


def test_an_order_between_messages_meets_the_levels_of_the_book() -> None:
    draw(
        BOOK
        + """
        1 10:00:01  99 x 5 / 101 x 9               # four more at 101 than the book says: not there until it does
        1 10:00:02  bid 98 x 1
        at 1 10:00:00: BUY 7
        fill 1 10:00:01: BUY 5 @ 101 taker
        fill 1 10:00:01: BUY 2 @ 102 taker
        """,
        both=True,
    )


def test_where_a_quote_is_ahead_of_the_book_orders_wait_for_the_book() -> None:
    draw(
        BOOK
        + """
        1 10:00:01  99 x 5 / 102 x 3               # 101 is gone, the book does not know yet
        1 10:00:02  100 x 1 / 101 x 5
        1 10:00:03  99 x 5 / 101 x 4               # the lots at 101 are fewer than the book says
        1 10:00:04  0 x 0 / 101 x 5
        1 10:00:05  ask 101 x 0
        at 1 10:00:00: BUY 2
        fill 1 10:00:05: BUY 2 @ 102 taker
        """,
        both=True,
    )


def test_a_limit_that_rests_fills_by_trades_and_by_the_book_not_by_quotes() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 5
        1 10:00:01  trade 99 x 7 SELL
        1 10:00:02  99 x 5 / 100 x 5
        1 10:00:03  99 x 6 / 100 x 5
        1 10:00:04  98 x 6 / 99 x 5
        1 10:00:05  ask 100 x 5
        1 10:00:06  99 x 5 / 100 x 5
        at 1 10:00:00: BUY 100 LIMIT 100
        fill 1 10:00:01: BUY 7 @ 100 maker
        fill 1 10:00:05: BUY 5 @ 100 maker
        order 0: EXPIRED END_OF_DATA filled 12
        """,
        both=True,
    )


def test_stops_and_touches_go_by_the_book() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 5
        1 10:00:01  103 x 5 / 105 x 5
        1 10:00:02  95 x 5 / 97 x 5
        1 10:00:03  bid 98 x 1
        at 1 10:00:00: BUY 1 STOP 104
        at 1 10:00:00: BUY 1 TOUCH 98
        order 0: EXPIRED END_OF_DATA
        order 1: EXPIRED END_OF_DATA
        """,
        both=True,
    )


def test_an_ioc_ends_with_the_first_chance_that_the_book_gives() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 5
        1 10:00:01  99 x 5 / 102 x 5               # no chance: the book is late
        1 10:00:02  99 x 5 / 101 x 5
        1 10:00:03  ask 101 x 9
        at 1 10:00:00: BUY 8 IOC
        fill 1 10:00:02: BUY 5 @ 101 taker
        order 0: CANCELLED IOC_REMAINDER filled 5
        """,
        both=True,
    )


def test_a_peg_follows_the_book() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 5
        1 10:00:01  100 x 5 / 101 x 5
        1 10:00:02  bid 98 x 5, bid 99 x 0
        at 1 10:00:00: BUY 1 LIMIT 110 PEG primary
        repriced 1 10:00:00: 0 @ 99
        repriced 1 10:00:02: 0 @ 98
        order 0: EXPIRED END_OF_DATA limit 98
        """,
        both=False,
    )


def test_while_the_book_is_unknown_quotes_fill_nothing() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 5
        1 10:00:01  GAP
        1 10:00:02  99 x 5 / 101 x 5
        1 10:00:03  book 99 x 5 / 101 x 4
        timer 1 10:00:00.5: BUY 5
        fill 1 10:00:03: BUY 4 @ 101 taker
        order 0: EXPIRED END_OF_DATA filled 4
        """,
        both=True,
    )


def test_an_instrument_without_a_book_fills_on_its_quotes_beside_one_that_has_a_book() -> None:
    draw(
        """
        instrument A
        instrument B
        1 10:00:00  A book 99 x 5 / 101 x 5
        1 10:00:00  B 99 x 5 / 101 x 5
        1 10:00:01  A 99 x 5 / 101 x 5
        1 10:00:02  B 99 x 5 / 101 x 5
        1 10:00:03  A 99 x 5 / 101 x 5
        1 10:00:04  B 99 x 5 / 101 x 5
        timer 1 10:00:00: BUY 10 A
        timer 1 10:00:00: BUY 10 B
        fill 1 10:00:01: BUY 5 A @ 101 taker of 0
        fill 1 10:00:02: BUY 5 B @ 101 taker of 1
        fill 1 10:00:04: BUY 5 B @ 101 taker of 1
        order 0: EXPIRED END_OF_DATA filled 5
        """
    )


class Watch(Strategy):
    """Notes the best prices at each trade."""

    def on_start(self, view: Any) -> None:
        self.seen: list[tuple[float, float]] = []

    def on_trade(self, view: Any, trade: Any) -> None:
        self.seen.append((view.bid("X"), view.ask("X")))


def test_a_strategy_sees_the_fresher_of_quotes_and_book() -> None:
    """Also before the book's first snapshot; a GAP hides what was seen until the next of either."""
    start = pd.Timestamp("2024-01-01T10:00Z").value
    lines = [
        ("bid 98 x 5", None),  # a message of a book that is not known
        (None, (99, 101)),
        ("ask 103 x 5", None),
        ("trade 100 x 1 BUY", None),
        ("book 97 x 1 / 102 x 1", None),
        ("trade 100 x 1 BUY", None),
        (None, (98, 100)),
        ("trade 100 x 1 BUY", None),
        ("GAP", None),
        ("trade 100 x 1 BUY", None),
        (None, (98, 101)),
        ("bid 99 x 1", None),
        ("trade 100 x 1 BUY", None),
    ]
    told = []
    for k, (line, quote) in enumerate(lines):
        if line is not None:
            told.append(events_of(read_ticks(line.split()), start + k, start + k, 0, Instrument("X")))
            continue
        made = np.zeros(1, EVENT)
        made["kind"], made["ts_local_ns"], made["ts_venue_ns"] = Kind.QUOTE, start + k, start + k
        made["w0"], made["w1"], made["w2"], made["w3"] = 100 * quote[0], 100 * quote[1], 1, 1
        told.append(made)
    strategy = Watch()
    backtest(strategy, build({}, {"X": Instrument("X")}, extra=np.concatenate(told)))
    nan = math.nan
    np.testing.assert_array_equal(strategy.seen, [(99, 101), (97, 102), (98, 100), (nan, nan), (98, 101)])
