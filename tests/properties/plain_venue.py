"""A venue written plainly, from the rules in `docs/venue.md` and `docs/fills.md`: one instrument, a book told by level, no speed.

It knows every type of order and every rule of the venue, and shares no code with the kernel.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from tests.properties.random_ticks import Plan

Fill = tuple[int, int, int, int, bool]
"""Stamp, plan, lots, price, whether it rested."""


@dataclass
class Order:
    """An order at the venue."""

    k: int
    plan: Plan
    lots: int
    left: int
    since: int
    limit: int
    trigger: int
    rests: bool = False
    has_triggered: bool = False
    ahead: float = 0.0
    passed: float = 0.0
    shown: int = 0

    @property
    def side(self) -> int:
        return self.plan.side

    @property
    def standing(self) -> int:
        """What of it others see."""
        if self.plan.is_hidden:
            return 0
        return max(min(self.shown, self.left), 0) if self.plan.display else self.left


class PlainVenue:
    """`share` is the part of a cancel that comes from behind an order, of (ahead, behind); `take` when an order takes: next, arrival."""

    def __init__(self, share: Callable[[float, float], float], take: str, rules: dict[str, Any]) -> None:
        self.share, self.takes_at_arrival = share, take == "arrival"
        self.book: dict[int, dict[int, int]] = {1: {}, -1: {}}
        self.taken: dict[tuple[int, int], int] = {}
        self.self_trade = rules.get("self_trade", "cancel_newest")
        self.is_pro_rata, self.minimum = rules.get("matching") == "pro_rata", rules.get("pro_rata_minimum_lots", 1)
        self.fifo_share = Fraction(str(rules.get("pro_rata_fifo_share", 0)))
        self.keeps_place = rules.get("replace_keeps_place", "smaller") == "smaller"
        self.lower, self.upper = 0, 0
        self.prevented = self.moves = self.changes = self.triggers = self.waits = 0
        self.orders: list[Order] = []
        self.ended: dict[int, str] = {}
        self.fills: list[Fill] = []

    def best(self, side: int) -> int | None:
        return (max if side > 0 else min)(self.book[side], default=None)

    def executes(self, price: int) -> bool:
        return self.lower <= price and (not self.upper or price <= self.upper)

    def is_beyond(self, side: int, limit: int) -> bool:
        return bool(self.upper and limit > self.upper) if side > 0 else limit < self.lower

    def crosses(self, side: int, limit: int) -> bool:
        opposite = self.best(-side)
        return opposite is not None and (limit - opposite) * side >= 0

    def does_not_trade(self) -> bool:
        """A best bid above the best offer."""
        return max(self.book[1], default=0) > min(self.book[-1], default=math.inf)

    def free(self, side: int, price: int) -> int:
        return self.book[side][price] - self.taken.get((side, price), 0)

    def clear(self) -> None:
        self.orders = [order for order in self.orders if order.left]

    def to_the_back(self, order: Order) -> None:
        self.orders.remove(order)
        self.orders.append(order)

    # commands

    def arrive(self, ns: int, k: int, plan: Plan) -> None:
        order = Order(k, plan, plan.lots, plan.lots, ns, plan.limit, plan.trigger)
        if plan.trail_limit >= 0:
            order.limit = plan.trigger + plan.side * plan.trail_limit
        if plan.peg:
            order.limit = self.peg_price(plan)
        elif order.limit and self.is_beyond(plan.side, order.limit):
            self.ended[k] = "OUTSIDE_PRICE_LIMITS"
            return
        elif plan.is_post_only and self.crosses(plan.side, order.limit):
            self.ended[k] = "POST_ONLY_WOULD_TAKE"
            return
        self.orders.append(order)
        self.come_to_rest(ns, order)

    def come_to_rest(self, ns: int, order: Order) -> None:
        """A limit that need not take stands in the line from its arrival; what can take may do so at once."""
        if (order.trigger and not order.has_triggered) or (order.plan.peg and not order.limit):
            return
        if not order.limit or self.crosses(order.side, order.limit):
            if self.takes_at_arrival and not order.trigger and not self.does_not_trade():
                self.act(ns, order)
                self.clear()
            return
        if order.plan.force != "GTC":
            return
        self.meet_ours(order, None)
        if order.left:
            self.rest(order)
        self.clear()

    def rest(self, order: Order) -> None:
        order.rests, order.ahead, order.passed = True, float(self.book[order.side].get(order.limit, 0)), 0.0
        order.shown = min(order.plan.display, order.left)

    def cancel(self, k: int) -> None:
        self.orders = [order for order in self.orders if order.k != k]

    def change(self, ns: int, k: int, plan: Plan) -> None:
        order = next((order for order in self.orders if order.k == k), None)
        if order is None:
            return
        filled = order.lots - order.left
        if plan.change_lots <= filled:
            self.cancel(k)
            return
        limit = plan.change_limit if plan.change_limit and not plan.peg and not plan.trail else order.limit
        if limit and not plan.peg and self.is_beyond(order.side, limit):
            return
        if plan.is_post_only and limit != order.limit and self.crosses(order.side, limit):
            return
        keeps_place = self.keeps_place and limit == order.limit and plan.change_lots <= order.lots
        order.rests = order.rests and limit == order.limit
        order.lots, order.left, order.limit, order.since = plan.change_lots, plan.change_lots - filled, limit, ns
        self.changes += 1
        if not keeps_place:
            self.to_the_back(order)
            self.come_to_rest(ns, order)

    # our own orders

    def first_of_ours(self, order: Order, before: int | None) -> Order | None:
        """Our resting order that this one reaches first at a price better than `before`; at one price what is hidden is last."""
        resting = [o for o in self.orders if o.rests and o.left and o.side == -order.side and self.executes(o.limit)]
        reached = [o for o in resting if not order.limit or (order.limit - o.limit) * order.side >= 0]
        better = [o for o in reached if before is None or (before - o.limit) * order.side > 0]
        return min(better, key=lambda o: (o.limit * order.side, o.plan.is_hidden), default=None)

    def prevent(self, order: Order, other: Order) -> None:
        self.prevented += 1
        lots = min(order.left, other.left)
        if self.self_trade == "decrement":
            ending = [o for o in (order, other) if o.left == lots]
            for o in (order, other):
                o.left, o.lots = o.left - lots, o.lots - lots
        else:
            ending = [order] if self.self_trade != "cancel_oldest" else []
            ending += [other] if self.self_trade != "cancel_newest" else []
        for o in ending:
            o.left = 0
            self.ended[o.k] = "SELF_TRADE"

    def meet_ours(self, order: Order, before: int | None) -> None:
        while self.self_trade != "none" and order.left:
            other = self.first_of_ours(order, before)
            if other is None:
                return
            self.prevent(order, other)

    # pegs and icebergs

    def peg_price(self, plan: Plan) -> int:
        """Where a peg belongs, 0 where nobody knows."""
        bid, ask = self.best(1), self.best(-1)
        own, other = (bid, ask) if plan.side > 0 else (ask, bid)
        if own is None or (plan.peg == "mid" and other is None):
            return 0
        middle = (own + other) / 2 if plan.peg == "mid" and other is not None else own
        price = (math.floor(middle) if plan.side > 0 else math.ceil(middle)) + plan.side * plan.peg_offset
        bounds = [price] + ([other - plan.side] if other is not None else []) + ([plan.limit] if plan.limit else [])
        if plan.side > 0:
            return min(bounds + ([self.upper] if self.upper else []))
        return max([*bounds, self.lower])

    def move_pegs(self) -> None:
        """All that must move do, then each that has moved is the one that comes to those of ours that it reaches."""
        moved = []
        for order in [o for o in self.orders if o.plan.peg]:
            price = self.peg_price(order.plan)
            if price and (price != order.limit or not order.rests):
                self.to_the_back(order)
                self.moves += price != order.limit
                order.limit = price
                self.rest(order)
                moved.append(order)
        for order in moved:
            self.meet_ours(order, None)
        self.clear()

    def show_more(self) -> None:
        """What is shown of an iceberg is gone: the next part stands at the back."""
        for order in [o for o in self.orders if o.rests and o.plan.display and o.shown <= 0 and o.left]:
            of_the_next = -order.shown % order.plan.display
            self.rest(order)
            order.shown = min(order.plan.display - of_the_next, order.left)
            self.to_the_back(order)

    # the market

    def fill(self, ns: int, order: Order, lots: int, price: int) -> int:
        lots = min(lots, order.left)
        if lots <= 0 or not self.executes(price):
            return 0
        order.left -= lots
        order.shown -= lots if order.rests else 0
        self.fills.append((ns, order.k, lots, price, order.rests))
        return lots

    def level(self, side: int, price: int, lots: int) -> None:
        before = self.book[side].get(price, 0)
        self.taken.pop((side, price), None)
        if lots:
            self.book[side][price] = lots
        else:
            self.book[side].pop(price, None)
        for order in self.orders:
            if order.rests and order.side == side and order.limit == price:
                gone, order.passed = before - lots - order.passed, 0.0
                if gone > 0:
                    ahead, behind = order.ahead, before - order.ahead
                    share = self.share(ahead, behind)
                    order.ahead = ahead - (1 - share) * gone + min(behind - share * gone, 0.0)
                order.ahead = min(order.ahead, float(lots))

    def trade(self, ns: int, hit: int, price: int, lots: int) -> None:
        left, ours = lots, 0
        resting = [o for o in self.orders if o.rests and o.since < ns and o.side == hit]
        reached = [o for o in resting if (o.limit - price) * hit >= 0]
        at_it = [o for o in reached if o.limit == price]
        for order in sorted(reached, key=lambda o: (-o.limit * hit, o.plan.is_hidden)):  # stable: then by arrival
            if order.limit != price:
                left -= self.fill(ns, order, left, order.limit)
            elif not self.is_pro_rata:
                ours += self.fill(ns, order, min(left - ours, self.past_the_line(order, lots) - ours, order.standing), price)
        if at_it and self.is_pro_rata:
            ours = self.share_out(ns, hit, at_it, price, left, lots)
        left -= ours
        emptied = [o for o in at_it if o.plan.display and o.shown <= 0]
        for order in emptied + [o for o in at_it if o.plan.is_hidden]:  # what is left after all that is shown
            standing = max(self.book[hit].get(price, 0) - (order.passed - lots), 0)
            done = self.fill(ns, order, int(min(left, lots - standing - ours)), price)
            left, ours = left - done, ours + done
        self.show_more()
        self.clear()

    def past_the_line(self, order: Order, lots: int) -> int:
        """What of a trade at its price gets past the line ahead of an order."""
        order.ahead -= lots
        order.passed += lots
        past = math.floor(0.5 - order.ahead)
        order.ahead = 0.0 if past > 0 else order.ahead
        return min(max(past, 0), lots)

    def share_out(self, ns: int, side: int, orders: list[Order], price: int, lots: int, traded: int) -> int:
        """`lots` by the steps of CME's algorithms C and K; the others are one order. `traded` moves the lines."""
        others = max(self.book[side].get(price, 0) - int(max(o.passed for o in orders)), 0)
        first, ours = int(lots * self.fifo_share), 0
        for order in orders:  # 1. in order of arrival
            past = min(math.floor(first + 0.5 - order.ahead), first)
            ours += self.fill(ns, order, min(past - ours, order.standing), price)
        theirs, rest = max(others - (first - ours), 0), lots - first
        total = theirs + sum(order.standing for order in orders)
        if rest and total:  # 2. by size
            shares = [min(rest * order.standing // total, order.standing) for order in orders]
            got = sum(self.fill(ns, order, due, price) for order, due in zip(orders, shares, strict=True) if due >= self.minimum)
            taken = min(rest * theirs // total, theirs)
            theirs, left, ours = theirs - taken, rest - got - taken, ours + got
            for late in (False, True):  # 3. in order of arrival: ours without a line, others, the rest of ours
                for order in orders:
                    done = self.fill(ns, order, min(left, order.standing), price) if late or order.ahead < 0.5 else 0
                    left, ours = left - done, ours + done
                left -= min(left, theirs) if not late else 0
        first = int(traded * self.fifo_share)
        behind = max(others - first, 0)
        for order in orders:
            ahead = max(order.ahead - first, 0.0)
            order.ahead = ahead - ahead * min((traded - first) / behind, 1.0) if behind else ahead
            order.passed += traded
        return ours

    def take_at(self, ns: int, order: Order, price: int, lots: int) -> bool:
        """Take lots of a level; whether the order goes on."""
        own = order.limit if order.rests else price
        if lots > 0 and not self.executes(own):
            return False
        done = self.fill(ns, order, lots, own)
        if done:
            self.taken[-order.side, price] = self.taken.get((-order.side, price), 0) + done
        return order.left > 0 and done >= lots  # an account can carry less

    def take(self, ns: int, order: Order, prices: list[int]) -> None:
        """Take level by level; between the levels, and behind the line at a price, stand our own orders."""
        for price in prices:
            if not order.rests:
                self.meet_ours(order, price)
                while self.self_trade != "none" and order.left:
                    other = self.first_of_ours(order, price + order.side)
                    if other is None:
                        break
                    there = self.book[-order.side][price]
                    ahead = there if other.plan.is_hidden else min(math.ceil(other.ahead), there)
                    if not self.take_at(ns, order, price, ahead - self.taken.get((-order.side, price), 0)):
                        return
                    self.prevent(order, other)
            if not order.left or not self.take_at(ns, order, price, self.free(-order.side, price)):
                return
        if not order.rests:
            self.meet_ours(order, None)

    def reaches(self, order: Order, price: int) -> bool:
        rises = (order.side > 0) != order.plan.is_touch
        return price >= order.trigger if rises else price <= order.trigger

    def triggers_now(self, order: Order) -> bool:
        """Whether the opposite side has come to the trigger; else a trailing stop follows it."""
        plan, opposite = order.plan, self.best(-order.side)
        if opposite is None:
            return False
        if self.reaches(order, opposite):
            self.triggers += 1
            return True
        if plan.trail:
            moved = opposite + plan.side * plan.trail
            order.trigger = min(order.trigger, moved) if plan.side > 0 else max(order.trigger, moved)
            order.limit = order.trigger + plan.side * plan.trail_limit if plan.trail_limit >= 0 else 0
        return False

    def rank(self, order: Order) -> float:
        """Who takes at any price comes first, then whose limit the opposite side betters most; infinite where it does not reach it."""
        opposite = self.best(-order.side)
        waits = order.trigger and not order.has_triggered
        if opposite is None or (waits and not self.reaches(order, opposite)):
            return math.inf
        if not order.limit:
            return -math.inf
        return (opposite - order.limit) * order.side if waits or self.crosses(order.side, order.limit) else math.inf

    def message_ends(self, ns: int) -> None:
        if self.does_not_trade():
            self.waits += bool(self.orders)
            return
        able = [o for o in self.orders if o.since < ns and o.left and not (o.plan.peg and not o.rests)]
        ranks = [self.rank(order) for order in able]
        reached = [order for rank, order in sorted(zip(ranks, able, strict=True), key=lambda pair: pair[0]) if rank < math.inf]
        for order in reached + [order for order, rank in zip(able, ranks, strict=True) if rank == math.inf]:
            if not order.left or order.since >= ns:  # what filled before may have let it sit out
                continue
            if order.trigger and not order.has_triggered:
                order.has_triggered = self.triggers_now(order)
                if not order.has_triggered:
                    continue
            self.act(ns, order)
        self.show_more()
        self.clear()
        self.move_pegs()

    def act(self, ns: int, order: Order) -> None:
        """What the book as it stands does for an order."""
        side, force = self.book[-order.side], order.plan.force
        prices = sorted(side, reverse=order.side < 0)
        prices = [price for price in prices if not order.limit or (order.limit - price) * order.side >= 0]
        if force != "FOK" or order.rests:
            self.take(ns, order, prices)
        else:
            total = np.cumsum([self.free(-order.side, price) for price in prices])
            needed = int(np.searchsorted(total, order.left))
            if needed < len(prices) and all(self.executes(price) for price in prices[: needed + 1]):
                self.meet_ours(order, prices[needed] + order.side)
                self.take(ns, order, prices)
        if order.left and force != "GTC":
            order.left = 0
        elif order.left and order.limit and not order.rests:
            self.rest(order)
