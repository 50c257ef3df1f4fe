"""How orders fill on bars; the fill itself is made in `filling.py`.

On a bar, in this order, in each step the best price first, then in order of arrival (`priority.py`):

1. At the open: market orders; stops the open has passed, at the open; limits the open is better than, at the open.
2. Inside the bar: stops whose price the range reached, at the stop; then limits the range went through, at the limit, and
   touches that it reached, at the touch. Stops first is the pessimistic choice where a stop and a target lie in one bar; such
   fills are flagged ambiguous.
3. After the exits of what the bar has filled (`exits.py`), on the bar that ends a session: orders for the close, at the close.

An order takes part only if it reached the venue at or before the bar began, for the close: before the bar ended. One bar
fills at most `max_participation` of its volume over all orders; the rest goes on working. Quotes
are for `matching_quotes.py`.

Assumptions: we do not move later prices; inside a bar every price of the range was traded.
Fails when: the order is large against the bar's volume, or the range was touched by a single odd trade.
"""

from __future__ import annotations

from framework.kernel.layout.codes import (
    AT_CLOSE,
    AT_OPEN,
    BAR,
    CANCELLED,
    EXPIRED,
    F_AMBIGUOUS,
    F_MAKER,
    FOK,
    IOC,
    LIMIT,
    MARKET,
    O_OCO,
    O_POST_ONLY,
    O_RESTING,
    R_FOK,
    R_IOC,
    R_MISSED_CLOSE,
    R_MISSED_OPEN,
    REPRICED,
    S_TRIGGERED,
    TRAILING_LIMIT,
    TRIGGERED,
)
from framework.kernel.layout.roots import ExchangeRoot, TraderRoot, event_row
from framework.kernel.layout.venue_records import Turn
from framework.kernel.machine.compile import inlined, kernel, outlined
from framework.kernel.market.marks import marks_of, terms_of
from framework.kernel.market.order_rows import is_done, is_touch
from framework.kernel.market.order_types import is_limit, reaches, set_stop, trailing_stop, trails, waits_for_price, waits_for_trigger
from framework.kernel.market.priority import BEFORE_ALL, CLOSE, LIMITS, NEVER, OPEN, STOPS, betters, needs_through, rank_in_bar
from framework.kernel.venue.answers import answer, end_order
from framework.kernel.venue.commands import listing_of, refuse_to_take, release_kept, session_of
from framework.kernel.venue.filling import budget_of, execute
from framework.kernel.venue.liquidation import enforce_inside
from framework.kernel.venue.order_table import order_of
from framework.kernel.venue.siblings import GIVES_WAY, TAKEN, behind_exits, has_taken, left_by_exits, rivalry
from framework.kernel.venue.unshown import touched_lots
from framework.kernel.venue.working_orders import is_empty, sweep
from framework.schema.event import Event
from framework.schema.order import Order
from framework.schema.units import NEVER_NS

NOT_OPENING = -(2**62)
"""In place of a session's open: the bar is not the first of its session."""


@kernel
def trigger(t: TraderRoot, x: ExchangeRoot, order: Order) -> None:
    """Trigger a stop or touch."""
    order.state = S_TRIGGERED
    limit_ticks = order.limit_ticks if order.type == TRAILING_LIMIT else 0
    answer(t, x, TRIGGERED, 0, order.instrument, order.order_id, order.stop_ticks, limit_ticks, 0, 0)


@kernel
def follow(t: TraderRoot, x: ExchangeRoot, order: Order, price: int) -> bool:
    """Move a trailing stop with the best price, never back, and tell its new level; whether it has moved."""
    moved = trailing_stop(order, price)
    if (moved - order.stop_ticks) * order.side >= 0:
        return False
    set_stop(order, moved)
    answer(t, x, REPRICED, 0, order.instrument, order.order_id, 0, 0, order.limit_ticks, moved)
    return True


@kernel
def _fill_at_open(t: TraderRoot, x: ExchangeRoot, order: Order, bar: Event, budget: int) -> int:
    """What the opening price does for an order; returns the lots filled."""
    price = bar.w0
    budget = left_by_exits(x, order, bar, budget)
    if order.type == MARKET:
        return execute(t, x, order, budget, price, 0, bar)
    if waits_for_trigger(order):
        if not reaches(order, price):
            return 0
        trigger(t, x, order)
    if not is_limit(order):
        return execute(t, x, order, budget, price, 0, bar)
    if order.flags & O_RESTING:
        if betters(order.side, price, order.limit_ticks, needs_through(t, order)):
            return execute(t, x, order, touched_lots(order, price, budget), price, F_MAKER, bar)
    elif betters(order.side, price, order.limit_ticks, t.costs.limit_needs_through):
        if order.flags & O_POST_ONLY == 0:
            return execute(t, x, order, budget, price, 0, bar)
        refuse_to_take(t, x, order, price)
    return 0


