"""The switch that takes checks out of compiled code: off only when told so exactly, in a folder of its own, and said in the result."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from framework import backtest
from framework.bench.strategies import Sleeper
from framework.kernel.machine import machine_code

ROOT = Path(__file__).parents[2]
SAYS = "from framework.kernel.machine import machine_code as m; print(m.CHECKS, m.cache_of_sources().name, m.source_digest())"


def said(value: str | None, tmp_path: Path, script: str = SAYS) -> list[str]:
    """What a process with this value of the switch prints: whether it checks, its folder of machine code, the digest of its sources."""
    variables = {key: text for key, text in os.environ.items() if key != "ONETAPE_UNCHECKED"} | {"NUMBA_CACHE_DIR": str(tmp_path)}
    if value is not None:
        variables["ONETAPE_UNCHECKED"] = value
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT, env=variables)
    return shown.stdout.split()


@pytest.mark.parametrize("value", [None, "", "0", "true", "11"])
def test_checks_are_on_unless_told_exactly(value: str | None, tmp_path: Path) -> None:
    checks, folder, digest = said(value, tmp_path)
    assert checks == "True"
    assert folder.startswith(f"{digest}-py")
    assert "unchecked" not in folder


def test_code_without_checks_lies_apart(tmp_path: Path) -> None:
    checks, folder, digest = said("1", tmp_path)
    assert checks == "False"
    assert folder.startswith(f"{digest}-py")
    assert folder.endswith("-unchecked")


def test_without_checks_hooks_are_compiled_without_theirs(tmp_path: Path) -> None:
    shows = "from framework.kernel.machine.compile import hook_options as o; print(o(checks=True) == o(checks=False), o(checks=True))"
    shown = said("1", tmp_path, shows)
    assert shown[0] == "True" and "False}" in shown[-1]
    assert said(None, tmp_path, shows)[0] == "False"


def test_a_result_says_that_nothing_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not any("ONETAPE_UNCHECKED" in note for note in backtest(Sleeper()).notes)
    monkeypatch.setattr(machine_code, "CHECKS", False)
    assert sum("ONETAPE_UNCHECKED" in note for note in backtest(Sleeper()).notes) == 1
