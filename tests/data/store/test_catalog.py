"""The named datasets: what is promised about them holds."""

from __future__ import annotations

import sys
import types

import numpy as np
import pandas as pd
import pytest

from framework.data.readers import read_bars
from framework.data.store import catalog
from framework.errors import DataError
from framework.schema.event import Flag, Kind


def ns(text: str) -> int:
    return int(pd.Timestamp(text, tz="UTC").as_unit("ns").value)


def test_us_equities_daily() -> None:
    tape = catalog.load("us_equities_daily")
    assert [i.symbol for i in tape.instruments] == ["AAPL", "FB", "GOOG", "IBM", "MSFT"]
    assert tape.calendars == ("XNYS",)
    assert [i.tick.denominator for i in tape.instruments] == [10_000] * 5
    counts = [int(((tape.events["kind"] == Kind.BAR) & (tape.events["instrument"] == i)).sum()) for i in range(5)]
    assert counts == [3270, 196, 2148, 3270, 3270]
    notes = " ".join(tape.notes)
    assert "2013-03-01" in notes
    assert "Five shares that are still known" in notes
    assert "3 splits and 92 dividends" in notes


def test_first_and_last_bar_as_printed_in_the_source() -> None:
    tape = read_bars("us_equities_daily", instruments=["AAPL"])
    bars = tape.events[tape.events["kind"] == Kind.BAR]
    # AAPL,2000-03-01,118.56,132.06,118.5,130.31,9616100
    assert [int(bars[0][w]) for w in ("w0", "w1", "w2", "w3", "w4")] == [1_185_600, 1_320_600, 1_185_000, 1_303_100, 9_616_100]
    assert int(bars[0]["ts_local_ns"]) == ns("2000-03-01 21:00")  # the close in New York, in winter
    assert int(bars[-1]["ts_local_ns"]) == ns("2013-03-01 21:00")


def test_actions_come_after_the_open_of_the_ex_date() -> None:
    tape = catalog.load(instruments=["AAPL"], start="2012-08-09", end="2012-08-09")
    kinds = [(int(e["ts_local_ns"]), Kind(int(e["kind"])), int(e["flags"])) for e in tape.events]
    assert kinds == [
        (ns("2012-08-09 13:30"), Kind.SESSION, Flag.SESSION_OPEN),
        (ns("2012-08-09 13:30"), Kind.DIVIDEND, 0),
        (ns("2012-08-09 20:00"), Kind.BAR, 0),
        (ns("2012-08-09 20:00"), Kind.SESSION, Flag.SESSION_CLOSE),
    ]
    assert int(tape.events["w0"][1]) == 2_650_000_000


def test_one_symbol_is_the_same_alone_and_selected() -> None:
    assert catalog.load(instruments=["FB"]).digest() == catalog.load().select(["FB"]).digest()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("FB", r"instruments = 'FB': must be a list of symbols; one symbol is written \['FB'\]"),
        (5, "must be a list of symbols"),
        ([5], "symbols are text"),
    ],
)
def test_instruments_are_a_list_of_symbols(given: object, said: str) -> None:
    for call in (catalog.load, catalog.open, read_bars):
        with pytest.raises(DataError, match=said):
            call("us_equities_daily", instruments=given)  # type: ignore[operator]


def test_names_and_descriptions() -> None:
    assert catalog.names()[0] == "us_equities_daily"
    for name in catalog.names():
        assert len(catalog.describe(name)) > 60
    with pytest.raises(DataError, match=r"Did you mean us_equities_daily"):
        catalog.describe("us_equity_daily")
    with pytest.raises(DataError, match="has no instrument 'APPL'. Did you mean AAPL"):
        catalog.load(instruments=["APPL"])
    with pytest.raises(DataError, match="neither a dataset nor a file"):
        read_bars("us_equity_daily")
    with pytest.raises(DataError, match="brings its own stamps"):
        read_bars("us_equities_daily", calendar="XLON")


def test_a_package_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "arch", None)
    monkeypatch.setitem(sys.modules, "arch.data.sp500", None)
    with pytest.raises(DataError, match=r"'sp500_daily' comes with the package arch.*pip install onetape\[data\]"):
        catalog.load("sp500_daily")


def pretend(monkeypatch: pytest.MonkeyPatch, module: str, frame: pd.DataFrame) -> None:
    stand_in = types.ModuleType(f"arch.data.{module}")
    stand_in.load = lambda: frame  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, f"arch.data.{module}", stand_in)


def test_an_index_with_the_layout_of_arch(monkeypatch: pytest.MonkeyPatch) -> None:
    days = pd.DatetimeIndex(["1999-01-04", "1999-01-05"], name="Date")
    frame = pd.DataFrame({"Open": [1.0, 2.0], "High": 3.0, "Low": 0.5, "Close": 2.5, "Adj Close": 2.5, "Volume": 10}, index=days)
    pretend(monkeypatch, "sp500", frame)
    tape = catalog.load("sp500_daily")
    assert [(i.symbol, i.kind.name, i.calendar) for i in tape.instruments] == [("SPX", "INDEX", "XNYS")]
    assert "to read, not to trade" in tape.notes[0]


def test_vix_has_one_value_a_day_and_empty_holidays(monkeypatch: pytest.MonkeyPatch) -> None:
    days = pd.DatetimeIndex(["2014-01-17", "2014-01-20", "2014-01-21"], name="Date")  # the 20th is a holiday
    pretend(monkeypatch, "vix", pd.DataFrame({"vix": [12.44, np.nan, 12.87]}, index=days))
    tape = catalog.load("vix_daily")
    bars = tape.events[tape.events["kind"] == Kind.BAR]
    assert [[int(b[w]) for w in ("w0", "w1", "w2", "w3", "w4")] for b in bars] == [[1244] * 4 + [0], [1287] * 4 + [0]]
    assert int(bars[0]["ts_local_ns"]) == ns("2014-01-17 21:15")  # 15:15 in Chicago
    assert any("1 rows without a value" in note for note in tape.notes)


@pytest.mark.extra(name="data")
@pytest.mark.parametrize(("name", "bars"), [("sp500_daily", 5031), ("nasdaq_daily", 5031), ("vix_daily", 1259)])
def test_the_real_indices(name: str, bars: int) -> None:
    pytest.importorskip("arch.data", reason='needs the extra "data"')
    tape = catalog.load(name)
    assert int((tape.events["kind"] == Kind.BAR).sum()) == bars
