"""The market table against a plain book, by hand, and on real recordings."""

from __future__ import annotations

import gzip
import math
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from framework.data.series.book_replay import OrderBook
from framework.data.tape import build
from framework.data.tape.recording import Events, Recording
from framework.errors import InputError
from framework.schema.event import EVENT, Flag, Kind
from framework.schema.instrument import Instrument
from framework.stages import features as f
from tests.tapes.ticks import events_of, read_ticks

ACME = Instrument("ACME")
LINES = """
book 99 x 5, 98 x 1 / 101 x 4
trade 101 x 3 BUY
ask 101 x 1, bid 99 x 0
GAP
trade 100 x 2
book 97 x 2 / 100 x 3, 102 x 7
"""


def drawn(lines: str) -> Events:
    made = [events_of(read_ticks(line.split()), k, k, 0, ACME) for k, line in enumerate(lines.strip().splitlines(), start=1)]
    return np.concatenate(made)


def recording(events: Events) -> Recording:
    return Recording((ACME,), lambda: iter((events,)), "drawn")


def test_by_hand() -> None:
    table = f.market_table(recording(drawn(LINES)), levels=2)
    nan = math.nan
    assert table["is_trade"].tolist() == [False, True, False, False, True, False]
    assert table["side"].tolist() == [0, 1, 0, 0, 0, 0]
    expected = {
        "price": [nan, 101, nan, nan, 100, nan],
        "size": [0, 3, 0, 0, 2, 0],
        "signed_size": [0, 3, 0, 0, 0, 0],
        "bid": [99, 99, 98, nan, nan, 97],
        "bid_size": [5, 5, 1, nan, nan, 2],
        "ask": [101, 101, 101, nan, nan, 100],
        "ask_size": [4, 4, 1, nan, nan, 3],
        "bid_2": [98, 98, nan, nan, nan, nan],
        "ask_size_2": [nan, nan, nan, nan, nan, 7],
        "mid": [100, 100, 99.5, nan, nan, 98.5],
    }
    for name, values in expected.items():
        np.testing.assert_array_equal(table[name], values, err_msg=name)
    assert table.index.tz is not None and table["ts_ns"].tolist() == [1, 2, 3, 4, 5, 6]


def test_quotes() -> None:
    quotes = np.zeros(2, dtype=EVENT)
    quotes["kind"], quotes["ts_local_ns"] = Kind.QUOTE, [1, 2]
    quotes["w0"], quotes["w1"], quotes["w2"], quotes["w3"] = [9_900, 0], [10_100, 10_050], [3, 0], [4, 5]
    table = f.market_table(build({}, {"ACME": ACME}, extra=quotes), "ACME")
    np.testing.assert_array_equal(table[["bid", "bid_size", "ask", "ask_size"]], [[99, 3, 101, 4], [math.nan, math.nan, 100.5, 5]])


def quote(ns: int, bid: int, bid_lots: int, ask: int, ask_lots: int) -> Events:
    made = np.zeros(1, dtype=EVENT)
    made["kind"], made["ts_local_ns"], made["ts_venue_ns"] = Kind.QUOTE, ns, ns
    made["w0"], made["w1"], made["w2"], made["w3"] = bid, ask, bid_lots, ask_lots
    return made


def ticks(ns: int, line: str) -> Events:
    return events_of(read_ticks(line.split()), ns, ns, 0, ACME)


