"""What is wrong with a CSV file that a library refused: that it is empty, or which row is longer than the header."""

from __future__ import annotations

import codecs
import csv
import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from framework.data.checks.library_errors import opened
from framework.errors import DataError

_LONGEST_LINE = 1 << 17
"""Characters: about what a field may have, in the csv module. What is longer is no table."""

_BEGINNING = 1 << 16
"""Bytes: more than a file of bars begins with before its header."""

_SHOWN = 100


def refuse_empty(path: Path) -> None:
    """Refuse a file without a line.

    Raises:
        DataError: it holds nothing, or only blank lines.
    """
    with opened(path) as stream:
        begins = stream.read(_BEGINNING)
    if not begins.removeprefix(codecs.BOM_UTF8).strip():
        raise DataError(
            f"{path.name}: empty; rule: a header, such as ts,open,high,low,close,volume, and a "
            "row for each bar. Remove the file, or write it again."
        )


def refuse_long_row(path: Path) -> None:
    """Refuse the first row that has more fields than the header. Shorter ones lack a value, which is told by its column.

    Raises:
        DataError: with its line, both numbers and the row.
    """
    rows = _rows(path)
    _, header = next(rows, (0, []))
    for line, row in rows:
        if len(row) > len(header):
            shown = ",".join(row)
            raise DataError(
                f"{path.name}, line {line}: {len(row)} fields, the header has {len(header)}: {shown[:_SHOWN]!r}. Correct the row (numbers "
                "are written without commas between thousands) or remove it; or name the further column in the header."
            )


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not blank, each with the line it ends on; up to where it is no longer text."""
    with gzip.open(path, "rt", encoding="utf-8-sig", errors="replace", newline="") if path.suffix == ".gz" else path.open(
        encoding="utf-8-sig", errors="replace", newline=""
    ) as stream:  # fmt: skip
        reader = csv.reader(_lines(stream))
        try:
            for row in reader:
                if row:
                    yield reader.line_num, row
        except (csv.Error, OSError, EOFError):  # damage of another kind, which the library has told
            return


def _lines(stream: TextIO) -> Iterator[str]:
    while line := stream.readline(_LONGEST_LINE):
        if len(line) == _LONGEST_LINE:
            return
        yield line
