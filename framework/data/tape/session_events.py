"""SESSION events: what a calendar says, as the tape tells it. `position` is the calendar's place among the tape's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framework.data.reference.calendar import last_session
from framework.schema.event import EVENT, NO_INSTRUMENT, Flag, Kind

Events = NDArray[np.void]


def opens_and_closes(position: int, opens: NDArray[np.int64], closes: NDArray[np.int64]) -> Events:
    """An open and a close for each session."""
    events = np.zeros(2 * len(opens), EVENT)
    for part, flag, stamps in ((events[0::2], Flag.SESSION_OPEN, opens), (events[1::2], Flag.SESSION_CLOSE, closes)):
        part["ts_local_ns"] = part["ts_venue_ns"] = stamps
        part["kind"], part["flags"], part["instrument"] = Kind.SESSION, flag, NO_INSTRUMENT
        part["w0"], part["w1"], part["w2"] = position, opens, closes
    return events


def breaks(position: int, opens: NDArray[np.int64], closes: NDArray[np.int64], pauses: NDArray[np.int64]) -> Events:
    """A close at the begin of each break inside a session and an open at its end, telling the whole session."""
    events = np.zeros(2 * len(pauses), EVENT)
    session = np.searchsorted(opens, pauses[:, 0], side="right") - 1
    for part, flag, stamps in ((events[0::2], Flag.SESSION_CLOSE, pauses[:, 0]), (events[1::2], Flag.SESSION_OPEN, pauses[:, 1])):
        part["ts_local_ns"] = part["ts_venue_ns"] = stamps
        part["kind"], part["flags"], part["instrument"] = Kind.SESSION, flag | Flag.PAUSE, NO_INSTRUMENT
        part["w0"], part["w1"], part["w2"] = position, opens[session], closes[session]
    return events


def closed_before(position: int, calendar: str, first_ns: int) -> Events:
    """That the market is closed when the tape begins: the last close, told just ahead of the first event. Its session may be unknown: 0."""
    opened, closed = last_session(calendar, first_ns) or (0, 0)
    event = np.zeros(1, EVENT)
    event["ts_local_ns"] = event["ts_venue_ns"] = first_ns - 1
    event["kind"], event["flags"], event["instrument"] = Kind.SESSION, Flag.SESSION_CLOSE, NO_INSTRUMENT
    event["w0"], event["w1"], event["w2"] = position, opened, closed
    return event
