"""Our engine, its Python hooks and the loop written by hand come to the same money; so do the known runs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from framework.bench import hand_loop, ours, workloads
from framework.bench.measure import TOLERANCE, difference
from framework.bench.peers.harness import Work

REFERENCE = Path(__file__).parents[1] / "reference_runs"
CASES = json.loads((REFERENCE / "expected.json").read_text())


def outcome(script: object, work: Work, mode: str) -> dict[str, object]:
    run, read = script.prepare(work, mode)  # type: ignore[attr-defined]
    return vars(read(run()))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("workloads")


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        *(("W1", "compiled"), ("W1", "python"), ("W1", "compiled, from a frame")),
        *(("W2", "weights"), ("W2", "python"), ("W3", "run by run")),
    ],
)
def test_ours_equals_the_hand_loop(name: str, mode: str, folder: Path) -> None:
    work = Work(workloads.write(name, workloads.SMALL, folder / name))
    mine, loop = outcome(ours, work, mode), outcome(hand_loop, work, "next open")
    assert mine["fills"] == loop["fills"] > 50  # type: ignore[operator]
    assert mine["events"] == loop["events"]
    assert difference(mine, loop, work.folder) <= TOLERANCE


@pytest.mark.parametrize("name", ["W4", "W4R"])
def test_quotes_come_to_the_same_compiled_and_in_python(name: str, folder: Path) -> None:
    size = workloads.Size(ticks=20_000)
    work = Work(workloads.write(name, size, folder / name))
    compiled, python = outcome(ours, work, "compiled"), outcome(ours, work, "python")
    assert compiled == python
    assert compiled["fills"] > 100  # type: ignore[operator]
    assert compiled["events"] == len(work.array("stamps")) > 19_000


def test_where_an_order_fills_moves_the_result(folder: Path) -> None:
    work = Work(workloads.write("W1", workloads.SMALL, folder / "W1"))
    results = [outcome(hand_loop, work, fills) for fills in hand_loop.FILLS]
    assert len({tuple(result["equity"]) for result in results}) == 3  # type: ignore[arg-type]
    assert difference(results[0], results[1], work.folder) > 100 * TOLERANCE


@pytest.mark.parametrize("mode", ["weights", "python"])
def test_fees_of_weights_are_sized_alike(mode: str, folder: Path) -> None:
    size = workloads.Size(symbols=10, days=300)  # longer than the small one, which is free of fees
    work = Work(workloads.write("W2", size, folder / "fees"))
    assert work.spec["fee_bps"] == 1.0
    assert difference(outcome(ours, work, mode), outcome(hand_loop, work, "next open"), work.folder) <= TOLERANCE


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_the_hand_loop_meets_the_known_runs(case: dict[str, object]) -> None:
    bars = pd.read_csv(REFERENCE / f"{case['case']}_bars.csv.gz")
    opens, closes = (np.rint(bars[name].to_numpy() * 10_000).astype(np.int64) for name in ("open", "close"))
    money = (case["cash"], case["fee_fraction_of_notional"], 10_000.0)
    equity, fills = hand_loop.cross(opens, closes, case["fast"], case["slow"], case["shares"], *money)
    assert (equity, fills) == (pytest.approx(case["final_equity"], abs=1e-6), case["fills"])
    pairs = np.array([[case["fast"], case["slow"]]])
    equities, fills = hand_loop.sweep(opens, closes, pairs, case["shares"], *money)
    assert (equities[0], fills) == (pytest.approx(case["final_equity"], abs=1e-6), case["fills"])


def test_workloads_are_what_they_say(tmp_path: Path) -> None:
    work = Work(workloads.write("W2", workloads.SMALL, tmp_path / "W2"))
    weights = work.array("weights")
    days = np.flatnonzero(~np.isnan(weights).any(axis=1))
    assert days.tolist() == list(range(20, 252, 21))
    assert weights[days].sum(axis=1) == pytest.approx(0.95)
    assert (np.diff(work.array("stamps")) > 0).all()
    pairs = Work(workloads.write("W3", workloads.Size(pairs=1000, pair_bars=10), tmp_path / "W3")).array("pairs")
    assert len({tuple(pair) for pair in pairs.tolist()}) == 1000
    assert (pairs[:, 0] < pairs[:, 1]).all()


def test_a_limit_cuts_rows(tmp_path: Path) -> None:
    folder = workloads.write("W1", workloads.SMALL, tmp_path)
    assert Work(folder, limit=7).array("close").tolist() == Work(folder).array("close")[:7].tolist()
