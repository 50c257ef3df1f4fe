"""The tape: ticks and lots exact, one order of events, and nothing depends on who else is loaded."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from framework.data.tape import Tape, build
from framework.data.tape.event_arrays import chunks
from framework.errors import DataError, InputError
from framework.schema.event import EVENT, NO_INSTRUMENT, Flag, Kind
from framework.schema.instrument import Instrument, InstrumentKind
from framework.schema.units import Step

DAY = 86_400 * 10**9
MINUTE = 60 * 10**9
T0 = 18_262 * DAY  # 2020-01-01


def bars(stamps: list[str], closes: list[float], volume: float = 100.0) -> pd.DataFrame:
    close = np.array(closes)
    index = pd.DatetimeIndex(stamps, tz="UTC")
    return pd.DataFrame({"open": close, "high": close + 0.5, "low": close - 0.5, "close": close, "volume": volume}, index=index)


def minutes(closes: list[float], start: str = "2020-01-01 00:01") -> pd.DataFrame:
    return bars([str(t) for t in pd.date_range(start, periods=len(closes), freq="min")], closes)


def rows(tape: Tape) -> list[tuple[int, int]]:
    return [(int(e["ts_local_ns"]), int(e["kind"])) for e in tape.events]


def test_a_bar_in_ticks_and_lots() -> None:
    frame = pd.DataFrame(
        {"open": [99.9127], "high": [100.0001], "low": [0.0003], "close": [99.0], "volume": [2.5]},
        index=pd.DatetimeIndex(["2020-01-01 00:01"], tz="UTC"),
    )
    tape = build({"X": frame}, {"X": Instrument("X", tick=Step(1, 10_000), lot=Step(1, 10))})
    [bar] = tape.events[tape.events["kind"] == Kind.BAR]
    assert [int(bar[w]) for w in ("w0", "w1", "w2", "w3", "w4")] == [999_127, 1_000_001, 3, 990_000, 25]
    assert int(bar["ts_local_ns"]) == int(bar["ts_venue_ns"]) == T0 + MINUTE


def test_ticks_of_an_eighth() -> None:
    tape = build({"X": bars(["2020-01-01 00:01"], [10.125])}, {"X": Instrument("X", tick=Step(1, 8))})
    assert int(tape.events[1]["w3"]) == 81


def test_order_at_one_stamp() -> None:
    """Market data, halt, session close, session open, split, dividend, delisting; all at the midnight after one bar."""
    midnight = pd.Timestamp("2020-01-02", tz="UTC")
    halts = np.zeros(2, EVENT)
    halts["ts_local_ns"] = halts["ts_venue_ns"] = T0 + DAY
    halts["kind"], halts["w0"] = Kind.HALT, [1, 0]
    after = np.zeros(1, EVENT)
    after["ts_local_ns"] = after["ts_venue_ns"] = T0 + DAY + 1
    after["kind"], after["instrument"] = Kind.QUOTE, 1
    actions = pd.DataFrame(
        {"symbol": ["X", "X", "X"], "ts": [midnight] * 3, "kind": ["delist", "dividend", "split"], "value": [9.5, 0.25, Fraction(3, 2)]}
    )
    frames = {"X": bars(["2020-01-02 00:00"], [10.0])}
    tape = build(frames, {"X": Instrument("X"), "Y": Instrument("Y")}, actions=actions, extra=np.concatenate([after, halts]))
    at = tape.events[tape.events["ts_local_ns"] == T0 + DAY]
    assert [Kind(int(k)) for k in at["kind"]] == [
        Kind.BAR, Kind.HALT, Kind.HALT, Kind.SESSION, Kind.SESSION, Kind.SPLIT, Kind.DIVIDEND, Kind.DELIST,
    ]  # fmt: skip
    assert [int(w) for w in at["w0"][1:3]] == [1, 0]  # halts stay as given
    assert [int(f) for f in at["flags"][3:5]] == [Flag.SESSION_CLOSE, Flag.SESSION_OPEN]
    assert (int(at["w0"][5]), int(at["w1"][5])) == (3, 2)
    assert int(at["w0"][6]) == 250_000_000
    assert int(at["w0"][7]) == 950


def test_session_events_carry_calendar_open_and_close() -> None:
    tape = build({"X": minutes([1.0, 2.0])}, {"X": Instrument("X")})
    opening, closing = tape.events[tape.events["kind"] == Kind.SESSION]
    for event, flag, stamp in ((opening, Flag.SESSION_OPEN, T0), (closing, Flag.SESSION_CLOSE, T0 + DAY)):
        assert int(event["flags"]) == flag
        assert int(event["ts_local_ns"]) == stamp
        assert int(event["instrument"]) == NO_INSTRUMENT
        assert [int(event[w]) for w in ("w0", "w1", "w2")] == [0, T0, T0 + DAY]


def test_registration_order_does_not_reach_the_bytes() -> None:
    a, b = minutes([1.0, 2.0]), minutes([3.0, 4.0])
    instruments = {"A": Instrument("A", currency="EUR"), "B": Instrument("B", currency="CHF")}
    one = build({"A": a, "B": b}, instruments)
    other = build({"B": b, "A": a}, dict(reversed(instruments.items())))
    assert one.digest() == other.digest()
    assert one.currencies == ("CHF", "EUR")
    at_first = one.events[one.events["ts_local_ns"] == T0 + MINUTE]
    assert [int(i) for i in at_first["instrument"]] == [0, 1]


def test_digest_sees_prices_and_definitions() -> None:
    plain = build({"X": minutes([1.0, 2.0])}, {"X": Instrument("X")})
    other_price = build({"X": minutes([1.0, 2.01])}, {"X": Instrument("X")})
    other_venue = build({"X": minutes([1.0, 2.0])}, {"X": Instrument("X", venue="ELSEWHERE")})
    assert len(plain.digest()) == 64
    assert len({plain.digest(), other_price.digest(), other_venue.digest()}) == 3
    assert plain.digest() == build({"X": minutes([1.0, 2.0])}, {"X": Instrument("X")}, name="n", notes=["said"]).digest()


def test_events_cannot_be_changed_under_the_digest() -> None:
    tape = build({"X": minutes([1.0])}, {"X": Instrument("X")})
    with pytest.raises(ValueError, match="read-only"):
        tape.events["w0"] = 1


def test_select_is_as_if_the_rest_had_never_been_loaded() -> None:
    frames = {"A": minutes([1.0, 2.0]), "B": minutes([3.0, 4.0], "2020-01-05 10:00"), "C": minutes([5.0])}
    instruments = {s: Instrument(s, calendar="24/7") for s in frames}
    whole = build(frames, instruments)
    assert whole.select(["B"]).digest() == build({"B": frames["B"]}, {"B": instruments["B"]}).digest()
    both = whole.select(["C", "A"])
    assert [i.symbol for i in both.instruments] == ["A", "C"]
    assert both.index("C") == 1


def test_select_a_day_takes_the_bar_stamped_at_its_last_midnight() -> None:
    frame = bars(["2020-01-01 00:00", "2020-01-01 12:00", "2020-01-02 00:00", "2020-01-02 12:00"], [1, 2, 3, 4])
    tape = build({"X": frame}, {"X": Instrument("X")})
    day = tape.select(start="2020-01-01", end="2020-01-01")
    assert [int(w) for w in day.events["w3"][day.events["kind"] == Kind.BAR]] == [200, 300]
    instants = tape.select(start="2020-01-01 00:00Z", end="2020-01-01 12:00Z")
    assert [int(w) for w in instants.events["w3"][instants.events["kind"] == Kind.BAR]] == [100, 200]


def test_select_nothing_and_unknown() -> None:
    tape = build({"AAPL": minutes([1.0])}, {"AAPL": Instrument("AAPL")}, name="mine")
    with pytest.raises(DataError, match=r"'AAPLE' is not on the tape 'mine'\. Did you mean AAPL"):
        tape.select(["AAPLE"])
    with pytest.raises(DataError, match="no events between 2021-01-01 and None"):
        tape.select(start="2021-01-01")
    with pytest.raises(DataError, match="start=2021-01-02 is after end=2021-01-01"):
        tape.select(start="2021-01-02", end="2021-01-01")
    with pytest.raises(DataError, match="has a time but no zone"):
        tape.select(start="2021-01-02 10:00")
    with pytest.raises(DataError, match="'soon' is not a date"):
        tape.select(end="soon")


def test_each_bar_of_a_bars_calendar_is_its_own_session() -> None:
    frame = bars(["2020-01-03 21:00", "2020-01-06 21:00", "2020-01-07 21:00"], [1, 2, 3])
    tape = build({"X": frame}, {"X": Instrument("X", calendar="bars", bar_interval_ns=DAY)})
    sessions = tape.events[(tape.events["kind"] == Kind.SESSION) & (tape.events["flags"] == Flag.SESSION_OPEN)]
    friday = int(pd.Timestamp("2020-01-03 21:00", tz="UTC").as_unit("ns").value)
    # Monday's bar opens a bar length before its close, not on Friday
    assert [int(w) for w in sessions["w1"]] == [friday - DAY, friday + 2 * DAY, friday + 3 * DAY]
    assert [int(w) for w in sessions["w2"]] == [friday, friday + 3 * DAY, friday + 4 * DAY]


def test_another_instruments_bars_do_not_end_my_sessions() -> None:
    mine = bars(["2020-01-03 21:00", "2020-01-07 21:00"], [1, 2])
    other = bars(["2020-01-03 21:30", "2020-01-06 21:30", "2020-01-07 21:30"], [1, 2, 3])
    inside = bars(["2020-01-06 21:30", "2020-01-07 21:30"], [1, 2])
    instruments = {s: Instrument(s, calendar="bars") for s in ("IN", "ME", "OTHER")}
    alone = build({"ME": mine}, {"ME": instruments["ME"]})
    crowd = build({"ME": mine, "OTHER": other, "IN": inside}, instruments)
    assert alone.calendars == ("bars",)
    assert [i.calendar for i in crowd.instruments] == ["bars:OTHER", "bars:ME", "bars:OTHER"]

    def sessions_of(tape: Tape, symbol: str) -> list[tuple[int, int]]:
        calendar = tape.calendars.index(tape.instruments[tape.index(symbol)].calendar)
        found = tape.events[(tape.events["kind"] == Kind.SESSION) & (tape.events["w0"] == calendar)]
        return [(int(e["ts_local_ns"]), int(e["flags"])) for e in found]

    assert sessions_of(alone, "ME") == sessions_of(crowd, "ME")
    assert crowd.select(["ME"]).digest() == alone.digest()


def test_instrument_of_quotes_only_and_its_base_currency() -> None:
    quote = np.zeros(1, EVENT)
    quote["ts_local_ns"], quote["ts_venue_ns"], quote["kind"] = T0 + 5, T0 + 3, Kind.QUOTE
    fx = Instrument("EURUSD", kind=InstrumentKind.FX, base_currency="EUR", tick=Step(1, 100_000))
    tape = build({}, {"EURUSD": fx}, extra=quote)
    assert tape.currencies == ("EUR", "USD")
    assert [k for _, k in rows(tape)] == [Kind.SESSION, Kind.QUOTE, Kind.SESSION]


def test_chunks_never_split_a_stamp() -> None:
    events = np.zeros(9, EVENT)
    events["ts_local_ns"] = [1, 1, 2, 3, 3, 3, 3, 4, 5]
    events["w0"] = np.arange(9)
    assert [len(c) for c in chunks(events, 3)] == [3, 4, 2]  # four at stamp 3 come whole
    assert [len(c) for c in chunks(events, 1)] == [2, 1, 4, 1, 1]
    assert [len(c) for c in chunks(events, 100)] == [9]
    assert [len(c) for c in chunks(events[:0], 5)] == []
    for size in range(1, 10):
        assert np.array_equal(np.concatenate(list(chunks(events, size))), events)
    with pytest.raises(InputError, match="at least 1, got 0"):
        list(chunks(events, 0))


def test_price_off_its_tick() -> None:
    with pytest.raises(DataError, match=r"X, row 2020-01-01 00:02:00\+00:00, column open: 2\.005 is not a whole number of ticks of 0\.01"):
        build({"X": minutes([1.0, 2.005])}, {"X": Instrument("X")})


def test_volume_off_its_lot_is_floored_and_said() -> None:
    tape = build({"X": bars(["2020-01-01 00:01"], [1.0], volume=7.9)}, {"X": Instrument("X")})
    assert int(tape.events[1]["w4"]) == 7
    assert tape.notes == ("X: 1 volumes are not whole lots of 1 and were floored, by 0.9 at most.",)
    with pytest.raises(DataError, match=r"column volume: 1e\+300 is 1e\+300 steps of 1; rule: at most 9.0e\+15"):
        build({"X": bars(["2020-01-01 00:01"], [1.0], volume=1e300)}, {"X": Instrument("X")})


def test_what_build_refuses() -> None:
    frame = minutes([1.0])
    with pytest.raises(DataError, match=r"bars of 'XX', but no such instrument\. Did you mean X"):
        build({"XX": frame}, {"X": Instrument("X")})
    with pytest.raises(DataError, match="'Y'\\] is called 'X'"):
        build({"Y": frame}, {"Y": Instrument("X")})
    with pytest.raises(DataError, match="no bars and no events"):
        build({}, {"X": Instrument("X")})
    with pytest.raises(DataError, match="it has no bars"):
        build({"X": frame}, {"X": Instrument("X"), "Y": Instrument("Y", calendar="bars")})
    with pytest.raises(DataError, match="tz-aware"):
        build({"X": frame.tz_localize(None)}, {"X": Instrument("X")})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"instrument": 7}, "instrument 7, but there are 1"),
        ({"kind": Kind.SESSION}, "SESSION events"),
        ({"ts_local_ns": 4}, "ts_local_ns 4 < ts_venue_ns 5"),
    ],
)
def test_extra_events_that_are_refused(change: dict[str, int], message: str) -> None:
    extra = np.zeros(1, EVENT)
    extra["ts_local_ns"] = extra["ts_venue_ns"] = 5
    extra["kind"] = Kind.QUOTE
    for name, value in change.items():
        extra[name] = value
    with pytest.raises(DataError, match=message):
        build({}, {"X": Instrument("X")}, extra=extra)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("Y", "split", "2:1"), "no such instrument"),
        (("X", "splt", "2:1"), "unknown kind. Did you mean split"),
        (("X", "split", "2/0:1"), "is not a split ratio"),
        (("X", "split", "-2:1"), "new and old shares > 0"),
        (("X", "dividend", 0.0), "amount > 0"),
        (("X", "dividend", float("nan")), "amount > 0"),
        (("X", "dividend", "much"), "not an amount"),
        (("X", "dividend", "0.0000000001"), "finer than a billionth"),
        (("X", "delist", 1.005), "not a whole number of ticks of 0.01"),
        (("X", "delist", -1.0), "final price >= 0"),
        (("X", "delist", 1.0), "delisted at 2020-01-01 00:01:00.*1 market events follow, the first at 2020-01-01 00:02"),
    ],
)
def test_actions_that_are_refused(row: tuple[str, str, object], message: str) -> None:
    symbol, kind, value = row
    actions = pd.DataFrame({"symbol": [symbol], "ts": [pd.Timestamp("2020-01-01 00:01", tz="UTC")], "kind": [kind], "value": [value]})
    with pytest.raises(DataError, match=message):
        build({"X": minutes([1.0, 2.0])}, {"X": Instrument("X")}, actions=actions)


def test_actions_twice_naive_or_without_a_column() -> None:
    frames, instruments = {"X": minutes([1.0])}, {"X": Instrument("X")}
    stamp = pd.Timestamp("2020-01-01", tz="UTC")
    one = pd.DataFrame({"symbol": ["X"], "ts": [stamp], "kind": ["dividend"], "value": [0.1]})
    with pytest.raises(DataError, match="row 1 .*the same action twice"):
        build(frames, instruments, actions=pd.concat([one, one]))
    with pytest.raises(DataError, match="no time zone"):
        build(frames, instruments, actions=one.assign(ts=one["ts"].dt.tz_localize(None)))
    with pytest.raises(DataError, match="column 'value' is missing"):
        build(frames, instruments, actions=one.drop(columns="value"))


def test_split_ratio_spellings_agree() -> None:
    stamp = pd.Timestamp("2020-01-01", tz="UTC")
    found = []
    for value in ("3:2", Fraction(3, 2), 1.5, "1.5"):
        actions = pd.DataFrame({"symbol": ["X"], "ts": [stamp], "kind": ["split"], "value": [value]})
        tape = build({"X": minutes([1.0])}, {"X": Instrument("X")}, actions=actions)
        [event] = tape.events[tape.events["kind"] == Kind.SPLIT]
        found.append((int(event["w0"]), int(event["w1"])))
    assert found == [(3, 2)] * 4
