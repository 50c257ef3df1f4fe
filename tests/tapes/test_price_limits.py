"""Price limits of the venue: what is rejected, what waits, what they leave alone, and when they end."""

from __future__ import annotations

from typing import Any

from framework import backtest
from tests.tapes.drawing import Scripted, draw, number, read, tape_of

NEW_YORK = """
        clock 2024-07-01 America/New_York 16:00        # Monday
        instrument X calendar XNYS
"""


def test_a_limit_beyond_is_rejected_with_the_numbers() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 5
        1 10:00:01  LIMITS 95 105
        1 10:00:02  bid 98 x 1
        1 10:00:03  bid 98 x 2
        at 1 10:00:02: BUY 1 LIMIT 105.01
        at 1 10:00:02: BUY 1 LIMIT 105
        fill 1 10:00:03: BUY 1 @ 101 taker of 1
        order 0: REJECTED OUTSIDE_PRICE_LIMITS needs 105.01 allows 105
        """,
        both=True,
    )


def test_a_limit_on_the_other_side_rests_for_the_limits_may_move_to_it() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 5
        1 10:00:01  LIMITS 95 105
        1 10:00:02  bid 98 x 1
        1 10:00:03  trade 111 x 2 BUY           # whatever this was, we cannot have traded beyond 105
        1 10:00:04  LIMITS 95 115
        1 10:00:05  trade 111 x 2 BUY
        at 1 10:00:02: SELL 1 LIMIT 110
        fill 1 10:00:05: SELL 1 @ 110 maker
        """,
        both=True,
    )


def test_a_replace_beyond_is_turned_down_and_the_order_stands() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 5
        1 10:00:01  LIMITS 95 105
        1 10:00:02  bid 97 x 1
        1 10:00:03  trade 97 x 3 SELL
        at 1 10:00:00: BUY 1 LIMIT 98
        at 1 10:00:02: REPLACE 0 LIMIT 106
        fill 1 10:00:03: BUY 1 @ 98 maker
        order 0: FILLED limit 98
        """,
        both=True,
    )


def test_two_replaces_under_way_of_which_the_second_is_turned_down() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 5
        1 10:00:01  LIMITS 95 105
        1 10:00:02  bid 97 x 1
        1 10:00:09  trade 96 x 3 SELL
        timer 1 10:00:00: BUY 1 LIMIT 98
        timer 1 10:00:05: REPLACE 0 LIMIT 97.50
        timer 1 10:00:05: REPLACE 0 LIMIT 106
        fill 1 10:00:09: BUY 1 @ 97.50 maker
        order 0: FILLED limit 97.50
        """,
        both=True,
        latency={"entry_ns": 1_000_000_000, "response_ns": 1_000_000_000},
    )


def test_a_market_order_fills_inside_and_its_rest_waits() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 104 x 3, 106 x 9
        1 10:00:01  LIMITS 95 105
        1 10:00:02  bid 98 x 1
        1 10:00:03  bid 98 x 2
        1 10:00:04  ask 105 x 9
        at 1 10:00:02: BUY 5
        fill 1 10:00:03: BUY 3 @ 104 taker
        fill 1 10:00:04: BUY 2 @ 105 taker
        """,
        both=True,
    )


def test_immediate_or_cancel_does_not_wait() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 104 x 3, 106 x 9
        1 10:00:01  LIMITS 95 105
        1 10:00:02  bid 98 x 1
        1 10:00:03  bid 98 x 2
        at 1 10:00:02: BUY 5 FOK
        at 1 10:00:02: BUY 5 IOC
        fill 1 10:00:03: BUY 3 @ 104 taker of 1
        order 0: CANCELLED FOK_NOT_FILLABLE
        order 1: CANCELLED IOC_REMAINDER filled 3
        """,
        both=True,
    )


