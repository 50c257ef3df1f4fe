"""Plain numba, the fast way to compile, and the kernel in Python give the same bytes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FEW = """
from framework.kernel.machine.compile import is_plain
from framework.kernel.trader.whole_steps import steps
from framework.kernel.venue.queue_position import share_from_behind
from framework.kernel.machine.random import keyed_word, uniform
words = [keyed_word(k, 3 * k - 7, k**5) for k in range(-20, 20)]
numbers = [uniform(k, 1, 2).hex() for k in range(50)]
grids = [steps(k * 0.01, 1.0, 100.0) for k in range(100)] + [steps(0.015, 1.0, 100.0), steps(1e30, 1.0, 100.0)]
lines = [share_from_behind(model, 2.0, 3.0, 5.0).hex() for model in range(3)]
print(is_plain(), words, numbers, grids, lines)
"""


def of(mode: str, *words: str, **variables: str) -> str:
    """What a process prints in one of the modes."""
    environment = {**os.environ, "ONETAPE_PLAIN_NUMBA": mode, **variables}
    shown = subprocess.run([sys.executable, *words], capture_output=True, text=True, cwd=ROOT, env=environment)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    return shown.stdout


def hashes(mode: str, tests: list[str], folder: Path) -> dict[str, list[str]]:
    """The audit hashes of all backtests that tests make in one of the modes."""
    path = folder / f"hashes-{mode}.json"
    words = ["-m", "pytest", "-q", "-p", "tests.machine.hashes", "-p", "no:cacheprovider"]
    place = f"--basetemp={folder / 'same'}"  # paths of files stand in the audit of who reads latencies from them
    of(mode, *words, place, *tests, ONETAPE_HASHES=str(path))
    found: dict[str, list[str]] = json.loads(path.read_text())
    return found


def test_a_few_functions_of_the_kernel_compute_the_same() -> None:
    fast, plain, python = (of(mode, "-c", FEW).split(" ", 1) for mode in ("0", "1", "python"))
    assert (fast[0], plain[0], python[0]) == ("False", "True", "False")
    assert fast[1] == plain[1] == python[1]
    assert len(fast[1]) > 2000


def test_some_tapes_have_the_same_hashes_in_python(tmp_path: Path) -> None:
    tests = ["tests/tapes/test_late_feeds.py", "tests/tapes/test_derivatives.py"]
    fast, python = (hashes(mode, tests, tmp_path) for mode in ("0", "python"))
    assert fast == python
    assert sum(map(len, fast.values())) > 40


DEBUGGED = """
import bdb, sys
import framework.kernel.venue.filling as filling
from tests.tapes.drawing import draw

class Debugger(bdb.Bdb):
    def user_line(self, frame):
        if frame.f_code.co_name == "execute":
            print("stopped", frame.f_locals["order"].quantity_lots)
        self.set_continue()

debugger = Debugger()
debugger.set_break(filling.__file__, filling.execute.__code__.co_firstlineno, funcname="execute")
debugger.runcall(draw, '''
    # day   open    high     low   close  volume
        1    100     101      99     100    1000
        2    100     101      98      99    1000

    at 1: BUY 100 LIMIT 98.50
    fill 2: BUY 100 @ 98.50 maker
    end: 100 X, 990150 USD
''')
"""


def test_a_debugger_stops_in_the_kernel() -> None:
    assert "stopped 100\n" in of("python", "-c", DEBUGGED)


PLACED = """
import ctypes
import numpy as np
from framework.kernel.layout.displacement_records import displacement_row
from framework.kernel.layout.roots import ExchangeRoot, exchange_row
from framework.kernel.machine.compile import Unit, address_of, bits, call, kernel, leading_zeros, real, trailing_zeros
from framework.schema.record import dtype_of

root = np.zeros(2, dtype=dtype_of(ExchangeRoot))
x = exchange_row(root.ctypes.data, 1)
x.now_ns, x.order_entry_leg.key, x.print_turn.rank = 5, -6, 7
assert (root["now_ns"].tolist(), root["order_entry_leg"]["key"].tolist(), root["print_turn"]["rank"].tolist()) == ([0, 5], [0, -6], [0, 7])
assert address_of(x) == root.ctypes.data + root.itemsize
assert address_of(x.order_entry_leg) == address_of(x) + root.dtype.fields["order_entry_leg"][1]

memory = np.zeros(8 * 11)
state = displacement_row(memory.ctypes.data, 0)
state.fading[2] += 0.5
assert memory[5] == 0.5

x.now_ns = 2**62
assert x.now_ns * 4 == 0  # two words of a record wrap
for wrong in (2**63, -(2**63) - 1):
    try:
        x.now_ns = wrong
    except OverflowError:
        pass
    else:
        raise AssertionError(wrong)
try:
    x.nou_ns = 1
except ValueError as error:
    assert "nou_ns" in str(error)
else:
    raise AssertionError("a field that is none")
assert not hasattr(x, "nou_ns")

assert [leading_zeros(word) for word in (0, -1, 1)] == [64, 0, 63]
assert [trailing_zeros(word) for word in (0, -(2**63), 12)] == [64, 63, 2]
assert bits(1.0) == 0x3FF0000000000000 and real(bits(-0.1)) == -0.1

@kernel
def doubled(value: int) -> int:
    return 2 * value

assert doubled.__code__.co_filename == "<string>"  # itself
unit = Unit(lambda first, second: first - doubled(second))
assert call(unit.address, 10, 3) == 4
assert ctypes.CFUNCTYPE(*[ctypes.c_int64] * 3)(unit.address)(10, 3) == 4
"""


def test_a_record_in_python_lies_where_it_is_written() -> None:
    of("python", "-c", PLACED)


COMPILED = """
from framework import backtest
from framework.kernel.machine.machine_code import is_cached
from tests.engine.test_compiled import Crossover, EveryWord, frames
for strategy in (EveryWord(), Crossover()):
    print(backtest(strategy, frames(2, 60), cash=100_000).audit_hash, strategy.runs_compiled)
print(is_cached())
"""


def test_compiled_hooks_run_as_their_source_in_python() -> None:
    fast, python = of("0", "-c", COMPILED).split(), of("python", "-c", COMPILED).split()
    assert fast[0::2] == [python[0], python[2], "True"]
    assert (fast[1], fast[3], python[1], python[3], python[4]) == ("True", "True", "False", "False", "True")


@pytest.mark.long
def test_all_tapes_and_compiled_strategies_have_the_same_hashes(tmp_path: Path) -> None:
    """Every drawing, and compiled strategies against their Python source, in both ways to compile: minutes, since plain numba keeps
    nothing. Every drawing in Python.
    """
    tests = ["tests/tapes", "tests/properties/test_laws.py", "tests/engine/test_compiled.py", "tests/engine/test_compiled_hooks.py"]
    fast, plain = (hashes(mode, tests, tmp_path) for mode in ("0", "1"))
    assert fast == plain
    assert len(fast) > 300
    assert sum(map(len, fast.values())) > 700
    python = hashes("python", tests[:1], tmp_path)
    assert python == {name: found for name, found in fast.items() if name in python}
    assert len(python) > 250
