"""Price limits of the venue: what is rejected, what waits, what they leave alone, and when they end."""

from __future__ import annotations

from tests.tapes.drawing import draw


def test_a_limit_beyond_the_price_limit_is_rejected_with_the_numbers() -> None:
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
