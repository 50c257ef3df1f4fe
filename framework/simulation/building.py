"""Strategies that are built from data: classes with `from_data(cls, frames, **parameters)`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from framework.data.tape.frames import Frames
from framework.data.tape.shared_features import SetFrames
from framework.engine.strategy import Strategy
from framework.errors import ConfigError, OneTapeError, StrategyError


def is_built_from_data(candidate: object) -> bool:
    """Whether this is a strategy class with a `from_data`."""
    return isinstance(candidate, type) and issubclass(candidate, Strategy) and hasattr(candidate, "from_data")


def build_from(cls: type[Strategy], parameters: Mapping[str, Any], frames: Frames) -> Strategy:
    """Build a strategy from frames by its class's `from_data`, which gets every parameter, checked, and frames it may change.

    Raises:
        ConfigError: a parameter is wrong, or `from_data` returned something else than a strategy.
        StrategyError: `from_data` raised.
    """
    checked = cls(**parameters).parameters
    from_data: Callable[..., object] = cls.from_data  # type: ignore[attr-defined]  # asked by is_built_from_data
    try:
        made = from_data(frames if isinstance(frames, SetFrames) else SetFrames(frames), **checked)
    except OneTapeError as error:
        raise type(error)(f"{cls.__name__}.from_data: {error}") from error
    except Exception as error:
        raise StrategyError(f"{cls.__name__}.from_data: {type(error).__name__}: {error}") from error
    if not isinstance(made, Strategy):
        raise ConfigError(f"{cls.__name__}.from_data: must return a Strategy, got {made!r}")
    return made
