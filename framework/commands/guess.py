"""Which format a file is in, by its name and its first bytes; what cannot be told is refused."""

from __future__ import annotations

import gzip
import re
from collections.abc import Sequence
from pathlib import Path

from framework.commands.formats import format_names, recording_of
from framework.data.checks.library_errors import reading
from framework.data.tape.recording import Recording
from framework.errors import DataError

_BARS = {"open", "high", "low", "close"}


def guess(path: Path) -> tuple[str, list[str]]:
    """A format, and settings of its reader that the file itself tells.

    Raises:
        DataError: no such file, or nothing known; the message names the formats.
    """
    if not path.exists():
        raise DataError(f"{path}: no such file.")
    name = path.name.lower()
    if path.is_dir() or name.endswith(".zip"):
        tables = path.is_dir() and any(one.name.endswith((".csv", ".csv.gz", ".parquet")) for one in path.iterdir())
        return ("bars" if tables else "lean"), []
    for ending, form in (
        (".dbn", "databento"),
        (".dbn.zst", "databento"),
        (".feather", "freqtrade"),
        (".itch", "itch"),
        (".itch.gz", "itch"),
    ):
        if name.endswith(ending):
            return form, []
    if re.search(r"_\d{4}-\d\d-\d\d_.*message_", path.name):
        return "lobster", []
    if name.endswith(".parquet"):
        import pyarrow.parquet as pq

        with reading(path, fault="not a parquet file"):
            names = pq.read_schema(path).names
        return _table([column.lower() for column in names], path)
    line = _first_line(path)
    if name.endswith((".csv", ".csv.gz")):
        return _table([word.strip().strip('"').lower() for word in line.split(",")], path)
    if re.match(r"\d{19} \{", line):
        return "binance", []
    for venue in ("coinbase", "kraken", "binance"):
        if venue in name:
            return venue, []
    raise _unknown(path)


def read_guessed(paths: Sequence[Path], format_name: str | None, settings: Sequence[str]) -> Recording:
    """Read paths of one format, which is guessed from the first where it is not given.

    Raises:
        ConfigError: an unknown format or argument.
        DataError: what it is cannot be told, or as the reader says.
    """
    told: list[str] = []
    if format_name is None:
        format_name, told = guess(paths[0])
    given = {setting.partition("=")[0] for setting in settings}
    return recording_of(
        format_name, [str(path) for path in paths], [*(one for one in told if one.partition("=")[0] not in given), *settings]
    )


def _table(columns: list[str], path: Path) -> tuple[str, list[str]]:
    found = set(columns)
    if found >= _BARS:
        return "bars", []
    for kind, needed in (("quotes", {"bid", "ask"}), ("trades", {"price", "size"}), ("funding", {"rate"})):
        if needed <= found:
            return "table", [f"kind={kind}"]
    raise _unknown(path)


def _first_line(path: Path) -> str:
    with reading(path), gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
        return file.read(4096).split(b"\n", 1)[0].decode("utf-8-sig", "replace")


def _unknown(path: Path) -> DataError:
    return DataError(f"{path}: its name and first bytes do not tell what it is. Say --format, one of {', '.join(format_names())}.")
