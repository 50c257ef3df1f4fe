"""Kraken captures, by hand and real: there the venue's own checksums say whether the book is right."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import pytest

from framework.data.formats import kraken
from framework.data.series.book_replay import OrderBook, check_books
from framework.errors import DataError
from framework.schema.event import Flag, Kind

BUY, SELL, LAST = int(Flag.BUY), int(Flag.SELL), int(Flag.LAST)
AT = "1618678133.500001"
BOOK = {"as": [["0.0502", "3.0", AT], ["0.0503", "4.0", AT]], "bs": [["0.0501", "1.0", AT], ["0.0499", "2.0", AT]]}


def book(*bodies: dict[str, Any]) -> list[Any]:
    return [1, *bodies, "book-2", "A/B"]


def written(folder: Path, messages: list[Any]) -> Path:
    path = folder / "capture"
    path.write_text("".join(f"{1618678134 + k}.25: {json.dumps(message)}\n" for k, message in enumerate(messages)))
    return path


# offers 0.0502 x 3.5 and 0.0503 x 4.0, then bids 0.0501 x 1.0 and 0.0500 x 7.0, without points and leading zeros
TEXT = "502" + "35" + "503" + "40" + "501" + "10" + "500" + "70"
UPDATE = book({"a": [["0.0502", "3.5", AT]]}, {"b": [["0.0500", "7.0", AT]], "c": str(zlib.crc32(TEXT.encode()))})


def test_a_book_keeps_its_depth_and_its_checksum(tmp_path: Path) -> None:
    recording = kraken.read(written(tmp_path, [{"event": "heartbeat"}, book(BOOK), UPDATE]))
    found = recording.events()
    rows = [tuple(int(row[name]) for name in ("kind", "flags", "w0", "w1")) for row in found[4:]]
    assert rows == [
        (Kind.DEPTH, BUY, 500, 70),
        (Kind.DEPTH, BUY, 499, 0),  # out of a book of two levels
        (Kind.DEPTH, SELL | LAST, 502, 35),
    ]
    assert int(found["ts_venue_ns"][-1]) == 1618678133_500001000
    assert any("checksums that the book gives (1)" in note for note in recording.notes)


def test_a_checksum_that_differs_is_a_gap_until_the_next_snapshot(tmp_path: Path) -> None:
    wrong = book({"b": [["0.0500", "7.5", AT]], "c": "1"})
    recording = kraken.read(written(tmp_path, [book(BOOK), wrong, UPDATE, book(BOOK), UPDATE]))
    found, one = recording.events(), OrderBook()
    assert [one.is_known for _ in one.messages(found)] == [True, True, False, False, True, True]
    [gap] = found[found["kind"] == Kind.GAP]
    text = "502" + "30" + "503" + "40" + "501" + "10" + "500" + "75"
    assert (int(gap["w0"]), int(gap["w1"])) == (1, zlib.crc32(text.encode()))


def test_trades(tmp_path: Path) -> None:
    trades = [["0.05", "2.0", AT, "b", "m", ""], ["0.06", "1.5", AT, "s", "l", ""]]
    found = kraken.read(written(tmp_path, [[7, trades, "trade", "A/B"]])).events()
    rows = [tuple(int(row[name]) for name in ("kind", "flags", "w0", "w1")) for row in found]
    assert rows == [(Kind.TRADE, BUY, 5, 20), (Kind.TRADE, SELL, 6, 15)]
    with pytest.raises(DataError, match="capture, line 1: side 'x'"):
        kraken.read(written(tmp_path, [[7, [["0.05", "2.0", AT, "x", "m", ""]], "trade", "A/B"]]))


def test_every_checksum_of_a_real_capture_holds(shared: Path) -> None:
    room = shared / "05_l2_l3_books" / "cryptofeed"
    recording = kraken.read([room / "KRAKEN.ws.48.0", room / "KRAKEN.ws.50.0.gz"])
    checks = check_books(recording)
    assert len(checks) == 10
    assert {(check.unknown, check.gaps, check.crossed) for check in checks} == {(0, 0, 0)}
    assert any("checksums that the book gives (4269)" in note for note in recording.notes)
