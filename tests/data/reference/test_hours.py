"""Sessions by weekly hours, by breaks, and the state of the market at the head of a tape; instants worked out by hand."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from framework import Strategy, backtest
from framework.data.reference.calendar import last_session, pauses, session_table, sessions
from framework.data.reference.hours import WeeklyHours
from framework.data.tape import build
from framework.errors import DataError
from framework.schema.event import Flag, Kind
from framework.schema.instrument import Instrument

FUTURES = WeeklyHours(
    "America/New_York",
    dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday"), ("18:00-17:00",)),
    frozenset({dt.date(2024, 12, 25)}),
    {dt.date(2024, 11, 28): dt.time(13)},
    {dt.date(2024, 12, 26): dt.time(9, 30)},
)


def ns(text: str) -> int:
    return int(pd.Timestamp(text, tz="UTC").as_unit("ns").value)


def day(text: str) -> int:
    return ns(text) // 86_400_000_000_000


def shown(stamps: np.ndarray) -> list[str]:
    return [f"{pd.Timestamp(int(stamp)):%m-%d %H:%M}" for stamp in stamps.ravel()]


def table(hours: WeeklyHours, first: str, last: str) -> list[tuple[str, str, str]]:
    found = hours.sessions(day(first), day(last))
    labels = [f"{pd.Timestamp(int(label), unit='D'):%m-%d}" for label in found.labels]
    return list(zip(labels, shown(found.open_ns), shown(found.close_ns), strict=True))


def test_overnight_sessions_over_both_clock_changes() -> None:
    # 18:00 New York is 23:00 UTC in winter and 22:00 in summer; clocks change at 02:00 on the Sundays, before the evening's open
    assert table(FUTURES, "2024-03-08", "2024-03-11") == [
        ("03-08", "03-07 23:00", "03-08 22:00"),
        ("03-11", "03-10 22:00", "03-11 21:00"),
    ]
    assert table(FUTURES, "2024-11-01", "2024-11-04") == [
        ("11-01", "10-31 22:00", "11-01 21:00"),
        ("11-04", "11-03 23:00", "11-04 22:00"),
    ]


def test_a_session_that_spans_the_change_is_an_hour_shorter_or_longer() -> None:
    always = WeeklyHours("Europe/Berlin", {"sunday": ["00:00-24:00"]})
    short, long = always.sessions(day("2024-03-31"), day("2024-03-31")), always.sessions(day("2024-10-27"), day("2024-10-27"))
    assert int(short.close_ns[0] - short.open_ns[0]) == 23 * 3600 * 10**9
    assert int(long.close_ns[0] - long.open_ns[0]) == 25 * 3600 * 10**9


def test_holiday_half_day_and_late_open() -> None:
    assert table(FUTURES, "2024-11-28", "2024-11-29") == [
        ("11-28", "11-27 23:00", "11-28 18:00"),
        ("11-29", "11-28 23:00", "11-29 22:00"),
    ]
    assert table(FUTURES, "2024-12-24", "2024-12-26") == [
        ("12-24", "12-23 23:00", "12-24 22:00"),
        ("12-26", "12-26 14:30", "12-26 22:00"),
    ]


def test_evening_before_and_two_breaks() -> None:
    shanghai = WeeklyHours("Asia/Shanghai", {"tuesday": ["21:00-23:00", "09:00-11:30", "13:30-15:00"]})
    found = shanghai.sessions(day("2024-05-14"), day("2024-05-14"))
    assert shown(found.open_ns) + shown(found.close_ns) == ["05-13 13:00", "05-14 07:00"]  # UTC+8
    assert shown(found.pauses) == ["05-13 15:00", "05-14 01:00", "05-14 03:30", "05-14 05:30"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("hours: {monday: [09:30-16:00]}", "time_zone is missing"),
        ("time_zone: Mars\nhours: {monday: [09:30-16:00]}", "'Mars' is unknown"),
        ("time_zone: UTC\nhours: {mondya: [09:30-16:00]}", "'mondya' is no weekday. Did you mean monday"),
        ("time_zone: UTC\nhours: {monday: [9.30-16:00]}", "'9.30' is not a time HH:MM"),
        ("time_zone: UTC\nhours: {monday: [09:30]}", "open and close"),
        ("time_zone: UTC\nhours: {monday: [20:00-19:00, 18:00-17:00]}", "at most the evening before"),
        ("time_zone: UTC\nhours: {monday: []}", "no weekday is open"),
        ("time_zone: UTC\nhuors: {}", "'huors' is unknown. Did you mean hours"),
        ("time_zone: UTC\nhours: {monday: [09:30-16:00]}\nholidays: [25.12.2024]", "not a date yyyy-mm-dd"),
        ("time_zone: UTC\nhours: [monday]", "hours: rule: a mapping"),
    ],
)
def test_a_file_that_is_wrong_says_where(tmp_path: Path, words: str, message: str) -> None:
    (tmp_path / "es.yaml").write_text(words)
    with pytest.raises(DataError, match=message) as caught:
        WeeklyHours.load(tmp_path / "es.yaml")
    assert "es.yaml" in str(caught.value)


def test_overlapping_sessions_are_refused() -> None:
    hours = WeeklyHours("UTC", {"monday": ["09:00-24:00"], "tuesday": ["23:00-17:00"]})
    with pytest.raises(DataError, match="2024-05-14 opens before the one before it has closed"):
        hours.sessions(day("2024-05-13"), day("2024-05-14"))


def test_a_file_is_a_calendar(tmp_path: Path) -> None:
    path = str(tmp_path / "es.yaml")
    FUTURES.save(path)
    assert WeeklyHours.load(path).early_closes == FUTURES.early_closes
    assert [shown(part) for part in sessions(path, ns("2024-12-24 12:00"), ns("2024-12-26 15:00"))] == [
        ["12-23 23:00", "12-26 14:30"],
        ["12-24 22:00", "12-26 22:00"],
    ]
    with pytest.raises(DataError, match=r"no such file. Did you mean es.yaml"):
        session_table(str(tmp_path / "ess.yaml"), 0, 1)


def test_lunch_in_hong_kong() -> None:
    # 12:00 to 13:00 is 04:00 to 05:00 UTC; on 2024-12-24 the market closed at noon, so there was no break
    assert shown(pauses("XHKG", ns("2024-12-23 12:00"), ns("2024-12-27 12:00"))) == ["12-27 04:00", "12-27 05:00"]
    assert shown(pauses("XHKG", ns("2024-12-23 03:00"), ns("2024-12-23 12:00"))) == ["12-23 04:00", "12-23 05:00"]
    assert not len(pauses("XNYS", ns("2024-12-23 12:00"), ns("2024-12-27 12:00")))
    assert not len(pauses("24/7", 0, 1))


def test_last_session() -> None:
    assert [f"{pd.Timestamp(s):%m-%d %H:%M}" for s in last_session("XNYS", ns("2012-10-31 12:00")) or ()] == ["10-26 13:30", "10-26 20:00"]
    # a session that closes exactly then is not past
    assert last_session("XNYS", ns("2012-10-31 20:00")) == last_session("XNYS", ns("2012-10-31 12:00"))
    # the market was shut from 1914-07-31 for more than four months; the calendar itself begins later
    assert last_session("XSHG", ns("1990-12-03 00:00")) is None


def bars(first: str, count: int, minutes: int = 30) -> pd.DataFrame:
    index = pd.date_range(first, periods=count, freq=f"{minutes}min", tz="UTC")
    return pd.DataFrame({"open": 10.0, "high": 10.0, "low": 10.0, "close": 10.0, "volume": 1000.0}, index=index)


def session_rows(frame: pd.DataFrame, calendar: str) -> list[tuple[str, int]]:
    tape = build({"X": frame}, {"X": Instrument("X", calendar=calendar)})
    rows = tape.events[tape.events["kind"] == Kind.SESSION]
    return [(str(np.datetime64(int(row["ts_local_ns"]), "ns"))[5:], int(row["flags"])) for row in rows]


OPEN, CLOSE, PAUSE = int(Flag.SESSION_OPEN), int(Flag.SESSION_CLOSE), int(Flag.PAUSE)


def test_the_tape_pauses_for_lunch() -> None:
    assert session_rows(bars("2024-12-27 02:00", 10), "XHKG") == [
        ("12-27T01:30:00.000000000", OPEN),
        ("12-27T04:00:00.000000000", CLOSE | PAUSE),
        ("12-27T05:00:00.000000000", OPEN | PAUSE),
        ("12-27T08:00:00.000000000", CLOSE),
    ]
    tape = build({"X": bars("2024-12-27 02:00", 10)}, {"X": Instrument("X", calendar="XHKG")})
    assert [shown(stamps) for stamps in tape.sessions["XHKG"]] == [["12-27 01:30"], ["12-27 08:00"]]
    lunch = tape.events[(tape.events["flags"] & PAUSE) != 0]
    assert shown(lunch["w1"]) + shown(lunch["w2"]) == ["12-27 01:30"] * 2 + ["12-27 08:00"] * 2


def test_a_tape_that_begins_closed_says_so_first() -> None:
    # Monday before the open: the session of Friday 2012-10-26 is over
    frame = bars("2012-10-31 13:00", 3)  # 13:00, 13:30 (the open itself) and 14:00 UTC
    assert session_rows(frame, "XNYS") == [
        ("10-31T12:59:59.999999999", CLOSE),
        ("10-31T13:30:00.000000000", OPEN),
        ("10-31T20:00:00.000000000", CLOSE),
    ]
    tape = build({"X": frame}, {"X": Instrument("X", calendar="XNYS")})
    assert shown(tape.events[:1]["w1"]) + shown(tape.events[:1]["w2"]) == ["10-26 13:30", "10-26 20:00"]
    assert session_rows(frame[1:], "XNYS")[0] == ("10-31T13:30:00.000000000", OPEN)  # nobody can have ordered before the first stamp
    assert session_rows(frame[2:], "XNYS")[0] == ("10-31T13:30:00.000000000", OPEN)


class BuyAtOnce(Strategy):
    """Buys once, on the first bar."""

    time_in_force: str = "GTC"

    def on_start(self, view):  # type: ignore[no-untyped-def]
        self.ordered = False

    def on_bar(self, view, bar):  # type: ignore[no-untyped-def]
        if not self.ordered:
            self.ordered = True
            view.order("X", 1, time_in_force=self.time_in_force)


def test_an_order_before_the_first_open_waits_for_it() -> None:
    tape = build({"X": bars("2012-10-31 12:00", 6)}, {"X": Instrument("X", calendar="XNYS", bar_interval_ns=1800 * 10**9)})
    result = backtest(BuyAtOnce(), tape)
    # sent at 12:00; the bars of 12:30, 13:00 and 13:30 are before the open, that of 14:00 is the first of the session
    assert [str(stamp) for stamp in result.fills["ts"]] == ["2012-10-31 14:00:00+00:00"]
    assert result.equity.index[0] == pd.Timestamp("2012-10-31 12:00", tz="UTC")


def test_a_day_order_outlives_lunch_and_nothing_fills_in_it() -> None:
    tape = build({"X": bars("2024-12-27 04:00", 4)}, {"X": Instrument("X", calendar="XHKG", bar_interval_ns=1800 * 10**9)})
    result = backtest(BuyAtOnce(time_in_force="DAY"), tape)
    # sent at 04:00, when lunch begins; the bars of 04:30 and 05:00 are of the break
    assert [str(stamp) for stamp in result.fills["ts"]] == ["2024-12-27 05:30:00+00:00"]
