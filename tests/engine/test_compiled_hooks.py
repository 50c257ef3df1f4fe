"""Every hook compiled and in Python: the same audit bytes, and everything that a hook is handed reads the same (law 7)."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from framework import PerInstrument, State, Strategy, backtest, compiled
from framework.data.tape import Tape, build
from framework.errors import ConfigError, StrategyError
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


def market() -> Tape:
    """Ten hours of two instruments in bars of two minutes and two in quotes each minute, with a split, a dividend and a halt."""
    random = np.random.default_rng(11)
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
    instruments = {name: Instrument(name, tick, Step(1, 1) if tick.denominator < 10_000 else Step(1, 10)) for name, tick in zip(names, ticks)}
    return build({}, instruments, extra=np.array(rows, dtype=EVENT), name="everything")


TAPE = market()


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


@pytest.mark.parametrize("latency", [{}, {"entry_ns": 20_000_000_000, "response_ns": 70_000_000_000}])
@pytest.mark.parametrize("chunk_events", [None, 1, 97])
def test_all_hooks_give_the_same_bytes_and_read_the_same(latency: dict[str, int], chunk_events: int | None) -> None:
    fast, slow = AllHooks(), AllHooks.python()
    settings = {"costs": COSTS, "risk": RISK, "latency": latency, "cash": 100_000.0}
    one = backtest(fast, TAPE, chunk_events=chunk_events, **settings)
    other = backtest(slow, TAPE, **settings)
    assert one.audit.records.tobytes() == other.audit.records.tobytes()
    assert one.audit_hash == other.audit_hash
    assert digest_of(fast) == digest_of(slow)
    assert min(fast.partial, fast.refused, fast.cancelled) > 3  # the paths are walked


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


@pytest.mark.parametrize(
    ("which", "place"),
    [
        (1, r"OneOfEach.on_quote at 2020-01-01T00:01:00.*Z, tape event 1: ValueError: no"),  # event 0 opens the session
        (2, r"OneOfEach.on_timer at 2020-01-01T00:30:00.*Z, timer 'half past': ValueError: no"),
        (3, rf"OneOfEach.on_event at 2020-01-01T02:30:30.*Z, tape event {SPLIT_ROW}: ValueError: no"),
        (4, r"OneOfEach.on_order at 2020-01-01T00:01:00.*Z, order 0: ValueError: no"),
        (5, r"OneOfEach.on_bars at 2020-01-01T00:02:00.*Z, tape event \d+: IndexError: list index out of range"),
    ],
)
def test_an_error_names_strategy_hook_and_event(which: int, place: str) -> None:
    for chunk_events in (None, 5):
        with pytest.raises(StrategyError, match=place):
            backtest(OneOfEach(which=which), TAPE, chunk_events=chunk_events)
    with pytest.raises(StrategyError, match=place.split("Z, ")[0].replace(".*", "") + r".*" + place.split(": ", 1)[1]):
        backtest(OneOfEach.python(which=which), TAPE)
