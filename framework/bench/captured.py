"""A recorded capture as the work of W4B: the rows of a book by level and its trades as Binance told them, with both stamps.

A lot of the capture is a unit here, and the contract's multiplier is what a lot was: a quote of one lot is of the smallest size traded.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framework.data.formats import binance
from framework.errors import DataError
from framework.schema.event import Flag, Kind
from framework.schema.units import NANOSECONDS_PER_DAY

ABSENT = "no capture was given: --capture FILE or ONETAPE_CAPTURE, of Binance as hftbacktest's collector writes it"
_MINUTE_NS = 60_000_000_000
_LONGEST_NS = NANOSECONDS_PER_DAY - 2 * _MINUTE_NS


@dataclass(frozen=True)
class Capture:
    """A file that Binance's reader takes.

    Attributes:
        file: messages of one symbol with one snapshot of its book.
        clock_offset_ns: added to local stamps, where the capturing clock was behind; the reader's refusal names the least.
    """

    file: Path
    clock_offset_ns: int = 0


def captured(capture: Capture) -> tuple[dict[str, Any], dict[str, NDArray[np.int64]]]:
    """The workload: rows from the snapshot on, in the order in which they were received; `stamps` are the venue's, `heard` are ours.

    Best quotes are left out, which are the same book told again. Stamps of the venue are whole milliseconds and latencies are not, so
    no order arrives at the stamp of a row and nobody has to say which came first.

    Raises:
        DataError: the capture cannot be read, is of several symbols, has not one snapshot of a book, lacks messages, or is too long.
    """
    recording = binance.read(capture.file, clock_offset_ns=capture.clock_offset_ns)
    events = recording.events()
    events = events[events["kind"] != Kind.QUOTE]
    snapshots = np.flatnonzero(events["flags"] & int(Flag.CLEAR))
    missing = int(np.count_nonzero(events["kind"] == Kind.GAP))
    if (len(recording.instruments), len(snapshots), missing) != (1, 1, 0):
        raise DataError(
            f"{capture.file}: {len(recording.instruments)} symbols, {len(snapshots)} snapshots and {missing} gaps; rule: one symbol, one "
            "snapshot, no gap, since a peer's book would not become unknown. Cut the capture."
        )
    events = events[snapshots[0] :]
    changes = events["ts_venue_ns"][events["kind"] == Kind.DEPTH]
    if (changes[1:] < changes[:-1]).any():
        raise DataError(
            f"{capture.file}: changes of the book whose venue stamps run backwards; rule: in order, or two books were at the venue."
        )
    span_ns = int(events["ts_local_ns"][-1] - events["ts_venue_ns"].min())
    if span_ns > _LONGEST_NS:
        raise DataError(
            f"{capture.file}: {span_ns / _MINUTE_NS:.0f} minutes; rule: at most {_LONGEST_NS // _MINUTE_NS}, one session. Cut the capture."
        )
    arrays = {
        "kind": events["kind"].astype(np.int64), "flags": events["flags"].astype(np.int64), "price": events["w0"].copy(),
        "lots": events["w1"].copy(), "stamps": events["ts_venue_ns"].copy(), "heard": events["ts_local_ns"].copy(),
    }  # fmt: skip
    [instrument] = recording.instruments
    spec = {
        "symbol": instrument.symbol, "hours": _hours(events), "multiplier": instrument.lot.size,
        "ticks_per_unit": instrument.tick.denominator, "licence": "that of the capture",
        "latency_ns": 2_300_000, "response_ns": 2_100_000, "step_ns": 100_000_000, "most": 20.0, "patience_ns": 4_500_000,
        "maker_bps": -0.5, "taker_bps": 2.0, "queue_power": 3.0, "limited": list(arrays),
    }  # fmt: skip
    return spec, arrays


def _hours(events: NDArray[np.void]) -> str:
    """The minutes that hold all rows, as one span of every day; it may run over midnight."""
    ends = [int(events["ts_venue_ns"].min()) // _MINUTE_NS, int(events["ts_local_ns"][-1]) // _MINUTE_NS + 1]
    opens, closes = (dt.datetime.fromtimestamp(minute * 60, dt.UTC) for minute in ends)
    return f"{opens:%H:%M}-" + ("24:00" if (closes.hour, closes.minute) == (0, 0) else f"{closes:%H:%M}")
