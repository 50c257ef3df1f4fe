"""Fills on books told by level, with every type of order under every rule of the venue, against a venue written plainly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from framework import Instrument, backtest
from framework.data.tape import build
from framework.schema.event import Flag, Kind
from framework.schema.units import Step
from tests.open_tapes import fed_event_by_event
from tests.properties.plain_venue import Fill, PlainVenue
from tests.properties.random_ticks import MS, Plan, Planned, plans_of, tape_of

PRO_RATA: dict[str, Any] = {"matching": "pro_rata", "self_trade": "cancel_oldest"}
SPLIT: dict[str, Any] = {"matching": "pro_rata", "pro_rata_fifo_share": 0.4, "pro_rata_minimum_lots": 2, "self_trade": "decrement"}
_TOLD = ("SELF_TRADE", "POST_ONLY_WOULD_TAKE", "OUTSIDE_PRICE_LIMITS")


_RULES: dict[str, tuple[str, str, int, bool, dict[str, Any]]] = {
    "none": ("pessimistic", "next", 0, True, {"self_trade": "none"}),
    "newest": ("pessimistic", "next", 7 * MS, False, {"self_trade": "cancel_newest"}),
    "oldest": ("power", "arrival", 0, True, {"self_trade": "cancel_oldest", "replace_keeps_place": "never"}),
    "both": ("power", "next", 7 * MS, False, {"self_trade": "cancel_both"}),
    "decrement": ("power", "arrival", 0, False, {"self_trade": "decrement"}),
    "pro_rata": ("power", "next", 0, False, {"matching": "pro_rata"}),
    "pro_rata_limits": ("pessimistic", "next", 0, True, PRO_RATA),
    "split": ("pessimistic", "next", 7 * MS, True, SPLIT),
}
"""Queue model, take, lateness of the feed, whether there are price limits, the venue's rules."""


@pytest.mark.parametrize("name", _RULES)
def test_fills_of_orders_that_only_rest_are_those_of_a_plain_venue(name: str) -> None:
    """Few at a time and none that must be looked at on each message: most of what is told passes them by."""
    met: Counter[str] = Counter()
    for seed in range(15):
        _one_run(np.random.default_rng(seed), *_RULES[name], met, seed, _only_rests)
    assert met["fills"] > 150 and min(met["hidden"], met["reserves"]) > 4 and met["changes"] > 20, met


def _only_rests(plan: Plan) -> bool:
    return plan.limit != 0 and plan.force == "GTC" and not plan.peg and not plan.trigger


@pytest.mark.parametrize("name", _RULES)
def test_fills_are_those_of_a_plain_venue(name: str) -> None:
    met: Counter[str] = Counter()
    limits, rules = _RULES[name][3:]
    for seed in range(25):
        _one_run(np.random.default_rng(seed), *_RULES[name], met, seed)
    assert min(met[what] for what in ("fills", "hidden", "reserves", "pegs", "triggers", "changes", "POST_ONLY_WOULD_TAKE")) > 25, met
    assert met["moves"] > 100, met
    assert met["waits"] > 50, met
    assert (met["prevented"] > 50) == (rules.get("self_trade") != "none"), met
    assert (met["OUTSIDE_PRICE_LIMITS"] > 25) == limits, met


def _one_run(
    random: np.random.Generator,
    queue: str,
    take: str,
    feed_ns: int,
    limits: bool,
    rules: dict[str, Any],
    met: Counter[str],
    seed: int,
    kept: Callable[[Plan], bool] = lambda plan: True,
) -> None:
    events = tape_of(random, 400, limits=limits)
    plans = [plan for plan in plans_of(random, int(events["ts_venue_ns"][-1]), 90) if kept(plan)]
    entry_ns = int(random.choice([0, 3 * MS, 40 * MS]))
    late = events.copy()
    late["ts_local_ns"] += feed_ns
    strategy = Planned(plans)
    chunk_events = int(random.choice([7, 10_000, 1]))
    with fed_event_by_event() if chunk_events == 1 else nullcontext():
        result = backtest(
            strategy,
            build({}, {"X": Instrument("X", tick=Step(1, 1))}, extra=late, name="random"),
            cash=1e9,
            costs={"queue": queue, "take": take},
            risk={"allow_short": True, "max_leverage": 10.0},
            latency={"entry_ns": entry_ns, "response_ns": 2 * MS},
            venue=rules,
            chunk_events=chunk_events,
        )
    sent = _sent(result, plans, int(late["ts_local_ns"][0]))
    share = _proportional if queue == "power" else _all_from_behind
    venue = _plain_venue(late, sent, strategy.changed, entry_ns, PlainVenue(share, take, rules))
    rows = result.fills.itertuples()
    found = [(row.ts.value, row.order_id, int(row.quantity), int(row.price), row.liquidity == "maker") for row in rows]
    assert sorted(found) == sorted(venue.fills), f"seed {seed}"
    told = result.orders[result.orders["reason"].isin(_TOLD)]
    assert dict(zip(told["order_id"], told["reason"], strict=True)) == venue.ended, f"seed {seed}"
    assert venue.moves <= (result.audit.records["kind"] == Kind.ORDER_REPRICED).sum()  # and those submitted at another price
    if take == "next":
        _keeps_within_trades(found, events)
    _count(met, venue, sent)


