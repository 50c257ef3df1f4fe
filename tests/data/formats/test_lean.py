"""Lean's folders, hand-written: every number below was worked out by hand from the rows."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from framework.data.formats import lean
from framework.data.formats.lean_files import ContractTerms
from framework.errors import DataError
from framework.schema.event import Flag, Kind
from framework.schema.instrument import InstrumentKind
from framework.schema.units import Step
from tests.data.formats.lean_tree import databases, minute, put

ONE_BAR = "34200000,1000000,1010000,990000,1005000,300\n"


def ns(text: str) -> int:
    return int(pd.Timestamp(text).as_unit("ns").value)


def words(path: Path, **options: object) -> list[tuple[int, ...]]:
    events = lean.read(path, **options).events()  # type: ignore[arg-type]
    names = ("ts_local_ns", "kind", "instrument", "w0", "w1", "w2", "w3", "w4")
    return [tuple(int(event[name]) for name in names) for event in events]


def test_a_minute_bar_is_stamped_at_its_close_and_scaled(tmp_path: Path) -> None:
    minute(tmp_path, "20140605", ONE_BAR)  # 9:30 in New York, summer: 13:30 UTC; known at 13:31
    assert words(tmp_path, symbol="AAPL") == [
        (ns("2014-06-05 13:31Z"), Kind.BAR, 0, 1_000_000, 1_010_000, 990_000, 1_005_000, 300),
    ]
    [instrument] = lean.read(tmp_path).instruments
    assert (instrument.symbol, instrument.tick, instrument.calendar, instrument.venue) == ("AAPL", Step(1, 10_000), "XNYS", "USA")
    assert instrument.bar_interval_ns == 60 * 10**9


def test_the_clock_follows_new_york_into_summer(tmp_path: Path) -> None:
    for day in ("20140307", "20140310"):  # clocks went forward on Sunday the 9th
        minute(tmp_path, day, ONE_BAR)
    stamps = [row[0] for row in words(tmp_path)]
    assert stamps == [ns("2014-03-07 14:31Z"), ns("2014-03-10 13:31Z")]


def test_a_day_of_23_hours_counts_by_the_clock_on_the_wall(tmp_path: Path) -> None:
    databases(tmp_path)
    # Berlin, Sunday 2014-03-30: two o'clock did not exist. 3:00 on the clock (10,800,000 ms) is 1:00 UTC
    rows = "3600000,10,10,10,10,1\n10800000,11,11,11,11,1\n"
    put(tmp_path, "future/eurex/minute/fdax/20140330_trade.zip", {"20140330_fdax_minute_trade_201406.csv": rows})
    assert [row[0] for row in words(tmp_path)] == [ns("2014-03-30 00:01Z"), ns("2014-03-30 01:01Z")]
    put(tmp_path, "future/eurex/minute/fdax/20140330_trade.zip", {"20140330_fdax_minute_trade_201406.csv": "9000000,10,10,10,10,1\n"})
    with pytest.raises(DataError, match=r"20140330_trade\.zip: a stamp cannot be placed in Europe/Berlin"):
        words(tmp_path)


def test_a_daily_bar_closes_with_its_session_and_an_hour_after_sixty_minutes(tmp_path: Path) -> None:
    put(tmp_path, "equity/usa/daily/ibm.zip", {"ibm.csv": "20131129 00:00,10000,10000,10000,10000,5"})  # closed at 13:00
    assert [row[0] for row in words(tmp_path / "equity/usa/daily")] == [ns("2013-11-29 18:00Z")]
    put(tmp_path, "equity/usa/hour/ibm.zip", {"ibm.csv": "20131129 12:00,10000,10000,10000,10000,5"})
    assert [row[0] for row in words(tmp_path / "equity/usa/hour")] == [ns("2013-11-29 18:00Z")]


def test_a_daily_bar_on_a_holiday_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "equity/usa/daily/ibm.zip", {"ibm.csv": "20131128 00:00,10000,10000,10000,10000,5"})
    with pytest.raises(DataError, match=r"ibm\.zip, member ibm\.csv, line 1, column time: 2013-11-28.*a session of XNYS"):
        words(tmp_path)


def test_a_quote_bar_is_a_quote_at_its_close_and_may_lack_a_side(tmp_path: Path) -> None:
    rows = "34200000,100,120,90,110,5,200,220,190,210,7\n34260000,,,,,0,200,220,190,215,8\n"
    minute(tmp_path, "20140605", rows, kind="quote")
    minute(tmp_path, "20140605", ONE_BAR)
    assert words(tmp_path, kind="quote") == [
        (ns("2014-06-05 13:31Z"), Kind.QUOTE, 0, 110, 210, 5, 7, 0),
        (ns("2014-06-05 13:32Z"), Kind.QUOTE, 0, 0, 215, 0, 8, 0),
    ]
    assert [row[1] for row in words(tmp_path)] == [Kind.BAR, Kind.QUOTE, Kind.QUOTE]
    assert any("closing bid and ask" in note for note in lean.read(tmp_path).notes)


def test_ticks_carry_the_other_side_and_leave_out_what_is_suspicious(tmp_path: Path) -> None:
    rows = "34200001,100,3,0,0,P,1,0\n34200002,0,0,120,4,Q,1,0\n34200003.5,500,9,0,0,P,1,1\n34200004,101,2,0,0,P,1,0\n"
    minute(tmp_path, "20140605", rows, kind="quote", resolution="tick")
    minute(tmp_path, "20140605", "34200002,110,50,D,0,0\n", resolution="tick")
    at = ns("2014-06-05 13:30Z")
    assert words(tmp_path) == [
        (at + 1_000_000, Kind.QUOTE, 0, 100, 0, 3, 0, 0),
        (at + 2_000_000, Kind.TRADE, 0, 110, 50, 0, 0, 0),
        (at + 2_000_000, Kind.QUOTE, 0, 100, 120, 3, 4, 0),
        (at + 4_000_000, Kind.QUOTE, 0, 101, 120, 2, 4, 0),
    ]
    assert "1 of 5 ticks are flagged suspicious and left out." in lean.read(tmp_path).notes
    assert words(tmp_path, suspicious="keep")[3][0] == at + 3_500_000
    with pytest.raises(DataError, match=r"line 3, column suspicious: 1"):
        words(tmp_path, suspicious="refuse")


def test_crypto_is_decimal_and_utc(tmp_path: Path) -> None:
    databases(tmp_path)
    rows = "0,7424.91,7424.91,7422,7422,24.568570729999998\n86340000,7422,7423,7421.5,7422.25,1\n"
    put(tmp_path, "crypto/coinbase/minute/btcusd/20180404_trade.zip", {"20180404_btcusd_minute_trade.csv": rows})
    assert words(tmp_path) == [
        (ns("2018-04-04 00:01Z"), Kind.BAR, 0, 742_491, 742_491, 742_200, 742_200, 2_456_857_073),
        (ns("2018-04-05 00:00Z"), Kind.BAR, 0, 742_200, 742_300, 742_150, 742_225, 100_000_000),
    ]


def test_forex_without_databases_is_told_its_steps(tmp_path: Path) -> None:
    put(tmp_path, "forex/fxcm/daily/eurusd.zip", {"eurusd.csv": "20140501 00:00,1.1,1.2,1.0,1.15,0,1.1,1.2,1.0,1.16,0"})
    with pytest.raises(DataError, match=r"EURUSD \(forex of fxcm\): tick_size=, lot_size= not known"):
        lean.read(tmp_path)
    recording = lean.read(tmp_path, tick_size="0.00001", lot_size=1)
    [event] = recording.events()
    assert int(event["ts_local_ns"]) == ns("2014-05-02 05:00Z")  # midnight at UTC-5, without summer time
    assert (int(event["w0"]), int(event["w1"])) == (115_000, 116_000)
    [pair] = recording.instruments
    assert (pair.kind, pair.base_currency, pair.currency) == (InstrumentKind.FX, "EUR", "USD")


def test_futures_and_options_name_their_contracts(tmp_path: Path) -> None:
    databases(tmp_path)
    folder = "future/cme/minute/es/20131007_"
    put(
        tmp_path,
        folder + "trade.zip",
        {f"20131007_es_minute_trade_20{m}.csv": f"0,{p},{p},{p},{p},9" for m, p in ((1312, 1676.5), (1403, 1670))},
    )
    put(tmp_path, folder + "openinterest.zip", {"20131007_es_minute_openinterest_201312.csv": "21960000,2691941"})
    recording = lean.read(tmp_path, "es")
    assert [i.symbol for i in recording.instruments] == ["ES 2013-12", "ES 2014-03"]
    assert [(i.multiplier, i.tick, i.calendar) for i in recording.instruments] == [(50.0, Step(1, 4), "CMES")] * 2
    assert words(tmp_path) == [
        (ns("2013-10-07 00:01Z"), Kind.BAR, 0, 6706, 6706, 6706, 6706, 9),
        (ns("2013-10-07 00:01Z"), Kind.BAR, 1, 6680, 6680, 6680, 6680, 9),
        (ns("2013-10-07 06:07Z"), Kind.OPEN_INTEREST, 0, 2_691_941, 0, 0, 0, 0),
    ]
    assert [i.symbol for i in lean.read(tmp_path, "ES 2014-03").instruments] == ["ES 2014-03"]
    with pytest.raises(DataError, match="no contract 'ES 2014-06'. Did you mean ES 2014-03"):
        lean.read(tmp_path, "ES 2014-06")
    assert ContractTerms.of("ES 2013-12") == ContractTerms("ES", "2013-12")

    member = "aapl_trade_american_call_575000_20150117.csv"
    put(tmp_path, "option/usa/daily/aapl_2014_trade_american.zip", {member: "20140606 00:00,17000,17000,16000,16400,28"})
    [option] = lean.read(tmp_path, security_type="option").instruments
    assert (option.symbol, option.multiplier) == ("AAPL 2015-01-17 C 57.5 american", 100.0)
    terms = ContractTerms.of(option.symbol)
    assert terms == ContractTerms("AAPL", "", dt.date(2015, 1, 17), "C", Fraction("57.5"), "american")
    assert terms.symbol == option.symbol
    with pytest.raises(DataError, match="'AAPL' is no contract"):
        ContractTerms.of("AAPL")


def test_a_futures_option_names_its_future(tmp_path: Path) -> None:
    databases(tmp_path)
    member = "20200105_es_minute_trade_american_put_30250000_20200320.csv"
    put(tmp_path, "futureoption/cme/minute/es/202003/20200105_trade_american.zip", {member: "82860000,107.5,107.5,107.5,107.5,3"})
    [option] = lean.read(tmp_path).instruments
    assert option.symbol == "ES 2020-03 2020-03-20 P 3025 american"
    assert ContractTerms.of(option.symbol).underlying == "ES 2020-03"
    assert words(tmp_path)[0][3] == 430  # futures options are not scaled: 107.5 / 0.25


def test_an_index_is_read_in_chicago_and_is_no_thing_to_trade(tmp_path: Path) -> None:
    put(
        tmp_path, "index/usa/minute/spx/20210104_trade.zip", {"20210104_spx_minute_trade.csv": "30600000,3764.61,3769.99,3764.61,3768.69,0"}
    )
    put(tmp_path, "index/usa/daily/spx.zip", {"spx.csv": "20210104 00:00,3764.61,3769.99,3662.71,3700.65,0"})
    assert words(tmp_path / "index/usa/minute", tick_size="0.01")[0][:4] == (ns("2021-01-04 14:31Z"), Kind.BAR, 0, 376_461)
    recording = lean.read(tmp_path / "index/usa/daily", "SPX", tick_size="0.01")
    assert recording.events()["ts_local_ns"].tolist() == [ns("2021-01-04 21:00Z")]
    assert [(i.kind, i.currency) for i in recording.instruments] == [(InstrumentKind.INDEX, "USD")]


def test_days_stream_in_parts_of_four_megabytes_at_most(tmp_path: Path) -> None:
    rows = "".join(f"{k},100,1,P,0,0\n" for k in range(70_000))
    for day in ("20140605", "20140606"):
        minute(tmp_path, day, rows, resolution="tick")
    recording = lean.read(tmp_path)
    assert [len(part) for part in recording.parts()] == [65_536, 4464] * 2
    assert [len(part) for part in recording.parts()] == [65_536, 4464] * 2  # anew each time
    assert (np.diff(recording.events()["ts_local_ns"]) > 0).all()


def test_hours_outside_the_session_are_left_out_on_request(tmp_path: Path) -> None:
    starts = (34_140_000, 34_200_000, 57_540_000, 57_600_000)  # 9:29, 9:30, 15:59, 16:00
    minute(tmp_path, "20140605", "".join(f"{start},100,100,100,100,1\n" for start in starts))
    assert len(words(tmp_path)) == 4
    assert [row[0] for row in words(tmp_path, hours="session")] == [ns("2014-06-05 13:31Z"), ns("2014-06-05 20:00Z")]
    assert "Rows outside the sessions of XNYS are left out, as asked." in lean.read(tmp_path, hours="session").notes
    minute(tmp_path, "20140605", "34199999,100,1,P,0,0\n34200000,100,2,P,0,0\n57600001,100,3,P,0,0\n", resolution="tick")
    assert [row[4] for row in words(tmp_path / "equity/usa/tick", hours="session")] == [2]
    with pytest.raises(DataError, match="hours='sesion' is unknown. Did you mean session"):
        words(tmp_path, resolution="minute", hours="sesion")


def test_the_range_chooses_files_and_rows(tmp_path: Path) -> None:
    for day in ("20140604", "20140605", "20140606"):
        minute(tmp_path, day, ONE_BAR + "34260000,1000000,1010000,990000,1005000,300\n")
    assert [row[0] for row in words(tmp_path, start="2014-06-05", end="2014-06-05 13:31Z")] == [ns("2014-06-05 13:31Z")]
    with pytest.raises(DataError, match="no file between start= and end=; the first is of 20140604, the last of 20140606"):
        lean.read(tmp_path, start="2014-07-01")


def test_prints_of_auctions_are_flagged(tmp_path: Path) -> None:
    codes = [
        "40",
        "20000080",
        "100",
        "4000000",
        "",
        "20000020",
        "200000",
    ]  # opening, closing, reopening; official open, none, sweep, crossing
    rows = "".join(f"{34200000 + k},1000000,1,P,{code},{int(k == 4)}\n" for k, code in enumerate(codes))
    minute(tmp_path, "20140605", rows, resolution="tick")
    flags = lean.read(tmp_path, suspicious="keep").events()["flags"].tolist()
    assert flags == [Flag.AUCTION] * 3 + [0] * 4
    assert lean.read(tmp_path).events()["flags"].tolist() == [Flag.AUCTION] * 3 + [0] * 3
    minute(tmp_path, "20140605", rows.replace("P,100,", "P,1OO,"), resolution="tick")
    with pytest.raises(DataError, match="line 3, column condition: '1OO'; rule: a hexadecimal number"):
        lean.read(tmp_path)


def test_a_symbol_is_read_through_its_former_ticker(tmp_path: Path) -> None:
    for day, ticker in (("20140402", "goog"), ("20140403", "goog"), ("20140403", "googl")):
        minute(tmp_path, day, ONE_BAR, ticker=ticker)
    maps = tmp_path / "equity/usa/map_files"
    maps.mkdir()
    (maps / "googl.csv").write_text("20040819,goog,Q\n20140402,goog,Q\n20501231,googl,Q\n", encoding="utf-8")
    recording = lean.read(tmp_path, "GOOGL")
    assert [i.symbol for i in recording.instruments] == ["GOOGL"]
    assert recording.events()["ts_local_ns"].tolist() == [ns("2014-04-02 13:31Z"), ns("2014-04-03 13:31Z")]
    assert any("former tickers" in note for note in recording.notes)


def test_a_long_file_of_a_former_ticker_is_cut_at_the_rename(tmp_path: Path) -> None:
    bar = "10000,10000,10000,10000,1\n"
    put(tmp_path, "equity/usa/daily/goog.zip", {"goog.csv": f"20140402 00:00,{bar}20140403 00:00,{bar}"})
    put(tmp_path, "equity/usa/daily/googl.zip", {"googl.csv": f"20140403 00:00,{bar}"})
    maps = tmp_path / "maps"
    maps.mkdir()
    (maps / "googl.csv").write_text("20040819,goog,Q\n20140402,goog,Q\n20501231,googl,Q\n", encoding="utf-8")
    stamps = lean.read(tmp_path, "GOOGL", map_files=maps).events()["ts_local_ns"].tolist()
    assert stamps == [ns("2014-04-02 20:00Z"), ns("2014-04-03 20:00Z")]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (ONE_BAR + "34260000,1,1,1,1\n", r"line 2: 5 columns in '34260000,1,1,1,1'; rule: equity minute trade rows have 6"),
        (ONE_BAR + "34260000,1,1,1,1,1,1\n", r"line 2: 7 columns"),
        ("\n" + ONE_BAR, r"line 1: 1 columns"),
        (ONE_BAR + "34260000,1,x,1,1,1\n", r"line 2, column high: 'x'; rule: a number"),
        (ONE_BAR + "34140000,1,1,1,1,1\n", r"line 2, column time: 2014-06-05 09:29:00; rule: one row a stamp, in order of time; 1 in all"),
        (ONE_BAR + ONE_BAR, r"line 2, column time: 2014-06-05 09:30:00; rule: one row a stamp"),
        (ONE_BAR + "34260000,-5,1,1,1,1\n", r"line 2, column open: -5; rule: open > 0"),
        (ONE_BAR + "34260000,,1,1,1,1\n", r"line 2, column open: empty; rule: open > 0"),
        (ONE_BAR + "34260000,5,4,3,4,1\n", r"line 2, column high: 4; rule: high >= open, low and close"),
        (ONE_BAR + "34260000,5,6,5.5,6,1\n", r"line 2, column low: 5.5; rule: low <= open, high and close"),
        (
            ONE_BAR + "34260000,5.5,6,5,6,1\n",
            r"line 2, column open: 5.5; rule: a whole number of 10000/10000 \(else declare a finer tick_size=\)",
        ),
        (ONE_BAR + "34260000,5,6,5,6,0.5\n", r"line 2, column volume: 0.5; rule: a whole number of 1 \(else declare a finer lot_size=\)"),
        (ONE_BAR + "34260000,5,6,5,6,-1\n", r"line 2, column volume: -1; rule: a finite volume >= 0"),
        ("86460000,5,6,5,6,1\n", r"line 1, column time: 2014-06-06 00:01:00; rule: 0 <= milliseconds since midnight <= 86400000"),
    ],
)
def test_damaged_rows_are_refused_by_name(tmp_path: Path, rows: str, message: str) -> None:
    minute(tmp_path, "20140605", rows)
    with pytest.raises(DataError, match=r"20140605_trade\.zip, member 20140605_aapl_minute_trade\.csv, " + message):
        words(tmp_path)


def test_a_line_keeps_its_number_after_others_are_left_out(tmp_path: Path) -> None:
    minute(tmp_path, "20140605", "34200000,100,1,D,0,1\n34200001,-1,1,D,0,0\n", resolution="tick")
    with pytest.raises(DataError, match="line 2, column price: -1; rule: price > 0"):
        words(tmp_path)


def test_a_member_out_of_several_is_named_with_its_own_line(tmp_path: Path) -> None:
    databases(tmp_path)
    good, bad = "0,10,10,10,10,9\n60000,10,10,10,10,9", "0,10,10,10,10,9\n60000,10,10,10,-10,9"
    put(
        tmp_path,
        "future/cme/minute/es/20131007_trade.zip",
        {"20131007_es_minute_trade_201312.csv": good, "20131007_es_minute_trade_201403.csv": bad},
    )
    with pytest.raises(DataError, match=r"member 20131007_es_minute_trade_201403\.csv, line 2, column close: -10"):
        words(tmp_path)


def test_a_truncated_zip_is_refused(tmp_path: Path) -> None:
    whole = minute(tmp_path, "20140605", ONE_BAR * 1)
    text = whole.read_bytes()
    whole.write_bytes(text[: len(text) // 2])
    with pytest.raises(DataError, match=r"20140605_trade\.zip: not a zip that can be read: .*cut short"):
        words(tmp_path)
    whole.write_bytes(text[:60] + bytes(20) + text[80:])  # the directory is whole, the data are not
    with pytest.raises(DataError, match=r"20140605_trade\.zip: not a zip that can be read"):
        words(tmp_path)


def test_what_is_not_there_names_what_is(tmp_path: Path) -> None:
    minute(tmp_path, "20140605", ONE_BAR)
    minute(tmp_path, "20140605", ONE_BAR, resolution="second")
    with pytest.raises(DataError, match="no data of 'APPL'. Did you mean aapl"):
        lean.read(tmp_path, "APPL", resolution="minute")
    with pytest.raises(DataError, match="holds equity/usa/minute; equity/usa/second. Read one at a time"):
        lean.read(tmp_path)
    with pytest.raises(DataError, match="nothing with resolution='minutes'. Did you mean minute"):
        lean.read(tmp_path, resolution="minutes")
    with pytest.raises(DataError, match="nothing with kind='quote'. Known: trade"):
        lean.read(tmp_path, kind="quote")
    with pytest.raises(DataError, match="no such file or folder. Did you mean equity"):
        lean.read(tmp_path / "equty")
    (tmp_path / "notes").mkdir()
    with pytest.raises(DataError, match="no Lean data"):
        lean.read(tmp_path / "notes")


def test_a_recording_is_a_tape_with_sessions(tmp_path: Path) -> None:
    minute(tmp_path, "20140605", ONE_BAR)
    kinds = lean.read(tmp_path).tape("one bar").events["kind"].tolist()
    assert kinds == [Kind.SESSION, Kind.BAR, Kind.SESSION]
