"""A fingerprint changes with everything that compiled code can depend on, and with nothing else; what it cannot see it says."""

from __future__ import annotations

import ctypes
import enum
import functools
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple

import numba
import numpy as np
import pytest

from framework.machine.fingerprint import Fingerprint, fingerprint_of

HEADER = """
import enum, functools, math, sys
from typing import NamedTuple
import numpy as np, numba
import of_mine, of_mine.deep
import of_mine.deep as alias
from of_mine.deep import helper as renamed
"""
OF_MINE = """
ONE = 1.0
def helper(x):
    return x + ONE
"""
DEEP = """
TWO = 2.0
def helper(x):
    return inner(x)
def inner(x):
    return x * TWO
class Config:
    N = 3
class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2
table = np.array([1.0, 2.0])
nested = {"a": (1, [2, 3])}
partial = functools.partial(helper, 3)
@numba.njit
def compiled_helper(x):
    return x + TWO
def decorated(function):
    @functools.wraps(function)
    def around(x):
        return function(x) + 1
    return around
@decorated
def wrapped(x):
    return x * TWO
"""


@pytest.fixture
def deep(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module `of_mine.deep`, made from text as if it had been read anew."""
    return modules(monkeypatch)


def modules(monkeypatch: pytest.MonkeyPatch, edit: Callable[[str], str] = lambda text: text) -> ModuleType:
    made = {}
    for name, text in (("of_mine", OF_MINE), ("of_mine.deep", DEEP)):
        module = ModuleType(name)
        monkeypatch.setitem(sys.modules, name, module)
        exec(compile(edit("import enum, functools, numba\nimport numpy as np\n" + text), f"{name}.py", "exec"), vars(module))
        made[name] = module
    vars(made["of_mine"])["deep"] = made["of_mine.deep"]
    return made["of_mine.deep"]


def hook(body: str) -> Callable[..., Any]:
    scope: dict[str, Any] = {"__name__": "of_a_user"}
    exec(compile(f"{HEADER}\ndef on_bar(self, view, bar):\n    {body}\n", "of_a_user.py", "exec"), scope)
    made: Callable[..., Any] = scope["on_bar"]
    return made


def of(function: Callable[..., Any]) -> Fingerprint:
    return fingerprint_of([function])


EDITS = [
    ("return of_mine.ONE", "ONE = 1.0", "ONE = 7.0"),
    ("return of_mine.helper(bar.close)", "ONE = 1.0", "ONE = 7.0"),
    ("return of_mine.helper(bar.close)", "return x + ONE", "return x - ONE"),
    ("return of_mine.deep.TWO", "TWO = 2.0", "TWO = 7.0"),
    ("return of_mine.deep.helper(1)", "TWO = 2.0", "TWO = 7.0"),
    ("return alias.helper(1)", "return x * TWO", "return TWO * x"),
    ("return renamed(1)", "TWO = 2.0", "TWO = 7.0"),
    ("return alias.Config.N", "N = 3", "N = 4"),
    ("return alias.Level.HIGH", "HIGH = 2", "HIGH = 5"),
    ("return int(alias.Level(bar.kind))", "HIGH = 2", "HIGH = 5"),
    ("return alias.table[0]", "2.0])", "3.0])"),
    ("return alias.table[0]", "[1.0, 2.0]", "[[1.0, 2.0]]"),
    ("return alias.table[0]", "[1.0, 2.0])", "[1.0, 2.0], '>f8')"),
    ("return len(alias.nested)", "[2, 3]", "[2, 4]"),
    ("return alias.partial()", "(helper, 3)", "(helper, 4)"),
    ("return alias.partial()", "TWO = 2.0", "TWO = 7.0"),
    ("return alias.compiled_helper(1)", "TWO = 2.0", "TWO = 7.0"),
    ("return alias.compiled_helper(1)", "@numba.njit", "@numba.njit(fastmath=True)"),
    ("return alias.wrapped(1)", "TWO = 2.0", "TWO = 7.0"),
    ("return alias.wrapped(1)", "function(x) + 1", "function(x) + 2"),
    ("return sum([of_mine.deep.TWO for k in range(3)])", "TWO = 2.0", "TWO = 7.0"),
    ("return (lambda x: alias.inner(x))(1)", "TWO = 2.0", "TWO = 7.0"),
]


@pytest.mark.parametrize(("body", "text", "other"), EDITS)
def test_an_edit_behind_a_module_changes_it(body: str, text: str, other: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert text in OF_MINE + DEEP
    modules(monkeypatch)
    before = of(hook(body))
    modules(monkeypatch)
    again = of(hook(body))
    modules(monkeypatch, lambda source: source.replace(text, other))
    after = of(hook(body))
    assert before.digest == again.digest
    assert before.digest != after.digest
    assert before.undecided == after.undecided == ()


def test_what_is_not_read_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    modules(monkeypatch)
    before = of(hook("return of_mine.helper(1)"))
    modules(monkeypatch, lambda source: source.replace("TWO = 2.0", "TWO = 7.0"))
    assert of(hook("return of_mine.helper(1)")).digest == before.digest


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("return bar.high - bar.low", "return bar.low - bar.high"),  # the same byte code: names go by their numbers
        ("a, b = 1, 2; return a", "b, a = 1, 2; return b + 0"),
        ("return bar.close + 1", "return bar.close + 1.0"),
        ("return bar.close + 1", "return bar.close + True"),
        ("return bar.close * 0.0", "return bar.close * -0.0"),
        ("return bar.close in (1, 2)", "return bar.close in (2, 1)"),
        ("return bar.close in ('ab', 'c')", "return bar.close in ('a', 'bc')"),
        ("return math.floor(bar.close)", "return math.ceil(bar.close)"),
        ("return np.floor(bar.close)", "return np.ceil(bar.close)"),
    ],
)
def test_code_that_differs_differs(one: str, other: str, deep: ModuleType) -> None:
    assert of(hook(one)).digest != of(hook(other)).digest


def test_order_of_arguments_and_defaults_count() -> None:
    def of_text(text: str) -> str:
        scope: dict[str, Any] = {"__name__": "of_a_user"}
        exec(text, scope)
        return of(scope["f"]).digest

    texts = [
        "def f(a, b): return a",
        "def f(b, a): return b",
        "def f(a, b=1): return a",
        "def f(a, b=2): return a",
        "def f(a, *, b=2): return a",
        "def f(a, *, b=3): return a",
    ]
    assert len(set(map(of_text, texts))) == len(texts)


class Point(NamedTuple):
    x: float


class Colour(enum.Enum):
    RED = 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 2),
        (1, 1.0),
        (1, np.int64(1)),
        (np.float32(1), np.float64(1)),
        (Point(1.0), Point(2.0)),
        (Point(1.0), (1.0,)),
        ((1, (2,)), (1, (3,))),
        ([1], (1,)),
        ({"a": [1]}, {"a": [2]}),
        (frozenset({"a", "b"}), frozenset({"a", "c"})),
        (np.zeros(4), np.zeros((2, 2))),
        (np.zeros(2, "<f8"), np.zeros(2, "<i8")),
        (np.zeros((2, 2)), np.zeros((2, 2), order="F")),
        (np.dtype([("a", "<f8")]), np.dtype([("b", "<f8")])),
        (Colour.RED, 1),
        (numba.types.int64, numba.types.int32),
        (Path("a"), Path("b")),
        (range(3), range(4)),
    ],
)
def test_a_value_in_a_closure_or_a_global_counts(one: object, other: object) -> None:
    def reads(value: object) -> tuple[str, str]:
        def inner():
            return value

        scope = {"value": value, "__name__": "of_a_user"}
        exec("def inner(): return value", scope)
        found = of(inner), of(scope["inner"])  # type: ignore[arg-type]
        assert found[0].undecided == found[1].undecided == ()
        return found[0].digest, found[1].digest

    assert reads(one) == reads(one)
    assert all(first != second for first, second in zip(reads(one), reads(other), strict=True))


UNDECIDED = [
    ("return getattr(alias, 'TW' + 'O')", "an attribute by getattr in on_bar"),
    ("m = alias; return m.TWO", "the module of_mine.deep as a value"),
    ("return (alias if bar.close > 1 else of_mine).TWO", "the module of_mine"),
]


@pytest.mark.parametrize(("body", "sentence"), UNDECIDED)
def test_what_cannot_be_seen_is_said_and_never_holds(body: str, sentence: str, deep: ModuleType) -> None:
    found = of(hook(body))
    assert any(sentence in text for text in found.undecided)
    assert not found.still_holds()


@pytest.mark.parametrize("value", [ctypes.CFUNCTYPE(None)(lambda: None), object(), iter([1])])
def test_a_value_of_unknown_kind_is_said(value: object) -> None:
    def inner():
        return value

    found = of(inner)
    (text,) = found.undecided
    assert text.startswith("value in ")
    assert found.still_holds()  # it is the same one


def test_it_holds_until_a_name_stands_for_something_else(deep: ModuleType) -> None:
    function = hook("return of_mine.helper(alias.helper(bar.close)) + alias.Config.N + math.pi")
    first = of(function)
    assert first.still_holds()
    for owner, name in (
        (deep, "TWO"),
        (deep, "inner"),
        (deep.Config, "N"),
        (sys.modules["of_mine"], "ONE"),
        (function.__globals__, "alias"),
    ):
        space = owner if isinstance(owner, dict) else vars(owner)
        value = space[name]
        with pytest.MonkeyPatch.context() as patch:
            if isinstance(owner, dict):
                patch.setitem(owner, name, SimpleNamespace())
            else:
                patch.setattr(owner, name, 99)
            assert not first.still_holds()
        assert space[name] is value
        assert first.still_holds()
    inner = deep.inner
    before, inner.__code__ = inner.__code__, hook("return 1").__code__.replace(co_freevars=())  # as a notebook's reloader does
    assert not first.still_holds()
    inner.__code__ = before
    assert first.still_holds()


def test_what_can_change_in_place_is_looked_at_again(deep: ModuleType) -> None:
    function = hook("return alias.table[0] + len(alias.nested)")
    first = of(function)
    assert not first.still_holds()
    assert of(function).digest == first.digest
    deep.nested["a"][1].append(4)
    second = of(function)
    assert second.digest != first.digest
    deep.table[1] = 9.0
    assert of(function).digest != second.digest


def test_it_is_the_same_in_every_process() -> None:
    code = "import sys; sys.path.insert(0, sys.argv[1])\nfrom tests.machine.test_fingerprint import everything\nprint(everything())"
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONDONTWRITEBYTECODE": "1"}
    shown = subprocess.run([sys.executable, "-c", code, root], capture_output=True, text=True, check=True, env=environment, cwd=root)
    assert shown.stdout.strip() == everything()


def everything() -> str:
    """One digest of the functions that the edits above speak of."""
    with pytest.MonkeyPatch.context() as patch:
        modules(patch)
        sets = frozenset({"a", "b", "c"})
        bodies = [hook(body) for body, _, _ in EDITS]
        return fingerprint_of([*bodies, functools.partial(len, sets), lambda: sets]).digest
