"""Whether the kernel's machine code is on disk already. Imports nothing of numba."""

from __future__ import annotations

import os

from framework.machine.disk import cache_of_sources, source_digest

__all__ = ["cache_of_sources", "is_cached", "source_digest"]


def is_cached() -> bool:
    """Whether the replay loop is compiled already for the sources as they are now. Plain mode keeps nothing."""
    if os.environ.get("ONETAPE_PLAIN_NUMBA") == "1":
        return False
    try:
        return any((cache_of_sources() / "replay").glob("_advance-*.code"))
    except OSError:  # there is no folder to keep it in
        return False
