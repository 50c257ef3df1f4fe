"""Price limits as events: tables, settlements, and the bands of Limit Up-Limit Down worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from framework.data.reference.price_limits import Tier, daily_limits, limit_events, luld_limits
from framework.errors import DataError
from framework.schema.event import Kind
from framework.schema.instrument import Instrument
from framework.schema.units import Step

SHARE = Instrument("X", tick=Step.of(0.01), calendar="XNYS")
FUTURE = Instrument("F", tick=Step.of(0.25), calendar="XNYS")


def rows(events: NDArray[np.void], instrument: Instrument) -> list[tuple[str, float, float]]:
    """(stamp in UTC, lower, upper)."""
    assert (events["kind"] == Kind.PRICE_LIMITS).all() and (events["instrument"] == 3).all()
    assert (events["ts_local_ns"] == events["ts_venue_ns"]).all()
    stamps = pd.to_datetime(events["ts_local_ns"], utc=True).strftime("%Y-%m-%d %H:%M:%S")
    lower, upper = (instrument.tick.to_floats(events[word]).tolist() for word in ("w0", "w1"))
    return list(zip(stamps, lower, upper, strict=True))


def trades(day: str, *told: tuple[str, float]) -> pd.Series[float]:
    return pd.Series([price for _, price in told], index=pd.DatetimeIndex([f"{day} {time}" for time, _ in told], tz="UTC"))


def test_a_table_becomes_events_and_nan_is_no_limit() -> None:
    index = pd.DatetimeIndex(["2024-07-01 14:00", "2024-07-01 15:00"], tz="UTC")
    found = limit_events(pd.DataFrame({"lower": [95.0, np.nan], "upper": [105.01, 107.0]}, index=index), SHARE, 3)
    assert rows(found, SHARE) == [("2024-07-01 14:00:00", 95.0, 105.01), ("2024-07-01 15:00:00", 0.0, 107.0)]


@pytest.mark.parametrize(
    ("lower", "upper", "zone", "said"),
    [
        (95.001, 105.0, "UTC", r"row 0: lower 95.001 is no positive multiple of the tick 0.01"),
        (95.0, -1.0, "UTC", r"row 0: upper -1.0 is no positive multiple"),
        (106.0, 105.0, "UTC", r"row 0: lower 106.0 > upper 105.0; rule: lower <= upper"),
        (95.0, 105.0, None, r"the index must be stamps with a time zone"),
    ],
)
def test_a_table_that_cannot_be_is_refused(lower: float, upper: float, zone: str | None, said: str) -> None:
    index = pd.DatetimeIndex(["2024-07-01 14:00"], tz=zone)
    with pytest.raises(DataError, match=said):
        limit_events(pd.DataFrame({"lower": [lower], "upper": [upper]}, index=index), SHARE, 3)


def test_a_settlement_limits_the_next_session_rounded_inward() -> None:
    settlements = pd.Series([100.0, 101.0], index=pd.DatetimeIndex(["2024-07-03", "2024-07-05"]))  # the 4th is a holiday, the 5th a Friday
    found = daily_limits(settlements, FUTURE, 3, percent=7.0)
    assert rows(found, FUTURE) == [("2024-07-05 13:30:00", 93.0, 107.0), ("2024-07-08 13:30:00", 94.0, 108.0)]  # 93.93, 108.07
    found = daily_limits(settlements, FUTURE, 3, amount=5.1)
    assert rows(found, FUTURE) == [("2024-07-05 13:30:00", 95.0, 105.0), ("2024-07-08 13:30:00", 96.0, 106.0)]


@pytest.mark.parametrize(("percent", "amount"), [(None, None), (7.0, 5.0), (0.0, None), (100.0, None), (None, -1.0)])
def test_a_daily_limit_is_one_percentage_or_one_amount(percent: float | None, amount: float | None) -> None:
    with pytest.raises(DataError, match="rule: exactly one"):
        daily_limits(pd.Series([100.0], index=pd.DatetimeIndex(["2024-07-03"])), FUTURE, 3, percent=percent, amount=amount)


def test_a_settlement_that_is_no_price_is_refused() -> None:
    with pytest.raises(DataError, match=r"row 1: nan; rule: a price above 0"):
        daily_limits(pd.Series([100.0, np.nan], index=pd.DatetimeIndex(["2024-07-02", "2024-07-03"])), FUTURE, 3, percent=7.0)


def test_the_reference_moves_by_a_percent_and_stays_for_thirty_seconds() -> None:
    told = trades(
        "2024-07-01",
        ("13:00:00", 90.0),  # before the open: not a part of it
        ("13:30:00", 100.0),
        ("13:30:10", 103.0),  # the mean, 101.5, is 1.5 % away, too soon
        ("13:30:40", 103.0),  # 102
        ("13:31:00", 101.0),  # 101.75
        ("13:36:00", 101.0),  # 101, 0.98 % away
        ("13:40:00", 100.2),  # the mean of the last five minutes is 100.6
    )
    assert rows(luld_limits(told, SHARE, 3, tier=1, previous_close=99.0), SHARE) == [
        ("2024-07-01 13:30:00", 95.0, 105.0),
        ("2024-07-01 13:30:40", 96.9, 107.1),
        ("2024-07-01 13:40:00", 95.57, 105.63),
        ("2024-07-01 19:35:00", 90.54, 110.66),  # doubled for the last 25 minutes
    ]


@pytest.mark.parametrize(
    ("tier", "previous_close", "price", "first", "last"),
    [
        (1, 3.01, 100.0, 5.0, 10.0),
        (2, 3.01, 100.0, 10.0, 10.0),
        (1, 3.00, 2.0, 0.4, 0.8),
        (2, 3.00, 2.0, 0.4, 0.8),
        (2, 0.75, 2.0, 0.4, 0.8),
        (1, 0.74, 2.0, 0.15, 0.3),
        (2, 0.74, 0.16, 0.12, 0.24),
    ],
)
def test_the_width_goes_by_tier_and_the_close_before(tier: Tier, previous_close: float, price: float, first: float, last: float) -> None:
    events = luld_limits(trades("2024-07-01", ("13:30:00", price)), SHARE, 3, tier=tier, previous_close=previous_close)
    begin, end = rows(events, SHARE)
    assert begin[1:] == pytest.approx((price - first, price + first))
    assert end[0] == "2024-07-01 19:35:00" and end[1:] == pytest.approx((max(price - last, 0.01), price + last))


def test_before_amendment_18_the_first_quarter_of_an_hour_was_doubled_too() -> None:
    assert rows(luld_limits(trades("2019-07-01", ("13:30:00", 100.0)), SHARE, 3, tier=2, previous_close=50.0), SHARE) == [
        ("2019-07-01 13:30:00", 80.0, 120.0),
        ("2019-07-01 13:45:00", 90.0, 110.0),
        ("2019-07-01 19:35:00", 80.0, 120.0),
    ]


def test_a_day_takes_its_percentage_from_the_last_trade_of_the_day_before() -> None:
    told = pd.concat([trades("2024-07-01", ("13:30:00", 2.0)), trades("2024-07-02", ("13:30:00", 4.0))])
    found = rows(luld_limits(told, SHARE, 3, tier=1, previous_close=100.0), SHARE)
    assert [row[1:] for row in found] == [(1.9, 2.1), (1.8, 2.2), (3.2, 4.8), (2.4, 5.6)]


@pytest.mark.parametrize(("tier", "previous_close", "price"), [(3, 10.0, 10.0), (1, 0.0, 10.0), (1, 10.0, -1.0)])
def test_what_the_plan_does_not_know_is_refused(tier: Tier, previous_close: float, price: float) -> None:
    with pytest.raises(DataError, match="rule: tier 1 or 2, prices above 0"):
        luld_limits(trades("2024-07-01", ("13:30:00", price)), SHARE, 3, tier=tier, previous_close=previous_close)
