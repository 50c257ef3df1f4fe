"""Parts: translated once, compiled with whoever is entered."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from framework.kernel.machine.compile import Unit, inlined, kernel, outlined

_SOURCE = """
@kernel
def twice(value):
    return 2 * value

@outlined
def large(value, flags):
    return twice(value) + flags

@inlined
def small(value):
    return large(value, 3) + large(value, 4)

@kernel
def middle(value):
    return small(value) + 1

@kernel
def outer(value):
    return middle(value)

def only_large(first, second):
    return large(first, second)

def entered(first, second):
    return small(first) + large(second, second)
"""


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The functions above, with an empty cache of their own."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    return made()


def made() -> SimpleNamespace:
    scope: dict[str, object] = {"kernel": kernel, "inlined": inlined, "outlined": outlined, "__name__": __name__}
    exec(compile(_SOURCE, __file__, "exec"), scope)
    return SimpleNamespace(**scope)


def test_a_part_is_translated_once_for_all_integers(parts: SimpleNamespace) -> None:
    assert Unit(parts.entered).address != 0
    assert [len(part.overloads) for part in (parts.twice, parts.large, parts.small)] == [1, 1, 1]


def test_only_what_is_outlined_stays_a_function_of_its_own(parts: SimpleNamespace) -> None:
    unit = Unit(parts.entered)
    assert unit.address != 0
    names = [function.name for function in unit._compiled._library._final_module.functions if not function.is_declaration]
    assert [word for word in ("twice", "small", "large") if any(word in name for name in names)] == ["large"]


def test_a_part_is_called_from_python_too(parts: SimpleNamespace) -> None:
    assert parts.small(5) == (2 * 5 + 3) + (2 * 5 + 4)
    assert parts.large(np.int32(7), 1) == 15
    assert parts.twice(1.5) == 3.0


def test_what_was_kept_on_disk_is_linked_as_what_was_translated_now(parts: SimpleNamespace) -> None:
    assert Unit(parts.entered).address != 0
    later = made()  # as in another process
    assert later.small(5) == (2 * 5 + 3) + (2 * 5 + 4)
    assert sum(later.large._cache_hits.values()) == 1
    assert sum(later.large._cache_misses.values()) == 0


def test_a_new_caller_of_a_new_caller_finds_what_was_kept(parts: SimpleNamespace) -> None:
    assert Unit(parts.only_large).address != 0  # `large` is kept with `twice`
    later = made()
    assert later.outer(5) == (2 * 5 + 3) + (2 * 5 + 4) + 1
    assert [sum(part._cache_hits.values()) for part in (later.middle, later.small, later.large)] == [0, 0, 1]
