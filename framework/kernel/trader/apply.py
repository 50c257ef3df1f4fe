"""The trader half: `apply(trader, event)` is the only function that changes what we know and own.

Whatever we decide goes through `issue`: the event is written to the log, applied, and, where it must leave, put into the
outbox. A world takes the outbox and sends it.
"""

from __future__ import annotations

from framework.kernel.account.corporate_actions import book_delisting, book_dividend, book_split
from framework.kernel.account.corrections import MOST_MONEY, account_event_can_be, book_transfer, is_money
from framework.kernel.account.ledger import book_charge, book_settlement
from framework.kernel.account.result_rows import record_flow
from framework.kernel.layout.codes import (
    A_RANGE,
    BAR,
    CANCELLED,
    CHARGE,
    CORRECTION,
    COST_KINDS,
    DELIST,
    DEPTH,
    DIVIDEND,
    FIRM,
    GAP,
    HALT,
    MARK_PRICE,
    PRICE_LIMITS,
    QUOTE,
    S_HELD,
    S_NONE,
    SESSION,
    SETTLED,
    SPLIT,
    STANCE,
    SUBMIT,
    TRADE_TICK,
    TRANSFER,
)
from framework.kernel.layout.log import apply_answer
from framework.kernel.layout.roots import TraderRoot, event_row, trader_row
from framework.kernel.layout.stance_record import stance_row
from framework.kernel.layout.venue_records import session_row
from framework.kernel.machine.compile import Unit, address_of, call, inlined, kernel, real
from framework.kernel.market.displacement import restate_volume
from framework.kernel.market.marks import marks_of, see_bar, see_mark, see_quote
from framework.kernel.market.order_book import lose_depth
from framework.kernel.market.order_rows import order_of
from framework.kernel.market.price_limit_rules import apply_limits
from framework.kernel.market.sessions import apply_halt, apply_session
from framework.kernel.trader.alarms import NO_ORDER, raise_alarm
from framework.kernel.trader.corrected import take_correction
from framework.kernel.trader.issuing import issue
from framework.kernel.trader.order_answers import apply_order_answer, react_to_end
from framework.kernel.trader.orders import first_live, next_live, restate_orders
from framework.kernel.trader.owner_bookings import restate_owners, settle_owners, share_charge
from framework.kernel.trader.stances import take_stance
from framework.schema.event import NO_INSTRUMENT, Event


@kernel
def _take_settlement(t: TraderRoot, event: Event) -> None:
    mark_ticks = real(event.w0)
    if event.instrument < t.positions_count and 0.0 < mark_ticks < MOST_MONEY:
        book_settlement(t, event.instrument, mark_ticks)
        if t.owners_count != 0:
            settle_owners(t, event.instrument, mark_ticks)
    else:
        raise_alarm(t, A_RANGE, event.instrument, NO_ORDER, SETTLED, S_NONE)


@kernel
def _take_charge(t: TraderRoot, event: Event) -> None:
    is_of_instrument = event.instrument != NO_INSTRUMENT
    is_cost = 0 <= event.w0 < COST_KINDS and 0 <= event.w2 < t.money_count and is_money(real(event.w1))
    if not is_cost or (is_of_instrument and event.instrument >= t.positions_count):
        raise_alarm(t, A_RANGE, event.instrument, NO_ORDER, CHARGE, S_NONE)
        return
    book_charge(t, event.w0, real(event.w1), event.w2)
    if t.owners_count != 0:
        share_charge(t, event)
    if is_of_instrument:
        record_flow(t, event.instrument, event.w0, -real(event.w1), event.w2)


@inlined
def _apply_answer(t: TraderRoot, event: Event) -> None:
    kind = event.kind
    if kind == CHARGE:
        _take_charge(t, event)
    elif kind == SETTLED:
        _take_settlement(t, event)
    elif kind == STANCE:
        take_stance(t, event)
    else:
        apply_order_answer(t, event)


@kernel
def end_held(t: TraderRoot, reason: int) -> None:
    """End every child that still waits for its parent."""
    if t.has_held == 0:
        return
    k = first_live(t)
    while k < t.orders_count:
        order = order_of(t, k)
        k = next_live(t, k)
        if order.state == S_HELD:
            issue(t, CANCELLED, 0, order, reason, 0, 0, 0, False)


def _answer_unit(trader: int, event: int) -> int:
    _apply_answer(trader_row(trader, 0), event_row(event, 0))
    return 0


ANSWERS = Unit(_answer_unit)


@kernel
def apply_market(t: TraderRoot, event: Event) -> None:
    """Apply what the market says, save bars, and what corrects the account or moves something in or out of it."""
    kind = event.kind
    if kind == QUOTE:
        see_quote(t, event)
    elif kind == SPLIT:
        restate_orders(t, event, True)
        book_split(t, event.instrument, event.w0, event.w1)
        restate_owners(t, event)
        if t.volumes_count != 0:
            restate_volume(t, event.instrument, event.w0, event.w1)
        lose_depth(t, event.instrument)
        marks = marks_of(t, event.instrument)
        marks.bid, marks.ask, marks.bid_lots, marks.ask_lots = 0, 0, 0, 0
        apply_limits(t, event)
        stance_row(t.stances, event.instrument).split_ns = event.ts_venue_ns
    elif kind == DIVIDEND:
        restate_orders(t, event, False)
        book_dividend(t, event.instrument, event.w0)
        restate_owners(t, event)
    elif kind == DELIST:
        book_delisting(t, event.instrument, event.w0)
        restate_owners(t, event)
    elif kind == MARK_PRICE:
        see_mark(t, event)
    elif kind == HALT:
        apply_halt(marks_of(t, event.instrument), event)
    elif kind == PRICE_LIMITS or kind == SESSION:
        if kind == SESSION:
            apply_session(session_row(t.sessions, event.w0), event)
        apply_limits(t, event)
    elif kind == STANCE:
        t.seen += 1  # what follows from it is written after it
        take_stance(t, event)
        t.seen -= 1
    elif kind == FIRM:
        t.firm_gross, t.firm_net, t.firm_equity = real(event.w0), real(event.w1), real(event.w2)
    elif (kind == DEPTH or kind == TRADE_TICK or kind == GAP) and t.see_tick != 0:
        call(t.see_tick, address_of(t), address_of(event))
    elif kind == CORRECTION:
        t.seen += 1  # likewise
        if take_correction(t, event):
            react_to_end(t, order_of(t, event.w0))
        t.seen -= 1
    elif kind == TRANSFER:
        if account_event_can_be(t, event):
            book_transfer(t, event)
        else:
            t.seen += 1
            raise_alarm(t, A_RANGE, event.instrument, NO_ORDER, TRANSFER, S_NONE)
            t.seen -= 1


@inlined
def apply(t: TraderRoot, event: Event) -> None:
    """Apply any event that came from outside, in the order of its stamp."""
    t.now_ns = event.ts_local_ns
    if event.kind == BAR:
        see_bar(t, event)
    elif event.kind < SUBMIT:
        apply_market(t, event)
    else:
        apply_answer(t, event)
