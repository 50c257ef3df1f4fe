"""The rooms of `framework.data`: few arrows between them, each pointing to a lower floor; and names of files, each for one thing."""

from __future__ import annotations

from collections import defaultdict
from pathlib import PurePath

from tests.architecture.rooms import BESIDE, DATA, DATA_ROOMS, arrows, shown, upward
from tests.architecture.sources import ROOT, Source, sources

MOST_ARROWS = 25
BESIDE_DATA = {"catalog", "readers"}
FACES = {
    "backtest": "the command and the function that it calls",
    "sweep": "the command and the function that it calls",
    "command": "`onetape bench` and `onetape audit-strategy`, registered by these paths",
    "catalog": "the datasets, and the file of it that users import",
    "bars": "the format's name on the command line, and the generator's as the docs print it",
    "panel": "the strategy, and its loop in the kernel",
}
"""Names that two files of `framework` have, and why."""


def test_data_rooms_import_only_from_lower_rooms() -> None:
    found = arrows(sources("framework"), DATA)
    print(shown(found, DATA_ROOMS))
    assert upward(found, DATA_ROOMS) == [], shown(found, DATA_ROOMS)
    assert len(found) <= MOST_ARROWS, shown(found, DATA_ROOMS)


def test_every_folder_of_data_is_a_room_with_a_floor() -> None:
    folders = {path.name for path in (ROOT / "framework" / "data").iterdir() if (path / "__init__.py").exists()}
    assert folders == set(DATA_ROOMS)
    beside = {path.stem for path in (ROOT / "framework" / "data").glob("*.py")}
    assert beside - {"__init__"} == BESIDE_DATA, "a file lies in a room; only what users import by this name stands beside them"


def test_the_page_for_contributors_lists_the_rooms_from_the_highest_down() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = text[text.index("| room | what is in it |") :].split("\n\n")[0].splitlines()[3:]
    assert [row.split("`")[1].removesuffix("/") for row in table] == list(reversed(DATA_ROOMS))
    assert f"at most {MOST_ARROWS}." in text


def test_a_name_of_a_file_stands_for_one_thing() -> None:
    places = defaultdict(list)
    for source in sources("framework"):
        if not source.is_package and not source.name.startswith("framework.bench.peers."):
            places[PurePath(source.path).stem].append(source.path)
    found = {name: paths for name, paths in places.items() if len(paths) > 1}
    assert {name: paths for name, paths in found.items() if name not in FACES} == {}
    assert set(FACES) - set(found) == set(), "no longer twice: remove from the list"


def test_planted_arrows_are_counted_and_an_upward_one_is_found() -> None:
    planted = [
        Source.planted("framework.data.a.one", "from framework.data.b.two import x, y\nfrom framework.data.a.other import z"),
        Source.planted("framework.data.a.other", "import os"),
        Source.planted("framework.data.b.two", "def f():\n    from framework.data import c"),
        Source(
            "framework.data.c", "framework/data/c/__init__.py", "", Source.planted("c", "from framework.data.a.one import q").tree, True
        ),
        Source.planted("framework.data.c.three", ""),
        Source.planted("framework.data.beside", "import framework.data.a.one"),
        Source.planted("framework.kernel.far", "import framework.data.a.one"),
    ]
    found = arrows(planted, DATA)
    assert found == {("a", "b"): 2, ("b", "c"): 1, ("c", "a"): 1, (BESIDE, "a"): 1}
    assert upward(found, ("c", "b", "a")) == ["c imports a, which is not below it"]
    assert upward(found, ("b", "a")) == ["b imports c, which is not below it", "c imports a, which is not below it"]
    assert shown(found, ("c", "b", "a")).splitlines() == [
        "4 arrows, 5 imports", "  beside -> a (1)", "  a -> b (2)", "  b -> c (1)", "  c -> a (1)",
    ]  # fmt: skip