def _plain_venue(
    events: NDArray[np.void],
    plans: dict[int, Plan],
    changed: set[int],
    entry_ns: int,
    venue: PlainVenue,
) -> PlainVenue:
    """The plain venue after all has happened, in the order of its clock; `changed` names the plans whose change was sent."""
    happenings: list[tuple[int, int, int, str]] = []
    for k, plan in plans.items():
        happenings.append((plan.ns + entry_ns, 0, k, "send"))
        if k in changed:
            happenings.append((plan.ns + plan.change_after_ns + entry_ns, 0, k, "change"))
        happenings.append((plan.ns + plan.cancel_after_ns + entry_ns, 0, k, "cancel"))
    for row, event in enumerate(events):
        is_tick = event["kind"] != Kind.PRICE_LIMITS  # what is none reaches both halves when we hear of it
        happenings.append((int(event["ts_venue_ns" if is_tick else "ts_local_ns"]), 1 if is_tick else 2, row, "event"))
    for ns, _, k, what in sorted(happenings, key=lambda happening: happening[:3]):
        if what == "send":
            venue.arrive(ns, k, plans[k])
        elif what == "change":
            venue.change(ns, k, plans[k])
        elif what == "cancel":
            venue.cancel(k)
        else:
            _see(venue, ns, events[k])
    return venue


def _see(venue: PlainVenue, ns: int, event: np.void) -> None:
    """An event of the tape."""
    price, lots = int(event["w0"]), int(event["w1"])
    if event["kind"] == Kind.PRICE_LIMITS:
        venue.lower, venue.upper = price, lots
    elif event["kind"] == Kind.TRADE:
        venue.trade(ns, 1 if event["flags"] & int(Flag.SELL) else -1, price, lots)
    else:
        venue.level(1 if event["flags"] & int(Flag.BUY) else -1, price, lots)
        if event["flags"] & int(Flag.LAST):
            venue.message_ends(ns)


def _sent(result: Any, plans: list[Plan], first_ns: int) -> dict[int, Plan]:
    """The plans that reach the venue: before the first event nothing is known, and a peg needs a price to follow."""
    refused = result.orders.loc[result.orders["state"] == "REFUSED", ["order_id", "reason"]].values.tolist()
    assert {reason for _, reason in refused} <= {"NO_MARKET_DATA", "NO_QUOTE_TO_PEG"}
    numbers = {k for k, _ in refused}
    early = {k for k, plan in enumerate(plans) if plan.ns <= first_ns}
    assert early <= numbers and all(plans[k].peg for k in numbers - early)
    return {k: plan for k, plan in enumerate(plans) if k not in numbers}


def _count(met: Counter[str], venue: PlainVenue, plans: dict[int, Plan]) -> None:
    resting: Counter[int] = Counter()
    for _, k, lots, _, rested in venue.fills:
        met["fills"] += 1
        resting[k] += lots if rested else 0
    for k, lots in resting.items():
        met["hidden"] += lots if plans[k].is_hidden else 0
        met["pegs"] += lots if plans[k].peg else 0
        met["reserves"] += max(lots - plans[k].display, 0) if plans[k].display else 0
    met["prevented"] += venue.prevented
    met["moves"] += venue.moves
    met["triggers"] += venue.triggers
    met["waits"] += venue.waits
    met["changes"] += venue.changes
    met.update(venue.ended.values())


def _keeps_within_trades(fills: list[Fill], events: NDArray[np.void]) -> None:
    """What rests fills at the stamp of a trade, all of it together, no more than the trades of that stamp, or at a message."""
    trades = events[events["kind"] == Kind.TRADE]
    told = set(events["ts_venue_ns"][events["kind"] == Kind.DEPTH].tolist())
    for ns in {ns for ns, *_ in fills} - told:
        assert sum(lots for at, _, lots, _, _ in fills if at == ns) <= trades["w1"][trades["ts_venue_ns"] == ns].sum()


def _all_from_behind(ahead: float, behind: float) -> float:
    return 1.0


def _proportional(ahead: float, behind: float) -> float:
    if ahead <= 0:
        return 1.0
    return 0.0 if behind <= 0 else behind / (behind + ahead)
