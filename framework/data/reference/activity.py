"""What the contracts of a future did, session by session: what decides when a position rolls from one into the next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framework.data.reference.hours import Sessions


@dataclass(frozen=True, slots=True)
class Activity:
    """Sessions, and what each contract did in them: arrays of shape (sessions, contracts).

    `volume` counts lots, NaN where a contract has neither bar nor trade. `open_interest` is the last figure told up to the session's
    close, NaN where none was told yet.
    """

    calendar: str
    sessions: Sessions
    contracts: tuple[str, ...]
    volume: NDArray[np.float64]
    open_interest: NDArray[np.float64]
