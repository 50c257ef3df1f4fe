"""Events of one's own on a tape: signals, and what is paid into or taken out of the account.

signals = custom_events(tape, frame)                 # one row a signal, by when it was known
result = backtest(Follows(), add_events(tape, signals))
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from framework.data.checks.account_events import check_account_events
from framework.data.tape.assembly import Tape, assemble, checked_extra, places_of_kept
from framework.data.tape.event_arrays import taken
from framework.errors import DataError, did_you_mean
from framework.schema.event import EVENT, NO_INSTRUMENT, Kind, currency_word

Events = NDArray[np.void]

MOST_VALUES = 4
"""Columns of values that a CUSTOM event has room for."""

_WORDS = ("w1", "w2", "w3", "w4")


def add_events(tape: Tape, *events: Events) -> Tape:
    """The same tape with further events in their places.

    Raises:
        DataError: an event that cannot be; see `build`.
    """
    is_kept = tape.events["kind"] != Kind.SESSION
    kept = taken(tape.events, np.flatnonzero(is_kept))
    pieces = [checked_extra(piece, tape.instruments) for piece in events]
    return assemble(tape.instruments, [kept, *pieces], name=tape.name, notes=tape.notes, sides=tape.sides.moved(places_of_kept(is_kept)))


def custom_events(tape: Tape, frame: pd.DataFrame) -> Events:
    """Signals as CUSTOM events, which wake `on_event` when they are known.

    Args:
        tape: whose symbols the frame names.
        frame: its index says when each row was known, UTC. Columns: `number`, a whole number that tells kinds of signals apart, 0 without
            it; `symbol`, blank or missing for none; `happened`, UTC, when it happened, by default when it was known. Every other column,
            at most four, is a value, in the order of the columns.

    Raises:
        DataError: a stamp that is none or without its zone, a symbol that is not on the tape, a value that is no number, too many columns.
    """
    events = _begun(tape, frame, Kind.CUSTOM)
    numbers = frame["number"] if "number" in frame else pd.Series(0, index=frame.index)
    events["w0"] = _whole(numbers)
    names = [name for name in frame.columns if name not in ("number", "symbol", "happened")]
    if len(names) > MOST_VALUES:
        raise DataError(f"custom events: {len(names)} columns of values ({', '.join(map(str, names))}); rule: at most {MOST_VALUES}")
    for name, word in zip(names, _WORDS, strict=False):
        events[word] = _floats(frame, str(name)).view(np.int64)
    return events


def transfer_events(tape: Tape, frame: pd.DataFrame) -> Events:
    """What is moved into the account or out of it (below 0), as TRANSFER events: cash, or units at a price.

    Args:
        tape: whose symbols the frame names.
        frame: its index says when, UTC. Of cash: `currency` and `amount`. Of units: `symbol`, `quantity` and `price`, what one unit has
            cost. A row is of one sort; the other's cells are blank or missing.

    Raises:
        DataError: as `custom_events`; a quantity off its lot.
    """
    events = _begun(tape, frame, Kind.TRANSFER)
    for row, (event, (_, cells)) in enumerate(zip(events, frame.iterrows(), strict=True)):
        if event["instrument"] == NO_INSTRUMENT:
            event["w0"] = currency_word(str(cells.get("currency")))
            event["w1"] = _bits(cells.get("amount"), row, "amount")
            continue
        instrument = tape.instruments[int(event["instrument"])]
        quantity = float(cells.get("quantity", np.nan))
        lots = instrument.lot.exactly(quantity) if np.isfinite(quantity) else None
        if lots is None:
            raise DataError(f"row {row}, quantity: {quantity:g}; rule: a whole number of lots of {instrument.lot.size:g}")
        event["w0"] = lots
        event["w1"] = np.float64(_bits(cells.get("price"), row, "price").view(np.float64) / instrument.tick.size).view(np.int64)
    check_account_events(events)
    return events


def _begun(tape: Tape, frame: pd.DataFrame, kind: Kind) -> Events:
    """Events with their stamps and instruments."""
    if not isinstance(frame.index, pd.DatetimeIndex) or str(frame.index.tz) != "UTC" or frame.index.hasnans:
        raise DataError(
            f"{kind.name} events: an index of {frame.index.dtype}; rule: stamps in UTC, none missing. Make one by "
            "frame.index = pd.to_datetime(frame.index, utc=True)"
        )
    events = np.zeros(len(frame), dtype=EVENT)
    events["kind"], events["instrument"] = kind, NO_INSTRUMENT
    events["ts_local_ns"] = events["ts_venue_ns"] = frame.index.as_unit("ns").asi8
    if "happened" in frame:
        happened = pd.DatetimeIndex(frame["happened"])
        if str(happened.tz) != "UTC" or happened.hasnans:
            raise DataError(f"{kind.name} events, column happened: {happened.dtype}; rule: stamps in UTC, none missing")
        events["ts_venue_ns"] = happened.as_unit("ns").asi8
    if "symbol" in frame:
        places = {instrument.symbol: place for place, instrument in enumerate(tape.instruments)}
        for row, symbol in enumerate(frame["symbol"]):
            if pd.isna(symbol) or symbol == "":
                continue
            if symbol not in places:
                raise DataError(f"{kind.name} events, row {row}: symbol {symbol!r} is not on the tape. {did_you_mean(str(symbol), places)}")
            events["instrument"][row] = places[symbol]
    return events


def _bits(value: object, row: int, name: str) -> np.int64:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = np.nan
    if not np.isfinite(number):
        raise DataError(f"row {row}, {name}: {value!r}; rule: a finite number")
    return np.int64(np.float64(number).view(np.int64))


def _floats(frame: pd.DataFrame, name: str) -> NDArray[np.float64]:
    column = frame[name]
    if not pd.api.types.is_numeric_dtype(column.dtype):
        raise DataError(f"custom events, column {name!r}: {column.dtype}; rule: numbers. Give its meaning as numbers, or leave it out")
    return np.ascontiguousarray(column.to_numpy(dtype=np.float64))


def _whole(numbers: pd.Series) -> NDArray[np.int64]:
    if not pd.api.types.is_integer_dtype(numbers.dtype):
        raise DataError(f"custom events, column number: {numbers.dtype}; rule: whole numbers, as series.astype('int64') makes them")
    return numbers.to_numpy(dtype=np.int64)
