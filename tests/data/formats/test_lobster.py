"""LOBSTER files: every message type by hand, and a real hour against the order book shipped with it."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from framework.data.formats import lobster
from framework.data.series.book_replay import OrderBook
from framework.data.tape.recording import Events, Recording
from framework.errors import DataError
from framework.schema.event import Flag, Kind
from framework.schema.units import Step

NAME = "ACME_2012-06-21_34200000_57600000_message_2.csv"
BOOK = "1000100,50,1000000,18,1000300,7,999000,40\n"
MESSAGES = """34200.000000001,1,11,18,1000000,1
34200.5,1,12,30,1000100,-1
34201.25,2,12,10,1000100,-1
34202.123456789,4,12,5,1000100,-1
34203,5,0,9,1000050,1
34204,3,12,15,1000100,-1
34205,4,5,20,1000100,-1
34206,3,6,99,99990000,-1
34207,6,-1,500,1000000,1
34208,7,0,0,-1,-1
34209,7,0,0,0,-1
34210,7,0,0,1,-1
"""
OPEN_NS = pd.Timestamp("2012-06-21 09:30", tz="America/New_York").value
BUY, SELL, LAST = int(Flag.BUY), int(Flag.SELL), int(Flag.LAST)


def files(folder: Path, messages: str = MESSAGES, book: str = BOOK, name: str = NAME) -> Path:
    (folder / name).write_text(messages)
    (folder / name.replace("message", "orderbook")).write_text(book)
    return folder / name


def words(found: Events) -> list[tuple[int, ...]]:
    names = ("kind", "flags", "w0", "w1", "w2", "w3")
    return [tuple(int(row[name]) for name in names) for row in found]


def test_every_type_of_message(tmp_path: Path) -> None:
    recording = lobster.read(files(tmp_path))
    first = int(Flag.SNAPSHOT)
    assert recording.instruments[0].symbol == "ACME"
    assert recording.instruments[0].tick == Step(1, 10_000)  # 100.005 is half a cent
    found = recording.events()
    assert words(found) == [
        (Kind.DEPTH, BUY | first | Flag.CLEAR, 1_000_000, 18, 0, 0),
        (Kind.DEPTH, BUY | first, 999_000, 40, 0, 1),
        (Kind.DEPTH, SELL | first, 1_000_100, 50, 0, 0),
        (Kind.DEPTH, SELL | first | LAST, 1_000_300, 7, 0, 1),
        (Kind.DEPTH, SELL | LAST, 1_000_100, 30, 12, -1),
        (Kind.DEPTH, SELL | LAST, 1_000_100, 20, 12, -1),
        (Kind.TRADE, BUY, 1_000_100, 5, 0, 12),
        (Kind.DEPTH, SELL | LAST, 1_000_100, 15, 12, -1),
        (Kind.TRADE, SELL, 1_000_050, 9, 0, 0),  # a hidden bid was hit
        (Kind.DEPTH, SELL | LAST, 1_000_100, 0, 12, -1),
        (Kind.TRADE, BUY, 1_000_100, 20, 0, 5),
        (Kind.DEPTH, SELL | LAST, 1_000_100, 30, 0, -1),  # order 5 is older than the file: 50 - 20
        (Kind.DEPTH, SELL | LAST, 99_990_000, 0, 0, -1),  # order 6 stood deeper than the shipped levels
        (Kind.TRADE, int(Flag.AUCTION), 1_000_000, 500, 0, 0),
        (Kind.HALT, 0, 1, 0, 0, 0),
        (Kind.HALT, 0, 0, 0, 0, 0),
    ]
    assert (found["ts_local_ns"] == found["ts_venue_ns"]).all()
    stamps = (found["ts_local_ns"] - OPEN_NS).tolist()
    assert stamps[:8] == [1, 1, 1, 1, 500_000_000, 1_250_000_000, 2_123_456_789, 2_123_456_789]
    notes = " ".join(recording.notes)
    assert "the first row of ACME_2012-06-21_34200000_57600000_orderbook_2.csv, 2 levels deep" in notes
    assert "2 messages are about orders older than the file" in notes
    assert "1 of these ask for more than is known" in notes
    assert "1 messages say that quoting resumed" in notes


def test_parts_do_not_change_the_events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = lobster.read(files(tmp_path)).events()
    monkeypatch.setattr(lobster, "BLOCK_BYTES", 80)  # two or three rows
    recording = lobster.read(tmp_path / NAME)
    assert len(list(recording.parts())) > 3
    assert recording.events().tobytes() == whole.tobytes()


@pytest.mark.parametrize(("date", "offset"), [("2012-03-09", 5), ("2012-03-12", 4), ("2012-11-02", 4), ("2012-11-05", 5)])
def test_midnight_is_new_yorks_in_winter_and_in_summer(tmp_path: Path, date: str, offset: int) -> None:
    path = files(tmp_path, "34200.0,1,11,18,1000000,1\n", name=NAME.replace("2012-06-21", date))
    first = lobster.read(path).events()["ts_local_ns"][0]
    assert pd.Timestamp(int(first)) == pd.Timestamp(date) + pd.Timedelta(hours=9.5 + offset)


def test_whole_cents_make_ticks_of_a_cent(tmp_path: Path) -> None:
    recording = lobster.read(files(tmp_path, MESSAGES.replace("1000050", "1000000")))
    assert recording.instruments[0].tick == Step(1, 100)
    assert recording.events()["w0"][0] == 10_000


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("34201.25,2,12,10,1000100,-1", "34201.25,2,12,10,-1,1000100", r"row 3, column direction: 1000100; rule: 1 for a buy"),
        ("34201.25,2,12,10,1000100,-1", "34201.25,12,2,10,1000100,-1", r"row 3, column type: 12; rule: type is 1 to 7"),
        ("34201.25,2", "34200.25,2", r"row 3, column time: 34200.25; rule: rows are in order of time"),
        ("34201.25,2,12,10", "34201.25,2,12,31", r"row 3, column size: 31; rule: a cancellation or execution takes no more"),
        ("34204,3,12,15", "34204,3,12,14", r"row 6, column size: 14; rule: a deletion takes all"),
        ("34201.25,2,12,10", "34201.25,1,12,10", r"row 3, column order_id: 12; rule: a new order has an id that does not stand"),
        ("34201.25,2,12,10", "34201.25,2,12,0", r"row 3, column size: 0; rule: size > 0"),
        ("34201.25", "nan", r"row 3, column time: nan; rule: 0 <= seconds"),
        ("34201.25,2,12,10", "34201.25,2,12,ten", r"Row #3.*ten"),
        ("34201.25,2,12,10", "34201.25,2,12", r"Row #3: Expected 6 columns, got 5"),
    ],
)
def test_rows_that_are_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        lobster.read(files(tmp_path, MESSAGES.replace(old, new, 1)))


def test_swapped_size_and_price(tmp_path: Path) -> None:
    swapped = "\n".join(",".join(np.array(row.split(","))[[0, 1, 2, 4, 3, 5]]) for row in MESSAGES.splitlines()[:5])
    with pytest.raises(DataError, match="column price: the usual price 10 is not within a factor of 2 of the starting book, 1000050"):
        lobster.read(files(tmp_path, swapped))


def test_order_books_that_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="best offer 1000000 is at or below the best bid 1000100; rule: offer > bid"):
        lobster.read(files(tmp_path, book="1000000,18,1000100,50\n"))
    with pytest.raises(DataError, match="Are columns swapped"):
        lobster.read(files(tmp_path, book="1000100,50,1000000,18,1000050,7,999000,40\n"))
    with pytest.raises(DataError, match="5 columns"):
        lobster.read(files(tmp_path, book="1,2,3,4,5\n"))
    path = files(tmp_path)
    path.with_name(NAME.replace("message", "orderbook")).unlink()
    with pytest.raises(DataError, match="orderbook="):
        lobster.read(path)


def test_levels_that_nobody_occupies_are_left_out(tmp_path: Path) -> None:
    found = lobster.read(files(tmp_path, book="1000100,50,1000000,18,9999999999,0,-9999999999,0\n")).events()
    assert int((found["flags"] & Flag.SNAPSHOT > 0).sum()) == 2


def test_a_name_without_its_day(tmp_path: Path) -> None:
    for name in ("message_2.csv", "ACME_2012-13-41_1_2_message_2.csv"):
        with pytest.raises(DataError, match="TICKER_YYYY-MM-DD"):
            lobster.read(tmp_path / name)


def test_a_gzip_file_cut_short(tmp_path: Path) -> None:
    path = files(tmp_path)
    packed = tmp_path / f"{NAME}.gz"
    packed.write_bytes(gzip.compress(MESSAGES.encode())[:-30])
    with pytest.raises(DataError, match="cannot be read: Truncated compressed stream.*fetch it again"):
        lobster.read(packed, orderbook=path.with_name(NAME.replace("message", "orderbook")))


def replayed(recording: Recording, types: list[int]) -> Iterator[OrderBook]:
    """The book after each message."""
    book = OrderBook()
    messages = book.messages(recording.events())
    for kind in types:
        if kind <= lobster.EXECUTE:
            next(messages)
        yield book


@pytest.mark.parametrize(("folder", "depth", "most_wrong"), [("juypter", 1, 0.001), ("tests", 10, 0.0)])
def test_apple_replays_to_the_shipped_order_book(shared: Path, folder: str, depth: int, most_wrong: float) -> None:
    root = shared / "05_l2_l3_books" / "orderbook"
    path = root / "juypter" / "AAPL_2012-06-21_message_50.csv.gz"
    recording = lobster.read(path, orderbook=root / "tests" / "AAPL_2012-06-21_orderbook_50.csv.gz")
    shipped = np.loadtxt(root / folder / "AAPL_2012-06-21_orderbook_50.csv.gz", delimiter=",", dtype=np.int64, usecols=range(4 * depth))
    types = pd.read_csv(path, header=None)[1].tolist()[: len(shipped)]
    price_steps = 10_000 // recording.instruments[0].tick.denominator
    wrong = []
    for row, (book, levels) in enumerate(zip(replayed(recording, types), shipped.reshape(len(shipped), depth, 4).tolist(), strict=True)):
        asks = [(price // price_steps, lots) for price, lots, _, _ in levels]
        bids = [(price // price_steps, lots) for _, _, price, lots in levels]
        if (book.asks(depth), book.bids(depth)) != (asks, bids):
            wrong.append((row + 1, book.bids(1), bids[:1], book.asks(1), asks[:1]))
    print(f"{folder}: {len(wrong)} of {len(shipped)} rows differ in the best {depth} levels")
    for row, bid, shipped_bid, ask, shipped_ask in wrong:
        print(f"row {row}: bid {bid} shipped {shipped_bid}, offer {ask} shipped {shipped_ask}")
    assert len(shipped) in (91_997, 672)
    assert len(wrong) <= most_wrong * len(shipped)
