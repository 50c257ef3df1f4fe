"""Tables take everything that one event or one call of a hook can cause; what never ends is broken off."""

import numpy as np
import pandas as pd
import pytest

from framework import Instrument, Strategy, backtest, compiled
from framework.data.tape import build
from framework.errors import DataError, StrategyError
from framework.kernel.layout.table_room import MOST_COMMANDS
from framework.schema.event import EVENT, NO_INSTRUMENT, Flag, Kind
from tests.kernel.guarded import guarded

DAYS = pd.date_range("2024-01-01", periods=40, freq="D", tz="UTC")
FLAT = pd.DataFrame({"open": 100.0, "high": 101.0, "low": 99.0, "close": 100.0, "volume": 1000.0}, index=DAYS)


class ShortAll(Strategy):
    def on_bars(self, view, bars):
        if not view.positions:
            for symbol in view.instruments:
                view.order(symbol, -10)


def test_a_borrow_charge_for_each_of_two_hundred_shorts_at_one_session() -> None:
    frames = {f"S{k:03d}": FLAT for k in range(200)}
    result = backtest(ShortAll(), frames, costs={"borrow_bps": 360.0}, risk={"allow_short": True, "max_leverage": 5})
    nights = len(DAYS) - 2  # short from the second bar on, charged at each session's open
    # 10 shares x 100 x 3.6 % / 360 days = 0.10 a night for each of 200 shorts
    assert result.costs["borrow"] == pytest.approx(200 * 0.10 * nights)


class LateBracket(Strategy):
    def on_bar(self, view, bar):
        if view.bar_count(bar.instrument) == len(DAYS) - 1:
            view.bracket(bar.instrument, 10, target=110.0, loss=90.0)


def test_children_let_go_by_a_fill_that_is_told_after_the_end_end_too() -> None:
    two_days_ns = 2 * 86_400 * 10**9
    result = backtest(LateBracket(), FLAT, latency={"response_ns": two_days_ns})
    assert list(result.orders["state"]) == ["FILLED", "EXPIRED", "EXPIRED"]
    assert list(result.orders["reason"]) == ["NONE", "END_OF_DATA", "END_OF_DATA"]


LEVELS = 20_000


class SweepTheBook(Strategy):
    """Takes every level of a deep book with one order."""

    def on_start(self, view):
        self.sent = False

    def on_book(self, view, book):
        if not self.sent:
            self.sent = True
            view.buy("DEEP", LEVELS)


@pytest.mark.parametrize("response_ns", [0, 1_000_000_000])
def test_one_order_that_takes_more_levels_than_tables_begin_with(response_ns):
    rows = np.zeros(LEVELS + 2, EVENT)  # a bid, the offers; a second later one message more
    rows["ts_venue_ns"] = 1_704_189_600_000_000_000
    rows["ts_venue_ns"][-1] += 1_000_000_000
    rows["ts_local_ns"] = rows["ts_venue_ns"]
    rows["kind"], rows["w1"] = Kind.DEPTH, 1
    rows["w0"][1:-1], rows["flags"][1:-1] = np.arange(10_000, 10_000 + LEVELS), int(Flag.SELL | Flag.SNAPSHOT)
    rows["w0"][0], rows["flags"][0] = 9_999, int(Flag.BUY | Flag.SNAPSHOT | Flag.CLEAR)
    rows["flags"][-2] |= int(Flag.LAST)
    rows["w0"][-1], rows["flags"][-1] = 9_998, int(Flag.BUY | Flag.LAST)
    tape = build({}, {"DEEP": Instrument("DEEP")}, extra=rows, name="deep")
    result = backtest(SweepTheBook(), tape, cash=1e9, costs={"fee_bps": 1.0}, latency={"response_ns": response_ns})
    paid = sum(range(10_000, 10_000 + LEVELS)) / 100  # a level a cent, one unit each
    assert len(result.fills) == LEVELS
    assert result.fills["price"].iloc[-1] == (10_000 + LEVELS - 1) / 100
    assert result.exposure["cash"].iloc[-1] == pytest.approx(1e9 - paid * 1.0001, rel=1e-12)


class Parent(Strategy):
    """A buy that lets so many sells go when it fills."""

    children: int = 0

    def on_bar(self, view, bar):
        if view.bar_count(bar.instrument) == 2:
            parent = view.buy(bar.instrument, 2000)
            for k in range(self.children):
                view.order(bar.instrument, -1, limit=150.0 + k, parent=parent)


@pytest.mark.parametrize("children", [128, 129, 300, 2000])
def test_all_children_of_a_parent_are_let_go(children: int) -> None:
    result = backtest(Parent(children=children), FLAT.assign(volume=1e6), cash=1e9)
    assert list(result.orders["state"]) == ["FILLED"] + ["EXPIRED"] * children
    assert (result.orders["quantity"][1:] == 2000).all()  # what the parent filled
    submits = result.audit.of_kind(Kind.ORDER_SUBMIT)
    assert len(submits) == 1 + 2 * children  # each is held, then sent
    assert len(result.audit.of_kind(Kind.ORDER_ACCEPTED)) == 1 + children


