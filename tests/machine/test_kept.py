"""Machine code on disk: what was made from other sources or values is never run, and damage mends itself."""

from __future__ import annotations

import ctypes
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from framework.kernel.machine.compile import Unit, entered, hook, kernel, stamped_kernel
from framework.machine import kept
from framework.machine.stored import stored

_PARTS = """
@kernel
def twice(value):
    return 2 * value

@kernel
def more(value):
    return twice(value) + 1

def both(first, second):
    return more(first) + second
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache for each test."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    return tmp_path


def settings(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Make the module `of_mine` anew, as if its file had been edited."""
    module = ModuleType("of_mine")
    exec(compile("from numba import njit\n" + text, "of_mine.py", "exec"), vars(module))
    monkeypatch.setitem(sys.modules, "of_mine", module)


def made(text: str, way: Callable[..., Any] = stamped_kernel) -> Any:
    """The function `f` of a text, as if its file had been read by a new process."""
    scope: dict[str, Any] = {"__name__": __name__}
    exec(compile(text, __file__, "exec"), scope)
    return way(scope["f"])


def hits(dispatcher: Any) -> int:
    """How many of its signatures were read from disk."""
    return sum(dispatcher._cache_hits.values())


READS = "import of_mine\ndef f(x): return x + of_mine.ONE"


