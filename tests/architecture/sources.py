"""The project's source files as syntax trees, and what they import."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("framework", "strategies", "research", "live")


@dataclass(frozen=True)
class Source:
    """One module: its dotted name, its text and its tree."""

    name: str
    path: str
    text: str
    tree: ast.Module
    is_package: bool = False

    @classmethod
    def planted(cls, name: str, text: str) -> Source:
        """A module that exists only in a test."""
        return cls(name, name.replace(".", "/") + ".py", text, ast.parse(text))


def sources(*packages: str) -> list[Source]:
    """Every module of the named packages that exist, all of ours by default."""
    found = []
    for package in packages or PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            is_package = parts[-1] == "__init__"
            name = ".".join(parts[:-1] if is_package else parts)
            text = path.read_text(encoding="utf-8")
            found.append(Source(name, str(path.relative_to(ROOT)), text, ast.parse(text), is_package))
    return found


@dataclass(frozen=True)
class Import:
    """`module` as imported by name; `name` is what is taken from it, "" for a plain import."""

    module: str
    name: str
    line: int


def imports(source: Source) -> list[Import]:
    """All imports of a module: relative ones resolved, inside functions and under TYPE_CHECKING included."""
    found = []
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            found += [Import(alias.name, "", node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [Import(_absolute(source, node), alias.name, node.lineno) for alias in node.names]
    return found


def _absolute(source: Source, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = source.name.split(".") if source.is_package else source.name.split(".")[:-1]
    base = package[: len(package) - node.level + 1]
    return ".".join([*base, node.module] if node.module else base)


def target(imported: Import, modules: set[str]) -> str:
    """The module an import ends up in: `from framework.schema import event` means framework.schema.event."""
    below = f"{imported.module}.{imported.name}"
    return below if imported.name and below in modules else imported.module
