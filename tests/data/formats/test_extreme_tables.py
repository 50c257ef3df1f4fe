"""Tables of extreme numbers, of very many columns, and of lines without end: refused with their place, in a short message."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from framework.data.checks import column_names
from framework.data.formats import lines, table
from framework.data.formats.capture import Rows
from framework.data.formats.lines import Line
from framework.data.readers import read_bars
from framework.errors import DataError
from framework.schema.inferred import infer_step
from framework.schema.units import Step, to_steps

STAMPS = pd.date_range("2023-03-06 14:31", periods=4, freq="min", tz="UTC")
BARS = pd.DataFrame({"open": 10.25, "high": 11.0, "low": 10.0, "close": 10.5, "volume": 7.0}, index=STAMPS)
PRICES = ["open", "high", "low", "close"]
HEAD = b"ts,open,high,low,close,volume\n2023-03-06T14:31:00Z,1,1,1,1,1\n"
TINY = (5e-324, 1e-310, 1e-300)


@pytest.mark.parametrize("scale", TINY)
@pytest.mark.parametrize("columns", [PRICES, ["volume"]])
def test_numbers_next_to_nothing_are_refused_in_every_table_of_bars(tmp_path: Path, scale: float, columns: list[str]) -> None:
    bars = BARS.assign(**{name: BARS[name] * scale for name in columns})
    bars.to_csv(tmp_path / "X.csv", index_label="ts")
    bars.to_parquet(tmp_path / "X.parquet")
    for data in (bars, tmp_path / "X.csv", tmp_path / "X.parquet"):
        with pytest.raises(DataError, match=rf"(X|ASSET), row .*, column {columns[0]}: .*; rule: at most .*"):
            read_bars(data)


@pytest.mark.parametrize("scale", TINY)
@pytest.mark.parametrize("column", ["price", "size"])
def test_numbers_next_to_nothing_are_refused_in_trades(scale: float, column: str) -> None:
    trades = pd.DataFrame({"ts": STAMPS, "price": 10.25, "size": 3.0})
    trades[column] *= scale
    with pytest.raises(DataError, match=f"frame, column {column}: values on no grid of decimals, rule: at most 9 places"):
        table.read(trades, "trades")


def test_the_finest_grid_is_1e_15_however_small_the_largest_value() -> None:
    assert infer_step(np.array([0.5, 0.25])).step == Step(1, 100)
    assert infer_step(np.array([3e-15])).step == Step(1, 10**15)
    found = infer_step(np.array([5e-324]))
    assert (found.step, found.is_exact, found.moved) == (Step(1, 10**15), False, 1.0)


def test_a_number_of_more_steps_than_a_float_holds_is_off() -> None:
    whole, off = to_steps(np.array([1e308, 2.5]), Step(1, 10_000))
    assert (whole.tolist(), off.tolist()) == ([0, 25_000], [True, False])


def test_a_gap_counts_within_64_bits() -> None:
    rows, line = Rows(0), Line(5, "x.txt", 1, "", {})
    rows.gap(line, 0, 5, 1, 2**63 - 1)
    with pytest.raises(ValueError, match=r"a number 9223372036854775808, not from 0 to 2\*\*63 - 1"):
        rows.gap(line, 0, 5, 1, 2**63)
    assert len(rows) == 1


@pytest.mark.parametrize("count", [20, 3000])
def test_unknown_columns_are_counted_before_a_row_is_read(tmp_path: Path, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"c{k}" for k in range(count)]
    wide = pd.concat([BARS, pd.DataFrame(1.0, index=STAMPS, columns=names)], axis=1)
    wide.to_csv(tmp_path / "X.csv", index_label="ts")
    wide.to_parquet(tmp_path / "X.parquet")
    monkeypatch.setattr("framework.data.formats.bar_tables._read_csv", None)
    monkeypatch.setattr("framework.data.formats.bar_tables._read_parquet", None)
    said = rf"column 'c0' is unknown, so are 'c1', 'c2', 'c3' and {count - 4} more\. Known: close"
    for data in (wide, tmp_path / "X.csv", tmp_path / "X.parquet"):
        with pytest.raises(DataError, match=said):
            read_bars(data)
    with pytest.raises(DataError, match=rf"column 'open' is none of quotes, nor are 'high', 'low', 'close' and {count + 1} more\."):
        table.read(wide.rename_axis("ts").reset_index(), "quotes")


def test_no_message_lists_all_columns() -> None:
    names = [*BARS.columns, *(f"c{k}" for k in range(3000))]
    wide = pd.DataFrame(1.0, index=range(2), columns=names)
    with pytest.raises(DataError, match=r"no stamp column; found open, .*, c6 and 2993 more\. Name it") as caught:
        read_bars(wide)
    assert len(str(caught.value)) < 300
    with pytest.raises(DataError, match=r"column 'x{80}' is unknown") as caught:
        read_bars(BARS.assign(**{"x" * 100_000: 1.0}))
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("name", ["X.csv", "X.csv.gz"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_lines_without_end_and_without_words_are_refused_where_they_begin(tmp_path: Path, name: str, end: bytes) -> None:
    def given(data: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    with pytest.raises(DataError, match=rf"{name}, line 1: more than 1 MB, b'tstsT?s?.* first; rule: a line of names, of at most 1 MB"):
        read_bars(given(b"ts" * (1 << 20)))
    rows = HEAD.replace(b"\n", end)
    with pytest.raises(DataError, match=rf"{name}, byte {len(rows) - len(end)}: 1000 blank lines"):
        read_bars(given(rows + end * 1500))
    with pytest.raises(DataError, match=rf"{name}, line 3, column stamp: empty"):
        read_bars(given(HEAD + b"\n" * 10))


def test_blank_lines_are_seen_across_blocks_and_named_by_their_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(column_names, "MOST_HEADER_BYTES", 700)
    path = tmp_path / "X.csv"
    path.write_bytes(HEAD + b"2023-03-06T14:32:00Z,1,1,1,1,1\n" * 50 + b"\n" * 1200)
    with pytest.raises(DataError, match=rf"X.csv, byte {len(HEAD) + 50 * 31 - 1}: 1000 blank"):
        column_names.refuse_blank(path, "")


def test_a_long_message_of_a_capture_is_whole_across_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "BLOCK_BYTES", 64)
    path = tmp_path / "x.txt"
    words = ["a" * 1000, "b", "", "c" * 63, "d" * 200]
    path.write_text(
        "".join(f'17231612561722165{66 + k} {{"w": "{word}"}}\n' for k, word in enumerate(words)).rstrip("\n"), encoding="utf-8"
    )
    found = list(lines.lines(path, "refuse", Counter()))
    assert [line.message["w"] for line in found] == words and [line.number for line in found] == [1, 2, 3, 4, 5]
