"""How orders fill on bars and quotes; the fill itself is made in `filling.py`.

On a bar, in this order, each step in order of arrival:

1. At the open: market orders; stops the open has passed, at the open; limits the open is better than, at the open.
2. Inside the bar: stops whose price the range reached, at the stop; then limits the range went through, at the limit, and
   touches that it reached, at the touch. Stops first is the pessimistic choice where a stop and a target lie in one bar; such
   fills are flagged ambiguous.
3. At the close, on the bar that ends a session: orders for the close, at the close.

An order takes part only if it reached the venue at or before the bar began, for the close: before the bar ended. One bar
fills at most `max_participation` of its volume over all orders; the rest goes on working. On quotes a fill needs a quote
newer than the order's arrival, takes at most the displayed size, and what it took is gone until the next quote.

Assumptions: we do not move later prices; inside a bar every price of the range was traded.
Fails when: the order is large against the bar's volume, or the range was touched by a single odd trade.
"""

from __future__ import annotations

from typing import Any

from framework.kernel.answers import answer, end_order
from framework.kernel.book import book_of, terms_of
from framework.kernel.codes import (
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
    O_HIDDEN,
    O_OCO,
    O_PEGGED,
    O_POST_ONLY,
    O_RESTING,
    R_FOK,
    R_IOC,
    R_MISSED_CLOSE,
    R_MISSED_OPEN,
    S_TRIGGERED,
    TRAILING_LIMIT,
    TRIGGERED,
)
from framework.kernel.compile import address_of, call, inlined, kernel
from framework.kernel.depth import depth_of
from framework.kernel.exchange import refuse_to_take, session_of, venue_book
from framework.kernel.filling import execute
from framework.kernel.order_types import is_limit, reaches, set_stop, trailing_stop, trails, waits_for_price, waits_for_trigger
from framework.kernel.orders import is_done, is_touch, order_of
from framework.kernel.pegs import reprice_pegs
from framework.kernel.queue import sweep
from framework.kernel.ratio import share_of
from framework.kernel.records import event_row
from framework.kernel.self_trade import is_prevented, prevent
from framework.kernel.unshown import touched_lots

_ALL = 2**62


@kernel
def trigger(t: Any, x: Any, order: Any) -> None:
    """Trigger a stop or touch."""
    order.state = S_TRIGGERED
    limit_ticks = order.limit_ticks if order.type == TRAILING_LIMIT else 0
    answer(t, x, TRIGGERED, 0, order.instrument, order.order_id, order.stop_ticks, limit_ticks, 0, 0)


@kernel
def follow(order: Any, price: int) -> None:
    """Move a trailing stop with the best price; never back."""
    moved = trailing_stop(order, price)
    if (moved - order.stop_ticks) * order.side < 0:
        set_stop(order, moved)


@kernel
def _betters(side: int, price: int, limit: int, needs_through: int) -> bool:
    """Whether `price` fills a limit: strictly better, or equal too where touching is enough."""
    gain = (limit - price) * side
    return gain > 0 or (gain == 0 and needs_through == 0)


@kernel
def _fill_at_open(t: Any, x: Any, order: Any, bar: Any, budget: int) -> int:
    """What the opening price does for an order; returns the lots filled."""
    price = bar.w0
    if order.type == MARKET:
        return execute(t, x, order, budget, price, 0, bar)
    if waits_for_trigger(order):
        if not reaches(order, price):
            return 0
        trigger(t, x, order)
    if not is_limit(order):
        return execute(t, x, order, budget, price, 0, bar)
    if order.flags & O_RESTING:
        if _betters(order.side, price, order.limit_ticks, _needs_through(t, order)):
            return execute(t, x, order, touched_lots(order, price, budget), price, F_MAKER, bar)
    elif _betters(order.side, price, order.limit_ticks, t.costs.limit_needs_through):
        if order.flags & O_POST_ONLY == 0:
            return execute(t, x, order, budget, price, 0, bar)
        refuse_to_take(t, x, order, price)
    return 0


@inlined
def _needs_through(t: Any, order: Any) -> int:
    """Whether the price must go through a limit that rests; always where it is hidden, since all that is shown comes first."""
    return 1 if order.flags & O_HIDDEN else t.costs.limit_needs_through


@kernel
def _target_inside(x: Any, order: Any, bar: Any, needs_through: int) -> bool:
    """Whether a limit of the same group would have filled inside this bar too, or a touch have triggered."""
    if not order.flags & O_OCO:
        return False
    at = venue_book(x, order.instrument).first
    while at >= 0:
        other = order_of(x, at)
        if other.group_id == order.group_id and not is_done(other):
            extreme = bar.w2 if other.side > 0 else bar.w1
            if other.type == LIMIT and _betters(other.side, extreme, other.limit_ticks, needs_through):
                return True
            if is_touch(other) and waits_for_trigger(other) and reaches(other, extreme):
                return True
        at = other.next_working
    return False


