"""The life of an order: the table drawn a second time, and every cell of it tried on a trader half."""

from __future__ import annotations

import numpy as np
import pytest

from framework import Strategy, backtest
from framework.data.tape import build
from framework.engine.market import Bar, OrderView
from framework.engine.view import View
from framework.kernel.market.lifecycle import moved
from framework.schema.event import EVENT, Kind
from framework.schema.instrument import Instrument
from framework.schema.order import ORDER, OrderEvent, OrderState, Reason
from framework.schema.stance import AlarmKind, Stance
from framework.schema.transitions import TRANSITIONS
from framework.schema.units import Step
from tests.kernel.desk import Desk

# Rows are states, columns what happens. Hd held, Pe pending, Wo working, Tr triggered, Pa partial, PC pending cancel,
# PR pending replace, Fi filled, Ca cancelled, Ex expired, Rj rejected, Rf refused, Un unknown. A dot cannot be.
DRAWN = """
                hold submit refuse accept reject trigger part last ask_cancel cancel no_cancel ask_replace replace expire   lose
none            Hd   Pe     Rf     .      .      .       .    .    .          .      .         .           .       .        .
held            .    Pe     .      .      .      .       .    .    Ca         Ca     .         .           .       .        .
pending         .    .      .      Wo     Rj     Tr      Pa   Fi   PC         Ca     .         PR          .       Ex       Un
working         .    .      .      Wo     Rj     Tr      Pa   Fi   PC         Ca     Wo        PR          Wo      Ex       Un
triggered       .    .      .      Tr     .      .       Pa   Fi   PC         Ca     Tr        PR          Tr      Ex       Un
partial         .    .      .      Pa     .      .       Pa   Fi   PC         Ca     Pa        PR          Pa      Ex       Un
pending_cancel  .    .      .      PC     Rj     PC      PC   Fi   PC         Ca     Wo        .           PC      Ex       Un
pending_replace .    .      .      PR     Rj     PR      PR   Fi   PC         Ca     Wo        PR          Wo      Ex       Un
filled          .    .      .      Fi     .      .       .    .    .          .      Fi        .           .       .        .
cancelled       .    .      .      .      .      .       Ca   Fi   .          .      Ca        .           .       .        .
expired         .    .      .      .      .      .       Ex   Fi   .          .      Ex        .           .       .        .
rejected        .    .      .      .      .      .       .    .    .          .      Rj        .           .       .        .
refused         .    .      .      .      .      .       .    .    .          .      .         .           .       .        .
unknown         .    .      .      Wo     Rj     Tr      Pa   Fi   Un         Ca     Un        Un          Wo      Ex       Un
"""
_SHORT = dict(zip(("Hd", "Pe", "Wo", "Tr", "Pa", "PC", "PR", "Fi", "Ca", "Ex", "Rj", "Rf", "Un"), list(OrderState)[1:], strict=True))


def drawn() -> dict[tuple[OrderState, OrderEvent], OrderState | None]:
    _, *rows = DRAWN.strip("\n").splitlines()
    cells: dict[tuple[OrderState, OrderEvent], OrderState | None] = {}
    for state, row in zip(OrderState, rows, strict=True):
        name, *words = row.split()
        assert name.upper() == state.name
        for event, word in zip(OrderEvent, words, strict=True):
            cells[state, event] = _SHORT.get(word)
    return cells


CELLS = drawn()
ANSWERS = (
    OrderEvent.ACCEPT,
    OrderEvent.REJECT,
    OrderEvent.TRIGGER,
    OrderEvent.FILL_PART,
    OrderEvent.FILL_LAST,
    OrderEvent.CANCEL,
    OrderEvent.REJECT_CANCEL,
    OrderEvent.REPLACE,
    OrderEvent.EXPIRE,
    OrderEvent.LOSE,
)


