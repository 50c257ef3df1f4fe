"""What is kept on disk is loaded by a new process without what only the compiler needs, unless an extension of numba may be needed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULE = """
from framework.kernel.machine.compile import kernel, stamped_kernel

@kernel
def half(value):
    return value / 2.0

def sum_of_halves(values):
    total = 0.0
    for k in range(len(values)):
        total += half(values[k])
    return total

entered = stamped_kernel(sum_of_halves)
"""
CODE = """
import sys
import numpy as np
import of_disk
print(of_disk.entered(np.array([1.0, 2.0, 4.0])), of_disk.half(3.0), "numba.np.arraymath" in sys.modules, "called" in sys.modules)
"""
EXTENSION = "import sys\ndef begin(): sys.modules['called'] = sys\n"


def said(folder: Path) -> list[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)]), "NUMBA_CACHE_DIR": str(folder / "cache")}
    shown = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True, env=environment, cwd=folder)
    return shown.stdout.split()


@pytest.mark.parametrize("extended", [False, True])
def test_a_new_process_runs_what_was_kept(tmp_path: Path, *, extended: bool) -> None:
    (tmp_path / "of_disk.py").write_text(MODULE)
    if extended:
        (tmp_path / "of_extension.py").write_text(EXTENSION)
        about = tmp_path / "of_extension-1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: of-extension\nVersion: 1.0\n")
        (about / "entry_points.txt").write_text("[numba_extensions]\ninit = of_extension:begin\n")
    assert said(tmp_path) == ["3.5", "1.5", "True", str(extended)]
    assert len(list(tmp_path.rglob("*.code"))) == 3  # the loop, the part, and the part as what Python enters
    assert said(tmp_path) == ["3.5", "1.5", str(extended), str(extended)]
