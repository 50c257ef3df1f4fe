"""Whoever reads a result on synthetic data is told so, wherever it is shown."""

from __future__ import annotations

import json
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from typer.testing import CliRunner

from framework import backtest, cli, sweep
from framework.data.series.resample import resample
from framework.data.store import catalog
from strategies.crossover import Crossover

TOLD = "Synthetic data: made by a generator (cointegrated pair, seed 20240102), not recorded from a market."
PLAIN = "Synthetic data: made by a generator"
runner = CliRunner()


def test_a_result_and_its_report_say_it(tmp_path: Path) -> None:
    result = backtest(Crossover(), "synthetic_pair", start="2015-01-01", end="2016-12-31")
    assert result.notes == (TOLD,)
    assert len(result.fills) > 4
    assert PLAIN in str(result)
    assert PLAIN in result._repr_html_()
    result.report(tmp_path / "report.html")
    assert TOLD in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_sweep_says_it() -> None:
    swept = sweep(Crossover, {"fast": [5, 10], "slow": [40]}, "synthetic_pair", end="2015-12-31", progress=False)
    assert swept.notes == (TOLD,)
    assert TOLD in repr(swept)
    assert TOLD in swept._repr_html_()


def test_the_commands_say_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    # the commands of these sources, whether or not they were installed since they were added
    points = [EntryPoint(name, f"framework.commands.{name}:{name}", cli.GROUP) for name in ("backtest", "sweep", "data")]
    monkeypatch.setattr(cli, "entry_points", lambda group: points)
    config = tmp_path / "pair.yaml"
    config.write_text("strategy: strategies.crossover:Crossover\ndata: {source: synthetic_pair, end: 2015-12-31}\n")
    ran = runner.invoke(cli.assemble(), ["backtest", str(config), "--out", "runs"])
    assert ran.exit_code == 0, ran.output
    assert PLAIN in ran.output
    swept = ["sweep", str(config), "--grid", "fast=5,10", "--grid", "slow=40", "--out", "sweep.parquet"]
    assert PLAIN in runner.invoke(cli.assemble(), swept).output
    assert json.loads(runner.invoke(cli.assemble(), [*swept, "--json"]).stdout)["notes"] == [TOLD]
    listed = runner.invoke(cli.assemble(), ["data"]).output
    for name in ("synthetic_bars", "synthetic_pair", "synthetic_book"):
        assert name in listed


@pytest.mark.parametrize("name", ["synthetic_bars", "synthetic_pair", "synthetic_book"])
def test_the_datasets_say_it_in_words_venue_and_notes(name: str) -> None:
    tape = catalog.load(name)
    assert {instrument.venue for instrument in tape.instruments} == {"SYNTHETIC"}
    assert tape.notes[0].startswith(PLAIN)
    assert catalog.describe(name).startswith("Synthetic: ")
    assert catalog.load(name).digest() == tape.digest()


def test_what_is_made_of_synthetic_data_says_it() -> None:
    weeks = resample(catalog.open("synthetic_book"), every="1min")
    assert weeks.notes[0].startswith(PLAIN)
    assert weeks.tape().notes[0].startswith(PLAIN)
    assert weeks.instruments[0].venue == "SYNTHETIC"
