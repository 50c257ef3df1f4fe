"""Conflation: order books by order to levels, levels to best quotes, and either at most once an interval.

    conflate(recording)                            DEPTH by order or level -> QUOTE where the best price or size changed
    conflate(recording, to="levels")               DEPTH by order -> DEPTH by level, one event a level and message
    conflate(recording, every="100ms")             the last state of each interval that changed anything

What is published stands after a whole message of the source, with its stamps. With `every=` it stands at the end of the interval, counted
from midnight UTC, and is stamped there; `ts_venue_ns` is that of the last change. Other events (trades, halts) pass as they came.

Unknown is not empty: a GAP passes at once, and until the next snapshot nothing is published. A snapshot is published whole, as one (levels)
or as the quote it gives. An empty side of a quote is price 0 and size 0, an empty snapshot one level of 0 lots at price 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
import pandas as pd

from framework.data.series import conflate_kernels as kernels
from framework.data.tape import Tape
from framework.data.tape.event_arrays import joined
from framework.data.tape.parts import interval_of, name_of, parts_of, plain, record_of, stranger, together
from framework.data.tape.recording import Events, Recording
from framework.errors import DataError, InputError, did_you_mean
from framework.schema.event import EVENT, Flag, Kind
from framework.schema.instrument import Instrument
from framework.schema.units import NEVER_NS

To = Literal["quotes", "levels"]


_CONTROL = record_of("to interval_ns due_ns listed arena_used orders_used want")
"""What the books share. `due_ns`: when the running interval ends. `listed`: rows used in the list of changes. `want`: how many rows the
table needs that a call stopped for."""
_BOOK = record_of("is_known in_snapshot is_open epoch is_changed is_new venue_ns is_sent bid ask bid_lots ask_lots")
"""One instrument. `is_open`: amid a message. `epoch`: orders of an older one are gone. `is_changed`: something is to be published;
`is_new`:
all of it is. From `is_sent` on: the quote published last."""
_SIDE = record_of("begin capacity count best")
"""A run of levels. `best`: position in the run of the best level with lots, -1 where there is none."""
_LEVEL = record_of("key lots without_order told is_listed")
_ORDER = record_of("id instrument side price lots epoch")
"""One order; `epoch` 0 is a free row."""
_CHANGE = record_of("instrument side key")


class Conflater:
    """Books of all instruments of a recording, event by event or part by part: the bytes do not depend on which.

    Args:
        instruments: of the source.
        to: "quotes" or "levels".
        every: tell at most once in such an interval, such as "100ms"; None tells after each message.
        starts_empty: True where the source begins before the first order; else books are unknown until their first snapshot.
    """

    def __init__(
        self,
        instruments: tuple[Instrument, ...],
        to: To = "quotes",
        *,
        every: str | int | pd.Timedelta | None = None,
        starts_empty: bool = False,
    ) -> None:
        if to not in ("quotes", "levels"):
            raise InputError(f"to={to!r} is unknown. {did_you_mean(to, ('quotes', 'levels'))}")
        self._instruments = len(instruments)
        self._control = np.zeros(1, _CONTROL)
        control = self._control[0]
        control["to"], control["due_ns"] = kernels.BEST if to == "quotes" else kernels.LEVELS, NEVER_NS
        control["interval_ns"] = 0 if every is None else interval_of(every, divides_day=True)
        self._books = np.zeros(len(instruments), _BOOK)
        self._books["epoch"], self._books["is_known"] = 1, starts_empty
        self._sides = np.zeros(2 * len(instruments), _SIDE)
        self._sides["best"] = -1
        self._levels = np.zeros(4096, _LEVEL)
        self._orders = np.zeros(4096, _ORDER)
        self._changes = np.zeros(1024, _CHANGE)
        self._out = np.zeros(65_536, EVENT)

    def apply(self, events: Events) -> Events:
        """Apply events in their order; what is published now, and other events than DEPTH as they came. To quotes, the source's are left
        out.

        Raises:
            DataError: DEPTH with both sides or none, or with lots below 0.
        """
        events = plain(events)
        made: list[Events] = []
        at, why = 0, kernels.OUT
        while why != kernels.DONE:
            why, at, rows = kernels.conflate(
                self._control, self._books, self._sides, self._levels, self._orders, self._changes, events, at, self._out
            )
            made.append(joined((self._out[:rows],)))
            if why != kernels.DONE:
                self._make_room(why, events[at])
        return together(made)

    def flush(self, until_ns: int = NEVER_NS) -> Events:
        """What changed in an interval that ends at or before a stamp; if not given, in the last one, though it has not ended."""
        made: list[Events] = []
        why = kernels.OUT
        while why != kernels.DONE:
            why, rows = kernels.flush(
                self._control, self._books, self._sides, self._levels, self._changes, min(until_ns, NEVER_NS - 1), self._out
            )
            made.append(joined((self._out[:rows],)))
            if why == kernels.OUT:
                self._widen_out()
        return together(made)

    def _make_room(self, why: int, event: np.void) -> None:
        if why == kernels.OUT:
            self._widen_out()
        elif why == kernels.ARENA:
            self._levels = _longer(self._levels, max(2 * len(self._levels), int(self._control[0]["want"])))
        elif why == kernels.LIST:
            self._changes = _longer(self._changes, 2 * len(self._changes))
        elif why == kernels.ORDERS:
            living = int((self._orders["epoch"] == self._books["epoch"][self._orders["instrument"]]).sum())
            larger = np.zeros(len(self._orders) * (2 if 4 * living >= len(self._orders) else 1), _ORDER)
            kernels.move_orders(self._control, self._orders, larger, self._books)
            self._orders = larger
        elif why == kernels.STRANGER:
            raise stranger(event, self._instruments)
        else:
            raise DataError(
                f"DEPTH stamped {int(event['ts_local_ns'])}: flags {int(event['flags'])}, {int(event['w1'])} lots; rule: one side, BUY "
                f"({int(Flag.BUY)}) or SELL ({int(Flag.SELL)}), and lots >= 0. This is a fault of the reader."
            )

    def _widen_out(self) -> None:
        if self._control[0]["want"] > len(self._out):
            self._out = np.zeros(2 * int(self._control[0]["want"]), EVENT)


def conflate(
    source: Recording | Tape, *, to: To = "quotes", every: str | int | pd.Timedelta | None = None, starts_empty: bool = False
) -> Recording:
    """The books of a recording or a tape told more briefly, part by part in bounded memory.

    Args:
        source: DEPTH by order or by level, of any number of instruments.
        to, every, starts_empty: see `Conflater`. What changed in the last interval is published at its end.

    Raises:
        InputError: a word that is unknown. While reading: DataError where the source has no DEPTH, or one that cannot be.
    """
    Conflater(source.instruments, to, every=every, starts_empty=starts_empty)

    def parts() -> Iterator[Events]:
        conflater, is_found = Conflater(source.instruments, to, every=every, starts_empty=starts_empty), False
        for part in parts_of(source):
            is_found = is_found or bool((part["kind"] == Kind.DEPTH).any())
            yield conflater.apply(part)
        if not is_found:
            raise DataError(f"{name_of(source)}: there is no DEPTH to make {to} of.")
        yield conflater.flush()

    told = f"The books were conflated to {to}" + ("." if every is None else f", once in {every}.")
    return Recording(source.instruments, parts, name_of(source), (*source.notes, told))


def _longer(table: np.ndarray[tuple[int], np.dtype[np.void]], rows: int) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    longer = np.zeros(rows, table.dtype)
    longer[: len(table)] = table
    return longer