@kernel
def _rests_at(t: TraderRoot, order: Order, price: int) -> bool:
    """Whether a limit stands away from `price`. One that would take there makes nothing, however long it has waited."""
    if not is_limit(order) or waits_for_trigger(order):
        return False
    return not betters(order.side, price, order.limit_ticks, needs_through(t, order))


@kernel
def _target_inside(x: ExchangeRoot, order: Order, bar: Event, needs_through: int) -> bool:
    """Whether a limit of the same group would have filled inside this bar too, or a touch have triggered."""
    if not order.flags & O_OCO:
        return False
    at = listing_of(x, order.instrument).first
    while at >= 0:
        other = order_of(x, at)
        if other.group_id == order.group_id and not is_done(other):
            extreme = bar.w2 if other.side > 0 else bar.w1
            if other.type == LIMIT and betters(other.side, extreme, other.limit_ticks, needs_through):
                return True
            if is_touch(other) and waits_for_trigger(other) and reaches(other, extreme):
                return True
        at = other.next_working
    return False


@kernel
def _stop_inside(t: TraderRoot, x: ExchangeRoot, order: Order, bar: Event, budget: int, start_ns: int) -> int:
    """Stops the range reached. A trailing stop moves with the bar's extreme only after the old level has held."""
    extreme = bar.w1 if order.side > 0 else bar.w2
    flags = 0
    price = order.stop_ticks
    if not reaches(order, extreme):
        if not trails(order):
            return 0
        if not follow(t, x, order, bar.w2 if order.side > 0 else bar.w1):
            return 0
        if not reaches(order, bar.w3):
            return 0
        price, flags = bar.w3, F_AMBIGUOUS  # the close lies beyond the moved stop, so it was passed on the way there
    else:
        rival = rivalry(x, order, bar, start_ns)
        if rival == GIVES_WAY:
            return 0
        if rival == TAKEN or _target_inside(x, order, bar, t.costs.limit_needs_through):
            flags = F_AMBIGUOUS
    trigger(t, x, order)
    if is_limit(order) and not betters(order.side, price, order.limit_ticks, 0):
        order.blocked_ns = bar.ts_local_ns  # the limit lies beyond the stop: whether the price came back in this bar is not known
        order.flags |= O_RESTING
        return 0
    return execute(t, x, order, budget, price, flags, bar)


@kernel
def _touch_inside(t: TraderRoot, x: ExchangeRoot, order: Order, bar: Event, budget: int) -> int:
    """Touches the range reached after the open: filled at the touch, whatever better the range went on to.

    A limit better than the touch lies further on the way that the price came, so the range says whether it was reached after it.
    """
    if not reaches(order, bar.w2 if order.side > 0 else bar.w1):
        return 0
    trigger(t, x, order)
    if is_limit(order) and not betters(order.side, order.stop_ticks, order.limit_ticks, 0):
        return 0  # its turn as a limit comes
    return execute(t, x, order, budget, order.stop_ticks, 0, bar)


@kernel
def _limit_inside(t: TraderRoot, x: ExchangeRoot, order: Order, bar: Event, budget: int) -> int:
    """Limits the range went through after the open. One that has taken at a better price does not wait at its limit: what is left
    of it takes again at the next open."""
    extreme = bar.w2 if order.side > 0 else bar.w1
    if not betters(order.side, extreme, order.limit_ticks, needs_through(t, order)) or has_taken(order, bar):
        return 0
    budget = left_by_exits(x, order, bar, budget)
    return execute(t, x, order, touched_lots(order, extreme, budget), order.limit_ticks, F_MAKER, bar)


@kernel
def end_leftover(t: TraderRoot, x: ExchangeRoot, order: Order, is_opening: bool) -> None:
    """What may not outlive its first chance ends here."""
    if is_done(order) or waits_for_trigger(order):
        return
    if order.time_in_force == IOC:
        end_order(t, x, order, CANCELLED, R_IOC, 0.0, 0.0)
    elif order.time_in_force == FOK:
        end_order(t, x, order, CANCELLED, R_FOK, 0.0, 0.0)
    elif order.time_in_force == AT_OPEN and is_opening:
        end_order(t, x, order, EXPIRED, R_MISSED_OPEN, 0.0, 0.0)


@inlined
def _takes_part(order: Order, bar: Event, turn: Turn) -> bool:
    if is_done(order) or order.accepted_ns > turn.start_ns or order.blocked_ns == bar.ts_local_ns:
        return False
    if order.time_in_force == AT_CLOSE or waits_for_price(order):
        return False
    return order.time_in_force != AT_OPEN or order.accepted_ns <= turn.opened_ns


