"""Machine code on disk: files that carry a checksum and mend themselves, by a digest of the sources. Imports nothing of numba.

`<root>/<digest of the sources and versions>/<folder>/<name>-<key>.code`. A file is read whole or not at all: what is truncated,
changed or cannot be read counts as not there and is written anew. Where nothing can be written, nothing is kept: one warning, no
error. Folders are made with mode 0700, because reading such a file runs what it says.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from pathlib import Path

CHECKS: bool = os.environ.get("ONETAPE_UNCHECKED") != "1"
"""Whether compiled code checks its bounds and the room of its tables: a constant to it, so that a check that is off costs nothing.

Off for one purpose: to measure what the checks cost. It is read once, when a process starts, and such code has a folder of its own.
"""

_PACKAGE = Path(__file__).parent.parent
_KERNEL = ("kernel/**/*.py", "schema/**/*.py", "machine/**/*.py")
_ENGINE = ("engine/**/*.py",)
_MAGIC = b"onetape machine code 1\n"
_DIGEST_BYTES = 32
_MOST_FOLDERS = 16
_MOST_FILES = 512
_FOLDER_NAME = re.compile(r"[0-9a-f]{24}(-.*)?")
_refused: set[Path | None] = set()
_lock = threading.Lock()


def _stamps(rooms: tuple[str, ...]) -> dict[Path, tuple[int, int]]:
    """When each source file was written and how long it is."""
    paths = sorted(path for room in rooms for path in _PACKAGE.glob(room))
    return {path: (status.st_mtime_ns, status.st_size) for path in paths for status in (path.stat(),)}


def _digest_of(paths: Iterable[Path]) -> str:
    digest = hashlib.blake2b(digest_size=12)
    for path in paths:
        text = path.read_bytes()
        digest.update(f"{path.relative_to(_PACKAGE).as_posix()} {len(text)}\n".encode())
        digest.update(text)
    return digest.hexdigest()


# Found out before a module that they speak of is imported: what is loaded later is not older.
_first_stamps = _stamps(_KERNEL + _ENGINE)
_source_digest, _engine_digest = _digest_of(_stamps(_KERNEL)), _digest_of(_stamps(_ENGINE))


def source_digest() -> str:
    """A digest of every source file of the kernel, as they were when the process began: all its machine code depends on them."""
    return _source_digest


def engine_digest() -> str:
    """A digest of every source file of the engine, which teaches numba the words of hooks."""
    return _engine_digest


def are_sources_unchanged() -> bool:
    """Whether the source files are still those of `source_digest`; else what this process compiles is not what they say."""
    return _stamps(_KERNEL + _ENGINE) == _first_stamps


def cache_root() -> Path:
    """Where the machine code of all sources lies.

    Raises:
        FileNotFoundError: there is no home folder, and no other was named.
    """
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    if chosen:
        return Path(chosen) / "onetape"
    home = os.environ.get("XDG_CACHE_HOME")
    if home:
        return Path(home) / "onetape" / "kernel"
    found = os.path.expanduser("~")
    if not os.path.isabs(found) or found == os.sep:
        raise FileNotFoundError("there is no home folder")
    return Path(found) / ".cache" / "onetape" / "kernel"


@cache
def _versions() -> str:
    python = f"py{sys.version_info[0]}{sys.version_info[1]}{getattr(sys, 'abiflags', '')}"
    return "-".join([python, *(f"{name}{version(name)}" for name in ("numba", "llvmlite", "numpy"))])


def cache_of_sources() -> Path:
    """Where the machine code of the present sources and versions of numba, numpy and Python lies; apart for that without checks."""
    return cache_root() / f"{source_digest()}-{_versions()}{'' if CHECKS else '-unchecked'}"


def read(place: str) -> bytes | None:
    """What was kept at a place below the folder of the sources; None where there is nothing whole."""
    try:
        path = cache_of_sources() / place
        content = path.read_bytes()
        head, payload = content[: len(_MAGIC) + _DIGEST_BYTES], content[len(_MAGIC) + _DIGEST_BYTES :]
        if head != _MAGIC + _checksum(payload):
            return None
        os.utime(path)  # what is used stays longest
        _use(cache_of_sources())
    except OSError:
        return None  # it is compiled instead
    return payload


@cache
def _use(folder: Path) -> None:
    os.utime(folder)


def write(place: str, payload: bytes) -> None:
    """Keep a payload at a place below the folder of the sources; warn once where that cannot be done."""
    try:
        root = cache_root()
    except OSError as error:
        _warn(None, error)
        return
    if root in _refused or not are_sources_unchanged():
        return
    path = cache_of_sources() / place
    try:
        is_new = not cache_of_sources().exists()
        _write_whole(path, _MAGIC + _checksum(payload) + payload)
        if is_new:
            _forget_oldest([one for one in root.iterdir() if _FOLDER_NAME.fullmatch(one.name)], _MOST_FOLDERS)
        _forget_oldest(list(path.parent.glob("*.code*")), _MOST_FILES)
    except OSError as error:
        _warn(root, error)


def _checksum(payload: bytes) -> bytes:
    return hashlib.blake2b(payload, digest_size=_DIGEST_BYTES).digest()


def _write_whole(path: Path, content: bytes) -> None:
    """Another process sees the whole file or none, and so does one that comes after this one was killed."""
    _make_private(path.parent)
    number, passing = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
    try:
        with open(number, "wb") as file:
            file.write(content)
        os.replace(passing, path)
    except OSError:
        Path(passing).unlink(missing_ok=True)
        raise


def _make_private(folder: Path) -> None:
    """Make a folder and those above it that are missing, for the user alone; `mkdir(parents=True)` would open those above."""
    if not folder.is_dir():
        _make_private(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def _forget_oldest(found: list[Path], most: int) -> None:
    """Remove what was used longest ago; whoever still needs it compiles it anew."""
    if len(found) <= most:
        return
    for path in sorted(found, key=_last_used)[: len(found) - most]:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _last_used(path: Path) -> float:
    return path.stat().st_mtime if path.exists() else 0.0


def _warn(root: Path | None, error: OSError) -> None:
    with _lock:
        if root in _refused:
            return
        _refused.add(root)
    place = "machine code cannot be kept" if root is None else f"machine code cannot be kept in {root}"
    warnings.warn(
        f"{place}: {error.strerror or error}. Everything runs, but each process compiles for itself, about half a minute; "
        "name a folder that can be written, with room for 100 MB: NUMBA_CACHE_DIR=/path/to/folder",
        stacklevel=2,
    )
