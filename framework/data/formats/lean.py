"""QuantConnect Lean's folders: bars, quotes, ticks and open interest of every security type, date after date, as a recording.

Lean stamps a bar at its open in the time zone of the files; here it is stamped at its close, when it could be known. Files of the
folder `reference` (by default the one that holds the data) tell time zone, tick, lot and multiplier.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import groupby
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from framework.data.formats import lean_actions
from framework.data.formats.lean_files import (
    CONTRACTS,
    KINDS,
    RESOLUTIONS,
    ContractTerms,
    Kind,
    LeanFile,
    find,
    select,
    terms_of_member,
    tickers,
)
from framework.data.formats.lean_reference import SCALED, Given, Reference
from framework.data.formats.lean_rows import Rows, close_stamps, member_names, read_rows, to_events
from framework.data.reference.calendar import session_table
from framework.data.tape.event_arrays import chunks
from framework.data.tape.recording import Recording
from framework.data.tape.stamps import Bound, bounds_ns
from framework.errors import DataError, did_you_mean
from framework.schema.event import EVENT
from framework.schema.instrument import Instrument
from framework.schema.units import NANOSECONDS_PER_DAY, NANOSECONDS_PER_SECOND, Step

__all__ = ["ContractTerms", "read"]

Events = NDArray[np.void]
Suspicious = Literal["leave_out", "keep", "refuse"]
Hours = Literal["all", "session"]

EVENTS_PER_PART = 65_536
"""4 MB."""
_FOREVER = (dt.date.min, dt.date.max)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A file, the instrument's name it is read under, the days for which that holds, and each member's position."""

    file: LeanFile
    base: str
    days: tuple[dt.date, dt.date]
    owners: dict[str, int]


def read(
    path: str | Path,
    symbol: str | Sequence[str] | None = None,
    kind: Kind | None = None,
    start: Bound = None,
    end: Bound = None,
    *,
    security_type: str | None = None,
    market: str | None = None,
    resolution: str | None = None,
    reference: str | Path | None = None,
    map_files: str | Path | None = None,
    suspicious: Suspicious = "leave_out",
    hours: Hours = "all",
    time_zone: str | None = None,
    calendar: str | None = None,
    tick_size: float | str | Fraction | Step | None = None,
    lot_size: float | str | Fraction | Step | None = None,
    multiplier: float | None = None,
    currency: str | None = None,
) -> Recording:
    """Read Lean data.

    Args:
        path: a zip, or a folder of Lean's layout from its root ("Data") down to one ticker.
        symbol: tickers in any case, or symbols of contracts ("ES 2013-12"); None is all that is there.
        kind: "trade", "quote" or "openinterest"; None is all that is there.
        start, end: inclusive, of the events' stamps; see `stamps.bounds_ns`.
        security_type, market, resolution: which, where the folder holds several.
        reference: the folder with market-hours/ and symbol-properties/; by default the one that holds the data.
        map_files: folder of map files. A symbol that has one is read through its former tickers. Default: Lean's place, if there.
        suspicious: what to do with ticks flagged so: "leave_out" as Lean does (counted in the notes), "keep" or "refuse".
        hours: "all" that is there, or only what lies in the "session"s of the calendar, without the minutes before and after.
        time_zone: of the stamps in the files. calendar: of the instruments. Else by type and market.
        tick_size, lot_size, multiplier, currency: else from the databases. Prices of equities and options are in ten-thousandths,
            and so are their ticks.

    Returns:
        Trade bars as BAR, quote bars as QUOTE of the closing bid and ask, ticks as TRADE and QUOTE, and OPEN_INTEREST, all at the
        close of their bar. A daily bar closes with its session (equities, options, indices) or at the next local midnight. An empty
        side of a quote has price and size 0.

    Raises:
        DataError: naming file, member, line, column, value, rule and what to do.
    """
    place = Path(path)
    if kind is not None and kind not in KINDS:
        raise DataError(f"kind={kind!r} is unknown. {did_you_mean(str(kind), KINDS)}")
    if suspicious not in ("leave_out", "keep", "refuse"):
        raise DataError(f"suspicious={suspicious!r} is unknown. {did_you_mean(suspicious, ('leave_out', 'keep', 'refuse'))}")
    if hours not in ("all", "session"):
        raise DataError(f"hours={hours!r} is unknown. {did_you_mean(hours, ('all', 'session'))}")
    wanted = {"security_type": security_type, "market": market, "resolution": resolution, "kind": kind}
    files = select(find(place), wanted, place)
    file = files[0]
    first_ns, last_ns = bounds_ns(start, end)
    given = Given(time_zone, calendar, tick_size, lot_size, multiplier, currency)
    known = Reference.load(Path(reference) if reference is not None else file.root)
    maps = Path(map_files) if map_files is not None else file.root / file.security_type / file.market / "map_files"
    chosen = _chosen(files, [symbol] if isinstance(symbol, str) else symbol, maps, place)
    zones = {ticker: known.time_zone(file.security_type, file.market, ticker, given) for ticker in tickers(p.file for p in chosen)}
    pieces, instruments = _positions(_in_range(chosen, first_ns, last_ns, place), known, given, symbol, place)
    notes = [*_notes(pieces, instruments, known), *_count_suspicious(pieces, suspicious)]
    if hours == "session":
        notes.append(f"Rows outside the sessions of {instruments[0].calendar} are left out, as asked.")
    job = _Job(tuple(pieces), tuple(instruments), zones, first_ns, last_ns, suspicious, hours)
    return Recording(tuple(instruments), job.parts, str(place), tuple(notes))


