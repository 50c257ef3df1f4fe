"""The records of impact: what a push weighs and how it fades, and how far each instrument is pushed."""

from typing import Annotated

from framework.kernel.machine.compile import row_of
from framework.schema.record import F8, I8, Numbers, Record, dtype_of

MOST_DECAYS = 8
"""Exponentials that a propagator may have."""


class Decay(Record):
    """One exponential of the propagator: its rate a nanosecond, and fraction of the price per participation."""

    rate: F8
    weight: F8


class Volume(Record):
    """What is traded of an instrument on a usual day, in lots of now."""

    daily_lots: F8


class Displacement(Record):
    """How far we have pushed the price of an instrument, signed, as fractions of it."""

    at_ns: I8  # the venue's stamp of our last push
    instant: F8  # what holds for pushes of that stamp only
    permanent: F8
    fading: Annotated[Numbers, ("<f8", MOST_DECAYS)]  # as they were at that stamp


DECAY = dtype_of(Decay)
VOLUME = dtype_of(Volume)

decay_row, volume_row, displacement_row = row_of(Decay), row_of(Volume), row_of(Displacement)
