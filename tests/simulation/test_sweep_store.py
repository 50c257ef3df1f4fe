"""A sweep that writes to a file goes on where it was stopped, however it was stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from framework import Strategy, Sweep, backtest, sweep
from framework.errors import ConfigError, DataError, WorkerLost
from framework.simulation.sweep_run import Runner
from framework.simulation.sweep_store import Done, Store
from tests.architecture.sources import ROOT
from tests.simulation.market import tape
from tests.simulation.sweep_strategies import Cross, Dies, SlowCross

GRID = {"fast": [3, 5, 8], "slow": [20, 40]}


def run(out: Path, grid: Any = GRID, strategy: type[Strategy] = Cross, **settings: Any) -> Sweep:
    return sweep(strategy, grid, settings.pop("data", tape()), out=out, progress=False, **settings)


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The sets that were really run in this process."""
    found: list[dict[str, Any]] = []
    row = Runner.row

    def counted(self: Runner, position: int, given: Any) -> Any:
        found.append(dict(given))
        return row(self, position, given)

    monkeypatch.setattr(Runner, "row", counted)
    return found


def test_one_parquet_table_with_its_header(tmp_path: Path) -> None:
    out = tmp_path / "a" / "sweep.parquet"
    swept = run(out, costs={"fee_bps": 2.0}, seed=3)
    assert swept.path == out and sorted(path.name for path in out.parent.iterdir()) == ["sweep.parquet"]
    pd.testing.assert_frame_equal(pd.read_parquet(out), swept.table, check_dtype=False)
    about = json.loads(pq.read_schema(out).metadata[b"onetape.sweep"])
    header = about["header"]
    assert header["tape"] == tape().digest() and header["costs"]["fee_bps"] == 2.0 and header["seed"] == 3
    assert header["strategy"] == "tests.simulation.sweep_strategies:Cross" and header["risk"]["max_leverage"] == 1.0
    assert set(about["versions"]) == {"numpy", "numba", "pandas", "pyarrow"}


def test_the_same_call_again_runs_nothing(tmp_path: Path, ran: list[dict[str, Any]]) -> None:
    first = run(tmp_path / "s.parquet")
    assert len(ran) == 6
    ran.clear()
    again = run(tmp_path / "s.parquet")
    assert ran == []
    pd.testing.assert_frame_equal(again.table, first.table, check_exact=True)
    row = again.best()
    assert again.rerun(row).audit_hash == backtest(Cross(fast=int(row["fast"]), slow=int(row["slow"])), tape()).audit_hash


def test_a_wider_grid_runs_what_is_new_and_keeps_what_was(tmp_path: Path, ran: list[dict[str, Any]]) -> None:
    out = tmp_path / "s.parquet"
    run(out, {"fast": [3, 5], "slow": [20]})
    ran.clear()
    wider = run(out, {"slow": [40, 20], "fast": [5]})
    assert ran == [{"slow": 40, "fast": 5}]
    assert wider.table[["fast", "slow"]].values.tolist() == [[5, 40], [5, 20]]
    assert pd.read_parquet(out)[["fast", "slow"]].values.tolist() == [[5, 40], [5, 20], [3, 20]]
    anew = run(tmp_path / "t.parquet", {"slow": [40, 20], "fast": [5]})
    assert wider.table["final_equity"].tolist() == anew.table["final_equity"].tolist()


class Typed(Strategy):
    """Parameters of every kind that a file must give back as they were."""

    name: str = "a"
    levels: tuple[int, ...] = (1, 2)
    limit: float | None = None
    on: bool = True

    def on_bar(self, view, bar):
        if view.bar_count(bar.instrument) == 1 and self.on:
            view.buy(bar.instrument, sum(self.levels), limit=self.limit)


def test_parameters_of_every_kind(tmp_path: Path, ran: list[dict[str, Any]]) -> None:
    out = tmp_path / "s.parquet"
    grid = {"name": ["a", "b"], "levels": [[1, 2], (3,)], "limit": [None, 95.5], "on": [True, False]}
    first = run(out, grid, Typed)
    ran.clear()
    again = run(out, {**grid, "name": ["a", "b", "c"]}, Typed)
    assert {given["name"] for given in ran} == {"c"} and len(ran) == 8
    once_more = run(out, grid, Typed)
    assert once_more.table.astype(str).equals(first.table.astype(str))
    assert len(once_more.rerun(3).fills) == again.table["fills"][3]


