"""The folder for temporary files: it goes with its process, whatever ends it, and never before."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from framework.data.store import own_folder as own
from framework.data.store.abandoned import PREFIX, remove_abandoned
from framework.data.store.own_folder import own_folder

ROOT = Path(__file__).parents[3]
HOLDS = """
from framework.data.store.own_folder import own_folder
(own_folder() / "deep").mkdir()
(own_folder() / "deep" / "tape.npy").write_bytes(b"x" * 100)
print(own_folder(), flush=True)
input()
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setattr(own, "_owned", {})
    return folder


def holder(temporary: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(temporary)}
    return subprocess.Popen([sys.executable, "-c", HOLDS], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_what_a_killed_process_left_goes_and_what_a_live_one_has_stays(temporary: Path) -> None:
    with holder(temporary) as killed, holder(temporary) as alive:
        assert killed.stdout is not None and alive.stdout is not None and alive.stdin is not None
        left, held = Path(killed.stdout.readline().strip()), Path(alive.stdout.readline().strip())
        killed.kill()
        killed.wait()
        assert (left / "deep" / "tape.npy").stat().st_size == 100
        mine = own_folder()  # the next start
        assert sorted(temporary.iterdir()) == sorted([held, mine]) and (held / "deep" / "tape.npy").exists()
        assert own_folder() == mine
        alive.stdin.write("\n")
        alive.stdin.flush()
        assert alive.wait() == 0
    assert list(temporary.iterdir()) == [mine]  # a process that ends by itself leaves nothing
    own._remove_own(os.getpid())
    assert list(temporary.iterdir()) == []


def test_only_folders_of_ours_are_removed(temporary: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_text("precious")
    (temporary / f"{PREFIX}link").symlink_to(kept, target_is_directory=True)
    (temporary / f"{PREFIX}file").write_text("no folder")
    (temporary / "another").mkdir()
    (temporary / f"{PREFIX}abandoned").mkdir()
    remove_abandoned()
    assert sorted(one.name for one in temporary.iterdir()) == ["another", f"{PREFIX}file", f"{PREFIX}link"]
    assert (kept / "file").read_text() == "precious"


def test_a_fork_has_a_folder_of_its_own(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, real = own_folder(), os.getpid()
    monkeypatch.setattr(own.os, "getpid", lambda: real + 1)
    other = own_folder()
    own._remove_own(real)  # what the parent registered does nothing in its fork
    assert other != mine and mine.is_dir()
    monkeypatch.undo()


def test_without_a_folder_for_temporary_files_nothing_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    remove_abandoned()
    with pytest.raises(FileNotFoundError):
        own_folder()
