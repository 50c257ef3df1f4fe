"""Every hook compiled and in Python: the same audit bytes, and everything that a hook is handed reads the same (law 7)."""

from __future__ import annotations

import datetime as dt
import gc
import inspect
import weakref

import numpy as np
import pytest

from framework import PerInstrument, State, Strategy, backtest, compiled
from framework.data.tape import Tape, build
from framework.errors import InputError, StrategyError
from framework.schema.event import EVENT, Kind
from framework.schema.instrument import Instrument
from framework.schema.order import OrderState, OrderType, Reason, Side, TimeInForce
from framework.schema.units import Step

MINUTE = 60_000_000_000
START = 18_262 * 24 * 60 * MINUTE  # 2020-01-01
MINUTES = 600
CLOSE_OF_DAY = "zum Schluß"
RISK = {"allow_short": True, "max_leverage": 3.0}
COSTS = {"fee_bps": 1.0, "max_participation": 0.2}


def market(seed: int) -> Tape:
    """Ten hours of two instruments in bars of two minutes and two in quotes each minute, with a split, a dividend and a halt."""
    random = np.random.default_rng(seed)
    rows: list[tuple[int, ...]] = []
    level = [4000, 9000, 2000, 15_000]
    for minute in range(1, MINUTES):
        stamp = START + minute * MINUTE
        for i in range(4):
            before, level[i] = level[i], max(500, level[i] + int(random.integers(-20, 21)))
            size = [int(size) for size in random.integers(10, 200, 2)]
            if i >= 2:
                rows.append((stamp, stamp, Kind.QUOTE, 0, i, level[i] - 2, level[i] + 2, *size, 0))
            elif minute % 2 == 0:
                high, low = max(before, level[i]) + 5, min(before, level[i]) - 5
                rows.append((stamp, stamp, Kind.BAR, 0, i, before, high, low, level[i], 10 * size[0]))
    at = START + 150 * MINUTE + MINUTE // 2
    rows.append((at, at, Kind.SPLIT, 0, 1, 2, 1, 0, 0, 0))
    rows.append((at, at, Kind.DIVIDEND, 0, 0, 250_000_000, 0, 0, 0, 0))
    rows += [(at + k * MINUTE, at + k * MINUTE, Kind.HALT, 0, 2, int(k == 60), 0, 0, 0, 0) for k in (60, 90)]
    names = ("BAR1", "BAR2", "QUO1", "QUO2")
    ticks = (Step(1, 100), Step(1, 8), Step(1, 100), Step(1, 10_000))
    lots = (Step(1, 1), Step(1, 1), Step(1, 1), Step(1, 10))
    instruments = {name: Instrument(name, *steps) for name, *steps in zip(names, ticks, lots, strict=True)}
    return build({}, instruments, extra=np.array(rows, dtype=EVENT), name="everything")


TAPE = market(11)


@compiled
def mixed(before, value):
    """A running digest that depends on each value and on their order."""
    return before * 0.75 + (value if value == value else 7.0)


