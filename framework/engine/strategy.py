"""The strategy: a class with typed parameters and the hooks it cares about."""

from __future__ import annotations

import dis
import inspect
import typing
from collections.abc import Callable, Mapping
from functools import wraps
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, Self, TypeVar, TypeVarTuple, get_type_hints
from weakref import WeakKeyDictionary

import numpy as np

from framework.engine.declared_rows import rows
from framework.engine.failures import HOOK_OF, blamed, fixed_parameter, line_of, place_of
from framework.engine.market import Bar, MarketEvent, OrderView, Quote, Trade
from framework.engine.view import View
from framework.engine.world import Decision, WakeKind
from framework.errors import ConfigError, StrategyError, did_you_mean
from framework.kernel.layout import codes

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_W_BAR, _W_BARS, _W_TIMER = codes.W_BAR, codes.W_BARS, codes.W_TIMER

_WAKE_BITS = {
    "on_bar": codes.ON_BAR,
    "on_bars": codes.ON_BARS,
    "on_quote": codes.ON_QUOTE,
    "on_trade": codes.ON_TRADE,
    "on_book": codes.ON_BOOK,
    "on_order": codes.ON_ORDER,
    "on_event": codes.ON_EVENT,
}


Value = TypeVar("Value")
_Rest = TypeVarTuple("_Rest")


def _once(function: Callable[[type, *_Rest], Value]) -> Callable[[type, *_Rest], Value]:
    """Keep what a function says of a class for as long as the class is alive: it never changes."""
    kept: WeakKeyDictionary[type, dict[Any, Value]] = WeakKeyDictionary()

    @wraps(function)
    def ask(cls: type, *rest: *_Rest) -> Value:
        known = kept.setdefault(cls, {})
        if rest not in known:
            known[rest] = function(cls, *rest)
        return known[rest]

    return ask


class PerInstrument(Generic[Value]):
    """Declares state with one value an instrument: `last: PerInstrument[float]`. Index it with `bar.instrument`; starts at 0.

    `of` is the type of a value: int, float or bool.
    """

    def __init__(self, of: type) -> None:
        self.of = of

    def __getitem__(self, instrument: str | int) -> Value:
        raise NotImplementedError("a declaration; the run puts an array in its place")

    def __setitem__(self, instrument: str | int, value: Value) -> None:
        raise NotImplementedError("a declaration; the run puts an array in its place")


class _StateMark:
    """Marks an annotation as state."""


State = Annotated[Value, _StateMark]
"""Declares state: `count: State[int] = 0`. It is set to its default when a run starts; it is no parameter."""


@_once
def _hints(cls: type) -> dict[str, Any]:
    """Annotations of a class and its bases; names are looked up where its hooks look them up, which need not be a module."""
    names: dict[str, Any] = {}
    for member in vars(cls).values():
        names |= getattr(member, "__globals__", {})
    return get_type_hints(cls, localns=names, include_extras=True)


@_once
def declared_state(cls: type) -> dict[str, Any]:
    """The state a class declares: int, float or bool for `State`, a `PerInstrument` for one value an instrument."""
    found: dict[str, Any] = {}
    for name, hint in _hints(cls).items():
        if typing.get_origin(hint) is PerInstrument:
            found[name] = PerInstrument(typing.get_args(hint)[0])
        elif _StateMark in getattr(hint, "__metadata__", ()):
            found[name] = typing.get_args(hint)[0]
    return found


