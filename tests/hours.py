"""Hours of a market as a test gives them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Stamps = NDArray[np.int64]


@dataclass
class KnownHours:
    """Opens and closes by calendar."""

    stamps: Mapping[str, tuple[Stamps, Stamps]]

    @property
    def calendars(self) -> tuple[str, ...]:
        return tuple(self.stamps)

    def opens(self, calendar: str, after_ns: int, count: int) -> Stamps:
        found = self.stamps[calendar][0]
        return found[found > after_ns][:count]

    def closes(self, calendar: str, after_ns: int, count: int) -> Stamps:
        found = self.stamps[calendar][1]
        return found[found > after_ns][:count]
