"""From a wish to an order: units to ticks and lots, the pre-trade checks, then approved into the outbox or refused into the log.

One compiled path for Python hooks, compiled hooks and arrays of weights. Numbers come in as floats in price units and
shares, NaN meaning "not given"; anything that is no whole number of ticks or lots is refused with the numbers, never rounded.
"""

from __future__ import annotations

import math

from framework.kernel.account.positions import position_of, rate_of
from framework.kernel.layout.codes import (
    F_CHANGE,
    F_HELD,
    F_MORE,
    F_REFUSED,
    GTC,
    INSTRUCTIONS,
    LIMIT,
    LIMIT_TOUCHED,
    MARKET,
    O_INSTRUCTED,
    O_LIQUIDATION,
    O_OCO,
    O_PEGGED,
    O_REDUCE_ONLY,
    O_TARGET,
    R_BRACKET,
    R_DONE,
    R_LIQUIDATED,
    R_LOT,
    R_NO_FX,
    R_NONE,
    R_PRICE,
    R_QUANTITY,
    R_RANGE,
    R_SUPERSEDED,
    REFUSED,
    REPLACE,
    S_FILLED,
    S_HELD,
    S_PENDING_CANCEL,
    STOP,
    STOP_LIMIT,
    SUBMIT,
    TERMS,
    TRAILING,
    TRAILING_LIMIT,
)
from framework.kernel.layout.roots import TraderRoot
from framework.kernel.layout.table_room import ORDERS, has_row
from framework.kernel.machine.compile import bits, inlined, kernel, outlined
from framework.kernel.market.lifecycle import leaves
from framework.kernel.market.marks import marks_of, terms_of
from framework.kernel.market.order_rows import clear, has_ended, is_done, order_of, pack
from framework.kernel.market.valuation import own_account
from framework.kernel.trader.approval import check
from framework.kernel.trader.issuing import ask_cancel, has_instructions, issue
from framework.kernel.trader.order_terms import G_LIMIT, G_STOP, G_TOUCH, limit_to_check, set_terms
from framework.kernel.trader.orders import asked_terms, count, expected_lots, is_counted
from framework.kernel.trader.owner_bookings import is_shared
from framework.kernel.trader.recall import is_past_recall
from framework.kernel.trader.targets import target_lots
from framework.kernel.trader.whole_steps import misfit, price_ticks, quantity_lots, steps
from framework.schema.order import Order
from framework.schema.units import LARGEST_STEPS

NO_ROOM = -2
"""The run is broken: nothing more is taken, and the replay stops when the hook has returned."""


@inlined
def has_room(t: TraderRoot) -> bool:
    """Whether one more order can be taken: before its row is held, since the table may grow."""
    return t.broken == 0 and has_row(t, t.orders_count, t.orders_capacity, ORDERS)


@kernel
def _place(t: TraderRoot, order: Order, reason: int, need: float, have: float, held: bool) -> int:
    """Check the candidate that stands in the next free row, then submit, hold or refuse it."""
    order_id = t.orders_count
    if reason == R_NONE:
        reason, need, have = check(t, order)
    has_more = has_instructions(order)
    has_terms = has_more or order.trail != 0 or order.expire_ns != 0 or order.parent_id >= 0 or order.group_id >= 0
    trail, expire_ns, parent, group = order.trail, order.expire_ns, order.parent_id, order.group_id
    display_lots, peg_offset, peg_cap, limit_offset = order.display_lots, order.peg_offset, order.peg_cap, order.limit_offset
    goes = reason == R_NONE and not held
    flags = (F_REFUSED if reason != R_NONE else 0) | (F_HELD if held else 0) | (F_MORE if has_terms else 0)
    issue(t, SUBMIT, flags, order, pack(order), order.quantity_lots, order.limit_ticks, order.stop_ticks, goes)
    if has_terms:
        issue(t, TERMS, F_MORE if has_more else 0, order, trail, expire_ns, parent, group, goes)
    if has_more:
        issue(t, INSTRUCTIONS, 0, order, display_lots, peg_offset, peg_cap, limit_offset, goes)
    if reason != R_NONE:
        issue(t, REFUSED, 0, order, reason, bits(need), bits(have), 0, False)
    return order_id


