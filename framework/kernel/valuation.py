"""What the account is worth and what it is exposed to, in the base currency at the present marks.

`valuation` adds it up. Sizing and checks ask for it with every order, so for them `sum_up` keeps the sums: within one stamp
they follow each fill, mark and order, and a new stamp starts from a full sum, so rounding cannot pile up. Reading never makes
or changes the sums.
"""

from __future__ import annotations

from typing import Any

from framework.kernel.compile import inlined, kernel
from framework.kernel.records import book_row, money_row, position_row, terms_row


@kernel
def lot_value(t: Any, instrument: int) -> float:
    """What one lot is worth."""
    terms = terms_row(t.terms, instrument)
    return book_row(t.books, instrument).mark_ticks * terms.point_value * money_row(t.money, terms.currency).fx_rate


@kernel
def _add_up_cash(t: Any) -> None:
    cash = 0.0
    for c in range(t.money_count):
        if money_row(t.money, c).cash != 0.0:  # an unknown rate of a currency we do not hold must not spoil the sum
            cash += money_row(t.money, c).cash * money_row(t.money, c).fx_rate
    t.cash, t.has_cash = cash, 1


@inlined
def cash_value(t: Any) -> float:
    """Cash of all currencies."""
    if t.has_cash == 0:
        _add_up_cash(t)
    return t.cash


@inlined
def valuation(t: Any) -> Any:
    """(equity, cash, gross exposure, net exposure)."""
    cash = cash_value(t)
    gross, net = 0.0, 0.0
    for i in range(t.positions_count):
        lots = position_row(t.positions, i).lots
        if lots != 0:
            value = lots * lot_value(t, i)
            net += value
            gross += abs(value)
    return cash + net, cash, gross, net


@kernel
def worst_lots(position: Any, extra_buy: int, extra_sell: int) -> int:
    """The largest absolute position if market orders fill and then the worse side of the other orders."""
    base = position.lots + position.market_lots
    longest = base + position.buy_lots + extra_buy
    shortest = base - position.sell_lots - extra_sell
    return max(abs(base), max(longest, -shortest))


@kernel
def projected_value(t: Any, instrument: int) -> float:
    """Exposure in one instrument if its working orders fill on their worse side."""
    lots = worst_lots(position_row(t.positions, instrument), 0, 0)
    return lots * lot_value(t, instrument) if lots != 0 else 0.0  # the rate of a currency we have no part in may be unknown


@kernel
def sum_up(t: Any) -> None:
    """See that `net`, `gross` and `projected` hold for the present stamp; for the trader half.

    Sums that the broker began are made anew: where a run is replayed from its record there is no broker, and sums that were begun
    at another moment differ in their last digits.
    """
    if t.sums_ns != t.now_ns or t.sums_are_brokers != 0:
        _begin_sums(t)
        t.sums_are_brokers = 0


@kernel
def sum_up_for_broker(t: Any) -> None:
    """The same for the simulated broker, who takes the sums as they are."""
    if t.sums_ns != t.now_ns:
        _begin_sums(t)
        t.sums_are_brokers = 1


@kernel
def _begin_sums(t: Any) -> None:
    _, _, t.gross, t.net = valuation(t)
    projected = 0.0
    for i in range(t.positions_count):
        projected += projected_value(t, i)
    t.projected, t.sums_ns = projected, t.now_ns


@inlined
def take_out(t: Any, instrument: int) -> bool:
    """Before the mark, the position or the working lots of an instrument change: take its part out of the sums.

    Returns whether there are sums, so that `put_back` must follow the change.
    """
    if t.sums_ns != t.now_ns:
        return False
    _add_part(t, instrument, -1.0)
    return True


@kernel
def put_back(t: Any, instrument: int) -> None:
    """After the change."""
    _add_part(t, instrument, 1.0)


@kernel
def _add_part(t: Any, instrument: int, sign: float) -> None:
    lots = position_row(t.positions, instrument).lots
    if lots != 0:
        value = lots * lot_value(t, instrument)
        t.net += sign * value
        t.gross += sign * abs(value)
    t.projected += sign * projected_value(t, instrument)


@inlined
def forget_sums(t: Any) -> None:
    """Something changed that the sums do not follow, a rate of exchange or cash without a fill: the next to ask adds up anew."""
    t.sums_ns, t.has_cash = -1, 0
