"""Where machine code is kept on disk, by a digest of every source file of the kernel and the schema. Imports nothing of numba."""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path

_ROOMS = (Path(__file__).parent, Path(__file__).parent.parent / "schema")


@cache
def source_digest() -> str:
    """A digest of every source file that compiled code can depend on."""
    digest = hashlib.blake2b(digest_size=12)
    for room in _ROOMS:
        for path in sorted(room.glob("*.py")):
            digest.update(path.name.encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def cache_root() -> Path:
    """Where the machine code of all sources lies."""
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    if chosen:
        return Path(chosen) / "onetape"
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "onetape" / "kernel"


def cache_of_sources() -> Path:
    """Where the machine code of the present sources lies."""
    return cache_root() / source_digest()


def is_cached() -> bool:
    """Whether the replay loop is compiled already for the sources as they are now."""
    return any((cache_of_sources() / "replay").glob("replay._advance-*.nbc"))
