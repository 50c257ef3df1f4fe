"""Repairs: what they change, what they leave, the sentences for the log, and what they refuse to guess."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from framework.data.quality.examine import examine
from framework.data.quality.repair import Repairs, fill_gaps, repair
from framework.data.tape.recording import Recording
from framework.errors import DataError
from framework.schema.event import EVENT, Kind
from framework.schema.instrument import Instrument
from framework.schema.units import Step
from tests.data.quality.good_files import HOUR, SECOND, draw, walk

T0 = 1_672_531_200 * 10**9  # 2023-01-01


def bars(rows: int = 600, source: str = "a") -> np.ndarray:
    events = np.zeros(rows, EVENT)
    events["ts_local_ns"] = events["ts_venue_ns"] = T0 + np.arange(1, rows + 1) * HOUR
    events["kind"] = Kind.BAR
    prices = np.rint(walk(rows, 0.005, 5) * 100).astype(np.int64)
    for word in ("w0", "w1", "w2", "w3"):
        events[word] = prices
    events["w4"] = draw(5).integers(100, 1000, rows)
    return events


def as_recording(events: np.ndarray, size: int = 100, source: str = "a", **terms: object) -> Recording:
    instrument = Instrument("BTC", bar_interval_ns=HOUR, **terms)  # type: ignore[arg-type]
    return Recording((instrument,), lambda: (events[k : k + size] for k in range(0, len(events), size)), source)


@pytest.mark.parametrize("size", [1, 7, 600])
def test_duplicates_go_and_the_first_stays(size: int) -> None:
    good = bars()
    twice = np.concatenate([good[:100], good[99:100], good[99:100], good[100:]])
    made, log = repair(as_recording(twice, size), Repairs(drop_duplicates=True))
    assert made.events().tobytes() == good.tobytes()
    assert log == ("Dropped 2 rows told twice.",)


def test_two_bars_of_one_stamp_that_differ_are_refused() -> None:
    other = bars()[99:100]
    other["w3"] += 5
    twice = np.concatenate([bars()[:100], other, bars()[100:]])
    with pytest.raises(DataError, match="a: BTC has two different rows of BAR at 2023-01-05 04:00:00Z. Which is right is not known"):
        repair(as_recording(twice), Repairs(drop_duplicates=True))


def test_nothing_to_repair_says_nothing() -> None:
    made, log = repair(as_recording(bars()), Repairs(sort=True, drop_duplicates=True, drop_future_ns=2**62, drop_spikes=True))
    assert log == () and made.events().tobytes() == bars().tobytes()


def test_sorted_and_without_the_future() -> None:
    mixed = np.concatenate([bars()[:10], bars()[20:30], bars()[10:20], bars()[30:40]])
    made, log = repair(as_recording(mixed, 1000), Repairs(sort=True, drop_future_ns=T0 + 35 * HOUR))
    assert made.events().tobytes() == bars()[:35].tobytes()
    assert log == ("Sorted by local stamp: 1 row stood before an earlier one.", "Dropped 5 rows stamped after 2023-01-02 11:00:00Z.")


def test_a_stretch_is_moved_and_an_overlap_is_refused() -> None:
    late = bars()
    late["ts_local_ns"][100:] += 1800 * SECOND
    late["ts_venue_ns"][100:] += 1800 * SECOND
    span = (T0 + 101 * HOUR, 2**62)
    made, log = repair(as_recording(late), Repairs(shift_ns=-1800 * SECOND, between=span))
    assert made.events().tobytes() == bars().tobytes()
    assert log[0].startswith("Moved stamps from 2023-01-05 05:00:00Z") and log[0].endswith("by -1800 s.")
    moved, _ = repair(as_recording(bars()), Repairs(shift_ns=-3 * HOUR, between=span))
    with pytest.raises(DataError, match="comes before the one before it.*name the stretch"):
        moved.events()


def test_wall_times_become_instants() -> None:
    events = bars()[:3]
    events["ts_local_ns"] = events["ts_venue_ns"] = [
        pd.Timestamp(day, tz="UTC").value for day in ("2023-02-01", "2023-07-01", "2023-12-01")
    ]
    made, log = repair(as_recording(events), Repairs(time_zone="Europe/London"))
    found = [str(pd.Timestamp(int(stamp), tz="UTC")) for stamp in made.events()["ts_local_ns"]]
    assert found == ["2023-02-01 00:00:00+00:00", "2023-06-30 23:00:00+00:00", "2023-12-01 00:00:00+00:00"]
    assert log == ("Read all stamps as the wall time of Europe/London, not as UTC.",)
    events["ts_local_ns"][1] = pd.Timestamp("2023-03-26T01:30Z").value
    with pytest.raises(DataError, match="cannot be placed in Europe/London"):
        repair(as_recording(events), Repairs(time_zone="Europe/London"))
    with pytest.raises(DataError, match="time zone 'Europe/Londn' is unknown"):
        repair(as_recording(events), Repairs(time_zone="Europe/Londn"))


def test_prices_are_rescaled_exactly() -> None:
    cents = bars()
    for word in ("w0", "w1", "w2", "w3"):
        cents[word][200:300] *= 100
    whole, log = repair(as_recording(bars()), Repairs(rescale=0.01))
    assert whole.instruments[0].tick == Step(1, 10_000) and log == ("Multiplied all prices by 0.01.",)
    assert whole.events().tobytes() == bars().tobytes()
    made, _ = repair(as_recording(cents), Repairs(rescale=0.01, between=(T0 + 201 * HOUR, T0 + 300 * HOUR)))
    tick = made.instruments[0].tick
    assert tick.to_floats(made.events()["w3"]).tolist() == Step(1, 100).to_floats(bars()["w3"]).tolist()
    assert made.events()["w4"].tolist() == bars()["w4"].tolist()
    assert examine(as_recording(cents)).worst() == "error" and examine(made).worst() in (None, "note")


def test_bad_prints_go_and_nothing_else() -> None:
    bad = bars()
    for word in ("w0", "w1", "w2", "w3"):
        bad[word][[150, 400]] *= [3, 10]
    made, log = repair(as_recording(bad), Repairs(drop_spikes=True))
    assert made.events().tobytes() == np.delete(bars(), [150, 400]).tobytes()
    assert log == ("Dropped 2 rows whose price stood alone, the first at 2023-01-07 07:00:00Z, 2023-01-17 17:00:00Z.",)


@pytest.mark.parametrize("size", [3, 600])
def test_gaps_are_filled_from_the_second_source_and_named(size: int) -> None:
    other = bars()
    other["w0"], other["w1"], other["w2"], other["w3"] = (bars()[word] // 100 for word in ("w0", "w1", "w2", "w3"))  # whole dollars
    second = as_recording(other, source="b", tick=Step(1, 1))
    holes = np.r_[50:60, 300:301]
    made, log = fill_gaps(as_recording(np.delete(bars(), holes), size), second)
    events = made.events()
    assert events["ts_local_ns"].tolist() == bars()["ts_local_ns"].tolist()
    assert events["w3"][holes].tolist() == (other["w3"][holes] * 100).tolist()
    assert np.delete(events, holes).tobytes() == np.delete(bars(), holes).tobytes()
    assert list(log) == [
        "Filled 10 rows of BAR of BTC from b: 2023-01-03 03:00:00Z to 2023-01-03 12:00:00Z.",
        "Filled 1 row of BAR of BTC from b: 2023-01-13 13:00:00Z to 2023-01-13 13:00:00Z.",
    ]


def test_a_finer_price_cannot_be_filled_in() -> None:
    with pytest.raises(DataError, match="b: BTC at 2023-01-03 03:00:00Z: .* is no whole tick of 1. Import both with the finer tick_size="):
        fill_gaps(as_recording(np.delete(bars(), 50), tick=Step(1, 1)), as_recording(bars(), source="b"))


def test_pauses_of_ticks_are_filled_where_they_are_long() -> None:
    ticks = np.zeros(300, EVENT)
    ticks["ts_local_ns"] = ticks["ts_venue_ns"] = T0 + np.arange(300) * 60 * SECOND
    ticks["kind"], ticks["w0"], ticks["w1"] = Kind.TRADE, 100, 5
    thin = np.delete(ticks, np.r_[20:25, 100:180])
    made, log = repair(as_recording(thin), Repairs(fill_from=as_recording(ticks, source="b"), fill_longer_ns=HOUR))
    assert made.events().tobytes() == np.delete(ticks, np.r_[20:25]).tobytes()
    assert log == ("Filled 80 rows of TRADE of BTC from b: 2023-01-01 01:40:00Z to 2023-01-01 02:59:00Z.",)
