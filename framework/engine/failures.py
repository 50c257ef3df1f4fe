"""What a strategy can get wrong in a hook, in the same words whether the hook runs in Python or as machine code.

Compiled hooks leave a number here and two numbers to it; `error_of` says them in words. Where Python raises by itself, its own
words are taken from it.
"""

from __future__ import annotations

import ctypes
import math
import sysconfig
import traceback
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from types import TracebackType

import numpy as np

from framework.errors import InputError, KernelError, OneTapeError, StrategyError
from framework.kernel.layout import codes
from framework.kernel.layout.table_room import KEPT_ORDERS
from framework.kernel.trader.trader import Trader
from framework.schema.order import TimeInForce

_LIBRARIES = (str(Path(__file__).resolve().parent.parent), *(sysconfig.get_paths()[name] for name in ("stdlib", "purelib", "platlib")))


class Failure(IntEnum):
    """What went wrong in a compiled hook; the two numbers that belong to it are told behind each."""

    INSTRUMENT = 1  # the number asked for, how many there are
    ORDER = 2  # the id asked for, how many orders there are
    BARS = 3  # how many were asked for, how many are kept
    INDEX = 4  # the index, how many values there are
    PASSES = 5  # how many passes through loops one call may make
    SIDE = 6  # what was given
    TIME_IN_FORCE = 7  # what was given
    OVERFLOW = 8
    DIVISION = 9
    FLOAT_DIVISION = 10
    FLOOR_DIVISION = 11
    MODULO = 12
    FLOAT_FLOOR_DIVISION = 13
    FLOAT_MODULO = 14
    SHIFT = 15
    NAN_AS_INT = 16
    INFINITY_AS_INT = 17
    DOMAIN = 18
    RANGE = 19
    ZERO_POWER = 20
    POWER_RANGE = 21
    COMPLEX_POWER = 22
    FRACTION_POWER = 23
    DIGITS = 24
    LIST_INDEX = 25
    BROKEN = 26  # the run has broken: the trader half says why
    EMPTY_LEAST = 27
    EMPTY_LARGEST = 28


class HookFailure(Exception):
    """Raised by machine code; what it means stands in the words beside it."""


class HookRefusal(Exception):
    """A hook cannot be compiled. numba passes this on as it is, while its own errors become a page around the sentence.

    Args:
        text: what is wrong, and a way out.
        line: of the source, as `line_in` says it.
    """

    def __init__(self, text: str, line: str) -> None:
        super().__init__(text)
        self.line = line

    def text_of(self, strategy: object) -> str:
        """What is wrong with a hook of this strategy."""
        return str(self)


class ParameterRefusal(HookRefusal):
    """A hook sets the parameter `text`."""

    def text_of(self, strategy: object) -> str:
        """What is wrong, with the declaration of its class."""
        return fixed_parameter(strategy, str(self))


def fixed_parameter(strategy: object, name: str) -> str:
    """What is wrong with setting a parameter of a strategy in a run."""
    kind, cls = type(getattr(strategy, name)), type(strategy)
    way_out = (
        f"declare it as state, `{name}: State[{kind.__name__}] = {kind(getattr(cls, name, 0))!r}`"
        if kind in (bool, int, float)
        else "keep what changes under another name, set in on_start"
    )
    return f"{cls.__name__}.{name} is a parameter, which never changes in a run: {way_out}"


def unknown_instrument(number: object, count: int) -> str:
    """What is wrong with a number of an instrument, for strategies that use numbers."""
    way_out = "; an event of no instrument, such as a session, has the number -1" if number == -1 else ""
    return f"unknown instrument number {number!r}; the run has {count}, their numbers are 0 to {count - 1}{way_out}"


def unknown_order(order_id: int, count: int) -> str:
    """What is wrong with the id of an order; one that there is has ended long ago."""
    if 0 <= order_id < count:
        return (
            f"order {order_id} has ended, and {count - 1 - order_id:,} orders were placed after it; rule: one that has ended is read "
            f"while fewer than {KEPT_ORDERS:,} were. Note in on_order what you need of it; the result has every order"
        )
    return f"unknown order {order_id}; " + (f"ids so far are 0 to {count - 1}" if count else "no order was placed yet")


def too_many_bars(asked: int, kept: int) -> str:
    """What is wrong with a number of past bars."""
    if asked < 1:
        return f"asked for the last {asked} bars; ask for at least 1"
    return f"asked for the last {asked} bars, {kept} are kept: set `history = {asked}` in the strategy class"


def unknown_side(side: object) -> str:
    """What is wrong with a side of a book."""
    return f"side {side!r}; bids are 1 and offers -1"


def _raised(action: Callable[[], object]) -> tuple[type[Exception], tuple[object, ...]]:
    try:
        action()
    except (ArithmeticError, ValueError) as error:
        return type(error), error.args
    raise AssertionError("Python no longer refuses what it refused")


