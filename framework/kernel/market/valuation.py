"""What the account is worth and what it is exposed to, in the base currency at the present marks.

`valuation` adds it up. Sizing and checks ask for it with every order, so for them `sum_up` keeps the sums: within one stamp
they follow each fill, mark and order, and a new stamp starts from a full sum, so rounding cannot pile up. Reading never makes
or changes the sums.
"""

from __future__ import annotations

from framework.kernel.layout.account_records import Position, money_row, owner_row, position_row
from framework.kernel.layout.codes import SPOT
from framework.kernel.layout.market_records import marks_row, terms_row
from framework.kernel.layout.roots import TraderRoot, trader_row
from framework.kernel.machine.compile import inlined, kernel, outlined
from framework.kernel.market.money import basis, lot_notional


@kernel
def lot_value(t: TraderRoot, instrument: int) -> float:
    """What one lot is worth: its notional, whether it is paid for or margined."""
    terms = terms_row(t.terms, instrument)
    return lot_notional(terms, marks_row(t.marks, instrument).mark_ticks) * money_row(t.money, terms.currency).fx_rate


@kernel
def open_profit(t: TraderRoot, instrument: int) -> float:
    """What a derivative has made since it was opened or last settled, not yet in cash."""
    terms, position = terms_row(t.terms, instrument), position_row(t.positions, instrument)
    at_mark = position.lots * basis(terms, marks_row(t.marks, instrument).mark_ticks)
    return (at_mark - position.carried) * terms.point_value * money_row(t.money, terms.currency).fx_rate


@kernel
def _add_up_cash(t: TraderRoot) -> None:
    cash = 0.0
    for c in range(t.money_count):
        if money_row(t.money, c).cash != 0.0:  # an unknown rate of a currency we do not hold must not spoil the sum
            cash += money_row(t.money, c).cash * money_row(t.money, c).fx_rate
    t.cash, t.has_cash = cash, 1


@inlined
def cash_value(t: TraderRoot) -> float:
    """Cash of all currencies."""
    if t.has_cash == 0:
        _add_up_cash(t)
    return t.cash


@inlined
def valuation(t: TraderRoot) -> tuple[float, float, float, float]:
    """(equity, cash, gross exposure, net value): a spot position counts with its value, a derivative with its open profit."""
    cash = cash_value(t)
    gross, net = 0.0, 0.0
    for i in range(t.positions_count):
        lots = position_row(t.positions, i).lots
        if lots != 0:
            terms = terms_row(t.terms, i)
            if terms.settlement == SPOT:
                value = lots * (marks_row(t.marks, i).mark_ticks * terms.point_value * money_row(t.money, terms.currency).fx_rate)
                net += value
            else:
                value = lots * lot_value(t, i)
                net += open_profit(t, i)
            gross += abs(value)
    return cash + net, cash, gross, net


@kernel
def worst_lots(position: Position, extra_buy: int, extra_sell: int) -> int:
    """The largest absolute position if market orders fill and then the worse side of the other orders."""
    base = position.lots + position.market_lots
    longest = base + position.buy_lots + extra_buy
    shortest = base - position.sell_lots - extra_sell
    return max(abs(base), max(longest, -shortest))


@kernel
def projected_value(t: TraderRoot, instrument: int) -> float:
    """Exposure in one instrument if its working orders fill on their worse side."""
    lots = worst_lots(position_row(t.positions, instrument), 0, 0)
    return lots * lot_value(t, instrument) if lots != 0 else 0.0  # the rate of a currency we have no part in may be unknown


@kernel
def held_value(t: TraderRoot, instrument: int) -> float:
    """Exposure in one instrument as it is held."""
    lots = position_row(t.positions, instrument).lots
    return abs(lots) * lot_value(t, instrument) if lots != 0 else 0.0


HELD, WITH_ORDERS = 0, 1


@kernel
def initial_needed(t: TraderRoot, besides: int, what: int) -> float:
    """Initial margin of all positions, those of one instrument left out; of what is HELD, or WITH_ORDERS that work."""
    needed = 0.0
    for i in range(t.positions_count):
        rate = terms_row(t.terms, i).initial_margin
        if rate > 0.0 and i != besides:
            needed += rate * (projected_value(t, i) if what == WITH_ORDERS else held_value(t, i))
    return needed