@compiled
class Ladder(Strategy):
    """Many orders in one call, on each bar; the last bar cancels them all."""

    rungs: int = 3000

    def on_bar(self, view, bar):
        count = view.bar_count(bar.instrument)
        if count < 4:
            for k in range(self.rungs):
                view.order(bar.instrument, 1.0, limit=1.0 + k % 80)
        elif count == 4:
            for order in range(view.next_order_id):
                view.cancel(order)


def test_one_call_of_a_hook_orders_as_much_as_it_likes() -> None:
    wide = FLAT.iloc[:6].assign(low=99.0, volume=1e6)
    machine, python = backtest(Ladder(), wide, cash=1e9), backtest(Ladder.python(), wide, cash=1e9)
    assert machine.audit_hash == python.audit_hash
    assert list(machine.orders["reason"]) == ["USER"] * 9000


@compiled
class Echo(Strategy):
    """Orders again whenever an order of its own changes."""

    def on_bar(self, view, bar):
        if view.bar_count(bar.instrument) == 2:
            view.order(bar.instrument, 1.0, limit=50.0)

    def on_order(self, view, order):
        view.order(order.instrument, 1.0, limit=50.0)


@compiled
class Endless(Strategy):
    """Orders without end in one call, and the orders are refused."""

    def on_bar(self, view, bar):
        while view.price(bar.instrument) > 0.0:
            view.order(bar.instrument, 0.5)


@compiled
class Changes(Strategy):
    """Asks for a change without end, which is refused each time."""

    def on_bar(self, view, bar):
        if view.bar_count(bar.instrument) == 1:
            view.order(bar.instrument, 1.0, limit=50.0)
        while view.bar_count(bar.instrument) == 2:
            view.replace(0, quantity=0.5)


@pytest.mark.parametrize("strategy", [Echo(), Endless(), Endless.python(), Changes()])
def test_orders_without_end_at_one_stamp_are_broken_off(strategy: Strategy) -> None:
    name = type(strategy).__name__
    day = "2024-01-01" if name == "Endless" else "2024-01-02"
    with pytest.raises(StrategyError, match=rf"{name} at {day}T00:00:00.*: more than 250,000 order commands at one stamp; rule: .*let it"):
        backtest(strategy, FLAT, cash=1e9)


class Bounded(Strategy):
    """As many commands at each stamp as there may be."""

    def on_bar(self, view, bar):
        root = view._record  # as if all others had been ordered before
        root["commands_ns"], root["commands"] = view.now_ns, MOST_COMMANDS - 2
        order = view.order(bar.instrument, 1.0, limit=50.0)
        view.cancel(order)
        if view.bar_count(bar.instrument) == self.beyond:
            view.cancel(view.order(bar.instrument, 0.5))  # the order is the one too many; then nothing more is taken

    beyond: int = 0


def test_the_limit_itself_is_allowed_and_one_more_is_not() -> None:
    assert len(backtest(Bounded(), FLAT, cash=1e9).orders) == len(DAYS)
    with pytest.raises(StrategyError, match=r"Bounded at 2024-01-03T00:00"):
        backtest(Bounded(beyond=3), FLAT, cash=1e9)


@pytest.mark.parametrize(
    ("kind", "instrument", "message"),
    [
        (Kind.CHARGE, 0, r"extra event 1: kind 50; rule: what a market says"),
        (Kind.TIMER, 0, r"extra event 1: kind 20; rule"),
        (99, 0, r"extra event 1: kind 99; rule"),
        (Kind.DIVIDEND, NO_INSTRUMENT, r"extra event 1: DIVIDEND without an instrument; rule: only CUSTOM events and those of accounts"),
    ],
)
def test_what_is_no_market_event_never_reaches_the_kernel(kind: int, instrument: int, message: str) -> None:
    rows = np.zeros(2, EVENT)
    rows["kind"], rows["instrument"] = (Kind.CUSTOM, kind), (NO_INSTRUMENT, instrument)
    rows["ts_local_ns"] = rows["ts_venue_ns"] = 10**18
    with pytest.raises(DataError, match=message):
        build({}, {"X": Instrument("X")}, extra=rows)


def test_a_cancel_that_overtakes_its_order_before_a_dividend_touches_no_other_row() -> None:
    with guarded():
        for seed in range(6):
            overtaken(seed)


def overtaken(seed: int) -> None:
    """Cancels arrive before their orders, and a dividend makes all messages arrive at once."""
    hour = 3_600_000_000_000
    rows = np.zeros(8, EVENT)
    rows["ts_local_ns"] = rows["ts_venue_ns"] = 1_704_067_200_000_000_000 + np.arange(8) * hour
    rows["kind"], rows["w4"] = Kind.BAR, 1000
    for word in ("w0", "w1", "w2", "w3"):
        rows[word] = 10_000
    rows["kind"][4], rows["w0"][4] = Kind.DIVIDEND, 1_000_000_000
    tape = build({}, {"X": Instrument("X", calendar="24/7")}, extra=rows, name="overtaken")
    latency = {"entry_ns": {"model": "sampled", "quantiles_ns": [0, hour, 3 * hour]}}
    result = backtest(OrderAndCancel(), tape, latency=latency, seed=seed)
    assert len(result.orders) == 14


class OrderAndCancel(Strategy):
    def on_bar(self, view, bar):
        for _ in range(2):
            view.cancel(view.order(bar.instrument, 1, limit=50.0))