def test_a_file_of_another_sweep_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "s.parquet"
    run(out, costs={"fee_bps": 1.0})
    before = out.read_bytes()
    for settings, words in (
        ({"costs": {"fee_bps": 2.0}}, "costs.fee_bps was 1.0, is 2.0"),
        ({"costs": {"fee_bps": 1.0}, "cash": 5e5}, "cash was 1000000.0, is 500000.0"),
        ({"costs": {"fee_bps": 1.0}, "data": tape(2)}, "tape was .*, is "),
        ({"costs": {"fee_bps": 1.0}, "strategy": SlowCross}, "strategy was .*Cross.*code was"),
    ):
        with pytest.raises(ConfigError, match=words) as caught:
            run(out, **settings)
        assert "another `out`" in str(caught.value)
    assert out.read_bytes() == before
    out.write_bytes(b"not a table")
    with pytest.raises(DataError, match="not the table of a sweep, so it is not written over"):
        run(out)


def test_changed_code_is_another_sweep(tmp_path: Path) -> None:
    def of_size(size: int) -> type[Strategy]:
        class Buys(Strategy):
            first: int = 1

            def on_bar(self, view, bar):
                if view.bar_count(bar.instrument) == self.first:
                    view.buy(bar.instrument, size)

        return Buys

    out = tmp_path / "s.parquet"
    run(out, {"first": [1, 2]}, of_size(1))
    run(out, {"first": [1, 3]}, of_size(1))
    with pytest.raises(ConfigError, match="another sweep: code was"):
        run(out, {"first": [1, 2]}, of_size(2))


