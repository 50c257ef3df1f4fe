"""Orders that belong together inside one bar: stops of one group, and exits in the bar that fills their entry.

A trader releases the exits of an entry, or enlarges them, when it is notified of the entry's fill. Without latency they reach the venue at
that bar's stamp, and what they meet of the bar is what came after the entry, as far as the bar tells:

- the side against the position counts whole: a stop that it reached is taken, also where the price may have been there before the entry;
- the other side counts whole where the entry filled at the open, or was a stop, which the price passes on its way there. Else it
  counts as far as the close: a target is taken only where the price ended beyond it.

A stop is filled at the stop, a target at its limit; each at the entry's price where that has passed it already. Stops come before
targets, the nearer of each first. All such fills are ambiguous. An entry at the close, and an exit for an auction, know no rest of the bar.

Assumptions: the bar's volume, less what was taken of it, is there for the exits too.
Fails when: the price had left the stop behind before the entry filled: the loss is then not the position's.
"""

from __future__ import annotations

from framework.kernel.layout.codes import (
    AT_CLOSE,
    AT_OPEN,
    F_AMBIGUOUS,
    F_MAKER,
    FOK,
    IOC,
    LIMIT,
    O_POST_ONLY,
    O_RESTING,
    STOP,
)
from framework.kernel.layout.roots import ExchangeRoot, TraderRoot, event_row
from framework.kernel.layout.venue_records import Turn
from framework.kernel.machine.compile import inlined, kernel
from framework.kernel.market.order_rows import is_done, is_touch
from framework.kernel.market.order_types import is_limit, reaches, waits_for_price, waits_for_trigger
from framework.kernel.market.priority import BEFORE_ALL, LIMITS, NEVER, STOPS, betters, needs_through, rank_at, rank_in_bar
from framework.kernel.venue.commands import listing_of, refuse_to_take
from framework.kernel.venue.filling import execute
from framework.kernel.venue.matching_bars import end_leftover, trigger
from framework.kernel.venue.order_table import order_of
from framework.kernel.venue.unshown import touched_lots
from framework.kernel.venue.working_orders import sweep
from framework.schema.event import Event
from framework.schema.order import Order


@kernel
def _entered(x: ExchangeRoot, order: Order, bar: Event) -> bool:
    """Whether it is an exit of an entry that this bar filled before its close."""
    if order.parent_id < 0 or is_done(order) or waits_for_price(order):
        return False
    if order.time_in_force == AT_OPEN or order.time_in_force == AT_CLOSE:
        return False
    parent = order_of(x, order.parent_id)
    if parent.instrument != order.instrument or parent.side == order.side:
        return False
    return parent.filled_ns == bar.ts_local_ns and parent.time_in_force != AT_CLOSE


@kernel
def _rest_of(x: ExchangeRoot, order: Order, bar: Event) -> Event:
    """What is left of the bar for an exit after its entry's fill, as a bar whose range the other side may have lost."""
    parent, rest = order_of(x, order.parent_id), event_row(x.print, 0)
    rest.ts_local_ns, rest.ts_venue_ns, rest.kind, rest.flags = bar.ts_local_ns, bar.ts_venue_ns, bar.kind, bar.flags
    rest.instrument = bar.instrument
    rest.w0, rest.w1, rest.w2, rest.w3, rest.w4 = bar.w0, bar.w1, bar.w2, bar.w3, bar.w4
    if parent.filled_ticks != bar.w0 and not _is_stop(parent):
        if parent.side > 0:
            rest.w1 = max(parent.filled_ticks, bar.w3)
        else:
            rest.w2 = min(parent.filled_ticks, bar.w3)
    return rest


@inlined
def _is_stop(order: Order) -> bool:
    return order.type >= STOP and not is_touch(order)


