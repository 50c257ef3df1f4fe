"""ITCH 5.0: a file made byte by byte from the published layouts."""

from __future__ import annotations

import datetime as dt
import gzip
import struct
from pathlib import Path

import pytest

from framework.data.formats import itch
from framework.errors import DataError
from framework.schema.event import Flag, Kind

DAY = dt.date(2024, 7, 1)
MIDNIGHT = 1_719_806_400 * 10**9  # 2024-07-01T04:00Z: New York is four hours behind in summer


def message(kind: str, since: int, body: bytes, locate: int = 7) -> bytes:
    text = kind.encode() + struct.pack(">HH", locate, 0) + since.to_bytes(6, "big") + body
    return struct.pack(">H", len(text)) + text


def directory(since: int = 0) -> bytes:
    return message("R", since, b"ACME    " + b"QN" + struct.pack(">I", 100) + b"NCZ PNN1N" + bytes(4) + b"N")


def add(since: int, ref: int, side: bytes, shares: int, price: int) -> bytes:
    return message("A", since, struct.pack(">QcI8sI", ref, side, shares, b"ACME    ", price))


DAY_FILE = (
    message("S", 0, b"O", 0)
    + directory(1)
    + message("H", 2, b"ACME    T " + b"    ")
    + add(3, 1, b"B", 100, 100_000)
    + message("F", 4, struct.pack(">QcI8sI4s", 2, b"S", 50, b"ACME    ", 100_100, b"MMID"))
    + message("E", 5, struct.pack(">QIQ", 1, 40, 900))
    + message("C", 6, struct.pack(">QIQcI", 2, 10, 901, b"Y", 100_050))
    + message("C", 7, struct.pack(">QIQcI", 2, 10, 902, b"N", 100_050))
    + message("X", 8, struct.pack(">QI", 1, 20))
    + message("U", 9, struct.pack(">QQII", 1, 3, 70, 99_900))
    + message("D", 10, struct.pack(">Q", 3))
    + message("P", 11, struct.pack(">QcI8sIQ", 0, b"B", 5, b"ACME    ", 100_070, 903))
    + message("Q", 12, struct.pack(">Q8sIQc", 500, b"ACME    ", 100_080, 904, b"C"))
    + message("H", 13, b"ACME    H " + b"T1  ")
)
B, S, L = int(Flag.BUY), int(Flag.SELL), int(Flag.LAST)
EXPECTED = [  # since midnight, kind, flags, w0..w3
    (2, Kind.HALT, 0, 0, 0, 0, 0),
    (3, Kind.DEPTH, B | L, 100_000, 100, 1, -1),
    (4, Kind.DEPTH, S | L, 100_100, 50, 2, -1),
    (5, Kind.TRADE, S, 100_000, 40, 900, 1),
    (5, Kind.DEPTH, B | L, 100_000, 60, 1, -1),
    (6, Kind.TRADE, B, 100_050, 10, 901, 2),
    (6, Kind.DEPTH, S | L, 100_100, 40, 2, -1),
    (7, Kind.DEPTH, S | L, 100_100, 30, 2, -1),
    (8, Kind.DEPTH, B | L, 100_000, 40, 1, -1),
    (9, Kind.DEPTH, B, 100_000, 0, 1, -1),
    (9, Kind.DEPTH, B | L, 99_900, 70, 3, -1),
    (10, Kind.DEPTH, B | L, 99_900, 0, 3, -1),
    (11, Kind.TRADE, 0, 100_070, 5, 903, 0),
    (12, Kind.TRADE, Flag.AUCTION, 100_080, 500, 904, 0),
    (13, Kind.HALT, 0, 1, 0, 0, 0),
]


@pytest.mark.parametrize("packed", [False, True])
def test_every_message_becomes_the_events_worked_out_by_hand(tmp_path: Path, packed: bool) -> None:
    path = tmp_path / ("day.itch.gz" if packed else "day.itch")
    path.write_bytes(gzip.compress(DAY_FILE) if packed else DAY_FILE)
    recording = itch.read(path, date=DAY)
    events = recording.events()
    words = ("ts_local_ns", "kind", "flags", "w0", "w1", "w2", "w3")
    assert [tuple(int(event[word]) for word in words) for event in events] == [(MIDNIGHT + row[0], *map(int, row[1:])) for row in EXPECTED]
    assert recording.instruments[0].symbol == "ACME" and recording.instruments[0].tick.denominator == 10_000
    assert "2 C, 1 D, 1 E, 1 F, 2 H, 1 P, 1 Q, 1 R, 1 S, 1 U, 1 X" in recording.notes[0]


def test_parts_of_any_size_give_the_same_events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "day.itch"
    path.write_bytes(DAY_FILE)
    whole = itch.read(path, date=DAY).events()
    monkeypatch.setattr(itch, "_CHUNK_BYTES", 17)
    assert itch.read(path, date=DAY).events().tobytes() == whole.tobytes()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (DAY_FILE[:-3], "ends inside a message"),
        (DAY_FILE + b"\x00\x0cz" + bytes(11), "message 'z' of 12 bytes"),
        (b"\x00\x0bS" + bytes(10), "message 'S' of 11 bytes"),
        (directory(9) + add(8, 1, b"B", 1, 1), "no stamp is before"),
        (directory() + message("D", 1, struct.pack(">Q", 5)), "added before it is changed"),
        (directory() + add(1, 1, b"B", 5, 1) + message("X", 2, struct.pack(">QI", 1, 6)), "no more is taken"),
        (directory() + add(1, 1, b"B", 5, 1) * 2, "used once"),
        (add(1, 1, b"B", 5, 1), "in the directory"),
        (directory() + add(1, 1, b"Z", 5, 1), "a side is B or S"),
    ],
)
def test_damage_is_refused_with_its_place(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "bad.itch"
    path.write_bytes(data)
    with pytest.raises(DataError, match=rf"bad.itch, byte \d+.*{said}"):
        itch.read(path, date=DAY).events()


def test_an_unknown_symbol_names_the_known(tmp_path: Path) -> None:
    path = tmp_path / "day.itch"
    path.write_bytes(DAY_FILE)
    with pytest.raises(DataError, match="ACME"):
        itch.read(path, date=DAY, symbols=["ACM"])


def test_the_public_sample(shared: Path) -> None:
    recording = itch.read(shared / "05_l2_l3_books/ITCH-Parser/sample.itch", date=DAY)
    assert "3 H, 993 R, 1 S, 3 Y" in recording.notes[0]
    assert len(recording.instruments) == 993
    assert recording.events()["kind"].tolist() == [int(Kind.HALT)] * 3
