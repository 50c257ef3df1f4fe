"""`calibrate_impact` on tapes: what is planted comes back, what the data lack is said, what comes out can be used."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pytest

from framework import backtest
from framework.config import parse_costs
from framework.data.tape import Tape, build
from framework.data.tape.recording import Recording
from framework.errors import InputError
from framework.schema.event import EVENT, Flag, Kind
from research.impact.calibration import ImpactCalibration, calibrate_impact
from research.impact.flow import bars_of, flow_of
from strategies.buy_and_hold import BuyAndHold
from tests.research.made import START_NS, moved, remembering_signs, tape

BARE = 2e-5 * np.arange(1, 31) ** -0.4


@pytest.fixture(scope="module")
def found() -> ImpactCalibration:
    """A trade of 10 units each second for five and a half hours, its mid told half a second before it."""
    n = 20_000
    signs = remembering_signs(n, 0.6, 7)
    mids = 100.0 * np.exp(moved(signs, BARE, 3e-5, 8))
    at = 1.0 + np.arange(n)
    return calibrate_impact(tape(at - 0.5, mids, np.column_stack([at, 10.0 * signs, np.zeros(n)])), lags=30, bar_s=30.0)


def test_a_planted_propagator_comes_back_through_the_tape(found: ImpactCalibration) -> None:
    table = found.response
    assert np.abs((table["bare"] - BARE) / table["bare_error"]).max() < 4.0
    assert table["seconds"].tolist() == pytest.approx(np.arange(1.0, 31.0))
    row = found.estimates.loc["propagator_exponent"]
    assert abs(row["value"] - 0.4) < 4.0 * row["standard_error"]
    assert found.trades == row["count"] + 1 == 20_000


def test_the_head_of_it(found: ImpactCalibration) -> None:
    assert found.seconds_a_trade == pytest.approx(1.0)
    assert found.mean_size == 10.0
    assert found.half_spread == pytest.approx(1e-4, rel=1e-3)
    assert found.estimates.loc["half_spread", "standard_error"] < 1e-8
    days = 19_999.5 / 86_400  # from the first quote to the last trade
    assert found.days == pytest.approx(days, rel=1e-6)
    assert found.daily_volume == pytest.approx(200_000 / days, rel=1e-6)
    assert found.bars == 666
    assert any("0.231 of a trading day" in note for note in found.notes)
    assert any("24 hours" in note for note in found.notes)


def test_the_decay_is_in_units_of_participation(found: ImpactCalibration) -> None:
    """A trade is 10 units of the daily volume, and one second passes to the next."""
    unit = 10.0 / found.daily_volume
    at = np.array([1.0, 3.0, 10.0, 30.0])
    np.testing.assert_allclose(found.decay.at(at) * unit, BARE[at.astype(int) - 1], rtol=0.15)
    words = found.costs("propagator")["impact"]
    assert (words["model"], words["temporary"], words["daily_volume"]) == ("propagator", 0.0, found.daily_volume)
    assert words["permanent"] + sum(term["weight"] * 2 ** (-1.0 / term["half_life_s"]) for term in words["decay"]) == pytest.approx(
        found.decay.at(np.array([1.0]))[0]
    )


def test_costs_are_a_config_and_charge_what_they_say(found: ImpactCalibration) -> None:
    costs = found.costs(volatility_bars=5)
    assert parse_costs(costs).half_spread_bps == pytest.approx(1.0, rel=1e-3)
    assert costs["impact"]["coefficient"] == found.estimates.loc["square_root_coefficient", "value"] > 0.0
    index = pd.date_range("2024-01-02", periods=60, freq="D", tz="UTC")
    price = pd.Series(np.round(100 + np.sin(np.arange(60.0)), 2), index)
    bars = pd.DataFrame({"open": price, "high": price, "low": price, "close": price, "volume": 1e5})
    free, charged = (backtest(BuyAndHold(weight=0.5), {"A": bars}, tick_size=0.01, costs=one) for one in (None, costs))
    assert charged.equity.iloc[-1] < free.equity.iloc[-1]


@pytest.mark.parametrize("model", ["almgren_chriss", "propagator"])
def test_impact_that_stays_charges_what_was_estimated(found: ImpactCalibration, model: Literal["almgren_chriss", "propagator"]) -> None:
    """One purchase at a constant price: half the jump it makes, what is temporary, and the half spread."""
    costs = found.costs(model)
    index = pd.date_range("2024-01-02", periods=10, freq="D", tz="UTC")
    bars = pd.DataFrame({"open": 100.0, "high": 100.0, "low": 100.0, "close": 100.0, "volume": 1e9}, index)
    fill = backtest(BuyAndHold(weight=0.5), {"A": bars}, tick_size=0.01, costs=costs, cash=1e6).fills.iloc[0]
    impact, x = costs["impact"], fill["quantity"] / found.daily_volume
    jump = impact["permanent"] + sum(term["weight"] for term in impact.get("decay", ()))
    by_hand = fill["quantity"] * 100.0 * (x * (0.5 * jump + impact["temporary"]) + found.half_spread)
    assert fill["slippage"] == pytest.approx(by_hand, rel=1e-9)


def test_it_can_be_written_down(found: ImpactCalibration, tmp_path: Path) -> None:
    read = json.loads(found.to_json())
    assert read["estimates"][1]["name"] == "square_root_coefficient"
    assert read["response"][4]["bare"] == pytest.approx(found.propagator.bare[4])
    assert len(read["decay"]["terms"]) == len(found.decay.weights)
    page = found.report(tmp_path / "impact.html").read_text()
    assert "square root coefficient" in page
    assert f"{found.estimates.loc['square_root_coefficient', 'value']:.4g}" in page
    drawn = {trace.name: trace for trace in found.plot().data}
    assert list(drawn["R"].y) == pytest.approx((found.propagator.response[1:] * 1e4).tolist(), rel=1e-6)


def test_the_same_seed_gives_the_same(found: ImpactCalibration) -> None:
    n = 2_000
    signs = remembering_signs(n, 0.6, 7)
    at = 1.0 + np.arange(n)
    market = tape(at - 0.5, 100.0 * np.exp(moved(signs, BARE, 3e-5, 8)), np.column_stack([at, 10.0 * signs, np.zeros(n)]))
    one, two, other = (calibrate_impact(market, lags=20, bar_s=30.0, draws=20, seed=seed) for seed in (1, 1, 2))
    assert one.to_json() == two.to_json() != other.to_json()


def test_bars_by_hand() -> None:
    """Three bars of 10 s, one unit of price a bar; what is left after 30 s is no bar, and the last has nothing to settle to."""
    market = tape(
        np.array([0.0, 9.0, 19.0, 29.0, 34.0]),
        np.array([100.0, 101.0, 102.0, 101.0, 150.0]),
        np.array(
            [[2.0, 30, 100.2], [4.0, -10, 99.8], [6.0, 10, 100.6], [12.0, -20, 101.0], [18.0, 20, 101.5], [22.0, -5, 101.7], [34.0, 9, 0]]
        ),
    )
    bars = bars_of(flow_of(market, None, day_hours=None, starts_empty=False), 10.0, 1)
    assert bars.net.tolist() == [30.0, 0.0, -5.0]
    assert bars.volume.tolist() == [50.0, 40.0, 5.0]
    assert bars.change.tolist() == pytest.approx([math.log(1.01), math.log(102 / 101), math.log(101 / 102)], rel=1e-7)
    assert bars.settled.tolist() == pytest.approx([math.log(1.02), math.log(101 / 101), math.nan], nan_ok=True, abs=1e-9)
    bought = (30 * 100.2 + 10 * 100.6) / 40
    assert bars.paid.tolist() == pytest.approx([bought / 100 - 1, math.nan, 101.7 / 102 - 1], nan_ok=True, rel=1e-6)


def test_trades_of_one_stamp_and_sign_are_one_order() -> None:
    market = tape(
        np.array([0.0, 5.0]),
        np.array([100.0, 101.0]),
        np.array([[1.0, 10, 100.1], [1.0, 30, 100.3], [1.0, -5, 99.9], [2.0, -5, 99.9], [6.0, 7, 101.1]]),
    )
    flow = flow_of(market, "ACME", day_hours=None, starts_empty=False)
    assert flow.size.tolist() == [40.0, 5.0, 5.0, 7.0]
    assert flow.sign.tolist() == [1.0, -1.0, -1.0, 1.0]
    assert flow.price[0] == pytest.approx((10 * 100.1 + 30 * 100.3) / 40)
    assert np.exp(flow.log_mid).tolist() == pytest.approx([100.0, 100.0, 100.0, 101.0], rel=1e-7)


def test_orders_are_joined_by_the_venue_stamp_of_the_right_instrument() -> None:
    """ACME stands second: each of its two trades of one venue stamp comes a millisecond after the other, between trades of another."""
    market = tape(np.array([0.0]), np.array([100.0]), np.array([[1.0, 10, 0], [1.001, 30, 0], [1.5, 20, 0]]))
    mine = market.events[np.isin(market.events["kind"], (Kind.QUOTE, Kind.TRADE))].copy()
    mine["ts_venue_ns"][2] = mine["ts_venue_ns"][1]
    other = mine.copy()
    other["ts_local_ns"] += 100
    other["ts_venue_ns"] = np.arange(len(other))
    mine["instrument"] = 1
    events = np.concatenate([mine, other])
    events = events[np.argsort(events["ts_local_ns"], kind="stable")]
    acme = market.instruments[0]
    recording = Recording((replace(acme, symbol="ZZZ"), acme), lambda: iter([events]), "two")
    assert flow_of(recording, "ACME", day_hours=None, starts_empty=False).size.tolist() == [40.0, 20.0]
    assert flow_of(recording, "ZZZ", day_hours=None, starts_empty=False).size.tolist() == [10.0, 30.0, 20.0]


def test_untold_signs_are_those_of_the_quote() -> None:
    market = tape(np.array([0.0]), np.array([100.0]), np.array([[1.0, 10, 100.1], [2.0, 10, 99.9], [3.0, 10, 100.1]]), told=False)
    flow = flow_of(market, None, day_hours=None, starts_empty=False)
    assert flow.sign.tolist() == [1.0, -1.0, 1.0]
    assert any(note.startswith("3 of 3 trades tell no side") for note in flow.notes)


def test_what_lies_outside_sessions_is_left_out_and_nights_part_stretches() -> None:
    """New York opens at 14:30 UTC; the tape begins at 10:00 on a holiday, and 2 January is the first session."""
    day = 86_400.0
    opened = day + 4.5 * 3_600
    seconds = np.array([0.0, opened + 10, opened + 100, opened + day + 10, opened + day + 50])
    trades = np.array([[1.0, 10, 0], [opened + 20, 10, 0], [opened + 30, -10, 0], [opened + day + 20, 10, 0], [opened + day + 50, 5, 0]])
    flow = flow_of(tape(seconds, np.full(5, 100.0), trades, calendar="XNYS"), None, day_hours=None, starts_empty=False)
    assert flow.size.tolist() == [10.0, 10.0, 10.0, 5.0]
    assert flow.stretch.tolist() == [0, 0, 1, 1]
    assert flow.days == pytest.approx((90 + 40) / (6.5 * 3_600))
    assert flow.seconds_a_trade == pytest.approx((10 + 30) / 2)
    assert any("lie outside the sessions of XNYS" in note for note in flow.notes)


def test_auction_prints_are_left_out() -> None:
    market = tape(np.array([0.0]), np.array([100.0]), np.array([[1.0, 10, 0], [2.0, 900, 0], [3.0, 10, 0]]))
    events = market.events.copy()
    events["flags"][np.flatnonzero(events["w1"] == 900)] |= int(Flag.AUCTION)
    flow = flow_of(Recording(market.instruments, lambda: iter([events]), "auctions"), None, day_hours=None, starts_empty=False)
    assert flow.size.tolist() == [10.0, 10.0]
    assert "1 auction prints are left out." in flow.notes


def test_a_market_that_moves_against_its_flow_has_no_costs() -> None:
    n = 3_000
    signs = remembering_signs(n, 0.5, 1)
    mids = 100.0 * np.exp(moved(signs, np.full(20, -2e-5), 3e-5, 2))
    at = 1.0 + np.arange(n)
    found = calibrate_impact(tape(at - 0.5, mids, np.column_stack([at, 10.0 * signs, np.zeros(n)])), lags=20, bar_s=30.0, draws=20)
    assert any(note.startswith("Below 0, which no cost can be") for note in found.notes)
    with pytest.raises(InputError, match="price moves against net flow"):
        found.costs()
    assert found.costs("almgren_chriss")["impact"]["permanent"] == 0.0
    with pytest.raises(InputError, match="nothing of the propagator fades"):
        found.costs("propagator")


def test_an_execution_model_is_made_of_it(found: ImpactCalibration) -> None:
    """Units: fractions of the price per share of the day's volume become price units per unit; within 30 s becomes a rate a day."""
    words = found.costs("almgren_chriss")["impact"]
    assert words["permanent"] == found.value("permanent") > 0.0
    assert words["fixed_bps"] == pytest.approx(1.0, rel=1e-3)
    model = found.almgren_chriss(1_000.0, days=0.1, steps=10, price=100.0)
    unit = 100.0 / found.daily_volume
    assert model.permanent == pytest.approx(words["permanent"] * unit)
    assert model.reduced_temporary == pytest.approx(words["temporary"] * unit * 30.0 / 86_400.0)
    assert model.volatility == pytest.approx(100.0 * found.daily_volatility)
    assert model.fixed == pytest.approx(0.01, rel=1e-3)
    # what one step of a bar's length costs is what was measured: half the permanent, the temporary and the fixed impact of its size
    step = replace(model, horizon=30.0 / 86_400.0, steps=1, temporary=model.reduced_temporary + 0.5 * model.permanent * 30.0 / 86_400.0)
    size = 1_000.0 / found.daily_volume
    by_hand = 100_000.0 * (size * (0.5 * words["permanent"] + words["temporary"]) + found.half_spread)
    assert step.schedule(0.0).expected_cost == pytest.approx(by_hand)


