"""DBN: files made here record by record, and real ones against what the library itself decodes."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import numpy as np
import pytest

from framework.data.formats import databento
from framework.data.series.book_replay import OrderBook
from framework.errors import DataError
from framework.schema.event import Flag, Kind

pytestmark = pytest.mark.extra(name="data")
dbn = pytest.importorskip("databento_dbn", reason='needs the extra "data"')
B, S, L = int(Flag.BUY), int(Flag.SELL), int(Flag.LAST)


def head() -> bytes:
    return bytes(
        dbn.Metadata(
            dataset="X.Y", start=0, stype_in=dbn.SType.RAW_SYMBOL, stype_out=dbn.SType.INSTRUMENT_ID, schema=dbn.Schema.MBO
        ).encode()
    )


def mbo(at: int, action: str, side: str, order: int, price: int, size: int, flags: int, instrument: int = 5) -> bytes:
    return struct.pack(
        "<BBHIQQqIBBccQiI", 14, 160, 1, instrument, at, order, price * 10**9, size, flags, 0, action.encode(), side.encode(), at + 1, 0, 9
    )


ROWS = [
    mbo(1, "A", "B", 1, 10, 5, 32),
    mbo(1, "A", "A", 2, 11, 6, 32 | 128),
    mbo(2, "T", "B", 0, 11, 4, 0),
    mbo(2, "F", "A", 2, 11, 4, 0),
    mbo(2, "C", "A", 2, 11, 4, 128),
    mbo(3, "M", "B", 1, 9, 7, 128 | 4),
]


def test_orders_become_what_remains_of_them(tmp_path: Path) -> None:
    path = tmp_path / "x.dbn"
    path.write_bytes(head() + b"".join(ROWS))
    recording = databento.read(path)
    got = [tuple(int(event[w]) for w in ("ts_local_ns", "ts_venue_ns", "kind", "flags", "w0", "w1", "w2")) for event in recording.events()]
    snap = int(Flag.SNAPSHOT)
    assert got == [
        (2, 1, Kind.DEPTH, B | snap | int(Flag.CLEAR), 10, 5, 1),
        (2, 1, Kind.DEPTH, S | snap | L, 11, 6, 2),
        (3, 2, Kind.TRADE, B, 11, 4, 0),
        (3, 2, Kind.DEPTH, S | L, 11, 2, 2),
        (4, 3, Kind.GAP, 0, 0, 9, 0),
        (4, 3, Kind.DEPTH, B | L, 9, 7, 1),
    ]
    assert "1 action F" in recording.notes[0] and "6 records" in recording.notes[0]


def test_each_instrument_has_its_own_last_change(tmp_path: Path) -> None:
    path = tmp_path / "x.dbn"
    rows = [
        mbo(1, "A", "B", 1, 10, 5, 0, instrument=5),
        mbo(1, "A", "B", 2, 20, 6, 0, instrument=6),
        mbo(1, "T", "B", 0, 10, 1, 128, instrument=5),  # ends the message of 5 alone
        mbo(1, "A", "A", 3, 21, 7, 128, instrument=6),
    ]
    path.write_bytes(head() + b"".join(rows))
    recording = databento.read(path)
    events = recording.events()
    depth = events[events["kind"] == Kind.DEPTH]
    assert [(int(one["w2"]), bool(one["flags"] & L)) for one in depth] == [(1, True), (2, False), (3, True)]
    assert "publisher_id, channel_id, ts_in_delta have no place in an event" in recording.notes[1]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([ROWS[0][:-5]], "51 of 56 bytes"),
        ([ROWS[2], ROWS[0]], "never before"),
        ([ROWS[4]], "0 stand"),
        ([mbo(1, "Z", "B", 1, 1, 1, 128)], "action b'Z'"),
        ([ROWS[0][:1] + b"\x01" + ROWS[0][2:]], "type 1"),
    ],
)
def test_damage_is_refused_with_its_place(tmp_path: Path, rows: list[bytes], said: str) -> None:
    path = tmp_path / "x.dbn"
    path.write_bytes(head() + b"".join(rows))
    with pytest.raises(DataError, match=rf"x.dbn, (record|row) \d.*{said}"):
        databento.read(path).events()


def test_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.dbn"
    path.write_bytes(b"DBN\x09" + head()[4:])
    with pytest.raises(DataError, match="DBN version 9"):
        databento.read(path)


def test_ten_levels_are_snapshots(tmp_path: Path) -> None:
    rows = np.zeros(2, np.dtype(dbn.MBP10Msg._dtypes))
    rows["length"], rows["rtype"], rows["instrument_id"], rows["sequence"] = rows.dtype.itemsize // 4, 10, 5, [8, 9]
    rows["ts_event"], rows["ts_recv"], rows["flags"] = [1, 2], [2, 3], [0, 128]
    rows["action"], rows["side"], rows["price"], rows["size"] = [b"A", b"T"], b"B", 11 * 10**9, 3
    for name in rows.dtype.names or ():
        if "_px_" in name:
            rows[name] = 2**63 - 1
    rows["bid_px_00"], rows["bid_px_01"], rows["bid_sz_00"], rows["bid_sz_01"] = 10 * 10**9, 9 * 10**9, [4, 1], 6
    rows["ask_px_00"][0], rows["ask_sz_00"][0] = 11 * 10**9, 3  # taken by the trade, and nothing behind it
    path = tmp_path / "x.dbn"
    start = dbn.Metadata(
        dataset="X.Y", start=0, stype_in=dbn.SType.RAW_SYMBOL, stype_out=dbn.SType.INSTRUMENT_ID, schema=dbn.Schema.MBP_10
    ).encode()
    path.write_bytes(bytes(start) + rows.tobytes())
    found = databento.read(path).events()
    snap, clear = int(Flag.SNAPSHOT), int(Flag.CLEAR)
    assert [tuple(int(event[w]) for w in ("ts_local_ns", "kind", "flags", "w0", "w1", "w2", "w3", "w4")) for event in found] == [
        (2, Kind.DEPTH, snap | clear | B, 10, 4, 0, 0, 8),
        (2, Kind.DEPTH, snap | B, 9, 6, 0, 1, 8),
        (2, Kind.DEPTH, snap | S, 11, 3, 0, 0, 8),
        (3, Kind.TRADE, B, 11, 3, 0, 0, 9),
        (3, Kind.DEPTH, snap | clear | B, 10, 1, 0, 0, 9),
        (3, Kind.DEPTH, snap | B | L, 9, 6, 0, 1, 9),
    ]
    book, seen = OrderBook(), []
    for _ in book.messages(found):
        seen.append((book.bids(3), book.asks(3)))
    assert seen[-1] == ([(10, 1), (9, 6)], [])


def test_a_book_is_cleared(tmp_path: Path) -> None:
    path = tmp_path / "x.dbn"
    rows = [mbo(1, "A", "B", 1, 10, 5, 128), mbo(2, "R", "N", 0, 0, 0, 128), mbo(3, "A", "A", 2, 11, 6, 128)]
    path.write_bytes(head() + b"".join(rows))
    book, seen = OrderBook(), []
    for _ in book.messages(databento.read(path).events()):
        seen.append((book.bids(1), book.asks(1)) if book.is_known else None)
    assert seen == [None, ([], []), ([], [(11, 6)])]


def by_python(rows: list[tuple[str, int, int, int]]) -> tuple[list[int], list[bool]]:
    """Remaining lots and ends of messages of (action, order, size, flags), of one instrument, by a plain loop."""
    book: dict[int, int] = {}
    left, last, changed = [0] * len(rows), [False] * len(rows), -1
    for at, (action, order, size, flags) in enumerate(rows):
        if action in "AM":
            book[order] = left[at] = size
        elif action == "C":
            book[order] -= size
            left[at] = book[order]
        changed = at if action in "AMC" else changed
        if flags & 128 and changed >= 0:
            last[changed], changed = True, -1
    return left, last


@pytest.mark.parametrize("chunk", [57, 200, 1 << 22])
def test_many_interleaved_messages_in_chunks_of_any_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(databento, "_CHUNK_BYTES", chunk)
    draw = random.Random(4)
    told: dict[int, list[tuple[str, int, int, int]]] = {5: [], 6: [], 7: []}
    data, books = b"", {instrument: dict[int, int]() for instrument in told}
    for _ in range(900):
        instrument = draw.choice([5, 6, 7])
        book = books[instrument]
        action = draw.choice("AMCT") if book else "A"
        order = draw.choice(list(book)) if action in "MC" else draw.randint(1, 10**6)
        size = draw.randint(1, book[order]) if action == "C" else draw.randint(1, 9)
        if action in "AM":
            book[order] = size
        elif action == "C":
            book[order] -= size
            if not book[order]:
                del book[order]
        flags = draw.choice([0, 0, 128])
        told[instrument].append((action, order, size, flags))
        data += mbo(1, action, "B", order, 10, size, flags, instrument=instrument)
    path = tmp_path / "x.dbn"
    path.write_bytes(head() + data)
    found = databento.read(path).events()
    for at, instrument in enumerate(told):
        mine = found[(found["instrument"] == at) & (found["kind"] == Kind.DEPTH)]
        changes = [k for k, row in enumerate(told[instrument]) if row[0] != "T"]
        left, last = by_python(told[instrument])
        assert mine["w1"].tolist() == [left[k] for k in changes]
        assert ((mine["flags"] & L) > 0).tolist() == [last[k] for k in changes]


def test_a_file_without_ends_of_messages_is_refused_before_it_fills_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databento, "_CHUNK_BYTES", 560)
    monkeypatch.setattr(databento, "_MOST_MESSAGE_BYTES", 1120)
    path = tmp_path / "x.dbn"
    path.write_bytes(head() + b"".join(mbo(1, "A", "B", k, 10, 5, 0) for k in range(1, 60)))
    with pytest.raises(DataError, match=r"record 0: no message ends within 20 records; rule: .* flagged 128 \(F_LAST\)"):
        databento.read(path)


def definition(number: int, symbol: str, *, unit: str, quantity: int, factor: int, worth: int) -> bytes:
    """A future of ticks of 0.25; the rest in the file's own billionths."""
    return bytes(
        dbn.InstrumentDefMsg(
            1, number, 1, 2, 250_000_000, factor, symbol, "", "FUT", dbn.InstrumentClass.FUTURE, dbn.SecurityUpdateAction.ADD,
            unit_of_measure_qty=quantity, unit_of_measure=unit, min_price_increment_amount=worth, currency="USD", exchange="XCME",
        )
    )  # fmt: skip


