"""Bars made of trades, quotes and bars: by hand, against plain Python, and the same bytes however the events are cut."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from framework.data.formats import freqtrade, lean
from framework.data.series.activity_bars import ActivityBars, Expectations
from framework.data.series.resample import resample
from framework.data.series.time_bars import TimeBars
from framework.data.tape import build
from framework.data.tape.event_arrays import chunks
from framework.data.tape.recording import Events, Recording
from framework.errors import DataError, InputError
from framework.schema.event import EVENT, Flag, Kind
from framework.schema.instrument import Instrument
from framework.schema.units import Step

MINUTE = 60 * 10**9
TEN = int(pd.Timestamp("2024-01-02 10:00", tz="UTC").value)
A, B = Instrument("A"), Instrument("B")
Maker = Callable[[], TimeBars | ActivityBars]


def trades(*rows: tuple[float, int, int], instrument: int = 0) -> Events:
    """Seconds after ten, price, lots."""
    made = np.zeros(len(rows), EVENT)
    for k, (second, price, lots) in enumerate(rows):
        stamp = TEN + round(second * 10**9)
        made[k] = (stamp, stamp - 5, Kind.TRADE, 0, instrument, price, lots, 0, 0, 0)
    return made


def merged(*pieces: Events) -> Events:
    events = np.concatenate(pieces)
    return events[np.argsort(events["ts_local_ns"], kind="stable")]


def recording(events: Events, *instruments: Instrument) -> Recording:
    return Recording(instruments or (A,), lambda: iter([events]), "test")


def bars(found: Events) -> list[tuple[int, ...]]:
    """Seconds after ten, instrument, open, high, low, close, volume."""
    assert (found["kind"] == Kind.BAR).all()
    assert (found["ts_local_ns"] >= found["ts_venue_ns"]).all()
    words = ("instrument", "w0", "w1", "w2", "w3", "w4")
    return [((int(row["ts_local_ns"]) - TEN) // 10**9, *(int(row[word]) for word in words)) for row in found]


def noise(seed: int, rows: int = 3000, instruments: int = 3) -> Events:
    random = np.random.default_rng(seed)
    made = np.zeros(rows, EVENT)
    made["ts_local_ns"] = TEN + np.cumsum(random.integers(0, 3 * 10**9, rows) * (random.random(rows) < 0.7))
    made["ts_venue_ns"] = made["ts_local_ns"] - random.integers(0, 1000, rows)
    made["kind"], made["instrument"] = Kind.TRADE, random.integers(0, instruments, rows)
    made["flags"] = random.choice([0, int(Flag.BUY), int(Flag.SELL)], rows)
    made["w0"], made["w1"] = 10_000 + np.cumsum(random.integers(-3, 4, rows)), random.integers(1, 50, rows)
    return made


def test_a_bar_holds_what_came_before_its_close() -> None:
    found = resample(recording(trades((5, 100, 1), (20, 103, 2), (59.999, 99, 4), (60, 101, 8), (200, 102, 16), (240, 1, 1))), every="1min")
    # the trade at 60 s opens the second minute; nothing happened in the third; the last minute has not ended
    assert bars(found.events()) == [(60, 0, 100, 103, 99, 99, 7), (120, 0, 101, 101, 101, 101, 8), (240, 0, 102, 102, 102, 102, 16)]
    assert found.instruments[0].bar_interval_ns == MINUTE
    assert found.notes == ("Bars were made of trades, every=1min.",)


def test_flat_bars_repeat_the_close_from_the_first_event_on() -> None:
    events = trades((5, 100, 1), (20, 103, 2), (200, 102, 16), (240, 1, 1))
    found = resample(recording(events), every="1min", empty="flat")
    flat = [(second, 0, 103, 103, 103, 103, 0) for second in (120, 180)]
    assert bars(found.events()) == [(60, 0, 100, 103, 100, 103, 3), *flat, (240, 0, 102, 102, 102, 102, 16)]
    assert "with volume 0" in found.notes[-1]


def test_an_unfinished_bar_is_left_out_unless_it_is_asked_for() -> None:
    source = recording(trades((5, 100, 1), (70, 101, 8)))
    assert bars(resample(source, every="1min").events()) == [(60, 0, 100, 100, 100, 100, 1)]
    kept = resample(source, every="1min", unfinished="keep")
    assert bars(kept.events())[1:] == [(120, 0, 101, 101, 101, 101, 8)]
    assert "may not be complete" in kept.notes[-1]


def test_a_bar_is_known_with_the_first_event_at_or_after_its_close() -> None:
    maker = TimeBars((A, B), "1min")
    assert not len(maker.apply(trades((5, 100, 1))))
    assert not len(maker.apply(trades((59.9, 100, 1))))
    assert bars(maker.apply(trades((60, 7, 1), instrument=1))) == [(60, 0, 100, 100, 100, 100, 2)]  # another's event tells the time too
    assert not len(maker.flush(TEN + 2 * MINUTE - 1))
    assert bars(maker.flush(TEN + 2 * MINUTE)) == [(120, 1, 7, 7, 7, 7, 1)]


def test_bars_of_bars_end_with_the_bar_stamped_at_their_close() -> None:
    minutes = np.zeros(20, EVENT)
    minutes["ts_local_ns"] = minutes["ts_venue_ns"] = TEN + MINUTE * np.repeat(np.arange(1, 11), 2)
    minutes["kind"], minutes["instrument"] = Kind.BAR, np.tile([0, 1], 10)
    step = np.repeat(np.arange(10), 2)
    minutes["w0"], minutes["w1"], minutes["w2"], minutes["w3"], minutes["w4"] = 100 + step, 105 + step, 95 + step, 101 + step, 1
    found = resample(recording(minutes, A, B), every="5min", of="bar")
    first, second = (100, 109, 95, 105, 5), (105, 114, 100, 110, 5)
    assert bars(found.events()) == [(300, 0, *first), (300, 1, *first), (600, 0, *second), (600, 1, *second)]


def test_hours_and_days_of_minutes_are_those_of_trades() -> None:
    source = recording(noise(4, 20_000), A, B, Instrument("C"))
    minutes = resample(source, every="1min")
    direct = resample(source, every="1h").events()
    assert resample(minutes, every="1h", of="bar").events()[: len(direct)].tobytes() == direct.tobytes()
    assert len(direct) > 10


def test_quotes_give_mids_in_half_ticks_bids_or_asks() -> None:
    quotes = trades((1, 0, 0), (2, 0, 0), (3, 0, 0), (61, 0, 0))
    quotes["kind"] = Kind.QUOTE
    quotes["w0"], quotes["w1"] = [100, 101, 0, 100], [103, 103, 103, 103]  # the third has no bid
    quotes["w2"], quotes["w3"] = [5, 5, 0, 5], 5
    source = recording(quotes)
    mids = resample(source, every="1min", of="mid")
    assert bars(mids.events()) == [(60, 0, 203, 204, 203, 204, 0)]
    assert mids.instruments[0].tick == Step(1, 200)
    assert bars(resample(source, every="1min", of="bid").events()) == [(60, 0, 100, 101, 100, 101, 0)]
    assert bars(resample(source, every="1min", of="ask").events()) == [(60, 0, 103, 103, 103, 103, 0)]


def plain_bars(events: Events, interval: int) -> set[tuple[int, ...]]:
    """Finished bars by time, one instrument and interval after the other."""
    frame = pd.DataFrame({name: events[name] for name in ("ts_local_ns", "instrument", "w0", "w1")})
    close = frame["ts_local_ns"] // interval * interval + interval
    found = set()
    for (one, end), rows in frame.groupby(["instrument", close]):
        if end <= frame["ts_local_ns"].iloc[-1]:
            prices = rows["w0"].tolist()
            found.add(((end - TEN) // 10**9, one, prices[0], max(prices), min(prices), prices[-1], int(rows["w1"].sum())))
    return found


@pytest.mark.parametrize("seed", range(3))
def test_time_bars_agree_with_a_plain_grouping(seed: int) -> None:
    events = noise(seed)
    found = bars(resample(recording(events, A, B, Instrument("C")), every="1min").events())
    assert set(found) == plain_bars(events, MINUTE)
    assert len(found) > 100
    assert [row[:2] for row in found] == sorted(row[:2] for row in found)


MAKERS: dict[str, Maker] = {
    "minute": lambda: TimeBars((A, B, Instrument("C")), "1min"),
    "flat": lambda: TimeBars((A, B, Instrument("C")), "10s", empty="flat"),
    "session": lambda: TimeBars((A, B, Instrument("C")), "7min", origin="session"),
    "ticks": lambda: ActivityBars((A, B, Instrument("C")), "ticks", 13),
    "volume": lambda: ActivityBars((A, B, Instrument("C")), "volume", 200),
    "dollars": lambda: ActivityBars((A, B, Instrument("C")), "dollars", 30_000),
    "imbalance": lambda: ActivityBars((A, B, Instrument("C")), imbalance=Expectations("volume", first_ticks=20)),
    "runs": lambda: ActivityBars((A, B, Instrument("C")), runs=Expectations("ticks", first_ticks=20)),
}


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("seed", [1, 2])
def test_one_event_at_a_time_gives_the_same_bytes(name: str, seed: int) -> None:
    events = noise(seed, 1500)
    made = []
    for size in (1, 7, len(events)):
        maker = MAKERS[name]()
        pieces = [maker.apply(events[at : at + size]) for at in range(0, len(events), size)]
        made.append(np.concatenate([*pieces, maker.flush(), maker.keep()]).tobytes())
    assert made[0] == made[1] == made[2]
    wide = np.zeros((len(events), 2), EVENT)
    wide[:, 0] = events
    wide.setflags(write=False)
    maker = MAKERS[name]()
    assert np.concatenate([maker.apply(wide[:, 0]), maker.flush(), maker.keep()]).tobytes() == made[0]  # apart, and not to be written
    assert len(made[0]) > 10 * EVENT.itemsize


@pytest.mark.parametrize("name", MAKERS)
def test_an_instrument_more_changes_no_other(name: str) -> None:
    events = noise(5, 1500)
    maker = MAKERS[name]()
    both = np.concatenate([maker.apply(events), maker.flush()])
    maker = MAKERS[name]()
    alone = maker.apply(events[events["instrument"] == 1])
    found = both[both["instrument"] == 1][: len(alone)]
    assert found.tobytes() == alone.tobytes()
    assert len(alone) > 3


@pytest.mark.parametrize("name", MAKERS)
def test_no_bar_is_stamped_before_what_it_holds_or_after_it_is_known(name: str) -> None:
    maker, seen, volume = MAKERS[name](), 0, 0
    events = noise(6, 1500)
    for k in range(len(events)):
        made = maker.apply(events[k : k + 1])
        now = int(events["ts_local_ns"][k])
        assert (made["ts_local_ns"] <= now).all()
        seen += int(events["w1"][k])
        volume += int(made["w4"].sum())
        assert volume <= seen
    assert volume > seen // 2


def test_the_trade_that_completes_a_bar_is_kept_whole() -> None:
    events = trades((1, 100, 3), (2, 101, 3), (3, 99, 30), (4, 98, 10), (5, 97, 1))
    found = resample(recording(events), volume=10).events()
    assert bars(found) == [(3, 0, 100, 101, 99, 99, 36), (4, 0, 98, 98, 98, 98, 10)]
    assert found["ts_venue_ns"].tolist() == [TEN + 3 * 10**9 - 5, TEN + 4 * 10**9 - 5]
    assert bars(resample(recording(events), ticks=2).events()) == [(2, 0, 100, 101, 100, 101, 6), (4, 0, 99, 99, 98, 98, 40)]
    dollars = resample(recording(events), dollars=6.06)  # 3 x 1.00 + 3 x 1.01 = 6.03; + 30 x 0.99; 10 x 0.98 by itself
    assert [row[0] for row in bars(dollars.events())] == [3, 4]
    assert dollars.instruments[0].bar_interval_ns == 0


def test_volume_counts_units_and_dollars_the_multiplier() -> None:
    coin = Instrument("C", lot=Step(1, 10))
    assert [row[0] for row in bars(resample(recording(trades((1, 1, 1), (2, 1, 2), (3, 1, 3)), coin), volume=0.3).events())] == [2, 3]
    future = Instrument("F", multiplier=50.0)
    assert [row[0] for row in bars(resample(recording(trades((1, 100, 1), (2, 100, 1)), future), dollars=100).events())] == [2]


def plain_information_bars(events: Events, expected: Expectations, *, runs: bool) -> list[tuple[int, int]]:
    """Stamp and number of trades of each bar, as the book has it, with lists."""
    least, most = expected.limits
    alpha, beta = 2 / (expected.bars + 1), 2 / (expected.bars * expected.first_ticks + 1)
    sign, last, mean_ticks, threshold = 0, None, float(expected.first_ticks), None
    signed: list[float] = []
    found, up, down = [], 0.0, 0.0
    for row in events:
        price, lots = int(row["w0"]), int(row["w1"])
        if row["flags"] & Flag.BUY:
            sign = 1
        elif row["flags"] & Flag.SELL:
            sign = -1
        elif last is not None and price != last:
            sign = 1 if price > last else -1
        last = price
        x = {"ticks": 1, "volume": lots, "dollars": price * lots}[expected.of]
        signed.append(sign * x)
        if threshold is None:
            closed = len(signed) == expected.first_ticks
        else:
            up += beta * (max(sign, 0) * x - up)
            down += beta * (max(-sign, 0) * x - down)
            bought, sold = sum(v for v in signed if v > 0), -sum(v for v in signed if v < 0)
            closed = (max(bought, sold) if runs else abs(bought - sold)) >= threshold
        if closed:
            if threshold is None:
                up = sum(v for v in signed if v > 0) / len(signed)
                down = -sum(v for v in signed if v < 0) / len(signed)
            else:
                mean_ticks += alpha * (len(signed) - mean_ticks)
            mean_ticks = min(max(mean_ticks, least), most)
            threshold = mean_ticks * (max(up, down) if runs else max(abs(up - down), expected.floor * (up + down) / mean_ticks**0.5))
            found.append((int(row["ts_local_ns"]), len(signed)))
            signed = []
    return found


@pytest.mark.parametrize("of", ["ticks", "volume", "dollars"])
@pytest.mark.parametrize("runs", [False, True])
def test_information_bars_agree_with_the_definition(of: str, runs: bool) -> None:
    events = noise(8, 3000, instruments=1)
    events["flags"][::3] = Flag.BUY
    expected = Expectations(of, first_ticks=25, bars=5)  # type: ignore[arg-type]
    made = resample(recording(events), runs=expected) if runs else resample(recording(events), imbalance=expected)
    plain = plain_information_bars(events, expected, runs=runs)
    assert made.events()["ts_local_ns"].tolist() == [stamp for stamp, _ in plain]
    assert len(plain) > 30


def session_minutes() -> Events:
    """Minute bars of XNYS on 2012-11-21 and 2012-11-23 (closed early at 13:00), and one after each close."""
    stamps: list[int] = []
    for date, until in (("2012-11-21", "16:00"), ("2012-11-23", "13:00")):
        span = pd.date_range(f"{date} 09:31", f"{date} {until}", freq="min", tz="America/New_York")
        stamps += [*span.as_unit("ns").asi8.tolist(), int((span[-1] + pd.Timedelta("10min")).value)]
    made = np.zeros(len(stamps), EVENT)
    made["ts_local_ns"] = made["ts_venue_ns"] = stamps
    made["kind"], made["w4"] = Kind.BAR, 1
    for word in ("w0", "w1", "w2", "w3"):
        made[word] = np.arange(len(stamps)) + 1000
    return made


def local(found: Events) -> list[str]:
    return [str(stamp)[:16] for stamp in pd.to_datetime(found["ts_local_ns"], utc=True).tz_convert("America/New_York")]


def test_a_bar_of_a_session_closes_at_its_close() -> None:
    daily = resample(recording(session_minutes()), every="session", of="bar", calendar="XNYS", outside="leave_out")
    found = daily.events()
    assert local(found) == ["2012-11-21 16:00", "2012-11-23 13:00"]
    assert found["w4"].tolist() == [390, 210]  # minutes of a whole and of a short session
    assert found["w0"].tolist() == [1000, 1391]
    assert (daily.instruments[0].calendar, daily.instruments[0].bar_interval_ns) == ("XNYS", 0)
    hours = resample(recording(session_minutes()), every="1h", origin="session", of="bar", calendar="XNYS", outside="leave_out").events()
    assert local(hours)[:2] == ["2012-11-21 10:30", "2012-11-21 11:30"]
    assert local(hours)[6:8] == ["2012-11-21 16:00", "2012-11-23 10:30"]  # the last of a session is shorter
    assert hours["w4"].tolist() == [60] * 6 + [30] + [60] * 3 + [30]


def test_flat_bars_stay_inside_sessions() -> None:
    rows = session_minutes()
    few = rows[[0, 1, -2]]
    found = resample(recording(few), every="1h", origin="session", of="bar", calendar="XNYS", empty="flat").events()
    assert len(found) == 7 + 4
    assert local(found)[6:8] == ["2012-11-21 16:00", "2012-11-23 10:30"]


def test_events_outside_sessions_are_refused_unless_left_out() -> None:
    made = resample(recording(session_minutes()), every="session", of="bar", calendar="XNYS")
    with pytest.raises(DataError, match=r"A: a BAR stamped 2012-11-21 21:10:00\+00:00 lies outside every session of XNYS.*leave_out"):
        made.events()


@pytest.mark.parametrize("kind", [Kind.SPLIT, Kind.PRICE_LIMITS])
def test_splits_and_price_limits_pass_between_the_bars_before_and_after_them(kind: Kind) -> None:
    split = trades((60, 2, 1))
    split["kind"] = kind
    found = resample(recording(merged(trades((5, 100, 1)), split, trades((61, 50, 1), (121, 50, 1)))), every="1min").events()
    assert found["kind"].tolist() == [Kind.BAR, kind, Kind.BAR]


def test_a_tape_is_resampled_without_its_sessions() -> None:
    tape = build({}, {"A": A}, extra=trades((5, 100, 1), (65, 101, 1)), name="two trades")
    made = resample(tape, every="1min")
    assert bars(made.events()) == [(60, 0, 100, 100, 100, 100, 1)]
    assert made.tape().instruments[0].bar_interval_ns == MINUTE


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "nothing given. Give one of every"),
        ({"every": "1min", "ticks": 5}, "every, ticks given"),
        ({"every": "7min"}, "not a whole number of 420000000000 ns"),
        ({"every": "fast"}, "is no length of time"),
        ({"every": "-1min"}, "must be above 0"),
        ({"every": "1min", "of": "last"}, "of='last' is unknown"),
        ({"volume": -1}, "must be above 0"),
        ({"ticks": 5, "of": "bar"}, "of= goes with every= only"),
        ({"every": "session", "calendar": "bars"}, "has no sessions of its own"),
        ({"every": "1min", "unfinished": "maybe"}, "unfinished='maybe' is unknown"),
    ],
)
def test_what_cannot_be_is_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        resample(recording(trades((1, 1, 1))), **settings)  # type: ignore[arg-type]


def test_bars_that_do_not_fit_into_longer_ones_are_refused() -> None:
    minutes = resample(recording(noise(1), A, B, Instrument("C")), every="5min")
    for every in ("1min", "12min"):
        with pytest.raises(InputError, match=r"A: bars of \d+ ns cannot be made of bars of 300000000000 ns"):
            resample(minutes, every=every, of="bar")


def test_expectations_that_cannot_be_are_refused() -> None:
    with pytest.raises(InputError, match="least_ticks <= first_ticks"):
        Expectations(first_ticks=10, least_ticks=20)
    with pytest.raises(InputError, match="Did you mean ticks"):
        Expectations("tick")  # type: ignore[arg-type]


def test_a_source_without_trades_and_a_stranger_are_refused() -> None:
    with pytest.raises(DataError, match="test: bars are to be made of QUOTE, but there is TRADE. Choose with of="):
        resample(recording(trades((1, 1, 1))), every="1min", of="mid").events()
    for made in (resample(recording(trades((1, 1, 1), instrument=3)), **rule) for rule in ({"every": "1min"}, {"ticks": 2})):  # type: ignore[arg-type]
        with pytest.raises(DataError, match="instrument 3, but there are 1 instruments"):
            made.events()


def test_parts_stream_as_they_come() -> None:
    events = noise(9, 1000)

    def parts() -> Iterator[Events]:
        yield from chunks(events, 100)

    source = Recording((A, B, Instrument("C")), parts, "test")
    whole = resample(recording(events, A, B, Instrument("C")), every="1min").events()
    made = resample(source, every="1min")
    assert np.concatenate(list(made.parts())).tobytes() == whole.tobytes()
    assert len(list(made.parts())) >= 10


def test_apples_minutes_make_the_daily_bars_of_the_same_source(shared: Path) -> None:
    terms = {"reference": shared / "00_reference/Lean", "kind": "trade"}
    minutes = lean.read(shared / "02_equity_intraday/Lean/equity/usa/minute/aapl", **terms)  # type: ignore[arg-type]
    daily = lean.read(shared / "01_equity_daily/Lean/equity/usa/daily/aapl.zip", **terms).events()  # type: ignore[arg-type]
    made = resample(minutes, every="session", of="bar", calendar="XNYS", outside="leave_out").events()
    both, left, right = np.intersect1d(made["ts_local_ns"], daily["ts_local_ns"], return_indices=True)
    assert len(both) == len(made) >= 3
    for word in ("w0", "w3", "w4"):  # its high and low differ by up to two cents, as docs/data.md says
        assert made[word][left].tolist() == daily[word][right].tolist()


def test_spys_seconds_make_its_minutes(shared: Path) -> None:
    terms = {"reference": shared / "00_reference/Lean", "kind": "trade", "start": "2013-10-07", "end": "2013-10-07"}
    folder = shared / "02_equity_intraday/Lean/equity/usa"
    seconds, minutes = (lean.read(folder / length / "spy", **terms) for length in ("second", "minute"))  # type: ignore[arg-type]
    made, shipped = resample(seconds, every="1min", of="bar").events(), minutes.events()
    for word in ("ts_local_ns", "w0", "w1", "w2", "w3"):
        assert made[word].tolist() == shipped[word].tolist()


@pytest.mark.parametrize(("every", "count"), [("1m", 2_469), ("5m", 706)])
def test_real_trades_make_the_candles_that_were_made_of_them(shared: Path, every: str, count: int) -> None:
    trades_file, candles_file = (next(shared.rglob(name)) for name in ("XRP_ETH-trades.feather", f"XRP_ETH-{every}.feather"))
    source, candles = freqtrade.read(trades_file), freqtrade.read(candles_file)
    made, shipped = resample(source, every=f"{every}in", unfinished="keep").events(), candles.events()
    assert source.instruments[0].tick == candles.instruments[0].tick
    assert len(made) == len(shipped) == count
    for word in ("ts_local_ns", "w0", "w1", "w2", "w3", "w4"):
        assert made[word].tolist() == shipped[word].tolist()
