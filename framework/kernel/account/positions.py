"""A position's lots, the cash of a currency, and what it is worth."""

from __future__ import annotations

from framework.kernel.layout.account_records import Money, Position, money_row, position_row
from framework.kernel.layout.codes import BROKEN_BY_RANGE
from framework.kernel.layout.market_records import Terms
from framework.kernel.layout.roots import TraderRoot
from framework.kernel.machine.compile import inlined, kernel
from framework.kernel.machine.ratio import MOST


@inlined
def receive(money: Money, amount: float) -> None:
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
def position_of(t: TraderRoot, instrument: int) -> Position:
    """The position row of one instrument."""
    return position_row(t.positions, instrument)


@kernel
def rate_of(t: TraderRoot, currency: int) -> float:
    """What one unit of `currency` is worth in the base currency; NaN if unknown."""
    return money_row(t.money, currency).fx_rate


@inlined
def see_range(t: TraderRoot, lots: int) -> None:
    """Break the run where lots come near what a word can count: of late fills, of children or across a split, which nobody can refuse."""
    if abs(lots) >= MOST and t.broken == 0:
        t.broken, t.broken_event = BROKEN_BY_RANGE, lots


@inlined
def change_lots(t: TraderRoot, position: Position, terms: Terms, lots: int) -> None:
    """Change a position, and how many there are that the broker watches."""
    if terms.is_margined != 0 and t.is_watched != 0:
        t.margined += (1 if lots != 0 else 0) - (1 if position.lots != 0 else 0)
    position.lots = lots
    see_range(t, position.lots)
