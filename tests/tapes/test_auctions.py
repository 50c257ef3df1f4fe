"""Auctions on ticks: orders for the open and the close, what rests, prints that come late, halts, and what prints leave alone."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import Any

import pytest

from framework import Strategy, backtest
from framework.data.formats import lean
from tests.tapes.drawing import draw

IBM = Path(os.environ.get("ONETAPE_SHARED", Path(__file__).parents[3] / "shared")) / "data/04_l1_quotes_trades/Lean/equity/usa/tick/ibm"

NEW_YORK = """
        clock 2024-07-01 America/New_York 16:00        # Monday
        instrument X calendar XNYS
"""


def test_an_order_for_the_open_waits_for_the_print() -> None:
    draw(
        NEW_YORK
        + """
        1 15:00     book 99 x 5 / 101 x 5
        2 09:30:01  book 99 x 5 / 101 x 5

        2 09:31:43  trade 100 x 50 AUCTION      # the NYSE opens by hand
        2 09:31:44  bid 98 x 1
        at 1 15:00: BUY 10 AT_OPEN
        fill 2 09:31:43: BUY 10 @ 100 taker
        """,
        both=True,
    )


def test_a_limit_for_the_open_needs_a_better_print() -> None:
    draw(
        NEW_YORK
        + """
        1 15:00     book 99 x 5 / 101 x 5
        2 09:30:01  book 99 x 5 / 101 x 5

        2 09:30:02  trade 100 x 50 AUCTION
        2 09:50     bid 98 x 1
        at 1 15:00: BUY 10 LIMIT 100.01 AT_OPEN
        at 1 15:00: BUY 10 LIMIT 100 AT_OPEN
        fill 2 09:30:02: BUY 10 @ 100 taker of 0
        order 1: EXPIRED MISSED_OPEN done 2 09:40
        """,
        both=True,
    )


def test_at_the_price_of_the_print_it_fills_where_touching_is_enough() -> None:
    draw(
        NEW_YORK
        + """
        1 15:00     book 99 x 5 / 101 x 5
        2 09:30:01  book 99 x 5 / 101 x 5

        2 09:30:02  trade 100 x 50 AUCTION
        at 1 15:00: BUY 10 LIMIT 100 AT_OPEN
        fill 2 09:30:02: BUY 10 @ 100 taker
        """,
        both=True,
        costs={"limit_fill": "touch"},
    )


def test_no_more_fills_than_was_printed_and_a_print_in_pieces_is_one_auction() -> None:
    draw(
        NEW_YORK
        + """
        1 15:00     book 99 x 5 / 101 x 5
        2 09:30:01  book 99 x 5 / 101 x 5

        2 09:30:02  trade 100 x 6 AUCTION
        2 09:30:02  trade 100 x 3 AUCTION
        2 09:50     bid 98 x 1
        at 1 15:00: BUY 10 AT_OPEN
        fill 2 09:30:02: BUY 6 @ 100 taker
        fill 2 09:30:02: BUY 3 @ 100 taker
        order 0: EXPIRED MISSED_OPEN filled 9 done 2 09:40
        """,
        both=True,
    )


def test_participation_bounds_the_share_of_a_print() -> None:
    draw(
        NEW_YORK
        + """
        1 15:00     book 99 x 5 / 101 x 5
        2 09:30:01  book 99 x 5 / 101 x 5

        2 09:30:02  trade 100 x 50 AUCTION
        2 09:50     bid 98 x 1
        at 1 15:00: BUY 10 AT_OPEN
        fill 2 09:30:02: BUY 5 @ 100 taker
        order 0: EXPIRED MISSED_OPEN filled 5
        """,
        both=True,
        costs={"max_participation": 0.1},
    )


def test_market_orders_come_first_then_the_better_limit_then_who_came_first() -> None:
    draw(
        NEW_YORK
        + """
        1 15:00     book 99 x 5 / 101 x 5
        2 09:30:01  book 99 x 5 / 101 x 5

        2 09:30:02  trade 100 x 9 AUCTION
        2 09:50     bid 98 x 1
        at 1 15:00: BUY 3 LIMIT 101 AT_OPEN
        at 1 15:00: BUY 3 LIMIT 102 AT_OPEN
        at 1 15:00: BUY 3 LIMIT 101 AT_OPEN
        at 1 15:00: BUY 2 AT_OPEN
        fill 2 09:30:02: BUY 2 @ 100 taker of 3
        fill 2 09:30:02: BUY 3 @ 100 taker of 1
        fill 2 09:30:02: BUY 3 @ 100 taker of 0
        fill 2 09:30:02: BUY 1 @ 100 taker of 2
        order 2: EXPIRED MISSED_OPEN filled 1
        """,
        both=True,
    )


def test_without_a_print_the_opening_is_missed_ten_minutes_after_the_open() -> None:
    draw(
        NEW_YORK
        + """
        1 15:00     book 99 x 5 / 101 x 5
        2 09:30:01  book 99 x 5 / 101 x 5

        2 09:45     bid 98 x 1
        2 16:00:41  trade 98 x 9 AUCTION        # the feed tells auctions; of this opening it told none
        at 1 15:00: BUY 10 AT_OPEN
        order 0: EXPIRED MISSED_OPEN done 2 09:40
        """,
        both=True,
    )


def test_an_order_for_the_close_fills_at_the_print_after_the_bell() -> None:
    draw(
        NEW_YORK
        + """
        1 15:00     book 99 x 5 / 101 x 5
        2 09:30:01  book 99 x 5 / 101 x 5

        2 16:00:41  trade 102 x 50 AUCTION
        at 2 09:30:01: BUY 10 AT_CLOSE
        at 2 09:30:01: SELL 10 LIMIT 101.50 AT_CLOSE
        fill 2 16:00:41: BUY 10 @ 102 taker of 0
        fill 2 16:00:41: SELL 10 @ 102 taker of 1
        """,
        both=True,
    )


def test_a_print_shortly_before_the_bell_is_the_closing() -> None:
    draw(
        NEW_YORK
        + """
        1 15:00     book 99 x 5 / 101 x 5
        2 09:30:01  book 99 x 5 / 101 x 5

        2 15:58:30  trade 102 x 50 AUCTION
        at 2 09:30:01: BUY 10 AT_CLOSE
        fill 2 15:58:30: BUY 10 @ 102 taker
        """,
        both=True,
    )


def test_without_a_print_the_close_is_missed_ten_minutes_after_the_bell() -> None:
    draw(
        NEW_YORK
        + """
        1 15:00     book 99 x 5 / 101 x 5
        2 09:30:01  book 99 x 5 / 101 x 5

        2 09:31     trade 100 x 50 AUCTION
        3 09:31     bid 98 x 1
        at 2 09:30:01: BUY 10 AT_CLOSE
        order 0: EXPIRED MISSED_CLOSE done 2 16:10
        """,
        both=True,
    )


def test_a_feed_without_prints_knows_no_close() -> None:
    draw(
        NEW_YORK
        + """
        1 15:00     book 99 x 5 / 101 x 5
        2 09:30:01  book 99 x 5 / 101 x 5

        3 09:31     bid 98 x 1
        at 2 09:30:01: BUY 10 AT_CLOSE
        order 0: EXPIRED MISSED_CLOSE done 2
        """,
        both=True,
    )


def test_what_rests_and_is_better_than_the_print_fills_at_it_and_day_orders_wait_for_it() -> None:
    draw(
        NEW_YORK
        + """
        1 15:00     book 99 x 5 / 101 x 5
        2 09:30:01  book 99 x 5 / 101 x 5

        2 16:00:41  trade 98 x 50 AUCTION
        3 09:31     bid 97 x 1
        at 2 09:30:01: BUY 3 LIMIT 98.50 DAY
        at 2 09:30:01: BUY 4 LIMIT 98.50
        at 2 09:30:01: BUY 5 LIMIT 98 DAY
        fill 2 16:00:41: BUY 3 @ 98 maker of 0
        fill 2 16:00:41: BUY 4 @ 98 maker of 1
        order 2: EXPIRED DAY_OVER done 2 16:10
        """,
        both=True,
    )


def test_an_order_that_comes_after_the_bell_is_for_the_next_session() -> None:
    draw(
        NEW_YORK
        + """
        1 15:00     book 99 x 5 / 101 x 5
        2 09:30:01  book 99 x 5 / 101 x 5

        2 16:00:41  trade 98 x 50 AUCTION
        3 09:31     bid 97 x 1
        timer 2 16:00:10: BUY 3
        timer 2 16:00:10: BUY 3 LIMIT 99 DAY
        timer 2 16:00:10: BUY 3 AT_CLOSE
        fill 3 09:31: BUY 3 @ 101 taker of 0
        order 1: EXPIRED END_OF_DATA
        order 2: EXPIRED END_OF_DATA
        """,
        both=True,
    )


def test_a_cancel_is_heard_between_the_bell_and_the_print() -> None:
    draw(
        NEW_YORK
        + """
        1 15:00     book 99 x 5 / 101 x 5
        2 09:30:01  book 99 x 5 / 101 x 5

        2 16:00:41  trade 98 x 50 AUCTION
        at 2 09:30:01: BUY 3 AT_CLOSE
        timer 2 16:00:10: CANCEL 0
        order 0: CANCELLED USER done 2 16:00:10
        """,
        both=True,
    )


def test_a_print_long_after_the_bell_fills_nothing() -> None:
    draw(
        NEW_YORK
        + """
        1 15:00     book 99 x 5 / 101 x 5
        2 09:30:01  book 99 x 5 / 101 x 5

        2 16:30     trade 98 x 50 AUCTION
        at 2 09:30:01: BUY 3 LIMIT 98.50
        order 0: EXPIRED END_OF_DATA
        """,
        both=True,
    )


def test_a_print_does_not_move_the_line() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 5
        1 10:00:01  trade 99 x 5 AUCTION        # at our price: rationed, and no trade of the line ahead
        1 10:00:02  trade 99 x 5 SELL           # the line ahead
        1 10:00:03  trade 99 x 1 SELL
        at 1 10:00:00: BUY 2 LIMIT 99
        fill 1 10:00:03: BUY 1 @ 99 maker
        order 0: EXPIRED END_OF_DATA filled 1
        """,
        both=True,
    )


