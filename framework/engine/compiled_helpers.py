"""The functions that hooks call, made anew for each driver.

numba compiles a function once for its types, with the values of its globals at that time, and goes on using that when they change.
So a driver compiles copies of the hooks in which every function of the user's that is compiled with them is a copy too.
"""

from __future__ import annotations

from collections.abc import Callable
from types import CellType, FunctionType, ModuleType
from typing import Any
from weakref import WeakSet

import numba

from framework.kernel.compile import hook
from framework.machine.fingerprint import chains, is_followed

callable_from_hooks: WeakSet[FunctionType] = WeakSet()
"""The functions that `@compiled` was said of."""


class Renewal:
    """Copies functions with what they call, each once."""

    def __init__(self) -> None:
        self._made: dict[int, tuple[Any, Any]] = {}  # holds the originals, so that no other thing gets their ids

    def copy(self, function: Callable[..., Any]) -> Any:
        """A function that calls copies of the compiled functions it calls, and reads everything else as it is now."""
        if not isinstance(function, FunctionType):
            return function
        scope, names = dict(function.__globals__), function.__code__.co_freevars
        cells = {name: CellType() for name in names}
        copy = FunctionType(function.__code__, scope, function.__name__, function.__defaults__, tuple(cells[name] for name in names))
        copy.__module__, copy.__qualname__, copy.__kwdefaults__ = function.__module__, function.__qualname__, function.__kwdefaults__
        values = {name: cell.cell_contents for name, cell in zip(names, function.__closure__ or (), strict=True) if _is_filled(cell)}
        for first, *rest in chains(function.__code__, frozenset(names)):
            space = values if first in names else scope
            if first in space:
                space[first] = self._renewed(space[first], rest)
        for name, value in values.items():
            cells[name].cell_contents = value
        return copy

    def _renewed(self, thing: Any, names: list[str]) -> Any:
        """What takes the place of a value, behind which these attributes are read."""
        if isinstance(thing, ModuleType) and names and is_followed(thing.__name__):
            return self._renewed_module(thing, names)
        if isinstance(thing, FunctionType) and thing in callable_from_hooks:
            return self._once(thing, lambda: hook(self.copy(thing)))
        is_users = is_followed(thing.__module__ or "") if isinstance(getattr(thing, "py_func", None), FunctionType) else False
        if is_users and not thing.__module__.startswith("framework."):
            return self._once(thing, lambda: self._compiled_again(thing))
        return thing

    def _once(self, thing: Any, make: Callable[[], Any]) -> Any:
        if id(thing) not in self._made:
            self._made[id(thing)] = thing, make()
        return self._made[id(thing)][1]

    def _compiled_again(self, dispatcher: Any) -> Any:
        options = {name: value for name, value in dispatcher.targetoptions.items() if name != "nopython"}
        return numba.njit(**options)(self.copy(dispatcher.py_func))

    def _renewed_module(self, module: ModuleType, names: list[str]) -> ModuleType:
        first, *rest = names
        if not hasattr(module, first):
            return module
        known = getattr(self._made.get(id(module), (module, module))[1], first)
        fresh = self._renewed(known, rest)
        if fresh is known:
            return module if id(module) not in self._made else self._made[id(module)][1]
        copy: ModuleType = self._once(module, lambda: _copied(module))
        setattr(copy, first, fresh)
        return copy


def _copied(module: ModuleType) -> ModuleType:
    copy = ModuleType(module.__name__)
    vars(copy).update(vars(module))
    return copy


def _is_filled(cell: CellType) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:
        return False
