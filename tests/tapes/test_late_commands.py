"""Cancels, changes and dates that come while the bar is under way whose open an order waits for: they act after that open."""

from __future__ import annotations

import pandas as pd
import pytest

from framework import Strategy, backtest
from tests.tapes.drawing import draw

DAYS = """
        clock 2024-07-01 America/New_York 16:00        # Monday
        instrument X calendar XNYS
        1  100 101  99 100  1000
        2  101 104  95 103   400
        3 13:00  102 103 101 102  1000
        5  103 104 102 103  1000
"""


@pytest.mark.parametrize(
    "order",
    [
        "BUY 10",
        "BUY 10 AT_OPEN",
        "BUY 10 LIMIT 110",
        "BUY 10 STOP 99",
        "BUY 10 STOP 99 LIMIT 110",
        "BUY 10 TOUCH 105",
        "BUY 10 IOC",
        "BUY 10 DAY",
    ],
)
@pytest.mark.parametrize("command", ["CANCEL 0", "REPLACE 0 QUANTITY 1"])
def test_a_command_inside_the_bar_comes_after_its_open(order: str, command: str) -> None:
    draw(
        DAYS
        + f"""
        at 2 09:00: {order}
        at 2 10:00: {command}
        fill 2: BUY 10 @ 101 taker
        order 0: FILLED done 2
        """
    )


def test_a_cancel_before_the_open_is_in_time() -> None:
    draw(
        DAYS
        + """
        at 2 09:00: BUY 10
        at 2 09:15: CANCEL 0
        order 0: CANCELLED USER done 2 09:15
        """
    )


@pytest.mark.parametrize("order", ["BUY 10 LIMIT 99.50", "SELL 10 STOP 96", "BUY 10 TOUCH 98"])
def test_what_would_not_fill_at_the_last_price_is_let_go_inside_the_bar(order: str) -> None:
    draw(
        DAYS
        + f"""
        at 2 09:00: {order}
        at 2 10:00: CANCEL 0
        order 0: CANCELLED USER done 2 10:00
        """,
        risk={"allow_short": True},
    )


def test_what_arrived_inside_the_bar_is_let_go_inside_it() -> None:
    draw(
        DAYS
        + """
        at 2 09:45: BUY 10
        at 2 10:00: CANCEL 0
        order 0: CANCELLED USER done 2 10:00
        """
    )


def test_the_rest_of_what_the_open_filled_in_part_is_cancelled() -> None:
    draw(
        DAYS
        + """
        at 2 09:00: BUY 100 LIMIT 102
        at 2 10:00: CANCEL 0
        fill 2: BUY 40 @ 101 taker
        order 0: CANCELLED USER filled 40 done 2
        """,
        costs={"max_participation": 0.1},
    )


def test_a_change_acts_on_the_rest_from_the_next_bar_on() -> None:
    draw(
        DAYS
        + """
        at 2 09:00: BUY 100
        at 2 10:00: REPLACE 0 QUANTITY 60
        fill 2: BUY 40 @ 101 taker
        fill 3 13:00: BUY 20 @ 102 taker
        order 0: FILLED quantity 60
        """,
        costs={"max_participation": 0.1},
    )


def test_commands_act_in_the_order_in_which_they_came() -> None:
    draw(
        DAYS
        + """
        at 2 09:00: BUY 100
        at 2 10:00: REPLACE 0 QUANTITY 60
        at 2 11:00: CANCEL 0
        fill 2: BUY 40 @ 101 taker
        order 0: CANCELLED USER filled 40 quantity 60 done 2
        """,
        costs={"max_participation": 0.1},
    )


def test_what_waits_for_one_instruments_bar_is_not_lost_when_anothers_has_come() -> None:
    draw(
        """
        clock 2024-07-01 America/New_York 16:00        # Monday
        instrument A calendar XNYS
        instrument B calendar XNYS
        1        A  100 101  99 100  1000
        1        B  100 101  99 100  1000
        2 13:00  A  101 104  95 103   400
        2        B  101 104  95 103   400
        3        B  101 104  95 103  1000

        at 2 09:00: BUY 100 A
        at 2 09:00: BUY 100 B
        at 2 10:00: CANCEL 0
        at 2 10:00: CANCEL 1
        fill 2 13:00: BUY 40 A @ 101 taker
        fill 2: BUY 40 B @ 101 taker
        order 0: CANCELLED USER filled 40 done 2 13:00
        order 1: CANCELLED USER filled 40 done 2
        """,
        costs={"max_participation": 0.1},
    )


