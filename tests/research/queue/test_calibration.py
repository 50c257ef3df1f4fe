"""The whole study: markets whose cancels are known, errors, the command, and real data where they are at hand."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from framework.data.formats import databento, lobster
from framework.data.tape.recording import Recording
from framework.errors import DataError, InputError
from framework.schema.event import Kind
from framework.schema.instrument import Instrument
from research.command import calibrate
from research.queue import QueueCalibration, calibrate_queue
from tests.research.lines import BUY, SELL, Market, book, events, order, trade


@pytest.fixture(scope="module")
def uniform(tmp_path_factory: pytest.TempPathFactory) -> QueueCalibration:
    path = Market(11, "uniform").run(30_000).write(tmp_path_factory.mktemp("uniform"))
    return calibrate_queue(path, levels=1, horizons_s=(35.0, 40.0, 45.0))


@pytest.fixture(scope="module")
def back(tmp_path_factory: pytest.TempPathFactory) -> QueueCalibration:
    path = Market(11, "back").run(30_000).write(tmp_path_factory.mktemp("back"))
    return calibrate_queue(path, levels=1, horizons_s=(35.0, 40.0, 45.0))


def test_the_proportional_model_is_right_where_cancels_are_uniform(uniform: QueueCalibration) -> None:
    assert (uniform.best, uniform.fitted_power) == ("power 1", 1.0)
    row = uniform.row("power 1", "40 s")
    assert abs(row["bias"]) < 2 * row["bias_se"] < 3.0
    assert row["true"] == pytest.approx(60, abs=5)
    assert abs(uniform.fill_times.set_index("model").loc["power 1", "mean_s"]) < 1.0


def test_the_pessimistic_model_fills_too_few_where_cancels_are_uniform(uniform: QueueCalibration) -> None:
    row = uniform.row("pessimistic", "40 s")
    assert row["bias"] < -40
    assert row["false_alarm"] == 0.0
    assert any(told.startswith("pessimistic fills too few orders") for told in uniform.findings)


def test_the_share_of_cancels_is_the_uniform_one_where_they_are(uniform: QueueCalibration) -> None:
    table = uniform.cancels[uniform.cancels["by"] == "place"]
    middle = table[table["lots"] > 20_000]
    assert len(middle) >= 8
    assert (middle["true"] - middle["uniform"]).abs().max() < 4
    assert np.allclose(table["uniform"], table["power 1"])  # one by the walk, one by the kernel


def test_the_pessimistic_model_is_best_where_cancels_come_from_the_back(back: QueueCalibration) -> None:
    assert back.best == "pessimistic"
    assert back.row("pessimistic", "40 s")["ece"] < 3
    assert back.row("power 1", "40 s")["bias"] > 30
    assert any(told.startswith("Cancels cluster at the back of the line") for told in back.findings)


def test_no_model_fills_before_what_is_certain(back: QueueCalibration, uniform: QueueCalibration) -> None:
    for found in (back, uniform):
        frame = found.orders
        first, last = frame["first in line_at"], frame["pessimistic_at"]
        assert (last >= frame["filled_at"])[last.notna() & frame["filled_at"].notna()].all()
        assert (first <= frame["filled_at"])[first.notna() & frame["filled_at"].notna()].all()
        assert frame.loc[last.notna(), "filled_at"].notna().all()


def test_it_shows_itself(uniform: QueueCalibration, tmp_path: Path) -> None:
    assert uniform.summary().loc["power 1", ("bias", "40 s")] == uniform.row("power 1", "40 s")["bias"]
    assert "best power 1" in repr(uniform)
    assert len(uniform.plot().data) == 4  # three horizons and the end
    text = uniform.report(tmp_path / "page" / "queue.html").read_text(encoding="utf-8")
    assert all(f'id="chart-{name}"' in text and f'"{name}":{{"data"' in text for name in ("bias", "cancels", "ahead", "times"))
    assert uniform.findings[0].replace("'", "&#x27;") in text
    assert "<li>Best on the first half" in uniform._repr_html_()


def test_the_same_data_give_the_same_words(tmp_path: Path) -> None:
    path = Market(3).run(4000).write(tmp_path)
    first, second = (json.dumps(calibrate_queue(path, levels=1).words(), allow_nan=False) for _ in range(2))
    assert first == second


def test_a_sample_is_spread_evenly(tmp_path: Path) -> None:
    recording = lobster.read(Market(3).run(4000).write(tmp_path))
    whole, some = (calibrate_queue(recording, levels=1, orders=most).orders for most in (10**6, 500))
    assert whole.iloc[3::4].reset_index(drop=True)["joined_at"].equals(some["joined_at"])  # 2,000 or so: every fourth
    same = whole.iloc[3::4].reset_index(drop=True)
    assert same.equals(some)  # who else is followed changes nothing


def test_the_command_prints_json_and_writes_a_page(tmp_path: Path) -> None:
    path = Market(3).run(4000).write(tmp_path)
    result = CliRunner().invoke(calibrate, ["queue", str(path), "--levels", "1", "--json", "--report", str(tmp_path / "q.html")])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["instrument"] == "ACME"
    assert found["findings"][0].startswith("Best on the first half")
    assert (tmp_path / "q.html").stat().st_size > 10_000
    told = CliRunner().invoke(calibrate, ["queue", str(path), "--levels", "1"])
    assert "first in line" in told.stdout


def test_the_command_takes_horizons(tmp_path: Path) -> None:
    path = Market(3).run(4000).write(tmp_path)
    words = ["queue", str(path), "--levels", "1", "--json", "--horizons"]
    found = json.loads(CliRunner().invoke(calibrate, [*words, "2.5,20"]).stdout)
    expected = calibrate_queue(path, levels=1, horizons_s=(2.5, 20.0))
    assert {row["horizon"] for row in found["calibration"]} == {"2.5 s", "20 s", "end"}
    assert found == json.loads(json.dumps(expected.words()))
    for given, said in (("1,x", "--horizons 1,x: rule: numbers of seconds"), ("5,2", r"horizons_s=\(5.0, 2.0\); rule")):
        with pytest.raises(InputError, match=said):
            CliRunner().invoke(calibrate, [*words, given], catch_exceptions=False)


def test_the_command_is_registered() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["entry-points"]["onetape.commands"]["calibrate"] == "research.command:calibrate"
    shown = CliRunner().invoke(calibrate, ["--help"])
    assert "queue" in shown.output and "assumptions of the simulation" in shown.output


def recording(*rows: tuple, instruments: int = 1) -> Recording:  # type: ignore[type-arg]
    found = events(*rows)
    return Recording(tuple(Instrument(f"S{k}") for k in range(instruments)), lambda: iter([found]), "made up")


BOOK = book((BUY, 100, 5, 1), (SELL, 101, 9, 10))


def test_bad_input_is_told_with_its_way_out() -> None:
    data = recording(*BOOK, trade(1, BUY, 101, 1), order(2, BUY, 100, 1, 2))
    with pytest.raises(DataError, match=r"made up: 0 orders of the first half were followed for 1 s; rule: at least 50"):
        calibrate_queue(data)
    with pytest.raises(InputError, match=r"orders=0; rule: orders >= 1"):
        calibrate_queue(data, orders=0)
    with pytest.raises(InputError, match=r"powers=\(0.0,\); rule: at least one, each above 0"):
        calibrate_queue(data, powers=(0.0,))
    with pytest.raises(InputError, match=r"horizons_s=\(10.0, 1.0\); rule: at least one, each above 0, rising"):
        calibrate_queue(data, horizons_s=(10.0, 1.0))
    with pytest.raises(InputError, match=r"instrument='S7' is not in made up"):
        calibrate_queue(data, instrument="S7")
    with pytest.raises(InputError, match=r"has 2 instruments; rule: one is judged at a time"):
        calibrate_queue(recording(*BOOK, instruments=2))
    with pytest.raises(DataError, match=r"made up, S0: no TRADE"):
        calibrate_queue(recording(*BOOK))
    by_level = [(*row[:5], 0, row[6]) for row in BOOK]
    with pytest.raises(DataError, match=r"made up, S0: no DEPTH by order; rule: the truth is told by orders"):
        calibrate_queue(recording(*by_level, trade(1, BUY, 101, 1)))


ES = "05_l2_l3_books/nautilus_trader/databento/esh4-glbx-mdp3-20231225.mbo.dbn.zst"
AAPL = "05_l2_l3_books/orderbook/juypter/AAPL_2012-06-21_message_50.csv.gz"


@pytest.mark.parametrize("name", [pytest.param(ES, id="ES", marks=pytest.mark.extra(name="data")), pytest.param(AAPL, id="AAPL")])
def test_the_best_model_is_below_two_points_on_real_orders(shared: Path, name: str) -> None:
    if name == ES:
        pytest.importorskip("databento_dbn", reason='needs the extra "data"')
    found = calibrate_queue(shared / name)
    assert found.worst(found.best)["ece"] < 2.0
    assert found.worst("touch")["ece"] > found.worst(found.best)["ece"]
    assert found.worst("through")["ece"] > 2.0
    frame = found.orders
    early = (frame["pessimistic_at"] < frame["filled_at"]) | (frame["filled_at"].isna() & frame["pessimistic_at"].notna())
    assert early.mean() < 1e-3  # nobody in front of a place cancels, by this model: it is late or right, but for what books miss
    traded = frame["own_filled_at"].notna()
    late = (frame["filled_at"] - frame["own_filled_at"]).abs().dt.total_seconds()[traded]
    assert (late < 1e-3).mean() > 0.999  # while an order stands, its place's turn is its own
    table = found.cancels[found.cancels["by"] == "place"]
    assert (table["true"].iloc[:5] > 80).all()  # more from behind than uniform ones
    assert np.average(table["true"], weights=table["lots"]) > np.average(table["uniform"], weights=table["lots"]) + 20


@pytest.mark.extra(name="data")
def test_levels_are_those_of_the_source(shared: Path) -> None:
    pytest.importorskip("databento_dbn", reason='needs the extra "data"')
    from research.queue.walks import marked_levels, true_fates

    source = databento.read(shared / ES)
    found = source.events()
    truth = true_fates(found, (), orders=100, levels=10)
    told = marked_levels(found, truth, source.instruments[0])
    assert int((told["kind"] == Kind.CUSTOM).sum()) == len(truth.places) + len(truth.changes)
    assert int((told["kind"] == Kind.TRADE).sum()) == truth.counts["trades"]
    assert not (told["w2"][told["kind"] == Kind.DEPTH] != 0).any()
