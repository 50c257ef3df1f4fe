"""One piece of work on data in a process of its own, so that its memory is its own. Prints one line of JSON.

python -m framework.bench.data_work csv_epoch 5000000 FOLDER
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv
from numpy.typing import NDArray

from framework.bench.peers.harness import peak_rss_mb
from framework.data.formats import table
from framework.data.store import catalog
from framework.data.store.ticks import open_store
from framework.data.tape.recording import Recording
from framework.errors import DataError
from framework.schema.event import EVENT, Flag, Kind
from framework.schema.instrument import Instrument

_CHUNK = 1_000_000
_BATCH = 100_000
_START_NS = 1_700_000_000_000_000_000
_SPACING_NS = 1_000_000
INSTRUMENTS = (Instrument("ALPHA"), Instrument("BRAVO"))


def trades(count: int, symbols: int) -> Iterator[NDArray[np.void]]:
    """A walk of trades a millisecond apart, of one or two instruments in random turn."""
    last = 100_000
    for first in range(0, count, _CHUNK):
        rows = np.arange(first, min(first + _CHUNK, count), dtype=np.int64)
        draw = np.random.default_rng(first)
        part = np.zeros(len(rows), dtype=EVENT)
        part["ts_venue_ns"] = _START_NS + rows * _SPACING_NS
        part["ts_local_ns"] = part["ts_venue_ns"] + draw.integers(0, _SPACING_NS, len(rows))
        part["kind"] = Kind.TRADE
        part["flags"] = np.where(draw.integers(0, 2, len(rows)) == 0, int(Flag.BUY), int(Flag.SELL))
        part["instrument"] = draw.integers(0, symbols, len(rows))
        part["w0"] = last + np.cumsum(draw.integers(-1, 2, len(rows)))
        part["w1"], part["w2"] = draw.integers(1, 1000, len(rows)), rows
        last = int(part["w0"][-1])
        yield part


def recording(count: int, symbols: int) -> Recording:
    """The walk as a recording, made while it is read."""
    return Recording(INSTRUMENTS[:symbols], lambda: trades(count, symbols), "synthetic trades")


def _written(folder: Path, count: int, *, iso: bool) -> Path:
    """The walk of one instrument as CSV: ts, price, size, side."""
    path = folder / f"{'iso' if iso else 'epoch'}-{count}.csv"
    kind = pa.timestamp("ns", "UTC") if iso else pa.int64()
    schema = pa.schema([("ts", kind), ("price", pa.float64()), ("size", pa.int64()), ("side", pa.string())])
    with csv.CSVWriter(path, schema) as writer:
        for part in trades(count, 1):
            sides = pa.array(["buy", "sell"]).take(pa.array((part["flags"] == Flag.SELL).astype(np.int8)))
            columns = [pa.array(np.ascontiguousarray(part["ts_local_ns"])).cast(kind), part["w0"] / 100.0, np.ascontiguousarray(part["w1"])]
            writer.write_table(pa.table([*columns, sides], schema=schema))
    return path


def _timed(work: Callable[[], int]) -> dict[str, float]:
    start = time.perf_counter()
    events = work()
    return {"events": events, "seconds": time.perf_counter() - start}


def read_csv(count: int, folder: Path, *, iso: bool, declared: bool) -> dict[str, float]:
    """A file of trades into events; without declared steps a pass before it finds them."""
    path = _written(folder, count, iso=iso)
    steps: dict[str, Any] = {"tick_size": 0.01, "lot_size": 1} if declared else {}
    return _timed(lambda: sum(len(part) for part in table.read(path, "trades", unit=None if iso else "ns", **steps).parts()))


def keep(count: int, folder: Path) -> dict[str, float]:
    """A recording of two instruments into a dataset."""
    made = recording(count, 2)
    return _timed(lambda: catalog.import_recording(f"kept-{count}", made, root=folder, licence="CC0").rows)


def load(count: int, folder: Path, symbols: int) -> dict[str, float]:
    """A dataset into a tape."""
    name = f"loaded-{symbols}"
    catalog.import_recording(name, recording(count, symbols), root=folder, licence="CC0")
    return _timed(lambda: int((catalog.load(name, root=folder).events["kind"] == Kind.TRADE).sum()))


def append(count: int, folder: Path, where: str) -> dict[str, float]:
    """Batches into a store of ticks."""
    made = [part[begin : begin + _BATCH] for part in trades(count, 2) for begin in range(0, len(part), _BATCH)]
    store = open_store(where, folder)
    if store.position("bench").number:
        raise DataError(f"{where} holds a stream 'bench' already. Give an empty database: appending again would measure nothing.")

    def work() -> int:
        for number, batch in enumerate(made, start=1):
            store.append("bench", number, batch, INSTRUMENTS)
        return store.position("bench").events

    return _timed(work)


def read_store(count: int, folder: Path, where: str) -> dict[str, float]:
    """A store of ticks into events."""
    store = open_store(where, folder)
    return _timed(lambda: sum(len(part) for part in store.read().parts()))


WORKS: dict[str, Callable[..., dict[str, float]]] = {
    "csv_epoch": lambda count, folder: read_csv(count, folder, iso=False, declared=True),
    "csv_iso": lambda count, folder: read_csv(count, folder, iso=True, declared=True),
    "csv_found": lambda count, folder: read_csv(count, folder, iso=False, declared=False),
    "import": keep,
    "load_one": lambda count, folder: load(count, folder, 1),
    "load_two": lambda count, folder: load(count, folder, 2),
    "append": append,
    "read": read_store,
}

if __name__ == "__main__":
    work, number, place, *more = sys.argv[1:]
    answer = WORKS[work](int(number), Path(place), *more)
    print(json.dumps({**answer, "peak_rss_mb": peak_rss_mb()}))
