"""From paths to a recording by the name of a format, and from a recording to one file."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as pq

from framework.config.text import parse_value
from framework.data import formats
from framework.data.store.together import together
from framework.data.tape.recording import Recording
from framework.errors import ConfigError, DataError, did_you_mean
from framework.schema.event import EVENT, NO_INSTRUMENT, Kind

_URL = "://"
_WORDS = ("w0", "w1", "w2", "w3", "w4")


def format_names() -> list[str]:
    """Names of the formats that can be read: modules of `framework.data.formats` with a function `read`."""
    return [name for name in sorted(found.name for found in pkgutil.iter_modules(formats.__path__)) if hasattr(_module(name), "read")]


def recording_of(format_name: str, paths: Sequence[str], settings: Sequence[str]) -> Recording:
    """Read paths of one format.

    Args:
        format_name: one of `format_names()`.
        paths: files, folders or URLs; each is read by itself; see `together`.
        settings: arguments of the format's `read`, as "tick_size=0.01"; values are YAML.

    Raises:
        ConfigError: an unknown format or argument.
        DataError: as the reader says.
    """
    names = format_names()
    if format_name not in names:
        raise ConfigError(f"format {format_name!r} is unknown. {did_you_mean(format_name, names)}")
    read: Callable[..., Recording] = _module(format_name).read
    known = list(inspect.signature(read).parameters)[1:]
    given: dict[str, Any] = {}
    for setting in settings:
        word, equals, text = setting.partition("=")
        if not equals:
            raise ConfigError(f"--set {setting}: must look like key=value, for instance tick_size=0.01")
        if word not in known:
            raise ConfigError(f"--set {setting}: format {format_name} has no argument {word!r}. {did_you_mean(word, known)}")
        given[word] = parse_value(text, f"--set {setting}")
    return together([read(path if _URL in path else Path(path), **given) for path in paths])


def without_password(path: str) -> str:
    """A path or URL as others may see it.

    >>> without_password("postgresql://me:secret@host/ticks")
    'postgresql://me:***@host/ticks'
    """
    return re.sub(r"(://[^:/@]+):[^@]*@", r"\1:***@", path)


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"{formats.__name__}.{name}")


def write_table(recording: Recording, target: Path, progress: Callable[[int], None]) -> int:
    """Write events into a .parquet or .csv that does not exist yet; the number of rows.

    Columns: ts_local_ns, ts_venue_ns (UTC), kind (name), flags (bits), instrument (symbol, empty for none), w0 to w4 (see
    `framework.schema.event`).

    Raises:
        DataError: the file exists or has another ending.
    """
    if target.suffix not in (".parquet", ".csv"):
        raise DataError(f"{target}: cannot tell what to write from its name. Files end in .parquet or .csv.")
    if target.exists():
        raise DataError(f"{target}: exists already. Give another name.")
    symbols = pa.array([*(instrument.symbol for instrument in recording.instruments), ""])
    tables = (_table(part, symbols) for part in recording.parts() if len(part))
    beside = target.with_name(target.name + ".writing")
    rows = _write_parquet(tables, beside, progress) if target.suffix == ".parquet" else _write_csv(tables, beside, progress)
    beside.rename(target)
    return rows


def _schema() -> pa.Schema:
    text = {"kind": pa.string(), "instrument": pa.string()}
    return pa.schema([(name, text.get(name) or pa.from_numpy_dtype(EVENT[name])) for name in EVENT.names or ()])


def _table(events: np.ndarray[Any, Any], symbols: pa.Array) -> pa.Table:
    columns: dict[str, Any] = {
        name: pa.array(np.ascontiguousarray(events[name])) for name in ("ts_local_ns", "ts_venue_ns", "flags", *_WORDS)
    }
    owners = np.where(events["instrument"] == NO_INSTRUMENT, len(symbols) - 1, events["instrument"])
    codes, kinds = np.unique(events["kind"], return_inverse=True)
    columns["kind"] = pa.array([Kind(int(code)).name for code in codes]).take(pa.array(kinds))
    columns["instrument"] = symbols.take(pa.array(owners))
    return pa.table([columns[name] for name in _schema().names], schema=_schema())


def _write_parquet(tables: Iterator[pa.Table], path: Path, progress: Callable[[int], None]) -> int:
    rows = 0
    with pq.ParquetWriter(path, _schema(), compression="zstd") as writer:
        for table in tables:
            writer.write_table(table)
            rows += table.num_rows
            progress(rows)
    return rows


def _write_csv(tables: Iterator[pa.Table], path: Path, progress: Callable[[int], None]) -> int:
    rows = 0
    with path.open("wb") as file:
        file.write((",".join(_schema().names) + "\n").encode())
        with csv.CSVWriter(file, _schema(), write_options=csv.WriteOptions(include_header=False, quoting_style="needed")) as writer:
            for table in tables:
                writer.write_table(table)
                rows += table.num_rows
                progress(rows)
    return rows
