"""`onetape calibrate impact`."""

from __future__ import annotations

import json
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from framework import cli
from framework.config import load
from framework.data.tape.recording import Recording
from framework.schema.event import EVENT, Flag, Kind
from framework.schema.instrument import Instrument
from tests.research.made import SECOND_NS, START_NS, moved, remembering_signs

runner = CliRunner()


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty folder with quotes and trades, and the command of these sources, whether or not it was installed since it was added."""
    monkeypatch.setattr(cli, "entry_points", lambda group: [EntryPoint("calibrate", "research.command:calibrate", cli.GROUP)])
    monkeypatch.chdir(tmp_path)


def lobster() -> str:
    """A LOBSTER file: the mid moves by a step with each trade's sign, one trade a second."""
    n = 900
    signs = remembering_signs(n, 0.5, 1)
    mids = 1_000_000 + 100 * np.rint(30 * 1e4 * moved(signs, np.full(20, 2e-5), 1e-5, 2)).astype(int)
    rows, order = [], 1
    for k in range(n):
        at = 36_000 + k
        rows += [(at, 1, order, 500, mids[k] - 100, 1), (at + 0.1, 1, order + 1, 500, mids[k] + 100, -1)]
        resting = order + 1 if signs[k] > 0 else order
        price = mids[k] + 100 if signs[k] > 0 else mids[k] - 100
        rows.append((at + 0.5, 4, resting, 10, price, -1 if signs[k] > 0 else 1))
        rows += [(at + 0.9, 3, order, 490 if resting == order else 500, mids[k] - 100, 1)]
        rows += [(at + 0.95, 3, order + 1, 490 if resting != order else 500, mids[k] + 100, -1)]
        order += 2
    name = "ACME_2012-06-21_34200000_57600000_message_1.csv"
    pd.DataFrame(rows).to_csv(name, header=False, index=False)
    first = rows[0]
    book = pd.DataFrame([(9_999_999_999, 0, first[4], first[3])] * len(rows))
    book.to_csv(name.replace("message", "orderbook"), header=False, index=False)
    return name


def test_it_prints_json_and_writes_a_page_and_costs() -> None:
    name = lobster()
    words = ["calibrate", "impact", name, "--lags", "20", "--bar", "10", "--day-hours", "6.5", "--draws", "20"]
    shown = runner.invoke(cli.assemble(), [*words, "--report", "out/impact.html", "--costs", "costs.yaml", "--json"])
    assert shown.exit_code == 0, (shown.output, shown.exception)
    read = json.loads(shown.stdout)
    assert (read["symbol"], read["trades"], read["mean_size"]) == ("ACME", 900, 10.0)
    value = {one["name"]: one["value"] for one in read["estimates"]}
    assert value["square_root_coefficient"] > 0
    assert Path("out/impact.html").read_text().startswith("<!doctype html>")
    Path("run.yaml").write_text(
        "strategy: strategies.buy_and_hold:BuyAndHold\ndata: {source: us_equities_daily}\n" + Path("costs.yaml").read_text()
    )
    costs = load("run.yaml", ()).costs
    assert costs.impact is not None
    assert costs.impact.model == "square_root"
    assert costs.impact.coefficient == value["square_root_coefficient"]


def test_it_prints_a_table() -> None:
    shown = runner.invoke(cli.assemble(), ["calibrate", "impact", lobster(), "--lags", "20", "--bar", "10", "--draws", "5"])
    assert shown.exit_code == 0, (shown.output, shown.exception)
    # 899.95 s have 89 whole bars, and at the begin of the first there is no offer yet
    assert "ACME: 900 taker orders, one in 1 s; 88 bars of 10 s" in shown.stdout
    assert "square_root_coefficient" in shown.stdout
    assert "- Bars hold the net flow of all traders" in shown.stdout


def test_a_book_that_starts_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Levels of a capture without a snapshot: known from the beginning where the command says so."""
    n = 300
    signs = remembering_signs(n, 0.5, 1)
    rows = np.zeros(3 * n, dtype=EVENT)
    rows["ts_local_ns"] = rows["ts_venue_ns"] = START_NS + np.arange(3 * n) * SECOND_NS
    bids, asks, prints = rows[::3], rows[1::3], rows[2::3]
    bids["kind"] = asks["kind"] = Kind.DEPTH
    bids["flags"], asks["flags"] = int(Flag.BUY), int(Flag.SELL | Flag.LAST)
    mids = 10_000 + np.cumsum(signs).astype(int)
    prints["kind"], bids["w0"], asks["w0"] = Kind.TRADE, mids - 1, mids + 1
    prints["flags"] = np.where(signs > 0, int(Flag.BUY), int(Flag.SELL))
    prints["w0"], rows["w1"] = mids + signs, 5
    gone = rows.copy()  # the levels of before are taken away as the mid moves on
    gone["ts_local_ns"] = gone["ts_venue_ns"] = rows["ts_local_ns"] + 2 * SECOND_NS + SECOND_NS // 2
    gone["w1"] = 0
    rows = np.concatenate([rows, gone[gone["kind"] == Kind.DEPTH]])
    rows = rows[np.argsort(rows["ts_local_ns"], kind="stable")]
    given = Recording((Instrument("ACME"),), lambda: iter((rows,)), "levels")
    monkeypatch.setattr("research.impact.command.recording_of_data", lambda data, format_name, settings: given)
    words = ["calibrate", "impact", "levels", "--lags", "20", "--bar", "10", "--draws", "5", "--json"]
    refused = runner.invoke(cli.assemble(), words)
    assert refused.exit_code == 2 and "its book is never known: 1,200 DEPTH events" in " ".join(refused.stderr.split())
    shown = runner.invoke(cli.assemble(), [*words, "--starts-empty"])
    assert shown.exit_code == 0, (shown.output, shown.exception)
    assert json.loads(shown.stdout)["half_spread"] == pytest.approx(1e-4, rel=0.05)


def test_a_refusal_is_one_message() -> None:
    shown = runner.invoke(cli.assemble(), ["calibrate", "impact", "synthetic_bok"])
    assert shown.exit_code == 2
    assert "synthetic_bok: neither a file nor a dataset. Did you mean synthetic_book" in shown.stderr


def test_it_is_registered() -> None:
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert 'calibrate = "research.command:calibrate"' in text
