"""How far trading is restricted, for whom, and why an alarm was raised."""

from enum import IntEnum


class Stance(IntEnum):
    """What may still be ordered, from all to nothing: each refuses what the one before it refuses."""

    NORMAL = 0
    NO_NEW_RISK = 1  # nothing that adds exposure
    REDUCE_ONLY = 2  # only what reduces a position
    CANCEL_ALL = 3  # besides, what works is cancelled when it is set
    FLATTEN = 4  # besides, positions are closed at the market
    KILLED = 5  # nothing but cancels; what works is cancelled, and positions stay as they are


class Scope(IntEnum):
    """For whom a stance is set."""

    INSTRUMENT = 0
    OWNER = 1  # one of several strategies
    ACCOUNT = 2
    FIRM = 3


class AlarmKind(IntEnum):
    """What a trader half found wrong with something that came from outside."""

    NONE = 0
    UNKNOWN_ORDER = 1  # it is about an order that there is not
    IMPOSSIBLE_STATE = 2  # the order's state does not allow it
    OVERFILL = 3  # more was filled than was left
    OUT_OF_RANGE = 4  # a word is nothing that it could be
    OTHER_INSTRUMENT = 5  # the order is in another instrument
    UNKNOWN_KIND = 6  # nothing that a venue says
