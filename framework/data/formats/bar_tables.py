"""Tables of bars as people have them, in files, folders and frames: each a source of a tape, by symbol."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from framework.data.checks.asked import check_asked
from framework.data.checks.column_names import STAMP_COLUMNS, check_names, names_of_csv, names_of_parquet, our_names, refuse_blank
from framework.data.checks.csv_faults import refuse_empty, refuse_long_row
from framework.data.checks.library_errors import SHAPE, reading
from framework.data.store import catalog
from framework.data.tape import Tape
from framework.data.tape.from_frames import Source, Terms, to_tape
from framework.errors import DataError, did_you_mean

SUFFIXES = (".csv", ".csv.gz", ".parquet")
_ROWS_OF_CSV = "Rows need as many fields as the header, quotes their ends, and text is UTF-8. Correct the file, or fetch it again."

Tables = Path | pd.DataFrame | Mapping[str, pd.DataFrame]


def tape_of(
    data: Tables, terms: Terms, *, instruments: Sequence[str] | None, columns: Mapping[str, str], actions: pd.DataFrame | None
) -> Tape:
    """The tape of a file, a folder or frames; the arguments are those of `readers.read_bars`, where they are explained.

    Raises:
        DataError: naming place, row, column, value, rule and what to do.
    """
    check_asked(instruments)
    if isinstance(data, Path):
        sources, name = _from_path(data, columns), data.name
        sources = _chosen(sources, instruments, name)
    elif isinstance(data, pd.DataFrame):
        sources, name = _from_frame(data, instruments, columns), "frame"
    elif isinstance(data, Mapping):
        symbols = symbols_of(pd.Series(list(data), dtype=object), "frames", lambda row: f"key {row + 1}")
        pairs = zip(symbols, data.values(), strict=True)
        sources = [_from_one(symbol, frame, f"frame {symbol!r}", columns) for symbol, frame in pairs]
        sources, name = _chosen(sources, instruments, "frames"), "frames"
    else:
        raise DataError(f"data is a {type(data).__name__}. Give a dataset name, a path, a DataFrame or a dict of DataFrames.")
    return to_tape(sources, terms, actions=actions, name=name)


def _chosen(sources: list[Source], instruments: Sequence[str] | None, name: str) -> list[Source]:
    if not sources:
        raise DataError(f"{name}: no bars found. A folder needs files ending in {', '.join(SUFFIXES)}; a dict needs a frame.")
    if instruments is None:
        return sources
    known = {source.symbol: source for source in sources}
    for symbol in instruments:
        if symbol not in known:
            raise DataError(f"{name}: no instrument {symbol!r}. {did_you_mean(symbol, known)}")
    return [known[symbol] for symbol in sorted(set(instruments))]


def _from_frame(frame: pd.DataFrame, instruments: Sequence[str] | None, columns: Mapping[str, str]) -> list[Source]:
    table = _renamed(frame, columns, "frame")
    if "symbol" in table.columns:
        return _chosen(_split(table, "frame", None, None), instruments, "frame")
    if instruments is not None and len(instruments) != 1:
        raise DataError(
            f"one DataFrame without a column 'symbol' is one instrument, but instruments= names {len(instruments)}. "
            "Give a dict of DataFrames by symbol, or add the column."
        )
    return _split(table, "frame", instruments[0] if instruments else "ASSET", None)


def _from_one(symbol: str, frame: pd.DataFrame, place: str, columns: Mapping[str, str]) -> Source:
    if not isinstance(frame, pd.DataFrame):
        raise DataError(f"{place}: a {type(frame).__name__}; rule: a dict holds a DataFrame for each symbol. Make it one.")
    table = _renamed(frame, columns, place)
    if "symbol" in table.columns:
        raise DataError(f"{place}: has a column 'symbol' besides its key. Give the frame alone, or leave the column out.")
    [source] = _split(table, place, symbol, None)
    return source


def _from_path(path: Path, columns: Mapping[str, str]) -> list[Source]:
    if not path.exists():
        beside = [item.name for item in path.parent.iterdir()] if path.parent.is_dir() else []
        raise DataError(f"{path}: no such file. {did_you_mean(path.name, beside)} Datasets: {', '.join(catalog.names())}.")
    if path.is_dir():
        files = sorted(item for item in path.iterdir() if item.name.endswith(SUFFIXES))
        return [source for item in files for source in _from_path(item, columns)]
    if not path.name.endswith(SUFFIXES):
        raise DataError(f"{path}: cannot tell what it is from its name. Files end in {', '.join(SUFFIXES)}.")
    stem = path.name.removesuffix(".gz").removesuffix(".csv").removesuffix(".parquet")
    if path.suffix == ".parquet":
        theirs, is_indexed = names_of_parquet(path)
        check_names([name for name in our_names(theirs, columns, path.name) if name], place=path.name, is_indexed=is_indexed)
        return _split(_renamed(_read_parquet(path), columns, path.name), path.name, stem, None)
    refuse_blank(path, _ROWS_OF_CSV)
    refuse_empty(path)
    theirs = names_of_csv(path, _ROWS_OF_CSV)
    check_names([name for name in our_names(theirs, columns, path.name) if name], place=path.name)
    table = _renamed(_read_csv(path, theirs), columns, path.name)
    return _split(table, path.name, stem, np.arange(2, len(table) + 2))  # the header is line 1


def _read_csv(path: Path, names: list[str]) -> pd.DataFrame:
    """Every row of the file, blank ones too, so that a row's line is its position; nothing is taken for "not available".

    Symbols stay text: a ticker may be 1299 or NA.
    """
    text: dict[Any, type[str]] = {name: str for name in names if name.strip().lower() == "symbol"}
    with reading(path.name, _ROWS_OF_CSV, fault="not a CSV file that can be read"), warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)  # a row longer than the header must not be cut
        try:
            return pd.read_csv(
                path, index_col=False, keep_default_na=False, skip_blank_lines=False, encoding="utf-8-sig",
                dtype=text, low_memory=False,
            )  # fmt: skip
        except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
            refuse_long_row(path)
            raise ValueError(str(error)) from error


def _read_parquet(path: Path) -> pd.DataFrame:
    with reading(path.name, fault="not a parquet file that can be read", also=SHAPE):  # SHAPE: what pandas noted of its index
        return pd.read_parquet(path, engine="pyarrow", page_checksum_verification=True)


def _renamed(table: pd.DataFrame, columns: Mapping[str, str], place: str) -> pd.DataFrame:
    """Lower-case names, then the user's mapping; a name mapped to "" is left out, as asked."""
    names = our_names(list(table.columns), columns, place)
    if names == list(table.columns) and all(names):
        return table
    kept = [name != "" for name in names]
    return table.loc[:, kept].set_axis([name for name in names if name], axis=1)


