"""Who takes and who makes on bars: a limit makes once the price has stood away from it, not because it has waited."""

from __future__ import annotations

import pytest

from tests.tapes.drawing import draw


@pytest.mark.parametrize("limit", ["115", "113.50"])
def test_a_stop_limit_that_waited_takes_where_the_open_triggers_it(limit: str) -> None:
    draw(
        f"""
        1  112   112   112   112    1000
        2  112   112   112   112    1000       # it waits here
        3  113.4 114.3 112.7 114.1  1000

        at 1: BUY 100 STOP 113 LIMIT {limit}
        fill 3: BUY 100 @ 113.40 taker fee 113.40
        """,
        both=False,
        costs={"maker_bps": 0, "taker_bps": 100},
    )


def test_a_touch_with_a_limit_that_waited_takes_where_the_open_triggers_it() -> None:
    draw(
        """
        1  100  100 100  100    1000
        2  100  100  99  99.5   1000
        3  97.5  98  97  97.5   1000

        at 1: BUY 100 TOUCH 98 LIMIT 98.50
        fill 3: BUY 100 @ 97.50 taker
        """,
        both=True,
    )


def test_a_stop_limit_whose_limit_lies_beyond_the_open_rests_there_and_makes() -> None:
    draw(
        """
        1  112 112 112 112  1000
        2  112 112 112 112  1000
        3  116 117 114 116  1000               # triggered at 116, bid at 115 from then on

        at 1: BUY 100 STOP 113 LIMIT 115
        fill 3: BUY 100 @ 115 maker
        """,
        both=True,
    )


@pytest.mark.parametrize("order", ["STOP 100 LIMIT 100.90", "LIMIT 100.90", "TOUCH 101 LIMIT 100.90"])
def test_what_waits_for_volume_takes_until_the_price_has_left_its_limit(order: str) -> None:
    draw(
        f"""
        1   99    99    99     99     40
        2  100.5 101   100.2  100.8   40       # closes where it would still take
        3  100.4 100.6 100.1  100.5   40
        4  102   103   101.5  102     40       # opens above it: it is a bid from here on
        5  100   100    99.5   99.8   40

        at 1: BUY 12 {order}
        fill 2: BUY 4 @ 100.50 taker
        fill 3: BUY 4 @ 100.40 taker
        fill 5: BUY 4 @ 100 maker
        """,
        both=True,
        costs={"max_participation": 0.1},
    )


def test_what_waits_for_volume_and_closes_away_from_its_limit_makes() -> None:
    draw(
        """
        1   99    99    99     99     40
        2  100.5 101   100.2  101     40       # closes above it
        3  100.4 100.6 100.1  100.5   40

        at 1: BUY 8 LIMIT 100.90
        fill 2: BUY 4 @ 100.50 taker
        fill 3: BUY 4 @ 100.40 maker
        """,
        both=True,
        costs={"max_participation": 0.1},
    )
