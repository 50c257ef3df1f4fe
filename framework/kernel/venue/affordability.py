"""The broker's check at the fill: what the venue's account can carry, and what only reduces a position."""

from __future__ import annotations

from framework.kernel.account.positions import position_of, rate_of
from framework.kernel.layout.roots import ExchangeRoot, TraderRoot
from framework.kernel.machine.compile import kernel
from framework.kernel.machine.ratio import at_most
from framework.kernel.market.marks import marks_of, terms_of
from framework.kernel.market.money import basis, lot_notional
from framework.kernel.market.valuation import HELD, cash_value, held_value, initial_needed
from framework.kernel.venue.bookings import account_of, summed_account
from framework.schema.order import Order

_ROUNDING, _PART_OF_A_LOT = 1e-14, 1e-9
"""Room at the fill, which decides what is paid: fifty units in the last place of equity, and the part of a lot that sizing rounds away."""


@kernel
def affordable_lots(t: TraderRoot, x: ExchangeRoot, order: Order, lots: int, ticks: int, cost: float) -> int:
    """How many of `lots` the venue's account can carry at `ticks`, when all of them would cost `cost` in the instrument's currency.

    The broker's check at the fill, of what is held: orders that work pay for nothing. With s the side, n the notional of a lot at the
    price, L the leverage limit and m the initial margin: |position + s q| n + other exposure <= L (equity at p - cost q / lots), and
    |position + s q| n m + other margin <= the same / L.
    """
    i, closing = order.instrument, 0
    terms, marks, position = terms_of(t, i), marks_of(t, i), position_of(account_of(x), i)
    if position.lots * order.side < 0:
        closing = min(lots, abs(position.lots))
        if closing == lots:
            return lots
        if t.risk.allow_short == 0 and order.side < 0:
            return closing
    elif t.risk.allow_short == 0 and order.side < 0:
        return 0
    account = summed_account(t, x)
    rate = rate_of(account, terms.currency)
    value = lot_notional(terms, ticks) * rate
    moved = position.lots * (basis(terms, ticks) - basis(terms, marks.mark_ticks))
    equity = cash_value(account) + account.net + moved * terms.point_value * rate
    held = abs(position.lots + order.side * closing)
    other = account.gross - held_value(account, i)
    unit_cost = cost / lots * rate
    rounding = _ROUNDING * equity
    room = t.risk.max_leverage * (equity - unit_cost * closing + rounding) - other - held * value
    if room <= 0.0:
        return closing
    extra = at_most(room / (value + t.risk.max_leverage * unit_cost) + _PART_OF_A_LOT, lots - closing)
    if t.has_margin != 0:
        margin = terms.initial_margin
        room = equity - unit_cost * closing + rounding - initial_needed(account, i, HELD) - held * value * margin
        extra = at_most(room / (value * margin + unit_cost) + _PART_OF_A_LOT, extra) if value * margin + unit_cost > 0.0 else extra
    return closing + extra


@kernel
def reducible_lots(t: TraderRoot, order: Order, lots: int) -> int:
    """How many of `lots` only reduce the position, for reduce-only orders."""
    position = position_of(t, order.instrument)
    if position.lots * order.side >= 0:
        return 0
    return min(lots, abs(position.lots))
