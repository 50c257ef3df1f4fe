"""Features that many strategies of one sweep share: computed once for each distinct arguments, kept within a bound of bytes.

    @shared_feature
    def zscore(frames, lookback):
        closes = pd.DataFrame({symbol: frame["close"] for symbol, frame in frames.items()})
        return (closes - closes.rolling(lookback).mean()) / closes.rolling(lookback).std()

Outside of a sweep such a function just computes. Inside, what it returned for `zscore(frames, 20)` is handed to every set that
asks for it again, so it must depend on its arguments alone.
"""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np
import pandas as pd

SHARED_BYTES = 256 * 1024 * 1024
"""How much a process keeps of shared features, those used last; what alone is larger is computed each time."""

Given = ParamSpec("Given")
Made = TypeVar("Made")


class SetFrames(Mapping[str, pd.DataFrame]):
    """Frames by symbol as one strategy may change them: each is a copy on write, so that no other strategy sees what this one did."""

    def __init__(self, origin: Mapping[str, pd.DataFrame]) -> None:
        self.origin = origin
        self._own: dict[str, pd.DataFrame] = {}
        self._symbols: dict[int, str] = {}  # by id, which is unique as long as `_own` keeps the frame

    def __getitem__(self, symbol: str) -> pd.DataFrame:
        if symbol not in self._own:
            self._own[symbol] = self.origin[symbol].copy(deep=False)
            self._symbols[id(self._own[symbol])] = symbol
        return self._own[symbol]

    def __iter__(self) -> Iterator[str]:
        return iter(self.origin)

    def __len__(self) -> int:
        return len(self.origin)

    def symbol_of(self, frame: pd.DataFrame) -> str | None:
        """The symbol of a frame handed out here and not changed since."""
        symbol = self._symbols.get(id(frame))
        return symbol if symbol is not None and self._is_unchanged(symbol) else None

    def is_unchanged(self) -> bool:
        """Whether every frame is as it was handed out."""
        return all(self._is_unchanged(symbol) for symbol in self._own)

    def _is_unchanged(self, symbol: str) -> bool:
        own, origin = self._own[symbol], self.origin[symbol]
        if not own.columns.equals(origin.columns) or not own.index.equals(origin.index):
            return False
        mine, theirs = own.to_numpy(), origin.to_numpy()  # all columns are floats: views, unless something was written
        return mine.shape == theirs.shape and mine.__array_interface__["data"] == theirs.__array_interface__["data"]


class _Unshared(Exception):
    """Raised for arguments that cannot be told apart from others."""


class Features:
    """What the shared features of one process returned, those used last, up to `limit_bytes`."""

    def __init__(self, limit_bytes: int = SHARED_BYTES) -> None:
        self.kept_bytes = 0
        self._limit = limit_bytes
        self._kept: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._frames: SetFrames | None = None

    @contextmanager
    def serving(self, frames: SetFrames) -> Iterator[None]:
        """Share between everything that is built inside of this and of later ones over the same origin."""
        if self._frames is not None and self._frames.origin is not frames.origin:
            self._kept.clear()
            self.kept_bytes = 0
        self._frames = frames
        token = _present.set(self)
        try:
            yield
        finally:
            _present.reset(token)

    def value(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """What the function returns for these arguments, from before where it is known."""
        try:
            key = (function, *map(self._key, args), *((name, self._key(value)) for name, value in sorted(kwargs.items())))
        except _Unshared:
            return _computed(function, args, kwargs)
        if key in self._kept:
            self._kept.move_to_end(key)
            return _handed_out(self._kept[key][0])
        made = _frozen(_computed(function, args, kwargs))
        size = _bytes(made)
        if size <= self._limit:
            self._kept[key] = (made, size)
            self.kept_bytes += size
        while self.kept_bytes > self._limit:
            _, (_, dropped) = self._kept.popitem(last=False)
            self.kept_bytes -= dropped
        return _handed_out(made)

    def _key(self, value: Any) -> Hashable:
        if isinstance(value, SetFrames) and self._frames is not None and value.origin is self._frames.origin and value.is_unchanged():
            return (SetFrames,)
        if isinstance(value, pd.DataFrame) and self._frames is not None:
            symbol = self._frames.symbol_of(value)
            if symbol is not None:
                return (pd.DataFrame, symbol)
        if isinstance(value, tuple):
            return (tuple, *map(self._key, value))
        try:
            hash(value)
        except TypeError:
            raise _Unshared from None
        hashed_by: Any = type(value).__hash__
        if hashed_by is object.__hash__:  # hashed by where it lies, which says nothing about what it holds
            raise _Unshared
        return (type(value), value)


_present: ContextVar[Features | None] = ContextVar("features", default=None)


def shared_feature(function: Callable[Given, Made]) -> Callable[Given, Made]:
    """Compute a function once for each distinct arguments within a sweep; outside of one it is called each time.

    Shared are calls whose arguments are the `frames` that `from_data` got, one frame of them, and values that can be hashed
    (numbers, text, tuples of these); any other call is computed each time. Arrays come back read-only, pandas objects as copies
    on write; other objects are handed out as they are and must not be changed. At most `SHARED_BYTES` are kept in each process.
    """

    @wraps(function)
    def feature(*args: Given.args, **kwargs: Given.kwargs) -> Made:
        features = _present.get()
        made: Made = _computed(function, args, kwargs) if features is None else features.value(function, args, kwargs)
        return made

    return feature


def _computed(function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    return function(*args, **kwargs)


def _frozen(value: Any) -> Any:
    """Keep whoever gets an array from changing it for all others."""
    if isinstance(value, np.ndarray):
        value.setflags(write=False)
    elif isinstance(value, dict):
        return {key: _frozen(inner) for key, inner in value.items()}
    elif type(value) in (list, tuple):
        return type(value)(_frozen(inner) for inner in value)
    return value


def _handed_out(value: Any) -> Any:
    if isinstance(value, pd.DataFrame | pd.Series):
        return value.copy(deep=False)
    if isinstance(value, dict):
        return {key: _handed_out(inner) for key, inner in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_handed_out(inner) for inner in value)
    return value


def _bytes(value: Any) -> int:
    if isinstance(value, np.ndarray):
        return int(value.nbytes)
    if isinstance(value, pd.DataFrame):
        return int(value.memory_usage(deep=True).sum())
    if isinstance(value, pd.Series):
        return int(value.memory_usage(deep=True))
    if isinstance(value, dict):
        return sys.getsizeof(value) + sum(_bytes(key) + _bytes(inner) for key, inner in value.items())
    if isinstance(value, list | tuple):
        return sys.getsizeof(value) + sum(map(_bytes, value))
    return sys.getsizeof(value)
