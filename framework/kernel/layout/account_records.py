"""The records of an account: money, positions and their tax lots, and what is noted of them for the result."""

from framework.kernel.machine.compile import row_of
from framework.schema.record import F8, I8, Record, dtype_of


class Position(Record):
    """What is held of an instrument, and which orders would change it."""

    lots: I8  # signed
    cost: F8  # signed basis x lots paid for what is open
    carried: F8  # the same since the last settlement: a derivative is worth (lots x basis of the mark - carried) x point value
    realised: F8  # money, fees not deducted
    fees: F8
    income: F8  # dividends received less dividends paid, cash in lieu aside
    market_lots: I8  # signed leaves of working market orders, of reduce-only ones only a target's
    reducing_lots: I8  # leaves of working reduce-only market orders, of both sides together
    plain_lots: I8  # leaves of the other working market orders, likewise
    buy_lots: I8  # leaves of other working buys
    sell_lots: I8  # leaves of other working sells
    target_order: I8  # the last order a target made, -1: none
    first: I8  # oldest open tax lot, -1: none
    last: I8


class TaxLot(Record):
    """One still open part of an entry. FIFO: closed from the oldest. `carry`: basis of the entry, or of the last settlement."""

    lots: I8
    price: F8
    carry: F8
    fees: F8
    ts_ns: I8
    next: I8


class Trade(Record):
    """A closed tax lot: one entry part closed by one exit part. Money is in the instrument's settlement currency."""

    instrument: I8
    entry_ns: I8
    exit_ns: I8
    lots: F8  # signed as the entry; a fraction only for cash in lieu of a split's fraction
    entry_price: F8  # ticks, slippage included
    exit_price: F8
    pnl: F8  # money, net of fees
    fees: F8
    change: I8  # the row of CHANGE whose fill, split or delisting closed it


class Money(Record):
    """One currency: what we hold of it, what its sum has rounded away, and what one unit is worth in the base currency (NaN: unknown)."""

    cash: F8
    aside: F8
    fx_rate: F8
    code: I8  # its letters: `currency_word`


class Point(Record):
    """One point of the equity curve, in the base currency; equity is cash and net value."""

    ts_ns: I8
    cash: F8
    gross: F8
    net: F8


class Change(Record):
    """A position after it changed: by which order, or BY_* of `codes`; and the rate of its settlement currency then."""

    ts_ns: I8
    instrument: I8
    lots: I8
    cause: I8
    fx_rate: F8


class Flow(Record):
    """Money that a position brought besides its fills, settlement currency, negative where it was paid: a CHARGE by its cost kind, or
    DIVIDEND_PAID of `codes`; or COST_BOOKED, by how much a correction or transfer changed what the position has cost. `change`: how many
    rows of CHANGE there were before it.
    """

    instrument: I8
    kind: I8
    amount: F8
    fx_rate: F8
    change: I8


class Deposit(Record):
    """What a TRANSFER brought into the account, base currency; negative where it took something out."""

    ts_ns: I8
    value: F8


class OwnerRow(Record):
    """One of several strategies: where the virtual account is that is kept for it, and how many lots of the last fill were its."""

    account: I8
    filled_lots: I8


POSITION = dtype_of(Position)
TRADE = dtype_of(Trade)
POINT = dtype_of(Point)
OWNER_ROW = dtype_of(OwnerRow)

position_row, money_row, lot_row = row_of(Position), row_of(Money), row_of(TaxLot)
trade_row, point_row, change_row, flow_row = row_of(Trade), row_of(Point), row_of(Change), row_of(Flow)
deposit_row = row_of(Deposit)
owner_row = row_of(OwnerRow)
