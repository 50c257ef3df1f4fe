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
from framework.engine.timers import Timers
from framework.errors import ConfigError, InputError, StrategyError
from framework.kernel import codes, entry
from framework.kernel.halves import Trader
from framework.kernel.records import TRADER

_HOOKS = {
    "on_bar": codes.W_BAR,
    "on_bars": codes.W_BARS,
    "on_quote": codes.W_QUOTE,
    "on_trade": codes.W_TRADE,
    "on_book": codes.W_BOOK,
    "on_timer": codes.W_TIMER,
    "on_order": codes.W_ORDER,
    "on_event": codes.W_EVENT,
}
_HOOK_OF = {wake: name for name, wake in _HOOKS.items()}
_HOOK_WAKE, _HOOK_ERROR, _BROKEN = (TRADER.fields[name][1] // 8 for name in ("hook_wake", "hook_error", "broken"))  # type: ignore[index]
_FIELD = {int: "<i8", float: "<f8", bool: "?"}
_FIELD_IN_A_ROW = {**_FIELD, bool: "u1"}  # numba knows no rows of bool inside a record

AGENDA = np.dtype([("rows", "<i8"), ("count", "<i8"), ("at", "<i8"), ("names", "<i8")])
"""The timers that fire next, `timers.FIRING` rows, of which `at` have fired; the addresses of the names by timer number."""

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
    if not _hooks_of(cls):
        raise ConfigError(f"@compiled on {cls.__name__}: it has none of {', '.join(_HOOKS)}, so there is nothing to compile")
    cls.uses_numbers = True
    cls.runs_compiled = True
    return cls


def _hooks_of(cls: type[Strategy]) -> tuple[str, ...]:
    """The hooks to compile: those that the class overrides."""
    return tuple(name for name in _HOOKS if getattr(cls, name) is not getattr(Strategy, name))


def own_dtype(strategy: Strategy, instruments: int) -> np.dtype[np.void]:
    """The record of a strategy: its parameters, its state, and its per-instrument state for up to the next power of two."""
    fields: list[Any] = []
    for name, value in strategy.parameters.items():
        if type(value) not in _FIELD:
            raise ConfigError(f"{type(strategy).__name__}.{name} = {value!r}: a compiled strategy's parameters are int, float or bool")
        fields.append((name, _FIELD[type(value)]))
    rows = 1 << max(instruments - 1, 0).bit_length()
    for name, kind in declared_state(type(strategy)).items():
        fields.append((name, _FIELD_IN_A_ROW[kind.of], (rows,)) if isinstance(kind, PerInstrument) else (name, _FIELD[kind]))
    return np.dtype(fields or [("nothing", "<i8")], align=True)


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
        self._drive = _compile_driver(type(strategy))
        self._has_on_timer = "on_timer" in _hooks_of(type(strategy))
        self._agenda: NDArray[np.void] = np.zeros(1, dtype=AGENDA)
        self._firings: NDArray[np.void] = timers.agenda
        self._names: list[NDArray[np.int64]] = []
        self._name_addresses: NDArray[np.int64] = np.zeros(1, dtype=np.int64)
        entry.link(trader.record, orders=True)
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
        try:
            wake: int = self._drive(trader, exchange, self._own, self._agenda, until_ns)
        except Exception as error:
            if self._trader.words[_BROKEN]:
                raise self._trader.breakage() from None  # what a hook was told that ordered on
            has_run = self._trader.words[_HOOK_WAKE]
            place = self._place() if has_run else f"{type(self._strategy).__name__}: its hooks cannot be compiled"
            raise StrategyError(f"{place}: {type(error).__name__}: {error}") from error
        if self._trader.words[_HOOK_ERROR]:
            self._refuse()
        return wake

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
        root = self._trader.record[0]
        hook = int(root["hook_wake"])
        if hook == codes.W_ORDER:
            what = f"order {int(self._trader.tables['log']['w0'][int(root['wake_row'])])}"
        elif hook == codes.W_TIMER:
            what = f"timer {self._timers.names[self._firings['number'][int(self._agenda['at'][0]) - 1]]!r}"
        else:
            what = f"tape event {int(root['seen']) - 1}"
        return f"{type(self._strategy).__name__}.{_HOOK_OF[hook]} at {np.datetime64(int(root['now_ns']), 'ns')}Z, {what}"

    def _refuse(self) -> None:
        from framework.engine.compiled_view import HOOK_TOO_FAR

        root = self._trader.record[0]
        error, asked = int(root["hook_error"]), int(root["hook_value"])
        if error == HOOK_TOO_FAR and asked < 1:
            raise InputError(f"{self._place()}: asked for the last {asked} bars; ask for at least 1")
        if error == HOOK_TOO_FAR:
            kept = int(root["history_mask"]) + 1
            raise InputError(
                f"{self._place()}: asked for the last {asked} bars, {kept} are kept: set `history = {asked}` in the strategy class"
            )
        raise InputError(f"{self._place()}: unknown order {asked}; ids so far are 0 to {int(root['orders_count']) - 1}")


_SOURCE = """
def drive(trader, exchange, own, agendas, until_ns):
    t, x, self, agenda = trader_row(trader, 0), exchange_row(exchange, 0), own[0], agendas[0]
    x.until_ns = until_ns
    view = make_view(trader)
    while True:
        {fast_lane}
        if t.hook_error != 0:
            return 0
        {replay}
        t.hook_wake = wake
        {hooks}
        return wake
"""
"""The loop of a compiled strategy, around the hooks that its class has."""

_FAST_LANE = """
        if t.touched == 0:
            t.hook_wake = W_BAR
            stop_ns = horizon(t, x)
            while True:
                bar = fast_bar(t, x, stop_ns)
                if bar == 0:
                    break
                on_bar_here(self, view, make_bar(bar, trader))
                if t.touched != 0:
                    break
"""
"""Where every bar wakes `on_bar` and not `on_bars`, bars pass without a call to `advance`."""

_REPLAY = "wake = call(t.advance, trader, exchange)"

_REPLAY_TICKS = """
        wake = 0
        if t.touched == 0 and t.pass_ticks != 0:
            wake = call(t.pass_ticks, trader, exchange)
        if wake == 0:
            wake = call(t.advance, trader, exchange)
"""
"""Where trades or books wake a hook, the lane of ticks is asked first: `advance` would find nothing else to do."""

_TIMER_HOOK = """
        if wake == W_TIMER:
            firing = firing_row(agenda.rows, agenda.at)
            agenda.at += 1
            if agenda.at < agenda.count:
                following = firing_row(agenda.rows, agenda.at)
                t.timer_ns, t.timer_id = following.due_ns, following.number
            on_timer(self, view, make_name(name_word(agenda.names, firing.number).value))
            if agenda.at < agenda.count:
                continue
"""
"""A timer fired: the next one of the agenda is armed. After its last Python is asked for the next agenda."""

_HANDED = {
    "on_bar": "make_bar(x.tape + t.wake_row * EVENT_BYTES, trader)",
    "on_bars": "bars_ending_at(x.tape, t.wake_row, trader)",
    "on_quote": "quote_at(t, x.tape + t.wake_row * EVENT_BYTES)",
    "on_trade": "trade_at(t, x.tape + t.wake_row * EVENT_BYTES)",
    "on_book": "book_told_of(t)",
    "on_order": "order_told_of(t)",
    "on_event": "market_event_at(t, x.tape + t.wake_row * EVENT_BYTES)",
}
"""What a hook is handed at its wake."""


def _driver_source(hooks: tuple[str, ...]) -> str:
    calls = "".join(
        f"\n        if wake == {_HOOKS[name]}:\n            {name}(self, view, {_HANDED[name]})\n            continue"
        for name in hooks
        if name in _HANDED
    )
    in_fast_lane = "on_bar" in hooks and "on_bars" not in hooks
    replay = _REPLAY_TICKS if {"on_trade", "on_book"} & set(hooks) else _REPLAY
    hooks_source = calls + (_TIMER_HOOK if "on_timer" in hooks else "")
    return _SOURCE.format(fast_lane=_FAST_LANE if in_fast_lane else "", replay=replay, hooks=hooks_source)


_TYPE_WORDS = (
    "EVENT_BYTES",
    "make_view",
    "make_name",
    "make_bar",
    "quote_at",
    "trade_at",
    "book_told_of",
    "market_event_at",
    "bars_ending_at",
    "order_told_of",
    "firing_row",
    "name_word",
)
"""What the driver's source takes from `compiled_types`."""

_drivers: dict[type[Strategy], Callable[..., int]] = {}


def _compile_driver(cls: type[Strategy]) -> Callable[..., int]:
    """The driver of a strategy class, compiled once a process and kept on disk as long as its source stays the same."""
    if cls in _drivers:
        return _drivers[cls]
    from framework.engine import compiled_book, compiled_market, compiled_types, compiled_view
    from framework.kernel.compile import call, entered, hook, stamped_kernel
    from framework.kernel.records import exchange_row, trader_row
    from framework.kernel.replay import fast_bar, horizon

    hooks = _hooks_of(cls)
    known = (call, fast_bar, horizon)
    scope: dict[str, Any] = {function.__name__: function for function in known}
    scope |= {name: getattr(compiled_types, name) for name in _TYPE_WORDS}
    scope |= {"trader_row": trader_row, "exchange_row": exchange_row, "W_BAR": codes.W_BAR, "W_TIMER": codes.W_TIMER}
    scope |= {name: hook(getattr(cls, name)) for name in hooks}
    exec(compile(_driver_source(hooks), f"{cls.__module__}.{cls.__qualname__}.driver", "exec"), scope)
    if "on_bar" in hooks:  # part of the fast lane's loop
        scope["on_bar_here"] = hook(cls.on_bar, is_inlined=True)
    drive: FunctionType = scope["drive"]
    drive.__module__, drive.__qualname__ = cls.__module__, f"{cls.__qualname__}.drive"
    parts = (compiled_types.__file__, compiled_book.__file__, compiled_market.__file__, compiled_view.__file__, __file__)
    view_source = b"".join(Path(part).read_bytes() for part in parts)
    made: Callable[..., int]
    if all(getattr(cls, name).__module__ in sys.modules for name in hooks):
        made = stamped_kernel(drive, fingerprint(cls) + hashlib.blake2b(view_source, digest_size=12).hexdigest())
    else:  # made by exec, in no module: machine code kept on disk could not find its way back to it
        made = entered(drive)
    _drivers[cls] = made
    return made


def fingerprint(cls: type[Strategy]) -> str:
    """A digest of everything the compiled hooks depend on: their code, the functions they call, the constants they read."""
    return digest_of(getattr(cls, name) for name in _hooks_of(cls))
