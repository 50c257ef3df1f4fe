"""Arrays as strategies: weights, targets or signals computed beforehand become a `Panel`; what cannot be right is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from framework.config import RiskConfig, parse_risk
from framework.data.tape import Tape
from framework.engine.panel import Panel
from framework.engine.strategy import Strategy
from framework.errors import ConfigError, InputError, did_you_mean
from framework.kernel.loops.panel import ENTRY, EXIT, SHORT_ENTRY, SHORT_EXIT
from framework.simulation.building import is_built_from_data
from framework.simulation.decision_stamps import Nanoseconds, decision_stamps

Matrix = pd.DataFrame | pd.Series | NDArray[Any]
_SLACK = 1e-9
"""Relative room for rounding in the sum of a row."""
_CODES = {"entries": ENTRY, "exits": EXIT, "short_entries": SHORT_ENTRY, "short_exits": SHORT_EXIT}
_CONFLICTS = (("entries", "exits"), ("short_entries", "short_exits"), ("entries", "short_entries"))


@dataclass(frozen=True, eq=False)
class Signals:
    """Entries and exits computed beforehand: `backtest(signals=Signals(entries, exits))`.

    All are boolean and of one shape, index and columns. What is expected of an instrument is its position and its working market
    orders: an entry acts where that is not above zero already, an exit where it is, short entries and exits likewise below zero.

    Attributes:
        entries, exits: of long positions.
        short_entries, short_exits: of short positions; they need `risk={"allow_short": True}`.
        weight: fraction of equity an entry aims at, above 0; if neither it nor `quantity` is given, `max_leverage` divided by the
            number of columns.
        quantity: instead, the units an entry aims at, above 0.
    """

    entries: Matrix
    exits: Matrix
    short_entries: Matrix | None = None
    short_exits: Matrix | None = None
    weight: float | None = None
    quantity: float | None = None


@dataclass(frozen=True)
class _Table:
    """A matrix as read: one row a stamp, one column a symbol."""

    label: str
    index: pd.Index
    stamps: Nanoseconds
    symbols: tuple[str, ...]
    values: NDArray[Any]

    def place(self, row: int, column: int) -> str:
        return f"{self.label}, row {self.index[row]}, column {self.symbols[column]}"


def check_given(caller: str, given: Mapping[str, object]) -> None:
    """Refuse anything but exactly one of what could run, and a strategy that is none.

    Args:
        caller: for the message, such as "backtest()".
        given: what was given, by name; None is nothing.

    Raises:
        ConfigError: none or several were given, or `strategy` is neither a Strategy nor a class that is built from data.
    """
    names, found = list(given), [name for name, value in given.items() if value is not None]
    if len(found) != 1:
        raise ConfigError(
            f"{caller} needs exactly one of {', '.join(names[:-1])} and {names[-1]}, got {' and '.join(found) or 'none of them'}."
        )
    strategy = given.get("strategy")
    if isinstance(strategy, (pd.DataFrame, pd.Series, np.ndarray)):
        raise ConfigError(f"strategy is a {type(strategy).__name__}; arrays are given by name: {caller[:-1]}weights=...)")
    if strategy is not None and not isinstance(strategy, Strategy) and not is_built_from_data(strategy):
        raise ConfigError(
            f"strategy must be an instance of a Strategy subclass, got {strategy!r}; did you forget the brackets of Crossover()?"
        )


def as_strategy(
    *,
    weights: Matrix | None = None,
    targets: Matrix | None = None,
    signals: Signals | Sequence[Matrix] | None = None,
    tape: Tape | None = None,
    risk: Mapping[str, Any] | RiskConfig | None = None,
) -> Panel:
    """The strategy that follows arrays, as `backtest` makes it; `prove` and the like take it in place of a class.

    Args:
        weights, targets, signals: exactly one; see `backtest`.
        tape: the data of the run. Without it stamps and symbols are not compared, and only frames with zoned stamps are taken.
        risk: limits of the run; None is long only, without leverage.

    Raises:
        ConfigError: none or several were given, or settings of `Signals` cannot be right.
        InputError: an index, a column or a value that cannot be right; the message says where and what to do.
    """
    check_given("as_strategy()", {"weights": weights, "targets": targets, "signals": signals})
    limits = parse_risk(risk)
    if signals is not None:
        return _signals(signals, tape, limits)
    mode, matrix = ("targets", targets) if weights is None else ("weights", weights)
    return _targets(mode, cast(Matrix, matrix), tape, limits)


def _targets(mode: str, matrix: Matrix, tape: Tape | None, risk: RiskConfig) -> Panel:
    table = _read(mode, matrix, tape, "iuf")
    panel = Panel(mode, table.stamps, table.symbols, table.values)
    said = panel.cells
    if not said.size:
        raise InputError(f"{mode}: all {table.values.size} cells are NaN, so nothing would be ordered. Was it aligned to another index?")
    lowest, highest = float(np.nanmin(said)), float(np.nanmax(said))
    if not np.isfinite(lowest) or not np.isfinite(highest):
        row, column = _first(np.isinf(table.values))
        raise InputError(f"{table.place(row, column)}: {table.values[row, column]} is not a number to aim at. Use NaN to hold.")
    if lowest < 0.0 and not risk.allow_short:
        row, column = _first(table.values < 0.0)
        raise InputError(
            f"{table.place(row, column)}: {table.values[row, column]:g} < 0 while risk.allow_short is false; "
            f'{int((table.values < 0.0).sum())} cells in all. Give risk={{"allow_short": True}} or values from 0.'
        )
    if mode == "weights":
        _check_sums(table, said, risk.max_leverage)
    return panel


def _check_sums(table: _Table, said: NDArray[np.float64], limit: float) -> None:
    if not (np.nansum(np.abs(said), axis=1) > limit * (1.0 + _SLACK)).any():
        return
    sums = np.nansum(np.abs(table.values), axis=1)
    over = sums > limit * (1.0 + _SLACK)
    row = int(np.argmax(over))
    raise InputError(
        f"{table.label}, row {table.index[row]}: the absolute weights add up to {sums[row]:.10g} > max_leverage {limit:g}; "
        f'{int(over.sum())} rows in all. Scale them down or give risk={{"max_leverage": {np.ceil(sums.max() * 100) / 100:g}}}.'
    )


def _signals(signals: Signals | Sequence[Matrix], tape: Tape | None, risk: RiskConfig) -> Panel:
    if not isinstance(signals, Signals):
        if not isinstance(signals, tuple) or len(signals) != 2:
            length = f" of {len(signals)}" if isinstance(signals, (tuple, list)) else ""
            raise ConfigError(f"signals is a {type(signals).__name__}{length}: must be (entries, exits) or Signals(...).")
        signals = Signals(*signals)
    given = {name: matrix for name in _CODES if (matrix := getattr(signals, name)) is not None}
    for name in ("entries", "exits"):
        if name not in given:
            raise ConfigError(f"signals.{name} is None: entries and exits are needed, all False where there are none.")
    tables = {name: _read(f"signals.{name}", matrix, tape, "b") for name, matrix in given.items()}
    first = tables["entries"]
    for table in tables.values():
        _check_alike(first, table)
    for one, other in _CONFLICTS:
        if one in tables and other in tables and (both := tables[one].values & tables[other].values).any():
            row, column = _first(both)
            raise InputError(
                f"{first.place(row, column)}: {one} and {other} are both true; {int(both.sum())} cells in all. Decide which is meant."
            )
    if "short_entries" in tables and not risk.allow_short and tables["short_entries"].values.any():
        row, column = _first(tables["short_entries"].values)
        raise InputError(
            f"{tables['short_entries'].place(row, column)}: a short entry while risk.allow_short is false. "
            'Give risk={"allow_short": True} or leave short_entries out.'
        )
    codes = np.zeros(first.values.shape)
    for name, table in tables.items():
        codes += _CODES[name] * table.values
    size, in_units = _size(signals, len(first.symbols), risk)
    return Panel("signals", first.stamps, first.symbols, codes, size=size, in_units=in_units)


def _size(signals: Signals, columns: int, risk: RiskConfig) -> tuple[float, bool]:
    """(what an entry aims at, whether it is in units)."""
    if signals.weight is not None and signals.quantity is not None:
        raise ConfigError(f"signals: weight = {signals.weight} and quantity = {signals.quantity}; give one of them.")
    for name, value in (("weight", signals.weight), ("quantity", signals.quantity)):
        if value is not None and not 0.0 < value < np.inf:
            raise ConfigError(f"signals.{name} = {value}: must be a number above 0; short entries take its negative.")
    if signals.weight is not None and signals.weight > risk.max_leverage * (1.0 + _SLACK):
        raise ConfigError(f"signals.weight = {signals.weight:g} > max_leverage {risk.max_leverage:g}: no entry could be afforded.")
    if signals.quantity is not None:
        return float(signals.quantity), True
    return risk.max_leverage / columns if signals.weight is None else float(signals.weight), False


def _check_alike(first: _Table, other: _Table) -> None:
    if first.values.shape != other.values.shape:
        raise InputError(f"{other.label} has shape {other.values.shape}, {first.label} {first.values.shape}; they must be alike.")
    for what, mine, theirs in (("index", first.stamps, other.stamps), ("columns", np.array(first.symbols), np.array(other.symbols))):
        if not np.array_equal(mine, theirs):
            at = int(np.argmax(mine != theirs))
            shown = (other.index[at], first.index[at]) if what == "index" else (theirs[at], mine[at])
            raise InputError(
                f"{other.label}: its {what} has {shown[0]} at position {at}, {first.label} has {shown[1]}; they must be alike."
            )


def _first(mask: NDArray[np.bool_]) -> tuple[int, int]:
    """Row and column of the first true cell."""
    row, column = np.unravel_index(int(np.argmax(mask)), mask.shape)
    return int(row), int(column)


def _read(label: str, matrix: Matrix, tape: Tape | None, kinds: str) -> _Table:
    """A frame, a Series or an array as a table; `kinds` are numpy's letters of the dtypes that are taken."""
    if isinstance(matrix, np.ndarray):
        return _read_array(label, matrix, tape, kinds)
    if isinstance(matrix, pd.Series):
        matrix = _as_frame(label, matrix, tape)
    if not isinstance(matrix, pd.DataFrame):
        raise InputError(f"{label} is a {type(matrix).__name__}: must be a DataFrame, a Series of one instrument, or a numpy array.")
    symbols = _symbols(label, matrix, tape)
    values = _values(label, matrix, kinds)
    return _Table(label, matrix.index, decision_stamps(label, matrix.index, symbols, tape), symbols, values)


