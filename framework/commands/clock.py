"""When a dataset was imported, for people to read: the one clock of the commands. Nothing that a run decides may depend on it."""

from __future__ import annotations

import datetime as dt


def now() -> str:
    """The present second, UTC, as 2024-01-02T15:30:00Z."""
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
