"""The records of the market: what an instrument is, its present market, its past bars, and how rates of currencies follow."""

from framework.kernel.machine.compile import row_of
from framework.schema.record import F8, I4, I8, Record, dtype_of


class Terms(Record):
    """What never changes about an instrument."""

    tick_numerator: F8  # whole numbers below 2**53, as floats because prices are made with them
    tick_denominator: F8
    tick: F8  # price units per tick
    lot_numerator: F8
    lot_denominator: F8
    lot: F8  # units per lot
    point_value: F8  # money per unit of basis per lot, multiplier included; see `money.py`
    initial_margin: F8  # shares of the notional; 0: asks for none
    long_maintenance: F8
    short_maintenance: F8
    liquidation_fee: F8
    borrow_rate: F8  # a year, of the value held short
    located_lots: I8  # the most that may be held short; negative: no limit
    settlement: I4  # a `Settlement`
    is_margined: I4  # the broker watches its positions
    judges_worst: I8  # at the worst price of a bar too; see `liquidation.py`
    bar_interval_ns: I8
    currency: I4  # of settlement
    base_currency: I4  # FX only, else -1
    calendar: I4
    kind: I4


class Marks(Record):
    """The market of one instrument as seen by the trader half."""

    mark_ticks: F8  # what the venue said last; else close of the last bar, or mid of the last quote
    seen_ns: I8  # stamp of the first mark, 0: none yet
    bars: I8  # how many bars were applied
    bar_ns: I8  # stamp of the last bar
    history: I8  # address of the ring of past bars
    mark_flags: I8  # MARK_* bits of `codes`: what a new mark means besides; 0 for most
    halted: I4
    delisted: I4
    bid: I8
    ask: I8
    bid_lots: I8
    ask_lots: I8
    quote_ns: I8
    last: I8  # price of the last trade, 0: none yet
    lower_limit: I8  # price limits of the venue in ticks, 0: none
    upper_limit: I8
    limits_ns: I8  # the venue's stamp of when they were published
    halted_ns: I8  # when the last halt began, or ended


class PastBar(Record):
    """One bar of the history ring, in ticks and lots, adjusted as of now for splits and dividends.

    Whole numbers until the first adjustment, so running sums are exact (below 2**53) and ties of two means are real ties.
    """

    open: F8
    high: F8
    low: F8
    close: F8
    volume: F8
    sum_close: F8


class Conversion(Record):
    """How the rate of a currency follows from that of another by a pair; `currencies.py`."""

    instrument: I8
    currency: I8
    source: I8
    is_quoted: I8


TERMS = dtype_of(Terms)
MARKS = dtype_of(Marks)
CONVERSION = dtype_of(Conversion)

terms_row, marks_row, past_bar_row, conversion_row = row_of(Terms), row_of(Marks), row_of(PastBar), row_of(Conversion)
