"""Files of machine code: what is damaged counts as not there, what cannot be written is not kept, and nothing of it is an error."""

from __future__ import annotations

import os
import resource
import stat
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from framework.kernel.machine.machine_code import is_cached
from framework.machine import disk

PLACE = "room/name-key.code"
PAYLOAD = bytes(range(256)) * 5


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache" / "onetape"


def kept() -> Path:
    disk.write(PLACE, PAYLOAD)
    return disk.cache_of_sources() / PLACE


def test_what_was_written_is_read(root: Path) -> None:
    assert disk.read(PLACE) is None
    path = kept()
    assert path.is_relative_to(root)
    assert disk.read(PLACE) == PAYLOAD
    assert [one.name for one in path.parent.iterdir()] == ["name-key.code"]  # nothing that was only passing


def test_every_damage_is_seen_and_mended(root: Path) -> None:
    path = kept()
    whole = path.read_bytes()
    damaged = [b"", whole[:10], whole[:-1], whole + b"x", *(_flipped(whole, at) for at in range(0, len(whole), 41))]
    for content in damaged:
        path.write_bytes(content)
        assert disk.read(PLACE) is None
    disk.write(PLACE, PAYLOAD)
    assert disk.read(PLACE) == PAYLOAD
    path.chmod(0)  # whoever may read everything reads it all the same
    disk.write(PLACE, PAYLOAD)
    assert path.stat().st_mode & stat.S_IRUSR
    assert disk.read(PLACE) == PAYLOAD


def _flipped(whole: bytes, at: int) -> bytes:
    return whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :]


def test_folders_and_files_are_the_users_alone(root: Path) -> None:
    before = os.umask(0)
    try:
        path = kept()
    finally:
        os.umask(before)
    folders = [one for one in path.parents if one.is_relative_to(root.parent)]
    assert [stat.S_IMODE(one.stat().st_mode) for one in folders] == [0o700] * 4
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def told(*places: str) -> list[str]:
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        for place in places:
            disk.write(place, PAYLOAD)
    return [str(one.message) for one in shown]


def test_a_folder_that_is_a_file_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file"))
    sentences = told("a/b.code", "c/d.code")
    assert len(sentences) == 1
    assert f"machine code cannot be kept in {tmp_path / 'file' / 'onetape'}: File exists" in sentences[0]
    assert "NUMBA_CACHE_DIR=/path/to/folder" in sentences[0]
    assert disk.read("a/b.code") is None
    assert not is_cached()


def test_a_folder_in_place_of_a_file_is_told_once(root: Path) -> None:
    path = kept()
    path.unlink()
    path.mkdir()
    assert disk.read(PLACE) is None
    assert len(told(PLACE, PLACE)) == 1
    assert sorted(path.parent.iterdir()) == [path]


def test_a_full_disk_is_told_once_and_leaves_no_halves(root: Path) -> None:
    kept()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, limits[1]))
    try:
        sentences = told("room/other.code", "room/third.code")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert len(sentences) == 1
    assert "File too large" in sentences[0]
    assert [one.name for one in (disk.cache_of_sources() / "room").iterdir()] == ["name-key.code"]
    assert disk.read(PLACE) == PAYLOAD


@pytest.mark.parametrize("home", ["", "relative"])
def test_without_a_home_nothing_is_kept(home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", home)
    monkeypatch.setattr(disk, "_refused", set())
    sentences = told("a/b.code", "c/d.code")
    assert len(sentences) == 1
    assert "machine code cannot be kept: there is no home folder" in sentences[0]
    assert disk.read("a/b.code") is None
    assert not is_cached()


def test_what_was_used_longest_ago_goes(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "_MOST_FOLDERS", 3)
    monkeypatch.setattr(disk, "_MOST_FILES", 2)
    older = [root / (digit * 24) for digit in "abcd"]
    for second, folder in enumerate([*older, root / "something-else"]):
        folder.mkdir(parents=True)
        os.utime(folder, (second, second))
    for number in range(3):
        disk.write(f"room/{number}.code", PAYLOAD)
        os.utime(disk.cache_of_sources() / f"room/{number}.code", (number, number))
    disk.write("room/3.code", PAYLOAD)
    assert {one.name for one in root.iterdir()} == {"c" * 24, "d" * 24, disk.cache_of_sources().name, "something-else"}
    assert sorted(one.name for one in (disk.cache_of_sources() / "room").iterdir()) == ["2.code", "3.code"]


def test_code_that_is_older_than_its_sources_is_not_kept(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A source is edited while a process runs: the process has the old code in memory, and the folder is named after the new."""
    stamps = dict(disk._first_stamps)
    path = next(iter(stamps))
    stamps[path] = (stamps[path][0] - 1, stamps[path][1])
    monkeypatch.setattr(disk, "_first_stamps", stamps)
    disk.write(PLACE, PAYLOAD)
    assert not root.exists()


def test_the_digest_speaks_of_all_sources_of_the_kernel() -> None:
    """A copy of the package with one more file, however deep, has another digest."""
    names = {path.relative_to(disk._PACKAGE).as_posix() for path in disk._first_stamps}
    assert {"kernel/loops/replay.py", "schema/event.py", "machine/kept.py", "engine/compiled_view.py"} <= names
    assert {path.relative_to(disk._PACKAGE).as_posix() for path in (disk._PACKAGE / "kernel").rglob("*.py")} <= names


def test_two_copies_of_the_sources_have_one_digest_until_one_changes(tmp_path: Path) -> None:
    code = "from framework.machine import disk; print(disk.source_digest(), disk.engine_digest())"

    def digests() -> list[str]:
        shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
        return shown.stdout.split()

    package = tmp_path / "framework"
    for path in disk._first_stamps:
        copy = package / path.relative_to(disk._PACKAGE)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    (package / "__init__.py").touch()
    assert digests() == [disk.source_digest(), disk.engine_digest()]
    (package / "kernel" / "deep").mkdir()
    (package / "kernel" / "deep" / "new.py").touch()
    kernel, engine = digests()
    assert kernel != disk.source_digest()
    assert engine == disk.engine_digest()