@pytest.mark.parametrize(("quantity", "outcome"), [(40, "FILLED done 2"), (100, "EXPIRED DATE_REACHED filled 40 done 2")])
def test_a_date_inside_the_bar_comes_after_its_open(quantity: int, outcome: str) -> None:
    draw(
        DAYS
        + f"""
        at 2 09:00: BUY {quantity} GTD 2 12:00
        fill 2: BUY 40 @ 101 taker
        order 0: {outcome}
        """,
        costs={"max_participation": 0.1},
    )


def test_an_order_fills_no_further_inside_the_bar_of_its_cancel() -> None:
    draw(
        DAYS.replace("2  101 104  95 103   400", "2  102.50 104  95 103   400")
        + """
        at 2 09:00: BUY 10 STOP 100 LIMIT 102          # the price has passed the stop: triggered by the open, bid at 102 below it
        at 2 10:00: CANCEL 0
        order 0: CANCELLED USER done 2
        """
    )


def test_a_trailing_stop_moves_no_further_inside_the_bar_of_its_date() -> None:
    draw(
        DAYS.replace("2  101 104  95 103   400", "2  103 109  103 108   400")
        + """
        at 2 09:00: SELL 10 STOP 101 TRAIL 2 GTD 2 12:00       # the last price has passed it, the open has not
        order 0: EXPIRED DATE_REACHED stop 101 done 2
        """,
        risk={"allow_short": True},
    )


@pytest.mark.parametrize("order", ["BUY 100 GTD 3 12:00", "BUY 100"])
def test_the_rest_of_what_was_filled_before_is_let_go_inside_the_bar(order: str) -> None:
    """It works through the bars: when of this one its volume came nobody knows."""
    draw(
        DAYS
        + f"""
        at 1: {order}
        {"at 3 12:00: CANCEL 0" if order == "BUY 100" else ""}
        fill 2: BUY 40 @ 101 taker
        order 0: {"CANCELLED USER" if order == "BUY 100" else "EXPIRED DATE_REACHED"} filled 40 done 3 12:00
        """,
        costs={"max_participation": 0.1},
    )


MINUTES = """
        clock 2024-07-01 America/New_York 16:00
        instrument X calendar XNYS minutes 1
        1 09:31  100 101  99 100  1000
        1 09:45  101 102 100 101  1000         # nothing traded between
        1 09:46  102 103 101 102  1000
"""


@pytest.mark.parametrize(("cancelled", "done"), [("09:31:30", "09:32"), ("09:40:10", "09:41"), ("09:40", "09:40")])
def test_where_no_bar_was_under_way_a_cancel_acts_as_soon_as_that_is_known(cancelled: str, done: str) -> None:
    draw(
        MINUTES
        + f"""
        at 1 09:31: BUY 10
        at 1 {cancelled}: CANCEL 0
        order 0: CANCELLED USER done 1 {done}
        """
    )


def test_where_one_was_the_open_comes_first() -> None:
    draw(
        MINUTES
        + """
        at 1 09:31: BUY 10
        at 1 09:44:10: CANCEL 0
        fill 1 09:45: BUY 10 @ 101 taker
        """
    )


@pytest.mark.parametrize(("cancelled", "outcome"), [("2 09:50", "FILLED done 2 10:30"), ("2 10:10", "FILLED done 2 10:30")])
def test_bars_off_the_grid_of_those_before(cancelled: str, outcome: str) -> None:
    """Hours from 9:30 on, the last one half as long: the first of the next day lies off the grid of the last."""
    draw(
        f"""
        clock 2024-07-01 America/New_York 16:00
        instrument X calendar XNYS minutes 60
        1 15:30  100 101  99 100  1000
        1        100 101  99 100  1000
        2 10:30  101 102 100 101  1000
        2 11:30  102 103 101 102  1000

        at 2 09:00: BUY 10
        at {cancelled}: CANCEL 0
        fill 2 10:30: BUY 10 @ 101 taker
        order 0: {outcome}
        """
    )


