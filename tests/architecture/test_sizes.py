"""Files and functions stay small enough to be read in one go."""

from __future__ import annotations

import ast

from tests.architecture.sources import Source, sources

FILE_LINES = 400
FUNCTION_LINES = 70
ALLOWED = {
    "framework/schema/transitions.py:_transitions",  # a table: one row of the life cycle a line
}
"""What may be longer, as "path" or "path:function". An entry that is no longer needed fails the test."""


def too_long(source: Source) -> list[str]:
    """Paths and functions over their limit. A function's docstring and decorators count: the reader scrolls past them too."""
    found = [source.path] if len(source.text.splitlines()) > FILE_LINES else []
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            if node.end_lineno is not None and node.end_lineno - first + 1 > FUNCTION_LINES:
                found.append(f"{source.path}:{node.name}")
    return found


def test_files_and_functions_are_small() -> None:
    found = {name for source in sources() for name in too_long(source)}
    assert found - ALLOWED == set(), f"over {FILE_LINES} lines a file or {FUNCTION_LINES} a function"
    assert ALLOWED - found == set(), "no longer over the limit: remove from the list"


def test_a_planted_giant_is_caught() -> None:
    body = "\n".join(f"    x{i} = {i}" for i in range(FUNCTION_LINES))
    assert too_long(Source.planted("framework.a", f"def giant():\n{body}\n")) == ["framework/a.py:giant"]
    assert too_long(Source.planted("framework.a", "x = 1\n" * (FILE_LINES + 1))) == ["framework/a.py"]
    assert too_long(Source.planted("framework.a", "x = 1\n" * FILE_LINES)) == []
