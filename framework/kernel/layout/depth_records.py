"""The records of books: levels in a window of prices, and the orders of others that a source tells of."""

from framework.kernel.machine.compile import row_of
from framework.schema.record import I4, I8, Record, dtype_of


class Level(Record):
    """What stands at a price: all lots, of these those without a known order, and, at the venue, what our orders took of them."""

    lots: I8
    loose: I8
    taken: I8


class DepthBook(Record):
    """The depth of one instrument; `order_book.py`."""

    bids: I8  # addresses: levels by slot, and a bit a slot for what is not empty
    asks: I8
    bid_bits: I8
    ask_bits: I8
    mask: I8  # ticks in the window less one
    low: I8  # the lowest price of the window, 0: nothing was published yet
    bid: I8  # best prices, 0: none
    ask: I8
    is_fixed: I8  # the window covers every price of the tape
    is_known: I8
    in_snapshot: I8
    has_orders: I8  # the source tells orders
    places: I8  # how many orders have joined a line
    forgotten: I8  # levels outside the window
    is_quoted: I8  # the tape has quotes of the instrument


class Resting(Record):
    """An order of somebody else that the source tells of; a row of a hash table, `order_id` 0: free."""

    order_id: I8
    price: I8
    lots: I8
    place: I8
    instrument: I4
    side: I4


class Word(Record):
    """A bare word."""

    value: I8


LEVEL = dtype_of(Level)
DEPTH_BOOK = dtype_of(DepthBook)
RESTING = dtype_of(Resting)

depth_row, level_row, resting_row, word_row = row_of(DepthBook), row_of(Level), row_of(Resting), row_of(Word)
