"""The checker knows what every function of the kernel takes and returns, and the words of every table of a root."""

from __future__ import annotations

import ast

import pytest

from framework.kernel.layout.roots import EXCHANGE, EXCHANGE_TABLES, TRADER, TRADER_TABLES, Table
from tests.architecture.sources import Source, sources

MACHINE = "framework.kernel.machine."
"""Where numba's own classes and what it hands to an intrinsic have no types."""


def untyped(source: Source) -> list[str]:
    """Functions whose signature says nothing of a value: `Any`, or no type at all. `self` and `cls` need none."""
    found = []
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef):
            given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            kinds = [argument.annotation for argument in given if argument.arg not in ("self", "cls")] + [node.returns]
            names = [getattr(part, "id", "") for kind in kinds if kind is not None for part in ast.walk(kind)]
            if None in kinds or "Any" in names:
                found.append(f"{source.path}:{node.lineno} {node.name}")
    return found


def test_no_signature_of_the_kernel_says_any() -> None:
    kernel = [source for source in sources("framework") if source.name.startswith("framework.kernel.")]
    found = [one for source in kernel if not source.name.startswith(MACHINE) for one in untyped(source)]
    assert found == [], "name the record: the classes stand in framework/kernel/layout"
    assert len(kernel) > 50


@pytest.mark.parametrize(
    "text", ["def f(t: Any) -> int: ...", "def f(t: list[Any]) -> int: ...", "def f(t: int) -> Any: ...", "def f(t) -> int: ..."]
)
def test_a_planted_any_is_caught(text: str) -> None:
    assert untyped(Source.planted("framework.kernel.market.a", text)) == ["framework/kernel/market/a.py:1 f"]


@pytest.mark.parametrize(("root", "tables"), [(TRADER, TRADER_TABLES), (EXCHANGE, EXCHANGE_TABLES)])
def test_each_table_of_a_root_has_its_three_words_side_by_side(root: object, tables: dict[str, Table]) -> None:
    words = [f"{name}{end}" for name in tables for end in ("", "_count", "_capacity")]
    assert list(root.names[: len(words)]) == words  # type: ignore[attr-defined]
    assert root.names[len(words) : len(words) + 2] == ("grow", "trader")  # type: ignore[attr-defined]