def test_too_few_bars_are_told() -> None:
    n = 400
    signs = remembering_signs(n, 0.3, 1)
    at = 1.0 + np.arange(n)
    market = tape(at - 0.5, 100.0 * np.exp(moved(signs, BARE, 3e-5, 2)), np.column_stack([at, 10.0 * signs, np.zeros(n)]))
    found = calibrate_impact(market, lags=10, bar_s=60.0, draws=10)
    assert any("fewer than 30: nothing is estimated" in note for note in found.notes)
    with pytest.raises(InputError, match="square_root_coefficient could not be estimated"):
        found.costs()


def test_refusals() -> None:
    market = tape(np.array([0.0]), np.array([100.0]), np.array([[1.0, 10, 0], [2.0, -10, 0]]))
    with pytest.raises(InputError, match="2 trades for 100 lags"):
        calibrate_impact(market)
    with pytest.raises(InputError, match="bar_s is 0"):
        calibrate_impact(market, bar_s=0.0)
    with pytest.raises(InputError, match="settle_bars is 0"):
        calibrate_impact(market, settle_bars=0)
    with pytest.raises(InputError, match="daily_volume is -5"):
        calibrate_impact(market, daily_volume=-5.0)
    with pytest.raises(InputError, match="day_hours is 30"):
        calibrate_impact(market, day_hours=30.0)
    with pytest.raises(InputError, match="no instrument 'ACNE'"):
        calibrate_impact(market, "ACNE")
    with pytest.raises(InputError, match="no stretch of ACME is as long as one bar of 60 s"):
        bars_of(flow_of(market, None, day_hours=None, starts_empty=False), 60.0, 1)


