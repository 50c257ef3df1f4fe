"""The account that a simulated venue keeps, as Python owns it; what is done with it is `bookings.py`."""

from __future__ import annotations

from framework.kernel.layout.half import Half
from framework.kernel.layout.roots import TRADER, TRADER_TABLES

_OWN = ("positions", "money", "traded", "lots")
"""Tables of which it has rows of its own where answers take time."""


class VenueAccount(Half):
    """The account as the venue keeps it, opened as the trader half's stands.

    Args:
        trader: the trader half. The market, the terms and whatever else is not an account's is read where the trader half has it.
        is_apart: whether it has rows of its own: answers take time.
    """

    def __init__(self, trader: Half, *, is_apart: bool) -> None:
        super().__init__("account", TRADER, {}, {})
        self._names = tuple(TRADER_TABLES)
        grow = self.record["grow"].copy()
        self.record[:] = trader.record
        for name in _OWN if is_apart else ():
            rows, count = trader.tables[name], trader.count(name)
            self._place(name, self._taken(name, len(rows), rows.dtype) if name == "lots" else self.cleared(len(rows), rows.dtype))
            self.tables[name][:count] = rows[:count]
        root = self.record
        root["grow"], root["trader"], root["account"], root["owners_count"] = grow, trader.address, 0, 0
        root["is_venues"], root["is_watched"] = 1, int(is_apart)
        root["sums_ns"], root["summed_ns"] = -1, -1
        trader.record["account"], trader.record["is_watched"] = self.address, int(not is_apart)
