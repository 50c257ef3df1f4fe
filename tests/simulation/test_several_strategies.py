"""Several strategies in one account, worked out by hand: what each holds and makes, and what is the account's."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest

from framework import Strategies, Strategy, backtest, compiled
from framework.data.tape import Tape, build
from framework.errors import ConfigError, InputError
from framework.reports.tearsheet import render
from framework.schema.event import EVENT, Kind
from framework.schema.instrument import Instrument, InstrumentKind
from framework.schema.units import Step
from framework.simulation.audited_run import replay
from tests.open_tapes import fed_event_by_event

HOUR = 3_600_000_000_000
DAY = 24 * HOUR
BOTH_WAYS = {"allow_short": True, "max_leverage": 2.0}


def tape(prices: list[int], *actions: tuple[int, int, int, int], **terms: Any) -> Tape:
    """Daily bars of a single whole price; actions are (after which bar, kind, w0, w1)."""
    rows = [(n * DAY, n * DAY, Kind.BAR, 0, 0, p, p, p, p, 1000) for n, p in enumerate(prices, 1)]
    rows += [(n * DAY + HOUR, n * DAY + HOUR, kind, 0, 0, w0, w1, 0, 0, 0) for n, kind, w0, w1 in actions]
    return build({}, {"X": Instrument("X", tick=Step(1, 1), calendar="24/7", **terms)}, extra=np.array(rows, dtype=EVENT))


class Buying(Strategy):
    """Orders the quantities of `plan`, aims at those of `aims`, after the bars with these numbers."""

    plan: dict[int, float] = {}  # noqa: RUF012
    aims: dict[int, float] = {}  # noqa: RUF012

    def on_start(self, view: Any) -> None:
        self.read: list[tuple[float, float]] = []
        self.told: list[int] = []

    def on_bar(self, view: Any, bar: Any) -> None:
        number = view.bar_count("X")
        self.read.append((view.position("X"), view.equity))
        if number in self.plan:
            view.order("X", self.plan[number])
        if number in self.aims:
            view.target_quantity("X", self.aims[number])

    def on_order(self, view: Any, order: Any) -> None:
        self.told.append(order.order_id)


class Idle(Strategy):
    """Waits for everything and orders nothing."""

    def on_bar(self, view: Any, bar: Any) -> None:
        assert not view.positions and not view.working_orders()

    def on_order(self, view: Any, order: Any) -> None:
        raise AssertionError("an order of another strategy")


def two(first: Strategy, second: Strategy) -> Strategies:
    return Strategies({"first": first, "second": second}, capital={"first": 0.6, "second": 0.4})


def test_opposite_positions_net_at_the_account_and_add_up() -> None:
    # first buys 5 at 10, second sells 3 at 20; at 40 they have made 5 x 30 and -3 x 20. The account closes 3 of the 5: no lot of theirs
    first, second = Buying(plan={1: 5}), Buying(plan={2: -3})
    result = backtest(two(first, second), tape([10, 10, 20, 30, 40]), risk=BOTH_WAYS)
    assert first.read[-1] == (5.0, 600_150.0) and second.read[-1] == (-3.0, 399_940.0)
    assert result.strategies["pnl"].tolist() == [150.0, -60.0, 0.0]
    assert result.equity.iloc[-1] == 1_000_090.0 and result.positions["X"].iloc[-1] == 2.0
    assert result.fills["owner"].tolist() == result.orders["owner"].tolist() == ["first", "second"]
    assert len(result.trades) == 0
    assert (first.told, second.told) == ([0, 0], [1, 1])  # accepted and filled


def test_both_sides_at_one_bar_and_a_target_that_closes_where_the_account_is_flat() -> None:
    # 5 against 5 at 10 for a fee of 0.50 each; then only the first closes, at 40 for 2: the account is flat, and short 5 after it
    first, second = Buying(plan={1: 5}, aims={3: 0}), Buying(plan={1: -5})
    result = backtest(two(first, second), tape([10, 10, 20, 40, 30]), risk=BOTH_WAYS, costs={"fee_bps": 100.0})
    assert result.positions["X"].tolist() == [0.0, 0.0, 0.0, -5.0, -5.0]
    assert result.strategies["pnl"].tolist() == pytest.approx([150.0 - 2.5, -100.0 - 0.5, 0.0], abs=1e-9)
    assert result.strategies["fees"].tolist() == pytest.approx([2.5, 0.5, 0.0], abs=1e-12)
    assert result.trades[["owner", "pnl"]].to_numpy().tolist() == [["first", 147.5]]


def test_a_reverse_split_leaves_the_account_what_is_whole_only_of_all_together() -> None:
    # 5 and 5 become 2 and 2, a half each paid out at 20; the account has 5, so one that nobody has, which makes 20 up to 40
    members = two(Buying(plan={1: 5}), Buying(plan={1: 5}))
    result = backtest(members, tape([10, 10, 20, 40], (2, Kind.SPLIT, 1, 2)))
    assert result.positions["X"].iloc[-1] == 5.0
    assert result.strategies["pnl"].tolist() == [2 * 40 + 10 - 50, 2 * 40 + 10 - 50, 20.0]


def test_a_dividend_is_received_and_paid_by_whoever_holds() -> None:
    result = backtest(
        two(Buying(plan={1: 5}), Buying(plan={1: -3})), tape([10, 10, 10], (2, Kind.DIVIDEND, 1_000_000_000, 0)), risk=BOTH_WAYS
    )
    assert result.strategies["dividends"].tolist() == [5.0, -3.0, 0.0]
    assert result.income["dividends"] == 2.0


def test_funding_is_paid_between_them_by_what_each_holds() -> None:
    # 1 % of 10 a unit: the account pays 0.30 for 3, of which the first pays 0.50 for 5 and the second receives 0.20 for 2
    terms: dict[str, Any] = {"kind": InstrumentKind.PERPETUAL, "initial_margin": 0.1, "maintenance_margin": 0.05}
    market = tape([10, 10, 10], (2, Kind.FUNDING, 10_000_000, 0), **terms)
    result = backtest(two(Buying(plan={1: 5}), Buying(plan={1: -2})), market, risk=BOTH_WAYS)
    assert result.strategies["charges"].tolist() == pytest.approx([0.5, -0.2, 0.0], abs=1e-12)


def test_a_liquidation_is_shared_by_who_holds_what_it_closes() -> None:
    # 60 and 30 long at 100, 10 short: 80 net. Both long ones lose 80 x 60 / 90 = 53 and 27 of it, the short one nothing
    members = Strategies({"a": Buying(plan={1: 60}), "b": Buying(plan={1: 30}), "c": Buying(plan={1: -10})})
    market = tape([100, 100, 88, 88, 88], kind=InstrumentKind.PERPETUAL, initial_margin=0.1, maintenance_margin=0.05)
    result = backtest(members, market, cash=1_000, risk={"allow_short": True, "max_leverage": 20.0, "liquidates_by": "mark"})
    assert result.orders["owner"].tolist() == ["a", "b", "c", "account"]
    held = [member.read[-1][0] for member in members.members.values()]  # type: ignore[attr-defined]
    assert held == [7.0, 3.0, -10.0] and result.positions["X"].iloc[-1] == 0.0
    assert result.strategies.loc["account", "pnl"] == pytest.approx(0.0, abs=1e-9)


def test_one_that_orders_nothing_changes_nothing_and_one_alone_is_as_without() -> None:
    plan, market = {1: 5, 2: -2, 4: 9}, tape([10, 11, 12, 13, 14, 15])
    alone = backtest(Buying(plan=plan, aims={3: 0}), market)
    single = backtest(Strategies({"only": Buying(plan=plan, aims={3: 0})}), market)
    beside = backtest(two(Buying(plan=plan, aims={3: 0}), Idle()), market)
    columns = ["ts", "side", "quantity", "price", "fee", "order_id"]
    assert len(alone.fills) == 4
    assert single.fills[columns].equals(alone.fills[columns]) and beside.fills[columns].equals(alone.fills[columns])
    assert single.equity.equals(alone.equity)


def test_weights_are_of_the_strategys_own_equity() -> None:
    class Weight(Strategy):
        def on_bar(self, view: Any, bar: Any) -> None:
            view.target_weight("X", 0.5)

    result = backtest(two(Weight(), Weight()), tape([10, 10, 10]))
    assert result.fills[["owner", "quantity"]].to_numpy().tolist() == [["first", 30_000.0], ["second", 20_000.0]]


class Clocked(Strategy):
    """Sets a timer of the usual name, and asks for an order of somebody else."""

    asks: int = -1

    def on_start(self, view: Any) -> None:
        self.heard: list[str] = []
        view.timers.every(dt.timedelta(days=1), name="daily")

    def on_timer(self, view: Any, name: str) -> None:
        self.heard.append(name)
        if 0 <= self.asks < view.next_order_id:
            view.cancel(self.asks)


def test_timers_have_names_of_their_own_and_orders_are_seen_by_their_owner_only() -> None:
    first, second = Clocked(), Clocked()
    backtest(two(first, second), tape([10, 10]))
    assert first.heard == second.heard == ["daily"] * 3  # the market closes at the end of its second day
    with pytest.raises(InputError, match="order 0 is another strategy's"):
        backtest(two(Buying(plan={1: 5}), Clocked(asks=0)), tape([10, 10, 10]))


@compiled
class Compiled(Strategy):
    """Buys after each bar."""

    def on_bar(self, view: Any, bar: Any) -> None:
        view.order(0, 1.0)


def test_parts_an_open_tape_and_a_replay_leave_the_same_record_and_the_header_tells_capital() -> None:
    market = tape([10, 11, 12, 13, 14], (2, Kind.SPLIT, 1, 2), (3, Kind.DIVIDEND, 1_000_000_000, 0))

    def members() -> Strategies:
        return two(Buying(plan={1: 5, 3: -2}, aims={2: 0}), Compiled())

    whole = backtest(members(), market, risk=BOTH_WAYS)
    assert backtest(members(), market, risk=BOTH_WAYS, chunk_events=2).audit_hash == whole.audit_hash
    with fed_event_by_event():
        opened = backtest(members(), market, risk=BOTH_WAYS)
    assert opened.audit_hash == whole.audit_hash and opened.strategies.equals(whole.strategies)
    again = replay(members(), market, whole.audit)
    assert again.audit_hash == whole.audit_hash and again.strategies.equals(whole.strategies)
    other = Strategies(dict(members().members), capital={"first": 0.5, "second": 0.4})
    assert backtest(other, market, risk=BOTH_WAYS).audit_hash != whole.audit_hash
    assert "Strategies, growth of 1" in render(whole) and whole.strategy_equity.sum(axis=1).round(6).equals(whole.equity.round(6))


@pytest.mark.parametrize(
    ("members", "capital", "text"),
    [
        ({}, None, "1 to"),
        ({"account": Idle()}, None, "not 'account'"),
        ({"a": Idle}, None, "an instance of one Strategy"),
        ({"a": Idle()}, {"b": 1.0}, "no such strategy"),
        ({"a": Idle()}, {"a": 0.0}, "above 0"),
        ({"a": Idle(), "b": Idle()}, {"a": 0.7, "b": 0.7}, "adds up to 1.4"),
    ],
)
def test_what_cannot_be_is_refused(members: Any, capital: Any, text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        Strategies(members, capital=capital)