def test_trades_without_quotes_are_refused() -> None:
    market = tape(np.array([0.0]), np.array([100.0]), np.array([[1.0, 10, 0]]))
    events: np.ndarray = np.zeros(1, dtype=EVENT)
    events["kind"], events["w0"], events["w1"] = Kind.TRADE, 100, 10
    events["ts_local_ns"] = events["ts_venue_ns"] = START_NS
    bare = build({}, {"ACME": market.instruments[0]}, extra=events)
    with pytest.raises(InputError, match="no quotes or books beside its trades"):
        calibrate_impact(bare)


def told_levels(market: Tape) -> Tape:
    """The same with each quote told as two levels of a book too, a nanosecond after it and without any snapshot."""
    quotes = market.events[market.events["kind"] == Kind.QUOTE]
    rows = np.zeros(2 * len(quotes), dtype=EVENT)
    rows["kind"] = Kind.DEPTH
    for start, flags, price, lots in ((0, int(Flag.BUY), "w0", "w2"), (1, int(Flag.SELL | Flag.LAST), "w1", "w3")):
        side = rows[start::2]
        side["flags"], side["w0"], side["w1"] = flags, quotes[price], quotes[lots]
        side["ts_local_ns"] = side["ts_venue_ns"] = quotes["ts_local_ns"] + 1
    kept = market.events[np.isin(market.events["kind"], (Kind.QUOTE, Kind.TRADE))]
    return build({}, {"ACME": market.instruments[0]}, extra=np.concatenate([kept, rows]))


