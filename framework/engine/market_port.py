"""The port to what a run must know of its market before it begins. A tape knows it of itself, a venue tells it."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from framework.data.tape.survey import Survey
from framework.schema.instrument import Instrument

Stamps = NDArray[np.int64]


class Market(Protocol):
    """Instruments, currencies, hours, and which sorts of events are published. `Tape` and `VenueMarket` are markets."""

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """Ordered by symbol; an event's `instrument` is a position here."""
        ...

    @property
    def currencies(self) -> tuple[str, ...]:
        """Sorted; those of prices and of what instruments settle in."""
        ...

    @property
    def calendars(self) -> tuple[str, ...]:
        """Sorted; `w0` of a SESSION event is a position here."""
        ...

    @property
    def name(self) -> str:
        """Where it comes from."""
        ...

    @property
    def has_quotes(self) -> bool:
        """Whether quotes are published."""
        ...

    def digest(self) -> str:
        """What tells this source from others, hex; it stands in the header of a run."""
        ...

    def opens(self, calendar: str, after_ns: int, count: int) -> Stamps:
        """The first so many opens of sessions after a stamp, ascending; fewer where no more are known."""
        ...

    def closes(self, calendar: str, after_ns: int, count: int) -> Stamps:
        """The same of closes."""
        ...

    def ticks(self) -> Survey | None:
        """What is published of trades and books; None where neither is."""
        ...
