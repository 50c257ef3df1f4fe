"""One account, several memories: a strategy decides, and beside it copies that know less history say what they would have decided.

All read the same account and the same market; a copy's look-back ends where its data begin, its orders are noted and not sent.
So what differs between them is history alone, never the money made or lost before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray

from framework.engine.strategy import Strategy
from framework.engine.timers import Timers
from framework.engine.view import View
from framework.engine.world import Decision, WakeKind
from framework.errors import OneTapeError, StrategyError
from framework.kernel.trader import trader_calls
from framework.prove.wrapped import Wrapped

_WORDS = {
    trader_calls.aim: "target",
    trader_calls.propose: "order",
    trader_calls.bracket: "bracket",
    trader_calls.cancel: "cancel",
    trader_calls.replace: "replace",
}
"""Every call of the kernel that a strategy can order by."""

_MAKES_ORDERS = ("target", "order", "bracket")

Intent = tuple[str, str, tuple[Any, ...]]
"""What was called, the instrument's symbol, and the other arguments."""

Listener = Callable[[View, Sequence[Intent], Sequence[Sequence[Intent] | None]], None]
"""Called after each wake with what the strategy ordered and what each copy would have; None for one whose data begin later."""


class UnsentError(StrategyError):
    """A copy asks for an order that it made when the strategy made others: it was never sent, and its id is another's."""


class NotingView(View):
    """The real view, which also notes what is ordered through it."""

    notes: list[Intent]
    timer: str

    @classmethod
    def of(cls, view: View) -> Self:
        """Over the trader half that `view` shows."""
        made = cls.__new__(cls)
        made.__dict__.update(vars(view))
        made.notes, made.timer = [], ""
        return made

    def timer_fired(self) -> str:
        """The name, asked for once a wake by whoever owns the timers."""
        return self.timer

    def _call(self, function: Callable[..., int], *arguments: float) -> int:
        self._note(function, arguments)
        return super()._call(function, *arguments)

    def _note(self, function: Callable[..., int], arguments: tuple[float, ...]) -> None:
        if function is trader_calls.aim:
            number, rest = int(arguments[1]), (arguments[0], *arguments[2:])
        elif function in (trader_calls.cancel, trader_calls.replace):
            number, rest = int(self._trader.tables["orders"]["instrument"][int(arguments[0])]), arguments
        else:
            number, rest = int(arguments[0]), arguments[1:]
        self.notes.append((_WORDS[function], self._symbols[number], rest))


class ShortView(NotingView):
    """A view whose past begins later, and through which nothing is sent.

    Attributes:
        hidden: bars of each instrument that it does not know.
        wait: set while `on_start` runs: nothing is known yet.
        unsent: ids of orders that the copy made and the strategy did not.
    """

    hidden: NDArray[np.int64]
    wait: bool = False
    placed: int = 0
    unsent: set[int]

    def bar_count(self, instrument: str) -> int:
        """Bars since the data of this copy began."""
        return 0 if self.wait else max(super().bar_count(instrument) - int(self.hidden[self.number(instrument)]), 0)

    def price(self, instrument: str) -> float:
        """The mark, NaN before the first bar that is known; quotes have no count and are always known."""
        seen = self.bar_count(instrument) > 0 or super().bar_count(instrument) == 0
        return super().price(instrument) if seen and not self.wait else float("nan")

    def mean_close(self, instrument: str, bars: int) -> float:
        """NaN while fewer are known."""
        mean = super().mean_close(instrument, bars)
        return mean if bars <= self.bar_count(instrument) else float("nan")

    def std_close(self, instrument: str, bars: int) -> float:
        """NaN while fewer are known."""
        deviation = super().std_close(instrument, bars)
        return deviation if bars <= self.bar_count(instrument) else float("nan")

    def past(self, instrument: str, bars: int, field: str) -> NDArray[np.float64]:
        """What is known of the last `bars`."""
        values = super().past(instrument, bars, field)
        return values[len(values) - min(len(values), self.bar_count(instrument)) :]

    @property
    def next_order_id(self) -> int:
        """The id that the next order would get."""
        return super().next_order_id + self.placed

    def take_decision(self) -> Decision:
        """Nothing, and what the kernel itself put out at this wake, such as children of a bracket, is left to the real view."""
        return self.nothing

    def is_done(self, order_id: int) -> bool:
        """Whether an order has ended; nobody knows it of one that was not sent."""
        self._known(order_id)
        return super().is_done(order_id)

    def _known(self, order_id: int) -> None:
        if order_id in self.unsent:
            raise UnsentError(f"order {order_id} was not sent")
        if not 0 <= order_id < self.next_order_id:  # its own orders of this wake count as made
            super()._known(order_id)

    def _call(self, function: Callable[..., int], *arguments: float) -> int:
        self._note(function, arguments)
        if function in (trader_calls.cancel, trader_calls.replace):
            return 1
        made = self.next_order_id
        self.placed += 3 if function is trader_calls.bracket else 1
        return made

    def _placed(self, order_id: int) -> int:
        return order_id


