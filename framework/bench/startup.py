"""How long until the first result, and what a long process holds."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from framework.bench import workloads
from framework.bench.engines import PEERS, Contender, ours
from framework.bench.measure import Row, Skipped, run
from framework.data.store.own_folder import own_folder
from framework.version import __version__

_IMPORT = "import json, time; t = time.perf_counter(); {}; print(json.dumps({{'seconds': time.perf_counter() - t}}))"
_STREAMED = {False: 5_000_000, True: 50_000_000}
_PROCESSES = 3
"""Of which the fastest counts, where the cache is warm."""

_BOOKS = {False: 1_000_000, True: 100_000_000}


def measure(folder: Path, *, peers: bool, long: bool, say: Callable[[str], None]) -> list[Row]:
    """All rows of `startup`; `long` streams 50M quotes and 100M rows of a book, not 5M and 1M."""
    rows = []
    for what, statement in (("import framework", "import framework"), ("import all a backtest needs", "from framework import backtest")):
        say(f"startup: {what}")
        answer = min((_child("-c", _IMPORT.format(statement)) for _ in range(3)), key=lambda found: float(found["seconds"]))
        rows.append(_ours(what, answer, ""))
    small = workloads.write("W1", workloads.SMALL, folder / "startup")
    entries = [ours("W1", "compiled"), *(contender for contender in PEERS if peers and contender.workload == "W1")]
    for contender in entries:
        say(f"startup: first result of {contender.engine}")
        run(contender, small, 0)  # fills the cache
        rows.append(_first(contender, "first result, warm cache", *(run(contender, small, 0) for _ in range(_PROCESSES))))
    for contender in entries:
        if contender.engine in ("onetape", "vectorbt"):  # those that compile
            say(f"startup: first result of {contender.engine} with an empty cache")
            with tempfile.TemporaryDirectory(dir=own_folder()) as empty:
                rows.append(_first(contender, "first result, empty cache", run(contender, small, 0, {"NUMBA_CACHE_DIR": empty})))
    say("startup: 200 backtests in one process")
    answer = _child("-P", "-m", "framework.bench.memory", "runs", "200")
    rows.append(_ours("200 backtests of 5,000 bars", answer, f"memory grows by {answer['slope_kb']:.1f} kB a run"))
    count = _STREAMED[long]
    say(f"startup: streaming {count:,} quotes")
    answer = _child("-P", "-m", "framework.bench.memory", "stream", str(count))
    rows.append(_ours("streamed quotes", answer, f"{count:,} quotes, parts of 1M made on the way; {answer['points']:,} points kept"))
    count = _BOOKS[long]
    say(f"startup: streaming {count:,} rows of a book")
    answer = _child("-P", "-m", "framework.bench.memory", "books", str(count))
    rows.append(_ours("streamed book", answer, f"{answer['fills']:,} fills, from a mapped tape; bar 1,500 MB"))
    return rows


def _child(*arguments: str) -> dict[str, Any]:
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _ours(what: str, answer: dict[str, Any], remark: str) -> Row:
    events, seconds = answer.get("events"), answer["seconds"]
    rate = None if events is None else events / seconds
    return Row("startup", what, "onetape", __version__, events, seconds, rate, None, answer.get("peak_rss_mb"), remark)


def _first(contender: Contender, what: str, *answers: dict[str, Any] | Skipped) -> Row:
    """The row of the fastest of some processes."""
    answer = answers[0]
    if isinstance(answer, Skipped):
        return Row("startup", what, contender.engine, "", None, None, None, None, None, f"skipped: {answer.reason}")
    colds = sorted(one["cold_seconds"] for one in answers if not isinstance(one, Skipped))
    cold, events, spread = colds[0], answer["events"], colds[1] / colds[0] - 1.0 if len(colds) > 1 else None
    peak, remark = answer["peak_rss_mb"], "5,000 bars of W1"
    return Row("startup", what, contender.engine, answer["version"], events, cold, events / cold, cold, peak, remark, spread)
