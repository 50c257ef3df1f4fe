"""The stamp of the kernel's machine code sees every room: an edit in any of them makes the code of all units another one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from framework.kernel.loops.replay import ADVANCE
from framework.kernel.machine.machine_code import is_cached
from framework.machine import disk
from framework.machine.mode import is_plain

EDITS = (
    ("kernel/machine/compile.py", '"boundscheck": False', '"boundscheck": True'),
    ("kernel/layout/table_room.py", "_PARTS = 8", "_PARTS = 9"),
    ("kernel/market/costs.py", "return notional * fee_rate", "return 2.0 * notional * fee_rate"),
    ("kernel/account/positions.py", "money.cash = total + aside", "money.cash = total - aside"),
    ("kernel/trader/targets.py", "GAPS = 3.0", "GAPS = 4.0"),
    ("kernel/venue/filling.py", "ALL = 2**62", "ALL = 2**61"),
    ("kernel/loops/replay.py", "GO_ON = 99", "GO_ON = 98"),
)
SHOW = "from framework.machine import disk; print(disk.source_digest(), disk.engine_digest())"


def test_an_edit_in_any_room_is_another_stamp(tmp_path: Path) -> None:
    rooms = {path.parent.name for path in (disk._PACKAGE / "kernel").glob("*/__init__.py")}
    assert {Path(place).parts[1] for place, _, _ in EDITS} == rooms
    package = tmp_path / "framework"
    for path in (one for folder in ("kernel", "schema", "machine", "engine") for one in (disk._PACKAGE / folder).rglob("*.py")):
        copy = package / path.relative_to(disk._PACKAGE)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    (package / "__init__.py").touch()

    def digests() -> list[str]:
        return subprocess.run([sys.executable, "-c", SHOW], capture_output=True, text=True, check=True, cwd=tmp_path).stdout.split()

    assert digests() == [disk.source_digest(), disk.engine_digest()]
    seen = {disk.source_digest()}
    for place, old, new in EDITS:
        text = (package / place).read_text()
        assert old in text, place
        (package / place).write_text(text.replace(old, new, 1))
        kernel, engine = digests()
        assert kernel not in seen, f"an edit of {place} is not seen: old machine code would be served"
        assert engine == disk.engine_digest()
        seen.add(kernel)


@pytest.mark.skipif(is_plain(), reason="in plain mode nothing is kept")
def test_what_the_replay_is_kept_as_is_what_is_looked_for() -> None:
    assert ADVANCE.address != 0
    assert is_cached()
