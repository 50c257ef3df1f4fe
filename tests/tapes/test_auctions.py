"""Auctions on ticks: orders for the open and the close, resting orders, prints that come late, halts, and what prints leave alone."""

from __future__ import annotations

from tests.tapes.drawing import draw

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
