"""How fast files become events, events a dataset, a dataset a tape, and batches a store of ticks."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from framework.bench.measure import Row
from framework.version import __version__

_WORKS = (
    ("csv_epoch", "CSV trades, stamps as numbers", "bar 3M"),
    ("csv_iso", "CSV trades, stamps as text", "bar 3M"),
    ("csv_found", "CSV trades, steps not declared", "finds tick and lot first"),
    ("import", "recording to dataset", "two instruments"),
    ("load_one", "dataset to tape, one instrument", "bar 10M"),
    ("load_two", "dataset to tape, two interleaved", "bar 10M"),
)
_STORE = (("append", "batches to a store", "100,000 events each"), ("read", "a store to events", "all that it holds"))
_ROWS = {"small": 20_000, "full": 5_000_000, "long": 100_000_000}


def measure(folder: Path, repeat: int, *, small: bool, long: bool, store: str | None, say: Callable[[str], None]) -> list[Row]:
    """All rows of `data`.

    Args:
        folder: for files; up to 2 GB, with `long` up to 3 GB more.
        repeat: runs a row; the fastest counts, with the most memory of any.
        small: 20,000 rows instead of 5M.
        long: also an import of 100M events, for its memory.
        store: URL of a PostgreSQL database to measure too; a stream `bench` stays in it.
        say: told what is being measured.
    """
    count, rows = _ROWS["small" if small else "full"], []
    for work, what, remark in _WORKS:
        say(f"data: {what}")
        rows.append(_row(what, [_child(folder, work, count) for _ in range(repeat)], remark))
    if long:
        say(f"data: {_ROWS['long']:,} events to a dataset")
        rows.append(_row("recording to dataset, long", [_child(folder, "import", _ROWS["long"])], "bar 1,000 MB"))
    for where, name in (("bench", "files"), *([(store, "PostgreSQL")] if store else [])):
        for work, what, remark in _STORE:
            say(f"data: {what}, {name}")
            rows.append(_row(f"{what}, {name}", [_run(work, count, folder, where)], remark))
    return rows


def _child(folder: Path, work: str, count: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(dir=folder) as own:
        return _run(work, count, Path(own))


def _run(work: str, count: int, folder: Path, *more: str) -> dict[str, Any]:
    command = [sys.executable, "-P", "-m", "framework.bench.data_work", work, str(count), str(folder), *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{work} ended with {done.returncode}:\n{done.stderr.strip() or 'it said nothing'}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _row(what: str, answers: list[dict[str, Any]], remark: str) -> Row:
    best = min(answers, key=lambda found: float(found["seconds"]))
    events, seconds = int(best["events"]), float(best["seconds"])
    peak = max(float(found["peak_rss_mb"]) for found in answers)
    return Row("data", what, "onetape", __version__, events, seconds, events / seconds, None, peak, remark)