def test_a_halt_fills_nothing_hears_cancels_and_ends_with_an_auction() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 5
        1 10:00:01  HALT
        1 10:00:02  trade 98 x 9 SELL           # nothing fills during a halt
        1 10:05:00  trade 98 x 20 AUCTION
        1 10:05:01  RESUME
        1 10:05:02  bid 97 x 1
        at 1 10:00:00: BUY 3 LIMIT 98.50
        at 1 10:00:00: BUY 3 LIMIT 98.50
        timer 1 10:01: BUY 5
        timer 1 10:01: BUY 5 IOC
        timer 1 10:02: CANCEL 1
        fill 1 10:05: BUY 5 @ 98 taker of 2
        fill 1 10:05: BUY 3 @ 98 maker of 0
        fill 1 10:05:02: BUY 5 @ 101 taker of 3
        order 1: CANCELLED USER done 1 10:02
        """,
        both=True,
    )


def test_beside_quotes_a_print_fills_what_it_betters() -> None:
    draw(
        """
        1 10:00:00  99 x 5 / 101 x 5
        1 10:00:01  99 x 5 / 101 x 5
        1 10:00:02  trade 98 x 9 AUCTION
        at 1 10:00:00: BUY 2 LIMIT 98.50
        at 1 10:00:00: BUY 2 LIMIT 98
        fill 1 10:00:02: BUY 2 @ 98 maker of 0
        order 1: EXPIRED END_OF_DATA
        """,
        both=True,
    )


def test_where_only_trades_are_told_the_open_is_the_print_and_not_the_first_trade() -> None:
    draw(
        NEW_YORK
        + """
        1 15:00     trade 100 x 5
        2 09:30:01  trade 103 x 5
        2 09:30:30  trade 102 x 50 AUCTION
        2 09:30:31  trade 104 x 5
        at 1 15:00: BUY 2 AT_OPEN
        fill 2 09:30:30: BUY 2 @ 102 taker
        """,
        both=True,
    )


def test_where_only_trades_are_told_a_print_triggers_stops_for_the_next_trade() -> None:
    draw(
        NEW_YORK
        + """
        1 15:00     trade 100 x 5
        2 09:30:02  trade 102 x 50 AUCTION
        2 09:30:05  trade 103 x 5
        at 1 15:00: BUY 2 STOP 102
        fill 2 09:30:05: BUY 2 @ 103 taker
        """,
        both=True,
    )


class OpenToClose(Strategy):
    """Each day buys at the open what it sells at the close."""

    def on_start(self, view: Any) -> None:
        view.timers.session_open(-dt.timedelta(minutes=10))

    def on_timer(self, view: Any, name: str) -> None:
        symbol = view.instruments[0]
        view.order(symbol, 100, time_in_force="AT_OPEN")
        view.order(symbol, -100, time_in_force="AT_CLOSE")


@pytest.mark.parametrize(
    ("day", "opened", "closed"),
    [
        ("2013-10-08", ("09:31:43.278", 181.85), ("16:00:47.795", 178.72)),
        ("2013-10-11", ("09:30:48.154", 185.28), ("16:01:13.722", 186.16)),
    ],
)
def test_the_nyse_opens_and_closes_ibm_by_hand(day: str, opened: tuple[str, float], closed: tuple[str, float]) -> None:
    if not IBM.exists():
        pytest.skip("the developers' market data are not here: set ONETAPE_SHARED to their folder")
    result = backtest(OpenToClose(), lean.read(IBM, start=day, end=day).tape(), risk={"allow_short": True})
    stamps = result.fills["ts"].dt.tz_convert("America/New_York").dt.strftime("%H:%M:%S.%f").str[:-3]
    assert list(zip(stamps, result.fills["price"], strict=True)) == [opened, closed]
    assert result.fills["quantity"].tolist() == [100.0, 100.0]
