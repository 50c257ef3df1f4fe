"""The ledger: how fills, charges and settlements change cash, positions and equity.

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

from framework.kernel.account.positions import change_lots, position_of, receive
from framework.kernel.account.result_rows import record_change
from framework.kernel.account.tax_lots import add_lot, close_lots
from framework.kernel.layout.account_records import lot_row, money_row
from framework.kernel.layout.codes import SPOT
from framework.kernel.layout.roots import TraderRoot
from framework.kernel.machine.compile import inlined, kernel
from framework.kernel.market.marks import terms_of
from framework.kernel.market.money import basis, price_of
from framework.kernel.market.valuation import forget_sums, put_back, take_out


@inlined
def book_fill(t: TraderRoot, order_id: int, instrument: int, lots: int, ticks: int, slippage: float, fee: float) -> float:
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
        opening, made, due = close_lots(t, instrument, lots, price, fee / abs(lots))
        if not is_spot:
            receive(money, due)
    if opening > 0:
        add_lot(t, position, side * opening, price, at_basis, fee * (opening / abs(lots)))
    change_lots(t, position, terms, position.lots + lots)
    if has_sums:
        put_back(t, instrument)
    t.has_cash = 0
    record_change(t, instrument, order_id)
    t.dirty = 1
    return made


@kernel
def book_charge(t: TraderRoot, kind: int, amount: float, currency: int) -> None:
    """Take a charge (borrow, tax) or, negative, a credit."""
    forget_sums(t)
    t.dirty |= 2  # makes no point of its own, but the last one must know of it
    money = money_row(t.money, currency)
    receive(money, -amount)
    t.cost_totals[kind] += amount * money.fx_rate


@kernel
def settlement_due(t: TraderRoot, instrument: int, mark_ticks: float) -> float:
    """What a derivative has made at a mark since its last settlement, in its settlement currency; negative for a loss."""
    terms, position = terms_of(t, instrument), position_of(t, instrument)
    return (position.lots * basis(terms, mark_ticks) - position.carried) * terms.point_value


@kernel
def book_settlement(t: TraderRoot, instrument: int, mark_ticks: float) -> None:
    """Pay what was made since the last settlement in cash; equity does not change, and round trips keep their entry prices.

    The amount is worked out here: where fills were received in another order than they were made, other lots are open, and cash differs
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