def _as_frame(label: str, series: pd.Series, tape: Tape | None) -> pd.DataFrame:
    known = [] if tape is None else [instrument.symbol for instrument in tape.instruments]
    if len(known) == 1 and (series.name is None or series.name not in known):
        return series.to_frame(known[0])
    if not isinstance(series.name, str) or (known and series.name not in known):
        raise InputError(
            f"{label} is a Series named {series.name!r}, and the data have {len(known)} instruments: its name must be a symbol. "
            f"{did_you_mean(str(series.name), known)}"
        )
    return series.to_frame()


def _symbols(label: str, frame: pd.DataFrame, tape: Tape | None) -> tuple[str, ...]:
    symbols = tuple(frame.columns)
    if not symbols:
        raise InputError(f"{label}: no columns. Name one column for each instrument it decides on.")
    if not frame.columns.is_unique:
        twice = next(name for name, again in zip(symbols, frame.columns.duplicated(), strict=True) if again)
        raise InputError(f"{label}: column {twice!r} comes {symbols.count(twice)} times. Keep one column for each symbol.")
    known = None if tape is None else {instrument.symbol for instrument in tape.instruments}
    for symbol in symbols:
        if not isinstance(symbol, str):
            raise InputError(f"{label}: column {symbol!r} is a {type(symbol).__name__}; columns must be symbols.")
        if known is not None and symbol not in known:
            raise InputError(f"{label}: column {symbol!r} is not a symbol of the data. {did_you_mean(symbol, known)}")
    return symbols


