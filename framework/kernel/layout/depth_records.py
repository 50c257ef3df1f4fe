"""The records of books: levels in a window of prices, and the orders of others that a source tells of."""

from __future__ import annotations

import numpy as np

from framework.kernel.machine.compile import row_of

LEVEL = np.dtype([("lots", "<i8"), ("loose", "<i8"), ("taken", "<i8")])
"""What stands at a price: all lots, of these those without a known order, and, at the venue, what our orders took of them."""

DEPTH_BOOK = np.dtype(
    [
        ("bids", "<i8"),  # addresses: levels by slot, and a bit a slot for what is not empty
        ("asks", "<i8"),
        ("bid_bits", "<i8"),
        ("ask_bits", "<i8"),
        ("mask", "<i8"),  # ticks in the window less one
        ("low", "<i8"),  # the lowest price of the window, 0: nothing was told yet
        ("bid", "<i8"),  # best prices, 0: none
        ("ask", "<i8"),
        ("is_fixed", "<i8"),  # the window covers every price of the tape
        ("is_known", "<i8"),
        ("in_snapshot", "<i8"),
        ("has_orders", "<i8"),  # the source tells orders
        ("places", "<i8"),  # how many orders have joined a line
        ("forgotten", "<i8"),  # levels outside the window
        ("is_quoted", "<i8"),  # the tape has quotes of the instrument
    ]
)
"""The depth of one instrument; `order_book.py`."""

RESTING = np.dtype([("order_id", "<i8"), ("price", "<i8"), ("lots", "<i8"), ("place", "<i8"), ("instrument", "<i4"), ("side", "<i4")])
"""An order of somebody else that the source tells of; a row of a hash table, `order_id` 0: free."""

WORD = np.dtype([("value", "<i8")])

depth_row, level_row, resting_row, word_row = row_of(DEPTH_BOOK), row_of(LEVEL), row_of(RESTING), row_of(WORD)
