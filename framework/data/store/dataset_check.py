"""Whether a dataset still is what its manifest says: checksums, rows, order."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from framework.data.checks.library_errors import DAMAGE, SHAPE, said
from framework.data.store.manifest import DIGEST_BYTES, Partition, kinds_of
from framework.data.store.read import events_of, manifest_of
from framework.data.store.root import MANIFEST, Root
from framework.data.store.write import COLUMNS


def check_dataset(root: Root, folder: str, progress: Callable[[int], None] | None = None) -> list[str]:
    """Read everything and compare; one sentence for each thing that is wrong, none for a dataset that is whole.

    Args:
        root, folder: which.
        progress: called with the number of events looked at so far.

    Raises:
        DataError: the manifest itself cannot be read.
    """
    manifest = manifest_of(root, folder)
    wrong, done = [], 0
    for partition in manifest.partitions:
        wrong += [f"{folder}/{partition.path}: {sentence}" for sentence in _faults(root, folder, partition)]
        done += partition.rows
        if progress:
            progress(done)
    listed = {root.path(folder, partition.path) for partition in manifest.partitions} | {root.path(folder, MANIFEST)}
    found = root.files.get_file_info(fs.FileSelector(root.path(folder), recursive=True))
    strangers = sorted(info.path for info in found if info.type == fs.FileType.File and info.path not in listed)
    return wrong + [f"{path}: is not in the manifest" for path in strangers]


def _faults(root: Root, folder: str, partition: Partition) -> Iterator[str]:
    try:
        data = root.read(folder, partition.path)
    except FileNotFoundError:
        yield "the partition is missing"
        return
    except OSError as error:
        yield f"cannot be read ({said(error)})"
        return
    checksum = hashlib.blake2b(data, digest_size=DIGEST_BYTES).hexdigest()
    if checksum != partition.blake2b:
        yield f"checksum {checksum[:16]}..., the manifest says {partition.blake2b[:16]}... ({len(data)} and {partition.size} bytes)"
        return
    try:
        events = events_of(pq.read_table(pa.BufferReader(data), columns=list(COLUMNS), page_checksum_verification=True), COLUMNS)
    except (*DAMAGE, *SHAPE) as error:
        yield f"cannot be read ({said(error)})"
        return
    stamps = events["ts_local_ns"]
    kinds, counts = np.unique(events["kind"], return_counts=True)
    first, last = (int(stamps[0]), int(stamps[-1])) if len(events) else (0, 0)
    by_kind = kinds_of(dict(zip(kinds.tolist(), counts.tolist(), strict=True)))
    pairs = (("rows", len(events), partition.rows), ("first_ns", first, partition.first_ns), ("last_ns", last, partition.last_ns))
    for word, is_, says in pairs:
        if is_ != says:
            yield f"{word} is {is_}, the manifest says {says}"
    if by_kind != partition.kinds:
        yield f"kinds are {by_kind}, the manifest says {partition.kinds}"
    if (stamps[1:] < stamps[:-1]).any():
        row = int(np.argmax(stamps[1:] < stamps[:-1])) + 1
        yield f"row {row}: ts_local_ns {int(stamps[row])} after {int(stamps[row - 1])}; rule: stamps do not run backwards"
    if hashlib.blake2b(events.view(np.uint8).data, digest_size=DIGEST_BYTES).hexdigest() != partition.events_blake2b:
        yield "its events are not those that were imported"
