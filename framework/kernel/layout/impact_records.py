"""The records of impact: what a push weighs and how it fades, and how far each instrument is pushed."""

from __future__ import annotations

import numpy as np

from framework.kernel.machine.compile import row_of

MOST_DECAYS = 8
"""Exponentials that a propagator may have."""

DECAY = np.dtype([("rate", "<f8"), ("weight", "<f8")])
"""One exponential of the propagator: its rate a nanosecond, and fraction of the price per participation."""

VOLUME = np.dtype([("daily_lots", "<f8")])
"""What is traded of an instrument on a usual day, in lots of now."""

DISPLACEMENT = np.dtype(
    [
        ("at_ns", "<i8"),  # the venue's stamp of our last push
        ("instant", "<f8"),  # what holds for pushes of that stamp only
        ("permanent", "<f8"),
        ("fading", "<f8", MOST_DECAYS),  # as they were at that stamp
    ]
)
"""How far we have pushed the price of an instrument, signed, as fractions of it."""

decay_row, volume_row, displacement_row = row_of(DECAY), row_of(VOLUME), row_of(DISPLACEMENT)
