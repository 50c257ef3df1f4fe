"""What splits, dividends and delistings do to the market's prices and to an account."""

from __future__ import annotations

from framework.kernel.account.positions import change_lots, position_of, receive
from framework.kernel.account.result_rows import record_change, record_flow, record_trade
from framework.kernel.account.tax_lots import close_lots, drop_first_lot, split_lots
from framework.kernel.layout.account_records import lot_row, money_row
from framework.kernel.layout.codes import BY_DELISTING, BY_SPLIT, DIVIDEND_PAID, SPOT
from framework.kernel.layout.roots import TraderRoot
from framework.kernel.machine.compile import kernel
from framework.kernel.market.marks import adjust_history, marks_of, set_mark, terms_of
from framework.kernel.market.valuation import forget_sums
from framework.schema.units import MONEY_PER_NANO


@kernel
def book_split(t: TraderRoot, instrument: int, new: int, old: int) -> None:
    """Turn `old` shares into `new`: lots, cost, mark and history; what is less than a lot is paid in cash at the mark.

    Equity does not change, and cost plus realised plus cash add up to what they did before.
    """
    forget_sums(t)
    marks = marks_of(t, instrument)
    adjust_history(t, instrument, old / new, new / old)
    if marks.seen_ns > 0:
        set_mark(t, instrument, marks.mark_ticks * old / new)
    split_position(t, instrument, new, old)


@kernel
def split_position(t: TraderRoot, instrument: int, new: int, old: int) -> None:
    """What a split does to an account, after the mark was restated."""
    marks, position, terms = marks_of(t, instrument), position_of(t, instrument), terms_of(t, instrument)
    if position.lots == 0:
        return
    sign = 1 if position.lots > 0 else -1
    rest, rest_cost, rest_fees, opened_ns = split_lots(t, position, new, old)
    if terms.is_margined != 0 and position.lots == 0 and t.is_watched != 0:
        t.margined -= 1
    if rest > 0.0:
        made = sign * (rest * marks.mark_ticks - rest_cost) * terms.point_value
        receive(money_row(t.money, terms.currency), sign * rest * marks.mark_ticks * terms.point_value)
        position.realised += made
        record_trade(t, instrument, opened_ns, sign * rest, rest_cost / rest, marks.mark_ticks, made, rest_fees)
    while position.first >= 0 and lot_row(t.lots, position.first).lots == 0:
        drop_first_lot(t, position)
    record_change(t, instrument, BY_SPLIT)


@kernel
def book_dividend(t: TraderRoot, instrument: int, nano_per_unit: int) -> None:
    """Pay (long) or charge (short) a dividend on its ex-date; the mark and the history fall by it."""
    forget_sums(t)
    marks = marks_of(t, instrument)
    ticks = nano_per_unit * MONEY_PER_NANO / terms_of(t, instrument).tick
    if marks.seen_ns > 0 and ticks < marks.mark_ticks:
        adjust_history(t, instrument, (marks.mark_ticks - ticks) / marks.mark_ticks, 1.0)
        set_mark(t, instrument, marks.mark_ticks - ticks)
    pay_dividend(t, instrument, nano_per_unit)


@kernel
def pay_dividend(t: TraderRoot, instrument: int, nano_per_unit: int) -> None:
    """What a dividend does to an account."""
    position, terms = position_of(t, instrument), terms_of(t, instrument)
    if position.lots != 0:
        amount = position.lots * (terms.point_value / terms.tick) * (nano_per_unit * MONEY_PER_NANO)
        money = money_row(t.money, terms.currency)
        receive(money, amount)
        position.income += amount
        t.income += amount * money.fx_rate
        record_flow(t, instrument, DIVIDEND_PAID, amount, terms.currency)


@kernel
def book_delisting(t: TraderRoot, instrument: int, ticks: int) -> None:
    """The instrument ends: what is held is paid out at `ticks`, 0 for a total loss; a derivative is settled at it."""
    forget_sums(t)
    marks_of(t, instrument).delisted = 1
    set_mark(t, instrument, float(ticks))
    pay_out(t, instrument, ticks)


@kernel
def pay_out(t: TraderRoot, instrument: int, ticks: int) -> None:
    """What a delisting does to an account."""
    position, terms = position_of(t, instrument), terms_of(t, instrument)
    if position.lots != 0:
        paid = float(position.lots) * ticks * terms.point_value
        _, _, due = close_lots(t, instrument, -position.lots, float(ticks), 0.0)
        receive(money_row(t.money, terms.currency), paid if terms.settlement == SPOT else due)
        change_lots(t, position, terms, 0)
        record_change(t, instrument, BY_DELISTING)
        t.dirty = 1
