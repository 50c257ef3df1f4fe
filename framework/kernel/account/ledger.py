"""The ledger: cash per currency, positions, FIFO tax lots and round trips, corporate actions, equity.

Money is float64, quantities are integer lots, prices are ticks. For a fill of `q` signed lots at effective price `p`
(ticks, slippage included) with point value `v` and fee `f`:

    cash      <- cash - q p v - f
    cost      <- cost + q p                    for the part that opens
    realised  <- realised + (p - p_entry) q' v for each closed part, oldest first
    equity     = sum over currencies of cash x rate + sum over instruments of lots x mark x v x rate

A derivative is margined: its notional is never paid. With b the basis of a price (`money.py`):

    cash      <- cash - f + (b(p) - carry) q' v            for each closed part
    cash      <- cash + (lots b(mark) - carried) v, carry <- b(mark)      at a settlement
    equity     = ... + sum over derivatives of (lots b(mark) - carried) v x rate
"""

from __future__ import annotations

from typing import Any

from framework.kernel.layout.codes import BROKEN_BY_RANGE, BY_DELISTING, BY_SPLIT, DIVIDEND_PAID, SPOT
from framework.kernel.layout.room import CHANGES, FLOWS, LOTS, POINTS, TRADES, has_row
from framework.kernel.layout.roots import change_row, flow_row, lot_row, money_row, point_row, position_row, trade_row
from framework.kernel.machine.compile import inlined, kernel
from framework.kernel.machine.ratio import MOST, divided
from framework.kernel.market.marks import adjust_history, book_of, set_mark, terms_of
from framework.kernel.market.money import basis, price_of
from framework.kernel.market.valuation import forget_sums, put_back, take_out, valuation
from framework.schema.units import MONEY_PER_NANO


@inlined
def receive(money: Any, amount: float) -> None:
    """Add to the cash of a currency. What the sum rounds away is kept aside and comes in with the next (Knuth's two-sum): however many
    small amounts are booked on a large account, cash is off by its last digit only.
    """
    cash = money.cash
    total = cash + amount
    part = total - cash
    aside = money.aside + ((cash - (total - part)) + (amount - part))
    money.cash = total + aside
    money.aside = aside - (money.cash - total)


@kernel
def position_of(t: Any, instrument: int) -> Any:
    """The position row of one instrument."""
    return position_row(t.positions, instrument)


@kernel
def rate_of(t: Any, currency: int) -> float:
    """What one unit of `currency` is worth in the base currency; NaN if unknown."""
    return money_row(t.money, currency).fx_rate


@inlined
def write_point(t: Any) -> None:
    """Add a point to the equity curve at the present stamp."""
    if not has_row(t, t.points_count, t.points_capacity, POINTS):
        return
    _, cash, gross, net = valuation(t)
    point = point_row(t.points, t.points_count)
    point.ts_ns, point.cash, point.gross, point.net = t.now_ns, cash, gross, net
    if cash < 0.0:
        t.overdrawn += 1
        t.lowest_cash = min(t.lowest_cash, cash)
    t.points_count += 1
    t.point_ns = t.now_ns + t.point_interval_ns
    t.dirty = 0


@kernel
def record_point(t: Any) -> None:
    """`write_point` away from the path of every event."""
    write_point(t)


@inlined
def record_change(t: Any, instrument: int, cause: int) -> None:
    """Note the position of an instrument after it changed: by an order's fill, BY_SPLIT or BY_DELISTING."""
    if t.is_venues != 0 or not has_row(t, t.changes_count, t.changes_capacity, CHANGES):
        return
    row = change_row(t.changes, t.changes_count)
    row.ts_ns, row.instrument, row.lots = t.now_ns, instrument, position_of(t, instrument).lots
    row.cause, row.fx_rate = cause, money_row(t.money, terms_of(t, instrument).currency).fx_rate
    t.changes_count += 1


@kernel
def record_flow(t: Any, instrument: int, kind: int, amount: float, currency: int) -> None:
    """Note money that a position brought besides its fills, or, negative, cost."""
    if t.is_venues != 0 or not has_row(t, t.flows_count, t.flows_capacity, FLOWS):
        return
    row = flow_row(t.flows, t.flows_count)
    row.instrument, row.kind, row.amount = instrument, kind, amount
    row.fx_rate, row.change = money_row(t.money, currency).fx_rate, t.changes_count
    t.flows_count += 1


@inlined
def _add_lot(t: Any, position: Any, lots: int, price: float, at_basis: float, fees: float) -> None:
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
def _drop_first_lot(t: Any, position: Any) -> None:
    at = position.first
    position.first = lot_row(t.lots, at).next
    if position.first < 0:
        position.last = -1
    lot_row(t.lots, at).next = t.free_lot
    t.free_lot = at


