"""Stances at a trader half alone: what each lets pass, what is cancelled and closed, whose holds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from framework.schema.event import EVENT, Kind
from framework.schema.order import LAST_OWNER, OrderEvent, OrderFlag, OrderState, OrderType, Reason, Side, TimeInForce
from framework.schema.stance import AlarmKind, Scope, Stance
from tests.kernel.desk import Desk

Order = tuple[float, dict[str, Any], Stance]


def with_ten(*symbols: str) -> Desk:
    """A desk that holds 10 lots of the first instrument, bought by order 0 at 100."""
    desk = Desk(*symbols)
    desk.fill(desk.submit(), 10)
    return desk


def say(desk: Desk, stance: Stance, scope: Scope = Scope.INSTRUMENT, key: int = 0) -> None:
    desk.say(Kind.STANCE, scope, key, stance, Reason.USER)


def sent(desk: Desk, start: int) -> list[tuple[Kind, int]]:
    """The commands in the outbox from a place on: kind and order."""
    return [(Kind(int(row["kind"])), int(row["w0"])) for row in desk.trader.used("outbox")[start:]]


# with 10 held: quantity, prices, and the severest stance that lets it pass
ORDERS: list[Order] = [
    (-10.0, {}, Stance.FLATTEN),
    (-10.0, {"limit": 101.0}, Stance.FLATTEN),
    (-4.0, {"stop": 99.0}, Stance.FLATTEN),
    (-30.0, {"reduce_only": True}, Stance.FLATTEN),  # the venue cuts it
    (-11.0, {}, Stance.NO_NEW_RISK),  # through zero to 1 short: no more than is held, but not only a reduction
    (-20.0, {}, Stance.NO_NEW_RISK),
    (-21.0, {}, Stance.NORMAL),  # 21 - 10 = 11 short are more than 10 long
    (1.0, {}, Stance.NORMAL),
    (1.0, {"limit": 90.0}, Stance.NORMAL),
]


@pytest.mark.parametrize("stance", list(Stance))
@pytest.mark.parametrize(("quantity", "terms", "severest"), ORDERS)
def test_what_a_stance_lets_pass(stance: Stance, quantity: float, terms: dict[str, Any], severest: Stance) -> None:
    desk = with_ten()
    say(desk, stance)
    desk.trader.record["outbox_count"] = 0
    if stance is Stance.FLATTEN:
        desk.hears(OrderEvent.REJECT, 1)  # what closes the position by itself
    order = desk.view.order("X", quantity, **terms)
    if stance <= severest:
        assert desk.state(order) is OrderState.PENDING
        return
    row = desk.row(order)
    assert desk.state(order) is OrderState.REFUSED
    assert (row["reason"], row["need"], row["have"]) == (Reason.STANCE, stance, severest)
    assert sent(desk, 0) == []


def test_what_works_already_leaves_less_to_reduce() -> None:
    desk = with_ten()
    say(desk, Stance.REDUCE_ONLY)
    assert desk.state(desk.view.order("X", -6, limit=101.0)) is OrderState.PENDING
    assert desk.state(desk.view.order("X", -6)) is OrderState.REFUSED
    assert desk.state(desk.view.order("X", -4)) is OrderState.PENDING
    assert desk.state(desk.view.order("X", -1, stop=99.0)) is OrderState.REFUSED


def test_a_target_of_zero_passes_and_one_across_zero_does_not() -> None:
    desk = with_ten()
    say(desk, Stance.REDUCE_ONLY)
    assert desk.state(desk.view.target_quantity("X", -5)) is OrderState.REFUSED
    assert desk.state(desk.view.target_quantity("X", 12)) is OrderState.REFUSED
    assert desk.state(desk.view.target_quantity("X", 0)) is OrderState.PENDING


def test_a_change_is_judged_as_a_new_order() -> None:
    desk = with_ten()
    opens, closes = desk.view.order("X", 5, limit=90.0), desk.view.order("X", -5, limit=110.0)
    say(desk, Stance.REDUCE_ONLY)
    assert not desk.view.replace(opens, limit=91.0)
    assert desk.view.replace(closes, limit=109.0)
    assert not desk.view.replace(closes, quantity=11)
    say(desk, Stance.KILLED)
    assert not desk.view.replace(closes, limit=108.0)


def test_the_severest_of_the_four_holds() -> None:
    desk = Desk("X", "Y")
    desk.trader.record["owner"] = 3
    assert (desk.view.stance("X"), desk.view.stance("Y")) == (Stance.NORMAL, Stance.NORMAL)
    say(desk, Stance.NO_NEW_RISK, Scope.FIRM)
    say(desk, Stance.REDUCE_ONLY, Scope.INSTRUMENT, 1)
    assert (desk.view.stance("X"), desk.view.stance("Y")) == (Stance.NO_NEW_RISK, Stance.REDUCE_ONLY)
    say(desk, Stance.CANCEL_ALL, Scope.OWNER, 3)
    say(desk, Stance.KILLED, Scope.OWNER, LAST_OWNER)
    assert desk.view.stance("X") is Stance.CANCEL_ALL
    desk.trader.record["owner"] = 4
    assert desk.view.stance("X") is Stance.NO_NEW_RISK
    desk.trader.record["owner"] = LAST_OWNER
    assert desk.view.stance("Y") is Stance.KILLED
    desk.trader.record["owner"] = 0
    say(desk, Stance.NORMAL, Scope.FIRM)
    assert (desk.view.stance("X"), desk.view.stance("Y")) == (Stance.NORMAL, Stance.REDUCE_ONLY)
    say(desk, Stance.FLATTEN, Scope.ACCOUNT)
    assert (desk.view.stance("X"), desk.view.stance("Y")) == (Stance.FLATTEN, Stance.FLATTEN)


@pytest.mark.parametrize(("scope", "key", "expected"), [(0, 0, [0, 1, 2, 4]), (0, 1, [3]), (1, 7, [3, 4]), (2, 0, [0, 1, 2, 3, 4])])
def test_cancel_all_cancels_what_works_in_its_scope(scope: int, key: int, expected: list[int]) -> None:
    desk = Desk("X", "Y")
    desk.view.bracket("X", 5, target=120.0, loss=80.0, limit=95.0)  # 0, with the held 1 and 2
    desk.trader.record["owner"] = 7
    desk.view.order("Y", 5, limit=95.0)
    desk.view.order("X", -5, limit=105.0)
    before = len(desk.trader.used("outbox"))
    say(desk, Stance.CANCEL_ALL, Scope(scope), key)
    cancelled = [k for k in range(5) if desk.state(k) in (OrderState.PENDING_CANCEL, OrderState.CANCELLED)]
    assert cancelled == expected
    assert sent(desk, before) == [(Kind.ORDER_CANCEL, k) for k in expected if k not in (1, 2)]  # nobody has to agree to a held one's
    assert {int(desk.row(k)["reason"]) for k in expected} == {Reason.STANCE}
    say(desk, Stance.CANCEL_ALL, Scope(scope), key)
    assert len(desk.trader.used("outbox")) == before + len([k for k in expected if k not in (1, 2)]), "asked twice"


def test_the_brokers_order_stays() -> None:
    desk = with_ten()
    packed = int(OrderType.MARKET) | (int(OrderFlag.REDUCE_ONLY | OrderFlag.LIQUIDATION) << 16) | (1 << 40)
    desk.say(Kind.ORDER_PLACED, 1, packed, 10)
    say(desk, Stance.KILLED)
    assert desk.state(1) is OrderState.WORKING


def test_flatten_closes_by_a_reduce_only_order_and_again_after_a_late_fill() -> None:
    desk = with_ten()
    late = desk.view.order("X", 4, limit=99.0)
    before = len(desk.trader.used("outbox"))
    say(desk, Stance.FLATTEN)
    close = late + 1
    assert sent(desk, before) == [(Kind.ORDER_CANCEL, late), (Kind.ORDER_SUBMIT, close)]
    row = desk.row(close)
    assert (row["side"], row["quantity_lots"], row["type"], row["flags"]) == (Side.SELL, 10, OrderType.MARKET, OrderFlag.REDUCE_ONLY)
    desk.fill(late, 4)  # the cancel loses its race
    again = close + 1
    assert (int(desk.row(again)["quantity_lots"]), desk.row(again)["side"]) == (4, Side.SELL)
    desk.fill(close, 10)
    desk.fill(again, 4)
    assert (desk.position, desk.view.next_order_id) == (0, again + 1)
    say(desk, Stance.FLATTEN)
    assert desk.view.next_order_id == again + 1, "nothing is left to close"


def test_flatten_closes_a_short_too_and_no_other_instrument() -> None:
    desk = Desk("X", "Y")
    for symbol, quantity in (("X", -3.0), ("Y", 2.0)):
        order = desk.view.order(symbol, quantity)
        desk.take(Kind.ORDER_FILLED, ("X", "Y").index(symbol), order, 100, int(abs(quantity)))
    say(desk, Stance.FLATTEN)
    assert desk.view.next_order_id == 3
    assert (desk.row(2)["instrument"], desk.row(2)["side"], desk.row(2)["quantity_lots"]) == (0, Side.BUY, 3)


def test_killed_cancels_and_leaves_positions_alone() -> None:
    desk = with_ten()
    order = desk.view.order("X", 4, limit=99.0)
    say(desk, Stance.KILLED, Scope.FIRM)
    assert desk.state(order) is OrderState.PENDING_CANCEL
    say(desk, Stance.FLATTEN)  # the firm's is severer
    assert desk.view.next_order_id == order + 1
    assert not desk.cancel(order)


def test_flatten_of_a_strategy_cancels_only() -> None:
    desk = with_ten()
    order = desk.view.order("X", 4, limit=99.0)
    say(desk, Stance.FLATTEN, Scope.OWNER, 0)
    assert desk.state(order) is OrderState.PENDING_CANCEL
    assert desk.view.next_order_id == order + 1


@pytest.mark.parametrize(("stance", "opens"), [(Stance.NO_NEW_RISK, OrderState.CANCELLED), (Stance.NORMAL, OrderState.PENDING)])
def test_a_child_that_a_stance_refuses_is_not_released(stance: Stance, opens: OrderState) -> None:
    desk = Desk()
    parent = desk.submit()
    further = desk.view.order("X", 5, limit=98.0, parent=parent)
    stop = desk.view.order("X", -10, stop=90.0, parent=parent)
    say(desk, stance)
    desk.fill(parent, 10)
    assert desk.state(further) is opens
    assert desk.state(stop) is OrderState.PENDING, "what only closes what its parent has opened is always released"
    assert int(desk.row(further)["reason"]) == (Reason.STANCE if stance else Reason.NONE)


def test_an_exit_of_an_order_at_work_can_be_added() -> None:
    desk = Desk()
    parent = desk.submit()
    say(desk, Stance.REDUCE_ONLY)
    assert desk.state(desk.view.order("X", -10, stop=90.0, parent=parent)) is OrderState.HELD
    assert desk.state(desk.view.order("X", 5, limit=98.0, parent=parent)) is OrderState.REFUSED
    assert desk.state(desk.view.order("X", -11, stop=90.0, parent=parent)) is OrderState.REFUSED, "more than it opens"


def test_the_broker_places_no_order_that_there_is() -> None:
    desk = Desk()
    order = desk.submit()
    desk.say(Kind.ORDER_PLACED, order, 0, 5)
    assert desk.alarms() == [(AlarmKind.IMPOSSIBLE_STATE, order, Kind.ORDER_PLACED, OrderState.PENDING)]
    assert desk.row(order)["quantity_lots"] == 10


def test_an_unknown_order_counts_and_its_instrument_may_only_reduce() -> None:
    desk = Desk("X", "Y")
    positions = desk.trader.tables["positions"]
    one, two = desk.submit(), desk.submit()
    desk.hears(OrderEvent.ACCEPT, one)
    desk.cancel(one)
    assert positions["buy_lots"][0] == 10
    desk.hears(OrderEvent.LOSE, one)
    assert positions["buy_lots"][0] == 20, "the cancel may never have come to the venue"
    desk.hears(OrderEvent.LOSE, two)
    assert (desk.view.stance("X"), desk.view.stance("Y")) == (Stance.REDUCE_ONLY, Stance.NORMAL)
    assert [order.order_id for order in desk.view.working_orders()] == [one, two]
    assert not desk.view.is_done(one)
    assert desk.state(desk.submit()) is OrderState.REFUSED
    desk.fill(one, 3)
    assert (desk.state(one), desk.position, positions["buy_lots"][0]) == (OrderState.PARTIAL, 3, 17)
    assert desk.view.stance("X") is Stance.REDUCE_ONLY, "the other is unknown still"
    desk.hears(OrderEvent.CANCEL, two)
    assert (desk.view.stance("X"), positions["buy_lots"][0]) == (Stance.NORMAL, 7)
    assert desk.state(desk.submit()) is OrderState.PENDING
    assert desk.alarms() == []


def test_an_unknown_order_is_found_again_as_partly_filled() -> None:
    desk = Desk()
    order = desk.submit()
    desk.fill(order, 2)
    desk.hears(OrderEvent.LOSE, order)
    desk.hears(OrderEvent.ACCEPT, order)
    assert desk.state(order) is OrderState.PARTIAL


def test_flatten_orders_beside_an_unknown_order() -> None:
    """What an unknown order does is not waited for: a reduce-only order never closes more than there is."""
    desk = with_ten()
    unknown = desk.view.order("X", -10)
    desk.hears(OrderEvent.LOSE, unknown)
    say(desk, Stance.FLATTEN)
    assert (desk.row(unknown + 1)["quantity_lots"], desk.row(unknown + 1)["flags"]) == (10, OrderFlag.REDUCE_ONLY)


def test_answers_of_before_a_split_count_other_lots() -> None:
    desk = with_ten()
    order = desk.submit()
    split = np.array([(2_000, 2_000, Kind.SPLIT, 0, 0, 1, 2, 0, 0, 0)], dtype=EVENT)  # one new for two old
    desk.see(split)
    assert (desk.position, desk.row(order)["quantity_lots"]) == (5, 5)
    desk.fill(order, 10)  # stamped 1,000 by the venue
    assert desk.alarms() == [] and desk.state(order) is OrderState.FILLED
    second = desk.submit(quantity=5)
    desk.take(Kind.ORDER_FILLED, 0, second, 100, 10)
    assert desk.alarms() == []
    desk.now_ns = 3_000
    third = desk.submit(quantity=5)
    desk.fill(third, 6)
    assert desk.alarms() == [(AlarmKind.OVERFILL, third, Kind.ORDER_FILLED, OrderState.PENDING)]


def test_an_order_is_not_changed_to_less_than_has_filled() -> None:
    desk = Desk()
    order = desk.submit()
    desk.fill(order, 4)
    desk.say(Kind.ORDER_REPLACED, order, 0, 3, 100, 0)
    assert desk.alarms() == [(AlarmKind.OUT_OF_RANGE, order, Kind.ORDER_REPLACED, OrderState.PARTIAL)]
    assert (desk.state(order), desk.row(order)["quantity_lots"]) == (OrderState.PARTIAL, 10)
    desk.say(Kind.ORDER_REPLACED, order, 0, 4, 100, 0)
    assert len(desk.alarms()) == 1


def test_an_alarm_that_names_no_instrument_restrains_the_account() -> None:
    desk = Desk("X", "Y")
    desk.take(Kind.ORDER_FILLED, 7, 0, 100, 1)
    assert desk.alarms() == [(AlarmKind.UNKNOWN_ORDER, 0, Kind.ORDER_FILLED, OrderState.NONE)]
    assert (desk.view.stance("X"), desk.view.stance("Y")) == (Stance.REDUCE_ONLY, Stance.REDUCE_ONLY)
    say(desk, Stance.NORMAL, Scope.ACCOUNT)
    desk.take(Kind.ORDER_FILLED, 1, 0, 100, 1)
    assert (desk.view.stance("X"), desk.view.stance("Y")) == (Stance.NORMAL, Stance.REDUCE_ONLY)


def test_an_alarm_eases_no_severer_stance() -> None:
    desk = Desk()
    say(desk, Stance.KILLED)
    logged = len(desk.trader.used("log"))
    desk.take(Kind.ORDER_FILLED, 0, 0, 100, 1)
    assert desk.view.stance("X") is Stance.KILLED
    assert desk.trader.used("log")["kind"][logged:].tolist() == [Kind.TAPE, Kind.ALARM]


def test_a_record_replayed_raises_the_same_alarms() -> None:
    said = [
        (Kind.ORDER_FILLED, 0, 5, 100, 1),
        (Kind.STANCE, Scope.INSTRUMENT, 0, Stance.NORMAL, Reason.USER),
        (Kind.ORDER_CANCELLED, 0, 5, Reason.USER),
        (Kind.STANCE, Scope.FIRM, 0, Stance.NO_NEW_RISK, Reason.USER),
    ]
    first, second = Desk(), Desk()
    outside = np.zeros(len(said), dtype=EVENT)
    for row, (kind, *words) in zip(outside, said, strict=True):
        row["ts_local_ns"] = row["ts_venue_ns"] = 2_000
        row["kind"] = kind
        at = 0 if kind is Kind.STANCE else 1  # the others name an instrument, the first
        for k, value in enumerate(words[at:]):
            row[f"w{k}"] = value
    for k in range(len(outside)):
        first.replay(outside[k : k + 1])
    log = first.trader.used("log").copy()
    derived = [Kind.ALARM, Kind.STANCE]
    assert log["kind"].tolist() == [Kind.TAPE, Kind.ORDER_FILLED, *derived, Kind.STANCE, Kind.ORDER_CANCELLED, *derived, Kind.STANCE]
    second.replay(log)
    assert second.trader.used("log").tobytes() == first.trader.used("log").tobytes()
    assert second.view.stance("X") is Stance.REDUCE_ONLY


def test_an_order_knows_its_owner() -> None:
    desk = Desk()
    desk.trader.record["owner"] = LAST_OWNER
    parent = desk.submit()
    desk.trader.record["owner"] = 5
    child = desk.submit(parent=parent)
    other = desk.submit()
    assert [int(desk.row(k)["owner"]) for k in (parent, child, other)] == [LAST_OWNER, LAST_OWNER, 5]
    words = {int(row["w0"]): int(row["w1"]) for row in desk.trader.used("outbox") if row["kind"] == Kind.ORDER_SUBMIT}
    assert (words[parent] >> 48, words[other] >> 48) == (LAST_OWNER, 5)
    desk.fill(parent, 10)
    assert int(desk.trader.used("outbox")[-2]["w1"]) >> 48 == LAST_OWNER


def test_a_submit_carries_the_owner_beside_its_terms() -> None:
    desk = Desk()
    desk.trader.record["owner"] = 9
    desk.view.order("X", -2, limit=120.0, time_in_force="day", post_only=True)
    word = int(desk.trader.used("outbox")[0]["w1"])
    assert word == OrderType.LIMIT | (TimeInForce.DAY << 8) | (OrderFlag.POST_ONLY << 16) | (1 << 40) | (9 << 48)
    desk.say(Kind.ORDER_PLACED, 1, word | (LAST_OWNER << 48), 2)
    names = ("type", "time_in_force", "flags", "side", "owner")
    assert [int(desk.row(1)[name]) for name in names] == [OrderType.LIMIT, TimeInForce.DAY, OrderFlag.POST_ONLY, Side.SELL, LAST_OWNER]
