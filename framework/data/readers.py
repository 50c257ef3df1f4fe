"""Read bars from a dataset, a file, a folder or frames into a tape; refuse what cannot be trusted.

Bars are kept at their closes: a stamp says when the bar was complete, so a strategy cannot see it earlier.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from framework.data import catalog
from framework.data.asked import check_asked
from framework.data.column_names import STAMP_COLUMNS, check_names, names_of_csv, names_of_parquet, our_names, refuse_blank
from framework.data.csv_faults import refuse_empty, refuse_long_row
from framework.data.frames import Missing, Source, Spec, Terms, to_tape
from framework.data.library_errors import SHAPE, reading
from framework.data.stamps import BarStamp, Bound, Epoch
from framework.data.tape import Tape
from framework.errors import DataError, did_you_mean
from framework.schema.units import Step

SUFFIXES = (".csv", ".csv.gz", ".parquet")
_ROWS_OF_CSV = "Rows need as many fields as the header, quotes their ends, and text is UTF-8. Correct the file, or fetch it again."

Data = str | Path | pd.DataFrame | Mapping[str, pd.DataFrame]


def read_bars(
    data: Data,
    *,
    instruments: Sequence[str] | None = None,
    start: Bound = None,
    end: Bound = None,
    bar_stamp: BarStamp = "close",
    calendar: str | None = None,
    tick_size: float | str | Fraction | Step | None = None,
    lot_size: float | str | Fraction | Step | None = None,
    currency: str = "USD",
    time_zone: str | None = None,
    epoch: Epoch | None = None,
    columns: Mapping[str, str] | None = None,
    missing: Missing = "refuse",
    instrument_specs: Mapping[str, Spec] | None = None,
    actions: pd.DataFrame | None = None,
) -> Tape:
    """Read bars into a tape.

    Args:
        data: a dataset name (`catalog.names()`); a .csv, .csv.gz or .parquet file; a folder of such files; a DataFrame; or a
            dict of DataFrames by symbol. A file is one symbol, its stem, unless it has a column `symbol`.
        instruments: which symbols to keep; for a single DataFrame, its name ("ASSET" if not given).
        start, end: inclusive. A date means that whole day, UTC; an instant needs its zone.
        bar_stamp: "close" (the default) or "open": what the source's stamps are. Opens are moved to the closes.
        calendar: where the bars trade: an `exchange_calendars` name, "24/7" or "bars". Bars must then fit its sessions.
            If not given: "24/7" for bars shorter than a day, else "bars", where each bar is its own session.
        tick_size, lot_size: steps of price and quantity; if not given, the coarsest decimal that represents every value exactly.
        currency: of the prices.
        time_zone: of stamps that do not say theirs.
        epoch: what numeric stamps count since 1970: "s", "ms", "us" or "ns".
        columns: names in the source to ours, {"last": "close"}; {"name": ""} leaves a column out. Case does not matter.
        missing: "refuse" sessions without a bar, or "allow" and note them. Only looked at where a calendar is named.
        instrument_specs: by symbol, an Instrument or a mapping of its fields, overriding everything above.
        actions: splits, dividends and delistings; see `tape.build`.

    Raises:
        DataError: naming place, row, column, value, rule and what to do.

    >>> stamps = pd.DatetimeIndex(["2020-01-01 00:01", "2020-01-01 00:02"], tz="UTC")
    >>> bars = pd.DataFrame(dict(open=1.5, high=2.0, low=1.0, close=1.25, volume=3.0), index=stamps)
    >>> read_bars(bars, instruments=["X"]).instruments[0].tick
    Step(numerator=1, denominator=100)
    """
    check_asked(instruments)
    terms = Terms(
        start, end, bar_stamp, calendar, tick_size, lot_size, currency, time_zone, epoch, missing, instrument_specs
    )  # fmt: skip
    if is_dataset(data):
        if terms != Terms(start, end) or columns or actions is not None:
            raise DataError(f"dataset {data!r} brings its own stamps, calendar and steps. Give only instruments=, start= and end= with it.")
        return catalog.load(str(data), instruments=instruments, start=start, end=end)
    if isinstance(data, (str, Path)):
        sources, name = _from_path(Path(data), columns or {}), Path(data).name
        sources = _chosen(sources, instruments, name)
    elif isinstance(data, pd.DataFrame):
        sources, name = _from_frame(data, instruments, columns or {}), "frame"
    elif isinstance(data, Mapping):
        symbols = symbols_of(pd.Series(list(data), dtype=object), "frames", lambda row: f"key {row + 1}")
        pairs = zip(symbols, data.values(), strict=True)
        sources = [_from_one(symbol, frame, f"frame {symbol!r}", columns or {}) for symbol, frame in pairs]
        sources, name = _chosen(sources, instruments, "frames"), "frames"
    else:
        raise DataError(f"data is a {type(data).__name__}. Give a dataset name, a path, a DataFrame or a dict of DataFrames.")
    return to_tape(sources, terms, actions=actions, name=name)


def is_dataset(data: object) -> bool:
    """Whether `read_bars` takes this for the name of a dataset, which brings its own terms, and not for a path or frames."""
    return isinstance(data, str) and not _is_path(data)


def _is_path(text: str) -> bool:
    return text.endswith(SUFFIXES) or "/" in text or "\\" in text or (not catalog.has(text) and os.path.exists(text))


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
        beside = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        raise DataError(f"{path}: no such file. {did_you_mean(path.name, beside)} Datasets: {', '.join(catalog.names())}.")
    if path.is_dir():
        files = sorted(entry for entry in path.iterdir() if entry.name.endswith(SUFFIXES))
        return [source for entry in files for source in _from_path(entry, columns)]
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
    kept = [name != "" for name in names]
    return table.loc[:, kept].set_axis([name for name in names if name], axis=1)


def _split(table: pd.DataFrame, place: str, symbol: str | None, lines: np.ndarray[Any, np.dtype[np.int64]] | None) -> list[Source]:
    """One source a symbol, with the stamps taken from their column or from the index."""
    check_names(list(table.columns), place=place, is_indexed=not isinstance(table.index, pd.RangeIndex))
    found = [name for name in table.columns if name in STAMP_COLUMNS]
    stamps: pd.Series[Any] | pd.Index[Any] = table[found[0]] if found else table.index
    bars = table.drop(columns=found)
    if "symbol" not in bars.columns:
        return [Source(symbol or "ASSET", bars, stamps, place, lines)]
    symbols = symbols_of(bars["symbol"], place, lambda row: f"row {row}" if lines is None else f"line {lines[row]}")
    bars = bars.drop(columns="symbol")
    sources = []
    for one in sorted(set(symbols)):
        rows = symbols == one
        own = None if lines is None else lines[rows]
        sources.append(Source(one, bars[rows], stamps[rows], f"{place} ({one})", own))
    return sources


def symbols_of(column: pd.Series[Any], place: str, row_name: Callable[[int], str]) -> np.ndarray[Any, np.dtype[np.object_]]:
    """Symbols as text: all of them text, or all of them whole numbers (7203).

    Raises:
        DataError: one that is empty or neither, or numbers among text.
    """
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
