"""A strategy that uses every type of order and every instruction: compiled and in Python it leaves the same audit."""

from __future__ import annotations

import numpy as np
import pytest

from framework import State, Strategy, backtest, compiled
from framework.data.tape import Tape, build
from framework.errors import StrategyError
from framework.schema.event import EVENT, Kind
from framework.schema.instrument import Instrument
from framework.schema.order import OrderState, OrderType, Peg, TimeInForce
from framework.schema.units import Step
from framework.simulation.audited_run import replay
from tests.properties.random_ticks import tape_of


def market(seed: int) -> Tape:
    """A book by level, quotes and bars."""
    random = np.random.default_rng(seed)
    book = tape_of(random, 1500)
    stamps = np.unique(book["ts_local_ns"])[1::3]
    rows, level = [], 500
    for k, stamp in enumerate(stamps.tolist()):
        before, level = level, max(300, level + int(random.integers(-3, 4)))
        rows.append((stamp, stamp, Kind.QUOTE, 0, 1, level - 1, level + 1, *(int(size) for size in random.integers(5, 40, 2)), 0))
        if k % 4 == 0:
            high, low = max(before, level) + 2, min(before, level) - 2
            rows.append((stamp, stamp, Kind.BAR, 0, 2, before, high, low, level, 1000))
    events = np.concatenate([book, np.array(rows, dtype=EVENT)])
    events = events[np.argsort(events["ts_local_ns"], kind="stable")]
    return build({}, {name: Instrument(name, tick=Step(1, 1)) for name in ("BOOK", "QUOTE", "TRADED")}, extra=events, name="all")


@compiled
def place(view, i, n, bid, ask):
    """The order of a number."""
    side = 1.0 if n % 2 == 0 else -1.0
    own, other = (bid, ask) if side > 0.0 else (ask, bid)
    kind = n // 2 % 18
    if kind == 0:
        return view.order(i, 5.0 * side, limit=own, post_only=True)
    if kind == 1:
        return view.order(i, 5.0 * side, limit=other, post_only=True)
    if kind == 2:
        return view.order(i, 6.0 * side, limit=own, display=2.0)
    if kind == 3:
        return view.order(i, 6.0 * side, limit=other, display=2.0, post_only=n % 3 == 0)
    if kind == 4:
        return view.order(i, 5.0 * side, limit=own, hidden=True)
    if kind == 5:
        return view.order(i, 5.0 * side, peg="primary")
    if kind == 6:
        return view.order(i, 5.0 * side, peg="mid", peg_offset=-1.0, hidden=True)
    if kind == 7:
        return view.order(i, 5.0 * side, peg=Peg.PRIMARY, limit=own + side, display=2.0, time_in_force=TimeInForce.DAY)
    if kind == 8:
        return view.order(i, 5.0 * side, touch=own - side)
    if kind == 9:
        return view.order(i, 5.0 * side, touch=own - side, limit=own - 2.0 * side)
    if kind == 10:
        return view.order(i, 5.0 * side, trail=2.0, trail_limit=1.0)
    if kind == 11:
        return view.order(i, 5.0 * side, trail_bps=40.0, trail_limit=0.0)
    if kind == 12:
        return view.order(i, 5.0 * side, trail=3.0)
    if kind == 13:
        return view.order(i, 5.0 * side, stop=other + side, touch=own)  # refused
    if kind == 14:
        return view.order(i, 5.0 * side, limit=own, hidden=True, display=1.0)  # refused
    if kind == 15:
        return view.order(i, 5.0 * side, limit=own * np.nan)  # not a number: refused
    if kind == 16:
        return view.order(i, 5.0 * side, trail=2.0, limit=own)  # refused
    return view.order(i, 5.0 * side, peg="mid", time_in_force=TimeInForce.IOC)  # refused


@compiled
class EveryType(Strategy):
    """Places one order after the other and takes some back."""

    asked: State[int] = 0
    filled: State[float] = 0.0
    rejected: State[int] = 0
    touched: State[int] = 0

    def on_book(self, view, book):
        if book.bid > 0.0 and book.ask > 0.0:
            self.asked += 1
            if self.asked % 3 == 0:
                place(view, book.instrument, self.asked // 3, book.bid, book.ask)
            if self.asked % 7 == 0 and view.next_order_id > 12:
                view.cancel(view.next_order_id - 12)
            elif self.asked % 11 == 0 and view.next_order_id > 6:
                view.replace(view.next_order_id - 6, quantity=7.0)

    def on_quote(self, view, quote):
        self.asked += 1
        place(view, quote.instrument, self.asked, quote.bid, quote.ask)

    def on_bar(self, view, bar):
        self.asked += 1
        place(view, bar.instrument, self.asked, bar.close - 1.0, bar.close + 1.0)

    def on_order(self, view, order):
        self.filled += order.filled_quantity if order.is_done else 0.0
        self.rejected += order.state == OrderState.REJECTED
        self.touched += order.type == OrderType.MARKET_IF_TOUCHED and order.state == OrderState.FILLED


@pytest.mark.parametrize("latency", [{}, {"entry_ns": 4_000_000, "response_ns": 3_000_000}])
def test_compiled_and_python_leave_the_same_audit(latency: dict[str, int]) -> None:
    tape = market(5)
    settings = {"cash": 1e7, "risk": {"allow_short": True, "max_leverage": 50.0}, "latency": latency, "costs": {"queue": "power"}}
    fast, slow = EveryType(), EveryType.python()
    one, other = backtest(fast, tape, **settings), backtest(slow, tape, **settings)
    assert one.audit.records.tobytes() == other.audit.records.tobytes()
    assert (fast.asked, fast.filled, fast.rejected, fast.touched) == (slow.asked, slow.filled, slow.rejected, slow.touched)
    assert backtest(EveryType(), tape, chunk_events=97, **settings).audit_hash == one.audit_hash
    assert replay(EveryType(), tape, one.audit).audit_hash == one.audit_hash
    orders = one.orders
    assert set(OrderType.__members__) - set(orders["type"]) == {"MARKET", "STOP", "STOP_LIMIT"}
    filled = orders[orders["filled_quantity"] > 0]
    assert {"POST_ONLY", "ICEBERG", "HIDDEN", "PEG_PRIMARY", "HIDDEN PEG_MID", "ICEBERG PEG_PRIMARY"} <= set(filled["instructions"])
    assert {"LIMIT", "MARKET_IF_TOUCHED", "LIMIT_IF_TOUCHED", "TRAILING_STOP", "TRAILING_STOP_LIMIT"} <= set(filled["type"])
    refused = set(orders.loc[orders["state"] == "REFUSED", "reason"])
    assert {"CONFLICTING_PRICES", "CONFLICTING_INSTRUCTIONS", "INSTRUCTION_NEEDS_REST", "INVALID_PRICE", "NO_QUOTE_TO_PEG"} <= refused
    assert fast.rejected > 5 and fast.touched > 5


@compiled
class UnknownPeg(Strategy):
    def on_book(self, view, book):
        view.order(book.instrument, 1.0, peg="middle")


def test_an_unknown_peg_is_named_when_it_is_compiled() -> None:
    with pytest.raises(StrategyError, match=r"unknown peg 'middle'\. Did you mean mid"):
        backtest(UnknownPeg(), market(5))
