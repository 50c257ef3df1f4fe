"""The records of a venue: its sessions, its state of each instrument, its rules."""

from __future__ import annotations

import numpy as np

from framework.kernel.compile import row_of

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

WAITING_FILL = np.dtype([("order_id", "<i8"), ("lots", "<i8"), ("ticks", "<i8"), ("flags", "<i8"), ("row", "<i8")])
"""A fill that waits for the others of its stamp: of an order, so many lots at most, at a price, and the row of the tape it is made on."""

venue_book_row, session_row, waiting_row = row_of(VENUE_BOOK), row_of(SESSION_STATE), row_of(WAITING_FILL)
