"""Compiles functions as hooks are, for tests of what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import pytest
from numba.core.errors import NumbaError

from framework.engine.compiled_rewrites import register
from framework.kernel.machine.compile import hook_options


def machine_code(function: Callable[..., Any], *, checks: bool = True) -> Callable[..., Any]:
    """A function as hooks call it."""
    made: Callable[..., Any] = numba.njit(**hook_options(checks=checks))(register(function, checks=checks))
    return made


def refusal(function: Callable[..., Any], *arguments: Any) -> str:
    """The text with which a function is refused when it is compiled for these arguments."""
    with pytest.raises(NumbaError) as caught:
        machine_code(function)(*arguments)
    return str(caught.value)
