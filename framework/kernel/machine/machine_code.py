"""Whether the kernel's machine code is on disk already, and what it checks. Imports nothing of numba."""

from __future__ import annotations

import os

from framework.machine.disk import CHECKS, cache_of_sources, source_digest

__all__ = ["CHECKS", "cache_of_sources", "is_cached", "source_digest", "unchecked_note"]


def unchecked_note() -> tuple[str, ...]:
    """What a result says of code that ran without checks; nothing where they are on."""
    if CHECKS:
        return ()
    return ("Bounds and room were not checked (ONETAPE_UNCHECKED=1): a fault may have changed any number here. For measurement only.",)


def is_cached() -> bool:
    """Whether the replay loop is compiled already for the sources as they are now. Plain mode keeps nothing, Python needs nothing."""
    if os.environ.get("ONETAPE_PLAIN_NUMBA") in ("1", "python"):
        return os.environ["ONETAPE_PLAIN_NUMBA"] == "python"
    try:
        return any((cache_of_sources() / "replay").glob("_advance-*.code"))
    except OSError:  # there is no folder to keep it in
        return False
