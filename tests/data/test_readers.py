"""Stamps, zones, calendars, steps and sources: what is read, and what is refused with which way out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from framework.data.readers import read_bars
from framework.data.tape import Tape
from framework.errors import DataError
from framework.schema.event import Kind
from framework.schema.instrument import Instrument, InstrumentKind
from framework.schema.units import Step

DAY = 86_400 * 10**9


def frame(index: pd.DatetimeIndex | list[str], price: float = 10.0, volume: float = 5.0) -> pd.DataFrame:
    stamps = index if isinstance(index, pd.DatetimeIndex) else pd.DatetimeIndex(index)
    return pd.DataFrame({"open": price, "high": price, "low": price, "close": price, "volume": volume}, index=stamps)


def utc(*texts: str) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(list(texts), tz="UTC")


def stamps(tape: Tape) -> list[str]:
    bars = tape.events[tape.events["kind"] == Kind.BAR]
    return [f"{pd.Timestamp(int(n)):%Y-%m-%d %H:%M}" for n in bars["ts_local_ns"]]


# stamps

NOVEMBER = ["2012-11-21", "2012-11-23", "2012-11-26"]
NOVEMBER_CLOSES = ["2012-11-21 21:00", "2012-11-23 18:00", "2012-11-26 21:00"]


def test_dates_with_a_calendar_are_its_closes() -> None:
    assert stamps(read_bars(frame(NOVEMBER), calendar="XNYS")) == NOVEMBER_CLOSES
    assert stamps(read_bars(frame(["2020-02-28", "2020-02-29"]), calendar="24/7")) == ["2020-02-29 00:00", "2020-03-01 00:00"]


def test_dates_with_a_zone_are_the_ends_of_their_days() -> None:
    # New York went from UTC-5 to UTC-4 on 2012-03-11
    found = read_bars(frame(["2012-03-09", "2012-03-10", "2012-03-11"]), time_zone="America/New_York")
    assert stamps(found) == ["2012-03-10 05:00", "2012-03-11 05:00", "2012-03-12 04:00"]


def test_dates_alone_are_refused_with_both_ways_out() -> None:
    with pytest.raises(DataError, match=r'the first is 2012-11-21.*calendar="XNYS".*time_zone="America/New_York"'):
        read_bars(frame(NOVEMBER))
    with pytest.raises(DataError, match="calendar="):
        read_bars(frame(NOVEMBER), calendar="bars")


def test_a_date_that_is_no_session() -> None:
    with pytest.raises(DataError, match="row 2012-11-22 00:00:00, column stamp: 2012-11-22 is not a session of XNYS; 1 in all"):
        read_bars(frame(["2012-11-21", "2012-11-22", "2012-11-23"]), calendar="XNYS")


def test_midnights_of_a_calendar_are_refused_or_moved() -> None:
    midnights = frame(pd.DatetimeIndex(NOVEMBER, tz="America/New_York"))
    with pytest.raises(DataError, match=r"rule: a daily bar of XNYS is stamped at its session's close"):
        read_bars(midnights, calendar="XNYS")
    with pytest.raises(DataError, match=r'2012-11-21 00:00:00\+00:00; rule: .*Midnight is before.*bar_stamp="open"'):
        read_bars(frame(utc(*NOVEMBER)), calendar="XNYS")
    assert stamps(read_bars(midnights, calendar="XNYS", bar_stamp="open")) == NOVEMBER_CLOSES
    assert stamps(read_bars(frame(utc(*NOVEMBER)), calendar="XNYS", bar_stamp="open")) == NOVEMBER_CLOSES


def test_session_opens_are_moved_to_the_closes() -> None:
    opens = utc("2012-11-21 14:30", "2012-11-23 14:30", "2012-11-26 14:30")
    assert stamps(read_bars(frame(opens), calendar="XNYS", bar_stamp="open")) == NOVEMBER_CLOSES
    with pytest.raises(DataError, match=r"2012-11-21 14:00:00\+00:00; rule: the open of a daily bar of XNYS.*3 in all"):
        read_bars(frame(opens - pd.Timedelta("30min")), calendar="XNYS", bar_stamp="open")


def test_opens_of_minutes_move_by_a_minute_over_gaps() -> None:
    opens = utc("2020-01-01 00:00", "2020-01-01 00:01", "2020-01-01 00:02", "2020-01-01 00:05")
    tape = read_bars(frame(opens), bar_stamp="open")
    assert stamps(tape) == ["2020-01-01 00:01", "2020-01-01 00:02", "2020-01-01 00:03", "2020-01-01 00:06"]
    assert tape.instruments[0].bar_interval_ns == 60 * 10**9


def test_opens_of_days_in_a_zone_end_at_its_midnights() -> None:
    days = pd.DatetimeIndex(["2012-03-09", "2012-03-10", "2012-03-11", "2012-03-12"], tz="America/New_York")
    assert stamps(read_bars(frame(days), bar_stamp="open"))[-2:] == ["2012-03-12 04:00", "2012-03-13 04:00"]


def test_opens_whose_length_cannot_be_told() -> None:
    irregular = utc("2020-01-01 00:00", "2020-01-01 00:05", "2020-01-01 00:10", "2020-01-01 00:11")
    with pytest.raises(DataError, match=r"the usual spacing is 0 days 00:05:00, but some are only 0 days 00:01:00"):
        read_bars(frame(irregular), bar_stamp="open")
    with pytest.raises(DataError, match="there is one bar"):
        read_bars(frame(utc("2020-01-01 00:01")), bar_stamp="open")
    with pytest.raises(DataError, match="bar_stamp='opening' is unknown"):
        read_bars(frame(irregular), bar_stamp="opening")  # type: ignore[arg-type]


def test_local_times_need_a_zone_that_can_place_them() -> None:
    local = frame(["2012-03-09 15:00", "2012-03-09 16:00"])
    assert stamps(read_bars(local, time_zone="America/New_York")) == ["2012-03-09 20:00", "2012-03-09 21:00"]
    with pytest.raises(DataError, match="no time zone"):
        read_bars(local)
    with pytest.raises(DataError, match="time_zone='New York' is unknown"):
        read_bars(local, time_zone="New York")
    with pytest.raises(DataError, match="cannot be placed in America/New_York"):
        read_bars(frame(["2012-03-11 02:30", "2012-03-11 03:30"]), time_zone="America/New_York")
    with pytest.raises(DataError, match="cannot be placed in America/New_York"):
        read_bars(frame(["2012-11-04 01:30", "2012-11-04 02:30"]), time_zone="America/New_York")


def test_epoch_numbers_need_their_unit(tmp_path: Path) -> None:
    path = tmp_path / "X.csv"
    path.write_text("Timestamp,Open,High,Low,Close,Volume\n1577836860000,1,1,1,1,1\n1577836920000,1,1,1,1,1\n")
    assert stamps(read_bars(path, epoch="ms")) == ["2020-01-01 00:01", "2020-01-01 00:02"]
    with pytest.raises(DataError, match=r'the stamps are numbers \(1577836860000 first\).*epoch="s"'):
        read_bars(path)
    with pytest.raises(DataError, match="epoch='min' is unknown"):
        read_bars(path, epoch="min")  # type: ignore[arg-type]


# calendars


def test_a_missing_session_is_refused_or_noted() -> None:
    holes = frame(["2012-11-20", "2012-11-26", "2012-11-27"])
    with pytest.raises(DataError, match=r'2 of the 5 XNYS sessions have no bar, the first is 2012-11-21.*missing="allow"'):
        read_bars(holes, calendar="XNYS")
    tape = read_bars(holes, calendar="XNYS", missing="allow")
    assert tape.notes == ("frame: 2 of the 5 XNYS sessions have no bar, the first is 2012-11-21; nothing trades in them.",)
    assert int((tape.events["kind"] == Kind.SESSION).sum()) == 10
    with pytest.raises(DataError, match="missing='maybe' is unknown"):
        read_bars(holes, calendar="XNYS", missing="maybe")  # type: ignore[arg-type]


def test_minutes_outside_the_session() -> None:
    inside = pd.date_range("2012-11-21 14:31", "2012-11-21 21:00", freq="min", tz="UTC")
    tape = read_bars(frame(inside), calendar="XNYS")
    assert len(stamps(tape)) == 390
    with pytest.raises(DataError, match=r"row 2012-11-21 14:30:00\+00:00.*bars of XNYS lie inside.*calendar=\"24/7\""):
        read_bars(frame(pd.DatetimeIndex([*utc("2012-11-21 14:30"), *inside])), calendar="XNYS")
    with pytest.raises(DataError, match=r"row 2012-11-21 21:01:00\+00:00"):
        read_bars(frame(pd.DatetimeIndex([*inside, *utc("2012-11-21 21:01")])), calendar="XNYS")


def test_calendar_not_named() -> None:
    intraday = read_bars(frame(utc("2020-01-03 10:00", "2020-01-03 11:00", "2020-01-06 11:00")))
    assert intraday.instruments[0].calendar == "24/7"
    daily = read_bars(frame(utc("2020-01-02 21:00", "2020-01-03 21:00", "2020-01-06 21:00")))
    assert daily.instruments[0].calendar == "bars"
    assert daily.instruments[0].bar_interval_ns == DAY


# steps


@pytest.mark.parametrize(("price", "tick"), [(10.0, Step(1, 1)), (10.25, Step(1, 100)), (0.000000125, Step(1, 10**9))])
def test_tick_is_the_coarsest_exact_decimal(price: float, tick: Step) -> None:
    assert read_bars(frame(utc("2020-01-01 00:01"), price)).instruments[0].tick == tick


def test_full_precision_prices_are_rounded_and_said() -> None:
    tape = read_bars(frame(utc("2020-01-01 00:01"), 100 / 3))
    [bar] = tape.events[tape.events["kind"] == Kind.BAR]
    assert int(bar["w3"]) == 33_333_333_333
    assert len(tape.notes) == 1
    assert "rounded to ticks of 1e-09; the largest change is 1e-11 of a price" in tape.notes[0]
    with pytest.raises(DataError, match="e-12 would become 3.333e-12 with ticks of 1e-15, a change of 0.0001 of it; rule: at most 1e-06"):
        read_bars(frame(utc("2020-01-01 00:01"), 1e-11 / 3))


@pytest.mark.parametrize(
    ("volume", "lot", "lots", "notes"),
    [(5.0, Step(1, 1), 5, 0), (0.125, Step(1, 1000), 125, 0), (100 / 3, Step(1, 10**8), 3_333_333_333, 1)],
)
def test_lots(volume: float, lot: Step, lots: int, notes: int) -> None:
    tape = read_bars(frame(utc("2020-01-01 00:01"), volume=volume))
    assert tape.instruments[0].lot == lot
    assert int(tape.events["w4"][1]) == lots
    assert len(tape.notes) == notes


def test_declared_steps_are_kept() -> None:
    tape = read_bars(frame(utc("2020-01-01 00:01"), 10.25), tick_size=0.05, lot_size=0.5)
    assert (tape.instruments[0].tick, tape.instruments[0].lot) == (Step(1, 20), Step(1, 2))
    assert (int(tape.events["w0"][1]), int(tape.events["w4"][1])) == (205, 10)
    with pytest.raises(DataError, match=r"10\.25 is not a whole number of ticks of 0\.1"):
        read_bars(frame(utc("2020-01-01 00:01"), 10.25), tick_size=0.1)


def test_specs_override_for_one_symbol() -> None:
    bars = {"EURUSD": frame(utc("2020-01-01 00:01"), 1.1), "SAP": frame(utc("2020-01-01 00:01"), 100.0)}
    specs = {"EURUSD": {"kind": "fx", "base_currency": "EUR", "tick_size": "0.00001"}, "SAP": {"currency": "EUR", "venue": "XETR"}}
    tape = read_bars(bars, instrument_specs=specs)
    fx, share = tape.instruments
    assert (fx.kind, fx.base_currency, fx.tick, fx.currency) == (InstrumentKind.FX, "EUR", Step(1, 100_000), "USD")
    assert (share.currency, share.venue, share.tick) == ("EUR", "XETR", Step(1, 1))
    whole = read_bars(bars, instrument_specs={"SAP": Instrument("SAP", tick=Step(1, 4), multiplier=10.0)})
    assert (whole.instruments[1].tick, whole.instruments[1].multiplier) == (Step(1, 4), 10.0)


def test_specs_that_are_refused() -> None:
    bars = {"SAP": frame(utc("2020-01-01 00:01"))}
    with pytest.raises(DataError, match="'curency' is unknown. Did you mean currency"):
        read_bars(bars, instrument_specs={"SAP": {"curency": "EUR"}})
    with pytest.raises(DataError, match="names 'SPA', which is not in the data"):
        read_bars(bars, instrument_specs={"SPA": {"currency": "EUR"}})
    with pytest.raises(DataError, match="kind 'FOREX' is unknown"):
        read_bars(bars, instrument_specs={"SAP": {"kind": "FOREX"}})
    with pytest.raises(DataError, match="an Instrument called 'X'"):
        read_bars(bars, instrument_specs={"SAP": Instrument("X")})


def test_only_an_index_may_lack_volume() -> None:
    bars = frame(utc("2020-01-01 00:01")).drop(columns="volume")
    with pytest.raises(DataError, match="column 'volume' is missing"):
        read_bars(bars)
    tape = read_bars(bars, instruments=["VIX"], instrument_specs={"VIX": {"kind": "INDEX"}})
    assert tape.notes == ("VIX: an index without volume; its bars carry volume 0.",)


# sources


def test_every_kind_of_source_gives_the_same_bytes(tmp_path: Path) -> None:
    stamp = pd.date_range("2020-01-01 00:01", periods=5, freq="min", tz="UTC", name="ts")
    close = np.array([10.1, 10.2, 10.3, 10.2, 10.1])
    bars = pd.DataFrame({"Open": close, "HIGH": close + 0.5, "low": close - 0.5, "close": close, "Volume": 100}, index=stamp)
    bars["HIGH"], bars["low"] = bars["HIGH"].round(2), bars["low"].round(2)
    expected = read_bars({"X": bars}).digest()
    bars.to_csv(tmp_path / "X.csv")
    bars.to_csv(tmp_path / "gz.csv.gz")
    bars.to_parquet(tmp_path / "X.parquet")
    bars.assign(symbol="X").to_csv(tmp_path / "other.csv")
    (tmp_path / "folder").mkdir()
    bars.to_csv(tmp_path / "folder" / "X.csv")
    bars.to_csv(tmp_path / "folder" / "Y.csv")
    assert read_bars(bars, instruments=["X"]).digest() == expected
    assert read_bars(bars.reset_index(), instruments=["X"]).digest() == expected
    for name in ("X.csv", "X.parquet", "other.csv"):
        assert read_bars(tmp_path / name).digest() == expected
        assert read_bars(str(tmp_path / name)).digest() == expected
    assert read_bars(tmp_path / "gz.csv.gz").instruments[0].symbol == "gz"
    assert [i.symbol for i in read_bars(tmp_path / "folder").instruments] == ["X", "Y"]
    assert read_bars(tmp_path / "folder", instruments=["X"]).digest() == expected
    assert read_bars(bars).instruments[0].symbol == "ASSET"


def test_columns_are_mapped_or_left_out_on_request() -> None:
    bars = frame(utc("2020-01-01 00:01")).rename(columns={"close": "Last"}).assign(trades=3)
    tape = read_bars(bars, columns={"last": "close", "Trades": ""})
    assert len(stamps(tape)) == 1
    with pytest.raises(DataError, match="column 'trades' is unknown"):
        read_bars(bars, columns={"last": "close"})
    with pytest.raises(DataError, match="columns= names 'lst', which is not there. Did you mean last"):
        read_bars(bars, columns={"lst": "close"})


def test_start_and_end_are_inclusive_days() -> None:
    tape = read_bars(frame(NOVEMBER), calendar="XNYS", start="2012-11-22", end="2012-11-23")
    assert stamps(tape) == ["2012-11-23 18:00"]
    with pytest.raises(DataError, match="no events between 2013-01-01 and None"):
        read_bars(frame(NOVEMBER), calendar="XNYS", start="2013-01-01")


def test_sources_that_are_refused(tmp_path: Path) -> None:
    bars = frame(utc("2020-01-01 00:01"))
    with pytest.raises(DataError, match="no such file. Did you mean AAPL.csv"):
        (tmp_path / "AAPL.csv").write_text("")
        read_bars(tmp_path / "APL.csv")
    with pytest.raises(DataError, match="no bars found"):
        (tmp_path / "empty").mkdir()
        read_bars(tmp_path / "empty")
    with pytest.raises(DataError, match="cannot tell what it is"):
        (tmp_path / "X.xlsx").write_text("")
        read_bars(tmp_path / "X.xlsx")
    with pytest.raises(DataError, match="not a parquet file"):
        (tmp_path / "X.parquet").write_text("no")
        read_bars(tmp_path / "X.parquet")
    with pytest.raises(DataError, match="no instrument 'AAPLE'. Did you mean AAPL"):
        read_bars({"AAPL": bars}, instruments=["AAPLE"])
    with pytest.raises(DataError, match="is one instrument, but instruments= names 2"):
        read_bars(bars, instruments=["A", "B"])
    with pytest.raises(DataError, match="a int"):
        read_bars(3)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="'X' comes twice, from X.csv and X.csv.gz"):
        (tmp_path / "two").mkdir()
        bars.rename_axis("ts").to_csv(tmp_path / "two" / "X.csv")
        bars.rename_axis("ts").to_csv(tmp_path / "two" / "X.csv.gz")
        read_bars(tmp_path / "two")


# real files


def test_nvidia_as_yahoo_wrote_it(shared: Path, tmp_path: Path) -> None:
    """Read as it lies: adjusted column refused; without it, every session from 1999 to 2014 is there."""
    lines = (shared / "01_equity_daily/backtrader/datas/nvda-1999-2014.txt").read_text()
    (tmp_path / "NVDA.csv").write_text(lines)
    with pytest.raises(DataError, match="adjusted prices are not the prices that traded"):
        read_bars(tmp_path / "NVDA.csv", calendar="XNYS")
    tape = read_bars(tmp_path / "NVDA.csv", calendar="XNYS", columns={"adj close": ""})
    bars = tape.events[tape.events["kind"] == Kind.BAR]
    # 1999-01-22,1.750000,1.953125,1.552083,1.640625,1.518424,67867200
    assert [int(bars[0][w]) for w in ("w0", "w1", "w2", "w3", "w4")] == [1_750_000, 1_953_125, 1_552_083, 1_640_625, 67_867_200]
    assert len(bars) == len(lines.splitlines()) - 1


def test_bitcoin_days_of_binance(shared: Path) -> None:
    """Stamped at their opens in milliseconds."""
    path = shared / "03_crypto/gravestone-data/1d/BTCUSDT.csv"
    left_out = {"quote_volume": "", "trades": "", "close_time": ""}
    tape = read_bars(path, epoch="ms", bar_stamp="open", calendar="24/7", columns=left_out)
    source = pd.read_csv(path)
    bars = tape.events[tape.events["kind"] == Kind.BAR]
    assert len(bars) == len(source)
    # the source says itself when each bar closed: one millisecond before the next
    assert np.array_equal(bars["ts_local_ns"] // 10**6, source["close_time"].to_numpy() + 1)
    tick = tape.instruments[0].tick
    assert np.array_equal(tick.to_floats(bars["w3"]), source["close"].to_numpy())


def test_vix_has_a_day_on_which_new_york_was_closed(shared: Path) -> None:
    """The index was published on the day of a state funeral; the row is named, not dropped."""
    path = shared / "09_macro/finance-vix/vix-daily.csv.gz"
    specs = {"vix-daily": {"kind": "INDEX"}}
    with pytest.raises(DataError, match=r"vix-daily\.csv\.gz, line 3641, column stamp: 2004-06-11 is not a session of XNYS; 1 in all"):
        read_bars(path, calendar="XNYS", instrument_specs=specs)
    # and the open of old days lies outside their range: line 535 reads 19.24,18.57,... for open and high
    with pytest.raises(DataError, match=r"line 535, column high: 18\.57; .* 18\.57 < 19\.24.* 47 offending rows in all"):
        read_bars(path, time_zone="America/New_York", instrument_specs=specs)
