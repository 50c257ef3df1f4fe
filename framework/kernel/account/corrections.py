"""What an account is in truth, and what comes into it from outside or leaves it. Nothing of this is realised.

A correction of a position takes the place of all its tax lots; one of cash adds the difference. Either changes what the account is worth,
and that is gained or lost. A transfer changes it too, and the difference, at the marks of its stamp, is no gain: see `record_deposit`.
"""

from __future__ import annotations

from framework.kernel.account.positions import change_lots, position_of, receive
from framework.kernel.account.result_rows import record_change, record_deposit, record_flow
from framework.kernel.account.tax_lots import add_lot, drop_first_lot
from framework.kernel.layout.account_records import lot_row, money_row
from framework.kernel.layout.codes import BY_CORRECTION, BY_TRANSFER, COST_BOOKED, OF_CASH, OF_POSITION, SPOT, TRANSFER
from framework.kernel.layout.roots import TraderRoot
from framework.kernel.machine.compile import inlined, kernel, outlined, real
from framework.kernel.machine.ratio import MOST
from framework.kernel.market.marks import marks_of, terms_of
from framework.kernel.market.money import basis
from framework.kernel.market.valuation import forget_sums, lot_value, open_profit
from framework.schema.event import NO_INSTRUMENT, Event
from framework.schema.units import LARGEST_STEPS

MOST_MONEY = 1e60
"""No amount that comes from outside is larger."""


@inlined
def is_money(amount: float) -> bool:
    """Whether a number can be an amount of money; NaN and infinity cannot."""
    return abs(amount) < MOST_MONEY


@kernel
def _can_be_cash(t: TraderRoot, code: int, amount: float, rate: float) -> bool:
    """Whether an amount can be, in a currency of which the run knows."""
    for k in range(t.money_count):
        if money_row(t.money, k).code == code:
            return is_money(amount) and is_money(rate)
    return False


@kernel
def _can_be_units(t: TraderRoot, instrument: int, lots: int, mark_ticks: float, price_ticks: float) -> bool:
    """Whether so many lots can be held of an instrument that there is, at prices that can be."""
    if not 0 <= instrument < t.positions_count or abs(lots) > LARGEST_STEPS:
        return False
    return -1.0 < mark_ticks <= LARGEST_STEPS and -1.0 < price_ticks <= LARGEST_STEPS


@outlined
def account_event_can_be(t: TraderRoot, event: Event) -> bool:
    """Whether a correction of an account, or a transfer, says what can be."""
    if event.kind == TRANSFER:
        if event.instrument == NO_INSTRUMENT:
            return _can_be_cash(t, event.w0, real(event.w1), real(event.w4))
        price = real(event.w1)
        if not _can_be_units(t, event.instrument, event.w0, price, price):
            return False
        return abs(position_of(t, event.instrument).lots) + abs(event.w0) < MOST
    if event.flags == OF_CASH:
        return _can_be_cash(t, event.w0, real(event.w3), real(event.w2))
    return event.flags == OF_POSITION and _can_be_units(t, event.instrument, event.w0, real(event.w2), real(event.w3))


@kernel
def _enter_cash(t: TraderRoot, code: int, amount: float, rate: float) -> float:
    """Add to the cash of a currency; returns what that is worth."""
    for k in range(t.money_count):
        money = money_row(t.money, k)
        if money.code == code:
            if money.fx_rate != money.fx_rate and rate > 0.0:
                money.fx_rate = rate
            receive(money, amount)
            t.dirty = 1
            return amount * money.fx_rate
    return 0.0


@kernel
def _value_at(t: TraderRoot, instrument: int, mark_ticks: float) -> None:
    """Value an instrument of which nothing was seen yet."""
    marks = marks_of(t, instrument)
    if marks.seen_ns == 0 and mark_ticks > 0.0:
        marks.mark_ticks = mark_ticks


@kernel
def _record(t: TraderRoot, instrument: int, cause: int, cost_before: float) -> None:
    """Note a position that nobody traded, and what it is booked at."""
    position, terms = position_of(t, instrument), terms_of(t, instrument)
    record_flow(t, instrument, COST_BOOKED, (position.cost - cost_before) * terms.point_value, terms.currency)
    record_change(t, instrument, cause)
    t.dirty = 1


@kernel
def _set_position(t: TraderRoot, instrument: int, lots: int, cost_ticks: float) -> None:
    position, terms = position_of(t, instrument), terms_of(t, instrument)
    fees, cost_before = 0.0, position.cost
    while position.first >= 0:
        fees += lot_row(t.lots, position.first).fees
        drop_first_lot(t, position)
    position.cost, position.carried = 0.0, 0.0
    if lots != 0:
        stays = (position.lots > 0) == (lots > 0) and position.lots != 0
        add_lot(t, position, lots, cost_ticks, basis(terms, cost_ticks), fees if stays else 0.0)
    change_lots(t, position, terms, lots)
    _record(t, instrument, BY_CORRECTION, cost_before)


@outlined
def correct_account(t: TraderRoot, event: Event) -> None:
    """A correction of a position or of cash."""
    forget_sums(t)
    if event.flags == OF_POSITION:
        _value_at(t, event.instrument, real(event.w2))
        _set_position(t, event.instrument, event.w0, real(event.w3))
    elif event.flags == OF_CASH:
        _enter_cash(t, event.w0, real(event.w3), real(event.w2))


@kernel
def _worth(t: TraderRoot, instrument: int) -> float:
    lots = position_of(t, instrument).lots
    if lots == 0:
        return 0.0
    return lots * lot_value(t, instrument) if terms_of(t, instrument).settlement == SPOT else open_profit(t, instrument)


@kernel
def _move_lots(t: TraderRoot, instrument: int, lots: int, price_ticks: float) -> float:
    """Bring in or take out signed lots; returns what the account is worth more by that."""
    position, terms = position_of(t, instrument), terms_of(t, instrument)
    before, cost_before, rest = _worth(t, instrument), position.cost, lots
    while position.first >= 0 and rest * position.lots < 0:
        entry = lot_row(t.lots, position.first)
        if entry.lots != 0:
            taken = min(abs(rest), abs(entry.lots)) * (1 if entry.lots > 0 else -1)
            position.cost -= taken * basis(terms, entry.price)
            position.carried -= taken * entry.carry
            entry.fees -= entry.fees * (taken / entry.lots)
            entry.lots -= taken
            rest += taken
        if entry.lots == 0:
            drop_first_lot(t, position)
    if position.first < 0:
        position.cost, position.carried = 0.0, 0.0
    if rest != 0:
        add_lot(t, position, rest, price_ticks, basis(terms, price_ticks), 0.0)
    change_lots(t, position, terms, position.lots + lots)
    _record(t, instrument, BY_TRANSFER, cost_before)
    return _worth(t, instrument) - before


@outlined
def book_transfer(t: TraderRoot, event: Event) -> None:
    """Cash or units come in or go out."""
    forget_sums(t)
    if event.instrument == NO_INSTRUMENT:
        value = _enter_cash(t, event.w0, real(event.w1), real(event.w4))
    else:
        _value_at(t, event.instrument, real(event.w1))
        value = _move_lots(t, event.instrument, event.w0, real(event.w1))
    record_deposit(t, value)
