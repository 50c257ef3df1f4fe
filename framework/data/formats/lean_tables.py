"""Reference data from Lean's folders: names of equities from map files, futures from theirs, universes from constituents and coarse files.

Days of equities begin at midnight in New York. A security id of Lean ("AAPL R735QTJ8XC9X") is the first ticker and a number in base 36
that holds, among others, a date: the first trading day of an equity, the expiry of a future.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
import math
from collections.abc import Callable, Iterable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from framework.data.checks.decimals import exact
from framework.data.checks.library_errors import FETCH_AGAIN, SHAPE, reading, text_of
from framework.data.checks.numbers import LARGEST
from framework.data.formats.lean_actions import END_OF_TIME, day_in, read_map
from framework.data.formats.lean_files import FIRST_YEAR, LAST_YEAR, ContractTerms
from framework.data.formats.lean_reference import PROPERTIES, Given, calendar_of
from framework.data.formats.lean_reference import Reference as Databases
from framework.data.reference import Reference
from framework.data.reference.activity import Activity
from framework.data.reference.calendar import session_table
from framework.data.reference.hours import Sessions
from framework.data.reference.rows import (
    ALWAYS_NS,
    ContractRow,
    InstrumentRow,
    MemberRow,
    SymbolRow,
    TickRow,
)
from framework.errors import DataError
from framework.schema.instrument import Instrument
from framework.schema.units import NANOSECONDS_PER_DAY, NEVER_NS, Step

_CHAIN = "#expiry,open,high,low,close,volume,open_interest"
_SCALES = ("BackwardsRatioScale", "BackwardsPanamaCanalScale")
VENDOR = "LEAN"
"""The venue under which security ids are symbols."""

_DAYS_OFFSET, _DAYS_WIDTH = 10**14, 10**5
_EPOCH = dt.date(1899, 12, 30)
_ZONE = "America/New_York"
_BELOW_A_DOLLAR = Step(1, 10_000)
"""SEC Rule 612: prices under 1 dollar may be quoted in hundredths of a cent."""


def date_in(sid: str) -> dt.date:
    """The date in a security id, or in the number alone.

    >>> date_in("AAPL R735QTJ8XC9X")
    datetime.date(1998, 1, 2)
    """
    number = sid.split(" ")[-1]
    try:
        return _EPOCH + dt.timedelta(days=int(number, 36) // _DAYS_OFFSET % _DAYS_WIDTH)
    except ValueError as error:
        raise DataError(f"{sid!r} is no security id of Lean, which is a ticker and a number in base 36. Correct it.") from error


def equities(map_files: str | Path, *, databases: str | Path, market: str = "usa") -> Reference:
    """Every company of a folder of map files: its tickers with their dates, and its tick, lot and currency.

    Args:
        map_files: the folder; a file's name in capitals is the id, as `lean.read` names the instrument.
        databases: the folder that holds symbol-properties/.
        market: the venue of the names, in capitals.

    A map file's dates are inclusive. A company whose file ends is delisted at the midnight after it.

    Raises:
        DataError: as `lean_actions.read_map`, or two companies under one ticker at one time.
    """
    place = Path(map_files)
    files = sorted(place.glob("*.csv"))
    if not files:
        raise DataError(f"{place}: no map files. Name the folder that holds TICKER.csv.")
    define = _definer(Path(databases), market)
    instruments, symbols = [], []
    for path in files:
        table = read_map(path)
        spans = [
            (ticker, _midnight(first.date()), NEVER_NS if last is pd.NaT else _midnight(last.date() + dt.timedelta(days=1)))
            for ticker, first, last in zip(table["ticker"], table["first"], table["last"], strict=True)
        ]
        instruments.append(define(path.stem.upper(), spans[0][1], spans[-1][2]))
        symbols += [SymbolRow(path.stem.upper(), market.upper(), *span) for span in _joined(spans)]
    return Reference(tuple(instruments), tuple(symbols), _ticks(Path(databases), market))


def universe(
    folder: str | Path, name: str, known: Reference, *, databases: str | Path, market: str = "usa", hold_days: int = 4
) -> Reference:
    """The members of a universe from daily lists: universes/etf/<fund>/, or fundamental/coarse/.

    Args:
        folder: of yyyymmdd.csv or .csv.gz files whose rows hold a ticker and a security id, in either order.
        name: of the universe.
        known: the companies whose map files are at hand (`equities`): their former and later tickers lead to one id. Another member
            gets its first ticker in the lists as id, or its security id where that is taken; its renames are not followed, and its
            symbol is its security id at the venue "LEAN".
        databases: the folder that holds symbol-properties/.
        market: the venue of the tickers, in capitals.
        hold_days: how long a list stands where no later one follows; nothing is known after that.

    A list is of the end of its date: it counts from the midnight after it until the next list does.

    Returns:
        `known`, the members that it lacks, and the entries and exits.

    Raises:
        DataError: no lists, or a row without a ticker and a security id.
    """
    place = Path(folder)
    lists = {_day_of(path): path for path in sorted(place.glob("*.csv*"))}
    if not lists:
        raise DataError(f"{place}: no lists; rule: files yyyymmdd.csv.")
    define = _definer(Path(databases), market)
    days = sorted(lists)
    taken: dict[str, str] = {row.id: "" for row in known.instruments}  # id to the security id that has it
    new = {row.symbol: row.id for row in known.symbols if row.venue == VENDOR}  # ids by security id
    spans: dict[str, list[tuple[str, int, int]]] = {}
    for day, after in zip(days, [*days[1:], None], strict=True):
        hold = _midnight(day + dt.timedelta(days=1 + hold_days))
        begin, end = _midnight(day + dt.timedelta(days=1)), hold if after is None else _midnight(after + dt.timedelta(days=1))
        for ticker, sid in _listed(lists[day]):
            id = new.get(sid) or _resolved(known, ticker, market.upper(), _midnight(day))
            if id is None:
                id = new[sid] = ticker if taken.setdefault(ticker, sid) == sid else sid
            spans.setdefault(id, []).append(("", begin, min(end, hold)))
    members = [MemberRow(name, id, begin, end, begin) for id, own in spans.items() for _, begin, end in _joined(own)]
    ids = {row.id for row in known.instruments}
    lacking = {id: sid for sid, id in new.items() if id not in ids}
    return Reference(
        (*known.instruments, *(define(id, ALWAYS_NS, NEVER_NS) for id in lacking)),
        (*known.symbols, *(SymbolRow(id, VENDOR, sid) for id, sid in lacking.items())),
        tuple(dict.fromkeys([*known.ticks, *_ticks(Path(databases), market)])),
        known.contracts,
        (*known.members, *members),
        known.actions,
    )


def futures(map_file: str | Path, *, databases: str | Path, last_time: dt.time = dt.time(9, 30)) -> Reference:
    """The contracts of a root from its map file: id and symbol "ES 2013-12" as `lean.read` names them, and their expiry.

    Args:
        map_file: future/<market>/map_files/<root>.csv.
        databases: the folder that holds symbol-properties/.
        last_time: of the last trading day, in New York: 9:30, when the E-mini settles, unless said otherwise.

    Raises:
        DataError: no such file, a row that cannot be read, or no properties of the root.
    """
    path = Path(map_file)
    root, market = path.stem.upper(), path.parent.parent.name
    row = Databases.load(Path(databases)).row("future", market, root)
    if not row:
        raise DataError(f"{Path(databases) / PROPERTIES}: no row of {root} (future of {market}). Name another folder with databases=.")
    made = Databases.load(Path(databases)).instrument(root, ("future", market, ""), root, Given(), 0)
    schedule = f"{market.upper()} {root}"
    instruments, symbols, contracts = [], [], []
    for expiry in sorted({date_in(sid) for _, sid, _ in map_rows(path)}):
        id = f"{root} {expiry:%Y-%m}"
        ends = pd.Timestamp.combine(expiry, last_time).tz_localize(_ZONE).as_unit("ns").value
        instruments.append(
            InstrumentRow(
                id, made.venue, schedule, made.lot, made.multiplier, made.currency, made.kind, "", calendar_of("future", market), to_ns=ends
            )
        )
        symbols.append(SymbolRow(id, made.venue, id))
        contracts.append(ContractRow(id, root, int(ends)))
    return Reference(tuple(instruments), tuple(symbols), (TickRow(schedule, made.tick),), tuple(contracts))


def options(instruments: Iterable[Instrument], *, last_time: dt.time = dt.time(16), settlement: str = "") -> Reference:
    """The contracts that `lean.read` found: their names hold underlying, expiry, right, strike and style.

    Args:
        instruments: of options; the reference data take over their terms.
        last_time: of the day of expiry, in New York: 16:00 unless said otherwise.
        settlement: "cash", "physical" or empty.

    Raises:
        DataError: a symbol that is no option's.
    """
    rows, symbols, ticks, contracts = [], [], [], []
    for one in instruments:
        terms = ContractTerms.of(one.symbol)
        if not terms.right or terms.expiry is None:
            raise DataError(f"{one.symbol!r} is no option. Futures come from their map file: see `futures`.")
        ends = terms.ends_ns(last_time)
        ticks.append(TickRow(f"{one.venue} option {one.tick.numerator}/{one.tick.denominator}", one.tick))
        rows.append(
            InstrumentRow(
                one.symbol, one.venue, ticks[-1].schedule, one.lot, one.multiplier, one.currency, one.kind, "", one.calendar, to_ns=ends
            )
        )
        symbols.append(SymbolRow(one.symbol, one.venue, one.symbol))
        contracts.append(ContractRow(one.symbol, terms.underlying, ends, terms.right, terms.strike, terms.style, settlement))
    return Reference(tuple(rows), tuple(symbols), tuple(dict.fromkeys(ticks)), tuple(contracts))


def map_rows(path: Path) -> list[tuple[dt.date, str, int]]:
    """Rows of a future's map file: last date of a contract as the front, its security id, and Lean's way of mapping.

    Ways: 0 last trading day, 1 first day of the month, 2 open interest, 3 open interest of the yearly contracts.

    Raises:
        DataError: no such file, or a row that is not date, id, exchange, way.
    """
    rows = []
    for number, line in enumerate(text_of(path).splitlines(), 1):
        fields = line.split(",")
        if number == 1 or not line:  # the first names the root
            continue
        place = f"{path.name}, line {number}"
        if len(fields) != 4 or fields[3] not in ("0", "1", "2", "3"):
            raise DataError(f"{place}: {line!r}; rule: date, security id, exchange, way of mapping from 0 to 3. Correct the row.")
        try:
            date_in(fields[1])
        except DataError as error:
            raise DataError(f"{place}: {error}") from error
        rows.append((day_in(fields[0], place), fields[1], int(fields[3])))
    return rows


def roll_gaps(factor_file: str | Path, way: int) -> pd.DataFrame:
    """What Lean found at each roll between the front and the next, from a future's factor file.

    Its rows hold, up to a last date, the products and sums of all later rolls; those of two rows in sequence differ by one roll.

    Returns:
        Columns ratio (new / old close) and gap (new - old close), indexed by the last date of the old contract.

    Raises:
        DataError: no such file, a row that cannot be read, or no rows mapped in this way.
    """
    place = Path(factor_file)
    rows = []
    for number, line in enumerate(text_of(place).splitlines(), 1):
        with reading(f"{place.name}, line {number}", also=SHAPE):
            row = json.loads(line)
            if row["DataMappingMode"] == way:
                rows.append(_roll(row))
        if rows and not rows[-1][1] > 0:
            raise DataError(f"{place.name}, line {number}: BackwardsRatioScale {rows[-1][1]}; rule: above 0. {FETCH_AGAIN}")
    if not rows:
        raise DataError(f"{place}: no rows mapped in the way {way}. Ask for another one.")
    found = [(now[1] / after[1], now[2] - after[2]) for now, after in pairwise(rows)]
    return pd.DataFrame(found, pd.DatetimeIndex([row[0] for row in rows[:-1]]), ["ratio", "gap"])


def _roll(row: dict[str, Any]) -> tuple[pd.Timestamp, float, float]:
    """Last date, ratio and sum of a row; ValueError where one is none."""
    stamp, scales = pd.Timestamp(str(row["Date"])).normalize(), [row[name][0] for name in _SCALES]
    if not FIRST_YEAR <= stamp.year <= LAST_YEAR or any(isinstance(one, bool) or not abs(one) < LARGEST for one in scales):
        raise ValueError(f"Date {row['Date']!r} and scales {scales}")
    return stamp, float(scales[0]), float(scales[1])


def chain_activity(folder: str | Path, calendar: str = "CMES") -> Activity:
    """Volume and open interest of a root's contracts from future/<market>/universes/<root>/yyyymmdd.csv, for `continuous.by_volume`.

    A file holds the session after its date, and the open interest that is told on the day after that: in the sample data its volume and
    close are those of the daily bar one session later, its open interest that of the file two sessions later. So its figures stand in
    the second session after its date, by whose close all of them were known.

    Raises:
        DataError: no files, an unknown header, a row that cannot be read.
    """
    place = Path(folder)
    lists = {_day_of(path): path for path in sorted(place.glob("*.csv"))}
    if not lists:
        raise DataError(f"{place}: no lists; rule: files yyyymmdd.csv.")
    found: dict[tuple[int, str], tuple[float, float]] = {}
    days = np.array([(day - dt.date(1970, 1, 1)).days for day in sorted(lists)])
    table = session_table(calendar, int(days[0]) * NANOSECONDS_PER_DAY, (int(days[-1]) + 10) * NANOSECONDS_PER_DAY)
    known = np.searchsorted(table.labels, days, side="right") + 1
    for row, day in enumerate(sorted(lists)):
        lines = text_of(lists[day]).splitlines()
        if not lines or lines[0] != _CHAIN:
            raise DataError(f"{lists[day].name}, line 1: {lines[:1]}; rule: {_CHAIN}. Correct the header.")
        for number, line in enumerate(lines[1:], 2):
            fields = line.split(",")
            try:
                month = dt.datetime.strptime(fields[0], "%Y%m")
                found[row, f"{place.name.upper()} {month:%Y-%m}"] = _figure(fields[5]), _figure(fields[6])
            except (ValueError, IndexError) as error:
                raise DataError(
                    f"{lists[day].name}, line {number}: {line!r}; rule: yyyymm, four prices, volume, open interest. Correct the row."
                ) from error
    names = tuple(sorted({name for _, name in found}))
    figures = np.full((2, len(days), len(names)), np.nan)
    for (row, name), values in found.items():
        figures[:, row, names.index(name)] = values
    return Activity(calendar, Sessions(table.labels[known], table.open_ns[known], table.close_ns[known]), names, figures[0], figures[1])


def _figure(text: str) -> float:
    """A volume or open interest; a blank is not told."""
    value = float(exact(text)) if text else math.nan
    if value < 0:
        raise ValueError("below 0")
    return value


def mapped(path: str | Path, way: int, calendar: str) -> list[tuple[int, str]]:
    """What Lean holds as the front contract: from when (the session after the last date of the one before), which ("ES 2013-12")."""
    place = Path(path)
    rows = sorted(row for row in map_rows(place) if row[2] == way)
    if not rows:
        raise DataError(f"{place}: no rows mapped in the way {way}. Ask for another one.")
    names = [f"{place.stem.upper()} {date_in(sid):%Y-%m}" for _, sid, _ in rows]
    if len(rows) == 1:
        return [(ALWAYS_NS, names[0])]
    lasts = np.array([(day - dt.date(1970, 1, 1)).days for day, _, _ in rows[:-1]])
    table = session_table(calendar, int(lasts.min()) * NANOSECONDS_PER_DAY, (int(lasts.max()) + 10) * NANOSECONDS_PER_DAY)
    begins = table.open_ns[np.searchsorted(table.labels, lasts, side="right")]
    return list(zip([ALWAYS_NS, *begins.tolist()], names, strict=True))


def _definer(databases: Path, market: str) -> Callable[[str, int, int], InstrumentRow]:
    row = Databases.load(databases).row("equity", market, "")
    if not row:
        raise DataError(f"{databases / PROPERTIES}: no row of equities of {market}. Name another folder with databases=.")
    lot, multiplier, currency = Step.of(row["lot_size"]), float(row["contract_multiplier"]), row["quote_currency"]

    def define(id: str, from_ns: int, to_ns: int) -> InstrumentRow:
        return InstrumentRow(
            id, market.upper(), f"{market.upper()} equity", lot, multiplier, currency, calendar=calendar_of("equity", market),
            from_ns=from_ns, to_ns=to_ns,
        )  # fmt: skip

    return define


def _ticks(databases: Path, market: str) -> tuple[TickRow, ...]:
    tick = Step.of(Databases.load(databases).row("equity", market, "")["minimum_price_variation"])
    name = f"{market.upper()} equity"
    if market != "usa":
        return (TickRow(name, tick),)
    return TickRow(name, _BELOW_A_DOLLAR), TickRow(name, tick, Fraction(1))


def _joined(spans: list[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
    """Spans in order, those of one name that touch as one."""
    made: list[tuple[str, int, int]] = []
    for name, begin, end in sorted(set(spans), key=lambda one: one[1]):
        if made and made[-1][0] == name and made[-1][2] == begin:
            made[-1] = (name, made[-1][1], end)
        else:
            made.append((name, begin, end))
    return made


def _listed(path: Path) -> list[tuple[str, str]]:
    """Tickers and security ids of a list; constituents write ticker and security id, coarse files the other way round."""
    found = []
    with reading(path):
        rows = list(csv.reader(text_of(path).splitlines()))
    if not rows:
        raise DataError(f"{path}: no rows; rule: a list has members. {FETCH_AGAIN}")
    for number, fields in enumerate(rows, 1):
        sids = [" " in field for field in fields[:2]]
        if sids not in ([True, False], [False, True]) or not fields[sids.index(False)]:
            raise DataError(f"{path.name}, line {number}: {fields[:2]}; rule: a ticker and a security id lead the row. Fetch it again.")
        found.append((fields[sids.index(False)], fields[sids.index(True)]))
    return found


def _resolved(known: Reference, ticker: str, venue: str, ns: int) -> str | None:
    try:
        return known.resolve(ticker, venue, ns)
    except DataError:  # no map file tells of it
        return None


def _day_of(path: Path) -> dt.date:
    try:
        return day_in(path.name.split(".")[0], "")
    except DataError as error:
        raise DataError(f"{path}: rule: a list is called yyyymmdd.csv. Move other files away.") from error


def _midnight(day: dt.date) -> int:
    return int(pd.Timestamp(day).tz_localize(_ZONE).as_unit("ns").value) if day < END_OF_TIME else NEVER_NS
