"""Biases, errors and bins of a few orders, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from research.queue import measure
from research.queue.measure import END, Sample
from research.queue.records import CANCELLED, OPEN, PLACE
from tests.research.lines import SECOND, START_NS


def ns(seconds: float) -> int:
    """A stamp, 0 for one that there is not."""
    return START_NS + round(seconds * SECOND) if seconds >= 0 else 0


def sample(*orders: tuple[float, int, int, float, tuple[float, ...]], until: float = 100.0) -> Sample:
    """Orders by join, lots ahead, rank, true fill and predicted fills, in seconds, -1 for not. They are cancelled 6 s after they joined."""
    places = np.zeros(len(orders), PLACE)
    for place, (at, ahead, rank, filled, _) in zip(places, orders, strict=True):
        place["stamp_ns"], place["ahead"], place["rank"], place["filled_ns"], place["lots"] = ns(at), ahead, rank, ns(filled), 10
        place["own_end_ns"], place["own_fate"], place["until_ns"] = ns(at + 6), CANCELLED, ns(until)
    fills = np.array([[ns(one) for one in predicted] for *_, predicted in orders], np.int64)
    return Sample(places, fills, ("model", "touch", "through"))


FOUR = sample(
    (0, 0, 0, 2.0, (2.0, 2.0, 2.0)),  # nobody ahead: all agree
    (10, 5, 0, 15.0, (18.0, 12.0, 40.0)),  # within 10 s in truth and by the model, three seconds late; not by a trade beyond it
    (20, 5, 1, -1.0, (25.0, 25.0, -1.0)),  # the model fills it, and while it stood
    (30, 200, 0, 37.0, (-1.0, 33.0, -1.0)),  # the model never does
)


def test_bias_and_errors_by_hand() -> None:
    row = measure.calibration(FOUR, ["10 s", END]).set_index(["model", "horizon"]).loc[("model", "10 s")]
    assert row["orders"] == 4
    assert (row["true"], row["predicted"], row["bias"]) == (75.0, 75.0, 0.0)
    # each order is alone in its cell: two of the four are wrong
    assert row["ece"] == pytest.approx(50.0)
    assert row["hit_rate"] == pytest.approx(100 * 2 / 3)
    assert row["false_alarm"] == pytest.approx(100.0)
    # orders 2, 3 and 4 were touched within 10 s and not traded through: +0, +1 and -1
    assert (row["contested"], row["contested_bias"]) == (3, 0.0)


def test_errors_in_one_cell_cancel_and_in_two_do_not() -> None:
    apart = sample((0, 5, 0, 2.0, (-1.0,) * 3), (10, 5, 3, -1.0, (12.0,) * 3))
    together = sample((0, 5, 0, 2.0, (-1.0,) * 3), (10, 5, 0, -1.0, (12.0,) * 3))
    found = [measure.calibration(one, [END]).set_index("model").loc["model"] for one in (apart, together)]
    assert [row["bias"] for row in found] == [0.0, 0.0]
    assert [row["ece"] for row in found] == [100.0, 0.0]


def test_orders_that_were_not_followed_for_a_horizon_do_not_count_in_it() -> None:
    known = measure.calibration(FOUR.until(ns(35)), ["10 s", END]).set_index(["model", "horizon"])
    assert known.loc[("model", "10 s"), "orders"] == 3
    assert known.loc[("model", END), "orders"] == 4
    assert known.loc[("model", END), "true"] == 50.0  # the fill at 37 s is not known at 35


def test_the_standard_error_is_that_of_blocks_of_time() -> None:
    # 40 blocks of 25 orders: in every other block all orders are wrong, so a block's bias is 0 or 1. The mean of 40 draws of such a
    # block has the standard error 0.5 / sqrt(40) = 7.9 points; were the 1,000 orders independent it would be 1.6.
    orders = [(block * 10 + k * 0.1, 5, 0, -1.0, (block * 10 + 5.0 if block % 2 else -1.0,) * 3) for block in range(40) for k in range(25)]
    row = measure.calibration(sample(*orders, until=1000.0), [END]).iloc[0]
    assert row["bias"] == pytest.approx(50.0)
    assert row["bias_se"] == pytest.approx(7.9, rel=0.15)


def test_bins_hold_each_order_once_in_each_dimension() -> None:
    table = measure.by_bin(FOUR, ["10 s"])
    own = table[table["model"] == "model"]
    assert own.groupby("dimension")["orders"].sum().tolist() == [4, 4, 4, 4]
    rows = own.set_index(["dimension", "bin"])
    assert rows.loc[("distance", "alone at a new best"), ["orders", "true", "bias"]].tolist() == [1, 100.0, 0.0]
    assert rows.loc[("distance", "at the best"), ["orders", "true", "bias"]].tolist() == [2, 100.0, -50.0]
    assert rows.loc[("distance", "1 or 2 prices behind"), ["orders", "true", "bias"]].tolist() == [1, 0.0, 100.0]
    assert rows.loc[("size", "more than ahead"), "orders"] == 2  # 10 lots against 5
    assert rows.loc[("size", "up to a tenth"), "orders"] == 1  # 10 lots against 200


def test_times_of_fills_by_hand() -> None:
    row = measure.fill_times(FOUR).set_index("model").loc["model"]
    assert row["orders"] == 2  # both fill the first and the second
    assert (row["mean_s"], row["median_s"], row["within_1ms"]) == (1.5, 1.5, 50.0)
    # three were cancelled before their place filled, or it never did: orders 3 and 4; order 2 filled before its end
    assert row["cancelled"] == 2
    assert row["filled_before_cancel"] == 50.0


def test_the_frame_says_when_and_how() -> None:
    table = measure.frame_of(FOUR)
    assert table["filled_at"].isna().tolist() == [False, False, True, False]
    assert table["model_at"].iloc[1] == pd.Timestamp(ns(18), unit="ns", tz="UTC")
    assert table["fate"].unique().tolist() == [measure.FATES[CANCELLED]] != [measure.FATES[OPEN]]
