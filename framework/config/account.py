"""The two numbers of a run that are given by themselves: what it starts with and the seed of its draws."""

from __future__ import annotations

from framework.config.section import LARGEST_MONEY
from framework.errors import ConfigError

LARGEST_SEED = 2**63 - 1


def check_cash(cash: float) -> None:
    """Refuse an opening balance that is none.

    Raises:
        ConfigError: not above 0, or more than 1e15.
    """
    if not 0 < cash <= LARGEST_MONEY:
        raise ConfigError(f"cash = {cash}: must be above 0 and at most {LARGEST_MONEY:g}; give it in a larger unit of the currency")


def check_seed(seed: object) -> None:
    """Refuse a seed that is no word of the kernel.

    Raises:
        ConfigError: not a whole number from 0 to 2**63 - 1.
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= LARGEST_SEED:
        raise ConfigError(f"seed = {seed!r}: must be a whole number from 0 to 2**63 - 1")
