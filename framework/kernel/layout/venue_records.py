"""The records of a venue: its sessions, its state of each instrument, its rules."""

from __future__ import annotations

import numpy as np

from framework.kernel.machine.compile import row_of

SESSION_STATE = np.dtype([("known", "<i8"), ("is_open", "<i8"), ("open_ns", "<i8"), ("close_ns", "<i8"), ("charged_ns", "<i8")])

VENUE_BOOK = np.dtype(
    [
        ("first", "<i8"),  # working orders in order of arrival, -1: none
        ("last", "<i8"),
        ("traded_ns", "<i8"),  # the venue's stamp of the last trade, where only trades are told
        ("halted", "<i4"),
        ("delisted", "<i4"),
        ("halted_ns", "<i8"),  # when the last halt began, or ended
        ("liquidation", "<i8"),  # the broker's last order here plus one, 0: none
        ("has_auctions", "<i8"),  # the tape tells prints of auctions
        ("lower_limit", "<i8"),  # the same price limits
        ("upper_limit", "<i8"),
        ("limits_ns", "<i8"),
        ("is_calm", "<i8"),  # every working order is a plain limit that rests, and these are their limits, 0: none
        ("lowest_bid", "<i8"),
        ("highest_bid", "<i8"),
        ("lowest_ask", "<i8"),
        ("highest_ask", "<i8"),
        ("matched_ns", "<i8"),  # the venue's stamp of the bar that was matched last
        ("draw_key", "<i8"),  # of its symbol, in the keys of draws
        ("orders", "<i8"),  # how many orders have sent a message, or had one, where latencies vary
    ]
)


VENUE_RULES = np.dtype(
    [
        ("self_trade", "<i8"),  # SELF_* of `codes`
        ("is_pro_rata", "<i8"),
        ("pro_rata_minimum_lots", "<i8"),
        ("pro_rata_fifo_share", "<f8"),
        ("replace_loses_place", "<i8"),  # by any change, also by asking for less at the same price
    ]
)
"""What the venue does that others do differently."""

TURN = np.dtype(
    [
        ("row", "<i8"),  # of the tape, -1: a trade that is matched as a bar
        ("is_trading", "<i8"),  # the venue trades the instrument
        ("is_closing", "<i8"),  # the bar ends its session
        ("start_ns", "<i8"),  # orders that came later take no part
        ("opened_ns", "<i8"),  # the open of the session whose first bar this is, else NOT_OPENING
        ("budget_lots", "<i8"),  # what of the volume is left for us
        ("rank", "<i8"),  # of the order that the step has come to
        ("order_id", "<i8"),
        ("behind", "<i8"),  # the turn that comes after it among those whose orders add, -1: none
    ]
)
"""A bar or quote while it is matched with the others of its stamp: see `matching_one_stamp.py`."""

venue_book_row, session_row, turn_row = row_of(VENUE_BOOK), row_of(SESSION_STATE), row_of(TURN)
