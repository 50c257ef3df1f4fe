"""What remains of each order of a DBN stream: a cancel says how much goes, an event says how much stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framework.errors import DataError


class OrderSizes:
    """Remaining lots by instrument and order id, carried from part to part."""

    def __init__(self) -> None:
        self._left: dict[tuple[int, int], int] = {}
        self._in_snapshot: set[int] = set()

    def apply(
        self, records: Any, instruments: NDArray[np.uint32], path: Path, row: int
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]:
        """Remaining lots after each record, and whether it is the last change of a book in its message, and whether a snapshot starts.

        A message may end in a trade or a fill, which change no book: its last change before them is then the last.

        Raises:
            DataError: a cancel of more than stands, or of an order never seen after the book was known.
        """
        left, known = np.zeros(len(records), dtype=np.int64), self._left
        clear = np.zeros(len(records), dtype=np.bool_)
        last, open_rows = np.zeros(len(records), dtype=np.bool_), dict[int, int]()  # by instrument: messages of several interleave
        columns = (records["action"].tolist(), instruments.tolist(), records["order_id"].tolist(), records["size"].tolist())
        for at, (action, instrument, order, size, flags) in enumerate(zip(*columns, records["flags"].tolist(), strict=True)):
            key = (instrument, order)
            if not flags & 32:
                self._in_snapshot.discard(instrument)
            elif instrument not in self._in_snapshot:
                self._in_snapshot.add(instrument)
                clear[at] = True
                for one in [one for one in known if one[0] == instrument]:
                    del known[one]
            if action == b"A" or action == b"M":
                known[key] = left[at] = size
            elif action == b"C":
                standing = known.pop(key, None)
                if standing is None or size > standing:
                    raise DataError(
                        f"{path}, record {row + at}: cancels {size} of order {order}, of which {standing or 0} stand; rule: added "
                        "before cancelled. Start from a file that begins with a snapshot."
                    )
                if standing > size:
                    known[key] = left[at] = standing - size
            elif action == b"R":
                for one in [one for one in known if one[0] == instrument]:
                    del known[one]
            if action in (b"A", b"M", b"C", b"R"):
                open_rows[instrument] = at
            if flags & 128 and instrument in open_rows:
                last[open_rows.pop(instrument)] = True
        return left, last, clear
