"""Our own orders that would trade with each other, by the rule of the venue."""

from __future__ import annotations

from tests.tapes.drawing import draw


def test_the_newest_is_cancelled_and_the_resting_one_stays() -> None:
    draw(
        """
        1 10:00:00  book 95 x 5 / 105 x 5
        1 10:00:01  bid 94 x 1
        1 10:00:02  trade 100 x 3 BUY
        at 1 10:00:00: SELL 3 LIMIT 100
        at 1 10:00:01: BUY 2 LIMIT 101
        fill 1 10:00:02: SELL 3 @ 100 maker of 0
        order 1: CANCELLED SELF_TRADE needs 2 allows 0
        """,
        both=True,
    )
