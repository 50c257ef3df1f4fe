"""What a feature is: one compiled step over a record of state, fed one event at a time or whole arrays, with the same bytes.

    class Change(Feature):
        state_dtype = np.dtype([("last", "<f8")])
        step = Step(change)             # def change(state, price): ...; its parameters name the columns it takes

        def __init__(self):
            super().__init__(last=math.nan)

    one = Change()
    one.update(100.0)                   # in a hook: one event, returns the value after it
    one.batch(prices)                   # arrays, one value an event; goes on from where `update` left off
    one.over(market_table(tape, "X"))   # columns of a table, as a pandas Series

A value is what could be known at its event. NaN says that it cannot be known yet. An input that is NaN (a book that is unknown)
is not taken for a number: each feature says what it does then.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, ClassVar, Self

import numba
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from framework.errors import ConfigError, InputError, did_you_mean
from framework.kernel.machine.compile import stamped_kernel

Floats = NDArray[np.float64]

_CHUNK = 1 << 16
"""Events of a batch between two looks at the room for what waits."""

_SOURCE = """
def one(root, {names}):
    return step(root[0], {names})

def loop(root, out, {names}):
    state = root[0]
    for k in range(len(out)):
        out[k] = step(state, {items})
"""


def feature_kernel(function: Callable[..., Any]) -> Any:
    """Compile a function of a feature to machine code, kept on disk by its code, what it calls and the values they read.

    Compiled hooks and Python call it alike.
    """
    if function.__module__ not in sys.modules:  # made by exec: what is kept on disk could not find its way back to it
        return numba.njit(error_model="numpy")(function)
    return stamped_kernel(function, "features")


class Step:
    """A step function `(state, input, ...) -> float`, with its two compiled callers: for one event and for arrays.

    Args:
        function: what numba can compile. Parameters after the first name its inputs; `side` and names that end with `_ns` are
            integers, all others floats.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self.names = tuple(inspect.signature(function).parameters)[1:]
        self._casts = tuple(int if name == "side" or name.endswith("_ns") else float for name in self.names)  # what numba takes fastest
        self.kinds = tuple(np.int64 if cast is int else np.float64 for cast in self._casts)

    @cached_property
    def _compiled(self) -> tuple[Any, Any]:
        function = self._function
        scope: dict[str, Any] = {"step": feature_kernel(function)}
        items = ", ".join(f"{name}[k]" for name in self.names)
        source = _SOURCE.format(names=", ".join(self.names), items=items)
        exec(compile(source, function.__code__.co_filename, "exec"), scope)
        for name in ("one", "loop"):
            scope[name].__module__, scope[name].__qualname__ = function.__module__, f"{function.__qualname__}.{name}"
        return feature_kernel(scope["one"]), feature_kernel(scope["loop"])

    def one(self, root: NDArray[np.void], values: Sequence[Any]) -> float:
        """The value after one event."""
        return float(self._compiled[0](root, *(cast(value) for cast, value in zip(self._casts, values, strict=True))))

    def loop(self, root: NDArray[np.void], out: Floats, columns: Sequence[NDArray[Any]]) -> None:
        """The values after each of some events."""
        self._compiled[1](root, out, *columns)


