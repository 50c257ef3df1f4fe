"""Sessions against what the exchanges published."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from framework.data.reference.calendar import session_table, sessions
from framework.errors import DataError


def ns(text: str) -> int:
    return int(pd.Timestamp(text, tz="UTC").as_unit("ns").value)


def spans(calendar: str, start: str, end: str) -> list[tuple[str, str]]:
    opens, closes = sessions(calendar, ns(start), ns(end))
    return [(f"{pd.Timestamp(int(o)):%m-%d %H:%M}", f"{pd.Timestamp(int(c)):%m-%d %H:%M}") for o, c in zip(opens, closes, strict=True)]


def test_new_york_holiday_half_day_and_clock_change() -> None:
    # Thanksgiving 2012 and the half day after it; 13:00 New York is 18:00 UTC in winter
    assert spans("XNYS", "2012-11-21 12:00", "2012-11-26 21:00") == [
        ("11-21 14:30", "11-21 21:00"),
        ("11-23 14:30", "11-23 18:00"),
        ("11-26 14:30", "11-26 21:00"),
    ]
    # clocks went forward on 2012-03-11
    assert spans("XNYS", "2012-03-09 12:00", "2012-03-12 21:00") == [("03-09 14:30", "03-09 21:00"), ("03-12 13:30", "03-12 20:00")]


def test_cme_opens_the_evening_before_and_keeps_chicagos_clock() -> None:
    # 17:00 Chicago is 23:00 UTC in winter, 22:00 in summer; clocks changed on 2024-03-10 and 2024-11-03, Sundays at 02:00
    assert spans("CMES", "2024-03-08 12:00", "2024-03-11 21:00") == [("03-07 23:00", "03-08 23:00"), ("03-10 22:00", "03-11 22:00")]
    assert spans("CMES", "2024-11-01 12:00", "2024-11-04 21:00") == [("10-31 22:00", "11-01 22:00"), ("11-03 23:00", "11-04 23:00")]
    # Thanksgiving: trading ends at noon in Chicago and goes on in the evening; no rest from 16:00 to 17:00 is known
    assert spans("CMES", "2024-11-28 12:00", "2024-11-29 12:00") == [("11-27 23:00", "11-28 18:00"), ("11-28 23:00", "11-29 18:00")]


def test_london_half_day_and_both_clock_changes() -> None:
    assert spans("XLON", "2024-12-24 10:00", "2024-12-27 17:00") == [("12-24 08:00", "12-24 12:30"), ("12-27 08:00", "12-27 16:30")]
    assert spans("XLON", "2024-03-28 10:00", "2024-04-02 10:00") == [("03-28 08:00", "03-28 16:30"), ("04-02 07:00", "04-02 15:30")]
    assert spans("XLON", "2024-10-25 10:00", "2024-10-28 10:00") == [("10-25 07:00", "10-25 15:30"), ("10-28 08:00", "10-28 16:30")]


def test_hurricane_and_september_2001() -> None:
    assert [o[:5] for o, _ in spans("XNYS", "2012-10-26 12:00", "2012-10-31 20:00")] == ["10-26", "10-31"]
    assert [o[:5] for o, _ in spans("XNYS", "2001-09-10 12:00", "2001-09-17 20:00")] == ["09-10", "09-17"]


def test_the_range_is_closed_at_its_start_and_open_at_its_end() -> None:
    assert spans("XNYS", "2012-11-21 21:00", "2012-11-23 14:30") == [("11-21 14:30", "11-21 21:00")]
    assert len(spans("XNYS", "2012-11-21 21:01", "2012-11-23 14:31")) == 1


def test_always_open_needs_no_exchange() -> None:
    assert spans("24/7", "2020-02-28 13:00", "2020-03-01 00:00") == [("02-28 00:00", "02-29 00:00"), ("02-29 00:00", "03-01 00:00")]
    # a bar stamped at midnight closes the day before
    assert spans("24/7", "2020-02-29 00:00", "2020-02-29 10:00")[0] == ("02-28 00:00", "02-29 00:00")


def test_a_wider_range_is_loaded_after_a_narrow_one() -> None:
    narrow = session_table("XLON", ns("2010-06-01"), ns("2010-06-10"))
    wide = session_table("XLON", ns("2005-06-01"), ns("2015-06-10"))
    assert len(wide.labels) > 2000
    again = session_table("XLON", ns("2010-06-01"), ns("2010-06-10"))
    assert np.array_equal(narrow.open_ns, again.open_ns)


def test_bars_are_sessions() -> None:
    stamps = np.array([100, 200, 500])
    opens, closes = sessions("bars", 100, 500, stamps, interval_ns=0)
    assert closes.tolist() == [100, 200, 500]
    assert opens.tolist()[1:] == [100, 200]
    assert sessions("bars:X", 100, 500, stamps, interval_ns=100)[0].tolist() == [0, 100, 400]
    assert sessions("bars", 1, 2, np.array([1]))[0].tolist() == [1 - 86_400 * 10**9]


def test_unknown_and_unreachable() -> None:
    with pytest.raises(DataError, match="'XNYC' is unknown. Did you mean .*XNYS"):
        sessions("XNYC", ns("2010-01-01"), ns("2010-02-01"))
    with pytest.raises(DataError, match=r"'XSHG' does not reach .*start= and end="):
        sessions("XSHG", ns("2010-01-01"), ns("2099-01-01"))
    with pytest.raises(DataError, match="has no sessions of its own"):
        session_table("bars", 0, 1)
