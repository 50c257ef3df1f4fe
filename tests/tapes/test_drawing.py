"""The drawings themselves: one that is wrong fails, and says where."""

from __future__ import annotations

import pytest

from tests.tapes.drawing import draw, read, upside_down

RIGHT = """
    1  100 101  99 100  1000
    2  102 104 101 103  1000
    at 1: BUY 100
    at 1: BUY 10 LIMIT 90
    fill 2: BUY 100 @ 102 taker of 0
    order 1: EXPIRED END_OF_DATA
    end: 100 X, 989800 USD
"""


def test_right() -> None:
    draw(RIGHT)


@pytest.mark.parametrize(
    ("was", "wrong"),
    [
        ("@ 102", "@ 102.01"),
        ("fill 2", "fill 1"),
        ("fill 2: BUY 100 @", "fill 2: BUY 99 @"),
        ("fill 2: BUY", "fill 2: SELL"),
        ("taker", "maker"),
        ("taker", "taker fee 0.01"),
        ("taker", "taker slippage 0.01"),
        ("taker", "taker ambiguous"),
        ("of 0", "of 1"),
        ("EXPIRED END_OF_DATA", "EXPIRED DAY_OVER"),
        ("EXPIRED END_OF_DATA", "CANCELLED END_OF_DATA"),
        ("EXPIRED END_OF_DATA", "EXPIRED END_OF_DATA needs 1 allows 0"),
        ("EXPIRED END_OF_DATA", "EXPIRED END_OF_DATA limit 91"),
        ("EXPIRED END_OF_DATA", "EXPIRED END_OF_DATA done 1"),
        ("    order 1: EXPIRED END_OF_DATA\n", ""),
        ("    fill 2: BUY 100 @ 102 taker of 0\n", ""),
        ("100 X,", "99 X,"),
        ("100 X, ", ""),
        ("989800", "989800.01"),
    ],
)
def test_wrong(was: str, wrong: str) -> None:
    assert was in RIGHT
    with pytest.raises(AssertionError, match="drawn"):
        draw(RIGHT.replace(was, wrong, 1))


def test_answer_that_was_not_given() -> None:
    with pytest.raises(AssertionError, match="CANCEL 0 -> True"):
        draw(
            """
            1  100 101  99 100  1000
            2  102 104 101 103  1000
            at 1: BUY 100
            at 1: CANCEL 0 -> False
            order 0: CANCELLED USER
            """
        )


def test_upside_down() -> None:
    turned = upside_down(read(RIGHT))
    assert turned.market[1][3] == (98.0, 99.0, 96.0, 97.0, 1000.0)
    assert turned.orders[1][3]["limit"] == 110.0
    assert (turned.fills[0]["side"], turned.fills[0]["price"], turned.end) == ("SELL", 98.0, {"X": -100.0})


def test_times() -> None:
    clock = read("clock 2024-07-01 America/New_York 16:00").clock
    assert clock.ns("1") == clock.ns("1 16:00") == 1_719_864_000 * 10**9  # 20:00 UTC
    assert [clock.text(clock.ns(text)) for text in ("1", "2 09:30", "2 09:30:00.5")] == ["1", "2 09:30", "2 09:30:00.5"]
