"""Which sets of parameters a sweep runs: a grid, a list or a table in; checked sets out."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from framework.config.text import shown
from framework.engine.audit import header_digest
from framework.engine.strategy import Strategy, declared_parameters
from framework.errors import ConfigError, StrategyError, did_you_mean

Grid = Mapping[str, Iterable[Any]] | Sequence[Mapping[str, Any]] | pd.DataFrame


MOST_SETS = 1_000_000
"""Of one sweep: about 0.75 GB of them."""


@dataclass(frozen=True, slots=True)
class ParameterSet:
    """One set of a sweep.

    Attributes:
        given: what the grid says, and what a config fixes.
        parameters: all of the class's parameters, as it checked them.
        digest: of the header of the run that this set makes; the same run has the same in every sweep.
    """

    given: Mapping[str, Any]
    parameters: Mapping[str, Any]
    digest: str


def parameter_sets(
    cls: type[Strategy], grid: Grid, common: Mapping[str, object], fixed: Mapping[str, Any] | None = None
) -> list[ParameterSet]:
    """Every set of a grid, in order, each checked by the class.

    Args:
        cls: the strategy's class.
        grid: a mapping of parameter to values, of which every combination is a set, the last parameter changing fastest; or a
            sequence of mappings, or a DataFrame with a column a parameter, of which each row is a set.
        common: the header that the runs share.
        fixed: values of parameters that the grid leaves alone.

    Raises:
        StrategyError: the class raised something else than a ConfigError.
        ConfigError: the grid is empty, has more than `MOST_SETS` sets, names a parameter that the class does not have, holds a value
            that it refuses, or holds one set twice; the message says which.
    """
    known = declared_parameters(cls)
    sets: list[ParameterSet] = []
    seen: dict[str, int] = {}
    for position, names in enumerate(_combinations(cls, grid)):
        given = {**(fixed or {}), **names}
        place = f"grid, set {position} ({', '.join(f'{name}={shown(value)}' for name, value in names.items()) or 'nothing set'})"
        for name in given:
            if name not in known:
                raise ConfigError(f"{place}: {cls.__name__} has no parameter {name!r}. {did_you_mean(name, known)}")
        try:
            parameters = dict(cls(**given).parameters)
        except ConfigError as error:
            raise ConfigError(f"{place}: {error}") from error
        except Exception as error:
            raise StrategyError(f"{place}: building it raised {type(error).__name__}: {error}") from error
        digest = header_digest({**common, "parameters": parameters})
        if digest in seen:
            raise ConfigError(f"{place}: the same parameters as set {seen[digest]}; leave one of them out")
        seen[digest] = position
        sets.append(ParameterSet(given, parameters, digest))
    if not sets:
        raise ConfigError("grid: it holds no set; give at least one, for instance {'fast': [5, 10], 'slow': [50, 100]}")
    return sets


def _combinations(cls: type[Strategy], grid: object) -> Iterator[dict[str, Any]]:
    if isinstance(grid, pd.DataFrame):
        columns = {str(name): grid[name].tolist() for name in grid.columns}
        yield from ({name: values[row] for name, values in columns.items()} for row in range(len(grid)))
    elif isinstance(grid, Mapping):
        values = [_values(cls, name, given) for name, given in grid.items()]
        count = math.prod(map(len, values))
        if count > MOST_SETS:
            raise ConfigError(
                f"grid: {' x '.join(f'{len(some):,}' for some in values)} values are {count:,} sets; rule: at most {MOST_SETS:,}, "
                "since each is kept in memory. Give fewer values, or several grids, each with an `out` of its own"
            )
        yield from (dict(zip(grid, chosen, strict=True)) for chosen in itertools.product(*values) if grid)
    elif isinstance(grid, Sequence) and not isinstance(grid, str | bytes):
        for position, given in enumerate(grid):
            if not isinstance(given, Mapping):
                raise ConfigError(f"grid, set {position}: must be a mapping of parameters to values, got {given!r}")
            yield {str(name): _plain(value) for name, value in given.items()}
    else:
        raise ConfigError(f"grid: must be a mapping of parameters to lists of values, a list of mappings, or a DataFrame; got {grid!r}")


def _values(cls: type[Strategy], name: str, given: object) -> list[Any]:
    known = declared_parameters(cls)
    if name not in known:  # said here too: an empty list beside it would hide it
        raise ConfigError(f"grid: {cls.__name__} has no parameter {name!r}. {did_you_mean(str(name), known)}")
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        raise ConfigError(f"grid: {name} = {shown(given)}: must be a list of values; one value is written [{shown(given)}]")
    values = [_plain(value) for value in given]
    if not values:
        raise ConfigError(f"grid: {name} has no values; give at least one or leave it out")
    return values


def _plain(value: Any) -> Any:
    """A number of numpy's as Python's own, which the class's types mean."""
    return value.item() if isinstance(value, np.generic) else value