def test_quotes_tell_the_mid_where_the_book_beside_them_has_no_snapshot() -> None:
    n = 400
    signs = remembering_signs(n, 0.5, 7)
    at = 1.0 + np.arange(n)
    market = tape(at - 0.5, 100.0 * np.exp(moved(signs, BARE, 3e-5, 8)), np.column_stack([at, 10.0 * signs, np.zeros(n)]))
    alone = flow_of(market, None, day_hours=None, starts_empty=False)
    beside = flow_of(told_levels(market), None, day_hours=None, starts_empty=False)
    assert len(alone.log_mid) == n
    np.testing.assert_array_equal(beside.log_mid, alone.log_mid)
    np.testing.assert_array_equal(beside.half_spread, alone.half_spread)


def test_a_book_without_a_snapshot_and_without_quotes_is_refused_by_its_name() -> None:
    market = told_levels(tape(np.array([0.0]), np.array([100.0]), np.array([[1.0, 10, 0]])))
    kept = market.events[np.isin(market.events["kind"], (Kind.DEPTH, Kind.TRADE))]
    diffs = build({}, {"ACME": market.instruments[0]}, extra=kept)
    with pytest.raises(InputError, match=r"its book is never known: 2 DEPTH events and no snapshot among them.*--starts-empty"):
        calibrate_impact(diffs)
    assert flow_of(diffs, None, day_hours=None, starts_empty=True).size.tolist() == [10.0]
    first = kept[np.argsort(kept["kind"] != Kind.TRADE, kind="stable")].copy()
    first["ts_local_ns"] = first["ts_venue_ns"] = START_NS + np.arange(len(first))
    early = build({}, {"ACME": market.instruments[0]}, extra=first)
    with pytest.raises(InputError, match="no trade has a mid before it: 2 DEPTH events and 0 quotes"):
        flow_of(early, None, day_hours=None, starts_empty=True)