def stopped_after(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while a set runs, after so many."""
    left = [count]
    row = Runner.row

    def stopping(self: Runner, position: int, given: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return row(self, position, given)

    monkeypatch.setattr(Runner, "row", stopping)
    monkeypatch.setattr("framework.simulation.sweep_run.REPORT_SECONDS", 0.0)


def test_ctrl_c_keeps_what_is_done_and_says_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "s.parquet"
    with monkeypatch.context() as patch:
        stopped_after(4, patch)
        with pytest.raises(KeyboardInterrupt, match=r"4 of 6 sets are kept in .*s.parquet.journal; the same call again does the others"):
            run(out)
    assert not out.exists()
    with monkeypatch.context() as patch:
        stopped_after(2, patch)  # the two that are missing, no more
        swept = run(out)
    pd.testing.assert_frame_equal(
        swept.table.drop(columns="seconds"), run(tmp_path / "t.parquet").table.drop(columns="seconds"), check_exact=True
    )
    assert [path.name for path in tmp_path.glob("s*")] == ["s.parquet"]


def test_ctrl_c_without_a_file_says_that_all_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    stopped_after(2, monkeypatch)
    with pytest.raises(KeyboardInterrupt, match="2 of 6 sets were done and are lost, because no `out` was given"):
        sweep(Cross, GRID, tape(), progress=False)


def test_a_line_cut_short_is_done_anew_and_another_journal_refused(tmp_path: Path, ran: list[dict[str, Any]]) -> None:
    out, journal = tmp_path / "s.parquet", tmp_path / "s.parquet.journal"
    with pytest.MonkeyPatch.context() as patch:
        stopped_after(4, patch)
        with pytest.raises(KeyboardInterrupt):
            run(out)
    whole = journal.read_bytes()
    assert whole.count(b"\n") == 5
    for cut in (len(whole) - 1, len(whole) - 30, 10, 0):
        journal.write_bytes(whole[:cut])
        out.unlink(missing_ok=True)
        ran.clear()
        assert run(out).table["fast"].tolist() == [3, 3, 5, 5, 8, 8]
        assert len(ran) == (3 if cut > 10 else 6)
    out.unlink()
    journal.write_bytes(whole)
    with pytest.raises(ConfigError, match=r"s.parquet.journal: holds another sweep: cash was"):
        run(out, cash=5e5)
    journal.write_bytes(b"{\n" + whole)
    with pytest.raises(DataError, match="not the journal of a sweep"):
        run(out)


def test_a_worker_that_was_killed_leaves_the_rest_to_the_next_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, grid = tmp_path / "s.parquet", [{"size": k, "fatal": 7} for k in range(1, 9)]
    monkeypatch.setenv("SWEEP_MAY_DIE", "yes")
    with pytest.raises(WorkerLost, match=r"exit code -9.*of 8 sets are kept in .*the same call again does the others"):
        run(out, grid, Dies, processes=2)
    kept = (tmp_path / "s.parquet.journal").read_bytes().count(b"\n") - 1
    assert 1 <= kept <= 7
    monkeypatch.delenv("SWEEP_MAY_DIE")
    swept = run(out, grid, Dies, processes=2)
    assert swept.table["size"].tolist() == list(range(1, 9)) and (swept.table["fills"] == 3).all()


SCRIPT = """
import sys
from pathlib import Path
from framework import sweep
from tests.simulation.market import tape
from tests.simulation.sweep_strategies import SlowCross

if __name__ == "__main__":
    sweep(SlowCross, {"fast": range(2, 200), "slow": [500]}, tape(), out=Path(sys.argv[1]), processes=int(sys.argv[2]))
"""


@pytest.mark.parametrize(("processes", "sent"), [(1, signal.SIGKILL), (2, signal.SIGKILL), (2, signal.SIGINT)])
def test_a_sweep_that_was_killed_goes_on(tmp_path: Path, processes: int, sent: signal.Signals) -> None:
    script, out, journal = tmp_path / "script.py", tmp_path / "s.parquet", tmp_path / "s.parquet.journal"
    script.write_text(SCRIPT)
    temporary = Path(tempfile.mkdtemp(prefix="onetape-t-", dir="/tmp"))  # a socket's path has to be short
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(temporary)}
    command = [sys.executable, str(script), str(out), str(processes)]
    running = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True)
    while running.poll() is None and (not journal.exists() or journal.read_bytes().count(b"\n") < 5):
        time.sleep(0.01)
    children = [int(pid) for pid in Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()]
    assert len(children) >= processes - 1
    if sent is signal.SIGINT:
        os.killpg(running.pid, sent)  # as a terminal does
    else:
        running.send_signal(sent)
    _, said = running.communicate(timeout=60)
    assert running.returncode != 0
    assert "sets are kept in" in said if sent is signal.SIGINT else said == ""
    assert all(_ends(pid) for pid in children)
    kept = {json.loads(line)["parameters"]["fast"] for line in journal.read_bytes().split(b"\n")[1:-1]}
    assert 4 <= len(kept) < 198 and not out.exists()
    assert len(list(temporary.iterdir())) == (processes == 2 and sent is signal.SIGKILL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(temporary))
        ran: list[int] = []
        row = Runner.row
        patch.setattr(Runner, "row", lambda self, position, given: ran.append(given["fast"]) or row(self, position, given))
        swept = run(out, {"fast": range(2, 200), "slow": [500]}, SlowCross)
    assert list(temporary.iterdir()) == []
    assert set(ran) == set(range(2, 200)) - kept
    assert swept.table["fast"].tolist() == list(range(2, 200))
    single = backtest(SlowCross(fast=min(kept), slow=500), tape())
    assert swept.table["final_equity"][min(kept) - 2] == single.equity.iloc[-1]
    assert np.isfinite(swept.table["final_equity"]).all()
    temporary.rmdir()


def _ends(pid: int) -> bool:
    """Whether a process ends soon."""
    for _ in range(1000):
        state = Path(f"/proc/{pid}/stat")
        if not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.01)
    return False


def test_two_sweeps_do_not_write_into_one_journal(tmp_path: Path) -> None:
    out = tmp_path / "s.parquet"
    first = Store(out, {"cash": 1.0}, {})
    first.add([("a", Done({"fast": 3}, (0.0,), ""))])
    second = Store(out, {"cash": 1.0}, {})
    with pytest.raises(ConfigError, match="another process is writing it"):
        second.add([("b", Done({"fast": 5}, (0.0,), ""))])
    first.close()
    second.add([("b", Done({"fast": 5}, (0.0,), ""))])
    second.close()
    assert list(Store(out, {"cash": 1.0}, {}).done) == ["a", "b"]
