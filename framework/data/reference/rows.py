"""The rows of reference data: what an instrument is, is called and belongs to, each valid from one moment up to another.

A validity is half-open, [from, to): at `to` the row is over. Stamps are UTC ns; in files they are ISO 8601, a date meaning its midnight
UTC, and a blank `from` or `to` means "ever before" or "until now".
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np
import pandas as pd

from framework.data.checks.decimals import exact
from framework.data.checks.far_off import FAR_OFF
from framework.data.checks.library_errors import reading, said, text_of
from framework.errors import DataError, InputError, did_you_mean
from framework.schema.instrument import InstrumentKind
from framework.schema.units import NANOSECONDS_PER_DAY, NEVER_NS, Step

ALWAYS_NS = -NEVER_NS
"""A validity that begins here was always there."""

At = int | str | dt.date | pd.Timestamp
"""A moment: UTC ns, a stamp with its zone, or a date, which is its midnight UTC."""


@dataclass(frozen=True, slots=True)
class InstrumentRow:
    """What is traded under one lasting id: the terms of `schema.Instrument`, for a time.

    Attributes:
        id: stays when the symbol changes; the symbol of the instrument on a tape.
        venue: where it trades; the venue whose symbol is its name of the day.
        ticks: name of its schedule in the ticks.
        calendar, currency, base_currency, kind, multiplier, lot: as of `schema.Instrument`.
        from_ns, to_ns: listed from, listed until.
        product: as of `schema.Instrument`; the file has the column where some row says one.
    """

    FILE: ClassVar[str] = "instruments.csv"

    id: str
    venue: str
    ticks: str
    lot: Step = Step(1, 1)
    multiplier: float = 1.0
    currency: str = "USD"
    kind: InstrumentKind = InstrumentKind.EQUITY
    base_currency: str = ""
    calendar: str = "24/7"
    from_ns: int = ALWAYS_NS
    to_ns: int = NEVER_NS
    product: str = ""


@dataclass(frozen=True, slots=True)
class SymbolRow:
    """What a venue or a vendor calls an instrument. A rename is one row's end and another's begin."""

    FILE: ClassVar[str] = "symbols.csv"

    id: str
    venue: str
    symbol: str
    from_ns: int = ALWAYS_NS
    to_ns: int = NEVER_NS


@dataclass(frozen=True, slots=True)
class TickRow:
    """A step of prices of a schedule, for prices at or above `price_from`, up to the next row's."""

    FILE: ClassVar[str] = "ticks.csv"

    schedule: str
    tick: Step
    price_from: Fraction = Fraction(0)
    from_ns: int = ALWAYS_NS
    to_ns: int = NEVER_NS


@dataclass(frozen=True, slots=True)
class ContractRow:
    """The terms of a future or an option.

    Attributes:
        underlying: an id, or the root of a future ("ES").
        expiry_ns: when it ends: the last moment it can be traded or exercised.
        right: "C" or "P"; empty for a future.
        strike: in units of the underlying's price; 0 for a future.
        style: "american" or "european"; empty for a future.
        settlement: "cash", "physical" or empty where it is not known.
    """

    FILE: ClassVar[str] = "contracts.csv"

    id: str
    underlying: str
    expiry_ns: int
    right: str = ""
    strike: Fraction = Fraction(0)
    style: str = ""
    settlement: str = ""


@dataclass(frozen=True, slots=True)
class MemberRow:
    """That an instrument belongs to a universe from entry to exit; `known_ns` is when that could be known, by default the entry."""

    FILE: ClassVar[str] = "members.csv"

    universe: str
    id: str
    from_ns: int = ALWAYS_NS
    to_ns: int = NEVER_NS
    known_ns: int = ALWAYS_NS


@dataclass(frozen=True, slots=True)
class ActionRow:
    """A corporate action as `tape.build` takes it: split, dividend, spin_off, delist; renames follow from the symbols.

    `value` is text: "2:1", an amount of money a share. `child` is the id of what a spin-off gave.
    """

    FILE: ClassVar[str] = "actions.csv"

    id: str
    ts_ns: int
    kind: str
    value: str
    child: str = ""


Row = TypeVar("Row", InstrumentRow, SymbolRow, TickRow, ContractRow, MemberRow, ActionRow)
AnyRow = InstrumentRow | SymbolRow | TickRow | ContractRow | MemberRow | ActionRow

_ISO = re.compile(r"\d{4}-\d\d-\d\d($|[T ]\d\d:\d\d)")
_BLANK = {"from_ns": ALWAYS_NS, "known_ns": ALWAYS_NS, "to_ns": NEVER_NS}
_NEEDED = ("id", "venue", "ticks", "symbol", "schedule", "tick", "underlying", "expiry_ns", "universe", "ts_ns", "value")


def instant_ns(at: At) -> int:
    """UTC ns of a moment.

    Raises:
        DataError: a time without a zone, or no moment at all.

    >>> instant_ns("1970-01-02")
    86400000000000
    """
    if isinstance(at, (int, np.integer)):
        return int(at)
    try:
        if isinstance(at, str) and not _ISO.match(at):
            raise ValueError("not ISO 8601")
        stamp = pd.Timestamp(at)
        if not 1850 <= stamp.year < 2200:  # nor is what is missing
            raise ValueError(FAR_OFF)
    except (ValueError, TypeError, OverflowError) as error:
        raise DataError(f'{at!r} is not a moment. Write "2014-04-03" or "2014-04-03T04:00Z".') from error
    if stamp.tz is None and stamp != stamp.normalize():
        raise DataError(f'{at!r} has a time but no zone. Write "{stamp:%Y-%m-%dT%H:%M}Z" for UTC.')
    return int(stamp.as_unit("ns").value)


