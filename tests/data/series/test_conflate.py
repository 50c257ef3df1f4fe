"""Books told as levels and quotes: by hand, against the plain `OrderBook`, and the same bytes however the events are cut."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from framework.data.formats import binance, databento, lobster
from framework.data.series.book_replay import OrderBook
from framework.data.series.conflate import Conflater, conflate
from framework.data.tape.recording import Events, Recording
from framework.errors import DataError, InputError
from framework.schema.event import EVENT, Flag, Kind
from framework.schema.instrument import Instrument

BUY, SELL, LAST, SNAPSHOT = int(Flag.BUY), int(Flag.SELL), int(Flag.LAST), int(Flag.SNAPSHOT)
CLEAR = int(Flag.CLEAR) | SNAPSHOT
MS = 10**6
Row = tuple[int, int, int, int, int, int]
Quote = tuple[int, int, int, int, int, int]


def depth(ms: int, flags: int, price: int, lots: int, order: int = 0) -> Row:
    return (ms, Kind.DEPTH, flags, price, lots, order)


def events(*rows: Row, instrument: int = 0) -> Events:
    """Milliseconds, kind, flags, price, lots, order id. The venue's stamp is a nanosecond earlier."""
    made = np.zeros(len(rows), EVENT)
    for k, (ms, kind, flags, price, lots, order) in enumerate(rows):
        made[k] = (ms * MS, ms * MS - 1, kind, flags, instrument, price, lots, order, -1, 0)
    return made


def recording(found: Events, instruments: int = 1) -> Recording:
    return Recording(tuple(Instrument(f"S{k}") for k in range(instruments)), lambda: iter([found]), "test")


