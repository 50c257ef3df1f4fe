"""The agenda of timers: in order, without end, and made anew when one is added; the same whether it is taken singly or at once."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from framework.engine.timers import Timers
from framework.kernel.trader.trader import Trader
from framework.schema.instrument import Instrument
from framework.schema.units import NEVER_NS
from tests.hours import KnownHours

MINUTE = 60_000_000_000
DAY = 24 * 60 * MINUTE
START = 18_262 * DAY  # 2020-01-01
OPENS = START + np.arange(3) * DAY + 9 * 60 * MINUTE


def trader() -> Trader:
    return Trader([Instrument("X")], currencies=("USD",), calendars=("24/7",), base_currency="USD", cash=1.0, costs={}, risk={})


def timers() -> Timers:
    made = Timers(KnownHours({"XNYS": (OPENS, OPENS + 390 * MINUTE)}))
    made.every(dt.timedelta(minutes=10), name="ten")
    made.session_open(dt.timedelta(minutes=20), name="open")
    made.at("09:20", name="at")
    made.once(dt.datetime(2020, 1, 2, 9, 20, tzinfo=dt.UTC), name="once")
    return made


def expected(minutes: int) -> list[tuple[int, str]]:
    """Minute by minute, by hand: which timers are due."""
    rows = []
    for minute in range(minutes):
        of_day, day = minute % 1440, minute // 1440
        rows += [(START + minute * MINUTE, "ten")] if minute % 10 == 0 else []
        rows += [(START + minute * MINUTE, "open")] if of_day == 560 and day < 3 else []
        rows += [(START + minute * MINUTE, "at")] if of_day == 560 else []
        rows += [(START + minute * MINUTE, "once")] if of_day == 560 and day == 1 else []
    return rows


def armed(half: Trader) -> int:
    return int(half.record["timer_ns"][0])


def test_they_fire_in_the_order_of_their_stamps_and_of_declaration() -> None:
    half, made, found = trader(), timers(), []
    made.start(START, half)
    wanted = expected(20 * 1440)  # more than one agenda is long
    for _ in wanted:
        due_ns = armed(half)
        found.append((due_ns, made.fired()))
    assert found == wanted


def test_taken_by_the_agenda_they_are_the_same() -> None:
    half, made, found = trader(), timers(), []
    made.start(START, half)
    wanted = expected(20 * 1440)
    while len(found) < len(wanted):
        assert made.agenda["due_ns"][0] == armed(half)
        found += [(due_ns, made.names[number]) for due_ns, number in made.agenda.tolist()]
        made.agenda_fired()
    assert found[: len(wanted)] == wanted


def test_one_that_is_added_later_begins_after_the_present_stamp() -> None:
    half, made = trader(), timers()
    made.start(START + 559 * MINUTE, half)
    half.record["now_ns"] = START + 560 * MINUTE
    assert [made.fired(), made.fired()] == ["ten", "open"]
    made.every(dt.timedelta(minutes=5), name="five")  # in the hook of `open`, before `at` has fired at the same stamp
    found = []
    for _ in range(5):
        due_ns = armed(half)
        found.append(((due_ns - START) // MINUTE, made.fired()))
    assert found == [(560, "at"), (565, "five"), (570, "ten"), (570, "five"), (575, "five")]


def test_without_timers_nothing_is_armed() -> None:
    half, made = trader(), Timers(KnownHours({}))
    made.start(START, half)
    assert armed(half) == NEVER_NS
    made.once(dt.datetime(2020, 1, 1, tzinfo=dt.UTC), name="now")
    assert armed(half) == START
    assert made.fired() == "now"
    assert armed(half) == NEVER_NS
    assert len(made.agenda) == 0
    with pytest.raises(IndexError):
        made.fired()
