"""An import that is killed at any line leaves the catalog before or after, never between, and the next one goes on."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest
from pyarrow import fs

from framework.data.store import catalog, write
from framework.data.tape.recording import Recording
from framework.errors import DataError
from tests.data.store.market import INSTRUMENTS, as_rows, by_hand, events, recording

KILLS = 50
SMALL = 800


def bring_in(root: Any) -> None:
    write.import_recording("made", recording(events(SMALL), 150), root=root, licence="none", buffer_events=200)


def count_lines(root: str, pipe: Any) -> None:
    pipe.send(_traced(root, None))


def die_at_line(root: str, line: int) -> None:
    _traced(root, line)


def _traced(root: str, fatal: int | None) -> int:
    """Import, counting the lines run in framework.data.store; at line `fatal` the process kills itself as kill -9 would."""
    lines = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal lines
        if f"{os.sep}store{os.sep}" not in frame.f_code.co_filename:
            return None
        if event == "line":
            lines += 1
            if lines == fatal:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)
    try:
        bring_in(root)
    finally:
        sys.settrace(None)
    return lines


@pytest.fixture(scope="module")
def forks() -> Any:
    """Processes forked from a server that has imported everything and has no threads."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["framework.data.store.catalog", "tests.data.store.market"])
    return context


def test_fifty_kills_at_random_lines(tmp_path: Path, forks: Any) -> None:
    near, far = forks.Pipe()
    first = forks.Process(target=count_lines, args=(str(tmp_path / "counted"), far))
    first.start()
    total = near.recv()
    first.join()
    assert total > 1000
    draw, killed, kept = np.random.default_rng(11), 0, 0
    expected = by_hand(events(SMALL))
    root = tmp_path / "killed"
    for round_ in range(KILLS):
        # the last lines, where the dataset becomes visible, are tried as often as all the others
        line = int(draw.integers(1, total)) if round_ % 2 else total - int(draw.integers(0, 120))
        child = forks.Process(target=die_at_line, args=(str(root), line))
        child.start()
        child.join()
        killed += child.exitcode == -signal.SIGKILL
        for version in catalog.versions("made", root):
            assert as_rows(np.concatenate(list(catalog.open(f"made@{version}", root=root).parts()))) == expected
            assert catalog.check(f"made@{version}", root) == []
            kept += 1
            root = tmp_path / f"killed-{round_}"
    assert killed > KILLS // 2, (killed, kept, total)
    assert kept > 0, "none was killed after the rename, or ended"
    bring_in(root)
    assert catalog.check("made", root) == []
    assert as_rows(np.concatenate(list(catalog.open("made", root=root).parts()))) == expected
    assert os.listdir(root) == ["made@1"]


class Interrupted(Exception):
    pass


def broken_off(after: int) -> Recording:
    """The recording, whose source fails after some parts."""

    def parts() -> Iterator[Any]:
        for number, part in enumerate(recording().parts()):
            if number == after:
                raise Interrupted
            yield part

    return Recording(INSTRUMENTS, parts, "made up", ("Made up.",))


def roots(tmp_path: Path) -> list[Any]:
    return [tmp_path / "folder", fs.SubTreeFileSystem(str(tmp_path / "objects"), fs.LocalFileSystem())]


@pytest.mark.parametrize("sort", [0, 1], ids=["folder", "objects"])
def test_what_is_done_is_not_written_again(tmp_path: Path, sort: int) -> None:
    root = roots(tmp_path)[sort]
    (tmp_path / "objects").mkdir()
    with pytest.raises(Interrupted):
        write.import_recording("made", broken_off(9), root=root, licence="none", buffer_events=700)
    assert catalog.versions("made", root) == []
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet")}
    assert len(before) > 2
    write.import_recording("made", recording(), root=root, licence="none", buffer_events=700)
    after = {path.name: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet")}
    assert {name: after[name] for name in before} == before
    assert len(after) > len(before)
    assert as_rows(np.concatenate(list(catalog.open("made", root=root).parts()))) == by_hand(events())


def test_another_source_does_not_go_on_with_it(tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        write.import_recording("made", broken_off(9), root=tmp_path, licence="none", buffer_events=700)
    with pytest.raises(DataError, match=r"differs in source: was made up, is other.*restart=True"):
        write.import_recording("made", recording(source="other"), root=tmp_path, licence="none", buffer_events=700)
    with pytest.raises(DataError, match="the source has changed"):
        write.import_recording("made", recording(events(seed=4)), root=tmp_path, licence="none", buffer_events=700)
    write.import_recording("made", recording(events(seed=4)), root=tmp_path, licence="none", buffer_events=700, restart=True)
    assert as_rows(np.concatenate(list(catalog.open("made", root=tmp_path).parts()))) == by_hand(events(seed=4))


def test_readers_see_the_old_version_while_the_next_is_imported(tmp_path: Path) -> None:
    bring_in(tmp_path)
    expected = by_hand(events(SMALL))
    looked = 0

    def parts() -> Iterator[Any]:
        nonlocal looked
        for part in recording(events(900), 100).parts():
            yield part
            assert catalog.versions("made", tmp_path) == [1]
            assert as_rows(np.concatenate(list(catalog.open("made", root=tmp_path).parts()))) == expected
            with pytest.raises(DataError, match="another process is importing it"):
                bring_in(tmp_path)
            looked += 1

    catalog.import_recording("made", Recording(INSTRUMENTS, parts, "next"), root=tmp_path, licence="none")
    assert looked == 9
    assert catalog.versions("made", tmp_path) == [1, 2]


def read_on(root: str, pipe: Any) -> None:
    seen = set()
    while not pipe.poll(0):
        for name in [found for found in catalog.names(root) if found == "made"]:
            rows = sum(len(part) for part in catalog.open(name, root=root).parts())
            seen.add((catalog.versions(name, root)[-1] > 0, rows))
    pipe.send(seen)


def test_two_processes_read_while_one_imports(tmp_path: Path, forks: Any) -> None:
    ends = [forks.Pipe() for _ in range(2)]
    readers = [forks.Process(target=read_on, args=(str(tmp_path), far)) for _, far in ends]
    for reader in readers:
        reader.start()
    for _ in range(5):
        bring_in(tmp_path)
    for near, _ in ends:
        near.send("enough")
    for (near, _), reader in zip(ends, readers, strict=True):
        assert near.recv() <= {(True, SMALL)}
        reader.join()
        assert reader.exitcode == 0
