"""The functions that hooks call, made again for each driver.

numba compiles a function once for its types, with the values of its globals at that time, and goes on using that when they change.
So a driver compiles copies of the hooks in which every function of the user's that is compiled with them is a copy too.
"""

from __future__ import annotations

from collections.abc import Callable
from types import CellType, FunctionType, ModuleType
from typing import Any

import numba
from numba.core.errors import UnsupportedError

from framework.engine.compiled_rewrites import checks_of, register
from framework.errors import ConfigError
from framework.kernel.machine.compile import hook
from framework.machine.fingerprint import chains, is_followed


class Renewal:
    """Copies functions with what they call, each once."""

    def __init__(self) -> None:
        self._made: dict[int, tuple[Any, Any]] = {}  # holds the originals, so that no other thing gets their ids
        self._open: list[Any] = []  # those whose own calls are being followed

    def copy(self, function: Callable[..., Any], *, checks: bool) -> FunctionType:
        """A hook that calls copies of the compiled functions it calls, and reads everything else as it is now.

        Args:
            checks: whether it is checked; what it calls is as its own decorator says.
        """
        copy, fill = self._copied(function)
        register(copy, checks=checks)
        fill()
        return copy

    def _copied(self, function: Any) -> tuple[FunctionType, Callable[[], None]]:
        """A function in a namespace of its own, and what puts copies of what it calls there."""
        if not isinstance(function, FunctionType):
            raise UnsupportedError(f"{function!r} is not a function written in Python: it cannot be compiled")
        scope, names = dict(function.__globals__), function.__code__.co_freevars
        cells = {name: CellType() for name in names}
        copy = FunctionType(function.__code__, scope, function.__name__, function.__defaults__, tuple(cells[name] for name in names))
        copy.__module__, copy.__qualname__, copy.__kwdefaults__ = function.__module__, function.__qualname__, function.__kwdefaults__

        def fill() -> None:
            values = {name: cell.cell_contents for name, cell in zip(names, function.__closure__ or (), strict=True) if _is_filled(cell)}
            for first, *rest in chains(function.__code__, frozenset(names)):
                space = values if first in names else scope
                if first in space:
                    space[first] = self._renewed(space[first], rest)
            for name, value in values.items():
                cells[name].cell_contents = value

        return copy, fill

    def _renewed(self, thing: Any, names: list[str]) -> Any:
        """What takes the place of a value, behind which these attributes are read."""
        if any(thing is function for function in self._open):
            raise ConfigError(
                f"{' calls '.join(each.__name__ for each in (*self._open, thing))}: a function that calls itself, at once or through "
                "others, ends the process in machine code when it goes too deep. Write it as a loop"
            )
        if id(thing) in self._made and not isinstance(thing, ModuleType):
            return self._made[id(thing)][1]
        if any(thing is made for _, made in self._made.values()) and not isinstance(thing, ModuleType):
            return thing
        if isinstance(thing, ModuleType) and names and is_followed(thing.__name__):
            return self._renewed_module(thing, names)
        checks = checks_of(thing) if isinstance(thing, FunctionType) else None
        if checks is not None:
            return self._compiled(thing, thing, lambda copy: hook(register(copy, checks=checks), checks=checks))
        function = getattr(thing, "py_func", None)
        if isinstance(function, FunctionType) and is_followed(function.__module__ or "") and not _is_ours(function):
            options = {name: value for name, value in thing.targetoptions.items() if name != "nopython"}
            return self._compiled(thing, function, numba.njit(**options))
        return thing

    def _compiled(self, thing: Any, function: FunctionType, compile_it: Callable[[FunctionType], Any]) -> Any:
        copy, fill = self._copied(function)
        self._made[id(thing)] = thing, compile_it(copy)
        self._open.append(thing)
        fill()
        self._open.pop()
        return self._made[id(thing)][1]

    def _renewed_module(self, module: ModuleType, names: list[str]) -> ModuleType:
        first, *rest = names
        if not hasattr(module, first):
            return module
        known = getattr(self._made.get(id(module), (module, module))[1], first)
        fresh = self._renewed(known, rest)
        if fresh is known:
            return module if id(module) not in self._made else self._made[id(module)][1]
        copy: ModuleType = self._made.setdefault(id(module), (module, _module_copy(module)))[1]
        setattr(copy, first, fresh)
        return copy


def _is_ours(function: FunctionType) -> bool:
    return (function.__module__ or "").startswith("framework.")


def _module_copy(module: ModuleType) -> ModuleType:
    copy = ModuleType(module.__name__)
    vars(copy).update(vars(module))
    return copy


def _is_filled(cell: CellType) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:
        return False
