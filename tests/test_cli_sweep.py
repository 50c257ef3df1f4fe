"""`onetape sweep`: what it reads, what it prints and what it leaves behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from framework import cli
from framework.commands.sweep import read_grid
from framework.config import load
from framework.errors import ConfigError
from framework.simulation.backtest import run

ROOT = str(Path(__file__).parents[1])
CONFIG = Path(ROOT) / "configs" / "crossover_daily.yaml"
SETTINGS = ["--set", "data.instruments=[AAPL]", "--set", "data.start=2008-01-01"]
runner = CliRunner()


@pytest.fixture(autouse=True)
def _only_this_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command of these sources, whether or not they were installed since it was added."""
    homes = {"sweep": "framework.commands.sweep:sweep", "data": "framework.commands.data:data"}
    points = [EntryPoint(name, home, cli.GROUP) for name, home in homes.items()]
    monkeypatch.setattr(cli, "entry_points", lambda group: points)


def test_the_command_is_registered() -> None:
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text()
    assert 'sweep = "framework.commands.sweep:sweep"' in text


def test_the_best_rows_are_shown_and_the_table_is_kept(tmp_path: Path) -> None:
    out = tmp_path / "s.parquet"
    grid = ["--grid", "fast=5,10", "--grid", "slow=50,100", "--out", str(out)]
    shown = runner.invoke(cli.assemble(), ["sweep", str(CONFIG), *SETTINGS, *grid, "--processes", "2"])
    assert shown.exit_code == 0, shown.output
    assert "Best of 4 sets by sharpe ratio" in shown.stdout and str(out) in shown.stdout
    table = pd.read_parquet(out)
    assert table[["fast", "slow"]].values.tolist() == [[5, 50], [5, 100], [10, 50], [10, 100]]
    single = run(load(CONFIG, [*SETTINGS[1::2], "params.fast=10", "params.slow=50"]))
    assert table["final_equity"][2] == single.equity.iloc[-1]
    ranked = runner.invoke(cli.assemble(), ["sweep", str(CONFIG), *SETTINGS, *grid, "--json", "--by", "costs", "--top", "2"])
    found = json.loads(ranked.stdout)
    assert [row["costs"] for row in found["rows"]] == sorted(table["costs"])[:2]
    assert found["table"] == str(out)


def test_a_failed_set_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(
        "strategy: tests.simulation.sweep_strategies:SlowCross\ndata: {source: us_equities_daily, instruments: [IBM], end: 2001-12-31}\n"
    )
    asked = [str(tmp_path / "c.yaml"), "--strategies", ROOT, "--grid", "fast=5,90", "--out", str(tmp_path / "s.parquet")]
    shown = runner.invoke(cli.assemble(), ["sweep", *asked])
    assert shown.exit_code == 0, shown.output
    assert "1 failed" in shown.stdout and "fast must be below slow" in shown.stdout.replace("\n", " ")


def test_an_interrupt_exits_with_130_and_says_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*given: object, **named: object) -> None:
        raise KeyboardInterrupt("stopped: 3 of 4 sets are kept")

    monkeypatch.setattr("framework.simulation.sweep.sweep_config", stop)
    shown = runner.invoke(cli.assemble(), ["sweep", str(CONFIG), "--grid", "fast=5,10"])
    assert shown.exit_code == 130 and "3 of 4 sets are kept" in shown.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("fast", "must look like name=value,value"),
        ("fast=", "must look like name=value,value"),
        ("=5", "must look like name=value,value"),
        ("fast=5,[", "is not YAML"),
    ],
)
def test_a_grid_that_cannot_be_read_is_refused(text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        read_grid([text])


def test_grids_are_read_as_yaml() -> None:
    assert read_grid(["fast=5, 10", "share=0.5", "name=a,b", "on=true,false", "limit=null,1e-4"]) == {
        "fast": [5, 10],
        "share": [0.5],
        "name": ["a", "b"],
        "on": [True, False],
        "limit": [None, 1e-4],
    }
    with pytest.raises(ConfigError, match="fast is given twice"):
        read_grid(["fast=5", "fast=10"])


def test_an_unknown_parameter_exits_with_2(tmp_path: Path) -> None:
    shown = runner.invoke(cli.assemble(), ["sweep", str(CONFIG), *SETTINGS, "--grid", "fats=5", "--out", str(tmp_path / "s.parquet")])
    assert shown.exit_code == 2
    assert "Did you mean fast" in shown.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "command", [["sweep", "--grid", "fast=3", "--processes", "2", "--out", "s.parquet"], ["audit-strategy", "--check", "determinism"]]
)
def test_other_processes_do_not_trust_the_working_folder(command: list[str], tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    for name in ("pickle", "numpy", "multiprocessing", "framework"):
        (tmp_path / "here" / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n")
    (tmp_path / "c.yaml").write_text(
        "strategy: tests.simulation.sweep_strategies:SlowCross\ndata: {source: us_equities_daily, instruments: [IBM], end: 2000-12-31}\n"
    )
    (tmp_path / "onetape.py").write_text("from framework.cli import main\n\nif __name__ == '__main__':\n    main()\n")
    asked = [sys.executable, str(tmp_path / "onetape.py"), command[0], str(tmp_path / "c.yaml"), "--strategies", ROOT, *command[1:]]
    environment = {**os.environ, "PYTHONPATH": ROOT}
    shown = subprocess.run(asked, cwd=tmp_path / "here", env=environment, capture_output=True, text=True)
    assert shown.returncode == 0, shown.stderr
    assert not (tmp_path / "ran").exists()
