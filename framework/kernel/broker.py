"""The simulated broker: what it charges and pays between fills, and how it closes what an account cannot carry.

    borrow       value short x rate x days / 360                      at a session's open, for the time since the last
    funding      notional at the mark x rate, longs pay where rate > 0    at a FUNDING event
    settlement   (lots x basis of the mark - carried) x point value   at the close of a future's session
    liquidation  equity <= sum over positions of notional at the mark x maintenance margin

Funding is that of Binance and BitMEX: "Funding Amount = Nominal Value of Positions x Funding Rate", the nominal value being mark
price x size (https://www.binance.com/en/support/faq/360033525031), of an inverse contract size x multiplier / mark in its coin
(https://www.bitmex.com/app/perpetualContractsGuide). The account is one pool, as in Binance's cross margin: it is liquidated when
its margin balance, wallet and unrealised PnL of all positions, falls to the sum of all maintenance margins
(https://www.binance.com/en/support/faq/b3c689c1f50a44cabb3a84e663b81d93, with one tier and so a maintenance amount of 0).

Assumptions: the mark is the venue's where it tells one. Every working order in a margined instrument is cancelled and every
margined position closed by a market order, which fills as any other. Orders of the broker and settlements are known to us at once,
also where answers take time: a fill on its way then is settled a day later.
Fails when: a venue closes part of a position, takes it over at its bankruptcy price, or has an insurance fund that pays losses
past zero: here the account can end below zero.
"""

from __future__ import annotations

from typing import Any

from framework.kernel.answers import answer, catch_up, end_order
from framework.kernel.book import book_of, terms_of
from framework.kernel.codes import (
    C_BORROW,
    C_FUNDING,
    CANCELLED,
    CHARGE,
    F_OPEN,
    F_PAUSE,
    FUNDING,
    GTC,
    K_FUTURE,
    K_PERPETUAL,
    MARKET,
    O_LIQUIDATION,
    O_REDUCE_ONLY,
    PLACED,
    R_LIQUIDATED,
    S_WORKING,
    SESSION,
    SETTLED,
    SPOT,
)
from framework.kernel.compile import bits, kernel
from framework.kernel.contracts import notional_of
from framework.kernel.exchange import venue_book
from framework.kernel.ledger import position_of, settlement_due
from framework.kernel.orders import is_done, order_of, unpack
from framework.kernel.queue import join, open_rows, sweep
from framework.kernel.trader import apply_answer, write
from framework.kernel.valuation import cash_value, maintenance_needed, sum_up_for_broker
from framework.kernel.venue_records import session_row
from framework.schema.units import NANOSECONDS_PER_DAY

_BORROW_DAYS = 360.0
"""Stock loan fees accrue on a 360-day year."""

_RATE = 1e-9
"""A FUNDING event counts billionths of the notional."""


@kernel
def _charge_borrow(t: Any, x: Any, calendar: int, open_ns: int) -> None:
    """At a session's open whoever is short pays for the time since the last open: for the nights it was held."""
    session = session_row(x.sessions, calendar)
    days = (open_ns - session.charged_ns) / NANOSECONDS_PER_DAY if session.charged_ns > 0 else 0.0
    session.charged_ns = open_ns
    if days <= 0.0:
        return
    for i in range(x.books_count):
        terms, lots = terms_of(t, i), position_of(t, i).lots
        if lots < 0 and terms.borrow_rate != 0.0 and terms.calendar == calendar and terms.settlement == SPOT:
            value = -lots * book_of(t, i).mark_ticks * terms.point_value
            answer(t, x, CHARGE, 0, i, C_BORROW, bits(value * terms.borrow_rate * days / _BORROW_DAYS), terms.currency, 0, 0)


@kernel
def _charge_funding(t: Any, x: Any, event: Any) -> None:
    """Longs pay shorts the rate times the notional at the mark, where it is above 0; else shorts pay longs."""
    terms, book, lots = terms_of(t, event.instrument), book_of(t, event.instrument), position_of(t, event.instrument).lots
    if terms.kind == K_PERPETUAL and lots != 0 and event.w0 != 0:
        amount = notional_of(terms, lots, book.mark_ticks) * (event.w0 * _RATE)
        answer(t, x, CHARGE, 0, event.instrument, C_FUNDING, bits(amount), terms.currency, 0, 0)


@kernel
def _settle_futures(t: Any, x: Any, calendar: int) -> None:
    """At a session's close what futures have made since the last settlement is paid, at the mark."""
    catch_up(t, x)
    for i in range(x.books_count):
        terms, book = terms_of(t, i), book_of(t, i)
        if terms.kind == K_FUTURE and terms.calendar == calendar and position_of(t, i).lots != 0:
            amount = settlement_due(t, i, book.mark_ticks)
            apply_answer(t, write(t, SETTLED, 0, i, x.now_ns, bits(book.mark_ticks), bits(amount), terms.currency, 0, 0))


@kernel
def broker_event(t: Any, x: Any, event: Any) -> None:
    """What a market event other than a price means to the broker."""
    if event.kind == FUNDING:
        _charge_funding(t, x, event)
    elif event.kind == SESSION and not event.flags & F_PAUSE:
        if event.flags & F_OPEN:
            _charge_borrow(t, x, event.w0, event.w1)
        else:
            _settle_futures(t, x, event.w0)


@kernel
def _cancel_all(t: Any, x: Any, instrument: int, need: float, have: float) -> None:
    at = venue_book(x, instrument).first
    while at >= 0:
        order = order_of(x, at)
        at = order.next_working
        if not is_done(order) and not order.flags & O_LIQUIDATION:
            end_order(t, x, order, CANCELLED, R_LIQUIDATED, need, have)
    sweep(x, instrument)


@kernel
def _close_out(t: Any, x: Any, instrument: int) -> None:
    """Place a market order that closes a position."""
    lots, order_id = position_of(t, instrument).lots, t.orders_count
    terms = MARKET | (GTC << 8) | ((O_REDUCE_ONLY | O_LIQUIDATION) << 16) | ((1 if lots > 0 else 0) << 40)
    catch_up(t, x)
    row = write(t, PLACED, 0, instrument, x.now_ns, order_id, terms, abs(lots), 0, 0)
    apply_answer(t, row)
    if not open_rows(x, order_id):
        return
    order = order_of(x, order_id)
    unpack(order, row)
    order.decided_ns, order.accepted_ns, order.state = t.now_ns, x.now_ns, S_WORKING
    join(x, order)
    x.working += 1
    venue_book(x, instrument).liquidation = order_id + 1


@kernel
def enforce_margin(t: Any, x: Any) -> None:
    """Liquidate the account if its equity has fallen to what its positions need."""
    t.mark_moved = 0
    sum_up_for_broker(t)
    equity, need = cash_value(t) + t.net, maintenance_needed(t)
    if not equity <= need:
        return
    for i in range(t.positions_count):
        if terms_of(t, i).is_margined == 0:
            continue
        last = venue_book(x, i).liquidation
        if last > 0 and not is_done(order_of(x, last - 1)):
            continue  # it is being closed
        _cancel_all(t, x, i, need, equity)
        if position_of(t, i).lots != 0:
            _close_out(t, x, i)
