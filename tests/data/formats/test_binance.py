"""Binance captures: ids and stamps by hand, and real captures whose books are checked against the venue's own best quotes."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from framework.data.formats import binance, capture
from framework.data.series.book_replay import OrderBook, check_books
from framework.data.tape.recording import Events, Recording
from framework.errors import DataError
from framework.schema.event import Flag, Kind
from framework.schema.instrument import Instrument
from framework.schema.units import Step

BUY, SELL, LAST, SNAPSHOT, CLEAR = (int(flag) for flag in (Flag.BUY, Flag.SELL, Flag.LAST, Flag.SNAPSHOT, Flag.CLEAR))
EPOCH_MS = 1_700_000_000_000
Levels = list[list[str]]


def diff(first: int, final: int, bids: Levels, asks: Levels, previous: int | None = None, symbol: str = "ABC") -> dict[str, Any]:
    """A spot diff, or a futures diff where `previous` is given; it happened in millisecond `final`."""
    stamp = EPOCH_MS + final
    message = {"e": "depthUpdate", "E": stamp, "s": symbol, "U": first, "u": final, "b": bids, "a": asks}
    return message if previous is None else {**message, "T": stamp - 1, "pu": previous}


def snapshot(last: int, bids: Levels, asks: Levels) -> dict[str, Any]:
    return {"lastUpdateId": last, "bids": bids, "asks": asks}


def written(folder: Path, messages: Sequence[dict[str, Any]], name: str = "abc.gz") -> Path:
    """One message each 10 ms, from 1 s after EPOCH_MS, in a stream as hftbacktest writes it."""
    text = "".join(
        f"{(EPOCH_MS + 1000 + 10 * k) * 1_000_000} {json.dumps(m if 'lastUpdateId' in m else {'stream': 'x', 'data': m})}\n"
        for k, m in enumerate(messages)
    )
    (folder / name).write_bytes(gzip.compress(text.encode()))
    return folder / name


def words(found: Events) -> list[tuple[int, ...]]:
    return [tuple(int(row[name]) for name in ("kind", "flags", "w0", "w1", "w2", "w3", "w4")) for row in found]


SPOT = [
    diff(10, 11, [["9.9", "1"]], []),
    snapshot(12, [["10.0", "5"], ["9.9", "1.5"]], [["10.25", "2"]]),
    diff(12, 12, [["9.8", "7"]], []),  # held by the snapshot already
    diff(13, 15, [["10.0", "0"]], [["10.25", "3"]]),
    diff(16, 16, [["9.95", "4"]], []),
]


def test_diffs_snapshots_trades_and_quotes_as_events(tmp_path: Path) -> None:
    trade = {"e": "trade", "E": EPOCH_MS + 3, "T": EPOCH_MS + 2, "s": "ABC", "t": 77, "p": "10.1", "q": "0.5", "m": True}
    quote = {"u": 16, "s": "ABC", "b": "9.95", "B": "4", "a": "10.25", "A": "3"}
    recording = binance.read(written(tmp_path, [*SPOT, trade, quote]))
    assert recording.instruments == (Instrument("ABC", tick=Step(1, 100), lot=Step(1, 10), venue="BINANCE"),)
    found = recording.events()
    assert words(found) == [
        (Kind.DEPTH, BUY | LAST, 990, 10, 0, -1, 11),
        (Kind.DEPTH, BUY | SNAPSHOT | CLEAR, 1000, 50, 0, 0, 12),
        (Kind.DEPTH, BUY | SNAPSHOT, 990, 15, 0, 1, 12),
        (Kind.DEPTH, SELL | SNAPSHOT | LAST, 1025, 20, 0, 0, 12),
        (Kind.DEPTH, BUY, 1000, 0, 0, -1, 15),
        (Kind.DEPTH, SELL | LAST, 1025, 30, 0, -1, 15),
        (Kind.DEPTH, BUY | LAST, 995, 40, 0, -1, 16),
        (Kind.TRADE, SELL, 1010, 5, 77, 0, 0),  # the buyer was the maker: the seller took
        (Kind.QUOTE, 0, 995, 1025, 40, 30, 0),
    ]
    local = (found["ts_local_ns"] - (EPOCH_MS + 1000) * 10**6) // 10**6
    assert local.tolist() == [0, 10, 10, 10, 30, 30, 40, 50, 60]
    venue = (found["ts_venue_ns"] - EPOCH_MS * 10**6) // 10**6
    assert venue.tolist() == [11, 11, 11, 11, 15, 15, 16, 2, 1060]  # a snapshot and a spot quote have no stamp of their own
    assert any("which the snapshot before them holds" in note or "left out (1)" in note for note in recording.notes)


def gaps(recording: Recording) -> list[tuple[int, int]]:
    found = recording.events()
    found = found[found["kind"] == Kind.GAP]
    return [(int(gap["w0"]), int(gap["w1"])) for gap in found]


def test_a_gap_makes_the_book_unknown_until_the_snapshot(tmp_path: Path) -> None:
    again = [snapshot(30, [["11", "1"]], [["12", "1"]]), diff(31, 31, [["11", "2"]], [])]
    path = written(tmp_path, [*SPOT, diff(18, 19, [["9.9", "8"]], []), diff(20, 20, [["9.9", "9"]], []), *again])
    recording = binance.read(path)
    assert gaps(recording) == [(17, 18)]
    assert any("breaks in the update ids, each a GAP (1)" in note for note in recording.notes)
    found, book = recording.events(), OrderBook()
    known = [book.is_known for _ in book.messages(found)]
    #      diff   snapshot  two diffs   GAP    after it      snapshot  diff
    assert known == [False, True, True, True, False, False, False, True, True]
    assert book.bids(9) == [(1100, 20)]


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([diff(1, 5, [["1", "1"]], []), diff(6, 9, [["1", "2"]], [])], []),
        ([diff(1, 5, [["1", "1"]], []), diff(7, 9, [["1", "2"]], [])], [(6, 7)]),
        ([diff(1, 5, [["1", "1"]], []), diff(5, 9, [["1", "2"]], [])], [(6, 5)]),  # an id told twice is a break too
        ([snapshot(5, [["1", "1"]], []), diff(6, 9, [["1", "2"]], [])], []),
        ([snapshot(5, [["1", "1"]], []), diff(4, 9, [["1", "2"]], [])], []),
        ([snapshot(5, [["1", "1"]], []), diff(7, 9, [["1", "2"]], [])], [(6, 7)]),
        ([diff(1, 5, [["1", "1"]], [], 0), diff(8, 9, [["1", "2"]], [], 5)], []),  # futures: only pu counts
        ([diff(1, 5, [["1", "1"]], [], 0), diff(6, 9, [["1", "2"]], [], 6)], [(5, 6)]),
        ([snapshot(5, [["1", "1"]], []), diff(5, 9, [["1", "2"]], [], 3)], []),
        ([snapshot(5, [["1", "1"]], []), diff(8, 9, [["1", "2"]], [], 4)], []),
        ([snapshot(5, [["1", "1"]], []), diff(8, 9, [["1", "2"]], [], 6)], [(5, 6)]),
    ],
)
def test_the_rule_of_the_ids(tmp_path: Path, messages: list[dict[str, Any]], expected: list[tuple[int, int]]) -> None:
    first = diff(0, 0, [["1", "1"]], [], None if "pu" not in messages[-1] else -1)
    lead = [first] if "lastUpdateId" in messages[0] else []  # which names the symbol
    assert gaps(binance.read(written(tmp_path, [*lead, *messages]))) == expected


@pytest.mark.parametrize(
    ("before", "venue_ms"),
    [
        ([10, 12, 14], 12),  # it holds 12 and not 14
        ([14, 16], 14),  # older than all that was heard
        ([10], 10),
    ],
)
def test_a_snapshot_without_a_stamp_is_not_newer_than_the_diffs_after_it(tmp_path: Path, before: list[int], venue_ms: int) -> None:
    """Else a venue that takes its book in order of its own stamps would put what a later diff took away back."""
    told = [diff(final - 1, final, [["9.9", str(final)]], []) for final in before]
    found = binance.read(written(tmp_path, [*told, snapshot(13, [["10.0", "5"]], []), diff(13, 19, [["9.9", "7"]], [])])).events()
    [at] = np.flatnonzero(found["flags"] & CLEAR)
    assert found["ts_venue_ns"][at] == (EPOCH_MS + venue_ms) * 10**6
    after = found["ts_venue_ns"][at:]
    assert (after[1:] >= after[:-1]).all()


def test_a_capture_that_begins_with_its_snapshot_has_the_local_stamp_for_it(tmp_path: Path) -> None:
    found = binance.read(written(tmp_path, [{**snapshot(13, [["10.0", "5"]], []), "symbol": "ABC"}, SPOT[4]])).events()
    assert found["ts_venue_ns"][0] == found["ts_local_ns"][0]


def test_diffs_newer_than_a_late_snapshot_are_told_again(tmp_path: Path) -> None:
    late = [SPOT[0], diff(12, 13, [["9.9", "2"]], []), diff(14, 14, [["9.7", "3"]], []), SPOT[1], diff(15, 15, [], [["10.25", "1"]])]
    recording = binance.read(written(tmp_path, late))
    book = OrderBook()
    book.apply(recording.events())
    assert (book.bids(9), book.asks(9)) == ([(1000, 50), (990, 20), (970, 30)], [(1025, 10)])
    assert any("told again after it (2)" in note for note in recording.notes)
    assert gaps(recording) == []


def test_a_crossed_snapshot_is_refused_and_a_crossed_book_counted(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"abc.gz, line 2: a crossed snapshot; rule: best bid < best offer, but 10.25 >= 10.0"):
        binance.read(written(tmp_path, [SPOT[0], snapshot(12, SPOT[1]["asks"], SPOT[1]["bids"])]))
    crossing = [*SPOT, diff(17, 17, [["10.3", "1"]], []), diff(18, 18, [["10.3", "0"]], [])]
    [check] = check_books(binance.read(written(tmp_path, crossing)))
    assert (check.messages, check.unknown, check.gaps, check.crossed) == (6, 1, 0, 1)
    assert check.first_crossed_ns == (EPOCH_MS + 1050) * 10**6


def test_a_clock_behind_the_venue_is_refused_with_the_offset_that_puts_it_right(tmp_path: Path) -> None:
    path = written(tmp_path, [diff(2000, 2500, [["1", "1"]], []), diff(2501, 2502, [["1", "1"]], [])])
    with pytest.raises(DataError, match=r"line 1: the local stamp is 1500000000 ns before the venue's.*clock_offset_ns=1500000000"):
        binance.read(path)
    found = binance.read(path, clock_offset_ns=1_500_000_000).events()
    assert (found["ts_local_ns"] - found["ts_venue_ns"]).tolist() == [0, 8_000_000]


def test_messages_that_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"line 1: U 5, u 4; rule: U <= u"):
        binance.read(written(tmp_path, [diff(5, 4, [["1", "1"]], [])]))
    with pytest.raises(DataError, match=r"line 2: '-1'; rule: size >= 0"):
        binance.read(written(tmp_path, [SPOT[0], diff(12, 12, [["9", "1"], ["8", "-1"]], [])]))
    with pytest.raises(DataError, match=r"line 2: '0'; rule: price > 0"):
        binance.read(written(tmp_path, [SPOT[0], diff(12, 12, [["0", "1"]], [])]))
    with pytest.raises(DataError, match=r"line 2: 'ten'; rule: price is a number"):
        binance.read(written(tmp_path, [SPOT[0], diff(12, 12, [["ten", "1"]], [])]))
    with pytest.raises(DataError, match=r"line 1: KeyError 'u'"):
        binance.read(written(tmp_path, [{"e": "depthUpdate", "s": "ABC", "U": 1}]))
    with pytest.raises(DataError, match=r"line 1: '9.9'; rule: a whole number of the instrument's ticks"):
        binance.read(written(tmp_path, SPOT), instruments=[Instrument("ABC", tick=Step(1, 1), lot=Step(1, 10))])


def test_a_snapshot_that_names_no_symbol_needs_a_capture_of_one(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"line 2: a snapshot that names no symbol, among messages of ABC, XYZ"):
        binance.read(written(tmp_path, [*SPOT, diff(1, 1, [["1", "1"]], [], symbol="XYZ")]))
    with pytest.raises(DataError, match=r"line 1: a snapshot that names no symbol, after messages of 0"):
        binance.read(written(tmp_path, SPOT[1:]))


def test_the_same_trades_twice_are_refused(tmp_path: Path) -> None:
    one = {"e": "trade", "E": EPOCH_MS, "T": EPOCH_MS, "s": "ABC", "t": 1, "p": "1", "q": "1", "m": False}
    other = {**{key: value for key, value in one.items() if key != "t"}, "e": "aggTrade", "a": 9}
    path = written(tmp_path, [one, other])
    with pytest.raises(DataError, match=r'line 2: aggTrade beside trade of ABC.*trades="trade"'):
        binance.read(path)
    assert words(binance.read(path, trades="aggTrade").events()) == [(Kind.TRADE, BUY, 1, 1, 9, 0, 0)]


def test_instruments_choose_and_what_is_left_out_is_said(tmp_path: Path) -> None:
    path = written(tmp_path, [SPOT[0], diff(1, 1, [["1", "1"]], [], symbol="XYZ")])
    recording = binance.read(path, instruments=[Instrument("XYZ")])
    assert words(recording.events()) == [(Kind.DEPTH, BUY | LAST, 100, 1, 0, -1, 1)]
    assert any("1 messages of ABC, which is not among instruments=" in note for note in recording.notes)


def test_steps_are_the_coarsest_decimals_of_every_value(tmp_path: Path) -> None:
    levels = [["0.00001234", "9999999.5"], ["0.00001230", "0.12345678"]]
    recording = binance.read(written(tmp_path, [diff(1, 1, levels, [])]))
    assert (recording.instruments[0].tick, recording.instruments[0].lot) == (Step(1, 10**8), Step(1, 10**8))
    assert recording.events()["w1"].tolist() == [999_999_950_000_000, 12_345_678]
    with pytest.raises(DataError, match="ABC: a lot finer than 1e-12. Give instruments="):
        binance.read(written(tmp_path, [diff(1, 1, [["1", "0.12345678901234"]], [])]))


def test_parts_do_not_change_the_events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, SPOT)
    whole = binance.read(path).events()
    monkeypatch.setattr(capture, "PART_ROWS", 1)
    recording = binance.read(path)
    assert [len(part) for part in recording.parts()] == [1, 3, 2, 1]
    assert recording.events().tobytes() == whole.tobytes()


REAL = ["cm/btcusd_perp_20240808.gz", "spot/btcusdt_20240808.gz", "usdm/btcusdt_20240808.gz"]


def put_right(paths: Path | list[Path]) -> Recording:
    """With the clock offset that the refusal names."""
    with pytest.raises(DataError, match="clock_offset_ns=") as refusal:
        binance.read(paths)
    found = re.search(r"clock_offset_ns=(\d+)", str(refusal.value))
    assert found
    return binance.read(paths, clock_offset_ns=int(found[1]))


@pytest.mark.parametrize("name", REAL)
def test_real_captures_have_no_gap_and_no_crossed_book(shared: Path, name: str) -> None:
    [check] = check_books(put_right(shared / "05_l2_l3_books" / "hftbacktest" / name))
    assert (check.gaps, check.crossed) == (0, 0)
    assert check.unknown < 30 < 3000 < check.messages


@pytest.mark.parametrize(("name", "least"), [(REAL[1], 300), (REAL[0], 300), (REAL[2], 30)])
def test_books_agree_with_the_best_quotes_of_the_venue(shared: Path, name: str, least: int) -> None:
    """Where a best quote and a diff have the same update id, the book after the diff has that best bid and offer."""
    path = shared / "05_l2_l3_books" / "hftbacktest" / name
    quotes: dict[int, list[float]] = {}
    for row in gzip.decompress(path.read_bytes()).splitlines():
        if b"@bookTicker" in row:
            message = json.loads(row.partition(b" ")[2])["data"]
            quotes[message["u"]] = [float(message[key]) for key in "bBaA"]
    recording = binance.read(path, clock_offset_ns=2_000_000_000)
    [instrument] = recording.instruments
    found, book, compared, wrong = recording.events(), OrderBook(), 0, []
    for at in book.messages(found):
        quote = quotes.get(int(found["w4"][at]))
        if quote is None or not book.is_known:
            continue
        [bid], [ask] = book.bids(1), book.asks(1)
        mine = [step.to_float(whole) for side in (bid, ask) for step, whole in zip((instrument.tick, instrument.lot), side, strict=True)]
        compared += 1
        if mine != quote:
            wrong.append((int(found["w4"][at]), mine, quote))
    print(f"{name}: {compared} compared, {len(wrong)} differ", *wrong[:20], sep="\n")
    assert compared >= least
    assert not wrong


def test_a_message_taken_out_of_a_real_capture_is_noticed(shared: Path, tmp_path: Path) -> None:
    rows = gzip.decompress((shared / "05_l2_l3_books" / "hftbacktest" / REAL[1]).read_bytes()).splitlines(keepends=True)[:3000]
    diffs = [k for k, row in enumerate(rows) if b"depthUpdate" in row]
    cut = diffs[len(diffs) // 2]
    path = tmp_path / "cut.gz"
    path.write_bytes(gzip.compress(b"".join(rows[:cut] + rows[cut + 1 :])))
    recording = binance.read(path, clock_offset_ns=2_000_000_000)
    missing = json.loads(rows[cut].partition(b" ")[2])["data"]
    assert gaps(recording) == [(missing["U"], missing["u"] + 1)]
    book = OrderBook()
    book.apply(recording.events())
    assert not book.is_known


def test_rest_answers_and_messages_of_cryptofeed_make_books(shared: Path) -> None:
    room = shared / "05_l2_l3_books" / "cryptofeed"
    spot = put_right([room / "BINANCE.http.0.0", room / "BINANCE.ws.1.0"])
    futures = binance.read([room / "BINANCE_FUTURES.http.0.0", room / "BINANCE_FUTURES.ws.1.0.gz"])
    assert [one.symbol for one in spot.instruments] == ["NKNUSDT", "BLZETH", "LRCBTC", "RUNEEUR"]
    for check in (*check_books(spot), *check_books(futures)):
        assert (check.unknown, check.gaps, check.crossed) == (1, 0, 0), check
