"""Runs one engine on one workload in this process and prints one line of JSON.

    python -P harness.py SCRIPT FOLDER --mode MODE --repeat 3 --limit 0 --launched 1700000000.0
    python -P harness.py SCRIPT FOLDER --mode MODE --limit 0 --turns      stays, and takes a turn for each line of its input

SCRIPT defines `version()` and `prepare(work, mode)`, which returns `run` and `read`: `run()` is what is timed, `read(result)` turns
what it returned into an `Outcome`. This file runs in environments where the framework is not installed: standard library and numpy.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import importlib.util
import json
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

LEAST_SECONDS, MOST_RUNS = 1.0, 50
"""Short runs are repeated until they have taken this long together, so that one interruption does not decide the result."""

TURN_SECONDS = 0.3
"""How long a turn takes, at least: long enough for one of its runs to be free of interruptions, short enough that the machine does not
change much between two turns."""

SAYS = "harness says: "
"""What stands before an answer to a turn, since engines print too."""


@dataclass(frozen=True)
class Outcome:
    """What a run came to.

    Attributes:
        equity: the final one of each account.
        fills: how many.
        events: how many were worked through.
        told: over a book each fill as [venue stamp in ns, +1 bought or -1 sold, price in ticks].
    """

    equity: list[float]
    fills: int
    events: int
    told: list[list[int]] = field(default_factory=list)


class Work:
    """A workload on disk: numbers in `spec.json`, arrays in .npy files.

    Args:
        folder: where it lies.
        limit: keep the first so many rows (bars, days or parameter pairs, as `spec["limited"]` says); 0 keeps all.
    """

    def __init__(self, folder: Path, limit: int = 0) -> None:
        self.folder, self.limit = folder, limit
        self._arrays: dict[str, Any] = {}
        self.spec: dict[str, Any] = json.loads((folder / "spec.json").read_text())

    @property
    def name(self) -> str:
        """Which workload it is."""
        return str(self.spec["workload"])

    def array(self, name: str) -> Any:
        """An array of the workload, cut to the limit."""
        if name not in self._arrays:
            self._arrays[name] = np.load(self.folder / f"{name}.npy")
        values = self._arrays[name]
        return values[: self.limit] if self.limit and name in self.spec["limited"] else values

    def has(self, name: str) -> bool:
        """Whether the workload has an array of this name."""
        return (self.folder / f"{name}.npy").exists()

    def prices(self, name: str, column: int | None = None) -> Any:
        """Prices in money, of one column or all, from whole ticks: correctly rounded, so that every engine sees the same floats."""
        ticks = self.array(name) if column is None else self.array(name)[:, column]
        return ticks / self.spec["ticks_per_unit"]


def peak_rss_mb() -> float:
    """The most memory this process ever held. `ru_maxrss` would start from what its parent held."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024.0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0


def load_script(place: str) -> ModuleType:
    """The engine's script: a module by its dotted name, or a file, under a name that shadows no package."""
    if not place.endswith(".py"):
        return importlib.import_module(place)
    path = Path(place)
    specification = importlib.util.spec_from_file_location(f"bench_{path.stem}", path)
    if specification is None or specification.loader is None:
        raise ImportError(f"{path}: not a Python file")
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module  # some peers look their strategies' modules up
    specification.loader.exec_module(module)
    return module


def measure(script: ModuleType, work: Work, mode: str, repeat: int, launched: float) -> dict[str, Any]:
    """Time the first run from the launch of the process, then the best of `repeat` more; of more than that where they are short."""
    run, read = script.prepare(work, mode)
    outcome = read(run())
    cold = time.time() - launched
    seconds: list[float] = []
    while len(seconds) < repeat or (repeat and sum(seconds) < LEAST_SECONDS and len(seconds) < MOST_RUNS):
        seconds.append(_timed(run))
    return {
        "version": script.version(),
        "equity": outcome.equity,
        "fills": outcome.fills,
        "told": outcome.told,
        "events": outcome.events,
        "seconds": min(seconds, default=None),
        "spread": sorted(seconds)[1] / min(seconds) - 1.0 if len(seconds) > 1 else None,
        "cold_seconds": cold,
        "peak_rss_mb": peak_rss_mb(),
    }


def take_turns(script: ModuleType, work: Work, mode: str) -> None:
    """Say what a first run came to; then for each line of the input run for a turn, and say the seconds of its fastest run."""
    run, read = script.prepare(work, mode)
    outcome = read(run())
    _say({"version": script.version(), "equity": outcome.equity, "events": outcome.events})
    for _ in sys.stdin:
        seconds: list[float] = []
        start = time.perf_counter()
        while not seconds or time.perf_counter() - start < TURN_SECONDS:
            seconds.append(_timed(run))
        _say({"seconds": min(seconds), "runs": len(seconds)})


def _say(answer: dict[str, Any]) -> None:
    print(SAYS + json.dumps(answer), flush=True)


def _timed(run: Callable[[], object]) -> float:
    gc.collect()  # what the run before left behind is not charged to this one
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("script")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--mode", default="")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--limit", type=int, default=0)
    parser.add_argument("--launched", type=float, default=None)
    parser.add_argument("--turns", action="store_true")
    asked = parser.parse_args()
    launched = time.time() if asked.launched is None else asked.launched
    sys.modules["harness"] = sys.modules["__main__"]  # scripts write `from harness import Outcome`
    script, work = load_script(asked.script), Work(asked.folder, asked.limit)
    if asked.turns:
        take_turns(script, work, asked.mode)
    else:
        print(json.dumps(measure(script, work, asked.mode, asked.repeat, launched)))


if __name__ == "__main__":
    main()