def told(found: Events) -> list[tuple[int, ...]]:
    return [(int(row["ts_local_ns"]) // MS, *(int(row[word]) for word in ("kind", "flags", "w0", "w1", "w2", "w3"))) for row in found]


START = (
    depth(1, BUY | CLEAR, 99, 5, 1),
    depth(1, BUY | SNAPSHOT, 98, 7, 2),
    depth(1, SELL | SNAPSHOT, 101, 3, 3),
    depth(1, SELL | SNAPSHOT | LAST, 101, 4, 4),
)
TRADE: Row = (5, Kind.TRADE, BUY, 101, 3, 9)
GAP: Row = (6, Kind.GAP, 0, 1, 2, 0)


def test_quotes_come_where_the_best_price_or_size_changes() -> None:
    rows = events(
        *START,
        depth(2, BUY | LAST, 97, 1, 5),  # deeper: nothing to tell
        depth(3, BUY | LAST, 99, 2, 1),
        depth(4, SELL | LAST, 100, 1, 6),
        TRADE,
        depth(6, BUY, 100, 9, 1),  # crossed amid a message
        depth(6, SELL | LAST, 100, 0, 6),
        depth(7, SELL, 101, 0, 3),
        depth(7, SELL | LAST, 101, 0, 4),
    )
    assert told(conflate(recording(rows)).events()) == [
        (1, Kind.QUOTE, 0, 99, 101, 5, 7),
        (3, Kind.QUOTE, 0, 99, 101, 2, 7),
        (4, Kind.QUOTE, 0, 99, 100, 2, 1),
        (5, Kind.TRADE, BUY, 101, 3, 9, -1),
        (6, Kind.QUOTE, 0, 100, 101, 9, 7),
        (7, Kind.QUOTE, 0, 100, 0, 9, 0),  # no offer is left
    ]


def test_levels_come_once_a_message_and_a_snapshot_whole() -> None:
    rows = events(
        *START,
        depth(2, BUY | LAST, 98, 4, 1),  # order 1 moves down
        depth(3, SELL, 101, 1, 3),
        depth(3, SELL | LAST, 101, 2, 4),
        depth(4, SELL, 101, 2, 3),
        depth(4, SELL | LAST, 101, 1, 4),  # 3 lots as before
    )
    found = conflate(recording(rows), to="levels").events()
    assert told(found) == [
        (1, Kind.DEPTH, BUY | CLEAR, 99, 5, 0, 0),
        (1, Kind.DEPTH, BUY | SNAPSHOT, 98, 7, 0, 1),
        (1, Kind.DEPTH, SELL | SNAPSHOT | LAST, 101, 7, 0, 0),
        (2, Kind.DEPTH, BUY, 99, 0, 0, -1),
        (2, Kind.DEPTH, BUY | LAST, 98, 11, 0, -1),
        (3, Kind.DEPTH, SELL | LAST, 101, 3, 0, -1),
    ]
    assert (found["ts_venue_ns"] == found["ts_local_ns"] - 1).all()


def test_after_a_gap_nothing_is_told_until_the_next_snapshot() -> None:
    again = [(8, *row[1:]) for row in START]
    rows = events(*START, GAP, depth(7, BUY | LAST, 100, 1, 7), *again)
    quote = (Kind.QUOTE, 0, 99, 101, 5, 7)
    assert told(conflate(recording(rows)).events()) == [(1, *quote), (6, Kind.GAP, 0, 1, 2, 0, -1), (8, *quote)]
    kinds = conflate(recording(rows), to="levels").events()["kind"].tolist()
    assert kinds == [Kind.DEPTH] * 3 + [Kind.GAP] + [Kind.DEPTH] * 3


def test_before_the_first_snapshot_nothing_is_told_unless_the_book_starts_empty() -> None:
    rows = events(depth(1, BUY | LAST, 99, 5, 1))
    assert not len(conflate(recording(rows)).events())
    assert told(conflate(recording(rows), starts_empty=True).events()) == [(1, Kind.QUOTE, 0, 99, 0, 5, 0)]


def test_an_empty_snapshot_is_told() -> None:
    found = conflate(recording(events(depth(1, BUY | CLEAR | LAST, 0, 0))), to="levels").events()
    assert told(found) == [(1, Kind.DEPTH, BUY | CLEAR | LAST, 0, 0, 0, 0)]


def test_messages_of_two_books_may_interleave() -> None:
    other = events(*START, instrument=1)
    first, second = events(depth(2, BUY, 99, 1, 1), depth(2, SELL | LAST, 101, 1, 3)), events(depth(2, BUY | LAST, 98, 1, 2), instrument=1)
    rows = np.concatenate([events(*START), other, first[:1], second, first[1:]])
    found = conflate(recording(rows, 2), to="levels").events()[6:]
    assert found["instrument"].tolist() == [1, 0, 0]
    assert told(found) == [
        (2, Kind.DEPTH, BUY | LAST, 98, 1, 0, -1),
        (2, Kind.DEPTH, BUY, 99, 1, 0, -1),
        (2, Kind.DEPTH, SELL | LAST, 101, 5, 0, -1),
    ]


def test_a_message_that_is_not_whole_when_the_interval_ends_waits_for_its_end() -> None:
    rows = events(*START, depth(150, BUY, 100, 1, 8), (230, Kind.TRADE, BUY, 101, 3, 9), depth(240, BUY | LAST, 100, 2, 8))
    found = told(conflate(recording(rows), every="100ms").events())
    assert [(row[0], row[3], row[5]) for row in found if row[1] == Kind.QUOTE] == [(100, 99, 5), (300, 100, 2)]


def test_once_an_interval_the_last_state_is_told_at_its_end() -> None:
    rows = events(
        *START,
        depth(20, BUY | LAST, 99, 2, 1),
        depth(40, BUY | LAST, 99, 3, 1),
        depth(120, BUY | LAST, 99, 9, 1),
        depth(130, BUY | LAST, 99, 3, 1),  # back to what was told
        (150, Kind.TRADE, BUY, 101, 3, 9),
        depth(410, SELL | LAST, 101, 5, 3),
        depth(500, SELL | LAST, 101, 6, 3),  # at the end of the interval: belongs to the next
    )
    found = conflate(recording(rows), every="100ms").events()
    assert told(found) == [
        (100, Kind.QUOTE, 0, 99, 101, 3, 7),
        (150, Kind.TRADE, BUY, 101, 3, 9, -1),
        (500, Kind.QUOTE, 0, 99, 101, 3, 9),
        (600, Kind.QUOTE, 0, 99, 101, 3, 10),
    ]
    assert found["ts_venue_ns"][[0, 2]].tolist() == [40 * MS - 1, 410 * MS - 1]
    levels = told(conflate(recording(rows), to="levels", every="100ms").events())
    assert [row for row in levels if not row[2] & SNAPSHOT] == [
        (150, Kind.TRADE, BUY, 101, 3, 9, -1),
        (500, Kind.DEPTH, SELL | LAST, 101, 9, 0, -1),
        (600, Kind.DEPTH, SELL | LAST, 101, 10, 0, -1),
    ]
    assert [row[0] for row in levels[:3]] == [100, 100, 100]


def random_book(seed: int, messages: int = 1500, instruments: int = 2, with_orders: float = 0.7) -> Events:
    """Messages of several books that interleave, with snapshots and gaps; prices far and near; ids used again after a gap."""
    random = np.random.default_rng(seed)
    rows: list[tuple[int, ...]] = []
    standing: list[list[int]] = [[] for _ in range(instruments)]
    for number in range(messages):
        one, stamp = int(random.integers(instruments)), (number // 3) * 7 * MS
        if number < instruments or random.random() < 0.01:
            one = number if number < instruments else one
            standing[one] = []
            size, flag = int(random.integers(1, 40)), CLEAR
            for k in range(size):
                last = LAST if k == size - 1 else 0
                order = int(random.integers(1, 1 << 40)) if random.random() < with_orders else 0
                standing[one] += [order] if order else []
                price, side = (int(random.integers(900, 1000)), BUY) if random.random() < 0.5 else (int(random.integers(1000, 1100)), SELL)
                rows.append((stamp, stamp, Kind.DEPTH, side | flag | last, one, price, int(random.integers(1, 9)), order, -1, 0))
                flag = SNAPSHOT
        elif random.random() < 0.005:
            rows.append((stamp, stamp, Kind.GAP, 0, one, 1, 2, 0, 0, 0))
        else:
            size = int(random.integers(1, 4))
            for k in range(size):
                last = LAST if k == size - 1 else 0
                side = BUY if random.random() < 0.5 else SELL
                order = 0
                if random.random() < with_orders:
                    known = standing[one]
                    order = int(random.choice(known)) if known and random.random() < 0.6 else int(random.integers(1, 1 << 40))
                    known.append(order)
                price = int(random.integers(900, 1100)) if random.random() < 0.9 else int(random.integers(1, 10**6))
                lots = int(random.integers(0, 5)) * int(random.random() < 0.7)
                rows.append((stamp, stamp, Kind.DEPTH, side | last, one, price, lots, order, -1, 0))
    made = np.zeros(len(rows), EVENT)
    for k, row in enumerate(rows):
        made[k] = row
    return made


def best(book: OrderBook) -> tuple[int, int, int, int]:
    bid, ask = (book.bids(1) or [(0, 0)])[0], (book.asks(1) or [(0, 0)])[0]
    return bid[0], ask[0], bid[1], ask[1]


def plain_quotes(source: Recording, *, starts_empty: bool = False) -> list[Quote]:
    """Stamp, instrument and best of each side after every message that changed them, by the plain book."""
    found, all_events = [], source.events()
    for k in range(len(source.instruments)):
        book, last = OrderBook(k, starts_empty=starts_empty), None
        for at in book.messages(all_events):
            if not book.is_known:
                last = None if all_events["kind"][at] == Kind.GAP else last
            elif best(book) != last:
                last = best(book)
                found.append((at, (int(all_events["ts_local_ns"][at]), k, *last)))
    return [quote for _, quote in sorted(found)]


def quotes_of(found: Events) -> list[Quote]:
    rows = found[found["kind"] == Kind.QUOTE]
    columns = (rows[name].tolist() for name in ("ts_local_ns", "instrument", "w0", "w1", "w2", "w3"))
    return list(zip(*columns, strict=True))


@pytest.mark.parametrize("with_orders", [0.0, 0.7, 1.0])
@pytest.mark.parametrize("seed", [1, 2])
def test_quotes_agree_with_the_plain_book(seed: int, with_orders: float) -> None:
    source = recording(random_book(seed, with_orders=with_orders), 2)
    plain = plain_quotes(source)
    assert quotes_of(conflate(source).events()) == plain
    assert quotes_of(conflate(conflate(source, to="levels")).events()) == plain
    assert len(plain) > 80


@pytest.mark.parametrize("every", [None, "50ms"])
def test_the_levels_told_make_the_same_book(every: str | None) -> None:
    source = random_book(3)
    conflater = Conflater(recording(source, 2).instruments, "levels", every=every)
    inside, outside = [[OrderBook(k) for k in range(2)] for _ in range(2)]
    compared = 0
    for at in range(0, len(source), 40):
        part = source[at : at + 40]
        made = conflater.apply(part)
        for k in range(2):
            inside[k].apply(part)
            outside[k].apply(made)
    made = conflater.flush()
    for k in range(2):
        outside[k].apply(made)
        assert inside[k].is_known == outside[k].is_known
        if inside[k].is_known:
            compared += 1
            assert (inside[k].bids(10**6), inside[k].asks(10**6)) == (outside[k].bids(10**6), outside[k].asks(10**6))
    assert compared


@pytest.mark.parametrize("to", ["levels", "quotes"])
@pytest.mark.parametrize("every", [None, "20ms"])
def test_one_event_at_a_time_gives_the_same_bytes(to: str, every: str | None) -> None:
    source, made = random_book(4), []
    for size in (1, 7, len(source)):
        conflater = Conflater(recording(source, 2).instruments, to, every=every)  # type: ignore[arg-type]
        pieces = [conflater.apply(source[at : at + size]) for at in range(0, len(source), size)]
        made.append(np.concatenate([*pieces, conflater.flush()]))
    assert made[0].tobytes() == made[1].tobytes() == made[2].tobytes()
    stamps = made[0]["ts_local_ns"]
    assert (stamps[1:] >= stamps[:-1]).all()
    assert (stamps >= made[0]["ts_venue_ns"]).all()
    if every is not None:
        told_by_time = made[0]["kind"] != Kind.GAP
        assert not (stamps[told_by_time] % (20 * MS)).any()


def test_an_instrument_more_changes_no_other() -> None:
    source = random_book(5)
    both = conflate(recording(source, 2), to="levels").events()
    alone = conflate(recording(source[source["instrument"] == 1], 2), to="levels").events()
    assert both[both["instrument"] == 1].tobytes() == alone.tobytes()


def test_tables_grow_with_the_book() -> None:
    count = 30_000
    rows = np.zeros(count, EVENT)
    rows["ts_local_ns"] = rows["ts_venue_ns"] = 1
    rows["kind"], rows["flags"], rows["w1"] = Kind.DEPTH, BUY | SNAPSHOT, 2
    rows["w0"], rows["w2"] = np.random.default_rng(1).permutation(count) + 1, np.arange(count) * 1_000_003 + 1
    rows["flags"][0] |= int(Flag.CLEAR)
    rows["flags"][-1] |= LAST
    after = rows.copy()
    after["ts_local_ns"], after["flags"], after["w1"] = 2, BUY | LAST, 0
    found = conflate(recording(np.concatenate([rows, after])), to="levels").events()
    assert found["w0"][:count].tolist() == list(range(count, 0, -1))
    assert found["w0"][count:].tolist() == rows["w0"].tolist()
    assert not found["w1"][count:].any()


@pytest.mark.parametrize("flags", [0, BUY | SELL])
def test_depth_that_cannot_be_is_refused(flags: int) -> None:
    with pytest.raises(DataError, match=r"DEPTH stamped 1000000: flags \d+, 5 lots; rule: one side"):
        conflate(recording(events(depth(1, flags | LAST, 99, 5)))).events()
    with pytest.raises(DataError, match="instrument 4, but there are 1 instruments"):
        conflate(recording(events(depth(1, BUY | LAST, 99, 5), instrument=4))).events()


def test_settings_and_sources_that_cannot_be_are_refused() -> None:
    source = recording(events(TRADE))
    with pytest.raises(InputError, match="Did you mean quotes"):
        conflate(source, to="quote")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="test: there is no DEPTH to make quotes of"):
        conflate(source).events()


def agrees_with_the_plain_book(source: Recording) -> None:
    plain = plain_quotes(source)
    assert quotes_of(conflate(source).events()) == plain
    assert quotes_of(conflate(conflate(source, to="levels")).events()) == plain
    assert len(plain) > 20_000


@pytest.mark.extra(name="data")
def test_a_real_book_by_order_agrees_with_the_plain_book(shared: Path) -> None:
    pytest.importorskip("databento_dbn", reason='needs the extra "data"')
    agrees_with_the_plain_book(databento.read(shared / "05_l2_l3_books/nautilus_trader/databento/esh4-glbx-mdp3-20231225.mbo.dbn.zst"))


def test_real_books_agree_with_the_plain_book(shared: Path) -> None:
    books = shared / "05_l2_l3_books"
    root = books / "orderbook"
    apple = lobster.read(
        root / "juypter" / "AAPL_2012-06-21_message_50.csv.gz", orderbook=root / "tests" / "AAPL_2012-06-21_orderbook_50.csv.gz"
    )
    agrees_with_the_plain_book(apple)
    coin = binance.read(books / "hftbacktest/usdm/btcusdt_20240808.gz", truncated="allow", clock_offset_ns=1_272_402_468)
    assert quotes_of(conflate(coin, starts_empty=True).events()) == plain_quotes(coin, starts_empty=True)


def test_apples_quotes_are_those_of_the_shipped_order_book(shared: Path) -> None:
    root = shared / "05_l2_l3_books" / "orderbook"
    source = lobster.read(
        root / "juypter" / "AAPL_2012-06-21_message_50.csv.gz", orderbook=root / "tests" / "AAPL_2012-06-21_orderbook_50.csv.gz"
    )
    steps = 10_000 // source.instruments[0].tick.denominator
    shipped = np.loadtxt(root / "juypter" / "AAPL_2012-06-21_orderbook_50.csv.gz", delimiter=",", dtype=np.int64, usecols=range(4))
    rows = [(bid // steps, ask // steps, bid_lots, ask_lots) for ask, ask_lots, bid, bid_lots in shipped.tolist()]
    changes = [row for row, before in zip(rows, [None, *rows[:-1]], strict=True) if row != before]
    quotes = [quote[2:] for quote in quotes_of(conflate(source).events())]
    same = next(k for k, (mine, theirs) in enumerate(zip(quotes, changes, strict=False)) if mine != theirs)
    # then comes a message about an order older than the file that stood deeper than the levels shipped
    assert same == 15_999
