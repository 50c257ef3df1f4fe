"""The fill itself, the one place where one is made: what it costs, what the account can carry, what is reported of it.

When and at what price is for `matching_bars.py` and `matching_trades_and_books.py` to say.
"""

from __future__ import annotations

from framework.kernel.account.positions import position_of
from framework.kernel.layout.codes import (
    BAR,
    C_TAX,
    CANCELLED,
    CHARGE,
    COSTS,
    F_LAST,
    F_MAKER,
    FILLED,
    FOK,
    O_LIQUIDATION,
    O_OCO,
    O_REDUCE_ONLY,
    O_TARGET,
    R_NO_CASH,
    R_REDUCE_ONLY,
    R_SHORT,
    S_FILLED,
    S_PARTIAL,
)
from framework.kernel.layout.roots import ExchangeRoot, TraderRoot
from framework.kernel.machine.compile import address_of, bits, inlined, kernel, outlined
from framework.kernel.machine.ratio import share_of
from framework.kernel.market.costs import bounded_fee, half_spread_cost, impact_cost, raw_fee, us_levies, volume_share_cost
from framework.kernel.market.displacement import displaced_by, push, push_cost
from framework.kernel.market.lifecycle import leaves
from framework.kernel.market.marks import terms_of, volatility
from framework.kernel.market.money import basis, notional_of
from framework.kernel.market.order_rows import is_done
from framework.kernel.market.price_limit_rules import is_barred
from framework.kernel.venue.affordability import affordable_lots, reducible_lots
from framework.kernel.venue.answers import answer, end_order
from framework.kernel.venue.bookings import account_of, present_account
from framework.kernel.venue.commands import listing_of
from framework.kernel.venue.order_table import order_of
from framework.schema.event import Event
from framework.schema.order import Order


@inlined
def _charges(
    t: TraderRoot, x: ExchangeRoot, order: Order, lots: int, ticks: int, is_maker: bool, bar: Event
) -> tuple[float, float, float, float, float]:
    """(fee, raw fee, half spread, volume share, impact) of a fill, in the instrument's currency."""
    costs, terms = t.costs, terms_of(t, order.instrument)
    notional = notional_of(terms, lots, ticks)
    account = present_account(t, x) if t.tiers_count != 0 else account_of(x)
    raw = order.raw_fees + raw_fee(account, notional, lots * terms.lot, is_maker)
    if order.flags & O_LIQUIDATION:
        raw += notional * terms.liquidation_fee
    if order.filled_value == 0.0:  # its first fill; a reverse split can bring its filled lots back to 0
        raw += costs.per_order
    fee = bounded_fee(costs, raw, abs(order.filled_value) * terms.point_value + notional) - order.fees
    impact = 0.0
    if costs.pushes > is_maker:
        against = order.side * displaced_by(t, x, order.instrument)
        impact = push_cost(t, order.instrument, notional, float(lots), against)
    if is_maker or bar.kind != BAR:
        return fee, raw, 0.0, 0.0, impact
    spread = half_spread_cost(costs, notional)
    share = volume_share_cost(costs, notional, float(lots), float(bar.w4))
    if costs.impact_coefficient != 0.0:
        impact = impact_cost(costs, notional, float(lots), float(bar.w4), volatility(t, order.instrument, costs.volatility_bars))
    return fee, raw, spread, share, impact


ALL = 2**62
"""More lots than anybody wants."""


@inlined
def budget_of(t: TraderRoot, bar: Event) -> int:
    """The lots of a bar's volume that all our orders may take together."""
    return share_of(bar.w4, t.costs.max_participation) if t.costs.max_participation > 0.0 else ALL


@kernel
def _is_to_be_opened(x: ExchangeRoot, order: Order) -> bool:
    """Whether what a target's order is to close has still to be opened: an order on the other side was sent before and works."""
    at = listing_of(x, order.instrument).first
    while at >= 0:
        other = order_of(x, at)
        if at < order.order_id and other.side != order.side and not is_done(other) and not other.flags & O_REDUCE_ONLY:
            return True
        at = other.next_working
    return False