@inlined
def _candidate(t: TraderRoot, instrument: int, side: int, kind: int, time_in_force: int, flags: int) -> Order:
    order = order_of(t, t.orders_count)
    clear(order)
    order.order_id, order.instrument, order.side = t.orders_count, instrument, side
    order.type, order.time_in_force, order.flags = kind, time_in_force, flags
    order.quantity_lots, order.limit_ticks, order.stop_ticks = 0, 0, 0
    order.parent_id, order.group_id, order.owner = -1, -1, t.owner
    return order


@kernel
def propose(
    t: TraderRoot,
    instrument: int,
    side: int,
    kind: int,
    time_in_force: int,
    flags: int,
    quantity: float,
    limit: float,
    stop: float,
    given: int,
    expire_ns: int,
    parent: int,
    group: int,
) -> int:
    """Propose one order; return its id, whether it was approved or refused, or NO_ROOM.

    `parent` >= 0 holds the order until that one fills. What `given` names besides limit and stop stands in the root's request.
    """
    if not has_room(t):
        return NO_ROOM
    order = _candidate(t, instrument, side, kind, time_in_force, flags)
    order.expire_ns, order.parent_id, order.group_id = expire_ns, parent, group
    lots, reason, need, have = quantity_lots(t, instrument, quantity)
    order.quantity_lots = lots
    needs_limit = kind == STOP_LIMIT or kind == LIMIT_TOUCHED or (kind == LIMIT and flags & O_PEGGED == 0)
    ticks, why, a, b = price_ticks(t, instrument, limit, needs_limit or given & G_LIMIT != 0)
    order.limit_ticks = ticks
    if reason == R_NONE:
        reason, need, have = why, a, b
    needs_stop = given & G_STOP != 0 or (kind >= STOP and kind != TRAILING and kind != TRAILING_LIMIT)
    ticks, why, a, b = price_ticks(t, instrument, t.request.touch if kind > TRAILING and given & G_TOUCH else stop, needs_stop)
    order.stop_ticks = ticks
    if reason == R_NONE:
        reason, need, have = why, a, b
    if kind >= TRAILING or flags & O_INSTRUCTED or given & ~(G_LIMIT | G_STOP):
        why, a, b = set_terms(t, order, t.request)
        if reason == R_NONE:
            reason, need, have = why, a, b
    if reason == R_NONE:
        reason, need, have = _family(t, parent, group)
    if 0 <= parent < t.orders_count:
        order.owner = order_of(t, parent).owner
    return _place(t, order, reason, need, have, parent >= 0)


@kernel
def _family(t: TraderRoot, parent: int, group: int) -> tuple[int, float, float]:
    """(reason, need, have): children follow their parent and a group its first member in a row; what has ended takes no more.

    The trader half looks for them in a row only, so one that stands apart would never be released or cancelled.
    """
    last = t.orders_count - 1
    if parent >= 0:
        if parent > last or (last > parent and order_of(t, last).parent_id != parent):
            return R_BRACKET, float(parent), float(last)
        if is_done(order_of(t, parent)):
            return R_DONE, float(parent), float(order_of(t, parent).state)
    if group >= 0 and group != t.orders_count:
        if group > last or order_of(t, last).group_id != group:
            return R_BRACKET, float(group), float(last)
        if order_of(t, group).state == S_FILLED:
            return R_DONE, float(group), float(S_FILLED)
    return R_NONE, 0.0, 0.0


