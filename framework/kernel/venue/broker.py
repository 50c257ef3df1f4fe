"""The simulated broker: what it charges and pays between fills; how it closes what an account cannot carry is `liquidation.py`.

    borrow       value short x rate x days of 24 hours / 360          at a session's open, for the time since the last open
    funding      notional at the mark x rate, longs pay where rate > 0    at a FUNDING event
    settlement   (lots x basis of the mark - carried) x point value   at the close of a future's session

Funding is that of Binance and BitMEX: "Funding Amount = Nominal Value of Positions x Funding Rate", the nominal value being mark
price x size (https://www.binance.com/en/support/faq/360033525031), of an inverse contract size x multiplier / mark in its coin
(https://www.bitmex.com/app/perpetualContractsGuide).

Assumptions: the mark is the venue's where it publishes one. Positions are those that the venue knows, and what it charges and settles is
reported as everything else is.
"""

from __future__ import annotations

from framework.kernel.account.ledger import settlement_due
from framework.kernel.account.positions import position_of
from framework.kernel.layout.codes import (
    C_BORROW,
    C_FUNDING,
    CHARGE,
    F_OPEN,
    F_PAUSE,
    FUNDING,
    K_FUTURE,
    K_PERPETUAL,
    SESSION,
    SETTLED,
    SPOT,
)
from framework.kernel.layout.roots import ExchangeRoot, TraderRoot
from framework.kernel.layout.venue_records import session_row
from framework.kernel.machine.compile import bits, kernel
from framework.kernel.market.marks import marks_of, terms_of
from framework.kernel.market.money import notional_of
from framework.kernel.venue.answers import answer
from framework.kernel.venue.bookings import account_of
from framework.schema.event import Event
from framework.schema.units import NANOSECONDS_PER_DAY

_BORROW_DAYS = 360.0
"""Stock loan fees accrue on a 360-day year."""

_RATE = 1e-9
"""A FUNDING event counts billionths of the notional."""


@kernel
def _charge_borrow(t: TraderRoot, x: ExchangeRoot, calendar: int, open_ns: int) -> None:
    """At a session's open whoever is short pays for the time since the last open: for the nights it was held."""
    session = session_row(x.sessions, calendar)
    days = (open_ns - session.charged_ns) / NANOSECONDS_PER_DAY if session.charged_ns > 0 else 0.0
    session.charged_ns = open_ns
    if days <= 0.0 or t.has_borrow == 0:
        return
    for i in range(x.listings_count):
        terms, lots = terms_of(t, i), position_of(account_of(x), i).lots
        if lots < 0 and terms.borrow_rate != 0.0 and terms.calendar == calendar and terms.settlement == SPOT:
            value = -lots * marks_of(t, i).mark_ticks * terms.point_value
            answer(t, x, CHARGE, 0, i, C_BORROW, bits(value * terms.borrow_rate * days / _BORROW_DAYS), terms.currency, 0, 0)


@kernel
def _charge_funding(t: TraderRoot, x: ExchangeRoot, event: Event) -> None:
    """Longs pay shorts the rate times the notional at the mark, where it is above 0; else shorts pay longs."""
    terms, marks = terms_of(t, event.instrument), marks_of(t, event.instrument)
    lots = position_of(account_of(x), event.instrument).lots
    if terms.kind == K_PERPETUAL and lots != 0 and event.w0 != 0:
        amount = notional_of(terms, lots, marks.mark_ticks) * (event.w0 * _RATE)
        answer(t, x, CHARGE, 0, event.instrument, C_FUNDING, bits(amount), terms.currency, 0, 0)


@kernel
def _settle_futures(t: TraderRoot, x: ExchangeRoot, calendar: int) -> None:
    """At a session's close what futures have made since the last settlement is paid, at the mark."""
    account = account_of(x)
    for i in range(x.listings_count if t.has_futures != 0 else 0):
        terms, marks = terms_of(t, i), marks_of(t, i)
        if terms.kind == K_FUTURE and terms.calendar == calendar and position_of(account, i).lots != 0:
            amount = settlement_due(account, i, marks.mark_ticks)
            answer(t, x, SETTLED, 0, i, bits(marks.mark_ticks), bits(amount), terms.currency, 0, 0)


@kernel
def broker_event(t: TraderRoot, x: ExchangeRoot, event: Event) -> None:
    """What a market event other than a price means to the broker."""
    if event.kind == FUNDING:
        _charge_funding(t, x, event)
    elif event.kind == SESSION and not event.flags & F_PAUSE:
        if event.flags & F_OPEN:
            _charge_borrow(t, x, event.w0, event.w1)
        else:
            _settle_futures(t, x, event.w0)
