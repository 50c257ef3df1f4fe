"""Plain compiled functions, kept on disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba

from framework.machine.mode import is_plain

if not is_plain():
    from framework.machine.kept import Kept

_OPTIONS = {"error_model": "numpy", "nogil": True}


def stored(function: Callable[..., Any]) -> Any:
    """Compile a function that Python and other such functions call; kept on disk by its code, what it calls and the values they read.

    Division by zero is infinite, as in numpy, and threads run beside it. In plain mode nothing is kept and bounds are checked.
    """
    if is_plain():
        return numba.njit(boundscheck=True, error_model="numpy", nogil=True)(function)
    dispatcher = numba.njit(error_model="numpy", nogil=True)(function)
    dispatcher._cache = Kept(function, _OPTIONS, Path(function.__code__.co_filename).stem)
    return dispatcher
