"""What a function compiles to, kept on disk: takes the place of numba's own cache of a function.

numba's looks at the file of the cached function alone and would go on serving old machine code after a helper or a constant in
another file changed; it trusts what it reads, and fails where it cannot write. Here the key is made of the code and the values
that are in memory, so that what is served is what would be compiled.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import re
import sys
import warnings
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

from numba.core.compiler import CompileResult
from numba.core.runtime import rtsys
from numba.core.serialize import dumps

from framework.machine import disk
from framework.machine.fingerprint import fingerprint_of

_OF_NO_CONSEQUENCE = {"NUMBA_CACHE_DIR", "NUMBA_NUM_THREADS", "NUMBA_THREADING_LAYER"}
_warned: set[str] = set()


class Kept:
    """The cache of one function.

    Args:
        function: what is compiled.
        options: what it is compiled with.
        folder: where it lies, below the folder of the sources.
        covered: the digest of the sources covers all that the function depends on: it is one of the kernel's, and what it calls too.
    """

    def __init__(self, function: Callable[..., Any], options: Any, folder: str, *, covered: bool = False) -> None:
        self._function, self._options, self._folder, self._covered = function, options, folder, covered

    @property
    def cache_path(self) -> str:
        """The folder, for numba's statistics."""
        return str(disk.cache_of_sources() / self._folder)

    def load_overload(self, signature: Any, target_context: Any) -> Any:
        """What was kept for a signature, None where it must be compiled.

        Machine code that is ready needs nothing of what numba knows of types and functions, which takes longer to import than a short
        backtest; whoever compiles imports it. Extensions of numba may give machine code names of theirs, so with these all is imported.
        """
        place = self._place(signature, target_context.codegen())
        payload = disk.read(place) if place else None
        if payload is None:
            return None
        rtsys.initialize(target_context)
        try:
            with_extensions, kept = pickle.loads(payload)
            if with_extensions:
                target_context.refresh()
            return self.rebuild(target_context, kept)
        except Exception as error:  # the file is whole, but what it names is no more: it is compiled and kept anew
            warnings.warn(f"{self._function.__qualname__}: what was kept cannot be loaded and is compiled anew: {error!r}", stacklevel=2)
            return None

    def save_overload(self, signature: Any, result: Any) -> None:
        """Keep what a signature compiled to."""
        place = self._place(signature, result.codegen)
        if not place:
            return
        if result.library.has_dynamic_globals:  # its code holds addresses of this process
            self._warn("it uses an address of this process, of a C function or a large array")
            return
        disk.write(place, dumps((_has_extensions(), self.reduce(result))))

    def reduce(self, result: Any) -> Any:
        """What of a compiled function is kept."""
        return result._reduce()

    def rebuild(self, target_context: Any, payload: Any) -> Any:
        """The compiled function from what was kept."""
        return CompileResult._rebuild(target_context, *payload)

    def enable(self) -> None:
        """Numba asks for it; there is nothing to do."""

    def disable(self) -> None:
        """Numba asks for it; there is nothing to do."""

    def flush(self) -> None:
        """Before a function is compiled anew on purpose: what it depends on has changed, and the key with it."""

    def _place(self, signature: Any, codegen: Any) -> str:
        """The file, below the folder of the sources; empty where it cannot be decided what the code depends on."""
        function = self._function
        if function.__module__ not in sys.modules:  # made by exec, in no module: what is kept could not find its way back to it
            return ""
        if self._covered:
            own = f"{function.__code__.co_code.hex()} {function.__code__.co_names}"
        else:
            found = fingerprint_of([function], with_lines=True)
            if found.undecided:
                self._warn(f"it reads {', '.join(found.undecided)}, whose changes cannot be seen: read plain numbers instead")
                return ""
            own = f"{found.digest} {disk.engine_digest()}"
        texts = str(signature), repr(codegen.magic_tuple()), repr(sorted(dict(self._options).items())), own, _environment()
        if any(" at 0x" in text for text in texts):  # another process has other addresses
            return ""
        key = hashlib.blake2b("\n".join((function.__module__, *texts)).encode(), digest_size=16).hexdigest()
        name = re.sub(r"[^\w.]", "", function.__qualname__)[-80:]
        return f"{self._folder}/{name}-{key}.code"

    def _warn(self, why: str) -> None:
        name = f"{self._function.__module__}.{self._function.__qualname__}"
        if name not in _warned:
            _warned.add(name)
            warnings.warn(f"{name} is compiled anew in each process and not kept on disk: {why}", stacklevel=2)


def _has_extensions() -> bool:
    return bool(entry_points(group="numba_extensions"))


def _environment() -> str:
    """What numba was told by way of the environment."""
    return repr(sorted((name, value) for name, value in os.environ.items() if name.startswith("NUMBA_") and name not in _OF_NO_CONSEQUENCE))