@kernel
def _stop_inside(t: Any, x: Any, order: Any, bar: Any, budget: int) -> int:
    """Stops the range reached. A trailing stop moves with the bar's extreme only after the old level has held."""
    extreme = bar.w1 if order.side > 0 else bar.w2
    flags = 0
    price = order.stop_ticks
    if not reaches(order, extreme):
        if not trails(order):
            return 0
        best = bar.w2 if order.side > 0 else bar.w1
        moved = trailing_stop(order, best)
        if (moved - order.stop_ticks) * order.side >= 0:
            return 0
        set_stop(order, moved)
        if not reaches(order, bar.w3):
            return 0
        price, flags = bar.w3, F_AMBIGUOUS  # the close lies beyond the moved stop, so it was passed on the way there
    elif _target_inside(x, order, bar, t.costs.limit_needs_through):
        flags = F_AMBIGUOUS
    trigger(t, x, order)
    if is_limit(order) and not _betters(order.side, price, order.limit_ticks, 0):
        order.blocked_ns = bar.ts_local_ns  # the limit lies beyond the stop: whether the price came back in this bar is not known
        order.flags |= O_RESTING
        return 0
    return execute(t, x, order, budget, price, flags, bar)


@kernel
def _touch_inside(t: Any, x: Any, order: Any, bar: Any, budget: int) -> int:
    """Touches the range reached after the open: filled at the touch, whatever better the range went on to.

    A limit better than the touch lies further on the way that the price came, so the range says whether it was reached after it.
    """
    if not reaches(order, bar.w2 if order.side > 0 else bar.w1):
        return 0
    trigger(t, x, order)
    if is_limit(order) and not _betters(order.side, order.stop_ticks, order.limit_ticks, 0):
        return _limit_inside(t, x, order, bar, budget)
    return execute(t, x, order, budget, order.stop_ticks, 0, bar)


@kernel
def _limit_inside(t: Any, x: Any, order: Any, bar: Any, budget: int) -> int:
    """Limits the range went through after the open."""
    extreme = bar.w2 if order.side > 0 else bar.w1
    if not _betters(order.side, extreme, order.limit_ticks, _needs_through(t, order)):
        return 0
    return execute(t, x, order, touched_lots(order, extreme, budget), order.limit_ticks, F_MAKER, bar)


@kernel
def end_leftover(t: Any, x: Any, order: Any, is_opening: bool) -> None:
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
def _takes_part(order: Any, bar: Any, start_ns: int, is_opening: bool) -> bool:
    if is_done(order) or order.accepted_ns > start_ns or order.blocked_ns == bar.ts_local_ns:
        return False
    if order.time_in_force == AT_CLOSE or waits_for_price(order):
        return False
    return order.time_in_force != AT_OPEN or is_opening


@kernel
def _bar_start(t: Any, x: Any, bar: Any) -> int:
    """When the bar began: the latest of the last bar's stamp, its own length ago, and the session's open."""
    start = book_of(t, bar.instrument).bar_ns
    interval = terms_of(t, bar.instrument).bar_interval_ns
    if interval > 0:
        start = max(start, bar.ts_venue_ns - interval)
    session = session_of(t, x, bar.instrument)
    if session.known:
        start = max(start, session.open_ns)
    return start


@kernel
def match_bar(t: Any, x: Any, bar: Any) -> None:
    """Match every working order of the bar's instrument against it."""
    book, session = venue_book(x, bar.instrument), session_of(t, x, bar.instrument)
    if book.halted or (session.known and not session.is_open):
        return
    start_ns = _bar_start(t, x, bar)
    is_closing = session.known != 0 and bar.ts_venue_ns == session.close_ns
    _match_prices(t, x, bar, start_ns, session.known != 0 and start_ns <= session.open_ns, is_closing)


@kernel
def match_print(t: Any, x: Any, trade: Any) -> None:
    """Match every working order of an instrument of which only trades are told: a trade is a bar of one price."""
    book, session = venue_book(x, trade.instrument), session_of(t, x, trade.instrument)
    has_ends = session.known != 0 and book.has_auctions == 0  # else orders for the open and the close wait for their prints
    is_opening = has_ends and book.traded_ns <= session.open_ns
    book.traded_ns = trade.ts_venue_ns
    if book.first < 0 or book.halted or (session.known and not session.is_open):
        return
    bar = event_row(x.print, 0)
    bar.ts_local_ns, bar.ts_venue_ns, bar.kind, bar.flags, bar.instrument = trade.ts_local_ns, trade.ts_venue_ns, BAR, 0, trade.instrument
    bar.w0, bar.w1, bar.w2, bar.w3, bar.w4 = trade.w0, trade.w0, trade.w0, trade.w0, trade.w1
    _match_prices(t, x, bar, trade.ts_venue_ns - 1, is_opening, has_ends and trade.ts_venue_ns == session.close_ns)


