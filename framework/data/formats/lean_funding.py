"""Lean's funding of perpetual futures: cryptofuture/<market>/margin_interest/<ticker>.csv as FUNDING events."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from framework.data.checks.decimals import exact
from framework.data.checks.library_errors import text_of
from framework.data.formats.lean_files import FIRST_YEAR, LAST_YEAR
from framework.data.tape.recording import Events, Recording
from framework.errors import DataError
from framework.schema.event import EVENT, Kind
from framework.schema.instrument import Instrument

RATE_DENOMINATOR = 10**9
"""`w0` of FUNDING counts billionths of the notional."""


def read(path: str | Path, instrument: Instrument) -> Recording:
    """Read a file of `yyyymmdd HH:MM:SS,rate` in UTC: the part of the notional that longs pay to shorts then, negative the other way.

    Args:
        path: the file.
        instrument: whose funding it is.

    Raises:
        DataError: no such file, a row that cannot be read, rates finer than 1e-9 or not below 1, stamps that do not increase.
    """
    place = Path(path)
    events: list[tuple[int, int]] = []
    for number, line in enumerate(text_of(place).splitlines(), 1):
        where, fields = f"{place.name}, line {number}", line.split(",")
        if len(fields) != 2:
            raise DataError(f"{where}: {line!r}; rule: stamp and rate. Correct the row.")
        stamp = pd.to_datetime(fields[0], format="%Y%m%d %H:%M:%S", errors="coerce")
        if pd.isna(stamp):
            raise DataError(f"{where}, column stamp: {fields[0]!r}; rule: yyyymmdd HH:MM:SS, UTC. Correct it.")
        if not FIRST_YEAR <= stamp.year <= LAST_YEAR:
            raise DataError(f"{where}, column stamp: {fields[0]!r}; rule: a year from {FIRST_YEAR} to {LAST_YEAR}. Correct it.")
        ns = int(stamp.as_unit("ns").value)
        if events and ns <= events[-1][0]:
            raise DataError(f"{where}, column stamp: {fields[0]}; rule: later than the row before. Sort the rows, keep one a stamp.")
        events.append((ns, _billionths(fields[1], where)))
    made = np.zeros(len(events), EVENT)
    if events:
        made["ts_local_ns"], made["w0"] = np.array(events, np.int64).T
        made["ts_venue_ns"], made["kind"] = made["ts_local_ns"], Kind.FUNDING

    def parts() -> Iterator[Events]:
        yield made.copy()

    return Recording((instrument,), parts, str(place), (f"{instrument.symbol}: {len(events)} funding rates.",))


def _billionths(text: str, where: str) -> int:
    try:
        rate = exact(text)
    except ValueError as error:
        raise DataError(f"{where}, column rate: {text!r} is not a number. Correct it.") from error
    units = rate * RATE_DENOMINATOR
    if abs(rate) >= 1 or units.denominator != 1:
        raise DataError(f"{where}, column rate: {text}; rule: -1 < rate < 1 in steps of 1e-9. Correct it.")
    return int(units)
