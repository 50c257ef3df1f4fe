"""Machine code on disk: what was made from other sources is never run."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from framework.kernel.compile import stamped_kernel


def make(stamp: str, added: int) -> object:
    """A function of one name and place whose code depends on `added`."""
    scope: dict[str, object] = {}
    exec(compile(f"def drive(x):\n    return x + {added}\n", __file__, "exec"), scope)
    drive = scope["drive"]
    drive.__module__ = __name__  # type: ignore[attr-defined]
    return stamped_kernel(drive, stamp)  # type: ignore[arg-type]


def test_a_process_killed_between_index_and_code_leaves_no_older_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """numba writes the index of a function before its code. The worst moment: the new index is there, the new code is not."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert make("first", 1)(1) == 2  # type: ignore[operator]
    older = sorted(tmp_path.rglob("*.nbc"))
    assert len(older) == 1
    kept = shutil.copy(older[0], tmp_path / "kept")
    assert make("second", 2)(1) == 3  # type: ignore[operator]
    newer = sorted(set(tmp_path.rglob("*.nbc")) - set(older))
    assert [path.parent for path in newer] != [path.parent for path in older]
    assert older[0].read_bytes() == Path(kept).read_bytes()
    newer[0].unlink()  # as if the process had been killed after the index
    assert make("second", 2)(1) == 3  # type: ignore[operator]
    assert make("first", 1)(1) == 2  # type: ignore[operator]
