"""A digest of code: of functions, the functions they call and the constants they read. The same in every process."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from framework.engine.strategy import Strategy

_PLAIN = (int, float, complex, str, bytes, bool, type(None))


def digest_of(functions: Iterable[Any], follow: Callable[[FunctionType], bool] = lambda function: True) -> str:
    """The digest of functions, and of those they call as far as `follow` says; of others the name counts."""
    digest = hashlib.blake2b(digest_size=12)
    seen: set[object] = set()
    for function in functions:
        _feed(digest, function, seen, follow)
    return digest.hexdigest()


def code_digest(cls: type[Strategy]) -> str:
    """The digest of a strategy class: its methods and parameters' defaults, those of its bases, and what they call in its package.

    What other packages hold, and data read from files, is not in it.
    """
    package = cls.__module__.split(".")[0]
    own = [base for base in cls.__mro__ if base not in Strategy.__mro__]
    members = [
        (name, value) for base in own for name, value in sorted(vars(base).items()) if not name.startswith("__") or name == "__init__"
    ]
    values = [name for name, _ in members] + [getattr(value, "__func__", getattr(value, "fget", value)) for _, value in members]
    return digest_of(values, lambda function: function.__module__.split(".")[0] == package)


def _feed(digest: Any, thing: object, seen: set[object], follow: Callable[[FunctionType], bool]) -> None:
    if isinstance(thing, FunctionType):
        if thing in seen:
            return
        seen.add(thing)
        digest.update(f"{thing.__module__}:{thing.__qualname__}".encode())
        if follow(thing):
            _feed_function(digest, thing, seen, follow)
    elif isinstance(thing, np.ndarray):
        digest.update(thing.tobytes())
    elif isinstance(thing, ModuleType | type):
        digest.update(thing.__name__.encode())
    elif hasattr(thing, "py_func"):
        _feed(digest, thing.py_func, seen, follow)
    elif isinstance(thing, tuple | list):
        for inner in thing:
            _feed(digest, inner, seen, follow)
    elif isinstance(thing, frozenset | set):
        digest.update(",".join(sorted(map(repr, thing))).encode())
    elif isinstance(thing, _PLAIN):
        digest.update(repr(thing).encode())
    else:  # its text may hold an address
        digest.update(type(thing).__qualname__.encode())


def _feed_function(digest: Any, function: FunctionType, seen: set[object], follow: Callable[[FunctionType], bool]) -> None:
    _feed_code(digest, function.__code__, seen, follow)
    for name in _names(function.__code__):
        digest.update(name.encode())
        if name in function.__globals__:
            _feed(digest, function.__globals__[name], seen, follow)
    for cell in function.__closure__ or ():
        try:
            _feed(digest, cell.cell_contents, seen, follow)
        except ValueError:  # a cell that is not filled yet holds nothing
            continue
    for default in (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()):
        _feed(digest, default, seen, follow)


def _feed_code(digest: Any, code: CodeType, seen: set[object], follow: Callable[[FunctionType], bool]) -> None:
    digest.update(code.co_code)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            _feed_code(digest, constant, seen, follow)
        else:
            _feed(digest, constant, seen, follow)


def _names(code: CodeType) -> list[str]:
    inner = [name for constant in code.co_consts if isinstance(constant, CodeType) for name in _names(constant)]
    return sorted({*code.co_names, *inner})
