"""The strategy: a class with typed parameters and the hooks it cares about."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Mapping
from typing import Any, ClassVar, get_type_hints

from framework.engine.market import Bar, MarketEvent, OrderView, Quote
from framework.engine.view import View
from framework.engine.world import Decision, WakeKind
from framework.errors import ConfigError, OneTapeError, StrategyError, did_you_mean
from framework.kernel import codes

_WAKE_BITS = {
    "on_bar": codes.ON_BAR,
    "on_bars": codes.ON_BARS,
    "on_quote": codes.ON_QUOTE,
    "on_order": codes.ON_ORDER,
    "on_event": codes.ON_EVENT,
}


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

    def __init__(self, **parameters: object) -> None:
        known = _parameters(type(self))
        for name, value in parameters.items():
            if name not in known:
                raise ConfigError(f"{type(self).__name__} has no parameter {name!r}. {did_you_mean(name, known)}")
            setattr(self, name, _validated(type(self), name, known[name], value))
        for name, hint in known.items():
            if name not in parameters:
                if not hasattr(type(self), name):
                    raise ConfigError(f"{type(self).__name__} needs a value for parameter {name!r} ({hint})")
                setattr(self, name, _validated(type(self), name, hint, getattr(type(self), name)))

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Parameter names and values."""
        return {name: getattr(self, name) for name in _parameters(type(self))}

    def on_start(self, view: View) -> None:
        """Before the first event: set timers and your own state."""

    def on_bar(self, view: View, bar: Bar) -> None:
        """A bar has closed."""

    def on_bars(self, view: View, bars: Mapping[str, Bar]) -> None:
        """All bars of one stamp have closed; by symbol."""

    def on_quote(self, view: View, quote: Quote) -> None:
        """A quote has come."""

    def on_timer(self, view: View, name: str) -> None:
        """A timer set with `view.timers` is due."""

    def on_order(self, view: View, order: OrderView) -> None:
        """One of our orders was accepted, filled, cancelled or otherwise changed."""

    def on_event(self, view: View, event: MarketEvent) -> None:
        """Something else: a session opened or closed, a split, a dividend, a halt."""

    def on_stop(self, view: View) -> None:
        """After the last event."""

    # -- what the engine uses

    @property
    def wakes(self) -> int:
        """The bits of what this strategy waits for."""
        return sum(bit for name, bit in _WAKE_BITS.items() if getattr(type(self), name) is not getattr(Strategy, name))

    def decide(self, view: View) -> Decision:
        """Call the hook of the present wake and return what it ordered."""
        kind = view.wake.kind
        try:
            if kind == codes.W_BAR:
                self.on_bar(view, view.bar)
            elif kind == codes.W_BARS:
                self.on_bars(view, view.bars_now())
            else:
                self._decide_rarer(view, kind)
        except OneTapeError as error:
            raise type(error)(f"{self._place(view)}: {error}") from error
        except Exception as error:
            raise StrategyError(f"{self._place(view)}: {type(error).__name__}: {error}") from error
        return view.take_decision()

    def _decide_rarer(self, view: View, kind: int) -> None:
        if kind == codes.W_QUOTE:
            self.on_quote(view, view.quote)
        elif kind == codes.W_ORDER:
            self.on_order(view, view.order_event)
        elif kind == codes.W_TIMER:
            self.on_timer(view, view.timer_fired())
        elif kind == codes.W_EVENT:
            self.on_event(view, view.event)
        elif kind == WakeKind.START:
            self.on_start(view)
        elif kind == WakeKind.STOP:
            self.on_stop(view)

    def _place(self, view: View) -> str:
        hook = f"on_{WakeKind(view.wake.kind).name.lower()}"
        where = view.instruments[view.wake.instrument] if view.wake.kind in (codes.W_BAR, codes.W_QUOTE) else "run"
        return f"{type(self).__name__}.{hook} at {view.now.isoformat()} ({where})"


def _parameters(cls: type[Strategy]) -> dict[str, Any]:
    hints = get_type_hints(cls)
    return {name: hint for name, hint in hints.items() if not name.startswith("_") and typing.get_origin(hint) is not ClassVar}


def _validated(cls: type[Strategy], name: str, hint: Any, value: object) -> object:
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(hint).validate_python(value)
    except ValidationError as error:
        rule = error.errors()[0]["msg"]
        raise ConfigError(f"{cls.__name__}.{name} = {value!r}: {rule} (declared as {inspect.formatannotation(hint)})") from error