def test_the_table_is_as_drawn() -> None:
    found = {
        (state, event): OrderState(int(TRANSITIONS[state, event])) if TRANSITIONS[state, event] >= 0 else None
        for state in OrderState
        for event in OrderEvent
    }
    assert {cell: (found[cell], CELLS[cell]) for cell in CELLS if found[cell] is not CELLS[cell]} == {}
    with pytest.raises(ValueError, match="read-only"):
        TRANSITIONS[0, 0] = 1


def test_compiled_code_moves_by_the_same_table() -> None:
    for (state, event), after in CELLS.items():
        order = np.zeros(1, dtype=ORDER).view(np.recarray)[0]
        order.state = state
        assert moved(order, int(event)) == (after is not None)
        assert order.state == (state if after is None else after)


@pytest.mark.parametrize("event", ANSWERS, ids=lambda event: event.name.lower())
@pytest.mark.parametrize("state", list(OrderState)[1:], ids=lambda state: state.name.lower())
def test_every_answer_in_every_state(state: OrderState, event: OrderEvent) -> None:
    desk = Desk()
    order = desk.in_state(state)
    assert desk.state(order) is state
    after = CELLS[state, event]
    held, cash = desk.position, desk.cash
    is_fill = event in (OrderEvent.FILL_PART, OrderEvent.FILL_LAST)
    if after is None:
        leaves = int(desk.row(order)["quantity_lots"] - desk.row(order)["filled_lots"])
        lots = 1 if event is OrderEvent.FILL_PART else max(leaves, 1)
        row = desk.row(order).copy()
        desk.hears(event, order)
        assert is_fill or desk.row(order) == row, "what cannot be has changed the order"
        # what was filled is held all the same; a held child that the venue has filled is held no more
        assert desk.state(order) is (OrderState.FILLED if is_fill and state is OrderState.HELD else state)
        assert (desk.position, desk.cash) == ((held + lots, cash - 100.0 * lots) if is_fill else (held, cash))
        wrong = AlarmKind.OVERFILL if is_fill and state is OrderState.FILLED else AlarmKind.IMPOSSIBLE_STATE
        assert desk.alarms() == [(wrong, order, desk.kind_of(event), state)]
        assert desk.view.stance("X") is Stance.REDUCE_ONLY
        return
    assert desk.alarms() == []
    desk.hears(event, order)
    assert desk.state(order) is after
    if is_fill:
        assert desk.position > held and desk.cash == cash - 100.0 * (desk.position - held)
    else:
        assert (desk.position, desk.cash) == (held, cash)
    if after > OrderState.FILLED:
        assert desk.row(order)["reason"] != Reason.NONE
    if after.is_done:
        assert desk.row(order)["done_ns"] > 0


@pytest.mark.parametrize("state", list(OrderState)[1:], ids=lambda state: state.name.lower())
def test_what_we_ask_in_every_state(state: OrderState) -> None:
    for event, ask in ((OrderEvent.ASK_CANCEL, Desk.cancel), (OrderEvent.ASK_REPLACE, lambda desk, order: desk.replace(order, 98.0))):
        desk = Desk()
        order = desk.in_state(state)
        sent = len(desk.trader.used("outbox"))
        after = CELLS[state, event]
        asked = ask(desk, order)
        assert desk.state(order) is (state if after is None else after)
        assert not desk.trader.record["broken"][0]
        assert desk.alarms() == []
        is_repeated = state is OrderState.PENDING_CANCEL and event is OrderEvent.ASK_CANCEL
        is_restrained = state is OrderState.UNKNOWN and event is OrderEvent.ASK_REPLACE  # its instrument may only reduce
        assert asked == (after is not None and not is_repeated and not is_restrained)
        is_silent = state is OrderState.HELD or not asked
        assert len(desk.trader.used("outbox")) - sent == (0 if is_silent else 1)


