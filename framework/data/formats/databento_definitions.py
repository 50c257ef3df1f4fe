"""Instruments from a DBN file of schema definition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from framework.data.checks.library_errors import FETCH_AGAIN, reading
from framework.data.formats.databento_file import head, package, rust, stream, take
from framework.errors import DataError
from framework.schema.instrument import Instrument
from framework.schema.units import Step

_UNDEFINED = np.iinfo(np.int64).max
_UNDEFINED_32 = np.iinfo(np.int32).max
_BILLION = 10**9
_BLOCK_BYTES = 1 << 22


def instruments_of(
    path: Path, symbols: Mapping[int, str], definitions: str | Path | None, tick: Step | None, inferred: Step
) -> tuple[tuple[Instrument, ...], list[str]]:
    """The instruments of a file, in the order of `symbols`, and what the user should know of them.

    Args:
        path: of the file, for messages.
        symbols: by instrument id.
        definitions: a file of schema definition, or None.
        tick: of instruments whose definition is missing or has none.
        inferred: the tick where there are no definitions and none was given.

    Raises:
        DataError: with definitions, an instrument that has none, or one without a tick, and no tick was given.
    """
    if definitions is None:
        return tuple(Instrument(symbol, tick or inferred) for symbol in symbols.values()), []
    records = _records(Path(definitions))
    made, notes = [], []
    for number, symbol in symbols.items():
        record = records.get(number)
        own = None if record is None or record.min_price_increment in (0, _UNDEFINED) else Fraction(record.min_price_increment, _BILLION)
        if own is None and tick is None:
            lacks = "is not in it" if record is None else "has no min_price_increment there, as contracts of variable ticks"
            raise DataError(f"{path}: instrument {symbol} ({number}) {lacks}; definitions={str(definitions)!r}. Give its tick: tick_size=.")
        step = Step.of(own) if own is not None else tick
        assert step is not None
        if record is None:
            made.append(Instrument(symbol, step))
            notes.append(f"{symbol} has no definition: its multiplier is 1 and its currency USD.")
            continue
        instrument = Instrument(record.raw_symbol, step, currency=record.currency or "USD", venue=record.exchange)
        multiplier, said = _multiplier(record)
        made.append(replace(instrument, multiplier=multiplier))
        notes += [f"{record.raw_symbol}: {said}"] if said else []
    return tuple(made), notes


def _multiplier(record: Any) -> tuple[float, str]:
    """Money per point of price of one contract, and what the user should know.

    `contract_multiplier` where the venue gives one. Else `unit_of_measure_qty`: 50 index points of the E-mini, 1,000 barrels. Prices may
    be in another unit than money per unit of measure (cents per bushel), so for other units than index points it must agree with the
    value of a tick, `min_price_increment_amount` over `display_factor`.
    """
    if record.contract_multiplier not in (0, _UNDEFINED_32):
        return float(record.contract_multiplier), ""
    per_unit, worth = record.unit_of_measure_qty, record.min_price_increment_amount
    by_unit = None if per_unit in (0, _UNDEFINED) else Fraction(per_unit, _BILLION)
    is_given = worth not in (0, _UNDEFINED) and record.min_price_increment not in (0, _UNDEFINED) and record.display_factor > 0
    by_tick = Fraction(worth * _BILLION, record.min_price_increment * record.display_factor) if is_given else None
    if by_unit is not None and (record.unit_of_measure == "IPNT" or by_unit == by_tick):
        return float(by_unit), ""
    if by_unit is None and by_tick is None:
        return 1.0, "its definition gives no multiplier, 1 was taken. Set it on the instrument."
    shown = ", ".join(
        f"{float(value):g} by {source}"
        for value, source in ((by_unit, f"unit_of_measure_qty in {record.unit_of_measure}"), (by_tick, "the value of a tick"))
        if value is not None
    )
    return 1.0, f"its multiplier is {shown}, which do not confirm each other, so 1 was taken. Set it on the instrument."


def _records(path: Path) -> dict[int, Any]:
    """The last definition of each instrument id."""
    metadata, _ = head(path)
    if str(metadata.schema) != "definition":
        raise DataError(f"{path}: schema {metadata.schema}; rule: definitions= is a file of schema definition. Fetch that schema.")
    dbn = package()
    decoder = dbn.DBNDecoder()
    with stream(path) as source:
        while block := take(source, _BLOCK_BYTES, path):
            with rust(path, dbn), reading(path, also=(dbn.DBNError,)):
                decoder.write(block)
    with rust(path, dbn), reading(path, also=(dbn.DBNError,)):
        records = {record.instrument_id: record for record in decoder.decode() if hasattr(record, "min_price_increment")}
        texts = {number: (one.raw_symbol, one.currency, one.exchange, one.unit_of_measure) for number, one in records.items()}
    for number, (symbol, *_) in texts.items():
        if not symbol.strip():
            raise DataError(f"{path}, instrument {number}: no raw_symbol; rule: a definition names its instrument. {FETCH_AGAIN}")
    return records
