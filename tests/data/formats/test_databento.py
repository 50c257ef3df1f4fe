"""DBN: files made here record by record, and real ones against what the library itself decodes."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from framework.data.formats import databento
from framework.errors import DataError
from framework.schema.event import Flag, Kind

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
    assert recording.instruments[0].tick.size == 0.25
    first = recording.events()[:2]
    assert first["w0"].tolist() == [22115, 22114] and first["w1"].tolist() == [2, 22115]  # 5528.75; 5528.50 against 5528.75
