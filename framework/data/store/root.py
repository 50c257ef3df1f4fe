"""Where datasets are kept: a folder of this machine or a bucket behind a URL, and which versions lie there.

A version of a dataset is a folder NAME@1, NAME@2, ... with a manifest.json; without one the folder does not count. Versions never
change. NAME alone means the highest. A removed version leaves an empty file NAME@2.removed, so that its number is not used again.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from pyarrow import fs

from framework.errors import DataError, did_you_mean

VARIABLE = "ONETAPE_DATA"
DEFAULT_FOLDER = "~/.local/share/onetape/data"
MANIFEST = "manifest.json"
REMOVED = ".removed"

RootLike: TypeAlias = str | Path | Any | None
"""A folder, a URL, a pyarrow file system (which has no types: hence Any), or None for the setting."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]*")
_VERSION = re.compile(rf"({_NAME.pattern})@([1-9][0-9]*)")
_SUFFIXES = (".csv", ".gz", ".parquet")  # such a name would be taken for a file


@dataclass(frozen=True, slots=True)
class Root:
    """A file system and the folder in it that holds datasets; `local` is that folder where it lies on this machine."""

    files: fs.FileSystem
    base: str
    local: Path | None

    def path(self, *parts: str) -> str:
        """The path of something below the root, as the file system wants it."""
        return "/".join(part for part in (self.base, *parts) if part)

    def read(self, *parts: str) -> bytes:
        """The bytes of a file; FileNotFoundError where there is none."""
        with self.files.open_input_stream(self.path(*parts)) as stream:
            found: bytes = stream.read()
            return found

    def write(self, data: bytes, *parts: str) -> None:
        """Write a file at once, making its folder."""
        target = self.path(*parts)
        folder = target.rpartition("/")[0]
        if folder:
            self.files.create_dir(folder, recursive=True)
        with self.files.open_output_stream(target, compression=None) as stream:
            stream.write(data)

    def entries(self, *parts: str) -> list[str]:
        """Names of what lies in a folder; none where there is no such folder."""
        selector = fs.FileSelector(self.path(*parts), allow_not_found=True)
        return sorted(info.base_name for info in self.files.get_file_info(selector))

    def holds(self, paths: Iterable[str]) -> list[bool]:
        """Whether there is a file at each of some paths below the root."""
        full = [self.path(path) for path in paths]
        return [info.type == fs.FileType.File for info in self.files.get_file_info(full)] if full else []

    def versions(self) -> dict[str, list[int]]:
        """Versions by name, ascending, of all datasets that can be read."""
        found = [match for match in map(_VERSION.fullmatch, self.entries()) if match]
        whole = self.holds(f"{match[0]}/{MANIFEST}" for match in found)
        versions: dict[str, list[int]] = {}
        for match, is_whole in zip(found, whole, strict=True):
            if is_whole:
                versions.setdefault(match[1], []).append(int(match[2]))
        return {name: sorted(numbers) for name, numbers in sorted(versions.items())}

    def next_version(self, name: str) -> int:
        """One more than the highest version that there is or was."""
        entries = [item.removesuffix(REMOVED) for item in self.entries()]
        taken = [int(match[2]) for match in map(_VERSION.fullmatch, entries) if match and match[1] == name]
        return max(taken, default=0) + 1

    def __str__(self) -> str:
        return self.base if self.local is not None else f"{self.files.type_name}:{self.base}"


def root_of(root: RootLike = None) -> Root:
    """The root from what was given, else from ONETAPE_DATA, else ~/.local/share/onetape/data.

    Args:
        root: a folder; a URL that `pyarrow.fs.FileSystem.from_uri` understands (s3://bucket/folder, gs://..., file:///...); a pyarrow
            file system, whose own root is taken.

    Raises:
        DataError: a URL that pyarrow does not understand.
    """
    chosen = root if root is not None else os.environ.get(VARIABLE) or DEFAULT_FOLDER
    if isinstance(chosen, fs.FileSystem):
        return Root(chosen, "", None)
    if "://" not in str(chosen):
        folder = Path(chosen).expanduser().absolute()
        return Root(fs.LocalFileSystem(), str(folder), folder)
    try:
        files, base = fs.FileSystem.from_uri(str(chosen))
    except (ValueError, OSError) as error:
        raise DataError(f"root {str(chosen)!r}: {error}. Give a folder or a URL such as s3://bucket/folder.") from error
    return Root(files, base.rstrip("/"), Path(base) if isinstance(files, fs.LocalFileSystem) else None)


def check_name(name: str) -> str:
    """Return a name that a dataset may have.

    Raises:
        DataError: the rule it breaks.
    """
    if not _NAME.fullmatch(name) or name.endswith((*_SUFFIXES, REMOVED)):
        raise DataError(
            f"dataset name {name!r}; rule: letters, digits, _ . and -, a letter or digit first, not ending in "
            f"{', '.join((*_SUFFIXES, REMOVED))}; the version is given by the catalog. Choose another."
        )
    return name


def folder_of(root: Root, name: str, known: Iterable[str] = ()) -> str:
    """The folder of a dataset: NAME is its newest version, NAME@2 that one.

    Raises:
        DataError: no such dataset or version; the message names the nearest, of `known` too.
    """
    bare, at, number = name.partition("@")
    versions = root.versions()
    if bare not in versions:
        listed = did_you_mean(bare, [*versions, *known])
        raise DataError(f"{name!r} is neither a dataset nor a file that exists. {listed} Datasets are looked for in {root}.")
    if not at:
        return f"{bare}@{versions[bare][-1]}"
    if number not in map(str, versions[bare]):
        there = ", ".join(f"{bare}@{version}" for version in versions[bare])
        raise DataError(f"dataset {bare!r} has no version {number!r}. There are: {there}.")
    return name
