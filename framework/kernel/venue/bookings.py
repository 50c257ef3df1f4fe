"""The account as the venue and its broker keep it: what has filled there, whether we have been notified or not.

It has the layout of the trader half, and the functions of the ledger keep both. What the venue judges, it judges by this one: what a
reduce-only order may still close, what a fill can be paid with, margin, funding, borrow and settlement.

Where answers take no time the two can never differ, and both records point to the same rows, which the trader half books. Where
answers take time this one has rows of its own, and a fill, a charge or a settlement is booked here when it is said and there when it is
received. Marks and rates of exchange are those that we have seen.

Sums of positions at the present marks are always its own: see `valuation.sum_up`.
"""

from __future__ import annotations

from framework.kernel.account.corporate_actions import pay_dividend, pay_out, split_position
from framework.kernel.account.corrections import account_event_can_be, book_transfer, correct_account
from framework.kernel.account.ledger import book_charge, book_fill, book_settlement
from framework.kernel.layout.account_records import money_row
from framework.kernel.layout.codes import CHARGE, CORRECTION, DELIST, DIVIDEND, FILLED, OF_CASH, SETTLED, SPLIT, TRANSFER
from framework.kernel.layout.roots import ExchangeRoot, TraderRoot, trader_row
from framework.kernel.machine.compile import inlined, kernel, outlined, real
from framework.kernel.market.costs import note_traded
from framework.kernel.market.marks import terms_of
from framework.kernel.market.money import notional_of
from framework.kernel.market.valuation import cash_value, forget_sums, sum_up
from framework.kernel.venue.order_table import order_of
from framework.schema.event import Event


@inlined
def account_of(x: ExchangeRoot) -> TraderRoot:
    """The venue's account, to look up what it holds."""
    return trader_row(x.account, 0)


@inlined
def present_account(t: TraderRoot, x: ExchangeRoot) -> TraderRoot:
    """The venue's account at the present stamp, for what goes by it: sums, tiers of fees, what is booked."""
    account = account_of(x)
    account.now_ns = t.now_ns
    return account


@kernel
def summed_account(t: TraderRoot, x: ExchangeRoot) -> TraderRoot:
    """The venue's account with its sums for the present stamp."""
    account = present_account(t, x)
    if x.keeps_account == 0:
        account.cash, account.has_cash = cash_value(t), 1  # we book into its rows
    elif t.conversions_count != 0:
        for k in range(t.money_count):
            money_row(account.money, k).fx_rate = money_row(t.money, k).fx_rate
        account.has_cash = 0
    sum_up(account)
    t.summed_ns = t.now_ns  # from now on marks and positions that change are taken out of its sums and put back
    return account


@outlined
def book_answer(t: TraderRoot, x: ExchangeRoot, kind: int, instrument: int, w0: int, w1: int, w2: int, w3: int, w4: int) -> None:
    """Book what the venue says, where its account has rows of its own."""
    account = present_account(t, x)
    if kind == FILLED:
        side, terms = order_of(x, w0).side, terms_of(t, instrument)
        if account.tiers_count != 0:
            note_traded(account, notional_of(terms, w2, w1) * money_row(t.money, terms.currency).fx_rate)
        book_fill(account, w0, instrument, side * w2, w1, real(w4), real(w3))
    elif kind == CHARGE:
        book_charge(account, w0, real(w1), w2)
    elif kind == SETTLED:
        book_settlement(account, instrument, real(w0))
    t.margined = account.margined


@kernel
def restate_account(t: TraderRoot, x: ExchangeRoot, event: Event) -> None:
    """A corporate action, correction or transfer on the venue's account, after the trader half applied it to its own."""
    if x.keeps_account == 0:
        return
    account = present_account(t, x)
    forget_sums(account)
    if event.kind == SPLIT:
        split_position(account, event.instrument, event.w0, event.w1)
    elif event.kind == DIVIDEND:
        pay_dividend(account, event.instrument, event.w0)
    elif event.kind == DELIST:
        pay_out(account, event.instrument, event.w0)
    elif event.kind == CORRECTION and event.flags <= OF_CASH and account_event_can_be(account, event):
        correct_account(account, event)
    elif event.kind == TRANSFER and account_event_can_be(account, event):
        book_transfer(account, event)
    t.margined = account.margined
