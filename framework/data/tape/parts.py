"""What the steps from one recording to another share: parts of any source, lengths of time, buffers put together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from framework.data.tape.assembly import Tape
from framework.data.tape.event_arrays import chunks, joined, taken
from framework.data.tape.recording import Events, Recording
from framework.errors import DataError, InputError
from framework.schema.event import Kind
from framework.schema.units import NANOSECONDS_PER_DAY

_PART_EVENTS = 1_000_000


def parts_of(source: Recording | Tape) -> Iterator[Events]:
    """The events of a recording, or of a tape without its sessions, part by part."""
    if isinstance(source, Recording):
        yield from source.parts()
        return
    for part in chunks(source.events, _PART_EVENTS):
        yield taken(part, np.flatnonzero(part["kind"] != Kind.SESSION))


def plain(events: Events) -> Events:
    """The events as compiled code takes them: one after the other and writable. It would be compiled once more for any other array."""
    return events if events.flags.writeable and events.flags.c_contiguous else joined((events,))


def name_of(source: Recording | Tape) -> str:
    """Where it came from, for messages."""
    return source.source if isinstance(source, Recording) else source.name


def together(pieces: Sequence[Events]) -> Events:
    """Pieces of a buffer that was filled more than once, as one array."""
    return pieces[0] if len(pieces) == 1 else joined(pieces)


def distinct(values: NDArray[np.uint16]) -> list[int]:
    """The distinct values, ascending, without sorting all of them."""
    return np.flatnonzero(np.bincount(values)).tolist()


def record_of(whole: str, real: str = "") -> np.dtype[np.void]:
    """A record of int64 and then float64 fields, named in one line each."""
    return np.dtype([*((name, "<i8") for name in whole.split()), *((name, "<f8") for name in real.split())])


def stranger(event: np.void, instruments: int) -> DataError:
    """What to raise about an event of an instrument that there is not."""
    return DataError(
        f"a {Kind(int(event['kind'])).name} stamped {int(event['ts_local_ns'])}: instrument {int(event['instrument'])}, but there are "
        f"{instruments} instruments. This is a fault of the reader."
    )


def interval_of(every: str | int | pd.Timedelta, *, divides_day: bool) -> int:
    """A length of time in nanoseconds: an int is one already, text is as pandas reads it ("5min", "100ms").

    Raises:
        InputError: it is none, is not above 0, or does not divide a day where it must.
    """
    try:
        # pandas takes "1D" and warns at "1d"
        text = every.replace("d", "D") if isinstance(every, str) and every[-1:] == "d" else every
        length = int(text) if isinstance(text, int) else int(pd.Timedelta(text).as_unit("ns").value)
    except ValueError as error:
        raise InputError(f"every={every!r} is no length of time. Write it as '5min', '1h' or '100ms'.") from error
    if length <= 0:
        raise InputError(f"every={every!r}: must be above 0.")
    if divides_day and NANOSECONDS_PER_DAY % length:
        raise InputError(
            f"every={every!r}: {NANOSECONDS_PER_DAY} ns of a day are not a whole number of {length} ns. Choose one that divides a day."
        )
    return length
