"""Random compiled strategies equal their Python source: the same audit bytes and state, or the same error in the same words."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pandas as pd
import pytest

from framework import backtest
from framework.data.readers import read_bars
from framework.data.tape import Tape
from framework.errors import OneTapeError
from tests.properties.random_strategies import BODIES, source_of

RISK = {"allow_short": True, "max_leverage": 5.0}
COSTS = {"fee_bps": 1.0, "half_spread_bps": 2.0}
FIRST = int(os.environ.get("ONETAPE_RANDOM_FIRST", "0"))
"""Where `make long` begins: another number draws other strategies."""


def tape_of(seed: int) -> Tape:
    draw = np.random.default_rng(seed)
    bars = {}
    for name in ("A", "B"):
        index = pd.date_range("2024-01-02", periods=60, freq="h", tz="UTC")
        close = np.maximum(np.round(100 * np.exp(np.cumsum(draw.normal(0, 0.01, 60))), 2), 1.0)
        opens = np.r_[close[:1], close[:-1]]
        spread = np.round(draw.uniform(0.0, 1.0, 60), 2)
        high, low = np.maximum(opens, close) + spread, np.minimum(opens, close) - spread
        bars[name] = pd.DataFrame({"open": opens, "high": high, "low": low, "close": close, "volume": 500.0}, index=index)
    return read_bars(bars, tick_size=0.01, lot_size=1, calendar="24/7")


def outcome(strategy: Any, tape: Tape) -> tuple[str, ...]:
    """What a run came to, in words that must be equal."""
    try:
        result = backtest(strategy, tape, costs=COSTS, risk=RISK)
    except OneTapeError as error:
        return type(error).__name__, str(error)
    state = [repr(getattr(strategy, name)) for name in ("n", "f", "is_up")]
    rows = [getattr(strategy, name).tobytes().hex() for name in ("w", "seen", "flag", "last")]
    return result.audit_hash, *state, *rows


def differing(seed: int) -> list[str]:
    """The strategies of one class that differ, each with both outcomes."""
    scope: dict[str, Any] = {"__name__": f"drawn_{seed}"}
    source = source_of(seed)
    exec(compile(source, f"drawn_{seed}.py", "exec"), scope)
    tape, found = tape_of(seed), []
    for which in range(BODIES):
        fast, slow = outcome(scope["Drawn"](which=which), tape), outcome(scope["Drawn"].python(which=which), tape)
        if fast != slow:
            found.append(f"seed {seed}, which {which}\n  compiled {fast}\n  python   {slow}")
    return found


@pytest.mark.parametrize("seed", range(4))
def test_twenty_random_strategies_equal_their_source(seed: int) -> None:
    assert differing(seed) == []


@pytest.mark.long
@pytest.mark.parametrize("seed", range(FIRST + 4, FIRST + 204))
def test_a_thousand_random_strategies_equal_their_source(seed: int) -> None:
    assert differing(seed) == []
