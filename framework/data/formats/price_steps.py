"""Columns as whole steps: prices to ticks, sizes to lots, stamps to nanoseconds; refused where they do not fit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framework.data.checks.inferred_steps import refuse_beyond
from framework.errors import DataError
from framework.schema.inferred import infer_step
from framework.schema.units import Step, to_steps

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def steps(values: Floats, step: Step, *, place: str, column: str, first_row: int = 0, minimum: int | None = None) -> Ints:
    """Whole steps of each value.

    Raises:
        DataError: not finite, off the grid (see `units.to_steps`), more than `units.LARGEST_STEPS`, or below `minimum` steps.
    """
    raw = np.asarray(values, dtype=np.float64)
    whole, off = to_steps(raw, step)
    if minimum is not None:
        off |= whole < minimum
    if off.any():
        row = int(np.argmax(off))
        where = f"{place}, row {first_row + row}, column {column}"
        refuse_beyond(float(raw[row]), step, place=where, argument="tick_size or lot_size")
        least = "" if minimum is None else f" of at least {minimum * step.size:g}"
        raise DataError(
            f"{where}: {raw[row]!r}; rule: a whole multiple of {step.numerator}/{step.denominator}"
            f"{least}; {int(off.sum())} in this part. Correct it or declare the step with tick_size= or lot_size=."
        )
    return whole


def finest(values: Floats, known: Step | None, decimals: int, *, place: str, column: str) -> Step:
    """The coarser of no steps that represents `values` and all that `known` does: a power of ten.

    Raises:
        DataError: values that are no decimals of at most `decimals` places.
    """
    finite = values[np.isfinite(values)]
    found = infer_step(finite, decimals, most=decimals)
    if not found.is_exact:
        value = float(finite[found.worst])
        raise DataError(
            f"{place}, column {column}: values on no grid of decimals, rule: at most {decimals} places; {value!r} would become "
            f"{found.step.to_float(found.step.nearest(value))!r}, a change of {found.moved:.2g} of it. Round them and "
            "declare the grid with tick_size= or lot_size=."
        )
    return found.step if known is None or found.step.denominator > known.denominator else known


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