def _values(label: str, frame: pd.DataFrame, kinds: str) -> NDArray[Any]:
    """The cells, as float64 or bool; without a copy where the frame is one block."""
    dtypes = frame.dtypes
    for dtype in dtypes.unique():
        if dtype.kind not in kinds:
            name = dtypes.index[int(np.argmax([found == dtype for found in dtypes]))]
            wanted = (
                "boolean. Convert it with .fillna(False).astype(bool)."
                if kinds == "b"
                else "a number or NaN. Convert it with .astype(float)."
            )
            raise InputError(f"{label}: column {name} has dtype {dtype}; every cell must be {wanted}")
    if any(not isinstance(dtype, np.dtype) for dtype in dtypes.unique()):
        if kinds == "b" and bool(frame.isna().any(axis=None)):
            raise InputError(f"{label}: {int(frame.isna().sum().sum())} cells are missing. Say what they mean with .fillna(False).")
        return frame.to_numpy(dtype=bool) if kinds == "b" else frame.to_numpy(dtype=np.float64, na_value=np.nan)
    return frame.to_numpy(dtype=bool if kinds == "b" else np.float64)


def _read_array(label: str, array: NDArray[Any], tape: Tape | None, kinds: str) -> _Table:
    if tape is None:
        raise InputError(f"{label}: a numpy array needs the data for its rows and columns. Give a DataFrame.")
    if array.dtype.kind not in kinds:
        raise InputError(f"{label} has dtype {array.dtype}; it must be {'bool' if kinds == 'b' else 'a number'}.")
    stamps, symbols = tape.bar_stamps, tuple(instrument.symbol for instrument in tape.instruments)
    if array.shape != (len(stamps), len(symbols)):
        raise InputError(
            f"{label} has shape {array.shape}, the data have {len(stamps)} stamps of bars and {len(symbols)} instruments: an array must "
            f"have shape {(len(stamps), len(symbols))}. A DataFrame may leave rows and columns out."
        )
    index = pd.DatetimeIndex(stamps, tz="UTC")
    return _Table(label, index, stamps, symbols, array if kinds == "b" else array.astype(np.float64, copy=False))
