"""Open tax lots of a position, a list through the table of lots: the oldest is closed first."""

from __future__ import annotations

from framework.kernel.account.positions import position_of, see_range
from framework.kernel.account.result_rows import record_trade
from framework.kernel.layout.account_records import Position, lot_row
from framework.kernel.layout.roots import TraderRoot
from framework.kernel.layout.table_room import LOTS, has_row
from framework.kernel.machine.compile import inlined, kernel
from framework.kernel.machine.ratio import divided
from framework.kernel.market.marks import terms_of
from framework.kernel.market.money import basis


@inlined
def add_lot(t: TraderRoot, position: Position, lots: int, price: float, at_basis: float, fees: float) -> None:
    """Open a tax lot behind those that are open."""
    if t.free_lot >= 0:
        at = t.free_lot
        t.free_lot = lot_row(t.lots, at).next
    elif has_row(t, t.lots_count, t.lots_capacity, LOTS):
        at = t.lots_count
        t.lots_count += 1
    else:
        return
    row = lot_row(t.lots, at)
    row.lots, row.price, row.carry, row.fees, row.ts_ns, row.next = lots, price, at_basis, fees, t.now_ns, -1
    if position.last >= 0:
        lot_row(t.lots, position.last).next = at
    else:
        position.first = at
    position.last = at
    position.cost += lots * at_basis
    position.carried += lots * at_basis


@inlined
def drop_first_lot(t: TraderRoot, position: Position) -> None:
    """Take the oldest tax lot off, of which nothing is left."""
    at = position.first
    position.first = lot_row(t.lots, at).next
    if position.first < 0:
        position.last = -1
    lot_row(t.lots, at).next = t.free_lot
    t.free_lot = at


@kernel
def close_lots(t: TraderRoot, instrument: int, lots: int, price: float, fee_per_lot: float) -> tuple[int, float, float]:
    """Close `lots` (signed as the exit) of the open tax lots, oldest first.

    Returns (lots not matched, money made since the entries, money made since the last settlement).
    """
    position, terms = position_of(t, instrument), terms_of(t, instrument)
    rest, made, due, at_basis = abs(lots), 0.0, 0.0, basis(terms, price)
    while rest > 0 and position.first >= 0:
        entry = lot_row(t.lots, position.first)
        if entry.lots == 0:  # a reverse split left nothing of it
            drop_first_lot(t, position)
            continue
        sign = 1 if entry.lots > 0 else -1
        matched = min(rest, abs(entry.lots))
        entry_basis = basis(terms, entry.price)
        gross = (at_basis - entry_basis) * (sign * matched) * terms.point_value
        entry_fees = entry.fees * (matched / abs(entry.lots))
        fees = entry_fees + fee_per_lot * matched
        record_trade(t, instrument, entry.ts_ns, float(sign * matched), entry.price, price, gross, fees)
        position.cost -= sign * matched * entry_basis
        position.carried -= sign * matched * entry.carry
        due += (at_basis - entry.carry) * (sign * matched) * terms.point_value
        entry.fees -= entry_fees
        entry.lots -= sign * matched
        rest -= matched
        made += gross
        if entry.lots == 0:
            drop_first_lot(t, position)
    position.realised += made
    if position.first < 0:
        position.cost, position.carried = 0.0, 0.0  # nothing is open, so no rounding may stay behind
    return rest, made, due


@kernel
def split_lots(t: TraderRoot, position: Position, new: int, old: int) -> tuple[float, float, float, int]:
    """Restate the open tax lots; return (part of a lot left over, its cost in ticks, its entry fees, when it was opened).

    Each tax lot is cut so that the running total of lots is the floor of the exact one. A lot put together from two tax lots
    belongs to the later one at their mean cost, so cost and entry fees only move and none are lost.
    """
    sign = 1 if position.lots > 0 else -1
    exact, done, cost = 0, 0, 0.0
    rest, rest_cost, rest_fees, opened_ns = 0.0, 0.0, 0.0, 0
    at = position.first
    while at >= 0:
        row = lot_row(t.lots, at)
        if row.lots != 0:
            opened_ns = row.ts_ns
        units, price = float(abs(row.lots)) * new / old, row.price * old / new
        row_cost, row_fees = rest_cost + units * price, rest_fees + row.fees
        exact += abs(row.lots)
        total, left = divided(exact, new, old)
        whole, done = total - done, total
        rest, rest_cost, rest_fees = left / old, row_cost, row_fees
        if whole > 0:
            rest_cost, rest_fees = rest * price, row.fees * (rest / units)
            row.price = (row_cost - rest_cost) / whole
        row.lots, row.fees = sign * whole, row_fees - rest_fees
        cost += row_cost - rest_cost
        at = row.next
    position.lots, position.cost = sign * done, sign * cost
    see_range(t, position.lots)
    return rest, rest_cost, rest_fees, opened_ns
