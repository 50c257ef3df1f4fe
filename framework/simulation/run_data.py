"""The tape of a run, from whatever a user calls data."""

from __future__ import annotations

from collections.abc import Mapping, Sized
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from framework.config import RunConfig
from framework.data.readers import is_dataset, read_bars
from framework.data.tape import Tape
from framework.errors import InputError
from framework.simulation.keywords import DATA_DEFAULTS

Data = str | Path | pd.DataFrame | Mapping[str, pd.DataFrame] | Tape


def tape_of(data: Data, keywords: Mapping[str, Any], currency: str) -> Tape:
    """The tape of some data.

    Args:
        data: what `read_bars` takes, or a tape.
        keywords: `DataKeywords`, perhaps among others; one at its default counts as not given.
        currency: of prices that name no other.
    """
    given = {name: keywords[name] for name in DATA_DEFAULTS if _is_given(name, keywords.get(name))}
    named = given.get("instruments")
    if isinstance(named, pd.Index | pd.Series | np.ndarray):
        named = given["instruments"] = named.tolist()
    if isinstance(named, Sized) and len(named) == 0:
        raise InputError("instruments is empty: name at least one symbol, or leave it out for all that the data have")
    if isinstance(data, Tape):
        span = [given.pop(name, None) for name in ("instruments", "start", "end")]
        if given:
            raise InputError(f"a tape is complete: {', '.join(given)} cannot be given with it")
        return data if all(part is None for part in span) else data.select(*span)
    if currency != "USD" and not is_dataset(data):
        given["currency"] = currency
    return read_bars(data, **given)


def tape_of_config(config: RunConfig) -> Tape:
    """The tape of a config's data."""
    return tape_of(config.data.source, config.data.model_dump(exclude={"source"}), config.account.currency)


def _is_given(name: str, value: object) -> bool:
    return value is not None and not (isinstance(value, str) and value == DATA_DEFAULTS[name])