@kernel
def _bar_start(t: TraderRoot, x: ExchangeRoot, bar: Event) -> int:
    """When the bar began: the latest of the last bar's stamp, its own length ago, and the session's open."""
    start = marks_of(t, bar.instrument).bar_ns
    interval = terms_of(t, bar.instrument).bar_interval_ns
    if interval > 0:
        start = max(start, bar.ts_venue_ns - interval)
    session = session_of(t, x, bar.instrument)
    if session.known:
        start = max(start, session.open_ns)
    return start


@inlined
def begin_bar(t: TraderRoot, x: ExchangeRoot, bar: Event, turn: Turn) -> None:
    """Prepare the turn of a bar; commands that waited for it and came before its open act now."""
    listing, session = listing_of(x, bar.instrument), session_of(t, x, bar.instrument)
    listing.matched_ns = bar.ts_venue_ns
    turn.is_trading = listing.halted == 0 and (session.known == 0 or session.is_open != 0)
    turn.start_ns, turn.budget_lots = _bar_start(t, x, bar), budget_of(t, bar)
    if x.kept_count > 0:
        release_kept(t, x, bar.instrument, turn.start_ns if turn.is_trading else NEVER_NS, NEVER_NS)
    is_opening = session.known != 0 and marks_of(t, bar.instrument).bar_ns <= session.open_ns  # however late it comes
    turn.opened_ns = session.open_ns if is_opening else NOT_OPENING
    turn.is_closing = session.known != 0 and bar.ts_venue_ns == session.close_ns


@kernel
def end_bar(t: TraderRoot, x: ExchangeRoot, bar: Event, turn: Turn) -> None:
    """Commands that waited for the open of a bar act after it."""
    sweep(x, bar.instrument)
    if x.kept_count > 0 and turn.is_trading:
        release_kept(t, x, bar.instrument, NEVER_NS, NEVER_NS)


@kernel
def match_print(t: TraderRoot, x: ExchangeRoot, trade: Event) -> None:
    """Match every working order of an instrument of which only trades are published: a trade is a bar of one price."""
    listing, session = listing_of(x, trade.instrument), session_of(t, x, trade.instrument)
    has_ends = session.known != 0 and listing.has_auctions == 0  # else orders for the open and the close wait for their prints
    is_opening = has_ends and listing.traded_ns <= session.open_ns
    listing.traded_ns = trade.ts_venue_ns
    if listing.first < 0 or listing.halted or (session.known and not session.is_open):
        return
    bar, turn = event_row(x.print, 0), x.print_turn
    bar.ts_local_ns, bar.ts_venue_ns, bar.kind, bar.flags, bar.instrument = trade.ts_local_ns, trade.ts_venue_ns, BAR, 0, trade.instrument
    bar.w0, bar.w1, bar.w2, bar.w3, bar.w4 = trade.w0, trade.w0, trade.w0, trade.w0, trade.w1
    turn.row, turn.is_trading, turn.start_ns, turn.budget_lots = -1, 1, trade.ts_venue_ns - 1, budget_of(t, bar)
    turn.opened_ns = session.open_ns if is_opening else NOT_OPENING
    turn.is_closing = has_ends and trade.ts_venue_ns == session.close_ns
    match_alone(t, x, bar, turn)
    sweep(x, bar.instrument)
    if turn.is_closing:
        match_close(t, x, bar, turn)


@inlined
def _is_for_close(order: Order, bar: Event) -> bool:
    return order.time_in_force == AT_CLOSE and not is_done(order) and order.accepted_ns < bar.ts_venue_ns


@inlined
def _has_turn(order: Order, bar: Event, turn: Turn, step: int) -> bool:
    if step == CLOSE:
        return _is_for_close(order, bar) and order.blocked_ns != bar.ts_local_ns
    if not _takes_part(order, bar, turn):
        return False
    force = order.time_in_force
    return step == OPEN or not (order.done_ns != 0 or force == AT_OPEN or (order.type == LIMIT and (force == IOC or force == FOK)))


@kernel
def next_in_turn(t: TraderRoot, x: ExchangeRoot, bar: Event, turn: Turn, step: int, rank: int, after: int) -> tuple[int, int]:
    """(rank, order) of the next that a step of the bar reaches after the one named; the order is -1 where none is left."""
    best, found, is_behind = NEVER, -1, False
    at = listing_of(x, bar.instrument).first
    while at >= 0:
        order = order_of(x, at)
        if _has_turn(order, bar, turn, step):
            own = rank_in_bar(t, order, bar, step)
            if step == OPEN:
                own = behind_exits(x, order, own, bar.w0, bar.w0)
            if own < best and (own > rank or (own == rank and is_behind)):
                best, found = own, at
        is_behind = is_behind or at == after
        at = order.next_working
    return best, found