@kernel
def _match_prices(t: Any, x: Any, bar: Any, start_ns: int, is_opening: bool, is_closing: bool) -> None:
    book = venue_book(x, bar.instrument)
    budget = share_of(bar.w4, t.costs.max_participation) if t.costs.max_participation > 0.0 else _ALL
    for step in range(3):
        at = book.first
        while at >= 0:
            order = order_of(x, at)
            at = order.next_working
            if not _takes_part(order, bar, start_ns, is_opening):
                continue
            if step == 0:
                budget -= _fill_at_open(t, x, order, bar, budget)
            elif order.time_in_force == AT_OPEN or (order.type == LIMIT and (order.time_in_force == IOC or order.time_in_force == FOK)):
                continue
            elif waits_for_trigger(order):
                if step == 1 and not is_touch(order):
                    budget -= _stop_inside(t, x, order, bar, budget)
                elif step == 2 and is_touch(order):
                    budget -= _touch_inside(t, x, order, bar, budget)
            elif step == 2 and is_limit(order):
                budget -= _limit_inside(t, x, order, bar, budget)
    at = book.first
    while at >= 0:
        order = order_of(x, at)
        at = order.next_working
        if _takes_part(order, bar, start_ns, is_opening):
            order.flags |= O_RESTING
            end_leftover(t, x, order, is_opening)
        elif order.time_in_force == AT_CLOSE and is_closing:
            budget -= _fill_at_close(t, x, order, bar, budget)
    sweep(x, bar.instrument)


@kernel
def _fill_at_close(t: Any, x: Any, order: Any, bar: Any, budget: int) -> int:
    if is_done(order) or order.accepted_ns >= bar.ts_venue_ns:
        return 0
    done = 0
    if order.type == MARKET or _betters(order.side, bar.w3, order.limit_ticks, t.costs.limit_needs_through):
        done = execute(t, x, order, budget, bar.w3, 0, bar)
    if not is_done(order):
        end_order(t, x, order, EXPIRED, R_MISSED_CLOSE, 0.0, 0.0)
    return done


@kernel
def match_quote(t: Any, x: Any, quote: Any) -> None:
    """Match every working order of the quote's instrument against it, or against its book: a quote beside one shows it again."""
    if depth_of(x, quote.instrument).bids != 0:
        x.tick = address_of(quote)
        call(x.venue_tick, address_of(t), address_of(x))
        return
    book, session = venue_book(x, quote.instrument), session_of(t, x, quote.instrument)
    if book.halted or (session.known and not session.is_open):
        return
    bid_left, ask_left, met = quote.w2, quote.w3, 0
    at = book.first
    while at >= 0:
        order = order_of(x, at)
        at = order.next_working
        met |= order.flags
        if is_done(order) or order.accepted_ns >= quote.ts_venue_ns or order.blocked_ns == quote.ts_local_ns:
            continue
        if order.time_in_force == AT_CLOSE or (
            order.time_in_force == AT_OPEN and (order.accepted_ns > session.open_ns or book.has_auctions)
        ):
            continue
        buys = order.side > 0
        done = _fill_on_quote(t, x, order, quote, ask_left if buys else bid_left)
        if buys:
            ask_left -= done
        else:
            bid_left -= done
        end_leftover(t, x, order, True)
    sweep(x, quote.instrument)
    if met & O_PEGGED:
        reprice_pegs(t, x, quote.instrument, quote.w0, quote.w1)


@kernel
def _fill_on_quote(t: Any, x: Any, order: Any, quote: Any, size_left: int) -> int:
    price = quote.w1 if order.side > 0 else quote.w0
    if price <= 0:
        return 0  # that side is empty
    if waits_for_trigger(order):
        if not reaches(order, price):
            if trails(order):
                follow(order, price)
            return 0
        trigger(t, x, order)
    if waits_for_price(order):
        return 0
    if is_limit(order):
        if not _betters(order.side, price, order.limit_ticks, 0):
            if not order.flags & O_RESTING and (not is_prevented(x, order) or prevent(t, x, order, 0)):
                order.flags |= O_RESTING  # from now on it makes
            return 0
        if order.flags & O_RESTING:
            return execute(t, x, order, touched_lots(order, price, size_left), order.limit_ticks, F_MAKER, quote)
        if order.flags & O_POST_ONLY:
            refuse_to_take(t, x, order, price)
            return 0
    if is_prevented(x, order) and not prevent(t, x, order, price):
        return 0
    return execute(t, x, order, size_left, price, 0, quote)
