"""Factor and map files, hand-written: the dividends and splits were chosen first and the factors computed from them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pandas as pd
import pytest

from framework.data.formats import lean, lean_actions
from framework.data.tape import build
from framework.errors import DataError
from framework.schema.event import Kind
from tests.data.formats.lean_tree import put

# closes 100 on the 3rd, 660 on the 6th of June 2014 (a Friday), 94 on the 6th of August; a dividend of 1.00 on the 4th, a split of
# 7:1 on Monday the 9th, a dividend of 0.47 on the 7th of August: 1 - 0.47 / 94 = 0.995, 0.995 * (1 - 1 / 100) = 0.98505
FACTORS = (
    "20140102,0.98505,0.1428571,1\n20140603,0.98505,0.1428571,100\n20140606,0.995,0.1428571,660\n20140806,0.995,1,94\n20501231,1,1,0\n"
)


def write(folder: Path, text: str, name: str = "acme.csv") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_factors_become_splits_and_dividends_at_midnight_of_the_ex_date(tmp_path: Path) -> None:
    table = lean_actions.actions(write(tmp_path, FACTORS))
    assert [tuple(row) for row in table.itertuples(index=False)] == [
        ("ACME", pd.Timestamp("2014-06-04 04:00Z"), "dividend", 1.0),
        ("ACME", pd.Timestamp("2014-06-09 04:00Z"), "split", Fraction(7)),
        ("ACME", pd.Timestamp("2014-08-07 04:00Z"), "dividend", 0.47),
    ]


def test_a_dividend_on_the_day_of_a_split_is_told_per_new_share(tmp_path: Path) -> None:
    # 2 of 100 per old share and 4 new shares for one: 0.5 per new share
    table = lean_actions.actions(write(tmp_path, "20140102,0.98,0.25,1\n20140603,0.98,0.25,100\n20501231,1,1,0\n"))
    assert table[["kind", "value"]].values.tolist() == [["split", Fraction(4)], ["dividend", 0.5]]


def test_a_ratio_that_its_digits_do_not_make_simple_stands_as_written(tmp_path: Path) -> None:
    rows = "20140102,1,{0},1\n20140603,1,{0},100\n20501231,1,1,0\n"
    assert lean_actions.actions(write(tmp_path, rows.format("0.997307")))["value"].tolist() == [Fraction(1_000_000, 997_307)]
    assert lean_actions.actions(write(tmp_path, rows.format("8")))["value"].tolist() == [Fraction(1, 8)]
    assert lean_actions.actions(write(tmp_path, rows.format("0.6666667")))["value"].tolist() == [Fraction(3, 2)]


def test_adjusted_prices_are_raw_times_both_factors(tmp_path: Path) -> None:
    factors = lean_actions.read_factors(write(tmp_path, FACTORS))
    days = pd.DatetimeIndex(["2014-06-03", "2014-06-04", "2014-06-06", "2014-06-09", "2014-08-07"])
    raw = pd.Series([100.0, 100.0, 660.0, 94.0, 95.0], days)
    assert lean_actions.adjusted(raw, factors).tolist() == pytest.approx(
        [100 * 0.98505 * 0.1428571, 100 * 0.995 * 0.1428571, 660 * 0.995 * 0.1428571, 94 * 0.995, 95.0], rel=1e-15
    )


def test_names_have_dates(tmp_path: Path) -> None:
    path = write(tmp_path, "20051117,spwr,Q\n20080929,spwr,Q\n20111116,spwra,Q\n20501231,spwr,Q\n", "spwr.csv")
    table = lean_actions.read_map(path)
    assert table[["ticker", "exchange"]].values.tolist() == [["SPWR", "Q"], ["SPWRA", "Q"], ["SPWR", "Q"]]
    assert [f"{first:%Y%m%d}" for first in table["first"]] == ["20051117", "20080930", "20111117"]
    assert [f"{last:%Y%m%d}" for last in table["last"][:2]] == ["20080929", "20111116"]
    assert table["last"].isna().tolist() == [False, False, True]


def test_a_map_file_that_ends_is_a_delisting(tmp_path: Path) -> None:
    factors, names = write(tmp_path, "20140102,1,1,1\n20501231,1,1,0\n"), write(tmp_path, "20140102,old\n20140605,old\n", "old.csv")
    with pytest.raises(DataError, match="ACME: delisted after 2014-06-05. Say final_price="):
        lean_actions.actions(factors, map_file=names)
    table = lean_actions.actions(factors, map_file=names, final_price="12.5")
    assert table.values.tolist() == [["ACME", pd.Timestamp("2014-06-06 04:00Z"), "delist", "12.5"]]


def test_actions_and_bars_make_a_tape(tmp_path: Path) -> None:
    rows = "20140606 00:00,6600000,6600000,6600000,6600000,5\n20140609 00:00,940000,940000,940000,940000,35\n"
    put(tmp_path, "equity/usa/daily/acme.zip", {"acme.csv": rows})
    recording = lean.read(tmp_path)
    actions = lean_actions.actions(write(tmp_path, FACTORS))
    tape = build({}, {i.symbol: i for i in recording.instruments}, actions=actions[1:2], extra=recording.events())
    seen = tape.events[tape.events["kind"] != Kind.SESSION]
    assert seen["kind"].tolist() == [Kind.BAR, Kind.SPLIT, Kind.BAR]
    assert (int(seen["w0"][1]), int(seen["w1"][1])) == (7, 1)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("20140102,1,1\n", "acme.csv, line 1: 3 columns; rule: date, price factor, split factor, reference price"),
        ("20140102,1,x,1\n", "acme.csv, line 1, column split factor: 'x' is not a number"),
        ("20140102,0,1,1\n", "acme.csv, line 1, column price factor: 0; rule: factors > 0"),
        ("2014-01-02,1,1,1\n", "acme.csv, line 1, column date: '2014-01-02' is not a date yyyymmdd"),
        ("20140102,1,1,1\n20140102,1,1,1\n", "acme.csv, line 2: 2014-01-02 after 2014-01-02; rule: dates increase"),
        ("20140102,0.9,1,100\n20501231,0.8,1,0\n", "acme.csv, line 1, column price factor: 0.9, then 0.8, would be a dividend of -12.5"),
    ],
)
def test_a_damaged_factor_file_is_refused(tmp_path: Path, rows: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        lean_actions.actions(write(tmp_path, rows))


def test_a_damaged_map_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="1 rows; rule: the first date"):
        lean_actions.read_map(write(tmp_path, "20140102,acme\n"))
    with pytest.raises(DataError, match="line 3: 2014-01-03 after 2014-01-04; rule: dates increase"):
        lean_actions.read_map(write(tmp_path, "20140102,acme\n20140104,acme\n20140103,acmf\n"))
    with pytest.raises(DataError, match="no such file. Did you mean acme.csv"):
        lean_actions.read_map(tmp_path / "acmee.csv")