@compiled
class AllHooks(Strategy):
    """Orders in each hook; digests what each is handed."""

    size: float = 60.0
    quotes: State[int] = 0
    news: State[int] = 0
    refused: State[int] = 0
    partial: State[int] = 0
    cancelled: State[int] = 0
    rebalances: State[int] = 0
    others: State[int] = 0
    noons: State[int] = 0
    splits: State[int] = 0
    sessions: State[int] = 0
    bars: State[int] = 0
    sum_bid: State[float] = 0.0
    from_quotes: State[float] = 0.0
    from_orders: State[float] = 0.0
    from_events: State[float] = 0.0
    from_bars: State[float] = 0.0
    last: PerInstrument[int]

    def on_start(self, view):
        view.timers.every(dt.timedelta(minutes=7), name="rebalance")
        view.timers.every(dt.timedelta(minutes=45), name=CLOSE_OF_DAY)
        view.timers.at("05:00", name="noon")

    def on_quote(self, view, quote):
        i = quote.instrument
        self.quotes += 1
        self.sum_bid += quote.bid
        for value in (quote.bid, quote.ask, quote.bid_size, quote.ask_size, i + 0.5, quote.ts_ns - view.now_ns + 1.0):
            self.from_quotes = mixed(self.from_quotes, value)
        if self.quotes % 13 == 0:
            self.last[i] = view.order(i, self.size, limit=quote.ask)
        elif self.quotes % 17 == 0:
            self.last[i] = view.order(i, -self.size, limit=quote.ask, time_in_force=TimeInForce.DAY)
        elif self.quotes % 101 == 0:
            view.order(i, 1e7)

    def on_bar(self, view, bar):
        if view.bar_count(bar.instrument) % 6 == 0:
            view.order(bar.instrument, self.size, stop=bar.high)

    def on_bars(self, view, bars):
        for bar in bars:
            self.bars += 1
            for value in (bar.open, bar.high, bar.low, bar.close, bar.volume, bar.instrument + 0.5):
                self.from_bars = mixed(self.from_bars, value)
        if bars[-1].close > bars[0].open:
            view.target_weight(bars[-1].instrument, 0.1)

    def on_timer(self, view, name):
        if name == "rebalance":
            self.rebalances += 1
            if view.next_order_id > 0:
                view.cancel(self.last[2 + self.rebalances % 2])
        elif name != CLOSE_OF_DAY:
            self.noons += name in ("noon", "midnight")
        else:
            self.others += 1
            for i in view.instruments:
                view.target_quantity(i, 0.0)

    def on_order(self, view, order):
        self.news += 1
        numbers = (order.order_id, order.instrument, order.side, order.type, order.time_in_force, order.state, order.reason)
        for number in numbers:
            self.from_orders = mixed(self.from_orders, number * 1.0)
        prices = (order.quantity, order.filled_quantity, order.limit_price, order.stop_price, order.average_price)
        for price in prices:
            self.from_orders = mixed(self.from_orders, price)
        self.refused += order.reason == Reason.LEVERAGE_LIMIT
        self.cancelled += order.state == OrderState.CANCELLED and order.is_done
        if order.state == OrderState.PARTIAL:
            self.partial += 1
            if order.type == OrderType.LIMIT and order.side == Side.BUY and self.partial % 3 == 0:
                view.cancel(order.order_id)
                self.from_orders = mixed(self.from_orders, order.state * 1.0)  # what it was when the hook was called
        if order.state == OrderState.FILLED and order.type == OrderType.STOP:
            view.order(order.instrument, -order.quantity, limit=view.price(order.instrument))

    def on_event(self, view, event):
        self.from_events = mixed(self.from_events, event.kind + 0.25)
        self.from_events = mixed(self.from_events, event.instrument + 0.5)
        self.sessions += event.kind == Kind.SESSION and event.instrument == -1
        if event.kind == Kind.SPLIT:
            self.splits += 1
            view.order(event.instrument, 1.0)


def digest_of(strategy: Strategy) -> dict[str, object]:
    found = {name: getattr(strategy, name) for name in AllHooks.__annotations__ if name != "last"}
    return found | {"last": strategy.last.tolist()}


@pytest.mark.parametrize("seed", [11, 12, 13])
@pytest.mark.parametrize("latency", [{}, {"entry_ns": 20_000_000_000, "response_ns": 70_000_000_000}])
def test_all_hooks_give_the_same_bytes_and_read_the_same(latency: dict[str, int], seed: int) -> None:
    slow, tape = AllHooks.python(), market(seed)
    settings = {"costs": COSTS, "risk": RISK, "latency": latency, "cash": 100_000.0}
    other = backtest(slow, tape, **settings)
    for chunk_events in (None, 1, 97):
        fast = AllHooks()
        one = backtest(fast, tape, chunk_events=chunk_events, **settings)
        assert one.audit.records.tobytes() == other.audit.records.tobytes()
        assert one.audit_hash == other.audit_hash
        assert digest_of(fast) == digest_of(slow)
    assert min(slow.partial, slow.refused, slow.cancelled) > 3  # the paths are walked