@kernel
def _rank(t: TraderRoot, x: ExchangeRoot, order: Order, bar: Event, step: int) -> int:
    """The rank of an exit: at the entry's price, which has passed it already, or inside what came after it."""
    if (step == STOPS) != (_is_stop(order) and waits_for_trigger(order)):
        return NEVER
    if order.type == LIMIT and (order.time_in_force == IOC or order.time_in_force == FOK):
        return NEVER
    if not waits_for_trigger(order) and not is_limit(order):
        return NEVER
    own = rank_at(order, order_of(x, order.parent_id).filled_ticks, needs_through(t, order))
    if own == NEVER:
        rest = _rest_of(x, order, bar)
        if step == LIMITS or reaches(order, rest.w1 if order.side > 0 else rest.w2):
            own = rank_in_bar(t, order, rest, step)
    return int(own)


@kernel
def _next(t: TraderRoot, x: ExchangeRoot, bar: Event, step: int, rank: int, after: int) -> tuple[int, int]:
    """(rank, order) of the next exit that a step reaches after the one named; the order is -1 where none is left."""
    best, found, is_behind = NEVER, -1, False
    at = listing_of(x, bar.instrument).first
    while at >= 0:
        order = order_of(x, at)
        if _entered(x, order, bar) and order.blocked_ns != bar.ts_local_ns:
            own = _rank(t, x, order, bar, step)
            if own < best and (own > rank or (own == rank and is_behind)):
                best, found = own, at
        is_behind = is_behind or at == after
        at = order.next_working
    return best, found


@kernel
def _stop_out(t: TraderRoot, x: ExchangeRoot, order: Order, bar: Event, budget: int) -> int:
    entered = order_of(x, order.parent_id).filled_ticks
    price = entered if reaches(order, entered) else order.stop_ticks
    trigger(t, x, order)
    if is_limit(order) and not betters(order.side, price, order.limit_ticks, 0):
        order.blocked_ns = bar.ts_local_ns  # as in any other bar: whether the price came back is not known
        order.flags |= O_RESTING
        return 0
    return int(execute(t, x, order, budget, price, F_AMBIGUOUS, bar))


@kernel
def _take_profit(t: TraderRoot, x: ExchangeRoot, order: Order, bar: Event, budget: int) -> int:
    """A target or touch: at the entry's price where that has passed it already, else at its own."""
    entered, price = order_of(x, order.parent_id).filled_ticks, order.limit_ticks
    if waits_for_trigger(order):
        price = entered if reaches(order, entered) else order.stop_ticks
        trigger(t, x, order)
        if is_limit(order) and not betters(order.side, price, order.limit_ticks, 0):
            return 0  # its turn as a limit comes
        return int(execute(t, x, order, budget, price, F_AMBIGUOUS, bar))
    if betters(order.side, entered, price, needs_through(t, order)):
        if order.flags & (O_POST_ONLY | O_RESTING) == O_POST_ONLY:
            refuse_to_take(t, x, order, entered)
            return 0
        flags = F_AMBIGUOUS | (F_MAKER if order.flags & O_RESTING else 0)
        return int(execute(t, x, order, touched_lots(order, entered, budget), entered, flags, bar))
    rest = _rest_of(x, order, bar)
    lots = touched_lots(order, rest.w2 if order.side > 0 else rest.w1, budget)
    return int(execute(t, x, order, lots, price, F_MAKER | F_AMBIGUOUS, bar))


@kernel
def match_exits(t: TraderRoot, x: ExchangeRoot, bar: Event, turn: Turn) -> None:
    """Match the exits that have come for entries which this bar filled, with what came after the entry."""
    listing = listing_of(x, bar.instrument)
    at, found = listing.first, False
    while at >= 0:
        order = order_of(x, at)
        if _entered(x, order, bar):
            order.blocked_ns, found = 0, True  # it sat out until its size was known
        at = order.next_working
    if not found:
        return
    for step in (STOPS, LIMITS):
        rank, at = _next(t, x, bar, step, BEFORE_ALL, -1)
        while at >= 0:
            order = order_of(x, at)
            if step == STOPS:
                turn.budget_lots -= _stop_out(t, x, order, bar, turn.budget_lots)
            else:
                turn.budget_lots -= _take_profit(t, x, order, bar, turn.budget_lots)
            if order.type >= STOP and order.blocked_ns != bar.ts_local_ns:
                end_leftover(t, x, order, False)
            rank, at = _next(t, x, bar, step, rank, at)
    sweep(x, bar.instrument)