class Strategy:
    """Base class. Parameters are annotated class attributes; override the hooks you need.

        class Crossover(Strategy):
            fast: int = 20
            slow: int = 50

            def on_bar(self, view, bar):
                mean = view.mean_close(bar.instrument, self.fast) - view.mean_close(bar.instrument, self.slow)
                view.target_weight(bar.instrument, 1.0 if mean > 0 else 0.0)

    `Crossover(fast=10)` sets and checks parameters; a wrong name or type is a ConfigError. Only hooks that are overridden are
    called; events nobody waits for never reach Python. State of your own belongs in `on_start`.
    """

    history: ClassVar[int] = 1024
    """How many past bars per instrument can be looked back on."""

    uses_numbers: ClassVar[bool] = False
    """Whether instruments are numbers in the hooks instead of symbols; `@compiled` sets it."""

    most_passes: ClassVar[int] = 5_000_000_000
    """How many times one call of a compiled hook may go through its loops before the run stops: passes, not time. Half a minute of an
    empty loop, longer where passes do more."""

    is_checked: ClassVar[bool] = True
    """Whether compiled hooks are stopped by what stops Python; `@compiled(checks=False)` unsets it."""

    runs_compiled: bool = False
    """Whether the hooks run as machine code; `@compiled` sets it."""

    @property
    def capital(self) -> Mapping[str, float]:
        """Of several strategies in one, the share of the opening cash that each has, by name; empty where it is one."""
        return {}

    _fixed: ClassVar[Mapping[str, Any]] = {}
    """What may not be set: in a run, of the instance, its parameters, with their values."""

    @classmethod
    def python(cls, **parameters: object) -> Self:
        """The strategy with its hooks in Python, whatever its decorator says: for a debugger, and for proof."""
        made = cls.__new__(cls)
        made._take(parameters)
        made.runs_compiled = False
        return made

    def __init__(self, **parameters: object) -> None:
        self._take(parameters)

    def _take(self, parameters: Mapping[str, object]) -> None:
        known = declared_parameters(type(self))
        for name, value in parameters.items():
            if name not in known:
                raise ConfigError(f"{type(self).__name__} has no parameter {name!r}. {did_you_mean(name, known)}")
            setattr(self, name, _validated(type(self), name, value))
        for name, hint in known.items():
            if name not in parameters:
                if not hasattr(type(self), name):
                    raise ConfigError(f"{type(self).__name__} needs a value for parameter {name!r} ({hint})")
                setattr(self, name, _validated(type(self), name, getattr(type(self), name)))

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Parameter names and values."""
        return {name: getattr(self, name) for name in declared_parameters(type(self))}

    def on_start(self, view: View) -> None:
        """Before the first event: set timers and your own state."""

    def on_bar(self, view: View, bar: Bar) -> None:
        """A bar has closed."""

    def on_bars(self, view: View, bars: Mapping[str, Bar]) -> None:
        """All bars of one stamp have closed; by symbol."""

    def on_quote(self, view: View, quote: Quote) -> None:
        """A quote has come."""

    def on_trade(self, view: View, trade: Trade) -> None:
        """The market has traded."""

    def on_book(self, view: View, book: Quote) -> None:
        """The book has changed: its best prices after a whole message. Ask the view for its depth."""

    def on_timer(self, view: View, name: str) -> None:
        """A timer set with `view.timers` is due."""

    def on_order(self, view: View, order: OrderView) -> None:
        """One of our orders was accepted, filled, cancelled or otherwise changed."""

    def on_event(self, view: View, event: MarketEvent) -> None:
        """Something else: a session opened or closed, a split, a dividend, a halt."""

    def on_stop(self, view: View) -> None:
        """After the last event."""

    # -- what the engine uses

    def reset_state(self, instruments: int) -> None:
        """Set declared state to where a run starts; parameters stay as they are until `end_run`."""
        for name, kind in declared_state(type(self)).items():
            if isinstance(kind, PerInstrument):
                setattr(self, name, rows(np.zeros(instruments, dtype=kind.of)))
            else:
                setattr(self, name, kind(getattr(type(self), name, 0)))

        if _may_set_parameters(type(self)):
            type.__setattr__(type(self), "__setattr__", _guarded)  # it costs each attribute that is set, so only where it may be needed
        vars(self)["_fixed"] = dict(self.parameters)

    def end_run(self) -> None:
        """Let parameters be set again."""
        vars(self).pop("_fixed", None)

    @property
    def wakes(self) -> int:
        """The bits of what this strategy waits for."""
        return sum(bit for name, bit in _WAKE_BITS.items() if getattr(type(self), name) is not getattr(Strategy, name))

    def decide(self, view: View) -> Decision:
        """Call the hook of the present wake and return what it ordered."""
        wake = view.wake
        kind = wake.kind
        try:
            if kind == _W_BAR:
                self.on_bar(view, Bar(wake.tape, wake.row, view._terms[wake.instrument]))
            elif kind == _W_BARS:
                self.on_bars(view, view.bars_now())  # a list for those that use numbers
            elif kind == _W_TIMER:
                self.on_timer(view, view.timer_fired())
            else:
                self._decide_rarer(view, kind)
        except Exception as error:
            raise blamed(error, self._place(view, error)) from error
        except KeyboardInterrupt as error:
            error.add_note(f"interrupted in {self._place(view, error)}")
            raise
        return view.take_decision()

    def _decide_rarer(self, view: View, kind: int) -> None:
        if kind == codes.W_QUOTE:
            self.on_quote(view, view.quote)
        elif kind == codes.W_BOOK:
            self.on_book(view, view.waking_book)
        elif kind == codes.W_TRADE:
            self.on_trade(view, view.trade)
        elif kind == codes.W_ORDER:
            self.on_order(view, view.order_event)
        elif kind == codes.W_EVENT:
            self.on_event(view, view.event)
        elif kind == WakeKind.START:
            self.on_start(view)
        elif kind == WakeKind.STOP:
            self.on_stop(view)
            for name, value in self.parameters.items():
                began = self._fixed[name]
                if value is not began and not (type(value) in (bool, int, float, str) and value == began):
                    raise StrategyError(fixed_parameter(self, name))

    def _place(self, view: View, error: BaseException) -> str:
        kind = view.wake.kind
        hook = HOOK_OF[kind] if kind in HOOK_OF else f"on_{WakeKind(kind).name.lower()}"
        timer = view.fired_timer if kind == _W_TIMER else ""
        own_file = getattr(type(self), hook).__code__.co_filename
        return place_of(view._trader, type(self), hook, line_of(error.__traceback__, own_file), timer)


@_once
def declared_parameters(cls: type[Strategy]) -> Mapping[str, Any]:
    """The parameters a class declares, and what type each has."""
    hints, state = _hints(cls), declared_state(cls)
    own = {name: hint for name, hint in hints.items() if not name.startswith("_") and name not in state and name != "runs_compiled"}
    return {name: hint for name, hint in own.items() if typing.get_origin(hint) is not ClassVar}


def _guarded(self: Strategy, name: str, value: object) -> None:
    if name in self._fixed:
        raise StrategyError(fixed_parameter(self, name))
    object.__setattr__(self, name, value)


@_once
def _may_set_parameters(cls: type[Strategy]) -> bool:
    """Whether code of a class, or a function it calls, sets an attribute with the name of a parameter, or one whose name cannot be seen."""
    names = declared_parameters(cls)
    own = [base for base in cls.__mro__ if base not in Strategy.__mro__]
    to_see = [member for base in own for member in vars(base).values() if isinstance(member, FunctionType)]
    seen: set[FunctionType] = set()
    while to_see:
        function = to_see.pop()
        if function in seen:
            continue
        seen.add(function)
        for code in _codes(function.__code__):
            if {"setattr", "vars", "__dict__", "__setattr__"} & set(code.co_names):
                return True
            if any(step.opname == "STORE_ATTR" and step.argval in names for step in dis.get_instructions(code)):
                return True
            called = (function.__globals__.get(name) for name in code.co_names)
            to_see += [other for other in called if isinstance(other, FunctionType)]
    return False


def _codes(code: CodeType) -> list[CodeType]:
    """A function's code and that of the functions in it."""
    return [code, *(part for inner in code.co_consts if isinstance(inner, CodeType) for part in _codes(inner))]