def test_of_quotes_beside_a_book_the_fresher_is_the_best() -> None:
    """The levels behind are those of the book that stand behind the best, whoever told it."""
    told = [
        ticks(1, "book 99 x 5, 98 x 1 / 101 x 4, 102 x 6"),
        quote(2, 9_800, 2, 10_050, 3),  # 99 is gone before the book says so, and an offer at 100.50 has come
        ticks(3, "trade 100.50 x 1 BUY"),
        ticks(4, "ask 101 x 7"),  # the book again: it has not heard of 100.50
        quote(5, 0, 0, 10_300, 1),
        ticks(6, "GAP"),
        quote(7, 9_700, 1, 9_900, 2),
        ticks(8, "bid 98 x 9"),  # of a book that is unknown
    ]
    table = f.market_table(recording(np.concatenate(told)), levels=2)
    nan = math.nan
    expected = {
        "bid": [99, 98, 98, 99, nan, nan, 97, 97],
        "bid_size": [5, 2, 2, 5, nan, nan, 1, 1],
        "ask": [101, 100.5, 100.5, 101, 103, nan, 99, 99],
        "ask_size": [4, 3, 3, 7, 1, nan, 2, 2],
        "bid_2": [98, nan, nan, 98, nan, nan, nan, nan],
        "ask_2": [102, 101, 101, 102, nan, nan, nan, nan],
        "ask_size_2": [6, 4, 4, 6, nan, nan, nan, nan],
        "mid": [100, 99.25, 99.25, 100, nan, nan, 98, 98],
    }
    for name, values in expected.items():
        np.testing.assert_array_equal(table[name], values, err_msg=name)


def test_quotes_far_from_the_books_window() -> None:
    """The window holds the prices of the book's own messages; a quote beyond it has the whole book behind it, or none of it."""
    told = [ticks(1, "book 99 x 5 / 101 x 4"), quote(2, 50_000, 1, 50_001, 2), quote(3, 10, 1, 11, 2)]
    table = f.market_table(recording(np.concatenate(told)), levels=2)
    np.testing.assert_array_equal(table["bid_2"], [math.nan, 99, math.nan])
    np.testing.assert_array_equal(table["ask_2"], [math.nan, math.nan, 101])


def test_quotes_tell_the_mid_of_a_book_without_a_snapshot() -> None:
    told = [ticks(1, "bid 99 x 5"), quote(2, 9_900, 1, 10_100, 2), ticks(3, "ask 101 x 4"), ticks(4, "trade 101 x 1 BUY")]
    table = f.market_table(recording(np.concatenate(told)))
    np.testing.assert_array_equal(table["mid"], [math.nan, 100, 100, 100])


def test_a_random_book_by_order_is_the_plain_book() -> None:
    random = np.random.default_rng(9)
    n = 4_000
    events = np.zeros(n, dtype=EVENT)
    events["kind"], events["ts_local_ns"] = Kind.DEPTH, np.arange(n)
    is_bid = random.random(n) < 0.5
    events["flags"] = np.where(is_bid, int(Flag.BUY), int(Flag.SELL)) | np.where(random.random(n) < 0.7, int(Flag.LAST), 0)
    events["w0"] = np.where(is_bid, 9_990, 10_001) + random.integers(0, 10, n)
    events["w1"], events["w2"] = random.integers(0, 4, n), np.where(is_bid, 1, 1_001) + random.integers(0, 300, n)
    events["flags"][0] |= int(Flag.SNAPSHOT | Flag.CLEAR)
    table = f.market_table(recording(events), levels=3)
    plain, rows = OrderBook(), []
    for _ in plain.messages(events):
        levels = [[*(best + [(0, 0)] * 3)[:3]] for best in (plain.bids(3), plain.asks(3))]
        rows.append([word for bid, ask in zip(*levels, strict=True) for word in (*bid, *ask)])
    names = [f"{word}{suffix}" for suffix in ("", "_2", "_3") for word in ("bid", "bid_size", "ask", "ask_size")]
    found = table[names].fillna(0.0).to_numpy() * np.array([100, 1] * 6)
    np.testing.assert_array_equal(np.rint(found), rows)


