"""Rolls of futures and the series over them: small chains worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from framework import Strategy, backtest
from framework.data.reference.activity import Activity
from framework.data.reference.rows import ContractRow
from framework.data.series.continuous import (
    Adjust,
    Roll,
    RollSchedule,
    activity,
    back_adjusted,
    by_calendar,
    by_open_interest,
    by_volume,
    continuous,
)
from framework.data.tape import Tape, build
from framework.data.tape.recording import Recording
from framework.errors import DataError
from framework.schema.event import EVENT, Kind
from framework.schema.instrument import Instrument, InstrumentKind
from framework.schema.units import Step

DAY = 86_400 * 10**9


def ns(text: str) -> int:
    return int(pd.Timestamp(text, tz="UTC").as_unit("ns").value)


CHAIN = (
    ContractRow("MAR", "X", ns("2024-03-15 14:00")),
    ContractRow("JUN", "X", ns("2024-06-21 14:00")),
    ContractRow("SEP", "X", ns("2024-09-20")),
)
CLOSES = {"MAR": [100, 102, 104, 106], "JUN": [110, 111, 112, 115], "SEP": [120, 121, 123, 126]}  # at the end of 2024-03-01 to 04
VOLUME = {"MAR": [9, 5, 5, 5], "JUN": [1, 6, 6, 6], "SEP": [0, 0, 7, 8]}


def frame(closes: list[float], volume: list[float]) -> pd.DataFrame:
    index = pd.date_range("2024-03-02", periods=len(closes), freq="D", tz="UTC")  # closes, so the midnights after
    price = pd.Series(closes, index, dtype=float)
    return pd.DataFrame({"open": price - 1, "high": price + 1, "low": price - 2, "close": price, "volume": np.array(volume, float)})


def tape(volume: dict[str, list[float]] = VOLUME) -> Tape:
    frames = {name: frame(CLOSES[name], volume[name]) for name in CLOSES}
    return build(frames, {name: Instrument(name, Step(1, 2), multiplier=50.0, calendar="24/7") for name in CLOSES})


def rolls(schedule: RollSchedule) -> list[tuple[str, str, str]]:
    return [(f"{pd.Timestamp(r.at_ns):%m-%d %H}", r.contract, f"{pd.Timestamp(r.decided_ns):%m-%d %H}") for r in schedule.rolls]


def test_roll_by_the_calendar() -> None:
    # sessions of 24/7 are UTC days: MAR expires on the 15th and is held through the 14th, or through its last day
    assert rolls(by_calendar(CHAIN, "24/7", start="2024-03-01"))[:2] == [("03-01 00", "MAR", "03-01 00"), ("03-15 00", "JUN", "03-15 00")]
    assert rolls(by_calendar(CHAIN, "24/7", sessions_before=0, start="2024-03-01"))[1][0] == "03-16 00"
    # XNYS: the session before Friday the 15th is Thursday; the roll is at the open of Friday, 09:30 New York in summer
    assert rolls(by_calendar(CHAIN, "XNYS", start="2024-03-01"))[1][0] == "03-15 13"
    assert rolls(by_calendar(CHAIN, "XNYS", sessions_before=5, start="2024-03-01"))[1][0] == "03-11 13"  # Friday the 8th is the last
    assert rolls(by_calendar(CHAIN, "24/7", start="2024-03-15"))[0][1] == "JUN"
    with pytest.raises(DataError, match="every contract is rolled out of before 2025-01-01"):
        by_calendar(CHAIN, "24/7", start="2025-01-01")


def test_roll_by_volume() -> None:
    done = activity(tape(), "24/7")
    assert done.contracts == ("JUN", "MAR", "SEP")
    assert done.volume.T.tolist() == [VOLUME["JUN"], VOLUME["MAR"], VOLUME["SEP"]]
    # JUN is ahead on the 2nd, SEP on the 3rd: each is known at that day's end and held from the day after
    one = by_volume(done, CHAIN)
    assert rolls(one) == [("03-01 00", "MAR", "03-01 00"), ("03-03 00", "JUN", "03-03 00"), ("03-04 00", "SEP", "03-04 00")]
    # two days in a row: JUN is ahead of MAR on 2 and 3, SEP of JUN on 3 and 4
    assert rolls(by_volume(done, CHAIN, days=2))[1:] == [("03-04 00", "JUN", "03-04 00"), ("03-05 00", "SEP", "03-05 00")]
    assert rolls(by_volume(done, CHAIN, days=3))[1:] == [("03-05 00", "JUN", "03-05 00")]
    assert [one.front(ns("2024-03-02 23:59")), one.front("2024-03-03")] == ["MAR", "JUN"]
    with pytest.raises(DataError, match="no front contract at 2024-02-29: the schedule goes from 2024-03-01 to 2024-09-19"):
        one.front("2024-02-29")
    with pytest.raises(DataError, match="days=0"):
        by_volume(done, CHAIN, days=0)
    with pytest.raises(DataError, match="none of the contracts has activity; it is of JUN, MAR, SEP"):
        by_volume(done, (ContractRow("DEC", "X", 1),))


def test_a_roll_knows_nothing_of_later_volume() -> None:
    base = by_volume(activity(tape(), "24/7"), CHAIN)
    for day in (2, 3):
        later = {name: [*figures[:day], *(1000.0 if name == "MAR" else 1.0 for _ in figures[day:])] for name, figures in VOLUME.items()}
        changed = by_volume(activity(tape(later), "24/7"), CHAIN)
        known = ns("2024-03-01") + day * DAY
        assert [r for r in changed.rolls if r.decided_ns <= known] == [r for r in base.rolls if r.decided_ns <= known]
        assert len(changed.rolls) < len(base.rolls) or day == 3


def test_a_contract_is_left_before_it_expires_though_it_is_the_busiest() -> None:
    chain = (ContractRow("MAR", "X", ns("2024-03-03 14:00")), *CHAIN[1:])
    busy = {"MAR": [9, 9, 9, 9], "JUN": [1, 1, 1, 1], "SEP": [0, 0, 0, 0]}
    assert rolls(by_volume(activity(tape(busy), "24/7"), chain)) == [("03-01 00", "MAR", "03-01 00"), ("03-03 00", "JUN", "03-03 00")]


def test_figures_with_holes_do_not_keep_an_expired_contract() -> None:
    events = np.zeros(3, EVENT)
    events["kind"], events["w4"] = Kind.BAR, 5
    events["instrument"] = [1, 1, 0]
    events["ts_local_ns"] = events["ts_venue_ns"] = [ns("2024-03-04"), ns("2024-03-05"), ns("2024-06-01")]
    done = activity(Recording((Instrument("JUN"), Instrument("MAR")), lambda: iter([events]), "x"), "24/7")
    holes = Activity("24/7", done.sessions.between(0, 2), done.contracts, done.volume[:2], done.open_interest[:2])
    assert rolls(by_volume(holes, CHAIN))[-1] == ("03-03 00", "MAR", "03-03 00")
    assert rolls(by_volume(done, CHAIN))[-1] == ("03-15 00", "JUN", "03-15 00")


def test_a_day_without_the_front_decides_nothing() -> None:
    whole = tape()
    gone = (whole.events["instrument"] == whole.index("MAR")) & (whole.events["ts_local_ns"] == ns("2024-03-03"))
    recording = Recording(whole.instruments, lambda: iter([whole.events[~gone & (whole.events["kind"] == Kind.BAR)]]), "x")
    done = activity(recording, "24/7")
    assert np.isnan(done.volume[1, 1])
    assert rolls(by_volume(done, CHAIN))[1:] == [("03-04 00", "SEP", "03-04 00")]


def test_open_interest_counts_when_it_was_told() -> None:
    events = np.zeros(4, EVENT)
    events["kind"] = Kind.OPEN_INTEREST
    events["instrument"] = [0, 1, 0, 1]
    events["w0"] = [10, 90, 80, 20]
    stamps = [ns("2024-03-01 13:00")] * 2 + [ns("2024-03-03 13:00")] * 2  # JUN leads in the figures told on the 3rd
    events["ts_local_ns"] = events["ts_venue_ns"] = stamps
    done = activity(Recording((Instrument("JUN"), Instrument("MAR")), lambda: iter([events]), "x"), "24/7")
    assert done.open_interest.tolist() == [[10, 90], [10, 90], [80, 20]]
    end = np.concatenate([events, events[-1:]])
    end["ts_local_ns"][-1] = end["ts_venue_ns"][-1] = ns("2024-03-04 13:00")
    longer = activity(Recording((Instrument("JUN"), Instrument("MAR")), lambda: iter([end]), "x"), "24/7")
    assert rolls(by_open_interest(longer, CHAIN)) == [("03-01 00", "MAR", "03-01 00"), ("03-04 00", "JUN", "03-04 00")]


ROLLS = (Roll(ns("2024-03-01"), "MAR", 0), Roll(ns("2024-03-03"), "JUN", 0), Roll(ns("2024-03-04"), "SEP", 0))
HANDMADE = RollSchedule(ROLLS, ns("2024-03-06"))


def closes(found: Tape, name: str = "X") -> list[float]:
    number = found.index(name)
    rows = found.events[(found.events["kind"] == Kind.BAR) & (found.events["instrument"] == number)]
    return found.instruments[number].tick.to_floats(rows["w3"]).tolist()


class Sees(Strategy):
    """Keeps the history of the series after each of its bars."""

    def on_start(self, view):  # type: ignore[no-untyped-def]
        self.seen = []

    def on_bar(self, view, bar):  # type: ignore[no-untyped-def]
        if bar.instrument == "X":
            self.seen.append(view.closes("X", 10).tolist())


def test_the_series_as_traded_and_restated_by_ratio() -> None:
    assert closes(continuous(tape(), HANDMADE, "X", None)) == [100, 102, 112, 126]
    made = continuous(tape(), HANDMADE, "X")
    assert closes(made) == [100, 102, 112, 126]
    assert made.instruments[made.index("X")].kind is InstrumentKind.INDEX
    assert closes(made, "MAR") == CLOSES["MAR"]  # the contracts stay to be traded
    strategy = Sees()
    backtest(strategy, made)
    # at 03-03 history is multiplied by JUN / MAR = 111 / 102, at 03-04 by SEP / JUN = 123 / 112
    first, second = 111 / 102, 123 / 112
    expected = [[100], [100, 102], [100 * first, 102 * first, 112], [100 * first * second, 102 * first * second, 112 * second, 126]]
    assert [np.round(seen, 9).tolist() for seen in strategy.seen] == [np.round(row, 9).tolist() for row in expected]


@pytest.mark.parametrize("adjust", ["ratio", "difference", None])
def test_later_prices_change_no_earlier_value_of_the_series(adjust: Adjust) -> None:
    whole = continuous(tape(), HANDMADE, "X", adjust)
    after = ns("2024-03-04")
    later = tape()
    events = later.events.copy()
    late = (events["ts_local_ns"] > after) & (events["kind"] == Kind.BAR)
    for word in ("w0", "w1", "w2", "w3"):
        events[word][late] *= 3
    changed = continuous(replace(later, events=events), HANDMADE, "X", adjust)
    before = [found.events[found.events["ts_local_ns"] <= after].tobytes() for found in (whole, changed)]
    assert before[0] == before[1] and whole.events.tobytes() != changed.events.tobytes()


def test_the_series_moved_by_gaps_goes_forward() -> None:
    made = continuous(tape(), HANDMADE, "X", "difference")
    # offsets: 102 - 111 = -9 from the first roll on, and 112 - 123 = -11 more from the second
    assert closes(made) == [100, 102, 112 - 9, 126 - 20]
    # what a holder who rolled gained in points: 2, then 112 - 111, then 126 - 123
    assert np.diff(closes(made)).tolist() == [2, 1, 3]
    assert any("moved by the sum" in note for note in made.notes)


def test_the_picture_is_adjusted_backwards() -> None:
    ratio, points = back_adjusted(tape(), HANDMADE), back_adjusted(tape(), HANDMADE, "difference")
    assert points["close"].tolist() == [100 + 20, 102 + 20, 112 + 11, 126]
    assert np.allclose(ratio["close"], [100 * 111 / 102 * 123 / 112, 111 * 123 / 112, 123, 126])
    assert ratio["contract"].tolist() == ["MAR", "MAR", "JUN", "SEP"]


def test_nobody_trades_the_series() -> None:
    class Buys(Strategy):
        def on_bar(self, view, bar):  # type: ignore[no-untyped-def]
            view.buy("X", 1)

    result = backtest(Buys(), continuous(tape(), HANDMADE, "X"))
    assert not len(result.fills) and set(result.refused["reason"]) == {"NOT_TRADABLE"}


def test_what_a_series_refuses() -> None:
    with pytest.raises(DataError, match="adjust='ratios' is unknown. Did you mean ratio"):
        continuous(tape(), HANDMADE, "X", "ratios")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="'MAR' is on the tape already"):
        continuous(tape(), HANDMADE, "MAR")
    early = RollSchedule((Roll(ns("2024-02-01"), "MAR", 0), Roll(ns("2024-03-01"), "JUN", 0)), ns("2024-03-06"))
    with pytest.raises(DataError, match="roll to JUN at 2024-03-01: no bar before it that both contracts have"):
        continuous(tape(), early, "X")
    with pytest.raises(DataError, match="symbol 'DEC' is not on the tape"):
        continuous(tape(), RollSchedule((Roll(0, "DEC", 0),), 1), "X")
    with pytest.raises(DataError, match="is decided only at"):
        RollSchedule((Roll(ns("2024-02-01"), "MAR", ns("2024-02-02")),), ns("2024-03-06"))
    with pytest.raises(DataError, match="not after that to MAR"):
        RollSchedule((Roll(5, "MAR", 0), Roll(5, "JUN", 0)), 9)
    with pytest.raises(DataError, match="at least one contract"):
        RollSchedule((), 9)