def test_definitions_give_multipliers_that_are_confirmed(tmp_path: Path) -> None:
    path, terms = tmp_path / "x.dbn", tmp_path / "definitions.dbn"
    path.write_bytes(head() + b"".join(mbo(1, "A", "B", 1, 10, 5, 128, instrument=number) for number in (5, 6, 7, 8)))
    start = dbn.Metadata(
        dataset="X.Y", start=0, stype_in=dbn.SType.RAW_SYMBOL, stype_out=dbn.SType.INSTRUMENT_ID, schema=dbn.Schema.DEFINITION
    ).encode()
    rows = [
        definition(5, "POINTS", unit="IPNT", quantity=50 * 10**9, factor=10**7, worth=2**63 - 1),  # 50 an index point
        definition(6, "BARRELS", unit="BBL", quantity=1000 * 10**9, factor=10**9, worth=250 * 10**9),
        definition(7, "CENTS", unit="BU", quantity=5000 * 10**9, factor=10**9, worth=12_500_000_000),
    ]
    terms.write_bytes(bytes(start) + b"".join(rows))
    with pytest.raises(DataError, match=r"instrument 8 \(8\) is not in it; definitions=.* Give its tick: tick_size="):
        databento.read(path, definitions=terms)
    recording = databento.read(path, definitions=terms, tick_size="0.5")
    assert [(one.symbol, one.tick.size, one.multiplier) for one in recording.instruments] == [
        ("POINTS", 0.25, 50.0),
        ("BARRELS", 0.25, 1000.0),
        ("CENTS", 0.25, 1.0),
        ("8", 0.5, 1.0),
    ]
    assert recording.notes[2].startswith("CENTS: its multiplier is 5000 by unit_of_measure_qty in BU, 50 by the value of a tick")
    assert recording.notes[3] == "8 has no definition: its multiplier is 1 and its currency USD."


