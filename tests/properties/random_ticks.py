"""Random ticks of one instrument and random orders of every type for them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from framework import Strategy
from framework.schema.event import EVENT, Flag, Kind

MS = 1_000_000
_BUY, _SELL, _LAST = int(Flag.BUY), int(Flag.SELL), int(Flag.LAST)
_START = 1_700_000_000_000_000_000
_KINDS = ("plain", "post-only", "hidden", "iceberg", "iceberg", "primary", "mid", "hidden mid", "iceberg primary")


@dataclass
class Plan:
    """An order to send at a moment, what is changed of it later, and for how long it stands until a cancel is sent. Prices in ticks."""

    ns: int
    side: int
    lots: int
    limit: int  # 0: none; of a peg its cap
    force: str
    cancel_after_ns: int
    is_post_only: bool = False
    is_hidden: bool = False
    display: int = 0  # lots; 0: all
    peg: str = ""
    peg_offset: int = 0
    trigger: int = 0  # of a stop or touch; 0: none
    is_touch: bool = False
    trail: int = 0
    trail_limit: int = -1  # -1: none
    change_after_ns: int = 0  # 0: none is asked for
    change_lots: int = 0
    change_limit: int = 0  # 0: as it was


def tape_of(random: np.random.Generator, messages: int, *, limits: bool = False) -> NDArray[np.void]:
    """A random book around 1,000 ticks and its trades; with `limits` price limits too. Trades and updates of levels come as they like."""
    rows: list[tuple[int, int, int, int, int]] = []
    levels = {1: {999 - k: 5 + k for k in range(6)}, -1: {1001 + k: 5 + k for k in range(6)}}
    ns = _START
    first = [(side, price, lots) for side in (1, -1) for price, lots in levels[side].items()]
    for k, (side, price, lots) in enumerate(first):
        flags = int(Flag.SNAPSHOT) | (int(Flag.CLEAR) if k == 0 else 0) | (_LAST if k == len(first) - 1 else 0)
        rows.append((ns, int(Kind.DEPTH), flags | (_BUY if side > 0 else _SELL), price, lots))
    for _ in range(messages):
        ns += int(random.integers(1, 4)) * MS
        if limits and random.random() < 0.05:
            lower, upper = 1000 - int(random.integers(2, 6)), 1000 + int(random.integers(2, 6))
            rows.append((ns, int(Kind.PRICE_LIMITS), 0, lower, upper if random.random() < 0.8 else 0))
            continue
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
            best = min(levels[-1], default=9999) if side > 0 else max(levels[1], default=0)
            if lots and (price - best) * side > 0 and random.random() < 0.95:
                price = best - side  # a twentieth of what would cross the book does
            rows.append((ns, int(Kind.DEPTH), (_BUY if side > 0 else _SELL) | (_LAST if k == count - 1 else 0), price, lots))
            levels[side][price] = lots
            levels[side] = {p: n for p, n in levels[side].items() if n}
    events = np.zeros(len(rows), dtype=EVENT)
    for name, column in zip(("ts_venue_ns", "kind", "flags", "w0", "w1"), zip(*rows, strict=True), strict=True):
        events[name] = column
    events["ts_local_ns"] = events["ts_venue_ns"]
    return events


def plans_of(random: np.random.Generator, until_ns: int, count: int) -> list[Plan]:
    """Orders of every type, most of them changed or cancelled later."""
    found = []
    for _ in range(count):
        ns = int(random.integers(_START // MS + 1, until_ns // MS)) * MS + 500_000
        limit = 0 if random.random() < 0.15 else 1000 + int(random.integers(-4, 5))
        force = str(random.choice(["GTC", "GTC", "GTC", "IOC", "FOK"]))
        side, lots, after = int(random.choice([1, -1])), int(random.integers(1, 9)), int(random.integers(2, 200)) * MS
        plan = Plan(ns, side, lots, limit, force, after)
        if random.random() < 0.2:
            plan = _triggered(random, plan)
        elif limit and force == "GTC":
            plan = _instructed(random, plan)
        if random.random() < 0.4:
            limit = plan.limit + int(random.integers(-2, 3)) if plan.limit and not plan.peg else 0
            plan = replace(plan, change_lots=int(random.integers(1, 9)), change_limit=limit if random.random() < 0.6 else 0)
            plan = replace(plan, change_after_ns=int(random.integers(1, after // MS)) * MS)
        found.append(plan)
    return sorted(found, key=lambda plan: plan.ns)


def _triggered(random: np.random.Generator, plan: Plan) -> Plan:
    """A stop, touch or trailing stop, with a limit or without."""
    kind = str(random.choice(["stop", "touch", "trail"]))
    rises = (plan.side > 0) != (kind == "touch")
    trigger = 1000 + int(random.integers(0, 5)) * (1 if rises else -1)
    if kind != "trail":
        return replace(plan, trigger=trigger, is_touch=kind == "touch")
    return replace(plan, limit=0, trigger=trigger, trail=int(random.integers(1, 4)), trail_limit=int(random.integers(-1, 3)))


def _instructed(random: np.random.Generator, plan: Plan) -> Plan:
    kind = str(random.choice(_KINDS))
    display = int(random.integers(1, plan.lots + 1)) if "iceberg" in kind else 0
    plan = replace(plan, is_post_only=kind == "post-only", is_hidden="hidden" in kind, display=display)
    if not kind.endswith(("primary", "mid")):
        return plan
    cap = plan.limit if random.random() < 0.3 else 0
    return replace(plan, limit=cap, peg=kind.split()[-1], peg_offset=int(random.integers(-2, 3)))


class Planned(Strategy):
    """Sends the plans, their changes and their cancels; notes which changes were sent."""

    def __init__(self, plans: list[Plan]) -> None:
        super().__init__()
        self.moments: dict[int, list[tuple[str, int]]] = {}
        self.plans = plans
        self.changed: set[int] = set()
        for k, plan in enumerate(plans):
            self.moments.setdefault(plan.ns, []).append(("send", k))
            if plan.change_after_ns:
                self.moments.setdefault(plan.ns + plan.change_after_ns, []).append(("change", k))
            self.moments.setdefault(plan.ns + plan.cancel_after_ns, []).append(("cancel", k))

    def on_start(self, view: Any) -> None:
        self.ids: dict[int, int] = {}
        for ns in self.moments:
            view.timers.once(pd.Timestamp(ns, tz="UTC").to_pydatetime(), name=str(ns))

    def on_timer(self, view: Any, name: str) -> None:
        for what, k in self.moments[view.now_ns]:
            plan = self.plans[k]
            if what == "send":
                self.ids[k] = view.order("X", plan.side * plan.lots, time_in_force=plan.force, **_terms(plan))
            elif what == "cancel":
                view.cancel(self.ids[k])
            elif view.replace(self.ids[k], quantity=plan.change_lots, limit=float(plan.change_limit) if plan.change_limit else None):
                self.changed.add(k)


def _terms(plan: Plan) -> dict[str, Any]:
    """What of a plan `view.order` is told by name."""
    terms: dict[str, Any] = {"post_only": plan.is_post_only, "hidden": plan.is_hidden, "display": plan.display or None}
    terms["limit"] = float(plan.limit) if plan.limit else None
    if plan.peg:
        terms |= {"peg": plan.peg, "peg_offset": float(plan.peg_offset)}
    if plan.trigger:
        terms["touch" if plan.is_touch else "stop"] = float(plan.trigger)
    if plan.trail:
        terms |= {"trail": float(plan.trail), "trail_limit": float(plan.trail_limit) if plan.trail_limit >= 0 else None}
    return terms
