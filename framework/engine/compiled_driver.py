"""The loop of a compiled strategy: its source, put together from the hooks that a class has, and what that source calls."""

from __future__ import annotations

from collections.abc import Mapping
from types import FunctionType
from typing import Any

from framework.engine import compiled_book as _book  # noqa: F401  # words of the view
from framework.engine import compiled_cell, compiled_market, compiled_own, compiled_types  # noqa: F401  # types of what hooks are handed
from framework.engine import compiled_orders as _orders  # noqa: F401
from framework.engine.compiled_helpers import Renewal
from framework.engine.compiled_rewrites import may_loop, register, unchecked
from framework.engine.failures import HOOK_OF
from framework.kernel.layout import codes
from framework.kernel.layout.roots import exchange_row, trader_row
from framework.kernel.loops.bar_lane import fast_bar, go_until, horizon
from framework.kernel.machine.compile import call, hook

WAKE_OF = {name: wake for wake, name in HOOK_OF.items()}

_SOURCE = """
def drive(trader, exchange, own, agendas, until_ns):
    t, x, self, agenda = trader_row(trader, 0), exchange_row(exchange, 0), make_own(own[0]), agendas[0]
    go_until(x, until_ns)
    agenda.cell = cell_address()
    most_passes = agenda.most_passes
    begin_call(most_passes)
    view = make_view(trader)
    left = step = 1
    while True:
        left -= 1
        if left < 0:
            left = step = look(step)
        {fast_lane}
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
                {begin_on_bar}
                on_bar_here(self, view, make_bar(bar, trader))
                left -= 1
                if t.touched != 0 or left < 0:
                    break
            if left < 0:
                continue
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
            {begin_on_timer}
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
    "on_book": "waking_book_of(t)",
    "on_order": "waking_order_of(t)",
    "on_event": "waking_event_of(t, x.tape)",
}
"""What a hook is handed at its wake."""

_HOOK = """
        if wake == {wake}:
            {begin}
            {name}(self, view, {handed})
            continue
"""

_TYPE_WORDS = (
    "EVENT_BYTES",
    "make_view",
    "make_name",
    "make_bar",
    "quote_at",
    "trade_at",
    "waking_book_of",
    "waking_event_of",
    "bars_ending_at",
    "waking_order_of",
    "firing_row",
    "name_word",
)
"""What the driver's source takes from `compiled_types`."""


def _source(begins: Mapping[str, str]) -> str:
    """The loop for hooks by what is done before each."""
    calls = "".join(
        _HOOK.format(wake=WAKE_OF[name], name=name, begin=begin, handed=_HANDED[name]) for name, begin in begins.items() if name in _HANDED
    )
    in_fast_lane = "on_bar" in begins and "on_bars" not in begins
    fast_lane = _FAST_LANE.format(begin_on_bar=begins["on_bar"]) if in_fast_lane else ""
    replay = _REPLAY_TICKS if begins.keys() & {"on_trade", "on_book"} else _REPLAY
    timer = _TIMER_HOOK.format(begin_on_timer=begins["on_timer"]) if "on_timer" in begins else ""
    return _SOURCE.format(fast_lane=fast_lane, replay=replay, hooks=calls + timer)


def _copied(function: Any) -> FunctionType:
    """A hook's function of its own: classes that inherit one may want it compiled differently."""
    made = FunctionType(function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__)
    made.__kwdefaults__, made.__module__, made.__qualname__ = function.__kwdefaults__, function.__module__, function.__qualname__
    return made


def unchecked_of(cls: type, hooks: tuple[str, ...], *, checks: bool) -> list[str]:
    """Names of the hooks and of the functions they call that are not checked."""
    return unchecked(register(_copied(getattr(cls, name)), checks=checks) for name in hooks)


def driver_of(cls: type, hooks: tuple[str, ...], *, checks: bool) -> FunctionType:
    """The driver of a strategy class with these hooks, to be compiled."""
    scope: dict[str, Any] = {function.__name__: function for function in (call, fast_bar, go_until, horizon)}
    scope |= {name: getattr(compiled_types, name) for name in _TYPE_WORDS}
    scope |= {name: getattr(compiled_cell, name) for name in ("begin_call", "cell_address", "look")}
    scope |= {"make_own": compiled_own.make_own, "W_BAR": codes.W_BAR, "W_TIMER": codes.W_TIMER}
    scope["trader_row"], scope["exchange_row"] = trader_row, exchange_row
    renewal = Renewal()
    sources = {name: renewal.copy(getattr(cls, name), checks=checks) for name in hooks}
    scope |= {name: hook(source, checks=checks) for name, source in sources.items()}
    if "on_bar" in hooks:  # part of the fast lane's loop
        scope["on_bar_here"] = hook(sources["on_bar"], checks=checks, is_inlined=True)
    begins = {name: "begin_call(most_passes)" if may_loop(source) else "" for name, source in sources.items()}
    exec(compile(_source(begins), f"{cls.__module__}.{cls.__qualname__}.driver", "exec"), scope)
    drive: FunctionType = scope["drive"]
    drive.__module__, drive.__qualname__ = cls.__module__, f"{cls.__qualname__}.drive"
    return drive
