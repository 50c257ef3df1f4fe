"""Reading a dataset: only the partitions and row groups that a question needs, merged in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pyarrow import NativeFile

from framework.data.checks.asked import chosen_of
from framework.data.checks.library_errors import SHAPE, reading, said
from framework.data.store.manifest import Manifest, Partition, read_manifest
from framework.data.store.root import MANIFEST, Root, folder_of
from framework.data.store.write import COLUMNS
from framework.data.tape.merge import merged
from framework.data.tape.recording import Recording
from framework.data.tape.stamps import Bound, bounds_ns
from framework.errors import DataError, did_you_mean
from framework.schema.event import EVENT, NO_INSTRUMENT, Kind
from framework.schema.instrument import Instrument

Events = NDArray[np.void]

_WAY_OUT = "`onetape data check` says what is; restore the file or import again."
_SCHEMA = pa.schema([(name, pa.from_numpy_dtype(EVENT[name])) for name in COLUMNS])
_BLOCK = 4_096
"""Rows laid out at once: ten columns and their events stay in a core's cache."""


@dataclass
class Work:
    """How much has been read, for whoever wants to know."""

    partitions: int = 0
    row_groups: int = 0
    rows: int = 0


@dataclass(frozen=True)
class Dataset:
    """A version of a dataset, opened, and which part of it is asked for.

    Attributes:
        root: where it lies.
        folder: NAME@VERSION.
        manifest: what is in it.
        instruments: which are asked for, by symbol; an event's `instrument` is a position here.
        kinds: which kinds are asked for; None is all.
        first_ns, last_ns: `ts_local_ns` of the first and last event asked for, both inclusive.
        work: what reading has cost so far.
    """

    root: Root
    folder: str
    manifest: Manifest
    instruments: tuple[Instrument, ...]
    kinds: frozenset[int] | None
    first_ns: int
    last_ns: int
    work: Work = field(default_factory=Work, compare=False)

    @cached_property
    def partitions(self) -> tuple[Partition, ...]:
        """The files that may hold what is asked for."""
        symbols = {instrument.symbol for instrument in self.instruments} | {""}
        names = None if self.kinds is None else {Kind(kind).name for kind in self.kinds}
        return tuple(
            partition
            for partition in self.manifest.partitions
            if partition.symbol in symbols
            and partition.first_ns <= self.last_ns
            and partition.last_ns >= self.first_ns
            and (names is None or names & set(partition.kinds))
        )

    @property
    def is_whole(self) -> bool:
        """Whether of these partitions every event is asked for."""
        return self.kinds is None and all(p.first_ns >= self.first_ns and p.last_ns <= self.last_ns for p in self.partitions)

    def streams(self) -> list[Iterator[Events]]:
        """One sorted stream of blocks an instrument."""
        positions = {instrument.symbol: k for k, instrument in enumerate(self.instruments)} | {"": NO_INSTRUMENT}
        by_symbol: dict[str, list[Partition]] = {}
        for partition in self.partitions:
            by_symbol.setdefault(partition.symbol, []).append(partition)
        return [self._stream(by_symbol[symbol], positions[symbol]) for symbol in sorted(by_symbol, key=lambda s: (s == "", s))]

    def parts(self) -> Iterator[Events]:
        """Blocks in the order of a tape."""
        return merged(self.streams())

    def _stream(self, partitions: Sequence[Partition], position: int) -> Iterator[Events]:
        for partition in partitions:
            for events in self.groups(partition):
                events["instrument"] = position
                yield events

    def groups(self, partition: Partition, columns: Sequence[str] = COLUMNS) -> Iterator[Events]:
        """What is asked for of a partition, one row group at a time; fields that are not in `columns` are 0.

        Raises:
            DataError: the file is missing, is no Parquet, fails its page checksums or has other rows than the manifest says.
        """
        place = f"{self.root.path(self.folder, partition.path)}"
        with reading(place, _WAY_OUT, fault="damaged", also=SHAPE), self._opened(place) as source:
            file = pq.ParquetFile(source, page_checksum_verification=True)
            _check_footer(file, partition, place)
            self.work.partitions += 1
            for group in range(file.num_row_groups):
                if self._may_hold(file.metadata.row_group(group)):
                    yield self._asked(events_of(file.read_row_group(group, columns=list(columns)), columns))

    def _opened(self, place: str) -> NativeFile:
        try:
            return self.root.files.open_input_file(place)
        except FileNotFoundError as error:
            raise DataError(f"{place}: the partition is missing. Restore the file or import the dataset again.") from error

    def _may_hold(self, group: pq.RowGroupMetaData) -> bool:
        stamps, kinds = (group.column(COLUMNS.index(name)).statistics for name in ("ts_local_ns", "kind"))
        if stamps is not None and stamps.has_min_max and (stamps.min > self.last_ns or stamps.max < self.first_ns):
            return False
        if self.kinds is not None and kinds is not None and kinds.has_min_max:
            return any(kinds.min <= kind <= kinds.max for kind in self.kinds)
        return True

    def _asked(self, events: Events) -> Events:
        self.work.row_groups += 1
        self.work.rows += len(events)
        stamps = events["ts_local_ns"]
        events = events[int(np.searchsorted(stamps, self.first_ns)) : int(np.searchsorted(stamps, self.last_ns, side="right"))]
        return events if self.kinds is None else events[np.isin(events["kind"], list(self.kinds))]

    def recording(self) -> Recording:
        """As a recording, which reads anew each time its parts are asked for."""
        return Recording(self.instruments, self.parts, f"{self.root.path(self.folder)}", self.manifest.notes)


