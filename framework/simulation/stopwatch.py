"""How long work took on this machine, for people to read. Nothing that a run decides may depend on it."""

from __future__ import annotations

import time


def seconds() -> float:
    """Seconds since some moment; only differences mean something."""
    return time.perf_counter()


def nanoseconds() -> int:
    """Nanoseconds since some moment; only differences mean something."""
    return time.perf_counter_ns()
