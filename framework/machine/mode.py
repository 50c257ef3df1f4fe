"""Whether numba's inner classes are used, or plain numba.

The kernel compiles in a fifth of the time by way of classes inside numba (`framework/kernel/machine/part.py`), which may change with any
version. Plain mode uses what numba documents and nothing else: `njit`, `cfunc`, `intrinsic`. It checks the bounds of arrays, takes
minutes to compile and keeps nothing on disk; its results have the same bytes.

A third way compiles nothing of the kernel: its functions run in Python, for a debugger and for coverage.
"""

from __future__ import annotations

import importlib
import os
import warnings
from functools import cache

import numba

from framework.errors import ConfigError

TESTED = "0.68"
"""The version of numba whose inner classes were tried: decision 0023."""

_INNER = {
    "numba.core.ccallback": ("CFunc",),
    "numba.core.codegen": ("JITCodeLibrary",),
    "numba.core.compiler": ("Compiler", "CompileResult"),
    "numba.core.registry": ("CPUDispatcher",),
    "numba.core.runtime": ("rtsys",),
    "numba.core.serialize": ("dumps",),
}


@cache
def is_plain() -> bool:
    """Whether this process uses plain numba: because `ONETAPE_PLAIN_NUMBA=1` asks for it, or because this numba is not known.

    Raises:
        ConfigError: the variable is none of 0, 1 and python.
    """
    if _asked() == "1":
        return True
    reason = _unknown()
    if reason:
        warnings.warn(
            f"{reason}; OneTape was tested with numba {TESTED}. It runs in plain mode: the same results, but each process compiles "
            f"for minutes and nothing is kept on disk. For the fast way: pip install 'numba=={TESTED}.*'",
            stacklevel=2,
        )
    return bool(reason)


def runs_in_python() -> bool:
    """Whether the functions of the kernel run in Python: `ONETAPE_PLAIN_NUMBA=python`. What the data rooms compile is compiled as ever.

    Raises:
        ConfigError: the variable is none of 0, 1 and python.
    """
    return _asked() == "python"


def _asked() -> str:
    asked = os.environ.get("ONETAPE_PLAIN_NUMBA", "0") or "0"
    if asked not in ("0", "1", "python"):
        raise ConfigError(
            f"ONETAPE_PLAIN_NUMBA={asked}: 1 for plain numba, 0 or nothing for the fast way to compile, python to run the kernel in Python"
        )
    return asked


def _unknown() -> str:
    """What is not known about this numba; empty where it is the tested one."""
    if ".".join(numba.__version__.split(".")[:2]) != TESTED:
        return f"numba {numba.__version__} is not known"
    for module, names in _INNER.items():
        try:
            found = importlib.import_module(module)
        except ImportError:
            return f"numba {numba.__version__} has no {module}"
        missing = [name for name in names if not hasattr(found, name)]
        if missing:
            return f"numba {numba.__version__} has no {module}.{missing[0]}"
    return ""
