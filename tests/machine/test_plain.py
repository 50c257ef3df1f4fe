"""Plain numba and the fast way to compile give the same bytes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FEW = """
from framework.kernel.machine.compile import is_plain
from framework.kernel.trader.grid import steps
from framework.kernel.venue.queue_position import share_from_behind
from framework.kernel.machine.random import keyed_word, uniform
words = [keyed_word(k, 3 * k - 7, k**5) for k in range(-20, 20)]
numbers = [uniform(k, 1, 2).hex() for k in range(50)]
grids = [steps(k * 0.01, 1.0, 100.0) for k in range(100)] + [steps(0.015, 1.0, 100.0), steps(1e30, 1.0, 100.0)]
lines = [share_from_behind(model, 2.0, 3.0, 5.0).hex() for model in range(3)]
print(is_plain(), words, numbers, grids, lines)
"""


def of(is_plain: str, *words: str, **variables: str) -> str:
    """What a process prints in one of the modes."""
    environment = {**os.environ, "ONETAPE_PLAIN_NUMBA": is_plain, **variables}
    shown = subprocess.run([sys.executable, *words], capture_output=True, text=True, cwd=ROOT, env=environment)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    return shown.stdout


def test_a_few_functions_of_the_kernel_compute_the_same() -> None:
    fast, plain = of("0", "-c", FEW).split(" ", 1), of("1", "-c", FEW).split(" ", 1)
    assert (fast[0], plain[0]) == ("False", "True")
    assert fast[1] == plain[1]
    assert len(fast[1]) > 2000


@pytest.mark.long
def test_all_tapes_and_compiled_strategies_have_the_same_hashes(tmp_path: Path) -> None:
    """Every drawing, and compiled strategies against their Python source, in both modes: minutes, since plain numba keeps nothing."""
    found = []
    for is_plain in ("0", "1"):
        path = tmp_path / f"hashes-{is_plain}.json"
        tests = ["tests/tapes", "tests/properties/test_laws.py", "tests/engine/test_compiled.py", "tests/engine/test_compiled_hooks.py"]
        words = ["-m", "pytest", "-q", "-p", "tests.machine.hashes", "-p", "no:cacheprovider"]
        place = f"--basetemp={tmp_path / 'same'}"  # paths of files stand in the audit of who reads latencies from them
        of(is_plain, *words, place, *tests, ONETAPE_HASHES=str(path))
        found.append(json.loads(path.read_text()))
    fast, plain = found
    assert fast == plain
    assert len(fast) > 300
    assert sum(map(len, fast.values())) > 700
