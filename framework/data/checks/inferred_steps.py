"""The tick of prices and the lot of quantities, inferred where it was not declared, and refused where it would change what was given."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framework.errors import DataError
from framework.schema.inferred import LOT_DECIMALS, MOVES_AT_MOST, PRICE_DECIMALS, Inferred, infer_step
from framework.schema.units import LARGEST_STEPS, Step

_FINEST_LOT_DECIMALS = 9
"""A finer lot would leave too little room for positions: at 1e-9 they may hold 9.0e6 units, at 1e-12 9.0e3."""

_LARGEST_POWER = 30
"""Of ten, by which prices may be multiplied: what is smaller is no price."""

_LOTS_ARE_FLOORED = 2.0
"""Volumes off their lots are rounded down, which moves them twice as far as rounding to the nearest."""


@dataclass(frozen=True, slots=True)
class Column:
    """Which value of a source stands at a position of a flat array: for messages."""

    place: str  # the file or symbol
    names: tuple[str, ...]  # of the columns, side by side in each row
    rows: object  # labels of the rows, indexed by number; None: the numbers themselves

    def at(self, position: int) -> str:
        """Place, row and column of the value at a position of the rows laid one after the other."""
        row, column = divmod(position, len(self.names))
        label = row if self.rows is None else self.rows[row]  # type: ignore[index]
        return f"{self.place}, row {label}, column {self.names[column]}"


def refuse_beyond(value: float, step: Step, *, place: str, argument: str) -> None:
    """Refuse a finite value of more steps than there may be.

    Raises:
        DataError: with both numbers and the step that would do.
    """
    count = abs(value) * step.denominator / step.numerator
    if not LARGEST_STEPS < count < math.inf:
        return
    wider = 10.0 ** math.ceil(math.log10(abs(value) / LARGEST_STEPS))
    way_out = f"Give {argument}='{wider:g}' or larger." if wider <= LARGEST_STEPS else "Correct it."
    raise DataError(
        f"{place}: {value!r} is {count:.3g} steps of {step.size:g}; rule: at most {LARGEST_STEPS:.1e} (2**53), up to which every price and "
        f"quantity is exact. {way_out}"
    )


def price_tick(columns: Sequence[NDArray[np.float64]], column: Column) -> Inferred:
    """The tick of columns of prices, each of shape (n,): exact where they are multiples of a decimal step, else one that they are to be
    rounded to.

    Raises:
        DataError: every step that fits would change a price by more than 1e-6 of it.
    """
    found = infer_step(columns, PRICE_DECIMALS)
    if found.moved > MOVES_AT_MOST:
        prices = row_by_row(columns)
        value, after = _worst(prices, found)
        raise DataError(
            f"{column.at(found.worst)}: {value!r} would become {after!r} with ticks of {found.step.size:g}, a change of {found.moved:.2g} "
            f"of it; rule: at most {MOVES_AT_MOST:g}. {_why(prices, found)} {_price_way_out(prices, found, column)}"
        )
    _refuse_largest(columns, found, column, "tick_size")
    return found


def row_by_row(columns: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """The values of columns, the rows laid one after the other."""
    return np.stack(columns, axis=1).ravel()


def finer_tick(prices: NDArray[np.float64]) -> str:
    """What to do where prices, shape (n,), are off a declared tick: the sentence of a message."""
    found = infer_step(prices, PRICE_DECIMALS)
    if found.is_exact:
        return f"Declare a finer tick_size='{found.step.size:g}', which holds all prices here, or correct the price."
    return "Leave tick_size out to have it inferred, or correct the price."


def _price_way_out(prices: NDArray[np.float64], found: Inferred, column: Column) -> str:
    """What helps with these prices: each call named here was tried on them."""
    power = -math.floor(math.log10(float(prices.max())))
    if 0 < power <= _LARGEST_POWER and infer_step(prices * 10.0**power, PRICE_DECIMALS).moved <= MOVES_AT_MOST:
        return (
            f"Correct or remove the price, or count in larger units: bars[{list(column.names)}] *= 1e{power} and "
            f"instrument_specs={{{column.place!r}: {{'multiplier': 1e-{power}}}}}, by which gains and costs stay what they are."
        )
    decimals = len(str(found.step.denominator)) - 1
    if float(np.round(prices.min(), decimals)) > 0.0:
        return (
            f"Correct or remove the price, or round all prices and give the step they are then on, as with bars.round({decimals}) and "
            f"tick_size='{found.step.size:g}'."
        )
    return "Correct or remove the price: rounded to any step that holds the others, it would be 0."


def quantity_lot(volumes: NDArray[np.float64], column: Column) -> Inferred:
    """The lot of quantities, shape (n,): exact where they are multiples of a decimal step of at most 9 places, else one that they are
    floored to.

    Raises:
        DataError: every step that fits would change a quantity by more than 1e-6 of it.
    """
    most = MOVES_AT_MOST / _LOTS_ARE_FLOORED
    found = infer_step(volumes, LOT_DECIMALS, most=_FINEST_LOT_DECIMALS, close=most)
    if found.moved > most:
        value, after = _worst(volumes, found)
        raise DataError(
            f"{column.at(found.worst)}: {value!r} would become {after!r} with lots of {found.step.size:g}, a change of {found.moved:.2g} "
            f"of it; rule: at most {most:g}. {_why(volumes, found)} Give lot_size='{found.step.size:g}', and quantities are rounded "
            "down to it; or correct the value."
        )
    _refuse_largest((volumes,), found, column, "lot_size")
    return found


def _worst(values: NDArray[np.float64], found: Inferred) -> tuple[float, float]:
    value = float(values[found.worst])
    return value, found.step.to_float(found.step.nearest(value))


def _why(values: NDArray[np.float64], found: Inferred) -> str:
    """Why no finer step was taken."""
    largest = float(np.abs(values).max())
    if found.step.denominator * 10 * largest > LARGEST_STEPS:
        return f"Finer ones do not hold the largest value, {largest!r}: {LARGEST_STEPS:.1e} steps at most."
    return f"The finest step is {found.step.size:g}."


def _refuse_largest(columns: Sequence[NDArray[np.float64]], found: Inferred, column: Column, argument: str) -> None:
    largest = max((max(float(values.max()), -float(values.min())) for values in columns if len(values)), default=0.0)
    if largest * found.step.denominator > LARGEST_STEPS * found.step.numerator:
        values = row_by_row(columns)
        at = int(np.argmax(np.abs(values)))
        refuse_beyond(float(values[at]), found.step, place=column.at(at), argument=argument)
