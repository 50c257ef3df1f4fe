"""An edit in any room of `framework.data` makes the machine code that depends on it another one, and leaves the rest as it was."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from framework.machine.mode import is_plain

pytestmark = pytest.mark.skipif(is_plain(), reason="in plain mode nothing is kept")

PACKAGE = Path(__file__).parents[2] / "framework"
DATA = PACKAGE / "data"
EDITS = (
    ("tape/borrowed.py", "get_null_value(found.parent.type)", "get_null_value(found.meminfo.type)"),
    ("series/resample_kernels.py", "return kind in (", "return kind not in ("),
    ("synthetic/kernels.py", "mean / (1.0 + mean)", "mean / (2.0 + mean)"),
    ("formats/itch_messages.py", "_DAY_NS = 86_400 *", "_DAY_NS = 86_401 *"),
)
CHANGED = {
    "series.conflate_kernels.conflate",  # calls `borrowed`, of another room
    "synthetic.kernels.arrivals",  # likewise
    "series.resample_kernels._passes",
    "series.resample_kernels.time_bars",  # calls `_passes`
    "synthetic.kernels._geometric",
    "formats.itch_messages.parse",  # reads `_DAY_NS`
}
UNCHANGED = {
    "series.conflate_kernels._find",
    "series.resample_kernels._write",
    "synthetic.kernels.autoregression",
    "formats.itch_messages.whole",
    "formats.order_sizes._forget",
}
SHOW = """
import importlib, sys
from framework.machine.fingerprint import fingerprint_of
from framework.machine.kept import Kept
for name in sys.argv[1:]:
    for word, value in vars(importlib.import_module(f"framework.data.{name}")).items():
        cache = getattr(value, "_cache", None)
        if isinstance(cache, Kept) and value.__module__ == f"framework.data.{name}":
            assert not cache._covered
            found = fingerprint_of([cache._function], with_lines=True)
            assert not found.undecided
            print(f"{name}.{word}", found.digest)
"""


def test_an_edit_in_a_room_is_other_code(tmp_path: Path) -> None:
    for path in PACKAGE.rglob("*.py"):
        copy = tmp_path / "framework" / path.relative_to(PACKAGE)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    names = [
        ".".join(path.relative_to(DATA).with_suffix("").parts) for path in sorted(DATA.rglob("*.py")) if "\n@stored" in path.read_text()
    ]
    assert {name.split(".")[0] for name in names} == {"formats", "series", "synthetic"}

    def digests() -> dict[str, str]:
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(tmp_path)}
        shown = subprocess.run(
            [sys.executable, "-c", SHOW, *names], capture_output=True, text=True, check=True, env=environment, cwd=tmp_path
        )
        return dict(line.split() for line in shown.stdout.splitlines())

    before = digests()
    for place, old, new in EDITS:
        path = tmp_path / "framework" / "data" / place
        text = path.read_text()
        assert text.count(old) == 1
        path.write_text(text.replace(old, new))
    after = digests()
    assert before.keys() == after.keys() >= CHANGED | UNCHANGED
    changed = {name for name in before if before[name] != after[name]}
    assert changed >= CHANGED
    assert not changed & UNCHANGED