def _split(table: pd.DataFrame, place: str, symbol: str | None, lines: np.ndarray[Any, np.dtype[np.int64]] | None) -> list[Source]:
    """One source a symbol, with the stamps taken from their column or from the index."""
    check_names(list(table.columns), place=place, is_indexed=not isinstance(table.index, pd.RangeIndex))
    found = [name for name in table.columns if name in STAMP_COLUMNS]
    stamps: pd.Series[Any] | pd.Index[Any] = table[found[0]] if found else table.index
    bars = table.drop(columns=found) if found else table
    if "symbol" not in bars.columns:
        return [Source(symbol or "ASSET", bars, stamps, place, lines)]
    symbols = symbols_of(bars["symbol"], place, lambda row: f"row {row}" if lines is None else f"line {lines[row]}")
    bars = bars.drop(columns="symbol")
    codes, names = pd.factorize(symbols, sort=True)
    order = np.argsort(codes, kind="stable")  # the rows of each symbol side by side, in the order in which they came
    bars, stamps, lines = bars.take(order), stamps.take(order), None if lines is None else lines[order]
    ends = np.cumsum(np.bincount(codes, minlength=len(names))).tolist()
    cut = stamps.iloc if isinstance(stamps, pd.Series) else stamps
    return [
        Source(one, bars.iloc[begin:end], cut[begin:end], f"{place} ({one})", None if lines is None else lines[begin:end])
        for one, begin, end in zip(names, [0, *ends], ends, strict=False)
    ]


def symbols_of(column: pd.Series[Any], place: str, row_name: Callable[[int], str]) -> np.ndarray[Any, np.dtype[np.object_]]:
    """Symbols as text: all of them text, or all of them whole numbers (7203).

    Raises:
        DataError: one that is empty or neither, or numbers among text.
    """
    if isinstance(column.dtype, pd.StringDtype) and not column.isna().any() and not (column == "").any():
        return column.to_numpy(dtype=object)
    values = column.to_numpy(dtype=object)
    wanted = str if any(isinstance(value, str) for value in values[:1]) else int
    for row, value in enumerate(values):
        if type(value) is wanted and value != "":
            continue
        if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, (str, float)) and (not value or value != value)):
            raise DataError(f"{place}, {row_name(row)}, column symbol: empty. Fill it in or remove the row.")
        if isinstance(value, bool) or not isinstance(value, wanted if wanted is str else (int, np.integer)):
            raise DataError(
                f"{place}, {row_name(row)}, column symbol: {value!r} ({type(value).__name__}); rule: all symbols are text, or all are "
                "whole numbers. Write them all as text."
            )
    return np.array([str(value) for value in values], dtype=object)
