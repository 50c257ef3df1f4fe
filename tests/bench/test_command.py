"""`onetape bench`: the rows it writes, the peers it skips, the losses it prints. Nothing here asserts a time."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from framework import __version__, cli
from framework.bench import bench_table, engines, measure, memory
from framework.bench.measure import Row, Skipped

COLUMNS = [
    *("workload", "mode", "engine", "version", "events", "seconds", "events_per_second", "cold_seconds", "peak_rss_mb", "parity"),
    "spread",
]
PEERS = {"hftbacktest", "vectorbt", "backtesting", "backtrader", "nautilus_trader", "bt", "zipline_reloaded"}


def row(engine: str, rate: float | None, parity: str = "equal") -> Row:
    events, seconds = (None, None) if rate is None else (1000, 1000 / rate)
    return Row("W1", "mode", engine, "1.0", events, seconds, rate, 1.0, 100.0, parity)


def answer(*equity: float) -> dict[str, object]:
    return {"equity": list(equity), "fills": 1, "events": 1, "told": []}


@pytest.fixture
def no_peers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(engines, "ENVIRONMENTS", tmp_path)
    return tmp_path


def test_rows_as_json(no_peers: Path, tmp_path: Path) -> None:
    out = tmp_path / "rows.json"
    shown = CliRunner().invoke(cli.assemble(), ["bench", "--small", "--peers", "W2", "--repeat", "1", "--json", str(out)])
    assert shown.exit_code == 0, shown.output
    rows = json.loads(out.read_text())
    assert all(list(found) == COLUMNS for found in rows)
    skipped = [found for found in rows if found["parity"].startswith("skipped")]
    assert {found["engine"] for found in skipped} == {"vectorbt", "bt", "zipline_reloaded"}
    assert all(found["parity"] == "skipped: not installed: make peers" and found["seconds"] is None for found in skipped)
    measured = [found for found in rows if found not in skipped]
    assert [(found["engine"], found["mode"]) for found in measured] == [
        *(("onetape", "weights"), ("onetape", "python"), ("hand_loop", "numba, no records"))
    ]
    for found in measured:
        assert found["parity"] == "equal"
        assert found["events"] == 20 * 252
        assert found["events_per_second"] == pytest.approx(found["events"] / found["seconds"])
        assert found["cold_seconds"] > found["seconds"] > 0
        assert found["peak_rss_mb"] > 20
        assert found["engine"] != "onetape" or found["version"] == __version__
    assert "skipped" in shown.stdout
    assert "make peers" in shown.stdout


def test_every_peer_has_a_script_and_pins() -> None:
    assert {contender.engine for contender in engines.PEERS} == PEERS
    for contender in engines.PEERS:
        assert Path(contender.script).exists()
        pins = Path(contender.script).with_suffix(".txt").read_text().split()
        assert pins and all("==" in pin for pin in pins)


def test_a_peer_that_cannot_be_installed_says_why(no_peers: Path) -> None:
    [contender] = [contender for contender in engines.PEERS if (contender.workload, contender.engine) == ("W1", "vectorbt")]
    contender.python.parent.mkdir(parents=True)
    contender.python.touch()
    (no_peers / "vectorbt" / "failed.txt").write_text("ERROR: No matching distribution found\n")
    assert measure.run(contender, no_peers, 1) == Skipped("could not be installed: ERROR: No matching distribution found")


def test_an_engine_that_fails_is_skipped_with_its_last_words(tmp_path: Path) -> None:
    gone = measure.run(engines.ours("W1", "compiled"), tmp_path / "nowhere", 1)
    assert isinstance(gone, Skipped)
    assert "FileNotFoundError" in gone.reason


def test_another_result_is_called_different(tmp_path: Path) -> None:
    (tmp_path / "spec.json").write_text(json.dumps({"workload": "W1", "cash": 1000.0, "limited": []}))
    first, same, other = (engines.ours("W1", mode) for mode in ("compiled", "python", "third"))
    answers = {first: answer(1100.0), same: answer(1100.00005), other: answer(1100.5)}
    verdicts = measure._verdicts(answers, tmp_path)  # type: ignore[arg-type]
    assert [verdicts[contender] for contender in answers] == ["equal", "equal", "DIFFERS by 5.0e-03 of what was won or lost"]


def test_wins_and_losses_are_printed_alike() -> None:
    text = io.StringIO()
    rows = [row("onetape", 100.0), row("hand_loop", 400.0), row("slow", 10.0), row("absent", None, "skipped: not installed: make peers")]
    bench_table.show(rows, Console(file=text, width=130))
    lines = {line.split()[0]: line for line in reversed(text.getvalue().splitlines()) if line.strip()}  # the table, not the remarks
    assert " 0.25x " in lines["hand_loop"]
    assert " 10x " in lines["slow"]
    assert "skipped" in lines["absent"]


def test_an_unknown_workload_is_refused() -> None:
    shown = CliRunner().invoke(cli.assemble(), ["bench", "W9"])
    assert shown.exit_code == 2
    assert "W9: no such workload. Did you mean" in shown.stderr


def test_a_stream_is_replayed_whole() -> None:
    found = memory.stream(5_000)
    assert (found["events"], found["points"]) == (5_000, 101)  # 20 ms apart: the first, 99 full seconds, the last
    parts = list(memory.quotes(5_000))
    assert sum(len(part) for part in parts) == 5_000


def test_runs_in_a_row_report_their_growth() -> None:
    assert {"events", "seconds", "peak_rss_mb", "slope_kb"} == set(memory.runs(8))


def test_the_works_on_data_hold_what_they_say(tmp_path: Path) -> None:
    out = tmp_path / "rows.json"
    shown = CliRunner().invoke(cli.assemble(), ["bench", "data", "--small", "--repeat", "1", "--json", str(out)])
    assert shown.exit_code == 0, shown.output
    rows = json.loads(out.read_text())
    assert [found["events"] for found in rows] == [20_000] * 8  # each work counts what came out at its end
    assert {found["workload"] for found in rows} == {"data"}
    assert "recording to dataset" in shown.stdout
