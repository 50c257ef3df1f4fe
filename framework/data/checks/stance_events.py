"""What a STANCE event of a tape may say."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framework.errors import DataError
from framework.schema.event import Kind
from framework.schema.order import LAST_OWNER, Reason
from framework.schema.stance import Scope, Stance


def check_stances(events: NDArray[np.void], instruments: int) -> None:
    """Refuse stances that cannot be.

    Raises:
        DataError: with the row, the value and what it may be.
    """
    keys = {Scope.INSTRUMENT: instruments, Scope.OWNER: LAST_OWNER + 1, Scope.ACCOUNT: 1, Scope.FIRM: 1}
    for row in np.flatnonzero(events["kind"] == Kind.STANCE).tolist():
        scope, key, stance, reason = (int(events[word][row]) for word in ("w0", "w1", "w2", "w3"))
        for what, value, known in (("scope", scope, Scope), ("stance", stance, Stance), ("reason", reason, Reason)):
            if value not in list(known):
                names = ", ".join(f"{member.value} ({member.name})" for member in known)
                raise DataError(f"extra event {row} (STANCE): {what} {value}; rule: one of {names}")
        if not 0 <= key < keys[Scope(scope)]:
            raise DataError(f"extra event {row} (STANCE): {Scope(scope).name} {key}; rule: from 0 to {keys[Scope(scope)] - 1}")
