"""The core runs without any extra, and what an extra needs is shown in an environment that has it, where nothing is left out."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions, requires
from typing import Any

import pytest
from packaging.requirements import Requirement

from tests.architecture.sources import ROOT
from tests.conftest import NoSkips

NEED_POSTGRES = {"framework.data.store.postgres", "framework.data.store.postgres_schema"}
"""Modules that cannot be imported without an extra; who needs them imports them when they are needed."""

CORE_ALONE = """
import importlib, json, pkgutil, sys

others = set(json.loads(sys.argv[1]))


class Block:
    def find_spec(self, name, path=None, target=None):
        if name in others:
            raise ModuleNotFoundError(f"{name} is no part of the core", name=name)


sys.meta_path.insert(0, Block())
failed = {}
for room in ("framework", "research", "strategies"):
    for found in pkgutil.walk_packages(importlib.import_module(room).__path__, room + "."):
        if not found.name.startswith("framework.bench.peers."):
            try:
                importlib.import_module(found.name)
            except ModuleNotFoundError as error:
                failed[found.name] = error.name
from framework import backtest
from strategies.crossover import Crossover

result = backtest(Crossover(), instruments=["AAPL"])
print(json.dumps([failed, len(result.fills), result.plot() is not None]))
"""


def core() -> set[str]:
    """The distributions that `pip install onetape` brings, with those that they need in turn."""
    found, open_ones = set[str](), {"onetape"}
    while open_ones:
        name = open_ones.pop()
        found.add(name)
        for line in requires(name) or ():
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                open_ones |= {canonical(needed.name)} - found
    return found


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_core_runs_with_every_other_package_out_of_reach() -> None:
    others = [module for module, owners in packages_distributions().items() if not core() & set(map(canonical, owners))]
    assert {"scipy", "pytest"} <= set(others) and not {"numba", "pandas", "yaml", "framework"} & set(others)
    command = [sys.executable, "-c", CORE_ALONE, json.dumps(others)]
    shown = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert shown.returncode == 0, shown.stderr
    failed, fills, is_drawn = json.loads(shown.stdout)
    assert set(failed) == NEED_POSTGRES and set(failed.values()) <= {"psycopg", "sqlalchemy"}
    assert fills > 0 and is_drawn


def test_each_extra_with_tests_has_a_step() -> None:
    marked = {
        name for path in (ROOT / "tests").rglob("test_*.py") for name in re.findall(r'mark\.extra\(name="([\w-]+)"\)', path.read_text())
    }
    listed = re.search(r"^EXTRAS := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    steps = re.findall(r"^step make test-([\w-]+)$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    assert listed is not None and set(listed[1].split()) == set(steps) == marked
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert marked <= set(extras)
    assert not any(line.startswith("onetape[") for line in extras["dev"])  # the tests of the core are shown to need none


def report(when: str, outcome: str, reason: str = "") -> pytest.TestReport:
    longrepr: Any = ("test_a.py", 1, reason) if reason else None
    return pytest.TestReport("test_a.py::test", ("test_a.py", 1, "test"), {}, outcome, longrepr, when)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("reports", "left_out"),
    [
        ([report("setup", "passed"), report("call", "passed")], False),
        ([], True),
        ([report("setup", "passed")], True),
        ([report("call", "passed"), report("setup", "skipped", "Skipped: there is no server")], True),
        ([report("call", "passed"), report("setup", "skipped", 'Skipped: needs the extra "a"')], True),
        ([report("call", "passed"), report("setup", "skipped", 'Skipped: needs the extra "b"')], False),
        ([report("call", "passed"), report("setup", "skipped", "Skipped: not here: set ONETAPE_SHARED")], False),
    ],
)
def test_an_extra_is_shown_only_by_tests_that_ran(reports: list[pytest.TestReport], left_out: bool) -> None:
    watched = NoSkips("a")
    for one in reports:
        watched.pytest_runtest_logreport(one)
    assert watched.left_out is left_out


def test_a_session_that_leaves_tests_out_fails() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "--extra", "nobody", "tests/schema/test_units.py"]
    shown = subprocess.run([*command, "-p", "no:cacheprovider"], capture_output=True, text=True, check=False, cwd=ROOT)
    assert shown.returncode != 0 and "the extra nobody is not shown to work" in shown.stdout