@pytest.mark.parametrize("way", [stamped_kernel, stored])
def test_a_changed_constant_of_a_module_is_a_new_code(way: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for value, expected, from_disk in ((1.0, 11.0, 0), (1.0, 11.0, 1), (7.0, 17.0, 0), (1.0, 11.0, 1)):
        settings(monkeypatch, f"ONE = {value}")
        function = made(READS, way)
        assert function(10.0) == expected
        assert hits(function) == from_disk


def test_a_changed_helper_behind_a_module_is_a_new_code(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "import of_mine\ndef f(x): return of_mine.outer(x)"
    for sign, expected, from_disk in (("+", 15.0, 0), ("+", 15.0, 1), ("-", 5.0, 0)):
        settings(monkeypatch, f"@njit\ndef inner(x): return x {sign} 5\n@njit\ndef outer(x): return inner(x)")
        function = made(text)
        assert function(10.0) == expected
        assert hits(function) == from_disk


def test_other_options_and_another_environment_are_other_code(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "def f(x): return 1.0 / x"
    assert made(text)(0.0) == np.inf
    assert hits(made(text)) == 0
    monkeypatch.setenv("NUMBA_OPT", "1")
    again = made(text)
    assert (again(0.0), hits(again)) == (np.inf, 0)
    monkeypatch.setenv("NUMBA_NUM_THREADS", "1")  # changes no code
    again = made(text)
    assert (again(0.0), hits(again)) == (np.inf, 1)


def test_what_cannot_be_known_is_compiled_anew_and_said_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "_warned", set())
    text = "import of_mine\ndef f(x):\n    m = of_mine\n    return x + m.ONE"
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        for value in (1.0, 2.0):
            settings(monkeypatch, f"ONE = {value}")
            assert made(text)(10.0) == 10.0 + value
    (sentence,) = (str(one.message) for one in shown)
    assert f"{__name__}.f is compiled anew in each process and not kept on disk: it reads the module of_mine as a value" in sentence
    assert not list(cache.rglob("*.code"))


def test_an_address_of_this_process_is_not_kept(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "_warned", set())
    absolute = ctypes.CDLL(None).labs
    absolute.argtypes, absolute.restype = [ctypes.c_long], ctypes.c_long
    scope: dict[str, Any] = {"__name__": __name__, "absolute": absolute}
    exec("def f(x): return absolute(x)", scope)
    with pytest.warns(UserWarning, match="f is compiled anew in each process"):
        assert stamped_kernel(scope["f"])(-3) == 3
    assert not list(cache.rglob("*.code"))


def test_a_large_array_is_read_where_it_lies_and_not_kept(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numba compiles its address in, beyond a million bytes."""
    monkeypatch.setattr(kept, "_warned", set())
    table = np.arange(200_000, dtype=np.float64)
    scope: dict[str, Any] = {"__name__": __name__, "table": table}
    exec("def f(k): return table[k]", scope)
    with pytest.warns(UserWarning, match="f is compiled anew in each process.*it uses an address of this process"):
        assert stamped_kernel(scope["f"])(7) == 7.0
    assert not list(cache.rglob("*.code"))


def parts() -> SimpleNamespace:
    scope: dict[str, Any] = {"kernel": kernel, "__name__": __name__}
    exec(compile(_PARTS, __file__, "exec"), scope)
    return SimpleNamespace(**scope)


def results() -> tuple[int, int, float]:
    """What a unit, a part called from Python and a whole compute; each kind of file is read or written."""
    found = parts()
    unit = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)(Unit(found.both).address)
    return unit(4, 3), found.more(5), made("def f(x): return x + 0.5")(2.0)


EXPECTED = (2 * 4 + 1 + 3, 2 * 5 + 1, 2.5)


def test_every_kind_of_file_mends_itself(cache: Path) -> None:
    assert results() == EXPECTED
    files = sorted(cache.rglob("*.code"))
    assert sorted({path.name.split("-")[0] for path in files}) == ["both", "f", "more", "twice"]
    assert len(files) == 5  # `more` as a part and as what Python enters
    whole = [path.read_bytes() for path in files]
    damages: list[Callable[[bytes], bytes]] = [
        lambda content: b"",
        lambda content: content[: len(content) // 2],
        lambda content: content[:-100] + bytes([content[-100] ^ 1]) + content[-99:],
    ]
    for damage in damages:
        for path, content in zip(files, whole, strict=True):
            path.write_bytes(damage(content))
        assert results() == EXPECTED
        mended = [path.read_bytes() for path in files]
        assert [len(content) > 60 for content in mended] == [True] * 5
        later = made("def f(x): return x + 0.5")
        assert (later(2.0), hits(later)) == (2.5, 1)


def test_a_whole_file_that_cannot_be_loaded_is_compiled_anew(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "def f(x): return x + 0.5"
    assert made(text)(2.0) == 2.5
    (path,) = cache.rglob("*.code")
    place = str(path.relative_to(kept.disk.cache_of_sources()))
    kept.disk.write(place, b"no pickle")
    with pytest.warns(UserWarning, match="f: what was kept cannot be loaded and is compiled anew: UnpicklingError"):
        assert made(text)(2.0) == 2.5
    later = made(text)
    assert (later(2.0), hits(later)) == (2.5, 1)


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file"))
    with pytest.warns(UserWarning, match="machine code cannot be kept") as shown:
        assert results() == EXPECTED
    assert len(shown) == 1
    assert results() == EXPECTED


def test_first_use_from_several_threads() -> None:
    found = parts()
    unit = Unit(found.both)
    start, seen = threading.Barrier(6), []

    def use() -> None:
        start.wait()
        address = unit.address
        seen.append((address, found.more(5)))

    threads = [threading.Thread(target=use) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [(unit.address, 11)] * 6
    assert unit._compiled.ctypes(4, 3) == 12


def test_what_a_user_wrote_is_not_kept_as_if_it_were_the_kernels(cache: Path) -> None:
    """A hook is kept with its caller only: the digest of the kernel's sources says nothing of it."""

    def mine(x):
        return x + 1

    assert hook(mine)(1.0) == 2.0
    assert entered(mine)(1.0) == 2.0
    assert not list(cache.rglob("*.code"))


def test_numbas_own_cache_is_not_used(cache: Path) -> None:
    assert made("def f(x): return x + 0.5")(2.0) == 2.5
    assert not [path for path in cache.rglob("*") if path.suffix in (".nbi", ".nbc")]
