"""The same as `part.py` in plain numba: what numba documents and nothing else, with the bounds of arrays checked.

A part is compiled with each of its callers and nothing is kept on disk, so that compiling takes minutes. Results have the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba

_CHECKED = {"boundscheck": True, "forceinline": False}


def Part(function: Callable[..., Any], options: dict[str, Any], *, stays_apart: bool = False, is_kept: bool = True) -> Any:  # noqa: N802
    """A compiled function for other compiled functions and for Python; takes the place of the class of that name."""
    return numba.njit(**{**options, **_CHECKED})(function)


def whole(function: Callable[..., Any], options: dict[str, Any], folder: str = "") -> Any:
    """Compile a function that Python calls."""
    return numba.njit(**{**options, **_CHECKED})(function)


def unit(function: Callable[..., Any], kind: Any, options: dict[str, Any]) -> Any:
    """Compile a part of the kernel that is called by address."""
    return numba.cfunc(kind, **{**options, **_CHECKED})(function)
