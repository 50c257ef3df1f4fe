"""Orders that belong together inside one bar: stops of one group, and exits in the bar that fills their entry.

A trader releases the exits of an entry, or enlarges them, when it hears of the entry's fill. Without latency they reach the venue at that
bar's stamp, and what they meet of the bar is what came after the entry, as far as the bar tells:

- the side against the position counts whole: a stop that it reached is taken, also where the price may have been there before the entry;
- the other side counts whole where the entry filled at the open, or was a stop, which the price passes on its way there. Else it
  counts as far as the close: a target is taken only where the price ended beyond it.

A stop is filled at the stop, a target at the target; at the entry's price where that lies beyond it already, as a taker. Stops come
before targets that the entry's price has not passed. All such fills are ambiguous.

Assumptions: the bar's volume, less what was taken of it, is there for the exits too.
Fails when: the price had left the stop behind before the entry filled: the loss is then not the position's.
"""

from __future__ import annotations

from typing import Any

from framework.kernel.answers import end_order
from framework.kernel.codes import (
    AT_CLOSE,
    BAR,
    EXPIRED,
    F_AMBIGUOUS,
    F_MAKER,
    FOK,
    IOC,
    LIMIT,
    O_POST_ONLY,
    O_RESTING,
    R_MISSED_CLOSE,
    STOP,
    STOP_LIMIT,
    TRAILING,
    TRAILING_LIMIT,
)
from framework.kernel.compile import kernel
from framework.kernel.exchange import refuse_to_take, venue_book
from framework.kernel.filling import ALL, budget_of, execute
from framework.kernel.matching import end_leftover, trigger
from framework.kernel.order_types import is_limit, reaches, waits_for_price, waits_for_trigger
from framework.kernel.orders import is_done, is_touch, order_of
from framework.kernel.priority import betters, needs_through
from framework.kernel.queue import sweep
from framework.kernel.records import event_row
from framework.kernel.unshown import touched_lots


@kernel
def _entered(x: Any, order: Any, bar: Any) -> bool:
    """Whether it is an exit of an entry that this bar filled."""
    if order.parent_id < 0 or is_done(order) or waits_for_price(order):
        return False
    parent = order_of(x, order.parent_id)
    return parent.filled_ns == bar.ts_local_ns and parent.instrument == order.instrument and parent.side != order.side


@kernel
def _rest_of(x: Any, order: Any, bar: Any) -> Any:
    """What is left of the bar for an exit after its entry's fill, as a bar that opens at the entry's price."""
    parent, rest = order_of(x, order.parent_id), event_row(x.print, 0)
    rest.ts_local_ns, rest.ts_venue_ns, rest.kind, rest.flags = bar.ts_local_ns, bar.ts_venue_ns, bar.kind, bar.flags
    rest.instrument = bar.instrument
    rest.w0, rest.w1, rest.w2, rest.w3, rest.w4 = parent.filled_ticks, bar.w1, bar.w2, bar.w3, bar.w4
    kind = parent.type
    is_stop = kind == STOP or kind == STOP_LIMIT or kind == TRAILING or kind == TRAILING_LIMIT
    if parent.filled_ticks != bar.w0 and not is_stop:
        if parent.side > 0:
            rest.w1 = max(parent.filled_ticks, bar.w3)
        else:
            rest.w2 = min(parent.filled_ticks, bar.w3)
    return rest


@kernel
def _stop_out(t: Any, x: Any, order: Any, bar: Any, budget: int) -> int:
    rest = _rest_of(x, order, bar)
    if not reaches(order, rest.w1 if order.side > 0 else rest.w2):
        return 0
    price = rest.w0 if reaches(order, rest.w0) else order.stop_ticks
    trigger(t, x, order)
    if is_limit(order) and not betters(order.side, price, order.limit_ticks, 0):
        order.blocked_ns = bar.ts_local_ns  # as in any other bar: whether the price came back is not known
        order.flags |= O_RESTING
        return 0
    done = execute(t, x, order, budget, price, F_AMBIGUOUS, rest)
    end_leftover(t, x, order, False)
    return int(done)


