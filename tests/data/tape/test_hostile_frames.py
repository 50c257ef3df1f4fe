"""Frames whose columns hold what is no price, no volume, no symbol and no stamp: refused with the row, or read as what they say."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from framework.data.checks.decimals import exact
from framework.data.checks.far_off import EARLIEST_NS, LATEST_NS
from framework.data.formats import table
from framework.data.readers import read_bars
from framework.data.reference.actions import action_events, split_ratio
from framework.data.reference.price_limits import limit_events
from framework.data.tape.stamps import bounds_ns
from framework.errors import DataError, InputError
from framework.schema.event import Flag, Kind
from framework.schema.instrument import Instrument

ROWS = 6
STAMPS = pd.date_range("2024-01-02 09:31", periods=ROWS, freq="min", tz="UTC")
BARS = pd.DataFrame({"open": 10.0, "high": 12.0, "low": 9.0, "close": 11.0, "volume": 100.0}, index=STAMPS)


def with_cell(value: object, column: str = "open", row: int = 3) -> pd.DataFrame:
    """Bars with one value of any type, in a column of objects."""
    cells = np.empty(ROWS, dtype=object)
    cells[:] = BARS.get(column, "A")
    cells[row] = value
    return BARS.assign(**{column: pd.Series(cells, index=STAMPS, dtype=object)})


def words(frame: Any, word: str = "w0", **terms: Any) -> list[int]:
    events = read_bars(frame, tick_size="0.25", lot_size=1, **terms).events
    return [int(value) for value in events[word][events["kind"] == Kind.BAR]]


class _Nothing:
    """No number; its text is the same in every process."""

    def __repr__(self) -> str:
        return "<nothing>"


NO_NUMBERS = [
    *(True, np.bool_(False), None, np.nan, pd.NA, pd.NaT, np.inf, -np.inf, 1 + 2j, b"10", "x", "", "1_000", "0x10", "10\x005", [10], {}),
    *(pd.Timestamp("2020-01-01"), dt.datetime(2020, 1, 1), dt.date(2020, 1, 1), pd.Timedelta(10), np.datetime64("2020"), _Nothing()),
    *(Decimal("NaN"), Decimal("sNaN"), 10**400, -(10**30), 1e300, 1e18, np.array([1, 2])),
]  # fmt: skip


@pytest.mark.parametrize("value", NO_NUMBERS, ids=lambda value: repr(value)[:30])
@pytest.mark.parametrize("column", ["open", "volume"])
def test_what_is_no_number_is_refused_with_its_row(value: object, column: str) -> None:
    with pytest.raises(
        DataError, match=rf"frame 'A', row 2024-01-02 09:34:00\+00:00, column {column}: .*; rule: .*finite number.* Correct it"
    ):
        read_bars({"A": with_cell(value, column)})


NUMBERS = [10.5, "10.5", " 10.5", Decimal("10.5"), Fraction(21, 2), np.float32(10.5), np.float16(10.5), np.longdouble("10.5"), "1.05e1"]


@pytest.mark.parametrize("value", NUMBERS, ids=lambda value: type(value).__name__ + repr(value))
def test_what_is_a_number_is_read(value: object) -> None:
    assert words({"A": with_cell(value)}) == [40, 40, 40, 42, 40, 40]


GOOD_DTYPES = {
    "float32": BARS["open"].astype("float32"),
    "int8": BARS["open"].astype("int8"),
    "uint64": BARS["open"].astype("uint64"),
    "Int64": BARS["open"].astype("Int64"),
    "Float64": BARS["open"].astype("Float64"),
    "sparse": BARS["open"].astype(pd.SparseDtype("float64")),
    "categories": BARS["open"].astype("category"),
    "arrow": BARS["open"].astype("double[pyarrow]"),
    "arrow decimals": pd.Series([Decimal("10.00")] * ROWS, STAMPS, dtype=pd.ArrowDtype(pa.decimal128(9, 2))),
    "text": BARS["open"].astype("str"),
}
BAD_DTYPES = {
    "bool": BARS["open"] > 0,
    "boolean": (BARS["open"] > 0).astype("boolean"),
    "arrow bool": (BARS["open"] > 0).astype("bool[pyarrow]"),
    "datetime": pd.Series(STAMPS, STAMPS),
    "naive datetime": pd.Series(STAMPS.tz_localize(None), STAMPS),
    "timedelta": pd.Series(pd.to_timedelta(range(1, ROWS + 1), unit="ns"), STAMPS),
    "period": pd.Series(pd.period_range("2024-01", periods=ROWS, freq="M"), STAMPS),
    "complex": BARS["open"].astype(complex),
    "categories of words": pd.Series(["a", "b"] * 3, STAMPS, dtype="category"),
    "nothing": pd.Series([pd.NA] * ROWS, STAMPS, dtype="Float64"),
}


@pytest.mark.parametrize("name", GOOD_DTYPES)
def test_columns_of_numbers_of_any_library(name: str) -> None:
    assert words({"A": BARS.assign(open=GOOD_DTYPES[name])}) == [40] * ROWS


@pytest.mark.parametrize("name", BAD_DTYPES)
def test_columns_of_anything_else(name: str) -> None:
    with pytest.raises(DataError, match=r"frame 'A', row 2024-01-02 09:31:00\+00:00, column close: .*; rule: .* 6 offending rows"):
        read_bars({"A": BARS.assign(close=BAD_DTYPES[name])})


def test_a_price_too_small_for_its_grid_is_not_0() -> None:
    with pytest.raises(DataError, match=r"column low: 1e-300 is not a whole number of ticks"):
        read_bars(with_cell(1e-300, "low"), tick_size="0.25")


@pytest.mark.parametrize(
    ("symbols", "said"),
    [
        (["A", 7] * 3, r"column symbol: 7 \(int\); rule: all symbols are text, or all are whole numbers"),
        (["A", None] * 3, "column symbol: empty"),
        (["A", np.nan] * 3, "column symbol: empty"),
        ([1.5] * 6, r"column symbol: 1.5 \(float\)"),
        ([True] * 6, r"column symbol: True \(bool\)"),
        ([("A",)] * 6, r"column symbol: \('A',\) \(tuple\)"),
    ],
)
def test_mixed_symbols_are_refused(symbols: list[object], said: str) -> None:
    with pytest.raises(DataError, match=said):
        read_bars(BARS.assign(symbol=pd.Series(symbols, STAMPS, dtype=object)))


def test_symbols_as_numbers_and_as_categories() -> None:
    assert [one.symbol for one in read_bars({7203: BARS, 6758: BARS}).instruments] == ["6758", "7203"]
    twice = pd.concat([BARS.assign(ticker=name) for name in ("B", "A")]).astype({"ticker": "category"})
    assert [one.symbol for one in read_bars(twice, columns={"ticker": "symbol"}).instruments] == ["A", "B"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({7203: BARS, "AAPL": BARS}, r"frames, key 1, column symbol: 7203 \(int\)|key 2, column symbol: 'AAPL' \(str\)"),
        ({"A": BARS["open"]}, "frame 'A': a Series; rule: a dict holds a DataFrame"),
        ({"A": None}, "frame 'A': a NoneType"),
        ({"": BARS}, "key 1, column symbol: empty"),
        ({"A": BARS.assign(symbol="A")}, "frame 'A': has a column 'symbol' besides its key"),
        (pd.concat([BARS, BARS["open"]], axis=1), "column 'open' appears more than once"),
        (BARS.assign(symbol="A", Symbol="B"), "column 'symbol' appears more than once"),
        (BARS.set_axis(pd.MultiIndex.from_product([["X"], BARS.columns]), axis=1), r"column .*'open'.* is unknown"),
        (BARS[:0], "no rows"),
        ("x" * 5000, "neither a dataset nor a file"),
        ("a\0b.csv", "a\0b.csv: no such file"),
    ],
)
def test_frames_of_another_shape(data: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read_bars(data)


FAR = ["0001-01-01", "1677-09-21", "1849-12-31", "2262-04-12", "2200-01-01T00:01", "9999-12-31"]


@pytest.mark.parametrize("moment", FAR)
@pytest.mark.parametrize("unit", ["s", "us", "text"])
def test_far_off_stamps_are_refused_with_their_row(moment: str, unit: str) -> None:
    stamps: Any = [*STAMPS[:-1].tz_localize(None).to_numpy("datetime64[s]"), np.datetime64(moment, "s")]
    if unit == "text":
        stamps = [str(stamp) + "Z" for stamp in stamps]
    index = pd.Index(np.array(stamps) if unit == "text" else pd.DatetimeIndex(stamps).as_unit(unit))
    with pytest.raises(DataError, match=r"frame, row 5, column stamp: .*; rule: stamps lie from 1850-01-01 to 2200-01-01"):
        read_bars(BARS.set_axis(index, axis=0), time_zone="UTC")


def test_how_far_stamps_reach() -> None:
    assert [str(np.datetime64(ns, "ns"))[:10] for ns in (EARLIEST_NS, LATEST_NS)] == ["1850-01-01", "2200-01-01"]
    with pytest.raises(DataError, match="start=nan is not a date or a stamp"):
        bounds_ns(np.nan, None)  # type: ignore[arg-type]  # what Python lets through
    for bound in ("9999-01-01", dt.date(1, 1, 1), pd.NaT):
        with pytest.raises(DataError, match=r"start=.*; rule: stamps lie from"):
            bounds_ns(bound, None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("index", "terms"),
    [
        (pd.Index([1, 2, 3, 4, 5, 2**62]), {"epoch": "ms"}),
        (pd.Index([1e300] * ROWS), {"epoch": "s"}),
        (pd.Index([1.0, np.nan, 3.0, 4.0, 5.0, 6.0]), {"epoch": "s"}),
        (pd.Index([True, False] * 3), {"epoch": "s"}),
        (pd.Index([1 + 0j] * ROWS), {"epoch": "s"}),
        (pd.Index([None] * ROWS), {}),
        (pd.Index(["2024-01-02", *map(str, STAMPS[1:])]), {"time_zone": "UTC"}),
        (pd.Index(["2024-1-2", "2024-01-03", "2024-01-04", "2024-01-05", "2024-01-08", "2024-01-09"]), {"time_zone": "UTC"}),
        (STAMPS.insert(2, pd.NaT)[:ROWS], {}),
        (pd.timedelta_range(0, periods=ROWS, freq="min"), {}),
        (pd.interval_range(0, periods=ROWS), {}),
    ],
)
def test_indexes_that_are_no_stamps(index: pd.Index, terms: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=r"frame.*stamp.*(rule|Say|size|Fill)"):
        read_bars(BARS.set_axis(index, axis=0), **terms)


TRADES = pd.DataFrame({"ts": range(4), "price": [1.0, 1.1, 1.2, 1.3], "size": [1, 2, 3, 4]})


@pytest.mark.parametrize(
    ("side", "said"),
    [
        ([True, False] * 2, r"row 0, column side: .*rule: the words buy or sell"),
        ([1, -1, 1, -1], r"row 0, column side: 1 \(int64\); rule: the words buy or sell"),
        (["buy", None, "sell", "buy"], "row 1, column side: empty; rule: buy or sell"),
        (["buy", "sell", "bid", "buy"], "row 2, column side: bid; rule: buy or sell"),
        (["buy", "", "sell", "buy"], "row 1, column side: ; rule: buy or sell"),
    ],
)
def test_sides_that_are_none(side: list[object], said: str) -> None:
    with pytest.raises(DataError, match=said):
        table.read(TRADES.assign(side=side), "trades", unit="ms").events()


def test_sides_as_categories() -> None:
    events = table.read(TRADES.assign(side=pd.Categorical(["buy", "SELL", "sell", "Buy"])), "trades", unit="ms").events()
    assert events["flags"].tolist() == [Flag.BUY, Flag.SELL, Flag.SELL, Flag.BUY]


@pytest.mark.parametrize("price", [[True] * 4, pd.to_datetime([1, 2, 3, 4]), ["1", "2", "3", "4"], [1.0, 1.1, 1e300, 1.3], [1 + 2j] * 4])
def test_tables_whose_prices_are_none(price: object) -> None:
    with pytest.raises(DataError, match=r"frame.*rule|frame: cannot be read"):
        table.read(TRADES.assign(price=price), "trades", unit="ms").events()


def actions(**changes: object) -> pd.DataFrame:
    row: dict[str, object] = {"symbol": "A", "ts": pd.Timestamp("2024-01-02", tz="UTC"), "kind": "dividend", "value": 1.0, **changes}
    return pd.DataFrame({name: pd.Series([value], dtype=object) for name, value in row.items()})


@pytest.mark.parametrize(
    "changes",
    [
        *({"ts": ts} for ts in (pd.NaT, "soon", True, 5, pd.Timestamp("9999-01-01", tz="UTC"), pd.Timestamp("2024-01-02"), [1])),
        *({"value": value} for value in (True, None, "1e999999999", "nan", 10**30, -1, [1], 1 + 2j, pd.NaT)),
        *({"kind": "split", "value": value} for value in ("1e999999999", "1:0", "9" * 40 + ":1", True, None, "a:b")),
        *({"symbol": symbol} for symbol in (None, 5, ["A"], {})),
        *({"kind": kind} for kind in (None, 5, ["dividend"])),
    ],
)
def test_actions_of_other_types(changes: dict[str, object]) -> None:
    with pytest.raises(DataError, match="actions"):
        action_events(actions(**changes), [Instrument("A")])


def test_an_empty_table_of_actions_is_none() -> None:
    nothing = pd.DataFrame(columns=["symbol", "ts", "kind", "value"])
    assert np.array_equal(read_bars({"A": BARS}, actions=nothing).events, read_bars({"A": BARS}).events)
    with pytest.raises(DataError, match="actions= is a list"):
        read_bars({"A": BARS}, actions=[])  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [True, "x", np.inf, pd.Timestamp("2020-01-01"), 1e300])
def test_price_limits_of_other_types(value: object) -> None:
    limits = pd.DataFrame({"lower": pd.Series([value], dtype=object), "upper": np.nan}).set_axis(STAMPS[:1], axis=0)
    with pytest.raises(DataError, match=r"price limits of A, row 0.*lower"):
        limit_events(limits, Instrument("A"), 0)


@pytest.mark.parametrize(
    ("text", "value"), [("2.50", Fraction(5, 2)), ("-1e-8", Fraction(-1, 10**8)), (" 1/3 ", Fraction(1, 3)), (".5", Fraction(1, 2))]
)
def test_exact_decimals(text: str, value: Fraction) -> None:
    assert exact(text) == value
    assert split_ratio("3:2") == Fraction(3, 2)


@pytest.mark.parametrize("text", ["", "1e999", "1e999999999", "1/0", "nan", "inf", "1_0", "0x1", "9" * 31, "1e", "٣", "1//2", "True"])
def test_what_is_no_exact_decimal(text: str) -> None:
    with pytest.raises(ValueError, match="is no number"):
        exact(text)


def test_random_frames_are_refused_or_read() -> None:
    """Any value anywhere: our error or a tape, whose bars then hold the number that Python makes of it."""
    draw, read = random.Random(26), 0
    pool = [*NO_NUMBERS, *NUMBERS, 9.25, 9.5, 11, 12.0, "9.75", 0, -1, 5e-324]
    for _ in range(300):
        column, row, value = draw.choice(BARS.columns), draw.randrange(ROWS), draw.choice(pool)
        frame = with_cell(value, column, row)
        try:
            tape = read_bars({"A": frame}, tick_size="0.25", lot_size="0.25")
        except InputError as error:
            assert "'A'" in str(error) or "A, row" in str(error)  # what is read is looked at below
            continue
        word = {"open": "w0", "high": "w1", "low": "w2", "close": "w3", "volume": "w4"}[column]
        bars = tape.events[tape.events["kind"] == Kind.BAR]
        assert int(bars[word][row]) == int(float(value) * 4)  # type: ignore[arg-type]
        read += 1
    assert read > 20
