"""Strategies by name: which may be loaded, and that nothing else is run on the way to a refusal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from framework.config import parse_run
from framework.engine import library
from framework.engine.library import load_class, load_strategy
from framework.errors import ConfigError, StrategyError
from framework.simulation.backtest import run

STRATEGY = "from framework import Strategy\n\nclass Trend(Strategy):\n    fast: int = 1\n\nclass Plain:\n    pass\n"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Path]:
    """A folder with packages of its own; every module in it leaves a file behind when it is run."""
    folder = tmp_path / "desk_folder"
    texts = {
        "desk_a/__init__.py": "",
        "desk_a/trend.py": STRATEGY,
        "desk_a/broken.py": "1 / 0\n",
        "desk_a/needy.py": "import a_module_nobody_has\n",
        "desk_a/fussy.py": STRATEGY + "\nclass Fussy(Trend):\n    def __init__(self, **given):\n        raise ValueError('no')\n",
        "desk_b/loose.py": STRATEGY,  # a folder without __init__
        "json.py": STRATEGY,
    }
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"with open({str(tmp_path / 'ran')!r}, 'a') as marks:\n    marks.write(__name__ + ' ')\n" + text)
    paths = list(sys.path)
    yield folder
    sys.path[:] = paths
    for name in [name for name in sys.modules if name.split(".")[0] in ("desk_a", "desk_b", "desk_c")]:
        del sys.modules[name]


def ran(folder: Path) -> str:
    marks = folder.parent / "ran"
    return marks.read_text() if marks.exists() else ""


def test_a_strategy_of_a_given_folder_is_built_by_name(desk: Path) -> None:
    strategy = load_strategy("desk_a.trend:Trend", {"fast": 3}, strategies=[desk])
    assert (type(strategy).__name__, strategy.parameters) == ("Trend", {"fast": 3})
    assert load_class("desk_b.loose:Trend", strategies=[desk]).__module__ == "desk_b.loose"
    assert ran(desk) == "desk_a desk_a.trend desk_b.loose "


def test_the_library_needs_no_folder() -> None:
    assert load_strategy("strategies.crossover:Crossover", {"fast": 3}).parameters["fast"] == 3


def test_what_is_not_given_is_not_run(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(desk)
    monkeypatch.syspath_prepend(desk)
    for spec in ("desk_a.trend:Trend", "desk_b.loose:Trend", "json:Trend", "desk_a:Trend"):
        with pytest.raises(ConfigError, match=r"--strategies DIR, in Python strategies=\[DIR\]"):
            load_class(spec)
    assert ran(desk) == ""


@pytest.mark.parametrize(
    "spec",
    [
        "subprocess:Popen",
        "os:system",
        "framework.engine.compiled:Driver",
        "strategies.crossover:Strategy.python",
        "strategies..crossover:Crossover",
        "..strategies.crossover:Crossover",
        "strategies/crossover:Crossover",
        "strategies.os:system",
        ":Crossover",
        "strategies.crossover:",
        "strategies.crossover",
        "",
    ],
)
def test_a_config_runs_no_program(spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    raw = {"strategy": spec, "params": {"args": ["sh", "-c", "echo ran > ran.txt"]}, "data": {"source": "us_equities_daily"}}
    with pytest.raises(ConfigError, match="strategy = "):
        run(parse_run(raw))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("spec", ["desk_a.trend:Plain", "desk_a.trend:open", "desk_a.trend:__loader__", "desk_a.trend:Trand"])
def test_what_is_no_strategy_is_not_called(spec: str, desk: Path) -> None:
    with pytest.raises(ConfigError, match="is not a subclass of framework.Strategy|has no class"):
        load_strategy(spec, {}, strategies=[desk])


def test_parameters_are_checked_before_anything_is_built(desk: Path) -> None:
    with pytest.raises(ConfigError, match=r"Fussy has no parameter 'fats'\. Did you mean fast"):
        load_strategy("desk_a.fussy:Fussy", {"fats": 1}, strategies=[desk])
    with pytest.raises(StrategyError, match="building it raised ValueError: no"):
        load_strategy("desk_a.fussy:Fussy", {"fast": 1}, strategies=[desk])


@pytest.mark.parametrize(
    ("spec", "error", "said"),
    [
        ("desk_a.trend:Trand", ConfigError, r"desk_a\.trend has no class Trand\. Did you mean Trend"),
        ("desk_a.trand:Trend", ConfigError, r"no module desk_a\.trand where .* Did you mean desk_a\.trend"),
        ("desk_c.trend:Trend", ConfigError, r"no module desk_c\.trend where .* Did you mean desk_a"),
        ("strategies.crossovr:Crossover", ConfigError, r"no module strategies\.crossovr\. Did you mean strategies\.crossover"),
        ("desk_a.needy:X", StrategyError, "needs the module a_module_nobody_has"),
        ("desk_a.broken:X", StrategyError, "importing desk_a.broken raised ZeroDivisionError"),
        ("json:Trend", ConfigError, r"has the name of another module, which is loaded: .*json.__init__\.py; rename yours"),
    ],
)
def test_a_strategy_that_cannot_be_loaded_says_why(spec: str, error: type[Exception], said: str, desk: Path) -> None:
    with pytest.raises(error, match=said):
        load_class(spec, strategies=[desk])
    assert "json" not in ran(desk)


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such folder"):
        load_class("a:B", strategies=[tmp_path / "none"])


@pytest.mark.parametrize("what", ["module", "package"])
@pytest.mark.parametrize("name", ["given", "des"])  # `des` begins as the folder of the desk does, which lies beside it
def test_a_link_leads_out_of_no_folder(what: str, name: str, desk: Path, tmp_path: Path) -> None:
    given = desk.parent / name
    (given / "desk_c").mkdir(parents=True)
    if what == "module":
        (given / "desk_c" / "trend.py").symlink_to(desk / "desk_a" / "trend.py")
    else:
        (given / "desk_c").rmdir()
        (given / "desk_c").symlink_to(desk / "desk_a", target_is_directory=True)
    with pytest.raises(ConfigError, match="is a link to .*desk_a.*, outside of .*; give the folder"):
        load_class("desk_c.trend:Trend", strategies=[given])
    assert ran(desk) == ""


def test_a_linked_folder_that_is_given_is_trusted(desk: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(desk, target_is_directory=True)
    assert load_class("desk_a.trend:Trend", strategies=[tmp_path / "link"]).__name__ == "Trend"


@pytest.mark.parametrize(
    ("value", "spec", "allowed"),
    [
        ("desk_a", "desk_a.trend:Trend", True),
        ("desk_a.trend", "desk_a.trend:Trend", True),
        ("desk_a.trend:Trend", "desk_a.trend:Trend", True),
        ("desk_a.trend:Other", "desk_a.trend:Trend", False),
        ("desk_a.tren", "desk_a.trend:Trend", False),
        ("desk", "desk_a.trend:Trend", False),
    ],
)
def test_what_is_installed_is_registered(value: str, spec: str, allowed: bool, desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(desk)
    points = [EntryPoint("mine", value, library.GROUP)]
    monkeypatch.setattr(library, "entry_points", lambda group: points if group == "onetape.strategies" else [])
    if allowed:
        assert load_class(spec).__name__ == "Trend"
    else:
        with pytest.raises(ConfigError, match=rf"registered as onetape.strategies \({value}\)"):
            load_class(spec)
        assert ran(desk) == ""
