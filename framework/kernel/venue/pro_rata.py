"""Pro-rata matching: a trade at our price is shared among all who stand there, by size, instead of in the order of arrival.

With q lots traded at the price, s the share that goes in order of arrival, L lots of others and o_i those of our orders there:

    1. in order of arrival      floor(s q), as on a venue of price and time priority
    2. by size                  of the rest r, order i gets floor(r o_i / (L + sum o)) of what then stands, nothing if that is less than
                                the minimum; the others together floor(r L / (L + sum o))
    3. in order of arrival      what rounding and the minimum have left

CME Globex, "Supported Matching Algorithms": F is s = 1, C is s = 0, K a share between ("split"); A has a minimum of 2 lots.
https://www.cmegroup.com/confluence/display/EPICSANDBOX/Supported+Matching+Algorithms

L is what the level was published with, less what has traded there since. A share in order of arrival takes from the front of the line, the
rest from all of it in proportion, so the line ahead of us shrinks by both.

Assumptions: the others are one order, which loses nothing to rounding or to the minimum; no top order and no lead market maker has
an allocation of its own; each trade that a source tells is shared by itself.
Fails when: a source tells one trade as many, by order, and rounds each share down once more.
"""

from __future__ import annotations

import math

from framework.kernel.layout.codes import F_MAKER, O_HIDDEN, O_ICEBERG
from framework.kernel.layout.depth_records import DepthBook
from framework.kernel.layout.roots import ExchangeRoot, TraderRoot
from framework.kernel.machine.compile import inlined, kernel
from framework.kernel.machine.ratio import floored, share_of
from framework.kernel.market.lifecycle import leaves
from framework.kernel.market.order_book import lots_at
from framework.kernel.market.order_types import rests
from framework.kernel.venue.commands import listing_of
from framework.kernel.venue.order_table import order_of
from framework.kernel.venue.unshown import fill_resting
from framework.schema.event import Event
from framework.schema.order import Order

_HALF_A_LOT = 0.5
"""The models of cancels leave parts of lots ahead of us: half a lot and more counts as one."""


@inlined
def _stands(order: Order, side: int, price: int, event: Event) -> bool:
    """Whether a resting order of ours takes part in a trade at `price`."""
    return (
        order.side == side
        and order.limit_ticks == price
        and rests(order)
        and order.accepted_ns < event.ts_venue_ns
        and order.blocked_ns != event.ts_local_ns
    )


@inlined
def _shown(order: Order) -> int:
    """What of an order stands there to be shared by: nothing of a hidden one, what an iceberg shows."""
    if order.flags & O_HIDDEN:
        return 0
    return min(order.shown_lots, leaves(order)) if order.flags & O_ICEBERG else leaves(order)


@kernel
def _standing(x: ExchangeRoot, side: int, price: int, event: Event) -> int:
    """Lots of ours that take part at `price`."""
    total, at = 0, listing_of(x, event.instrument).first
    while at >= 0:
        order = order_of(x, at)
        if _stands(order, side, price, event):
            total += _shown(order)
        at = order.next_working
    return total


@kernel
def _in_line(t: TraderRoot, x: ExchangeRoot, side: int, price: int, lots: int, event: Event) -> int:
    """Fill what gets past the line ahead of our orders of `lots` that go in order of arrival; returns what we got."""
    ours, at = 0, listing_of(x, event.instrument).first
    while at >= 0:
        order = order_of(x, at)
        at = order.next_working
        if _stands(order, side, price, event):
            past = math.floor(lots + _HALF_A_LOT - order.ahead_lots)
            due = min(min(past, lots) - ours, _shown(order))
            if due > 0:
                ours += fill_resting(t, x, order, due, F_MAKER, event)
    return ours


