"""Databento's DBN files: mbo, trades, mbp-1, mbp-10, tbbo, bbo-1s, bbo-1m, ohlcv; instruments from a definition file.

The package `databento-dbn` (Apache-2.0) reads the metadata, the definitions and the layout of records; records are taken column by column.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from framework.data.checks.far_off import refuse_far
from framework.data.formats.databento_definitions import instruments_of
from framework.data.formats.databento_file import head, package, stream, take
from framework.data.formats.databento_levels import LEVELS, price_names, snapshots
from framework.data.formats.order_sizes import OrderSizes
from framework.data.formats.price_steps import Ints, check_order
from framework.data.tape.recording import Events, Recording
from framework.errors import DataError, did_you_mean
from framework.schema.event import EVENT, Flag, Kind
from framework.schema.instrument import Instrument
from framework.schema.units import Step

_UNDEFINED = np.iinfo(np.int64).max
_CHUNK_BYTES = 1 << 22
_MOST_MESSAGE_BYTES = 1 << 26
_LAST, _SNAPSHOT, _MAYBE_BAD, _BAD_RECEIVED, _TOP = 128, 32, 4, 8, 64
_OHLCV_NS = {"ohlcv-1s": 10**9, "ohlcv-1m": 60 * 10**9, "ohlcv-1h": 3600 * 10**9, "ohlcv-1d": 86_400 * 10**9}
_RTYPE = {
    "mbo": 160,
    "trades": 0,
    "mbp-1": 1,
    "mbp-10": 10,
    "tbbo": 1,
    "bbo-1s": 195,
    "bbo-1m": 196,
    "ohlcv-1s": 32,
    "ohlcv-1m": 33,
    "ohlcv-1h": 34,
    "ohlcv-1d": 35,
}


_UNUSED = (
    "publisher_id",
    "channel_id",
    "ts_in_delta",
    "depth",
    "ts_out",
    *(f"{side}_ct_{k:02d}" for side in ("bid", "ask") for k in range(LEVELS)),
)
"""Fields of records that no event has a word for."""


@dataclass(slots=True)
class _File:
    path: Path
    schema: str
    dtype: np.dtype[np.void]
    start: int
    symbols: dict[int, str]
    counts: dict[str, int] = field(default_factory=dict)
    ids: set[int] = field(default_factory=set)
    price_step: int = 0


def read(path: str | Path, *, definitions: str | Path | None = None, tick_size: float | str | Fraction | Step | None = None) -> Recording:
    """Read one DBN file (.dbn or .dbn.zst).

    Args:
        path: a file of one schema: mbo (orders: DEPTH and TRADE), trades, mbp-1 and tbbo (QUOTE, and TRADE before it where one
            happened), mbp-10 (each record a snapshot of DEPTH by level, and TRADE before it), bbo-1s and bbo-1m (QUOTE), ohlcv-1s,
            -1m, -1h, -1d (BAR, moved from the open to the close).
        definitions: a file of schema definition, for tick, multiplier, currency and venue of each instrument; see
            `databento_definitions`.
        tick_size: of instruments whose definition is missing or has none. If not given, such an instrument is refused where there are
            `definitions`; without them the coarsest decimal that represents every price of the file is taken.

    `ts_local_ns` is `ts_recv` and `ts_venue_ns` is `ts_event`. A fill F repeats what T and C or M say, and is counted in the notes. A
    record flagged "maybe bad book" is preceded by a GAP. Sequence numbers count a whole channel, so holes in them are no gaps. A side
    without a price is 0 ticks and 0 lots. Without definitions multipliers are 1.

    Raises:
        DataError: the package is missing, a cut file, another schema, an unknown action, prices off the grid, stamps out of order.
    """
    file = _open(Path(path))
    for records, _ in _records(file):
        _scan(records, file)
    ids = sorted(file.ids)
    instruments, said = instruments_of(
        file.path,
        {one: file.symbols.get(one, str(one)) for one in ids},
        definitions,
        None if tick_size is None else Step.of(tick_size),
        _decimal(file.price_step),
    )
    names = [one.symbol for one in instruments]
    for name in names:
        if names.count(name) > 1:
            raise DataError(f"{path}: two instrument ids are called {name!r}. Split the file by day, so that a symbol is one contract.")
    counted = ", ".join(f"{count} {what}" for what, count in sorted(file.counts.items()))

    def parts() -> Iterator[Events]:
        yield from _parts(file, np.array(ids, dtype=np.int64), instruments)

    unused = [name for name in _UNUSED if name in (file.dtype.names or ())]
    notes = [f"{Path(path).name}: {counted or 'no records'}."]
    if unused:
        notes.append(f"{Path(path).name}: the fields {', '.join(unused)} have no place in an event and were left out.")
    return Recording(instruments, parts, str(path), (*notes, *said))


def _open(path: Path) -> _File:
    metadata, start = head(path)
    schema, dbn = str(metadata.schema), package()
    if schema not in _RTYPE:
        raise DataError(f"{path}: schema {schema!r} is not read. {did_you_mean(schema, _RTYPE)}")
    layouts = {"mbo": dbn.MBOMsg, "trades": dbn.TradeMsg, "mbp-1": dbn.MBP1Msg, "mbp-10": dbn.MBP10Msg, "tbbo": dbn.MBP1Msg}
    layout = layouts.get(schema) or (dbn.BBOMsg if schema.startswith("bbo") else dbn.OHLCVMsg)
    fields = [*layout._dtypes, *([("ts_out", "u8")] if metadata.ts_out else [])]
    symbols = {int(one["symbol"]): name for name, spans in metadata.mappings.items() for one in spans if one["symbol"].isdecimal()}
    return _File(path, schema, np.dtype(fields), start, symbols)


def _records(file: _File) -> Iterator[tuple[Any, int]]:
    """Records and the row of the first; MBO is cut where no instrument is inside a message."""
    size, row, rest = file.dtype.itemsize, 0, b""
    with stream(file.path) as source:
        take(source, file.start, file.path)
        while True:
            block = take(source, _CHUNK_BYTES, file.path)
            data = rest + block
            whole = len(data) // size * size
            records = np.frombuffer(data[:whole], file.dtype)
            wrong = (records["length"] != size // 4) | (records["rtype"] != _RTYPE[file.schema])
            if wrong.any():
                at = int(np.argmax(wrong))
                raise DataError(
                    f"{file.path}, record {row + at}: type {records['rtype'][at]} of {4 * int(records['length'][at])} bytes; rule: type "
                    f"{_RTYPE[file.schema]} of {size} bytes, as schema {file.schema} says. Fetch it again."
                )
            if not block:
                if len(data) != whole:
                    raise DataError(
                        f"{file.path}, record {row + len(records)}: {len(data) - whole} of {size} bytes. It is cut; fetch it again."
                    )
                if len(records):
                    yield records, row
                return
            if file.schema == "mbo":
                records = records[: _whole_messages(records)]
                if not len(records) and whole >= _MOST_MESSAGE_BYTES:
                    raise DataError(
                        f"{file.path}, record {row}: no message ends within {whole // size} records; rule: the last record of each message "
                        f"is flagged {_LAST} (F_LAST), and messages are below {_MOST_MESSAGE_BYTES >> 20} MB. Fetch the file again: "
                        "Databento flags them."
                    )
            rest = data[len(records) * size :]
            if len(records):
                yield records, row
            row += len(records)


def _whole_messages(records: Any) -> int:
    """How many records from the start leave no instrument inside a message."""
    ids = records["instrument_id"]
    order = np.argsort(ids, kind="stable")
    is_open = (records["flags"][order] & _LAST) == 0
    before = np.concatenate([[False], is_open[:-1]])
    before[np.concatenate([[True], ids[order][1:] != ids[order][:-1]])[: len(before)]] = False  # the first of an instrument
    change = np.empty(len(records), dtype=np.int64)
    change[order] = is_open.astype(np.int64) - before
    clean = np.flatnonzero(np.cumsum(change) == 0)
    return int(clean[-1]) + 1 if len(clean) else 0


def _prices(file: _File) -> tuple[str, ...]:
    if file.schema.startswith("ohlcv"):
        return ("open", "high", "low", "close")
    if file.schema in ("mbo", "trades"):
        return ("price",)
    if file.schema == "mbp-10":
        return ("price", *price_names())
    return ("bid_px_00", "ask_px_00") if file.schema.startswith("bbo") else ("price", "bid_px_00", "ask_px_00")


def _scan(records: Any, file: _File) -> None:
    file.ids.update(np.unique(records["instrument_id"]).tolist())
    for name in _prices(file):
        some = records[name][records[name] != _UNDEFINED]
        file.price_step = int(np.gcd(file.price_step, np.gcd.reduce(some))) if len(some) else file.price_step

    def count(what: str, number: int) -> None:
        if number:
            file.counts[what] = file.counts.get(what, 0) + number

    count("records", len(records))
    if "action" in (records.dtype.names or ()):
        for action, number in zip(*np.unique(records["action"], return_counts=True), strict=True):
            count(f"action {action.decode('ascii', 'replace')}", int(number))
    if "flags" in (records.dtype.names or ()):
        count("flagged maybe bad book", int(((records["flags"] & _MAYBE_BAD) > 0).sum()))
        count("flagged bad receive stamp", int(((records["flags"] & _BAD_RECEIVED) > 0).sum()))


def _decimal(step: int) -> Step:
    """The coarsest power of ten that divides `step`, in billionths."""
    power = 0
    while step and power < 9 and step % 10 ** (power + 1) == 0:
        power += 1
    return Step(1, 10 ** (9 - power)) if step else Step(1, 1)


def _parts(file: _File, ids: Ints, instruments: tuple[Instrument, ...]) -> Iterator[Events]:
    last, sizes = int(np.iinfo(np.int64).min), OrderSizes(len(instruments))
    units = [Fraction(one.tick.numerator * 10**9, one.tick.denominator) for one in instruments]
    for at, unit in enumerate(units):
        if unit.denominator != 1:
            raise DataError(f"{file.path}, {instruments[at].symbol}: a tick of {unit}e-9; rule: whole billionths. Give another tick_size.")
    price_units = np.array([int(unit) for unit in units], dtype=np.int64)
    for records, row in _records(file):
        which = np.searchsorted(ids, records["instrument_id"])
        events = np.zeros(len(records), EVENT)
        events["instrument"] = which
        place = f"{file.path}"
        if file.schema in _OHLCV_NS:
            stamps = venue = records["ts_event"].astype(np.int64) + _OHLCV_NS[file.schema]
        else:
            stamps = records["ts_recv"].astype(np.int64)
            venue = np.where(records["ts_event"] > _UNDEFINED, stamps, records["ts_event"].astype(np.int64))
        late = venue > stamps
        if late.any():
            at = int(np.argmax(late))
            raise DataError(
                f"{place}, record {row + at}: ts_event {venue[at]} after ts_recv {stamps[at]}; rule: known once it happened. Remove it."
            )
        for one in (stamps, venue):
            refuse_far(one, place, first_row=row, word="record")
        last = check_order(stamps, last, place=place, first_row=row)
        events["ts_local_ns"], events["ts_venue_ns"] = stamps, venue
        ticks = {name: _ticks(records[name], price_units[which], name, place, row) for name in _prices(file)}
        yield _fill(events, records, ticks, file, sizes, row)


def _ticks(prices: Ints, unit: Ints, name: str, place: str, row: int) -> Ints:
    ticks = np.where(prices == _UNDEFINED, 0, prices // unit)
    off = (prices != _UNDEFINED) & (ticks * unit != prices)
    if off.any():
        at = int(np.argmax(off))
        raise DataError(
            f"{place}, record {row + at}, column {name}: {int(prices[at])}e-9; rule: a multiple of the tick, {int(unit[at])}e-9; "
            f"{int(off.sum())} in this part. Give the instrument's tick: tick_size= or definitions=."
        )
    return ticks


def _fill(events: Events, records: Any, ticks: dict[str, Ints], file: _File, sizes: OrderSizes, row: int) -> Events:
    if file.schema in _OHLCV_NS:
        events["kind"] = Kind.BAR
        for word, name in zip(("w0", "w1", "w2", "w3"), _prices(file), strict=True):
            events[word] = ticks[name]
        _refuse_bars(records, ticks, file, row)
        events["w4"] = records["volume"]
        return events
    if file.schema == "mbo":
        return _orders(events, records, ticks["price"], file, sizes, row)
    gaps = _gaps(events, records)
    if file.schema == "trades":
        return _merged([gaps, _trades(events, records, ticks["price"])])
    if file.schema == "mbp-10":
        traded = np.flatnonzero(records["action"] == b"T")
        return _merged([gaps, (traded, _trades(events, records, ticks["price"])[1][traded]), snapshots(events, records, ticks)])
    quotes = events.copy()
    quotes["kind"] = Kind.QUOTE
    for word, name in (("w0", "bid_px_00"), ("w1", "ask_px_00")):
        quotes[word] = ticks[name]
    for word, name in (("w2", "bid_sz_00"), ("w3", "ask_sz_00")):
        quotes[word] = records[name]
    if file.schema.startswith("bbo"):
        return _merged([gaps, (np.arange(len(quotes)), quotes)])
    mine = np.flatnonzero(records["action"] == b"T")
    return _merged([gaps, (mine, _trades(events, records, ticks["price"])[1][mine]), (np.arange(len(quotes)), quotes)])


def _refuse_bars(records: Any, ticks: dict[str, Ints], file: _File, row: int) -> None:
    opens, highs, lows, closes = (ticks[name] for name in _prices(file))
    for broken, rule in (
        (lows <= 0, "prices > 0"),
        (highs < np.maximum(opens, closes), "high >= open and close"),
        (lows > np.minimum(opens, closes), "low <= open and close"),
        (records["volume"] >= 2**62, "volume < 2**62"),
    ):
        if broken.any():
            at = int(np.argmax(broken))
            shown = ", ".join(f"{name} {int(records[name][at])}" for name in (*_prices(file), "volume"))
            raise DataError(f"{file.path}, record {row + at}: {shown}; rule: {rule}. The file is damaged: fetch it again.")


def _side(records: Any) -> Any:
    return np.where(records["side"] == b"B", int(Flag.BUY), np.where(records["side"] == b"A", int(Flag.SELL), 0))


def _trades(events: Events, records: Any, ticks: Ints) -> tuple[Ints, Events]:
    trades = events.copy()
    trades["kind"], trades["flags"] = Kind.TRADE, _side(records)
    trades["w0"], trades["w1"], trades["w4"] = ticks, records["size"], records["sequence"]
    return np.arange(len(events)), trades


def _gaps(events: Events, records: Any) -> tuple[Ints, Events]:
    rows = np.flatnonzero(records["flags"] & _MAYBE_BAD)
    gaps = events[rows].copy()
    gaps["kind"], gaps["w1"] = Kind.GAP, records["sequence"][rows]
    return rows, gaps


def _merged(groups: list[tuple[Ints, Events]]) -> Events:
    """Events of several groups in the order of their records; within one record, in the order of the groups."""
    order = np.argsort(np.concatenate([rows * len(groups) + rank for rank, (rows, _) in enumerate(groups)]), kind="stable")
    merged: Events = np.concatenate([events for _, events in groups])[order]
    return merged


def _orders(events: Events, records: Any, ticks: Ints, file: _File, sizes: OrderSizes, row: int) -> Events:
    action = records["action"]
    unknown = ~np.isin(action, [b"A", b"C", b"M", b"R", b"T", b"F", b"N"]) | ((records["flags"] & _TOP) > 0)
    if unknown.any():
        at = int(np.argmax(unknown))
        raise DataError(
            f"{file.path}, record {row + at}: action {bytes(action[at])!r}, flags {records['flags'][at]}; rule: A, C, M, R, T, F or N of "
            "single orders (no top-of-book flag 64). Fetch it again."
        )
    left, last, clear = sizes.apply(records, events["instrument"], file.path, row)
    depth = events.copy()
    depth["kind"], depth["w0"], depth["w1"], depth["w2"], depth["w3"] = Kind.DEPTH, ticks, left, records["order_id"].astype(np.int64), -1
    depth["w4"] = records["sequence"]
    is_clear = action == b"R"
    for word in ("w0", "w1", "w2"):
        depth[word][is_clear] = 0
    flags = (
        np.where(is_clear, int(Flag.SNAPSHOT | Flag.CLEAR | Flag.BUY), _side(records))
        | np.where(clear, int(Flag.CLEAR), 0)
        | np.where(last, int(Flag.LAST), 0)
    )
    depth["flags"] = flags | np.where(records["flags"] & _SNAPSHOT, int(Flag.SNAPSHOT), 0)
    book = np.flatnonzero(np.isin(action, [b"A", b"C", b"M", b"R"]))
    traded = np.flatnonzero(action == b"T")
    trades = _trades(events, records, ticks)[1][traded]
    return _merged([_gaps(events, records), (traded, trades), (book, depth[book])])
