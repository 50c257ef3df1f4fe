"""Named datasets: those embedded in packages and those kept under a root, one list, one way to load them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from framework.data.store.dataset_check import check_dataset
from framework.data.store.embedded import DATASETS, DEFAULT
from framework.data.store.manifest import Manifest
from framework.data.store.read import Dataset, kind_of, manifest_of, open_dataset
from framework.data.store.root import MANIFEST, REMOVED, RootLike, folder_of, root_of
from framework.data.store.tapes import IN_MEMORY_EVENTS, forget, tape_of
from framework.data.store.write import import_recording as import_recording
from framework.data.tape import Tape
from framework.data.tape.assembly import assemble
from framework.data.tape.recording import Recording
from framework.data.tape.stamps import Bound
from framework.errors import DataError
from framework.schema.event import Kind

Events = NDArray[np.void]


def names(root: RootLike = None) -> list[str]:
    """Names of all datasets: the embedded ones, the default first, then those under the root, by name.

    Args:
        root: see `framework.data.store.root.root_of`; None is ONETAPE_DATA, else ~/.local/share/onetape/data.
    """
    return [*DATASETS, *root_of(root).versions()]


def has(name: str, root: RootLike = None) -> bool:
    """Whether there is a dataset of this name, with or without a version."""
    return is_embedded(name) or name.partition("@")[0] in root_of(root).versions()


def is_embedded(name: str) -> bool:
    """Whether a dataset comes with a package."""
    return name in DATASETS


def versions(name: str, root: RootLike = None) -> list[int]:
    """Versions of a dataset under the root, ascending; none where there is no such dataset."""
    return root_of(root).versions().get(name, [])


def describe(name: str, root: RootLike = None) -> str:
    """What a dataset holds, from when to when, where from, and its known faults.

    Raises:
        DataError: no such dataset; the message names the nearest.
    """
    return DATASETS[name].description if is_embedded(name) else _sentence(manifest(name, root))


def manifest(name: str, root: RootLike = None) -> Manifest:
    """The manifest of a dataset under the root; NAME is its newest version, NAME@2 that one.

    Raises:
        DataError: no such dataset or version, an embedded one, or a manifest that cannot be trusted.
    """
    where = root_of(root)
    if is_embedded(name):
        raise DataError(f"dataset {name!r} is embedded in a package and has no manifest. `onetape data show {name}` describes it.")
    return manifest_of(where, folder_of(where, name, DATASETS))


def open(
    name: str,
    *,
    instruments: Sequence[str] | None = None,
    kinds: Iterable[Kind | str] | None = None,
    start: Bound = None,
    end: Bound = None,
    root: RootLike = None,
) -> Recording:
    """A dataset as a recording: its events part by part, without the sessions that a tape adds.

    Of a dataset under the root only the partitions and row groups are read that may hold what is asked for, and no more than a row
    group an instrument is held at once. Events come in order of stamp, source rank, instrument.

    Args:
        name: one of `names()`, or NAME@2 for a version under the root.
        instruments: which symbols; None means all.
        kinds: which kinds of events, such as Kind.TRADE or "trade"; None means all.
        start, end: inclusive, by `ts_local_ns`; a date means the whole day, UTC.
        root: where datasets lie; None is ONETAPE_DATA, else ~/.local/share/onetape/data.

    Raises:
        DataError: no such dataset, version, symbol or kind; while reading: a partition is missing or damaged.
    """
    if not is_embedded(name):
        return _dataset(name, instruments, kinds, start, end, root).recording()
    tape = load(name, instruments=instruments, kinds=kinds, start=start, end=end)

    def parts() -> Iterator[Events]:
        yield tape.events[tape.events["kind"] != Kind.SESSION]

    return Recording(tape.instruments, parts, name, tape.notes)


def load(
    name: str = DEFAULT,
    *,
    instruments: Sequence[str] | None = None,
    kinds: Iterable[Kind | str] | None = None,
    start: Bound = None,
    end: Bound = None,
    root: RootLike = None,
    in_memory_events: int = IN_MEMORY_EVENTS,
) -> Tape:
    """A dataset as a tape.

    Args:
        name, instruments, kinds, start, end, root: see `open`.
        in_memory_events: a dataset under the root with more events is written once into a file of the cache folder (ONETAPE_CACHE,
            else ~/.cache/onetape) and mapped from there, so that it may be larger than memory.

    Raises:
        DataError: no such dataset or symbol, its package is not installed, nothing lies in the range, or a partition is damaged.

    >>> [i.symbol for i in load("us_equities_daily").instruments]
    ['AAPL', 'FB', 'GOOG', 'IBM', 'MSFT']
    """
    if not is_embedded(name):
        return tape_of(_dataset(name, instruments, kinds, start, end, root), name=name, in_memory_events=in_memory_events)
    tape = DATASETS[name].load(instruments, start, end)
    if kinds is None:
        return tape
    wanted = [int(kind_of(kind)) for kind in kinds]
    events = tape.events[np.isin(tape.events["kind"], wanted) & (tape.events["kind"] != Kind.SESSION)]
    if not len(events):
        raise DataError(f"dataset {name!r}: no events of these kinds. Ask for others.")
    return assemble(tape.instruments, [events], name=tape.name, notes=tape.notes)


def check(name: str, root: RootLike = None, progress: Callable[[int], None] | None = None) -> list[str]:
    """Read a dataset whole and compare it with its manifest: checksums, rows, kinds, order of stamps.

    Returns:
        One sentence for each thing that is wrong, naming the file; none for a dataset that is whole.

    Raises:
        DataError: no such dataset, an embedded one, or a manifest that cannot be trusted.
    """
    where = root_of(root)
    found = manifest(name, root)
    return check_dataset(where, f"{found.name}@{found.version}", progress)


def remove(name: str, root: RootLike = None) -> str:
    """Remove a version of a dataset and the tapes made of it; its number is not used again. Whoever is reading it is interrupted.

    Returns:
        NAME@VERSION, what was removed.

    Raises:
        DataError: no such dataset, or an embedded one.
    """
    where = root_of(root)
    found = manifest(name, root)
    folder = f"{found.name}@{found.version}"
    where.write(b"", f"{folder}{REMOVED}")
    if where.local is not None:
        aside = where.local / f".removing-{folder}"
        (where.local / folder).rename(aside)
        shutil.rmtree(aside)
    else:
        where.files.delete_file(where.path(folder, MANIFEST))
        where.files.delete_dir(where.path(folder))
    forget(found.digest())
    return folder


def _dataset(
    name: str, instruments: Sequence[str] | None, kinds: Iterable[Kind | str] | None, start: Bound, end: Bound, root: RootLike
) -> Dataset:
    return open_dataset(root_of(root), name, instruments=instruments, kinds=kinds, start=start, end=end, known=DATASETS)


def _sentence(found: Manifest) -> str:
    counts = ", ".join(f"{count:,} {kind}" for kind, count in found.kinds.items())
    symbols = [instrument.symbol for instrument in found.instruments]
    listed = ", ".join(symbols[:8]) + (f" and {len(symbols) - 8} more" if len(symbols) > 8 else "")
    first, last = (str(np.datetime64(stamp, "s")) for stamp in (found.first_ns // 10**9, found.last_ns // 10**9))
    notes = " ".join(("", *found.notes, *(f"Repaired: {repair}" for repair in found.repairs)))
    return f"Version {found.version}. {counts} of {listed}, {first}Z to {last}Z. Source: {found.source}. Licence: {found.licence}.{notes}"
