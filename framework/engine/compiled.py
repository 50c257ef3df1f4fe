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
`on_start` and `on_stop` always run in Python. A hook calls functions, not methods; decorate those with `@compiled` too.
"""

from __future__ import annotations

import hashlib
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Any, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from framework.engine.fingerprint import digest_of
from framework.engine.strategy import PerInstrument, Strategy, declared_state
from framework.errors import ConfigError, InputError, StrategyError
from framework.kernel import codes, entry
from framework.kernel.halves import Trader

_HOOKS = {"on_bar": codes.W_BAR, "on_bars": codes.W_BARS}
_NEVER_COMPILED = ("on_quote", "on_order", "on_event", "on_timer")
_FIELD = {int: "<i8", float: "<f8", bool: "?"}

Decorated = TypeVar("Decorated", bound=type[Strategy] | Callable[..., Any])


@overload
def compiled(target: type[Strategy]) -> type[Strategy]: ...
@overload
def compiled(target: Callable[..., Any]) -> Callable[..., Any]: ...
def compiled(target: Any) -> Any:
    """Compile a strategy's hooks, or make a function callable from them. In Python both behave as written."""
    if inspect.isclass(target):
        return _compiled_class(target)  # type: ignore[arg-type]  # checked there, with a message
    from numba.extending import overload as give_numba

    from framework.engine.compiled_view import as_overload

    give_numba(target, strict=False)(as_overload(target))
    return target


def _compiled_class(cls: type[Strategy]) -> type[Strategy]:
    if not issubclass(cls, Strategy):
        raise ConfigError(f"@compiled on {cls.__name__}: not a subclass of Strategy")
    for name in _NEVER_COMPILED:
        if getattr(cls, name) is not getattr(Strategy, name):
            raise ConfigError(f"@compiled on {cls.__name__}: {name} cannot be compiled yet; on_bar and on_bars can")
    if not any(getattr(cls, name) is not getattr(Strategy, name) for name in _HOOKS):
        raise ConfigError(f"@compiled on {cls.__name__}: it has neither on_bar nor on_bars, so there is nothing to compile")
    cls.uses_numbers = True
    cls.runs_compiled = True
    return cls


def own_dtype(strategy: Strategy, instruments: int) -> np.dtype[np.void]:
    """The record of a strategy: its parameters, its state, and its per-instrument state for up to the next power of two."""
    fields: list[Any] = []
    for name, value in strategy.parameters.items():
        if type(value) not in _FIELD:
            raise ConfigError(f"{type(strategy).__name__}.{name} = {value!r}: a compiled strategy's parameters are int, float or bool")
        fields.append((name, _FIELD[type(value)]))
    rows = 1 << max(instruments - 1, 0).bit_length()
    for name, kind in declared_state(type(strategy)).items():
        fields.append((name, _FIELD[kind.of], (rows,)) if isinstance(kind, PerInstrument) else (name, _FIELD[kind]))
    return np.dtype(fields or [("nothing", "<i8")], align=True)


class Driver:
    """Replays and calls the compiled hooks until something needs Python. Takes the place of `replay.advance`."""

    def __init__(self, strategy: Strategy, trader: Trader) -> None:
        self._strategy, self._trader = strategy, trader
        self._own: NDArray[np.void] = np.zeros(1, dtype=own_dtype(strategy, len(trader.instruments)))
        self._drive = _compile_driver(type(strategy))
        entry.link(trader.record, orders=True)
        trader.record["hook_rows"] = 16 * max(len(trader.instruments), 16)
        self._is_started = False

    def __call__(self, trader: NDArray[np.void], exchange: NDArray[np.void], until_ns: int) -> int:
        """Like `replay.advance`; wakes of compiled hooks do not come back."""
        if not self._is_started:
            self._is_started = True
            self._load()
        try:
            wake: int = self._drive(trader, exchange, self._own, until_ns)
        except Exception as error:
            raise StrategyError(f"{self._place()}: {type(error).__name__}: {error}") from error
        if trader["hook_error"][0]:
            self._refuse()
        if wake == codes.END:
            self._store()
        return wake

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
        root = self._trader.record[0]
        stamp = np.datetime64(int(root["now_ns"]), "ns")
        hook = "on_bar" if int(root["hook_wake"]) == codes.W_BAR else "on_bars"
        return f"{type(self._strategy).__name__}.{hook} at {stamp}Z, tape event {int(root['seen']) - 1}"

    def _refuse(self) -> None:
        from framework.engine.compiled_view import HOOK_TOO_FAR

        root = self._trader.record[0]
        if int(root["hook_error"]) == HOOK_TOO_FAR:
            asked, kept = int(root["hook_value"]), int(root["history_mask"]) + 1
            raise InputError(
                f"{self._place()}: asked for the last {asked} bars, 1 to {kept} are kept: set `history = {asked}` in the class"
            )
        rows = int(root["hook_rows"])
        raise InputError(f"{self._place()}: one call ordered more than there is room for ({rows} records); order less in one call")


