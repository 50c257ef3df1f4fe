"""The command line: assembled from entry points, plain about errors, complete about what a run leaves behind."""

from __future__ import annotations

import json
from importlib.metadata import EntryPoint
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console
from typer.testing import CliRunner

from framework import __version__, cli
from framework.commands import output
from framework.config import load
from framework.kernel.machine.machine_code import cache_of_sources

CONFIGS = Path(__file__).parents[1] / "configs"
runner = CliRunner()


def test_version() -> None:
    shown = runner.invoke(cli.assemble(), ["--version"])
    assert (shown.exit_code, shown.stdout) == (0, f"onetape {__version__}\n")


def test_help_lists_the_commands() -> None:
    shown = runner.invoke(cli.assemble(), ["--help"])
    assert shown.exit_code == 0
    assert {"demo", "backtest"} <= set(shown.stdout.split())


def test_an_error_is_one_clean_message() -> None:
    shown = runner.invoke(cli.assemble(), ["backtest", str(CONFIGS / "momentum_daly.yaml")])
    assert shown.exit_code == 2
    assert "there is no such file. Did you mean" in shown.stderr
    assert "momentum_daily.yaml" in shown.stderr
    assert "Traceback" not in shown.stderr


def test_debug_shows_where_an_error_comes_from() -> None:
    shown = runner.invoke(cli.assemble(), ["--debug", "backtest", "nowhere.yaml"])
    assert type(shown.exception).__name__ == "ConfigError"


def test_a_typo_in_an_override_is_refused() -> None:
    shown = runner.invoke(cli.assemble(), ["backtest", str(CONFIGS / "momentum_daily.yaml"), "--set", "costs.fe_bps=1"])
    assert shown.exit_code == 2
    assert "Did you mean costs.fee_bps" in shown.stderr


def test_a_file_is_no_folder_for_a_run(tmp_path: Path) -> None:
    (tmp_path / "out.txt").write_text("mine")
    shown = runner.invoke(cli.assemble(), ["backtest", str(CONFIGS / "momentum_daily.yaml"), "--out", str(tmp_path / "out.txt")])
    assert shown.exit_code == 2
    assert "is a file; name a folder" in " ".join(shown.stderr.split())
    assert (tmp_path / "out.txt").read_text() == "mine"


@pytest.mark.parametrize("mode", ["paper", "live"])
def test_paper_and_live_are_refused(mode: str) -> None:
    shown = runner.invoke(cli.assemble(), ["backtest", str(CONFIGS / "momentum_daily.yaml"), "--set", f"mode={mode}"])
    assert shown.exit_code == 2
    assert f"{mode} trading is not built yet" in shown.stderr


def test_a_plug_in_adds_a_command_and_a_broken_one_takes_no_other_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [
        EntryPoint("hello", "tests.test_cli:hello", cli.GROUP),
        EntryPoint("broken", "no_such_package.module:command", cli.GROUP),
        EntryPoint("demo", "framework.commands.demo:demo", cli.GROUP),
    ]
    monkeypatch.setattr(cli, "entry_points", lambda group: [point for point in points if point.group == group])
    app = cli.assemble()
    assert runner.invoke(app, ["hello"]).stdout == "hello\n"
    assert runner.invoke(app, ["demo", "--help"]).exit_code == 0
    broken = runner.invoke(app, ["broken"])
    assert broken.exit_code == 2
    assert "the command broken (no_such_package.module:command) cannot be loaded" in broken.stderr


def hello() -> None:
    """Say hello."""
    print("hello")


def test_a_first_run_says_that_it_compiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    console = Console(file=StringIO(), force_terminal=False, width=200)
    output.progress(console)
    (cache_of_sources() / "replay").mkdir(parents=True)
    (cache_of_sources() / "replay" / "_advance-0.code").touch()
    output.progress(console)
    file = console.file
    assert isinstance(file, StringIO)
    first, second = file.getvalue().splitlines()
    assert "compiling the kernel, once" in first
    assert second == "running"


def test_data_lists_the_datasets() -> None:
    shown = runner.invoke(cli.assemble(), ["data"])
    assert shown.exit_code == 0
    assert {"us_equities_daily", "sp500_daily"} <= set(shown.stdout.split())


def test_backtest_leaves_a_complete_folder(tmp_path: Path) -> None:
    config = CONFIGS / "momentum_daily.yaml"
    shown = runner.invoke(cli.assemble(), ["backtest", str(config), "--set", "params.lookback=126", "--out", str(tmp_path)])
    assert shown.exit_code == 0, shown.output
    assert "Sharpe ratio" in shown.stdout
    assert str(tmp_path / "report.html") in shown.stdout.replace("\n", "")
    assert load(tmp_path / "config.yaml") == load(config, ["params.lookback=126"])
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    fills, orders = pd.read_parquet(tmp_path / "fills.parquet"), pd.read_parquet(tmp_path / "orders.parquet")
    equity = pd.read_parquet(tmp_path / "equity.parquet")["equity"]
    assert len(fills) > 0
    assert set(fills["order_id"]) <= set(orders["order_id"])
    assert metrics["total_return"] == pytest.approx(equity.iloc[-1] / 1_000_000 - 1)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.lstrip().lower().startswith("<!doctype html>")


def test_the_same_run_gets_the_same_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["backtest", str(CONFIGS / "crossover_daily.yaml"), "--set", "data.instruments=[AAPL]"]
    for _ in range(2):
        assert runner.invoke(cli.assemble(), arguments).exit_code == 0
    assert len(list((tmp_path / "runs").iterdir())) == 1
    assert runner.invoke(cli.assemble(), [*arguments, "--set", "params.fast=10"]).exit_code == 0
    assert len(list((tmp_path / "runs").iterdir())) == 2


def test_demo_writes_two_reports_and_says_what_the_data_is(tmp_path: Path) -> None:
    shown = runner.invoke(cli.assemble(), ["demo", "--out", str(tmp_path)])
    assert shown.exit_code == 0, shown.output
    said = " ".join(shown.stdout.split())
    assert "five US companies picked because they survived, ending in 2013" in said
    assert {"momentum", "crossover"} <= set(said.replace("│", " ").replace("┃", " ").split())
    assert len(list(tmp_path.glob("*/report.html"))) == 2
