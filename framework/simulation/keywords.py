"""What `backtest`, `sweep` and `prove` take alike, as keywords: how data are read, and the settings of a run.

A keyword's type stands here, for type checkers. Its default and its meaning stand where it is used, in `read_bars` and `RunSettings`;
`takes_run_keywords` shows them at each function.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Any, TypedDict, TypeVar

import pandas as pd

from framework.config import CostsConfig, LatencyConfig, Opening, RiskConfig, VenueConfig
from framework.data.readers import read_bars
from framework.data.tape.from_frames import Missing, Spec
from framework.data.tape.stamps import BarStamp, Bound
from framework.errors import ConfigError, did_you_mean
from framework.simulation.settings import RunSettings


class DataKeywords(TypedDict, total=False):
    """Those of `read_bars`."""

    instruments: Sequence[str] | None
    start: Bound
    end: Bound
    bar_stamp: BarStamp
    calendar: str | None
    tick_size: float | str | None
    lot_size: float | str | None
    time_zone: str | None
    missing: Missing
    actions: pd.DataFrame | None
    instrument_specs: Mapping[str, Spec] | None


class RunKeywords(DataKeywords, total=False):
    """These and the fields of `RunSettings`, whose sections may be mappings."""

    cash: float
    currency: str
    costs: Mapping[str, Any] | CostsConfig | None
    risk: Mapping[str, Any] | RiskConfig | None
    latency: Mapping[str, Any] | LatencyConfig | None
    venue: Mapping[str, Any] | VenueConfig | None
    opening: Mapping[str, Any] | Opening | None
    seed: int


Function = TypeVar("Function", bound=Callable[..., object])

DATA_DEFAULTS = {name: inspect.signature(read_bars).parameters[name].default for name in DataKeywords.__annotations__}
_DEFAULTS = DATA_DEFAULTS | {one.name: None if one.default is MISSING else one.default for one in fields(RunSettings)}

_PLACE = "    keywords: those of `RunKeywords`.\n"
"""The line of a function's docstring that their meaning takes the place of."""


def takes_run_keywords(function: Function) -> Function:
    """Show the keywords one by one where Python is asked what `function(..., **keywords: Unpack[RunKeywords])` takes.

    Its signature gets their names, types and defaults, and its docstring their meaning in place of its line `_PLACE`.
    """
    own = inspect.signature(function)
    kept = [parameter for parameter in own.parameters.values() if parameter.kind is not inspect.Parameter.VAR_KEYWORD]
    shown = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=_DEFAULTS[name], annotation=getattr(hint, "__forward_arg__", hint))
        for name, hint in RunKeywords.__annotations__.items()
    ]
    vars(function)["__signature__"] = own.replace(parameters=[*kept, *shown])
    if function.__doc__ is not None:
        function.__doc__ = inspect.cleandoc(function.__doc__).replace(_PLACE, _meaning())
    return function


def _meaning() -> str:
    of_data = (
        f"{', '.join(DataKeywords.__annotations__)}: see `framework.data.readers.read_bars`; none of them but the first three go with a "
        "dataset or a tape."
    )
    wrapped = textwrap.fill(of_data, 132, initial_indent=" " * 4, subsequent_indent=" " * 8)
    _, _, of_settings = inspect.cleandoc(RunSettings.__doc__ or "").partition("Attributes:\n")
    return f"{wrapped}\n{of_settings}\n"


def refuse_unknown(function: Callable[..., object], given: Iterable[str]) -> None:
    """Refuse keywords that a function does not take.

    Raises:
        ConfigError: with those that were perhaps meant.
    """
    for name in given:
        if name not in RunKeywords.__annotations__:
            known = inspect.signature(function).parameters
            raise ConfigError(f"{function.__name__}() takes no {name!r}. {did_you_mean(name, known)}")