def test_an_order_that_was_there_before_stays_and_a_stop_that_triggers_beyond_waits() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 5
        1 10:00:01  LIMITS 95 105
        1 10:00:02  ask 101 x 0, ask 107 x 5
        1 10:00:03  ask 104 x 5
        at 1 10:00:00: BUY 2 STOP 106
        fill 1 10:00:03: BUY 2 @ 104 taker
        """,
        both=True,
    )


def test_quotes_beyond_are_not_taken() -> None:
    draw(
        """
        1 10:00:00  99 x 5 / 101 x 5
        1 10:00:01  LIMITS 0 105
        1 10:00:02  99 x 5 / 106 x 5
        1 10:00:03  99 x 5 / 105 x 5
        at 1 10:00:00: BUY 2
        fill 1 10:00:03: BUY 2 @ 105 taker
        """,
        both=True,
    )


def test_a_bar_that_opens_beyond_fills_nothing_at_its_open() -> None:
    draw(
        """
        1        100 101  99 100  1000
        2 09:00  LIMITS 95 105
        2        107 108 106 107  1000
        3        104 105 103 104  1000
        at 1: BUY 10
        at 1: BUY 10 STOP 106
        fill 3: BUY 10 @ 104 taker of 0
        fill 3: BUY 10 @ 104 taker of 1
        """,
        both=True,
    )


def test_inside_a_bar_a_stop_beyond_does_not_fill_and_a_limit_inside_does() -> None:
    draw(
        """
        1        100 101  99 100  1000
        2 09:00  LIMITS 95 105
        2        100 107  99 101  1000
        3        102 103 101 102  1000
        at 1: SELL 10 LIMIT 104
        at 1: BUY 10 STOP 106
        fill 2: SELL 10 @ 104 maker of 0
        fill 3: BUY 10 @ 102 taker of 1
        """,
        both=True,
    )


def test_they_end_at_the_close_of_their_session() -> None:
    draw(
        NEW_YORK
        + """
        1 15:00     book 99 x 5 / 106 x 5
        1 15:01     LIMITS 95 105
        1 15:02     bid 98 x 1
        1 15:03     bid 98 x 2
        2 09:30:01  bid 98 x 3
        at 1 15:02: BUY 2
        fill 2 09:30:01: BUY 2 @ 106 taker
        """,
        both=True,
    )


def test_told_at_the_close_they_are_the_next_sessions() -> None:
    draw(
        NEW_YORK
        + """
        1 15:00     book 99 x 5 / 106 x 5
        1 16:00     LIMITS 95 105
        2 09:30:01  bid 98 x 3
        2 09:30:02  ask 105 x 1
        at 1 15:00: BUY 2
        fill 2 09:30:02: BUY 1 @ 105 taker
        order 0: EXPIRED END_OF_DATA filled 1
        """,
        both=True,
    )


def test_a_split_divides_them_and_rounds_inward() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 5
        1 10:00:01  LIMITS 95.01 105.01         # 47.505 and 52.505 for half a share
        1 10:00:02  SPLIT 2:1
        1 10:00:03  book 47.50 x 9, 47.51 x 1 / 52.50 x 3, 52.51 x 9
        1 10:00:04  bid 46 x 1
        at 1 10:00:03: BUY 5
        at 1 10:00:03: SELL 3
        fill 1 10:00:04: BUY 3 @ 52.50 taker of 0
        fill 1 10:00:04: SELL 1 @ 47.51 taker of 1
        order 0: EXPIRED END_OF_DATA filled 3
        order 1: EXPIRED END_OF_DATA filled 1
        """,
        risk={"allow_short": True},
    )


def test_prints_of_auctions_are_not_bound() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 5
        1 10:00:01  LIMITS 95 105
        1 10:00:02  HALT
        1 10:05:00  trade 107 x 50 AUCTION
        timer 1 10:01: BUY 2
        fill 1 10:05: BUY 2 @ 107 taker
        """,
        both=True,
    )


class Reader(Scripted):
    """Notes the limits as a strategy sees them after each event."""

    def on_event(self, view: Any, event: Any) -> None:
        self.answers.append((event.kind.name, view.lower_limit("X"), view.upper_limit("X")))


def test_a_strategy_reads_them_until_the_session_ends() -> None:
    drawing = read(
        NEW_YORK
        + """
        1 10:00  book 99 x 5 / 101 x 5
        1 10:01  LIMITS 95.01 105.01
        1 10:02  SPLIT 2:1
        1 10:03  LIMITS 0 54
        2 10:00  book 49 x 5 / 51 x 5
        """
    )
    reader = Reader(drawing)
    backtest(reader, tape_of(drawing))
    found = [(kind, number(lower), number(upper)) for kind, lower, upper in reader.answers]
    assert found == [
        ("SESSION", "nan", "nan"),
        ("PRICE_LIMITS", "95.01", "105.01"),
        ("SPLIT", "47.51", "52.5"),
        ("PRICE_LIMITS", "nan", "54"),
        ("SESSION", "nan", "nan"),
        ("SESSION", "nan", "nan"),
        ("SESSION", "nan", "nan"),
    ]
