"""What remains of each order of a DBN stream: a cancel says how much goes, an event says how much stands. Compiled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numba import types
from numba.typed import Dict
from numpy.typing import NDArray

from framework.errors import DataError
from framework.machine.stored import stored

_ADD, _MODIFY, _CANCEL, _RESET = ord("A"), ord("M"), ord("C"), ord("R")
_LAST, _SNAPSHOT = 128, 32
_ORDER = types.UniTuple(types.int64, 2)


class OrderSizes:
    """Remaining lots by instrument and order id, carried from part to part.

    Args:
        instruments: how many there are.
    """

    def __init__(self, instruments: int) -> None:
        self._left = Dict.empty(_ORDER, types.int64)
        self._in_snapshot = np.zeros(instruments, dtype=np.bool_)

    def apply(
        self, records: Any, instruments: NDArray[np.uint32], path: Path, row: int
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]:
        """Remaining lots after each record, and whether it is the last change of a book in its message, and whether a snapshot starts.

        A message may end in a trade or a fill, which change no book: its last change before them is then the last. Messages must be
        whole within the records.

        Raises:
            DataError: a cancel of more than stands, or of an order never seen after the book was known.
        """
        left = np.zeros(len(records), dtype=np.int64)
        last, clear = np.zeros(len(records), dtype=np.bool_), np.zeros(len(records), dtype=np.bool_)
        actions = np.ascontiguousarray(records["action"]).view(np.uint8)
        orders, sizes = records["order_id"].astype(np.int64), records["size"].astype(np.int64)
        flags = np.ascontiguousarray(records["flags"])
        owners = instruments.astype(np.int64)
        at, standing = _apply(actions, owners, orders, sizes, flags, self._left, self._in_snapshot, left, last, clear)
        if at >= 0:
            raise DataError(
                f"{path}, record {row + at}: cancels {sizes[at]} of order {int(records['order_id'][at])}, of which {standing} stand; rule: "
                "added before cancelled. Start from a file that begins with a snapshot."
            )
        return left, last, clear


@stored
def _forget(known, instrument):  # type: ignore[no-untyped-def]
    """Remove all orders of an instrument."""
    gone = [key for key in known if key[0] == instrument]
    for key in gone:
        del known[key]


@stored
def _apply(actions, owners, orders, sizes, flags, known, in_snapshot, left, last, clear):  # type: ignore[no-untyped-def]
    """Fill `left`, `last` and `clear`; the row of a cancel that cannot be and what stood, or -1."""
    changed = np.full(len(in_snapshot), -1, np.int64)  # of the open message of each instrument; several interleave
    for at in range(len(actions)):
        action, instrument, size = actions[at], owners[at], sizes[at]
        key = (instrument, orders[at])
        if not flags[at] & _SNAPSHOT:
            in_snapshot[instrument] = False
        elif not in_snapshot[instrument]:
            in_snapshot[instrument] = True
            clear[at] = True
            _forget(known, instrument)
        if action == _ADD or action == _MODIFY:
            known[key] = size
            left[at] = size
        elif action == _CANCEL:
            standing = known.get(key, 0)
            if size > standing or key not in known:
                return at, standing
            if standing > size:
                known[key] = standing - size
                left[at] = standing - size
            else:
                del known[key]
        elif action == _RESET:
            _forget(known, instrument)
        if action == _ADD or action == _MODIFY or action == _CANCEL or action == _RESET:
            changed[instrument] = at
        if flags[at] & _LAST and changed[instrument] >= 0:
            last[changed[instrument]] = True
            changed[instrument] = -1
    return -1, 0
