"""Which instructions go with which orders: what is refused, with its reason and numbers, and what is taken."""

from __future__ import annotations

import pytest

from framework import Strategy, backtest
from framework.errors import InputError
from tests.tapes.drawing import draw, read, tape_of

MARKET = """
        1 10:00  99 x 500 / 101 x 500
        1 10:01  99 x 500 / 101 x 500
        2 10:00  99 x 500 / 101 x 500
"""


# bits of OrderFlag: post-only 128, hidden 256, iceberg 512, primary peg 1024, mid peg 2048
@pytest.mark.parametrize(
    ("order", "refusal"),
    [
        ("BUY 10 POST_ONLY", "INSTRUCTION_NEEDS_LIMIT needs 128 allows 0"),
        ("BUY 10 STOP 105 LIMIT 106 POST_ONLY", "INSTRUCTION_NEEDS_LIMIT needs 128 allows 3"),
        ("BUY 10 TOUCH 95 HIDDEN", "INSTRUCTION_NEEDS_LIMIT needs 256 allows 5"),
        ("BUY 10 TOUCH 95 LIMIT 96 DISPLAY 2", "INSTRUCTION_NEEDS_LIMIT needs 512 allows 6"),
        ("BUY 10 TRAIL 2 TRAIL_LIMIT 1 DISPLAY 2", "INSTRUCTION_NEEDS_LIMIT needs 512 allows 7"),
        ("BUY 10 STOP 105 PEG primary", "INSTRUCTION_NEEDS_LIMIT needs 1024 allows 2"),
        ("BUY 10 TRAIL 2 PEG mid HIDDEN", "INSTRUCTION_NEEDS_LIMIT needs 2304 allows 4"),
        ("BUY 10 LIMIT 95 POST_ONLY IOC", "INSTRUCTION_NEEDS_REST needs 128 allows 2"),
        ("BUY 10 PEG primary FOK", "INSTRUCTION_NEEDS_REST needs 1024 allows 3"),
        ("BUY 10 LIMIT 95 DISPLAY 2 AT_OPEN", "INSTRUCTION_NEEDS_REST needs 512 allows 5"),
        ("BUY 10 LIMIT 95 HIDDEN AT_CLOSE", "INSTRUCTION_NEEDS_REST needs 256 allows 6"),
        ("BUY 10 LIMIT 95 HIDDEN DISPLAY 2", "CONFLICTING_INSTRUCTIONS needs 256 allows 512"),
        ("BUY 10 TOUCH 95 STOP 105", "CONFLICTING_PRICES needs 95 allows 105"),
        ("BUY 10 TOUCH 95 TRAIL 2", "CONFLICTING_PRICES needs 95 allows 2"),
        ("BUY 10 LIMIT 95 TRAIL 2", "CONFLICTING_PRICES needs 95 allows 2"),
        ("BUY 10 LIMIT 95 TRAIL_LIMIT 1", "CONFLICTING_PRICES needs 1 allows 0"),
        ("BUY 10 LIMIT 95 PEG_OFFSET 1", "CONFLICTING_PRICES needs 1 allows 0"),
        ("BUY 10 LIMIT 95 DISPLAY 0", "INVALID_QUANTITY needs 0 allows 0"),
        ("BUY 10 LIMIT 95 DISPLAY 11", "INVALID_QUANTITY needs 11 allows 10"),
        ("BUY 10 LIMIT 95 DISPLAY nan", "INVALID_QUANTITY needs nan allows 0"),
        ("BUY 10 LIMIT 95 DISPLAY 2.5", "NOT_A_LOT_MULTIPLE needs 2.5 allows 1"),
        ("BUY 10 TRAIL 2 TRAIL_LIMIT -1", "INVALID_PRICE needs -1 allows 0"),
        ("BUY 10 TRAIL 2 TRAIL_LIMIT 0.005", "NOT_A_TICK_MULTIPLE needs 0.005 allows 0.01"),
        ("BUY 10 TRAIL 2 STOP nan", "INVALID_PRICE needs nan allows 0"),
        ("BUY 10 PEG mid PEG_OFFSET 0.005", "NOT_A_TICK_MULTIPLE needs 0.005 allows 0.01"),
        ("BUY 10 PEG mid LIMIT 0", "INVALID_PRICE needs 0 allows 0"),
        ("BUY 10 TOUCH 0", "INVALID_PRICE needs 0 allows 0"),
        ("BUY 10 TOUCH 95.005", "NOT_A_TICK_MULTIPLE needs 95.005 allows 0.01"),
        ("BUY 10 TOUCH 95 LIMIT nan", "INVALID_PRICE needs nan allows 0"),
        ("BUY 10 TOUCH 95 AT_OPEN", "INVALID_EXPIRY needs 5 allows 1"),
        ("SELL 10 LIMIT 105 DISPLAY 1", "SHORT_NOT_ALLOWED needs 10 allows 0"),
    ],
)
def test_refused(order: str, refusal: str) -> None:
    draw(MARKET + f"at 1 10:00: {order}\n order 0: REFUSED {refusal} done 1 10:00", cash=100_000.0)


