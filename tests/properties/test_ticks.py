"""Fills on books told by level, against a venue written plainly: one list of happenings in the order of the venue's clock."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from framework import Instrument, Strategy, backtest
from framework.data.tape import build
from framework.schema.event import EVENT, Flag, Kind
from framework.schema.units import Step

_BUY, _SELL, _LAST = int(Flag.BUY), int(Flag.SELL), int(Flag.LAST)
_START = 1_700_000_000_000_000_000
_MS = 1_000_000


def tape_of(random: np.random.Generator, messages: int) -> NDArray[np.void]:
    """A random book around 1,000 ticks and its trades. Trades and updates of levels come as they like: also without each other."""
    rows: list[tuple[int, int, int, int, int]] = []
    levels = {1: {999 - k: 5 + k for k in range(6)}, -1: {1001 + k: 5 + k for k in range(6)}}
    ns = _START
    first = [(side, price, lots) for side in (1, -1) for price, lots in levels[side].items()]
    for k, (side, price, lots) in enumerate(first):
        flags = int(Flag.SNAPSHOT) | (int(Flag.CLEAR) if k == 0 else 0) | (_LAST if k == len(first) - 1 else 0)
        rows.append((ns, int(Kind.DEPTH), flags | (_BUY if side > 0 else _SELL), price, lots))
    for _ in range(messages):
        ns += int(random.integers(1, 4)) * _MS
        if random.random() < 0.3:
            side = int(random.choice([1, -1]))
            best = max(levels[1], default=999) if side > 0 else min(levels[-1], default=1001)
            price, lots = best - side * int(random.integers(0, 2)), int(random.integers(1, 8))
            rows.append((ns, int(Kind.TRADE), _SELL if side > 0 else _BUY, price, lots))
            continue
        count = int(random.integers(1, 3))
        for k in range(count):
            side = int(random.choice([1, -1]))
            price = 1000 - side * int(random.integers(0, 6)) if random.random() < 0.9 else 1000 + side
            lots = int(random.choice([0, 1, 2, 4, 8, 12]))
            rows.append((ns, int(Kind.DEPTH), (_BUY if side > 0 else _SELL) | (_LAST if k == count - 1 else 0), price, lots))
            levels[side][price] = lots
            levels[side] = {p: n for p, n in levels[side].items() if n}
    events = np.zeros(len(rows), dtype=EVENT)
    for name, column in zip(("ts_venue_ns", "kind", "flags", "w0", "w1"), zip(*rows, strict=True), strict=True):
        events[name] = column
    events["ts_local_ns"] = events["ts_venue_ns"]
    return events


@dataclass
class Plan:
    """An order to send at a moment, and for how long it stands until a cancel is sent."""

    ns: int
    side: int
    lots: int
    limit: int
    force: str
    cancel_after_ns: int


def plans_of(random: np.random.Generator, until_ns: int, count: int) -> list[Plan]:
    found = []
    for _ in range(count):
        ns = int(random.integers(_START // _MS + 1, until_ns // _MS)) * _MS + 500_000
        limit = 0 if random.random() < 0.15 else 1000 + int(random.integers(-4, 5))
        force = str(random.choice(["GTC", "GTC", "GTC", "IOC", "FOK"]))
        found.append(Plan(ns, int(random.choice([1, -1])), int(random.integers(1, 9)), limit, force, int(random.integers(1, 200)) * _MS))
    return sorted(found, key=lambda plan: plan.ns)


class Planned(Strategy):
    """Sends the plans and their cancels."""

    def __init__(self, plans: list[Plan]) -> None:
        super().__init__()
        self.moments: dict[int, list[tuple[str, int]]] = {}
        self.plans = plans
        for k, plan in enumerate(plans):
            self.moments.setdefault(plan.ns, []).append(("send", k))
            self.moments.setdefault(plan.ns + plan.cancel_after_ns, []).append(("cancel", k))

    def on_start(self, view: Any) -> None:
        self.ids: dict[int, int] = {}
        for ns in self.moments:
            view.timers.once(pd.Timestamp(ns, tz="UTC").to_pydatetime(), name=str(ns))

    def on_timer(self, view: Any, name: str) -> None:
        for what, k in self.moments[view.now_ns]:
            plan = self.plans[k]
            if what == "send":
                limit = float(plan.limit) if plan.limit else None
                self.ids[k] = view.order("X", plan.side * plan.lots, limit=limit, time_in_force=plan.force)
            else:
                view.cancel(self.ids[k])


class PlainVenue:
    """One instrument, books by level; `share` is the part of a cancel that comes from behind an order, of (ahead, behind)."""

    def __init__(self, share: Any, rules: dict[str, Any]) -> None:
        self.share, self.book, self.taken = share, {1: {}, -1: {}}, {}
        self.self_trade = rules.get("self_trade", "cancel_newest")
        self.is_pro_rata, self.minimum = rules.get("matching") == "pro_rata", rules.get("pro_rata_minimum_lots", 1)
        self.fifo_share = Fraction(str(rules.get("pro_rata_fifo_share", 0)))
        self.prevented = 0
        self.orders: list[dict[str, Any]] = []
        self.fills: list[tuple[int, int, int, int, bool]] = []

    def best(self, side: int) -> int | None:
        return (max if side > 0 else min)(self.book[side], default=None)

    def arrive(self, ns: int, k: int, plan: Plan) -> None:
        order = {"k": k, "plan": plan, "left": plan.lots, "since": ns, "rests": False, "ahead": 0.0, "passed": 0.0}
        self.orders.append(order)
        opposite = self.best(-plan.side)
        crosses = opposite is not None and (plan.limit - opposite) * plan.side >= 0
        if plan.limit and not crosses and plan.force == "GTC":
            self.meet_ours(order, None)
            if order["left"]:
                self.rest(order)
            self.orders = [order for order in self.orders if order["left"]]

    def first_of_ours(self, order: dict[str, Any], before: int | None) -> dict[str, Any] | None:
        """Our resting order that this one reaches first at a price better than `before`."""
        plan = order["plan"]
        resting = [o for o in self.orders if o["rests"] and o["left"] and o["plan"].side == -plan.side]
        reached = [o for o in resting if not plan.limit or (plan.limit - o["plan"].limit) * plan.side >= 0]
        better = [o for o in reached if before is None or (before - o["plan"].limit) * plan.side > 0]
        return min(better, key=lambda o: o["plan"].limit * plan.side, default=None)

    def prevent(self, order: dict[str, Any], other: dict[str, Any]) -> None:
        self.prevented += 1
        lots = min(order["left"], other["left"])
        if self.self_trade == "decrement":
            order["left"] -= lots
            other["left"] -= lots
        if self.self_trade in ("cancel_newest", "cancel_both"):
            order["left"] = 0
        if self.self_trade in ("cancel_oldest", "cancel_both"):
            other["left"] = 0

    def meet_ours(self, order: dict[str, Any], before: int | None) -> None:
        while self.self_trade != "none" and order["left"]:
            other = self.first_of_ours(order, before)
            if other is None:
                return
            self.prevent(order, other)

    def rest(self, order: dict[str, Any]) -> None:
        plan = order["plan"]
        order.update(rests=True, ahead=float(self.book[plan.side].get(plan.limit, 0)), passed=0.0)

    def cancel(self, k: int) -> None:
        self.orders = [order for order in self.orders if order["k"] != k]

    def fill(self, ns: int, order: dict[str, Any], lots: int, price: int) -> int:
        lots = max(min(lots, order["left"]), 0)
        if lots:
            order["left"] -= lots
            self.fills.append((ns, order["k"], lots, price, order["rests"]))
        return lots

    def level(self, side: int, price: int, lots: int) -> None:
        before = self.book[side].get(price, 0)
        self.taken.pop((side, price), None)
        if lots:
            self.book[side][price] = lots
        else:
            self.book[side].pop(price, None)
        if before == lots:
            return
        for order in self.orders:
            plan = order["plan"]
            if order["rests"] and plan.side == side and plan.limit == price:
                gone, order["passed"] = before - lots - order["passed"], 0.0
                if gone > 0:
                    ahead, behind = order["ahead"], before - order["ahead"]
                    share = self.share(ahead, behind)
                    order["ahead"] = ahead - (1 - share) * gone + min(behind - share * gone, 0.0)
                order["ahead"] = min(order["ahead"], float(lots))

    def trade(self, ns: int, hit: int, price: int, lots: int) -> None:
        left, ours = lots, 0
        resting = [o for o in self.orders if o["rests"] and o["since"] < ns and o["plan"].side == hit]
        reached = [o for o in resting if (o["plan"].limit - price) * hit >= 0]
        for order in sorted(reached, key=lambda o: -o["plan"].limit * hit):  # stable: then by arrival
            if order["plan"].limit == price and self.is_pro_rata:
                self.share_out(ns, hit, [o for o in reached if o["plan"].limit == price], price, left, lots)
                break
            due = left
            if order["plan"].limit == price:
                order["ahead"] -= lots
                order["passed"] += lots
                past = int(np.floor(0.5 - order["ahead"]))
                if past > 0:
                    order["ahead"] = 0.0
                due = min(left, min(max(past, 0), lots) - ours)
            done = self.fill(ns, order, due, order["plan"].limit)
            left -= done
            ours += done if order["plan"].limit == price else 0
        self.orders = [order for order in self.orders if order["left"]]

    def share_out(self, ns: int, side: int, orders: list[dict[str, Any]], price: int, lots: int, traded: int) -> None:
        """`lots` by the steps of CME's algorithms C and K; the others are one order. `traded` moves the lines."""
        others = max(self.book[side].get(price, 0) - int(orders[0]["passed"]), 0)
        theirs, first, ours = others, int(lots * self.fifo_share), 0
        for order in orders:  # 1. in order of arrival
            ours += self.fill(ns, order, min(int(np.floor(first + 0.5 - order["ahead"])), first) - ours, price)
        theirs, rest = max(theirs - (first - ours), 0), lots - first
        total = theirs + sum(order["left"] for order in orders)
        if rest and total:  # 2. by size
            shares = [min(rest * order["left"] // total, order["left"]) for order in orders]
            got = sum(self.fill(ns, order, due, price) for order, due in zip(orders, shares, strict=True) if due >= self.minimum)
            taken = min(rest * theirs // total, theirs)
            theirs, left = theirs - taken, rest - got - taken
            for order in orders:  # 3. in order of arrival: ours without a line, others, the rest of ours
                left -= self.fill(ns, order, left, price) if order["ahead"] < 0.5 else 0
            left -= min(left, theirs)
            for order in orders:
                left -= self.fill(ns, order, left, price)
        first = int(traded * self.fifo_share)
        behind = max(others - first, 0)
        for order in orders:
            ahead = max(order["ahead"] - first, 0.0)
            order["ahead"] = ahead - ahead * min((traded - first) / behind, 1.0) if behind else ahead
            order["passed"] += traded

    def take(self, ns: int, order: dict[str, Any], prices: list[int], free: dict[int, int]) -> None:
        """Take level by level; between the levels, and behind the line at a price, stand our own orders."""
        plan = order["plan"]

        def at(price: int, lots: int) -> None:
            done = self.fill(ns, order, lots, plan.limit if order["rests"] else price)
            free[price] -= done
            if done:
                self.taken[-plan.side, price] = self.taken.get((-plan.side, price), 0) + done

        for price in prices:
            if not order["rests"]:
                self.meet_ours(order, price)
                while self.self_trade != "none" and order["left"]:
                    other = self.first_of_ours(order, price + plan.side)
                    if other is None:
                        break
                    standing = min(int(np.ceil(other["ahead"])), self.book[-plan.side][price])
                    at(price, standing - self.taken.get((-plan.side, price), 0))
                    if order["left"]:
                        self.prevent(order, other)
            at(price, free[price])
        if not order["rests"]:
            self.meet_ours(order, None)

    def message_ends(self, ns: int) -> None:
        for order in list(self.orders):
            plan = order["plan"]
            if order["since"] >= ns or not order["left"]:
                continue
            side = self.book[-plan.side]
            prices = sorted(side, reverse=plan.side < 0)
            prices = [price for price in prices if not plan.limit or (plan.limit - price) * plan.side >= 0]
            free = {price: side[price] - self.taken.get((-plan.side, price), 0) for price in prices}
            if plan.force != "FOK" or order["rests"]:
                self.take(ns, order, prices, free)
            elif sum(free.values()) >= order["left"]:
                total = np.cumsum([free[price] for price in prices])
                self.meet_ours(order, prices[int(np.searchsorted(total, order["left"]))] + plan.side)
                self.take(ns, order, prices, free)
            if order["left"] and plan.force != "GTC":
                order["left"] = 0
            elif order["left"] and plan.limit and not order["rests"]:
                self.rest(order)
        self.orders = [order for order in self.orders if order["left"]]


def plain_fills(
    events: NDArray[np.void], plans: list[Plan], entry_ns: int, share: Any, rules: dict[str, Any]
) -> tuple[list[tuple[int, int, int, int, bool]], int]:
    """What the plain venue fills: (stamp, plan, lots, price, whether it rested); and how many trades with ourselves it prevented."""
    happenings: list[tuple[int, int, int, Any]] = []
    for k, plan in enumerate(plans):
        happenings.append((plan.ns + entry_ns, 0, k, "send"))
        happenings.append((plan.ns + plan.cancel_after_ns + entry_ns, 0, k, "cancel"))
    happenings += [(int(event["ts_venue_ns"]), 1, row, "event") for row, event in enumerate(events)]
    venue = PlainVenue(share, rules)
    for ns, _, k, what in sorted(happenings, key=lambda h: (h[0], h[1], h[2])):
        if what == "send":
            venue.arrive(ns, k, plans[k])
        elif what == "cancel":
            venue.cancel(k)
        elif events[k]["kind"] == Kind.TRADE:
            venue.trade(ns, 1 if events[k]["flags"] & _SELL else -1, int(events[k]["w0"]), int(events[k]["w1"]))
        else:
            venue.level(1 if events[k]["flags"] & _BUY else -1, int(events[k]["w0"]), int(events[k]["w1"]))
            if events[k]["flags"] & _LAST:
                venue.message_ends(ns)
    return venue.fills, venue.prevented


PRO_RATA: dict[str, Any] = {"matching": "pro_rata"}
SPLIT: dict[str, Any] = {"matching": "pro_rata", "pro_rata_fifo_share": 0.4, "pro_rata_minimum_lots": 2, "self_trade": "decrement"}


@pytest.mark.parametrize(
    ("queue", "feed_ns", "rules"),
    [
        ("pessimistic", 0, {"self_trade": "none"}),
        ("pessimistic", 7 * _MS, {"self_trade": "cancel_newest"}),
        ("power", 0, {"self_trade": "cancel_oldest"}),
        ("power", 7 * _MS, {"self_trade": "cancel_both"}),
        ("power", 0, PRO_RATA),
        ("pessimistic", 7 * _MS, SPLIT),
    ],
    ids=["none", "newest", "oldest", "both", "pro_rata", "split"],
)
def test_fills_are_those_of_a_plain_venue(queue: str, feed_ns: int, rules: dict[str, Any]) -> None:
    share = (lambda ahead, behind: 1.0) if queue == "pessimistic" else _proportional
    filled = prevented = 0
    for seed in range(25):
        random = np.random.default_rng(seed)
        events = tape_of(random, 400)
        plans = plans_of(random, int(events["ts_venue_ns"][-1]), 90)
        entry_ns = int(random.choice([0, 3 * _MS, 40 * _MS]))
        late = events.copy()
        late["ts_local_ns"] += feed_ns
        tape = build({}, {"X": Instrument("X", tick=Step(1, 1))}, extra=late, name="random")
        result = backtest(
            Planned(plans),
            tape,
            cash=1e9,
            costs={"queue": queue},
            risk={"allow_short": True, "max_leverage": 10.0},
            latency={"entry_ns": entry_ns, "response_ns": 2 * _MS},
            venue=rules,
            chunk_events=int(random.choice([7, 10_000])),
        )
        sent = [k for k, plan in enumerate(plans) if plan.ns > late["ts_local_ns"][0]]  # before the first event there is no price
        expected, met = plain_fills(events, [plans[k] for k in sent], entry_ns, share, rules)
        prevented += met
        assert list(result.orders["state"].isin(["REFUSED"])) == [k not in sent for k in range(len(plans))]
        ids = {order_id: sent.index(order_id) for order_id in sent}
        rows = result.fills.itertuples()
        found = [(row.ts.value, ids[row.order_id], int(row.quantity), int(row.price), row.liquidity == "maker") for row in rows]
        assert sorted(found) == sorted(expected), f"seed {seed}"
        filled += len(found)
        assert (result.orders["reason"] == "SELF_TRADE").any() == (met > 0 and rules.get("self_trade") != "none")
        _keeps_within_trades(found, events)
    assert filled > 300, "too few fills to say anything"
    assert (prevented > 50) == (rules.get("self_trade") != "none"), f"{prevented} trades with ourselves"


def _keeps_within_trades(fills: list[tuple[int, int, int, int, bool]], events: NDArray[np.void]) -> None:
    """What rests fills at the stamp of a trade, all of it together, no more than the trades of that stamp, or at a message."""
    trades = events[events["kind"] == Kind.TRADE]
    told = set(events["ts_venue_ns"][events["kind"] == Kind.DEPTH].tolist())
    for ns in {ns for ns, *_ in fills} - told:
        assert sum(lots for at, _, lots, _, _ in fills if at == ns) <= trades["w1"][trades["ts_venue_ns"] == ns].sum()


def _proportional(ahead: float, behind: float) -> float:
    if ahead <= 0:
        return 1.0
    return 0.0 if behind <= 0 else behind / (behind + ahead)
