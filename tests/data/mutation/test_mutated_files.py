"""Damaged files of every format: our error with its place and a way out, or a right reading; never another library's error.

A few hundred cases run each time, three thousand with `pytest -m long`. A case is named by its file and number, and comes out the same
each time: hunt("bars", ..., range(17, 18), ...) is that one alone.
"""

from __future__ import annotations

import resource
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from framework.commands.guess import read_guessed
from framework.data.quality.examine import examine
from tests.data.mutation import side_files, small_files
from tests.data.mutation.judge import hunt
from tests.data.quality.good_files import NOW_NS

SPECIMENS = small_files.specimens() | side_files.specimens()
FEW, MANY = 8, 90
SECONDS = 30
MOST_GROWTH_KB = 2_000_000


class Hangs(BaseException):
    """Raised after `SECONDS`; not an Exception, so that nothing takes it for damage."""


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    """No case may hang, or ask for more than 2 GB."""

    def stop(signum: int, frame: object) -> None:
        raise Hangs(f"longer than {SECONDS} s")

    before = signal.signal(signal.SIGALRM, stop)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < MOST_GROWTH_KB


def doctor(path: Path) -> None:
    """What `onetape doctor FILE` does."""
    signal.alarm(SECONDS)
    examine(read_guessed([path], None, []), now_ns=NOW_NS)


@pytest.mark.parametrize("name", SPECIMENS)
def test_a_damaged_file_is_refused_or_read_right(name: str, tmp_path: Path) -> None:
    signal.alarm(SECONDS)
    outcomes = hunt(name, SPECIMENS[name], range(FEW), tmp_path, doctor)
    assert sum(outcomes.values()) >= FEW - 1


@pytest.mark.long
@pytest.mark.parametrize("name", SPECIMENS)
def test_many_damaged_files_are_refused_or_read_right(name: str, tmp_path: Path) -> None:
    total: Counter[str] = Counter()
    for first in range(0, MANY, 10):
        signal.alarm(SECONDS)
        total += hunt(name, SPECIMENS[name], range(1000 + first, 1000 + first + 10), tmp_path / str(first), doctor)
    assert total["refused"] > MANY // 10  # damage was done
    assert total["same"] + total["changed"] > 0  # and not everything was refused
