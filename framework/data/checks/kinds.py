"""What a tape may hold: events of the market, each about an instrument."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framework.errors import DataError
from framework.schema.event import NO_INSTRUMENT, Kind

MARKET_KINDS = tuple(kind for kind in Kind if Kind.BAR <= kind <= Kind.CUSTOM)
"""Kinds of market events."""


def refuse_kinds(extra: NDArray[np.void]) -> None:
    """Refuse what a market does not say, and what is about an instrument and names none: the kernel would look for both in vain.

    Raises:
        DataError: with the row and what it may be.
    """
    kinds = extra["kind"]
    strange = ~np.isin(kinds, (*MARKET_KINDS, Kind.STANCE))
    if strange.any():
        row = int(np.argmax(strange))
        known = ", ".join(kind.name for kind in (*MARKET_KINDS, Kind.STANCE) if kind != Kind.SESSION)
        raise DataError(f"extra event {row}: kind {int(kinds[row])}; rule: what a market says, or a stance. Use one of {known}.")
    ownerless = (extra["instrument"] == NO_INSTRUMENT) & ~np.isin(kinds, (Kind.CUSTOM, Kind.STANCE))
    if ownerless.any():
        row = int(np.argmax(ownerless))
        raise DataError(
            f"extra event {row}: {Kind(int(kinds[row])).name} without an instrument; rule: only CUSTOM and STANCE events may have none. "
            "Give its position among the sorted symbols."
        )
