"""Stances: who may order what, and what follows when one is set.

The severest of four holds for an order: that of its instrument, its owner, the account and the firm. An order passes up to

    FLATTEN       where it only reduces: reduce-only, the exit of an order that waits with it, or no more than is held on the
                  other side less what works there already
    NO_NEW_RISK   where the worst position that working orders can lead to does not grow by it
    NORMAL        else

so KILLED lets none pass. An order that does not pass is refused whole, never cut: a target across zero is refused, a target of zero is
not. From CANCEL_ALL on everything that works in the scope is cancelled when the stance is set, save what is the broker's. FLATTEN then
closes positions by reduce-only market orders, and again where a fill comes late; those are the account's, so that of an owner cancels only.
"""

from __future__ import annotations

from framework.kernel.account.positions import position_of
from framework.kernel.layout.codes import (
    A_RANGE,
    CANCELLING,
    FLATTENING,
    GTC,
    KILLED,
    MARKET,
    NO_NEW_RISK,
    NORMAL,
    O_REDUCE_ONLY,
    OF_ACCOUNT,
    OF_FIRM,
    OF_INSTRUMENT,
    OF_OWNER,
    R_STANCE,
    STANCE,
    SUBMIT,
)
from framework.kernel.layout.roots import TraderRoot
from framework.kernel.layout.stance_record import StanceRow, stance_row
from framework.kernel.layout.table_room import ORDERS, STANCES, has_row
from framework.kernel.machine.compile import kernel, outlined
from framework.kernel.market.order_rows import clear, order_of, pack
from framework.kernel.market.valuation import worst_lots
from framework.kernel.trader.alarms import account_stance, firm_stance, owner_place, raise_alarm, stance_at, stance_of
from framework.kernel.trader.issuing import ask_cancel, issue
from framework.kernel.trader.orders import first_live, next_live
from framework.schema.event import Event
from framework.schema.order import KNOWN_REASONS, LAST_OWNER, Order


@kernel
def closes_parent(t: TraderRoot, order: Order) -> bool:
    """Whether an order that waits for another's fill only closes what that one opens."""
    if order.parent_id < 0:
        return False
    parent = order_of(t, order.parent_id)
    return parent.instrument == order.instrument and parent.side != order.side and order.quantity_lots <= parent.quantity_lots


@kernel
def worst_with(t: TraderRoot, order: Order) -> int:
    """The largest absolute position that working orders can lead to with this one."""
    position, lots = position_of(t, order.instrument), order.quantity_lots
    if order.type == MARKET:
        base = position.lots + position.market_lots + lots * order.side
        return max(abs(base), max(base + position.buy_lots, position.sell_lots - base))
    return worst_lots(position, lots if order.side > 0 else 0, lots if order.side < 0 else 0)


@kernel
def passes_up_to(t: TraderRoot, order: Order) -> int:
    """The severest stance that lets an order pass."""
    if order.flags & O_REDUCE_ONLY or closes_parent(t, order):
        return FLATTENING
    position = position_of(t, order.instrument)
    if order.side > 0:
        left = -position.lots - max(position.market_lots, 0) - position.buy_lots
    else:
        left = position.lots + min(position.market_lots, 0) - position.sell_lots
    if order.quantity_lots <= left:
        return FLATTENING
    return NO_NEW_RISK if worst_with(t, order) <= worst_lots(position, 0, 0) else NORMAL


@outlined
def is_restrained(t: TraderRoot, order: Order) -> bool:
    """Whether a stance refuses an order."""
    held = stance_of(t, order.instrument, order.owner)
    return held != NORMAL and held > passes_up_to(t, order)


@outlined
def _row_of(t: TraderRoot, scope: int, key: int) -> StanceRow:
    """The row of a scope and key that there can be."""
    if scope == OF_INSTRUMENT:
        return stance_row(t.stances, key)
    if scope != OF_OWNER:
        return account_stance(t) if scope == OF_ACCOUNT else firm_stance(t)
    while t.stances_count <= owner_place(t, key):
        if not has_row(t, t.stances_count, t.stances_capacity, STANCES):
            return stance_row(t.stances, t.stances_capacity)
        row = stance_row(t.stances, t.stances_count)
        row.stance, row.reason, row.unknown_orders, row.split_ns = NORMAL, 0, 0, 0
        t.stances_count += 1
    return stance_row(t.stances, owner_place(t, key))


@kernel
def _can_be(t: TraderRoot, event: Event) -> bool:
    scope, key = event.w0, event.w1
    keys = t.positions_count if scope == OF_INSTRUMENT else (LAST_OWNER + 1 if scope == OF_OWNER else 1)
    is_reason = 0 <= event.w3 < len(KNOWN_REASONS) and KNOWN_REASONS[event.w3]
    return OF_INSTRUMENT <= scope <= OF_FIRM and 0 <= key < keys and NORMAL <= event.w2 <= KILLED and is_reason


@outlined
def take_stance(t: TraderRoot, event: Event) -> None:
    """A stance is set, and what follows from it is ordered."""
    scope, key, stance = event.w0, event.w1, event.w2
    if not _can_be(t, event):
        raise_alarm(t, A_RANGE, event.instrument, -1, STANCE, 0)
        return
    row = _row_of(t, scope, key)
    row.stance, row.reason = stance, event.w3
    t.has_stance = 1
    if stance < CANCELLING:
        return
    k = first_live(t)
    while k < t.orders_count:
        order = order_of(t, k)
        if scope >= OF_ACCOUNT or (order.instrument == key if scope == OF_INSTRUMENT else order.owner == key):
            ask_cancel(t, order, R_STANCE)
        k = next_live(t, k)
    if scope != OF_OWNER:
        for i in range(t.positions_count):
            if scope != OF_INSTRUMENT or i == key:
                hold_flat(t, i)


@outlined
def hold_flat(t: TraderRoot, instrument: int) -> None:
    """Close a position where the stance says so. No row of an order may be held: their table may grow.

    A reduce-only order fills what it finds, so one is ordered for all that none at work closes yet, beside unknown orders too.
    """
    position = position_of(t, instrument)
    lots = abs(position.lots) - position.reducing_lots
    if lots <= 0 or stance_at(t, instrument) != FLATTENING or not has_row(t, t.orders_count, t.orders_capacity, ORDERS):
        return
    order = order_of(t, t.orders_count)
    clear(order)
    order.order_id, order.instrument, order.side = t.orders_count, instrument, -1 if position.lots > 0 else 1
    order.owner = LAST_OWNER if t.owners_count != 0 else 0
    order.type, order.time_in_force, order.flags = MARKET, GTC, O_REDUCE_ONLY
    issue(t, SUBMIT, 0, order, pack(order), lots, 0, 0, True)