class Copy:
    """A strategy that begins at a stamp with no memory.

    Attributes:
        is_lost: it asked for an order of its own that was never sent, and decides no more: what it remembers of orders is not so.
    """

    def __init__(self, strategy: Strategy, start_ns: int, hidden: NDArray[np.int64], instruments: int) -> None:
        self.start_ns = start_ns
        self._strategy, self._hidden, self._instruments = strategy, hidden, instruments
        self._view: ShortView | None = None
        self.is_lost = False

    def decide(self, view: View, timer: str) -> list[Intent] | None:
        """What it would order at this wake, None where it is lost. An error is an intent too: real data would have met it."""
        if self._view is None:
            self._view = self._begin(view)
        own = self._view
        own.wake, own.timer, own.placed, own.notes = view.wake, timer, 0, []
        try:
            self._strategy.decide(own)
        except UnsentError:
            self.is_lost = True
            return None
        except OneTapeError as error:
            symbol = view.instruments[view.wake.instrument] if view.wake.kind in (WakeKind.BAR, WakeKind.QUOTE) else ""
            own.notes.append(("error", str(symbol), (str(error),)))
        return own.notes

    def settle(self, first: int, made: int, notes: Sequence[Intent]) -> None:
        """Say which orders the strategy made at this wake: `made` from the id `first` on, by these notes."""
        own = self._view
        if own is None or not own.placed:
            return
        mine, its = ([note[:2] for note in each if note[0] in _MAKES_ORDERS] for each in (own.notes, notes))
        ids = range(first, first + own.placed)
        if made == own.placed and mine == its:
            own.unsent.difference_update(ids)
        else:
            own.unsent.update(ids)

    def _begin(self, view: View) -> ShortView:
        own = ShortView.of(view)
        own.unsent = set()
        own.hidden, own.timers, own.wait = self._hidden, cast(Timers, _NoTimers()), True
        self._strategy.reset_state(self._instruments)
        self._strategy.on_start(own)
        own.wait = False
        return own


class _NoTimers:
    """Takes settings and does nothing: the real strategy's timers ring for its copies too."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_, **__: None


class Shadowed(Wrapped):
    """A strategy with copies beside it. Its audit is the strategy's own."""

    def __init__(self, strategy: Strategy, copies: Sequence[Copy], listener: Listener) -> None:
        super().__init__(strategy)
        self._copies, self._listener = copies, listener
        self._view: NotingView | None = None

    def decide(self, view: View) -> Decision:
        """Ask the copies first, since they must see the account as the strategy finds it."""
        if self._view is None:
            self._view = NotingView.of(view)
        own, kind = self._view, view.wake.kind
        own.wake, own.notes = view.wake, []
        own.timer = view.timer_fired() if kind == WakeKind.TIMER else ""
        is_inside = kind not in (WakeKind.START, WakeKind.STOP)
        first, answers = view.next_order_id, [self._answer(copy, view, own.timer) if is_inside else None for copy in self._copies]
        decision = self._strategy.decide(own)
        for copy, answer in zip(self._copies, answers, strict=True):
            if answer is not None:
                copy.settle(first, view.next_order_id - first, own.notes)
        if is_inside and (own.notes or any(answers)):
            self._listener(view, own.notes, answers)
        return decision

    @staticmethod
    def _answer(copy: Copy, view: View, timer: str) -> list[Intent] | None:
        return None if copy.is_lost or view.now_ns < copy.start_ns else copy.decide(view, timer)
