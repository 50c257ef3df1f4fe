"""Where machine code is kept on disk, by a digest of every source file of the kernel and the schema. Imports nothing of numba."""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path

CHECKS: bool = os.environ.get("ONETAPE_UNCHECKED") != "1"
"""Whether compiled code checks its bounds and the room of its tables: a constant to it, so that a check that is off costs nothing.

Off for one purpose: to measure what the checks cost. It is read once, when a process starts, and such code has a folder of its own.
"""

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
    """Where the machine code of the present sources lies, apart for code without checks."""
    return cache_root() / (source_digest() if CHECKS else f"{source_digest()}-unchecked")


def unchecked_note() -> tuple[str, ...]:
    """What a result says of code that ran without checks; nothing where they are on."""
    if CHECKS:
        return ()
    return ("Bounds and room were not checked (ONETAPE_UNCHECKED=1): a fault may have changed any number here. For measurement only.",)


def is_cached() -> bool:
    """Whether the replay loop is compiled already for the sources as they are now."""
    return any((cache_of_sources() / "replay").glob("replay._advance-*.nbc"))
