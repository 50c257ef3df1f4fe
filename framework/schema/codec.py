"""Events to bytes, to Parquet and to readable tables, and back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from framework.errors import DataError
from framework.schema.event import EVENT, NO_INSTRUMENT, Correction, Kind
from framework.schema.order import Reason
from framework.schema.side import SIDE_FIELDS, SideRecord, SideRecords

if TYPE_CHECKING:
    import pandas as pd

_FLOAT_WORDS: dict[Kind, tuple[str, ...]] = {
    Kind.ORDER_REFUSED: ("w2", "w3"),
    Kind.ORDER_REJECTED: ("w2", "w3"),
    Kind.ORDER_CANCELLED: ("w2", "w3"),
    Kind.ORDER_FILLED: ("w3", "w4"),
    Kind.ORDER_COSTS: ("w1", "w2", "w3"),
    Kind.CHARGE: ("w1",),
    Kind.SETTLED: ("w0", "w1"),
    Kind.TRANSFER: ("w1", "w4"),
    Kind.LIMIT: ("w3",),
    Kind.FIRM: ("w0", "w1", "w2"),
    Kind.CORRECTION: ("w2", "w3"),  # of positions and cash
}
"""Words that hold the bits of a float64, by kind."""

_REASON_WORDS = {
    Kind.ORDER_REFUSED: "w1",
    Kind.ORDER_REJECTED: "w1",
    Kind.ORDER_CANCELLED: "w1",
    Kind.ORDER_EXPIRED: "w1",
    Kind.ORDER_CANCEL: "w1",
    Kind.ORDER_CANCEL_REJECTED: "w1",
    Kind.ORDER_UNKNOWN: "w1",
    Kind.STANCE: "w3",
    Kind.CORRECTION: "w4",
    Kind.LIMIT: "w4",
    Kind.BREAKER: "w4",
}
_KNOWN_REASONS = {int(reason): reason.name for reason in Reason}


def to_bytes(events: NDArray[np.void]) -> bytes:
    """Events as 64-byte records, little endian, one after the other."""
    return np.ascontiguousarray(events, dtype=EVENT).tobytes()


def from_bytes(data: bytes) -> NDArray[np.void]:
    """The inverse of `to_bytes`; a length that is no multiple of 64 is a DataError."""
    if len(data) % EVENT.itemsize:
        raise DataError(
            f"{len(data)} bytes are not a whole number of {EVENT.itemsize}-byte events: the last {len(data) % EVENT.itemsize} are cut"
        )
    return np.frombuffer(data, dtype=EVENT)


def to_parquet(
    events: NDArray[np.void], path: str | Path, sides: SideRecords | None = None, about: Mapping[str, str] | None = None
) -> Path:
    """Write events to Parquet, one column a field, nothing interpreted; `from_parquet` gives the same bytes back.

    Args:
        events: dtype EVENT.
        path: of the file.
        sides: a column more for each field of `SideRecord`, where there are any; `sides_from_parquet` reads them.
        about: texts kept in the file's schema.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    target = Path(path)
    names = EVENT.names or ()
    columns: dict[str, Any] = {name: np.ascontiguousarray(events[name]) for name in names}
    columns |= {name: pa.array(texts) for name, texts in sides.columns(len(events)).items()} if sides else {}
    table = pa.table(columns)
    pq.write_table(table.replace_schema_metadata(dict(about)) if about else table, target, compression="zstd")
    return target


def from_parquet(path: str | Path) -> NDArray[np.void]:
    """Read events written by `to_parquet`; missing or further columns are a DataError."""
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    names = list(EVENT.names or ())
    if sorted(set(table.column_names) - set(SIDE_FIELDS)) != sorted(names):
        raise DataError(f"{path}: columns {', '.join(table.column_names)}; an event file has {', '.join(names)}")
    events = np.zeros(table.num_rows, dtype=EVENT)
    for name in names:
        events[name] = table.column(name).to_numpy()
    return events


def sides_from_parquet(path: str | Path) -> SideRecords:
    """What `to_parquet` wrote beside the events; empty where it wrote none."""
    import pyarrow.parquet as pq

    sides, begin = SideRecords(), 0
    file = pq.ParquetFile(path)
    if not set(SIDE_FIELDS) <= set(file.schema_arrow.names):
        return sides
    for batch in file.iter_batches(columns=list(SIDE_FIELDS)):
        for row, texts in enumerate(zip(*(batch.column(name).to_pylist() for name in SIDE_FIELDS), strict=True)):
            if any(texts):
                sides.add(begin + row, SideRecord(*texts))
        begin += batch.num_rows
    return sides


def to_frame(events: NDArray[np.void], sides: SideRecords | None = None) -> pd.DataFrame:
    """Events as a table to read: stamps as UTC, kinds and reasons by name, float words as numbers.

    Columns: ts_local, ts_venue, kind (NaN where there is no such), flags, instrument (-1 where there is none), w0 to w4 (float64), reason;
    where there are `sides`, those of `SideRecord`, empty where an event has none.
    A word above 2**53 loses digits here; `to_parquet` keeps every bit.
    """
    import pandas as pd

    kinds, names = events["kind"], pd.Index(_KIND_NAMES)
    columns: dict[str, Any] = {
        "ts_local": pd.to_datetime(events["ts_local_ns"], utc=True),
        "ts_venue": pd.to_datetime(events["ts_venue_ns"], utc=True),
        "kind": pd.Categorical.from_codes(
            np.where(np.isin(kinds, _KIND_VALUES), np.searchsorted(_KIND_VALUES, kinds), -1), categories=names
        ),
        "flags": events["flags"].astype(np.int64),
        "instrument": np.where(events["instrument"] == NO_INSTRUMENT, -1, events["instrument"].astype(np.int64)),
    }
    for word in ("w0", "w1", "w2", "w3", "w4"):
        values = events[word].astype(np.float64)
        for kind, words in _FLOAT_WORDS.items():
            if word in words:
                mask = kinds == kind
                if kind == Kind.CORRECTION:
                    mask &= events["flags"] <= Correction.CASH
                values[mask] = np.ascontiguousarray(events[word][mask]).view(np.float64)
        columns[word] = values
    reasons = np.full(len(events), "", dtype=object)
    for kind, word in _REASON_WORDS.items():
        for row in np.flatnonzero(kinds == kind):
            if kind != Kind.CORRECTION or events["flags"][row] != Correction.ORDER_FOUND:
                code = int(events[word][row])
                reasons[row] = _KNOWN_REASONS.get(code, str(code))  # a venue may have said what there is not
    columns["reason"] = reasons
    return pd.DataFrame(columns | (sides.columns(len(events)) if sides else {}))


_KIND_VALUES = np.array(sorted(int(kind) for kind in Kind))
_KIND_NAMES = [Kind(value).name for value in _KIND_VALUES]
