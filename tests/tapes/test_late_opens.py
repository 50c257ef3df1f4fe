"""Orders for the open where the first bar or trade of the session comes late."""

from __future__ import annotations

from tests.tapes.drawing import draw

LATE = """
        clock 2024-07-01 America/New_York 16:00
        instrument X calendar XNYS
        1 09:31  100 101  99 100  1000
        1        100 101  99 100  1000
        2 09:45  103 104 102 103  1000         # nothing traded in the first quarter of an hour
        2 09:46  105 106 104 105  1000
        2        107 108 106 107  1000
        3 09:31  109 110 108 109  1000
"""


def test_an_order_for_the_open_fills_at_the_first_bar_however_late() -> None:
    draw(
        LATE
        + """
        at 1: BUY 100 AT_OPEN
        at 1: BUY 100 LIMIT 104 AT_OPEN
        at 1: BUY 100 LIMIT 102 AT_OPEN
        fill 2 09:45: BUY 100 @ 103 taker of 0
        fill 2 09:45: BUY 100 @ 103 taker of 1
        order 2: EXPIRED MISSED_OPEN done 2 09:45
        """
    )


def test_the_length_of_bars_makes_no_difference() -> None:
    draw(
        LATE.replace("calendar XNYS", "calendar XNYS minutes 1")
        + """
        at 1: BUY 100 AT_OPEN
        fill 2 09:45: BUY 100 @ 103 taker
        """
    )


def test_what_arrives_after_the_open_waits_for_the_next_though_the_first_bar_is_yet_to_come() -> None:
    draw(
        LATE.replace("calendar XNYS", "calendar XNYS minutes 1")
        + """
        at 2 09:35: BUY 100 AT_OPEN
        fill 3 09:31: BUY 100 @ 109 taker
        """
    )


def test_so_it_does_where_only_trades_are_told() -> None:
    draw(
        """
        clock 2024-07-01 America/New_York 16:00
        instrument X calendar XNYS
        1 09:31  trade 100 x 50
        2 09:45  trade 103 x 50
        3 09:31  trade 109 x 50

        at 1 15:00: BUY 20 AT_OPEN
        at 2 09:35: BUY 20 AT_OPEN
        fill 2 09:45: BUY 20 @ 103 taker of 0
        fill 3 09:31: BUY 20 @ 109 taker of 1
        """
    )