def test_each_hook_is_called_as_often_as_the_tape_says() -> None:
    strategy = AllHooks()
    result = backtest(strategy, TAPE, costs=COSTS, risk=RISK, cash=100_000.0)
    events, records = TAPE.events, result.audit.records
    quotes = events[events["kind"] == Kind.QUOTE]
    assert strategy.quotes == len(quotes) == 2 * (MINUTES - 1)
    ticks = np.where(quotes["instrument"] == 2, 0.01, 0.0001)
    assert strategy.sum_bid == pytest.approx(float((quotes["w0"] * ticks).sum()), rel=1e-12)
    assert strategy.bars == (events["kind"] == Kind.BAR).sum()
    assert strategy.splits == 1
    assert strategy.sessions == (events["kind"] == Kind.SESSION).sum() > 0
    minutes = [START // MINUTE + minute for minute in range(24 * 60 + 1)]  # from the session's open to its close, both included
    assert strategy.rebalances == sum(minute % 7 == 0 for minute in minutes)
    assert strategy.others == sum(minute % 45 == 0 for minute in minutes)
    assert strategy.noons == 1
    order_news = (records["kind"] >= Kind.ORDER_CANCEL) & (records["kind"] <= Kind.ORDER_CANCEL_REJECTED)
    afterwards = (records["kind"] == Kind.ORDER_EXPIRED) & (records["w1"] == Reason.END_OF_DATA)
    assert strategy.news == (order_news & (records["kind"] != Kind.ORDER_COSTS) & ~afterwards).sum()
    assert (records["kind"] == Kind.TIMER).sum() == strategy.rebalances + strategy.others + strategy.noons


@compiled
class OneOfEach(Strategy):
    """Raises in the hook of a number."""

    which: int = 0

    def on_start(self, view):
        view.timers.at("00:30", name="half past")

    def on_quote(self, view, quote):
        if self.which == 1:
            raise ValueError("no")
        if self.which == 4 and view.next_order_id == 0:
            view.order(quote.instrument, 1e9)

    def on_timer(self, view, name):
        if self.which == 2:
            raise ValueError("no")

    def on_event(self, view, event):
        if self.which == 3 and event.kind == Kind.SPLIT:
            raise ValueError("no")

    def on_order(self, view, order):
        if self.which == 4:
            raise ValueError("no")

    def on_bars(self, view, bars):
        if self.which == 5:
            view.mean_close(bars[len(bars)].instrument, 3)


SPLIT_ROW = int(np.flatnonzero(TAPE.events["kind"] == Kind.SPLIT)[0])
FIRST_LINE = inspect.getsourcelines(OneOfEach)[1]
IN_LINES = "line {} of test_compiled_hooks.py"


@pytest.mark.parametrize(
    ("which", "place", "line"),
    [
        (1, "OneOfEach.on_quote at 2020-01-01T00:01:00Z (tape event 1, {}): ValueError: no", 11),  # event 0 opens the session
        (2, "OneOfEach.on_timer at 2020-01-01T00:30:00Z (timer 'half past', {}): ValueError: no", 17),
        (3, f"OneOfEach.on_event at 2020-01-01T02:30:30Z (tape event {SPLIT_ROW}, {{}}): ValueError: no", 21),
        (4, "OneOfEach.on_order at 2020-01-01T00:01:00Z (order 0, {}): ValueError: no", 25),
        (5, "OneOfEach.on_bars at 2020-01-01T00:02:00Z (tape event 6, {}): IndexError: list index out of range", 29),
    ],
)
def test_an_error_names_strategy_hook_event_and_line(which: int, place: str, line: int) -> None:
    for chunk_events in (None, 5):
        for make in (OneOfEach, OneOfEach.python):
            with pytest.raises(StrategyError) as raised:
                backtest(make(which=which), TAPE, chunk_events=chunk_events)
            assert str(raised.value) == place.format(IN_LINES.format(FIRST_LINE + line))


@compiled
class Names(Strategy):
    """Counts what each timer's name compares equal to."""

    exact: State[int] = 0
    mirrored: State[int] = 0
    longer: State[int] = 0
    shorter: State[int] = 0
    other: State[int] = 0
    among: State[int] = 0
    is_last: PerInstrument[bool]

    def on_start(self, view):
        view.timers.every(dt.timedelta(minutes=30), name="open")
        view.timers.at("06:10", name="öffnen 東京")

    def on_timer(self, view, name):
        self.exact += name == "open"
        self.mirrored += "öffnen 東京" == name  # noqa: SIM300  # this way round is what is tried
        self.longer += name == "opens"
        self.shorter += name == "ope"
        self.other += name != "open"
        self.among += name in ("ope", "close", "öffnen 東京", "open")
        for i in view.instruments:
            self.is_last[i] = i == len(view.instruments) - 1


@pytest.mark.parametrize("make", [Names, Names.python])
def test_a_timers_name_compares_with_texts(make: type[Names]) -> None:
    strategy = make()
    backtest(strategy, TAPE)
    fired = 24 * 2 + 1  # every half hour from 0:00 to 24:00
    assert (strategy.exact, strategy.mirrored, strategy.longer, strategy.shorter) == (fired, 1, 0, 0)
    assert (strategy.other, strategy.among) == (1, fired + 1)
    assert strategy.is_last.tolist() == [False, False, False, True]


@compiled
class Walks(Strategy):
    closes: State[float] = 0.0
    places: State[int] = 0
    ends: State[float] = 0.0

    def on_bars(self, view, bars):
        for bar in bars:
            if bar.instrument == 7:
                break
            self.closes += bar.close
        for k, bar in enumerate(bars):
            self.places += k * (bar.instrument + 1)
        self.ends += bars[-1].close - bars[-len(bars)].close


@pytest.mark.parametrize("make", [Walks, Walks.python])
def test_bars_can_be_walked_through(make: type[Walks]) -> None:
    strategy = make()
    backtest(strategy, TAPE, chunk_events=3)
    bars = TAPE.events[TAPE.events["kind"] == Kind.BAR]
    first, second = (bars["w3"][bars["instrument"] == i] / per_unit for i, per_unit in ((0, 100), (1, 8)))
    assert strategy.closes == pytest.approx(first.sum() + second.sum())
    assert strategy.places == 2 * len(second)  # place 1 holds instrument 1
    assert strategy.ends == pytest.approx(second.sum() - first.sum())


@compiled
class Crowds(Strategy):
    """Orders in one call more than the tables hold at first, and again in the hooks that follow at the same stamp."""

    count: int = 120
    news: State[int] = 0

    def on_bar(self, view, bar):
        if view.next_order_id == 0:
            for _ in range(self.count):
                view.order(bar.instrument, 1.0, limit=1.0, group=view.next_order_id)

    def on_bars(self, view, bars):
        if view.next_order_id <= self.count:
            for _ in range(self.count):
                view.order(bars[0].instrument, 1.0, limit=1.0, group=view.next_order_id)

    def on_order(self, view, order):
        self.news += 1
        if self.news <= self.count:
            view.order(order.instrument, 1e9)  # refused, which is news again


def test_hooks_that_order_much_one_after_the_other_find_room() -> None:
    fast, slow = Crowds(), Crowds.python()
    one, other = (backtest(strategy, TAPE.select(["BAR1"]), cash=1e9) for strategy in (fast, slow))
    assert one.audit.records.tobytes() == other.audit.records.tobytes()
    assert fast.news == slow.news == 2 * 120 + 120  # every order accepted, and so many refused
    assert len(one.orders) == 3 * 120


@compiled
class AsksForNone(Strategy):
    how: int = 0

    def on_bar(self, view, bar):
        if self.how == 0:
            view.cancel(3)
        elif self.how == 1:
            view.replace(3, limit=1.0)
        elif self.how == 2:
            view.is_done(3)
        elif self.how == 3:
            view.filled_quantity(3)
        elif self.how == 4:
            view.order(bar.instrument, 1.0, parent=3)
        else:
            view.order(bar.instrument, 1.0, group=3)


@pytest.mark.parametrize("how", range(6))
def test_an_order_that_there_is_not_is_the_same_error_in_both(how: int) -> None:
    for make in (AsksForNone, AsksForNone.python):
        with pytest.raises(InputError, match=r"AsksForNone.on_bar at 2020-01-01T00:02:00.*unknown order 3; no order was placed yet"):
            backtest(make(how=how), TAPE)


def test_timers_ring_in_python_for_a_compiled_class_without_their_hook() -> None:
    class Rings(Walks):
        def on_start(self, view):
            view.timers.every(dt.timedelta(minutes=45))

    rings = [backtest(make(), TAPE).audit.records for make in (Rings, Rings.python)]
    assert rings[0].tobytes() == rings[1].tobytes()
    assert (rings[0]["kind"] == Kind.TIMER).sum() == 33


class Numbered(Strategy):
    """In Python, with numbers."""

    uses_numbers = True

    def on_start(self, view):
        self.seen = set()

    def on_quote(self, view, quote):
        self.seen.add(("quote", quote.instrument))
        if quote.instrument == 3 and view.next_order_id == 0:
            view.order(3, 5.0)

    def on_order(self, view, order):
        self.seen.add(("order", order.instrument))
        if order.is_done:
            self.seen.add(("held", *view.positions))
            view.target_weights({2: 0.1})  # closes the other

    def on_event(self, view, event):
        self.seen.add((event.kind.name, event.instrument))

    def on_stop(self, view):
        self.seen.add(("left", *view.positions))


def test_with_numbers_every_instrument_is_a_number_in_python_too() -> None:
    strategy = Numbered()
    backtest(strategy, TAPE, cash=10_000.0)
    told = {("order", 2), ("order", 3), ("held", 3), ("held", 2), ("left", 2)}
    events = {("SESSION", -1), ("SPLIT", 1), ("DIVIDEND", 0), ("HALT", 2)}
    assert strategy.seen - {("held",), ("held", 2, 3)} == told | events | {("quote", 2), ("quote", 3)}


class Leaves(Strategy):
    def on_start(self, view):
        self.trader = weakref.ref(view._trader)
        view.timers.every(dt.timedelta(hours=1))

    def on_timer(self, view, name):
        for i in view.instruments:
            view.target_quantity(i, 10.0)


@compiled
class LeavesCompiled(Leaves):
    pass


@pytest.mark.parametrize("make", [Leaves, LeavesCompiled])
def test_a_run_is_freed_with_its_result(make: type[Leaves]) -> None:
    strategy = make()
    gc.collect()
    gc.disable()
    try:
        result = backtest(strategy, TAPE)
        assert len(result.fills) > 0
        assert strategy.trader() is not None  # the tables are read when they are asked for
        del result
        assert strategy.trader() is None
    finally:
        gc.enable()