@outlined
def execute(t: TraderRoot, x: ExchangeRoot, order: Order, budget: int, ticks: int, flags: int, event: Event) -> int:
    """Fill what budget, account and reduce-only allow of the order's leaves at `ticks`; returns the lots filled."""
    if is_barred(x, order.instrument, ticks, event):
        return 0
    wanted = leaves(order)
    if order.flags & O_REDUCE_ONLY:
        wanted = reducible_lots(account_of(x), order, wanted)
        if wanted == 0 and order.flags & O_TARGET and _is_to_be_opened(x, order):
            return 0
        if wanted == 0:
            lot, held = terms_of(t, order.instrument).lot, position_of(account_of(x), order.instrument).lots
            end_order(t, x, order, CANCELLED, R_REDUCE_ONLY, leaves(order) * lot, held * lot)
            return 0
    lots = min(wanted, budget)
    if lots <= 0 or (order.time_in_force == FOK and lots < leaves(order)):
        return 0
    is_maker = flags & F_MAKER != 0
    fee, raw, spread, share, impact = _charges(t, x, order, lots, ticks, is_maker, event)
    asked = lots
    while lots > 0:
        carried = affordable_lots(t, x, order, lots, ticks, fee + spread + share + impact)
        if carried == lots:
            break
        lots = carried
        if lots > 0:
            fee, raw, spread, share, impact = _charges(t, x, order, lots, ticks, is_maker, event)
    able = lots
    if order.time_in_force == FOK and lots < leaves(order):
        lots = 0
    if lots > 0:
        order.filled_lots += lots
        order.filled_ns, order.filled_ticks = event.ts_local_ns, ticks
        order.filled_value += lots * basis(terms_of(t, order.instrument), ticks)
        order.fees += fee
        order.raw_fees = raw
        if t.costs.pushes > is_maker:
            push(t, x, order.instrument, order.side, lots)
        is_last = order.filled_lots == order.quantity_lots
        order.state = S_FILLED if is_last else S_PARTIAL
        _block_relatives(x, order, lots, event)
        slippage = spread + share + impact
        fill_flags = flags | (F_LAST if is_last else 0)
        answer(t, x, FILLED, fill_flags, order.instrument, order.order_id, ticks, lots, bits(fee), bits(slippage))
        if slippage != 0.0:
            answer(t, x, COSTS, 0, order.instrument, order.order_id, bits(spread), bits(share), bits(impact), 0)
        if order.side < 0 and t.levies_count != 0:
            _charge_levies(t, x, order, lots, ticks)
    if lots < asked and not is_done(order):
        lot = terms_of(t, order.instrument).lot
        reason = R_SHORT if order.side < 0 and t.risk.allow_short == 0 else R_NO_CASH  # a sale is cut by nothing else then
        end_order(t, x, order, CANCELLED, reason, asked * lot, able * lot)
    return lots


@kernel
def _charge_levies(t: TraderRoot, x: ExchangeRoot, order: Order, lots: int, ticks: int) -> None:
    amount = us_levies(t, order.instrument, float(lots), float(ticks))
    if amount > 0.0:
        answer(t, x, CHARGE, 0, order.instrument, C_TAX, bits(amount), terms_of(t, order.instrument).currency, 0, 0)


@kernel
def _block_relatives(x: ExchangeRoot, order: Order, lots: int, event: Event) -> None:
    """After a fill the rest of its group and its parent sit out the rest of the event: what changes them is on its way.

    So do its children inside a bar, whose rest they meet afterwards (`exits.py`). Else they act on what they stand for. A parent's first
    fill finds no children here: they are released by it.
    """
    in_group = order.flags & O_OCO != 0
    if not in_group and order.parent_id < 0 and order.filled_lots == lots:
        return
    has_rest = event.kind == BAR and address_of(event) != x.print
    at = listing_of(x, order.instrument).first
    while at >= 0:
        other = order_of(x, at)
        is_sibling = in_group and other.group_id == order.group_id and at != order.order_id
        if is_sibling or (has_rest and other.parent_id == order.order_id) or at == order.parent_id:
            other.blocked_ns = event.ts_local_ns
        at = other.next_working