@kernel
def _by_size(t: TraderRoot, x: ExchangeRoot, side: int, price: int, lots: int, total: int, event: Event) -> int:
    """Fill our shares of `lots` among `total` that stand there; returns what we got."""
    ours, at = 0, listing_of(x, event.instrument).first
    while at >= 0:
        order = order_of(x, at)
        at = order.next_working
        if _stands(order, side, price, event):
            due = min(floored(lots, _shown(order), total), _shown(order))
            if due >= x.rules.pro_rata_minimum_lots:
                ours += fill_resting(t, x, order, due, F_MAKER, event)
    return ours


@kernel
def _shrink_lines(x: ExchangeRoot, side: int, price: int, first: int, others: int, event: Event) -> None:
    """What a trade took of the lines ahead of us: `first` lots from the front, the rest in proportion of the `others` that stood there."""
    traded, rest = event.w1, max(others - first, 0)
    at = listing_of(x, event.instrument).first
    while at >= 0:
        order = order_of(x, at)
        at = order.next_working
        if _stands(order, side, price, event):
            ahead = max(order.ahead_lots - first, 0.0)
            if rest > 0:
                ahead -= ahead * min((traded - first) / rest, 1.0)
            order.ahead_lots = ahead
            order.passed_lots += traded


@kernel
def _passed(x: ExchangeRoot, side: int, price: int, event: Event) -> int:
    """Lots that traded at `price` since its level was last published, as far as an order of ours stood there."""
    passed, at = 0.0, listing_of(x, event.instrument).first
    while at >= 0:
        order = order_of(x, at)
        if _stands(order, side, price, event):
            passed = max(passed, order.passed_lots)
        at = order.next_working
    return int(passed)


@kernel
def _leftover(t: TraderRoot, x: ExchangeRoot, side: int, price: int, lots: int, others: int, event: Event) -> int:
    """The last lots of a trade in order of arrival: our orders with nobody ahead first, then others, then the rest of ours."""
    ours = 0
    for is_late in range(2):
        at = listing_of(x, event.instrument).first
        while at >= 0 and ours < lots:
            order = order_of(x, at)
            at = order.next_working
            if _stands(order, side, price, event) and (is_late == 1 or order.ahead_lots < _HALF_A_LOT):
                due = min(lots - ours, _shown(order))
                if due > 0:
                    ours += fill_resting(t, x, order, due, F_MAKER, event)
        lots = max(lots - others, ours)
    return ours


@kernel
def _first_lots(x: ExchangeRoot, lots: int) -> int:
    """What of so many lots goes in order of arrival."""
    return share_of(lots, x.rules.pro_rata_fifo_share)


@kernel
def _shared(t: TraderRoot, x: ExchangeRoot, side: int, price: int, lots: int, others: int, event: Event) -> int:
    """Fill our shares of `lots` among `others` and ourselves; returns what we got."""
    first = _first_lots(x, lots)
    ours = _in_line(t, x, side, price, first, event) if first > 0 else 0
    remain, rest = max(others - (first - ours), 0), lots - first
    total = remain + _standing(x, side, price, event)
    if rest <= 0 or total <= 0:
        return ours
    got = _by_size(t, x, side, price, rest, total, event)
    theirs = min(floored(rest, remain, total), remain)
    ours += got
    if rest > got + theirs:
        ours += _leftover(t, x, side, price, rest - got - theirs, remain - theirs, event)
    return ours


@kernel
def share_out(t: TraderRoot, x: ExchangeRoot, depth: DepthBook, side: int, price: int, lots: int, event: Event) -> int:
    """Fill our shares of what is left of a trade at its own price, `lots`; returns what we got, never more than that."""
    others = lots_at(x, depth, side, price)
    if depth.has_orders != 0:  # published by order: each update of an order moves the line
        return _shared(t, x, side, price, lots, others, event)
    others = max(others - _passed(x, side, price, event), 0)
    ours = _shared(t, x, side, price, lots, others, event)
    _shrink_lines(x, side, price, _first_lots(x, event.w1), others, event)
    return ours
