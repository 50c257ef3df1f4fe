"""The settings of a run that are given by themselves, not in a section: what each may be, said before anything is read or run.

Python hands over whatever is written, and much of it would run: True is 1, a text is a row of letters.
"""

from __future__ import annotations

import re
from numbers import Integral

import numpy as np
import pandas as pd

from framework.config.section import CURRENCY, CURRENCY_RULE, LARGEST_MONEY, LARGEST_SEED
from framework.config.text import shown
from framework.errors import ConfigError


def check_account(*, cash: object, currency: object, seed: object) -> None:
    """Refuse an account that is none, and a seed that is no word of the kernel.

    Raises:
        ConfigError: `cash` is no number above 0 and at most 1e15, `currency` no three to five capital letters, or `seed` no whole
            number from 0 to 2**63 - 1.
    """
    if isinstance(cash, bool) or not isinstance(cash, (int, float, np.integer, np.floating)):
        raise ConfigError(f"cash = {shown(cash)}: must be a number, not {type(cash).__name__}; write it as cash=1_000_000")
    if cash <= 0:
        raise ConfigError(f"cash = {shown(cash)}: must be above 0; it is what the account opens with, such as cash=1_000_000")
    if not cash <= LARGEST_MONEY:
        raise ConfigError(f"cash = {shown(cash)}: must be above 0 and at most {LARGEST_MONEY:g}; give it in a larger unit of the currency")
    if not isinstance(currency, str) or not re.fullmatch(CURRENCY, currency):
        raise ConfigError(f"currency = {shown(currency)}: {CURRENCY_RULE}")
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
        raise ConfigError(
            f"seed = {shown(seed)}: must be a whole number from 0 to 2**63 - 1, not {type(seed).__name__}; write it as seed=7"
        )
    if not 0 <= seed <= LARGEST_SEED:
        raise ConfigError(f"seed = {shown(seed)}: must be a whole number from 0 to 2**63 - 1")


def check_count(name: str, value: object) -> None:
    """Refuse what cannot be a number of things.

    Raises:
        ConfigError: not a whole number of at least 1.
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise ConfigError(f"{name} = {shown(value)}: must be a whole number, not {type(value).__name__}; write it as {name}=4")
    if value < 1:
        raise ConfigError(f"{name} = {shown(value)}: must be at least 1")


def check_text(name: str, value: object) -> None:
    """Refuse what is neither a text nor None.

    Raises:
        ConfigError: with the name and the value.
    """
    if value is not None and not isinstance(value, str):
        raise ConfigError(f"{name} = {shown(value)}: must be text, not {type(value).__name__}; write it in quotes, or leave it out")


def check_benchmark(benchmark: object) -> None:
    """Refuse what a run cannot be compared with.

    Raises:
        ConfigError: neither a symbol nor a Series; or a Series whose index holds no stamps in UTC, or whose values are no numbers.
    """
    if benchmark is None or isinstance(benchmark, str):
        return
    if not isinstance(benchmark, pd.Series):
        raise ConfigError(
            f"benchmark = {shown(benchmark)}: must be a symbol of the data or a pandas Series of levels, not {type(benchmark).__name__}"
        )
    if not isinstance(benchmark.index, pd.DatetimeIndex) or str(benchmark.index.tz) != "UTC":
        raise ConfigError(
            f"benchmark: must have a DatetimeIndex in UTC, got {benchmark.index.dtype}; make one by "
            "series.index = pd.to_datetime(series.index, utc=True)"
        )
    if not pd.api.types.is_numeric_dtype(benchmark.dtype) or pd.api.types.is_bool_dtype(benchmark.dtype):
        raise ConfigError(f"benchmark: levels must be numbers, got {benchmark.dtype}; make them so by series.astype(float)")
