"""The Parquet table of a sweep, and the journal beside it while the sweep goes on.

`FILE.journal` is text: a line with the header, then a line for each set that is done. A line that a crash cut short is left out
when it is read. At the end everything goes into FILE at once (written beside it, then put in its place), and the journal goes.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pandas as pd

from framework.errors import ConfigError, DataError
from framework.simulation.sweep_run import OUTCOME

HEADER_KEY = b"onetape.sweep"
_NAMES: tuple[str, ...] = tuple(OUTCOME.names or ())
_TAIL = ("error", "header")


@dataclass(frozen=True, slots=True)
class Done:
    """A set that has run: its parameters, its `OUTCOME`, what went wrong."""

    parameters: Mapping[str, Any]
    values: tuple[float, ...]
    error: str


def column_of(parameter: str) -> str:
    """The column of a parameter: its name, after `params.` where an outcome has that name."""
    return f"params.{parameter}" if parameter in (*_NAMES, *_TAIL) else parameter


def table_of(rows: Sequence[tuple[str, Done]]) -> pd.DataFrame:
    """The table of a sweep: parameters, outcome, `error`, `header` (the digest of the run's header)."""
    columns: dict[str, Any] = {}
    for name in dict.fromkeys(name for _, done in rows for name in done.parameters):
        values = [done.parameters.get(name) for _, done in rows]
        columns[column_of(name)] = pd.Series(values, dtype=None if _is_uniform(values) else object)
    for k, name in enumerate(_NAMES):
        columns[name] = pd.Series([done.values[k] for _, done in rows], dtype=OUTCOME[name])
    columns["error"] = pd.Series([done.error for _, done in rows], dtype=object)
    columns["header"] = pd.Series([digest for digest, _ in rows], dtype=object)
    return pd.DataFrame(columns)


def _is_uniform(values: Sequence[Any]) -> bool:
    kinds = {type(value) for value in values}
    return len(kinds) == 1 and kinds <= {int, float, bool}


class Store:
    """The file of a sweep and its journal.

    Args:
        path: the Parquet file.
        header: what the runs have in common; another one in the file or in the journal is refused.
        versions: of the software, for the reader; not compared.

    Raises:
        ConfigError: the file holds another sweep; the message names what differs.
        DataError: the file is no table of a sweep.
    """

    def __init__(self, path: str | Path, header: Mapping[str, object], versions: Mapping[str, str]) -> None:
        self.path = Path(path)
        self.journal = self.path.with_name(self.path.name + ".journal")
        self._header: dict[str, Any] = json.loads(json.dumps(header, default=str))
        self._versions = dict(versions)
        self._file: BinaryIO | None = None
        self.done: dict[str, Done] = {}
        self.is_whole = True
        """Whether the Parquet file holds all that is done."""
        if self.path.exists():
            self._read_table()
        if self.journal.exists():
            self._read_journal()

    def _read_table(self) -> None:
        import pyarrow.parquet as pq

        try:
            table = pq.read_table(self.path)
            kept = json.loads((table.schema.metadata or {})[HEADER_KEY])
        except (KeyError, ValueError, OSError) as error:
            raise DataError(f"{self.path}: not the table of a sweep, so it is not written over; give another `out`") from error
        self._compare(kept["header"], self.path)
        parameters = kept["parameters"]
        for row in table.to_pylist():
            chosen = {name: json.loads(row[column]) if text else row[column] for name, (column, text) in parameters.items()}
            values = tuple(_number(row[name]) for name in _NAMES)
            self.done[row["header"]] = Done(chosen, values, row["error"])

    def _read_journal(self) -> None:
        lines = self.journal.read_bytes().split(b"\n")
        if len(lines) < 2:
            return  # cut short in its first line: nothing was done yet
        self._compare(_json(lines[0], self.journal), self.journal)
        for line in lines[1:-1]:  # what stands after the last line's end was cut short
            row = _json(line, self.journal)
            self.done[row["header"]] = Done(row["parameters"], tuple(map(_number, row["values"])), row["error"])
            self.is_whole = False

    def _compare(self, kept: Mapping[str, Any], place: Path) -> None:
        mine, theirs = _flat(self._header), _flat(kept)
        off = [name for name in {**mine, **theirs} if mine.get(name) != theirs.get(name)]
        if off:
            listed = "; ".join(f"{name} was {_short(theirs.get(name))}, is {_short(mine.get(name))}" for name in off)
            raise ConfigError(f"{place}: holds another sweep: {listed}. Give another `out`, or remove the file to begin anew")

    def add(self, rows: Sequence[tuple[str, Done]]) -> None:
        """Write sets that are done into the journal."""
        if self._file is None:
            self._open()
        assert self._file is not None
        lines = []
        for digest, done in rows:
            self.done[digest] = done
            row = {"header": digest, "parameters": done.parameters, "values": done.values, "error": done.error}
            lines.append(json.dumps(row, default=str, separators=(",", ":")) + "\n")
        self.is_whole = False
        self._file.write("".join(lines).encode())
        self._file.flush()

    def _open(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = open(self.journal, "a+b")  # noqa: SIM115  # stays open while the sweep goes on
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.close()
            raise ConfigError(f"{self.journal}: another process is writing it; wait for it or give another `out`") from None
        self._file.seek(0)
        text = self._file.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._file.seek(len(whole))
        self._file.truncate()
        if not whole:
            self._file.write(json.dumps(self._header, separators=(",", ":")).encode() + b"\n")

    def close(self) -> None:
        """Close the journal; what is in it stays for the next call."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def finish(self, first: Sequence[str]) -> None:
        """Put all that is done into the Parquet file, those of `first` in this order before all others, and remove the journal."""
        self.close()
        others = [digest for digest in self.done if digest not in set(first)]
        self._write(table_of([(digest, self.done[digest]) for digest in (*first, *others)]))
        self.journal.unlink(missing_ok=True)
        self.is_whole = True

    def _write(self, table: pd.DataFrame) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        parameters = {}
        for name in dict.fromkeys(name for done in self.done.values() for name in done.parameters):
            column = column_of(name)
            as_text = table[column].dtype == object and {type(value) for value in table[column]} != {str}
            if as_text:
                table[column] = [json.dumps(value, default=str) for value in table[column]]
            parameters[name] = (column, as_text)
        about = {"header": self._header, "versions": self._versions, "parameters": parameters}
        made = pa.Table.from_pandas(table, preserve_index=False)
        made = made.replace_schema_metadata({**(made.schema.metadata or {}), HEADER_KEY: json.dumps(about).encode()})
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_name(self.path.name + ".writing")
        with beside.open("wb") as file:
            pq.write_table(made, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, self.path)


def _json(line: bytes, place: Path) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise DataError(f"{place}: not the journal of a sweep: {line[:80]!r}; remove it or give another `out`") from error


def _number(value: float | None) -> float:
    return float("nan") if value is None else value  # a missing float of Parquet


def _flat(header: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in header.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return flat


def _short(value: object) -> str:
    text = str(value)
    return f"{text[:16]}..." if len(text) > 40 else text
