"""The look-ahead check: what it changes, which datum it names, and when it says that it cannot tell."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from framework.prove import frames_of, prove
from framework.prove.perturb import VALUE_KINDS, changed, truncated
from framework.schema.event import Kind
from tests.prove import odd
from tests.prove.corpus_leaky import DividendAhead, LimitAtTomorrowsLow, NextReturn, VolumeTomorrow
from tests.prove.market import frames, tape
from tests.prove.signals import Signal

TAPE = tape()
CUT = int(np.unique(TAPE.events["ts_local_ns"])[150])


@pytest.mark.parametrize("kind", VALUE_KINDS)
def test_every_later_datum_is_changed_and_no_earlier_one(kind: str) -> None:
    events, other = TAPE.events, changed(TAPE.events, CUT, kind, (0,))
    later = events["ts_local_ns"] > CUT
    assert other[~later].tobytes() == events[~later].tobytes()
    for word in ("ts_local_ns", "ts_venue_ns", "kind", "flags", "instrument"):
        assert np.array_equal(other[word], events[word])
    is_bar = events["kind"] == Kind.BAR
    assert np.all(other["w3"][later & is_bar] != events["w3"][later & is_bar]) or kind in ("shuffled", "noise")
    assert np.mean(other["w3"][later & is_bar] != events["w3"][later & is_bar]) > 0.95
    assert np.mean(other["w4"][later & is_bar] != events["w4"][later & is_bar]) > 0.95
    dividends = later & (events["kind"] == Kind.DIVIDEND)
    assert kind == "shuffled" or np.all(other["w0"][dividends] != events["w0"][dividends])
    bars = other[is_bar]
    assert np.all(bars["w1"] >= np.maximum(bars["w0"], bars["w3"]))
    assert np.all(bars["w2"] <= np.minimum(bars["w0"], bars["w3"]))
    assert np.all(bars["w2"] >= 1)


def test_later_price_limits_are_changed_and_a_side_without_one_stays_so() -> None:
    events = np.repeat(TAPE.events[TAPE.events["kind"] == Kind.BAR][-1:], 2)
    events["kind"], events["w0"], events["w1"] = Kind.PRICE_LIMITS, [9_500, 0], [0, 10_500]
    later = np.concatenate([TAPE.events, events])
    other = changed(later, CUT, "raised", (0,))[-2:]
    assert other["w0"][0] > 9_500 and other["w1"][1] > 10_500
    assert (other["w1"][0], other["w0"][1]) == (0, 0)


def test_truncation_keeps_the_calendar() -> None:
    kept = truncated(TAPE.events, CUT)
    assert np.all(kept["kind"][kept["ts_local_ns"] > CUT] == Kind.SESSION)
    assert np.count_nonzero(kept["kind"] == Kind.SESSION) == np.count_nonzero(TAPE.events["kind"] == Kind.SESSION)


def test_frames_hold_what_was_given() -> None:
    given, found = frames(), frames_of(TAPE)
    for symbol, frame in given.items():
        columns = list(frame.columns)
        assert np.array_equal(found[symbol][columns].to_numpy(), frame.to_numpy())
        assert np.array_equal(found[symbol].index.as_unit("ns").asi8, frame.index.as_unit("ns").asi8)
    assert found["ALFA"]["dividend"].iloc[[24, 25, 26]].tolist() == [0.0, 0.425, 0.0]
    assert found["ALFA"]["split"].eq(1.0).all()


@pytest.mark.parametrize(
    ("cls", "field"), [(NextReturn, "close"), (VolumeTomorrow, "volume"), (DividendAhead, "dividend"), (LimitAtTomorrowsLow, "low")]
)
def test_the_datum_is_named(cls: type[Signal], field: str) -> None:
    difference = prove(cls, TAPE, checks=["look_ahead"])["look_ahead"].first_difference
    assert difference is not None
    assert difference.datum is not None
    assert (difference.datum.field, difference.datum.alone) == (field, True)
    assert difference.datum.instrument == difference.instrument
    assert difference.datum.before != difference.datum.after
    ahead = pd.Timestamp(difference.datum.stamp) - pd.Timestamp(difference.stamp)
    assert ahead <= pd.Timedelta(days=3 if cls is DividendAhead else 1)


def test_a_function_of_frames_is_rebuilt() -> None:
    def build(given):
        made = NextReturn()
        made.prepare(given)
        return made

    assert prove(build, TAPE, checks=["look_ahead"])["look_ahead"].passed is False


def test_an_instance_that_holds_a_frame_cannot_be_proved() -> None:
    made = odd.OwnUniverse()
    made.table = frames()["ALFA"]
    verdict = prove(made, TAPE, checks=["look_ahead"], points=2)["look_ahead"]
    assert verdict.passed is None
    assert "attribute table" in verdict.note


def test_a_global_frame_cannot_be_proved() -> None:
    verdict = prove(odd.ReadsAGlobal, TAPE, checks=["look_ahead"], points=2)["look_ahead"]
    assert verdict.passed is None
    assert "OUTSIDE in ReadsAGlobal.on_bar" in verdict.note


def test_one_that_never_decides_cannot_be_proved() -> None:
    assert prove(odd.Idle, TAPE, checks=["look_ahead"], points=2)["look_ahead"].passed is None
