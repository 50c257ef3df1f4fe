"""The records of the two walks: sampled orders, the models that are judged, their places in the lines."""

from __future__ import annotations

import numpy as np

from framework.data.tape.parts import record_of
from framework.kernel.machine.compile import row_of

BOOK_HALF = record_of("depths resting resting_count resting_capacity grow trader")
"""The part of a half of the kernel that its functions for books ask for."""

PLACE = record_of(
    "event stamp_ns side price lots place ahead line_lots rank best opposite own_lots filled_ns filled_by until_ns "
    "own_filled_ns own_venue_ns own_end_ns own_fate executed_lots next"
)
"""One sampled order. `ahead`: lots in front when it joined, `line_lots`: in front now; `rank`: better prices occupied. `own_lots`:
what is left of the order itself. `filled_*`: when and how its place came to be filled, 0: not. `until_ns`: followed up to here."""

TURN, THROUGH, OPPOSITE = 1, 2, 3
"""`filled_by`: it was the place's turn; a trade beyond the price; an opposite order came to the price."""

OPEN, FILLED, PARTLY, CANCELLED = 0, 1, 2, 3
"""`own_fate`: what became of the order itself."""

SHARE = record_of("cancels lots behind", "uniform")
"""Cancels seen from places with lots before and behind: how many, of how many lots, how many of those came
from behind, and how many would have if cancels were uniform over the line."""

TRUTH = record_of(
    "half events count at places place_count heads low high best_bid best_ask by_place changes change_count every levels joins "
    "has_traded names_orders from_ns pending pending_count pending_ns is_overfull shares models model_count modelled "
    "trades sideless hidden_trades hidden_ahead traded_lots told_after_lots passed_over refreshed work most_work"
)
"""What the walk over orders works on: addresses of its tables and where it stands. `heads`: the first order at each price, bids, then
offers; `best_*`: no followed order stands at a better price; `by_place`: the followed order of a place in the lines of the book, -1.
`every`: one join in so many is followed, 0 only counts them; `from_ns`: those before are not. From `trades` on: counts.
`work`: places looked at so far; the walk stops beyond `most_work`."""

CHANGE = record_of("event order own_lots")
"""A sampled order itself lost lots: so many are left after the event."""

PENDING = record_of("side price lots stamp_ns")
"""A trade whose decreases of the level are still to come."""

MODEL = np.dtype([("costs", [("queue_model", "<i8"), ("queue_power", "<f8")]), ("rule", "<i8"), ("join_share", "<f8")])
"""A model: `costs` as the kernel reads it; what fills it; the share of the line that it takes to be ahead at the join."""

LINE, TOUCH, BEYOND = 0, 1, 2
"""`rule`: a trade that gets past the line; any trade at the price; only one beyond it."""

SPOT = np.dtype(
    [("ahead_lots", "<f8"), ("passed_lots", "<f8"), ("side", "<i8"), ("limit_ticks", "<i8"), ("place", "<i8"), ("filled_ns", "<i8")]
)
"""One order by one model, with the fields of the kernel's orders that its queue functions ask for."""

FOLLOWED = record_of("side price own_lots own_next unfilled next")
"""One sampled order over levels. `own_lots`, `own_next`: its own part of its level before and after the next update."""

PREDICTION = record_of("half events count heads low high best_bid best_ask followed models model_count beyond_count spots")
"""What the walk over levels works on. `heads`: of the orders in lines, then of those that wait for a trade beyond their price by
`beyond_count` models and for nothing else."""

MOST_PENDING, PLACE_BINS, SIZE_BINS = 1024, 10, 12
"""Prices traded at one stamp of the venue that wait for their decreases; bins of the relative place; powers of two of the lots in
a line."""

half_row, place_row, share_row, model_row, spot_row = row_of(BOOK_HALF), row_of(PLACE), row_of(SHARE), row_of(MODEL), row_of(SPOT)
followed_row, pending_row, truth_row, prediction_row = row_of(FOLLOWED), row_of(PENDING), row_of(TRUTH), row_of(PREDICTION)
change_row = row_of(CHANGE)
real_row = row_of(np.dtype([("value", "<f8")]))