@inlined
def _record_trade(
    t: Any, instrument: int, entry_ns: int, lots: float, entry_price: float, exit_price: float, gross: float, fees: float
) -> None:
    if t.is_venues != 0 or not has_row(t, t.trades_count, t.trades_capacity, TRADES):
        return
    row = trade_row(t.trades, t.trades_count)
    row.instrument, row.entry_ns, row.exit_ns = instrument, entry_ns, t.now_ns
    row.lots, row.entry_price, row.exit_price = lots, entry_price, exit_price
    row.pnl, row.fees, row.change = gross - fees, fees, t.changes_count
    t.trades_count += 1


@kernel
def _close_lots(t: Any, instrument: int, lots: int, price: float, fee_per_lot: float) -> Any:
    """Close `lots` (signed as the exit) of the open tax lots, oldest first.

    Returns (lots not matched, money made since the entries, money made since the last settlement).
    """
    position, terms = position_of(t, instrument), terms_of(t, instrument)
    rest, made, due, at_basis = abs(lots), 0.0, 0.0, basis(terms, price)
    while rest > 0 and position.first >= 0:
        entry = lot_row(t.lots, position.first)
        if entry.lots == 0:  # a reverse split left nothing of it
            _drop_first_lot(t, position)
            continue
        sign = 1 if entry.lots > 0 else -1
        matched = min(rest, abs(entry.lots))
        entry_basis = basis(terms, entry.price)
        gross = (at_basis - entry_basis) * (sign * matched) * terms.point_value
        entry_fees = entry.fees * (matched / abs(entry.lots))
        fees = entry_fees + fee_per_lot * matched
        _record_trade(t, instrument, entry.ts_ns, float(sign * matched), entry.price, price, gross, fees)
        position.cost -= sign * matched * entry_basis
        position.carried -= sign * matched * entry.carry
        due += (at_basis - entry.carry) * (sign * matched) * terms.point_value
        entry.fees -= entry_fees
        entry.lots -= sign * matched
        rest -= matched
        made += gross
        if entry.lots == 0:
            _drop_first_lot(t, position)
    position.realised += made
    if position.first < 0:
        position.cost, position.carried = 0.0, 0.0  # nothing is open, so no rounding may stay behind
    return rest, made, due


@inlined
def see_range(t: Any, lots: int) -> None:
    """Break the run where lots come near what a word can count: of late fills, of children or across a split, which nobody can refuse."""
    if abs(lots) >= MOST and t.broken == 0:
        t.broken, t.broken_event = BROKEN_BY_RANGE, lots


@inlined
def _change_lots(t: Any, position: Any, terms: Any, lots: int) -> None:
    """Change a position, and how many there are that the broker watches."""
    if terms.is_margined != 0 and t.is_watched != 0:
        t.margined += (1 if lots != 0 else 0) - (1 if position.lots != 0 else 0)
    position.lots = lots
    see_range(t, position.lots)


@inlined
def book_fill(t: Any, order_id: int, instrument: int, lots: int, ticks: int, slippage: float, fee: float) -> float:
    """Book a fill of signed `lots`; return the gross money that its closing part made."""
    position, terms = position_of(t, instrument), terms_of(t, instrument)
    side = 1 if lots > 0 else -1
    at_basis = basis(terms, ticks) + side * slippage / (abs(lots) * terms.point_value)
    price = price_of(terms, at_basis)
    money = money_row(t.money, terms.currency)
    is_spot = terms.settlement == SPOT
    receive(money, -(float(lots) * ticks * terms.point_value + slippage + fee) if is_spot else -fee)
    position.fees += fee
    made, due, opening = 0.0, 0.0, abs(lots)
    has_sums = take_out(t, instrument)
    if position.lots * side < 0:
        opening, made, due = _close_lots(t, instrument, lots, price, fee / abs(lots))
        if not is_spot:
            receive(money, due)
    if opening > 0:
        _add_lot(t, position, side * opening, price, at_basis, fee * (opening / abs(lots)))
    _change_lots(t, position, terms, position.lots + lots)
    if has_sums:
        put_back(t, instrument)
    t.has_cash = 0
    record_change(t, instrument, order_id)
    t.dirty = 1
    return made


@kernel
def _split_lots(t: Any, position: Any, new: int, old: int) -> Any:
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


@kernel
def book_split(t: Any, instrument: int, new: int, old: int) -> None:
    """Turn `old` shares into `new`: lots, cost, mark and history; what is less than a lot is paid in cash at the mark.

    Equity does not change, and cost plus realised plus cash add up to what they did before.
    """
    forget_sums(t)
    book = book_of(t, instrument)
    adjust_history(t, instrument, old / new, new / old)
    if book.seen_ns > 0:
        set_mark(t, instrument, book.mark_ticks * old / new)
    split_position(t, instrument, new, old)


