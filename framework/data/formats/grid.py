"""Columns onto the integer grid: prices to ticks, sizes to lots, stamps to nanoseconds; refused where they do not fit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framework.errors import DataError
from framework.schema.units import Step, infer_step

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def steps(values: Floats, step: Step, *, place: str, column: str, first_row: int = 0, minimum: int | None = None) -> Ints:
    """Whole steps of each value.

    Raises:
        DataError: not finite, off the grid by more than 1e-6 of a step (or the float's own precision), or below `minimum` steps.
    """
    raw = np.asarray(values, dtype=np.float64)
    exact = raw * (step.denominator / step.numerator)
    whole = np.rint(exact)
    with np.errstate(invalid="ignore"):
        good = np.abs(exact - whole) <= np.maximum(1e-6, np.abs(exact) * 1e-15)
        good &= np.abs(exact) < 2**62
        if minimum is not None:
            good &= whole >= minimum
    if not good.all():
        row = int(np.argmin(good))
        least = "" if minimum is None else f" of at least {minimum * step.size:g}"
        raise DataError(
            f"{place}, row {first_row + row}, column {column}: {raw[row]!r}; rule: a whole multiple of {step.numerator}/{step.denominator}"
            f"{least}; {int((~good).sum())} in this part. Correct it or declare the step with tick_size= or lot_size=."
        )
    return whole.astype(np.int64)


def finest(values: Floats, known: Step | None, decimals: int, *, place: str, column: str) -> Step:
    """The coarser of no steps that represents `values` and all that `known` does: a power of ten.

    Raises:
        DataError: values that are no decimals of at most `decimals` places.
    """
    finite = values[np.isfinite(values)]
    step, error = infer_step(finite, decimals)
    if error:
        raise DataError(
            f"{place}, column {column}: values finer than 1e-{decimals}, rule: decimals of at most {decimals} places; rounding would "
            f"change them by up to {error:.2g}. Declare the grid with tick_size= or lot_size=."
        )
    return step if known is None or step.denominator > known.denominator else known


def check_order(stamps: Ints, last: int, *, place: str, first_row: int = 0) -> int:
    """The last stamp, once none is before the one before it.

    Raises:
        DataError: stamps run backwards.
    """
    if not len(stamps):
        return last
    back = np.diff(stamps, prepend=max(last, int(stamps[0])) if last > stamps[0] else int(stamps[0])) < 0
    if back.any():
        row = int(np.argmax(back))
        before = last if row == 0 else int(stamps[row - 1])
        raise DataError(
            f"{place}, row {first_row + row}, column stamp: {int(stamps[row])} ns; rule: never before the row before, {before} ns. "
            "Sort the source by its stamps."
        )
    return int(stamps[-1])
