"""Captures as files: cut short, damaged, out of order, not JSON."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import pytest

from framework.data.formats import binance, lines
from framework.errors import DataError

ROWS = "".join(
    f'17000000000{k:02}000000 {{"u":{k},"s":"ABC","b":"1.{k:02}","B":"{k + 1}","a":"2.5","A":"{k * 7 + 1}"}}\n' for k in range(50)
)


def place(folder: Path, data: bytes | str, name: str = "x.gz") -> Path:
    (folder / name).write_bytes(data.encode() if isinstance(data, str) else data)
    return folder / name


def test_lines_of_both_writers(tmp_path: Path) -> None:
    text = (
        "wss://x <-> 1633998511.159679\nwss://x <- 1633998511.2: {}\n1633998512.0633569: [1]\n\n"
        'https://x/depth?symbol=A -> 1633998513: {"a":1}\nconfiguration: {}\n'
    )
    found = list(lines.lines(place(tmp_path, text), "refuse", Counter()))
    assert [(line.stamp_ns, line.number, line.url, line.message) for line in found] == [
        (1633998512_063356900, 3, "", [1]),
        (1633998513_000000000, 5, "https://x/depth?symbol=A", {"a": 1}),
    ]
    [line] = lines.lines(place(tmp_path, '1723161256172216566 {"a":1}'), "refuse", Counter())
    assert line.stamp_ns == 1723161256172216566


def test_several_gzip_members_are_one_file(tmp_path: Path) -> None:
    halves = gzip.compress(ROWS[:1000].encode()) + gzip.compress(ROWS[1000:].encode())
    assert len(binance.read(place(tmp_path, halves)).events()) == 50


def test_a_gzip_stream_cut_short(tmp_path: Path) -> None:
    path = place(tmp_path, gzip.compress(ROWS.encode())[:-60])
    with pytest.raises(DataError, match=r'x.gz, line \d+: the gzip stream ends here.*truncated="allow"'):
        binance.read(path)
    recording = binance.read(path, truncated="allow")
    found = len(recording.events())
    assert 10 < found < 50
    assert any(f"x.gz is cut short in line {found + 1}, which was left out" in note for note in recording.notes)
    with pytest.raises(DataError, match="truncated='maybe' is unknown"):
        binance.read(path, truncated="maybe")  # type: ignore[arg-type]


def test_a_damaged_gzip_stream(tmp_path: Path) -> None:
    data = bytearray(gzip.compress(ROWS.encode()))
    data[-6] ^= 1  # the checksum
    with pytest.raises(DataError, match=r"x.gz, before byte \d+: not a whole gzip stream: Error -3"):
        binance.read(place(tmp_path, bytes(data)), truncated="allow")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"u":7,', '"u":7', r"x, line 8: not JSON: "),
        ("1700000000007", "17000000000x7", r"x, line 8: b'17000000000x7.*; rule: a line is a local stamp and a message"),
        ("1700000000007", "1700000000005", r"x, line 8: local stamp 1700000000005000000 is before the 1700000000006000000"),
        ('"u":7,"s":"ABC"', '"u":7', r"x, line 8: KeyError 's'"),
        ('"b":"1.07"', '"b":{}', r"x, line 8: \{\}; rule: price is a number"),
    ],
)
def test_bad_lines_are_named_by_their_number(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        binance.read(place(tmp_path, ROWS.replace(old, new), "x"))


def test_a_last_line_that_ends_in_the_middle(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="x, line 50: not JSON"):
        binance.read(place(tmp_path, ROWS[:-9], "x"))


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        binance.read(tmp_path / "none")
