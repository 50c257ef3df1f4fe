"""The names of a table of bars, checked before its rows are read: of however many columns, the answer is short and at once."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as parquet

from framework.data.checks.bar_columns import call_mapping, check_known
from framework.data.checks.library_errors import SHAPE, opened, reading
from framework.errors import DataError, did_you_mean, some_of

STAMP_COLUMNS = ("ts", "timestamp", "time", "date", "datetime")

MOST_HEADER_BYTES = 1 << 20
"""1 MB: more than the first line of any table has; a line without end is not read to where it ends."""
_BLANK_LINES = 1000
_MANY_COLUMNS = 1000  # pandas, which numbers names that are repeated or empty, takes 20 us for each


def our_names(theirs: Sequence[Any], columns: Mapping[str, str], place: str) -> list[str]:
    """Our name of each column: in lower case, then as the user maps it; "" is left out.

    Raises:
        DataError: `columns` names one that is not there.
    """
    names = [str(name).strip().lower() for name in theirs]
    mapping = {str(name).strip().lower(): ours for name, ours in columns.items()}
    there = set(names)
    for name in mapping:
        if name not in there:
            raise DataError(f"{place}: columns= names {name!r}, which is not there. {did_you_mean(name, names)}")
    return [mapping.get(name, name) for name in names]


def check_names(names: Sequence[str], *, place: str, is_indexed: bool = False) -> None:
    """Raise unless there is one stamp, at most one symbol, and nothing besides that is no column of bars.

    Args:
        names: our names of the columns that are kept.
        place: file or frame, named in the message.
        is_indexed: whether an index holds the stamps where no column does.

    Raises:
        DataError: naming the first few columns, and how many more there are.
    """
    stamps = [name for name in names if name in STAMP_COLUMNS]
    if len(stamps) > 1:
        raise DataError(
            f"{place}: columns {some_of(stamps, ' and ')} could all be the stamp. Leave all but one out: {call_mapping({stamps[1]: ''})}."
        )
    if not stamps and not is_indexed:
        raise DataError(
            f"{place}: no stamp column; found {some_of(names)}. Name it one of {', '.join(STAMP_COLUMNS)}, "
            f"or map it: {call_mapping({'...': 'ts'})}."
        )
    if names.count("symbol") > 1:
        raise DataError(f"{place}: column 'symbol' appears more than once. Remove or rename all but one.")
    check_known([name for name in names if name not in (*STAMP_COLUMNS, "symbol")], place=place)


def names_of_csv(path: Path, way_out: str) -> list[str]:
    """The names in the first line of a CSV file, plain or gzipped, as pandas tells them.

    Raises:
        DataError: a first line of more than `MOST_HEADER_BYTES`, or one that cannot be read.
    """
    with reading(path.name, way_out, fault="not a CSV file that can be read"):
        with opened(path) as stream:
            line = stream.readline(MOST_HEADER_BYTES + 1)
        if len(line) > MOST_HEADER_BYTES:
            raise DataError(
                f"{path.name}, line 1: more than {MOST_HEADER_BYTES >> 20} MB, {line[:60]!r} first; rule: a line of names, of at most "
                f"{MOST_HEADER_BYTES >> 20} MB. Write the names of the columns in it, and end each row with a line feed."
            )
        if line.count(b",") >= _MANY_COLUMNS:
            return next(csv.reader([line.decode("utf-8-sig")]))
        return list(pd.read_csv(path, nrows=0, encoding="utf-8-sig").columns)


def refuse_blank(path: Path, way_out: str) -> None:
    """Refuse a CSV file of nothing but line ends for long, before each of them becomes a row in memory: a few packed KB hold millions.

    Raises:
        DataError: `_BLANK_LINES` blank lines on end, or a file that cannot be read.
    """
    at, block = 0, b""
    with reading(path.name, way_out, fault="not a CSV file that can be read"), opened(path) as stream:
        while more := stream.read(MOST_HEADER_BYTES):
            block = block[-2 * _BLANK_LINES :] + more
            for end in (b"\n", b"\r\n", b"\r"):
                if (found := block.find(end * _BLANK_LINES)) >= 0:
                    raise DataError(
                        f"{path.name}, byte {at + len(more) - len(block) + found}: {_BLANK_LINES} blank lines on end, or more; rule: every "
                        "line after the first is a row. Remove the blank lines."
                    )
            at += len(more)


def names_of_parquet(path: Path) -> tuple[list[str], bool]:
    """The names of the columns of a Parquet file as pandas tells them, and whether it has an index besides.

    Raises:
        DataError: its footer cannot be read.
    """
    with reading(path.name, fault="not a parquet file that can be read", also=SHAPE):
        schema = parquet.read_schema(path)
        index = {one for one in (schema.pandas_metadata or {}).get("index_columns", ()) if isinstance(one, str)}
    return [name for name in schema.names if name not in index], bool(index)