class Feature:
    """Base class: owns the state, feeds the step.

    Attributes:
        state: one row of `state_dtype`.
        rows: which rows of a market table `over` takes: "all", "books" or "trades".
    """

    state_dtype: ClassVar[np.dtype[np.void]]
    step: ClassVar[Step]
    rows: ClassVar[str] = "all"

    def __init__(self, **start: float) -> None:
        self.state: NDArray[np.void] = np.zeros(1, dtype=self.state_dtype)
        self._tables: dict[str, NDArray[Any]] = {}
        for name, value in start.items():
            self.state[name] = value

    def update(self, *values: float) -> float:
        """Take in one event; return the value after it."""
        if len(values) != len(self.step.names):
            raise InputError(f"{type(self).__name__}.update takes {', '.join(self.step.names)}; got {len(values)} values")
        self._make_room(1)
        return self.step.one(self.state, values)

    def batch(self, *columns: ArrayLike) -> Floats:
        """Take in events as columns of one length, shape (n,) each; return the value after each, shape (n,)."""
        names, kinds = self.step.names, self.step.kinds
        if len(columns) != len(names):
            raise InputError(f"{type(self).__name__}.batch takes {', '.join(names)}; got {len(columns)} columns")
        given = [_column(type(self).__name__, *one) for one in zip(names, kinds, columns, strict=True)]
        lengths = {name: len(column) for name, column in zip(names, given, strict=True)}
        if len(set(lengths.values())) > 1:
            raise InputError(f"{type(self).__name__}.batch: columns of different lengths: {lengths}")
        out = np.empty(len(given[0]), dtype=np.float64)
        for begin in range(0, len(out), _CHUNK):
            part = slice(begin, begin + _CHUNK)
            self._make_room(len(out[part]))
            self.step.loop(self.state, out[part], [column[part] for column in given])
        return out

    def over(self, table: pd.DataFrame, **columns: str) -> pd.Series:
        """The values along a market table (`market_table`), on the rows this feature takes, with their index.

        Args:
            columns: which column an input is read from where it is not the one of its name: `price="mid"`.
        """
        for name in columns:
            if name not in self.step.names:
                raise InputError(f"{type(self).__name__}.over has no input {name!r}. {did_you_mean(name, self.step.names)}")
        inputs = [columns.get(name, name) for name in self.step.names]
        names = (*inputs, *(() if self.rows == "all" else ("is_trade",)))
        missing = [name for name in names if name not in table.columns]
        if missing:
            raise InputError(f"{type(self).__name__}.over: no column {', '.join(missing)}. Make the table with market_table().")
        if self.rows != "all":
            table = table[table["is_trade"] == (self.rows == "trades")]
        values = self.batch(*(table[name].to_numpy() for name in inputs))
        return pd.Series(values, index=table.index, name=type(self).__name__)

    def _make_room(self, events: int) -> None:
        """Make room for what so many events can leave waiting."""

    def _own(self, field: str, rows: NDArray[Any]) -> None:
        """Keep a table that the state reaches by the address in a field ("ring", or "inner.ring" for a record within it)."""
        self._tables[field] = rows
        *records, name = field.split(".")
        place = self.state
        for record in records:
            place = place[record]
        place[name] = rows.ctypes.data

    def _own_window(self, record: str, window: int, row: np.dtype[np.void]) -> None:
        """Give a record within the state, of `moments.ROLLING` or `moments.PAIRS`, its window of rows; 0 is none: all values count."""
        self.state[record]["window"] = at_least("window", window, 0)
        self._own(f"{record}.ring", np.zeros(max(window, 1), dtype=row))

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__.copy()

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.state, tables, self._tables = self.state.copy(), self._tables, {}
        for field, rows in tables.items():
            self._own(field, rows.copy())  # a copy has tables of its own

    def copy(self) -> Self:
        """A feature that goes on from here by itself."""
        made = type(self).__new__(type(self))
        made.__setstate__(self.__getstate__())
        return made


def at_least(name: str, value: float, least: float) -> Any:
    """The value, checked.

    Raises:
        ConfigError: it is below `least` or no number.
    """
    if not value >= least:
        raise ConfigError(f"{name} = {value!r}: must be at least {least}")
    return value


def above(name: str, value: float, bound: float) -> Any:
    """The value, checked.

    Raises:
        ConfigError: it is not above `bound`.
    """
    if not value > bound:
        raise ConfigError(f"{name} = {value!r}: must be above {bound}")
    return value


def _column(feature: str, name: str, kind: type[Any], values: ArrayLike) -> NDArray[Any]:
    given = np.asarray(values)
    if given.ndim != 1:
        raise InputError(f"{feature}: {name} has shape {given.shape}; rule: one dimension, an event a row")
    if kind is np.int64 and given.dtype.kind not in "iub":
        raise InputError(f"{feature}: {name} has dtype {given.dtype}; rule: integers")
    return np.ascontiguousarray(given, dtype=kind)
