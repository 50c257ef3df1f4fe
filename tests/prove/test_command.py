"""`onetape audit-strategy`: exit status, JSON, interruption."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from framework import cli
from framework.prove import proof
from tests.prove.market import frames

ROOT = Path(__file__).parents[2]
runner = CliRunner()
HEAVY = ("numba", "pandas", "pyarrow", "plotly")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    for symbol, frame in frames(120).items():
        (tmp_path / "bars").mkdir(exist_ok=True)
        frame.rename_axis("ts").to_csv(tmp_path / "bars" / f"{symbol}.csv")
    path = tmp_path / "run.yaml"
    path.write_text(f"strategy: strategies.crossover:Crossover\nparams: {{fast: 3, slow: 8}}\ndata: {{source: {tmp_path / 'bars'}}}\n")
    return path


def audit(config: Path, *arguments: str):
    return runner.invoke(cli.assemble(), ["audit-strategy", str(config), *arguments])


def test_a_clean_strategy_exits_with_0(config: Path) -> None:
    shown = audit(config, "--check", "look_ahead", "--check", "tape_split", "--points", "2", "--json")
    assert shown.exit_code == 0, shown.output
    found = json.loads(shown.stdout)
    assert list(found) == ["look_ahead", "tape_split"]
    assert found["look_ahead"]["passed"] is True
    assert found["look_ahead"]["first_difference"] is None


def test_a_leaky_one_exits_with_1_and_names_the_datum(config: Path) -> None:
    leaky = ("--set", "strategy=tests.prove.corpus_leaky:NextReturn", "--strategies", str(ROOT))
    config.write_text(config.read_text().replace("params: {fast: 3, slow: 8}\n", ""))
    shown = audit(config, *leaky, "--check", "look_ahead", "--json")
    assert shown.exit_code == 1, shown.output
    difference = json.loads(shown.stdout)["look_ahead"]["first_difference"]
    assert difference["datum"]["field"] == "close"
    table = audit(config, *leaky, "--check", "look_ahead")
    assert table.exit_code == 1
    assert "failed" in table.stdout


def test_a_misspelt_check_is_refused(config: Path) -> None:
    shown = audit(config, "--check", "look_ahed")
    assert shown.exit_code == 2
    assert "Did you mean look_ahead" in shown.stderr


def test_an_interruption_shows_what_is_whole(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(proof, "CHECKS", {**proof.CHECKS, "tape_split": interrupted})
    shown = audit(config, "--check", "price_scale", "--check", "tape_split", "--json")
    assert shown.exit_code == 130
    assert list(json.loads(shown.stdout)) == ["price_scale"]


def test_the_command_costs_nothing_before_it_runs() -> None:
    code = f"import framework.prove.command, json, sys; print(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(shown.stdout) == []
