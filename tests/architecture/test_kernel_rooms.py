"""The rooms of `framework.kernel`: arrows point down, the halves do not know each other, and the page about the kernel says the same."""

from __future__ import annotations

import ast
import re
from itertools import pairwise
from pathlib import PurePath

import pytest

from tests.architecture.rooms import BESIDE, HALVES, KERNEL, KERNEL_ROOMS, arrows, between, shown, upward
from tests.architecture.sources import ROOT, Source, sources

MOST_ARROWS = 20
PAGE = ROOT / "docs" / "kernel.md"
STEP = re.compile(r"\[`(\w+)`\]\(\.\./(framework/[\w/]+\.py)\)")


def test_kernel_rooms_import_only_from_lower_rooms() -> None:
    found = arrows(sources("framework"), KERNEL)
    print(shown(found, KERNEL_ROOMS))
    assert upward(found, KERNEL_ROOMS) == [], shown(found, KERNEL_ROOMS)
    assert len(found) <= MOST_ARROWS, shown(found, KERNEL_ROOMS)


def test_neither_half_imports_the_other() -> None:
    assert between(arrows(sources("framework"), KERNEL), HALVES) == []


@pytest.mark.parametrize(
    ("module", "text", "objection"),
    [
        ("venue.matching", "from framework.kernel.trader.apply import apply", "venue imports trader, and neither may know the other"),
        (
            "trader.apply",
            "def f():\n    from framework.kernel.venue import matching",
            "trader imports venue, and neither may know the other",
        ),
    ],
)
def test_a_half_that_looks_at_the_other_is_found(module: str, text: str, objection: str) -> None:
    others = [Source.planted(f"{KERNEL}.{name}", "") for name in ("trader.apply", "venue.matching") if name != module]
    found = arrows([*others, Source.planted(f"{KERNEL}.{module}", text)], KERNEL)
    assert between(found, HALVES) == [objection]
    assert between(found, ("machine", "layout")) == []


def test_every_folder_of_the_kernel_is_a_room_with_a_floor() -> None:
    folders = {path.name for path in (ROOT / "framework" / "kernel").iterdir() if (path / "__init__.py").exists()}
    assert folders == set(KERNEL_ROOMS)
    beside = {path.stem for path in (ROOT / "framework" / "kernel").glob("*.py")}
    assert beside == {"__init__"}, "a file of the kernel lies in a room"
    assert not [one for one in arrows(sources("framework"), KERNEL) if BESIDE in one]


def test_the_page_about_the_kernel_lists_its_rooms_and_arrows() -> None:
    text = PAGE.read_text(encoding="utf-8")
    table = text[text.index("| room | imports |") :].split("\n\n")[0].splitlines()[2:]
    rows = [re.findall(r"`(\w+)/`", row.split("|")[1]) + re.findall(r"`(\w+)`", row.split("|")[2]) for row in table]
    assert [row[0] for row in rows] == list(reversed(KERNEL_ROOMS))
    listed = {(here, there) for here, *lower in rows for there in lower}
    found = arrows(sources("framework"), KERNEL)
    assert listed == set(found), shown(found, KERNEL_ROOMS)
    assert f"{len(found)} arrows" in text


def test_the_picture_of_the_kernel_draws_every_room_once() -> None:
    picture = PAGE.read_text(encoding="utf-8").split("```text\n")[1].split("```")[0]
    assert {room: len(re.findall(rf"\b{room}/", picture)) for room in KERNEL_ROOMS} == dict.fromkeys(KERNEL_ROOMS, 1)
    for low, high in pairwise(KERNEL_ROOMS):
        is_beside = {low, high} == set(HALVES)
        rows = [next(k for k, line in enumerate(picture.splitlines()) if f"{room}/" in line) for room in (low, high)]
        assert rows[0] == rows[1] if is_beside else rows[0] > rows[1], f"{low} and {high}"


def test_every_function_on_the_walk_stands_in_the_file_that_is_named() -> None:
    steps = STEP.findall(PAGE.read_text(encoding="utf-8"))
    rooms = {PurePath(path).parts[2] for _, path in steps if path.startswith("framework/kernel/")}
    assert rooms == set(KERNEL_ROOMS), "the walk leads through every room"
    for name, path in steps:
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        assert name in defined, f"{name} is not in {path}"
