"""From a dataset to a tape: in memory where it is small, else one file of events, made once and mapped.

The file is a plain .npy of EVENT in the cache folder, named by a digest over the dataset's manifest and the question; beside it stands
the digest of the tape. Opening compares both: an audit needs the tape's digest anyway, so this costs nothing more.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import tokenize
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from framework.data.checks.library_errors import DAMAGE, SHAPE
from framework.data.reference.calendar import fingerprint, is_bars
from framework.data.store.manifest import terms_of
from framework.data.store.read import Dataset
from framework.data.tape import Tape
from framework.data.tape.event_arrays import put, room
from framework.data.tape.mapped import give_back
from framework.data.tape.merge import merged
from framework.data.tape.skeleton import Skeleton, bar_stamps, skeleton
from framework.errors import DataError
from framework.schema.event import EVENT, Kind

Events = NDArray[np.void]

IN_MEMORY_EVENTS = 16_000_000
"""Tapes up to so many events, 1 GiB, are made in memory each time; longer ones are mapped from a file."""

_NOT_WHOLE = (*DAMAGE, *SHAPE, SyntaxError, tokenize.TokenError)
"""What reading a damaged file raises; numpy parses the header of its arrays as Python."""

_LAYOUT = 2
"""Part of a file's name: raised when the same question gives other bytes."""


def cache_folder() -> Path:
    """Where mapped tapes are kept: ONETAPE_CACHE, else XDG_CACHE_HOME/onetape, else ~/.cache/onetape; below it `tapes`."""
    chosen, cache = os.environ.get("ONETAPE_CACHE"), os.environ.get("XDG_CACHE_HOME")
    return (Path(chosen) if chosen else (Path(cache) if cache else Path.home() / ".cache") / "onetape") / "tapes"


def tape_of(dataset: Dataset, *, name: str, in_memory_events: int = IN_MEMORY_EVENTS) -> Tape:
    """The tape of what is asked for.

    Raises:
        DataError: nothing lies in the range, or a partition is damaged.
    """
    if sum(partition.rows for partition in dataset.partitions) > in_memory_events:
        return _mapped(dataset, name)
    made, rows = _around(dataset, name)
    events = room(rows + len(made.sessions))
    _fill(events, dataset, made)
    events.setflags(write=False)
    return Tape(made.instruments, made.currencies, made.calendars, events, dataset.manifest.notes, name)


def _around(dataset: Dataset, name: str) -> tuple[Skeleton, int]:
    """Everything but the market events, and how many of these there are."""
    with_bars = any(is_bars(instrument.calendar) for instrument in dataset.instruments)
    if dataset.is_whole and not with_bars and dataset.partitions:
        first = min(partition.first_ns for partition in dataset.partitions)
        last = max(partition.last_ns for partition in dataset.partitions)
        return skeleton(dataset.instruments, {}, first, last), sum(partition.rows for partition in dataset.partitions)
    found: list[tuple[int, int]] = []
    bars: list[Events] = []
    rows = 0
    positions = {instrument.symbol: k for k, instrument in enumerate(dataset.instruments)}
    for partition in dataset.partitions:
        for events in dataset.groups(partition, ("ts_local_ns", "kind")):
            if not len(events):
                continue
            rows += len(events)
            found.append((int(events["ts_local_ns"][0]), int(events["ts_local_ns"][-1])))
            if with_bars and partition.symbol:
                own = events[events["kind"] == Kind.BAR]
                own["instrument"] = positions[partition.symbol]
                bars.append(own)
    if not rows:
        symbols = ", ".join(positions)
        span = f"{np.datetime64(dataset.manifest.first_ns, 'ns')} to {np.datetime64(dataset.manifest.last_ns, 'ns')}"
        raise DataError(f"dataset {name!r}: no such events of {symbols} in the range asked for; it holds {span} UTC.")
    return skeleton(dataset.instruments, bar_stamps(bars), min(f for f, _ in found), max(last for _, last in found)), rows


def _fill(events: Events, dataset: Dataset, made: Skeleton) -> None:
    begin = 0
    for block in merged([*dataset.streams(), iter((made.sessions,))]):
        put(events, begin, block)
        give_back(events, begin, begin + len(block))
        begin += len(block)
    if begin != len(events):
        raise DataError(f"{dataset.folder}: {begin} events, expected {len(events)}. `onetape data check` says what is wrong.")


def _mapped(dataset: Dataset, name: str) -> Tape:
    path = cache_folder() / f"{_key(dataset)}.npy"
    with suppress(*_NOT_WHOLE):  # not made yet, or not whole
        tape = _open(path, dataset, name)
        if tape is not None:
            return tape
    path.parent.mkdir(parents=True, exist_ok=True)
    made, rows = _around(dataset, name)
    with tempfile.TemporaryDirectory(prefix=".making-", dir=path.parent) as folder:
        beside = Path(folder) / path.name
        events = open_memmap(beside, mode="w+", dtype=EVENT, shape=(rows + len(made.sessions),))
        _fill(cast(Events, events), dataset, made)
        events.flush()
        events.setflags(write=False)
        tape = Tape(made.instruments, made.currencies, made.calendars, events.view(np.ndarray), dataset.manifest.notes, name)
        words = {
            "dataset": dataset.folder,
            "manifest": dataset.manifest.digest(),
            "digest": tape.digest(),
            "currencies": made.currencies,
            "calendars": made.calendars,
            "calendar_of": [instrument.calendar for instrument in made.instruments],
        }
        about = beside.with_suffix(".json")
        about.write_text(json.dumps(words), encoding="utf-8")
        os.replace(beside, path)
        os.replace(about, path.with_suffix(".json"))
    return tape


def _open(path: Path, dataset: Dataset, name: str) -> Tape | None:
    """The tape of a file that was made before; None where its bytes are not those that were written."""
    words = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    events = np.load(path, mmap_mode="r").view(np.ndarray)
    if events.dtype != EVENT:
        return None
    calendars = words["calendar_of"]
    instruments = tuple(replace(i, calendar=calendar) for i, calendar in zip(dataset.instruments, calendars, strict=True))
    tape = Tape(instruments, tuple(words["currencies"]), tuple(words["calendars"]), events, dataset.manifest.notes, name)
    return tape if tape.digest() == words["digest"] else None


def _key(dataset: Dataset) -> str:
    question = [
        _LAYOUT,
        dataset.manifest.digest(),
        [terms_of(instrument) for instrument in dataset.instruments],
        sorted({fingerprint(instrument.calendar) for instrument in dataset.instruments}),
        None if dataset.kinds is None else sorted(dataset.kinds),
        dataset.first_ns,
        dataset.last_ns,
    ]
    return hashlib.blake2b(json.dumps(question).encode(), digest_size=16).hexdigest()


def forget(manifest_digest: str) -> None:
    """Remove the mapped tapes of a dataset that is removed."""
    for about in _described():
        with suppress(*_NOT_WHOLE):  # another process removes it too, or writes it
            if json.loads(about.read_text(encoding="utf-8"))["manifest"] == manifest_digest:
                about.with_suffix(".npy").unlink(missing_ok=True)
                about.unlink()


def _described() -> Iterator[Path]:
    folder = cache_folder()
    return folder.glob("*.json") if folder.is_dir() else iter(())
