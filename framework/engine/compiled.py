"""`@compiled`: a strategy's hooks as machine code, called by the replay loop without coming back to Python.

    @compiled
    class Crossover(Strategy):
        fast: int = 20
        slow: int = 50
        was_long: State[bool] = False

        def on_bar(self, view, bar):
            ...

Parameters and declared state become one record; `self.name` reads and writes it. `Crossover.python(fast=10)` runs the same
source in Python, for a debugger and for proof: its audit has the same bytes. In both, instruments are numbers.
`on_start` and `on_stop` always run in Python; every other hook that the class overrides is compiled. A hook calls functions,
not methods; decorate those with `@compiled` too.
"""

from __future__ import annotations

import inspect
import sys
import threading
from collections.abc import Callable
from typing import Any, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from framework.engine.declared_rows import COUNT_FIELD, Field
from framework.engine.failures import HOOK_OF, HookFailure, HookRefusal, blamed, forget_line, noted_error, noted_line, place_of
from framework.engine.interrupts import deferred_interrupts
from framework.engine.strategy import PerInstrument, Strategy, declared_state
from framework.engine.timers import Timers
from framework.errors import ConfigError, StrategyError
from framework.kernel.layout import codes
from framework.kernel.layout.roots import TRADER
from framework.kernel.trader import trader_calls
from framework.kernel.trader.trader import Trader
from framework.machine.fingerprint import Fingerprint, fingerprint_of
from framework.machine.mode import runs_in_python

