"""Where an import writes until it is whole, and the journal of what is done, so that it can go on after a crash.

On this machine: the folder `.importing-NAME` and beside it `.importing-NAME.journal`, one line a file that is on the disk. One rename
makes the folder NAME@1. On an object store nothing can be renamed: files are written where they stay, the journal is an object for each,
and the manifest comes last. A folder without a manifest is not a dataset, so both are seen whole or not at all.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import pyarrow as pa
from pyarrow import fs

from framework.data.checks.library_errors import SHAPE, json_of, reading
from framework.data.store.manifest import Manifest, Partition
from framework.data.store.root import MANIFEST, Root
from framework.errors import DataError

_JOURNAL = "journal"
_RESTART = "Say restart=True (--restart) to forget what the interrupted import has left."
Finish = Callable[[int], Manifest]
"""Makes the manifest, given the version."""


class Staging(Protocol):
    """An import under way: `done` is what an earlier try has left, by path."""

    done: dict[str, Partition]

    def put(self, partition: Partition, data: pa.Buffer) -> None:
        """Write a file and note it as done."""

    def commit(self, finish: Finish) -> Manifest:
        """Make the dataset visible."""

    def close(self) -> None:
        """Release; what is done stays for the next try."""


def stage(root: Root, name: str, header: Mapping[str, Any], *, restart: bool) -> Staging:
    """Begin an import, or go on with one that was interrupted.

    Args:
        root: where to.
        name: the dataset, without version.
        header: what is imported and how; an interrupted import with another header is refused.
        restart: forget what an interrupted import has left.

    Raises:
        DataError: another process is importing this name, or something else was being imported under it.
    """
    plain = json.loads(json.dumps(header))
    return _Local(root.local, name, plain, restart) if root.local is not None else _Objects(root, name, plain, restart)


def _compare(kept: Mapping[str, Any], mine: Mapping[str, Any], name: str) -> None:
    off = [word for word in mine if mine[word] != kept.get(word)]
    if off:
        raise DataError(
            f"dataset {name!r}: an import that was interrupted differs in {', '.join(off)}: was {str(kept.get(off[0]))[:80]}, is "
            f"{str(mine[off[0]])[:80]}. Import the same again to go on with it, or say restart=True (--restart) to forget it."
        )


class _Local:
    """Staging on this machine."""

    def __init__(self, root: Path, name: str, header: dict[str, Any], restart: bool) -> None:  # noqa: FBT001 - private
        self._root, self._name = root, name
        self._folder = root / f".importing-{name}"
        self._path = root / f".importing-{name}.journal"
        root.mkdir(parents=True, exist_ok=True)
        self._journal = self._locked()
        self.done: dict[str, Partition] = {}
        if restart:
            self._forget()
        try:
            self._resume(header)
        except BaseException:
            self.close()
            raise
        self._synced: set[Path] = set()

    def _locked(self) -> BinaryIO:
        while True:
            journal = open(self._path, "a+b")  # noqa: SIM115  # stays open while the import goes on
            try:
                fcntl.flock(journal, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                journal.close()
                raise DataError(f"dataset {self._name!r}: another process is importing it into {self._root}. Wait for it.") from None
            if os.fstat(journal.fileno()).st_nlink:
                return journal
            journal.close()  # it was finished and removed between opening and locking

    def _forget(self) -> None:
        self._journal.truncate(0)
        if self._folder.exists():
            shutil.rmtree(self._folder)

    def _resume(self, header: dict[str, Any]) -> None:
        self._journal.seek(0)
        text = self._journal.read()
        lines = text[: text.rfind(b"\n") + 1].splitlines()  # what stands after the last line's end was cut short
        with reading(self._path, _RESTART, fault="damaged", also=SHAPE):
            kept = dict(json.loads(lines[0])) if lines else {}
            partitions = [Partition(**json.loads(line)) for line in lines[1:]]
        if lines:
            _compare(kept, header, self._name)
        elif self._folder.exists():
            shutil.rmtree(self._folder)  # a folder whose journal is gone tells nothing
        for partition in partitions:
            path = self._folder / partition.path
            if path.exists() and path.stat().st_size == partition.size:
                self.done[partition.path] = partition
        self._journal.truncate(text.rfind(b"\n") + 1)
        if not lines:
            self._note(header)
        self._folder.mkdir(exist_ok=True)

    def _note(self, words: Mapping[str, Any]) -> None:
        self._journal.write(json.dumps(words, separators=(",", ":")).encode() + b"\n")
        self._journal.flush()

    def put(self, partition: Partition, data: pa.Buffer) -> None:
        """Write a file through to the disk, then note it."""
        path = self._folder / partition.path
        path.parent.mkdir(exist_ok=True)
        _write_through(path, data)
        self._synced.add(path.parent)
        self._note(asdict(partition))
        self.done[partition.path] = partition

    def commit(self, finish: Finish) -> Manifest:
        """Write the manifest and rename the folder."""
        here = Root(fs.LocalFileSystem(), str(self._root), self._root)
        while True:
            manifest = finish(here.next_version(self._name))
            _write_through(self._folder / MANIFEST, manifest.to_json().encode())
            self._drop_strangers(manifest)
            for folder in (*self._synced, self._folder):
                _sync_folder(folder)
            try:
                os.rename(self._folder, self._root / f"{self._name}@{manifest.version}")
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
                continue  # the number was taken meanwhile
            _sync_folder(self._root)
            self._path.unlink(missing_ok=True)
            self.close()
            return manifest

    def _drop_strangers(self, manifest: Manifest) -> None:
        """Files that were written but never noted, by a try that was killed in between."""
        listed = {self._folder / partition.path for partition in manifest.partitions} | {self._folder / MANIFEST}
        for path in self._folder.rglob("*"):
            if path.is_file() and path not in listed:
                path.unlink()

    def close(self) -> None:
        """Release the journal."""
        self._journal.close()


class _Objects:
    """Staging on an object store. Nothing locks there: one import of a name at a time."""

    def __init__(self, root: Root, name: str, header: dict[str, Any], restart: bool) -> None:  # noqa: FBT001 - private
        self._root, self._name = root, name
        version = root.next_version(name)
        kept = None
        if version > 1:
            kept = self._header_of(f"{name}@{version - 1}")
        if kept is not None:
            version -= 1  # it has a journal and no manifest: an import that was interrupted
        self._version, self._folder = version, f"{name}@{version}"
        self.done: dict[str, Partition] = {}
        if kept is not None and restart:
            root.files.delete_dir_contents(root.path(self._folder))
            kept = None
        if kept is None:
            root.write(json.dumps(header).encode(), self._folder, _JOURNAL, "header.json")
        else:
            _compare(kept, header, name)
            self._resume()

    def _header_of(self, folder: str) -> dict[str, Any] | None:
        if self._root.holds([f"{folder}/{MANIFEST}"]) == [True]:
            return None
        with suppress(FileNotFoundError):
            place = f"{folder}/{_JOURNAL}/header.json"
            words: dict[str, Any] = json_of(self._root.read(folder, _JOURNAL, "header.json"), place, _RESTART)
            return words
        return None

    def _resume(self) -> None:
        for item in self._root.entries(self._folder, _JOURNAL):
            if item != "header.json":
                with reading(f"{self._folder}/{_JOURNAL}/{item}", _RESTART, fault="damaged", also=SHAPE):
                    partition = Partition(**json.loads(self._root.read(self._folder, _JOURNAL, item)))
                self.done[partition.path] = partition

    def put(self, partition: Partition, data: pa.Buffer) -> None:
        """Write a file, then an object that says so."""
        self._root.write(data, self._folder, *partition.path.split("/"))
        note = partition.events_blake2b[:16] + "-" + partition.path.replace("/", "-") + ".json"
        self._root.write(json.dumps(asdict(partition)).encode(), self._folder, _JOURNAL, note)
        self.done[partition.path] = partition

    def commit(self, finish: Finish) -> Manifest:
        """Write the manifest, then remove the journal."""
        manifest = finish(self._version)
        self._root.write(manifest.to_json().encode(), self._folder, MANIFEST)
        self._root.files.delete_dir(self._root.path(self._folder, _JOURNAL))
        return manifest

    def close(self) -> None:
        """Nothing is held."""


def _write_through(path: Path, data: bytes | pa.Buffer) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
