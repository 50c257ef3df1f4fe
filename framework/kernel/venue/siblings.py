"""What an order's own family does to it inside one bar, before anything fills: rival stops of its group, and the stops of its exits."""

from __future__ import annotations

from framework.kernel.layout.codes import O_OCO
from framework.kernel.layout.roots import ExchangeRoot
from framework.kernel.layout.venue_records import listing_row
from framework.kernel.machine.compile import inlined, kernel, outlined
from framework.kernel.market.lifecycle import leaves
from framework.kernel.market.order_rows import is_done, is_touch
from framework.kernel.market.order_types import has_triggered, is_limit, reaches, waits_for_trigger
from framework.kernel.market.priority import LAST, NEVER, rank_at
from framework.kernel.venue.order_table import order_of
from framework.schema.event import Event
from framework.schema.order import Order

ALONE, TAKEN, GIVES_WAY = 0, 1, 2
"""What a stop is among the stops of its group that a bar reaches: the only one, the one that is taken, another one is."""


@kernel
def _is_reached(order: Order, bar: Event, start_ns: int) -> bool:
    """Whether a stop that took part in the bar from its start lies inside its range."""
    if is_done(order) or order.accepted_ns > start_ns or order.blocked_ns == bar.ts_local_ns:
        return False
    return waits_for_trigger(order) and not is_touch(order) and reaches(order, bar.w1 if order.side > 0 else bar.w2)


@kernel
def rivalry(x: ExchangeRoot, order: Order, bar: Event, start_ns: int) -> int:
    """What a stop that the bar reaches is among those of its group: ALONE, TAKEN or GIVES_WAY.

    Of two on one side the nearer is passed first. Of two on both sides nobody knows which was, so the one is taken whose fill is
    worth less at the close; of two alike the one that came first.
    """
    if not order.flags & O_OCO or is_limit(order):
        return ALONE
    found = ALONE
    at = listing_row(x.listings, order.instrument).first
    while at >= 0:
        other = order_of(x, at)
        at = other.next_working
        if other.group_id != order.group_id or other.order_id == order.order_id or is_limit(other) or not _is_reached(other, bar, start_ns):
            continue
        found = TAKEN
        if other.side == order.side:
            if (order.stop_ticks - other.stop_ticks) * order.side > 0:
                return GIVES_WAY
        elif (bar.w3 - other.stop_ticks) * other.side < (bar.w3 - order.stop_ticks) * order.side:
            return GIVES_WAY
    return found


@outlined
def _exit_acts(x: ExchangeRoot, order: Order, bid: int, ask: int) -> bool:
    """Whether an exit of an entry that has filled before would fill at a bid or an ask, or is triggered by it."""
    at = listing_row(x.listings, order.instrument).first
    while at >= 0:
        exit = order_of(x, at)
        at = exit.next_working
        if exit.parent_id == order.order_id and exit.side != order.side:  # also one that has just ended: it came first
            price = ask if exit.side > 0 else bid
            if price > 0 and (rank_at(exit, price, 0) != NEVER or (has_triggered(exit) and reaches(exit, price))):
                return True  # a stop-limit that was just triggered too, whatever its limit
    return False


@inlined
def behind_exits(x: ExchangeRoot, order: Order, rank: int, bid: int, ask: int) -> int:
    """The rank of an order that a bid and an ask reach: the rest of an entry comes after all else where an exit of it acts at them.

    An exit acts on what is held, and an entry whose exit has begun is over.
    """
    if order.filled_lots == 0 or rank == NEVER or not _exit_acts(x, order, bid, ask):
        return rank
    return LAST


@inlined
def has_taken(order: Order, bar: Event) -> bool:
    """Whether a limit was better than the market in this bar: at its open, or where it filled."""
    if (order.limit_ticks - bar.w0) * order.side > 0:
        return True
    return order.filled_ns == bar.ts_local_ns and (order.limit_ticks - order.filled_ticks) * order.side > 0


@kernel
def left_by_exits(x: ExchangeRoot, order: Order, bar: Event, budget: int) -> int:
    """What of a bar's budget an entry may take that has filled before: the stops of its exits that the bar reaches come first.

    They act on what is held. Would the entry's rest take the volume that they need, the stop would be passed and nothing sold.
    """
    if order.filled_lots == 0:
        return budget
    at = listing_row(x.listings, order.instrument).first
    while at >= 0:
        exit = order_of(x, at)
        at = exit.next_working
        if exit.parent_id != order.order_id or exit.side == order.side or is_done(exit) or not waits_for_trigger(exit):
            continue
        if not is_touch(exit) and reaches(exit, bar.w1 if exit.side > 0 else bar.w2):  # also where it waits to be enlarged
            budget -= leaves(exit)
    return max(budget, 0)
