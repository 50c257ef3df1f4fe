"""The records of a venue: its sessions, what it keeps of each listed instrument, its rules."""

from framework.kernel.machine.compile import row_of
from framework.schema.record import F8, I4, I8, Record, dtype_of


class SessionHours(Record):
    """The session of a calendar."""

    known: I8
    is_open: I8
    open_ns: I8
    close_ns: I8
    charged_ns: I8


class Listing(Record):
    """What the venue keeps of a listed instrument: its working orders, halts and price limits."""

    first: I8  # working orders in order of arrival, -1: none
    last: I8
    traded_ns: I8  # the venue's stamp of the last trade, where only trades are published
    halted: I4
    delisted: I4
    halted_ns: I8  # when the last halt began, or ended
    liquidation: I8  # the broker's last order here plus one, 0: none
    has_auctions: I8  # the tape tells prints of auctions
    lower_limit: I8  # price limits in ticks, 0: none, and the venue's stamp of when they were published
    upper_limit: I8
    limits_ns: I8
    is_calm: I8  # every working order is a plain limit that rests; then the next four are the outermost of them, 0: none
    lowest_bid: I8
    highest_bid: I8
    lowest_ask: I8
    highest_ask: I8
    matched_ns: I8  # the venue's stamp of the bar that was matched last
    draw_key: I8  # of its symbol, in the keys of draws
    orders: I8  # how many orders have sent a message, or had one, where latencies vary


class VenueRules(Record):
    """What the venue does that others do differently."""

    self_trade: I8  # SELF_* of `codes`
    is_pro_rata: I8
    pro_rata_minimum_lots: I8
    pro_rata_fifo_share: F8
    replace_loses_place: I8  # by any change, also by asking for less at the same price


class Turn(Record):
    """A bar or quote while it is matched with the others of its stamp: see `matching_one_stamp.py`."""

    row: I8  # of the tape, -1: a trade that is matched as a bar
    is_trading: I8  # the venue trades the instrument
    is_closing: I8  # the bar ends its session
    start_ns: I8  # orders that came later take no part
    opened_ns: I8  # the open of the session whose first bar this is, else NOT_OPENING
    budget_lots: I8  # what of the volume is left for us
    rank: I8  # of the order that the step has come to
    order_id: I8
    behind: I8  # the turn that comes after it among those whose orders add, -1: none


VENUE_RULES = dtype_of(VenueRules)

listing_row, session_row, turn_row = row_of(Listing), row_of(SessionHours), row_of(Turn)
