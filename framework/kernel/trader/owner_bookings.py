"""Several strategies in one account: what the account books is booked in their virtual accounts too, by the functions of the ledger.

A fill belongs to whose order it is. One of the broker's or of a stance is shared by those who hold what it closes, in proportion, so
that a strategy never holds what the account has lost. Charges are shared by

    funding   signed lots: each pays or receives as if it were alone
    borrow    lots held short
    tax       lots of the fill just booked

What has no such share, or none that is whole (a lot that a reverse split leaves of two halves), is the account's alone: it is what the
account has less what the strategies have.
"""

from __future__ import annotations

from framework.kernel.account.corporate_actions import pay_dividend, pay_out, split_position
from framework.kernel.account.ledger import book_charge, book_fill, book_settlement
from framework.kernel.account.positions import position_of, rate_of
from framework.kernel.account.result_rows import record_flow
from framework.kernel.layout.account_records import owner_row
from framework.kernel.layout.codes import C_BORROW, C_FEE, C_FUNDING, C_HALF_SPREAD, C_IMPACT, C_TAX, C_VOLUME_SHARE, DIVIDEND, SPLIT
from framework.kernel.layout.roots import TraderRoot
from framework.kernel.machine.compile import kernel, outlined, real
from framework.kernel.machine.ratio import divided
from framework.kernel.market.marks import terms_of
from framework.kernel.market.order_rows import order_of
from framework.kernel.market.valuation import forget_sums, owner_account, present_owner
from framework.schema.event import NO_INSTRUMENT, Event
from framework.schema.order import Order


@kernel
def is_shared(t: TraderRoot, instrument: int, owner: int) -> bool:
    """Whether another strategy holds an instrument or has orders at work in it."""
    for k in range(t.owners_count):
        position = position_of(owner_account(t, k), instrument)
        at_work = position.plain_lots + position.reducing_lots + position.buy_lots + position.sell_lots
        if k != owner and (position.lots != 0 or at_work != 0):
            return True
    return False


@kernel
def _book(t: TraderRoot, owner: int, order: Order, lots: int, ticks: int, slippage: float, fee: float) -> None:
    account = present_owner(t, owner)
    owner_row(t.owners, owner).filled_lots = lots
    account.cost_totals[C_FEE] += fee * rate_of(t, terms_of(t, order.instrument).currency)
    book_fill(account, order.order_id, order.instrument, order.side * lots, ticks, slippage, fee)


@outlined
def share_fill(t: TraderRoot, order: Order, lots: int, ticks: int, slippage: float, fee: float) -> None:
    """A fill, for the strategy whose order it is, or shared by those who hold what it closes."""
    held = 0
    for k in range(t.owners_count):
        owner_row(t.owners, k).filled_lots = 0
        held += max(-order.side * position_of(owner_account(t, k), order.instrument).lots, 0)
    if order.owner < t.owners_count:
        _book(t, order.owner, order, lots, ticks, slippage, fee)
        return
    before, done = 0, 0
    for k in range(t.owners_count if held > 0 else 0):
        before += max(-order.side * position_of(owner_account(t, k), order.instrument).lots, 0)
        up_to, _ = divided(min(lots, held), before, held)
        part, done = up_to - done, up_to
        if part > 0:
            _book(t, k, order, part, ticks, slippage * part / lots, fee * part / lots)


@kernel
def _weight(t: TraderRoot, owner: int, kind: int, instrument: int) -> int:
    """By how much a strategy has its share of a charge."""
    lots = position_of(owner_account(t, owner), instrument).lots
    if kind == C_FUNDING:
        return int(lots)
    if kind == C_BORROW:
        return int(max(-lots, 0))
    return int(owner_row(t.owners, owner).filled_lots) if kind == C_TAX else 0


@outlined
def share_charge(t: TraderRoot, event: Event) -> None:
    """A charge on an instrument, for those who have a part in it."""
    kind, amount, currency, total = event.w0, real(event.w1), event.w2, 0
    for k in range(t.owners_count if event.instrument != NO_INSTRUMENT else 0):
        total += _weight(t, k, kind, event.instrument)
    for k in range(t.owners_count if total != 0 else 0):
        weight = _weight(t, k, kind, event.instrument)
        if weight != 0:
            account, part = present_owner(t, k), amount * (weight / total)
            book_charge(account, kind, part, currency)
            record_flow(account, event.instrument, kind, -part, currency)


@outlined
def share_costs(t: TraderRoot, event: Event, rate: float) -> None:
    """What a fill cost besides fees, for the strategy whose order it was."""
    order = order_of(t, event.w0)
    if order.owner < t.owners_count:
        account = owner_account(t, order.owner)
        account.cost_totals[C_HALF_SPREAD] += real(event.w1) * rate
        account.cost_totals[C_VOLUME_SHARE] += real(event.w2) * rate
        account.cost_totals[C_IMPACT] += real(event.w3) * rate


@outlined
def settle_owners(t: TraderRoot, instrument: int, mark_ticks: float) -> None:
    """A settlement of what each strategy holds."""
    for k in range(t.owners_count):
        account = present_owner(t, k)
        if position_of(account, instrument).lots != 0:
            book_settlement(account, instrument, mark_ticks)


@outlined
def restate_owners(t: TraderRoot, event: Event) -> None:
    """A split, dividend or delisting on the virtual accounts, after it was applied to the account."""
    for k in range(t.owners_count):
        account = present_owner(t, k)
        forget_sums(account)
        if event.kind == SPLIT:
            split_position(account, event.instrument, event.w0, event.w1)
        elif event.kind == DIVIDEND:
            pay_dividend(account, event.instrument, event.w0)
        else:
            pay_out(account, event.instrument, event.w0)
