"""Ten levels of a book, as DBN's mbp-10 has them after each change: every record is a snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from framework.data.formats.price_steps import Ints
from framework.data.tape.recording import Events
from framework.schema.event import EVENT, Flag, Kind

LEVELS = 10
_LAST, _UNDEFINED = 128, np.iinfo(np.int64).max
_SIDES = (("bid", int(Flag.BUY)), ("ask", int(Flag.SELL)))


def price_names() -> tuple[str, ...]:
    """The fields that hold prices of levels."""
    return tuple(f"{side}_px_{level:02d}" for side, _ in _SIDES for level in range(LEVELS))


def snapshots(events: Events, records: Any, ticks: Mapping[str, Ints]) -> tuple[Ints, Events]:
    """The row of each event and the events: each level that has a price, best first, bids first; no lots at price 0 for an empty book.

    Args:
        events: stamps and instrument of each record.
        records: of layout MBP10Msg.
        ticks: of the fields of `price_names`.
    """
    width = 1 + 2 * LEVELS
    made = np.zeros((len(records), width), EVENT)
    made[:] = events[:, None]
    made["kind"], made["flags"], made["w4"] = Kind.DEPTH, int(Flag.SNAPSHOT), records["sequence"][:, None]
    made["w3"] = -1
    made["flags"][:, 0] |= int(Flag.BUY)
    kept = np.ones(made.shape, dtype=np.bool_)
    for at, (side, flag) in enumerate(_SIDES):
        for level in range(LEVELS):
            column, name = 1 + at * LEVELS + level, f"{side}_px_{level:02d}"
            made["w0"][:, column], made["w1"][:, column] = ticks[name], records[f"{side}_sz_{level:02d}"]
            made["w3"][:, column] = level
            made["flags"][:, column] |= flag
            kept[:, column] = records[name] != _UNDEFINED
    kept[:, 0] = ~kept[:, 1:].any(axis=1)
    made["flags"][np.arange(len(records)), np.argmax(kept, axis=1)] |= np.uint16(Flag.CLEAR)
    last = width - 1 - np.argmax(kept[:, ::-1], axis=1)
    made["flags"][np.arange(len(records)), last] |= np.where(records["flags"] & _LAST, int(Flag.LAST), 0).astype(np.uint16)
    rows = np.repeat(np.arange(len(records)), width).reshape(made.shape)
    return rows[kept], made[kept]