def test_a_bar_that_a_halt_keeps_from_trading_lets_a_cancel_act() -> None:
    draw(
        DAYS.replace("        2  101", "        2 11:00 HALT\n        2  101")
        + """
        at 2 09:00: BUY 10
        at 2 10:00: CANCEL 0
        order 0: CANCELLED USER done 2
        """
    )


def test_a_session_without_a_bar_lets_a_cancel_act_at_its_close() -> None:
    draw(
        DAYS.replace("        2  101 104  95 103   400\n", "")
        + """
        at 2 09:00: BUY 10
        at 2 10:00: CANCEL 0
        order 0: CANCELLED USER done 2
        """
    )


@pytest.mark.parametrize("command", ["timer 2 06:00: CANCEL 0", "timer 2 18:00: CANCEL 0"])
@pytest.mark.parametrize(("action", "lots", "price"), [("SPLIT 2:1", 20, 50), ("SPLIT 1:2", 5, 200), ("DIVIDEND 1", 10, 99)])
def test_a_corporate_action_inside_the_bar_takes_nothing_back(command: str, action: str, lots: int, price: int) -> None:
    draw(
        f"""
        1  100 101  99 100  1000
        2 12:00  {action}
        2  {price} {price} {price} {price}  1000

        at 1: BUY 10
        {command}
        fill 2: BUY {lots} @ {price} taker
        """
    )


def test_a_date_that_waits_for_the_bar_outlives_a_dividend() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2 12:00  DIVIDEND 1
        2   99  99  99  99  1000

        at 1: BUY 10 GTD 2 06:00
        fill 2: BUY 10 @ 99 taker
        """
    )


def test_a_change_that_waits_for_the_bar_is_restated_with_its_order() -> None:
    # 15 at 102 become 30 at 51, 10 become 20; the bar's volume leaves half of them, and the second change is made in new shares.
    draw(
        """
        1  100 101  99 100  1000
        2 12:00  SPLIT 2:1
        2   50  51  49  50   100
        3   50  51  49  50   100
        4   50  51  49  50   100

        at 1: BUY 10 LIMIT 103
        timer 2 06:00: REPLACE 0 QUANTITY 15 LIMIT 102
        timer 2 18:00: REPLACE 0 LIMIT 52
        fill 2: BUY 10 @ 50 taker of 0
        fill 3: BUY 10 @ 50 taker of 0
        fill 4: BUY 10 @ 50 taker of 0
        order 0: FILLED quantity 30 limit 52
        """,
        costs={"max_participation": 0.1},
    )


def test_a_delisting_inside_the_bar_ends_what_waits_for_it() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2 12:00  DELIST 90

        at 1: BUY 10
        timer 2 06:00: CANCEL 0
        order 0: CANCELLED USER done 2 12:00
        """
    )


@pytest.mark.parametrize("halt", ["2 05:00", "2 00:30"])
def test_a_halt_inside_the_bar_comes_after_its_open(halt: str) -> None:
    draw(
        f"""
        1  100 101  99 100  1000
        {halt} HALT
        2 10:00 RESUME
        2  101 104  95 103  1000

        at 1: BUY 10
        timer 2 06:00: CANCEL 0
        fill 2: BUY 10 @ 101 taker
        """
    )


@pytest.mark.parametrize(
    ("cancelled", "expected"), [("2 06:00", "order 0: CANCELLED USER done 2 06:00"), ("2 11:00", "fill 2: BUY 10 @ 101 taker")]
)
def test_a_bar_that_begins_in_a_halt_opens_when_that_ends(cancelled: str, expected: str) -> None:
    draw(
        f"""
        1  100 101  99 100  1000
        1 20:00 HALT
        2 10:00 RESUME
        2  101 104  95 103  1000

        at 1: BUY 10
        timer {cancelled}: CANCEL 0
        {expected}
        """
    )


def test_a_cancel_with_latency_misses_the_open_that_it_comes_after() -> None:
    draw(
        """
        instrument X minutes 1440
        1  100 100 100 100  1000
        2  101 101 101 101  1000
        3  102 102 102 102  1000

        at 1: BUY 10                           # arrives a second after the open of day 2, waits for that of day 3
        at 2: CANCEL 0                         # arrives a second after it
        fill 3: BUY 10 @ 102 taker
        """,
        latency={"entry_ns": 1_000_000_000},
    )


