"""What a tape may hold: events of the market, each about an instrument, and what is known of the account and by its owner."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framework.errors import DataError
from framework.schema.event import NO_INSTRUMENT, Kind

MARKET_KINDS = tuple(kind for kind in Kind if Kind.BAR <= kind <= Kind.CUSTOM)
"""Kinds of market events."""

TAPE_KINDS = (*MARKET_KINDS, Kind.ALARM, Kind.COMMAND, Kind.CORRECTION, Kind.TRANSFER, Kind.LIMIT, Kind.BREAKER, Kind.STANCE, Kind.FIRM)
"""What may stand on a tape besides; SESSION events are made."""

_OWNERLESS = (Kind.CUSTOM, Kind.ALARM, Kind.COMMAND, Kind.CORRECTION, Kind.TRANSFER, Kind.LIMIT, Kind.BREAKER, Kind.STANCE, Kind.FIRM)


def refuse_kinds(extra: NDArray[np.void]) -> None:
    """Refuse what a market does not say, and what is about an instrument and names none: the kernel would look for both in vain.

    Raises:
        DataError: with the row and what it may be.
    """
    kinds = extra["kind"]
    strange = ~np.isin(kinds, TAPE_KINDS)
    if strange.any():
        row = int(np.argmax(strange))
        known = ", ".join(kind.name for kind in TAPE_KINDS if kind != Kind.SESSION)
        raise DataError(
            f"extra event {row}: kind {int(kinds[row])}; rule: what a market says, or what concerns the account. Use one of {known}."
        )
    ownerless = (extra["instrument"] == NO_INSTRUMENT) & ~np.isin(kinds, _OWNERLESS)
    if ownerless.any():
        row = int(np.argmax(ownerless))
        raise DataError(
            f"extra event {row}: {Kind(int(kinds[row])).name} without an instrument; rule: only CUSTOM events and those of accounts may. "
            "Give its position among the sorted symbols."
        )
