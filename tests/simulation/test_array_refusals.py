"""Arrays that cannot be right are refused, with place, value, rule and way out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from framework import Signals, Strategy, backtest
from framework.data.readers import read_bars
from framework.errors import ConfigError, InputError
from framework.simulation.arrays import as_strategy
from framework.simulation.audited_run import replay
from tests.simulation.test_arrays import DAYS, bars

NAN = np.nan
DATA = {"AAPL": bars([10] * 4, [10] * 4), "IBM": bars([20] * 4, [20] * 4)}


def frame(rows: dict[str, list[Any]] | None = None, index: Any = None) -> pd.DataFrame:
    table = pd.DataFrame(rows or {"AAPL": [0.5, NAN], "IBM": [0.2, 0.1]})
    return table.set_index(DAYS[: len(table)] if index is None else index)


def weights_refused(match: str, table: Any, **settings: Any) -> None:
    with pytest.raises(InputError, match=match):
        backtest(weights=table, **{"data": DATA, **settings})


def test_exactly_one_of_four() -> None:
    with pytest.raises(ConfigError, match=r"exactly one of strategy, weights, targets and signals, got none of them"):
        backtest(data=DATA)
    with pytest.raises(ConfigError, match=r"got strategy and weights\."):
        backtest(Strategy(), DATA, weights=frame())
    with pytest.raises(ConfigError, match=r"got weights and targets and signals\."):
        backtest(weights=frame(), targets=frame(), signals=(frame(), frame()), data=DATA)
    with pytest.raises(ConfigError, match=r"strategy is a DataFrame; arrays are given by name: backtest\(weights=\.\.\.\)"):
        backtest(frame(), DATA)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"forget the brackets"):
        backtest(Strategy, DATA)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"as_strategy\(\) needs exactly one of weights, targets and signals, got weights and targets"):
        as_strategy(weights=frame(), targets=frame())
    tape = read_bars(DATA)
    ran = backtest(weights=frame(), data=tape)
    with pytest.raises(ConfigError, match=r"replay\(\) needs exactly one of .* got none of them"):
        replay(None, tape, ran.audit)


def test_the_index_is_of_stamps() -> None:
    weights_refused(r"weights: the index is a RangeIndex of int64; it must be a DatetimeIndex", frame(index=pd.RangeIndex(2)))
    weights_refused(r"weights, row 1: the stamp is NaT", frame(index=pd.DatetimeIndex([DAYS[0], pd.NaT])))
    weights_refused(r"row 1: 2024-03-01 .* comes after 2024-03-02 .*rule: stamps increase; 1 in all.*sort_index", frame(index=DAYS[[1, 0]]))
    weights_refused(r"row 1: 2024-03-01 00:00:00\+00:00 comes twice", frame(index=DAYS[[0, 0]]))


def test_stamps_are_those_of_bars() -> None:
    off = DAYS[:2] + pd.Timedelta("5h")
    weights_refused(
        r"weights, row 0: 2024-03-01 05:00:00\+00:00 is not the stamp of a bar; 2 of 2 are not. The nearest bars: "
        r"before it 2024-03-01 00:00:00\+00:00, after it 2024-03-02 00:00:00\+00:00. Give each row the stamp of the bar",
        frame(index=off),
    )
    late = pd.DatetimeIndex([DAYS[1], pd.Timestamp("2025-01-01", tz="UTC")])
    weights_refused(
        r"row 1: 2025-01-01 .* 1 of 2 are not. The nearest bars: before it 2024-03-04 00:00:00\+00:00\. Give", frame(index=late)
    )
    early = pd.DatetimeIndex([pd.Timestamp("2023-01-01", tz="UTC"), DAYS[1]])
    weights_refused(r"row 0: 2023-01-01 .* The nearest bars: after it 2024-03-01 00:00:00\+00:00\. Give", frame(index=early))
    elsewhere = DAYS[:2].tz_convert("America/New_York")
    assert len(backtest(weights=frame(index=elsewhere), data=DATA).fills) == 3


def test_a_start_that_leaves_rows_outside_is_refused() -> None:
    weights_refused(r"row 0: 2024-03-01 .* 1 of 2 are not", frame(), start="2024-03-01")


def test_dates_need_a_calendar_and_one_bar() -> None:
    dates = DAYS[:2].tz_localize(None)
    weights_refused(r"dates without a zone, and the calendar 'bars' of the data does not say on which date", frame(index=dates))
    weights_refused(r"row 0: 2024-03-01 09:30:00 has a time but no zone; 2 in all.*tz_localize", frame(index=dates + pd.Timedelta("9h30m")))
    daily = {"data": "us_equities_daily", "instruments": ["AAPL", "IBM"], "start": "2012-11-19", "end": "2012-11-30"}
    holiday = pd.DatetimeIndex(["2012-11-21", "2012-11-22"])
    weights_refused(
        r"weights, row 1: 2012-11-22 is a date, and in that session of XNYS no bar closes; rule: a date names exactly one stamp of bars; "
        r"1 of 2 do not",
        frame(index=holiday),
        **daily,
    )
    hours = pd.date_range("2024-03-01 01:00", periods=48, freq="h", tz="UTC")
    hourly = pd.DataFrame({"open": 10.0, "high": 10.0, "low": 10.0, "close": 10.0, "volume": 9.0}, index=hours)
    weights_refused(
        r"2024-03-01 is a date, and in that session of 24/7 bars close at 24 stamps, from 2024-03-01 01:00:00\+00:00 to "
        r"2024-03-02 00:00:00\+00:00",
        frame({"A": [1.0]}, index=dates[:1]),
        data={"A": hourly},
    )


def test_columns_are_symbols() -> None:
    weights_refused(r"column 'AAPLE' is not a symbol of the data. Did you mean AAPL\?", frame({"AAPLE": [0.1], "IBM": [0.1]}))
    weights_refused(r"column 7 is a int; columns must be symbols", frame({7: [0.1]}))  # type: ignore[dict-item]
    twice = frame()
    twice.columns = pd.Index(["IBM", "IBM"])
    weights_refused(r"column 'IBM' comes 2 times", twice)
    weights_refused(r"no columns", frame()[[]])
    weights_refused(r"a Series named 'X', and the data have 2 instruments: its name must be a symbol", frame()["IBM"].rename("X"))
    weights_refused(r"weights is a list: must be a DataFrame", [0.5])


def test_cells_are_numbers() -> None:
    weights_refused(r"column IBM has dtype object; every cell must be a number or NaN", frame().astype({"IBM": object}))
    weights_refused(r"column AAPL has dtype bool", frame({"AAPL": [True], "IBM": [False]}))
    weights_refused(r"row 2024-03-02 00:00:00\+00:00, column IBM: inf is not a number", frame({"AAPL": [0.1, 0.1], "IBM": [0.1, np.inf]}))
    weights_refused(r"column AAPL: -inf is not a number", frame({"AAPL": [-np.inf]}), risk={"allow_short": True})
    weights_refused(r"all 2 cells are NaN, so nothing would be ordered", frame({"IBM": [NAN, NAN]}))


def test_limits_are_kept() -> None:
    weights_refused(
        r"weights, row 2024-03-02 00:00:00\+00:00, column IBM: -0.2 < 0 while risk.allow_short is false; 1 cells in all",
        frame({"AAPL": [0.5, 0.5], "IBM": [0.2, -0.2]}),
    )
    with pytest.raises(InputError, match=r"targets, row 2024-03-01 .*, column IBM: -5 < 0 while risk.allow_short is false"):
        backtest(targets=frame({"IBM": [-5]}), data=DATA)
    over = frame({"AAPL": [0.5, 0.9, 0.6], "IBM": [0.5, 0.2, 0.7]})
    weights_refused(
        r"weights, row 2024-03-02 00:00:00\+00:00: the absolute weights add up to 1.1 > max_leverage 1; 2 rows in all.*max_leverage\": 1.3",
        over,
    )
    short = {"allow_short": True, "max_leverage": 1.5}
    weights_refused(r"add up to 1.6 > max_leverage 1.5", frame({"AAPL": [0.8], "IBM": [-0.8]}), risk=short)
    third = frame({"AAPL": [1 / 3], "IBM": [2 / 3 + 1e-12]})  # rounding passes
    assert len(backtest(weights=third, data=DATA).orders) == 2


def test_numpy_arrays_have_the_shape_of_the_data() -> None:
    weights_refused(
        r"weights has shape \(2, 4\), the data have 4 stamps of bars and 2 instruments: an array must have shape \(4, 2\)", np.ones((2, 4))
    )
    weights_refused(r"weights has dtype bool; it must be a number", np.ones((4, 2), dtype=bool))
    with pytest.raises(InputError, match=r"a numpy array needs the data"):
        as_strategy(weights=np.ones((4, 2)))
    with pytest.raises(InputError, match=r"dates without a zone need the data"):
        as_strategy(weights=frame(index=DAYS[:2].tz_localize(None)))


def truth(*rows: tuple[bool, bool]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["AAPL", "IBM"], index=DAYS[: len(rows)])


YES, NO = truth((False, True), (True, False)), truth((False, False), (False, False))


@pytest.mark.parametrize(
    ("error", "match", "make"),
    [
        (InputError, r"column IBM: entries and exits are both true; 1 cells in all", lambda: (YES, truth((False, True), (False, False)))),
        (InputError, r"entries and short_entries are both true", lambda: Signals(YES, NO, short_entries=YES)),
        (InputError, r"short_entries and short_exits are both true", lambda: Signals(NO, NO, YES, YES)),
        (InputError, r"signals.short_entries, row 2024-03-01 .*, column IBM: a short entry while", lambda: Signals(NO, NO, YES)),
        (InputError, r"signals.exits has shape \(1, 2\), signals.entries \(2, 2\)", lambda: (YES, NO.iloc[:1])),
        (InputError, r"signals.exits: its columns has IBM at position 0, signals.entries has AAPL", lambda: (YES, NO[["IBM", "AAPL"]])),
        (InputError, r"signals.exits: its index has 2024-03-03 .* at position 1", lambda: (YES, NO.set_index(DAYS[[0, 2]]))),
        (InputError, r"signals.exits: column AAPL has dtype float64; every cell must be boolean", lambda: (YES, NO * 1.0)),
        (InputError, r"signals.exits: 1 cells are missing", lambda: (YES, NO.astype("boolean").mask(truth((True, False), (False, False))))),
        (ConfigError, r"signals is a tuple of 3: must be \(entries, exits\)", lambda: (YES, NO, NO)),
        (ConfigError, r"signals is a DataFrame: must be", lambda: YES),
        (ConfigError, r"signals.exits is None", lambda: Signals(YES, None)),  # type: ignore[arg-type]
        (ConfigError, r"weight = 0.5 and quantity = 3; give one", lambda: Signals(YES, NO, weight=0.5, quantity=3)),
        (ConfigError, r"signals.weight = -0.5: must be a number above 0", lambda: Signals(YES, NO, weight=-0.5)),
        (ConfigError, r"signals.quantity = nan: must be a number above 0", lambda: Signals(YES, NO, quantity=NAN)),
        (ConfigError, r"signals.weight = 1.5 > max_leverage 1", lambda: Signals(YES, NO, weight=1.5)),
    ],
)
def test_signals_that_cannot_be(error: type[Exception], match: str, make: Callable[[], Any]) -> None:
    risk = {"allow_short": "a short entry while" not in match}
    with pytest.raises(error, match=match):
        backtest(signals=make(), data=DATA, risk=risk)


def test_nothing_to_do_is_allowed_for_signals() -> None:
    assert backtest(signals=(NO, NO), data=DATA).orders.empty


def test_an_instrument_missing_in_the_run_is_named() -> None:
    with pytest.raises(InputError, match=r"Panel.on_start .*unknown instrument 'TSLA'"):
        backtest(as_strategy(weights=frame({"TSLA": [0.1]})), DATA)