def _check_footer(file: pq.ParquetFile, partition: Partition, place: str) -> None:
    """Compare what a file says of itself with the manifest: pages carry checksums, the footer that leads to them none.

    Raises:
        DataError: other columns or rows, or statistics of stamps that do not go from the first to the last.
    """
    about = file.metadata
    if about.num_rows != partition.rows:
        raise DataError(f"{place}: {about.num_rows} rows, the manifest says {partition.rows}. Restore the file or import again.")
    groups = [about.row_group(group) for group in range(file.num_row_groups)]
    bounds = [partition.first_ns]
    for group in groups:
        stamps = group.column(COLUMNS.index("ts_local_ns")).statistics
        bounds += [stamps.min, stamps.max]
    bounds.append(partition.last_ns)
    is_chain = all(before <= after for before, after in pairwise(bounds)) and bounds[0] == bounds[1] and bounds[-2] == bounds[-1]
    if not is_chain or not file.schema_arrow.equals(_SCHEMA) or sum(group.num_rows for group in groups) != partition.rows:
        raise DataError(f"{place}: damaged: its footer is not the one that was written. {_WAY_OUT}")


def events_of(table: pa.Table, columns: Sequence[str]) -> Events:
    """Columns side by side into records, a block at a time; fields without a column are 0."""
    arrays = [(name, table.column(name).to_numpy()) for name in columns]
    events = np.zeros(table.num_rows, EVENT)
    for begin in range(0, len(events), _BLOCK):
        rows = events[begin : begin + _BLOCK]
        for name, values in arrays:
            rows[name] = values[begin : begin + _BLOCK]
    return events


def open_dataset(
    root: Root,
    name: str,
    *,
    instruments: Sequence[str] | None = None,
    kinds: Iterable[Kind | str] | None = None,
    start: Bound = None,
    end: Bound = None,
    known: Iterable[str] = (),
) -> Dataset:
    """Open a dataset; see `catalog.open`, which explains the arguments. `known` are further names for the message."""
    folder = folder_of(root, name, known)
    manifest = manifest_of(root, folder)
    there = {instrument.symbol: instrument for instrument in manifest.instruments}
    chosen = tuple(there[symbol] for symbol in chosen_of(there, instruments, f"dataset {name!r}"))
    first, last = bounds_ns(start, end)
    return Dataset(root, folder, manifest, chosen, None if kinds is None else frozenset(int(kind_of(kind)) for kind in kinds), first, last)


def manifest_of(root: Root, folder: str) -> Manifest:
    """The manifest of a dataset's folder."""
    place = root.path(folder, MANIFEST)
    try:
        text = root.read(folder, MANIFEST)
    except FileNotFoundError as error:
        raise DataError(f"{root.path(folder)}: was removed meanwhile. `onetape data ls` shows what is there.") from error
    except OSError as error:
        raise DataError(f"{place}: cannot be read: {said(error)}. Restore it or import again.") from error
    return read_manifest(text, place)


def kind_of(kind: Kind | str) -> Kind:
    """A kind by itself or by its name, in any case.

    Raises:
        DataError: no such kind; the message names the nearest.
    """
    name = kind.name if isinstance(kind, Kind) else str(kind).upper()
    if name not in Kind.__members__:
        raise DataError(f"kind {kind!r} is unknown. {did_you_mean(name, Kind.__members__)}")
    return Kind[name]
