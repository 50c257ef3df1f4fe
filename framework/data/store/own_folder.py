"""The folder of this process for temporary files: gone when the process ends, and where it is killed, when the next one starts."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from multiprocessing.util import Finalize
from pathlib import Path

from framework.data.store.abandoned import PREFIX, locked, remove_abandoned

_LAST = -1000
"""After what multiprocessing has in the folder was removed by itself, and in its processes too, which run nothing of `atexit`."""

_owned: dict[int, tuple[Path, int]] = {}
"""By process id, since a fork has the memory of its parent: the folder, and the open file that holds its lock."""


def own_folder() -> Path:
    """The folder of this process, made when first asked for, below the one for temporary files (TMPDIR, else /tmp)."""
    known = _owned.get(os.getpid())
    if known is None or not known[0].is_dir():
        remove_abandoned()
        made = _made()
        while made is None:
            made = _made()
        _owned[os.getpid()] = known = made
        Finalize(None, _remove_own, args=(os.getpid(),), exitpriority=_LAST)
    return known[0]


def _made() -> tuple[Path, int] | None:
    """A new locked folder; nothing where another process took it for abandoned between its making and its locking."""
    path = tempfile.mkdtemp(prefix=PREFIX)
    with suppress(OSError):
        lock = locked(path)
        if os.path.exists(path) and os.fstat(lock).st_ino == os.stat(path).st_ino:
            return Path(path), lock
        os.close(lock)
    return None


def _remove_own(process: int) -> None:
    if process == os.getpid() and process in _owned:
        path, lock = _owned.pop(process)
        shutil.rmtree(path, ignore_errors=True)
        os.close(lock)
