"""Who comes first among our own orders where there is less than all of them want: the best price, then time.

At one price that all of them get, a bar's open or close, a quote or the opposite side of a book, market orders and triggered stops
come first, since they take at any price, then limits by how much the price betters them. Inside a bar the price comes first to what
lies nearest to the open. Ranks are in ticks; the lower one comes first, equal ones in order of arrival.

Assumptions: of two prices inside a bar, one above the open and one below it, the nearer one was first; trailing stops that moved in
the bar come after all that stood.
Fails when: the price went to the farther end of a bar first.
"""

from __future__ import annotations

from framework.kernel.layout.codes import O_HIDDEN, O_RESTING
from framework.kernel.layout.roots import TraderRoot
from framework.kernel.machine.compile import inlined, kernel
from framework.kernel.market.order_rows import is_touch
from framework.kernel.market.order_types import is_limit, reaches, trailing_stop, trails, waits_for_price, waits_for_trigger
from framework.schema.event import Event
from framework.schema.order import Order

FIRST, NEVER = -(2**62), 2**62
"""The rank of what takes at any price; that of what a price does nothing to."""

BEFORE_ALL, LAST = FIRST - 1, NEVER - 1

_MOVED = 2**61
"""Added for trailing stops that moved before they were reached."""

OPEN, STOPS, LIMITS, CLOSE = 0, 1, 2, 3
"""The steps of a bar."""


@kernel
def betters(side: int, price: int, limit: int, needs_through: int) -> bool:
    """Whether `price` fills a limit: strictly better, or equal too where touching is enough."""
    gain = (limit - price) * side
    return gain > 0 or (gain == 0 and needs_through == 0)


@inlined
def needs_through(t: TraderRoot, order: Order) -> int:
    """Whether the price must go through a limit that rests; always where it is hidden, since all that is shown comes first."""
    return 1 if order.flags & O_HIDDEN else t.costs.limit_needs_through


@kernel
def rank_at(order: Order, price: int, through: int) -> int:
    """The rank of an order at a price that all get; `through`: whether a price equal to its limit is not enough."""
    if waits_for_price(order) or (waits_for_trigger(order) and not reaches(order, price)):
        return NEVER
    if not is_limit(order):
        return FIRST
    fills = waits_for_trigger(order) or betters(order.side, price, order.limit_ticks, through)
    return (price - order.limit_ticks) * order.side if fills else NEVER


@kernel
def _rank_of_stop(order: Order, bar: Event) -> int:
    if not waits_for_trigger(order) or is_touch(order):
        return NEVER
    if reaches(order, bar.w1 if order.side > 0 else bar.w2):
        return (order.stop_ticks - bar.w0) * order.side
    if trails(order):
        moved = trailing_stop(order, bar.w2 if order.side > 0 else bar.w1)
        if (moved - order.stop_ticks) * order.side < 0 and (bar.w3 - moved) * order.side >= 0:
            return _MOVED + (moved - bar.w0) * order.side
    return NEVER


@kernel
def rank_in_bar(t: TraderRoot, order: Order, bar: Event, step: int) -> int:
    """The rank of an order in a step of a bar."""
    if step == OPEN:
        return rank_at(order, bar.w0, needs_through(t, order) if order.flags & O_RESTING else t.costs.limit_needs_through)
    if step == STOPS:
        return _rank_of_stop(order, bar)
    if step == CLOSE:
        return rank_at(order, bar.w3, t.costs.limit_needs_through)
    extreme, price = bar.w2 if order.side > 0 else bar.w1, order.limit_ticks
    if waits_for_trigger(order):
        is_reached, price = is_touch(order) and reaches(order, extreme), order.stop_ticks
    else:
        is_reached = is_limit(order) and betters(order.side, extreme, price, needs_through(t, order))
    return (bar.w0 - price) * order.side if is_reached else NEVER
