"""What Python lets anybody write in place of a number, a text or a list is refused in words, before anything runs."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from framework import Strategy, backtest
from framework.data.readers import read_bars
from framework.errors import ConfigError, DataError, InputError
from framework.prove import prove
from framework.simulation.sweep import sweep

STAMPS = pd.date_range("2024-01-02 09:31", periods=4, freq="min", tz="UTC")
BARS = pd.DataFrame({"open": 10.0, "high": 12.0, "low": 9.0, "close": 11.0, "volume": 100.0}, index=STAMPS)


class Typed(Strategy):
    """Does nothing, with a parameter of each type."""

    fast: int = 20
    share: float = 0.5
    is_long: bool = True
    spans: list[int] = [5, 10]  # noqa: RUF012 - a parameter; every instance has its own
    note: str = ""


ACCOUNT: list[tuple[dict[str, Any], str]] = [
    ({"cash": "1000"}, r"^cash = '1000': must be a number, not str; write it as cash=1_000_000$"),
    ({"cash": None}, "^cash = None: must be a number, not NoneType"),
    ({"cash": True}, "^cash = True: must be a number, not bool"),
    ({"cash": np.bool_(True)}, r"^cash = np\.True_: must be a number"),
    ({"cash": [1000]}, r"^cash = \[1000\]: must be a number, not list"),
    ({"cash": Decimal(1000)}, "must be a number, not Decimal"),
    ({"cash": float("nan")}, "^cash = nan: must be above 0"),
    ({"cash": 10**5000}, "^cash = a whole number of 16,610 bits: must be above 0 and at most 1e"),
    ({"currency": 5}, "^currency = 5: must be three to five capital letters"),
    ({"currency": "usd"}, "^currency = 'usd': must be three to five capital letters"),
    ({"currency": None}, "^currency = None"),
    ({"seed": True}, "^seed = True: must be a whole number from 0"),
    ({"seed": 1.5}, "^seed = 1.5: must be a whole number from 0 .* not float"),
    ({"seed": -1}, r"^seed = -1: must be a whole number from 0 to 2\*\*63 - 1$"),
    ({"instruments": "AAPL"}, r"^instruments = 'AAPL': must be a list of symbols; one symbol is written \['AAPL'\]$"),
    ({"instruments": 5}, "^instruments = 5: must be a list of symbols, such as"),
    ({"instruments": [5]}, "^instruments names 5, which is int; rule: symbols are text. Write '5'.$"),
    ({"start": 5.5}, "^start=5.5 is not a date or a stamp"),
    ({"start": True}, "^start=True is not a date or a stamp"),
    ({"end": np.float64(5)}, "is not a date or a stamp"),
    ({"calendar": 5}, "^calendar = 5: must be text, not int"),
    ({"time_zone": 5}, "^time_zone = 5: must be text, not int"),
    ({"instrument_specs": 5}, "^instrument_specs = 5: must be a mapping by symbol, not int"),
    ({"instrument_specs": {"ASSET": 5}}, r"^instrument_specs\['ASSET'\] = 5: must be an Instrument or a mapping"),
    ({"tick_size": [1]}, "a step must be a positive number"),
]


@pytest.mark.parametrize(("given", "said"), ACCOUNT)
def test_each_entry_says_the_same(given: dict[str, Any], said: str) -> None:
    for run in (
        lambda: backtest(Typed(), BARS, **given),
        lambda: sweep(Typed, {"fast": [1]}, BARS, **given),
        lambda: prove(Typed, BARS, **given),
    ):
        with pytest.raises(InputError, match=said):
            run()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"benchmark": 5}, "^benchmark = 5: must be a symbol of the data or a pandas Series of levels, not int"),
        ({"benchmark": [1.0, 2.0]}, "must be a symbol of the data or a pandas Series"),
        ({"benchmark": pd.Series([1.0, 2.0])}, "^benchmark: must have a DatetimeIndex in UTC, got int64"),
        ({"benchmark": pd.Series(["a"] * 4, index=STAMPS)}, "^benchmark: levels must be numbers"),
        ({"name": 5}, "^name = 5: must be text, not int"),
        ({"chunk_events": "x"}, "^chunk_events = 'x': must be a whole number, not str"),
        ({"chunk_events": 1.5}, "^chunk_events = 1.5: must be a whole number, not float"),
        ({"chunk_events": True}, "^chunk_events = True: must be a whole number, not bool"),
        ({"chunk_events": 0}, "^chunk_events = 0: must be at least 1$"),
    ],
)
def test_what_only_a_backtest_takes(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        backtest(Typed(), BARS, **given)


def test_counts_and_lists_of_sweep_and_prove() -> None:
    for processes in ("2", True, 1.0):
        with pytest.raises(ConfigError, match=r"^processes = .*: must be a whole number"):
            sweep(Typed, {"fast": [1]}, BARS, processes=processes)  # type: ignore[arg-type]  # what Python lets through
    for points in ("x", True):
        with pytest.raises(ConfigError, match=r"^points = .*: must be a whole number"):
            prove(Typed, BARS, points=points)  # type: ignore[arg-type]  # what Python lets through
    with pytest.raises(ConfigError, match=r"^checks = 'warm_up': must be a list; one check is written \['warm_up'\]$"):
        prove(Typed, BARS, checks="warm_up")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"fast": True}, r"^Typed\.fast = True: must be a number, not a truth value or text \(declared as int\)$"),
        ({"fast": np.True_}, "must be a number"),
        ({"fast": "3"}, "^Typed.fast = '3': must be a number"),
        ({"share": True}, "^Typed.share = True: must be a number"),
        ({"share": "0.5"}, "must be a number"),
        ({"spans": [5, True]}, r"^Typed\.spans = \[5, True\]: must be a number"),
        ({"fast": 2.5}, "^Typed.fast = 2.5"),
    ],
    ids=str,
)
def test_a_parameter_that_is_a_number_takes_numbers(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Typed(**given)
    with pytest.raises(ConfigError, match="^grid, set 0 .*must be a number|^grid, set 0 .*fractional"):
        sweep(Typed, [given], BARS)


def test_what_is_right_is_taken() -> None:
    made = Typed(fast=np.int64(3), share=2, is_long=False, spans=(1, 2), note="5")
    assert dict(made.parameters) == {"fast": 3, "share": 2.0, "is_long": False, "spans": [1, 2], "note": "5"}
    series = pd.Series([1, 2, 3, 4], index=STAMPS)
    taken = [
        {"cash": np.int64(1000)},
        {"cash": np.float32(1000)},
        {"instruments": ("X",)},
        {"chunk_events": np.int64(2)},
        {"benchmark": series},
    ]
    for given in taken:
        result = backtest(Typed(), BARS, **given)  # type: ignore[arg-type]  # of several types
        assert result.equity.tolist() == [1_000_000.0 if "cash" not in given else 1000.0] * 4


def test_a_tape_and_a_reader_refuse_a_text_too() -> None:
    with pytest.raises(DataError, match="one symbol is written"):
        read_bars(BARS, instruments="ASSET")
    with pytest.raises(DataError, match="one symbol is written"):
        read_bars(BARS).select("ASSET")