@inlined
def act(t: TraderRoot, x: ExchangeRoot, order: Order, bar: Event, turn: Turn, step: int) -> None:
    """What a step of the bar does for an order that it reaches."""
    budget = turn.budget_lots
    if step == OPEN:
        turn.budget_lots -= _fill_at_open(t, x, order, bar, budget)
    elif step == STOPS:
        turn.budget_lots -= _stop_inside(t, x, order, bar, budget, turn.start_ns)
    elif step == CLOSE:
        turn.budget_lots -= execute(t, x, order, budget, bar.w3, 0, bar)
    elif waits_for_trigger(order):
        turn.budget_lots -= _touch_inside(t, x, order, bar, budget)
    else:
        turn.budget_lots -= _limit_inside(t, x, order, bar, budget)


@outlined
def _several_in_turn(t: TraderRoot, x: ExchangeRoot, bar: Event, turn: Turn, step: int) -> None:
    rank, at = next_in_turn(t, x, bar, turn, step, BEFORE_ALL, -1)
    while at >= 0:
        act(t, x, order_of(x, at), bar, turn, step)
        rank, at = next_in_turn(t, x, bar, turn, step, rank, at)


@inlined
def step_through(t: TraderRoot, x: ExchangeRoot, bar: Event, turn: Turn, step: int) -> None:
    """A step of the bar for all that it reaches, by price and time as in `priority.py`."""
    listing, rank = listing_of(x, bar.instrument), BEFORE_ALL
    if listing.first != listing.last:
        _several_in_turn(t, x, bar, turn, step)
        return
    order = order_of(x, listing.first)  # the usual case: nothing to compare it with
    while listing.first >= 0 and _has_turn(order, bar, turn, step):
        own = rank_in_bar(t, order, bar, step)
        if own == NEVER or own <= rank:
            break
        rank = own
        act(t, x, order, bar, turn, step)


@inlined
def match_alone(t: TraderRoot, x: ExchangeRoot, bar: Event, turn: Turn) -> None:
    """All steps of a bar up to its close, where it is the only one of its moment. Ended orders are still in their line."""
    step_through(t, x, bar, turn, OPEN)
    if not is_empty(x, bar.instrument):
        after_open(t, x, bar, turn)
        step_through(t, x, bar, turn, STOPS)
        if t.margined != 0 and turn.row >= 0:
            enforce_inside(t, x, bar, turn)
        step_through(t, x, bar, turn, LIMITS)
        after_limits(t, x, bar, turn)


@kernel
def after_limits(t: TraderRoot, x: ExchangeRoot, bar: Event, turn: Turn) -> None:
    """The range is passed: trailing stops follow it, limits rest from now on, and what may not outlive the bar ends."""
    at = listing_of(x, bar.instrument).first
    while at >= 0:
        order = order_of(x, at)
        at = order.next_working
        if _takes_part(order, bar, turn):
            if waits_for_trigger(order) and trails(order) and order.done_ns == 0:  # not after a command that waited for the open
                follow(t, x, order, bar.w2 if order.side > 0 else bar.w1)
            elif _rests_at(t, order, bar.w3):
                order.flags |= O_RESTING
            end_leftover(t, x, order, turn.opened_ns != NOT_OPENING)


@kernel
def after_close(t: TraderRoot, x: ExchangeRoot, bar: Event) -> None:
    """Orders for the close that it has not filled end."""
    at = listing_of(x, bar.instrument).first
    while at >= 0:
        order = order_of(x, at)
        if _is_for_close(order, bar):
            end_order(t, x, order, EXPIRED, R_MISSED_CLOSE, 0.0, 0.0)
        at = order.next_working
    sweep(x, bar.instrument)


@kernel
def match_close(t: TraderRoot, x: ExchangeRoot, bar: Event, turn: Turn) -> None:
    """The bar ends its session: orders for the close fill at it or end."""
    step_through(t, x, bar, turn, CLOSE)
    after_close(t, x, bar)


@kernel
def after_open(t: TraderRoot, x: ExchangeRoot, bar: Event, turn: Turn) -> None:
    """Limits that the opening price does not better rest from then on."""
    at = listing_of(x, bar.instrument).first
    while at >= 0:
        order = order_of(x, at)
        if _takes_part(order, bar, turn) and _rests_at(t, order, bar.w0):
            order.flags |= O_RESTING
        at = order.next_working
