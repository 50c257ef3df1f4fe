"""One good file, spoiled in one way at a time: every way is refused, with its place, value and rule."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from framework.data.readers import read_bars
from framework.data.tape.bar_rules import check_bars
from framework.errors import DataError

GOOD = [
    "ts,open,high,low,close,volume",
    "2020-01-01T00:01Z,10.0,11.0,9.0,10.5,100",
    "2020-01-01T00:02Z,10.5,11.5,9.5,11.0,200",
    "2020-01-01T00:03Z,11.0,12.0,10.0,11.5,300",
    "2020-01-01T00:04Z,11.5,12.5,10.5,12.0,400",
]


def cell(line: int, column: int, value: str) -> Callable[[list[str]], list[str]]:
    def change(lines: list[str]) -> list[str]:
        fields = lines[line - 1].split(",")
        fields[column] = value
        return [*lines[: line - 1], ",".join(fields), *lines[line:]]

    return change


def header(old: str, new: str) -> Callable[[list[str]], list[str]]:
    return lambda lines: [lines[0].replace(old, new), *lines[1:]]


SPOILED = {
    "text": (cell(3, 1, "abc"), "line 3, column open: 'abc'; rule: every value is a finite number"),
    "empty cell": (cell(3, 4, ""), "line 3, column close: empty; rule: every value is a finite number"),
    "nan": (cell(3, 4, "nan"), "line 3, column close: 'nan'; rule: every value is a finite number"),
    "infinite": (cell(4, 5, "inf"), "line 4, column volume: inf; rule: every value is a finite number"),
    "NA is not nothing": (cell(3, 5, "NA"), "line 3, column volume: 'NA'; rule"),
    "zero price": (cell(3, 3, "0"), "line 3, column low: 0.0; rule: low > 0"),
    "negative price": (cell(3, 1, "-10.5"), "line 3, column open: -10.5; rule: open > 0"),
    "negative volume": (cell(5, 5, "-1"), "line 5, column volume: -1.0; rule: volume >= 0"),
    "high below close": (cell(3, 2, "10.9"), "line 3, column high: 10.9; rule: high >= open, low and close, but 10.9 < 11.0"),
    "high below open": (cell(2, 1, "11.25"), "line 2, column high: 11.0; rule: high >= open, low and close, but 11.0 < 11.25"),
    "low above open": (cell(3, 3, "10.75"), "line 3, column low: 10.75; rule: low <= open, high and close, but 10.75 > 10.5"),
    "backwards": (lambda x: [*x[:2], x[3], x[2], x[4]], "line 4, column stamp: 2020-01-01 00:02:00+00:00; rule: stamps increase, but"),
    "duplicated": (lambda x: [*x[:3], x[2], *x[3:]], "line 4, column stamp: 2020-01-01 00:02:00+00:00; rule: one row a stamp"),
    "blank line": (lambda x: [*x[:3], "", *x[3:]], "line 4, column stamp: empty"),
    "not a date": (cell(4, 0, "01/02/2020"), "line 4, column stamp: '01/02/2020'; rule: stamps are ISO 8601"),
    "zone on some": (cell(4, 0, "2020-01-01T00:03"), "line 4, column stamp: '2020-01-01T00:03' has no zone while others do"),
    "no zone": (
        lambda x: [line.replace("Z", "") for line in x],
        "no time zone (the first is 2020-01-01 00:01:00). Say which with time_zone=",
    ),
    "empty file": (lambda x: [], "good.csv: empty; rule: a header, such as ts,open,high,low,close,volume, and a row for each bar. Remove"),
    "open quote": (lambda x: [*x[:2], '"' + x[2], *x[3:]], "inside string starting at row 2. Rows need as many fields as the header"),
    "header only": (lambda x: x[:1], "good.csv: no rows"),
    "too many fields": (
        lambda x: [*x[:2], x[2] + ",7", *x[3:]],
        "good.csv, line 3: 7 fields, the header has 6: '2020-01-01T00:02Z,10.5,11.5,9.5,11.0,200,7'. Correct the row",
    ),
    "every row too long": (
        lambda x: [x[0], *(line + ",7" for line in x[1:])],
        "good.csv, line 2: 7 fields, the header has 6: '2020-01-01T00:01Z,10.0,11.0,9.0,10.5,100,7'. Correct the row",
    ),
    "too few fields": (lambda x: [*x[:2], x[2].rsplit(",", 1)[0], *x[3:]], "line 3, column volume:"),
    "unknown column": (header("volume", "volumes"), "column 'volumes' is unknown. Did you mean volume?"),
    "missing column": (lambda x: [line.rsplit(",", 1)[0] for line in x], "column 'volume' is missing; found open, high, low, close."),
    "adjusted column": (header("volume", "Adj Close"), "column 'adj close': adjusted prices are not the prices that traded"),
    "column twice": (header("low", "High"), "column 'high' appears more than once"),
    "no stamp column": (header("ts", "when"), "no stamp column; found when, open"),
    "two stamp columns": (header("volume", "date"), "columns ts and date could all be the stamp"),
}


@pytest.mark.parametrize("name", SPOILED)
def test_a_spoiled_file_is_refused(name: str, tmp_path: Path) -> None:
    change, message = SPOILED[name]
    path = tmp_path / "good.csv"
    path.write_text("\n".join(change(GOOD)))
    with pytest.raises(DataError) as refusal:
        read_bars(path)
    assert message in str(refusal.value)
    assert "good.csv" in str(refusal.value)


def test_the_good_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "good.csv"
    path.write_text("\n".join(GOOD))
    tape = read_bars(path)
    assert [i.symbol for i in tape.instruments] == ["good"]
    assert [int(w) for w in tape.events["w3"]][1:-1] == [105, 110, 115, 120]
    assert tape.notes == ()


def test_all_offending_rows_are_counted(tmp_path: Path) -> None:
    lines = cell(5, 5, "-1")(cell(4, 1, "nan")(cell(4, 4, "-3")(cell(3, 2, "1")(GOOD))))
    path = tmp_path / "good.csv"
    path.write_text("\n".join(lines))
    with pytest.raises(DataError, match=r"line 3, column high: 1\.0;.* 3 offending rows in all\."):
        read_bars(path)


def test_a_frame_names_rows_by_stamp() -> None:
    stamps = pd.date_range("2020-01-01 00:01", periods=3, freq="min", tz="UTC")
    frame = pd.DataFrame({"open": 1.0, "high": [2.0, 0.5, 2.0], "low": 0.5, "close": 1.0, "volume": 1.0}, index=stamps)
    with pytest.raises(DataError, match=r"here, row 2020-01-01 00:02:00\+00:00, column high: 0\.5"):
        check_bars(frame, place="here")
    with pytest.raises(DataError, match=r"True \(bool\); rule: every value is a finite number"):
        check_bars(frame.assign(volume=np.array([True, False, True])), place="here")
    with pytest.raises(DataError, match="the index holds int64, not stamps"):
        check_bars(frame.reset_index(drop=True), place="here")
    with pytest.raises(DataError, match="no rows"):
        check_bars(frame[:0], place="here")


def test_lines_are_right_where_a_file_holds_several_symbols(tmp_path: Path) -> None:
    path = tmp_path / "many.csv"
    path.write_text(
        "symbol,ts,open,high,low,close,volume\n"
        "NA,2020-01-01T00:01Z,1,2,0.5,1,5\n"
        "1299,2020-01-01T00:01Z,1,2,0.5,1,5\n"
        "NA,2020-01-01T00:02Z,1,2,0.5,1,5\n"
        "1299,2020-01-01T00:02Z,1,2,0.5,-1,5\n"
    )
    with pytest.raises(DataError, match=r"many\.csv \(1299\), line 5, column close: -1\.0"):
        read_bars(path)
    assert [i.symbol for i in read_bars(path, instruments=["NA"]).instruments] == ["NA"]


MINUTES = pd.date_range("2024-01-02 09:30", periods=390, freq="min", tz="America/New_York")
MINUTE_BARS = pd.DataFrame({"open": 5.0, "high": 5.1, "low": 4.9, "close": 5.0, "volume": 1.0}, index=MINUTES)


def test_bars_at_the_opens_of_sessions_are_told_of_stamps_that_are_opens() -> None:
    two = pd.concat([MINUTE_BARS, MINUTE_BARS.set_axis(MINUTES + pd.Timedelta(days=1))])
    with pytest.raises(DataError, match=r'2024-01-02 14:30.* are opens: say bar_stamp="open" .* 2 offending rows') as opens:
        read_bars(two, calendar="XNYS")
    assert "If they are closes, keep only the regular session" in str(opens.value)
    assert read_bars(two, calendar="XNYS", bar_stamp="open").events["ts_local_ns"].max() == pd.Timestamp("2024-01-03T21:00Z").value
    early = MINUTE_BARS.set_axis(MINUTES - pd.Timedelta(minutes=5))  # some before the open: nothing is told of what the stamps are
    with pytest.raises(DataError, match="6 offending rows") as outside:
        read_bars(early, calendar="XNYS")
    assert "bar_stamp" not in str(outside.value) and ". Keep only the regular session" in str(outside.value)


def _advised(message: str) -> list[dict[str, str]]:
    return [ast.literal_eval(found) for found in re.findall(r"read_bars\(\.\.\., columns=(\{.*?\})\) makes a tape", message)]


@pytest.mark.parametrize(
    "bars",
    [
        MINUTE_BARS.assign(quote_volume=7.0),
        MINUTE_BARS.rename(columns={"close": "last"}),
        MINUTE_BARS.rename(columns={"close": "adj close"}),
        MINUTE_BARS.rename_axis("ts").reset_index().assign(date=MINUTES),
    ],
)
def test_advice_on_columns_works_as_it_is_written(bars: pd.DataFrame) -> None:
    with pytest.raises(DataError) as refusal:
        read_bars(bars)
    first = _advised(str(refusal.value))[0]
    assert len(read_bars(bars, columns=first).instruments) == 1


def test_an_adjusted_close_beside_the_close_is_not_renamed_onto_it() -> None:
    with pytest.raises(DataError, match="multiply open, high, low and close by adj close / close first") as refusal:
        read_bars(MINUTE_BARS.assign(**{"adj close": 5.0}))
    assert not _advised(str(refusal.value))