_HOOKS = tuple(HOOK_OF.values())
_HOOK_WAKE, _BROKEN = (TRADER.fields[name][1] // 8 for name in ("hook_wake", "broken"))  # type: ignore[index]
_FIELD = {int: "<i8", float: "<f8", bool: "?"}
_FIELD_IN_A_ROW = {**_FIELD, bool: "u1"}  # numba knows no rows of bool inside a record

AGENDA = np.dtype([(name, "<i8") for name in ("rows", "count", "at", "names", "most_passes", "cell")])
"""What the driver shares with Python: the timers that fire next, `timers.FIRING` rows, of which `at` have fired; the addresses of
the names by timer number; `Strategy.most_passes`; where `compiled_cell` keeps its words.
"""

Decorated = TypeVar("Decorated", bound=type[Strategy] | Callable[..., Any])


@overload
def compiled(target: Decorated) -> Decorated: ...
@overload
def compiled(*, checks: bool = True) -> Callable[[Decorated], Decorated]: ...
def compiled(target: Any = None, *, checks: bool = True) -> Any:
    """Compile a strategy's hooks, or make a function callable from them. In Python both behave as written.

    Args:
        target: a subclass of `Strategy`, or a function.
        checks: whether indices, divisions and whole numbers beyond 64 bits fail as in Python. Without, a hook that gets one wrong
            computes with whatever it finds, and the notes of its result say so. Instruments and orders are always checked.
    """
    if target is None:
        return lambda decorated: compiled(decorated) if checks else _decorated(decorated, checks=False)
    return _decorated(target, checks=checks)


def _decorated(target: Any, *, checks: bool) -> Any:
    if inspect.isclass(target):
        return _compiled_class(target, checks=checks)  # type: ignore[arg-type]  # checked there, with a message
    if runs_in_python():
        return target
    from numba.extending import overload as give_numba

    from framework.engine.compiled_rewrites import register
    from framework.engine.compiled_view import as_overload
    from framework.kernel.machine.compile import hook_options

    register(target, checks=checks)
    give_numba(target, strict=False, jit_options=hook_options(checks=checks))(as_overload(target))
    return target


def _compiled_class(cls: type[Strategy], *, checks: bool) -> type[Strategy]:
    if not issubclass(cls, Strategy):
        raise ConfigError(f"@compiled on {cls.__name__}: not a subclass of Strategy")
    if not _hooks_of(cls):
        raise ConfigError(f"@compiled on {cls.__name__}: it has none of {', '.join(_HOOKS)}, so there is nothing to compile")
    cls.uses_numbers = True
    cls.runs_compiled = not runs_in_python()
    cls.is_checked = checks
    for name, kind in declared_state(cls).items():
        if not isinstance(kind, PerInstrument):
            field = Field(kind, getattr(cls, name, 0))
            field.__set_name__(cls, name)
            setattr(cls, name, field)
    return cls


def _hooks_of(cls: type[Strategy]) -> tuple[str, ...]:
    """The hooks to compile: those that the class overrides."""
    return tuple(name for name in _HOOKS if getattr(cls, name) is not getattr(Strategy, name))


def own_dtype(strategy: Strategy, instruments: int) -> np.dtype[np.void]:
    """The record of a strategy: its parameters, the count of instruments, its state, that of each up to the next power of two.

    The count parts what a hook may not set from what it may, so machine code of one is never taken for that of the other.
    """
    fields: list[Any] = []
    for name, value in strategy.parameters.items():
        if type(value) not in _FIELD:
            raise ConfigError(f"{type(strategy).__name__}.{name} = {value!r}: a compiled strategy's parameters are int, float or bool")
        fields.append((name, _FIELD[type(value)]))
    fields.append((COUNT_FIELD, "<i8"))
    rows = 1 << max(instruments - 1, 0).bit_length()
    for name, kind in declared_state(type(strategy)).items():
        fields.append((name, _FIELD_IN_A_ROW[kind.of], (rows,)) if isinstance(kind, PerInstrument) else (name, _FIELD[kind]))
    return np.dtype(fields, align=True)


class Driver:
    """Replays and calls the compiled hooks until something needs Python. Takes the place of `replay.advance`.

    Args:
        strategy: an instance of a compiled class.
        trader: the trader half of the run.
        timers: of the run; compiled code arms them one after the other from their agenda, and Python makes the next agenda.
    """

    def __init__(self, strategy: Strategy, trader: Trader, timers: Timers) -> None:
        self._strategy, self._trader, self._timers = strategy, trader, timers
        self._own: NDArray[np.void] = np.zeros(1, dtype=own_dtype(strategy, len(trader.instruments)))
        self._own[COUNT_FIELD] = len(trader.instruments)
        self._drive = _driver_of(type(strategy))
        self._has_on_timer = "on_timer" in _hooks_of(type(strategy))
        self._agenda: NDArray[np.void] = np.zeros(1, dtype=AGENDA)
        self._agenda["most_passes"] = strategy.most_passes
        self._firings: NDArray[np.void] = timers.agenda
        self._names: list[NDArray[np.int64]] = []
        self._name_addresses: NDArray[np.int64] = np.zeros(1, dtype=np.int64)
        trader_calls.link(trader.record, orders=True)
        self._is_started = False

    def __call__(self, trader: int, exchange: int, until_ns: int) -> int:
        """Like `replay.advance`; wakes of compiled hooks do not come back."""
        if not self._is_started:
            self._is_started = True
            self._load()
            self._take_agenda()
        wake = self._replay(trader, exchange, until_ns)
        while wake == codes.W_TIMER and self._has_on_timer:
            self._timers.agenda_fired()
            self._take_agenda()
            wake = self._replay(trader, exchange, until_ns)
        if wake == codes.END:
            self._store()
        return wake

    def _replay(self, trader: int, exchange: int, until_ns: int) -> int:
        cell = int(self._agenda["cell"][0])
        if cell:
            forget_line(cell)
        try:
            if not self._drive.overloads:
                self._compile(trader, exchange, self._own, self._agenda, until_ns)
            wake = int(self._drive(trader, exchange, self._own, self._agenda, until_ns))
        except HookFailure:
            if self._trader.words[_BROKEN]:
                raise self._trader.breakage() from None  # what a hook was told that ordered on
            error = noted_error(int(self._agenda["cell"][0]), self._strategy.most_passes)
            raise blamed(error, self._place()) from error
        except HookRefusal as refusal:
            text = refusal.text_of(self._strategy)
            raise StrategyError(f"{type(self._strategy).__name__}: its hooks cannot be compiled ({refusal.line}): {text}") from None
        except Exception as error:
            if not self._trader.words[_HOOK_WAKE]:
                name = type(self._strategy).__name__
                raise StrategyError(f"{name}: its hooks cannot be compiled: {type(error).__name__}: {error}") from error
            raise blamed(error, self._place()) from error
        except KeyboardInterrupt as error:
            if self._trader.words[_HOOK_WAKE]:
                error.add_note(f"interrupted in {self._place()}")
            raise
        return wake

    def _compile(self, *arguments: Any) -> None:
        """Compile the driver for what it is called with, which its first call would do. An interrupt that comes meanwhile acts afterwards:
        in the compiler's callbacks it would be lost.
        """
        from numba import typeof

        with deferred_interrupts():
            self._drive.compile(tuple(map(typeof, arguments)))

    def _take_agenda(self) -> None:
        """Put the timers that fire next, and their names, where compiled code finds them."""
        self._firings, names = self._timers.agenda, self._timers.names
        if len(names) != len(self._names):
            self._names = [np.array([len(name), *map(ord, name)], dtype=np.int64) for name in names]
            self._name_addresses = np.array([name.ctypes.data for name in self._names], dtype=np.int64)
        agenda = self._agenda
        agenda["rows"], agenda["names"] = self._firings.ctypes.data, self._name_addresses.ctypes.data
        agenda["count"], agenda["at"] = len(self._firings), 0

    def _load(self) -> None:
        for name in self._own.dtype.names or ():
            if hasattr(self._strategy, name):
                value = getattr(self._strategy, name)
                if isinstance(value, np.ndarray):
                    self._own[name][0, : len(value)] = value
                else:
                    self._own[name] = value

    def _store(self) -> None:
        for name, kind in declared_state(type(self._strategy)).items():
            value = self._own[name][0]
            if isinstance(kind, PerInstrument):
                getattr(self._strategy, name)[:] = value[: len(self._trader.instruments)]
            else:
                setattr(self._strategy, name, value.item())

    def _place(self) -> str:
        hook = HOOK_OF[int(self._trader.record["hook_wake"][0])]
        timer = self._timers.names[self._firings["number"][int(self._agenda["at"][0]) - 1]] if hook == "on_timer" else ""
        return place_of(self._trader, type(self._strategy), hook, noted_line(int(self._agenda["cell"][0])), timer)


_drivers: dict[type[Strategy], tuple[Fingerprint, tuple[Any, ...], Any]] = {}
_drivers_lock = threading.Lock()


def _driver_of(cls: type[Strategy]) -> Any:
    """The driver of a strategy class, made again when its hooks, what they call or a value that they read have changed."""
    with _drivers_lock:
        own = tuple(getattr(cls, name) for name in _hooks_of(cls))
        known = _drivers.get(cls)
        if known is not None and known[1] == own and known[0].still_holds():
            return known[2]
        found = fingerprint(cls)
        is_same = known is not None and known[0].digest == found.digest and not found.undecided
        drive = known[2] if known is not None and is_same else _compile_driver(cls)
        _drivers[cls] = (found, own, drive)
        return drive


def _compile_driver(cls: type[Strategy]) -> Any:
    """A driver of a strategy class as it is now, kept on disk by all that its hooks depend on."""
    from framework.engine import compiled_driver
    from framework.kernel.machine.compile import entered, stamped_kernel

    hooks = _hooks_of(cls)
    drive = compiled_driver.driver_of(cls, hooks, checks=cls.is_checked)
    is_findable = all(getattr(cls, name).__module__ in sys.modules for name in hooks)  # else what is kept could not find its way back
    made = stamped_kernel(drive) if is_findable else entered(drive)
    return made


def unchecked_note(strategy: Strategy | type[Strategy]) -> tuple[str, ...]:
    """The note on a compiled strategy that runs without checks, or calls functions that do; empty for all others."""
    if not (strategy.runs_compiled and strategy.uses_numbers):
        return ()
    from framework.engine import compiled_driver

    cls = strategy if isinstance(strategy, type) else type(strategy)
    names = compiled_driver.unchecked_of(cls, _hooks_of(cls), checks=cls.is_checked)
    if not names:
        return ()
    return (
        f"Compiled without checks: {', '.join(names)}. An index beyond its array, a division by zero or a whole number beyond 64 bits "
        "is no error there, and what came of it is in this result.",
    )


def fingerprint(cls: type[Strategy]) -> Fingerprint:
    """Of everything the compiled hooks depend on: their code, the functions they call, the values they read."""
    return fingerprint_of((getattr(cls, name) for name in _hooks_of(cls)), with_lines=True)
