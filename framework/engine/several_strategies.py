"""Several strategies in one account: each with its own orders, virtual positions and equity."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from framework.engine.panel import Panel
from framework.engine.strategy import _WAKE_BITS, Strategy
from framework.engine.timers import Series, Timers
from framework.engine.view import View
from framework.engine.world import Decision, WakeKind
from framework.errors import ConfigError, did_you_mean
from framework.kernel.layout import codes
from framework.kernel.layout.roots import TRADER
from framework.schema.order import LAST_OWNER

_OWNER = TRADER.fields["owner"][1] // 8  # type: ignore[index]
_BIT_OF = {int(WakeKind[name.removeprefix("on_").upper()]): bit for name, bit in _WAKE_BITS.items()}
_ROUNDING = 1e-9

ACCOUNT = "account"
"""The name in tables of what belongs to no strategy."""


class _MemberTimers(Timers):
    """Where one of several strategies sets timers: their names are its own."""

    def __init__(self, timers: Timers, number: int) -> None:
        super().__init__(timers.hours)
        self._shared, self._prefix = timers, f"{number} "

    def add(self, name: str, series: Series) -> None:
        """Fire at the stamps of a series."""
        self._shared.add(self._prefix + name, series)


class _MemberView(View):
    """The view of one of several strategies: its own orders, positions, equity and timers."""

    def __init__(self, view: View, number: int, member: Strategy) -> None:
        super().__init__(view.trader, _MemberTimers(view.timers, number), uses_numbers=member.uses_numbers, owner=number)

    def timer_fired(self) -> str:
        """The name of the timer as the strategy gave it."""
        return self.fired_timer


class Strategies(Strategy):
    """Several strategies in one account, by name.

        backtest(Strategies({"fast": Crossover(fast=5), "slow": Crossover(fast=50)}, capital={"fast": 0.6, "slow": 0.4}), data)

    Each has a virtual account: it opens with its share of the cash, and books its own fills and its part of what the account receives and
    pays. What a strategy reads in its view, and what its targets are sized by, is its own; the pre-trade checks and the venue go by the
    account, in which opposite positions net. Hooks are called in the order of the names, those of compiled strategies in Python.

    Args:
        members: by name.
        capital: each one's share of the opening cash, above 0, together at most 1; equal shares where it is not given.

    Raises:
        ConfigError: a member is no strategy or there twice, or shares that cannot be.
    """

    def __init__(self, members: Mapping[str, Strategy], *, capital: Mapping[str, float] | None = None) -> None:
        super().__init__()
        self._members = _checked_members(members)
        self._capital = _checked_capital(self._members, capital)
        self._hooks = tuple(self._members.values())
        self._views: tuple[_MemberView, ...] = ()
        self._waiting: dict[int, list[int]] = {}
        vars(self)["history"] = max(member.history for member in self._members.values())

    @property
    def capital(self) -> Mapping[str, float]:
        """Each one's share of the opening cash."""
        return self._capital

    @property
    def members(self) -> Mapping[str, Strategy]:
        """The strategies by name."""
        return self._members

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The capital, and each strategy with its parameters."""
        found = {
            name: {"strategy": f"{type(member).__module__}:{type(member).__qualname__}", "parameters": dict(member.parameters)}
            for name, member in self._members.items()
        }
        return {"members": found, "capital": dict(self._capital)}

    @property
    def wakes(self) -> int:
        """What any of them waits for."""
        bits = 0
        for member in self._members.values():
            bits |= member.wakes
        return bits

    def reset_state(self, instruments: int) -> None:
        """Set the state of each to where a run starts."""
        for member in self._members.values():
            member.reset_state(instruments)

    def end_run(self) -> None:
        """Let parameters be set again, and nothing more be ordered."""
        for view in self._views:
            view.close()
        for member in self._members.values():
            member.end_run()

    def decide(self, view: View) -> Decision:
        """Call the hooks of those that the wake is for, one after the other."""
        wake = view.wake
        if wake.kind == WakeKind.START:
            self._begin(view)
        for number in self._called(view, wake.kind):
            view.trader.words[_OWNER] = number
            own = self._views[number]
            view.add_refused(self._hooks[number].decide(own.at(wake)).refused)
        return view.take_decision()

    def _begin(self, view: View) -> None:
        self._views = tuple(_MemberView(view, number, member) for number, member in enumerate(self._hooks))
        everybody = list(range(len(self._hooks)))
        self._waiting = {kind: [k for k in everybody if self._hooks[k].wakes & bit] for kind, bit in _BIT_OF.items()}
        self._waiting |= {int(WakeKind.START): everybody, int(WakeKind.STOP): everybody}

    def _called(self, view: View, kind: int) -> list[int]:
        if kind == codes.W_TIMER:
            number, name = view.timer_fired().split(" ", 1)
            self._views[int(number)].fired_timer = name
            return [int(number)]
        if kind == codes.W_ORDER:
            owner = view.owner_of_wake
            return [owner] if owner in self._waiting[kind] else []
        return self._waiting[kind]


def _checked_members(members: Mapping[str, Any]) -> Mapping[str, Strategy]:
    if not 1 <= len(members) <= LAST_OWNER:
        raise ConfigError(f"Strategies({members!r}): must be 1 to {LAST_OWNER:,} strategies by name, such as {{'fast': Crossover()}}")
    for name, member in members.items():
        if not name or name == ACCOUNT:
            raise ConfigError(
                f"Strategies: the name {name!r}; rule: a text, not empty and not {ACCOUNT!r}, which the account has in tables"
            )
        if not isinstance(member, Strategy) or member.capital:
            raise ConfigError(f"Strategies, {name!r}: {member!r}; rule: an instance of one Strategy, such as Crossover(fast=5)")
        if isinstance(member, Panel):
            raise ConfigError(f"Strategies, {name!r}: an array is no member; let a Strategy call view.target_weights with its rows")
    if len({id(member) for member in members.values()}) < len(members):
        raise ConfigError("Strategies: one instance under two names; rule: each keeps its own state. Make an instance for each name")
    return dict(members)


def _checked_capital(members: Mapping[str, Strategy], capital: Mapping[str, Any] | None) -> Mapping[str, float]:
    if capital is None:
        return dict.fromkeys(members, 1.0 / len(members))
    for name in capital:
        if name not in members:
            raise ConfigError(f"Strategies, capital of {name!r}: there is no such strategy. {did_you_mean(str(name), tuple(members))}")
    for name in members:
        share = capital.get(name)
        if isinstance(share, bool) or not isinstance(share, (int, float)) or not share > 0.0 or not math.isfinite(share):
            raise ConfigError(f"Strategies, capital of {name!r}: {share!r}; rule: a share of the opening cash above 0, such as 0.5")
    total = math.fsum(capital.values())
    if total > 1.0 + _ROUNDING:
        raise ConfigError(
            f"Strategies: capital adds up to {total:g}; rule: at most 1, all of the opening cash. Divide the shares by {total:g}"
        )
    return {name: float(capital[name]) for name in members}
