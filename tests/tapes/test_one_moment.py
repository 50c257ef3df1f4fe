"""Bars of one stamp are one moment: what an instrument does at its open is no matter of another one's name, close or idleness."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest

from framework import Strategy, backtest
from framework.data.tape import build
from framework.engine.market import Bar
from framework.engine.view import View
from framework.schema.event import EVENT, Kind
from framework.schema.instrument import Instrument, InstrumentKind
from framework.schema.units import Step
from tests.tapes.drawing import draw

NAMES = [("A", "Z"), ("Z", "A")]


@pytest.mark.parametrize(("traded", "idle"), NAMES)
def test_members_of_a_group_fill_once_beside_an_idle_instrument(traded: str, idle: str) -> None:
    # 7,000 pay for 69 at 101: each member alone, not both
    draw(
        f"""
        instrument {traded}
        instrument {idle}
        1 {traded}  100 100 100 100  1000
        1 {idle}    100 100 100 100  1000
        2 {traded}  100 102  98 100  1000
        2 {idle}    100 100 100 100  1000

        at 1: BUY 60 {traded} STOP 101 GROUP 0
        at 1: BUY 60 {traded} LIMIT 99 GROUP 0
        fill 2: BUY 60 {traded} @ 101 taker of 0 ambiguous
        order 1: CANCELLED SIBLING_FILLED
        """,
        cash=7_000.0,
        risk={"max_leverage": 2.0},
    )


@pytest.mark.parametrize(("held", "bought"), NAMES)
def test_a_sale_inside_a_bar_pays_for_nothing_at_an_open(held: str, bought: str) -> None:
    # after the first purchase 5,000 are left: 66 at 75, whatever the stop brings in later in the same bar
    draw(
        f"""
        instrument {held}
        instrument {bought}
        1 {held}    100 100 100 100  1000
        1 {bought}   50  50  50  50  1000
        2 {held}    100 100 100 100  1000
        2 {bought}   50  50  50  50  1000
        3 {held}    100 100  85  90  1000
        3 {bought}   75  75  75  75  1000

        at 1: BUY 50 {held}
        at 2: SELL 50 {held} STOP 90
        at 2: BUY 100 {bought}
        fill 2: BUY 50 {held} @ 100 taker of 0
        fill 3: BUY 66 {bought} @ 75 taker of 2
        fill 3: SELL 50 {held} @ 90 taker of 1
        order 2: CANCELLED NO_CASH_AT_FILL filled 66 needs 100 allows 66
        """,
        cash=10_000.0,
    )


@pytest.mark.parametrize(("held", "bought"), NAMES)
@pytest.mark.parametrize("close", [50, 150])
def test_no_close_of_the_stamp_sizes_what_is_bought_at_its_open(held: str, bought: str, close: int) -> None:
    # 10,000 of equity carry 20,000: 10,000 are held, 90 at 110 are the most beside it, however the held one ends
    draw(
        f"""
        instrument {held}
        instrument {bought}
        1 {held}    100 100 100 100  1000
        1 {bought}  100 100 100 100  1000
        2 {held}    100 100 100 100  1000
        2 {bought}  100 100 100 100  1000
        3 {held}    100 {max(close, 100)} {min(close, 100)} {close}  1000
        3 {bought}  110 110 110 110  1000

        at 1: BUY 100 {held}
        at 2: BUY 100 {bought}
        fill 2: BUY 100 {held} @ 100 taker of 0
        fill 3: BUY 90 {bought} @ 110 taker of 1
        order 1: CANCELLED NO_CASH_AT_FILL filled 90 needs 100 allows 90
        """,
        cash=10_000.0,
        risk={"max_leverage": 2.0},
    )


class Counts(Strategy):
    """Notes how many bars each call brings."""

    def on_start(self, view: View) -> None:
        self.counts: list[int] = []

    def on_bars(self, view: View, bars: Mapping[str, Bar]) -> None:
        self.counts.append(len(bars))


def test_marks_at_the_stamp_of_bars_do_not_part_them() -> None:
    index = pd.date_range("2024-01-02", periods=3, freq="D", tz="UTC")
    frame = pd.DataFrame(dict.fromkeys(("open", "high", "low", "close"), 100.0) | {"volume": 1e3}, index=index)
    swaps = {name: Instrument(name, tick=Step(1, 1), kind=InstrumentKind.PERPETUAL, calendar="24/7") for name in "AZ"}
    marks = np.zeros(6, dtype=EVENT)
    for k, mark in enumerate(marks):
        mark["ts_local_ns"] = mark["ts_venue_ns"] = index[k // 2].value
        mark["kind"], mark["instrument"], mark["w0"] = Kind.MARK_PRICE, k % 2, 100
    tape = build(dict.fromkeys("AZ", frame), swaps, extra=marks)
    counting = Counts()
    backtest(counting, tape)
    assert counting.counts == [2, 2, 2]
    assert [int(kind) for kind in tape.events["kind"] if kind in (Kind.BAR, Kind.MARK_PRICE)] == [Kind.MARK_PRICE] * 2 + [Kind.BAR] * 2 + (
        [Kind.MARK_PRICE] * 2 + [Kind.BAR] * 2
    ) * 2
