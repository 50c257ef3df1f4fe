"""Import: the parts of a recording into partitions, in bounded memory, checked on the way."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from framework.data.checks.kinds import MARKET_KINDS
from framework.data.store.embedded import DATASETS
from framework.data.store.manifest import DIGEST_BYTES, PERIODS, Manifest, Partition, Period, kinds_of, terms_of
from framework.data.store.root import RootLike, check_name, root_of
from framework.data.store.staging import Staging, stage
from framework.data.tape.event_arrays import joined, taken
from framework.data.tape.recording import Recording
from framework.errors import DataError, did_you_mean
from framework.schema.event import EVENT, NO_INSTRUMENT, Kind
from framework.schema.units import NANOSECONDS_PER_DAY

BUFFER_EVENTS = 2_000_000
"""Events held at once, 64 bytes each; no partition is larger."""

_MOST_GROUP_ROWS = 131_072
_LEAST_GROUP_ROWS = 4_096
_GROUP_EVENTS = 4_000_000
"""Reading holds a row group an instrument; together they are no more events than this, as far as groups can be that small."""

COLUMNS = tuple(name for name in EVENT.names or () if name != "instrument")
"""Columns of a partition; `instrument` is told by its folder."""

NOBODY = "__HIVE_DEFAULT_PARTITION__"
"""The folder of events that belong to no instrument, as other tools write a missing value."""

_MARKET = frozenset(int(kind) for kind in MARKET_KINDS) - {int(Kind.SESSION)}

Events = NDArray[np.void]
Progress = Callable[[int], None]
"""Told how many events are done so far."""


def import_recording(
    name: str,
    recording: Recording,
    *,
    root: RootLike = None,
    licence: str,
    created: str = "",
    made_by: str = "import_recording",
    repairs: Sequence[str] = (),
    partition_by: Period = "month",
    restart: bool = False,
    buffer_events: int = BUFFER_EVENTS,
    progress: Progress | None = None,
) -> Manifest:
    """Keep a recording as a dataset. It becomes NAME@1, or the next version where there is one already; none is ever changed.

    Memory stays below some hundred megabytes, whatever the length. The same call after an interruption reads the source again but
    writes only what is missing.

    Args:
        name: letters, digits, _ . and -.
        recording: what to keep; its instruments are put in order of their symbols.
        root: where; see `root.root_of`.
        licence: under which the data may be used, or who says so. There is no default: somebody must have looked.
        created: when, as the caller's clock has it; nothing here reads one.
        made_by: the command or function that made the recording.
        repairs: what was changed in the data on request, in order.
        partition_by: "day", "month" (the default) or "year": a partition holds one instrument and one such period, UTC.
        restart: forget what an interrupted import of this name has left.
        buffer_events: how many events are held before they are written; a fuller period becomes several files.
        progress: called with the number of events done.

    Raises:
        DataError: events that break a rule (the message names the part, the row and the value), no event at all, a name or a licence
            that cannot be, another import of this name under way.
    """
    check_name(name)
    if name in DATASETS:
        raise DataError(f"dataset name {name!r}; rule: names of embedded datasets are taken. Choose another.")
    if partition_by not in PERIODS:
        raise DataError(f"partition_by={partition_by!r} is unknown. {did_you_mean(str(partition_by), PERIODS)}")
    if not licence.strip():
        raise DataError(f"dataset {name!r}: licence is empty. Say under which licence the data may be used, or who owns them.")
    if buffer_events < 1:
        raise DataError(f"buffer_events={buffer_events}; rule: at least 1.")
    instruments = _ordered(recording)
    group_rows = min(_MOST_GROUP_ROWS, max(_LEAST_GROUP_ROWS, _GROUP_EVENTS // max(len(instruments), 1)))
    header = {
        "source": recording.source,
        "instruments": [terms_of(instrument) for instrument in instruments],
        "partition_by": partition_by,
        "buffer_events": buffer_events,
        "group_rows": group_rows,
    }
    staging = stage(root_of(root), name, header, restart=restart)
    try:
        writer = _Writer(staging, recording, partition_by, group_rows, buffer_events, progress)
        writer.run()
        symbols = [instrument.symbol for instrument in instruments]
        partitions = tuple(sorted(writer.partitions, key=lambda p: (p.symbol, p.first_ns, p.path)))
        held = {partition.symbol for partition in partitions}
        silent = [symbol for symbol in symbols if symbol not in held]
        notes = (*recording.notes, *([f"No events of {', '.join(silent)}."] if silent else []))
        made = Manifest(
            name, 0, instruments, partitions, recording.source, made_by, licence, created, partition_by, group_rows, notes, tuple(repairs)
        )  # fmt: skip
        return staging.commit(lambda version: replace(made, version=version))
    finally:
        staging.close()


def _ordered(recording: Recording) -> tuple[Any, ...]:
    symbols = [instrument.symbol for instrument in recording.instruments]
    for symbol in symbols:
        if symbols.count(symbol) > 1:
            raise DataError(f"{recording.source}: instrument {symbol!r} comes twice. Give each its own symbol.")
    return tuple(sorted(recording.instruments, key=lambda instrument: instrument.symbol))


class _Writer:
    """Takes parts apart by instrument and period, and writes what is full."""

    def __init__(
        self, staging: Staging, recording: Recording, period: Period, group_rows: int, most: int, progress: Progress | None
    ) -> None:
        self._staging, self._recording, self._period = staging, recording, period
        self._group_rows, self._most, self._progress = group_rows, most, progress
        self._symbols = [instrument.symbol for instrument in recording.instruments]
        self._buffers: dict[int, list[Events]] = {}
        self._sizes: dict[int, int] = {}
        self._files: dict[int, int] = {}
        self._label, self._end_ns, self._taken = "", np.iinfo(np.int64).min, 0
        self.partitions: list[Partition] = []

    def run(self) -> None:
        """Everything, part by part."""
        last = np.iinfo(np.int64).min
        for number, part in enumerate(self._recording.parts()):
            if not len(part):
                continue
            check_part(part, f"{self._recording.source}, part {number}", len(self._symbols), last)
            last = int(part["ts_local_ns"][-1])
            for begin in range(0, len(part), self._most):
                self._take(part[begin : begin + self._most])
            if self._progress:
                self._progress(self._taken)
        if not self._taken:
            raise DataError(f"{self._recording.source}: no events. There is nothing to keep.")
        self._close_period()

    def _take(self, part: Events) -> None:
        stamps = part["ts_local_ns"]
        begin = 0
        while begin < len(part):
            if int(stamps[begin]) >= self._end_ns:
                self._close_period()
                self._label, self._end_ns = period_of(int(stamps[begin]), self._period)
            end = begin + int(np.searchsorted(stamps[begin:], self._end_ns))
            for owner, rows in _by_instrument(part[begin:end]):
                self._buffers.setdefault(owner, []).append(rows)
                self._sizes[owner] = self._sizes.get(owner, 0) + len(rows)
            while sum(self._sizes.values()) > self._most:
                self._write(max(self._sizes, key=lambda owner: (self._sizes[owner], -owner)))
            begin = end
        self._taken += len(part)

    def _close_period(self) -> None:
        for owner in sorted(self._buffers):
            self._write(owner)
        self._files.clear()

    def _write(self, owner: int) -> None:
        pieces = self._buffers.pop(owner)
        del self._sizes[owner]
        events = joined(pieces) if len(pieces) > 1 else pieces[0]
        pieces.clear()
        events["instrument"] = 0
        symbol = "" if owner == NO_INSTRUMENT else self._symbols[owner]
        number = self._files.get(owner, 0)
        self._files[owner] = number + 1
        path = f"instrument={quote(symbol, safe='') or NOBODY}/{self._label}-{number:04d}.parquet"
        digest = hashlib.blake2b(events.view(np.uint8).data, digest_size=DIGEST_BYTES).hexdigest()
        done = self._staging.done.get(path)
        if done is not None:
            if done.events_blake2b != digest:
                raise DataError(
                    f"{self._recording.source}: {path} was written by the interrupted import with other events, so the source has changed. "
                    "Say restart=True (--restart) to begin anew."
                )
            self.partitions.append(done)
            return
        data = encoded(events, self._group_rows)
        kinds, counts = np.unique(events["kind"], return_counts=True)
        checksum = hashlib.blake2b(data, digest_size=DIGEST_BYTES).hexdigest()
        first, last = int(events["ts_local_ns"][0]), int(events["ts_local_ns"][-1])
        by_kind = kinds_of(dict(zip(kinds.tolist(), counts.tolist(), strict=True)))
        partition = Partition(path, symbol, len(events), first, last, by_kind, data.size, checksum, digest)
        self._staging.put(partition, data)
        self.partitions.append(partition)


def encoded(events: Events, group_rows: int, columns: Sequence[str] = COLUMNS, metadata: Mapping[str, str] | None = None) -> pa.Buffer:
    """A Parquet file of events, in memory: integer columns as they are, row groups of at most `group_rows`.

    Args:
        columns: which fields; those of one instrument's partition if not given.
        metadata: kept in the file's schema.
    """
    sink = pa.BufferOutputStream()
    schema = pa.schema([(name, pa.from_numpy_dtype(EVENT[name])) for name in columns], metadata)
    small = ("kind", "flags", "instrument")
    with pq.ParquetWriter(
        sink, schema, compression="zstd", compression_level=1, write_statistics=["ts_local_ns", "kind"],
        use_dictionary=[name for name in columns if name in small], write_page_checksum=True,
        column_encoding={name: "DELTA_BINARY_PACKED" for name in columns if name not in small},
    ) as writer:  # fmt: skip
        for begin in range(0, len(events), group_rows):
            rows = events[begin : begin + group_rows]
            writer.write_table(pa.table([np.ascontiguousarray(rows[name]) for name in columns], schema=schema), row_group_size=group_rows)
    return sink.getvalue()


def check_part(part: Events, place: str, instruments: int, last_ns: int) -> None:
    """Refuse a part that is no sorted run of market events after `last_ns`."""
    if part.dtype != EVENT:
        raise DataError(f"{place}: dtype {part.dtype}, expected EVENT. Make it with dtype framework.schema.event.EVENT.")
    stamps, owners = part["ts_local_ns"], part["instrument"]
    before = np.concatenate([[last_ns], stamps[:-1]])
    rules = (
        (stamps < before, "ts_local_ns", "stamps do not run backwards", before),
        (stamps < part["ts_venue_ns"], "ts_local_ns", "nothing is known before it happens; ts_venue_ns", part["ts_venue_ns"]),
        ((owners >= instruments) & (owners != NO_INSTRUMENT), "instrument", "a position among the instruments, of which there are", None),
        (~_KNOWN[part["kind"]], "kind", "market events without SESSION, which the calendars make, and TIMER; see Kind", None),
    )
    for broken, column, rule, other in rules:
        if broken.any():
            row = int(np.argmax(broken))
            shown = f" {int(other[row])}" if other is not None else f" {instruments}" if column == "instrument" else ""
            raise DataError(
                f"{place}, row {row}, column {column}: {int(part[column][row])}; rule: {rule}{shown}; "
                f"{int(broken.sum())} in all. Correct the source or its reader."
            )


_KNOWN = np.zeros(1 << 16, dtype=np.bool_)
_KNOWN[list(_MARKET)] = True


def period_of(stamp_ns: int, period: Period) -> tuple[str, int]:
    """The label of the period a stamp lies in, and where that period ends, UTC ns.

    >>> period_of(0, "month")
    ('1970-01', 2678400000000000)
    """
    unit = {"day": "D", "month": "M", "year": "Y"}[period]
    begin = np.datetime64(stamp_ns // NANOSECONDS_PER_DAY, "D").astype(f"datetime64[{unit}]")
    return str(begin), int((begin + 1).astype("datetime64[D]").astype(np.int64)) * NANOSECONDS_PER_DAY


def _by_instrument(events: Events) -> Iterator[tuple[int, Events]]:
    owners = events["instrument"]
    if (owners == owners[0]).all():
        yield int(owners[0]), events.copy()  # whoever made the part may use its memory again
        return
    order = np.argsort(owners, kind="stable")
    ordered = owners[order]
    edges = [0, *(np.flatnonzero(ordered[1:] != ordered[:-1]) + 1).tolist(), len(events)]
    for begin, end in pairwise(edges):
        yield int(ordered[begin]), taken(events, order[begin:end])
