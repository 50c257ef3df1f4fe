"""Reference data, hours and funding from Lean's files: hand-written ones, and its sample data against other sources of the same facts."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from framework.data.formats import lean, lean_funding, lean_hours, lean_tables
from framework.data.series.continuous import activity, back_adjusted, by_calendar, by_open_interest, by_volume, continuous
from framework.data.tape.recording import Recording
from framework.errors import DataError
from framework.schema.event import Kind
from framework.schema.instrument import Instrument
from framework.schema.units import Step
from tests.data.formats.lean_tree import PROPERTIES, databases


def ns(text: str) -> int:
    return int(pd.Timestamp(text, tz="UTC").as_unit("ns").value)


def write(folder: Path, files: dict[str, str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


MAPS = {
    "googl.csv": "20040819,goog,Q\n20140402,goog,Q\n20501231,googl,Q\n",
    "goog.csv": "20140327,goocv,Q\n20140402,goocv,Q\n20501231,goog,Q\n",
    "old.csv": "20000103,old,N\n20050107,old,N\n",
}


def test_map_files_become_names_with_their_days(tmp_path: Path) -> None:
    databases(tmp_path)
    found = lean_tables.equities(write(tmp_path / "map_files", MAPS), databases=tmp_path)
    # dates are inclusive and days begin in New York: 2014-04-03 at 00:00 there is 04:00 UTC
    assert found.resolve("GOOG", "USA", "2014-04-03T03:59Z") == "GOOGL"
    assert found.resolve("GOOG", "USA", "2014-04-03T04:00Z") == "GOOG"
    assert found.symbol_of("GOOG", "USA", "2014-03-28") == "GOOCV"
    assert found.row("OLD", "2005-01-08T04:59Z").to_ns == ns("2005-01-08 05:00")
    with pytest.raises(DataError, match="'OLD' is not listed at 2005-01-08T05:00:00Z"):
        found.instrument("OLD", "2005-01-08T05:00Z")
    assert found.tick_at("GOOG", "2015-01-01", 0.99) == Step(1, 10_000) and found.tick_at("GOOG", "2015-01-01", 1.0) == Step(1, 100)
    assert found.instrument("GOOG", "2015-01-01").calendar == "XNYS"
    assert found.action_table()[["symbol", "kind", "value"]].values.tolist() == [["GOOG", "rename", "GOOG"], ["GOOGL", "rename", "GOOGL"]]
    with pytest.raises(DataError, match="no map files"):
        lean_tables.equities(tmp_path / "none", databases=tmp_path)
    with pytest.raises(DataError, match="no row of equities of usa"):
        lean_tables.equities(tmp_path / "map_files", databases=tmp_path / "none")


def test_lists_become_entries_and_exits(tmp_path: Path) -> None:
    databases(tmp_path)
    known = lean_tables.equities(write(tmp_path / "map_files", MAPS), databases=tmp_path)
    lists = {
        "20140401.csv": "GOOG,GOOCV X,20140331,0.5\nABC,ABC 1,20140331,0.5\n",  # GOOG of this day is the company now called GOOGL
        "20140402.csv": "GOOG,GOOCV X,20140331,0.5\nABD,ABC 1,20140331,0.5\nABC,ABC 2,20140331,0.1\n",  # ABC is renamed, another ABC comes
        "20140403.csv": "ABD,ABC 1,20140331,0.5\n",
    }
    found = lean_tables.universe(write(tmp_path / "spy", lists), "SPY", known, databases=tmp_path)
    # a list counts from the midnight after its date
    with pytest.raises(DataError, match="the nearest it is known: from 2014-04-02T04:00:00Z"):
        found.universe("SPY", "2014-04-02T03:59Z")
    assert found.universe("SPY", "2014-04-02T04:00Z") == ("ABC", "GOOGL")
    assert found.universe("SPY", "2014-04-03T04:00Z") == ("ABC", "ABC 2", "GOOGL")
    assert found.universe("SPY", "2014-04-04T04:00Z") == ("ABC",)
    assert found.resolve("ABC 2", lean_tables.VENDOR, "2014-04-03") == "ABC 2"
    # the last list stands for four days, then nothing is known
    assert found.universe("SPY", "2014-04-08T03:59Z") == ("ABC",)
    with pytest.raises(DataError, match="is not known at 2014-04-08T04:00:00Z"):
        found.universe("SPY", "2014-04-08T04:00Z")
    again = lean_tables.universe(tmp_path / "spy", "other", found, databases=tmp_path)
    assert again.universe("other", "2014-04-03T04:00Z") == ("ABC", "ABC 2", "GOOGL") and len(again.instruments) == len(found.instruments)
    write(tmp_path / "spy", {"20140404.csv": "ABC,0.5\n"})
    with pytest.raises(DataError, match=r"20140404.csv, line 1: .*rule: a ticker and a security id"):
        lean_tables.universe(tmp_path / "spy", "SPY", known, databases=tmp_path)


def test_futures_expire_on_the_day_in_their_security_id(tmp_path: Path) -> None:
    databases(tmp_path)
    maps = write(
        tmp_path / "future/cme/map_files", {"es.csv": "18991230,es,CME\n20091217,es uik2f7cj4v0h,CME,0\n20100318,es ul1o3pmw3im9,CME,0\n"}
    )
    found = lean_tables.futures(maps / "es.csv", databases=tmp_path)
    assert [(row.id, row.expiry_ns) for row in found.contracts_of("ES")] == [
        ("ES 2009-12", ns("2009-12-18 14:30")),  # third Fridays, 9:30 in New York
        ("ES 2010-03", ns("2010-03-19 13:30")),
    ]
    assert found.instrument("ES 2009-12", "2009-12-01") == Instrument(
        "ES 2009-12", Step(1, 4), multiplier=50.0, venue="CME", calendar="CMES"
    )
    with pytest.raises(DataError, match="not listed at 2009-12-18T14:30:00Z"):
        found.instrument("ES 2009-12", "2009-12-18T14:30Z")
    mapped = lean_tables.mapped(maps / "es.csv", 0, "CMES")
    assert mapped[1] == (ns("2009-12-17 23:00"), "ES 2010-03")  # the session of the 18th opens the evening before
    with pytest.raises(DataError, match="no rows mapped in the way 3"):
        lean_tables.mapped(maps / "es.csv", 3, "CMES")
    write(maps, {"nq.csv": "18991230,nq,CME\n20091217,nq uik2f7cj4v0h,CME\n"})
    with pytest.raises(DataError, match="no row of NQ"):
        lean_tables.futures(maps / "nq.csv", databases=tmp_path)
    with pytest.raises(DataError, match=r"nq.csv, line 2: .*rule: date, security id, exchange, way"):
        lean_tables.map_rows(maps / "nq.csv")
    with pytest.raises(DataError, match="no security id"):
        lean_tables.date_in("AAPL !")


def test_options_expire_in_the_afternoon_of_the_day_in_their_name() -> None:
    option = Instrument("AAPL 2015-01-17 C 57.5 american", Step(1, 10_000), multiplier=100.0, venue="USA", calendar="XNYS")
    put = Instrument("AAPL 2014-06-21 P 645 american", Step(1, 10_000), multiplier=100.0, venue="USA", calendar="XNYS")
    found = lean_tables.options([option, put], settlement="physical")
    chain = found.contracts_of("AAPL")
    assert [(row.expiry_ns, row.right, float(row.strike), row.style) for row in chain] == [
        (ns("2014-06-21 20:00"), "P", 645.0, "american"),
        (ns("2015-01-17 21:00"), "C", 57.5, "american"),
    ]
    assert found.instrument(option.symbol, "2015-01-17T20:59Z") == option and len(found.ticks) == 1
    with pytest.raises(DataError, match="'ES 2013-12' is no option"):
        lean_tables.options([Instrument("ES 2013-12")])


def test_a_list_of_contracts_counts_when_all_of_it_was_known(tmp_path: Path) -> None:
    header = "#expiry,open,high,low,close,volume,open_interest\n"
    folder = write(tmp_path / "es", {"20131004.csv": header + "201312,1,1,1,1,9,100\n201403,1,1,1,1,3,\n"})  # a Friday
    found = lean_tables.chain_activity(folder)
    assert found.contracts == ("ES 2013-12", "ES 2014-03")
    assert found.volume.tolist() == [[9, 3]] and found.open_interest[0, 0] == 100 and np.isnan(found.open_interest[0, 1])
    assert pd.Timestamp(int(found.sessions.labels[0]), unit="D") == pd.Timestamp("2013-10-08")  # Monday's figures, told on Tuesday
    write(folder, {"20131007.csv": "expiry\n"})
    with pytest.raises(DataError, match="20131007.csv, line 1"):
        lean_tables.chain_activity(folder)


def test_factor_rows_differ_by_one_roll(tmp_path: Path) -> None:
    rows = [("2013-09-17", 0.9, -10.0, 2), ("2013-10-17", 0.5, -3.0, 1), ("2013-12-17", 0.95, -4.5, 2), ("2050-12-31", 1.0, 0.0, 2)]
    text = "\n".join(
        json.dumps({"Date": d + "T00:00:00", "BackwardsRatioScale": [r], "BackwardsPanamaCanalScale": [p], "DataMappingMode": m})
        for d, r, p, m in rows
    )
    found = lean_tables.roll_gaps(write(tmp_path, {"es.csv": text}) / "es.csv", 2)
    assert found.round(9).values.tolist() == [[round(0.9 / 0.95, 9), -5.5], [0.95, -4.5]]
    write(tmp_path, {"es.csv": "{}"})
    with pytest.raises(DataError, match="es.csv, line 1: cannot be read"):
        lean_tables.roll_gaps(tmp_path / "es.csv", 2)


def hours(tmp_path: Path, days: dict[str, list[tuple[str, str, str]]], **more: object) -> Path:
    entry = {day: [{"start": a, "end": b, "state": s} for a, b, s in spans] for day, spans in days.items()}
    text = json.dumps({"entries": {"Future-cme-ES": {"exchangeTimeZone": "America/New_York", **entry, **more}}})
    return write(tmp_path, {"market-hours-database.json": text}) / "market-hours-database.json"


def test_evenings_join_the_next_morning(tmp_path: Path) -> None:
    day = [("00:00:00", "09:30:00", "premarket"), ("09:30:00", "17:00:00", "market"), ("18:00:00", "1.00:00:00", "postmarket")]
    path = hours(
        tmp_path,
        {"sunday": [("18:00:00", "1.00:00:00", "premarket")], "monday": day, "tuesday": day[:2]},
        earlyCloses={"1/20/2014": "13:00:00"},
        lateOpens={"1/20/2014": "18:00:00"},
        holidays=["1/21/2014"],
    )
    found = lean_hours.read(path, "Future-cme-ES", which="extended")
    assert dict(found.hours) == {"monday": ("18:00-17:00",), "tuesday": ("18:00-17:00",)}
    table = found.sessions(ns("2014-01-20") // 86_400_000_000_000, ns("2014-01-21") // 86_400_000_000_000)
    # the 20th ends early, the 21st is a holiday and takes the evening of the 20th with it
    assert table.open_ns.tolist() == [ns("2014-01-19 23:00")] and table.close_ns.tolist() == [ns("2014-01-20 18:00")]
    assert dict(lean_hours.read(path, "Future-cme-ES").hours) == {"monday": ("09:30-17:00",), "tuesday": ("09:30-17:00",)}
    with pytest.raises(DataError, match="no entry 'Future-cme-SE'. Did you mean Future-cme-ES"):
        lean_hours.read(path, "Future-cme-SE")
    with pytest.raises(DataError, match="which='all' is unknown"):
        lean_hours.read(path, "Future-cme-ES", which="all")  # type: ignore[arg-type]


def test_a_market_that_never_closes_has_days(tmp_path: Path) -> None:
    week = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    path = hours(tmp_path, {day: [("00:00:00", "1.00:00:00", "market")] for day in week})
    assert set(lean_hours.read(path, "Future-cme-ES").hours.values()) == {("00:00-24:00",)}


def test_funding(tmp_path: Path) -> None:
    rows = "20201229 00:00:00,0.00020030\n20201229 08:00:00,-0.000000001\n"
    path = write(tmp_path, {"btcusd.csv": rows}) / "btcusd.csv"
    events = lean_funding.read(path, Instrument("BTCUSD")).events()
    assert [tuple(int(row[name]) for name in ("ts_local_ns", "ts_venue_ns", "kind", "instrument", "w0")) for row in events] == [
        (ns("2020-12-29"), ns("2020-12-29"), Kind.FUNDING, 0, 200_300),
        (ns("2020-12-29 08:00"), ns("2020-12-29 08:00"), Kind.FUNDING, 0, -1),
    ]
    for old, new, message in (
        ("0.00020030", "0.0000000001", "line 1, column rate: 0.0000000001; rule: -1 < rate < 1 in steps of 1e-9"),
        ("0.00020030", "x", "line 1, column rate: 'x' is not a number"),
        ("20201229 08", "20201228 08", "line 2, column stamp: 20201228 08:00:00; rule: later than the row before"),
        ("20201229 08:00:00", "2020-12-29", "line 2, column stamp: '2020-12-29'; rule"),
        (",0.00020030", "", "line 1: '20201229 00:00:00'; rule: stamp and rate"),
    ):
        path.write_text(rows.replace(old, new))
        with pytest.raises(DataError, match=message):
            lean_funding.read(path, Instrument("BTCUSD"))


FUTURES = "07_futures/Lean/future/cme"


def test_rolling_on_the_last_trading_day_is_what_lean_does(shared: Path) -> None:
    maps = shared / FUTURES / "map_files/es.csv"
    contracts = lean_tables.futures(maps, databases=shared / "00_reference/Lean").contracts_of("ES")
    schedule = by_calendar(contracts, "CMES", sessions_before=1, start="2009-12-01")
    ours = [(roll.at_ns, roll.contract) for roll in schedule.rolls]
    lean_holds = lean_tables.mapped(maps, 0, "CMES")
    assert len(lean_holds) == 55
    assert ours[1 : len(lean_holds)] == lean_holds[1:]


def test_volume_rolls_es_as_leans_open_interest_does(shared: Path) -> None:
    maps, known = shared / FUTURES / "map_files/es.csv", shared / "00_reference/Lean"
    contracts = lean_tables.futures(maps, databases=known).contracts_of("ES")
    daily = lean.read(shared / FUTURES / "daily", kind="trade", reference=known, calendar="24/7", end="2013-12-31")
    done = activity(daily, "24/7")
    # the March contract is busier on Friday the 13th and from the 16th on; the December one alone has a bar on Sunday the 15th
    assert [str(pd.Timestamp(by_volume(done, contracts, days=days).rolls[1].at_ns)) for days in (1, 2)] == [
        "2013-12-14 00:00:00",
        "2013-12-18 00:00:00",
    ]
    assert (ns("2013-12-17 23:00"), "ES 2014-03") in lean_tables.mapped(maps, 2, "CMES")  # the session of the 18th
    minutes = lean.read(shared / FUTURES / "minute", kind="openinterest", reference=known, start="2013-12-01", end="2013-12-31")
    schedule = by_open_interest(activity(minutes, "CMES"), contracts)
    # 2,327,433 against 1,037,604 were told on the 18th: a session later than Lean, whose figures of the 17th are not in the sample
    assert str(pd.Timestamp(schedule.rolls[1].at_ns)) == "2013-12-18 23:00:00"


def test_the_ratio_of_a_roll_is_leans(shared: Path) -> None:
    gaps = lean_tables.roll_gaps(shared / FUTURES / "factor_files/es.csv", 2).loc["2013-12-17"]
    minutes = lean.read(
        shared / FUTURES / "minute", kind="trade", reference=shared / "00_reference/Lean", start="2013-12-18", end="2013-12-18"
    )
    first = {minutes.instruments[k].symbol: float(rows["w0"].iloc[0]) / 4 for k, rows in _frame(minutes).groupby("instrument")}
    # no minute of the 17th is in the sample: the first trades of 00:00 UTC stand for its last ones
    assert (first["ES 2013-12"], first["ES 2014-03"]) == (1780.25, 1773.75)
    assert gaps["gap"] == 1773.75 - 1780.25
    assert abs(gaps["ratio"] - 1773.75 / 1780.25) < 1e-9


def _frame(recording: Recording) -> pd.DataFrame:
    events = recording.events()
    return pd.DataFrame({name: events[name] for name in ("instrument", "w0")})


def test_the_series_over_leans_daily_es(shared: Path) -> None:
    maps, known = shared / FUTURES / "map_files/es.csv", shared / "00_reference/Lean"
    contracts = lean_tables.futures(maps, databases=known).contracts_of("ES")
    daily = lean.read(shared / FUTURES / "daily", kind="trade", reference=known, calendar="24/7", end="2013-12-31")
    tape, schedule = daily.tape(), by_volume(activity(daily, "24/7"), contracts, days=2)
    made = continuous(tape, schedule, "ES")
    split = made.events[made.events["kind"] == Kind.SPLIT][0]
    assert (split["w0"], split["w1"]) == (1778.25 * 4, 1772 * 4)  # closes of the bars of 2013-12-17
    picture = back_adjusted(tape, schedule)
    assert abs(picture["close"].asof(pd.Timestamp("2013-12-17", tz="UTC")) - 1785.25 * 1772 / 1778.25) < 1e-9
    assert picture["close"].iloc[-1] == 1836.75


def test_every_market_of_leans_database_has_sessions(shared: Path) -> None:
    path = shared / "00_reference/Lean/market-hours/market-hours-database.json.gz"
    for entry in sorted(json.loads(gzip.decompress(path.read_bytes()))["entries"])[::40]:
        table = lean_hours.read(path, entry, which="extended").sessions(16_000, 16_030)
        assert (table.open_ns < table.close_ns).all() and (table.open_ns[1:] >= table.close_ns[:-1]).all() and len(table.labels) >= 15, (
            entry
        )
    es = lean_hours.read(path, "Future-cme-ES", which="extended")
    assert set(es.hours.values()) == {("18:00-17:00",)} and len(es.hours) == 5
    table = es.sessions(ns("2013-11-28") // 86_400_000_000_000, ns("2013-11-29") // 86_400_000_000_000)
    # Thanksgiving: 18:00 on Wednesday to 11:30, and again from 18:00 to 13:15 on Friday, New York in winter
    assert [str(pd.Timestamp(int(x))) for x in (*table.open_ns, *table.close_ns)] == [
        "2013-11-27 23:00:00", "2013-11-28 23:00:00", "2013-11-28 16:30:00", "2013-11-29 18:15:00",
    ]  # fmt: skip


def test_universes_of_the_sample(shared: Path) -> None:
    usa, known = shared / "01_equity_daily/Lean/equity/usa", shared / "00_reference/Lean"
    names = lean_tables.equities(shared / "08_corporate_actions/Lean/equity/usa/map_files", databases=known)
    spy = lean_tables.universe(usa / "universes/etf/spy", "SPY", names, databases=known)
    assert len(spy.universe("SPY", "2020-12-01T12:00Z")) == 503 and "AAPL" in spy.universe("SPY", "2020-12-02T12:00Z")
    coarse = lean_tables.universe(usa / "fundamental/coarse", "coarse", names, databases=known)
    # on 2014-03-25 GOOG is the company that is called GOOGL today
    members = coarse.universe("coarse", "2014-03-26T12:00Z")
    assert "GOOGL" in members and "GOOG" not in members


def test_funding_of_the_sample(shared: Path) -> None:
    path = shared / "03_crypto/Lean/cryptofuture/binance/margin_interest/btcusd.csv"
    events = lean_funding.read(path, Instrument("BTCUSD")).events()
    assert len(events) == 12 and events["w0"].min() == -40_620 and (np.diff(events["ts_local_ns"])[:8] == 8 * 3600 * 10**9).all()


def test_the_hand_written_databases_are_leans(shared: Path) -> None:
    rows = (
        gzip.decompress((shared / "00_reference/Lean/symbol-properties/symbol-properties-database.csv.gz").read_bytes())
        .decode()
        .splitlines()
    )
    kept = [row.split(",") for row in rows if row.startswith(("usa,[*],equity", "cme,ES,future"))]
    ours = {tuple(row.split(",")[:3]): row.split(",") for row in PROPERTIES.splitlines() if row.count(",") > 3}
    for row in kept:
        assert [float(value) for value in row[5:8]] == [float(value) for value in ours[tuple(row[:3])][5:8]]