@kernel
def propose_bracket(
    t: TraderRoot, instrument: int, side: int, kind: int, quantity: float, limit: float, stop: float, target: float, loss: float
) -> int:
    """An entry with a target (limit) and a loss limit (stop) that wait for its fill and cancel each other.

    The prices must lie in order: loss < entry < target for a buy, the other way for a sell. Returns the entry's id; the
    target has the next id and the stop the one after.
    """
    if not has_room(t):
        return NO_ROOM
    entry = limit if kind == LIMIT or kind == STOP_LIMIT else stop
    if math.isnan(entry):
        entry = marks_of(t, instrument).mark_ticks * terms_of(t, instrument).tick
    _, reason, need, have = price_ticks(t, instrument, target, True)
    if reason == R_NONE:
        _, reason, need, have = price_ticks(t, instrument, loss, True)
    if reason == R_NONE and not ((target - entry) * side > 0.0 and (entry - loss) * side > 0.0):
        reason, need, have = R_BRACKET, target if not (target - entry) * side > 0.0 else loss, entry
    if reason != R_NONE:  # an entry without one of its exits is not what was asked for
        order = _candidate(t, instrument, side, kind, GTC, 0)
        lots, _, _, _ = quantity_lots(t, instrument, quantity)
        order.quantity_lots = lots
        return _place(t, order, reason, need, have, False)
    nan = math.nan
    order_id = propose(t, instrument, side, kind, GTC, 0, quantity, limit, stop, 0, 0, -1, -1)
    if t.broken != 0 or order_of(t, order_id).reason != R_NONE:
        return order_id
    exits = O_OCO | O_REDUCE_ONLY
    propose(t, instrument, -side, LIMIT, GTC, exits, quantity, target, nan, 0, 0, order_id, order_id + 1)
    propose(t, instrument, -side, STOP, GTC, exits, quantity, nan, loss, 0, 0, order_id, order_id + 1)
    return order_id


@kernel
def aim(t: TraderRoot, instrument: int, lots: int) -> int:
    """Order what brings position and working market orders, the reduce-only too, to `lots`; the last target's remainder is superseded.

    One that waits for the open of the bar now under way counts as filled. An order that brings the position nearer to zero and not past it
    is sent reduce-only: a stop that fills before it leaves less to close.

    Returns the new order's id, -1 where nothing is to be done, or NO_ROOM.
    """
    if not has_room(t):
        return NO_ROOM
    expected = expected_lots(t, instrument)
    return -1 if lots == expected else _aim(t, instrument, lots, expected)


@outlined
def _aim(t: TraderRoot, instrument: int, lots: int, expected: int) -> int:
    position = position_of(own_account(t), instrument)
    if position.target_order >= 0:
        live = order_of(t, position.target_order)
        if is_counted(live) and not is_past_recall(t, live):
            ask_cancel(t, live, R_SUPERSEDED)
            expected = expected_lots(t, instrument)
            if lots == expected:
                return -1
    change = lots - expected
    is_closing = 0 <= lots < expected or expected < lots <= 0  # it never opens, whatever fills before it
    if t.owners_count != 0:
        is_closing = is_closing and not is_shared(t, instrument, t.owner)  # the venue would reduce what all hold together
    flags = O_TARGET | O_REDUCE_ONLY if is_closing else O_TARGET
    order = _candidate(t, instrument, 1 if change > 0 else -1, MARKET, GTC, flags)
    order.quantity_lots = abs(change)
    return _place(t, order, R_NONE, 0.0, 0.0, False)


@kernel
def aim_weight(t: TraderRoot, instrument: int, weight: float) -> int:
    """`aim` at a fraction of equity; refused where it is not a number, or an instrument has no price or no rate of exchange yet."""
    if not has_room(t):
        return NO_ROOM
    if math.isnan(weight) or math.isinf(weight):
        order = _candidate(t, instrument, 1, MARKET, GTC, O_TARGET)
        return _place(t, order, R_QUANTITY, weight, 0.0, False)
    is_sized = marks_of(t, instrument).seen_ns != 0 and rate_of(t, terms_of(t, instrument).currency) > 0.0
    if not is_sized and weight != 0.0:  # the checks say which of both it lacks
        order = _candidate(t, instrument, 1 if weight > 0 else -1, MARKET, GTC, O_TARGET)
        order.quantity_lots = 1
        return _place(t, order, R_NONE, 0.0, 0.0, False)
    own = own_account(t)
    own.request.gross = t.request.gross
    lots = target_lots(own, instrument, weight)
    if t.owners_count != 0:
        t.summed_ns = t.now_ns  # so that a mark that moves within the stamp voids the sums of the virtual accounts too
    if not abs(lots) <= LARGEST_STEPS:
        order = _candidate(t, instrument, 1 if weight > 0 else -1, MARKET, GTC, O_TARGET)
        lot = terms_of(t, instrument).lot
        if math.isnan(lots):  # some money is in a currency without a rate
            return _place(t, order, R_NO_FX, 1.0, 0.0, False)
        return _place(t, order, R_RANGE, lots * lot, LARGEST_STEPS * lot, False)
    return aim(t, instrument, int(lots))


