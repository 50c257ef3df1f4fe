"""How the broker closes what an account cannot carry.

    liquidation  where  equity <= sum over positions of notional at the mark x maintenance margin

The account is one pool, as in Binance's cross margin: it is liquidated when its margin balance, wallet and unrealised PnL of all
positions, falls to the sum of all maintenance margins (https://www.binance.com/en/support/faq/b3c689c1f50a44cabb3a84e663b81d93, with
one tier and so a maintenance amount of 0). Every working order in a margined instrument is cancelled and every margined position
closed by a market order of the broker, which fills as any other. Until that has filled the venue takes only reduce-only orders there,
and the order is not ours to cancel or change.

Inside a bar the account may have fallen so far at a price between the marks. Where a bar is judged by its worst price, its low for a
long position and its high for a short one, with all else at its mark, the position is closed inside that bar: at the price at which the
rule first held, worse by less than a tick, or at the open where that was beyond it. Stops of ours that the bar reaches come first, limits
after it. The fill is ambiguous where an order of ours lies inside the bar on the other side of its open.

Assumptions: the mark is the venue's where it tells one, and no bar is judged by its worst price then. The number of the broker's
order is one of ours, so that it is known to us at once, also where answers take time; its fills take the way of all others.
Fails when: a venue closes part of a position, takes it over at its bankruptcy price, or has an insurance fund that pays losses
past zero: here the account can end below zero.
"""

from __future__ import annotations

import math

from framework.kernel.account.positions import position_of, rate_of
from framework.kernel.layout.codes import (
    CANCELLED,
    F_AMBIGUOUS,
    GTC,
    LIMIT,
    MARK_IS_PUBLISHED,
    MARKET,
    O_LIQUIDATION,
    O_REDUCE_ONLY,
    PLACED,
    R_LIQUIDATED,
    S_WORKING,
)
from framework.kernel.layout.log import apply_answer, write
from framework.kernel.layout.roots import ExchangeRoot, TraderRoot
from framework.kernel.layout.venue_records import Turn
from framework.kernel.machine.compile import kernel, outlined
from framework.kernel.market.marks import marks_of, terms_of
from framework.kernel.market.money import basis, lot_notional, price_of
from framework.kernel.market.order_rows import is_done, is_touch, unpack
from framework.kernel.market.order_types import reaches, waits_for_trigger
from framework.kernel.market.priority import betters, needs_through
from framework.kernel.market.valuation import cash_value, maintenance_needed
from framework.kernel.venue.answers import catch_up, end_order
from framework.kernel.venue.bookings import account_of, summed_account
from framework.kernel.venue.commands import is_liquidating, is_open, listing_of
from framework.kernel.venue.filling import execute
from framework.kernel.venue.order_table import has_filled_beyond, open_row, order_of
from framework.kernel.venue.working_orders import join, sweep
from framework.schema.event import Event


@kernel
def _cancel_all(t: TraderRoot, x: ExchangeRoot, instrument: int, need: float, have: float) -> None:
    at = listing_of(x, instrument).first
    while at >= 0:
        order = order_of(x, at)
        at = order.next_working
        if not is_done(order) and not order.flags & O_LIQUIDATION:
            end_order(t, x, order, CANCELLED, R_LIQUIDATED, need, have)
    sweep(x, instrument)


@kernel
def _close_out(t: TraderRoot, x: ExchangeRoot, instrument: int) -> None:
    """Place a market order that closes a position."""
    lots, order_id = position_of(account_of(x), instrument).lots, t.orders_count
    terms = MARKET | (GTC << 8) | ((O_REDUCE_ONLY | O_LIQUIDATION) << 16) | ((1 if lots > 0 else 0) << 40)
    catch_up(t, x)
    row = write(t, PLACED, x.early, instrument, x.now_ns, order_id, terms, abs(lots), 0, 0)
    apply_answer(t, row)
    if not open_row(t, x, order_id):
        return
    order = order_of(x, order_id)
    unpack(order, row)
    order.decided_ns, order.accepted_ns, order.state = t.now_ns, x.now_ns, S_WORKING
    join(x, order)
    x.working += 1
    listing_of(x, instrument).liquidation = order_id + 1


