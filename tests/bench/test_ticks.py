"""The tape of W4 is made of mapped columns without keeping what was read of them, and its runs do not depend on what an audit holds."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from framework.bench import ours, workloads
from framework.bench.peers.harness import Work
from framework.engine.audit import Audit
from framework.schema.event import EVENT
from tests.residence import resident_kb


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="the memory of a mapping is read from /proc")
def test_columns_are_given_back_on_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ours, "_PART", 100_000)
    for name in ("stamps", "kind", "flags", "price", "lots"):
        np.save(tmp_path / f"{name}.npy", np.arange(1_000_000))
    (tmp_path / "spec.json").write_text(json.dumps({"latency_ns": 5, "limited": []}))
    most, prices = 0, []
    for part in ours._tick_parts(Work(tmp_path), 1):
        most = max(most, resident_kb(tmp_path / "price.npy"))
        prices.append(part["w0"].copy())
    assert np.array_equal(np.concatenate(prices), np.arange(1_000_000))
    assert most < 4_000  # of 8,000 kB; a part is 800 kB, and the system reads ahead


def test_a_book_run_gives_the_same_bytes_whatever_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, _ = ours.prepare(Work(workloads.write("W4R", workloads.Size(ticks=20_000), tmp_path)), "compiled")
    usual = run()
    monkeypatch.setattr("framework.simulation.simulate.Audit", partial(Audit, held_bytes=1_000 * EVENT.itemsize))
    tight = run()
    assert tight.audit_hash == usual.audit_hash
    assert tight.audit.records.tobytes() == usual.audit.records.tobytes()
    assert len(usual.audit.records) > 5_000
    assert tight.fills.equals(usual.fills)
