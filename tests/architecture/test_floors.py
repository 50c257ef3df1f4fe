"""A file imports only from lower floors or its own room, and no imports run in a circle."""

from __future__ import annotations

import pytest

from tests.architecture.sources import Source, imports, sources, target

TOP = 9
FLOORS = {
    "framework.errors": 1,
    "framework.version": 1,
    "framework.schema": 2,
    "framework.machine": 2,
    "framework.kernel": 3,
    "framework.data": 3,
    "framework.stages": 4,
    "framework.config": 5,
    "framework.engine": 5,
    "framework.reports": 6,
    "framework.simulation": 7,
    "framework.bench": 8,
    "framework.cli": 8,
    "framework.commands": 8,
    "framework.prove": 8,
    "framework": 8,  # framework/__init__.py, the face
    "live": TOP,
    "research": TOP,
    "strategies": TOP,
}
FACE = "framework"


def room(module: str) -> str | None:
    """The room a module of ours stands in, None for modules of others."""
    if module.split(".")[0] not in {name.split(".")[0] for name in FLOORS}:
        return None
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        if name in FLOORS and (name != FACE or module == FACE):
            return name
    raise AssertionError(f"{module}: this room has no floor yet; give it one in tests/architecture/test_floors.py")


def violations(found: list[Source]) -> list[str]:
    """One sentence for each import that looks upward or sideways."""
    modules = {source.name for source in found}
    broken = []
    for source in found:
        here = room(source.name)
        assert here is not None
        for imported in imports(source):
            there = room(target(imported, modules))
            if there is None or there == here:
                continue
            reason = _objection(source.name, here, there, target(imported, modules))
            if reason:
                broken.append(f"{source.path}:{imported.line} imports {there} (floor {FLOORS[there]}) from floor {FLOORS[here]}: {reason}")
    return broken


def _objection(module: str, here: str, there: str, imported: str) -> str:
    if there == FACE and module in ("framework.cli",):
        return ""  # for the version; the face imports nothing by itself
    if FLOORS[there] >= FLOORS[here]:
        return "only lower floors and the own room may be imported"
    if here == "framework.engine" and there == "framework.stages" and imported.rsplit(".", 1)[-1] not in ("contracts", "pipeline"):
        return "engine sees stages only through contracts and pipeline"
    return ""


def circles(found: list[Source]) -> list[str]:
    """Every import circle, as "a -> b -> a". A circle inside TYPE_CHECKING or a function counts: it is one all the same."""
    modules = {source.name for source in found}
    edges = {source.name: sorted({target(i, modules) for i in imports(source)} & modules - {source.name}) for source in found}
    done: set[str] = set()
    result: list[str] = []

    def visit(module: str, trail: list[str]) -> None:
        if module in trail:
            result.append(" -> ".join([*trail[trail.index(module) :], module]))
        elif module not in done:
            for below in edges[module]:
                visit(below, [*trail, module])
            done.add(module)

    for module in sorted(edges):
        visit(module, [])
    return result


def test_every_import_goes_down() -> None:
    assert violations(sources()) == []


def test_no_import_circles() -> None:
    assert circles(sources()) == []


def test_every_floor_is_still_inhabited_or_planned() -> None:
    planned = {"framework.bench", "live", "research"}
    inhabited = {room(source.name) for source in sources()}
    assert set(FLOORS) - inhabited <= planned


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("framework.schema.order", "from framework.kernel.account import ledger"),
        ("framework.kernel.account.ledger", "import framework.data.store.catalog"),
        ("framework.kernel.account.ledger", "def f():\n    from framework.config import load"),
        ("framework.data.store.catalog", "from ...simulation import backtest"),
        ("framework.engine.engine", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from framework.reports.result import Result"),
        ("framework.engine.engine", "from framework.config import RunConfig"),
        ("framework.engine.engine", "from framework.stages.sizing import Kelly"),
        ("framework.reports.result", "from framework.simulation.backtest import backtest"),
        ("framework.simulation.backtest", "import live.session"),
        ("framework.simulation.backtest", "from strategies.momentum import Momentum"),
        ("framework.simulation.backtest", "from framework import Strategy"),
        ("framework.cli", "import research.sweep"),
        ("framework.commands.demo", "from framework.bench import w1"),
        ("framework.simulation.simulated_world", "def f():\n    from live.worlds import PaperWorld"),
        ("live.session", "from research.promote import bundle"),
        ("research.promote", "from live.journal import read"),
        ("strategies.momentum", "from research.splits import purged"),
    ],
)
def test_a_planted_violation_is_caught(module: str, text: str) -> None:
    assert len(violations([Source.planted(module, text)])) == 1


@pytest.mark.parametrize(
    ("module", "text"),
    [
        (
            "framework.kernel.account.ledger",
            "import numba\nfrom framework.kernel.market import marks\nfrom framework.schema.event import EVENT",
        ),
        ("framework.engine.engine", "from framework.stages.contracts import Stage"),
        ("framework.simulation.backtest", "from framework.reports.result import Result\nfrom ..config import parse_costs"),
        ("strategies.momentum", "from framework import Strategy"),
        ("live.worlds", "from framework.simulation.simulated_world import SimulatedWorld"),  # paper is a simulation on an open tape
        ("research.promote", "from framework.simulation.sweep import sweep"),
    ],
)
def test_what_the_house_allows_passes(module: str, text: str) -> None:
    assert violations([Source.planted(module, text)]) == []


def test_a_room_without_a_floor_is_refused() -> None:
    with pytest.raises(AssertionError, match="no floor"):
        violations([Source.planted("framework.attic.box", "import os")])


def test_a_planted_circle_is_caught() -> None:
    planted = [
        Source.planted("framework.kernel.a", "from framework.kernel import b"),
        Source.planted("framework.kernel.b", "from framework.kernel.c import x"),
        Source.planted("framework.kernel.c", "def f():\n    import framework.kernel.a"),
    ]
    assert circles(planted) == ["framework.kernel.a -> framework.kernel.b -> framework.kernel.c -> framework.kernel.a"]