@dataclass(frozen=True, slots=True)
class _Job:
    pieces: tuple[_Piece, ...]
    instruments: tuple[Instrument, ...]
    zones: dict[str, str]
    first_ns: int
    last_ns: int
    suspicious: Suspicious
    hours: Hours

    def parts(self) -> Iterator[Events]:
        """Period after period; the files of one are merged in memory."""
        last = np.iinfo(np.int64).min
        for period, group in groupby(self.pieces, key=lambda piece: piece.file.period):
            pieces = list(group)
            merged = _merged([self._events(piece) for piece in pieces])
            if not len(merged):
                continue
            begins = int(merged["ts_local_ns"][0])
            if begins < last:
                raise DataError(
                    f"{pieces[0].file.path}: period {period or 'all'} begins at {pd.Timestamp(begins, tz='UTC')}, before the one before it "
                    f"ends ({pd.Timestamp(last, tz='UTC')}). Read the tickers or years apart."
                )
            last = int(merged["ts_local_ns"][-1])
            yield from chunks(merged, EVENTS_PER_PART)

    def _events(self, piece: _Piece) -> Events:
        rows = read_rows(piece.file, piece.owners)
        if piece.days != _FOREVER:
            day = rows.opens // NANOSECONDS_PER_DAY
            rows = rows.only((day >= _day_number(piece.days[0])) & (day <= _day_number(piece.days[1])))
        flags = rows.values.get("suspicious")
        if flags is not None and self.suspicious != "keep":
            if self.suspicious == "refuse":
                rows.refuse(flags != 0, "suspicious", '0 (say suspicious="leave_out" or "keep" to read on)')
            rows = rows.only(flags == 0)
        calendar = self.instruments[next(iter(piece.owners.values()))].calendar
        stamps = close_stamps(rows, self.zones[piece.file.ticker], calendar)
        if piece.file.kind == "quote" and piece.file.security_type not in ("forex", "cfd") and piece.file.resolution == "tick":
            rows = _carried(rows)
        keep = (stamps >= self.first_ns) & (stamps <= self.last_ns)
        if self.hours == "session":
            keep &= _in_session(stamps, calendar, with_open=piece.file.resolution == "tick")
        return to_events(rows.only(keep), self.instruments, stamps[keep]) if not keep.all() else to_events(rows, self.instruments, stamps)


def _in_session(stamps: NDArray[np.int64], calendar: str, *, with_open: bool) -> NDArray[np.bool_]:
    """Bars that close in a session tell of it; one stamped at its open tells of the time before. A tick at the open belongs."""
    if not len(stamps):
        return np.zeros(0, np.bool_)
    table = session_table(calendar, int(stamps.min()), int(stamps.max()))
    session = np.searchsorted(table.close_ns, stamps)
    inside = session < len(table.close_ns)
    opens = table.open_ns[np.minimum(session, len(table.close_ns) - 1)]
    return inside & ((opens <= stamps) if with_open else (opens < stamps))


def _carried(rows: Rows) -> Rows:
    """A tick often tells one side: the other stands as it was last told, within the file and for each instrument."""
    values = dict(rows.values)
    order = np.argsort(rows.owner, kind="stable")
    back = np.argsort(order, kind="stable")
    owner = rows.owner[order]
    begins = np.concatenate([[0], np.flatnonzero(np.diff(owner)) + 1]) if len(owner) else np.zeros(0, np.int64)
    first = np.repeat(begins, np.diff(np.append(begins, len(owner))))
    for side in ("bid", "ask"):
        price = np.nan_to_num(rows.values[side], nan=0.0)[order]
        seen = np.maximum.accumulate(np.where(price != 0, np.arange(len(price)), -1)) if len(price) else first
        told = seen >= first
        for name in (side, f"{side} size"):
            column = rows.values[name][order]
            values[name] = np.where(told, column[seen], 0.0)[back]
    return replace(rows, values=values)


def _merged(parts: list[Events]) -> Events:
    made = np.concatenate(parts) if parts else np.zeros(0, EVENT)
    stamps = np.ascontiguousarray(made["ts_local_ns"])
    return made[np.argsort(stamps, kind="stable")] if (stamps[1:] < stamps[:-1]).any() else made


