"""One pass over a curve gives the numbers of `summary`, whatever the curve."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from framework.errors import InputError
from framework.kernel.layout.account_records import POINT
from framework.reports.scan import MEASURES, Measurer
from framework.reports.summary import summary

_MINUTE = 60_000_000_000
_DAY = 1440 * _MINUTE
STAMPS = {
    "minutes of ten days": 1_600_000_000 * 10**9 + _MINUTE * np.arange(14_400),
    "hours of a month": 1_600_000_000 * 10**9 + 60 * _MINUTE * np.arange(720),
    "six days, one point on the first": np.concatenate(([1_599_955_199 * 10**9], 1_599_955_200 * 10**9 + 360 * _MINUTE * np.arange(20))),
    "minutes of one day": 1_600_000_000 * 10**9 + _MINUTE * np.arange(300),
    "days": 1_600_000_000 * 10**9 + _DAY * np.arange(400),
    "weekdays": np.array([1_600_041_600 * 10**9 + _DAY * k for k in range(400) if k % 7 < 5]),
    "weeks": 1_600_000_000 * 10**9 + 7 * _DAY * np.arange(60),
    "two points": 1_600_000_000 * 10**9 + _DAY * np.arange(2),
    "one point": 1_600_000_000 * 10**9 + _DAY * np.arange(1),
    "before 1970": -3 * _DAY + 720 * _MINUTE * np.arange(40),
}


def curve(stamps: np.ndarray, kind: str) -> np.ndarray:
    random = np.random.default_rng(len(stamps))
    steps = {"walk": random.normal(0, 0.01, len(stamps)), "rise": np.full(len(stamps), 0.001), "flat": np.zeros(len(stamps))}
    made = np.zeros(len(stamps), dtype=POINT)
    made["ts_ns"] = stamps
    made["cash"] = -1000.0 * np.arange(len(stamps)) + 5000.0 if kind == "ruin" else 1e6 * np.exp(np.cumsum(steps[kind]))
    return made


@pytest.mark.parametrize("off", [0.0, 1500.0, -1500.0], ids=["no base", "base above", "base below"])
@pytest.mark.parametrize("kind", ["walk", "rise", "flat", "ruin"])
@pytest.mark.parametrize("when", STAMPS)
def test_the_numbers_of_summary(when: str, kind: str, off: float) -> None:
    points = curve(STAMPS[when], kind)
    base = float(points["cash"][0]) + off
    equity = pd.Series(points["cash"], index=pd.to_datetime(points["ts_ns"], utc=True))
    fills = pd.DataFrame({"quantity": [10.0, 20.0, 5.0], "price": [100.0, 101.5, 99.0]})
    expected = summary(equity, trades=pd.DataFrame({"pnl": [1.0]}), fills=fills, initial_equity=base)
    found = dict(zip(MEASURES, Measurer().measure(points, base, 10 * 100.0 + 20 * 101.5 + 5 * 99.0), strict=True))
    for name, value in found.items():
        if name == "turnover":
            assert value == pytest.approx(expected[name], rel=1e-12, nan_ok=True)
        else:
            assert value == expected[name] or (math.isnan(value) and math.isnan(expected[name])), name


def test_one_measurer_for_many_curves() -> None:
    """What it remembers of one curve does not reach another."""
    measurer = Measurer()
    for when in (*STAMPS, *reversed(STAMPS)):
        points = curve(STAMPS[when], "walk")
        again, anew = measurer.measure(points, 1e6, 1.0), Measurer().measure(points, 1e6, 1.0)
        np.testing.assert_array_equal(again, anew)


def test_nothing_and_what_is_no_number() -> None:
    points = curve(STAMPS["days"], "walk")
    assert all(map(math.isnan, Measurer().measure(points[:0], 1e6, 0.0)))
    for bad in (math.nan, math.inf, -math.inf):
        points["cash"][7] = bad
        points["cash"][9] = bad
        with pytest.raises(InputError, match=r"equity at 2020-09-20T12:26:40.*Z \(row 7\) is -?(nan|inf)"):
            Measurer().measure(points, 1e6, 0.0)
