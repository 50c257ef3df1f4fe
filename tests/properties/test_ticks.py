"""Fills on books told by level, against a venue written plainly: one list of happenings in the order of the venue's clock.

Plain orders, post-only orders, icebergs, hidden ones and pegs.
"""

from __future__ import annotations

from dataclasses import dataclass
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
    is_post_only: bool = False
    is_hidden: bool = False
    display: int = 0  # lots; 0: all
    peg: str = ""  # its limit is then its cap
    peg_offset: int = 0


def plans_of(random: np.random.Generator, until_ns: int, count: int) -> list[Plan]:
    found = []
    for _ in range(count):
        ns = int(random.integers(_START // _MS + 1, until_ns // _MS)) * _MS + 500_000
        limit = 0 if random.random() < 0.15 else 1000 + int(random.integers(-4, 5))
        force = str(random.choice(["GTC", "GTC", "GTC", "IOC", "FOK"]))
        side, lots, after = int(random.choice([1, -1])), int(random.integers(1, 9)), int(random.integers(1, 200)) * _MS
        kinds = ["plain", "post-only", "hidden", "iceberg", "iceberg", "primary", "mid", "hidden mid", "iceberg primary"]
        kind = str(random.choice(kinds)) if limit and force == "GTC" else "plain"
        display = int(random.integers(1, lots + 1)) if "iceberg" in kind else 0
        peg = kind.split()[-1] if kind.endswith(("primary", "mid")) else ""
        cap, offset = (limit if random.random() < 0.3 else 0, int(random.integers(-2, 3))) if peg else (limit, 0)
        found.append(Plan(ns, side, lots, cap, force, after, kind == "post-only", "hidden" in kind, display, peg, offset))
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
                how = {"post_only": plan.is_post_only, "hidden": plan.is_hidden, "display": plan.display or None}
                how |= {"peg": plan.peg, "peg_offset": float(plan.peg_offset)} if plan.peg else {}
                self.ids[k] = view.order("X", plan.side * plan.lots, limit=limit, time_in_force=plan.force, **how)
            else:
                view.cancel(self.ids[k])


class PlainVenue:
    """One instrument, books by level; `share` is the part of a cancel that comes from behind an order, of (ahead, behind)."""

    def __init__(self, share: Any) -> None:
        self.share, self.book, self.taken = share, {1: {}, -1: {}}, {}
        self.orders: list[dict[str, Any]] = []
        self.rejected: list[int] = []
        self.moves = 0
        self.fills: list[tuple[int, int, int, int, bool]] = []

    def best(self, side: int) -> int | None:
        return (max if side > 0 else min)(self.book[side], default=None)

    def arrive(self, ns: int, k: int, plan: Plan) -> None:
        order = {"k": k, "plan": plan, "left": plan.lots, "since": ns, "rests": False, "ahead": 0.0, "passed": 0.0, "shown": 0}
        order["limit"] = self.peg_price(plan) if plan.peg else plan.limit
        if plan.peg:
            self.orders.append(order)
            if order["limit"]:
                self.rest(order)
            return
        opposite = self.best(-plan.side)
        crosses = opposite is not None and (plan.limit - opposite) * plan.side >= 0
        if crosses and plan.is_post_only:
            self.rejected.append(k)
            return
        self.orders.append(order)
        if plan.limit and not crosses and plan.force == "GTC":
            self.rest(order)

    def rest(self, order: dict[str, Any]) -> None:
        plan = order["plan"]
        order.update(
            rests=True, ahead=float(self.book[plan.side].get(order["limit"], 0)), passed=0.0, shown=min(plan.display, order["left"])
        )

    def peg_price(self, plan: Plan) -> int:
        """Where a peg belongs, 0 where nobody knows."""
        bid, ask = self.best(1), self.best(-1)
        own, other = (bid, ask) if plan.side > 0 else (ask, bid)
        if own is None or (plan.peg == "mid" and other is None):
            return 0
        middle = (own + other) / 2 if plan.peg == "mid" else own
        price = (int(np.floor(middle)) if plan.side > 0 else int(np.ceil(middle))) + plan.side * plan.peg_offset
        bounds = [price] + ([other - plan.side] if other is not None else []) + ([plan.limit] if plan.limit else [])
        return min(bounds) if plan.side > 0 else max(bounds)

    def move_pegs(self) -> None:
        for order in [o for o in self.orders if o["plan"].peg]:
            price = self.peg_price(order["plan"])
            if price and (price != order["limit"] or not order["rests"]):
                if price != order["limit"]:
                    self.orders.remove(order)
                    self.orders.append(order)
                    self.moves += 1
                order["limit"] = price
                self.rest(order)

    def show_more(self) -> None:
        """What is shown of an iceberg is gone: the next part stands at the back."""
        for order in [o for o in self.orders if o["rests"] and o["plan"].display and o["shown"] <= 0 and o["left"]]:
            of_the_next = -order["shown"] % order["plan"].display
            self.rest(order)
            order["shown"] = min(order["plan"].display - of_the_next, order["left"])
            self.orders.remove(order)
            self.orders.append(order)

    def cancel(self, k: int) -> None:
        self.orders = [order for order in self.orders if order["k"] != k]

    def fill(self, ns: int, order: dict[str, Any], lots: int, price: int) -> int:
        lots = min(lots, order["left"])
        if lots > 0:
            order["left"] -= lots
            order["shown"] -= lots if order["rests"] else 0
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
            if order["rests"] and plan.side == side and order["limit"] == price:
                gone, order["passed"] = before - lots - order["passed"], 0.0
                if gone > 0:
                    ahead, behind = order["ahead"], before - order["ahead"]
                    share = self.share(ahead, behind)
                    order["ahead"] = ahead - (1 - share) * gone + min(behind - share * gone, 0.0)
                order["ahead"] = min(order["ahead"], float(lots))

    def trade(self, ns: int, hit: int, price: int, lots: int) -> None:
        left, ours = lots, 0
        resting = [o for o in self.orders if o["rests"] and o["since"] < ns and o["plan"].side == hit]
        reached = [o for o in resting if (o["limit"] - price) * hit >= 0]
        for order in sorted(reached, key=lambda o: (-o["limit"] * hit, o["plan"].is_hidden)):  # stable: then by arrival
            due = left
            if order["limit"] == price:
                order["ahead"] -= lots
                order["passed"] += lots
                if order["plan"].is_hidden:
                    continue
                past = int(np.floor(0.5 - order["ahead"]))
                if past > 0:
                    order["ahead"] = 0.0
                due = min(left, min(max(past, 0), lots) - ours)
                due = min(due, order["shown"]) if order["plan"].display else due
            done = self.fill(ns, order, due, order["limit"])
            left -= done
            ours += done if order["limit"] == price else 0
        emptied = [o for o in reached if o["plan"].display and o["shown"] <= 0 and o["left"]]
        for order in emptied + [o for o in reached if o["plan"].is_hidden]:  # what is left after all that is shown
            if order["limit"] == price:
                shown = max(self.book[hit].get(price, 0) - (order["passed"] - lots), 0)
                done = self.fill(ns, order, int(min(left, lots - shown - ours)), price)
                left, ours = left - done, ours + done
        self.show_more()
        self.orders = [order for order in self.orders if order["left"]]

    def message_ends(self, ns: int) -> None:
        for order in list(self.orders):
            plan = order["plan"]
            if order["since"] >= ns or (plan.peg and not order["rests"]):
                continue
            side = self.book[-plan.side]
            prices = sorted(side, reverse=plan.side < 0)
            prices = [price for price in prices if not order["limit"] or (order["limit"] - price) * plan.side >= 0]
            free = {price: side[price] - self.taken.get((-plan.side, price), 0) for price in prices}
            if plan.force != "FOK" or order["rests"] or sum(free.values()) >= order["left"]:
                for price in prices:
                    done = self.fill(ns, order, free[price], order["limit"] if order["rests"] else price)
                    if done:
                        self.taken[-plan.side, price] = self.taken.get((-plan.side, price), 0) + done
            if order["left"] and plan.force != "GTC":
                order["left"] = 0
            elif order["left"] and plan.limit and not order["rests"]:
                self.rest(order)
        self.show_more()
        self.orders = [order for order in self.orders if order["left"]]
        self.move_pegs()


def plain_venue(events: NDArray[np.void], plans: list[Plan], entry_ns: int, share: Any) -> PlainVenue:
    """The plain venue after all has happened; its fills are (stamp, plan, lots, price, whether it rested)."""
    happenings: list[tuple[int, int, int, Any]] = []
    for k, plan in enumerate(plans):
        happenings.append((plan.ns + entry_ns, 0, k, "send"))
        happenings.append((plan.ns + plan.cancel_after_ns + entry_ns, 0, k, "cancel"))
    happenings += [(int(event["ts_venue_ns"]), 1, row, "event") for row, event in enumerate(events)]
    venue = PlainVenue(share)
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
    return venue


@pytest.mark.parametrize("feed_ns", [0, 7 * _MS])
@pytest.mark.parametrize("queue", ["pessimistic", "power"])
def test_fills_are_those_of_a_plain_venue(queue: str, feed_ns: int) -> None:
    share = (lambda ahead, behind: 1.0) if queue == "pessimistic" else _proportional
    filled = of_hidden = of_reserves = of_pegs = moves = rejected = 0
    for seed in range(25):
        random = np.random.default_rng(seed)
        events = tape_of(random, 400)
        plans = plans_of(random, int(events["ts_venue_ns"][-1]), 80)
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
            chunk_events=int(random.choice([7, 10_000])),
        )
        refused = result.orders.loc[result.orders["state"] == "REFUSED", "reason"].to_dict()
        assert set(refused.values()) <= {"NO_MARKET_DATA", "NO_QUOTE_TO_PEG"}  # by what we could know: the venue is never asked
        early = {k for k, plan in enumerate(plans) if plan.ns <= late["ts_local_ns"][0]}  # before the first event there is no price
        assert early <= set(refused) and all(plans[k].peg for k in set(refused) - early)
        sent = [k for k in range(len(plans)) if k not in refused]
        venue = plain_venue(events, [plans[k] for k in sent], entry_ns, share)
        ids = {order_id: sent.index(order_id) for order_id in sent}
        rows = result.fills.itertuples()
        found = [(row.ts.value, ids[row.order_id], int(row.quantity), int(row.price), row.liquidity == "maker") for row in rows]
        assert sorted(found) == sorted(venue.fills), f"seed {seed}"
        assert [ids[k] for k in result.orders.loc[result.orders["state"] == "REJECTED", "order_id"]] == sorted(venue.rejected), (
            f"seed {seed}"
        )
        filled += len(found)
        resting = [(plans[sent[k]], lots) for _, k, lots, _, rested in found if rested]
        of_hidden += sum(lots for plan, lots in resting if plan.is_hidden)
        of_pegs += sum(lots for plan, lots in resting if plan.peg)
        for k in {k for _, k, *_ in found if plans[sent[k]].display}:
            rested_lots = sum(lots for _, other, lots, _, rested in found if rested and other == k)
            of_reserves += max(rested_lots - plans[sent[k]].display, 0)
        moves += venue.moves
        told = result.audit.records["kind"] == Kind.ORDER_REPRICED
        assert venue.moves <= told.sum()  # and those that were submitted at another price
        rejected += len(venue.rejected)
    assert filled > 300, "too few fills to say anything"
    assert min(of_hidden, of_reserves, of_pegs, rejected) > 40 and moves > 150, (of_hidden, of_reserves, of_pegs, rejected, moves)


def _proportional(ahead: float, behind: float) -> float:
    if ahead <= 0:
        return 1.0
    return 0.0 if behind <= 0 else behind / (behind + ahead)
