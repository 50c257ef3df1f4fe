"""Temporary folders of processes that were killed: found by their locks, and removed when the next process starts.

A lock says whether the owner of such a folder lives, and the system releases it whatever ends the process. Names, process ids and
ages would have to be guessed at: ids come again, and another container that shares the folder counts its own.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress

PREFIX = "onetape-work-"


def remove_abandoned() -> None:
    """Remove the folders of processes that have ended without doing it. Those of others, and of other users, are left alone."""
    with suppress(OSError):  # there is no folder for temporary files, which is told when one is needed
        for found in os.scandir(tempfile.gettempdir()):
            if found.name.startswith(PREFIX):
                _remove_if_abandoned(found.path)


def _remove_if_abandoned(path: str) -> None:
    try:
        lock = locked(path)
    except OSError:
        return  # its owner lives, it is another user's, or it has just gone
    try:
        if os.fstat(lock).st_uid == os.geteuid():
            shutil.rmtree(path, ignore_errors=True)
    finally:
        os.close(lock)


def locked(path: str) -> int:
    """An open folder that no other process holds; a link is not followed.

    Raises:
        OSError: another process holds it, or it cannot be opened.
    """
    opened = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(opened)
        raise
    return opened
