"""Stamps that lie too far off to be any market's: what no table, frame or file may hold, and the sentence that says so."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from framework.errors import DataError
from framework.schema.units import FIRST_STAMP_NS, LAST_STAMP_NS

Lines = NDArray[np.int64]
"""Line numbers in a file, shape (rows,)."""

EARLIEST_NS, LATEST_NS = FIRST_STAMP_NS, LAST_STAMP_NS
FAR_OFF = "stamps lie from 1850-01-01 to 2200-01-01"


def within_reach(index: pd.DatetimeIndex, place: str, lines: Lines | None) -> pd.DatetimeIndex:
    """Stamps of any unit in nanoseconds; what is missing stays so.

    Raises:
        DataError: one before `EARLIEST_NS` or after `LATEST_NS`.
    """
    per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[index.unit]
    counts = index.asi8
    if len(counts) and counts.min() >= EARLIEST_NS // 10**9 * per_second and counts.max() <= LATEST_NS // 10**9 * per_second:
        return in_ns(index)
    far = (counts < EARLIEST_NS // 10**9 * per_second) | (counts > LATEST_NS // 10**9 * per_second)
    far &= ~np.asarray(index.isna())
    if far.any():
        row = int(np.argmax(far))
        shown = np.datetime64(int(counts[row]), index.unit)
        raise DataError(
            f"{place}, {row_text(row, lines)}, column stamp: {shown}; rule: {FAR_OFF}; {int(far.sum())} in all. Correct or remove the rows."
        )
    return in_ns(index)


def in_ns(index: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Stamps in nanoseconds; those that are so already are not copied, as pandas would."""
    return index if index.unit == "ns" else index.as_unit("ns")


def refuse_far(stamps: NDArray[np.int64], place: str, *, first_row: int = 0, word: str = "row") -> None:
    """Raise for the first of some stamps, in ns, that lies out of reach.

    Args:
        stamps: UTC ns.
        place: of the file, for the message.
        first_row: number of the first of them.
        word: what a row is called: "row", "record".

    Raises:
        DataError: one before `EARLIEST_NS` or after `LATEST_NS`.
    """
    if len(stamps) and (int(stamps.min()) < EARLIEST_NS or int(stamps.max()) > LATEST_NS):
        row = int(np.argmax((stamps < EARLIEST_NS) | (stamps > LATEST_NS)))
        shown = f"{int(stamps[row])} ns, {np.datetime64(int(stamps[row]), 'ns')}"
        raise DataError(f"{place}, {word} {first_row + row}, column stamp: {shown}; rule: {FAR_OFF}. Correct or remove the row.")


def row_text(row: int, lines: Lines | None) -> str:
    """How a message names a row: by its line where there is a file, else by its number."""
    return f"row {row}" if lines is None else f"line {int(lines[row])}"
