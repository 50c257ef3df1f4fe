"""The digest of a strategy's code, by which a kept sweep knows whether its rows are still true."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from framework.engine.code_digest import code_digest

STRATEGY = """
import logging
import of_mine.settings
import of_mine.settings as also
from framework import Strategy
from of_mine.settings import CONFIG, TABLE, helper

log = logging.getLogger("of_mine")

class Reads(Strategy):
    length: int = 5

    def on_bar(self, view, bar):
        log.debug("bar")
        view.target_weight(bar.instrument, of_mine.settings.ONE + also.deeper(bar.close) + helper(1) + CONFIG.limit + TABLE["a"])
        self.after(bar.high - bar.low)

    @staticmethod
    def after(value):
        return value * also.TWO
"""
SETTINGS = """
ONE, TWO, THREE, FOUR = 1, 2, 3, 4
TABLE = {"a": 1}
class Config:
    def __init__(self):
        self.limit = 5
    def unused(self):
        return FOUR
CONFIG = Config()
def deeper(x):
    return x * THREE
def helper(x):
    return x + 1
"""


def digest(monkeypatch: pytest.MonkeyPatch, text: str = "", other: str = "") -> str:
    """The digest of `Reads` in a new process, after an edit."""
    package = ModuleType("of_mine")
    monkeypatch.setitem(sys.modules, "of_mine", package)
    for name, source in (("settings", SETTINGS), ("strategies", STRATEGY)):
        module = ModuleType(f"of_mine.{name}")
        monkeypatch.setitem(sys.modules, module.__name__, module)
        setattr(package, name, module)
        exec(compile(source.replace(text, other) if text else source, f"{name}.py", "exec"), vars(module))
    return code_digest(sys.modules["of_mine.strategies"].Reads)


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("ONE, TWO, THREE, FOUR = 1", "ONE, TWO, THREE, FOUR = 9"),
        ("1, 2, 3, 4", "1, 9, 3, 4"),
        ("1, 2, 3, 4", "1, 2, 9, 4"),
        ("{'a': 1}".replace("'", '"'), "{'a': 2}"),
        ("self.limit = 5", "self.limit = 6"),
        ("x + 1", "x + 2"),
        ("bar.high - bar.low", "bar.low - bar.high"),
        ("length: int = 5", "length: int = 6"),
        ("@staticmethod\n    def after(value)", "@staticmethod\n    def after(value, more=1)"),
        ("return FOUR", "return FOUR + 1"),
    ],
)
def test_an_edit_of_what_is_read_changes_it(text: str, other: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert text in STRATEGY + SETTINGS
    before = digest(monkeypatch)
    assert digest(monkeypatch) == before
    assert digest(monkeypatch, text, other) != before


def test_lines_and_values_that_nobody_reads_do_not_change_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of a sweep stay true when a comment is written above the strategy."""
    before = digest(monkeypatch)
    assert digest(monkeypatch, "import logging", "# one more line\n\nimport logging") == before
    assert digest(monkeypatch, 'TABLE = {"a": 1}', 'TABLE = {"a": 1}\nUNREAD = 7') == before
