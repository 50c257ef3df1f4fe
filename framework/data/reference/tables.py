"""Reference data as of a moment: instruments, their names, ticks, terms and universes, each with the time for which it is true.

A folder of CSV files holds it, one file a table (decision 0013):

    instruments.csv   id, venue, ticks, lot, multiplier, currency, kind, base_currency, calendar, from, to
    symbols.csv       id, venue, symbol, from, to           what a venue or vendor calls it; a rename is a further row
    ticks.csv         schedule, tick, price_from, from, to  steps of prices, by price and by time
    contracts.csv     id, underlying, expiry, right, strike, style, settlement
    members.csv       universe, id, from, to, known         entry and exit
    actions.csv       id, ts, kind, value, child            splits, dividends, spin-offs, delistings
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, reduce
from itertools import pairwise
from math import gcd
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pandas as pd

from framework.data.reference.actions import ACTION_KINDS, RENAME
from framework.data.reference.rows import (
    ActionRow,
    AnyRow,
    At,
    ContractRow,
    InstrumentRow,
    MemberRow,
    SymbolRow,
    TickRow,
    instant_ns,
    ordered,
    read_rows,
    shown,
    span,
    write_rows,
)
from framework.errors import DataError, did_you_mean
from framework.schema.instrument import Instrument, InstrumentKind
from framework.schema.units import Step


class _Dated(Protocol):
    @property
    def from_ns(self) -> int: ...
    @property
    def to_ns(self) -> int: ...


Dated = TypeVar("Dated", bound=_Dated)


@dataclass(frozen=True)
class Reference:
    """Reference data. Rows may come in any order; they are checked when the object is made.

    Every answer is as of `at`: a row counts from its `from` up to, and not including, its `to`. A moment outside every row is a
    DataError that names the nearest.

    >>> spwr = Reference(
    ...     (InstrumentRow("SPWR", "XNAS", "cents"),),
    ...     (
    ...         SymbolRow("SPWR", "XNAS", "SPWRA", instant_ns("2008-09-30"), instant_ns("2011-11-17")),
    ...         SymbolRow("SPWR", "XNAS", "SPWR", instant_ns("2011-11-17")),
    ...     ),
    ...     (TickRow("cents", Step(1, 100)),),
    ... )
    >>> spwr.resolve("SPWRA", "XNAS", "2010-01-04"), spwr.symbol_of("SPWR", "XNAS", "2020-01-02")
    ('SPWR', 'SPWR')
    """

    instruments: tuple[InstrumentRow, ...] = ()
    symbols: tuple[SymbolRow, ...] = ()
    ticks: tuple[TickRow, ...] = ()
    contracts: tuple[ContractRow, ...] = ()
    members: tuple[MemberRow, ...] = ()
    actions: tuple[ActionRow, ...] = ()

    def __post_init__(self) -> None:
        _check(self)

    @classmethod
    def load(cls, folder: str | Path) -> Reference:
        """Read a folder; a table without a file is empty.

        Raises:
            DataError: no folder, no table in it, a row that cannot be read or breaks a rule.
        """
        place = Path(folder)
        names = {kind.FILE for kind in _TABLES.values()}
        found = [item.name for item in place.iterdir() if item.suffix == ".csv"] if place.is_dir() else []
        for name in found:
            if name not in names:
                raise DataError(f"{place / name}: not a table of reference data. {did_you_mean(name, names)}")
        if not found:
            raise DataError(f"{place}: no reference data. A folder holds {', '.join(sorted(names))}, or some of them.")
        return cls(
            read_rows(place, InstrumentRow),
            read_rows(place, SymbolRow),
            read_rows(place, TickRow),
            read_rows(place, ContractRow),
            read_rows(place, MemberRow),
            read_rows(place, ActionRow),
        )

    def save(self, folder: str | Path) -> None:
        """Write the tables into a folder, which is made; the same data give the same bytes."""
        place = Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        for name, kind in _TABLES.items():
            write_rows(place, getattr(self, name), kind)

    def joined(self, *others: Reference) -> Reference:
        """The rows of all; a row that several hold counts once."""
        tables = {name: tuple(dict.fromkeys(row for one in (self, *others) for row in getattr(one, name))) for name in _TABLES}
        return Reference(**tables)

    def row(self, id: str, at: At) -> InstrumentRow:
        """The definition of an instrument as of a moment.

        Raises:
            DataError: no such id, or not listed then.
        """
        return _valid(self._of_id(id), instant_ns(at), f"instrument {id!r}", "listed")

    def instrument(self, id: str, at: At) -> Instrument:
        """An instrument as of a moment; its symbol is the id, which outlives renames.

        Where the tick depends on the price, the grid is the coarsest on which every tick of the day lies: 0.0001 below 1 dollar and
        0.01 above make 0.0001. What orders may be priced at is said by `tick_at`.

        Raises:
            DataError: no such id, not listed then, or no tick is valid then.
        """
        ns = instant_ns(at)
        row = self.row(id, ns)
        bands = self._bands(row.ticks, ns)
        tick = reduce(_common, (Fraction(band.tick.numerator, band.tick.denominator) for band in bands))
        option = self.contract(id) if row.kind is InstrumentKind.OPTION else None
        return Instrument(
            symbol=id,
            tick=Step(tick.numerator, tick.denominator),
            lot=row.lot,
            multiplier=row.multiplier,
            currency=row.currency,
            kind=row.kind,
            base_currency=row.base_currency,
            venue=row.venue,
            calendar=row.calendar,
            product=row.product,
            strike=float(option.strike) if option else 0.0,
            right=option.right if option else "",
            expiry_ns=option.expiry_ns if option else 0,
        )

    def tick_at(self, id: str, at: At, price: float | str | Fraction) -> Step:
        """The step on which an order at a price must lie.

        Raises:
            DataError: no such id, not listed then, no tick valid then, or a price below every band.
        """
        ns, exact = instant_ns(at), Fraction(str(price))
        bands = self._bands(self.row(id, ns).ticks, ns)
        under = [band for band in bands if band.price_from <= exact]
        if not under:
            raise DataError(f"{id}: a price of {price} at {shown(ns)} is below every band; the first begins at {bands[0].price_from}.")
        return under[-1].tick

    def resolve(self, symbol: str, venue: str, at: At) -> str:
        """The id of what a venue called by a symbol at a moment.

        Raises:
            DataError: the venue never used the symbol, or not then.
        """
        found = self._by_name.get((venue, symbol))
        if found is None:
            venues = sorted({name for name, _ in self._by_name})
            if venue not in venues:
                raise DataError(f"venue {venue!r} has no symbols. {did_you_mean(venue, venues)}")
            raise DataError(f"{venue} never had a symbol {symbol!r}. {did_you_mean(symbol, [s for v, s in self._by_name if v == venue])}")
        return _valid(found, instant_ns(at), f"symbol {symbol!r} of {venue}", "used").id

    def symbol_of(self, id: str, venue: str, at: At) -> str:
        """What a venue called an instrument at a moment.

        Raises:
            DataError: no such id, the venue has no name for it, or not then.
        """
        self._of_id(id)
        found = self._by_id.get((id, venue))
        if found is None:
            raise DataError(f"{id}: {venue} has no name for it. {did_you_mean(venue, [v for i, v in self._by_id if i == id])}")
        return _valid(found, instant_ns(at), f"{id} at {venue}", "named").symbol

    def universe(self, name: str, at: At) -> tuple[str, ...]:
        """The members at a moment, sorted, as far as they could be known then.

        Raises:
            DataError: no such universe, or it has no members then.
        """
        rows, ns = self._by_universe.get(name), instant_ns(at)
        if rows is None:
            raise DataError(f"no universe {name!r}. {did_you_mean(name, self._by_universe)}")
        found = sorted({row.id for row in rows if row.from_ns <= ns < row.to_ns and row.known_ns <= ns})
        if not found:
            since = [_Since(max(row.from_ns, row.known_ns), row.to_ns) for row in rows]
            _valid([row for row in since if row.from_ns < row.to_ns], ns, f"universe {name!r}", "known")
        return tuple(found)

    def contract(self, id: str) -> ContractRow:
        """The terms of a future or option.

        Raises:
            DataError: no such id, or it is no contract.
        """
        self._of_id(id)
        if id not in self._by_contract:
            raise DataError(f"{id} is no contract. {did_you_mean(id, self._by_contract)}")
        return self._by_contract[id]

    def expiry(self, id: str) -> int:
        """When a contract ends, UTC ns."""
        return self.contract(id).expiry_ns

    def contracts_of(self, underlying: str) -> tuple[ContractRow, ...]:
        """The contracts on an underlying or of a root, by expiry.

        Raises:
            DataError: there are none.
        """
        found = sorted((row for row in self.contracts if row.underlying == underlying), key=lambda row: (row.expiry_ns, row.id))
        if not found:
            raise DataError(f"no contracts on {underlying!r}. {did_you_mean(underlying, {row.underlying for row in self.contracts})}")
        return tuple(found)

    def action_table(self, ids: Iterable[str] | None = None) -> pd.DataFrame:
        """Corporate actions and renames at the own venue, in order of time, as `tape.build` takes them; of all ids if none are given."""
        wanted = {row.id for row in self.instruments} if ids is None else set(ids)
        for id in wanted:
            self._of_id(id)
        rows = [(row.ts_ns, row.id, row.kind, row.value, row.child) for row in self.actions if row.id in wanted]
        for (id, venue), names in self._by_id.items():
            if id in wanted and venue in {row.venue for row in self._of_id(id)}:
                rows += [(b.from_ns, id, RENAME, b.symbol, "") for a, b in pairwise(names) if a.symbol != b.symbol]
        rows.sort()
        table = pd.DataFrame(rows, columns=["ts", "symbol", "kind", "value", "child"])
        return table.assign(ts=pd.to_datetime(table["ts"].astype("int64"), utc=True))

    def _of_id(self, id: str) -> list[InstrumentRow]:
        if id not in self._definitions:
            raise DataError(f"no instrument {id!r}. {did_you_mean(id, self._definitions)}")
        return self._definitions[id]

    def _bands(self, schedule: str, ns: int) -> list[TickRow]:
        """Rows of a schedule that are valid at a moment, by price."""
        rows = self._schedules[schedule]
        found = [row for row in rows if row.from_ns <= ns < row.to_ns]
        return found or [_valid(rows, ns, f"tick schedule {schedule!r}", "valid")]

    @cached_property
    def _definitions(self) -> dict[str, list[InstrumentRow]]:
        return _grouped(self.instruments, lambda row: row.id)

    @cached_property
    def _by_name(self) -> dict[tuple[str, str], list[SymbolRow]]:
        return _grouped(self.symbols, lambda row: (row.venue, row.symbol))

    @cached_property
    def _by_id(self) -> dict[tuple[str, str], list[SymbolRow]]:
        return _grouped(self.symbols, lambda row: (row.id, row.venue))

    @cached_property
    def _by_universe(self) -> dict[str, list[MemberRow]]:
        return _grouped(self.members, lambda row: row.universe)

    @cached_property
    def _by_contract(self) -> dict[str, ContractRow]:
        return {row.id: row for row in self.contracts}

    @cached_property
    def _schedules(self) -> dict[str, list[TickRow]]:
        found = _grouped(self.ticks, lambda row: row.schedule)
        return {name: sorted(rows, key=lambda row: (row.price_from, row.from_ns)) for name, rows in found.items()}


@dataclass(frozen=True, slots=True)
class _Since:
    from_ns: int
    to_ns: int


_TABLES: dict[str, type[AnyRow]] = {
    "instruments": InstrumentRow,
    "symbols": SymbolRow,
    "ticks": TickRow,
    "contracts": ContractRow,
    "members": MemberRow,
    "actions": ActionRow,
}
_STYLES = ("american", "european")
_SETTLEMENTS = ("", "cash", "physical")


def _grouped(rows: Iterable[Any], key: Callable[[Any], Any]) -> dict[Any, Any]:
    """Rows by key, each group in order of time."""
    groups: dict[Any, list[Any]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return {name: sorted(group, key=lambda row: row.from_ns) for name, group in groups.items()}


def _valid(rows: Sequence[Dated], ns: int, what: str, said: str) -> Dated:
    """The row that holds at a moment."""
    for row in rows:
        if row.from_ns <= ns < row.to_ns:
            return row
    near = min(rows, key=lambda row: row.from_ns - ns if ns < row.from_ns else ns - row.to_ns)
    raise DataError(f"{what} is not {said} at {shown(ns) or ns}; the nearest it is {said}: {span(near.from_ns, near.to_ns)}.")


def _common(a: Fraction, b: Fraction) -> Fraction:
    return Fraction(gcd(a.numerator * b.denominator, b.numerator * a.denominator), a.denominator * b.denominator)


def _check(reference: Reference) -> None:
    """Raise for the first row that breaks a rule."""
    ids = {row.id for row in reference.instruments}
    schedules = {row.schedule for row in reference.ticks}
    for name in _TABLES:
        for row in ordered(getattr(reference, name)):
            if isinstance(row, InstrumentRow):
                if row.ticks not in schedules:
                    raise DataError(
                        f"{_place(row)}: no tick schedule {row.ticks!r}. {did_you_mean(row.ticks, schedules)} Add or correct it."
                    )
                if not row.multiplier > 0:
                    raise DataError(f"{_place(row)}: multiplier {row.multiplier}; rule: > 0. Correct it.")
            elif not isinstance(row, TickRow) and row.id not in ids:
                raise DataError(
                    f"{_place(row)}: no instrument {row.id!r} in {InstrumentRow.FILE}. {did_you_mean(row.id, ids)} Add or correct it."
                )
            if not isinstance(row, (ContractRow, ActionRow)) and row.from_ns >= row.to_ns:
                raise DataError(f"{_place(row)}: {span(row.from_ns, row.to_ns)}; rule: from < to. Swap or correct the dates.")
            _check_row(row)
    _refuse_overlaps(reference.instruments, lambda row: row.id, "an instrument has one definition at a time")
    _refuse_overlaps(reference.symbols, lambda row: (row.id, row.venue), "an instrument has one symbol a venue at a time")
    _refuse_overlaps(reference.symbols, lambda row: (row.venue, row.symbol), "a symbol of a venue means one instrument at a time")
    _refuse_overlaps(reference.ticks, lambda row: (row.schedule, row.price_from), "a band of prices has one tick at a time")
    _refuse_overlaps(reference.members, lambda row: (row.universe, row.id), "an instrument is in a universe once at a time")
    seen: set[str] = set()
    for contract in reference.contracts:
        if contract.id in seen:
            raise DataError(f"{_place(contract)}: the contract comes twice. Keep one row.")
        seen.add(contract.id)


def _check_row(row: AnyRow) -> None:
    if isinstance(row, TickRow) and row.price_from < 0:
        raise DataError(f"{_place(row)}: price_from {row.price_from}; rule: >= 0. Correct it.")
    if isinstance(row, ContractRow):
        if row.right not in ("", "C", "P"):
            raise DataError(f'{_place(row)}: right {row.right!r}; rule: "C", "P", or empty for a future. Correct it.')
        if bool(row.right) != (row.strike > 0) or bool(row.right) != (row.style in _STYLES) or (not row.right and row.style):
            raise DataError(
                f"{_place(row)}: right {row.right!r}, strike {row.strike}, style {row.style!r}; rule: an option has a strike > 0 and "
                f"a style ({' or '.join(_STYLES)}), a future has none of the three. Correct it."
            )
        if row.settlement not in _SETTLEMENTS:
            raise DataError(f"{_place(row)}: settlement {row.settlement!r}. {did_you_mean(row.settlement, _SETTLEMENTS[1:])} Correct it.")
    if isinstance(row, ActionRow) and row.kind not in ACTION_KINDS:
        raise DataError(f"{_place(row)}: kind {row.kind!r} is unknown. {did_you_mean(row.kind, ACTION_KINDS)} Correct it.")


def _refuse_overlaps(rows: Iterable[Any], key: Callable[[Any], Any], rule: str) -> None:
    for group in _grouped(rows, key).values():
        for one, after in pairwise(group):
            if after.from_ns < one.to_ns:
                raise DataError(
                    f"{_place(after)}: {span(after.from_ns, after.to_ns)} overlaps the row {span(one.from_ns, one.to_ns)}; rule: {rule}. "
                    "End the one where the other begins."
                )


def _place(row: AnyRow) -> str:
    """How a message names a row: its table and the words that tell it from others."""
    if isinstance(row, TickRow):
        return f"{row.FILE}, {row.schedule} at {row.price_from}"
    if isinstance(row, MemberRow):
        return f"{row.FILE}, {row.universe} {row.id}"
    return f"{row.FILE}, {row.id}" + (f" at {row.venue}" if isinstance(row, SymbolRow) else "")