def test_what_cannot_be_told_is_refused() -> None:
    with pytest.raises(InputError, match="no instrument 'ACMEE'. Did you mean ACME"):
        f.market_table(recording(drawn(LINES)), "ACMEE")
    with pytest.raises(InputError, match="ACME has no books, quotes or trades"):
        f.market_table(recording(drawn(LINES)[:0]))
    with pytest.raises(InputError, match=r"no column 'bid_2'. Make the table with market_table\(..., levels=2\)"):
        f.BookPressure(2).over(f.market_table(recording(drawn(LINES))))


@pytest.fixture
def shared() -> Path:
    root = Path(os.environ.get("ONETAPE_SHARED", Path(__file__).parents[4] / "shared"))
    if not (root / "data").is_dir():
        pytest.skip("the developers' market data are not here: set ONETAPE_SHARED to their folder")
    return root / "data"


def slope_and_fit(table: pd.DataFrame, every: str, tick: float) -> tuple[float, float]:
    """The regression of Cont, Kukanov and Stoikov: mid changes in ticks on order-flow imbalance, both by interval; slope and R squared."""
    flow = f.OrderFlowImbalance().over(table).resample(every).sum()
    change = table.loc[~table["is_trade"], "mid"].resample(every).last().ffill().diff() / tick
    both = pd.concat((flow, change), axis=1).dropna().to_numpy().T
    return float(np.polyfit(*both, 1)[0]), float(np.corrcoef(both)[0, 1] ** 2)


def test_apple_on_lobster(shared: Path, tmp_path: Path) -> None:
    """An hour of AAPL by order, 2012. Its spread is tens of ticks wide, so the fit is below that of the paper's stocks (R squared 0.65)."""
    from framework.data.formats import lobster

    for packed in (shared / "05_l2_l3_books/orderbook/juypter").glob("AAPL_*.gz"):
        with gzip.open(packed) as source, (tmp_path / packed.stem).open("wb") as target:
            shutil.copyfileobj(source, target)
    table = f.market_table(lobster.read(tmp_path / "AAPL_2012-06-21_message_50.csv"), levels=5)
    slope, fit = slope_and_fit(table, "10s", 0.01)
    assert slope > 0 and 0.2 < fit < 0.9
    signed = f.LeeReady().over(table)
    told = table.loc[table["is_trade"], "side"]
    assert (signed == told)[told != 0].mean() > 0.85  # LOBSTER tells who took; Lee and Ready report 85 to 90 per cent and more
    spread = f.EffectiveSpread().over(table).mean()
    second = 1_000_000_000
    kept, moved = (f.RealisedSpread(30 * second).over(table).iloc[-1], f.PriceImpact(30 * second).over(table).iloc[-1])
    assert 0 < spread < (table["ask"] - table["bid"]).mean()
    assert kept < spread and moved > 0
    assert f.KyleLambda(10 * second).over(table).iloc[-1] > 0
    assert 0.1 < f.Vpin(2_000.0, 20, bar_ns=second).over(table).iloc[-1] < 0.9
    price = f.MicroPrice.fit_over(table, tick=0.01, buckets=4, spreads=30)
    seen = price.adjustment[9:25]  # spreads of 10 to 25 ticks, the usual ones
    assert (np.diff(seen, axis=1) >= -0.02).mean() > 0.8  # the heavier the bid, the higher the price


def test_ibm_has_the_papers_fit(shared: Path) -> None:
    """Five days of IBM quotes, 2013, by half-hours as in the paper, which finds R squared of 0.65 on average over 50 stocks."""
    from framework.data.formats import lean

    table = f.market_table(lean.read(shared / "04_l1_quotes_trades/Lean/equity/usa/tick/ibm"))
    table = table.tz_convert("America/New_York").between_time("09:30", "16:00", inclusive="left")
    halves = [part for _, part in table.groupby(pd.Grouper(freq="30min")) if len(part)]
    slopes, fits = np.array([slope_and_fit(part, "10s", 0.01) for part in halves]).T
    assert len(halves) == 65 and (slopes > 0).all()
    assert 0.55 < fits.mean() < 0.75