@kernel
def aim_quantity(t: TraderRoot, instrument: int, quantity: float) -> int:
    """`aim` at a signed quantity in units; one that is not a whole number of lots is refused."""
    if not has_room(t):
        return NO_ROOM
    terms = terms_of(t, instrument)
    lots, fits = steps(quantity, terms.lot_numerator, terms.lot_denominator)
    if not fits:
        order = _candidate(t, instrument, -1 if quantity < 0.0 else 1, MARKET, GTC, O_TARGET)
        if math.isnan(quantity) or math.isinf(quantity):
            return _place(t, order, R_QUANTITY, quantity, 0.0, False)
        reason, have = misfit(quantity, terms.lot, R_LOT)
        return _place(t, order, reason, quantity, have, False)
    return aim(t, instrument, lots)


@kernel
def propose_cancel(t: TraderRoot, order_id: int, reason: int) -> int:
    """Ask for a cancel: 1 asked, 0 the order has ended, a cancel is under way or it is the broker's, NO_ROOM."""
    if t.broken != 0:
        return NO_ROOM
    order = order_of(t, order_id)
    return 1 if not has_ended(order) and ask_cancel(t, order, reason) else 0


@kernel
def propose_replace(t: TraderRoot, order_id: int, quantity: float, limit: float, stop: float) -> int:
    """Ask for new terms, NaN keeping the old: 1 asked, 0 refused (written to the log with its reason), NO_ROOM."""
    if t.broken != 0:
        return NO_ROOM
    order = order_of(t, order_id)
    lots, limit_ticks, stop_ticks = asked_terms(order)
    reason, need, have = R_NONE, 0.0, 0.0
    if is_done(order) or order.state == S_HELD or order.state == S_PENDING_CANCEL:
        reason, need, have = R_DONE, float(order.state), 0.0
    elif order.flags & O_LIQUIDATION:
        reason = R_LIQUIDATED  # it is the broker's
    if reason == R_NONE and not math.isnan(quantity):
        lots, reason, need, have = quantity_lots(t, order.instrument, quantity)
        if reason == R_NONE and lots <= order.filled_lots:
            reason, need, have = R_QUANTITY, quantity, order.filled_lots * terms_of(t, order.instrument).lot
    if reason == R_NONE and not math.isnan(limit):
        limit_ticks, reason, need, have = price_ticks(t, order.instrument, limit, True)
        if order.limit_ticks == 0 or order.flags & O_PEGGED or order.type == TRAILING_LIMIT:
            reason, need, have = R_PRICE, limit, 0.0  # it has no limit of its own, and a change does not give it one
    if reason == R_NONE and not math.isnan(stop):
        stop_ticks, reason, need, have = price_ticks(t, order.instrument, stop, True)
        if order.stop_ticks == 0:
            reason, need, have = R_PRICE, stop, 0.0
    if reason == R_NONE:
        reason, need, have = _check_change(t, order, lots, limit_to_check(order, limit_ticks), stop_ticks)
    if reason != R_NONE:
        issue_change_refusal(t, order, reason, need, have)
        return 0
    issue(t, REPLACE, 0, order, 0, lots, limit_ticks, stop_ticks, True)
    return 1


@kernel
def _check_change(t: TraderRoot, order: Order, lots: int, limit_ticks: int, stop_ticks: int) -> tuple[int, float, float]:
    """Check the order as if it were new with its changed terms; the row is left as it was."""
    was_lots, was_limit, was_stop = order.quantity_lots, order.limit_ticks, order.stop_ticks
    counted = leaves(order) if is_counted(order) else 0
    count(t, order, -counted)
    order.quantity_lots, order.limit_ticks, order.stop_ticks = lots - order.filled_lots, limit_ticks, stop_ticks
    reason, need, have = check(t, order)
    order.quantity_lots, order.limit_ticks, order.stop_ticks = was_lots, was_limit, was_stop
    count(t, order, counted)
    return reason, need, have


@kernel
def issue_change_refusal(t: TraderRoot, order: Order, reason: int, need: float, have: float) -> None:
    """Write that a change was refused; the order stands as it was."""
    issue(t, REFUSED, F_CHANGE, order, reason, bits(need), bits(have), 0, False)