_one, _zero, _real, _negative = 1, 0, 0.0, -1
_PYTHONS = {
    Failure.DIVISION: lambda: _one / _zero,
    Failure.FLOAT_DIVISION: lambda: _one / _real,
    Failure.FLOOR_DIVISION: lambda: _one // _zero,
    Failure.MODULO: lambda: _one % _zero,
    Failure.FLOAT_FLOOR_DIVISION: lambda: _one // _real,
    Failure.FLOAT_MODULO: lambda: _one % _real,
    Failure.SHIFT: lambda: _one << _negative,
    Failure.NAN_AS_INT: lambda: int(math.nan),
    Failure.INFINITY_AS_INT: lambda: int(math.inf),
    Failure.DOMAIN: lambda: math.sqrt(_negative),
    Failure.RANGE: lambda: math.exp(1000.0),
    Failure.ZERO_POWER: lambda: _real**_negative,
    Failure.POWER_RANGE: lambda: 1e300**9.0,
    Failure.EMPTY_LEAST: lambda: min(()),
    Failure.EMPTY_LARGEST: lambda: max(()),
}
_OWN: dict[Failure, tuple[type[Exception], str]] = {
    Failure.OVERFLOW: (OverflowError, "a whole number beyond 64 bits, the largest that a compiled hook can hold; use a float"),
    Failure.COMPLEX_POWER: (ArithmeticError, "a fraction as the power of a negative number is a complex number"),
    Failure.FRACTION_POWER: (ArithmeticError, "a negative power of a whole number is a fraction: make it a float, as in float(x) ** n"),
    Failure.DIGITS: (ArithmeticError, "round(x, n): compiled hooks round to -18 to 18 digits"),
    Failure.LIST_INDEX: (IndexError, "list index out of range"),
}


def error_of(failure: int, first: int, second: int) -> Exception:
    """The error that Python would have raised."""
    what = Failure(failure)
    if what in _PYTHONS:
        kind, arguments = _raised(_PYTHONS[what])
        return kind(*arguments)
    if what in _OWN:
        kind, text = _OWN[what]
        return kind(text)
    if what == Failure.INDEX:
        return IndexError(f"index {first} is out of bounds for axis 0 with size {second}")
    if what == Failure.TIME_IN_FORCE:
        return ValueError(f"{first} is not a valid {TimeInForce.__name__}")
    if what == Failure.PASSES:
        return StrategyError(
            f"one call went through its loops {first:,} times, the most that one call may: end the loop, or set "
            f"`most_passes = {10 * first}` in the strategy class"
        )
    if what == Failure.BROKEN:
        return KernelError("the run has broken")
    if what == Failure.BARS:
        return InputError(too_many_bars(first, second))
    if what == Failure.SIDE:
        return InputError(unknown_side(first))
    return InputError(unknown_instrument(first, second) if what == Failure.INSTRUMENT else unknown_order(first, second))


LEFT, PLACE, FAILURE, FIRST, SECOND, LOOK_AT, STEP, LOOKED = range(8)
WORDS = 8
"""What compiled hooks leave behind, 8 bytes each: passes through loops that are left, the address of a text that names the line
which runs, the failure and its two numbers; how many passes are left when the clock is read next, how many lie between, and when signals
were seen to, in ns of that clock.
"""


def _words(address: int) -> ctypes.Array[ctypes.c_int64]:
    return (ctypes.c_int64 * WORDS).from_address(address)


def noted_line(address: int) -> str:
    """The line that a compiled hook noted last; empty where it noted none."""
    place = _words(address)[PLACE]
    return ctypes.string_at(place).decode() if place else ""


def forget_line(address: int) -> None:
    """Let no line be noted."""
    _words(address)[PLACE] = 0


def noted_error(address: int, most_passes: int) -> Exception:
    """The failure that a compiled hook noted last, in words."""
    words = _words(address)
    failure = words[FAILURE]
    return error_of(failure, most_passes if failure == Failure.PASSES else words[FIRST], words[SECOND])


def blamed(error: Exception, place: str) -> OneTapeError:
    """What is raised in the place of a hook's error: of our own ones the same kind, of all others a StrategyError."""
    if isinstance(error, OneTapeError):
        return type(error)(f"{place}: {error}")
    return StrategyError(f"{place}: {type(error).__name__}: {error}")


def line_of(trace: TracebackType | None, own_file: str) -> str:
    """The innermost line of a strategy in a traceback: in its file, or in one of no library. Empty where there is none."""
    found = ""
    for frame, line in traceback.walk_tb(trace):
        file = frame.f_code.co_filename
        if file == own_file or not file.startswith((*_LIBRARIES, "<__array_function__")):
            found = line_in(file, line)
    return found


def line_in(file: str, line: int) -> str:
    """A line as errors name it."""
    return f"line {line} of {Path(file).name}"


def place_of(trader: Trader, strategy: type, hook: str, line: str, timer: str = "") -> str:
    """Where a hook failed: strategy, hook, stamp, and the event, order or timer with the line of the source."""
    root = trader.record[0]
    if hook == "on_order":
        what = f"order {int(trader.tables['log']['w0'][int(root['wake_row'])])}"
    elif hook == "on_timer":
        what = f"timer {timer!r}"
    elif hook in ("on_start", "on_stop"):
        what = "run"
    else:
        what = f"tape event {int(root['seen']) - 1}"
    now_ns = int(root["now_ns"])
    stamp = np.datetime_as_string(np.datetime64(now_ns, "ns"), unit="ns" if now_ns % 1_000_000_000 else "s")
    return f"{strategy.__name__}.{hook} at {stamp}Z ({', '.join(filter(None, (what, line)))})"


HOOK_OF = {
    codes.W_BAR: "on_bar",
    codes.W_BARS: "on_bars",
    codes.W_QUOTE: "on_quote",
    codes.W_TRADE: "on_trade",
    codes.W_BOOK: "on_book",
    codes.W_TIMER: "on_timer",
    codes.W_ORDER: "on_order",
    codes.W_EVENT: "on_event",
}
"""The hook that a wake calls."""
