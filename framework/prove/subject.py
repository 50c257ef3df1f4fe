"""What is to be proved: a way to build the strategy anew from data, and what its code says about itself."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import CodeType, FunctionType
from typing import Any

import numpy as np

from framework.data.tape.frames import Frames
from framework.engine.strategy import Strategy
from framework.errors import ConfigError, OneTapeError, StrategyError

Source = Strategy | type[Strategy] | Callable[[Frames], Strategy]
"""An instance, a class, or a function from frames to an instance."""

_CLOCK_WORDS = frozenset({"now", "now_ns", "ts_ns", "timers", "expire", "on_timer"})
_FEW = 30
"""Collections shorter than this are settings, not data."""


class BuildError(StrategyError):
    """The strategy could not be built from the data given."""


class Subject:
    """Builds the strategy: from frames where it has a `from_data` or is a function of them, else as a copy.

    Attributes:
        source: what was given.
        needs_frames: whether it is built from data.
    """

    def __init__(self, source: Source) -> None:
        if not callable(source) and not isinstance(source, Strategy):
            raise ConfigError(f"prove needs a Strategy, its class, or a function from frames to one; got {source!r}")
        made: Any = source() if isinstance(source, type) else source
        self.source: Strategy | Callable[[Frames], Strategy] = made
        self.needs_frames = not isinstance(made, Strategy) or hasattr(type(made), "from_data")

    @property
    def label(self) -> str:
        """A name to show."""
        return type(self.source).__name__ if isinstance(self.source, Strategy) else getattr(self.source, "__name__", "strategy")

    def build(self, frames: Frames, *, in_python: bool = False) -> Strategy:
        """A fresh strategy; `in_python` keeps compiled hooks in Python, where they decide the same.

        Raises:
            BuildError: building it raised.
        """
        try:
            made = self._built(frames)
        except Exception as error:
            raise BuildError(f"{self.label}: building it from data raised {type(error).__name__}: {error}") from error
        if not isinstance(made, Strategy):
            raise ConfigError(f"{self.label}: expected a Strategy, got {made!r}")
        if isinstance(self.source, Strategy):
            made.runs_compiled = self.source.runs_compiled
        if in_python:
            made.runs_compiled = False
        return made

    def _built(self, frames: Frames) -> Strategy:
        if not isinstance(self.source, Strategy):
            return self.source({symbol: frame.copy() for symbol, frame in frames.items()})
        if not self.needs_frames:
            return copy.deepcopy(self.source)
        from_data: Callable[..., Strategy] = type(self.source).from_data  # type: ignore[attr-defined]  # asked by needs_frames
        return from_data({symbol: frame.copy() for symbol, frame in frames.items()}, **self.source.parameters)

    @property
    def knows_universe(self) -> bool:
        """Whether a parameter says what it trades."""
        return isinstance(self.source, Strategy) and "universe" in self.source.parameters

    def outside_data(self) -> list[str]:
        """Names of data that the strategy holds and that no change of the tape reaches: attributes, globals, closures."""
        found = []
        if isinstance(self.source, Strategy) and not self.needs_frames:
            own = {name: value for name, value in vars(self.source).items() if name not in self.source.parameters}
            found += [f"attribute {name}" for name, value in own.items() if _is_data(value)]
        if isinstance(self.source, Strategy):
            for cls in _own_classes(type(self.source)):
                found += [f"class attribute {name}" for name, value in vars(cls).items() if _is_data(value)]
        for function in self._functions():
            for name, value in _reached(function):
                if _is_data(value):
                    found.append(f"{name} in {function.__qualname__}")
        return sorted(set(found))

    def reads_clock(self) -> bool:
        """Whether its code names the time, a bar's stamp or timers, or indexes by stamps through frames."""
        return self.needs_frames or any(_CLOCK_WORDS & set(_words(function.__code__)) for function in self._functions())

    def _functions(self) -> list[FunctionType]:
        queue: list[FunctionType] = []
        if isinstance(self.source, Strategy):
            queue += [function for cls in _own_classes(type(self.source)) for function in _methods(cls)]
        elif isinstance(self.source, FunctionType):
            queue.append(self.source)
        seen: list[FunctionType] = []
        while queue:
            function = queue.pop()
            if function in seen:
                continue
            seen.append(function)
            for _, value in _reached(function):
                if isinstance(value, FunctionType) and _is_ours(value, function):
                    queue.append(value)
                elif inspect.isclass(value) and issubclass(value, Strategy) and value is not Strategy:
                    queue += _methods(value)
        return seen


def _own_classes(cls: type) -> Sequence[type]:
    return [base for base in cls.__mro__ if base not in (*Strategy.__mro__,)]


def _methods(cls: type) -> list[FunctionType]:
    raw = [getattr(value, "__func__", value) for value in vars(cls).values()]
    raw += [value.fget for value in vars(cls).values() if isinstance(value, property)]
    return [value for value in raw if isinstance(value, FunctionType)]


def _is_ours(function: FunctionType, caller: FunctionType) -> bool:
    return function.__module__.split(".")[0] == caller.__module__.split(".")[0]


def _reached(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """Globals, closure cells and defaults that a function names."""
    for name in _words(function.__code__):
        if name in function.__globals__:
            yield name, function.__globals__[name]
    names = function.__code__.co_freevars
    for name, cell in zip(names, function.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # a cell that is not filled yet holds nothing
            continue
    yield from ((f"a default of {function.__name__}", value) for value in function.__defaults__ or ())


def _words(code: CodeType) -> list[str]:
    inner = [name for constant in code.co_consts if isinstance(constant, CodeType) for name in _words(constant)]
    return [*code.co_names, *inner]


def _is_data(value: object) -> bool:
    """Whether something looks like market data or a model made of them."""
    if inspect.isclass(value) or inspect.ismodule(value) or inspect.isroutine(value) or isinstance(value, (str, bytes, OneTapeError)):
        return False
    if type(value).__module__.split(".")[0] == "pandas" and hasattr(value, "__len__"):
        return len(value) > 0
    if isinstance(value, np.ndarray):
        return value.size >= _FEW
    if isinstance(value, Mapping):
        return any(_is_data(inner) for inner in value.values()) or (len(value) >= _FEW and _is_number(next(iter(value.values()))))
    if isinstance(value, (list, tuple)):
        return any(_is_data(inner) for inner in value[:_FEW]) or (len(value) >= _FEW and _is_number(value[0]))
    return hasattr(value, "predict") or hasattr(value, "transform")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
