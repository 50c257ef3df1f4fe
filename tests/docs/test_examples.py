"""Every Python example printed in README.md and docs/ runs as printed, one namespace for each page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```python[ \t]*\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)


def examples(text: str) -> list[tuple[int, str]]:
    """Line number and code of each block fenced as `python`; blocks fenced otherwise are not run."""
    return [(text.count("\n", 0, match.start(1)), match.group(1)) for match in FENCE.finditer(text)]


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if page.exists() and examples(page.read_text(encoding="utf-8"))],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_page_runs_as_printed(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # what an example writes must not land in the project
    monkeypatch.setenv("ONETAPE_DATA", str(tmp_path / "datasets"))  # put back afterwards, whatever a page sets
    namespace: dict[str, object] = {"__name__": "example"}
    for line, code in examples(page.read_text(encoding="utf-8")):
        exec(compile("\n" * line + code, str(page), "exec"), namespace)


def test_examples_are_found_with_their_lines() -> None:
    text = "# x\n\n```python\na = 1\n```\n\n```\nnot this\n```\n\n```python\nb = 2\n```\n"
    assert examples(text) == [(3, "a = 1\n"), (11, "b = 2\n")]


def test_the_readme_has_an_example() -> None:
    assert examples((ROOT / "README.md").read_text(encoding="utf-8"))
