"""A digest of code: of functions, the functions they call and the values they read. The same in every process.

What is read is found in the byte code: names of globals and of cells, and the attributes of modules and classes behind them
(`settings.risk.LIMIT`). Where it cannot be seen there (`getattr` with a name that is computed, a module handed on as a value, a
value of unknown kind), that is said: such code is not to be taken for known.
"""

from __future__ import annotations

import builtins
import datetime
import dis
import functools
import hashlib
import pickle
import sys
import types
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import PurePath
from typing import Any

import numpy as np

_PLAIN = (int, float, complex, str, bytes, bool, type(None), type(...), range, slice)
_BY_TEXT = (datetime.date, datetime.time, datetime.timedelta, datetime.tzinfo, Decimal, Fraction, PurePath)
_LOADS = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_GLOBALS", "LOAD_FROM_DICT_OR_DEREF")
_BY_NAME = {"numpy", "numba", "llvmlite", *sys.stdlib_module_names}
_BY_SOURCES = ("framework.kernel.", "framework.schema.", "framework.machine.", "framework.engine.")
_BUILT_IN = (types.BuiltinFunctionType, types.MethodDescriptorType, types.WrapperDescriptorType)
_CONTAINERS = (tuple, list, dict, set, frozenset)
_MEMBERS = (types.FunctionType, staticmethod, classmethod, property, functools.cached_property, np.ndarray, *_CONTAINERS, *_PLAIN)

Follow = Callable[[str], bool]
"""Whether the code of a module, by its name, is looked into."""


def is_followed(module: str) -> bool:
    """Whether the code of a module counts; of numpy, numba and Python itself the versions do, kernel and engine have digests."""
    return module.split(".")[0] not in _BY_NAME and not module.startswith(_BY_SOURCES)


@dataclass(frozen=True)
class Fingerprint:
    """What code depends on.

    Attributes:
        digest: of all that was found.
        undecided: what was read and cannot be known.
    """

    digest: str
    undecided: tuple[str, ...]
    _reads: tuple[tuple[Any, str, Any], ...]
    _is_constant: bool

    def still_holds(self) -> bool:
        """Whether every name still stands for the very same thing, and none of those can change in place.

        Cheap; where it says no, a new fingerprint may have the same digest.
        """
        return self._is_constant and all(_read(where, name) is value for where, name, value in self._reads)


def fingerprint_of(
    functions: Iterable[Any], follow: Follow = is_followed, *, with_lines: bool = False, takes_pickles: bool = False
) -> Fingerprint:
    """The fingerprint of functions and of what they call and read.

    Args:
        functions: functions, compiled or not, and names.
        follow: the modules that are looked into; of what others hold the names count.
        with_lines: whether file and lines count, which compiled code tells in its errors.
        takes_pickles: whether a value of unknown kind is decided by its pickle.
    """
    walk = _Walk(follow, with_lines=with_lines, takes_pickles=takes_pickles)
    for function in functions:
        walk.feed(function, getattr(function, "__qualname__", "?"))
    return Fingerprint(walk.digest.hexdigest(), tuple(dict.fromkeys(walk.undecided)), tuple(walk.reads), walk.is_constant)


class _Missing:
    """In place of what is not there."""


def _read(where: Any, name: str) -> Any:
    if isinstance(where, dict):
        return where.get(name, _Missing)
    try:
        return getattr(where, name, _Missing)
    except ValueError:  # a cell that is not filled yet
        return _Missing


