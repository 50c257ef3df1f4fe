"""Results that are pickled and copied: they show the same, and hold nothing of the run that made them."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from framework import Result, backtest, sweep
from framework.engine.audit import Audit
from framework.engine.audit_records import AuditRecords
from framework.schema.event import EVENT
from tests.simulation.market import tape
from tests.simulation.sweep_strategies import Cross, SlowCross

ROOT = Path(__file__).parents[2]
TABLES = ("equity", "exposure", "orders", "fills", "trades", "positions", "costs", "income", "refused", "metrics")
WAYS: dict[str, Callable[[Any], Any]] = {
    "pickle": lambda made: pickle.loads(pickle.dumps(made)),
    "old pickle": lambda made: pickle.loads(pickle.dumps(made, protocol=2)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


def made(**options: Any) -> Result:
    return backtest(Cross(), tape(), costs={"fee_bps": 1.0}, **options)


def same(one: Result, other: Result) -> None:
    for name in TABLES:
        a, b = getattr(one, name), getattr(other, name)
        assert a.equals(b) and type(a) is type(b), name
    assert (one.name, one.notes, one.audit_hash, repr(one)) == (other.name, other.notes, other.audit_hash, repr(other))
    assert one.audit.records.tobytes() == other.audit.records.tobytes() and one.audit.header == other.audit.header


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("looked_at", [(), TABLES])
def test_a_copy_shows_what_the_result_shows(way: str, looked_at: tuple[str, ...], tmp_path: Path) -> None:
    result = made(benchmark="S1")
    for name in looked_at:
        getattr(result, name)
    copied = WAYS[way](result)
    same(copied, result)
    assert copied.report(tmp_path / "a.html").read_text() == result.report(tmp_path / "b.html").read_text()
    assert copied.plot().to_json() == result.plot().to_json()
    assert copied.audit.save(tmp_path / "a.bin").read_bytes() == result.audit.save(tmp_path / "b.bin").read_bytes()
    same(WAYS[way](copied), result)


@pytest.mark.parametrize("way", WAYS)
def test_a_copy_outlives_its_run(way: str) -> None:
    result = made()
    copied, digest, orders = WAYS[way](result), result.audit_hash, len(result.orders)
    del result
    made()  # takes the memory of the run that is gone
    assert (copied.audit_hash, len(copied.orders), len(copied.audit.records) > 100) == (digest, orders, True)


def test_another_process_reads_it(tmp_path: Path) -> None:
    result = made()
    (tmp_path / "result.pickle").write_bytes(pickle.dumps(result))
    shows = "print(r.audit_hash, len(r.fills), r.equity.iloc[-1], len(r.plot().data))"
    code = f"import pathlib, pickle, sys; r = pickle.loads(pathlib.Path(sys.argv[1]).read_bytes()); {shows}"
    command = [sys.executable, "-c", code, str(tmp_path / "result.pickle")]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    digest, fills, final, traces = shown.stdout.split()
    assert (digest, int(fills), float(final)) == (result.audit_hash, len(result.fills), result.equity.iloc[-1])
    assert int(traces) > 0


def filed(count: int = 1000) -> AuditRecords:
    """Records of which most lie in a temporary file."""
    records = AuditRecords(100 * EVENT.itemsize)
    for first in range(0, count, 30):
        rows = np.zeros(30, EVENT)
        rows["w0"] = np.arange(first, first + 30)
        records.add(rows)
    return records


@pytest.mark.parametrize("way", ["pickle", "old pickle", "copy", "deepcopy"])
def test_records_in_a_file_have_a_file_of_their_own_afterwards(way: str) -> None:
    records = filed()
    assert records._filed_rows > 800
    copied = WAYS[way](records)
    assert copied._filed_rows > 800 and copied._file is not records._file
    copied.add(np.zeros(1, EVENT))
    assert len(records) == 1020 and len(copied) == 1021
    del records
    assert copied.whole()["w0"].tolist() == [*range(1020), 0]


@pytest.mark.parametrize("way", WAYS)
def test_an_audit_in_a_file_keeps_its_hash(way: str) -> None:
    log = [np.arange(k, k + 64 * 50, dtype=np.uint8).view(EVENT) for k in range(40)]
    audit = Audit({"seed": 1}, lambda: log.pop() if log else np.zeros(0, EVENT), held_bytes=70 * EVENT.itemsize)
    while log:
        audit.collect()
    copied = WAYS[way](audit)
    copied.collect()
    assert (copied.digest, len(copied.records)) == (audit.digest, 2000)


@pytest.mark.parametrize("way", ["pickle", "deepcopy", "copy"])
def test_a_sweep_is_copied_too(way: str) -> None:
    swept = sweep(SlowCross, {"fast": [3, 5], "slow": [20, 40]}, tape(), progress=False)
    copied = WAYS[way](swept)
    pd.testing.assert_frame_equal(copied.table, swept.table)
    same(copied.rerun(2), swept.rerun(2))