_SOURCE = """
def drive(trader, exchange, own, until_ns):
    t, x, self = trader[0], exchange[0], own[0]
    x.until_ns = until_ns
    trader_address, exchange_address = address_of(t), address_of(x)
    view = make_view(trader_address)
    while True:
        if in_fast_lane and t.touched == 0:
            t.hook_wake = W_BAR
            stop_ns = horizon(t, x)
            while fast_bar(t, x, stop_ns):
                on_bar(self, view, make_bar(x.tape + (t.seen - x.tape_start - 1) * 64, trader_address))
                if t.touched != 0:
                    break
        if t.hook_error != 0:
            return 0
        wake = call(t.advance, trader_address, exchange_address)
        if wake == W_BAR and has_on_bar:
            t.hook_wake = wake
            on_bar(self, view, make_bar(x.tape + t.wake_row * 64, trader_address))
        elif wake == W_BARS and has_on_bars:
            t.hook_wake = wake
            on_bars(self, view, bars_ending_at(x.tape, t.wake_row, trader_address))
        else:
            return wake
"""
"""The loop of a compiled strategy. Where every bar wakes `on_bar` and nothing else, bars pass without a call to `advance`."""


_drivers: dict[type[Strategy], Callable[..., int]] = {}


def _compile_driver(cls: type[Strategy]) -> Callable[..., int]:
    """The driver of a strategy class, compiled once a process and kept on disk as long as its source stays the same."""
    if cls in _drivers:
        return _drivers[cls]
    import numba

    from framework.engine import compiled_types, compiled_view
    from framework.kernel.compile import address_of, call, stamped_kernel
    from framework.kernel.replay import fast_bar, horizon

    scope: dict[str, Any] = {
        "address_of": address_of,
        "call": call,
        "fast_bar": fast_bar,
        "horizon": horizon,
        "make_view": compiled_types.make_view,
        "make_bar": compiled_types.make_bar,
        "bars_ending_at": compiled_types.bars_ending_at,
        "W_BAR": codes.W_BAR,
        "W_BARS": codes.W_BARS,
    }
    for name in _HOOKS:
        hook = getattr(cls, name)
        scope[f"has_{name}"] = hook is not getattr(Strategy, name)
        scope[name] = numba.njit(error_model="numpy")(hook)
    scope["in_fast_lane"] = scope["has_on_bar"] and not scope["has_on_bars"]
    exec(compile(_SOURCE, f"{cls.__module__}.{cls.__qualname__}.driver", "exec"), scope)
    drive: FunctionType = scope["drive"]
    drive.__module__, drive.__qualname__ = cls.__module__, f"{cls.__qualname__}.drive"
    parts = (compiled_types.__file__, compiled_view.__file__, __file__)
    view_source = b"".join(Path(part).read_bytes() for part in parts)
    made: Callable[..., int]
    if all(getattr(cls, name).__module__ in sys.modules for name in _HOOKS):
        made = stamped_kernel(drive, fingerprint(cls) + hashlib.blake2b(view_source, digest_size=12).hexdigest())
    else:  # made by exec, in no module: machine code kept on disk could not find its way back to it
        made = numba.njit(error_model="numpy")(drive)
    _drivers[cls] = made
    return made


def fingerprint(cls: type[Strategy]) -> str:
    """A digest of everything the compiled hooks depend on: their code, the functions they call, the constants they read."""
    return digest_of(getattr(cls, name) for name in _HOOKS)