def test_a_fill_overtakes_the_acknowledgement() -> None:
    desk = Desk()
    order = desk.submit()
    desk.fill(order, 4)
    assert (desk.state(order), desk.position) == (OrderState.PARTIAL, 4)
    desk.hears(OrderEvent.ACCEPT, order)
    assert desk.state(order) is OrderState.PARTIAL
    desk.fill(order, 6)
    assert (desk.state(order), desk.position, desk.cash) == (OrderState.FILLED, 10, 1e6 - 1000)


def test_a_late_fill_after_a_cancel_counts() -> None:
    desk = Desk()
    order = desk.submit()
    desk.hears(OrderEvent.ACCEPT, order)
    desk.cancel(order)
    desk.hears(OrderEvent.CANCEL, order)
    desk.fill(order, 3, price=99, fee=0.5)
    assert desk.state(order) is OrderState.CANCELLED
    assert (desk.position, desk.cash) == (3, 1e6 - 3 * 99 - 0.5)
    assert desk.row(order)["filled_lots"] == 3
    desk.fill(order, 7)  # so nothing was left to cancel
    assert (desk.state(order), desk.position) == (OrderState.FILLED, 10)


def test_a_cancel_that_is_refused_gives_a_partly_filled_order_back_as_partial() -> None:
    desk = Desk()
    order = desk.submit()
    desk.hears(OrderEvent.ACCEPT, order)
    desk.fill(order, 2)
    desk.cancel(order)
    desk.hears(OrderEvent.REJECT_CANCEL, order)
    assert desk.state(order) is OrderState.PARTIAL


def test_two_replaces_under_way_are_both_answered() -> None:
    desk = Desk()
    order = desk.submit()
    desk.hears(OrderEvent.ACCEPT, order)
    assert desk.replace(order, 99.0)
    assert desk.replace(order, 98.0)
    for limit in (99, 98):
        desk.say(Kind.ORDER_REPLACED, order, 0, 10, limit, 0)
    assert desk.state(order) is OrderState.WORKING
    assert desk.row(order)["limit_ticks"] == 98


def test_what_works_is_what_counts() -> None:
    """The leaves that count against exposure follow the order: from submission to its end or to the asking for a cancel."""
    desk = Desk()
    positions = desk.trader.tables["positions"]
    order = desk.submit()
    assert positions["buy_lots"][0] == 10
    desk.hears(OrderEvent.ACCEPT, order)
    desk.fill(order, 4)
    assert positions["buy_lots"][0] == 6
    desk.cancel(order)
    assert positions["buy_lots"][0] == 0
    desk.hears(OrderEvent.REJECT_CANCEL, order)
    assert positions["buy_lots"][0] == 6
    desk.hears(OrderEvent.FILL_LAST, order)
    assert positions["buy_lots"][0] == 0


HOUR = 3_600_000_000_000


