"""The virtual account of one of several strategies, as Python owns it; what is booked in it is `owner_bookings.py`."""

from __future__ import annotations

from framework.kernel.layout.half import Half
from framework.kernel.layout.roots import TRADER, TRADER_TABLES

_OPENED, _EMPTY = ("positions", "money"), ("lots", "trades", "points", "changes", "flows")
"""Tables of which it has rows of its own: those of an account."""


class OwnerAccount(Half):
    """A virtual account, before the first event.

    Args:
        trader: the trader half. The market, the terms and whatever else is not an account's is read where the trader half has it.
        name: of the strategy.
        share: of the opening cash.
    """

    def __init__(self, trader: Half, name: str, share: float) -> None:
        super().__init__("owner", TRADER, {}, {})
        self._names = tuple(TRADER_TABLES)
        self.name, self.capital = name, float((trader.tables["money"]["cash"] * share).sum())  # all of it is in the base currency
        grow = self.record["grow"].copy()
        self.record[:] = trader.record
        for table in _OPENED:
            self._place(table, trader.tables[table].copy())
        for table in _EMPTY:
            rows = trader.tables[table]
            self._place(table, self._taken(table, len(rows), rows.dtype))
        self.tables["money"]["cash"] *= share
        root = self.record
        root["grow"], root["trader"], root["account"], root["owners_count"], root["is_watched"] = grow, trader.address, 0, 0, 0
