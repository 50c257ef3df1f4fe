"""What an account notes for the result: points of the equity curve, round trips, changes of positions, money that they brought."""

from __future__ import annotations

from framework.kernel.account.positions import position_of
from framework.kernel.layout.account_records import change_row, deposit_row, flow_row, money_row, point_row, trade_row
from framework.kernel.layout.roots import TraderRoot
from framework.kernel.layout.table_room import CHANGES, DEPOSITS, FLOWS, POINTS, TRADES, has_row
from framework.kernel.machine.compile import inlined, kernel, outlined
from framework.kernel.market.marks import terms_of
from framework.kernel.market.valuation import present_owner, valuation


@inlined
def _write_point(t: TraderRoot) -> None:
    """Add a point to the equity curve at the present stamp."""
    if not has_row(t, t.points_count, t.points_capacity, POINTS):
        return
    _, cash, gross, net = valuation(t)
    point = point_row(t.points, t.points_count)
    point.ts_ns, point.cash, point.gross, point.net = t.now_ns, cash, gross, net
    if cash < 0.0:
        t.overdrawn += 1
        t.lowest_cash = min(t.lowest_cash, cash)
    t.points_count += 1
    t.point_ns = t.now_ns + t.point_interval_ns
    t.dirty = 0
    if t.owners_count != 0:
        _write_owner_points(t)


@outlined
def _write_owner_points(t: TraderRoot) -> None:
    """The same point of each virtual account, so that the curves have one index."""
    for k in range(t.owners_count):
        account = present_owner(t, k)
        if has_row(account, account.points_count, account.points_capacity, POINTS):
            _, cash, gross, net = valuation(account)
            point = point_row(account.points, account.points_count)
            point.ts_ns, point.cash, point.gross, point.net = t.now_ns, cash, gross, net
            account.points_count += 1


@inlined
def write_point_before(t: TraderRoot, next_ns: int) -> None:
    """Add the point of the present stamp if it is due, now that the next event is later."""
    if t.dirty & 1 != 0 and next_ns > t.now_ns and t.now_ns >= t.point_ns:
        _write_point(t)


@outlined
def _write_point_apart(t: TraderRoot) -> None:
    _write_point(t)


@inlined
def record_point_before(t: TraderRoot, next_ns: int) -> None:
    """`write_point_before` away from the path of every event."""
    if t.dirty & 1 != 0 and next_ns > t.now_ns and t.now_ns >= t.point_ns:
        _write_point_apart(t)


@kernel
def record_last_point(t: TraderRoot) -> None:
    """Add what no point tells of yet, at the end."""
    if t.dirty:
        _write_point(t)


@inlined
def record_change(t: TraderRoot, instrument: int, cause: int) -> None:
    """Note the position of an instrument after it changed: by an order's fill, or BY_* of `codes`."""
    if t.is_venues != 0 or not has_row(t, t.changes_count, t.changes_capacity, CHANGES):
        return
    row = change_row(t.changes, t.changes_count)
    row.ts_ns, row.instrument, row.lots = t.now_ns, instrument, position_of(t, instrument).lots
    row.cause, row.fx_rate = cause, money_row(t.money, terms_of(t, instrument).currency).fx_rate
    t.changes_count += 1


@kernel
def record_flow(t: TraderRoot, instrument: int, kind: int, amount: float, currency: int) -> None:
    """Note money that a position brought besides its fills, or, negative, cost."""
    if t.is_venues != 0 or not has_row(t, t.flows_count, t.flows_capacity, FLOWS):
        return
    row = flow_row(t.flows, t.flows_count)
    row.instrument, row.kind, row.amount = instrument, kind, amount
    row.fx_rate, row.change = money_row(t.money, currency).fx_rate, t.changes_count
    t.flows_count += 1


@inlined
def record_trade(
    t: TraderRoot, instrument: int, entry_ns: int, lots: float, entry_price: float, exit_price: float, gross: float, fees: float
) -> None:
    """Note what one tax lot made from its opening to its close."""
    if t.is_venues != 0 or not has_row(t, t.trades_count, t.trades_capacity, TRADES):
        return
    row = trade_row(t.trades, t.trades_count)
    row.instrument, row.entry_ns, row.exit_ns = instrument, entry_ns, t.now_ns
    row.lots, row.entry_price, row.exit_price = lots, entry_price, exit_price
    row.pnl, row.fees, row.change = gross - fees, fees, t.changes_count
    t.trades_count += 1


@kernel
def record_deposit(t: TraderRoot, value: float) -> None:
    """Note what came into the account from outside, and see that the equity curve has a point at its stamp: returns begin anew there."""
    t.dirty, t.point_ns = 1, min(t.point_ns, t.now_ns)
    if t.is_venues != 0 or not has_row(t, t.deposits_count, t.deposits_capacity, DEPOSITS):
        return
    row = deposit_row(t.deposits, t.deposits_count)
    row.ts_ns, row.value = t.now_ns, value
    t.deposits_count += 1
