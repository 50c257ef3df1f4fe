"""What the numbers of events may be, so that nothing that is made of them passes what a word or a float can hold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from framework.data.checks.far_off import FAR_OFF
from framework.errors import DataError
from framework.schema.event import NO_INSTRUMENT, Kind
from framework.schema.instrument import Instrument
from framework.schema.units import FIRST_STAMP_NS, LARGEST_STEPS, LAST_STAMP_NS

LARGEST_NANOS = 2**62
"""Of a dividend, in billionths: 4.6e9 a share."""

_STEPS: dict[int, tuple[tuple[str, str], ...]] = {
    Kind.BAR: (("w0", "open"), ("w1", "high"), ("w2", "low"), ("w3", "close"), ("w4", "volume")),
    Kind.QUOTE: (("w0", "bid"), ("w1", "ask"), ("w2", "bid size"), ("w3", "ask size")),
    Kind.TRADE: (("w0", "price"), ("w1", "size")),
    Kind.DEPTH: (("w0", "price"), ("w1", "size")),
    Kind.MARK_PRICE: (("w0", "price"),),
    Kind.PRICE_LIMITS: (("w0", "lower limit"), ("w1", "upper limit")),
    Kind.DELIST: (("w0", "price"),),
    Kind.SPLIT: (("w0", "new shares"), ("w1", "old shares")),
}


def check_stamps(first_ns: int, last_ns: int) -> None:
    """Refuse events before 1850 or after 2200.

    Raises:
        DataError: with the stamp.
    """
    for stamp in (first_ns, last_ns):
        if not FIRST_STAMP_NS <= stamp <= LAST_STAMP_NS:
            raise DataError(
                f"an event at {pd.Timestamp(stamp, tz='UTC')}; rule: {FAR_OFF}. Correct the stamps, or say with epoch= what they count."
            )


def check_ranges(events: NDArray[np.void], instruments: Sequence[Instrument]) -> None:
    """Refuse prices, sizes, dividends and splits beyond their ranges.

    Raises:
        DataError: with the row, the number and the rule.
    """
    kinds = events["kind"]
    for kind in np.flatnonzero(np.bincount(kinds)).tolist():
        mine = slice(None) if len(kinds) and (kinds == kind).all() else kinds == kind
        for word, name in _STEPS.get(kind, ()):
            least = 1 if kind == Kind.SPLIT else -LARGEST_STEPS
            _refuse(events, events[word][mine], mine, name, (least, LARGEST_STEPS), instruments)
        if kind == Kind.DIVIDEND:
            _refuse(events, events["w0"][mine], mine, "amount in billionths", (0, LARGEST_NANOS), instruments)


def _refuse(
    events: NDArray[np.void],
    values: NDArray[np.int64],
    mine: slice | NDArray[np.bool_],
    name: str,
    limits: tuple[int, int],
    instruments: Sequence[Instrument],
) -> None:
    if not len(values) or (int(values.min()) >= limits[0] and int(values.max()) <= limits[1]):
        return
    at = int(np.argmax((values < limits[0]) | (values > limits[1])))
    row = int(np.arange(len(events))[mine][at])
    owner = int(events["instrument"][row])
    symbol = instruments[owner].symbol if owner != NO_INSTRUMENT else "no instrument"
    raise DataError(
        f"event {row} ({Kind(int(events['kind'][row])).name} of {symbol}), {name}: {int(values[at])}; rule: from {limits[0]} to "
        f"{limits[1]}, which is {limits[1]:.1e}, in steps of the instrument. Give it a larger tick or lot, or correct the event."
    )