@_once
def _adapter(cls: type[Strategy], name: str) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(declared_parameters(cls)[name])


def _validated(cls: type[Strategy], name: str, value: object) -> object:
    from pydantic import ValidationError

    hint = declared_parameters(cls)[name]
    try:
        taken: object = _adapter(cls, name).validate_python(value)
    except ValidationError as error:
        rule = error.errors()[0]["msg"]
        raise ConfigError(f"{cls.__name__}.{name} = {value!r}: {rule} (declared as {inspect.formatannotation(hint)})") from error
    if _became_number(value, taken):
        raise ConfigError(
            f"{cls.__name__}.{name} = {value!r}: must be a number, not a truth value or text (declared as {inspect.formatannotation(hint)})"
        )
    return taken


def _became_number(given: object, taken: object) -> bool:
    """Whether a truth value or a text was turned into a number, here or inside a list or mapping: nobody meant one."""
    if isinstance(given, (bool, np.bool_, str, bytes)):
        return isinstance(taken, (int, float)) and not isinstance(taken, bool)
    if isinstance(given, Mapping) and isinstance(taken, Mapping):
        return any(key in taken and _became_number(value, taken[key]) for key, value in given.items())
    if isinstance(given, (list, tuple)) and isinstance(taken, (list, tuple)):
        return any(map(_became_number, given, taken))
    return False
