"""The market of a venue that trades today: what is listed there, its hours as its calendars have them, and what it publishes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from framework.data.reference.calendar import CalendarEnds, is_bars, sessions
from framework.data.tape.skeleton import definition
from framework.data.tape.survey import Survey
from framework.errors import InputError
from framework.schema.instrument import Instrument
from framework.schema.units import NANOSECONDS_PER_DAY

_FIRST_DAYS, _MOST_DAYS = 16, 16_384


@dataclass(frozen=True, eq=False)
class VenueMarket:
    """A market without a tape.

    Attributes:
        listed: what can be traded, in any order.
        published: what it publishes of trades and books (`framework.data.tape.survey.published`); None where neither is.
        has_quotes: whether quotes are published.
        name: of the source, for headers and messages.

    Raises:
        InputError: nothing is listed, a symbol twice, or the calendar "bars", which has no hours before its bars have come.
    """

    listed: tuple[Instrument, ...]
    published: Survey | None = None
    has_quotes: bool = False
    name: str = ""

    def __post_init__(self) -> None:
        symbols = [instrument.symbol for instrument in self.listed]
        if not symbols or len(set(symbols)) != len(symbols):
            raise InputError(f"a market of {sorted(symbols)}; rule: at least one instrument, and each symbol once")
        for instrument in self.listed:
            if is_bars(instrument.calendar):
                raise InputError(
                    f"{instrument.symbol}: calendar {instrument.calendar!r}; rule: an open market has hours before its bars come. Name an "
                    'exchange calendar, "24/7", or a file of weekly hours.'
                )

    @cached_property
    def instruments(self) -> tuple[Instrument, ...]:
        """Ordered by symbol."""
        return tuple(sorted(self.listed, key=lambda instrument: instrument.symbol))

    @cached_property
    def currencies(self) -> tuple[str, ...]:
        """Sorted; those of prices and of what instruments settle in."""
        found = {currency for i in self.listed for currency in (i.currency, i.base_currency) if currency}
        return tuple(sorted(found))

    @cached_property
    def calendars(self) -> tuple[str, ...]:
        """Sorted."""
        return tuple(sorted({instrument.calendar for instrument in self.listed}))

    def digest(self) -> str:
        """blake2b-256, as hex, over the definitions of what is listed."""
        words = json.dumps([[definition(i) for i in self.instruments], self.currencies, self.calendars])
        return hashlib.blake2b(words.encode(), digest_size=32).hexdigest()

    def opens(self, calendar: str, after_ns: int, count: int) -> NDArray[np.int64]:
        """The first so many opens of sessions after a stamp."""
        return self._stamps(calendar, after_ns, count, 0)

    def closes(self, calendar: str, after_ns: int, count: int) -> NDArray[np.int64]:
        """The same of closes."""
        return self._stamps(calendar, after_ns, count, 1)

    def ticks(self) -> Survey | None:
        """What is published of trades and books."""
        return self.published

    @staticmethod
    def _stamps(calendar: str, after_ns: int, count: int, column: int) -> NDArray[np.int64]:
        days, found = _FIRST_DAYS, np.zeros(0, dtype=np.int64)
        while len(found) < count and days <= _MOST_DAYS:
            try:
                stamps = sessions(calendar, after_ns, after_ns + days * NANOSECONDS_PER_DAY)[column]
            except CalendarEnds:
                return found
            found, days = stamps[stamps > after_ns], 2 * days
        return found[:count]
