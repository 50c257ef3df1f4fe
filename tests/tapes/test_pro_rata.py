"""Trades at our price shared by size."""

from __future__ import annotations

from tests.tapes.drawing import draw

PRO_RATA = {"matching": "pro_rata"}


def test_a_trade_is_shared_by_size_and_rounded_down() -> None:
    draw(
        """
        1 10:00:00  book 99 x 30 / 101 x 4
        1 10:00:01  trade 99 x 9 SELL           # 9 x 10 / 40 = 2.25
        at 1 10:00:00: BUY 10 LIMIT 99
        fill 1 10:00:01: BUY 2 @ 99 maker
        order 0: EXPIRED END_OF_DATA filled 2
        """,
        both=True,
        venue=PRO_RATA,
    )