@pytest.mark.parametrize(
    "order",
    [
        "LIMIT 95 POST_ONLY",
        "LIMIT 95 DISPLAY 2",
        "LIMIT 95 DISPLAY 10",
        "LIMIT 95 HIDDEN",
        "LIMIT 95 POST_ONLY DISPLAY 2",
        "LIMIT 95 POST_ONLY HIDDEN",
        "PEG primary",
        "PEG primary LIMIT 95 PEG_OFFSET -1",
        "PEG mid PEG_OFFSET -3 POST_ONLY",
        "PEG mid PEG_OFFSET -3 HIDDEN POST_ONLY",
        "PEG primary DISPLAY 2",
        "TOUCH 95",
        "TOUCH 95 LIMIT 95",
        "TRAIL 5 TRAIL_LIMIT 0",
        "TRAIL 300 bps TRAIL_LIMIT 1",
    ],
)
@pytest.mark.parametrize(
    ("force", "end"), [("DAY", "DAY_OVER done 1"), ("GTC", "END_OF_DATA"), ("GTD 1 12:00", "DATE_REACHED done 1 12:00")]
)
def test_taken(order: str, force: str, end: str) -> None:
    draw(MARKET + f"at 1 10:00: BUY 10 {order} {'' if force == 'GTC' else force}\n order 0: EXPIRED {end}", cash=100_000.0)


def test_reduce_only_bounds_an_iceberg() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 4
        1 10:00:01  bid 98 x 1
        1 10:00:02  trade 104 x 9 BUY
        at 1 10:00:00: BUY 3
        at 1 10:00:01: SELL 8 LIMIT 103 DISPLAY 2 REDUCE_ONLY
        fill 1 10:00:01: BUY 3 @ 101 taker
        fill 1 10:00:02: SELL 3 @ 103 maker
        order 1: EXPIRED END_OF_DATA filled 3
        """
    )


def test_of_a_group_one_fill_takes_from_an_iceberg() -> None:
    draw(
        """
        1 10:00:00  book 99 x 1 / 101 x 4
        1 10:00:01  ask 105 x 1
        1 10:00:02  trade 99 x 3 SELL        # one ahead, the two shown
        1 10:00:03  ask 106 x 1
        at 1 10:00:00: BUY 6 LIMIT 99 DISPLAY 2 GROUP 0
        at 1 10:00:00: BUY 6 STOP 110 GROUP 0
        fill 1 10:00:02: BUY 2 @ 99 maker
        order 0: EXPIRED END_OF_DATA filled 2
        order 1: EXPIRED END_OF_DATA quantity 4
        """,
        both=True,
    )


def test_an_iceberg_across_a_split_shows_as_many_times_more() -> None:
    draw(
        """
        1        100 101  99 100  1000
        2        100 101  99 100  1000
        3 00:00  SPLIT 2:1
        3         50  51  49  50  2000         # touches 49, once 98
        at 1: BUY 10 LIMIT 98 DISPLAY 3
        fill 3: BUY 6 @ 49 maker
        order 0: EXPIRED END_OF_DATA filled 6 quantity 20
        """,
        costs={"limit_fill": "touch"},
    )


def test_a_dividend_lowers_buys_that_wait_for_a_touch_and_no_sells() -> None:
    draw(
        """
        1        100 101  99 100  1000
        2        100 101  99 100  1000
        3 00:00  DIVIDEND 0.50
        3         99 100  98  99  1000
        at 1: BUY 10 TOUCH 90
        at 1: SELL 10 TOUCH 110
        at 1: BUY 10 TOUCH 90 LIMIT 91
        order 0: EXPIRED END_OF_DATA stop 89.50
        order 1: EXPIRED END_OF_DATA stop 110
        order 2: EXPIRED END_OF_DATA stop 89.50 limit 90.50
        """,
        risk={"allow_short": True},
    )


class Asks(Strategy):
    def on_quote(self, view, quote):
        view.order("X", 1, peg="middle")


def test_an_unknown_peg_names_the_known_ones() -> None:
    with pytest.raises(InputError, match="unknown peg 'middle'. Did you mean mid"):
        backtest(Asks(), tape_of(read(MARKET)))


class TellsInstructions(Strategy):
    def on_start(self, view):
        self.is_done = False

    def on_quote(self, view, quote):
        if not self.is_done:
            self.is_done = True
            view.order("X", 5, limit=95.0, post_only=True, display=2)
            view.order("X", 5, peg="mid", hidden=True)
            view.order("X", 5, limit=95.0)


def test_the_table_of_orders_names_instructions() -> None:
    result = backtest(TellsInstructions(), tape_of(read(MARKET)))
    assert result.orders["instructions"].tolist() == ["POST_ONLY ICEBERG", "HIDDEN PEG_MID", ""]
