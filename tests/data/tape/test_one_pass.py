"""Bars become a tape block by block, each event written to its row: the same as all at once, put in order afterwards."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from framework.data.readers import read_bars
from framework.data.tape import Tape, build
from framework.data.tape.assembly import assemble
from framework.errors import DataError
from framework.schema.event import EVENT, Kind
from framework.schema.inferred import infer_step
from framework.schema.instrument import Instrument
from framework.schema.units import Step, to_steps
from tests.seeds import seeds

MANY = 40_000
"""Rows: more than any block holds."""


def frame(random: np.random.Generator, stamps: pd.DatetimeIndex) -> pd.DataFrame:
    close = np.round(100 * np.exp(np.cumsum(random.normal(0, 1e-4, len(stamps)))), 2)
    opens = np.round(close + random.normal(0, 0.02, len(stamps)), 2)
    top, bottom = np.maximum(opens, close), np.minimum(opens, close)
    return pd.DataFrame({"open": opens, "high": top, "low": bottom, "close": close, "volume": random.integers(0, 9, len(stamps))}, stamps)


def minutes(rows: int, start: str = "2020-01-01 00:01") -> pd.DatetimeIndex:
    return pd.date_range(start, periods=rows, freq="min", tz="UTC")


def sorted_afterwards(tape: Tape, random: np.random.Generator) -> bytes:
    """The events of a tape but for its sessions, in any order, made a tape again."""
    market = tape.events[tape.events["kind"] != Kind.SESSION]
    shuffled = market[np.argsort(random.random(len(market)))]
    return assemble(tape.instruments, [shuffled], name="", notes=()).events.tobytes()


@pytest.mark.parametrize("seed", seeds(6, "one pass"))
@pytest.mark.parametrize("calendar", ["24/7", "bars", "XNYS"])
def test_the_order_is_that_of_sorting_afterwards(seed: int, calendar: str) -> None:
    """With the same stamps, with gaps of their own, and with ticks between the bars."""
    random = np.random.default_rng(seed)
    whole = minutes(300, "2020-01-02 14:31")
    names = ["C", "A", "B"]
    given = {name: Instrument(name, calendar=calendar) for name in names}
    alike = {name: frame(random, whole) for name in names}
    gapped = {name: frame(random, whole[np.sort(random.choice(300, 200, replace=False))]) for name in names}
    ticks = np.zeros(50, EVENT)
    ticks["kind"], ticks["instrument"], ticks["w0"], ticks["w1"] = Kind.TRADE, random.integers(0, 3, 50), 10_000, 1
    ticks["ts_local_ns"] = ticks["ts_venue_ns"] = np.sort(random.choice(whole.as_unit("ns").asi8, 50))
    for tape in (build(alike, given), build(gapped, given), build(gapped, given, extra=ticks), build({"A": alike["A"]}, {"A": given["A"]})):
        assert tape.events.tobytes() == sorted_afterwards(tape, random)
        copied = Tape(tape.instruments, tape.currencies, tape.calendars, tape.events)
        assert (tape.has_bars_alone, tape.has_quotes) == (copied.has_bars_alone, copied.has_quotes)
        for name, spans in tape.sessions.items():
            assert all(np.array_equal(one, other) for one, other in zip(spans, copied.sessions[name], strict=True))


def test_the_first_offence_is_told_wherever_it_lies() -> None:
    """Columns come in the order open, high, low, close, whichever block holds the row, and all offences of the column are counted."""
    bars = frame(np.random.default_rng(1), minutes(MANY))
    late = bars.copy()
    late.iloc[5, 1] += 0.005  # high
    late.iloc[MANY - 3, 0] = late.iloc[MANY - 3, 1] = late.iloc[MANY - 3, 1] + 0.003
    with pytest.raises(
        DataError,
        match=rf"row {bars.index[MANY - 3]}, column open: .* is not a whole number of ticks of 0.01; 1 in all".replace("+", r"\+"),
    ):
        read_bars(late, tick_size="0.01")
    broken = bars.copy()
    broken.iloc[MANY - 2, 3] = np.nan
    broken.iloc[MANY - 1, 4] = -1.0
    with pytest.raises(DataError, match=r"column close: nan; rule: every value is a finite number below 1e\+18.* 2 offending rows in all"):
        read_bars(broken)
    for column, value, said in (
        (slice(0, 4), -1.0, "open: -1.0; rule: open > 0"),
        (4, -2.0, "volume: -2.0; rule: volume >= 0"),
        (1, 1e18, "high: 1e"),
    ):
        broken = bars.copy()
        broken.iloc[MANY - 2, column] = value
        with pytest.raises(DataError, match=f"column {said}.* 1 offending row in all"):
            read_bars(broken)
    assert read_bars(bars).instruments[0].tick == Step(1, 100)


def test_volumes_off_their_lots_are_told_once_for_all_blocks() -> None:
    bars = frame(np.random.default_rng(2), minutes(MANY)).assign(volume=1.0)
    bars.iloc[[7, MANY // 2], 4] = [2.5, 3.25]
    tape = read_bars(bars, lot_size=1)
    assert tape.notes == ("ASSET: 2 volumes are not whole lots of 1 and were floored, by 0.5 at most.",)
    lots = tape.events["w4"][tape.events["kind"] == Kind.BAR]
    assert (lots[7], lots[MANY // 2], int(lots.sum())) == (2, 3, MANY + 1 + 2)


@pytest.mark.parametrize("seed", seeds(6, "columns of one step"))
def test_columns_have_the_step_of_their_rows_in_one(seed: int) -> None:
    random = np.random.default_rng(seed)
    clean = [np.round(random.uniform(1, 500, MANY), 3) for _ in range(3)]
    messy = [values * np.exp(random.normal(0, 1e-3, MANY)) for values in clean]
    spoilt = [clean[0], np.where(np.arange(MANY) == MANY - 9, clean[1] + 0.0004, clean[1]), clean[2]]
    for columns, step in ((clean, Step(1, 1000)), (messy, None), (spoilt, Step(1, 10_000)), ([-values for values in clean], Step(1, 1000))):
        found, flat = infer_step(columns), infer_step(np.stack(columns, axis=1).ravel())
        assert found == flat
        assert step is None or found.step == step
    assert not infer_step(messy).is_exact


def test_steps_of_prices_are_those_of_each_price_alone() -> None:
    """What is told of whole arrays at once is what each value has by itself, beside zeros, NaN and what is too large too."""
    step = Step(1, 100)
    for more in ([], [0.0], [np.nan], [np.inf], [1e-300], [9e15], [0.005], [-1.25]):
        values = np.array([0.01, 99.99, 1e6, *more])
        steps, off = to_steps(values, step)
        alone = [step.exactly(value) if np.isfinite(value) else None for value in values.tolist()]
        wrong = [one is None or (one == 0 and value != 0) for one, value in zip(alone, values.tolist(), strict=True)]
        assert off.tolist() == wrong
        assert [int(one) for one, bad in zip(steps, wrong, strict=True) if not bad] == [
            one for one, bad in zip(alone, wrong, strict=True) if not bad
        ]


def test_one_table_of_many_symbols_is_each_of_them() -> None:
    random = np.random.default_rng(3)
    frames = {name: frame(random, minutes(50)) for name in ("B", "AA", "A")}
    table = pd.concat([bars.assign(symbol=name) for name, bars in frames.items()])
    mixed = table.iloc[np.argsort(table.index.asi8 * 3 + random.integers(0, 3, len(table)), kind="stable")]
    for given in (table, mixed, mixed.reset_index(names="ts"), mixed.astype({"symbol": object}), mixed.astype({"symbol": "category"})):
        assert read_bars(given).digest() == read_bars(frames).digest()
