"""What a long process holds: many backtests one after the other, or a tape larger than memory. Prints one line of JSON.

python -m framework.bench.memory runs 200
python -m framework.bench.memory stream 50000000
python -m framework.bench.memory books 100000000
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from framework.bench import workloads
from framework.bench.ours import prepare as prepare_ours
from framework.bench.ours import quotes_on, tick_tape
from framework.bench.peers.harness import Work, peak_rss_mb
from framework.bench.strategies import Sleeper
from framework.data.store.own_folder import own_folder
from framework.data.tape import Tape, build
from framework.engine.audit import Audit
from framework.engine.tape_feeds import Parts
from framework.kernel.venue.exchange import Exchange
from framework.schema.event import EVENT, Kind
from framework.schema.instrument import Instrument
from framework.simulation.ground import Ground
from framework.simulation.header import header_of
from framework.simulation.settings import RunSettings
from framework.simulation.simulated_world import SimulatedWorld

_CHUNK = 1_000_000
_SPACING_NS = 20_000_000
_START_NS = 1_577_836_800_000_000_000


def resident_kb() -> int:
    """Memory this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4


def runs(count: int) -> dict[str, float]:
    """Backtests of 5,000 bars in a row; the slope leaves out the first quarter, where caches fill."""
    with tempfile.TemporaryDirectory(dir=own_folder()) as folder:
        run, read = prepare_ours(Work(workloads.write("W1", workloads.SMALL, Path(folder))), "compiled")
        read(run())  # compiles what is not cached yet
    held, start = [], time.perf_counter()
    for _ in range(count):
        read(run())
        held.append(resident_kb())
    seconds = time.perf_counter() - start
    late = held[count // 4 :]
    slope = float(np.polyfit(np.arange(len(late)), late, 1)[0])
    return {"events": count, "seconds": seconds, "peak_rss_mb": peak_rss_mb(), "slope_kb": slope}


def quotes(count: int) -> Iterator[NDArray[np.void]]:
    """Quotes 20 ms apart, made part by part."""
    for first in range(0, count, _CHUNK):
        rows = np.arange(first, min(first + _CHUNK, count), dtype=np.int64)
        part = np.zeros(len(rows), dtype=EVENT)
        part["ts_venue_ns"] = part["ts_local_ns"] = _START_NS + rows * _SPACING_NS
        part["kind"] = Kind.QUOTE
        part["w0"] = 10_000 + rows % 97
        part["w1"], part["w2"], part["w3"] = part["w0"] + 1, 100, 100
        yield part


def stream(count: int) -> dict[str, float]:
    """So many quotes through both halves, never more than two parts of the tape in memory."""
    strategy = Sleeper()
    tape = build({}, {"WALK": Instrument("WALK")}, extra=next(quotes(1000)), name="quotes")
    settings = RunSettings()
    trader = Ground.over(tape, settings).trader(strategy)
    audit = Audit(header_of(strategy, tape, settings), trader.take_log)
    world = SimulatedWorld(Parts(quotes(count)), Exchange(1, len(tape.calendars)), trader, audit.collect)
    start = time.perf_counter()
    world.advance(trader, 2**62)
    seconds = time.perf_counter() - start
    return {"events": count, "seconds": seconds, "peak_rss_mb": peak_rss_mb(), "points": trader.count("points")}


def _book_of(count: int) -> Tape:
    """W4's book and trades, repeated on as many days as it takes, as a mapped tape in ONETAPE_CACHE; made where it is not there."""
    folder = Path(os.environ["ONETAPE_CACHE"]) / "W4"
    if not folder.exists():
        workloads.write("W4", replace(workloads.FULL, ticks=min(count, workloads.FULL.ticks)), folder)
    return tick_tape(Work(folder), -(-count // workloads.FULL.ticks))


def making(count: int) -> dict[str, float]:
    """Make the tape that `books` streams."""
    start = time.perf_counter()
    events = len(_book_of(count).events)
    return {"events": events, "seconds": time.perf_counter() - start, "peak_rss_mb": peak_rss_mb()}


def books(count: int) -> dict[str, float]:
    """A mapped tape of books, made before by another process, through W4's quoter.

    It quotes every ten seconds: what a run keeps of each order, about a kilobyte, would hide what the tape needs.
    """
    with tempfile.TemporaryDirectory(dir=own_folder()) as folder:
        os.environ["ONETAPE_CACHE"] = folder
        subprocess.run([sys.executable, "-P", "-m", "framework.bench.memory", "making", str(count)], check=True, stdout=subprocess.DEVNULL)
        run, read = quotes_on(Work(Path(folder) / "W4"), "compiled", _book_of(count), patience_ns=10_000_000_000)
        start = time.perf_counter()
        outcome = read(run())
        seconds = time.perf_counter() - start
    return {"events": outcome.events, "seconds": seconds, "peak_rss_mb": peak_rss_mb(), "fills": outcome.fills}


if __name__ == "__main__":
    print(json.dumps({"runs": runs, "stream": stream, "making": making, "books": books}[sys.argv[1]](int(sys.argv[2]))))