def test_real_orders_are_read_without_loss(shared: Path) -> None:
    recording = databento.read(shared / "05_l2_l3_books/nautilus_trader/databento/esh4-glbx-mdp3-20231225.mbo.dbn.zst")
    assert "29216 action A, 17999 action C, 6371 action F, 12233 action M, 2973 action T" in recording.notes[0]
    kinds = recording.events()["kind"]
    assert (kinds == Kind.DEPTH).sum() == 29216 + 17999 + 12233 and (kinds == Kind.TRADE).sum() == 2973


def test_definitions_give_the_tick(shared: Path) -> None:
    folder = shared / "04_l1_quotes_trades/nautilus_trader/databento/historical_bars_catalog/databento"
    recording = databento.read(
        folder / "futures_mbp-1_2024-07-01T23-58_2024-07-02T00-02.dbn.zst", definitions=folder / "futures_definition.dbn.zst"
    )
    assert [(one.symbol, one.tick.size, one.multiplier) for one in recording.instruments] == [("ESU4", 0.25, 50.0)]
    first = recording.events()[:2]
    assert first["w0"].tolist() == [22115, 22114] and first["w1"].tolist() == [2, 22115]  # 5528.75; 5528.50 against 5528.75


def test_options_of_variable_ticks_need_one(shared: Path) -> None:
    folder = shared / "06_options/nautilus_trader/databento/options_catalog/databento"
    path, definitions = folder / "options_bbo-1m_2024-05-09T09-55_2024-05-09T10-05.dbn.zst", folder / "options_definition.dbn.zst"
    with pytest.raises(DataError, match="has no min_price_increment there, as contracts of variable ticks.*tick_size="):
        databento.read(path, definitions=definitions)
    found = databento.read(path, definitions=definitions, tick_size="0.05").instruments
    assert {(one.multiplier, one.tick.size) for one in found} == {(50.0, 0.05)}
