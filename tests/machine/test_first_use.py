"""The first use of the kernel, with an empty cache: by several threads of several processes at once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = """
import threading
import pandas as pd
from framework import State, Strategy, backtest, compiled

@compiled
class Sums(Strategy):
    total: State[float] = 0.0

    def on_bar(self, view, bar):
        self.total += bar.close
        view.target_weight(bar.instrument, 0.5 if bar.close > 10.0 else 0.1)

stamps = pd.date_range("2024-01-01", periods=6, freq="D", tz="UTC")
close = pd.Series([10.0, 11.0, 9.0, 12.0, 10.0, 11.0], index=stamps)
bars = pd.DataFrame({"open": close, "high": close + 1, "low": close - 1, "close": close, "volume": 1e6})
start, seen = threading.Barrier(3), []

def use():
    strategy = Sums()
    start.wait()
    seen.append((backtest(strategy, bars).audit_hash, strategy.total))

threads = [threading.Thread(target=use) for _ in range(3)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
assert len(seen) == 3 and len(set(seen)) == 1, seen
print(*seen[0])
"""


@pytest.mark.long
def test_threads_of_two_processes_with_an_empty_cache(tmp_path: Path) -> None:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    (tmp_path / "sums.py").write_text(CODE)
    command = [sys.executable, "-W", "error::UserWarning", str(tmp_path / "sums.py")]
    environment["PYTHONPATH"] = str(ROOT)
    pipe = subprocess.PIPE
    running = [subprocess.Popen(command, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe, text=True) for _ in range(2)]
    printed = [process.communicate() for process in running]
    assert [process.returncode for process in running] == [0, 0], printed
    (first, _), (second, _) = printed
    assert first == second
    assert first.split()[1] == "63.0"
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix not in (".code", ".py")]
