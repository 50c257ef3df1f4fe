"""The memory of the venue's orders and of what was sent about them: what is over is left out whenever a table has become full."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framework.kernel.layout.codes import S_FILLED
from framework.kernel.layout.half import Half
from framework.kernel.layout.table_room import HASH, HASH_SHIFT
from framework.kernel.venue.order_table import NOT_LISTED

Rows = NDArray[np.void]


def lay_tables(half: Half) -> None:
    """Empty the tables, once."""
    for name in ("orders", "old_orders", "traffic"):
        rows = half.tables[name]
        half._place(name, _hashed(half, rows[:0], len(rows)))


def settle_orders(half: Half, trader: Half) -> None:
    """Leave out the orders that no longer matter, and let each of the others stand at its home or among the old rows.

    The ring has at least twice as many rows as there are orders, the old rows are at most a quarter full.
    """
    ring, old = half.tables["orders"], half.tables["old_orders"]
    rows = np.concatenate((ring, old))
    now_ns = int(trader.record["now_ns"][0])
    matters = (rows["state"] < S_FILLED) | (rows["next_working"] != NOT_LISTED) | (rows["filled_ns"] >= now_ns)  # as in `order_table.py`
    rows = rows[(rows["order_id"] >= 0) & matters]
    rows = rows[np.argsort(rows["order_id"])]
    larger = _hashed(half, rows[:0], max(len(ring), _power_of_two(2 * len(rows))))
    homes = rows["order_id"] & (len(larger) - 1)
    larger[homes] = rows  # of those with one home the youngest, which is the last
    rest = rows[larger["order_id"][homes] != rows["order_id"]]
    half._outgrown += [ring, old]
    half._place("orders", larger)
    half._place("old_orders", _hashed(half, rest, max(len(old), _power_of_two(4 * len(rest) + 4))))
    half.record["old_orders_count"] = len(rest)


def settle_traffic(half: Half, trader: Half) -> None:
    """Leave out the orders that have ended for us and of which nothing is on its way; of any other a message can still be sent."""
    rows, known = half.tables["traffic"], trader.used("orders")
    rows = rows[rows["order_id"] >= 0]
    on_its_way = [half.used(name)[int(half.record[f"{name}_head"][0]) :]["w0"] for name in ("order_entry", "response")]
    on_its_way += [half.used("kept")["w0"], trader.used("outbox")["w0"]]
    has_ended = (rows["order_id"] < len(known)) & ~np.isin(rows["order_id"], np.concatenate(on_its_way))
    has_ended[has_ended] = known["state"][rows["order_id"][has_ended]] >= S_FILLED
    rows = rows[~has_ended]
    half._place("traffic", _hashed(half, rows, max(len(half.tables["traffic"]), _power_of_two(4 * len(rows) + 4))))
    half.record["traffic_count"] = len(rows)


def _power_of_two(rows: int) -> int:
    return 1 << max(rows - 1, 0).bit_length()


def _hashed(half: Half, rows: Rows, size: int) -> Rows:
    """A table of `size` rows in which each order stands in the run of its number, as `table_room.hashed_row` has it.

    Behind its last row stands that of an order that has ended and of which nothing is known.
    """
    table: Rows = half.cleared(size + 1, rows.dtype)
    table["order_id"] = -1
    if "state" in (rows.dtype.names or ()):
        table["state"], table["instrument"], table["next_working"] = S_FILLED, -1, NOT_LISTED
    taken: dict[int, None] = {}
    for order_id in rows["order_id"].tolist():
        k = (order_id * HASH >> HASH_SHIFT) & (size - 1)
        while k in taken:
            k = (k + 1) & (size - 1)
        taken[k] = None
    table[list(taken)] = rows
    return table[:-1]