@kernel
def maintenance_needed(t: TraderRoot) -> float:
    """Maintenance margin of all positions."""
    needed = 0.0
    for i in range(t.positions_count):
        lots, terms = position_row(t.positions, i).lots, terms_row(t.terms, i)
        if lots != 0 and terms.is_margined != 0:
            needed += abs(lots) * lot_value(t, i) * (terms.long_maintenance if lots > 0 else terms.short_maintenance)
    return needed


@kernel
def sum_up(t: TraderRoot) -> None:
    """See that `net`, `gross` and `projected` hold for the present stamp.

    The venue's account has sums of its own: where a run is replayed from its record there is no venue, and sums that were begun at
    another moment differ in their last digits.
    """
    if t.sums_ns != t.now_ns:
        _begin_sums(t)


@kernel
def _begin_sums(t: TraderRoot) -> None:
    _, _, t.gross, t.net = valuation(t)
    t.sums_ns, t.summed_ns = t.now_ns, t.now_ns
    if t.is_venues != 0:
        return  # orders that work pay for nothing
    projected = 0.0
    for i in range(t.positions_count):
        projected += projected_value(t, i)
    t.projected = projected


@inlined
def take_out(t: TraderRoot, instrument: int) -> bool:
    """Before the mark or the position of an instrument changes: take its part out of the sums, the venue's too.

    Returns whether there are sums, so that `put_back` must follow the change.
    """
    if t.summed_ns != t.now_ns:
        return False
    _add_parts(t, instrument, -1.0)
    return True


@kernel
def put_back(t: TraderRoot, instrument: int) -> None:
    """After the change."""
    _add_parts(t, instrument, 1.0)


@kernel
def _add_parts(t: TraderRoot, instrument: int, sign: float) -> None:
    if t.sums_ns == t.now_ns:
        _add_part(t, instrument, sign)
        t.projected += sign * projected_value(t, instrument)
    if t.account != 0:
        account = trader_row(t.account, 0)
        if account.sums_ns == t.now_ns:
            _add_part(account, instrument, sign)
    if t.owners_count != 0:
        _forget_owners(t)


@kernel
def _add_part(t: TraderRoot, instrument: int, sign: float) -> None:
    lots = position_row(t.positions, instrument).lots
    if lots != 0:
        value = lots * lot_value(t, instrument)
        t.net += sign * (value if terms_row(t.terms, instrument).settlement == SPOT else open_profit(t, instrument))
        t.gross += sign * abs(value)


@inlined
def forget_sums(t: TraderRoot) -> None:
    """Something changed that the sums do not follow, a rate of exchange or cash without a fill: the next to ask adds up anew."""
    t.sums_ns, t.summed_ns, t.has_cash = -1, -1, 0
    if t.account != 0:
        trader_row(t.account, 0).sums_ns = -1
    if t.owners_count != 0:
        _forget_owners(t)


@outlined
def _forget_owners(t: TraderRoot) -> None:
    """The sums of the virtual accounts hold no longer."""
    for k in range(t.owners_count):
        account = trader_row(owner_row(t.owners, k).account, 0)
        account.sums_ns, account.has_cash = -1, 0


@inlined
def owner_account(t: TraderRoot, owner: int) -> TraderRoot:
    """The virtual account of one of several strategies, to look up what it holds."""
    return trader_row(owner_row(t.owners, owner).account, 0)


@kernel
def present_owner(t: TraderRoot, owner: int) -> TraderRoot:
    """The virtual account of one of several strategies at the present stamp and rates, for what goes by it: its worth, what is booked."""
    account = owner_account(t, owner)
    account.now_ns = t.now_ns
    if t.conversions_count != 0:
        for k in range(t.money_count):
            money_row(account.money, k).fx_rate = money_row(t.money, k).fx_rate
        account.has_cash = 0
    return account


@inlined
def own_account(t: TraderRoot) -> TraderRoot:
    """What sizing goes by: the virtual account of whoever orders now; the account itself where there is one strategy."""
    return present_owner(t, t.owner) if 0 <= t.owner < t.owners_count else t
