"""A tape that is open at its end: what is due happens without another event, and nothing of a stamp happens before all of it has come."""

from __future__ import annotations

import datetime as dt
import threading
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from framework import Strategy
from framework.data.tape import build
from framework.engine.audit import Audit
from framework.engine.tape_feeds import OpenTape
from framework.errors import InputError
from framework.schema.event import EVENT, Kind
from framework.schema.instrument import Instrument
from framework.schema.order import OrderState
from framework.schema.units import Step
from framework.simulation.ground import Ground
from framework.simulation.header import header_of
from framework.simulation.settings import RunSettings
from framework.simulation.through import run_through

SECOND = 1_000_000_000
START = 1_704_067_200 * SECOND  # 2024-01-01


def bar(at: int, number: int = 0, price: int = 100) -> Any:
    """A bar of one price, so many seconds after the start."""
    ns = START + at * SECOND
    return np.array([(ns, ns, Kind.BAR, 0, number, price, price, price, price, 1000)], dtype=EVENT)


class Told(Strategy):
    """Notes every hook with its stamp in seconds, and orders at the first bar."""

    def prepare(self, *, order: bool = False, **terms: Any) -> Told:
        self.notes: list[tuple[str, int, Any]] = []
        self._orders, self._terms = order, terms
        return self

    def on_start(self, view: Any) -> None:
        view.timers.once(dt.datetime(2024, 1, 1, 0, 0, 20, tzinfo=dt.UTC), name="late")

    def _note(self, view: Any, name: str, what: Any = None) -> None:
        self.notes.append((name, (view.now_ns - START) // SECOND, what))

    def on_bar(self, view: Any, bar: Any) -> None:
        self._note(view, "bar", bar.instrument)
        if self._orders and not len(self.notes) > 1:
            view.order("A", 10, **self._terms)

    def on_bars(self, view: Any, bars: Any) -> None:
        self._note(view, "bars", sorted(bars))

    def on_timer(self, view: Any, name: str) -> None:
        self._note(view, "timer", name)

    def on_order(self, view: Any, order: Any) -> None:
        self._note(view, "order", order.state)


def session(strategy: Strategy, steps: list[Callable[[OpenTape], None]], seen: list[int] | None = None, **settings: Any) -> Audit:
    """Run a strategy on an open tape of A, B and C. A step is taken when nothing else can happen; `seen` counts its notes then."""
    instruments = {name: Instrument(name, tick=Step(1, 1)) for name in "ABC"}
    tape = build({}, instruments, extra=bar(0), name="open")
    chosen, left = RunSettings.of(settings), iter(steps)

    def wait(open_tape: OpenTape, due_ns: int) -> None:
        if seen is not None:
            seen.append(len(strategy.notes))  # type: ignore[attr-defined]
        next(left, lambda tape: tape.end())(open_tape)

    ground = Ground.over(tape, chosen)
    trader = ground.trader(strategy)
    audit = Audit(header_of(strategy, tape, chosen), trader.take_log)
    run_through(strategy, ground, trader, audit, OpenTape(wait, start_ns=START, segment_events=4))
    return audit


def append(*events: Any) -> Callable[[OpenTape], None]:
    return lambda tape: tape.append(np.concatenate(events))


def safe(at: float) -> Callable[[OpenTape], None]:
    return lambda tape: tape.safe(START + int(at * SECOND))


def test_a_timer_fires_when_its_stamp_is_safe_and_not_before() -> None:
    strategy, seen = Told().prepare(), []
    session(strategy, [append(bar(1)), safe(1), safe(19), safe(20), append(bar(30)), safe(30)], seen)
    assert strategy.notes == [("bar", 1, "A"), ("bars", 1, ["A"]), ("timer", 20, "late"), ("bar", 30, "A"), ("bars", 30, ["A"])]
    assert seen == [0, 0, 2, 2, 3, 3, 5], "after nothing, the bar unsafe, the bar, 19 s, the timer, the next bar unsafe, the next bar"


def test_an_answer_that_is_due_comes_without_another_event() -> None:
    strategy, seen = Told().prepare(order=True), []
    session(strategy, [append(bar(1)), safe(1), safe(2), safe(5)], seen, latency={"entry_ns": SECOND, "response_ns": 2 * SECOND})
    assert ("order", 4, OrderState.WORKING) in strategy.notes, "sent at 1, at the venue at 2, back at 4"
    assert seen[2:5] == [2, 2, 3]


def test_an_order_expires_when_its_date_is_safe() -> None:
    strategy = Told().prepare(order=True, limit=50.0, expire=dt.datetime(2024, 1, 1, 0, 0, 10, tzinfo=dt.UTC))
    session(strategy, [append(bar(1)), safe(1), safe(9), safe(11)])
    assert [note for note in strategy.notes if note[0] == "order"][-1] == ("order", 10, OrderState.EXPIRED)


def test_bars_of_one_stamp_that_come_singly_are_one_moment() -> None:
    strategy, seen = Told().prepare(), []
    session(strategy, [append(bar(1, 0)), append(bar(1, 1)), append(bar(1, 2)), safe(1)], seen)
    assert strategy.notes == [("bar", 1, "A"), ("bar", 1, "B"), ("bar", 1, "C"), ("bars", 1, ["A", "B", "C"])]
    assert seen == [0, 0, 0, 0, 4]


def test_a_later_event_says_that_a_stamp_is_complete() -> None:
    strategy, seen = Told().prepare(), []
    session(strategy, [append(bar(1)), append(bar(2))], seen)
    assert seen == [0, 0, 2] and strategy.notes[-1] == ("bars", 2, ["A"])


def test_a_message_shows_when_it_has_come() -> None:
    strategy, seen = Told().prepare(), []
    session(strategy, [step for at in range(1, 8) for step in (append(bar(at)), safe(at))], seen)
    assert seen[::2] == [0, 2, 4, 6, 8, 10, 12, 14]


def test_what_was_safe_or_lies_back_is_refused() -> None:
    tape = OpenTape(lambda tape, due_ns: None, start_ns=START)
    tape.append(bar(5))
    with pytest.raises(InputError, match=rf"first event is stamped {START + 4 * SECOND} ns; safe is {START + 5 * SECOND - 1} ns"):
        tape.append(bar(4))
    tape.safe(START + 6 * SECOND)
    with pytest.raises(InputError, match="none is at or before what is safe"):
        tape.append(bar(6))
    with pytest.raises(InputError, match=rf"event 1 is stamped {START + 8 * SECOND} ns, the one before it {START + 9 * SECOND} ns"):
        tape.append(np.concatenate([bar(9), bar(8)]))
    tape.end()
    with pytest.raises(InputError, match=r"nothing comes after end\(\)"):
        tape.append(bar(10))


def test_memory_that_was_applied_is_let_go() -> None:
    alive: list[Any] = []

    def feed(at: int) -> Callable[[OpenTape], None]:
        def step(tape: OpenTape) -> None:
            tape.append(np.concatenate([bar(10 * at + k) for k in range(8)]))
            tape.safe(START + (10 * at + 7) * SECOND)
            alive.append(weakref.ref(tape._segments[-1]))

        return step

    strategy = Told().prepare()
    session(strategy, [feed(at) for at in range(1, 200)])
    assert sum(note[0] == "bar" for note in strategy.notes) == 199 * 8
    assert sum(one() is not None for one in alive) <= 2


def test_a_thread_may_write_while_the_loop_reads() -> None:
    strategy, told = Told().prepare(), threading.Condition()
    feeds: list[OpenTape] = []

    def write() -> None:
        for at in range(1, 2001):
            with told:
                feeds[0].append(bar(at))
                feeds[0].safe(START + at * SECOND)
                told.notify()
        with told:
            feeds[0].end()
            told.notify()

    writer = threading.Thread(target=write)

    def wait(tape: OpenTape) -> None:
        with told:
            if not feeds:
                feeds.append(tape)
                writer.start()
            told.wait(0.1)

    session(strategy, [wait] * 100_000)
    writer.join()
    assert [note[1] for note in strategy.notes if note[0] == "bar"] == list(range(1, 2001))
    assert [note for note in strategy.notes if note[0] == "timer"] == [("timer", 20, "late")]