class Racing(Strategy):
    """Rests a limit below the market, and takes it back after the third bar."""

    def on_start(self, view: View) -> None:
        self.told: list[tuple[int, str]] = []

    def on_bar(self, view: View, bar: Bar) -> None:
        number = view.bar_count("X")
        if number == 1:
            view.order("X", 5, limit=95.0)
        elif number == 3:
            assert view.cancel(0)
            assert not view.cancel(0), "asked twice"

    def on_order(self, view: View, order: OrderView) -> None:
        if order.state is not OrderState.PENDING_CANCEL:  # what we asked for ourselves is no news
            self.told.append((view.now_ns // (HOUR // 60), order.state.name))


def hourly(*bars: tuple[int, int, int, int]) -> np.ndarray:
    rows = [(n * HOUR, n * HOUR, Kind.BAR, 0, 0, *prices, 1000) for n, prices in enumerate(bars, 1)]
    return np.array(rows, dtype=EVENT)


def test_a_cancel_loses_its_race() -> None:
    # The limit needs 30 minutes to the venue, as does the cancel of 3:00. The bar of 3:00 to 4:00 trades through it: the fill
    # is made with the stamp of the bar, after the cancel has arrived at 3:30. With 90 minutes the fill comes first.
    bars = hourly((100, 101, 99, 100), (100, 101, 99, 100), (100, 101, 99, 100), (100, 101, 90, 92), (92, 93, 91, 92), (92, 92, 92, 92))
    tape = build({}, {"X": Instrument("X", tick=Step(1, 1), calendar="24/7")}, extra=bars)
    early, late = Racing(), Racing()
    won = backtest(early, tape, latency={"entry_ns": HOUR // 2, "response_ns": HOUR // 6})
    lost = backtest(late, tape, latency={"entry_ns": 3 * HOUR // 2, "response_ns": HOUR // 6})
    assert won.orders["state"].tolist() == ["CANCELLED"] and len(won.fills) == 0
    assert won.orders["reason"].tolist() == ["USER"]
    assert early.told == [(100, "WORKING"), (220, "CANCELLED")]
    assert lost.orders["state"].tolist() == ["FILLED"]
    assert lost.fills[["quantity", "price"]].to_numpy().tolist() == [[5.0, 95.0]]
    assert lost.positions["X"].iloc[-1] == 5.0
    assert late.told == [(160, "WORKING"), (250, "FILLED"), (280, "FILLED")]
    kinds = [Kind(int(kind)).name for kind in lost.audit.records["kind"] if kind != Kind.TAPE]
    assert kinds == ["ORDER_SUBMIT", "ORDER_ACCEPTED", "ORDER_CANCEL", "ORDER_FILLED", "ORDER_CANCEL_REJECTED"]
    filled = lost.audit.records[lost.audit.records["kind"] == Kind.ORDER_FILLED][0]
    assert (filled["ts_venue_ns"], filled["ts_local_ns"]) == (4 * HOUR, 4 * HOUR + HOUR // 6)


class Twice(Strategy):
    """Changes its limit twice at once."""

    def on_bar(self, view: View, bar: Bar) -> None:
        if view.bar_count("X") == 1:
            view.order("X", 5, limit=80.0)
        elif view.bar_count("X") == 2:
            assert view.replace(0, limit=81.0)
            assert view.replace(0, limit=95.0)


def test_a_limit_changed_twice_at_once_has_the_last_terms() -> None:
    bars = hourly((100, 101, 99, 100), (100, 101, 99, 100), (100, 101, 90, 92), (92, 92, 92, 92))
    tape = build({}, {"X": Instrument("X", tick=Step(1, 1), calendar="24/7")}, extra=bars)
    assert backtest(Twice(), tape).fills["price"].tolist() == [95.0]


class Answering(Strategy):
    """Rests two limits that one bar fills, and orders again from the hook that hears of the first."""

    def on_start(self, view: View) -> None:
        self.told: list[tuple[int, str]] = []

    def on_bar(self, view: View, bar: Bar) -> None:
        if view.bar_count("X") == 1:
            view.order("X", 1, limit=95.0)
            view.order("X", 2, limit=94.0)

    def on_order(self, view: View, order: OrderView) -> None:
        self.told.append((order.order_id, order.state.name))
        if (order.order_id, order.state.name) == (0, "FILLED"):
            view.order("X", -1, limit=200.0)


def test_ordering_from_the_order_hook_loses_no_news() -> None:
    bars = hourly((100, 101, 99, 100), (100, 101, 90, 92), (92, 92, 92, 92), (92, 92, 92, 92))
    tape = build({}, {"X": Instrument("X", tick=Step(1, 1), calendar="24/7")}, extra=bars)
    strategy = Answering()
    result = backtest(strategy, tape)
    assert strategy.told == [(0, "WORKING"), (1, "WORKING"), (0, "FILLED"), (1, "FILLED"), (2, "WORKING")]
    assert result.orders["state"].tolist() == ["FILLED", "FILLED", "EXPIRED"]
