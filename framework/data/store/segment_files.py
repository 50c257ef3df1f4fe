"""Files of the embedded store of ticks: a run of batches of one stream as Parquet, with what the batches were in its metadata."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import index
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from framework.data.checks.library_errors import SHAPE, reading
from framework.data.store.port import last_stamps
from framework.data.store.read import events_of
from framework.data.store.write import BUFFER_EVENTS, encoded
from framework.data.tape.event_arrays import joined
from framework.errors import DataError
from framework.schema.event import EVENT

Events = NDArray[np.void]

_FAN_IN = 32
"""So many files of one size are merged into one."""

_GROUP_ROWS = 131_072
_NAME = re.compile(r"(\d{12})-(\d{12})\.parquet")
_COLUMNS = tuple(EVENT.names or ())
_KEY = "onetape"
_WAY_OUT = "Restore the file; the batches in it are in no other."
_SCHEMA = pa.schema([(name, pa.from_numpy_dtype(EVENT[name])) for name in _COLUMNS])


@dataclass(frozen=True, slots=True)
class Segment:
    """A file: batches `first` to `last`, sorted by `ts_local_ns`.

    Attributes:
        path: where it lies.
        first, last: numbers of its first and last batch.
        rows, digests: of each batch, in order.
        first_ns, last_ns: `ts_local_ns` of its first and last event.
        stands: the last stamp of each `instrument` in it.
    """

    path: Path
    first: int
    last: int
    rows: tuple[int, ...]
    digests: tuple[str, ...]
    first_ns: int
    last_ns: int
    stands: Mapping[int, int]

    @property
    def events(self) -> int:
        """How many events it holds."""
        return sum(self.rows)

    def blocks(self, first_ns: int, last_ns: int) -> Iterator[tuple[int, Events]]:
        """Row groups that may hold events of a time, each with the number of rows before it.

        Raises:
            FileNotFoundError: it was merged into a larger one meanwhile.
            DataError: it is damaged.
        """
        opened = self.path.open("rb")  # where it is gone, its caller looks for the larger file
        with reading(self.path, _WAY_OUT, fault="damaged", also=SHAPE), opened as source:
            file, begin = pq.ParquetFile(source, page_checksum_verification=True), 0
            groups = [file.metadata.row_group(group) for group in range(file.num_row_groups)]
            found = [group.column(_COLUMNS.index("ts_local_ns")).statistics for group in groups]
            bounds = [self.first_ns, *(bound for stamps in found for bound in (stamps.min, stamps.max)), self.last_ns]
            is_chain = all(before <= after for before, after in pairwise(bounds)) and bounds[0] == bounds[1] and bounds[-2] == bounds[-1]
            if not is_chain or sum(group.num_rows for group in groups) != self.events or not file.schema_arrow.equals(_SCHEMA):
                raise DataError(f"{self.path}: damaged: its footer is not the one that was written. {_WAY_OUT}")
            for number, (group, stamps) in enumerate(zip(groups, found, strict=True)):
                if stamps.min <= last_ns and stamps.max >= first_ns:
                    yield begin, events_of(file.read_row_group(number, columns=list(_COLUMNS)), _COLUMNS)
                begin += group.num_rows


def segment_of(path: Path) -> Segment:
    """What a file says of itself."""
    first, last = _span(path.name)
    opened = path.open("rb")  # where it is gone, its caller looks for the larger file
    with reading(path, _WAY_OUT, fault="damaged", also=SHAPE), opened as source:
        words = json.loads(pq.read_schema(source).metadata[_KEY.encode()])
        rows, digests = tuple(map(index, words["rows"])), tuple(map(str, words["digests"]))
        stands = {int(owner): index(stamp) for owner, stamp in words["stands"].items()}
        segment = Segment(path, first, last, rows, digests, index(words["first_ns"]), index(words["last_ns"]), stands)
    if len(rows) != last - first + 1 or len(digests) != len(rows) or min(rows) < 1:
        raise DataError(f"{path}: damaged: its name tells {last - first + 1} batches, its metadata {len(rows)}. {_WAY_OUT}")
    return segment


def scan(folder: Path, known: Mapping[Path, Segment]) -> list[Segment]:
    """The files of a stream that count, in order; those that another one covers are left out.

    Args:
        folder: of the stream.
        known: files that were looked into before; they never change.

    Raises:
        DataError: batches are missing between two files, or one is damaged.
    """
    while True:
        try:
            spans = sorted((_span(item) for item in os.listdir(folder) if _NAME.fullmatch(item)), key=lambda span: (span[0], -span[1]))
        except FileNotFoundError:
            return []  # nobody has appended yet
        kept: list[tuple[int, int]] = []
        for first, last in spans:
            before = kept[-1][1] if kept else 0
            if last <= before:
                continue
            if first != before + 1:
                raise DataError(f"{folder}: batch {before + 1} is missing before {first}. Restore its file; it is in no other.")
            kept.append((first, last))
        paths = [folder / _name(first, last) for first, last in kept]
        try:
            return [known.get(path) or segment_of(path) for path in paths]
        except FileNotFoundError:
            continue  # merged between listing and looking: list again


def write_segment(segment: Segment, events: Events) -> None:
    """Put a file at its place, whole and synced."""
    words = {
        "rows": segment.rows,
        "digests": segment.digests,
        "first_ns": segment.first_ns,
        "last_ns": segment.last_ns,
        "stands": segment.stands,
    }
    data = encoded(events, _GROUP_ROWS, _COLUMNS, {_KEY: json.dumps(words)})
    replace_file(segment.path, data)


def single(folder: Path, number: int, events: Events, digest: str) -> Segment:
    """The file of one batch."""
    first_ns, last_ns = int(events["ts_local_ns"][0]), int(events["ts_local_ns"][-1])
    path = folder / _name(number, number)
    return Segment(path, number, number, (len(events),), (digest,), first_ns, last_ns, last_stamps(events))


def merge_tail(folder: Path, segments: Sequence[Segment]) -> None:
    """Merge the newest files where there are many of one size, as long as the result is no larger than a partition may be."""
    tail = list(segments)
    while len(tail) >= _FAN_IN:
        mine = tail[-_FAN_IN:]
        if len({_level(one) for one in mine}) > 1 or sum(one.events for one in mine) > BUFFER_EVENTS:
            return
        events = joined([block for one in mine for _, block in one.blocks(np.iinfo(np.int64).min, np.iinfo(np.int64).max)])
        stands = {owner: stamp for one in mine for owner, stamp in one.stands.items()}
        rows, digests = tuple(n for one in mine for n in one.rows), tuple(digest for one in mine for digest in one.digests)
        path = folder / _name(mine[0].first, mine[-1].last)
        larger = Segment(path, mine[0].first, mine[-1].last, rows, digests, mine[0].first_ns, mine[-1].last_ns, stands)
        write_segment(larger, events)
        for one in mine:
            one.path.unlink()
        tail[-_FAN_IN:] = [larger]


def tidy(folder: Path, segments: Sequence[Segment]) -> None:
    """Remove what a process that was killed has left: files never finished, and files merged into larger ones."""
    kept = {one.path.name for one in segments}
    for path in folder.glob(".*.writing"):
        path.unlink()
    for path in folder.glob("*.parquet"):
        if _NAME.fullmatch(path.name) and path.name not in kept:
            path.unlink()


def replace_file(path: Path, data: bytes | pa.Buffer) -> None:
    """Write a file beside its place, sync it and put it there in one step."""
    beside = path.with_name(f".{path.name}.writing")
    with beside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    number = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _level(segment: Segment) -> int:
    """0 for a single batch, 1 for a file of `_FAN_IN`, and so on."""
    level, batches = 0, len(segment.rows)
    while batches >= _FAN_IN:
        batches //= _FAN_IN
        level += 1
    return level


def _name(first: int, last: int) -> str:
    return f"{first:012d}-{last:012d}.parquet"


def _span(name: str) -> tuple[int, int]:
    found = _NAME.fullmatch(name)
    assert found is not None
    return int(found[1]), int(found[2])
