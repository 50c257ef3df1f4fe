"""The virtual account of one of several strategies, as Python owns it; what is booked in it is `owner_bookings.py`."""

from __future__ import annotations

from framework.kernel.layout.half import Half
from framework.kernel.layout.roots import TRADER, TRADER_TABLES

_CLEARED, _GROWING = ("positions", "money"), ("lots", "trades", "points", "changes", "flows")
"""Tables of which it has rows of its own: those of an account."""


class OwnerAccount(Half):
    """A virtual account, before the first event.

    Args:
        trader: the trader half. The market, the terms and whatever else is not an account's is read where the trader half has it.
        share: of the opening cash.
    """

    def __init__(self, trader: Half, share: float) -> None:
        super().__init__("owner", TRADER, {}, {})
        self._names = tuple(TRADER_TABLES)
        grow = self.record["grow"].copy()
        self.record[:] = trader.record
        for name in _CLEARED:
            rows = trader.tables[name]
            self._place(name, rows.copy())
        for name in _GROWING:
            rows = trader.tables[name]
            self._place(name, self._taken(name, len(rows), rows.dtype))
        self.tables["money"]["cash"] *= share
        root = self.record
        root["grow"], root["trader"], root["account"], root["owners_count"], root["is_watched"] = grow, trader.address, 0, 0, 0
