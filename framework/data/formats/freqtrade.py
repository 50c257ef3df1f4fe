"""Freqtrade's feather files: candles, trades, funding rates, mark prices.

A file is `PAIR-TIMEFRAME.feather` (spot candles), `PAIR-TIMEFRAME-futures.feather`, `-mark.feather`, `-funding_rate.feather` or
`PAIR-trades.feather`. Candles are stamped at their opens; they become bars at their closes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import feather

from framework.data.checks.far_off import EARLIEST_NS, FAR_OFF, LATEST_NS
from framework.data.checks.library_errors import reading
from framework.data.checks.numbers import LARGEST
from framework.data.formats.columns import floats, sides, wholes
from framework.data.formats.price_steps import Floats, Ints, check_order, finest, steps
from framework.data.tape.recording import Events, Recording
from framework.errors import DataError
from framework.schema.event import EVENT, Flag, Kind
from framework.schema.instrument import Instrument, InstrumentKind
from framework.schema.units import Step

Size = float | str | Fraction | Step | None

_UNIT_NS = {"m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_NAME = re.compile(r"(?P<pair>.+?)-(?:(?P<count>\d+)(?P<unit>[mhdw])(?:-(?P<what>futures|mark|funding_rate))?|(?P<trades>trades))\.feather")
_PRICE_DECIMALS, _VOLUME_DECIMALS = 12, 8
_CANDLE = ("date", "open", "high", "low", "close", "volume")
_TRADE = ("timestamp", "id", "type", "side", "price", "amount", "cost")


def read(path: str | Path, *, symbol: str | None = None, tick_size: Size = None, lot_size: Size = None) -> Recording:
    """Read one file. What it holds is told by its name.

    Args:
        path: as freqtrade named it.
        symbol: of the instrument; if not given, the pair as the name has it ("ETH_BTC"), with ".MARK" added for mark prices.
        tick_size, lot_size: if not given, the coarsest decimal that represents every value.

    Mark prices become bars of an INDEX: volume 0, whatever their volume column holds. Funding rates, which freqtrade keeps in
    `open`, become FUNDING at their stamps. A trade's `type` and `cost` have no place in an event and are said in the notes.

    Raises:
        DataError: an unknown name, other columns, a value that cannot be trusted, rows out of order.
    """
    path = Path(path)
    named = _NAME.fullmatch(path.name)
    if named is None:
        raise DataError(
            f"{path}: the name does not say what the file holds; rule: PAIR-5m.feather, PAIR-1h-futures.feather, PAIR-8h-mark.feather, "
            "PAIR-8h-funding_rate.feather or PAIR-trades.feather. Give it back freqtrade's name."
        )
    with reading(path, fault="not a feather file that can be read"):
        table = feather.read_table(path, memory_map=False)
        table.validate(full=True)  # a damaged offset would be followed out of its buffer
    what = "trades" if named["trades"] else named["what"] or "candles"
    wanted = _TRADE if what == "trades" else _CANDLE
    if tuple(table.column_names) != wanted:
        raise DataError(f"{path}: columns {', '.join(table.column_names)}; rule: {', '.join(wanted)}. Convert it with freqtrade.")
    name = symbol or named["pair"] + (".MARK" if what == "mark" else "")
    if what == "trades":
        return _trades(table, path, name, tick_size, lot_size)
    stamps = _stamps(table, path)
    if what == "funding_rate":
        return _funding(table, stamps, path, name, tick_size, lot_size)
    interval = int(named["count"]) * _UNIT_NS[named["unit"]] * 10**9
    return _candles(table, stamps, path, name, interval, tick_size, lot_size, is_mark=what == "mark")


def _recording(events: Events, instrument: Instrument, path: Path, notes: list[str]) -> Recording:
    def parts() -> Iterator[Events]:
        yield events

    return Recording((instrument,), parts, str(path), tuple(notes))


def _stamps(table: pa.Table, path: Path) -> Ints:
    column = table["date"]
    if not pa.types.is_timestamp(column.type) or column.type.tz is None or column.null_count:
        raise DataError(
            f"{path}, column date: {column.type}, {column.null_count} empty; rule: instants with a zone. Convert with freqtrade."
        )
    with reading(f"{path}, column date", "Correct or remove the rows that are so far off."):
        stamps: Ints = column.cast(pa.timestamp("ns", "UTC")).cast(pa.int64()).to_numpy()
    _increasing(stamps, path)
    return stamps


def _from_milliseconds(column: pa.ChunkedArray, path: Path) -> Ints:
    counts = wholes(column, place=str(path), name="timestamp")
    far = (counts < EARLIEST_NS // 1_000_000) | (counts > LATEST_NS // 1_000_000)
    if far.any():
        row = int(np.argmax(far))
        raise DataError(f"{path}, row {row}, column timestamp: {int(counts[row])} ms; rule: {FAR_OFF}. Correct or remove the row.")
    return counts * 1_000_000


def _increasing(stamps: Ints, path: Path) -> None:
    check_order(stamps, np.iinfo(np.int64).min, place=str(path))
    same = np.diff(stamps) == 0
    if same.any():
        row = int(np.argmax(same)) + 1
        raise DataError(f"{path}, row {row}, column date: {int(stamps[row])} ns twice; rule: one row a stamp. Remove one of them.")


def _floats(table: pa.Table, name: str, path: Path) -> Floats:
    return floats(table[name], place=str(path), name=name)


def _without_dust(values: Floats, decimals: int, what: str, notes: list[str]) -> Floats:
    """Values to so many decimals; how many that changed is said.

    Freqtrade writes prices and volumes with the dust of float arithmetic: 0.016984990000000002.
    """
    usual = np.abs(values) < LARGEST  # what is not is refused for its size
    rounded = np.where(usual, np.round(np.where(usual, values, 0.0), decimals), values)
    changed = usual & (rounded != values)
    if changed.any():
        most = float(np.abs(rounded - values)[changed].max())
        notes.append(f"{what}: {int(changed.sum())} of {len(values)} values were rounded to {decimals} decimals, by at most {most:.2g}.")
    return rounded


def _currency(symbol: str) -> str:
    """What a pair is quoted in: "BTC" of ETH_BTC, "USDT" of XRP_USDT_USDT and XRP_USDT.MARK; USD where the symbol is no pair."""
    return symbol.removesuffix(".MARK").split("_")[1] if "_" in symbol else "USD"


def _candles(
    table: pa.Table, stamps: Ints, path: Path, symbol: str, interval: int, tick_size: Size, lot_size: Size, *, is_mark: bool
) -> Recording:
    place = str(path)
    notes: list[str] = []
    if len(stamps) and (np.diff(stamps) < interval).any():
        row = int(np.argmax(np.diff(stamps) < interval)) + 1
        raise DataError(
            f"{path}, row {row}: opens {int(stamps[row] - stamps[row - 1])} ns after the row before; rule: at least {interval}. "
            "Give the file the name of its timeframe, or remove the row."
        )
    prices = {name: _without_dust(_floats(table, name, path), _PRICE_DECIMALS, f"column {name}", notes) for name in _CANDLE[1:5]}
    tick = (
        Step.of(tick_size)
        if tick_size is not None
        else finest(np.concatenate(list(prices.values())), None, 12, place=place, column="prices")
    )
    ticks = [steps(values, tick, place=place, column=name, minimum=1) for name, values in prices.items()]
    wrong = (ticks[1] < np.maximum(ticks[0], ticks[3])) | (ticks[2] > np.minimum(ticks[0], ticks[3]))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(
            f"{path}, row {row}: open, high, low, close {[int(t[row]) for t in ticks]} ticks; rule: high highest, low lowest. "
            "Correct or remove the row."
        )
    events = np.zeros(len(stamps), EVENT)
    events["ts_local_ns"] = events["ts_venue_ns"] = stamps + interval
    events["kind"] = Kind.BAR
    for word, values in zip(("w0", "w1", "w2", "w3"), ticks, strict=True):
        events[word] = values
    lot = Step(1, 1)
    if is_mark:
        notes.append(f"{symbol}: mark prices, an index; their volume column was left out.")
    else:
        volume = _without_dust(_floats(table, "volume", path), _VOLUME_DECIMALS, "column volume", notes)
        lot = Step.of(lot_size) if lot_size is not None else finest(volume, None, 8, place=place, column="volume")
        events["w4"] = steps(volume, lot, place=place, column="volume", minimum=0)
    kind = InstrumentKind.INDEX if is_mark else InstrumentKind.EQUITY
    currency = _currency(symbol)
    notes.insert(0, f"{path.name}: {len(stamps)} candles.")
    return _recording(events, Instrument(symbol, tick, lot, currency=currency, kind=kind, bar_interval_ns=interval), path, notes)


def _funding(table: pa.Table, stamps: Ints, path: Path, symbol: str, tick_size: Size, lot_size: Size) -> Recording:
    events = np.zeros(len(stamps), EVENT)
    events["ts_local_ns"] = events["ts_venue_ns"] = stamps
    events["kind"] = Kind.FUNDING
    events["w0"] = steps(_floats(table, "open", path), Step(1, 10**9), place=str(path), column="open (the rate)")
    instrument = Instrument(symbol, Step.of(tick_size or Step(1, 100)), Step.of(lot_size or Step(1, 1)), currency=_currency(symbol))
    return _recording(events, instrument, path, [f"{path.name}: {len(stamps)} funding rates, kept by freqtrade in the column open."])


def _trades(table: pa.Table, path: Path, symbol: str, tick_size: Size, lot_size: Size) -> Recording:
    place = str(path)
    stamps = _from_milliseconds(table["timestamp"], path)
    check_order(stamps, np.iinfo(np.int64).min, place=place)
    price, amount = _floats(table, "price", path), _floats(table, "amount", path)
    tick = Step.of(tick_size) if tick_size is not None else finest(price, None, 12, place=place, column="price")
    lot = Step.of(lot_size) if lot_size is not None else finest(amount, None, 9, place=place, column="amount")
    is_buy = sides(table["side"], place=place, name="side")
    ids = wholes(table["id"], place=place, name="id")
    events = np.zeros(len(stamps), EVENT)
    events["ts_local_ns"] = events["ts_venue_ns"] = stamps
    events["kind"] = Kind.TRADE
    events["flags"] = np.where(is_buy, int(Flag.BUY), int(Flag.SELL))
    events["w0"] = steps(price, tick, place=place, column="price", minimum=1)
    events["w1"] = steps(amount, lot, place=place, column="amount", minimum=1)
    events["w2"] = ids
    notes = [f"{path.name}: {len(stamps)} trades; the columns type and cost have no place in an event and were left out."]
    return _recording(events, Instrument(symbol, tick, lot, currency=_currency(symbol)), path, notes)