@kernel
def _liquidate(t: TraderRoot, x: ExchangeRoot, need: float, have: float) -> None:
    for i in range(t.positions_count):
        if terms_of(t, i).is_margined == 0 or is_liquidating(x, i):
            continue
        _cancel_all(t, x, i, need, have)
        if position_of(account_of(x), i).lots != 0:
            _close_out(t, x, i)


@kernel
def enforce_margin(t: TraderRoot, x: ExchangeRoot) -> None:
    """Liquidate the account if its equity has fallen to what its positions need."""
    t.mark_moved = 0
    account = summed_account(t, x)
    equity, need = cash_value(account) + account.net, maintenance_needed(account)
    if equity <= need:
        _liquidate(t, x, need, equity)


@kernel
def _is_order_unknown(t: TraderRoot, x: ExchangeRoot, bar: Event, side: int) -> bool:
    """Whether an order of ours lies inside the bar on the other side of its open than the worst price of a position on `side`.

    Nobody knows which of both prices came first. It counts where it has filled there, and where a limit or touch that reduces would.
    """
    best = bar.w1 if side > 0 else bar.w2
    at = listing_of(x, bar.instrument).first
    while at >= 0:
        order = order_of(x, at)
        at = order.next_working
        if is_done(order) or order.side == side:
            continue
        if is_touch(order) and waits_for_trigger(order):
            is_inside = not reaches(order, bar.w0) and reaches(order, best)
        else:
            is_inside = order.type == LIMIT and (order.limit_ticks - bar.w0) * side > 0
            is_inside = is_inside and betters(order.side, best, order.limit_ticks, needs_through(t, order))
        if is_inside:
            return True
    return has_filled_beyond(x, bar, side)


@outlined
def enforce_inside(t: TraderRoot, x: ExchangeRoot, bar: Event, turn: Turn) -> None:
    """Liquidate the account where it could not carry a bar's worst price; its position there is closed inside the bar."""
    i = bar.instrument
    terms, marks = terms_of(t, i), marks_of(t, i)
    if terms.is_margined == 0 or terms.judges_worst == 0 or marks.mark_flags & MARK_IS_PUBLISHED or not is_open(t, x, i):
        return
    account = summed_account(t, x)
    lots = position_of(account, i).lots
    if lots == 0 or is_liquidating(x, i):
        return
    side = 1 if lots > 0 else -1
    worst = bar.w2 if side > 0 else bar.w1
    rate = rate_of(t, terms.currency)
    margin = (terms.long_maintenance if side > 0 else terms.short_maintenance) * abs(lots) * rate
    value, at_worst, at_mark = lots * terms.point_value * rate, basis(terms, float(worst)), basis(terms, marks.mark_ticks)
    equity = cash_value(account) + account.net + value * (at_worst - at_mark)
    need = maintenance_needed(account) + margin * (lot_notional(terms, worst) - lot_notional(terms, marks.mark_ticks))
    if not equity <= need:
        return
    # equity less need is a line in the basis of the price: notional is basis x point value, up to the sign of an inverse contract's
    slope = value - margin * (lot_notional(terms, worst) / at_worst)
    ticks = bar.w0
    if equity - need + slope * (basis(terms, float(bar.w0)) - at_worst) > 0.0:
        exact = price_of(terms, at_worst - (equity - need) / slope)
        ticks = math.floor(exact + 1e-9) if side > 0 else math.ceil(exact - 1e-9)
        ticks = max(min(bar.w0, ticks), worst) if side > 0 else min(max(bar.w0, ticks), worst)
    flags = F_AMBIGUOUS if _is_order_unknown(t, x, bar, side) else 0
    _liquidate(t, x, need, equity)
    if is_liquidating(x, i):
        order = order_of(x, listing_of(x, i).liquidation - 1)
        turn.budget_lots -= execute(t, x, order, turn.budget_lots, int(ticks), flags, bar)
        sweep(x, i)
