"""Quotes, trades, funding rates or bars from any CSV, Parquet file or DataFrame, by a mapping of its columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from framework.data.checks.column_names import STAMP_COLUMNS
from framework.data.checks.far_off import EARLIEST_NS, FAR_OFF, LATEST_NS
from framework.data.formats.bar_tables import tape_of
from framework.data.formats.columns import floats, sides, wholes
from framework.data.formats.price_steps import Floats, Ints, check_order, finest, steps
from framework.data.formats.table_source import Source
from framework.data.tape.from_frames import Terms
from framework.data.tape.recording import Events, Recording
from framework.data.tape.stamps import BarStamp, Epoch
from framework.errors import DataError, did_you_mean, some_of
from framework.schema.event import EVENT, Flag, Kind
from framework.schema.instrument import Instrument
from framework.schema.units import Step

Table = str | Path | pd.DataFrame
TableKind = Literal["quotes", "trades", "funding", "bars"]
Size = float | str | Fraction | Step | None

_NEEDED = {"quotes": ("ts", "bid", "ask"), "trades": ("ts", "price", "size"), "funding": ("ts", "rate")}
_ALLOWED = {"quotes": ("bid_size", "ask_size"), "trades": ("side", "trade_id"), "funding": ()}
_PRICES = {"quotes": ("bid", "ask"), "trades": ("price",), "funding": ()}
_SIZES = {"quotes": ("bid_size", "ask_size"), "trades": ("size",), "funding": ()}
_PER_UNIT = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


def read(
    data: Table,
    kind: TableKind,
    columns: Mapping[str, str] | None = None,
    *,
    symbol: str | None = None,
    time_zone: str | None = None,
    unit: Epoch | None = None,
    stamp_format: str | None = None,
    header: Sequence[str] | None = None,
    delimiter: str = ",",
    bar_stamp: BarStamp = "close",
    tick_size: Size = None,
    lot_size: Size = None,
    displayed_size: Size = None,
) -> Recording:
    """Read a table of one instrument.

    Args:
        data: a .csv, .csv.gz or .parquet file, which streams, or a DataFrame.
        kind: "quotes" (columns ts, bid, ask, bid_size, ask_size, the last two or `displayed_size`), "trades" (ts, price, size and, where
            there are any, side of who took, "buy" or "sell", and trade_id) or "bars" (see `read_bars`).
        columns: names in the source to ours, {"timestamp": "ts"}; {"name": ""} leaves a column out.
        symbol: of the instrument; if not given, the file's stem, or ASSET.
        time_zone: of stamps that do not say theirs.
        unit: what numeric stamps count since 1970: "s", "ms", "us" or "ns".
        stamp_format: of stamps that are not ISO 8601, in the words of strptime: "%Y%m%d %H%M%S%f". %f takes up to nine digits.
        header: names of the columns of a CSV file that has no line of them.
        delimiter: between the fields of a CSV file.
        bar_stamp: of bars, "close" (the default) or "open": what their stamps are. Opens are moved to the closes.
        tick_size, lot_size: if not given, the coarsest decimal that represents every value, which takes a pass of its own.
        displayed_size: of quotes without a column of sizes, how much each is taken to show on either side; a note says so. Orders fill
            against what is displayed: 0 is for quotes that are only looked at.

    Raises:
        DataError: unknown or missing columns, quotes without sizes, values that cannot be trusted, stamps without a zone or out of
            order, crossed quotes.
    """
    stem = "ASSET" if isinstance(data, pd.DataFrame) else Path(data).name.split(".")[0]
    source = Source(data, header, delimiter, stamp_format is not None)
    name, place = symbol or stem, source.place
    if displayed_size is not None and kind != "quotes":
        raise DataError(f"{place}: displayed_size= is of quotes, and these are {kind}. Leave it out.")
    if kind == "bars":
        return _bars(source, name, columns or {}, time_zone, unit, stamp_format, bar_stamp, tick_size, lot_size)
    if kind not in _NEEDED:
        raise DataError(f"kind={kind!r} is unknown. {did_you_mean(str(kind), (*_NEEDED, 'bars'))}")
    ours = _names(source.names(), kind, columns or {}, place)
    shown, notes = _displayed(ours, kind, displayed_size, place)
    tick = None if tick_size is None else Step.of(tick_size)
    lot = None if lot_size is None else Step.of(lot_size)
    if tick is None or lot is None:
        found = _finest(source, {own: theirs for theirs, own in ours.items()}, kind, shown)
        tick, lot = tick or found[0], lot or found[1]
    instrument = Instrument(name, tick, lot)
    shown_lots = int(steps(np.array([shown]), lot, place=place, column="displayed_size=", minimum=0)[0])

    def parts() -> Iterator[Events]:
        row, last = 0, int(np.iinfo(np.int64).min)
        for batch in _batches(source, ours):
            stamps = _stamps(batch, place, time_zone, unit, stamp_format, row)
            last = check_order(stamps, last, place=place, first_row=row)
            yield _events(batch, kind, stamps, instrument, place, row, shown_lots)
            row += len(stamps)

    return Recording((instrument,), parts, place, notes)


def _displayed(ours: Mapping[str, str], kind: TableKind, given: Size, place: str) -> tuple[float, tuple[str, ...]]:
    """What quotes are taken to show where no column says, and the note of it. An unknown size is not a size of 0."""
    missing = [name for name in _ALLOWED[kind] if kind == "quotes" and name not in ours.values()]
    if not missing:
        if given is not None:
            raise DataError(f"{place}: displayed_size={given} beside columns of sizes. Leave it out, or the columns.")
        return 0.0, ()
    which = f"no column {' and no column '.join(repr(name) for name in missing)}"
    if given is None:
        raise DataError(
            f"{place}: {which}; rule: orders fill against the sizes that quotes display, and what is unknown would fill nothing. "
            "Map them with columns=, or say how much each quote is taken to show: displayed_size=1_000_000 (0: nothing trades on them)."
        )
    shown = 0.0 if given in (0, "0") else Step.of(given).size
    told = f"each quote is taken to show {shown:,.12g}" if shown else "each quote is taken to show 0, so no order fills on them"
    return shown, (f"{place}: {which}; {told} (displayed_size=).",)


def _bars(
    source: Source,
    symbol: str,
    columns: Mapping[str, str],
    time_zone: str | None,
    unit: Epoch | None,
    stamp_format: str | None,
    bar_stamp: BarStamp,
    tick: Size,
    lot: Size,
) -> Recording:
    data = source.data
    if source.header is not None or source.delimiter != "," or stamp_format is not None:  # of these `read_bars` knows nothing
        names = source.names()
        kept = {name: columns.get(name, name) for name in names if columns.get(name, name)}
        stamps = next((name for name, own in kept.items() if own.lower() in STAMP_COLUMNS), "")
        data = pa.Table.from_batches(source.batches(list(kept), stamps)).to_pandas()
        if stamp_format is not None and stamps:
            data[stamps] = _by_format(pa.array(data[stamps]), stamp_format, source.place, 0).to_pandas()
        columns = {theirs: own for theirs, own in columns.items() if own}
    frames = {symbol: data} if isinstance(data, pd.DataFrame) else Path(data)
    terms = Terms(bar_stamp=bar_stamp, tick_size=tick, lot_size=lot, time_zone=time_zone, epoch=unit)
    tape = tape_of(frames, terms, instruments=None, columns=columns, actions=None)

    def parts() -> Iterator[Events]:
        yield tape.events[tape.events["kind"] == Kind.BAR]

    return Recording(tuple(tape.instruments), parts, source.place, tuple(tape.notes))


def _finest(source: Source, theirs: Mapping[str, str], kind: TableKind, shown: float) -> tuple[Step, Step]:
    """The coarsest decimal steps of prices and of sizes, what quotes are taken to show among them."""
    tick, lot, row = Step(1, 1), finest(np.array([shown]), None, 9, place=source.place, column="displayed_size="), 0
    prices, sizes = ([name for name in names[kind] if name in theirs] for names in (_PRICES, _SIZES))
    for batch in _batches(source, {theirs[name]: name for name in (*prices, *sizes)}) if prices or sizes else ():
        for column in prices:
            tick = finest(_floats(batch, column, source.place, row), tick, 9, place=source.place, column=column)
        for column in sizes:
            lot = finest(_floats(batch, column, source.place, row), lot, 9, place=source.place, column=column)
        row += len(batch)
    return tick, lot


def _batches(source: Source, ours: Mapping[str, str]) -> Iterator[pa.RecordBatch]:
    """Some columns under our names, given by theirs."""
    stamps = next((theirs for theirs, own in ours.items() if own == "ts"), "")
    for batch in source.batches(list(ours), stamps):
        yield batch.rename_columns(list(ours.values()))


def _names(found: list[str], kind: TableKind, columns: Mapping[str, str], place: str) -> dict[str, str]:
    """Our name of each column that is read, by theirs."""
    for name in columns:
        if name not in found:
            raise DataError(f"{place}: columns= names {name!r}, which is not there. {did_you_mean(name, found)}")
    ours = {name: columns.get(name, name) for name in found if name not in columns or columns[name]}
    known, names = (*_NEEDED[kind], *_ALLOWED[kind]), list(ours.values())
    unknown = [name for name in names if name not in known]
    if unknown:
        name, more = unknown[0][:80], some_of([repr(name) for name in unknown[1:]], most=3)
        which = f"column {name!r} is none of {kind}{f', nor are {more}' if more else ''}"
        raise DataError(f'{place}: {which}. {did_you_mean(name, known)} Map it, or leave it out with "".')
    for name in names:
        if names.count(name) > 1:
            raise DataError(f'{place}: two columns are called {name!r}. Leave one out with "".')
    for name in _NEEDED[kind]:
        if name not in names:
            raise DataError(f"{place}: no column {name!r}, which {kind} need; found {some_of(found)}. Map it with columns=.")
    return ours


def _floats(batch: pa.RecordBatch, name: str, place: str, first_row: int) -> Floats:
    return floats(batch.column(name), place=place, name=name, first_row=first_row)


def _stamps(batch: pa.RecordBatch, place: str, time_zone: str | None, unit: Epoch | None, stamp_format: str | None, first_row: int) -> Ints:
    column = batch.column("ts")
    if column.null_count:
        row = first_row + int(np.argmax(column.is_null().to_numpy(zero_copy_only=False)))
        raise DataError(f"{place}, row {row}, column ts: empty. Fill it in or remove the row.")
    if stamp_format is not None:
        column = _by_format(column, stamp_format, place, first_row)
    if pa.types.is_integer(column.type):
        if unit not in _PER_UNIT:
            raise DataError(
                f'{place}, column ts: numbers, {column[0]} first. Say what they count since 1970: unit="s", "ms", "us" or "ns".'
            )
        return _from_numbers(column, unit, place, first_row)
    if not pa.types.is_timestamp(column.type):
        first = column[0].cast(pa.string()) if pa.types.is_primitive(column.type) else "none of these"
        raise DataError(f"{place}, column ts: {column.type}, {first} first; rule: ISO 8601 stamps or whole numbers. Say stamp_format=.")
    column = _in_ns(column, place, first_row)
    if column.type.tz is None:
        if time_zone is None:
            raise DataError(f'{place}, column ts: {column[0]} has no zone. Name it: time_zone="America/New_York", or "UTC".')
        column = _zoned(column, place, time_zone, first_row)
    stamps: Ints = column.cast(pa.int64()).to_numpy()
    return stamps


def _in_ns(column: pa.Array, place: str, first_row: int) -> pa.Array:
    """Stamps of any unit in nanoseconds; refused before they could wrap."""
    counts = column.cast(pa.int64()).to_numpy()
    _refuse_far(counts, {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}[column.type.unit], place, first_row)
    return column.cast(pa.timestamp("ns", column.type.tz))


def _from_numbers(column: pa.Array, unit: Epoch, place: str, first_row: int) -> Ints:
    numbers = wholes(column, place=place, name="ts", first_row=first_row)
    _refuse_far(numbers, _PER_UNIT[unit], place, first_row)
    return numbers * _PER_UNIT[unit]


def _refuse_far(counts: Ints, per_unit: int, place: str, first_row: int) -> None:
    """Raise for the first of some counts since 1970, of `per_unit` ns each, that lies out of reach."""
    if len(counts) and (int(counts.min()) < EARLIEST_NS // per_unit or int(counts.max()) > LATEST_NS // per_unit):
        row = int(np.argmax((counts < EARLIEST_NS // per_unit) | (counts > LATEST_NS // per_unit)))
        raise DataError(
            f"{place}, row {first_row + row}, column ts: {int(counts[row])}, counting {per_unit} ns each; rule: {FAR_OFF}. "
            "Name a smaller unit=, or correct the row."
        )


def _by_format(column: pa.Array, stamp_format: str, place: str, first_row: int) -> pa.Array:
    """Text as wall times, or as instants where the format has %z."""
    text = column.cast(pa.string()).to_pandas()
    try:
        stamps = pd.to_datetime(text, format=stamp_format, errors="coerce")
    except (ValueError, OverflowError) as error:
        raise DataError(f"{place}: stamp_format={stamp_format!r}: {error}. Use the words of strptime, as %Y%m%d %H%M%S%f.") from error
    wrong = stamps.isna().to_numpy()
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(
            f"{place}, row {first_row + row}, column ts: {text[row]!r}; rule: stamp_format={stamp_format!r}; {int(wrong.sum())} in this "
            "part. Correct the row or the format."
        )
    return pa.array(stamps)


def _zoned(column: pa.Array, place: str, time_zone: str, first_row: int) -> pa.Array:
    """Wall times as instants; what a clock change makes happen twice or never is refused."""
    try:
        return pc.assume_timezone(column, time_zone)
    except pa.ArrowException as error:
        try:
            early, late = (pc.assume_timezone(column, time_zone, ambiguous=one, nonexistent=one) for one in ("earliest", "latest"))
        except pa.ArrowException:
            raise DataError(f"{place}: time_zone={time_zone!r}: {error}. Name it as the IANA does, America/New_York.") from error
        row = int(np.argmax(pc.not_equal(early, late).to_numpy(zero_copy_only=False)))
        raise DataError(
            f"{place}, row {first_row + row}, column ts: {column[row]} in {time_zone}; rule: a wall time that a change of the clock makes "
            "happen twice or never is no instant. Write the stamps with their offset or in UTC."
        ) from error


def _events(batch: pa.RecordBatch, kind: TableKind, stamps: Ints, instrument: Instrument, place: str, row: int, shown_lots: int) -> Events:
    events = np.zeros(len(stamps), EVENT)
    events["ts_local_ns"] = events["ts_venue_ns"] = stamps

    def fill(word: str, name: str, step: Step, minimum: int) -> None:
        events[word] = steps(_floats(batch, name, place, row), step, place=place, column=name, first_row=row, minimum=minimum)

    if kind == "funding":
        events["kind"] = Kind.FUNDING
        events["w0"] = steps(_floats(batch, "rate", place, row), Step(1, 10**9), place=place, column="rate", first_row=row)
        return events
    present = batch.schema.names
    if kind == "quotes":
        events["kind"] = Kind.QUOTE
        fill("w0", "bid", instrument.tick, 1)
        fill("w1", "ask", instrument.tick, 1)
        for word, name in (("w2", "bid_size"), ("w3", "ask_size")):
            if name in present:
                fill(word, name, instrument.lot, 0)
            else:
                events[word] = shown_lots
        crossed = events["w0"] > events["w1"]
        if crossed.any():
            at = int(np.argmax(crossed))
            raise DataError(
                f"{place}, row {row + at}: bid {events['w0'][at]} above ask {events['w1'][at]} ticks; rule: bid <= ask. Remove it."
            )
        return events
    events["kind"] = Kind.TRADE
    fill("w0", "price", instrument.tick, 1)
    fill("w1", "size", instrument.lot, 1)
    if "trade_id" in present:
        events["w2"] = wholes(batch.column("trade_id"), place=place, name="trade_id", first_row=row)
    if "side" in present:
        buys = sides(batch.column("side"), place=place, name="side", first_row=row)
        events["flags"] = np.where(buys, int(Flag.BUY), int(Flag.SELL))
    return events