@kernel
def split_position(t: Any, instrument: int, new: int, old: int) -> None:
    """What a split does to an account, after the mark was restated."""
    book, position, terms = book_of(t, instrument), position_of(t, instrument), terms_of(t, instrument)
    if position.lots == 0:
        return
    sign = 1 if position.lots > 0 else -1
    rest, rest_cost, rest_fees, opened_ns = _split_lots(t, position, new, old)
    if terms.is_margined != 0 and position.lots == 0 and t.is_watched != 0:
        t.margined -= 1
    if rest > 0.0:
        made = sign * (rest * book.mark_ticks - rest_cost) * terms.point_value
        receive(money_row(t.money, terms.currency), sign * rest * book.mark_ticks * terms.point_value)
        position.realised += made
        _record_trade(t, instrument, opened_ns, sign * rest, rest_cost / rest, book.mark_ticks, made, rest_fees)
    while position.first >= 0 and lot_row(t.lots, position.first).lots == 0:
        _drop_first_lot(t, position)
    record_change(t, instrument, BY_SPLIT)


@kernel
def book_dividend(t: Any, instrument: int, nano_per_unit: int) -> None:
    """Pay (long) or charge (short) a dividend on its ex-date; the mark and the history fall by it."""
    forget_sums(t)
    book = book_of(t, instrument)
    ticks = nano_per_unit * MONEY_PER_NANO / terms_of(t, instrument).tick
    if book.seen_ns > 0 and ticks < book.mark_ticks:
        adjust_history(t, instrument, (book.mark_ticks - ticks) / book.mark_ticks, 1.0)
        set_mark(t, instrument, book.mark_ticks - ticks)
    pay_dividend(t, instrument, nano_per_unit)


@kernel
def pay_dividend(t: Any, instrument: int, nano_per_unit: int) -> None:
    """What a dividend does to an account."""
    position, terms = position_of(t, instrument), terms_of(t, instrument)
    if position.lots != 0:
        amount = position.lots * (terms.point_value / terms.tick) * (nano_per_unit * MONEY_PER_NANO)
        money = money_row(t.money, terms.currency)
        receive(money, amount)
        position.income += amount
        t.income += amount * money.fx_rate
        record_flow(t, instrument, DIVIDEND_PAID, amount, terms.currency)


@kernel
def book_delisting(t: Any, instrument: int, ticks: int) -> None:
    """The instrument ends: what is held is paid out at `ticks`, 0 for a total loss; a derivative is settled at it."""
    forget_sums(t)
    book_of(t, instrument).delisted = 1
    set_mark(t, instrument, float(ticks))
    pay_out(t, instrument, ticks)


@kernel
def pay_out(t: Any, instrument: int, ticks: int) -> None:
    """What a delisting does to an account."""
    position, terms = position_of(t, instrument), terms_of(t, instrument)
    if position.lots != 0:
        paid = float(position.lots) * ticks * terms.point_value
        _, _, due = _close_lots(t, instrument, -position.lots, float(ticks), 0.0)
        receive(money_row(t.money, terms.currency), paid if terms.settlement == SPOT else due)
        _change_lots(t, position, terms, 0)
        record_change(t, instrument, BY_DELISTING)
        t.dirty = 1


@kernel
def book_charge(t: Any, kind: int, amount: float, currency: int) -> None:
    """Take a charge (borrow, tax) or, negative, a credit."""
    forget_sums(t)
    t.dirty |= 2  # makes no point of its own, but the last one must know of it
    money = money_row(t.money, currency)
    receive(money, -amount)
    t.cost_totals[kind] += amount * money.fx_rate


@kernel
def settlement_due(t: Any, instrument: int, mark_ticks: float) -> float:
    """What a derivative has made at a mark since its last settlement, in its settlement currency; negative for a loss."""
    terms, position = terms_of(t, instrument), position_of(t, instrument)
    return (position.lots * basis(terms, mark_ticks) - position.carried) * terms.point_value


@kernel
def book_settlement(t: Any, instrument: int, mark_ticks: float) -> None:
    """Pay what was made since the last settlement in cash; equity does not change, and round trips keep their entry prices.

    The amount is worked out here: where fills were heard in another order than they were made, other lots are open, and cash differs
    from the broker's until then by what they carry.
    """
    forget_sums(t)
    terms, position = terms_of(t, instrument), position_of(t, instrument)
    receive(money_row(t.money, terms.currency), settlement_due(t, instrument, mark_ticks))
    carry = basis(terms, mark_ticks)
    at = position.first
    while at >= 0:
        row = lot_row(t.lots, at)
        row.carry = carry
        at = row.next
    position.carried = position.lots * carry
    t.dirty |= 2
