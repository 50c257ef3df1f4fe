"""A recording: the events of one source as they come, part by part, before they become a tape or a dataset."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framework.data.tape.assembly import Tape, assemble
from framework.errors import DataError
from framework.schema.event import EVENT
from framework.schema.instrument import Instrument

Events = NDArray[np.void]


@dataclass(frozen=True, slots=True)
class Recording:
    """What a reader of a format returns.

    Attributes:
        instruments: an event's `instrument` is a position here.
        parts: makes the events anew each time it is called: arrays of dtype EVENT, each sorted by `ts_local_ns`, none of them before
            the one before it. A part is some megabytes, however long the recording.
        source: where it came from, for messages: a path or an address.
        notes: sentences the user should read.
    """

    instruments: tuple[Instrument, ...]
    parts: Callable[[], Iterator[Events]]
    source: str
    notes: tuple[str, ...] = ()

    def events(self) -> Events:
        """All events in memory.

        Raises:
            DataError: as the reader says, and where a part is not of dtype EVENT or stamps run backwards.
        """
        made, last = [], np.iinfo(np.int64).min
        for number, part in enumerate(self.parts()):
            if part.dtype != EVENT:
                raise DataError(f"{self.source}, part {number}: dtype {part.dtype}, expected EVENT. This is a fault of the reader.")
            stamps = part["ts_local_ns"]
            if len(part) and (int(stamps[0]) < last or (stamps[1:] < stamps[:-1]).any()):
                raise DataError(f"{self.source}, part {number}: stamps run backwards. This is a fault of the reader.")
            last = int(stamps[-1]) if len(part) else last
            made.append(part)
        return np.concatenate(made) if made else np.zeros(0, dtype=EVENT)

    def tape(self, name: str = "") -> Tape:
        """All events as a tape, with the sessions of the instruments' calendars. Instruments are put in order of their symbols."""
        order = sorted(range(len(self.instruments)), key=lambda k: self.instruments[k].symbol)
        place = np.empty(len(order), dtype=np.uint32)
        place[order] = np.arange(len(order), dtype=np.uint32)
        events = self.events().copy()
        mine = events["instrument"] < len(order)
        events["instrument"][mine] = place[events["instrument"][mine]]
        return assemble([self.instruments[k] for k in order], [events], name=name or self.source, notes=self.notes)
