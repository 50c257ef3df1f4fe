"""What the words of an order mean that are no numbers: a time in force, a peg, a date; for hooks in Python and compiled ones."""

from __future__ import annotations

import datetime as dt

from framework.errors import InputError, did_you_mean
from framework.schema.order import PEG_FLAGS, Peg, TimeInForce
from framework.schema.units import FIRST_STAMP_NS, LAST_STAMP_NS


def peg_flag(peg: Peg | str | None) -> int:
    """The flag of a peg by its name or member, 0 for none."""
    if peg is None:
        return 0
    if isinstance(peg, str):
        if peg.upper() not in Peg.__members__:
            raise InputError(f"unknown peg {peg!r}. {did_you_mean(peg.lower(), [name.lower() for name in Peg.__members__])}")
        peg = Peg[peg.upper()]
    return PEG_FLAGS[peg]


def force_of(name: TimeInForce | str) -> TimeInForce:
    """A time in force by its name, member or number."""
    if type(name) is TimeInForce:
        return name
    if isinstance(name, str):
        if name.upper() not in TimeInForce.__members__:
            raise InputError(f"unknown time_in_force {name!r}. {did_you_mean(name.upper(), TimeInForce.__members__)}")
        return TimeInForce[name.upper()]
    return TimeInForce(name)


def expiry_ns(expire: dt.datetime | None) -> int:
    """When an order ends, 0 for never."""
    if expire is None:
        return 0
    if expire.tzinfo is None:
        raise InputError(f"expire {expire} has no time zone; give one, for instance datetime(..., tzinfo=UTC)")
    since = expire - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    stamp = (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1000
    return min(max(stamp, FIRST_STAMP_NS), LAST_STAMP_NS)  # nothing happens outside of these, so they expire alike
