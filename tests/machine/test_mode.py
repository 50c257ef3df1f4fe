"""Plain mode: asked for, or because this numba is not known."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from types import SimpleNamespace

import numba
import pytest

from framework.errors import ConfigError
from framework.kernel.machine import part, plain
from framework.machine import mode
from framework.machine.mode import is_plain


@pytest.fixture(autouse=True)
def anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The question is asked as in a new process."""
    monkeypatch.delenv("ONETAPE_PLAIN_NUMBA", raising=False)
    is_plain.cache_clear()
    yield
    is_plain.cache_clear()


def asked() -> tuple[bool, list[str]]:
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        found = [is_plain() for _ in range(3)]
    assert len(set(found)) == 1
    return found[0], [str(one.message) for one in shown]


def test_the_tested_numba_is_used_in_the_fast_way() -> None:
    assert numba.__version__.startswith("0.68.")
    assert asked() == (False, [])


@pytest.mark.parametrize(("said", "plain"), [("1", True), ("0", False), ("", False)])
def test_the_environment_asks_for_it(said: str, plain: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONETAPE_PLAIN_NUMBA", said)
    assert asked() == (plain, [])


def test_another_word_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONETAPE_PLAIN_NUMBA", "yes")
    with pytest.raises(ConfigError, match="ONETAPE_PLAIN_NUMBA=yes: 1 for plain numba, 0 or nothing"):
        is_plain()


@pytest.mark.parametrize("version", ["0.69.0", "0.67.3", "1.0.0", "0.6.8"])
def test_an_unknown_numba_falls_back_with_one_warning_that_names_both(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numba, "__version__", version)
    found, sentences = asked()
    assert found
    assert len(sentences) == 1
    assert f"numba {version} is not known; OneTape was tested with numba 0.68." in sentences[0]
    assert "pip install 'numba==0.68.*'" in sentences[0]


@pytest.mark.parametrize("inner", ["numba.core.codegen.NoLibrary", "numba.core.no_caching.Cache"])
def test_inner_classes_that_have_moved_fall_back_with_one_warning(inner: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, name = inner.rsplit(".", 1)
    monkeypatch.setattr(mode, "_INNER", {**mode._INNER, module: (name,)})
    found, sentences = asked()
    assert found
    assert len(sentences) == 1
    assert inner.removesuffix(".Cache") in sentences[0]


def test_all_inner_classes_that_are_used_are_asked_for() -> None:
    """Whatever part.py and kept.py take from numba's insides stands in the list; plain mode takes nothing from there."""
    import ast
    from pathlib import Path

    from framework.machine import kept

    def taken(module: object) -> set[tuple[str, str]]:
        tree = ast.parse(Path(module.__file__).read_text())  # type: ignore[attr-defined]
        found = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("numba.core")]
        return {(node.module or "", name.name) for node in found for name in node.names}

    listed = {(module, name) for module, names in mode._INNER.items() for name in names}
    assert taken(part) | taken(kept) == listed
    assert taken(plain) == set()


def test_plain_functions_compute_the_same_and_check_bounds() -> None:
    import numpy as np
    from numba import types

    made: dict[str, SimpleNamespace] = {}
    options = {"error_model": "numpy", "nogil": True, "forceinline": True}

    def third(values):
        return values[2]

    def mixed(first, second):
        return first * 3 - second

    for name, way in (("part", part), ("plain", plain)):
        inner = way.Part(mixed, options, stays_apart=True)
        scope = {"inner": inner}
        exec("def entered(first, second):\n    return inner(first, second) + 1\n", scope)
        unit = way.unit(scope["entered"], types.int64(types.int64, types.int64), {"error_model": "numpy"})
        made[name] = SimpleNamespace(unit=unit, third=way.whole(third, {"error_model": "numpy"}), inner=inner)
    assert [one.inner(7, 2) for one in made.values()] == [19, 19]
    assert [one.unit.ctypes(7, 2) for one in made.values()] == [20, 20]
    assert [one.third(np.array([4.0, 5.0, 6.0])) for one in made.values()] == [6.0, 6.0]
    with pytest.raises(IndexError):
        made["plain"].third(np.array([4.0, 5.0]))