class _Walk:
    """Feeds a digest with what it finds, each thing once, and remembers where it looked."""

    def __init__(self, follow: Follow, *, with_lines: bool, takes_pickles: bool) -> None:
        self.digest = hashlib.blake2b(digest_size=12)
        self.undecided: list[str] = []
        self.reads: list[tuple[Any, str, Any]] = []
        self.is_constant = True
        self._follow, self._with_lines, self._takes_pickles = follow, with_lines, takes_pickles
        self._seen: dict[int, tuple[int, Any]] = {}  # holds what it has seen, so that no other thing gets its id
        self._inside: list[int] = []

    def feed(self, thing: Any, name: str) -> None:
        """Take in a value that is read under a name."""
        if isinstance(thing, _PLAIN) and not isinstance(thing, Enum):
            self._word(type(thing).__qualname__, repr(thing))
        elif isinstance(thing, _CONTAINERS):  # not by identity: which equal constants are one object differs from process to process
            self._feed_many(thing, name)
        elif id(thing) in self._seen:
            self._word("seen", str(self._seen[id(thing)][0]))
        else:
            self._seen[id(thing)] = (len(self._seen), thing)
            self._feed_once(thing, name)

    def _word(self, *texts: str) -> None:
        for text in texts:
            self._bytes(text.encode("utf-8", "surrogatepass"))

    def _bytes(self, content: bytes) -> None:
        self.digest.update(len(content).to_bytes(8, "little"))
        self.digest.update(content)

    def _feed_once(self, thing: Any, name: str) -> None:
        if isinstance(thing, types.FunctionType):
            self._feed_function(thing)
        elif isinstance(getattr(thing, "py_func", None), types.FunctionType):  # compiled by numba
            self._word(type(thing).__qualname__, repr(sorted(getattr(thing, "targetoptions", {}).items())))
            self.feed(thing.py_func, name)
        elif isinstance(getattr(thing, "_defn", None), types.FunctionType):  # an intrinsic of numba's
            self.feed(thing._defn, name)
        elif isinstance(thing, type):
            self._feed_class(thing)
        elif isinstance(thing, types.ModuleType):
            self._word("module", thing.__name__)
            if self._follow(thing.__name__):
                self.is_constant = False
                self.undecided.append(f"the module {thing.__name__} as a value ({name})")
        else:
            self._feed_value(thing, name)

    def _feed_value(self, thing: Any, name: str) -> None:
        kind = type(thing)
        self._word(kind.__module__, kind.__qualname__)
        if isinstance(thing, np.ndarray | np.generic | np.dtype):
            self._feed_numbers(thing, name)
        elif isinstance(thing, Enum):
            self._word(thing.name)
            self.feed(thing.value, name)
        elif isinstance(thing, _BY_TEXT) or kind.__module__.startswith("numba.core.types"):
            self._word(str(thing))
        elif isinstance(thing, functools.partial):
            self._feed_many((thing.func, thing.args, thing.keywords), name)
        elif isinstance(thing, staticmethod | classmethod | types.MethodType):
            self.feed(thing.__func__, name)
            self.feed(getattr(thing, "__self__", None), name)
        elif isinstance(thing, property | functools.cached_property):
            names = ("fget", "fset", "fdel") if isinstance(thing, property) else ("func",)
            self._feed_many(tuple(getattr(thing, one) for one in names), name)
        elif isinstance(getattr(thing, "__wrapped__", None), types.FunctionType):
            self.feed(thing.__wrapped__, name)
        elif isinstance(thing, _BUILT_IN) or (callable(thing) and kind.__module__.split(".")[0] in ("numpy", "numba")):
            self._word(*(str(getattr(thing, one, None)) for one in ("__module__", "__qualname__", "__name__")))
        elif self._follow(kind.__module__) and hasattr(thing, "__dict__"):
            self.is_constant = False
            self.feed(kind, name)
            self.feed(vars(thing), name)
        elif not self._feed_pickle(thing):
            self.undecided.append(f"{name}, a {kind.__qualname__}")

    def _feed_pickle(self, thing: Any) -> bool:
        """Take in a value of unknown kind as it would be sent to another process, where that is good enough."""
        if not self._takes_pickles:
            return False
        self.is_constant = False
        try:
            self._bytes(pickle.dumps(thing, protocol=4))
        except Exception:  # pickling runs the thing's own code, which may raise what it likes
            return False
        return True

    def _feed_numbers(self, thing: Any, name: str) -> None:
        if isinstance(thing, np.dtype):
            self._word(repr(thing), str(thing.itemsize), str(thing.isalignedstruct))
            return
        self._word(repr(thing.dtype), repr(thing.shape))
        if thing.dtype.hasobject:
            self.feed(thing.tolist(), name)
        else:
            self._bytes(thing.tobytes())
        if isinstance(thing, np.ndarray):
            self.is_constant = False
            self._word(*(str(thing.flags[flag]) for flag in ("C_CONTIGUOUS", "F_CONTIGUOUS", "ALIGNED", "WRITEABLE")))

    def _feed_many(self, thing: Any, name: str) -> None:
        self._word(type(thing).__qualname__, str(len(thing)))
        self.is_constant &= isinstance(thing, tuple | frozenset)
        if id(thing) in self._inside:
            self._word("itself")
            return
        self._inside.append(id(thing))
        if isinstance(thing, set | frozenset):
            self._word(*sorted(map(repr, thing)))
        else:
            for item in thing.items() if isinstance(thing, dict) else thing:
                self.feed(item, name)
        self._inside.pop()

    def _feed_class(self, thing: type) -> None:
        self._word("class", thing.__module__, thing.__qualname__)
        if hasattr(thing, "class_type"):
            self.undecided.append(f"the compiled class {thing.__qualname__}")
        if issubclass(thing, Enum):
            self.feed(tuple((one.name, one.value) for one in thing.__members__.values()), thing.__qualname__)
            return
        for base in thing.__mro__:
            if self._follow(base.__module__):
                for name, member in sorted(vars(base).items()):
                    if isinstance(member, _MEMBERS) and (not name.startswith("__") or name == "__init__"):
                        self._word(name)
                        self.feed(member, f"{base.__qualname__}.{name}")

    def _feed_function(self, function: types.FunctionType) -> None:
        module = function.__module__ or ""
        self._word("function", module, function.__qualname__)
        if not self._follow(module):
            return
        for name in ("__code__", "__defaults__", "__kwdefaults__"):
            self.reads.append((function, name, getattr(function, name)))
        cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
        self._feed_code(function.__code__)
        for names in chains(function.__code__, frozenset(cells)):
            self._feed_chain(names, cells, function)
        self.feed(function.__defaults__, function.__qualname__)
        self.feed(tuple((function.__kwdefaults__ or {}).items()), function.__qualname__)

    def _feed_chain(self, names: tuple[str, ...], cells: dict[str, Any], function: types.FunctionType) -> None:
        """Take in what a name and the attributes behind it stand for, as far as they lead through modules and classes."""
        first, *rest = names
        text = f"{first} in {function.__qualname__}"
        if first in cells:
            value = self._look(cells[first], "cell_contents")
        else:
            value = self._look(function.__globals__, first)
            if value is _Missing:
                value = getattr(builtins, first, _Missing)
        self._word(*names)
        if value is getattr:
            self.is_constant = False
            self.undecided.append(f"an attribute by getattr in {function.__qualname__}")
        for position, name in enumerate(rest):
            if not (isinstance(value, types.ModuleType) or (isinstance(value, type) and not issubclass(value, Enum))):
                break
            if not self._follow(value.__name__ if isinstance(value, types.ModuleType) else value.__module__):
                return
            value = self._look(value, name)
            text = f"{'.'.join(names[: position + 2])} in {function.__qualname__}"
        self.feed(value, text)

    def _look(self, where: Any, name: str) -> Any:
        value = _read(where, name)
        self.reads.append((where, name, value))
        return value

    def _feed_code(self, code: types.CodeType) -> None:
        self._bytes(code.co_code)
        self._bytes(code.co_exceptiontable)
        for names in (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars):  # in their order: the code has their numbers
            self._word(str(len(names)), *names)
        self._word(*map(str, (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags, len(code.co_consts))))
        if self._with_lines:
            self._word(code.co_filename, str(code.co_firstlineno))
            self._bytes(code.co_linetable)
        for constant in code.co_consts:
            if isinstance(constant, types.CodeType):
                self._feed_code(constant)
            else:
                self.feed(constant, code.co_name)


def chains(code: types.CodeType, cells: frozenset[str]) -> Iterator[tuple[str, ...]]:
    """The names that code reads from outside, each with the attributes that are read of it at once: `(settings, risk, LIMIT)`.

    Args:
        code: with the functions inside it.
        cells: names of the function's own cells; those of functions inside it that are not among them are its locals.
    """
    steps = [step for step in dis.get_instructions(code) if step.opname not in ("EXTENDED_ARG", "CACHE")]
    for position, step in enumerate(steps):
        name = step.argval
        if step.opname not in _LOADS or ("DEREF" in step.opname and name not in cells):
            continue
        names = [name]
        for following in steps[position + 1 :]:
            if following.opname not in ("LOAD_ATTR", "LOAD_METHOD"):
                break
            names.append(following.argval)
        yield tuple(names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from chains(constant, cells)