def shown(ns: int) -> str:
    """A moment as files write it: blank for "always" and "never", a date for a midnight UTC."""
    if ns in (ALWAYS_NS, NEVER_NS):
        return ""
    if ns % NANOSECONDS_PER_DAY == 0:
        return f"{pd.Timestamp(ns):%Y-%m-%d}"
    return pd.Timestamp(ns, tz="UTC").isoformat().replace("+00:00", "Z")


def span(from_ns: int, to_ns: int) -> str:
    """A validity in words."""
    begin = f"from {shown(from_ns)}" if from_ns != ALWAYS_NS else "from ever"
    return f"{begin} up to {shown(to_ns)}" if to_ns != NEVER_NS else f"{begin} on"


def column(name: str) -> str:
    """The header of a field in a file: its name without the unit, which a file says by ISO 8601."""
    return name.removesuffix("_ns")


def read_rows(folder: Path, kind: type[Row]) -> tuple[Row, ...]:
    """The rows of a file; none where there is no such file.

    Raises:
        DataError: an unknown or missing column, a field that cannot be read; names file, line, column, value and rule.
    """
    path = folder / kind.FILE
    if not path.exists():
        return ()
    known = {column(field.name): field.name for field in fields(kind)}
    text = text_of(path)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    with reading(path.name, "Correct the quotes and separators of its rows."):
        rows = [(reader.line_num, row) for row in reader if row]
    headers = rows[0][1] if rows else []
    for name in headers:
        if name not in known:
            raise DataError(f"{path}, column {name!r}: unknown. {did_you_mean(name, known)} Rename or remove it.")
        if headers.count(name) > 1:
            raise DataError(f"{path}, column {name!r}: comes twice. Remove one.")
    for header, name in known.items():
        if name in _NEEDED and header not in headers:
            raise DataError(f"{path}: column {header!r} is missing. Add it.")
    return tuple(_row(kind, known, headers, row, f"{path.name}, line {line}") for line, row in rows[1:])


def _row(kind: type[Row], known: dict[str, str], headers: Sequence[str], row: Sequence[str], place: str) -> Row:
    if len(row) != len(headers):
        raise DataError(f"{place}: rule: as many fields as the header, {len(headers)}, not {len(row)}. Correct the row.")
    values: dict[str, Any] = {}
    for header, text in zip(headers, row, strict=True):
        name = known[header]
        if not text:
            if name in _NEEDED:
                raise DataError(f"{place}, column {header}: empty. Fill it in.")
            if name in _BLANK:
                values[name] = _BLANK[name]
            continue
        try:
            values[name] = _kind(text) if (kind, name) == (InstrumentRow, "kind") else _READ.get(name, str)(text)
        except (InputError, ValueError, KeyError) as error:
            raise DataError(f"{place}, column {header}: {text[:60]!r} cannot be read: {said(error)}. Correct it.") from error
    return kind(**values)


def write_rows(folder: Path, rows: Sequence[AnyRow], kind: type[AnyRow]) -> None:
    """Write a file of rows, sorted, so that two versions can be compared line by line; no file where there are none."""
    path = folder / kind.FILE
    if not rows:
        path.unlink(missing_ok=True)
        return
    names = [field.name for field in fields(kind) if field.name != "product" or any(getattr(row, "product", "") for row in rows)]
    lines = [[_text(name, getattr(row, name)) for name in names] for row in ordered(rows)]
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows([[column(name) for name in names], *lines])


def ordered(rows: Iterable[AnyRow]) -> list[AnyRow]:
    """By their texts and validity; the order in which they were given does not show."""
    return sorted(rows, key=lambda row: [_key(getattr(row, field.name)) for field in fields(row)])


def _key(value: Any) -> Any:
    return Fraction(value.numerator, value.denominator) if isinstance(value, Step) else value


def _text(name: str, value: Any) -> str:
    if name.endswith("_ns"):
        return shown(value)
    if isinstance(value, InstrumentKind):
        return value.name.lower()
    if isinstance(value, (Step, Fraction)):
        return _decimal(value.numerator, value.denominator)
    return str(value)


def _decimal(numerator: int, denominator: int) -> str:
    rest = denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return f"{Decimal(numerator) / Decimal(denominator):f}" if rest == 1 else f"{numerator}/{denominator}"


def _kind(text: str) -> InstrumentKind:
    if text.upper() not in InstrumentKind.__members__:
        raise DataError(did_you_mean(text.upper(), InstrumentKind.__members__))
    return InstrumentKind[text.upper()]


_READ: dict[str, Callable[[str], Any]] = {
    "from_ns": instant_ns,
    "to_ns": instant_ns,
    "known_ns": instant_ns,
    "expiry_ns": instant_ns,
    "ts_ns": instant_ns,
    "lot": lambda text: Step.of(exact(text)),
    "tick": lambda text: Step.of(exact(text)),
    "price_from": exact,
    "strike": exact,
    "multiplier": lambda text: float(exact(text)),
}
