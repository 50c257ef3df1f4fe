"""The tape and how it is made: stamps, bars as events, sessions, order; recordings, which are read before they become one."""

from framework.data.tape.assembly import Tape, build
from framework.data.tape.event_arrays import chunks

__all__ = ["Tape", "build", "chunks"]
