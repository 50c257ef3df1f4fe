"""Seeded damage to the bytes of a file: what disks, transfers, editors and other programs do to it."""

from __future__ import annotations

import random
from collections.abc import Callable

Change = Callable[[bytes, random.Random], bytes]

WORDS = (
    *(b"", b"0", b"-1", b"nan", b"inf", b"-inf", b"NULL", b"None", b"true", b"False", b"abc", b"1e300", b"1e-300", b"1e999999999"),
    *(b"9223372036854775807", b"9223372036854775808", b"-9223372036854775808", b"99999999999999999999999999", b"1_000", b"1,5", b"0x1F"),
    *(b"2020-01-01", b"0001-01-01T00:00Z", b"9999-12-31T23:59Z", b"1677-01-01", b"'", b'"', b"\0", b"\xff\xfe", b"\xd9\xa1", b"[]", b"{}"),
    *(b"[" * 5000, b"9" * 5000, b" ", b"\t", b"NaT", b"1.0", b"1/0", b"buy", b"\xc2\xa05"),
)
"""What may come to stand in the place of a field."""


def _at(data: bytes, draw: random.Random) -> int:
    return draw.randrange(len(data)) if data else 0


def flipped_bit(data: bytes, draw: random.Random) -> bytes:
    at = _at(data, draw)
    return data[:at] + bytes(byte ^ 1 << draw.randrange(8) for byte in data[at : at + 1]) + data[at + 1 :]


def other_byte(data: bytes, draw: random.Random) -> bytes:
    at = _at(data, draw)
    return data[:at] + bytes([draw.randrange(256)]) + data[at + 1 :]


def some_other_bytes(data: bytes, draw: random.Random) -> bytes:
    for _ in range(draw.randint(2, 12)):
        data = other_byte(data, draw)
    return data


def cut(data: bytes, draw: random.Random) -> bytes:
    return data[: _at(data, draw)]


def cut_at_the_front(data: bytes, draw: random.Random) -> bytes:
    return data[_at(data, draw) :]


def removed(data: bytes, draw: random.Random) -> bytes:
    at = _at(data, draw)
    return data[:at] + data[at + draw.randint(1, 20) :]


def inserted(data: bytes, draw: random.Random) -> bytes:
    at = _at(data, draw)
    return data[:at] + draw.randbytes(draw.randint(1, 8)) + data[at:]


def repeated(data: bytes, draw: random.Random) -> bytes:
    at = _at(data, draw)
    return data[:at] + data[at : at + draw.randint(1, 64)] + data[at:]


def zeroed(data: bytes, draw: random.Random) -> bytes:
    at, size = _at(data, draw), draw.randint(1, 64)
    return data[:at] + bytes(min(size, len(data) - at)) + data[at + size :]


def followed_by_more(data: bytes, draw: random.Random) -> bytes:
    return data + draw.choice([b"\n", b"\0" * 16, b"garbage", data])


def empty(data: bytes, draw: random.Random) -> bytes:
    return draw.choice([b"", b"\n", b"\0", b" "])


def _lines(data: bytes, change: Callable[[list[bytes]], None]) -> bytes:
    lines = data.split(b"\n")
    change(lines)
    return b"\n".join(lines)


def swapped_lines(data: bytes, draw: random.Random) -> bytes:
    def change(lines: list[bytes]) -> None:
        a, b = (draw.randrange(len(lines)) for _ in range(2))
        lines[a], lines[b] = lines[b], lines[a]

    return _lines(data, change)


def repeated_line(data: bytes, draw: random.Random) -> bytes:
    def change(lines: list[bytes]) -> None:
        at = draw.randrange(len(lines))
        lines.insert(at, lines[at])

    return _lines(data, change)


def lost_line(data: bytes, draw: random.Random) -> bytes:
    return _lines(data, lambda lines: lines.pop(draw.randrange(len(lines))) and None)


def _field(data: bytes, draw: random.Random, change: Callable[[list[bytes], int], None]) -> bytes:
    def line(lines: list[bytes]) -> None:
        at = draw.randrange(len(lines))
        fields = lines[at].split(b",")
        change(fields, draw.randrange(len(fields)))
        lines[at] = b",".join(fields)

    return _lines(data, line)


def other_field(data: bytes, draw: random.Random) -> bytes:
    def change(fields: list[bytes], at: int) -> None:
        fields[at] = draw.choice(WORDS)

    return _field(data, draw, change)


def quoted_other_field(data: bytes, draw: random.Random) -> bytes:
    """Between the quotes or the colon and the comma of JSON, where it is."""
    at = data.find(b":", _at(data, draw)) + 1
    end = min((found for found in (data.find(sign, at) for sign in (b",", b"}", b"]")) if found >= 0), default=at)
    word = draw.choice(WORDS)
    return data[:at] + draw.choice([word, b'"' + word + b'"']) + data[end:]


def swapped_columns(data: bytes, draw: random.Random) -> bytes:
    a, b = draw.randrange(6), draw.randrange(6)

    def change(lines: list[bytes]) -> None:
        for at, line in enumerate(lines):
            fields = line.split(b",")
            if max(a, b) < len(fields):
                fields[a], fields[b] = fields[b], fields[a]
                lines[at] = b",".join(fields)

    return _lines(data, change)


def lost_field(data: bytes, draw: random.Random) -> bytes:
    return _field(data, draw, lambda fields, at: fields.pop(at) and None)


def other_header(data: bytes, draw: random.Random) -> bytes:
    head, _, rest = data.partition(b"\n")
    return draw.choice([head.upper(), head[::-1], head[: len(head) // 2], b"", draw.choice(WORDS), other_byte(head, draw)]) + b"\n" + rest


def other_encoding(data: bytes, draw: random.Random) -> bytes:
    text = data.decode("latin-1")
    return draw.choice(
        [text.encode("utf-16"), b"\xef\xbb\xbf" + data, text.encode("utf-16-be"), data.replace(b"\n", b"\r\n"), data + b"\x1a"]
    )


BYTES: tuple[Change, ...] = (
    *(flipped_bit, other_byte, some_other_bytes, cut, cut_at_the_front, removed, inserted, repeated, zeroed, followed_by_more, empty),
)
TEXT: tuple[Change, ...] = (
    *BYTES,
    *(swapped_lines, repeated_line, lost_line, other_field, other_field, other_field, quoted_other_field, swapped_columns, lost_field),
    *(other_header, other_encoding),
)
