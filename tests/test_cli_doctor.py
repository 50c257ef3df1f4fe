"""`onetape doctor`, `data check`, `data repair` and `data import --finer`."""

from __future__ import annotations

import json
from importlib.metadata import EntryPoint
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from framework import cli
from framework.commands.guess import guess
from framework.errors import DataError
from tests.data.quality.good_files import GOOD, minute_frame, trade_frame

runner = CliRunner()
PRICES = ["open", "high", "low", "close"]


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty folder, and the commands of these sources, whether or not they were installed since they were added."""
    homes = {"doctor": "framework.commands.doctor:doctor", "data": "framework.commands.data:data"}
    points = [EntryPoint(name, home, cli.GROUP) for name, home in homes.items()]
    monkeypatch.setattr(cli, "entry_points", lambda group: points)
    monkeypatch.setenv("ONETAPE_DATA", str(tmp_path / "root"))
    monkeypatch.chdir(tmp_path)


def call(*words: str, code: int = 0) -> str:
    shown = runner.invoke(cli.assemble(), list(words))
    assert shown.exit_code == code, (shown.output, shown.exception)
    return shown.stderr if code == 2 else shown.stdout


def test_the_command_is_registered() -> None:
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text()
    assert 'doctor = "framework.commands.doctor:doctor"' in text


def damaged(good: str = "daily", factor: float = 100.0) -> Path:
    path = GOOD[good].write(Path())
    frame = pd.read_csv(path)
    frame.loc[200:240, PRICES] = (frame.loc[200:240, PRICES] * factor).round(2)
    frame.to_csv(path, index=False)
    return path


def test_a_good_file_passes_and_a_bad_one_does_not() -> None:
    GOOD["daily"].write(Path())
    assert "score 100.0 of 100" in call("doctor", "ACME.csv", "--set", "calendar=XNYS")
    damaged()
    shown = call("doctor", "ACME.csv", "--set", "calendar=XNYS", "--report", "out/page.html", code=1)
    assert "error   units ACME" in shown and "-> Cents for dollars" in shown
    assert "about 10^2" in Path("out/page.html").read_text(encoding="utf-8")
    [words] = json.loads(call("doctor", "ACME.csv", "--set", "calendar=XNYS", "--json", code=1))
    assert [one["rule"] for one in words["findings"] if one["severity"] == "error"] == ["units"]


def test_what_the_reader_refuses_is_shown_as_an_error() -> None:
    path = GOOD["daily"].write(Path())
    path.write_text(path.read_text().replace("2022-01-05", "2022-01-04", 1))
    [words] = json.loads(call("doctor", "ACME.csv", "--set", "calendar=XNYS", "--json", code=1))
    [finding] = words["findings"]
    assert finding["rule"] == "refused" and "line 4, column stamp" in finding["sentence"] and words["score"] == 0


def test_warnings_count_where_it_is_strict() -> None:
    frame = pd.read_csv(GOOD["daily"].write(Path()))
    frame.drop(index=range(100, 105)).to_csv("ACME.csv", index=False)
    assert "warning missing_sessions ACME" in call("doctor", "ACME.csv", "--set", "calendar=XNYS")
    call("doctor", "ACME.csv", "--set", "calendar=XNYS", "--strict", code=1)


def test_a_second_source_and_finer_data() -> None:
    minutes = minute_frame()
    minutes.to_csv("ACME.csv", index=False)
    later = minutes.assign(ts=(pd.to_datetime(minutes["ts"]) + pd.Timedelta(hours=2)).dt.strftime("%Y-%m-%dT%H:%M:%SZ"))
    Path("other").mkdir()
    later.to_csv("other/ACME.csv", index=False)
    assert "ACME.csv is 2 h ahead of ACME.csv on all rows" in call("doctor", "ACME.csv", "--against", "other/ACME.csv", code=1)
    five = minutes.groupby(minutes.index // 5)
    columns = {"ts": five["ts"].last(), "open": five["open"].first(), "high": five["high"].max(), "low": five["low"].min()}
    coarse = pd.DataFrame({**columns, "close": five["close"].last(), "volume": five["volume"].sum()})
    Path("five").mkdir()
    coarse.to_csv("five/ACME.csv", index=False)
    assert "stamps are closes" in call("doctor", "five/ACME.csv", "--finer", "ACME.csv", "--notes")
    opens = coarse.assign(ts=(pd.to_datetime(coarse["ts"]) - pd.Timedelta(minutes=5)).dt.strftime("%Y-%m-%dT%H:%M:%SZ"))
    opens.to_csv("five/ACME.csv", index=False)
    assert "stamps are opens" in call("doctor", "five/ACME.csv", "--finer", "ACME.csv", code=1)
    words = json.loads(call("data", "import", "bars", "five/ACME.csv", "--name", "five", "--licence", "x", "--finer", "ACME.csv", "--json"))
    assert words["first_ns"] == pd.Timestamp(coarse["ts"][0]).value  # moved to the closes
    assert "were opens and are moved" in words["notes"][-1]
    coarse.assign(high=coarse["high"] + 1).to_csv("five/ACME.csv", index=False)
    refused = call("data", "import", "bars", "five/ACME.csv", "--name", "six", "--licence", "x", "--finer", "ACME.csv", code=2)
    assert "What the stamps are is not proved" in refused


def kept(name: str = "acme") -> None:
    call("data", "import", "bars", "ACME.csv", "--name", name, "--licence", "CC0", "--set", "calendar=XNYS", "--by", "year")


def test_check_examines_and_repair_writes_the_log() -> None:
    damaged("minute")
    kept()
    assert "error   units ACME" in call("data", "check", "acme", code=1)
    assert "as imported" in call("data", "check", "acme", "--checksums")
    frame = minute_frame()
    words = json.loads(
        call("data", "repair", "acme", "--rescale", "0.01", "--start", frame["ts"][200], "--end", frame["ts"][240], "--json")
    )
    assert (words["version"], len(words["repairs"])) == (2, 1) and words["repairs"][0].startswith("Multiplied prices from 2023-03-06")
    assert "score 100.0" in call("data", "check", "acme", "--report", "page.html") and Path("page.html").exists()
    assert "repaired: Multiplied prices from 2023-03-06" in call("data", "show", "acme")
    assert json.loads(call("data", "show", "acme@1", "--json"))["repairs"] == []
    assert "nothing to repair, no version was made" in call("data", "repair", "acme", "--drop-duplicates", "--drop-future", "--drop-spikes")


def test_gaps_are_filled_from_another_dataset() -> None:
    minute_frame().to_csv("ACME.csv", index=False)
    kept("whole")
    minute_frame().drop(index=range(1000, 1020)).to_csv("ACME.csv", index=False)
    kept("holes")
    words = json.loads(call("data", "check", "holes", "--against", "whole", "--json"))
    assert [one["rule"] for one in words["examinations"][0]["findings"] if one["severity"] == "warning"] == ["missing_bars"]
    assert any("lacks 20 of 3,900 rows" in one["sentence"] for one in words["examinations"][1]["findings"])
    words = json.loads(call("data", "repair", "holes", "--fill-from", "whole", "--json"))
    assert words["rows"] == 3900 and words["repairs"][0].startswith("Filled 20 rows of BAR of ACME from ")


@pytest.mark.parametrize(
    ("name", "text", "form"),
    [
        ("a.csv", "ts,open,high,low,close,volume\n", ("bars", [])),
        ("a.csv", "ts,bid,ask\n", ("table", ["kind=quotes"])),
        ("a.csv", "ts,price,size\n", ("table", ["kind=trades"])),
        ("a.csv", "ts,rate\n", ("table", ["kind=funding"])),
        ("ACME_2012-06-21_34200000_57600000_message_2.csv", "", ("lobster", [])),
        ("a.gz.txt", '1723161256172216566 {"stream":1}\n', ("binance", [])),
        ("KRAKEN.ws.1.0", "1633998512.0: {}\n", ("kraken", [])),
        ("x.dbn.zst", "", ("databento", [])),
        ("ETH_BTC-5m.feather", "", ("freqtrade", [])),
        ("20140605_trade.zip", "", ("lean", [])),
    ],
)
def test_formats_are_told_by_name_and_first_bytes(name: str, text: str, form: tuple[str, list[str]]) -> None:
    Path(name).write_text(text)
    assert guess(Path(name)) == form


def test_a_format_that_cannot_be_told_is_refused() -> None:
    Path("a.csv").write_text("when,what\n")
    with pytest.raises(DataError, match="do not tell what it is. Say --format, one of bars, binance"):
        guess(Path("a.csv"))
    with pytest.raises(DataError, match="no such file"):
        guess(Path("b.csv"))


def test_a_page_of_trades_marks_what_was_found() -> None:
    frame = trade_frame()
    frame.loc[3000, "price"] = 500.0
    frame.to_csv("acme.csv", index=False)
    call("doctor", "acme.csv", "--set", "unit=ms", "--report", "page.html")
    page = Path("page.html").read_text(encoding="utf-8")
    specs = json.loads(page.split('<script type="application/json" id="specs">')[1].split("</script>")[0])
    line, marks = specs["price-0"]["data"]
    assert (line["name"], marks["name"], marks["y"]) == ("trade", "spike", [500.0])
    assert sum(specs["days-0"]["data"][0]["y"]) == 6000
    assert sum(specs["hours-0"]["data"][0]["y"]) == pytest.approx(1, abs=1e-5)
    assert 'src="http' not in page