def test_a_target_does_not_take_back_what_the_open_has_filled() -> None:
    draw(
        DAYS
        + """
        at 2 09:00: HOLD 10
        at 2 10:00: HOLD 0
        at 2 11:00: HOLD 4                       # of the second nothing has filled: it is superseded
        fill 2: BUY 10 @ 101 taker of 0
        fill 3 13:00: SELL 6 @ 102 taker of 2
        order 1: CANCELLED SUPERSEDED done 2 11:00
        end: 4 X
        """
    )


@pytest.mark.parametrize(("first", "second", "taken"), [("2 09:00", "2 09:15", "2 09:15"), ("2 10:00", "2 11:00", "2 11:00")])
def test_a_target_supersedes_before_the_open_and_what_came_after_it(first: str, second: str, taken: str) -> None:
    draw(
        DAYS
        + f"""
        at {first}: HOLD 10
        at {second}: HOLD 0
        order 0: CANCELLED SUPERSEDED done {taken}
        end: 0 X
        """
    )


def test_a_target_supersedes_at_the_end_of_a_bar() -> None:
    # The order of the second day's end is for the third day. When the halted third ends nothing new has begun.
    draw(
        DAYS.replace("        3 13:00", "        3 09:00 HALT\n        3 13:00").replace("        5  ", "        4 RESUME\n        5  ")
        + """
        at 2: HOLD 10
        at 3 13:00: HOLD 4
        fill 5: BUY 4 @ 103 taker of 1
        order 0: CANCELLED SUPERSEDED done 3 13:00
        end: 4 X
        """
    )


def test_quotes_fill_at_once_so_a_target_supersedes_there() -> None:
    draw(
        """
        1 10:00  99 x 5 / 101 x 5
        1 11:00  99 x 5 / 101 x 0
        1 13:00  99 x 5 / 102 x 5

        at 1 10:00: HOLD 10
        timer 1 12:00: HOLD 3
        fill 1 13:00: BUY 3 @ 102 taker of 1
        order 0: CANCELLED SUPERSEDED done 1 12:00
        """
    )


def test_a_later_target_that_was_decided_before_the_open_is_in_time() -> None:
    draw(
        """
        instrument X minutes 1440
        1  100 100 100 100  1000
        2  101 101 101 101  1000
        3  102 102 102 102  1000

        at 1: HOLD 10                          # arrives a second after the open of day 2, waits for that of day 3
        at 2: HOLD 0                           # its cancel arrives a second after it, but was decided without knowledge of it
        order 0: CANCELLED SUPERSEDED done 3 00:00:01
        """,
        latency={"entry_ns": 1_000_000_000},
    )


class TakesBack(Strategy):
    """Orders B on the second bar of A, and cancels it as soon as the next bar of A is told, of the same stamp as B's."""

    def on_start(self, view):
        self.order = None

    def on_bar(self, view, bar):
        if bar.instrument != "A" or view.bar_count("A") == 1:
            return
        if self.order is None:
            self.order = view.buy("B", 10)
        else:
            view.cancel(self.order)


def test_another_instruments_bar_does_not_tell_in_time() -> None:
    index = pd.date_range("2024-01-02", periods=4, freq="D", tz="UTC")
    rows = pd.DataFrame({name: [100.0, 101.0, 102.0, 103.0] for name in ("open", "high", "low", "close")}, index=index).assign(
        volume=1000.0
    )
    result = backtest(TakesBack(), {"A": rows, "B": rows}, tick_size=0.01)
    assert result.fills[["instrument", "quantity", "price"]].values.tolist() == [["B", 10.0, 102.0]]


def test_the_last_price_decides_and_not_a_mark_that_the_venue_tells() -> None:
    draw(
        """
        instrument X kind PERPETUAL initial 0.1 maintenance 0.05
        1  100 101  99 100  1000
        2 09:00  MARK 110
        2  104 104 104 104  1000

        at 1: BUY 10 STOP 105              # passed by the mark, not by the last price
        timer 2 10:00: CANCEL 0
        order 0: CANCELLED USER done 2 10:00
        """,
        risk={"max_leverage": 10.0},
    )
