"""Small habits of the house that a machine can check."""

from __future__ import annotations

import ast
import importlib
import json
import subprocess
import sys

import pytest

import framework
from tests.architecture.sources import ROOT, Source, sources

HEAVY = ("numba", "pandas", "plotly", "exchange_calendars", "pyarrow", "scipy", "arch")


def without_docstring(source: Source) -> bool:
    """Whether a module says nothing about itself in its first line."""
    return not (ast.get_docstring(source.tree) or "").strip()


def swallowed(source: Source) -> list[str]:
    """Handlers that catch and do nothing. `contextlib.suppress` says the same on purpose and by name."""
    return [
        f"{source.path}:{node.lineno}"
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ExceptHandler) and all(isinstance(line, ast.Pass) or _is_ellipsis(line) for line in node.body)
    ]


def handed_through(source: Source) -> list[str]:
    """Functions that take `**kwargs` only to hand it on, which hides a misspelt name until the last callee."""
    found = []
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.args.kwarg:
            name = node.args.kwarg.arg
            calls = [call for call in ast.walk(node) if isinstance(call, ast.Call)]
            stars = [word.value for call in calls for word in call.keywords if word.arg is None]
            if any(isinstance(star, ast.Name) and star.id == name for star in stars):
                found.append(f"{source.path}:{node.lineno} {node.name}(**{name})")
    return found


def _is_ellipsis(line: ast.stmt) -> bool:
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant) and line.value.value is ...


def test_every_module_says_what_it_is() -> None:
    assert [source.path for source in sources() if without_docstring(source)] == []


def test_every_room_is_a_package() -> None:
    rooms = {(ROOT / source.path).parent for source in sources()}
    # without __init__.py a folder is a namespace, which other packages could fill
    assert [str(room.relative_to(ROOT)) for room in sorted(rooms) if not (room / "__init__.py").exists()] == []


def test_no_exception_is_swallowed() -> None:
    assert [place for source in sources() for place in swallowed(source)] == []


def test_no_keywords_are_handed_through() -> None:
    assert [place for source in sources() for place in handed_through(source)] == []


def test_planted_habits_are_caught() -> None:
    assert without_docstring(Source.planted("framework.a", "x = 1"))
    assert swallowed(Source.planted("framework.a", "try:\n    f()\nexcept OSError:\n    pass"))
    assert swallowed(Source.planted("framework.a", "try:\n    f()\nexcept OSError:\n    ..."))
    assert not swallowed(Source.planted("framework.a", "try:\n    f()\nexcept OSError:\n    g()"))
    assert handed_through(Source.planted("framework.a", "def f(**options):\n    g(1, **options)"))
    assert not handed_through(Source.planted("framework.a", "def f(**options):\n    g(options)"))


@pytest.mark.parametrize("name", framework.__all__)
def test_every_public_name_exists_and_is_described(name: str) -> None:
    value = getattr(framework, name)
    assert name == "__version__" or (value.__doc__ or "").strip()


def test_modules_export_only_what_they_have() -> None:
    for source in sources("framework"):
        assigned = [node for node in source.tree.body if isinstance(node, ast.Assign)]
        if any(isinstance(t, ast.Name) and t.id == "__all__" for node in assigned for t in node.targets):
            module = importlib.import_module(source.name)
            assert [name for name in module.__all__ if not hasattr(module, name)] == [], source.path


def test_an_unknown_public_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Strateggy"):
        _ = framework.Strateggy  # type: ignore[attr-defined]


@pytest.mark.parametrize("module", ["framework", "framework.cli", "framework.errors", "framework.config", "research.command"])
def test_importing_the_face_imports_nothing_heavy(module: str) -> None:
    code = f"import {module}, json, sys; print(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert json.loads(shown.stdout) == []
