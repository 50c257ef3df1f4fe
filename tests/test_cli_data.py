"""`onetape data`: keep, list, show, check, export, remove."""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from framework import cli
from framework.commands import formats
from framework.data.store.ticks import open_store
from framework.data.tape.recording import Recording
from framework.schema.event import Kind
from framework.schema.instrument import Instrument
from tests.data.store.market import INSTRUMENTS, as_rows, events

runner = CliRunner()


@pytest.fixture(autouse=True)
def _format(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A format `made` whose files hold how many events they have; the symbol is the file's name."""
    module = types.ModuleType("framework.data.formats.made")

    def read(path: Path, *, tick: str = "1/100", seed: int = 3) -> Recording:
        made = events(int(Path(path).read_text()), seed)
        made["instrument"] = 0
        return Recording((Instrument(Path(path).stem, tick=formats_step(tick)),), lambda: iter([made]), str(path))

    module.read = read  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "framework.data.formats.made", module)
    found = [*formats.pkgutil.iter_modules(formats.formats.__path__), types.SimpleNamespace(name="made")]
    monkeypatch.setattr(formats.pkgutil, "iter_modules", lambda path: found)
    monkeypatch.setenv("ONETAPE_DATA", str(tmp_path / "root"))
    monkeypatch.chdir(tmp_path)
    Path("AAA.txt").write_text("40")
    Path("BBB.txt").write_text("60")


def formats_step(text: str) -> object:
    from framework.schema.units import Step

    return Step.of(text)


def call(*words: str, code: int = 0, **more: str) -> str:
    shown = runner.invoke(cli.assemble(), ["data", *words], **more)  # type: ignore[arg-type]
    assert shown.exit_code == code, shown.output
    return shown.stderr if code == 2 else shown.stdout


def bring_in(*words: str, code: int = 0) -> str:
    return call("import", "made", "AAA.txt", "BBB.txt", "--name", "mine", "--licence", "none", *words, code=code)


def test_import_show_and_list() -> None:
    words = json.loads(bring_in("--json", "--set", "tick=1/8"))
    assert (words["rows"], [i["symbol"] for i in words["instruments"]], words["instruments"][0]["tick"]) == (100, ["AAA", "BBB"], "1/8")
    assert words["provenance"]["made_by"] == "onetape data import made AAA.txt BBB.txt --set tick=1/8"
    assert pd.Timestamp(words["created"]).tz is not None
    assert json.loads(call("show", "mine", "--json")) == words
    listed = json.loads(call("ls", "--json"))
    assert [row["name"] for row in listed if not row["embedded"]] == ["mine"]
    assert "mine" in call()
    assert "2: AAA, BBB" in call("show", "mine")


def test_an_unknown_format_and_argument() -> None:
    assert "format 'mad' is unknown. Did you mean made?" in call("import", "mad", "AAA.txt", "--name", "x", "--licence", "y", code=2)
    assert "has no argument 'tik'. Did you mean tick?" in bring_in("--set", "tik=1", code=2)
    assert "must look like key=value" in bring_in("--set", "tick", code=2)


def test_files_of_one_instrument_must_follow_each_other() -> None:
    Path("more").mkdir()
    Path("more/AAA.txt").write_text("5")
    error = call("import", "made", "AAA.txt", "more/AAA.txt", "--name", "x", "--licence", "y", code=2)
    assert "rule: files of the same instruments follow each other" in error


def test_check_names_a_damaged_file() -> None:
    bring_in()
    assert "100 events in" in call("check", "mine", "--checksums")  # what is made up here is no good market
    path = next(Path("root/mine@1/instrument=BBB").iterdir())
    data = bytearray(path.read_bytes())
    data[50] ^= 4
    path.write_bytes(data)
    [sentence] = json.loads(call("check", "mine", "--json", code=1))["wrong"]
    assert sentence.startswith(f"mine@1/instrument=BBB/{path.name}: checksum")


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_export(suffix: str) -> None:
    bring_in()
    call("export", "mine", f"out.{suffix}", "--instrument", "BBB", "--kind", "trade")
    table = pd.read_csv("out.csv") if suffix == "csv" else pd.read_parquet("out.parquet")
    trades = [row for row in as_rows(events(60)) if row[2] == Kind.TRADE]
    assert set(table["kind"]) == {"TRADE"}
    assert set(table["instrument"]) == {"BBB"}
    assert table[["ts_local_ns", "w0", "w4"]].values.tolist() == [[row[0], row[5], row[9]] for row in trades]
    assert "exists already" in call("export", "mine", f"out.{suffix}", code=2)


def test_what_was_recorded_becomes_a_dataset(tmp_path: Path) -> None:
    made = events(60)
    open_store("live").append("feed", 1, made, INSTRUMENTS)
    call("import", "tick_store", "live", "--name", "kept", "--licence", "mine", "--set", "kinds=[trade]", "--set", "start=2024-01-01")
    found = json.loads(call("show", "kept", "--json"))
    assert found["kinds"] == {"TRADE": int((made["kind"] == Kind.TRADE).sum())}
    assert found["provenance"]["source"] == str(tmp_path / "root" / "live.ticks")
    assert "nothing was recorded there" in call("import", "tick_store", "life", "--name", "x", "--licence", "mine", code=2)


def test_a_password_is_not_told() -> None:
    assert formats.without_password("postgresql://me:se:cret@host/x") == "postgresql://me:***@host/x"
    assert formats.without_password("a/b:c@d.csv") == "a/b:c@d.csv"


def test_rm_asks() -> None:
    bring_in()
    call("rm", "mine", input="n\n", code=1)
    assert "mine" in call("ls")
    assert call("rm", "mine", "--yes") == "removed mine@1\n"
    assert "is neither a dataset nor a file" in call("show", "mine", code=2)