@kernel
def _is_passed(t: Any, order: Any, entry_ticks: int) -> bool:
    """Whether the price of its entry lies beyond a target already: it is filled there as it comes."""
    if is_touch(order) and waits_for_trigger(order):
        return bool(reaches(order, entry_ticks))
    return order.type == LIMIT and bool(betters(order.side, entry_ticks, order.limit_ticks, t.costs.limit_needs_through))


@kernel
def _take_at_entry(t: Any, x: Any, order: Any, budget: int, rest: Any) -> int:
    """Fill a target that the entry's price has passed: it takes at that price, as any limit does that is better than the market."""
    if order.flags & O_POST_ONLY:
        refuse_to_take(t, x, order, rest.w0)
        return 0
    if waits_for_trigger(order):
        trigger(t, x, order)
        if is_limit(order) and not betters(order.side, rest.w0, order.limit_ticks, 0):
            return 0
    done = execute(t, x, order, budget, rest.w0, F_AMBIGUOUS, rest)
    end_leftover(t, x, order, False)
    return int(done)


@kernel
def _take_profit(t: Any, x: Any, order: Any, bar: Any, budget: int) -> int:
    rest = _rest_of(x, order, bar)
    if _is_passed(t, order, rest.w0):
        return _take_at_entry(t, x, order, budget, rest)
    best = rest.w2 if order.side > 0 else rest.w1
    if order.type == LIMIT:
        if (
            order.time_in_force == IOC
            or order.time_in_force == FOK
            or not betters(order.side, best, order.limit_ticks, needs_through(t, order))
        ):
            return 0
        return int(execute(t, x, order, touched_lots(order, best, budget), order.limit_ticks, F_MAKER | F_AMBIGUOUS, rest))
    if not is_touch(order) or not reaches(order, best):
        return 0
    trigger(t, x, order)
    if is_limit(order) and not betters(order.side, order.stop_ticks, order.limit_ticks, 0):
        return 0
    done = execute(t, x, order, budget, order.stop_ticks, F_AMBIGUOUS, rest)
    end_leftover(t, x, order, False)
    return int(done)


@kernel
def end_waiting(t: Any, x: Any, row: Any) -> None:
    """Make a fill that waited for the others of its stamp; what of the bar's volume it leaves is there for its exits."""
    order, event = order_of(x, row.order_id), event_row(x.tape, row.row)
    budget = budget_of(t, event) if event.kind == BAR else ALL
    x.bar_budget = budget - execute(t, x, order, row.lots, row.ticks, row.flags, event)
    if order.time_in_force == AT_CLOSE and not is_done(order):
        end_order(t, x, order, EXPIRED, R_MISSED_CLOSE, 0.0, 0.0)
    end_leftover(t, x, order, True)
    sweep(x, order.instrument)


@kernel
def match_exits(t: Any, x: Any, bar: Any) -> None:
    """Match the exits that have come for entries which this bar filled, with what came after the entry."""
    book = venue_book(x, bar.instrument)
    budget = x.bar_budget
    at, found = book.first, False
    while at >= 0:
        order = order_of(x, at)
        if _entered(x, order, bar):
            order.blocked_ns, found = 0, True  # it sat out until its size was told
        at = order.next_working
    if not found:
        return
    for step in range(2):
        at = book.first
        while at >= 0:
            order = order_of(x, at)
            at = order.next_working
            if not _entered(x, order, bar) or order.blocked_ns == bar.ts_local_ns:
                continue
            is_stop = order.type >= STOP and not is_touch(order)
            is_first = is_stop or _is_passed(t, order, order_of(x, order.parent_id).filled_ticks)
            if is_first != (step == 0):
                continue
            if is_stop and waits_for_trigger(order):
                budget -= _stop_out(t, x, order, bar, budget)
            elif not is_stop and (order.type == LIMIT or waits_for_trigger(order)):
                budget -= _take_profit(t, x, order, bar, budget)
    sweep(x, bar.instrument)