def _chosen(files: list[LeanFile], symbols: Sequence[str] | None, maps: Path, place: Path) -> list[_Piece]:
    """The files of the symbols, through their former tickers where a map file tells them."""
    if symbols is None:
        return [_Piece(file, file.ticker.upper(), _FOREVER, {}) for file in files]
    found: list[_Piece] = []
    known = tickers(files)
    for ticker in dict.fromkeys(symbol.split(" ")[0].lower() for symbol in symbols):
        spans = lean_actions.spans(maps, ticker)
        mine = [
            _Piece(file, ticker.upper(), (first, last), {})
            for name, first, last in spans or [(ticker, *_FOREVER)]
            for file in files
            if file.ticker == name and (file.day is None or first <= file.day <= last)
        ]
        if not mine:
            raise DataError(f"{place}: no data of {ticker.upper()!r}. {did_you_mean(ticker, known)}")
        found += mine
    return found


def _in_range(pieces: list[_Piece], first_ns: int, last_ns: int, place: Path) -> list[_Piece]:
    """The files that may hold events of the range, in order of period, kind and name. A local day lies within a day of its UTC date."""
    first, last = first_ns // NANOSECONDS_PER_DAY - 1, last_ns // NANOSECONDS_PER_DAY + 1
    kept = [piece for piece in pieces if piece.file.day is None or first <= _day_number(piece.file.day) <= last]
    if not kept:
        days = sorted(piece.file.period for piece in pieces)
        raise DataError(f"{place}: no file between start= and end=; the first is of {days[0]}, the last of {days[-1]}.")
    return sorted(kept, key=lambda piece: (piece.file.period, KINDS.index(piece.file.kind), piece.file.ticker, str(piece.file.path)))


def _positions(
    pieces: list[_Piece], known: Reference, given: Given, symbol: str | Sequence[str] | None, place: Path
) -> tuple[list[_Piece], list[Instrument]]:
    """The pieces with their members' positions, and the instruments in order of their symbols."""
    asked = [symbol] if isinstance(symbol, str) else list(symbol or ())
    exact = {one for one in asked if " " in one}
    names: list[dict[str, str]] = []
    tickers_of: dict[str, str] = {}
    for piece in pieces:
        members = member_names(piece.file)
        if piece.file.security_type not in CONTRACTS and len(members) != 1:
            raise DataError(f"{piece.file.path}: {len(members)} members; rule: one of a {piece.file.security_type}. Fetch it again.")
        mine = {}
        for member in members:
            terms = terms_of_member(piece.file, member, piece.base)
            name = piece.base if terms is None else terms.symbol
            if not exact or name in exact:
                mine[member] = name
            tickers_of[name] = piece.file.ticker
        names.append(mine)
    if missing := exact - tickers_of.keys():
        raise DataError(f"{place}: no contract {min(missing)!r}. {did_you_mean(min(missing), tickers_of)}")
    symbols = sorted({name for mine in names for name in mine.values()})
    place_of = {name: number for number, name in enumerate(symbols)}
    series = pieces[0].file.series
    bar = RESOLUTIONS[series[2]] * NANOSECONDS_PER_SECOND
    interval = bar if series[2] not in ("daily", "tick") else 0
    instruments = [known.instrument(name, series, tickers_of[name], given, interval) for name in symbols]
    placed = [
        replace(piece, owners={member: place_of[name] for member, name in mine.items()})
        for piece, mine in zip(pieces, names, strict=True)
        if mine
    ]
    return placed, instruments


def _notes(pieces: list[_Piece], instruments: list[Instrument], known: Reference) -> list[str]:
    file, said = pieces[0].file, []
    kinds = {piece.file.kind for piece in pieces}
    if "quote" in kinds and file.resolution != "tick":
        said.append(
            "Quote bars are QUOTE events of the closing bid and ask at the close of the bar; their open, high and low are not kept."
        )
    if "quote" in kinds:
        said.append("Quotes are as recorded: a side without a price is 0, and a crossed quote stays crossed.")
    if file.resolution == "tick" and file.security_type not in ("forex", "cfd"):
        said.append("Exchange and condition codes of ticks are not kept, except that an equity's auction prints are flagged.")
        said.append("A quote tick of one side keeps the other as last told.")
    row = known.row(file.security_type, file.market, file.ticker)
    if file.security_type in SCALED and row:
        said.append(f"Prices are kept in ten-thousandths; the minimum price variation of orders is {row['minimum_price_variation']}.")
    if file.security_type == "cryptofuture" and instruments[0].currency == "USD":
        said.append("Contracts quoted in USD are settled in the coin (inverse); profit is counted as if they were linear.")
    moved = {piece.base for piece in pieces if piece.file.ticker.upper() != piece.base}
    said += [f"{symbol}: read through its former tickers; rows outside their dates are left out." for symbol in sorted(moved)]
    return said


def _count_suspicious(pieces: list[_Piece], suspicious: Suspicious) -> list[str]:
    if suspicious != "leave_out":
        return []
    total = flagged = 0
    for piece in pieces:
        if piece.file.resolution == "tick" and piece.file.security_type not in ("forex", "cfd"):
            values = read_rows(piece.file, piece.owners).values
            if "suspicious" in values:
                total += len(values["suspicious"])
                flagged += int(np.count_nonzero(values["suspicious"]))
    return [f"{flagged} of {total} ticks are flagged suspicious and left out."] if flagged else []


def _day_number(day: dt.date) -> int:
    return day.toordinal() - 719_163  # since 1970
